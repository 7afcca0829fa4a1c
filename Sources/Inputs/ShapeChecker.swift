package import Diagnostics
import YAML

/// Judges a value by the shape of its input; every finding names the place within the value.
package struct ShapeChecker {
  let spec: InputSpec
  package var report = Report()

  package init(spec: InputSpec) {
    self.spec = spec
  }

  /// The value, with JSON in strings decoded and nulls left out; nil where the report has errors.
  package mutating func check(_ value: Positioned) -> Positioned? {
    var value = value
    if spec.shape.isStructured, value.node.string?.looksLikeJSON == true {
      guard let decoded = report.collect({ () throws(Report) in try value.decodingJSON() }) else {
        return nil
      }
      value = decoded
      if value.node.value == .null { return value }
    }
    // A secret that is only referred to follows the rule of references instead of its own.
    let isReference = spec.isSecret && value.holdsReference
    value.node = check(value, isReference ? .text(.secretOCID) : spec.shape, name: spec.name)
    return report.hasErrors ? nil : value
  }

  private mutating func check(_ value: Positioned, _ shape: Shape, name: String) -> Node {
    var node = value.node
    switch (shape, node.value) {
    case (.text(let rule), .string(let text)):
      if let problem = rule.problem(with: text) { add(problem, at: value.location, name) }
    case (.list(let item), .sequence):
      node.value = .sequence(
        value.items.enumerated().map { check($1, item, name: "\(name)[\($0)]") })
    case (.map(let keys, let item), .mapping):
      var entries: [Node.Entry] = []
      for entry in value.entries {
        if let problem = keys.problem(with: entry.key) { add(problem, at: entry.keyLocation, name) }
        if entry.value.node.value == .null { continue }
        entries.append(
          Node.Entry(
            entry.key, at: entry.keyLocation.mark,
            check(entry.value, item, name: "\(name).\(entry.key.shownName)")))
      }
      // Terraform sorts its maps; other sources need not, and the order means nothing.
      node.value = .mapping(entries.sorted { $0.key < $1.key })
    case (.object(let fields), .mapping):
      node.value = .mapping(object(value, fields, name: name))
    default:
      add(
        "input-type", at: value.location, "\(name) is \(node.kind); expected \(shape.meaning)",
        help: help(for: node, as: shape))
    }
    return node
  }

  private func help(for node: Node, as shape: Shape) -> String? {
    switch node.value {
    case .number, .bool: shape.isStructured ? nil : "write it in quotes, or use tostring() in Terraform"
    case .string: shape.isStructured ? "write \(shape.meaning), or JSON of one with jsonencode()" : nil
    default: nil
    }
  }

  private mutating func object(_ value: Positioned, _ fields: [Shape.Field], name: String) -> [Node.Entry] {
    var entries: [Node.Entry] = []
    for entry in value.entries {
      guard let field = fields.first(where: { $0.name == entry.key }) else {
        let near = entry.key.nearest(in: fields.map(\.name), within: 2)
        add(
          "unknown-key", at: entry.keyLocation, "\(name) has no key \(entry.key.shown)",
          help: near.map { "did you mean \"\($0)\"?" }
            ?? "use \(fields.map(\.name).joined(separator: ", "))")
        continue
      }
      if entry.value.node.value == .null { continue }
      entries.append(
        Node.Entry(
          entry.key, at: entry.keyLocation.mark,
          check(entry.value, field.shape, name: "\(name).\(field.name)")))
    }
    let order = fields.map(\.name)
    entries.sort { order.firstIndex(of: $0.key) ?? 0 < order.firstIndex(of: $1.key) ?? 0 }
    for field in fields where field.isRequired && !entries.contains(where: { $0.key == field.name }) {
      add(
        "missing-key", at: value.location, "\(name) lacks the key \"\(field.name)\"",
        help: "it is \(field.summary)")
    }
    return entries
  }

  private mutating func add(_ problem: Rule.Problem, at location: Location, _ name: String) {
    // A message that leads with a quoted value reads on from "name: ", any other from "name ".
    let joint = problem.message.hasPrefix("\"") ? ": " : " "
    add("input-value", at: location, "\(name)\(joint)\(problem.message)", help: problem.help)
  }

  private mutating func add(_ code: String, at location: Location, _ message: String, help: String?) {
    report.add(.error(code, at: location, message, help: help))
  }
}

extension Location {
  fileprivate var mark: Mark? {
    if let line, let column { Mark(line: line, column: column) } else { nil }
  }
}

extension String {
  /// Whether the text is meant as JSON of a list or map, or is that of null (which `jsonencode(null)` is).
  fileprivate var looksLikeJSON: Bool {
    self == "null" || utf8.first { !" \t\r\n".utf8.contains($0) }.map("[{".utf8.contains) == true
  }
}
