import Foundation
import TestSupport

/// Python's gzip and hashlib (over the real zlib), asked about many cases in one process.
enum Reference {
  /// Whether it can be asked.
  static let isThere = Tool.has("python3")

  /// What Python says of one pair of input and our output.
  struct Verdict {
    /// Whether it decompressed our output to the input.
    var agrees: Bool
    /// How long its own output is at level 9.
    var bestSize: Int
    /// The SHA-256 of our output, in hex.
    var digest: String
  }

  /// Checks pairs of input and our output.
  static func verdicts(_ pairs: [(input: [UInt8], output: [UInt8])]) async throws -> [Verdict] {
    let script = """
      for raw, packed in zip(frames := read(), frames):
        try: agrees = gzip.decompress(packed) == raw
        except Exception: agrees = False
        print(int(agrees), len(gzip.compress(raw, 9)), hashlib.sha256(packed).hexdigest())
      """
    let answer = try await ask(script, frames: pairs.flatMap { [$0.input, $0.output] })
    return String(decoding: answer, as: UTF8.self).split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      return Verdict(agrees: words[0] == "1", bestSize: Int(words[1]) ?? 0, digest: String(words[2]))
    }
  }

  /// Each input compressed by Python in a way of its own: every level and strategy, with and without a name, time,
  /// comment, extra field and header checksum.
  static func compressed(_ inputs: [[UInt8]]) async throws -> [[UInt8]] {
    let script = """
      for i, raw in enumerate(read()):
        level, strategy, flags = i % 10, i % 5, i % 32
        head = struct.pack("<BBBBIBB", 31, 139, 8, flags, i * 99991, 0, 3)
        if flags & 4: head += struct.pack("<H", 5) + b"extra"
        if flags & 8: head += b"name\\0"
        if flags & 16: head += b"comment\\0"
        if flags & 2: head += struct.pack("<H", zlib.crc32(head) & 0xffff)
        body = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
        packed = head + body.compress(raw) + body.flush() + struct.pack("<II", zlib.crc32(raw), len(raw))
        sys.stdout.buffer.write(struct.pack("<I", len(packed)) + packed)
      """
    var rest = try await ask(script, frames: inputs)[...]
    var outputs: [[UInt8]] = []
    while !rest.isEmpty {
      let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      outputs.append([UInt8](rest.dropFirst(4).prefix(length)))
      rest = rest.dropFirst(4 + length)
    }
    return outputs
  }

  private static func ask(_ script: String, frames: [[UInt8]]) async throws -> [UInt8] {
    // A frame is its length in 32 bits, lowest byte first, and its bytes.
    let prelude = """
      import gzip, hashlib, struct, sys, zlib
      def read():
        while size := sys.stdin.buffer.read(4):
          yield sys.stdin.buffer.read(struct.unpack("<I", size)[0])

      """
    let input = frames.flatMap { frame in (0..<4).map { UInt8(frame.count >> ($0 * 8) & 0xFF) } + frame }
    let outcome = try await Tool.run(["python3", "-c", prelude + script], input: input)
    guard outcome.status == 0 else { throw Failure(errors: outcome.errors) }
    return outcome.output
  }

  /// Python did not do its part.
  struct Failure: Error { var errors: String }
}
