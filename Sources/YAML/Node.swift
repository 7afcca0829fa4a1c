import Diagnostics

/// A place in a text: line and column, both from 1, columns in Unicode scalars.
public struct Mark: Hashable, Sendable {
  /// The line, from 1.
  public var line: Int
  /// The column, from 1, in Unicode scalars.
  public var column: Int

  /// The place at `line` and `column`.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// The place of a byte of a text in UTF-8.
  init(of offset: Int, in bytes: [UInt8]) {
    let before = bytes.prefix(offset)
    let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    self.init(
      line: before.count { $0 == UInt8(ascii: "\n") } + 1,
      column: before[lineStart...].count { !UTF8.isContinuation($0) } + 1)
  }
}

extension Location {
  /// A place in a document.
  init(source: String, at mark: Mark, path: String? = nil) {
    self.init(source: source, line: mark.line, column: mark.column, path: path)
  }
}

/// The byte order mark, which some editors put before UTF-8.
let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

/// A value of a YAML or JSON document, with the place it stands at and its explicit tag.
///
/// Anchors and aliases are resolved: an alias is a copy of the node it names, with the marks of the original.
public struct Node: Hashable, Sendable {
  /// What a node holds.
  public enum Value: Hashable, Sendable {
    /// The null value.
    case null
    /// A boolean.
    case bool(Bool)
    /// A number as it was written, so that nothing is lost: `6443`, `1.50`, `12345678901234567890`.
    case number(String)
    /// A string.
    case string(String)
    /// A sequence.
    case sequence([Node])
    /// A mapping, in the order it was written; its keys are unique.
    case mapping([Entry])
  }

  /// One key of a mapping with its value.
  public struct Entry: Hashable, Sendable {
    /// The key's text.
    public var key: String
    /// Where the key stands.
    public var keyMark: Mark
    /// The value.
    public var value: Node

    /// An entry; a key that stands nowhere takes the place of its value.
    public init(_ key: String, at keyMark: Mark? = nil, _ value: Node) {
      self.key = key
      self.keyMark = keyMark ?? value.mark
      self.value = value
    }
  }

  /// What the node holds.
  public var value: Value
  /// The explicit tag as written (`!value`; `!!binary` as `tag:yaml.org,2002:binary`), without those of YAML's
  /// core schema, which have done their work.
  public var tag: String?
  /// Where the node starts.
  public var mark: Mark

  /// A node that holds `value`.
  public init(_ value: Value, tag: String? = nil, at mark: Mark = Mark(line: 1, column: 1)) {
    self.value = value
    self.tag = tag
    self.mark = mark
  }
}

/// Finds a key among the entries of a mapping that have been read so far.
struct KeyFinder {
  private var places: [[UInt8]: Int] = [:]

  /// The index of the entry that has a key already; nil where none has it.
  mutating func index(of key: String, in entries: [Node.Entry]) -> Int? {
    // Most mappings are so small that comparing costs less than hashing; no size makes the cost grow faster.
    if entries.count <= 16 { return entries.firstIndex { $0.key.isSame(as: key) } }
    for index in entries.indices[places.count...] { places[Array(entries[index].key.utf8)] = index }
    return places[Array(key.utf8)]
  }
}

extension Node {
  /// A mapping that stands nowhere, in the order written.
  public static func mapping(_ entries: KeyValuePairs<String, Node>) -> Node {
    Node(.mapping(entries.map { Entry($0.key, $0.value) }))
  }

  /// The string that the node holds, where it holds one.
  public var string: String? {
    if case .string(let text) = value { text } else { nil }
  }

  /// The sequence that the node holds, where it holds one.
  public var sequence: [Node]? {
    if case .sequence(let items) = value { items } else { nil }
  }

  /// The mapping that the node holds, where it holds one.
  public var mapping: [Entry]? {
    if case .mapping(let entries) = value { entries } else { nil }
  }

  /// The value under a key, where the node is a mapping that has it.
  public subscript(key: String) -> Node? {
    mapping?.first { $0.key.isSame(as: key) }?.value
  }

  /// What the node holds, as an error message calls it: `a string`, `a list`.
  public var kind: String {
    switch value {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}

extension Node: ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral
{
  /// A string that stands nowhere.
  public init(stringLiteral text: String) { self.init(.string(text)) }
  /// A sequence that stands nowhere.
  public init(arrayLiteral items: Node...) { self.init(.sequence(items)) }
  /// A boolean that stands nowhere.
  public init(booleanLiteral value: Bool) { self.init(.bool(value)) }
  /// A number that stands nowhere.
  public init(integerLiteral value: Int) { self.init(.number(String(value))) }
}

extension String {
  /// Whether a text is the same, scalar by scalar, as every reader of YAML and JSON compares keys.
  ///
  /// `==` goes by canonical equivalence: to it, é is the same composed (U+E9) and decomposed (U+65 U+301).
  fileprivate func isSame(as other: String) -> Bool {
    self == other && utf8.elementsEqual(other.utf8)
  }

  /// Appends a mapping key to a JSON path: `$.nodes` and `worker-1` give `$.nodes["worker-1"]`.
  public func jsonPath(appending key: String) -> String {
    let plain =
      !key.isEmpty
      && key.utf8.allSatisfy {
        $0 == 0x5F || (0x30...0x39) ~= $0 || (0x41...0x5A) ~= $0 || (0x61...0x7A) ~= $0
      }
    return plain ? "\(self).\(key)" : "\(self)[\(JSON.quote(key))]"
  }
}
