import Diagnostics
import YAML

/// What user-data promises, read from its bytes: whatever a check compares the machine with.
public struct Promises: Sendable {
  /// The bytes themselves, which the seed hands over.
  let bytes: [UInt8]
}
