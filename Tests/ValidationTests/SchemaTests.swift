import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Validation

@Suite("cloud-init's schema, as facts") struct SchemaTests {
  /// A checkout of cloud-init, where one is at hand.
  static let checkout = ProcessInfo.processInfo.environment["K3SEED_CLOUD_INIT"]

  private struct Snippet: Decodable {
    let `where`: String
    let text: String
    let ok: Bool
  }

  @Test("every type of the facts can be read, and refuses nothing that is not known")
  func facts() throws {
    #expect(CloudConfigFacts.types.count > 100)
    for (name, text) in CloudConfigFacts.types.merging(
      CloudConfigFacts.olderTypes, uniquingKeysWith: { one, _ in one })
    {
      #expect(text.count(where: { $0 == "{" }) == text.count(where: { $0 == "}" }), "\(name)")
      for match in text.matches(of: /@\w+/) {
        #expect(CloudConfigFacts.types[String(match.output)] != nil, "\(name): \(match.output)")
      }
    }
    for name in CloudConfigFacts.types.keys
    where !name.hasPrefix("@") && !["migrate", "version"].contains(name) {
      if case .any? = ValueType.of(name) { Issue.record("the type of \(name) could not be read") }
    }
  }

  @Test(
    "a value is held to its type, and a finding names its key and place",
    arguments: [
      (
        "users: [{name: a, uid: [1]}]",
        "2:24 users[0].uid is a list, and cloud-init takes a whole number or a string there"
      ),
      ("power_state: {delay: now}", "2:14 power_state has no mode"),
      (
        "power_state: {mode: restart}",
        "2:21 power_state.mode is none of the words that cloud-init takes there"
      ),
      ("swap: {size: many}", "2:14 swap.size is nothing that cloud-init takes there"),
      ("reporting: {a: {type: webhook}}", "2:16 reporting.a has no endpoint"),
      (
        "reporting: {a: {type: email}}",
        "2:23 reporting.a.type is none of the words that cloud-init takes there"
      ),
      (
        "disk_setup: {a: {layout: [[1]]}}",
        "2:27 disk_setup.a.layout[0] has 1 items, and cloud-init takes 2 there"
      ),
      ("ntp: {servers: [a, a]}", "2:20 ntp.servers[1] is there twice, and cloud-init takes it once"),
      (
        "rh_subscription: {add_pool: [a], add-pool: [b]}",
        "2:18 rh_subscription has both add_pool and add-pool"
      ),
      ("users: [{gecos: a}]", "2:9 an entry of users has no name or snapuser"),
      ("random_seed: {encodng: b64}", "2:15 random_seed has no key \"encodng\""),
      ("lxd: {bridge: {mode: new, mtu: -2}}", "2:32 lxd.bridge.mtu is too small"),
      (
        "grub_dpkg: {enabled: 'true'}",
        "2:22 grub_dpkg.enabled is a string, and cloud-init takes true or false there"
      ),
      (
        "users: [{name: a, expiredate: 2030-01-31}]",
        "2:31 users[0].expiredate is a date, and cloud-init takes a date in quotes there"
      ),
    ])
  func findings(line: String, expected: String) throws {
    let found = try validate("#cloud-config\n\(line)\n").diagnostics
    #expect(
      found.map { "\($0.location?.line ?? 0):\($0.location?.column ?? 0) \($0.message)" } == [expected],
      "\(found.map(\.line))")
    // Two names of one key: cloud-init takes one of them.
    #expect(found.allSatisfy { ($0.severity == .error) != expected.contains(" has both ") })
  }

  @Test(
    "what works though the schema refuses it is a warning: what only the older schema takes, empty values, words that become the same text",
    arguments: [
      "ssh_genkeytypes: [rsa, dsa]", "packages:", "packages: []", "runcmd: [[sleep, 5]]",
      "user: {shell: /bin/sh}",
      "fs_setup: [{device: /dev/vdb, partition: 1}]",
    ])
  func warnings(line: String) throws {
    let found = try validate("#cloud-config\n\(line)\n").diagnostics
    #expect(found.map(\.severity) == [.warning] && found.map(\.code) == ["key-type"], "\(found.map(\.line))")
  }

  @Test(
    "the help names every form that a value may have",
    arguments: [
      (
        "swap: {size: many}",
        "give auto or a whole number or a string that matches ^([0-9]+)?\\.?[0-9]+[BKMGT]$"
      ),
      ("reporting: {a: {type: email}}", "use one of log, print, webhook, hyperv"),
      ("power_state: {mode: rebot}", "did you mean \"reboot\"? use one of poweroff, reboot, halt"),
    ])
  func help(line: String, expected: String) throws {
    let found = try validate("#cloud-config\n\(line)\n").diagnostics
    #expect(found.map(\.help) == [expected])
  }

  @Test(
    "what a template gives is not judged",
    arguments: [
      "users: ${users}", "power_state:\n  mode: ${mode}", "users: [{name: a, uid: \"{{ uid }}\"}]",
      "packages: [\"%{ if a }x%{ endif }\"]",
      "write_files: [{path: /a, permissions: \"${mode}\", encoding: \"${how}\"}]",
    ])
  func unknown(line: String) throws {
    let found = try validate("#cloud-config\n\(line)\n").diagnostics
    #expect(found.allSatisfy { $0.code == "placeholder" }, "\(found.map(\.line))")
  }

  @Test(
    "of the cloud-configs that cloud-init's own tests refuse 95 of 100 are found, and none that they accept has a wrong type or key",
    .enabled(if: checkout != nil, "needs a checkout of cloud-init: K3SEED_CLOUD_INIT=folder"))
  func snippets() async throws {
    let checkout = try #require(Self.checkout)
    let script = Tool.root.appendingPathComponent("Tests/ValidationTests/cloud-init-snippets.py").path
    let outcome = try await Tool.run(["python3", script, checkout])
    try #require(outcome.status == 0, "\(outcome.errors)")
    let snippets = try JSONDecoder().decode([Snippet].self, from: Data(outcome.output))
    var missed: [String] = []
    for snippet in snippets {
      let report = try validate("#cloud-config\n\(snippet.text)")
      if snippet.ok {
        let wrong = report.diagnostics.filter {
          ["key-type", "module-key", "write-files", "unknown-key"].contains($0.code) && $0.severity == .error
        }
        #expect(wrong.isEmpty, "\(snippet.where): \(Report(wrong).text)")
      } else if !report.diagnostics.contains(where: {
        !["plain-secret", "runcmd-unchecked"].contains($0.code)
      }) {
        missed.append("\(snippet.where): \(snippet.text)")
      }
    }
    let refused = snippets.count { !$0.ok }
    #expect(refused > 200 && snippets.count - refused > 100)
    #expect(missed.count * 20 <= refused, "\(missed.count) of \(refused): \(missed)")
  }

  @Test(
    "the facts are those of the schema, as scripts/cloud-init-facts writes them",
    .enabled(if: checkout != nil, "needs a checkout of cloud-init: K3SEED_CLOUD_INIT=folder"))
  func renewal() async throws {
    let checkout = try #require(Self.checkout)
    let schema = "cloudinit/config/schemas/schema-cloud-config-v1.json"
    let older = Tool.root.appendingPathComponent(".venv/cloud-init/usr/lib/python3/dist-packages/\(schema)")
      .path
    let outcome = try await Tool.run([
      "python3", Tool.root.appendingPathComponent("scripts/cloud-init-facts").path, "\(checkout)/\(schema)",
      CloudConfigFacts.version, older, CloudConfigFacts.olderVersion,
    ])
    let file = Tool.root.appendingPathComponent("Sources/Validation/CloudConfigFacts.swift")
    #expect(try outcome.text == String(contentsOf: file, encoding: .utf8), "\(outcome.errors)")
  }
}
