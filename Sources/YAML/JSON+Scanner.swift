import Diagnostics

extension JSON {
  /// A recursive-descent reader of RFC 8259 that counts lines and columns.
  struct Scanner {
    /// Deeper nesting than this is refused: no Terraform output comes near it.
    private static let maximumDepth = 200

    private let bytes: [UInt8]
    private let source: String
    private let maximumNodes: Int
    private var nodes = 0
    private var position = 0
    private var line = 1
    private var lineStart = 0
    /// Continuation bytes of UTF-8 seen on this line: columns count scalars, positions count bytes.
    private var continuations = 0
    private var path = Path()
    private var duplicates = Report()

    init(bytes: [UInt8], source: String, maximumNodes: Int) {
      self.bytes = bytes
      self.source = source
      self.maximumNodes = maximumNodes
      if bytes.starts(with: byteOrderMark) {
        position = byteOrderMark.count
        lineStart = position
      }
    }

    mutating func document() throws(Report) -> Node {
      skipSpace()
      guard position < bytes.count else { throw failure("the text is empty; expected a JSON document") }
      let node = try value()
      skipSpace()
      guard position == bytes.count else { throw failure("text follows the end of the JSON document") }
      try duplicates.throwIfErrors()
      return node
    }

    private var mark: Mark { Mark(line: line, column: position - lineStart - continuations + 1) }

    private func failure(_ message: String, at mark: Mark? = nil) -> Report {
      var location = Location(source: source, at: mark ?? self.mark)
      // What is wrong within a value is reported with its name.
      if path.depth > 0 { location.path = path.text }
      return Report([.error("json-syntax", at: location, message)])
    }

    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
      while let byte {
        switch byte {
        case 0x20, 0x09, 0x0D: position += 1
        case 0x0A:
          position += 1
          line += 1
          lineStart = position
          continuations = 0
        default: return
        }
      }
    }

    private mutating func value() throws(Report) -> Node {
      guard path.depth < Self.maximumDepth else {
        throw failure("nested more than \(Self.maximumDepth) levels deep")
      }
      nodes += 1
      guard nodes <= maximumNodes else { throw failure("has more than \(maximumNodes) values") }
      let start = mark
      guard let byte else { throw failure("the text ends where a value is expected") }
      switch byte {
      case UInt8(ascii: "{"): return Node(.mapping(try object()), at: start)
      case UInt8(ascii: "["): return Node(.sequence(try array()), at: start)
      case UInt8(ascii: "\""): return Node(.string(try string()), at: start)
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        return Node(.number(try number()), at: start)
      default:
        for (word, value) in [("true", Node.Value.bool(true)), ("false", .bool(false)), ("null", .null)]
        where bytes[position...].starts(with: word.utf8) {
          position += word.utf8.count
          return Node(value, at: start)
        }
        throw failure("not JSON: expected a value (an object, list, string, number, true, false or null)")
      }
    }

    private mutating func object() throws(Report) -> [Node.Entry] {
      var entries: [Node.Entry] = []
      var finder = KeyFinder()
      position += 1
      skipSpace()
      if byte == UInt8(ascii: "}") {
        position += 1
        return []
      }
      while true {
        let keyMark = mark
        guard byte == UInt8(ascii: "\"") else { throw failure("expected a key in double quotes") }
        let key = try string()
        skipSpace()
        guard byte == UInt8(ascii: ":") else { throw failure("expected \":\" after the key") }
        position += 1
        skipSpace()
        path.enter(key)
        let value = try value()
        if let first = finder.index(of: key, in: entries) {
          duplicates.add(
            .duplicateKey(source: source, mark: keyMark, path: path.text, first: entries[first].keyMark))
        } else {
          entries.append(Node.Entry(key, at: keyMark, value))
        }
        path.leave()
        skipSpace()
        switch byte {
        case UInt8(ascii: ","):
          position += 1
          skipSpace()
        case UInt8(ascii: "}"):
          position += 1
          return entries
        default: throw failure("expected \",\" or \"}\" in the object")
        }
      }
    }

    private mutating func array() throws(Report) -> [Node] {
      var items: [Node] = []
      position += 1
      skipSpace()
      if byte == UInt8(ascii: "]") {
        position += 1
        return []
      }
      while true {
        path.enter(items.count)
        items.append(try value())
        path.leave()
        skipSpace()
        switch byte {
        case UInt8(ascii: ","):
          position += 1
          skipSpace()
        case UInt8(ascii: "]"):
          position += 1
          return items
        default: throw failure("expected \",\" or \"]\" in the list")
        }
      }
    }

    private mutating func number() throws(Report) -> String {
      let start = position
      let startMark = mark
      if byte == UInt8(ascii: "-") { position += 1 }
      let whole = digits()
      var valid = whole == 1 || (whole > 1 && bytes[position - whole] != UInt8(ascii: "0"))
      if byte == UInt8(ascii: ".") {
        position += 1
        valid = digits() > 0 && valid
      }
      if byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") {
        position += 1
        if byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") { position += 1 }
        valid = digits() > 0 && valid
      }
      guard valid else { throw failure("not a JSON number", at: startMark) }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func digits() -> Int {
      let start = position
      while let byte, (0x30...0x39) ~= byte { position += 1 }
      return position - start
    }

    private mutating func string() throws(Report) -> String {
      let startMark = mark
      position += 1
      var text: [UInt8] = []
      var runStart = position
      while let byte {
        switch byte {
        case UInt8(ascii: "\""):
          text += bytes[runStart..<position]
          position += 1
          guard let string = String(validating: text, as: UTF8.self) else {
            throw failure("the string is not valid UTF-8", at: startMark)
          }
          return string
        case UInt8(ascii: "\\"):
          text += bytes[runStart..<position]
          try escape(into: &text)
          runStart = position
        case 0..<0x20:
          throw failure("a control character stands in a string; JSON wants it as an escape such as \\n")
        default:
          if UTF8.isContinuation(byte) { continuations += 1 }
          position += 1
        }
      }
      throw failure("the string that starts here has no closing quote", at: startMark)
    }

    private mutating func escape(into text: inout [UInt8]) throws(Report) {
      let start = mark
      position += 1
      guard let letter = byte else { throw failure("the text ends within an escape", at: start) }
      position += 1
      switch letter {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
      case UInt8(ascii: "b"): text.append(0x08)
      case UInt8(ascii: "f"): text.append(0x0C)
      case UInt8(ascii: "n"): text.append(0x0A)
      case UInt8(ascii: "r"): text.append(0x0D)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "u"):
        var code = try hexadecimal(start)
        if 0xD800..<0xDC00 ~= code, bytes[position...].starts(with: #"\u"#.utf8) {
          position += 2
          let low = try hexadecimal(start)
          // A first half without its second stays one, and fails below.
          if 0xDC00..<0xE000 ~= low { code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00) }
        }
        guard let scalar = Unicode.Scalar(code) else {
          throw failure("the escape is half of a surrogate pair, which is no character", at: start)
        }
        text += String(scalar).utf8
      default: throw failure("not an escape of JSON", at: start)
      }
    }

    private mutating func hexadecimal(_ start: Mark) throws(Report) -> UInt32 {
      let digits = bytes[position...].prefix(4).compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
      guard digits.count == 4 else { throw failure("expected four hexadecimal digits after \\u", at: start) }
      position += 4
      return digits.reduce(0) { $0 << 4 | UInt32($1) }
    }
  }
}

extension Diagnostic {
  /// The finding that both parsers make of a key given twice; it names both places.
  static func duplicateKey(source: String, mark: Mark, path: String, first: Mark) -> Diagnostic {
    .error(
      "duplicate-key", at: Location(source: source, at: mark, path: path),
      "the key is given twice; it stands first at line \(first.line), column \(first.column)",
      help: "remove one of the two")
  }
}
