import Diagnostics
import Foundation
import Secrets
import TestSupport
import Testing
import YAML

@testable import Verifier

@Suite("What user-data promises")
struct PromisesTests {
  static func golden(_ path: String) throws -> Promises {
    let file = Tool.root.appendingPathComponent("Tests/GoldenTests/Cases/\(path).yaml")
    return Promises(userData: Array(try Data(contentsOf: file)))
  }

  static func of(_ text: String) -> Promises { Promises(userData: Array(text.utf8)) }

  @Test("The first server's payload: files, secrets, Kubernetes, stages")
  func server() throws {
    let promises = try Self.golden("literal/server")
    #expect(promises.isOwn && !promises.disablesVendorData && !promises.isBase64)
    #expect(promises.report.diagnostics.isEmpty)
    let files = Dictionary(uniqueKeysWithValues: promises.files.map { ($0.path, $0) })
    #expect(files["/etc/rancher/k3s/config.yaml"]?.mode == "0600")
    #expect(files["/usr/local/sbin/k3seed-bootstrap"]?.mode == "0755")
    #expect(files["/etc/k3seed/plan.json"]?.mode == "0644")
    #expect(promises.files.allSatisfy { $0.owner == "root" && $0.group == "root" && $0.sha256?.count == 64 })
    #expect(
      promises.secrets.map(\.name)
        == ["/var/lib/k3seed/secrets/cloudflare_api_token", "/var/lib/k3seed/secrets/k3s_token"])
    #expect(promises.secrets.first?.value == Secret("EXAMPLE-this-is-not-a-cloudflare-token-0".utf8))
    #expect(promises.gone == ["/var/lib/k3seed/secrets"] + promises.secrets.map(\.name))
    let plan = try #require(promises.plan)
    #expect(plan.node == "server" && plan.role == "server" && plan.version == "v1.36.4+k3s1" && !plan.joins)
    #expect(plan.sha256[.x86_64] == "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f")
    #expect(plan.sha256[.aarch64] == "c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb")
    let kubernetes = try #require(promises.kubernetes)
    #expect(kubernetes.namespaces == ["argocd", "cert-manager", "external-dns"])
    #expect(
      kubernetes.secrets.map(\.name) == [
        "cert-manager/cloudflare-api-token", "external-dns/cloudflare-api-token",
      ])
    #expect(kubernetes.secrets.allSatisfy { $0.data.map(\.key) == ["api-token"] && $0.labels.isEmpty })
    #expect(kubernetes.secrets.allSatisfy { $0.data.first?.value == promises.secrets.first?.value })
    #expect(kubernetes.application?.name == "argocd/argocd-root")
    #expect(kubernetes.application?.spec["syncPolicy"]?["retry"]?["limit"]?.integer == -1)
    #expect(kubernetes.helmChart?.name == "kube-system/argocd")
    #expect(
      promises.stages.map(\.name) == [
        "preflight", "firewall", "download", "secrets", "install", "ready", "seed", "gitops", "scrub",
        "complete",
      ])
    #expect(promises.stages.first { $0.name == "download" }?.deadline == 1500)
  }

  @Test(
    "What OCI Vault holds is promised by value where the values are known, and by its keys where they are not"
  )
  func vault() throws {
    let file = Tool.root.appendingPathComponent("Tests/GoldenTests/Cases/oci-vault/server.yaml")
    let bytes = Array(try Data(contentsOf: file))
    func values(_ promises: Promises) throws -> [Secret?] {
      let secrets = try #require(promises.kubernetes?.secrets)
      return secrets.filter { $0.name.hasSuffix("/cloudflare-api-token") }.flatMap { $0.data.map(\.value) }
    }
    let unknown = Promises(userData: bytes)
    #expect(unknown.secrets.isEmpty && unknown.vault.isEmpty && unknown.hasUnknownSecrets)
    #expect(try values(unknown) == [nil, nil])
    let token = Secret("the-token".utf8)
    let one = Promises(userData: bytes, vault: ["cloudflare_api_token": token, "another": token])
    #expect(one.secrets.map(\.name) == ["/var/lib/k3seed/secrets/cloudflare_api_token"])
    #expect(one.vault.map(\.value) == [token] && one.hasUnknownSecrets)
    #expect(try values(one) == [token, token])
    #expect(one.gone == ["/var/lib/k3seed/secrets"], "no file of it was ever promised")
    let names = [
      "argocd_admin_password_hash", "cloudflare_api_token", "git_pat", "k3s_agent_token", "k3s_token",
    ]
    let all = Promises(userData: bytes, vault: Dictionary(uniqueKeysWithValues: names.map { ($0, token) }))
    #expect(all.vault.count == 5 && !all.hasUnknownSecrets)
  }

  @Test("An agent has neither the first server's stages nor anything in Kubernetes")
  func agent() throws {
    let promises = try Self.golden("literal/agent")
    #expect(promises.isOwn && promises.kubernetes == nil)
    #expect(promises.plan?.role == "agent" && promises.plan?.joins == true)
    #expect(!promises.stages.map(\.name).contains("seed") && promises.stages.map(\.name).contains("ready"))
  }

  @Test("A repository's key and an admin password become Secrets with their labels")
  func repository() throws {
    let secrets = try #require(try Self.golden("deploy-key/server").kubernetes?.secrets)
    let repository = try #require(secrets.first { $0.name == "argocd/argocd-root-repository" })
    #expect(repository.labels == ["argocd.argoproj.io/secret-type": "repository"])
    #expect(repository.data.map(\.key) == ["sshPrivateKey", "type", "url"])
    #expect(repository.data.last?.value == Secret("git@github.com:example/private.git".utf8))
    #expect(
      secrets.contains { $0.name == "argocd/argocd-secret" && $0.data.map(\.key) == ["admin.password"] })
  }

  @Test("Every golden payload is read as k3seed's own, without a finding", arguments: GoldenCase.all)
  func goldens(golden: GoldenCase) throws {
    for (name, _) in golden.payloads {
      let promises = try Self.golden("\(golden.name)/\(name)")
      #expect(promises.isOwn && promises.report.diagnostics.isEmpty && !promises.stages.isEmpty)
      #expect(promises.plan?.role != nil && promises.plan?.version != nil && promises.plan?.sha256.count == 2)
      #expect((promises.kubernetes != nil) == (promises.stages.contains { $0.name == "seed" }))
    }
  }

  @Test("Layers of encoding are taken off; only base64 around the whole is told, as cloud-init leaves it on")
  func layers() async throws {
    let file = Tool.root.appendingPathComponent("Tests/GoldenTests/Cases/literal/server.yaml").path
    let plain = try Self.golden("literal/server")
    for (command, isBase64) in [("gzip -c", false), ("base64", true), ("gzip -c | base64", true)] {
      let bytes = try await Tool.run(["sh", "-c", "cat \(file) | \(command)"]).output
      let promises = Promises(userData: bytes)
      #expect(promises.isOwn && promises.isBase64 == isBase64)
      #expect(promises.files == plain.files && promises.stages == plain.stages)
      #expect(promises.sha256 != plain.sha256 && promises.bytes == bytes)
    }
    let mime = """
      Content-Type: multipart/mixed; boundary="b"
      MIME-Version: 1.0

      --b
      Content-Type: text/x-shellscript

      #!/bin/sh
      true
      --b
      Content-Type: text/cloud-config

      #cloud-config
      write_files:
      - {path: /a, content: x, permissions: '0400', owner: 'root:adm'}
      --b--

      """
    let promises = Self.of(mime)
    #expect(!promises.isOwn && promises.runsCommands)
    #expect(
      promises.files.map { [$0.path, $0.mode, $0.owner, $0.group] } == [["/a", "0400", "root", "adm"]])
  }

  @Test(
    "Vendor-data is off where cloud-init takes it for off",
    arguments: [
      ("vendor_data: {enabled: false}", true), ("vendor_data: {enabled: 'no'}", true),
      ("vendor_data: false", true),
      ("vendor_data: {enabled: true}", false), ("vendor_data: {enabled: 'on'}", false),
      ("vendor_data: {prefix: [x]}", false), ("packages: [a]", false),
    ])
  func vendorData(text: String, isDisabled: Bool) {
    #expect(Self.of("#cloud-config\n\(text)\n").disablesVendorData == isDisabled)
  }

  @Test(
    "Of user-data that is not k3seed's, or nobody's, it promises only what can be known",
    arguments: [
      "#!/bin/sh\nshutdown now\n", "#cloud-config\n]broken: [\n", "", "\u{0}\u{1}", "Hello",
      "MIME-Version: 1.0\n",
    ])
  func foreign(text: String) {
    let promises = Self.of(text)
    #expect(!promises.isOwn && promises.plan == nil && promises.kubernetes == nil)
    #expect(
      promises.files.isEmpty && promises.secrets.isEmpty && promises.stages.isEmpty && promises.gone.isEmpty)
    #expect(promises.sha256 == SHA256.hex(Array(text.utf8)))
    // The probe still travels with it.
    #expect(!Probe(nonce: "n", key: "k").vendorData(for: promises).isEmpty)
  }

  @Test(
    "write_files as cloud-init reads it: modes in any spelling, the last entry of a path, what is appended")
  func writeFiles() {
    let promises = Self.of(
      """
      #cloud-config
      write_files:
      - {path: /a, permissions: 0o600}
      - {path: /b, permissions: '755', content: aGk=, encoding: b64}
      - {path: /c, content: x, append: true}
      - {path: /a, content: y}
      - {content: nowhere}

      """)
    #expect(promises.files.map { "\($0.path) \($0.mode)" } == ["/b 0755", "/c 0644", "/a 0644"])
    #expect(promises.files[0].sha256 == SHA256.hex(Array("hi".utf8)))
    #expect(promises.files[1].sha256 == nil)
  }

  @Test(
    "The guest's deadlines are stretched by the variables that the bootstrap has for that, and only when asked"
  )
  func stretched() throws {
    let promises = try Self.golden("literal/server")
    var probe = Probe.random()
    #expect(!String(decoding: probe.vendorData(for: promises), as: UTF8.self).contains("K3SEED_DEADLINE_"))
    probe.stretch = 4.34
    let text = String(decoding: probe.vendorData(for: promises), as: UTF8.self)
    let ready = try #require(promises.stages.first { $0.name == "ready" }).deadline
    #expect(text.contains("\nEnvironment=K3SEED_DEADLINE_ready=\(Int((ready * 4.34).rounded(.up)))\n"))
    for stage in promises.stages { #expect(text.contains("K3SEED_DEADLINE_\(stage.name)="), "\(stage.name)") }
    #expect(text.contains("/run/systemd/system/k3seed-bootstrap.service.d"))
    #expect(text.contains("\nsystemctl daemon-reload\n"))
  }

  @Test("Vendor-data is a boothook that holds the probe, its settings and no secret")
  func vendorDataText() throws {
    let promises = try Self.golden("literal/server")
    let probe = Probe.random()
    #expect(probe.nonce.count == 64 && probe.key.count == 64 && probe.nonce != probe.key)
    let text = String(decoding: probe.vendorData(for: promises), as: UTF8.self)
    #expect(text.hasPrefix("#cloud-boothook\n#!/bin/sh\n"))
    let settings = probe.configuration(for: promises)
    let json = String(decoding: JSON.emit(settings), as: UTF8.self)
    for (name, secret) in promises.secrets {
      #expect(!json.contains(secret.revealed()), "\(name)")
    }
    #expect(settings["kubernetes"]?["application"]?.string == "argocd/argocd-root")
    #expect(settings["secret_files"]?.texts == promises.secrets.map(\.name))
    #expect(settings["set_clock"] == nil)
    #expect(Probe(nonce: "n", key: "k", now: 5).configuration(for: promises)["set_clock"]?.bool == true)
    // Where nothing goes out there is a default route all the same, by the network's own router.
    var open = probe
    open.network = .host
    #expect(text.contains("ip -4 route add default via 10.0.2.2 "))
    #expect(!String(decoding: open.vendorData(for: promises), as: UTF8.self).contains(" route "))
    open = probe
    open.isInCluster = true
    #expect(
      String(decoding: open.vendorData(for: promises), as: UTF8.self).contains(
        "ip -4 route add default via 192.0.2.2 "))
    // cloud-init takes for MIME what says so in its first 4,096 bytes.
    let isMIME = text.prefix(4096).lowercased().contains("mime-version:")
    #expect(!isMIME)
  }
}
