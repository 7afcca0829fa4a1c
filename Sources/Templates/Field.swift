public import Diagnostics
public import Secrets

/// Where a field of the output came from.
public struct Origin: Hashable, Sendable {
  /// The line of the template that wrote it.
  public var template: Location
  /// The input whose value it holds; nil where the template's own text is all of it.
  public var input: Location?
}

/// A value of an expanded template: still a tree, so that nested documents and secrets keep their structure
/// until the bytes are made.
public struct Field: Sendable {
  /// How a nested document is written into a string.
  public enum Format: Sendable {
    /// As YAML.
    case yaml
    /// As JSON on one line, ended by a line feed.
    case json
    /// As lines `KEY='value'` that a shell can read.
    case environment
  }

  /// What a field holds.
  public indirect enum Content: Sendable {
    /// The null value.
    case null
    /// A boolean.
    case flag(Bool)
    /// A number as it is written.
    case number(String)
    /// A string.
    case text(String)
    /// A string that is a secret.
    case secret(name: String, Secret)
    /// A string that holds a document.
    case document(Field, Format)
    /// A sequence.
    case sequence([Field])
    /// A mapping, in its order.
    case mapping([(key: String, value: Field)])
  }

  /// What it holds.
  public var content: Content
  /// Where it came from.
  public var origin: Origin

  /// A field and where it came from.
  public init(_ content: Content, from origin: Origin) {
    self.content = content
    self.origin = origin
  }

  /// The value under a key, where the field is a mapping that has it.
  public subscript(key: String) -> Field? {
    if case .mapping(let entries) = content { entries.first { $0.key == key }?.value } else { nil }
  }

  /// The items, where the field is a sequence.
  public var items: [Field] {
    if case .sequence(let items) = content { items } else { [] }
  }

  /// The string, where the field is one that is no secret and no document.
  public var text: String? {
    if case .text(let text) = content { text } else { nil }
  }
}
