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
    mark == .none
      ? Location(source: source, path: path)
      : Location(source: source, line: mark.line, column: mark.column, path: path)
  }

  /// The values of a mapping with their keys; empty where it is none.
  package var entries: [(key: String, keyLocation: Location, value: Positioned)] {
    (node.mapping ?? []).map { entry in
      let value = Positioned(entry.value, source: source, path: path.jsonPath(appending: entry.key.shownName))
      return (entry.key, value.location(entry.keyMark), value)
    }
  }

  /// The items of a list; empty where it is none.
  package var items: [Positioned] {
    (node.sequence ?? []).enumerated().map { index, item in
      Positioned(item, source: source, path: "\(path)[\(index)]")
    }
  }

  /// The value under a key, where the node is a mapping that has it.
  package subscript(key: String) -> Positioned? {
    node[key].map { Positioned($0, source: source, path: path.jsonPath(appending: key)) }
  }
}

extension Mark {
  /// The place of a value in a source that has no lines, such as an argument.
  static let none = Mark(line: 0, column: 0)
}
