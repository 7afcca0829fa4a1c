import YAML

/// What the probe found in the guest at one time.
///
/// It is the probe's own JSON, and whoever reads it names what is missing: a guest in trouble answers only in part.
struct Facts: Sendable {
  /// The document.
  let document: Node
}
