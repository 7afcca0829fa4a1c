extension Report {
  /// The report as JSON: `{"diagnostics": […]}`, each finding with `severity`, `code` and `message`, and with `help`,
  /// `file`, `line`, `column` and `path` where it has them. In ASCII, one finding a line.
  public var json: String {
    guard !diagnostics.isEmpty else { return "{\"diagnostics\": []}\n" }
    let lines = diagnostics.map { "  " + JSONText.object($0.fields) }
    return "{\"diagnostics\": [\n" + lines.joined(by: ",\n") + "\n]}\n"
  }
}

extension Diagnostic {
  fileprivate var fields: [(String, String?)] {
    [
      ("severity", severity.rawValue.jsonLiteral), ("code", code.jsonLiteral),
      ("message", message.jsonLiteral), ("help", help?.jsonLiteral),
      ("file", location?.source.jsonLiteral), ("line", location?.line.map(String.init)),
      ("column", location?.column.map(String.init)), ("path", location?.path?.jsonLiteral),
    ]
  }
}

/// JSON that is put together of pieces which are JSON already. The room YAML, which writes whole documents, stands above
/// this one.
enum JSONText {
  /// An object of the fields that are there, in their order.
  static func object(_ fields: [(String, String?)]) -> String {
    "{" + fields.compactMap { name, value in value.map { "\(name.jsonLiteral): \($0)" } }.joined(by: ", ")
      + "}"
  }

  /// A list, one item a line.
  static func list(_ items: [String]) -> String {
    items.isEmpty ? "[]" : "[\n" + items.joined(by: ",\n") + "\n]"
  }
}
