import Diagnostics

extension String {
  /// The text as XML and HTML may hold it, between tags or in a quoted attribute.
  ///
  /// Controls and directional overrides are written as escapes, so they can be seen, and the two scalars of the first
  /// plane that XML 1.0 has no place for besides (its production 2, `Char`) as U+FFFD.
  var markup: String {
    let text = printable
    guard text.utf8.contains(where: \.isMarkup) else { return text }
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
  /// Whether it may be, or begin, what ``Swift/String/markup`` writes otherwise.
  fileprivate var isMarkup: Bool {
    switch self {
    case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"), 0xEF:
      true
    default: false
    }
  }
}
