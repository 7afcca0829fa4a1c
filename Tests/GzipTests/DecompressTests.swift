import Gzip
import TestSupport
import Testing

@Suite("decompressing") struct DecompressTests {
  static let text = Array("#cloud-config\nruncmd:\n  - [systemctl, start, k3seed]\n".utf8)
  static let packed = Gzip.compress(text)

  /// What decompressing throws; nil where it does not.
  private func error(_ bytes: [UInt8], limit: Int = 1000) -> GzipError? {
    do throws(GzipError) {
      _ = try Gzip.decompress(bytes, limit: limit)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "reads what Python writes at every level and strategy, with every header field",
    .enabled(if: Reference.isThere, "python3 is not installed"))
  func interchange() async throws {
    var samples = Samples(seed: 5)
    let inputs = (0..<160).map { index in
      let count = samples.below(20_000)
      return index % 2 == 0 ? samples.cloudConfig(count) : samples.echoes(count)
    }
    let outputs = try await Reference.compressed(inputs)
    #expect(outputs.count == inputs.count)
    for (index, (input, output)) in zip(inputs, outputs).enumerated() {
      #expect(try Gzip.decompress(output, limit: 20_000) == input, "case \(index)")
    }
  }

  @Test("members that follow one another are joined, zeros between and after them skipped")
  func members() throws {
    let joined = Self.text + Self.text
    #expect(try Gzip.decompress(Self.packed + Self.packed, limit: joined.count) == joined)
    #expect(try Gzip.decompress(Self.packed + [0, 0, 0] + Self.packed + [0], limit: joined.count) == joined)
    #expect(error(Self.packed + Self.packed, limit: joined.count - 1) == .tooLarge(limit: joined.count - 1))
  }

  @Test("what follows a member and is not gzip is refused", arguments: [[1], [0, 0x1F], Array("text".utf8)])
  func garbage(tail: [UInt8]) {
    let offset = Self.packed.count + tail.prefix { $0 == 0 }.count
    #expect(error(Self.packed + tail) == .trailingGarbage(offset: offset))
    #expect(
      error(Self.packed + tail)?.message
        == "byte \(offset), after a gzip member, begins neither zeros nor another member; cut it off there")
  }

  @Test("a member cut off anywhere is refused, the second as well as the first")
  func truncated() {
    for length in 2..<Self.packed.count {
      let start = Array(Self.packed.prefix(length))
      #expect(
        error(start)?.message
          == "the gzip data is cut off after \(length) bytes, inside a member; copy it again in full")
      #expect(error(Self.packed + start) == .truncated(length: Self.packed.count + length))
    }
  }

  @Test(
    "what does not begin with the signature is refused",
    arguments: [[], [0x1F], [0x8B, 0x1F, 8], [0, 0x1F, 0x8B], Array("#cloud-config\n".utf8)])
  func notGzip(input: [UInt8]) {
    #expect(!Gzip.isGzip(input))
    #expect(
      error(input)?.message
        == "the data does not begin with the gzip signature 1f 8b; give gzip data, or use the data as it is")
  }

  @Test("the signature is enough to be taken for gzip", arguments: [[0x1F, 0x8B], packed])
  func isGzip(input: [UInt8]) {
    #expect(Gzip.isGzip(input))
  }

  @Test("a wrong checksum is refused", arguments: 5...8)
  func checksum(fromEnd: Int) {
    var bytes = Self.packed
    bytes[bytes.count - fromEnd] ^= 1
    expectCorrupt(bytes, "incorrect data check")
  }

  @Test("a wrong length is refused", arguments: 1...4)
  func length(fromEnd: Int) {
    var bytes = Self.packed
    bytes[bytes.count - fromEnd] ^= 1
    expectCorrupt(bytes, "incorrect length check")
  }

  @Test("a method other than DEFLATE is refused, and so are flags that mean nothing")
  func header() {
    var bytes = Self.packed
    bytes[2] = 9
    expectCorrupt(bytes, "unknown compression method")
    bytes = Self.packed
    bytes[3] = 0x20
    expectCorrupt(bytes, "unknown header flags set")
  }

  private func expectCorrupt(
    _ bytes: [UInt8], _ reason: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard case .corrupt(let offset, reason) = error(bytes) else {
      Issue.record("\(String(describing: error(bytes)))", sourceLocation: sourceLocation)
      return
    }
    #expect(offset <= bytes.count, sourceLocation: sourceLocation)
    #expect(
      error(bytes)?.message
        == "the gzip data is corrupt at or before byte \(offset) (\(reason)); make it again",
      sourceLocation: sourceLocation)
  }

  @Test("no flipped bit gives other contents: they are right, or refused")
  func flips() {
    for bit in 0..<Self.packed.count * 8 {
      var bytes = Self.packed
      bytes[bit / 8] ^= 1 << (bit % 8)
      if let output = try? Gzip.decompress(bytes, limit: 1 << 20) {
        #expect(output == Self.text, "bit \(bit)")
        // These bits say nothing of the contents: time, level, system, and what fills DEFLATE's last byte.
        #expect(bit < 80 || bit / 8 == bytes.count - 9, "bit \(bit)")
      }
    }
  }

  @Test("the limit is the longest result allowed", arguments: [0, 1, 51, 52])
  func limit(below: Int) throws {
    #expect(
      error(Self.packed, limit: below)?.message
        == "the gzip data decompresses to more than the limit of \(below) bytes; give less data")
    #expect(try Gzip.decompress(Self.packed, limit: 53) == Self.text)
  }

  @Test("nothing fits a limit of nothing, whatever the sign")
  func nothing() throws {
    #expect(try Gzip.decompress(Gzip.compress([]), limit: 0).isEmpty)
    #expect(try Gzip.decompress(Gzip.compress([]), limit: -1).isEmpty)
    #expect(error(Self.packed, limit: -1) == .tooLarge(limit: 0))
  }

  @Test("a bomb is refused at the limit, before what is wrong behind it is read")
  func bomb() {
    let megabyte = Gzip.compress([UInt8](repeating: 0, count: 1 << 20))
    let bomb = Array(repeating: megabyte, count: 1000).flatMap(\.self) + [1, 2, 3]
    #expect(bomb.count < 1 << 21)
    #expect(error(bomb, limit: 1 << 19) == .tooLarge(limit: 1 << 19))
    #expect(error(bomb, limit: 5 << 20) == .tooLarge(limit: 5 << 20))
  }
}
