import Diagnostics
import YAML

/// Where a value is among Terraform's outputs: the name of an output, and what leads to the value within it, written as in
/// Terraform: `name`, `name.key`, `name["key"]`, `name[0].key`.
struct OutputPath: Hashable, Sendable {
  /// One step into a value.
  enum Step: Hashable, Sendable {
    case key(String)
    case index(Int)
  }

  /// The name of the output.
  let output: String
  /// The steps from its value.
  let steps: [Step]
  /// The path as it was written.
  let text: String

  /// Reads a path; nil where the text is none.
  init?(_ text: String) {
    var rest = text.utf8[...]
    func takeName() -> String? {
      let name = rest.prefix { $0.isAlphanumeric || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
      guard let first = name.first, first.isLetter || first == UInt8(ascii: "_") else { return nil }
      rest = rest[name.endIndex...]
      return String(name)
    }
    func takeIndex() -> Step? {
      if rest.first == UInt8(ascii: "\"") {
        let key = rest.dropFirst().prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        rest = rest[key.endIndex...]
        return rest.popFirst() == UInt8(ascii: "\"") ? String(key).map { .key($0) } : nil
      }
      let digits = rest.prefix(while: \.isDigit)
      rest = rest[digits.endIndex...]
      return Int(Substring(digits)).map(Step.index)
    }
    guard let output = takeName() else { return nil }
    var steps: [Step] = []
    while let mark = rest.popFirst() {
      switch mark {
      case UInt8(ascii: "."):
        guard let key = takeName() else { return nil }
        steps.append(.key(key))
      case UInt8(ascii: "["):
        guard let step = takeIndex(), rest.popFirst() == UInt8(ascii: "]") else { return nil }
        steps.append(step)
      default: return nil
      }
    }
    self.output = output
    self.steps = steps
    self.text = text
  }

  /// Why there is nothing at a path.
  struct Missing: Error {
    /// What is not there, in words.
    var message: String
    /// What is there instead.
    var help: String
  }

  /// The value that the path leads to.
  ///
  /// - Parameter value: that of the output.
  /// - Throws: which step leads nowhere. Only names and numbers are told, never a value.
  func value(in value: Positioned) throws(Missing) -> Positioned {
    var place = value
    var path = output
    for step in steps {
      switch step {
      case .key(let key):
        guard let next = place[key] else {
          let keys = place.entries.map(\.key.shownName)
          throw Missing(
            message: "\(path) has no key \(key.shown)",
            help: place.node.mapping == nil
              ? "it is \(place.node.kind)"
              : "\(key.suggestion(from: keys, within: 2))it has \(keys.joined(separator: ", "))")
        }
        place = next
        path += ".\(key)"
      case .index(let index):
        guard place.items.indices.contains(index) else {
          throw Missing(
            message: "\(path) has no item \(index)",
            help: place.node.sequence == nil ? "it is \(place.node.kind)" : "it has \(place.items.count)")
        }
        place = place.items[index]
        path += "[\(index)]"
      }
    }
    return place
  }
}
