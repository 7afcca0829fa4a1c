extension Report {
  /// The report as workflow commands of GitHub Actions, one line a finding, which show it beside the line it is about
  /// (GitHub's documentation, "Workflow commands").
  public var github: String {
    diagnostics.reduce(into: "") { $0 += $1.github + "\n" }
  }
}

extension Diagnostic {
  fileprivate var github: String {
    let command =
      switch severity {
      case .error: "error"
      case .warning: "warning"
      case .note: "notice"
      }
    let properties: [(String, String?)] = [
      ("file", location?.source), ("line", location?.line.map(String.init)),
      ("col", location?.column.map(String.init)), ("title", code),
    ]
    let given = properties.compactMap { name, value in value.map { "\(name)=\($0.printable.property)" } }
    let text = help.map { "\(message.printable)\n\($0.printable)" } ?? message.printable
    return "::\(command) \(given.joined(by: ","))::\(text.data)"
  }
}

extension String {
  /// The text as a command's data: what would end the line is written as GitHub's runner reads it back.
  fileprivate var data: String { escaped([("%", "%25"), ("\r", "%0D"), ("\n", "%0A")]) }

  /// The text as a command's property, in which a colon and a comma have a meaning as well.
  fileprivate var property: String {
    escaped([("%", "%25"), ("\r", "%0D"), ("\n", "%0A"), (":", "%3A"), (",", "%2C")])
  }

  private func escaped(_ escapes: [(Unicode.Scalar, String)]) -> String {
    // By scalars: a line feed after a carriage return is one character with it.
    unicodeScalars.reduce(into: "") { text, scalar in
      if let escape = escapes.first(where: { $0.0 == scalar }) {
        text += escape.1
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
  }
}
