import Foundation
import Host
import SystemPackage
import TestSupport
import Testing

@Suite("Output") struct OutputTests {
  private func refusal(_ path: String, _ readers: Folder.Readers) -> FileRefusal? {
    do throws(FileRefusal) {
      try Output(path, for: readers).tryOut()
      return nil
    } catch {
      return error
    }
  }

  @Test("A file is written for its readers, in place of one that was there, and nothing is left beside")
  func writes() async throws {
    try await withTemporaryDirectory { folder in
      for (readers, mode) in [(Folder.Readers.owner, 0o600), (.all, 0o644)] {
        let path = folder.appendingPathComponent("file").path
        for text in ["one", "another"] {
          try Output(path, for: readers).write(Array(text.utf8))
          #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == mode)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["file"])
    }
  }

  @Test("What was refused has a path, a cause and a way out")
  func refusals() async throws {
    try await withTemporaryDirectory { folder in
      let files = FileManager.default
      let path = folder.path
      try files.createSymbolicLink(atPath: path + "/link", withDestinationPath: "/etc/hostname")
      #expect(refusal(path + "/link", .all) == FileRefusal(path + "/link", .link))
      #expect(refusal(path, .all) == FileRefusal(path, .folder))
      #expect(refusal(path + "/", .all) == FileRefusal(path + "/", .folder))
      #expect(refusal("", .all) == FileRefusal("", .folder))
      #expect(
        refusal(path + "/none/x", .all) == FileRefusal(path + "/none/x", .system(.noSuchFileOrDirectory)))
      try files.createDirectory(atPath: path + "/open", withIntermediateDirectories: false)
      try #require(chmod(path + "/open", 0o777) == 0)
      #expect(refusal(path + "/open/x", .owner) == FileRefusal(path + "/open/x", .openFolder))
      #expect(refusal(path + "/open/x", .all) == nil)
      // As /tmp is: nobody but the owner can replace what is there.
      try #require(chmod(path + "/open", 0o1777) == 0)
      #expect(refusal(path + "/open/x", .owner) == nil)
      #expect(try files.contentsOfDirectory(atPath: path + "/open") == [])
    }
  }

  @Test("A name that leads elsewhere is none", arguments: ["", ".", "..", "a/b", "/etc/x", "../x"])
  func names(name: String) async throws {
    try await withTemporaryDirectory { folder in
      let inner = folder.appendingPathComponent("inner")
      try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: false)
      let opened = try Folder.open(inner.path)
      #expect(throws: FileRefusal.self) { try opened.write([], to: name, for: .all) }
      #expect(throws: FileRefusal.self) { try opened.remove(name) }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["inner"])
    }
  }

  @Test("A file that is staged is not in its place before, and goes where it never gets there")
  func staged() async throws {
    try await withTemporaryDirectory { folder in
      let opened = try Folder.open(folder.path)
      func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path) }
      var hidden: Set<String> = []
      for _ in 0..<2 {
        let file = try opened.stage([1], for: "file", .owner)
        let name = try #require(try names().first)
        #expect(name.hasPrefix(".k3seed-") && name.count > 30)
        hidden.insert(name)
        _ = file
      }
      #expect(hidden.count == 2)
      #expect(try names() == [])
      try opened.stage([1], for: "file", .owner).commit()
      #expect(try names() == ["file"])
    }
  }

  @Test("A pipe within is not waited for, and a link not followed, when files are read")
  func reading() async throws {
    try await withTemporaryDirectory { folder in
      let opened = try Folder.open(folder.path)
      let path = folder.path
      try Data("text".utf8).write(to: folder.appendingPathComponent("file"))
      try #require(mkfifo(path + "/pipe", 0o600) == 0)
      try FileManager.default.createSymbolicLink(atPath: path + "/link", withDestinationPath: path + "/file")
      #expect(try opened.read("file", limit: 4) == Array("text".utf8))
      #expect(try opened.read("none", limit: 4) == nil)
      #expect(throws: FileRefusal(path + "/pipe", .special)) { try opened.read("pipe", limit: 4) }
      #expect(throws: FileRefusal(path + "/link", .link)) { try opened.read("link", limit: 4) }
      #expect(throws: FileRefusal(path + "/file", .system(.fileTooLarge))) {
        try opened.read("file", limit: 3)
      }
    }
  }
}
