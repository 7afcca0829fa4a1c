import SystemPackage

extension Image {
  /// An image of the user's own.
  ///
  /// Its format is told by its first bytes, whatever its name ends with. Where a kernel and an initial RAM disk lie
  /// beside it (`debian.qcow2`, `debian.vmlinuz`, `debian.initrd`), the machine starts from these, with the file system
  /// that has Debian's and Ubuntu's label, `cloudimg-rootfs`, as its root; otherwise from the boot loader on the disk.
  ///
  /// - Parameters:
  ///   - path: the disk.
  ///   - architecture: what it is for, which a disk does not say.
  /// - Throws: that there is no such file, that it is no disk (and what it is), or that nothing on it can be started.
  public static func file(_ path: String, architecture: Architecture) throws(ImageError) -> Image {
    guard let status = Files.status(path) else {
      throw .request("image-missing", at: path, "there is no such file")
    }
    guard status.isRegular else { throw .request("image-kind", at: path, "is not a regular file") }
    let content: Content
    do {
      content = Content(
        start: try Files.read(path, atMost: 4096), descriptor: try Files.read(path, from: 0x8000, atMost: 8))
    } catch {
      throw .request("image-unreadable", at: path, "cannot be read: \(error)")
    }
    if content == .qcow2 { try Qcow2.expectWhole(path) }
    let stem = path.withoutExtension
    let (kernel, initrd) = ("\(stem).vmlinuz", "\(stem).initrd")
    let hasKernel = Files.status(kernel) != nil && Files.status(initrd) != nil
    switch content {
    case .qcow2 where hasKernel, .partitions where hasKernel:
      return Image(
        name: path, architecture: architecture, disk: path, format: content == .qcow2 ? .qcow2 : .raw,
        boot: .kernel(path: kernel, initrd: initrd, root: "LABEL=cloudimg-rootfs"))
    case .qcow2, .partitions:
      return Image(
        name: path, architecture: architecture, disk: path, format: content == .qcow2 ? .qcow2 : .raw,
        boot: .firmware)
    case .fileSystem where hasKernel:
      return Image(
        name: path, architecture: architecture, disk: path, format: .raw,
        boot: .kernel(path: kernel, initrd: initrd, root: "/dev/vda"))
    case .fileSystem:
      throw .request(
        "image-kind", at: path, "is a file system without a boot loader",
        help: "put its kernel beside it as \(kernel), and its initial RAM disk as \(initrd)")
    case .other(let what):
      throw .request(
        "image-kind", at: path,
        "is neither a qcow2 image nor a raw disk with partitions or an ext4 file system\(what.map { ": it is \($0)" } ?? "")",
        help:
          "give a cloud image as its publisher has it, unpacked, or convert it with qemu-img convert -O qcow2"
      )
    }
  }

  /// What a file is.
  private enum Content: Equatable {
    case qcow2, partitions, fileSystem
    case other(String?)

    /// From the first 4 KiB, and the first bytes of an ISO 9660 descriptor.
    init(start: [UInt8], descriptor: [UInt8]) {
      func has(_ bytes: [UInt8], at offset: Int) -> Bool {
        start.dropFirst(offset).starts(with: bytes)
      }
      if has(Array("QFI".utf8) + [0xFB], at: 0) {
        self = .qcow2
      } else if descriptor.dropFirst().starts(with: Array("CD001".utf8)) {
        // Before the partitions, which most such images have as well.
        self = .other("an ISO 9660 image, a CD")
      } else if let known = Self.others.first(where: { has($0.bytes, at: 0) }) {
        self = .other(known.what)
      } else if has([0x53, 0xEF], at: 1080) {
        self = .fileSystem
      } else if has([0x55, 0xAA], at: 510) {
        // The master boot record, which a disk with a GUID partition table has for its protection.
        self = .partitions
      } else {
        self = .other(start.isEmpty ? "empty" : nil)
      }
    }

    private static let others: [(bytes: [UInt8], what: String)] = [
      ([0x1F, 0x8B], "compressed with gzip"), ([0xFD] + Array("7zXZ".utf8), "compressed with xz"),
      ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd"), (Array("BZh".utf8), "compressed with bzip2"),
      (Array("PK".utf8) + [3, 4], "a ZIP archive"), (Array("KDMV".utf8), "a VMDK image"),
      (Array("vhdxfile".utf8), "a VHDX image"), (Array("conectix".utf8), "a VHD image"),
      (Array("<<< ".utf8), "a VirtualBox image"), (Array("<".utf8), "a page of HTML or XML"),
      (Array("#cloud-config".utf8), "user-data"),
    ]
  }
}

extension String {
  fileprivate var withoutExtension: String {
    let name = self[(lastIndex(of: "/").map(index(after:)) ?? startIndex)...]
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return self }
    return String(self[..<dot])
  }
}
