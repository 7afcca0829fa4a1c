import Diagnostics
import Foundation
import GitOps
import TestSupport
import Testing

/// Small repositories, each of a kind that public ones were misjudged by, with what is right to say of them.
@Suite("Repositories of strangers") struct CaseTests {
  private static let folder = Tool.root.appendingPathComponent("Tests/GitOpsTests/Cases")

  /// The file with what is to be found, a line each, that lies in the folder of each case.
  private static let expected = "findings.txt"

  @Test(
    "Exactly what is right is said",
    arguments: [
      "enable-helm", "helmchart-crds", "duplicate-key", "placeholder-secrets", "only-templates", "namespace",
      "foreign-secret", "generator-folders",
    ])
  func verdict(name: String) throws {
    let folder = Self.folder.appendingPathComponent(name)
    var files: [String: [UInt8]] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) where path != Self.expected {
      files[path] = (try? Data(contentsOf: folder.appendingPathComponent(path))).map(Array.init)
    }
    // Nothing is known of the cluster, as for the command without --input, --config and --secret.
    let repository = Repository(files)
    let report = repository.absence(".").map { Report([$0]) } ?? Check.report(on: repository)
    let file = folder.appendingPathComponent(Self.expected)
    if ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "1" {
      try report.text.write(to: file, atomically: true, encoding: .utf8)
      Issue.record("recorded \(name); read what changed, then run without K3SEED_RECORD")
    }
    #expect(report.text == (try String(contentsOf: file, encoding: .utf8)))
  }
}
