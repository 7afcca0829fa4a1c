/// The gzip file format (RFC 1952): writing it the same everywhere, and reading anybody's.
///
/// Reading is left to zlib. Writing is not: user-data lands in Terraform's state, and compressors give different
/// bytes for the same input: zlib, its forks (zlib-ng, Cloudflare's) and Go's among them, and even versions of
/// one. Output that depended on the machine's compressor would replace instances whenever that changed. So the
/// compressor is part of this package, and its bytes depend on the input alone.
public enum Gzip {
  /// The two bytes that every gzip member begins with: ID1 and ID2 in RFC 1952, section 2.3.1.
  static let signature: [UInt8] = [0x1F, 0x8B]

  /// Compresses bytes into one gzip member, the same for the same input on every run and machine.
  ///
  /// The member names no file and no time, so that nothing but the input decides its bytes. What
  /// cannot be made smaller grows by 18 bytes, and 5 for each 65,535 bytes begun.
  public static func compress(_ bytes: [UInt8]) -> [UInt8] {
    // Section 2.3: CM 8 (DEFLATE), no flags, MTIME 0 (none), XFL 2 (made small, not fast), OS 255 (unknown).
    var output = BitWriter(signature + [8, 0, 0, 0, 0, 0, 2, 255])
    Deflate.compress(bytes, into: &output)
    output.align()
    output.append(UInt64(crc32(bytes)), bits: 32)
    output.append(UInt64(UInt32(truncatingIfNeeded: bytes.count)), bits: 32)
    return output.bytes
  }

  /// Whether bytes begin as a gzip member does; nothing after the two-byte signature is looked at.
  public static func isGzip(_ bytes: [UInt8]) -> Bool {
    bytes.starts(with: signature)
  }
}
