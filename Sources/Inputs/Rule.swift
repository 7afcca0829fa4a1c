import Diagnostics

/// What a text must look like to be a value of some kind.
public struct Rule: Sendable {
  /// What is wrong with a text, to be put after the input's name: `is empty`, or, led by the value itself,
  /// `"10.0.0" is not an IPv4 or IPv6 address`.
  public struct Problem: Error, Hashable, Sendable {
    /// What was found and which rule it breaks.
    public var message: String
    /// What to do about it.
    public var help: String?

    package init(_ message: String, help: String? = nil) {
      self.message = message
      self.help = help
    }
  }

  /// The kind of value, as documentation calls it: `an IPv4 or IPv6 address`.
  public let meaning: String
  /// A regular expression (ECMA 262) for the JSON Schema. It accepts every text that the rule accepts; the
  /// rule may refuse more.
  public var pattern: String { makePattern() }
  /// Made when asked for, which only the schema does.
  private let makePattern: @Sendable () -> String
  let check: @Sendable (String) -> Problem?

  package init(
    _ meaning: String, pattern: @escaping @autoclosure @Sendable () -> String,
    check: @escaping @Sendable (String) -> Problem?
  ) {
    self.meaning = meaning
    makePattern = pattern
    self.check = check
  }

  /// What is wrong with a text; nil where it is as it must be.
  public func problem(with text: String) -> Problem? { check(text) }

  /// A rule of one predicate, for values that may be shown.
  package static func matching(
    _ meaning: String, pattern: @escaping @autoclosure @Sendable () -> String, help: String? = nil,
    _ accepts: @escaping @Sendable (String) -> Bool
  ) -> Rule {
    Rule(meaning, pattern: pattern()) { text in
      accepts(text) ? nil : Problem("\(text.shown) is not \(meaning)", help: help)
    }
  }

  /// One of a few words.
  static func oneOf(_ meaning: String, _ words: [String]) -> Rule {
    Rule(meaning, pattern: "^(\(words.joined(separator: "|")))$") { text in
      guard !words.contains(text) else { return nil }
      let near = text.lowercased().suggestion(from: words, within: 2)
      return Problem(
        "\(text.shown) is not \(meaning)", help: "\(near)use one of \(words.joined(separator: ", "))")
    }
  }
}

extension UInt8 {
  var isLower: Bool { (0x61...0x7A) ~= self }
  var isUpper: Bool { (0x41...0x5A) ~= self }
  var isDigit: Bool { (0x30...0x39) ~= self }
  var isLetter: Bool { isLower || isUpper }
  var isAlphanumeric: Bool { isLetter || isDigit }
  /// Of RFC 4648's first alphabet, with its padding.
  var isBase64: Bool { isAlphanumeric || "+/=".utf8.contains(self) }
  var isHexadecimal: Bool { isDigit || (0x61...0x66) ~= self || (0x41...0x46) ~= self }
}

extension Unicode.Scalar {
  /// A C0 or C1 control character, NUL and DEL among them.
  var isControl: Bool { value < 0x20 || (0x7F...0x9F) ~= value }
}
