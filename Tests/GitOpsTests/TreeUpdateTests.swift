import Diagnostics
import Foundation
import Testing

@testable import GitOps

@Suite("Bringing a tree into its folder") struct TreeUpdateTests {
  /// A folder in memory.
  private struct Folder {
    var files: [String: String] = [:]

    /// Brings a tree into the folder; gives the findings, or nil where nothing was written.
    mutating func render(_ tree: [String: String], _ policy: TreeUpdate.Policy = .refuse) throws -> [String]?
    {
      let tree = Tree(tree)
      let record = files[TreeUpdate.recordPath].map { Array($0.utf8) }
      let paths = try TreeUpdate.paths(of: tree, record: record, folder: "out")
      let existing = files.filter { paths.contains($0.key) }.mapValues { Array($0.utf8) }
      let update = try TreeUpdate(tree, existing: existing, record: record, folder: "out", policy: policy)
      for file in update.writes { files[file.path] = String(decoding: file.bytes, as: UTF8.self) }
      for path in update.removals { files[path] = nil }
      return update.report.diagnostics.map(\.line)
    }

    /// The files but the record.
    var content: [String: String] { files.filter { $0.key != TreeUpdate.recordPath } }
  }

  private static func refusal(_ step: () throws -> Void) -> [String] {
    do {
      try step()
      return []
    } catch let report as Report {
      return report.diagnostics.map(\.line)
    } catch {
      return ["\(error)"]
    }
  }

  private static let first = ["a.yaml": "one\ntwo\nthree\n", "b/c.yaml": "x\n"]

  @Test("An empty folder takes the tree, with the checksums that sha256sum reads")
  func fresh() throws {
    var folder = Folder()
    #expect(try folder.render(Self.first) == [])
    #expect(folder.content == Self.first)
    #expect(
      folder.files[TreeUpdate.recordPath] == """
        b6285c57e8797db5d4c51c80d6f11938afda9b11c6a003549709189e9b4b92a2  a.yaml
        73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac  b/c.yaml

        """)
  }

  @Test("The same tree again changes nothing")
  func again() throws {
    var folder = Folder()
    _ = try folder.render(Self.first)
    let before = folder.files
    let tree = Tree(Self.first)
    let update = try TreeUpdate(
      tree, existing: before.mapValues { Array($0.utf8) },
      record: before[TreeUpdate.recordPath].map { Array($0.utf8) }, folder: "out")
    #expect(update.writes == [] && update.removals == [] && update.unchanged == 2)
  }

  @Test("What k3seed wrote and nobody changed is changed, and removed where the tree has it no more")
  func another() throws {
    var folder = Folder()
    _ = try folder.render(Self.first)
    folder.files["mine.yaml"] = "m\n"
    #expect(try folder.render(["a.yaml": "1\n", "d.yaml": "y\n"]) == [])
    #expect(folder.content == ["a.yaml": "1\n", "d.yaml": "y\n", "mine.yaml": "m\n"])
    // What somebody took away is written again.
    folder.files["d.yaml"] = nil
    #expect(try folder.render(["a.yaml": "1\n", "d.yaml": "y\n"]) == [])
    #expect(folder.content["d.yaml"] == "y\n")
  }

  @Test(
    "What somebody changed stops everything, and is said with its lines",
    arguments: [
      ("one\nTWO\nthree\n", "line 2 differs"), ("one\n2\n2\nthree\n", "lines 2 to 3 differ"),
      ("one\nthree\n", "1 line is missing before line 2"), ("ONE\ntwo\nTHREE\n", "lines 1 to 3 differ"),
      ("one\ntwo\nthree\nfour\n", "line 4 differs"), ("", "3 lines are missing before line 1"),
    ])
  func edited(text: String, difference: String) throws {
    var folder = Folder()
    _ = try folder.render(Self.first)
    folder.files["a.yaml"] = text
    let before = folder.files
    let found = Self.refusal { _ = try folder.render(["a.yaml": "one\ntwo\nthree\n", "b/c.yaml": "new\n"]) }
    #expect(
      found == [
        "out/a.yaml: error: was changed since k3seed wrote it: \(difference); leave it with --keep, or overwrite it with --force [edited]"
      ])
    #expect(folder.files == before)
  }

  @Test("With --keep it stays, now and later, and the others are written")
  func keep() throws {
    var folder = Folder()
    _ = try folder.render(Self.first)
    folder.files["a.yaml"] = "mine\n"
    for _ in 0..<2 {
      #expect(
        try folder.render(["a.yaml": "1\n", "b/c.yaml": "2\n"], .keep) == [
          "out/a.yaml: note: was changed since k3seed wrote it: line 1 differs; it is kept [edited]"
        ])
      #expect(folder.content == ["a.yaml": "mine\n", "b/c.yaml": "2\n"])
    }
    #expect(Self.refusal { _ = try folder.render(["a.yaml": "1\n", "b/c.yaml": "2\n"]) }.count == 1)
  }

  @Test("With --force it is overwritten, and k3seed's own from then on")
  func force() throws {
    var folder = Folder()
    _ = try folder.render(Self.first)
    folder.files["a.yaml"] = "mine\n"
    #expect(
      try folder.render(["a.yaml": "1\n"], .overwrite) == [
        "out/a.yaml: note: was changed since k3seed wrote it: line 1 differs; it is overwritten [edited]"
      ])
    #expect(folder.content == ["a.yaml": "1\n"])
    #expect(try folder.render(["a.yaml": "2\n"]) == [])
  }

  @Test("A file that k3seed never wrote is nobody's to overwrite, unless it is the same")
  func foreign() throws {
    var folder = Folder(files: ["a.yaml": "theirs\n", "b/c.yaml": "x\n"])
    #expect(
      Self.refusal { _ = try folder.render(Self.first) } == [
        "out/a.yaml: error: was not written by k3seed: line 1 differs; leave it with --keep, or overwrite it with --force [edited]"
      ])
    #expect(folder.files == ["a.yaml": "theirs\n", "b/c.yaml": "x\n"])
  }

  @Test("What somebody changed is not removed, either")
  func leftOver() throws {
    var folder = Folder()
    _ = try folder.render(Self.first)
    folder.files["b/c.yaml"] = "mine\n"
    let only = ["a.yaml": "one\ntwo\nthree\n"]
    #expect(
      Self.refusal { _ = try folder.render(only) } == [
        "out/b/c.yaml: error: was changed since k3seed wrote it, and the tree has no such file any more; leave it with --keep, or overwrite it with --force [edited]"
      ])
    #expect(folder.content["b/c.yaml"] == "mine\n")
    _ = try folder.render(only, .keep)
    #expect(folder.content["b/c.yaml"] == "mine\n")
    _ = try folder.render(only, .overwrite)
    #expect(folder.content == only)
  }

  @Test(
    "A record that is not k3seed's is refused: it could have any file removed",
    arguments: ["../x", "/etc/passwd", "a/../../x", "./a", "a//b", ""])
  func record(path: String) throws {
    let hash = String(repeating: "0", count: 64)
    var folder = Folder(files: [TreeUpdate.recordPath: "\(hash)  ok\n\(hash)  \(path)\n"])
    #expect(
      Self.refusal { _ = try folder.render(Self.first) } == [
        "out/.k3seed.sha256:2:1: error: is not a checksum and a path below this folder, as k3seed writes them; restore the file from git; without it, every file counts as not written by k3seed [tree-record]"
      ])
    folder.files[TreeUpdate.recordPath] = "nonsense\n"
    #expect(Self.refusal { _ = try folder.render(Self.first) }.count == 1)
  }
}

extension Tree {
  fileprivate init(_ files: [String: String]) {
    self.init(
      files: files.sorted { $0.key < $1.key }.map { File(path: $0.key, bytes: Array($0.value.utf8)) },
      graph: ApplicationGraph([]))
  }
}
