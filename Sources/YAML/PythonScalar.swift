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

  private static func number(_ text: String) -> PythonScalar? {
    guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return nil }
    let patterns: [(kind: PythonScalar, isMatch: Bool)] = [
      (.integer, text.wholeMatch(of: /[-+]?0b[0-1_]+/) != nil),
      (.integer, text.wholeMatch(of: /[-+]?0[0-7_]+/) != nil),
      (.integer, text.wholeMatch(of: /[-+]?(?:0|[1-9][0-9_]*)/) != nil),
      (.integer, text.wholeMatch(of: /[-+]?0x[0-9a-fA-F_]+/) != nil),
      (.integer, text.wholeMatch(of: /[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+/) != nil),
      (.float, text.wholeMatch(of: /[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?/) != nil),
      (.float, text.wholeMatch(of: /\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?/) != nil),
      (.float, text.wholeMatch(of: /[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*/) != nil),
    ]
    return patterns.first { $0.isMatch }?.kind
  }

  private static func date(_ text: String) -> PythonScalar? {
    guard let first = text.utf8.first, (0x30...0x39) ~= first,
      let match = text.wholeMatch(
        of:
          /([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]|[ \t]+)([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)?/
      )
    else { return nil }
    let (_, year, month, day, hour, minute, second) = match.output
    // A date alone has two digits each.
    if hour == nil, month.count < 2 || day.count < 2 { return nil }
    func isWithin(_ text: Substring?, _ range: ClosedRange<Int>) -> Bool {
      text.map { Int($0).map(range.contains) ?? false } ?? true
    }
    let (y, m) = (Int(year) ?? 0, Int(month) ?? 0)
    guard (1...12).contains(m), y > 0 else { return .date(isValid: false) }
    let isLeap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)
    let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][m - 1]
    return .date(
      isValid: isWithin(day, 1...days) && isWithin(hour, 0...23) && isWithin(minute, 0...59)
        && isWithin(second, 0...59))
  }
}

extension Node {
  /// Whether a number is an integer to PyYAML, as it has no point (`0x1F` and `12:30` are integers).
  public var isInteger: Bool {
    if case .number(let digits) = value { !digits.contains(".") } else { false }
  }

  /// Whether PyYAML takes the value for a date, and not for a string.
  public var isDate: Bool { tag == Composer.ownTag + "timestamp" }
}
