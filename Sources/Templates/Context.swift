public import Diagnostics
public import Secrets

/// What templates can refer to: a tree of named values, each with the place it came from.
public struct Context: Sendable {
  /// A value of the tree.
  public indirect enum Value: Sendable {
    /// Known, but not given.
    case none
    /// A condition.
    case flag(Bool)
    /// A whole number.
    case number(Int)
    /// A text.
    case text(String)
    /// A secret's value; only `!secret` may take it.
    case secret(name: String, Secret)
    /// A list.
    case list([Context])
    /// A map, in its order.
    case map([(key: String, value: Context)])
  }

  /// The value.
  public var value: Value
  /// The input that gave it; nil for what k3seed itself knows.
  public var origin: Location?

  /// A value and the input it came from.
  public init(_ value: Value, from origin: Location? = nil) {
    self.value = value
    self.origin = origin
  }

  /// A map of what k3seed itself knows.
  public static func map(_ entries: KeyValuePairs<String, Context>) -> Context {
    Context(.map(entries.map { ($0.key, $0.value) }))
  }

  /// A text of k3seed's own.
  public static func text(_ text: String) -> Context { Context(.text(text)) }

  /// A condition of k3seed's own.
  public static func flag(_ flag: Bool) -> Context { Context(.flag(flag)) }

  /// A list, with what gave it.
  public static func list(_ items: [Context]) -> Context { Context(.list(items), from: items.first?.origin) }

  /// Known, but not given.
  public static let none = Context(.none)

  /// Whether `!when` takes the value for given: not absent, false, or empty.
  var isGiven: Bool {
    switch value {
    case .none: false
    case .flag(let flag): flag
    case .number: true
    case .text(let text): !text.isEmpty
    case .secret: true
    case .list(let items): !items.isEmpty
    case .map(let entries): !entries.isEmpty
    }
  }

  var kind: String {
    switch value {
    case .none: "not given"
    case .flag: "a condition"
    case .number: "a number"
    case .text: "a text"
    case .secret: "a secret"
    case .list: "a list"
    case .map: "a map"
    }
  }

  subscript(key: String) -> Context? {
    get {
      if case .map(let entries) = value { entries.first { $0.key == key }?.value } else { nil }
    }
    set {
      guard case .map(var entries) = value else { return }
      entries.removeAll { $0.key == key }
      if let newValue { entries.append((key, newValue)) }
      value = .map(entries)
    }
  }

  var keys: [String] {
    if case .map(let entries) = value { entries.map(\.key) } else { [] }
  }
}
