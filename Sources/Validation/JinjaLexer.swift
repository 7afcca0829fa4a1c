/// Cuts a Jinja template into tokens as Jinja 3 does (its `lexer.py`), without line statements, which cloud-init does
/// not turn on.
struct JinjaLexer {
  enum Kind: Equatable {
    /// Text between tags, or within `{% raw %}`.
    case data
    case name, string, number, sign
    /// `{{`, `}}`, `{%` and `%}`.
    case openValue, closeValue, openBlock, closeBlock
    case end
  }

  struct Token {
    let kind: Kind
    /// From where to where it stands, in scalars.
    let range: Range<Int>
    let text: String
  }

  /// What Jinja refuses.
  struct Failure: Error {
    let offset: Int
    let message: String
  }

  private let scalars: [Unicode.Scalar]
  private var position: Int
  private(set) var tokens: [Token] = []

  /// - Parameter start: where the template begins, after its header.
  static func tokens(_ scalars: [Unicode.Scalar], from start: Int) throws(Failure) -> [Token] {
    var lexer = JinjaLexer(scalars: scalars, position: start)
    try lexer.run()
    return lexer.tokens
  }

  private init(scalars: [Unicode.Scalar], position: Int) {
    self.scalars = scalars
    self.position = position
  }

  private func has(_ text: String, at index: Int) -> Bool {
    let wanted = text.unicodeScalars
    return index + wanted.count <= scalars.count
      && scalars[index..<index + wanted.count].elementsEqual(wanted)
  }

  private func text(_ range: Range<Int>) -> String {
    String(String.UnicodeScalarView(scalars[range]))
  }

  private mutating func add(_ kind: Kind, _ range: Range<Int>) {
    tokens.append(Token(kind: kind, range: range, text: kind == .data ? "" : text(range)))
  }

  private mutating func run() throws(Failure) {
    var start = position
    while position < scalars.count {
      guard scalars[position] == "{", position + 1 < scalars.count,
        "{%#".unicodeScalars.contains(scalars[position + 1])
      else {
        position += 1
        continue
      }
      if start < position { add(.data, start..<position) }
      switch scalars[position + 1] {
      case "#": try comment()
      case "%": if try raw() == false { try tag(.openBlock, .closeBlock, "%}") }
      default: try tag(.openValue, .closeValue, "}}")
      }
      start = position
    }
    if start < position { add(.data, start..<position) }
    add(.end, position..<position)
  }

  private mutating func comment() throws(Failure) {
    var end = position + 2
    while end < scalars.count, !has("#}", at: end) { end += 1 }
    guard end < scalars.count else {
      throw Failure(offset: position, message: "a comment has no #}")
    }
    position = end + 2
  }

  /// `{% raw %}` and what stands up to `{% endraw %}`, which is text; false where another tag stands here.
  private mutating func raw() throws(Failure) -> Bool {
    guard let begin = end(of: "raw", at: position) else { return false }
    add(.openBlock, position..<position + 2)
    var close = begin
    while close < scalars.count {
      if has("{%", at: close), let end = end(of: "endraw", at: close) {
        add(.name, position..<position)
        add(.data, begin..<close)
        position = end
        return true
      }
      close += 1
    }
    throw Failure(offset: position, message: "{% raw %} has no {% endraw %}")
  }

  /// Where a tag of one word ends; nil where another stands there.
  private func end(of word: String, at start: Int) -> Int? {
    var index = start + 2
    if index < scalars.count, "-+".unicodeScalars.contains(scalars[index]) { index += 1 }
    while index < scalars.count, scalars[index].properties.isWhitespace { index += 1 }
    guard has(word, at: index) else { return nil }
    index += word.unicodeScalars.count
    while index < scalars.count, scalars[index].properties.isWhitespace { index += 1 }
    if index < scalars.count, "-+".unicodeScalars.contains(scalars[index]) { index += 1 }
    return has("%}", at: index) ? index + 2 : nil
  }

  private mutating func tag(_ open: Kind, _ close: Kind, _ end: String) throws(Failure) {
    let start = position
    add(open, position..<position + 2)
    position += 2
    if position < scalars.count, "-+".unicodeScalars.contains(scalars[position]) { position += 1 }
    var brackets: [Unicode.Scalar] = []
    while position < scalars.count {
      let scalar = scalars[position]
      if scalar.properties.isWhitespace {
        position += 1
        continue
      }
      if brackets.isEmpty {
        let sign = scalar == "-" || scalar == "+" && close == .closeBlock ? 1 : 0
        if has(end, at: position + sign) {
          add(close, position..<position + sign + 2)
          position += sign + 2
          return
        }
      }
      try token(scalar, &brackets)
    }
    throw Failure(offset: start, message: "a tag has no \(end)")
  }

  private static let signs = ["**", "//", "==", "!=", ">=", "<="]

  private mutating func token(_ scalar: Unicode.Scalar, _ brackets: inout [Unicode.Scalar]) throws(Failure) {
    let start = position
    if scalar == "_" || scalar.properties.isXIDStart {
      while position < scalars.count, scalars[position] == "_" || scalars[position].properties.isXIDContinue {
        position += 1
      }
      return add(.name, start..<position)
    }
    if ("0"..."9").contains(scalar) {
      while position < scalars.count,
        scalars[position] == "_" || scalars[position].properties.isXIDContinue
          || scalars[position] == "." && position + 1 < scalars.count
            && ("0"..."9").contains(scalars[position + 1])
      {
        position += 1
      }
      return add(.number, start..<position)
    }
    if scalar == "\"" || scalar == "'" {
      position += 1
      while position < scalars.count, scalars[position] != scalar {
        position += scalars[position] == "\\" ? 2 : 1
      }
      guard position < scalars.count else { throw Failure(offset: start, message: "a string has no end") }
      position += 1
      return add(.string, start..<position)
    }
    if let sign = Self.signs.first(where: { has($0, at: start) }) {
      position += sign.count
      return add(.sign, start..<position)
    }
    guard "+-/*%~[](){}<>=.:|,;".unicodeScalars.contains(scalar) else {
      throw Failure(offset: start, message: "unexpected \(String(scalar).debugDescription)")
    }
    if let closing = ["(": ")", "[": "]", "{": "}"][String(scalar)] {
      brackets.append(contentsOf: closing.unicodeScalars)
    } else if ")]}".unicodeScalars.contains(scalar) {
      guard brackets.popLast() == scalar else {
        throw Failure(offset: start, message: "unexpected \(String(scalar).debugDescription)")
      }
    }
    position += 1
    add(.sign, start..<position)
  }
}
