/// Bytes filled bit by bit from the least significant, as RFC 1951, section 3.1.1, packs them.
struct BitWriter {
  /// The bytes that are full.
  private(set) var bytes: [UInt8]
  /// The bits that do not yet fill a byte, and how many they are: never more than 7 between calls.
  private var rest: UInt64 = 0
  private var restBits = 0

  /// Starts after bytes that are already there.
  init(_ bytes: [UInt8] = []) {
    self.bytes = bytes
  }

  /// How many bits there are so far.
  var bitCount: Int { bytes.count * 8 + restBits }

  /// Adds the lowest bits of a value that has none above them; at most 57.
  mutating func append(_ value: UInt64, bits: Int) {
    rest |= value << UInt64(restBits)
    restBits += bits
    while restBits >= 8 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
      restBits -= 8
    }
  }

  /// Fills the last byte up with zeros.
  mutating func align() {
    append(0, bits: -restBits & 7)
  }

  /// Adds whole bytes; the writer must be aligned.
  mutating func append(contentsOf more: ArraySlice<UInt8>) {
    precondition(restBits == 0, "whole bytes begin on a byte's boundary")
    bytes.append(contentsOf: more)
  }
}
