import CDeflate

/// The only user of zlib, and the only unsafe code here: no pointer leaves this file.
extension Gzip {
  /// Decompresses gzip data from any compressor.
  ///
  /// Members that follow one another give their contents joined, and zeros after a member are padding, as gunzip
  /// and Python have it. Anything else after a member is an error: gunzip would warn and go on, but Python's
  /// `gzip` fails, and then cloud-init (`util.decomp_gzip`) takes the compressed bytes as they are.
  ///
  /// - Parameters:
  ///   - bytes: one or more gzip members.
  ///   - limit: how many bytes the result may have; decompressing stops as soon as there would be more, so that a
  ///     small input cannot fill the memory.
  public static func decompress(_ bytes: [UInt8], limit: Int) throws(GzipError) -> [UInt8] {
    guard isGzip(bytes) else { throw .notGzip }
    return try bytes.withUnsafeBufferPointer { (input) throws(GzipError) in
      try inflateMembers(of: input, limit: max(0, limit))
    }
  }

  private static func inflateMembers(
    of input: UnsafeBufferPointer<UInt8>, limit: Int
  ) throws(GzipError) -> [UInt8] {
    // zlib remembers where the stream lies, so it gets one place for as long as it lives.
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    // MAX_WBITS + 16 is zlib.h's way of asking for the gzip format, header and trailer checked.
    let opened = inflateInit2_(stream, MAX_WBITS + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard opened == Z_OK else { throw .zlib(code: Int(opened)) }
    defer { inflateEnd(stream) }

    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var offset = 0
    while true {
      let (status, read, written) = inflateStep(stream, input[offset...], into: &chunk)
      offset += read
      guard output.count + written <= limit else { throw .tooLarge(limit: limit) }
      output.append(contentsOf: chunk[..<written])

      switch status {
      case Z_OK where read > 0 || written > 0:
        continue
      case Z_OK, Z_BUF_ERROR:
        throw .truncated(length: input.count)
      case Z_STREAM_END:
        guard let next = input[offset...].firstIndex(where: { $0 != 0 }) else { return output }
        guard input[next...].starts(with: signature) else { throw .trailingGarbage(offset: next) }
        offset = next
        inflateReset(stream)
      case Z_DATA_ERROR:
        let reason = stream.pointee.msg.map { String(cString: $0) }
        throw .corrupt(offset: offset, reason: reason ?? "no reason given")
      default:
        throw .zlib(code: Int(status))
      }
    }
  }

  /// One call of zlib: what it returned, how much input it took and how much of the chunk it filled.
  private static func inflateStep(
    _ stream: UnsafeMutablePointer<z_stream>, _ input: Slice<UnsafeBufferPointer<UInt8>>,
    into chunk: inout [UInt8]
  ) -> (status: Int32, read: Int, written: Int) {
    chunk.withUnsafeMutableBufferPointer { room in
      // zlib counts in 32 bits, and only reads through next_in though its type does not say so.
      let given = min(input.count, Int(UInt32.max))
      let start = UnsafeBufferPointer(rebasing: input).baseAddress
      stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
      stream.pointee.avail_in = UInt32(given)
      stream.pointee.next_out = room.baseAddress
      stream.pointee.avail_out = UInt32(room.count)
      let status = inflate(stream, Z_NO_FLUSH)
      return (status, given - Int(stream.pointee.avail_in), room.count - Int(stream.pointee.avail_out))
    }
  }
}
