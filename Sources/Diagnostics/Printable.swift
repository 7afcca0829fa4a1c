// What text from elsewhere goes through before a terminal, a log or Markdown gets it: one encoder each. HTML and XML have
// `Markup`, JSON has `jsonLiteral`, GitHub's workflow commands have theirs beside them.

extension String {
  /// The text with everything that could break a line or drive a terminal written as an escape, so that
  /// a name taken from an input can be shown: C0 and C1 controls, line separators, directional overrides, and what is
  /// there and cannot be seen.
  public var printable: String {
    guard unicodeScalars.contains(where: \.isUnprintable) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isUnprintable {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The same of a text of several lines: line feeds and tabs stay. A carriage return before a line feed is shown, too: a
  /// shell would stumble over it.
  package var printableLines: String {
    guard unicodeScalars.contains(where: { $0.isUnprintable && $0 != "\n" && $0 != "\t" }) else {
      return self
    }
    return unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0).printable }
        .joined(separator: "\t")
    }.joined(separator: "\n")
  }

  /// Lines for people, none of which is a command to the runner of GitHub Actions that shows them in its log.
  ///
  /// The runner takes a line for one that begins with `::` after white space, or has `##[` anywhere (actions/runner,
  /// `ActionCommand.cs`).
  package var withoutCommands: String {
    guard holds("::") || holds("##[") else { return self }
    return parts(between: "\n").map { line in
      let start = line.unicodeScalars.firstIndex { !$0.properties.isWhitespace } ?? line.endIndex
      let text = line[start...]
      let shown = text.hasPrefix("::") ? line[..<start] + "\\u{3a}" + text.dropFirst() : line[...]
      return shown.replacing("##[", with: "#\\u{23}[")
    }.joined(separator: "\n")
  }

  /// The text as code in Markdown, in a line, a table or within HTML: nothing in it is markup, a link or the name of
  /// somebody who is then notified.
  ///
  /// Every sign is written as a numeric character reference, which CommonMark (0.31, section 2.5) never takes for
  /// structure; and GitHub looks for `@names` in no `<code>`.
  package var markdownCode: String {
    let encoded = printable.unicodeScalars.reduce(into: "") { text, scalar in
      if scalar.value < 0x80, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar), scalar != " " {
        text += "&#\(scalar.value);"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return "<code>\(encoded)</code>"
  }
}

extension Unicode.Scalar {
  fileprivate var isUnprintable: Bool {
    switch value {
    // Ordinary letters are the most.
    case 0x20..<0x7F: false
    case 0..<0x20, 0x7F...0x9F, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F,
      0xFEFF,
      0xFFF9...0xFFFB, 0xE0000...0xE007F:
      true
    default: false
    }
  }
}
