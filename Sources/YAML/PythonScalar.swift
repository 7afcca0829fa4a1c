/// What PyYAML's resolver takes a plain scalar for (PyYAML 6, `resolver.py`): YAML 1.1, of which it leaves out `y` and
/// `n`.
enum PythonScalar: Equatable {
  case null
  case bool(Bool)
  case integer
  case float
  case date(isValid: Bool)
  /// `=` and `<<`, for which there is no constructor where a value is expected.
  case sign
  case string

  init(_ text: String) {
    self = Self.words[text] ?? Self.number(text) ?? Self.date(text) ?? .string
  }

  /// The value of a scalar that is written so.
  func value(_ text: String) -> Node.Value {
    switch self {
    case .null: .null
    case .bool(let flag): .bool(flag)
    case .integer, .float: .number(text)
    case .date, .sign, .string: .string(text)
    }
  }

  private static let words: [String: PythonScalar] = {
    var words: [String: PythonScalar] = ["=": .sign, "<<": .sign]
    for null in ["", "~", "null", "Null", "NULL"] { words[null] = .null }
    for (word, flag) in [
      ("yes", true), ("no", false), ("true", true), ("false", false), ("on", true), ("off", false),
    ] {
      words[word] = .bool(flag)
      words[word.uppercased()] = .bool(flag)
      words[word.prefix(1).uppercased() + word.dropFirst()] = .bool(flag)
    }
    for sign in ["", "+", "-"] {
      for word in [".inf", ".Inf", ".INF"] { words[sign + word] = .float }
    }
    for word in [".nan", ".NaN", ".NAN"] { words[word] = .float }
    return words
  }()

  /// `resolver.py`'s expressions for int and float, read from left to right.
  private static func number(_ text: String) -> PythonScalar? {
    var rest = Scanner(text)
    let isSigned = rest.count(of: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }, atMost: 1) > 0
    if rest.take("0b") {
      return rest.count(of: { $0 == 0x30 || $0 == 0x31 || $0 == 0x5F }) > 0 && rest.isAtEnd ? .integer : nil
    }
    if rest.take("0x") {
      return rest.count(of: { $0.isHexDigit || $0 == 0x5F }) > 0 && rest.isAtEnd ? .integer : nil
    }
    let whole = rest
    if rest.count(of: \.isDigit, atMost: 1) == 0 {
      guard !isSigned, rest.take("."), rest.count(of: \.isDigit, atMost: 1) == 1 else { return nil }
      rest.skip(\.isDigitOrLine)
      return rest.isAtExponentOrEnd ? .float : nil
    }
    rest.skip(\.isDigitOrLine)
    let isOctal = whole.first == UInt8(ascii: "0")
    if rest.isAtEnd {
      var octal = whole
      octal.skip { (0x30...0x37) ~= $0 || $0 == 0x5F }
      return !isOctal || octal.isAtEnd ? .integer : nil
    }
    // Base 60: `12:30:45`.
    var parts = 0
    while rest.take(":") {
      let first = rest.first
      let digits = rest.count(of: \.isDigit, atMost: 2)
      guard digits == 1 || digits == 2 && (0x30...0x35) ~= first ?? 0 else { return nil }
      parts += 1
    }
    if rest.isAtEnd { return isOctal ? nil : .integer }
    guard rest.take(".") else { return nil }
    rest.skip(\.isDigitOrLine)
    return parts == 0 && rest.isAtExponentOrEnd || rest.isAtEnd ? .float : nil
  }

  /// `resolver.py`'s expression for a date or time, and whether `datetime` takes it.
  private static func date(_ text: String) -> PythonScalar? {
    var rest = Scanner(text)
    guard let year = rest.number(4...4), rest.take("-"), let month = rest.number(1...2), rest.take("-"),
      let day = rest.number(1...2)
    else { return nil }
    var time: [Int] = []
    if rest.isAtEnd {
      // A date alone has two digits each.
      if text.utf8.count != 10 { return nil }
    } else {
      guard rest.take("T") || rest.take("t") || rest.count(of: \.isBlank) > 0, let hour = rest.number(1...2),
        rest.take(":"),
        let minute = rest.number(2...2), rest.take(":"), let second = rest.number(2...2)
      else { return nil }
      time = [hour, minute, second]
      if rest.take(".") { rest.skip(\.isDigit) }
      if !rest.isAtEnd {
        rest.skip(\.isBlank)
        if !rest.take("Z") {
          guard rest.take("+") || rest.take("-"), rest.number(1...2) != nil else { return nil }
          if rest.take(":"), rest.number(2...2) == nil { return nil }
        }
        guard rest.isAtEnd else { return nil }
      }
    }
    guard (1...12).contains(month), year > 0 else { return .date(isValid: false) }
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    return .date(isValid: (1...days).contains(day) && zip(time, [23, 59, 59]).allSatisfy { $0 <= $1 })
  }
}

/// What is left of a text that is read byte by byte. A `Regex` would be compiled anew for every scalar.
private struct Scanner {
  private var rest: Substring.UTF8View

  init(_ text: String) { rest = text[...].utf8 }

  var isAtEnd: Bool { rest.isEmpty }
  var first: UInt8? { rest.first }

  /// Whether nothing is left but perhaps an exponent, with its sign.
  var isAtExponentOrEnd: Bool {
    if isAtEnd { return true }
    var rest = self
    return (rest.take("e") || rest.take("E")) && (rest.take("+") || rest.take("-"))
      && rest.count(of: \.isDigit) > 0 && rest.isAtEnd
  }

  /// Goes past a text where that is next.
  mutating func take(_ text: StaticString) -> Bool {
    text.withUTF8Buffer { bytes in
      guard rest.starts(with: bytes) else { return false }
      rest = rest.dropFirst(bytes.count)
      return true
    }
  }

  /// Goes past bytes of a kind, and says how many they were.
  mutating func count(of kind: (UInt8) -> Bool, atMost limit: Int = .max) -> Int {
    var count = 0
    while count < limit, let byte = rest.first, kind(byte) {
      rest.removeFirst()
      count += 1
    }
    return count
  }

  mutating func skip(_ kind: (UInt8) -> Bool) { _ = count(of: kind) }

  /// A number of so many digits, with no other after it; nil, and nothing is read, where there is none.
  mutating func number(_ digits: ClosedRange<Int>) -> Int? {
    var rest = self
    guard digits.contains(rest.count(of: \.isDigit, atMost: digits.upperBound)) else { return nil }
    defer { self = rest }
    return Int(Substring(self.rest[..<rest.rest.startIndex]))
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { (0x30...0x39) ~= self }
  fileprivate var isDigitOrLine: Bool { isDigit || self == 0x5F }
  fileprivate var isHexDigit: Bool { isDigit || (0x61...0x66) ~= self | 0x20 }
  fileprivate var isBlank: Bool { self == 0x20 || self == 0x09 }
}

extension Node {
  /// Whether a number is an integer to PyYAML, as it has no point (`0x1F` and `12:30` are integers).
  public var isInteger: Bool {
    if case .number(let digits) = value { !digits.contains(".") } else { false }
  }

  /// Whether PyYAML takes the value for a date, and not for a string.
  public var isDate: Bool { tag == Composer.ownTag + "timestamp" }
}
