/// A length or distance as DEFLATE writes it: a symbol for the range it lies in, and where in the range.
struct Bucket {
  /// The range's symbol.
  var symbol: Int
  /// The place in the range, and in how many bits it is written.
  var extra: UInt64
  var extraBits: Int
}

extension Bucket {
  /// A copy's length, 3 to 258.
  init(length: UInt16) {
    // The longest has a symbol of its own, though it would fall into the range before.
    self =
      length == 258
      ? Bucket(symbol: 285, extra: 0, extraBits: 0)
      : Bucket(Int(length) - 3, fineness: 2, firstSymbol: 257)
  }

  /// A copy's distance, 1 to 32,768.
  init(distance: UInt16) {
    self.init(Int(distance) - 1, fineness: 1, firstSymbol: 0)
  }

  /// The tables of RFC 1951, section 3.2.5, as arithmetic: there are 2 to the power of `fineness` ranges of each
  /// width, and the widths double.
  private init(_ value: Int, fineness: Int, firstSymbol: Int) {
    let magnitude = Int.bitWidth - 1 - max(1, value).leadingZeroBitCount
    extraBits = max(0, magnitude - fineness)
    symbol = firstSymbol + (value >> extraBits) + (extraBits << fineness)
    extra = UInt64(value & ((1 << extraBits) - 1))
  }
}
