/// The two codes that a block's tokens are written in, and the header that tells them to the reader.
struct CodePair {
  /// A number and in how many bits it is written.
  private typealias Field = (value: UInt64, bits: Int)

  /// For bytes, the block's end, and lengths.
  private let literals: PrefixCode
  private let distances: PrefixCode
  private let header: [Field]

  /// The codes that every reader knows (RFC 1951, section 3.2.6).
  static let fixed = CodePair(
    literals: PrefixCode(lengths: (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }),
    distances: PrefixCode(lengths: [Int](repeating: 5, count: 30)), header: [])

  private init(literals: PrefixCode, distances: PrefixCode, header: [Field]) {
    self.literals = literals
    self.distances = distances
    self.header = header
  }

  /// The best codes for a block, with the header for them.
  init(for block: Block) {
    let literals = PrefixCode(counts: block.literalCounts, limit: 15)
    let distances = PrefixCode(counts: block.distanceCounts, limit: 15)
    self.init(
      literals: literals, distances: distances, header: Self.header(literals.lengths, distances.lengths))
  }

  /// The bits of a block after its first three.
  func cost(of block: Block) -> Int {
    header.reduce(block.extraBits) { $0 + $1.bits }
      + literals.cost(of: block.literalCounts) + distances.cost(of: block.distanceCounts)
  }

  /// Writes the header, the tokens and the block's end.
  func write(_ tokens: ArraySlice<Token>, into output: inout BitWriter) {
    for field in header { output.append(field.value, bits: field.bits) }
    for token in tokens {
      switch token {
      case .literal(let byte):
        output.append(literals.codes[Int(byte)], bits: literals.lengths[Int(byte)])
      case .copy(let length, let distance):
        let length = Bucket(length: length)
        output.append(literals.codes[length.symbol], bits: literals.lengths[length.symbol])
        output.append(length.extra, bits: length.extraBits)
        let distance = Bucket(distance: distance)
        output.append(distances.codes[distance.symbol], bits: distances.lengths[distance.symbol])
        output.append(distance.extra, bits: distance.extraBits)
      }
    }
    output.append(literals.codes[Block.end], bits: literals.lengths[Block.end])
  }

  // MARK: The header (RFC 1951, section 3.2.7)

  /// The order in which the header gives the lengths of its own code.
  private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

  private static func header(_ literals: [Int], _ distances: [Int]) -> [Field] {
    let literals = literals.prefix(through: max(256, literals.lastIndex { $0 > 0 } ?? 0))
    let distances = distances.prefix(through: distances.lastIndex { $0 > 0 } ?? 0)
    let runs = runs(of: literals + distances)
    var counts = [Int](repeating: 0, count: order.count)
    for run in runs { counts[run.symbol] += 1 }
    let code = PrefixCode(counts: counts, limit: 7)
    let told = order[...max(3, order.lastIndex { code.lengths[$0] > 0 } ?? 0)]

    var header: [Field] = [
      (UInt64(literals.count - 257), 5), (UInt64(distances.count - 1), 5), (UInt64(told.count - 4), 4),
    ]
    header += told.map { (UInt64(code.lengths[$0]), 3) }
    for run in runs {
      header.append((code.codes[run.symbol], code.lengths[run.symbol]))
      header.append((run.extra, run.extraBits))
    }
    return header
  }

  /// Lengths with their runs shortened: a length is its own symbol, 16 repeats the one before 3 to 6 times, 17 is
  /// 3 to 10 zeros, and 18 is 11 to 138.
  private static func runs(of lengths: ArraySlice<Int>) -> [Bucket] {
    var runs: [Bucket] = []
    var rest = lengths[...]
    while let length = rest.first {
      let count = rest.prefix { $0 == length }.count
      rest = rest.dropFirst(count)
      var left = count
      if length > 0 {
        runs.append(Bucket(symbol: length, extra: 0, extraBits: 0))
        left -= 1
      }
      while left >= 3 {
        let (symbol, shortest, extraBits) = length > 0 ? (16, 3, 2) : left <= 10 ? (17, 3, 3) : (18, 11, 7)
        let taken = min(left, shortest + (1 << extraBits) - 1)
        runs.append(Bucket(symbol: symbol, extra: UInt64(taken - shortest), extraBits: extraBits))
        left -= taken
      }
      runs += Array(repeating: Bucket(symbol: length, extra: 0, extraBits: 0), count: left)
    }
    return runs
  }
}
