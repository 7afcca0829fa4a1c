public import Diagnostics
public import YAML

/// A value together with the file and the JSON path that lead to it.
public struct Positioned: Sendable {
  /// The value.
  public var node: Node
  /// The file it stands in, as the user named it.
  public var source: String
  /// The JSON path from the file's root.
  public var path: String

  /// A value at a path of a file.
  public init(_ node: Node, source: String, path: String = "$") {
    self.node = node
    self.source = source
    self.path = path
  }

  /// Where the value stands.
  public var location: Location { location(node.mark) }

  func location(_ mark: Mark) -> Location {
    Location(source: source, line: mark.line, column: mark.column, path: path)
  }

  /// The values of a mapping with their keys; empty where it is none.
  var entries: [(key: String, keyLocation: Location, value: Positioned)] {
    (node.mapping ?? []).map { entry in
      let value = Positioned(entry.value, source: source, path: path.jsonPath(appending: entry.key))
      return (entry.key, value.location(entry.keyMark), value)
    }
  }

  /// The items of a list; empty where it is none.
  var items: [Positioned] {
    (node.sequence ?? []).enumerated().map { index, item in
      Positioned(item, source: source, path: "\(path)[\(index)]")
    }
  }

  subscript(key: String) -> Positioned? {
    node[key].map { Positioned($0, source: source, path: path.jsonPath(appending: key)) }
  }
}
