public import YAML

/// The JSON Schemas (draft 2020-12) of what k3seed reads, made from the same table as the reader.
public enum Schema {
  /// The schema of the inputs as a plain object `{name: value}`: what the other shapes come down to.
  ///
  /// Unknown names are allowed: a Terraform project has other outputs.
  public static var inputs: Node {
    object(
      id: "inputs", title: "Inputs of k3seed",
      properties: InputSpec.all.flatMap { spec in
        let schema = property(spec, shape: spec.shape, references: spec.isSecret)
        return [(spec.name, schema)] + spec.aliases.map { ($0, alias(of: spec, schema)) }
      }, isOpen: true)
  }

  /// The schema of `k3seed.yaml`, where secrets may only be references and unknown names are refused.
  public static var config: Node {
    let names = Shape.map(keys: .inputName, .text(.outputPath))
    return object(
      id: "config", title: "k3seed.yaml",
      properties: InputSpec.all.map { spec in
        (spec.name, property(spec, shape: spec.isSecret ? .text(.secretOCID) : spec.shape, references: false))
      } + [
        (
          ConfigFile.outputNamesKey,
          schema(
            of: names,
            describedAs:
              "Where a project calls an output otherwise: input name, output name or a path into one, such as servers[0].private_ip."
          )
        ),
        (
          ConfigFile.lockKey,
          .mapping([
            "description":
              "The k3seed.lock to use, from this file's folder. Default: k3seed.lock beside this file.",
            "type": ["string", "null"],
            "minLength": 1,
          ])
        ),
      ], isOpen: false)
  }

  /// The schema of a whole document of some shape.
  package static func document(id: String, title: String, _ shape: Shape) -> Node {
    let head = object(id: id, title: title, properties: [], isOpen: false).mapping ?? []
    return Node(
      .mapping(head.prefix(3) + (schema(of: shape, describedAs: nil, isOptional: false).mapping ?? [])))
  }

  private static func object(
    id: String, title: String, properties: [(String, Node)], isOpen: Bool
  ) -> Node {
    .mapping([
      "$schema": "https://json-schema.org/draft/2020-12/schema",
      "$id": Node(.string("urn:k3seed:\(id)")),
      "title": Node(.string(title)),
      "type": "object",
      "additionalProperties": Node(.bool(isOpen)),
      "properties": Node(.mapping(properties.map { Node.Entry($0.0, $0.1) })),
    ])
  }

  private static func property(_ spec: InputSpec, shape: Shape, references: Bool) -> Node {
    var text = spec.summary
    if let fallback = spec.defaultText { text += " Default: \(fallback)." }
    let own = schema(of: shape, describedAs: references ? nil : text)
    guard references else { return own }
    return .mapping([
      "description": Node(.string(text)),
      "anyOf": [own, schema(of: .text(.secretOCID), describedAs: nil)],
    ])
  }

  private static func alias(of spec: InputSpec, _ schema: Node) -> Node {
    var entries = (schema.mapping ?? []).filter { $0.key != "description" }
    entries.insert(Node.Entry("description", Node(.string("Another name of \(spec.name)."))), at: 0)
    return Node(.mapping(entries))
  }

  /// - Parameters:
  ///   - isOptional: whether null may stand there, which is as if nothing did: Terraform gives it for each
  ///     attribute that was not set.
  private static func schema(of shape: Shape, describedAs text: String?, isOptional: Bool = true) -> Node {
    var entries: [Node.Entry] = text.map { [Node.Entry("description", Node(.string($0)))] } ?? []
    func add(_ key: String, _ value: Node) { entries.append(Node.Entry(key, value)) }
    func addType(_ type: String) {
      add("type", isOptional ? [Node(.string(type)), "null"] : Node(.string(type)))
    }
    switch shape {
    case .text(let rule):
      addType("string")
      add("pattern", Node(.string(rule.pattern)))
    case .list(let item):
      addType("array")
      add("items", schema(of: item, describedAs: nil, isOptional: false))
    case .map(let keys, let item):
      addType("object")
      add("propertyNames", .mapping(["pattern": Node(.string(keys.pattern))]))
      add("additionalProperties", schema(of: item, describedAs: nil))
    case .object(let fields):
      addType("object")
      add("required", Node(.sequence(fields.filter(\.isRequired).map { Node(.string($0.name)) })))
      add("additionalProperties", false)
      let properties = fields.map {
        Node.Entry(
          $0.name,
          schema(
            of: $0.shape, describedAs: "\($0.summary.capitalizedFirst).", isOptional: !$0.isRequired))
      }
      add("properties", Node(.mapping(properties)))
    }
    return Node(.mapping(entries))
  }
}

extension Rule {
  fileprivate static let inputName = oneOf("the name of an input", InputSpec.all.map(\.name))
}

extension String {
  fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
