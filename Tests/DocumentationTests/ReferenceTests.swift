import Foundation
import TestSupport
import Testing

/// What is made of the program's own help: scripts/reference.py.
@Suite("The reference of the commands")
struct ReferenceTests {
  private static let page = Tool.root.appendingPathComponent("Sources/K3Seed/K3Seed.docc/Commands.md")
  private static let manuals = Tool.root.appendingPathComponent("man")

  @Test("The page and the manual pages are those of the program; K3SEED_RECORD=1 writes them")
  func fresh() async throws {
    try await withTemporaryDirectory { folder in
      let made = try await Tool.run(
        [
          "python3", "-I", Tool.root.appendingPathComponent("scripts/reference.py").path, Tool.k3seed,
          folder.path,
        ])
      try #require(made.status == 0, "\(made.errors)")
      let new = folder.appendingPathComponent("man")
      let names = try FileManager.default.contentsOfDirectory(atPath: new.path).sorted()
      #expect(names.contains("k3seed-verify.1"))
      let there = (try? FileManager.default.contentsOfDirectory(atPath: Self.manuals.path).sorted()) ?? []
      var isFresh = there == names
      for (old, new) in [(Self.page, folder.appendingPathComponent("Commands.md"))]
        + names.map({ (Self.manuals.appendingPathComponent($0), new.appendingPathComponent($0)) })
      {
        let wanted = try Data(contentsOf: new)
        isFresh = isFresh && (try? Data(contentsOf: old)) == wanted
      }
      // A recording never passes for a test.
      #expect(isFresh, "the reference is not that of the program; K3SEED_RECORD=1 writes it")
      guard !isFresh, ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "1" else { return }
      try? FileManager.default.removeItem(at: Self.manuals)
      try FileManager.default.copyItem(at: new, to: Self.manuals)
      try Data(contentsOf: folder.appendingPathComponent("Commands.md")).write(to: Self.page)
    }
  }

  @Test("The manual pages are without a fault of form", .enabled(if: Tool.has("groff"), "needs groff"))
  func manuals() async throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: Self.manuals.path) {
      let outcome = try await Tool.run(
        ["groff", "-man", "-ww", "-Tutf8", Self.manuals.appendingPathComponent(name).path])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(name): \(outcome.errors)")
      #expect(outcome.text.hasPrefix(name.dropLast(2).uppercased() + "(1)"), "\(name)")
    }
  }

  @Test("Completions are scripts that their shells can read", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) async throws {
    let script = try await Tool.k3seed(["--generate-completion-script", shell])
    #expect(script.status == 0 && script.text.contains("gitops") && script.text.contains("all-in-phase"))
    guard Tool.has(shell) else { return }
    let read = try await Tool.run([shell, "-n"], input: script.output)
    #expect(read.status == 0, "\(read.errors)")
  }
}
