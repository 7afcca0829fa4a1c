/// The header of a qcow2 file, as far as it says what else QEMU would open.
///
/// Source: QEMU's `docs/interop/qcow2.txt`, version 7.2.
enum Qcow2 {
  /// Throws where a disk refers to another file: QEMU would open that as well, whatever it is, and the guest could read
  /// it. What is not qcow2 refers to nothing, as QEMU is told every format that it opens.
  static func expectWhole(_ path: String) throws(ImageError) {
    let header: [UInt8]
    do {
      header = try Files.read(path, atMost: 512)
    } catch {
      throw .request("image-unreadable", at: path, "cannot be read: \(error)")
    }
    guard let reference = reference(in: header) else { return }
    throw .image(
      "image-refers", at: path,
      "refers to \(reference), which QEMU would open on this host, and the guest could read",
      help: "get the image from its publisher; one's own becomes whole with qemu-img convert -O qcow2")
  }

  /// What a header refers to; nil where it is nothing, or the header is none of qcow2.
  static func reference(in header: [UInt8]) -> String? {
    guard header.starts(with: Array("QFI".utf8) + [0xFB]) else { return nil }
    func number(at offset: Int, bytes: Int) -> UInt64 {
      header.dropFirst(offset).prefix(bytes).reduce(0) { $0 << 8 | UInt64($1) }
    }
    // In every version: where the name of the backing file is, 0 for none.
    if number(at: 8, bytes: 8) != 0 { return "a backing file" }
    // Version 2 ends before the features that a reader must know.
    if number(at: 4, bytes: 4) >= 3, number(at: 72, bytes: 8) & 1 << 2 != 0 { return "an external data file" }
    return nil
  }
}
