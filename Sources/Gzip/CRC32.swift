/// The remainders of every byte by the polynomial of RFC 1952, section 8, bits reversed.
private let remainders: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(byte) { remainder, _ in
    remainder & 1 == 0 ? remainder >> 1 : remainder >> 1 ^ 0xEDB8_8320
  }
}

/// The checksum of a gzip member's contents: CRC-32 as RFC 1952, section 8, defines it.
func crc32(_ bytes: [UInt8]) -> UInt32 {
  let remainders = remainders
  return ~bytes.reduce(~0) { crc, byte in
    remainders[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ crc >> 8
  }
}
