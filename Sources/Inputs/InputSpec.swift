/// What the value of an input is made of.
public indirect enum Shape: Sendable {
  /// A string that follows a rule.
  case text(Rule)
  /// A list of values.
  case list(Shape)
  /// A map from any names that follow a rule to values.
  case map(keys: Rule, Shape)
  /// A map with known keys.
  case object([Field])

  /// One key of an object.
  public struct Field: Sendable {
    /// The key.
    public let name: String
    /// What stands under it.
    public let shape: Shape
    /// Whether it must be there.
    public let isRequired: Bool
    /// What it means.
    public let summary: String

    package init(name: String, shape: Shape, isRequired: Bool, summary: String) {
      self.name = name
      self.shape = shape
      self.isRequired = isRequired
      self.summary = summary
    }
  }

  /// Whether a value is more than one string, so that Terraform's `external` must pass it as JSON.
  public var isStructured: Bool {
    if case .text = self { false } else { true }
  }

  /// What the shape is called in an error: `a list of strings`.
  var meaning: String {
    switch self {
    case .text: "a string"
    case .list: "a list"
    case .map, .object: "a map"
    }
  }
}

/// All that k3seed knows about one input: the reader, the JSON Schema and the documentation follow it.
public struct InputSpec: Sendable {
  /// The name, which is also the name of the Terraform output.
  public let name: String
  /// Other names that k3s-on-Oracle projects give to the same output.
  public let aliases: [String]
  /// What its value is made of.
  public let shape: Shape
  /// Whether its value must never be shown.
  public let isSecret: Bool
  /// What it means, in one line.
  public let summary: String
  /// What holds where it is not given, in words; nil where nothing does.
  public let defaultText: String?

  package init(
    _ name: String, aliases: [String] = [], _ shape: Shape, secret: Bool = false,
    default defaultText: String? = nil,
    _ summary: String
  ) {
    self.name = name
    self.aliases = aliases
    self.shape = shape
    self.isSecret = secret
    self.defaultText = defaultText
    self.summary = summary
  }

  /// The specification of an input by its name, aliases not counted.
  public static func named(_ name: String) -> InputSpec? { byName[name] }

  /// The specification of an input by any of its names.
  static func known(as name: String) -> InputSpec? { byName[name] ?? byAlias[name] }

  /// Every name that an input may have in Terraform.
  static let knownNames = all.flatMap { [$0.name] + $0.aliases }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  private static let byAlias = Dictionary(
    uniqueKeysWithValues: all.flatMap { spec in spec.aliases.map { ($0, spec) } })
}
