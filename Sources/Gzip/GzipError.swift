/// Why bytes could not be decompressed. Offsets count bytes of the compressed data from 0.
public enum GzipError: Error, Hashable, Sendable {
  /// The data does not begin with the gzip signature.
  case notGzip
  /// The data ends, after `length` bytes, inside a member.
  case truncated(length: Int)
  /// The data breaks the format or fails its own checks; zlib's reason, and how far it had read.
  case corrupt(offset: Int, reason: String)
  /// The decompressed data would be longer than the `limit`, in bytes.
  case tooLarge(limit: Int)
  /// A complete member is followed by something other than zeros or another member.
  case trailingGarbage(offset: Int)
  /// zlib could not be used; the code it gave.
  case zlib(code: Int)

  /// What was found and what to do: lower case, one line, none of the data.
  public var message: String {
    switch self {
    case .notGzip:
      "the data does not begin with the gzip signature 1f 8b; give gzip data, or use the data as it is"
    case .truncated(let length):
      "the gzip data is cut off after \(length) bytes, inside a member; copy it again in full"
    case .corrupt(let offset, let reason):
      "the gzip data is corrupt at or before byte \(offset) (\(reason)); make it again"
    case .tooLarge(let limit):
      "the gzip data decompresses to more than the limit of \(limit) bytes; give less data"
    case .trailingGarbage(let offset):
      "byte \(offset), after a gzip member, begins neither zeros nor another member; cut it off there"
    case .zlib(let code):
      "zlib failed with code \(code); check that enough memory is free and zlib is installed whole"
    }
  }
}
