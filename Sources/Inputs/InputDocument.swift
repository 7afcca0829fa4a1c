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

  private static func terraform(_ root: Positioned) throws(Report) -> InputDocument {
    guard root.node.mapping != nil else {
      throw Report([
        .error(
          "input-shape", at: root.location, "expected a JSON object of outputs, found \(root.node.kind)",
          help: "give the output of \"terraform output -json\"")
      ])
    }
    if root["format_version"] != nil, let values = root["values"] {
      // `terraform show -json` leaves "outputs" out where the project has none.
      guard let outputs = values["outputs"] else { return InputDocument(source: root.source) }
      return try wrapped(outputs)
    }
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

  /// Reads the query of Terraform's `external` data source: an object whose values are all strings.
  ///
  /// The key `outputs` may hold JSON of the other shapes; what stands beside it goes before it.
  ///
  /// - Parameters:
  ///   - controls: keys that are settings of the command, given back apart.
  /// - Returns: the inputs, and the settings that were found.
  public static func query(
    _ bytes: [UInt8], source: String, controls: [String]
  ) throws(Report) -> (document: InputDocument, controls: [String: Positioned]) {
    let root = Positioned(try JSON.parse(bytes, source: source), source: source)
    guard root.node.mapping != nil else {
      throw Report([
        .error(
          "input-shape", at: root.location,
          "expected the query object of Terraform's external data source, found \(root.node.kind)")
      ])
    }
    var report = Report()
    for entry in root.entries where entry.value.node.string == nil && entry.value.node.value != .null {
      report.add(
        .error(
          "input-type", at: entry.value.location,
          "\(entry.key) is \(entry.value.node.kind); a query of Terraform's external data source holds strings only",
          help: "wrap it in jsonencode()"))
    }
    try report.throwIfErrors()
    var document = InputDocument(source: source)
    var found: [String: Positioned] = [:]
    for entry in plain(root).entries {
      if entry.name == "outputs" {
        let inner = try entry.value.decodingJSON()
        document.entries += try terraform(inner).entries
      } else if controls.contains(entry.name) {
        if entry.value.node.value != .null { found[entry.name] = entry.value }
      } else {
        document.entries.append(entry)
      }
    }
    // A key given directly says more than one within "outputs".
    let direct = Set(document.entries.filter { !$0.value.path.hasPrefix("$.outputs") }.map(\.name))
    document.entries.removeAll { $0.value.path.hasPrefix("$.outputs") && direct.contains($0.name) }
    return (document, found)
  }

  /// Reads `--set NAME=VALUE` arguments.
  public static func settings(_ arguments: [String]) throws(Report) -> InputDocument {
    var document = InputDocument(source: "--set")
    var report = Report()
    for argument in arguments {
      guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
        // What stands there may be a secret typed without its name, so it is not shown.
        report.add(
          .error(
            "set-syntax", at: Location(source: "--set"), "an argument has no \"=\"", help: "write NAME=VALUE")
        )
        continue
      }
      let name = String(argument[..<equals])
      let location = Location(source: "--set \(name)")
      let value = Positioned(
        Node(.string(String(argument[argument.index(after: equals)...]))), source: location.source,
        path: "$".jsonPath(appending: name))
      document.entries.append(Entry(name: name, nameLocation: location, value: value, isSensitive: nil))
    }
    try report.throwIfErrors()
    return document
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
          .error("input-shape", at: entry.value.location, "the output \(entry.key) has no \"value\""))
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
  func decodingJSON() throws(Report) -> Positioned {
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
