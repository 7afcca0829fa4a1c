public import Diagnostics

/// JSON (RFC 8259), read into the same nodes as YAML, with places and with duplicate keys refused.
///
/// libyaml does not read all of JSON (it refuses surrogate pairs in escapes, keys over 1,024 characters
/// and tabs between tokens), and no decoder of the standard library keeps line and column.
public enum JSON {
  /// Reads one JSON document.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8; a leading byte order mark is skipped.
  ///   - source: the name of the text in findings.
  ///   - maximumNodes: as many as no outputs have, unless said otherwise.
  /// - Throws: a report with the first syntax error, or with every duplicate key.
  public static func parse(
    _ bytes: [UInt8], source: String, maximumNodes: Int = 500_000
  ) throws(Report) -> Node {
    var scanner = Scanner(bytes: bytes, source: source, maximumNodes: maximumNodes)
    return try scanner.document()
  }

  /// A string as a JSON string literal in ASCII, with `<`, `>` and `&` left as they are.
  public static func quote(_ text: String) -> String {
    text.jsonLiteral
  }

  /// A node as compact JSON in ASCII, keys in the node's own order. Tags are left out.
  public static func emit(_ node: Node) -> [UInt8] {
    var result: [UInt8] = []
    append(node, to: &result)
    return result
  }

  private static func append(_ node: Node, to result: inout [UInt8]) {
    switch node.value {
    case .null: result += "null".utf8
    case .bool(let flag): result += (flag ? "true" : "false").utf8
    case .number(let digits): result += digits.utf8
    case .string(let text): result.appendJSON(text)
    case .sequence(let items):
      result.append(UInt8(ascii: "["))
      for (index, item) in items.enumerated() {
        if index > 0 { result.append(UInt8(ascii: ",")) }
        append(item, to: &result)
      }
      result.append(UInt8(ascii: "]"))
    case .mapping(let entries):
      result.append(UInt8(ascii: "{"))
      for (index, entry) in entries.enumerated() {
        if index > 0 { result.append(UInt8(ascii: ",")) }
        result.appendJSON(entry.key)
        result.append(UInt8(ascii: ":"))
        append(entry.value, to: &result)
      }
      result.append(UInt8(ascii: "}"))
    }
  }
}
