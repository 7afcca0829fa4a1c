import Diagnostics
import Foundation
import GitOps
import Inputs
import K3Seed
import TestSupport
import Testing

/// The exact bytes of every file of a tree, because they lie in users' repositories: where one of these fails, an
/// upgrade of k3seed changes what their clusters run.
///
/// `K3SEED_RECORD=1` writes them again, and still fails.
@Suite("Golden GitOps trees") struct TreeGoldenTests {
  @Test("Rendering gives the recorded files, and no others", arguments: TreeCase.all)
  func rendering(golden: TreeCase) throws {
    let files = try golden.project().gitOpsTree().tree.files
    let folder = golden.folder.appendingPathComponent("argocd")
    if GoldenTests.isRecording {
      try? FileManager.default.removeItem(at: folder)
      for file in files {
        let place = folder.appendingPathComponent(file.path)
        try FileManager.default.createDirectory(
          at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(file.bytes).write(to: place)
      }
      Issue.record("recorded \(golden); read what changed, then run without K3SEED_RECORD")
      return
    }
    let recorded = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") }.sorted()
    #expect(files.map(\.path) == recorded)
    for file in files where recorded.contains(file.path) {
      let bytes = try Array(Data(contentsOf: folder.appendingPathComponent(file.path)))
      #expect(file.bytes == bytes, "\(golden)/\(file.path)")
    }
  }
}

extension TreeCase {
  func project() throws -> Project {
    try Project(
      terraform: .terraform(Array(Data(contentsOf: input)), source: "input.json"),
      config: config.map { try ConfigFile(Array(Data(contentsOf: $0)), source: "k3seed.yaml") }
        ?? ConfigFile())
  }
}
