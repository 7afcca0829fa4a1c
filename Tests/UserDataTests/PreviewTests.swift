import Diagnostics
import Foundation
import Plan
import Secrets
import Templates
import TestSupport
import Testing
import YAML

@testable import UserData

@Suite("Preview") struct PreviewTests {
  static func preview(_ cluster: Cluster, _ role: Role, _ encoding: Encoding = .auto) throws -> Preview {
    Preview(try cluster.render(role, encoding), plan: cluster.plan)
  }

  // MARK: Steps

  /// The stages of the bootstrap's own table, and whether only the first server has them.
  static func stages() throws -> [(name: String, isFirst: Bool)] {
    let script = try String(
      contentsOf: Tool.root.appendingPathComponent("templates/guest/bootstrap.sh"), encoding: .utf8)
    let names = try #require(script.firstMatch(of: /stages=\(([^)]*)\)/)?.output.1)
    let firsts = try #require(script.firstMatch(of: /first_server_stages='([^']*)'/)?.output.1).split(
      separator: " ")
    return names.split(separator: " ").map { (String($0), firsts.contains($0)) }
  }

  @Test("the stages are those of the bootstrap's table, in its order", arguments: ["literal", "oci-vault"])
  func stageNames(example: String) throws {
    let stages = try Self.stages()
    #expect(stages.count >= 8 && stages.contains { $0.isFirst })
    let cluster = try Cluster(example: example)
    for role in Role.allCases {
      let names = try Self.preview(cluster, role).steps.map(\.name)
      let own = stages.filter { role == .server || !$0.isFirst }.map(\.name)
      #expect(names.suffix(own.count) == own[...])
      #expect(
        names.dropLast(own.count).allSatisfy { ["ssh", "bootcmd", "write_files", "runcmd"].contains($0) })
    }
  }

  @Test("a server that joins has not the stages of the first")
  func joiningServer() throws {
    let cluster = try Cluster(
      #"{\#(Cluster.least), "k3s_token": "t", "first_server": "a", "nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}, "b": {"role": "server"}, "c": {"role": "server"}}}"#
    )
    var renderer = Renderer()
    let stages = try Self.stages()
    for node in cluster.plan.nodes {
      let userData = try renderer.render(cluster.plan, node: node, encoding: .auto)
      let names = Preview(userData, plan: cluster.plan).steps.map(\.name)
      let own = stages.filter { node.isFirstServer || !$0.isFirst }.map(\.name)
      #expect(names.suffix(own.count) == own[...])
      #expect(names.contains("seed") == (node.title == "a"))
    }
  }

  @Test("what cloud-init does comes in its own order: bootcmd, files, keys, runcmd")
  func cloudInitOrder() throws {
    let steps = try Self.preview(try Cluster(example: "oci-vault"), .agent).steps
    #expect(steps.prefix(4).map(\.name) == ["bootcmd", "write_files", "ssh", "runcmd"])
    #expect(steps[0].text == "make good what a power cut in the first boot took (before the files)")
    #expect(steps[2].text == "authorise 1 key for the default user")
    #expect(steps[3].text == "systemctl enable --now k3seed-bootstrap.service (after them)")
    let literal = try Self.preview(try Cluster(example: "literal"), .server).steps
    #expect(literal.prefix(3).map(\.name) == ["bootcmd", "write_files", "runcmd"])
  }

  @Test("without the bootstrap there are no stages")
  func noBootstrap() throws {
    let cluster = try Cluster(example: "literal")
    let templates = TemplateSet(
      overrides: ["cloud-init/server.yaml": Array("runcmd: [id]".utf8)], folder: "mine")
    let preview = Preview(try cluster.render(.server, templates: templates), plan: cluster.plan)
    #expect(preview.steps.map(\.name) == ["write_files", "runcmd"])
    #expect(preview.steps[1].text == "id (after them)")
  }

  @Test("each step says what this cluster has of it")
  func stepTexts() throws {
    let cluster = try Cluster(example: "oci-vault")
    func text(_ role: Role, _ name: String) throws -> String {
      try #require(try Self.preview(cluster, role).steps.first { $0.name == name }).text
    }
    #expect(try text(.server, "download").contains(Pins.lock.k3s.version))
    #expect(try text(.server, "secrets").contains("cloudflare_api_token"))
    #expect(try !text(.agent, "secrets").contains("cloudflare_api_token"))
    #expect(try text(.agent, "secrets").contains("k3s_agent_token"))
    #expect(try text(.ingress, "firewall").contains("NAT"))
    #expect(try !text(.agent, "firewall").contains("NAT"))
    #expect(
      try text(.agent, "ready").hasPrefix(
        "start K3s, which joins https://10.20.1.11:6443, and wait for this Node"))
    #expect(try text(.server, "ready").hasPrefix("start K3s and wait for the API"))
    #expect(try text(.server, "install").hasSuffix("; found a new cluster"))
    #expect(try !text(.agent, "install").contains("cluster"))
    #expect(try text(.server, "gitops").contains("argocd of https://github.com/example/harbour.git at HEAD"))
    #expect(
      try Self.preview(try Cluster(example: "literal"), .server).steps.first { $0.name == "secrets" }?.text
        == "read the secrets into memory")
  }

  // MARK: Files and secrets

  @Test("the files are those of the cloud-config, with their modes and sizes", arguments: Role.allCases)
  func files(role: Role) throws {
    let cluster = try Cluster(example: "literal")
    let userData = try cluster.render(role)
    let files = Preview(userData, plan: cluster.plan).files
    let written = try #require(
      try YAML.parseOne(userData.plain, source: "user-data")["write_files"]?.sequence)
    #expect(files.map(\.path) == written.map { $0["path"]?.string })
    #expect(files.map(\.mode) == written.map { $0["permissions"]?.string ?? "0644" })
    #expect(files.map(\.bytes) == written.map { $0.fileContent.count })
    for (file, entry) in zip(files, written) {
      let isSecret = file.path.hasPrefix("/var/lib/k3seed/secrets/")
      // What travels compressed is shown as it will be.
      #expect((Array(file.content.utf8) == entry.fileContent) == !isSecret, "\(file.path)")
      if isSecret { #expect(file.mode == "0600") }
    }
    #expect(files.contains { $0.path == "/usr/local/sbin/k3seed-bootstrap" && $0.mode == "0755" })
  }

  @Test("a secret is a fingerprint: the same in every run, another for another value or project")
  func fingerprints() throws {
    func shown(_ more: String) throws -> [String: String] {
      let cluster = try Cluster("{\(Cluster.least)\(more)}")
      let preview = try Self.preview(cluster, .server)
      for file in preview.files where file.path.hasPrefix("/var/lib/k3seed/secrets/") {
        let secret = preview.secrets.first { file.path.hasSuffix("/\($0.name)") }
        #expect(file.content == "<\(secret?.shown ?? "")>")
      }
      return Dictionary(uniqueKeysWithValues: preview.secrets.map { ($0.name, $0.shown) })
    }
    let token = #", "k3s_token": "EXAMPLE-5d0c3f9b7e1a48628d4f0b6c""#
    let first = try shown(token)
    let form = try Regex("^secret:cloudflare_api_token#[0-9a-f]{6}$")
    #expect(try #require(first["cloudflare_api_token"]).wholeMatch(of: form) != nil)
    #expect(try shown(token) == first)
    #expect(try shown(token + #", "platform": "aws""#) == first)
    let other = #", "k3s_token": "EXAMPLE-6d0c3f9b7e1a48628d4f0b6c""#
    for other in [other, token + #", "cluster_name": "other""#] {
      #expect(try shown(other)["cloudflare_api_token"] != first["cloudflare_api_token"])
    }
    // No digits of the token that the key is made of; and none at all where it could be guessed, or lies elsewhere.
    #expect(first["k3s_token"] == "secret:k3s_token")
    let vault = #", "k3s_token": "ocid1.vaultsecret.oc1.iad.example""#
    for token in ["", #", "k3s_token": "summer2026!""#, vault] {
      #expect(try shown(token)["cloudflare_api_token"] == "secret:cloudflare_api_token", "\(token)")
    }
  }

  @Test("a reference is shown as it is")
  func references() throws {
    let secrets = try Self.preview(try Cluster(example: "oci-vault"), .agent).secrets
    #expect(secrets.map(\.name) == ["k3s_agent_token"])
    #expect(secrets.allSatisfy { $0.shown.hasPrefix("ocid1.vaultsecret.") && !$0.isLiteral })
  }

  @Test("no secret is in a preview, in text or document, in any form", arguments: [true, false])
  func canaries(isStyled: Bool) throws {
    let canary = #"can"ary + /x&é'{{"#
    let cluster = try Cluster(
      #"{"cloudflare_api_token": "can\"ary + /x&é'{{", "git_repo_url": "https://git.example.org/a.git", "git_pat": "can\"ary + /x&é'{{", "k3s_token": "can\"ary + /x&é'{{"}"#
    )
    let preview = try Self.preview(cluster, .server)
    let texts = [
      preview.text(report: Report(), style: isStyled ? TerminalStyle(columns: 60, isColoured: true) : .none),
      String(decoding: YAML.emit(preview.document(report: Report())), as: UTF8.self),
      String(decoding: JSON.emit(preview.document(report: Report())), as: UTF8.self),
    ]
    let encoded = try #require(canary.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
    let forms = [canary, Data(canary.utf8).base64EncodedString(), encoded, #"can\"ary"#, "can%22ary"]
    for text in texts {
      for form in forms { #expect(!text.contains(form)) }
      #expect(text.contains("secret:git_pat"))
    }
  }

  // MARK: Sizes

  @Test(
    "each platform's size is in its own arithmetic, the own platform's first", arguments: Platform.allCases)
  func sizes(platform: Platform) throws {
    let cluster = try Cluster(
      #"{\#(Cluster.least), "platform": "\#(platform.rawValue)", "ssh_authorized_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x"]}"#
    )
    let userData = try cluster.render()
    let preview = Preview(userData, plan: cluster.plan)
    #expect(preview.sizes.first?.platform == platform)
    #expect(Set(preview.sizes.map(\.platform)) == Set(Platform.allCases))
    #expect(preview.sizes.count == Platform.allCases.count)
    for size in preview.sizes {
      let rule = try #require(BudgetTests.rules.first { $0.platform == size.platform })
      let keys = "ssh_authorized_keys".count + "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI x".count
      #expect(size.limit == rule.limit)
      // What is carried as text is base64 once it is compressed, and DigitalOcean takes no gzip.
      let bytes =
        switch (userData.isCompressed, size.platform) {
        case (true, .digitalocean): userData.plain
        case (true, .gcp), (true, .hetzner): Base64.encode(userData.payload)
        default: userData.payload
        }
      #expect(size.counted == rule.counted(bytes.count, keys))
    }
  }

  @Test("gzip counts as base64 where a platform carries a text, and as plain where it takes none")
  func compressedSizes() throws {
    let cluster = try Cluster(#"{\#(Cluster.least), "platform": "nocloud"}"#)
    let userData = try cluster.render(.server, .gzip)
    let sizes = Preview(userData, plan: cluster.plan).sizes
    func counted(_ platform: Platform) -> Int? { sizes.first { $0.platform == platform }?.counted }
    #expect(counted(.nocloud) == userData.payload.count)
    #expect(counted(.aws) == userData.payload.count)
    #expect(counted(.hetzner) == (userData.payload.count + 2) / 3 * 4)
    #expect(counted(.gcp) == (userData.payload.count + 2) / 3 * 4)
    #expect(counted(.digitalocean) == userData.plain.count)
  }

  // MARK: Text

  /// A small payload of its own, so that the text does not change with the templates.
  static let small = TemplateSet(
    overrides: [
      "cloud-init/server.yaml": Array(
        """
        ssh_authorized_keys: !when {ssh_authorized_keys: !value ssh_authorized_keys}
        bootcmd: [[sleep, 3, true]]
        write_files:
          - {path: /etc/a, content: !value cluster_name}
          - !each {node.literals: {path: !format '/s/${item.name}', permissions: '0600', content: !secret item.value}}
          - {path: /usr/local/sbin/k3seed-bootstrap, permissions: '0755', content: !file guest/big}
        runcmd: [[systemctl, start, x]]
        """.utf8),
      "guest/big": Array(repeating: 0x61, count: 15_900),
    ], folder: "mine")

  @Test("the text, as a terminal shows it")
  func golden() throws {
    let cluster = try Cluster(
      """
      {\(Cluster.least), "platform": "aws", "cluster_name": "harbour", "k3s_token": "t",
       "ssh_authorized_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI a", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI b"]}
      """)
    let userData = try cluster.render(.server, .plain, templates: Self.small)
    let report = Report([
      .warning("code", at: Location(source: "in.json", line: 2, column: 3), "found", help: "do")
    ])
    let text = Preview(userData, plan: cluster.plan).text(report: report, allPlatforms: true)
    #expect(text == Self.golden)
  }

  static let golden = """
    server of cluster harbour on aws, K3s v1.36.4+k3s1

    At boot, in order
       1  bootcmd      sleep 3 true (before the files)
       2  write_files  write 4 files
       3  ssh          authorise 2 keys for the default user
       4  runcmd       systemctl start x (after them)
       5  preflight    check architecture, settings, clock and default route
       6  firewall     open what this role needs, keep pods from the metadata address
       7  download     fetch K3s v1.36.4+k3s1 and its install script from 1 source, refuse any other SHA-256
       8  secrets      read the secrets into memory
       9  install      install K3s as server with /etc/rancher/k3s/config.yaml; found a new cluster
      10  ready        start K3s and wait for the API, this Node and the controllers
      11  seed         apply Namespaces and Secrets (cloudflare-api-token in cert-manager and external-dns), then remove the files
      12  gitops       install Argo CD (chart 10.9.6), then apply argocd-root: argocd of https://git.example.org/a/b.git at HEAD
      13  scrub        remove every secret file
      14  complete     record it; the unit never runs again

    Files
      0644       7 B  /etc/a
      0600      17 B  /s/cloudflare_api_token
      0600       1 B  /s/k3s_token
      0755  15,900 B  /usr/local/sbin/k3seed-bootstrap

    Secrets
      in user-data   secret:cloudflare_api_token
      in user-data   secret:k3s_token

    Size: 16,356 bytes
      aws           [########################]  16,356 of 16,384  raw, before base64
      oci           [#################.......]  21,915 of 32,000  base64 of user-data, with ssh keys and all other metadata
      gcp           [##......................]  16,356 of 262,144  the metadata value, a text
      azure         [######..................]  16,356 of 65,535  decoded customData
      hetzner       [############............]  16,356 of 32,768  the string as sent
      digitalocean  [######..................]  16,356 of 65,536  plain text; base64 is ignored there
      openstack     [########................]  21,808 of 65,535  base64
      linode        [########################]  16,356 of 16,384  decoded
      vsphere       [#.......................]  16,356 of 524,288  the guestinfo value
      nocloud       [#.......................]  16,356 of 1,048,576  k3seed's own limit

    Findings
      in.json:2:3: warning: found; do [code]

    """

  @Test("it is styled only where that is asked for, and says the same")
  func styled() throws {
    let cluster = try Cluster(example: "oci-vault")
    let preview = try Self.preview(cluster, .server)
    let plain = preview.text(report: Report(), style: TerminalStyle(columns: 60, isColoured: false))
    let styled = preview.text(report: Report(), style: TerminalStyle(columns: 60, isColoured: true))
    #expect(!plain.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    #expect(styled.contains("\u{1B}[1mFiles\u{1B}[0m"))
    // An OCID and a path are words that cannot be broken.
    let long = plain.split(separator: "\n").filter {
      $0.count > 60 && !$0.contains("ocid1.") && !$0.contains(" /")
    }
    #expect(long.isEmpty, "\(long)")
    #expect(styled.replacing(try Regex("\u{1B}\\[[0-9;]+m"), with: "") == plain)
    // What is over a limit is set off: Linode takes less than a server needs with this padding.
    let large = try BudgetTests.cluster(.nocloud, padding: 12_000)
    let text = try Self.preview(large, .server).text(
      report: Report(), style: TerminalStyle(columns: 200, isColoured: true), allPlatforms: true)
    let over = text.split(separator: "\n").filter { $0.contains("\u{1B}[1;31m") }
    #expect(over.count == 3 && over.allSatisfy { $0.contains(" over  ") })
    #expect(
      over.map { $0.contains("aws") || $0.contains("linode") || $0.contains("oci") } == [true, true, true])
  }

  @Test("numbers are grouped by threes")
  func grouped() {
    #expect(12_345_678.grouped == "12,345,678")
    #expect([0, 12, 999, 1000].map(\.grouped) == ["0", "12", "999", "1,000"])
  }
}
