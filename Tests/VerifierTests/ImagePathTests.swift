import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Verifier

@Suite("Images of the user's own")
struct ImagePathTests {
  @Test(
    "An image that qemu-img made is known whatever its name ends with, and starts from its boot loader",
    .enabled(if: Tool.has("qemu-img"), "qemu-img is not installed"))
  func qcow2() async throws {
    try await withTemporaryDirectory { folder in
      let path = folder.appendingPathComponent("disk.img").path
      let made = try await Tool.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1M"])
      try #require(made.status == 0, "\(made.errors)")
      #expect(
        try Image.file(path, architecture: .aarch64)
          == Image(name: path, architecture: .aarch64, disk: path, format: .qcow2, boot: .firmware))
    }
  }

  @Test("A kernel and an initial RAM disk beside it are what the machine starts from; one alone is not")
  func kernel() async throws {
    try await withTemporaryDirectory { folder in
      let path = folder.appendingPathComponent("debian.qcow2").path
      try Data("QFI\u{1}".utf8.dropLast() + [0xFB]).write(to: URL(fileURLWithPath: path))
      try Data().write(to: folder.appendingPathComponent("debian.vmlinuz"))
      #expect(try Image.file(path, architecture: .x86_64).boot == .firmware)
      try Data().write(to: folder.appendingPathComponent("debian.initrd"))
      #expect(
        try Image.file(path, architecture: .x86_64).boot
          == .kernel(
            path: "\(folder.path)/debian.vmlinuz", initrd: "\(folder.path)/debian.initrd",
            root: "LABEL=cloudimg-rootfs"))
    }
  }

  @Test("A raw disk is known by its partition table")
  func partitions() async throws {
    try await withTemporaryDirectory { folder in
      var disk = Data(count: 1 << 20)
      disk[510] = 0x55
      disk[511] = 0xAA
      let url = folder.appendingPathComponent("disk")
      try disk.write(to: url)
      let image = try Image.file(url.path, architecture: .x86_64)
      #expect(image.format == .raw && image.boot == .firmware)
    }
  }

  @Test(
    "A file system alone needs a kernel beside it",
    .enabled(if: HostTool.mke2fs.location != nil, "mke2fs is not installed"))
  func fileSystem() async throws {
    try await withTemporaryDirectory { folder in
      let path = folder.appendingPathComponent("root.img").path
      let made = try await Tool.run(
        ["sh", "-c", #"PATH="$PATH:/usr/sbin"; mke2fs -q -t ext4 "$1" 4M"#, "sh", path])
      try #require(made.status == 0, "\(made.errors)")
      let error = try #require(throws: ImageError.self) { try Image.file(path, architecture: .x86_64) }
      #expect(
        error.diagnostic.line
          == "\(path): error: is a file system without a boot loader; put its kernel beside it as "
          + "\(folder.path)/root.vmlinuz, and its initial RAM disk as \(folder.path)/root.initrd [image-kind]"
      )
      #expect(error.exitCode == 2)
      for end in ["vmlinuz", "initrd"] { try Data().write(to: folder.appendingPathComponent("root.\(end)")) }
      let image = try Image.file(path, architecture: .x86_64)
      #expect(image.format == .raw)
      #expect(
        image.boot
          == .kernel(
            path: "\(folder.path)/root.vmlinuz", initrd: "\(folder.path)/root.initrd", root: "/dev/vda"))
    }
  }

  @Test("What is no disk is refused, with what it is where that is known", arguments: NoDisk.all)
  func others(file: NoDisk) async throws {
    try await withTemporaryDirectory { folder in
      let url = folder.appendingPathComponent("file")
      try Data(file.bytes).write(to: url)
      let error = try #require(throws: ImageError.self) { try Image.file(url.path, architecture: .x86_64) }
      #expect(
        error.diagnostic.message
          == "is neither a qcow2 image nor a raw disk with partitions or an ext4 file system\(file.what)")
      #expect(error.blame == .request && error.diagnostic.location?.source == url.path)
    }
  }

  @Test("A path that leads nowhere, or to a folder, is refused")
  func nothing() async throws {
    try await withTemporaryDirectory { folder in
      let missing = try #require(throws: ImageError.self) {
        try Image.file("\(folder.path)/none", architecture: .x86_64)
      }
      #expect(missing.diagnostic.line == "\(folder.path)/none: error: there is no such file [image-missing]")
      let directory = try #require(throws: ImageError.self) {
        try Image.file(folder.path, architecture: .x86_64)
      }
      #expect(directory.diagnostic.message == "is not a regular file")
    }
  }
}

/// Content that no machine can start from.
struct NoDisk: Sendable {
  var bytes: [UInt8]
  var what: String

  static let all: [NoDisk] = [
    NoDisk(bytes: [], what: ": it is empty"),
    NoDisk(bytes: Array("hello\n".utf8), what: ""),
    NoDisk(bytes: [UInt8](repeating: 0, count: 1 << 16), what: ""),
    NoDisk(bytes: Array("#cloud-config\n".utf8), what: ": it is user-data"),
    NoDisk(bytes: Array("<!doctype html>".utf8), what: ": it is a page of HTML or XML"),
    NoDisk(bytes: [0x1F, 0x8B, 8, 0], what: ": it is compressed with gzip"),
    NoDisk(bytes: [0x28, 0xB5, 0x2F, 0xFD], what: ": it is compressed with zstd"),
    NoDisk(bytes: Array("KDMV".utf8), what: ": it is a VMDK image"),
    NoDisk(bytes: hybrid, what: ": it is an ISO 9660 image, a CD"),
  ]

  /// A CD that has a partition table as well.
  private static var hybrid: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 0x8000)
    bytes[510] = 0x55
    bytes[511] = 0xAA
    return bytes + [1] + Array("CD001".utf8)
  }
}
