import Diagnostics
import Foundation
import Secrets
import Synchronization
import TestSupport
import Testing

@testable import Verifier

@Suite("Disks that refer to other files", .enabled(if: Tool.has("qemu-img"), "qemu-img is not installed"))
struct Qcow2Tests {
  /// Images that qemu-img makes, with what they refer to.
  static let traps = [
    (["-b", "/etc/passwd", "-F", "raw"], "a backing file"),
    (["-o", "data_file=other.raw"], "an external data file"),
    (["-o", "data_file=other.raw,data_file_raw=on"], "an external data file"),
    (["-o", "compat=0.10", "-b", "/etc/passwd", "-F", "raw"], "a backing file"),
  ]

  @Test("They are refused, by a path and in the cache, before QEMU sees them", arguments: traps.indices)
  func refused(index: Int) async throws {
    let (options, reference) = Self.traps[index]
    try await withTemporaryDirectory { folder in
      let path = folder.appendingPathComponent("disk.qcow2").path
      let made = try await Tool.run(
        ["qemu-img", "create", "-q", "-f", "qcow2"] + options + [path, "1M"], directory: folder.path)
      try #require(made.status == 0, "\(made.errors)")
      let line =
        "error: refers to \(reference), which QEMU would open on this host, and the guest could read; "
        + "get the image from its publisher; one's own becomes whole with qemu-img convert -O qcow2 [image-refers]"
      let error = try #require(throws: ImageError.self) { try Image.file(path, architecture: .x86_64) }
      #expect(error.diagnostic.line == "\(path): \(line)" && error.exitCode == 1)

      let store = ImageStore(folder: "\(folder.path)/images")
      let item = try CatalogueImage.named("debian-12", .x86_64)
      try Files.makeFolder(store.unfinished(item))
      try FileManager.default.copyItem(atPath: path, toPath: "\(store.unfinished(item))/disk.qcow2")
      _ = try store.finish(item, origin: "a test", algorithm: .sha512, disk: "disk.qcow2")
      let cached = try #require(throws: ImageError.self) { try store.image("debian-12", .x86_64) }
      #expect(cached.diagnostic.line == "\(store.place(item))/disk.qcow2: \(line)")
    }
  }

  @Test("A mirror that has one is refused after its checksum was right, and nothing of it stays")
  func pulled() async throws {
    try await withTemporaryDirectory { folder in
      let item = try CatalogueImage.named("debian-12", .x86_64)
      let disk = "\(folder.path)/\(item.download.file)"
      let made = try await Tool.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", disk, "1M"])
      try #require(made.status == 0, "\(made.errors)")
      let sum = try await Tool.run([
        "sh", "-c", "cd \"$1\" && sha512sum *.qcow2 >SHA512SUMS", "sh", folder.path,
      ])
      try #require(sum.status == 0, "\(sum.errors)")
      let store = ImageStore(folder: "\(folder.path)/images")
      try await PublisherStandIn.serving(folder) { address in
        let said = Said()
        let error = try await #require(throws: ImageError.self) {
          try await store.pull(item, from: "\(address)/whole", showsProgress: false) { said.add($0) }
        }
        #expect(error.diagnostic.message.hasPrefix("refers to a backing file") && error.exitCode == 1)
        #expect(
          said.lines.contains(
            "warning: http:// is neither secret nor checked: whoever is on the way can replace the image and its checksums; use https://"
          ))
        #expect(try store.record(item) == nil)
        #expect(Files.names(in: store.unfinished(item)).isEmpty)
      }
    }
  }

  @Test("Of a disk without end no more comes than a disk may have", arguments: ["endless", "whole"])
  func endless(how: String) async throws {
    try await withTemporaryDirectory { folder in
      let item = try CatalogueImage.named("debian-12", .x86_64)
      try Data(count: 4 << 20).write(to: folder.appendingPathComponent(item.download.file))
      let digest = String(repeating: "0", count: 128)
      try Data("\(digest)  \(item.download.file)\n".utf8).write(
        to: folder.appendingPathComponent("SHA512SUMS"))
      var store = ImageStore(folder: "\(folder.path)/images")
      store.mostBytes = 1 << 20
      let limited = store
      try await PublisherStandIn.serving(folder) { address in
        let error = try await #require(throws: ImageError.self) {
          try await limited.pull(item, from: "\(address)/\(how)", showsProgress: false) { _ in }
        }
        #expect(
          error.diagnostic.message == "has more than 1048576 bytes, which no image of the catalogue has",
          "\(error.diagnostic.line)")
        #expect(Files.names(in: limited.unfinished(item)).isEmpty)
      }
    }
  }

  @Test("A list of checksums without end is none")
  func endlessList() async throws {
    try await withTemporaryDirectory { folder in
      let item = try CatalogueImage.named("debian-12", .x86_64)
      try Data(count: 4 << 20).write(to: folder.appendingPathComponent("SHA512SUMS"))
      let store = ImageStore(folder: "\(folder.path)/images")
      try await PublisherStandIn.serving(folder) { address in
        let error = try await #require(throws: ImageError.self) {
          try await store.pull(item, from: "\(address)/endless", showsProgress: false) { _ in }
        }
        #expect(
          error.diagnostic.message == "has more than 1048576 bytes, which no list of checksums has",
          "\(error.diagnostic.line)")
      }
    }
  }
}

/// What was said, from whatever thread.
private final class Said: Sendable {
  private let state = Mutex<[String]>([])
  var lines: [String] { state.withLock { $0 } }
  func add(_ line: String) { state.withLock { $0.append(line) } }
}

/// The stand-in for a publisher of images (Samples/publisher.py), for as long as something is done.
enum PublisherStandIn {
  static func serving(_ folder: URL, _ body: (String) async throws -> Void) async throws {
    let process = Process()
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: try #require(Tool.find("python3")))
    process.arguments = [
      Guest.samples.appendingPathComponent("publisher.py").path, folder.path, "\(folder.path)/requests.log",
      // Its address, and then nothing until its standard input ends.
      "sh", "-c", "echo {}; cat >/dev/null",
    ]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    defer { try? input.fileHandleForWriting.close() }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    try await body(line.trimmingCharacters(in: .newlines))
  }
}
