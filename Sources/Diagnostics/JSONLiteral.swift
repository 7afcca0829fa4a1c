extension String {
  /// The text as a JSON string literal in ASCII, with `<`, `>` and `&` left as they are.
  package var jsonLiteral: String {
    var result: [UInt8] = []
    result.appendJSON(self)
    return String(decoding: result, as: UTF8.self)
  }
}

extension [UInt8] {
  private static let hexadecimal = Array("0123456789abcdef".utf8)

  /// Appends a text as a JSON string literal in ASCII.
  package mutating func appendJSON(_ text: String) {
    append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { bytes in
      // Runs of what needs no escape, which are most of a text, are copied as they are.
      var start = 0
      var position = 0
      while position < bytes.count {
        guard Self.needsEscape(bytes[position]) else {
          position += 1
          continue
        }
        self += bytes[start..<position]
        // A string's UTF-8 is valid, so a lead byte says how many bytes follow.
        let length = Swift.max(1, (~bytes[position]).leadingZeroBitCount)
        for scalar in String(decoding: bytes[position..<position + length], as: UTF8.self).unicodeScalars {
          appendEscape(of: scalar)
        }
        position += length
        start = position
      }
      self += bytes[start...]
    }
    append(UInt8(ascii: "\""))
  }

  private static func needsEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte > 0x7E || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private mutating func appendEscape(of scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": self += #"\""#.utf8
    case "\\": self += #"\\"#.utf8
    case "\n": self += #"\n"#.utf8
    case "\r": self += #"\r"#.utf8
    case "\t": self += #"\t"#.utf8
    default:
      for unit in UTF16.encode(scalar) ?? UTF16.encodedReplacementCharacter {
        self += #"\u"#.utf8
        for shift in [12, 8, 4, 0] {
          append(Self.hexadecimal[Int(unit >> UInt16(shift)) & 15])
        }
      }
    }
  }
}
