/// How a plain (unquoted) scalar is read, and when a string may be written as one.
///
/// The readers of k3seed's output follow two standards: cloud-init reads with PyYAML, which is YAML 1.1
/// (yaml.org/type, and PyYAML's resolver), and Kubernetes reads YAML 1.1 by go-yaml's rules with the 1.2 core
/// schema's octals. A string is written plain only where no standard could read anything else into it, and a
/// plain scalar that the standards read differently is refused where people write YAML for k3seed.
enum PlainScalar {
  /// What YAML 1.2's core schema (section 10.3.2) makes of a plain scalar.
  static func resolve(_ text: String) -> Node.Value {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    default: return isNumber(text) ? .number(text) : .string(text)
    }
  }

  /// A decimal number that YAML 1.1, YAML 1.2 and JSON all read alike: `0`, `-7`, `6443`, `1.5`.
  static func isNumber(_ text: String) -> Bool {
    var digits = Substring(text).utf8
    if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
    let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, parts.allSatisfy({ !$0.isEmpty }),
      parts.allSatisfy({ $0.allSatisfy { (0x30...0x39) ~= $0 } })
    else { return false }
    return whole.count == 1 || whole.first != UInt8(ascii: "0")
  }

  /// Whether a plain scalar may be read as something else by one of the standards: `yes`, `0777`, `1e3`,
  /// `12:30:45`, `2026-01-01`, `1_000`, `=`, `<<`, `.inf`.
  static func isAmbiguous(_ text: String) -> Bool {
    if case .string = resolve(text) {
      guard let first = text.utf8.first else { return false }
      if reserved.contains(text.lowercased()) { return true }
      switch first {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
        // Numbers of either standard are made of these alone: signs, digits, hexadecimal digits, radix
        // letters, exponents, underscores, sexagesimal colons, dates; a version such as v1.2 or 1.2.3
        // is caught as well, and quoting it costs nothing.
        return text.utf8.contains { (0x30...0x39) ~= $0 } && text.utf8.allSatisfy(isNumeric)
      default: return false
      }
    }
    return false
  }

  /// Whether a string may be written without quotes: nothing but safe characters, led by a letter, `/` or
  /// `_`, and no reserved word. What this refuses is quoted, which is always right.
  static func isSafe(_ text: String) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first,
      isLetter(first) || first == UInt8(ascii: "/") || first == UInt8(ascii: "_"),
      bytes.count <= 1024
    else { return false }
    var previous = first
    for byte in bytes.dropFirst() {
      let colon = previous == UInt8(ascii: ":")
      guard
        isLetter(byte) || (0x30...0x39) ~= byte || (!colon && safePunctuation.contains(byte)) || byte == 0x2F
      else { return false }
      previous = byte
    }
    return previous != UInt8(ascii: ":") && (bytes.count > 5 || !reserved.contains(text.lowercased()))
  }

  /// Words that some reader takes for a boolean, null or a special key, in any case; none has more than
  /// five letters.
  private static let reserved: Set<String> = [
    "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf", "-.inf", "+.inf",
    ".nan",
  ]

  private static let safePunctuation = Set("_./@%+=:-".utf8)

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A) ~= byte || (0x61...0x7A) ~= byte
  }

  private static func isNumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true  // digits of base 2 to 16, and the exponent's e
    default: "+-._:xXoObBtTzZ ".utf8.contains(byte)
    }
  }
}
