import YAML

/// What the probe found in the guest at one time.
///
/// It is the probe's own JSON, and whoever reads it names what is missing: a guest in trouble answers only in part.
/// The guest is not trusted: nothing in it is taken to be there, or of a kind.
struct Facts: Sendable {
  /// The document.
  let document: Node
  /// Names the boot that they were found in.
  let boot: String
  /// When they were sent, in seconds of the guest's monotonic clock.
  let at: Double

  /// What stands under some keys, one below the other.
  subscript(_ keys: String...) -> Node? {
    keys.reduce(document) { (node: Node?, key) in node?[key] }
  }
}

extension Node {
  /// The number that the node holds, where it holds one.
  var double: Double? { if case .number(let text) = value { Double(text) } else { nil } }
  /// The whole number that the node holds, where it holds one.
  var integer: Int? { if case .number(let text) = value { Int(text) } else { nil } }
  /// The boolean that the node holds, where it holds one.
  var bool: Bool? { if case .bool(let flag) = value { flag } else { nil } }
}
