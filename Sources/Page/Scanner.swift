/// Goes through a text byte by byte and notes where pieces end. Only ASCII is looked at, so that no character is cut.
struct Scanner {
  let bytes: [UInt8]
  private(set) var index = 0
  private(set) var pieces: [(kind: Code.Kind, range: Range<Int>)] = []

  init(_ text: String) { bytes = Array(text.utf8) }

  /// The byte here; nil at the end.
  var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  /// Whether a text begins here.
  func isAt(_ text: StaticString) -> Bool {
    guard bytes.count - index >= text.utf8CodeUnitCount else { return false }
    return (0..<text.utf8CodeUnitCount).allSatisfy { bytes[index + $0] == text.utf8Start[$0] }
  }

  /// Where the run of bytes ends that begins at `start`, here if nothing is said.
  func end(from start: Int? = nil, while holds: (UInt8) -> Bool) -> Int {
    var end = start ?? index
    while end < bytes.count, holds(bytes[end]) { end += 1 }
    return end
  }

  /// The end of the line, before its line feed.
  var endOfLine: Int { end { $0 != 0x0A } }

  /// Where a quoted text ends that begins here, its quotes included; the end of the text where it does not end.
  ///
  /// - Parameter escape: the byte after which the next one is taken as it is.
  func endOfQuote(escape: UInt8?) -> Int {
    let quote = bytes[index]
    var end = index + 1
    while end < bytes.count, bytes[end] != quote { end += bytes[end] == escape ? 2 : 1 }
    return min(end + 1, bytes.count)
  }

  /// What stands before a place, back to the last piece, becomes a piece; one of the same kind as the last grows it.
  mutating func take(_ kind: Code.Kind, to end: Int) {
    let end = min(end, bytes.count)
    guard end > index else { return }
    if let last = pieces.last, last.kind == kind, last.range.upperBound == index {
      pieces[pieces.count - 1].range = last.range.lowerBound..<end
    } else {
      pieces.append((kind, index..<end))
    }
    index = end
  }

  mutating func take(_ kind: Code.Kind, _ count: Int = 1) { take(kind, to: index + count) }

  /// A backslash, and what it takes the meaning from.
  mutating func takeEscape(as kind: Code.Kind) {
    take(kind, index + 1 < bytes.count && bytes[index + 1] < 0x80 ? 2 : 1)
  }
}

extension UInt8 {
  var isBlank: Bool { self == 0x20 || self == 0x09 }
  var isDigit: Bool { (0x30...0x39) ~= self }
  /// Whether a name may hold it.
  var isNameByte: Bool { isDigit || (0x41...0x5A) ~= self || (0x61...0x7A) ~= self || self == 0x5F }
}

extension Scanner {
  // MARK: JSON

  mutating func json() {
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        let end = endOfQuote(escape: 0x5C)
        let after = self.end(from: end) { $0.isBlank }
        take(after < bytes.count && bytes[after] == UInt8(ascii: ":") ? .key : .string, to: end)
      case UInt8(ascii: "-"), 0x30...0x39:
        take(.number, to: end { $0.isNameByte || "+-.".utf8.contains($0) })
      case _ where byte.isNameByte: take(.word, to: end(while: \.isNameByte))
      case _ where "{}[],:".utf8.contains(byte): take(.sign)
      default: take(.plain)
      }
    }
  }

  // MARK: Settings

  mutating func settings() {
    while let byte = next {
      switch byte {
      case 0x0A: take(.plain)
      case UInt8(ascii: "#"), UInt8(ascii: ";"): take(.comment, to: endOfLine)
      case UInt8(ascii: "["): take(.word, to: endOfLine)
      default:
        let sign = end { $0 != UInt8(ascii: "=") && $0 != 0x0A }
        guard sign < bytes.count, bytes[sign] == UInt8(ascii: "=") else {
          take(.plain, to: endOfLine)
          continue
        }
        take(.key, to: sign)
        take(.sign)
        value()
      }
    }
  }

  /// A value up to the end of its line; one in quotes may go on in the next.
  private mutating func value() {
    while let byte = next, byte != 0x0A {
      switch byte {
      case UInt8(ascii: "'"): take(.string, to: endOfQuote(escape: nil))
      case UInt8(ascii: "\""): take(.string, to: endOfQuote(escape: 0x5C))
      case _ where byte.isDigit:
        // A number is one only as the whole of a value.
        let end = self.end(while: \.isDigit)
        let isWhole = bytes[index - 1] == UInt8(ascii: "=") && (end == bytes.count || bytes[end] == 0x0A)
        take(isWhole ? .number : .plain, to: end)
      default: take(.plain)
      }
    }
  }

  // MARK: Shell

  /// Words before and after which a command stands (POSIX.1-2024, Shell Command Language, 2.4), and bash's `[[`.
  private static let words: Set<String> = [
    "if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "return",
    "exit", "local", "export", "shift", "break", "continue", "set",
  ]

  /// Reads until a byte, or to the end.
  ///
  /// - Parameter depth: how many substitutions this is in; more than 20 are no script, and are not gone into.
  mutating func shell(within end: UInt8?, depth: Int) {
    // Whether a new word begins here: only there is a comment or a name of a variable that is set.
    var isStart = true
    while let byte = next, byte != end {
      let wasStart = isStart
      isStart = byte.isBlank || byte == 0x0A || ";&|(".utf8.contains(byte)
      switch byte {
      case UInt8(ascii: "#") where wasStart: take(.comment, to: endOfLine)
      case 0x5C: takeEscape(as: .plain)
      case UInt8(ascii: "'"): take(.string, to: endOfQuote(escape: nil))
      case UInt8(ascii: "\""): quoted(depth: depth)
      case UInt8(ascii: "$"): substitution(depth: depth)
      case UInt8(ascii: "<") where isAt("<<") && !isAt("<<<"): hereDocument()
      case _ where byte.isNameByte && wasStart: word()
      case _ where byte.isNameByte: take(.plain, to: self.end(while: \.isNameByte))
      case _ where ";&|<>(){}".utf8.contains(byte): take(.sign)
      default: take(.plain)
      }
    }
  }

  /// A word where one begins: a reserved one, a variable that is set, a function that is defined, or any other.
  private mutating func word() {
    let end = self.end(while: \.isNameByte)
    let text = String(decoding: bytes[index..<end], as: UTF8.self)
    let after = end < bytes.count ? bytes[end] : 0x0A
    let isAppended =
      after == UInt8(ascii: "+") && end + 1 < bytes.count && bytes[end + 1] == UInt8(ascii: "=")
    if after == UInt8(ascii: "=") || isAppended || bytes[end...].starts(with: "()".utf8) {
      take(.key, to: end)
    } else {
      let isWhole = after.isBlank || after == 0x0A || ";)&|".utf8.contains(after)
      take(isWhole && Self.words.contains(text) ? .word : .plain, to: end)
    }
  }

  /// A text in double quotes, in which variables stand out.
  private mutating func quoted(depth: Int) {
    take(.string)
    while let byte = next, byte != UInt8(ascii: "\"") {
      switch byte {
      case 0x5C: takeEscape(as: .string)
      case UInt8(ascii: "$"): substitution(depth: depth)
      default: take(.string)
      }
    }
    take(.string)
  }

  /// `$name`, `${name…}`, `$(command)`, or just a dollar sign.
  private mutating func substitution(depth: Int) {
    let after = index + 1 < bytes.count ? bytes[index + 1] : 0x20
    switch after {
    case UInt8(ascii: "(") where depth < 20:
      take(.variable, 2)
      shell(within: UInt8(ascii: ")"), depth: depth + 1)
      take(.variable)
    case UInt8(ascii: "{"): take(.variable, to: endOfBraces)
    case _ where after.isNameByte: take(.variable, to: end(from: index + 1, while: \.isNameByte))
    case _ where "@*#?-$!".utf8.contains(after): take(.variable, 2)
    default: take(.plain)
    }
  }

  /// Where `${…}` ends that begins here: at the brace that is not within another pair, within quotes or escaped.
  private var endOfBraces: Int {
    var end = index + 1
    var depth = 0
    var isQuoted = false
    while end < bytes.count {
      switch bytes[end] {
      case 0x5C: end += 1
      case UInt8(ascii: "\""): isQuoted.toggle()
      case UInt8(ascii: "{") where !isQuoted: depth += 1
      case UInt8(ascii: "}") where !isQuoted:
        depth -= 1
        if depth == 0 { return end + 1 }
      default: break
      }
      end += 1
    }
    return end
  }

  /// `<<WORD` and the lines up to the one that is this word.
  private mutating func hereDocument() {
    let start = end(from: index + 2) { $0 == UInt8(ascii: "-") || $0.isBlank }
    let word = bytes[start..<end(from: start) { $0.isNameByte || "'\"\\".utf8.contains($0) }]
      .filter(\.isNameByte)
    guard !word.isEmpty else { return take(.sign, 2) }
    take(.sign, to: start)
    // The rest of the line belongs to the command; it is short, and not looked at.
    take(.plain, to: endOfLine)
    while index < bytes.count {
      take(.plain)
      let line = bytes[index..<endOfLine].drop { $0 == 0x09 }
      guard !line.elementsEqual(word) else { return take(.sign, to: endOfLine) }
      take(.string, to: endOfLine)
    }
  }
}
