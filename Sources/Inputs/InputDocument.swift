public import Diagnostics
import YAML

/// One source of inputs, read but not yet judged: values by the name that the source gives them.
public struct InputDocument: Sendable {
  /// A value with its name and what Terraform says of it.
  struct Entry: Sendable {
    var name: String
    var nameLocation: Location
    var value: Positioned
    /// Terraform's `sensitive`, where the shape has it.
    var isSensitive: Bool?
  }

  /// The file as the user named it.
  public var source: String
  var entries: [Entry]

  /// The names that the source gives to its values.
  package var names: [String] { entries.map(\.name) }

  /// A source without any input.
  public init(source: String) {
    self.source = source
    entries = []
  }
}

extension InputDocument {
  /// Reads what Terraform gave: `terraform output -json`, `terraform show -json`, or a plain object.
  ///
  /// - Throws: a report where the text is not JSON, or where some of its values have the form of
  ///   `terraform output -json` and some have not.
  public static func terraform(_ bytes: [UInt8], source: String) throws(Report) -> InputDocument {
    try terraform(Positioned(JSON.parse(bytes, source: source), source: source))
  }

  static func terraform(_ root: Positioned) throws(Report) -> InputDocument {
    guard root.node.mapping != nil else {
      throw Report([
        .error(
          "input-shape", at: root.location, "expected a JSON object of outputs, found \(root.node.kind)",
          help: "give the output of \"terraform output -json\"")
      ])
    }
    if let shown = try show(root) { return shown }
    let kinds = root.entries.map { isWrapped($0.value.node) }
    guard let first = kinds.first else { return InputDocument(source: root.source) }
    if let odd = kinds.firstIndex(where: { $0 != first }) {
      let entry = root.entries[odd]
      throw Report([
        .error(
          "input-shape", at: entry.keyLocation.at(entry.value.path),
          first
            ? "this value stands bare beside outputs that are wrapped as {value, type, sensitive}"
            : "this value is wrapped as {value, type, sensitive} beside others that stand bare",
          help: "give either the output of \"terraform output -json\" or a plain object, not a mixture")
      ])
    }
    return first ? try wrapped(root) : plain(root)
  }

  /// The form of `terraform show -json`; nil where the object is of another form.
  private static func show(_ root: Positioned) throws(Report) -> InputDocument? {
    for (name, keys) in notOutputs where keys.allSatisfy({ root[$0] != nil }) {
      throw Report([
        .error(
          "input-shape", at: root.location, "this is \(name), not the outputs of what has been applied",
          help: "give the output of \"terraform output -json\"")
      ])
    }
    guard root["format_version"]?.node.string != nil else { return nil }
    // Terraform leaves "values" out where nothing has been applied, and "outputs" where there are none.
    guard let values = root["values"] else {
      let keys = ["format_version", "terraform_version", "checks"]
      return root.entries.allSatisfy { keys.contains($0.key) } ? InputDocument(source: root.source) : nil
    }
    guard let outputs = values["outputs"] else { return InputDocument(source: root.source) }
    guard outputs.node.mapping != nil else {
      throw Report([
        .error(
          "input-shape", at: outputs.location, "expected an object of outputs, found \(outputs.node.kind)")
      ])
    }
    return try wrapped(outputs)
  }

  /// What else Terraform writes as JSON, and the keys by which it is known.
  private static let notOutputs = [
    ("a Terraform plan", ["format_version", "planned_values"]),
    ("a Terraform state file", ["lineage", "serial", "terraform_version"]),
  ]

  /// Reads `--set NAME=VALUE` arguments, and the value of `--platform`, which goes before them.
  public static func settings(
    _ arguments: [String], platform: String? = nil
  ) throws(Report) -> InputDocument {
    var document = InputDocument(source: "--set")
    var report = Report()
    func add(_ name: String, _ text: some StringProtocol, from source: String) {
      let value = Positioned(
        Node(.string(String(text)), at: .none), source: source, path: "$".jsonPath(appending: name))
      document.entries.append(
        Entry(name: name, nameLocation: Location(source: source), value: value, isSensitive: nil))
    }
    for argument in arguments {
      // What stands there instead of a name may be a secret, perhaps of base64, so it is not shown.
      guard let equals = argument.firstIndex(of: "="), isName(argument[..<equals]) else {
        report.add(
          .error(
            "set-syntax", at: Location(source: "--set"), "an argument is not of the form NAME=VALUE",
            help: "names are of lower-case letters, digits and \"_\"; \"k3seed schema\" lists them"))
        continue
      }
      let name = String(argument[..<equals])
      add(name, argument[argument.index(after: equals)...], from: "--set \(name)")
    }
    if let platform { add("platform", platform, from: "--platform") }
    try report.throwIfErrors()
    return document
  }

  private static func isName(_ text: Substring) -> Bool {
    (1...40).contains(text.utf8.count) && text.utf8.allSatisfy { $0.isLower || $0.isDigit || $0 == 0x5F }
  }

  static func plain(_ root: Positioned) -> InputDocument {
    var document = InputDocument(source: root.source)
    document.entries = root.entries.map {
      Entry(name: $0.key, nameLocation: $0.keyLocation, value: $0.value, isSensitive: nil)
    }
    return document
  }

  private static func wrapped(_ root: Positioned) throws(Report) -> InputDocument {
    var document = InputDocument(source: root.source)
    var report = Report()
    for entry in root.entries {
      guard let value = entry.value["value"] else {
        report.add(
          .error(
            "input-shape", at: entry.value.location, "the output \(entry.key.shownName) has no \"value\""))
        continue
      }
      document.entries.append(
        Entry(
          name: entry.key, nameLocation: entry.keyLocation, value: value,
          isSensitive: entry.value.node["sensitive"]?.value == .bool(true)))
    }
    try report.throwIfErrors()
    return document
  }

  /// Whether a value has the form that `terraform output -json` gives to each output.
  private static func isWrapped(_ node: Node) -> Bool {
    guard let entries = node.mapping, case .bool? = node["sensitive"]?.value, node["value"] != nil else {
      return false
    }
    return entries.allSatisfy { ["value", "type", "sensitive"].contains($0.key) }
  }
}

extension Positioned {
  /// The JSON document that a string holds, every value of it at the string's own place.
  ///
  /// - Throws: a report where the string is not JSON.
  package func decodingJSON() throws(Report) -> Positioned {
    guard let text = node.string else { return self }
    let inner: Node
    do {
      inner = try JSON.parse(Array(text.utf8), source: source)
    } catch {
      throw Report(
        error.diagnostics.map { finding in
          let place = finding.location
          let within = "line \(place?.line ?? 1), column \(place?.column ?? 1)"
          return .error(
            finding.code, at: location,
            "the string holds JSON with an error at its \(within): \(finding.message)",
            help: "use jsonencode()")
        })
    }
    return Positioned(inner.moved(to: node.mark), source: source, path: path)
  }
}

extension Node {
  fileprivate func moved(to mark: Mark) -> Node {
    var node = self
    node.mark = mark
    switch value {
    case .sequence(let items): node.value = .sequence(items.map { $0.moved(to: mark) })
    case .mapping(let entries):
      node.value = .mapping(entries.map { Entry($0.key, at: mark, $0.value.moved(to: mark)) })
    default: break
    }
    return node
  }
}

extension Location {
  func at(_ path: String) -> Location {
    var location = self
    location.path = path
    return location
  }
}
