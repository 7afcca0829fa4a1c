/// A stretch of tokens that share a code, and all that their cost depends on.
struct Block {
  /// The symbol that ends a block.
  static let end = 256

  /// The tokens, and the bytes that they stand for.
  private(set) var tokens = 0..<0
  private(set) var bytes = 0..<0
  /// How often each symbol occurs, the end among them.
  private(set) var literalCounts: [Int]
  private(set) var distanceCounts = [Int](repeating: 0, count: 30)
  /// The bits that no code changes.
  private(set) var extraBits = 0

  /// The block of no tokens.
  init() {
    literalCounts = [Int](repeating: 0, count: 286)
    literalCounts[Self.end] = 1
  }

  /// The block of some tokens, whose bytes begin at `start`.
  init(of tokens: [Token], in range: Range<Int>, from start: Int) {
    self.init()
    self.tokens = range
    var end = start
    for token in tokens[range] {
      end += token.length
      switch token {
      case .literal(let byte):
        literalCounts[Int(byte)] += 1
      case .copy(let length, let distance):
        let length = Bucket(length: length)
        let distance = Bucket(distance: distance)
        literalCounts[length.symbol] += 1
        distanceCounts[distance.symbol] += 1
        extraBits += length.extraBits + distance.extraBits
      }
    }
    bytes = start..<end
  }

  /// This block and the one after it as one.
  func joined(with next: Block) -> Block {
    var joined = self
    joined.tokens = tokens.lowerBound..<next.tokens.upperBound
    joined.bytes = bytes.lowerBound..<next.bytes.upperBound
    joined.literalCounts = zip(literalCounts, next.literalCounts).map(+)
    joined.literalCounts[Self.end] = 1
    joined.distanceCounts = zip(distanceCounts, next.distanceCounts).map(+)
    joined.extraBits += next.extraBits
    return joined
  }
}
