/// DEFLATE (RFC 1951): from bytes to tokens, from tokens to blocks, from blocks to bits.
enum Deflate {
  /// How many tokens a block grows by at a time.
  private static let step = 2048

  /// Appends the compressed form of bytes; the last byte may be left unfinished.
  static func compress(_ bytes: [UInt8], into output: inout BitWriter) {
    let tokens = Matcher.tokens(of: bytes)
    var block = Block()
    var encoding = Encoding(of: block, at: output.bitCount)

    // A block grows for as long as one code for all of it costs no more than a code of its own for the next part.
    for first in stride(from: 0, to: tokens.count, by: step) {
      let next = Block(
        of: tokens, in: first..<min(first + step, tokens.count), from: block.bytes.upperBound)
      let nextEncoding = Encoding(of: next, at: output.bitCount + encoding.cost)
      let joined = block.joined(with: next)
      let joinedEncoding = Encoding(of: joined, at: output.bitCount)
      if joinedEncoding.cost <= encoding.cost + nextEncoding.cost {
        (block, encoding) = (joined, joinedEncoding)
      } else {
        encoding.write(block, isLast: false, tokens, bytes, into: &output)
        (block, encoding) = (next, nextEncoding)
      }
    }
    encoding.write(block, isLast: true, tokens, bytes, into: &output)
  }
}
