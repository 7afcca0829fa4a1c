/// How a terminal shows text.
public struct TerminalStyle: Sendable {
  /// How many columns it has.
  public var columns: Int
  /// Whether it shows colours.
  public var isColoured: Bool

  /// No terminal: lines are as long as they are, and without colours.
  public static let none = TerminalStyle(columns: .max, isColoured: false)

  /// Whether there is a terminal.
  public var isTerminal: Bool { columns != .max }

  /// A terminal of so many columns; fewer than 40 count as 40.
  public init(columns: Int, isColoured: Bool) {
    self.columns = max(40, columns)
    self.isColoured = isColoured
  }

  /// A text in a colour, where there are any.
  public func coloured(_ text: String, _ colour: Colour) -> String {
    isColoured && !text.isEmpty ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
  }

  /// Colours by what they say, as the parameters of ECMA-48's SGR.
  public enum Colour: String, Sendable {
    /// What is wrong, or was taken out.
    case bad = "1;31"
    /// What may be wrong.
    case doubtful = "1;33"
    /// What is well, or was put in.
    case good = "32"
    /// What leads to something.
    case guide = "36"
    /// A heading.
    case strong = "1"
  }

  /// Words broken into lines that fit, the first of them behind a label.
  package func wrapped(_ text: String, label: String = "", indent: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    let margin = String(repeating: " ", count: indent)
    var room: Int { columns - (lines.isEmpty ? label.count : indent) }
    for word in text.split(separator: " ", omittingEmptySubsequences: false) {
      if !line.isEmpty, line.count + 1 + word.count > room {
        lines.append((lines.isEmpty ? "" : margin) + line)
        line = String(word)
      } else {
        line += (line.isEmpty ? "" : " ") + word
      }
    }
    return lines + [(lines.isEmpty ? "" : margin) + line]
  }
}

extension Report {
  /// The findings for a person at a terminal: each with its place, the line of the source where that may be shown, and what
  /// to do about it, wrapped to the width.
  ///
  /// - Parameter source: the line that a place is in, without secrets; nil where it may not be shown.
  public func text(for style: TerminalStyle, source: (Location) -> String? = { _ in nil }) -> String {
    diagnostics.map { $0.text(for: style, source: source) }.joined(separator: "\n")
  }
}

extension Diagnostic {
  fileprivate func text(for style: TerminalStyle, source: (Location) -> String?) -> String {
    let label = "\(severity.rawValue): "
    var lines = style.wrapped("\(message.printable) [\(code)]", label: label, indent: 2)
    lines[0] = style.coloured(label, severity.colour) + lines[0]
    if let location {
      let path = location.path.map { " (at \($0))" } ?? ""
      lines.append("  " + style.coloured("-->", .guide) + " \("\(location)\(path)".printable)")
      if let line = location.line, let text = source(location) {
        lines += excerpt(of: text, line: line, column: location.column, style)
      }
    }
    if let help {
      let label = "  help: "
      var wrapped = style.wrapped(help.printable, label: label, indent: label.count)
      wrapped[0] = style.coloured(label, .good) + wrapped[0]
      lines += wrapped
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// The line with its number, and a caret under the column.
  private func excerpt(of text: String, line: Int, column: Int?, _ style: TerminalStyle) -> [String] {
    let number = String(line)
    let gutter = String(repeating: " ", count: number.count)
    let room = style.columns - number.count - 5
    let scalars = Array(text.unicodeScalars)
    // A long line is shown around the column.
    let start =
      column.map { $0 - 1 > room * 3 / 4 ? min($0 - 1 - room / 2, max(0, scalars.count - room)) : 0 } ?? 0
    func shown(_ part: ArraySlice<Unicode.Scalar>) -> String {
      var text = String.UnicodeScalarView()
      text.append(contentsOf: part)
      // A tab would take more columns than the caret is moved by.
      return String(text).replacing("\t", with: " ").printable
    }
    let visible = scalars.dropFirst(max(0, start)).prefix(room)
    var lines = ["  \(style.coloured("\(number) |", .guide)) \(shown(visible))"]
    if let column, column - 1 >= start, column - 1 - start <= visible.count {
      let before = shown(visible.prefix(column - 1 - start)).count
      lines.append(
        "  \(style.coloured("\(gutter) |", .guide)) \(String(repeating: " ", count: before))\(style.coloured("^", severity.colour))"
      )
    }
    return lines
  }
}

extension Diagnostic.Severity {
  fileprivate var colour: TerminalStyle.Colour {
    switch self {
    case .error: .bad
    case .warning: .doubtful
    case .note: .guide
    }
  }
}
