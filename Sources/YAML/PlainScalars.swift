/// How a plain (unquoted) scalar is read, and when a string may be written as one.
///
/// The readers of k3seed's output disagree: cloud-init reads with PyYAML, which is YAML 1.1 as narrowed by its
/// resolver, Kubernetes with go-yaml, which mixes YAML 1.1 with the octals of 1.2 and drops underscores, others
/// with YAML 1.2's core schema. A string is written plain only where none of them could read anything else
/// into it, and a plain scalar that they read differently is refused where people write YAML for k3seed.
enum PlainScalar {
  /// What YAML 1.2's core schema (section 10.3.2) makes of a plain scalar that is not ambiguous.
  static func resolve(_ text: String) -> Node.Value {
    guard let first = text.utf8.first else { return .null }
    if first == UInt8(ascii: "-") || isDigit(first) { return isNumber(text) ? .number(text) : .string(text) }
    guard text.utf8.count <= 5 else { return .string(text) }
    switch text {
    case "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: return .string(text)
    }
  }

  /// A decimal number that YAML 1.1, YAML 1.2 and JSON all read alike: `0`, `-7`, `6443`, `1.5`, `1.0e+3`.
  static func isNumber(_ text: String) -> Bool {
    var rest = Cursor(text)
    rest.skip("-")
    let leadingZero = rest.next == UInt8(ascii: "0")
    let whole = rest.skipDigits()
    guard whole == 1 || (whole > 1 && !leadingZero) else { return false }
    if rest.skip(".") {
      guard rest.skipDigits() > 0 else { return false }
      if rest.skip("eE") {
        guard rest.skip("+-"), rest.skipDigits() > 0 else { return false }
      }
    }
    return rest.next == nil
  }

  /// A JSON number in the spelling that all three read alike: YAML 1.1 takes an exponent only after a
  /// fraction and with a sign, so `1e3` becomes `1.0e+3`.
  static func spelling(ofNumber number: String) -> String {
    guard !isNumber(number), let exponent = number.firstIndex(where: { "eE".contains($0) }) else {
      return number
    }
    let mantissa = number[..<exponent]
    let power = number[exponent...].dropFirst()
    let fraction = mantissa.contains(".") ? "" : ".0"
    let sign = power.first == "-" || power.first == "+" ? "" : "+"
    return "\(mantissa)\(fraction)e\(sign)\(power)"
  }

  /// What some reader takes a plain scalar for where another takes it for something else, nil where all
  /// agree: `yes` a boolean, `0777` and `12:30:45` a number, `2026-01-01` a date, `<<` a special key.
  static func ambiguity(_ text: String) -> String? {
    guard case .string = resolve(text), let first = text.utf8.first else { return nil }
    if isDigit(first) || "+-.".utf8.contains(first) {
      if isOddNumber(text) { return "a number" }
      if isDate(text) { return "a date" }
    }
    return reserved(text)
  }

  /// Whether a string may be written without quotes: nothing but safe characters, led by a letter, `/` or
  /// `_`, and no reserved word. What this refuses is quoted, which is always right.
  static func isSafe(_ text: String) -> Bool {
    guard let first = text.utf8.first, isLetter(first) || "/_".utf8.contains(first) else { return false }
    var previous = first
    for byte in text.utf8.dropFirst() {
      guard
        isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "/")
          || (previous != UInt8(ascii: ":") && "_.@%+=:-".utf8.contains(byte))
      else { return false }
      previous = byte
    }
    return previous != UInt8(ascii: ":") && reserved(text) == nil
  }

  /// A number to one reader but not to all, or not the same: octal, hexadecimal or binary, base 60, with a
  /// plus sign, with a bare exponent, without digits on one side of the point, or with underscores.
  private static func isOddNumber(_ text: String) -> Bool {
    var rest = Cursor(text.filter { $0 != "_" })
    rest.skip("+-")
    let unsigned = rest
    for (letters, base) in [("bB", 2), ("oO", 8), ("xX", 16)] {
      rest = unsigned
      if rest.skip("0"), rest.skip(letters) {
        rest.skip("+-")  // go-yaml takes 0b+1 for a number
        return rest.bytes.allSatisfy { Character(Unicode.Scalar($0)).hexDigitValue ?? base < base }
      }
    }
    rest = unsigned
    let whole = rest.skipDigits()
    var base60 = false
    while whole > 0, rest.skip(":") {
      let upTo5 = rest.next.map { $0 <= UInt8(ascii: "5") } ?? false
      guard 1...(upTo5 ? 2 : 1) ~= rest.skipDigits() else { return false }
      base60 = true
    }
    let fraction = rest.skip(".") ? rest.skipDigits() : 0
    if !base60, rest.skip("eE") {
      rest.skip("+-")
      guard rest.skipDigits() > 0 else { return false }
    }
    return whole + fraction > 0 && rest.next == nil
  }

  /// A date (`2026-01-01`), alone or with a time of day behind it.
  private static func isDate(_ text: String) -> Bool {
    var rest = Cursor(text)
    guard rest.skipDigits() == 4, rest.skip("-"), 1...2 ~= rest.skipDigits(), rest.skip("-"),
      1...2 ~= rest.skipDigits()
    else { return false }
    if rest.next == nil { return true }
    guard rest.skip("Tt \t") else { return false }
    while rest.skip(" \t") {}
    return 1...2 ~= rest.skipDigits() && rest.skip(":")
  }

  /// What some reader takes a word for, in any case of its letters.
  private static func reserved(_ text: String) -> String? {
    text.utf8.count <= 5 ? reservedWords[text.lowercased()] : nil
  }

  private static let reservedWords = [
    "null": "null", "true": "a boolean", "false": "a boolean", "yes": "a boolean", "no": "a boolean",
    "on": "a boolean", "off": "a boolean", "y": "a boolean", "n": "a boolean", "=": "a special key",
    "<<": "a special key", ".inf": "a number", "+.inf": "a number", "-.inf": "a number", ".nan": "a number",
  ]

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39) ~= byte }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A) ~= byte || (0x61...0x7A) ~= byte
  }

  /// What is left to read of a scalar.
  private struct Cursor {
    var bytes: Substring.UTF8View

    init(_ text: String) { bytes = text[...].utf8 }

    var next: UInt8? { bytes.first }

    /// Passes the next character, where it is one of those given.
    @discardableResult mutating func skip(_ any: String) -> Bool {
      guard let next, any.utf8.contains(next) else { return false }
      bytes.removeFirst()
      return true
    }

    /// Passes the digits that come next, and says how many.
    mutating func skipDigits() -> Int {
      let before = bytes.count
      bytes = bytes.drop(while: isDigit)
      return before - bytes.count
    }
  }
}
