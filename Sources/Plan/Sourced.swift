public import Diagnostics

/// A value together with the place that gave it: an input's, or that of a default.
public struct Sourced<Value: Sendable>: Sendable {
  /// The value.
  public var value: Value
  /// Where it came from.
  public var origin: Location

  /// A value from a place.
  public init(_ value: Value, from origin: Location) {
    self.value = value
    self.origin = origin
  }

  /// Another value that follows from this one, and so comes from the same place.
  public func map<Other: Sendable>(_ transform: (Value) -> Other) -> Sourced<Other> {
    Sourced<Other>(transform(value), from: origin)
  }
}

extension Location {
  /// The origin of what an input is when it is not given.
  public static func fallback(_ name: String) -> Location {
    Location(source: "default", path: "$.\(name)")
  }
}
