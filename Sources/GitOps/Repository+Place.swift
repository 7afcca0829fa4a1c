import Diagnostics
import YAML

extension Repository {
  /// A value in a file of the repository, and where it stands.
  struct Place: Sendable {
    /// The file, by its path in the repository.
    let file: String
    /// The value.
    let node: Node
    /// The value's JSON path in its document.
    let path: String
    /// Where its key stands; nil where it has none.
    let keyMark: Mark?

    init(_ node: Node, file: String, path: String = "$", keyMark: Mark? = nil) {
      self.node = node
      self.file = file
      self.path = path
      self.keyMark = keyMark
    }

    /// The value under a key; nil where there is none, or nothing in it.
    subscript(key: String) -> Place? {
      guard let entry = node.mapping?.first(where: { $0.key == key }), entry.value.value != .null else {
        return nil
      }
      return Place(entry.value, file: file, path: path.jsonPath(appending: key), keyMark: entry.keyMark)
    }

    /// The value under keys within keys.
    func at(_ keys: [String]) -> Place? { keys.reduce(self) { $0?[$1] } }

    /// The value under keys within keys.
    func at(_ keys: String...) -> Place? { at(keys) }

    /// The items of a list; none where it is no list.
    var items: [Place] {
      (node.sequence ?? []).enumerated().map { Place($1, file: file, path: "\(path)[\($0)]") }
    }

    /// The keys of a mapping with their values; none where it is no mapping.
    var entries: [(key: String, value: Place)] {
      (node.mapping ?? []).map {
        ($0.key, Place($0.value, file: file, path: path.jsonPath(appending: $0.key), keyMark: $0.keyMark))
      }
    }

    /// The value as text, where it is a string, a number or a boolean.
    var text: String? {
      switch node.value {
      case .string(let text), .number(let text): text
      case .bool(let flag): flag ? "true" : "false"
      case .null, .sequence, .mapping: nil
      }
    }

    /// Whether it is `true`, in words or as a boolean.
    var isTrue: Bool { text == "true" }

    /// Where a finding about it points: at a scalar itself, at the key of a mapping or list.
    var location: Location {
      let isScalar = node.mapping == nil && node.sequence == nil
      let mark = isScalar ? node.mark : keyMark ?? node.mark
      return Location(source: file, line: mark.line, column: mark.column, path: path)
    }

    /// Every scalar in it that is a string, whatever is above it.
    var strings: [Place] {
      if node.string != nil { return [self] }
      return (entries.map(\.value) + items).flatMap(\.strings)
    }

    /// A parameter of a chart (`name: a.b`, `value`) as the values it stands for; nil where it names an item of a list.
    var parameter: Place? {
      guard let name = self["name"]?.text, let value = self["value"] else { return nil }
      return value.under(name)
    }

    /// The value within maps, under keys as Helm's `--set` has them (`a.b`); nil where one names an item of a list.
    func under(_ name: String) -> Place? {
      guard !name.contains("[") else { return nil }
      let keys = name.replacingAll("\\.", with: "\u{0}").parts(between: ".").reversed()
      return holding(
        keys.reduce(node) { inner, key in
          Node(
            .mapping([Node.Entry(key.replacingAll("\u{0}", with: "."), at: node.mark, inner)]), at: node.mark)
        })
    }

    /// The value with another node in its place.
    func holding(_ node: Node) -> Place { Place(node, file: file, path: path, keyMark: keyMark) }
  }
}

extension Mark {
  /// The place so many lines further down, and so many columns to the right.
  func shifted(lines: Int, columns: Int) -> Mark { Mark(line: line + lines, column: column + columns) }
}

extension Node {
  /// The node as it stands in a text that it was cut out of: so many lines further down, so many columns to the right.
  func shifted(lines: Int, columns: Int) -> Node {
    func shift(_ mark: Mark) -> Mark { mark.shifted(lines: lines, columns: columns) }
    let value: Value =
      switch self.value {
      case .sequence(let items): .sequence(items.map { $0.shifted(lines: lines, columns: columns) })
      case .mapping(let entries):
        .mapping(
          entries.map {
            Entry($0.key, at: shift($0.keyMark), $0.value.shifted(lines: lines, columns: columns))
          })
      default: self.value
      }
    return Node(value, tag: tag, at: shift(mark))
  }

  /// The node with what its merge keys (`<<: *anchor`, YAML 1.1) bring, which Kubernetes' readers resolve: keys that it
  /// has itself win.
  var merged: Node {
    guard case .mapping(let entries) = value else {
      guard case .sequence(let items) = value else { return self }
      return Node(.sequence(items.map(\.merged)), tag: tag, at: mark)
    }
    var result = entries.filter { $0.key != "<<" }.map { Entry($0.key, at: $0.keyMark, $0.value.merged) }
    let merges = entries.filter { $0.key == "<<" }
    if !merges.isEmpty {
      var keys = Set(result.map(\.key))
      for source in merges.flatMap({ $0.value.sequence ?? [$0.value] }) {
        for brought in source.merged.mapping ?? [] where keys.insert(brought.key).inserted {
          result.append(brought)
        }
      }
    }
    return Node(.mapping(result), tag: tag, at: mark)
  }

  /// Whether a tag stands in it, other than those of YAML itself.
  var hasTag: Bool {
    tag?.hasPrefix("!") == true || (sequence ?? []).contains(where: \.hasTag)
      || (mapping ?? []).contains { $0.value.hasTag }
  }

  /// The node with every place the same: what stands in a text whose lines are not those of the file.
  func standing(at mark: Mark) -> Node {
    let value: Value =
      switch self.value {
      case .sequence(let items): .sequence(items.map { $0.standing(at: mark) })
      case .mapping(let entries):
        .mapping(entries.map { Entry($0.key, at: mark, $0.value.standing(at: mark)) })
      default: self.value
      }
    return Node(value, tag: tag, at: mark)
  }

  /// The node with every string changed.
  func mappingStrings(_ change: (String) -> String) -> Node {
    let value: Value =
      switch self.value {
      case .string(let text): .string(change(text))
      case .sequence(let items): .sequence(items.map { $0.mappingStrings(change) })
      case .mapping(let entries):
        .mapping(entries.map { Entry($0.key, at: $0.keyMark, $0.value.mappingStrings(change)) })
      default: self.value
      }
    return Node(value, tag: tag, at: mark)
  }
}
