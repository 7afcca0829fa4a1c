import Foundation
import TestSupport
import Testing

@Suite("No secret is shown") struct CanaryTests {
  static let key = Canary("key", awkward: false)
  static let hash = Canary("hash", awkward: false)

  static let canaries: [(name: String, canary: Canary)] = [
    ("cloudflare_api_token", Canary("cloudflare")), ("k3s_token", Canary("k3s")),
    ("k3s_agent_token", Canary("agent")), ("git_pat", Canary("pat")),
    ("argocd_admin_password", Canary("password")),
    (
      "git_ssh_private_key",
      Canary(
        value:
          "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA\(key.value)\n-----END OPENSSH PRIVATE KEY-----\n",
        core: key.value)
    ),
    (
      "argocd_admin_password_hash",
      Canary(value: "$2b$10$" + hash.value + String(repeating: "e", count: 29), core: hash.value)
    ),
  ]

  /// Two projects that together use every secret: with a token and a password, and with a key and a hash.
  static var projects: [[String: Any]] {
    [
      ["cloudflare_api_token", "k3s_token", "k3s_agent_token", "git_pat", "argocd_admin_password"],
      ["cloudflare_api_token", "k3s_token", "git_ssh_private_key", "argocd_admin_password_hash"],
    ].map { names in
      var project: [String: Any] = [
        "git_repo_url": names.contains("git_pat")
          ? "https://git.example.net/a.git" : "git@git.example.net:a.git",
        "platform": "nocloud",
        "nodes": threeNodesDocument, "first_server": "a",
      ]
      for (name, canary) in canaries where names.contains(name) { project[name] = canary.value }
      return project
    }
  }

  private func expectNoTrace(
    _ outcome: Tool.Outcome, _ what: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for (name, canary) in Self.canaries {
      #expect(canary.trace(in: outcome) == nil, "\(name) in \(what)", sourceLocation: sourceLocation)
    }
  }

  @Test("The test itself finds a secret in user-data, plain and in base64", arguments: 0..<2)
  func detector(index: Int) async throws {
    let project = Self.projects[index]
    for encoding in ["plain", "base64"] {
      let outcome = try await Tool.k3seed(
        ["render", "--node", "a", "--encoding", encoding], input: json(project))
      #expect(outcome.status == 0, "\(outcome.errors)")
      for (name, canary) in Self.canaries where project[name] != nil && name != "argocd_admin_password" {
        #expect(canary.trace(in: outcome.output) != nil, "\(name), \(encoding)")
      }
    }
    #expect(Canary("x").trace(in: Array("nothing of it".utf8)) == nil)
  }

  @Test("A password in the clear is in nothing that the program writes, nor in user-data")
  func password() async throws {
    let outcome = try await Tool.k3seed(["render", "--node", "a"], input: json(Self.projects[0]))
    let canary = try #require(Self.canaries.first { $0.name == "argocd_admin_password" }?.canary)
    #expect(outcome.text.contains("$2a$10$") && canary.trace(in: outcome) == nil)
  }

  @Test("preview shows fingerprints", arguments: 0..<2, ["a", "b", "w"])
  func preview(index: Int, node: String) async throws {
    let project = Self.projects[index]
    let expected = [
      [
        "a": [
          "argocd_admin_password_hash", "cloudflare_api_token", "git_pat", "k3s_agent_token", "k3s_token",
        ],
        "b": ["k3s_agent_token", "k3s_token"], "w": ["k3s_agent_token"],
      ],
      [
        "a": ["argocd_admin_password_hash", "cloudflare_api_token", "git_ssh_private_key", "k3s_token"],
        "b": ["k3s_token"], "w": ["k3s_token"],
      ],
    ][index][node]
    for style in [[], ["--json"], ["--html", "-"]] {
      let outcome = try await Tool.k3seed(["preview", "--node", node] + style, input: json(project))
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      expectNoTrace(outcome, "preview \(style)")
      let shown = Set(
        outcome.text.matches(of: /secret:([a-z0-9_]+)(#[0-9a-f]{6})?/).map { String($0.output.1) })
      #expect(shown.sorted() == expected)
      // The same fingerprints every time, so that two previews compare.
      #expect(
        try await Tool.k3seed(["preview", "--node", node] + style, input: json(project)).output
          == outcome.output)
    }
  }

  @Test(
    "gitops check shows no secret, of the inputs or of the repository",
    arguments: ["text", "json", "sarif", "junit", "github"])
  func gitOps(format: String) async throws {
    try await withTemporaryDirectory { folder in
      let application = """
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        metadata: {name: external-dns, namespace: argocd}
        spec:
          source:
            repoURL: https://kubernetes-sigs.github.io/external-dns/
            chart: external-dns
            targetRevision: 1.21.1
            helm: {valuesObject: {env: [{name: CF_API_TOKEN, value: \(json(Self.canaries[0].canary.value))}]}}

        """
      _ = try folder["apps.yaml"].holding(application)
      var secret: [String: Any] = ["apiVersion": "v1", "kind": "Secret", "metadata": ["name": "a"]]
      secret["stringData"] = Dictionary(
        uniqueKeysWithValues: Self.canaries.map { ($0.name, $0.canary.value) })
      _ = try folder["secret.yaml"].holding(json(secret))
      _ = try folder["broken.yaml"].holding("a: b\n\t\(Self.canaries[1].canary.value)")
      for (name, canary) in Self.canaries {
        _ = try folder["\(name).txt"].holding("ghp_\(canary.value)\n\(canary.value)")
      }
      let input = try folder["outputs.json"].holding(json(Self.projects[0]))
      let outcome = try await Tool.k3seed([
        "gitops", "check", folder.path, "--input", input.path, "--format", format,
      ])
      #expect(outcome.status == 1 && outcome.text.contains("committed-secret"), "\(outcome.errors)")
      expectNoTrace(outcome, "gitops check --format \(format)")
    }
  }

  @Test(
    "validate shows no secret, of the inputs, of user-data or of templates",
    arguments: ["text", "json", "sarif", "junit", "github"])
  func validate(format: String) async throws {
    try await withTemporaryDirectory { folder in
      let values = Self.canaries.map(\.canary.value)
      var wrong = Self.projects[0]
      wrong["cloudflare_api_token"] = "cfk_" + values[0]
      let userData = """
        #cloud-config
        password: \(json(values[0]))
        ssh_authorized_keys: [\(json(values[1]))]
        write_files:
        - {path: /a, permissions: \(json(values[2])), content: \(json("#!/bin/sh\nif true; then\n" + values[3]))}
        ntp: {enabled: \(json(values[4]))}
        runcmd: [\(json("curl -u a:\(Self.key.value) https://x.example.net | sh"))]
        """
      let files = [
        "outputs.json": json(Self.projects[0]), "wrong.json": json(wrong), "user-data.yaml": userData,
        "k3seed.yaml": "git_pat: \(json(values[3]))\n",
        "archive.yaml":
          "#cloud-config-archive\n- \(json("#cloud-config\npassword: \(json(values[0]))\nfoo: x"))\n",
        "script.sh": "#!/bin/sh\nexport API_TOKEN=\(Self.key.value)\ncd \"$API_TOKEN && id\n",
      ]
      for (name, text) in files { _ = try folder[name].holding(text) }
      try FileManager.default.createDirectory(
        at: folder["mine/cloud-init"], withIntermediateDirectories: true)
      _ = try folder["mine/cloud-init/runcmd.yaml"].holding("- [mysql, -p\(Self.key.value), !value nope]\n")
      let outcome = try await Tool.k3seed(
        ["validate", "--templates", "mine", "--format", format] + files.keys.sorted(), directory: folder.path)
      #expect(outcome.status == 1, "\(outcome.errors)")
      for code in ["input-value", "secret-in-config", "plain-secret", "unknown-key", "curl-pipe-shell"] {
        #expect(outcome.text.contains(code), "\(code): \(outcome.text)")
      }
      expectNoTrace(outcome, "validate --format \(format)")
    }
  }

  @Test("Fingerprints tell different values apart")
  func fingerprints() async throws {
    func fingerprint(_ token: String) async throws -> Substring? {
      var project = Self.projects[0]
      project["cloudflare_api_token"] = token
      let text = try await Tool.k3seed(["preview", "--node", "a"], input: json(project)).text
      return text.firstMatch(of: /secret:cloudflare_api_token#([0-9a-f]{6})/)?.output.1
    }
    let first = try await fingerprint("one-token")
    #expect(first != nil)
    #expect(try await fingerprint("another-token") != first)
    #expect(try await fingerprint("one-token") == first)
  }

  @Test("preview --json is a JSON document with everything that the text says")
  func document() async throws {
    let input = json(Self.projects[0])
    let outcome = try await Tool.k3seed(["preview", "--node", "a", "--json"], input: input)
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any] ?? [:]
    #expect(
      object.keys.sorted() == [
        "bytes", "cluster", "files", "findings", "k3s_version", "node", "plain_bytes", "platform", "role",
        "secrets", "sizes", "steps",
      ])
    let text = try await Tool.k3seed(["preview", "--node", "a"], input: input).text
    for step in object["steps"] as? [[String: String]] ?? [] {
      #expect(text.contains("  \(step["name"] ?? "?")") && text.contains("  \(step["text"] ?? "?")\n"))
    }
    let files = object["files"] as? [[String: Any]] ?? []
    for file in files {
      #expect(text.contains("  \(file["mode"] ?? "?")  ") && text.contains("B  \(file["path"] ?? "?")\n"))
    }
    for finding in object["findings"] as? [[String: String]] ?? [] {
      #expect(text.contains("  \(finding["text"] ?? "?")\n"))
    }
    #expect(files.count > 10 && (object["findings"] as? [Any])?.isEmpty == false)
    // The sizes are those of the real thing.
    let rendered = try await Tool.k3seed(["render", "--node", "a"], input: input).output
    #expect(object["bytes"] as? Int == rendered.count && object["plain_bytes"] as? Int == rendered.count)
  }

  @Test("inspect leaves them out of our own user-data, however it is wrapped", arguments: 0..<2)
  func inspect(index: Int) async throws {
    for node in ["a", "b", "w"] {
      for encoding in ["plain", "gzip", "base64", "gzip+base64"] {
        let userData = try await Tool.k3seed(
          ["render", "--node", node, "--encoding", encoding], input: json(Self.projects[index]))
        for style in [[], ["--content"]] {
          let outcome = try await Tool.run([Tool.k3seed, "inspect", "-"] + style, input: userData.output)
          #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
          expectNoTrace(outcome, "inspect \(style) of \(node), \(encoding)")
          #expect(outcome.text.contains("  0600  ") && outcome.text.contains("/var/lib/k3seed/secrets/k3s_"))
        }
      }
    }
  }

  @Test("inspect and diff leave out what extra_manifests hold, as preview does")
  func manifests() async throws {
    let canary = Self.key.value
    func rendered(_ value: String) async throws -> [UInt8] {
      let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \(value)}\n"
      let input = Self.projects[0].merging(["extra_manifests": ["m": manifest]]) { $1 }
      return try await Tool.k3seed(["render", "--node", "a"], input: json(input)).output
    }
    try await withTemporaryDirectory { folder in
      let old = try folder["old"].holding(String(decoding: try await rendered("b"), as: UTF8.self))
      let new = try folder["new"].holding(String(decoding: try await rendered(canary), as: UTF8.self))
      for command in [["inspect", new.path], ["diff", old.path, new.path]] {
        let outcome = try await Tool.k3seed(command + ["--content"])
        #expect(outcome.text.contains("m.yaml") && !outcome.text.contains(canary), "\(outcome.text)")
      }
    }
  }

  /// Ways to fail, each with the change to the project, the arguments and a word of the error.
  static var failures: [(what: String, change: [String: Any], arguments: [String], word: String)] {
    [
      ("an unknown node", [:], ["--node", "nobody"], "unknown-node"),
      ("no choice", [:], [], "which-node"),
      ("a value against its rule", ["k3s_version": "stable"], ["--node", "a"], "input-value"),
      ("a missing input", ["git_repo_url": NSNull()], ["--node", "a"], "missing-input"),
      (
        "over the limit",
        [
          "platform": "aws",
          "extra_manifests": [
            "m": "apiVersion: v1\nkind: A\n# " + String(repeating: "0123456789abcdef", count: 2000)
          ],
        ],
        ["--node", "a", "--encoding", "plain"], "over-limit"
      ),
      (
        "an encoding that cannot be", ["platform": "digitalocean"], ["--node", "a", "--encoding", "gzip"],
        "platform-encoding"
      ),
      ("a file that is not there", [:], ["--node", "a", "--config", "/nonexistent"], "file"),
      (
        "credentials of the wrong kind", ["git_repo_url": "ssh://git@example.net/a"], ["--node", "a"],
        "git-credentials"
      ),
    ]
  }

  @Test("No failure shows them", arguments: 0..<failures.count)
  func failing(index: Int) async throws {
    let failure = Self.failures[index]
    for project in Self.projects {
      // The second project has a key, which an ssh URL wants.
      if failure.word == "git-credentials", project["git_pat"] == nil { continue }
      let input = json(project.merging(failure.change) { $1 })
      for command in ["render", "preview"] {
        let arguments =
          command == "render"
          ? failure.arguments : failure.arguments.filter { !["--encoding", "plain", "gzip"].contains($0) }
        let outcome = try await Tool.k3seed([command] + arguments, input: input)
        expectNoTrace(outcome, "\(command): \(failure.what)")
        if command == "render" || !["over-limit", "platform-encoding"].contains(failure.word) {
          #expect(outcome.status == 2 && outcome.errors.contains("[\(failure.word)]"), "\(outcome.errors)")
        }
      }
    }
  }

  /// What goes wrong with a secret itself: every message about it must do without its value.
  static let spoilt: [(name: String, spoil: @Sendable (String) -> Any)] = [
    ("cloudflare_api_token", { $0 + "\n" }), ("cloudflare_api_token", { " " + $0 }),
    ("cloudflare_api_token", { "cfk_" + $0 }), ("cloudflare_api_token", { $0 + "\u{85}" + $0 }),
    ("cloudflare_api_token", { [$0] }), ("cloudflare_api_token", { ["key": $0] }),
    ("cloudflare_api_token", { "ocid1." + $0 }), ("k3s_token", { "\u{0}" + $0 }),
    ("k3s_token", { "K10" + $0 }),
    ("k3s_agent_token", { $0 + "\t" }), ("git_pat", { $0 + "\r" }),
    ("argocd_admin_password", { $0 + $0 + $0 }), ("argocd_admin_password", { $0 + "\u{7}" }),
    ("argocd_admin_password_hash", { String($0.dropLast()) }), ("argocd_admin_password_hash", { "x" + $0 }),
    ("git_ssh_private_key", { $0.replacing("\n", with: "\r\n") }),
    ("git_ssh_private_key", { String($0.dropLast()) }),
    ("git_ssh_private_key", { $0 + "ü" }), ("git_ssh_private_key", { $0.replacing("OPENSSH", with: "PGP") }),
  ]

  @Test(
    "No finding about a secret shows it, and each names the input and its place", arguments: 0..<spoilt.count)
  func finding(index: Int) async throws {
    let (name, spoil) = Self.spoilt[index]
    let canary = try #require(Self.canaries.first { $0.name == name }?.canary)
    let usesKey = name == "git_ssh_private_key" || name == "argocd_admin_password_hash"
    var project = Self.projects[usesKey ? 1 : 0]
    project[name] = spoil(canary.value)
    let flat = json(project)
    let wrapped = json(
      project.mapValues { ["value": $0, "sensitive": true, "type": "string"] as [String: Any] })
    for input in [flat, wrapped] {
      for command in ["render", "preview"] {
        let outcome = try await Tool.k3seed([command, "--node", "a"], input: input)
        expectNoTrace(outcome, "\(command) with a spoilt \(name)")
        #expect(outcome.status == 2 && outcome.output.isEmpty)
        let error = outcome.findings.filter { $0.contains(": error: ") }
        #expect(
          error.count == 1 && error.allSatisfy { $0.contains(name) && $0.hasPrefix("<stdin>:1:") }, "\(error)"
        )
      }
    }
    // Through Terraform: as a string of the query, and within outputs.
    let strings = project.mapValues { $0 as? String ?? json($0) }
    for query in [strings.merging(["node": "a"]) { $1 }, ["outputs": flat, "node": "a"]] {
      let outcome = try await Tool.k3seed(["external"], input: json(query))
      // The JSON of a list is a string like any other there, and a token.
      let isToken = query["outputs"] == nil && !(project[name] is String)
      #expect(outcome.status == (isToken ? 0 : 2) && outcome.output.isEmpty != isToken)
      #expect(canary.trace(in: Array(outcome.errors.utf8)) == nil, "external with a spoilt \(name)")
    }
  }

  @Test("Damaged JSON and YAML show nothing of what they hold")
  func damaged() async throws {
    let canary = Canary("damaged")
    let quoted = json(canary.value)
    let broken = [
      "{\"k3s_token\": \(quoted)", "{\"k3s_token\": \(quoted.dropLast())", "{\"k3s_token\" \(quoted)}",
      "{\"k3s_token\": \(quoted), \"k3s_token\": \(quoted)}", "{\"k3s_token\": \(canary.value)}", quoted,
      "[\(quoted)]", "{\"k3s_token\": {\"value\": \(quoted)}, \"a\": 1}",
      "{\"lineage\": \"\", \"serial\": 1, \"terraform_version\": \"1\", \"k3s_token\": \(quoted)}",
      "{\"k3s_token\": \(quoted)}\(canary.value)",
    ]
    for text in broken {
      for command in [["render"], ["preview", "--json"], ["external"]] {
        let outcome = try await Tool.k3seed(command, input: text)
        #expect(outcome.status == 2 && outcome.output.isEmpty)
        #expect(canary.trace(in: outcome) == nil, "\(outcome.errors)")
      }
      let nested = try await Tool.k3seed(["external"], input: json(["outputs": text]))
      #expect(nested.status == 2 && canary.trace(in: nested) == nil, "\(nested.errors)")
    }
    let configs = [
      "k3s_token: \(quoted)\n", "k3s_token: [\(quoted)]\n", "k3s_token: \(quoted)\nk3s_token: \(quoted)\n",
      "k3s_token: \"\(canary.value)\n", "cloudflare_api_token:\n  \(quoted): 1\n",
      "git_pat: !secret \(quoted)\n",
      "argocd_admin_password: |\n  \(canary.value)\n", "github_pat: \(quoted)\n", "k3s_tokn: \(quoted)\n",
    ]
    try await withTemporaryDirectory { folder in
      for text in configs {
        let file = try folder["k3seed.yaml"].holding(text).path
        let outcome = try await Tool.k3seed(["render", "--config", file], input: json(project))
        #expect(outcome.status == 2 && outcome.output.isEmpty)
        #expect(canary.trace(in: outcome) == nil, "\(outcome.errors)")
      }
    }
  }
}
