extension Diagnostic {
  /// The finding without its place, where the reader does not see the file: `message; help [code]`.
  public var sentence: String {
    (message + (help.map { "; \($0)" } ?? "") + " [\(code)]").printable
  }

  /// The finding on one line: `file:line:column: error: message (path); help [code]`.
  public var line: String {
    var text = ""
    if let location { text += "\(location): " }
    text += "\(severity.rawValue): \(message)"
    if let path = location?.path { text += " (at \(path))" }
    if let help { text += "; \(help)" }
    text += " [\(code)]"
    return text.printable
  }
}

extension Report {
  /// One line a finding, each ended by a line feed; empty where there is none.
  public var text: String {
    diagnostics.reduce(into: "") { $0 += $1.line + "\n" }
  }
}
