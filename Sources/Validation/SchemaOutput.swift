public import Diagnostics
import Inputs
import UserData
import YAML

extension Payload {
  /// A cloud-config, for a program that checks it as cloud-init would.
  public struct CloudConfig: Sendable {
    /// Its text.
    public let bytes: [UInt8]
    fileprivate let part: Part
  }

  /// The cloud-configs that can be read.
  public var cloudConfigs: [CloudConfig] {
    parts.filter { part in
      part.type == "text/cloud-config" && part.root != nil && !part.isTemplate
        && part.problems.diagnostics.allSatisfy { $0.code == "duplicate-key" }
    }.map { part in
      // An item of an archive, and a part whose type is declared, need no first line; the program asks for one.
      let isHeaded = Inspection.type(of: part.content) == "text/cloud-config"
      return CloudConfig(
        bytes: isHeaded ? part.content : Array("#cloud-config\n".utf8) + part.content, part: part)
    }
  }

  /// What the schema of an installed cloud-init refuses, at the places of the values; without what k3seed says itself.
  ///
  /// - Parameters:
  ///   - output: what `cloud-init schema` writes behind "Cloud config schema errors: ": paths of values (`users.0.name`)
  ///     and what the schema says of each. Of that only the kind is taken over: its words quote the value, which may
  ///     be a secret.
  ///   - config: what it was given.
  public func schemaDiagnostics(_ output: String, on config: CloudConfig) -> [Diagnostic] {
    guard let root = config.part.root else { return [] }
    let part = config.part
    let problems = SchemaOutput(output, root: root).problems
    // What the program's own reader says of the text as a whole is found by k3seed's.
    if problems.isEmpty, output.prefixMatch(of: #/format-l\d+\.c\d+: /#) != nil { return [] }
    if problems.isEmpty {
      return [
        .error(
          "cloud-init-schema", at: part.location(root),
          "the schema of the cloud-init that is installed here refuses this cloud-config, in words that k3seed cannot read",
          help: "run cloud-init schema --config-file with the file to see them")
      ]
    }
    var own = Report()
    own.add(Validation.schemaRules + Validation.structureRules, on: self)
    let known = own.diagnostics.compactMap(\.location?.path).map { $0.parts(between: ",").last ?? $0 }.map {
      $0.hasPrefix(" ") ? String($0.dropFirst()) : $0
    }
    func isSaid(_ path: String) -> Bool {
      known.contains { other in
        func isWithin(_ one: String, _ two: String) -> Bool {
          one == two || one.hasPrefix(two + ".") || one.hasPrefix(two + "[")
        }
        return isWithin(other, path) || isWithin(path, other)
      }
    }
    return problems.filter { problem in
      !isSaid(problem.value.path) && problem.value.node.string.map(TemplateText.isUnknown) != true
    }.map { problem in
      .error(
        "cloud-init-schema", at: part.location(problem.value),
        "by the schema of the cloud-init that is installed here, \(problem.path.printable) \(problem.what)",
        help: "see the module's documentation")
    }
  }
}

/// What `cloud-init schema` writes: `path: message, path: message`, in which both may hold commas and colons. A path is
/// told by leading to a value.
private struct SchemaOutput {
  struct Problem {
    let path: String
    let value: Positioned
    let what: String
  }

  private(set) var problems: [Problem] = []
  /// No path is longer, in characters.
  private static let longest = 1000

  init(_ output: String, root: Positioned) {
    var found: [(path: String, value: Positioned, start: Substring.Index, end: Substring.Index)] = []
    var rest = output[...]
    while true {
      if let (value, end) = Self.value(of: rest, in: root) {
        let path = String(rest[..<end])
        found.append((path, value, rest.startIndex, rest.index(end, offsetBy: 2)))
        rest = rest[end...]
      }
      guard let comma = rest.firstRange(of: ", ") else { break }
      rest = rest[comma.upperBound...]
    }
    problems = found.enumerated().map { index, item in
      let end = index + 1 < found.count ? found[index + 1].start : output.endIndex
      return Problem(
        path: item.path, value: item.value,
        what: Self.kind(of: output[item.end..<max(end, item.end)], item.value))
    }
  }

  /// The value to which the path at the beginning of a text leads, and where the path ends, before a colon and a space.
  private static func value(of text: Substring, in value: Positioned) -> (Positioned, Substring.Index)? {
    let head = text.prefix(longest)
    if value.node.sequence != nil {
      let digits = head.prefix { $0.isASCII && $0.isNumber }
      guard let index = Int(digits), value.items.indices.contains(index) else { return nil }
      return next(text, at: digits.endIndex, in: value.items[index])
    }
    // Of several keys that begin so, the longest.
    let ends = head.indices.filter { head[$0] == "." || head[$0] == ":" }.reversed()
    for end in ends {
      guard let item = value[String(text[..<end])] else { continue }
      if let found = next(text, at: end, in: item) { return found }
    }
    return nil
  }

  private static func next(
    _ text: Substring, at end: Substring.Index, in value: Positioned
  ) -> (Positioned, Substring.Index)? {
    if text[end...].hasPrefix(": ") { return (value, end) }
    guard text[end...].hasPrefix(".") else { return nil }
    return self.value(of: text[text.index(after: end)...], in: value)
  }

  private static func kind(of message: Substring, _ value: Positioned) -> String {
    if message.contains("Additional properties") || message.contains("do not match any of the regexes") {
      let keys = (value.node.mapping ?? []).map(\.key).filter { message.contains("'\($0)'") }
      return keys.isEmpty
        ? "has a key that it does not know"
        : "has keys that it does not know: \(keys.map(\.printable).joined(separator: ", "))"
    }
    let kinds = [
      ("is not of type", "is of a kind that it does not take"),
      ("is a required property", "lacks a key that it needs"), ("is too short", "is shorter than it takes"),
      ("is too long", "is longer than it takes"), ("is not one of", "is none of the words that it takes"),
      ("does not match", "is not of the form that it takes"), ("has non-unique", "has an item twice"),
    ]
    return kinds.first { message.contains($0.0) }?.1 ?? "is not as it takes it"
  }
}
