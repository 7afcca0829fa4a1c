import Diagnostics
import Gzip
import Plan
import Secrets
import Templates
import TestSupport
import Testing

@testable import UserData

@Suite("Size budgets") struct BudgetTests {
  /// A platform's limit and arithmetic, written a second time from its own documentation: the bytes counted
  /// for a plain payload of `n` bytes beside `other` bytes of other metadata.
  struct Rule: CustomTestStringConvertible, Sendable {
    var platform: Platform
    var limit: Int
    var counted: @Sendable (_ n: Int, _ other: Int) -> Int
    var testDescription: String { platform.rawValue }
  }

  static let rules = [
    // docs.oracle.com, LaunchInstanceDetails.metadata: 32,000 bytes of all keys and values; user_data is base64.
    Rule(platform: .oci, limit: 32_000) { n, other in
      4 * Int((Double(n) / 3).rounded(.up)) + "user_data".count + other
    },
    Rule(platform: .aws, limit: 16_384) { n, _ in n },
    Rule(platform: .gcp, limit: 262_144) { n, _ in n },
    Rule(platform: .azure, limit: 65_535) { n, _ in n },
    Rule(platform: .hetzner, limit: 32_768) { n, _ in n },
    Rule(platform: .digitalocean, limit: 65_536) { n, _ in n },
    Rule(platform: .openstack, limit: 65_535) { n, _ in 4 * Int((Double(n) / 3).rounded(.up)) },
    Rule(platform: .linode, limit: 16_384) { n, _ in n },
    Rule(platform: .vsphere, limit: 524_288) { n, _ in n },
    Rule(platform: .nocloud, limit: 1_048_576) { n, _ in n },
  ]

  /// Templates with which a server's payload is far below every limit.
  static let small = TemplateSet(
    overrides: ["firewall", "engine"].reduce(into: [:]) { $0["guest/\($1).sh"] = Array("true\n".utf8) },
    folder: "small")

  /// A cluster whose server's plain payload can be made of any size: a manifest holds `padding` bytes more.
  static func cluster(
    _ platform: Platform, padding: Int, key: String? = nil, isRandom: Bool = false
  ) throws -> Cluster {
    var random = SplitMix(seed: 7)
    let text =
      isRandom
      ? String(
        (0..<padding).map { _ in "0123456789abcdefghijklmnopqrstuv".randomElement(using: &random) ?? "0" })
      : String(repeating: "p", count: padding)
    let keys = key.map { #", "ssh_authorized_keys": ["\#($0)"]"# } ?? ""
    return try Cluster(
      #"""
      {\#(Cluster.least), "platform": "\#(platform.rawValue)"\#(keys),
       "extra_manifests": {"pad": "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"pad\":\"p\#(text)\"}"}}
      """#)
  }

  /// The padding with which the payload has `target` bytes.
  static func padding(_ platform: Platform, for target: Int, key: String? = nil) throws -> Int {
    target
      - (try cluster(platform, padding: 0, key: key).render(.server, .plain, templates: Self.small).plain
        .count)
  }

  @Test("every platform has a rule here")
  func complete() {
    #expect(Self.rules.map(\.platform) == Platform.allCases)
  }

  @Test("a payload of the limit is taken, and one byte more is not", arguments: rules)
  func limit(rule: Rule) throws {
    let platform = rule.platform
    let largest = try #require((1...rule.limit).last { rule.counted($0, 0) <= rule.limit })
    let padding = try Self.padding(platform, for: largest)
    let userData = try Self.cluster(platform, padding: padding).render(.server, .plain, templates: Self.small)
    #expect(userData.plain.count == largest)
    #expect(userData.countedBytes == rule.counted(largest, 0))
    #expect(userData.budgetBytes == largest)
    let smaller = try Self.cluster(platform, padding: padding - 1).render(
      .server, .plain, templates: Self.small)
    #expect(smaller.countedBytes == rule.counted(largest - 1, 0))

    let over = try Self.cluster(platform, padding: padding + 1)
    let counted = rule.counted(largest + 1, 0)
    let finding = try over.refusal(.server, .plain, templates: Self.small).joined()
    #expect(
      finding.hasPrefix(
        "error: user-data of server is \(counted - rule.limit) bytes over the limit of \(platform.rawValue): \(counted) of \(rule.limit) ("
      ))
    #expect(finding.hasSuffix("[over-limit]"))
  }

  @Test(
    "on OCI ssh keys share the limit, and base64 counts four for every three bytes begun", arguments: 0..<4)
  func oci(comment: Int) throws {
    let rule = Self.rules[0]
    let key =
      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPRUgIH9QoSA9jUesFv x" + String(repeating: "y", count: comment)
    let other = "ssh_authorized_keys".count + key.count
    let largest = try #require((1...rule.limit).last { rule.counted($0, other) <= rule.limit })
    let padding = try Self.padding(.oci, for: largest, key: key)
    let userData = try Self.cluster(.oci, padding: padding, key: key).render(
      .server, .plain, templates: Self.small)
    #expect(userData.plain.count == largest)
    #expect(userData.countedBytes == rule.counted(largest, other))
    #expect(userData.budgetBytes == largest)
    let over = try Self.cluster(.oci, padding: padding + 1, key: key).refusal(
      .server, .plain, templates: Self.small)
    #expect(over.first?.contains("of which \(other + "user_data".count) are other metadata") == true)
    // The limit itself is reached where the other metadata leave a multiple of four.
    if (rule.limit - other - "user_data".count).isMultiple(of: 4) {
      #expect(userData.countedBytes == rule.limit)
    }
  }

  @Test("several ssh keys are joined by line feeds")
  func sharedBytes() {
    #expect(Platform.oci.sharedBytes(sshKeys: []) == "user_data".count)
    #expect(Platform.oci.sharedBytes(sshKeys: ["abc"]) == "user_data".count + "ssh_authorized_keys".count + 3)
    #expect(
      Platform.oci.sharedBytes(sshKeys: ["abc", "de"]) == "user_data".count + "ssh_authorized_keys".count + 6)
    #expect(Platform.aws.sharedBytes(sshKeys: ["abc", "de"]) == 0)
  }

  // MARK: Encodings

  @Test("auto leaves plain what fits, and compresses what fits no other way", arguments: rules)
  func auto(rule: Rule) throws {
    let platform = rule.platform
    let largest = try #require((1...rule.limit).last { rule.counted($0, 0) <= rule.limit })
    let padding = try Self.padding(platform, for: largest)
    let plain = try Self.cluster(platform, padding: padding).render(.server, .auto, templates: Self.small)
    #expect(plain.payload == plain.plain && plain.delivered == plain.plain && !plain.isCompressed)

    let larger = try Self.cluster(platform, padding: padding + 1)
    if platform == .digitalocean {
      let finding = try larger.refusal(.server, .auto, templates: Self.small).joined()
      #expect(finding.contains("is 1 bytes over the limit"))
      #expect(finding.hasSuffix("; take something out; this platform takes no gzip [over-limit]"))
      return
    }
    let packed = try larger.render(.server, .auto, templates: Self.small)
    #expect(packed.isCompressed)
    #expect(try Gzip.decompress(packed.payload, limit: 2 << 20) == packed.plain)
    // A platform that carries a text gets base64, and counts it as it is sent.
    let isText = platform == .gcp || platform == .hetzner
    #expect(packed.delivered == (isText ? Base64.encode(packed.payload) : packed.payload))
    #expect(packed.countedBytes == rule.counted(packed.delivered.count, 0))
  }

  @Test(
    "a payload that not even gzip makes fit is over by what the platform counts of the gzip",
    arguments: [Platform.oci, .aws, .hetzner])
  func overInSpite(platform: Platform) throws {
    let cluster = try Self.cluster(platform, padding: 60_000, isRandom: true)
    let plain = try Self.cluster(.nocloud, padding: 60_000, isRandom: true).render(
      .server, .auto, templates: Self.small
    ).plain
    // The two payloads differ in the platform's name, so only the order of size is held.
    let packed = Gzip.compress(plain).count
    let finding = try #require(try cluster.refusal(.server, .auto, templates: Self.small).first)
    let counted = try #require(
      finding.split(separator: ": ").dropFirst(2).first.flatMap { Int($0.prefix { $0 != " " }) })
    #expect(counted > packed - 64 && counted < packed * 4 / 3 + 128)
    #expect(counted < plain.count)
    #expect(finding.contains("; take something out [over-limit]"))
  }

  @Test(
    "each encoding is what it says",
    arguments: [
      (Encoding.plain, false, false), (.gzip, true, false), (.base64, false, true), (.gzipBase64, true, true),
    ])
  func encodings(encoding: Encoding, isGzip: Bool, isBase64: Bool) throws {
    let userData = try Cluster("{\(Cluster.least)}").render(.server, encoding, templates: Self.small)
    #expect(userData.isCompressed == isGzip)
    #expect(userData.payload == (isGzip ? Gzip.compress(userData.plain) : userData.plain))
    #expect(userData.delivered == (isBase64 ? Base64.encode(userData.payload) : userData.payload))
    // On OCI base64 is only how the payload travels.
    #expect(userData.countedBytes == (userData.payload.count + 2) / 3 * 4 + "user_data".count)
  }

  /// What reaches cloud-init on platforms that carry no bytes but a text.
  static let refused: [Platform: [Encoding]] = [
    .gcp: [.gzip], .hetzner: [.gzip], .digitalocean: [.gzip, .base64, .gzipBase64],
  ]

  @Test(
    "an encoding that cannot work on a platform is refused, and every other is not",
    arguments: Platform.allCases)
  func refusals(platform: Platform) throws {
    let cluster = try Cluster(#"{\#(Cluster.least), "platform": "\#(platform.rawValue)"}"#)
    for encoding in Encoding.allCases {
      guard Self.refused[platform]?.contains(encoding) == true else {
        #expect(throws: Never.self) { try cluster.render(.server, encoding, templates: Self.small) }
        continue
      }
      #expect(
        try cluster.refusal(.server, encoding, templates: Self.small) == [
          "error: \(platform.rawValue) hands user-data over as a text (\(platform.budget.arithmetic)), so \(encoding.rawValue) never reaches cloud-init; use the encoding auto or plain [platform-encoding]"
        ])
    }
  }

  // MARK: What takes the space

  @Test("over the limit it says what takes most")
  func largest() throws {
    let cluster = try Self.cluster(.aws, padding: 20_000)
    let finding = try #require(try cluster.refusal(.server, .plain).first)
    let parts = try Self.cluster(.nocloud, padding: 20_000).render().parts
    #expect(parts[0].name == "/var/lib/rancher/k3s/server/manifests/pad.yaml")
    #expect(parts[1].name == "/usr/local/sbin/k3seed-bootstrap")
    let words = parts.prefix(2).map { "\($0.name) \($0.bytes)" }.joined(separator: ", ")
    #expect(finding.contains("; the largest parts, in bytes of plain text, are \(words), "))
    #expect(
      finding.hasSuffix(
        "; use the encoding auto, which compresses where it must, or take something out [over-limit]"))
  }

  @Test("the parts are all of the payload, the largest first", arguments: Role.allCases)
  func parts(role: Role) throws {
    let userData = try Cluster(example: "oci-vault").render(role)
    let parts = userData.parts
    #expect(parts.map(\.bytes) == parts.map(\.bytes).sorted(by: >))
    #expect(Set(parts.map(\.name)).isSuperset(of: ["runcmd", "bootcmd", "/etc/k3seed/plan.json"]))
    // What is left is the first line and the key of the files.
    #expect(parts.map(\.bytes).reduce(0, +) + "#cloud-config\nwrite_files:\n".count == userData.plain.count)
  }

  // MARK: MIME

  @Test("what cloud-init would take for MIME is refused, wherever in its first 4096 bytes")
  func mimeVersion() throws {
    func keys(_ comments: [String]) -> String {
      comments.map { #""ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI \#($0)""# }.joined(separator: ", ")
    }
    let finding =
      "error: \"mime-version:\" stands in the first 4096 bytes, for which cloud-init takes the whole payload for MIME; look for the input or template that holds it [mime-version]"
    for comment in ["mime-version: 1.0", "x MIME-Version:"] {
      let cluster = try Cluster(#"{\#(Cluster.least), "ssh_authorized_keys": [\#(keys([comment]))]}"#)
      for encoding in Encoding.allCases { #expect(try cluster.refusal(.server, encoding) == [finding]) }
    }
    #expect(throws: Never.self) {
      try Cluster(#"{\#(Cluster.least), "ssh_authorized_keys": [\#(keys(["mime-version"]))]}"#).render()
    }
    // Behind them it is a text like any other.
    let far = keys((0..<60).map { "key \($0) \(String(repeating: "k", count: 40))" } + ["mime-version: 1.0"])
    #expect(throws: Never.self) {
      try Cluster(#"{\#(Cluster.least), "platform": "nocloud", "ssh_authorized_keys": [\#(far)]}"#).render()
    }
  }
}
