import Foundation
import TestSupport
import Testing

/// What the real programs on the other side make of the user-data.
@Suite("The programs that k3seed writes for") struct ContractTests {
  private static let program = Tool.root.appendingPathComponent("Tests/ContractTests/payloads.py").path

  private func findings(_ payloads: [Payload], _ arguments: [String] = []) async throws -> [String: [String]]
  {
    let input = Dictionary(
      uniqueKeysWithValues: payloads.map { ($0.name, Data($0.bytes).base64EncodedString()) })
    let outcome = try await Tool.run(
      ["python3", Self.program] + arguments, input: Array(JSONSerialization.data(withJSONObject: input)))
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: [String]] ?? [:]
  }

  @Test(
    "cloud-init's own schema accepts every payload",
    .enabled(if: Tool.has("cloud-init"), "cloud-init is not here"))
  func cloudInit() async throws {
    try await withTemporaryDirectory { folder in
      for payload in try await Payload.all.value {
        let file = folder.appendingPathComponent("user-data").path
        try Data(payload.bytes).write(to: URL(fileURLWithPath: file))
        let outcome = try await Tool.run(["cloud-init", "schema", "--config-file", file])
        #expect(
          outcome.status == 0 && outcome.text.contains("Valid"),
          "\(payload.name): \(outcome.text)\(outcome.errors)")
      }
      // It does refuse: a key that write_files does not have.
      let wrong = folder.appendingPathComponent("wrong").path
      try Data("#cloud-config\nwrite_files:\n- {path: /a, contents: b}\n".utf8).write(
        to: URL(fileURLWithPath: wrong))
      #expect(try await Tool.run(["cloud-init", "schema", "--config-file", wrong]).status != 0)
    }
  }

  @Test(
    "Every Kubernetes object is one by the strict schemas",
    .enabled(if: hasPython, "there is no .venv; run make setup"))
  func objects() async throws {
    let payloads = try await Payload.all.value
    let findings = try await findings(payloads)
    #expect(findings.count == payloads.count)
    for (name, found) in findings { #expect(found == [], "\(name)") }
    // It does refuse: an unknown field of a Namespace, a file twice.
    let server = try #require(payloads.first { $0.name == "literal/server" })
    let text = String(decoding: server.bytes, as: UTF8.self)
    let spoilt = text.replacing("metadata:\n        name: argocd\n", with: "metadata:\n        nam: argocd\n")
    #expect(spoilt != text)
    let wrong = try await self.findings([Payload(name: "spoilt", bytes: Array(spoilt.utf8))])
    #expect(wrong["spoilt"]?.count == 1, "\(wrong)")
  }

  @Test(
    "The Application and the HelmChart are such by the definitions of Argo CD and K3s",
    .enabled(if: hasPython && definitions != nil, "there is no .venv, or K3SEED_LAB_CACHE has no CRDs"))
  func customObjects() async throws {
    let folder = try #require(definitions)
    let payloads = try await Payload.all.value
    for (name, found) in try await findings(payloads, [folder]) { #expect(found == [], "\(name)") }
    let server = try #require(payloads.first { $0.name == "literal/server" })
    let text = String(decoding: server.bytes, as: UTF8.self)
    for (old, new) in [
      ("selfHeal: true", "selfHeal: 'true'"), ("targetRevision:", "targetRevison:"),
      ("targetNamespace:", "namespace:"),
      ("chart: argo-cd", "chart: 7"),
    ] {
      #expect(text.contains(old))
      let spoilt = Payload(name: "spoilt", bytes: Array(text.replacing(old, with: new).utf8))
      #expect(try await findings([spoilt], [folder])["spoilt"]?.isEmpty == false, "\(new)")
    }
  }

  @Test(
    "shellcheck finds nothing in any script",
    .enabled(if: Tool.has("shellcheck"), "shellcheck is not installed"))
  func scripts() async throws {
    var scripts: Set<[UInt8]> = []
    for payload in try await Payload.all.value {
      let found = try await payload.files().values.filter { $0.starts(with: Array("#!/bin/".utf8)) }
      #expect(!found.isEmpty, "\(payload.name)")
      scripts.formUnion(found)
    }
    for script in scripts {
      // What sources the environment file cannot be followed here, nor what only splits lists at their
      // spaces, sets a variable by its name, or writes a script itself, be told: those remarks are in the source,
      // whose comments stay behind.
      let outcome = try await Tool.run(
        ["shellcheck", "--exclude=SC1091,SC2016,SC2034,SC2086,SC2154", "-"], input: script)
      #expect(outcome.status == 0, "\(outcome.text)")
      #expect(try await Tool.run(["bash", "-n"], input: script).status == 0)
    }
  }

  @Test("systemd accepts every unit", .enabled(if: Tool.has("systemd-analyze"), "systemd is not installed"))
  func units() async throws {
    var units: Set<[UInt8]> = []
    for payload in try await Payload.all.value {
      units.formUnion(try await payload.files().filter { $0.key.hasPrefix("/etc/systemd/system/") }.values)
    }
    #expect(!units.isEmpty)
    for unit in units {
      try await withTemporaryDirectory { folder in
        // The program that it starts is not on this machine.
        let text = String(decoding: unit, as: UTF8.self)
          .replacing("/usr/local/sbin/k3seed-bootstrap", with: "/bin/true")
        let file = folder.appendingPathComponent("k3seed-bootstrap.service")
        try Data(text.utf8).write(to: file)
        let outcome = try await Tool.run(["systemd-analyze", "verify", file.path])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      }
    }
  }

  @Test(
    "kubectl kustomize makes Secrets of the very bytes of the files",
    .enabled(if: Tool.has("kubectl"), "kubectl is not installed"))
  func kustomize() async throws {
    for payload in try await Payload.all.value {
      let files = try await payload.files()
      guard files["/var/lib/k3seed/kustomization.yaml"] != nil else { continue }
      try await withTemporaryDirectory { folder in
        var secrets: [String: [UInt8]] = [:]
        for (path, content) in files {
          guard path.hasPrefix("/var/lib/k3seed/") else { continue }
          let name = String(path.dropFirst("/var/lib/k3seed/".count))
          let file = folder.appendingPathComponent(name)
          try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
          try Data(content).write(to: file)
          if name.hasPrefix("secrets/") { secrets[String(name.dropFirst("secrets/".count))] = content }
        }
        // Secrets that this version cannot fetch: any bytes stand in for them, those of no text among them.
        for name in ["cloudflare_api_token", "git_pat", "argocd_admin_password_hash"]
        where payload.name == "oci-vault/server" {
          let content = Array("\(name)\n\0\u{85}".utf8) + [0xFF, 0x0D]
          let file = folder.appendingPathComponent("secrets/\(name)")
          try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
          try Data(content).write(to: file)
          secrets[name] = content
        }
        let outcome = try await Tool.run(
          ["kubectl", "kustomize", folder.path], environment: ["HOME": folder.path])
        try #require(outcome.status == 0, "\(payload.name): \(outcome.errors)")
        let objects = try await self.objects(outcome.output)
        let namespaces = objects.filter { $0["kind"] as? String == "Namespace" }.compactMap(name)
        #expect(namespaces.sorted() == ["argocd", "cert-manager", "external-dns"], "\(payload.name)")
        var used: Set<String> = []
        for object in objects where object["kind"] as? String == "Secret" {
          #expect(namespaces.contains(namespace(object) ?? ""))
          let data = object["data"] as? [String: String] ?? [:]
          for (key, input) in Self.inputs where data[key] != nil {
            let value = Self.decoded(data[key]).map(Array.init)
            #expect(value == secrets[input], "\(payload.name): \(key)")
            used.insert(input)
          }
        }
        let joins: Set = ["k3s_token", "k3s_agent_token"]
        #expect(used == Set(secrets.keys).subtracting(joins), "\(payload.name)")
        let cloudflare = objects.filter { object in
          (object["data"] as? [String: String])?.keys.contains { ["api-token", "token.value"].contains($0) }
            == true
        }
        #expect(cloudflare.compactMap(namespace).sorted() == ["cert-manager", "external-dns"])
        // Argo CD finds a repository by its label, and reads what is no secret from the same object.
        for object in objects where name(object) == "argocd-root-repository" {
          let data = (object["data"] as? [String: String] ?? [:]).compactMapValues(Self.decoded)
          let metadata = object["metadata"] as? [String: Any]
          #expect(
            (metadata?["labels"] as? [String: String])?["argocd.argoproj.io/secret-type"] == "repository")
          #expect(data["type"] == Data("git".utf8))
          let url = String(decoding: data["url"] ?? Data(), as: UTF8.self)
          let root = String(
            decoding: files["/var/lib/k3seed/manifests/argocd-root.yaml"] ?? [], as: UTF8.self)
          #expect(!url.isEmpty && root.contains("repoURL: \(url)\n"))
        }
      }
    }
  }

  /// The keys of the Secrets that hold an input.
  private static let inputs = [
    "api-token": "cloudflare_api_token", "token.value": "cloudflare_api_token", "password": "git_pat",
    "sshPrivateKey": "git_ssh_private_key", "admin.password": "argocd_admin_password_hash",
    "webhook.github.secret": "github_webhook_secret",
  ]

  /// kustomize breaks long base64 into lines, which Kubernetes reads over.
  private static func decoded(_ base64: String?) -> Data? {
    base64.flatMap { Data(base64Encoded: $0, options: .ignoreUnknownCharacters) }
  }

  private func name(_ object: [String: Any]) -> String? {
    (object["metadata"] as? [String: Any])?["name"] as? String
  }

  private func namespace(_ object: [String: Any]) -> String? {
    (object["metadata"] as? [String: Any])?["namespace"] as? String
  }

  private func objects(_ yaml: [UInt8]) async throws -> [[String: Any]] {
    let program = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin.buffer)), sys.stdout)"
    let outcome = try await Tool.run(["python3", "-c", program], input: yaml)
    return try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [[String: Any]] ?? []
  }

  @Test(
    "Real shells read the environment file back value by value",
    arguments: ["bash", "dash", "sh"].filter(Tool.has))
  func environment(shell: String) async throws {
    for payload in try await Payload.all.value {
      let files = try await payload.files()
      let file = try #require(files["/etc/k3seed/bootstrap.env"])
      let names = String(decoding: file, as: UTF8.self).split(separator: "\n").compactMap {
        $0.split(separator: "=").first.map(String.init)
      }
      #expect(names.count > 10 && Set(names).count == names.count)
      try await withTemporaryDirectory { folder in
        let path = folder.appendingPathComponent("bootstrap.env").path
        try Data(file).write(to: URL(fileURLWithPath: path))
        let script = ". \"$0\"; for name; do eval \"printf '%s=%s\\\\n' $name \\\"\\$$name\\\"\"; done"
        let outcome = try await Tool.run([shell, "-euc", script, path] + names, environment: ["PATH": ""])
        let values = Dictionary(
          uniqueKeysWithValues: outcome.text.split(separator: "\n").map { line in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), String(parts[1]))
          })
        #expect(outcome.status == 0 && values.count == names.count, "\(outcome.errors)")
        // The plan says the same, in JSON.
        let plan =
          try JSONSerialization.jsonObject(with: Data(files["/etc/k3seed/plan.json"] ?? [])) as? [String: Any]
        #expect(values["K3SEED_ROLE"] == plan?["role"] as? String)
        #expect(values["K3SEED_NODE_NAME"] == plan?["node"] as? String ?? "")
        #expect(values["K3S_VERSION"] == plan?["k3s_version"] as? String)
        #expect(values["K3SEED_SEED"] == (plan?["seeds"] == nil ? "no" : "yes"))
        let secrets = files.keys.filter { $0.hasPrefix("/var/lib/k3seed/secrets/") }
          .map { String($0.dropFirst("/var/lib/k3seed/secrets/".count)) }.sorted()
        #expect(values["K3SEED_SECRETS"] == secrets.joined(separator: " "), "\(payload.name)")
      }
    }
  }
}
