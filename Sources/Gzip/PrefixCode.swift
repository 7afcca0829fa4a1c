/// A prefix code as DEFLATE has it: lengths alone say everything (RFC 1951, section 3.2.2).
struct PrefixCode {
  /// Each symbol's length in bits; 0 where the symbol has no code.
  let lengths: [Int]
  /// Each symbol's code with its first bit lowest, ready for ``BitWriter``.
  let codes: [UInt64]

  /// The code with given lengths: shorter before longer, and within a length by symbol.
  init(lengths: [Int]) {
    self.lengths = lengths
    var codes = [UInt64](repeating: 0, count: lengths.count)
    var next: UInt64 = 0
    for length in 1...15 {
      for symbol in lengths.indices where lengths[symbol] == length {
        codes[symbol] = Self.reversed(next, bits: length)
        next += 1
      }
      next <<= 1
    }
    self.codes = codes
  }

  /// The best code for symbols that occur so often, with no length above the limit.
  ///
  /// Found by package-merge (Larmore and Hirschberg, "A fast algorithm for optimal length-limited Huffman codes",
  /// 1990). There are always two codes or more, though fewer symbols occur, because decoders differ over
  /// codes that are not complete.
  init(counts: [Int], limit: Int) {
    // Every order is total, by count and then by symbol, so that ties cannot depend on how sorting works.
    var used = counts.indices.filter { counts[$0] > 0 }
    for symbol in counts.indices where used.count < 2 && !used.contains(symbol) { used.append(symbol) }
    used.sort { (counts[$0], $0) < (counts[$1], $1) }
    let leaves = used.map { counts[$0] }

    // Each level holds the leaves and the pairs of the level below, by weight; only which are leaves is kept.
    var levels: [[Bool]] = []
    var pairs: [Int] = []
    for _ in 0..<limit {
      var weights: [Int] = []
      var isLeaf: [Bool] = []
      var leaf = 0
      var pair = 0
      while leaf < leaves.count || pair < pairs.count {
        let takesLeaf = pair == pairs.count || leaf < leaves.count && leaves[leaf] <= pairs[pair]
        weights.append(takesLeaf ? leaves[leaf] : pairs[pair])
        isLeaf.append(takesLeaf)
        if takesLeaf { leaf += 1 } else { pair += 1 }
      }
      levels.append(isLeaf)
      pairs = stride(from: 1, to: weights.count, by: 2).map { weights[$0 - 1] + weights[$0] }
    }

    // The first 2n - 2 of the top level are the solution; a leaf in it, or in a pair in it, adds a bit.
    var lengths = [Int](repeating: 0, count: counts.count)
    var taken = 2 * leaves.count - 2
    for level in levels.reversed() {
      let leafCount = level.prefix(taken).count { $0 }
      for symbol in used.prefix(leafCount) { lengths[symbol] += 1 }
      taken = 2 * (taken - leafCount)
    }
    self.init(lengths: lengths)
  }

  /// How many bits symbols take that occur so often.
  func cost(of counts: [Int]) -> Int {
    zip(counts, lengths).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private static func reversed(_ code: UInt64, bits: Int) -> UInt64 {
    (0..<bits).reduce(0) { $0 << 1 | code >> UInt64($1) & 1 }
  }
}
