/// The cheapest way to write a block, by its exact cost in bits.
struct Encoding {
  /// The ways that DEFLATE has (RFC 1951, section 3.2.3).
  private enum Form {
    case stored
    case fixed
    case dynamic(CodePair)
  }

  /// What the block costs, in bits, its first three and any padding included.
  let cost: Int
  private let form: Form

  /// A stored block says its length in 16 bits.
  private static let longestStored = 65_535

  /// Chooses for a block that begins so many bits into the output; the simplest form where costs are equal.
  init(of block: Block, at start: Int) {
    let dynamic = CodePair(for: block)
    let choices: [(Int, Form)] = [
      (Self.storedCost(of: block.bytes.count, at: start), .stored),
      (3 + CodePair.fixed.cost(of: block), .fixed),
      (3 + dynamic.cost(of: block), .dynamic(dynamic)),
    ]
    (cost, form) = choices.dropFirst().reduce(choices[0]) { $1.0 < $0.0 ? $1 : $0 }
  }

  /// Writes the block that this was chosen for, at the place it was chosen for.
  func write(
    _ block: Block, isLast: Bool, _ tokens: [Token], _ bytes: [UInt8], into output: inout BitWriter
  ) {
    let start = output.bitCount
    defer { assert(output.bitCount == start + cost, "the cost that the choice went by was exact") }
    let last: UInt64 = isLast ? 1 : 0
    switch form {
    case .stored:
      var rest = bytes[block.bytes]
      repeat {
        let piece = rest.prefix(Self.longestStored)
        rest = rest.dropFirst(piece.count)
        output.append(rest.isEmpty ? last : 0, bits: 3)
        output.align()
        output.append(UInt64(piece.count), bits: 16)
        output.append(UInt64(~UInt16(piece.count)), bits: 16)
        output.append(contentsOf: piece)
      } while !rest.isEmpty
    case .fixed:
      output.append(last | 1 << 1, bits: 3)
      CodePair.fixed.write(tokens[block.tokens], into: &output)
    case .dynamic(let codes):
      output.append(last | 2 << 1, bits: 3)
      codes.write(tokens[block.tokens], into: &output)
    }
  }

  private static func storedCost(of count: Int, at start: Int) -> Int {
    let pieces = max(1, (count + longestStored - 1) / longestStored)
    let padding = -(start + 3) & 7
    // Every piece but the first begins on a byte's boundary, and so spends 8 bits before its two lengths.
    return 3 + padding + (pieces - 1) * 8 + pieces * 32 + count * 8
  }
}
