import Foundation
import TestSupport
import Testing

@Suite("What is larger than anybody has is refused at once") struct LimitTests {
  /// A command, what it reads, and how much of it at most, in MiB.
  static let readers: [(command: [String], input: String, limit: Int)] = [
    (["inspect", "FILE"], "user-data", 2), (["diff", "FILE", "/dev/null"], "user-data", 2),
    (["validate", "--no-tools", "FILE"], "user-data", 2), (["verify", "FILE"], "user-data", 2),
    (["render", "--input", "FILE"], "outputs", 8), (["preview", "--input", "FILE"], "outputs", 8),
    (["gitops", "render", "--out", "out", "--input", "FILE"], "outputs", 8), (["external"], "outputs", 8),
    (["render", "--config", "FILE"], "settings", 1), (["render", "--lock", "FILE"], "settings", 1),
    (["lock", "--show", "--lock", "FILE"], "settings", 1),
  ]

  @Test("Every reader names its limit", arguments: readers.indices)
  func limits(index: Int) async throws {
    let (command, kind, limit) = Self.readers[index]
    try await withTemporaryDirectory { folder in
      let file = folder["big"].path
      let start = ["user-data": "#cloud-config\n", "outputs": "{", "settings": "# "][kind] ?? ""
      try #require(FileManager.default.createFile(atPath: file, contents: Data((start + " ").utf8)))
      let outcome = try await Tool.shell(
        "truncate -s \((limit << 20) + 1) big && \"$k3seed\" \"$@\" <\(command == ["external"] ? "big" : "/dev/null")",
        command.map { $0 == "FILE" ? "big" : $0 }, directory: folder.path)
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      let name = command == ["external"] ? "<stdin>" : "big"
      // Where nothing is on standard input, that is said before it.
      let error = try #require(outcome.findings.last)
      #expect(
        error.hasPrefix("\(name): error: holds more than \(limit) MiB, and ")
          && error.hasSuffix(" [file-size]"), "\(outcome.errors)")
    }
  }

  @Test("A folder of templates that leads in a circle has an end")
  func circle() async throws {
    try await withTemporaryDirectory { folder in
      let mine = folder["mine"]
      try FileManager.default.createDirectory(at: mine["a"], withIntermediateDirectories: true)
      for name in ["b", "c"] {
        try FileManager.default.createSymbolicLink(atPath: mine["a"][name].path, withDestinationPath: "../a")
      }
      let outcome = try await Tool.k3seed(
        ["render", "--templates", "mine"], input: json(project), directory: folder.path)
      #expect(
        outcome.status == 2
          && outcome.findings.suffix(2)
            == ["b", "c"].map {
              "mine/a/\($0): error: is a link that leads in a circle; take it out [link-circle]"
            },
        "\(outcome.errors)")
    }
  }
}
