/// A piece of XML or HTML, made by interpolation: the literal is taken as it stands, and every text put into it is
/// escaped, so none can break out of its place.
package struct Markup: ExpressibleByStringInterpolation, Sendable {
  /// What it came to.
  package private(set) var text: String

  package init(stringLiteral literal: String) { text = literal }
  package init(stringInterpolation parts: StringInterpolation) { text = parts.text }

  /// What is markup already, and the program's own.
  package init(trusted text: String) { self.text = text }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + 32 * interpolationCount)
    }

    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ text: some StringProtocol) {
      self.text += String(text).escaped
    }
    package mutating func appendInterpolation(_ number: Int) { text += String(number) }
    package mutating func appendInterpolation(_ number: Double) { text += String(number) }
    package mutating func appendInterpolation(_ markup: Markup?) { text += markup?.text ?? "" }

    /// A piece for each item, one after the other.
    package mutating func appendInterpolation<Item>(
      _ items: some Sequence<Item>, each piece: (Item) -> Markup
    ) {
      for item in items { text += piece(item).text }
    }
  }

  package static func += (markup: inout Markup, more: Markup) { markup.text += more.text }
}

extension String {
  /// The text as XML and HTML may hold it, between tags or in a quoted attribute.
  ///
  /// Controls and directional overrides are written as escapes, so they can be seen, and the two scalars of the first
  /// plane that XML 1.0 has no place for besides (its production 2, `Char`) as U+FFFD.
  fileprivate var escaped: String {
    let text = printable
    guard text.utf8.contains(where: \.needsEscape) else { return text }
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count + 16)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;".utf8
      case "<": result += "&lt;".utf8
      case ">": result += "&gt;".utf8
      case "\"": result += "&quot;".utf8
      case "'": result += "&#39;".utf8
      case "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}".utf8
      default: result += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

extension UInt8 {
  /// Whether it is, or begins, what is written otherwise.
  fileprivate var needsEscape: Bool {
    switch self {
    case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"), 0xEF:
      true
    default: false
    }
  }
}
