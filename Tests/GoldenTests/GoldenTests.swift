import Diagnostics
import Foundation
import Gzip
import Inputs
import K3Seed
import Plan
import TestSupport
import Testing
import UserData

/// The exact bytes of every case, because they lie in users' Terraform state: where one of these fails, an upgrade
/// of k3seed would replace their instances.
///
/// `K3SEED_RECORD=1` writes them again, and still fails.
@Suite("Golden user-data") struct GoldenTests {
  static let isRecording = ProcessInfo.processInfo.environment["K3SEED_RECORD"] != nil

  @Test("Rendering gives the recorded bytes", arguments: GoldenCase.all)
  func rendering(golden: GoldenCase) throws {
    let project = try golden.project()
    for payload in golden.payloads {
      let rendering = try project.render(golden.selection(payload.name))
      let file = golden.folder.appendingPathComponent("\(payload.name).yaml")
      if Self.isRecording {
        try Data(rendering.userData.plain).write(to: file)
        Issue.record(
          "recorded \(golden.name)/\(payload.name).yaml; read what changed, then run without K3SEED_RECORD")
        continue
      }
      let recorded = try Array(Data(contentsOf: file))
      let userData = rendering.userData
      #expect(
        userData.plain == recorded,
        "\(golden.name)/\(payload.name).yaml: \(firstDifference(recorded, userData.plain))")
      #expect(userData.payload == (userData.isCompressed ? Gzip.compress(recorded) : recorded))
    }
  }

  @Test("A case's table, its folder and its plan name the same nodes", arguments: GoldenCase.all)
  func nodes(golden: GoldenCase) throws {
    let all = try golden.project().renderAll().all
    #expect(all.map(\.node.title) == golden.nodes)
    let present = try FileManager.default.contentsOfDirectory(atPath: golden.folder.path)
      .filter { $0.hasSuffix(".yaml") && $0 != "k3seed.yaml" }.sorted()
    #expect(present == golden.payloads.map { "\($0.name).yaml" }.sorted())
  }

  @Test("Rendering all nodes at once gives what rendering each of them gives", arguments: GoldenCase.all)
  func together(golden: GoldenCase) throws {
    let project = try golden.project()
    for userData in try project.renderAll().all {
      let alone = try project.render(.node(userData.node.title)).userData
      // An only node that nobody named is rendered without a name.
      #expect(userData.delivered == alone.delivered, "\(userData.node.title)")
    }
  }

  @Test("The order of keys in the input changes nothing, however often", arguments: GoldenCase.all)
  func shuffled(golden: GoldenCase) throws {
    var random = SplitMix(seed: 7)
    let document = try JSONSerialization.jsonObject(with: Data(contentsOf: golden.input))
    for payload in golden.payloads {
      let expected = try golden.project().render(golden.selection(payload.name)).userData
      for encoding in [Encoding.auto, .gzip, .base64, .gzipBase64] {
        guard let before = try? golden.project().render(golden.selection(payload.name), encoding: encoding)
        else { continue }
        let text = shuffledJSON(document, &random)
        let after = try golden.project(Array(text.utf8))
          .render(golden.selection(payload.name), encoding: encoding)
        #expect(after.userData.delivered == before.userData.delivered, "\(payload.name) \(encoding)")
        #expect(after.userData.plain == expected.plain)
      }
    }
  }

  @Test("Another value gives other bytes")
  func sensitive() throws {
    let golden = GoldenCase.all[0]
    let text = try String(contentsOf: golden.input, encoding: .utf8)
    let changed = text.replacing("EXAMPLE-4tG9qLx2VwZk7RcNb0JmYd8", with: "EXAMPLE-this-is-not-a-k3s-tokem")
    #expect(changed != text)
    let before = try golden.project().render().userData
    let after = try golden.project(Array(changed.utf8)).render().userData
    #expect(before.delivered != after.delivered)
  }

  @Test(
    "A server with its secrets in OCI Vault takes three quarters of OCI's limit at most, as gzip where plain does not fit"
  )
  func vaultBudget() throws {
    let golden = try #require(GoldenCase.all.first { $0.name == "oci-vault" })
    let userData = try golden.project().render(.node("server")).userData
    #expect(userData.countedBytes * 4 <= userData.platform.budget.limit * 3, "\(userData.countedBytes)")
  }
}

extension GoldenCase {
  func project(_ input: [UInt8]? = nil) throws -> Project {
    try Project(
      terraform: .terraform(input ?? Array(Data(contentsOf: self.input)), source: "input.json"),
      config: config.map { try ConfigFile(Array(Data(contentsOf: $0)), source: "k3seed.yaml") }
        ?? ConfigFile())
  }

  func selection(_ payload: String) -> Project.Selection {
    guard roles.contains(payload) else { return .node(payload) }
    return Project.Selection(role: Sourced(payload, from: Location(source: "role")))
  }
}

/// Where two texts part, for a failure that can be read.
private func firstDifference(_ old: [UInt8], _ new: [UInt8]) -> String {
  let olds = String(decoding: old, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
  let news = String(decoding: new, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
  for (index, (old, new)) in zip(olds, news).enumerated() where old != new {
    return "line \(index + 1) was \(old.debugDescription) and is \(new.debugDescription)"
  }
  return "\(olds.count) lines were recorded, and there are \(news.count)"
}

/// A JSON document as text, the keys of every object in a random order and white space here and there.
private func shuffledJSON(_ value: Any, _ random: inout SplitMix) -> String {
  let space = [" ", "", "\n", "\t"].randomElement(using: &random) ?? ""
  switch value {
  case let object as [String: Any]:
    let keys = object.keys.sorted().shuffled(using: &random)
    let entries = keys.map { "\(quoted($0)):\(space)\(shuffledJSON(object[$0] as Any, &random))" }
    return "{\(space)\(entries.joined(separator: ",\(space)"))}"
  case let list as [Any]: return "[\(list.map { shuffledJSON($0, &random) }.joined(separator: ",\(space)"))]"
  case let text as String: return quoted(text)
  default: return quoted(value)
  }
}

private func quoted(_ value: Any) -> String {
  let data = (try? JSONSerialization.data(withJSONObject: value, options: .fragmentsAllowed)) ?? Data()
  return String(decoding: data, as: UTF8.self)
}
