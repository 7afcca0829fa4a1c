public import Diagnostics

/// JSON (RFC 8259), read into the same nodes as YAML, with places and with duplicate keys refused.
///
/// libyaml does not read all of JSON (it refuses surrogate pairs in escapes, keys over 1,024 characters
/// and tabs between tokens), and no decoder of the standard library keeps line and column.
public enum JSON {
  /// Reads one JSON document.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8; a leading byte order mark is skipped.
  ///   - source: the name of the text in findings.
  /// - Throws: a report with the first syntax error, or with every duplicate key.
  public static func parse(_ bytes: [UInt8], source: String) throws(Report) -> Node {
    var scanner = Scanner(bytes: bytes, source: source)
    return try scanner.document()
  }

  /// A string as a JSON string literal in ASCII, with `<`, `>` and `&` left as they are.
  public static func quote(_ text: String) -> String {
    var result: [UInt8] = []
    appendQuoted(text, to: &result)
    return String(decoding: result, as: UTF8.self)
  }

  /// A node as compact JSON in ASCII, keys in the node's own order. Tags are left out.
  public static func emit(_ node: Node) -> [UInt8] {
    var result: [UInt8] = []
    append(node, to: &result)
    return result
  }

  private static func append(_ node: Node, to result: inout [UInt8]) {
    switch node.value {
    case .null: result += "null".utf8
    case .bool(let flag): result += (flag ? "true" : "false").utf8
    case .number(let digits): result += digits.utf8
    case .string(let text): appendQuoted(text, to: &result)
    case .sequence(let items):
      result.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { result.append(UInt8(ascii: ",")) }
        append(item, to: &result)
      }
      result.append(UInt8(ascii: "]"))
    case .mapping(let entries):
      result.append(UInt8(ascii: "{"))
      for (index, entry) in entries.enumerated() {
        if index > 0 { result.append(UInt8(ascii: ",")) }
        appendQuoted(entry.key, to: &result)
        result.append(UInt8(ascii: ":"))
        append(entry.value, to: &result)
      }
      result.append(UInt8(ascii: "}"))
    }
  }

  private static let hexadecimal = Array("0123456789abcdef".utf8)

  private static func appendQuoted(_ text: String, to result: inout [UInt8]) {
    result.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { bytes in
      // Runs of what needs no escape, which are most of a text, are copied as they are.
      var start = 0
      var position = 0
      while position < bytes.count {
        guard needsEscape(bytes[position]) else {
          position += 1
          continue
        }
        result += bytes[start..<position]
        // A string's UTF-8 is valid, so a lead byte says how many bytes follow.
        let length = max(1, (~bytes[position]).leadingZeroBitCount)
        for scalar in String(decoding: bytes[position..<position + length], as: UTF8.self).unicodeScalars {
          appendEscape(of: scalar, to: &result)
        }
        position += length
        start = position
      }
      result += bytes[start...]
    }
    result.append(UInt8(ascii: "\""))
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private static func appendEscape(of scalar: Unicode.Scalar, to result: inout [UInt8]) {
    switch scalar {
    case "\"": result += #"\""#.utf8
    case "\\": result += #"\\"#.utf8
    case "\n": result += #"\n"#.utf8
    case "\r": result += #"\r"#.utf8
    case "\t": result += #"\t"#.utf8
    default:
      for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
        result += #"\u"#.utf8
        for shift in [12, 8, 4, 0] {
          result.append(hexadecimal[Int(unit >> UInt16(shift)) & 15])
        }
      }
    }
  }
}
