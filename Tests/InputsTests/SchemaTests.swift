import Diagnostics
import Foundation
import Inputs
import TestSupport
import Testing
import YAML

@Suite(
  "The JSON Schemas and the code say the same",
  .enabled(if: Tool.has("check-jsonschema"), "check-jsonschema is not installed"))
struct SchemaTests {
  /// Whether what k3seed.yaml or what Terraform gives is judged.
  enum Kind: String, CaseIterable, Sendable {
    case inputs, config

    var schema: Node { self == .inputs ? Schema.inputs : Schema.config }

    /// Every input with its good values, as this kind may hold them.
    var good: [(spec: InputSpec, values: [Node])] {
      get throws {
        try Corpus.accepted.map { name, values in
          let spec = try #require(InputSpec.named(name))
          let texts = self == .config && spec.isSecret ? [JSON.quote(Corpus.secretOCID)] : values
          return (spec, try texts.map { try JSON.parse(Array($0.utf8), source: name) })
        }
      }
    }

    func isTaken(_ document: Node) -> Bool {
      let lines =
        self == .inputs
        ? Reading.lines(document.json)
        : Reading.lines(#"{"token-1": "x", "_": "x"}"#, config: document.json + "\n")
      return !lines.contains { $0.contains(": error: ") }
    }
  }

  /// The errors that check-jsonschema finds: for each document, the first names of their paths (`$` for the whole).
  private func judge(_ kind: Kind, _ documents: [Node]) async throws -> [Set<String>] {
    struct Outcome: Decodable {
      struct Failure: Decodable {
        var filename: String
        var path: String
      }
      struct Unreadable: Decodable { var filename: String }
      // Absent where every document is good.
      var errors: [Failure]?
      var parse_errors: [Unreadable]?
    }
    return try await withTemporaryDirectory { folder in
      let schema = folder.appendingPathComponent("schema.json").path
      try Data(JSON.emit(kind.schema)).write(to: URL(fileURLWithPath: schema))
      var files: [String] = []
      for (index, document) in documents.enumerated() {
        files.append("\(index).json")
        try Data(JSON.emit(document)).write(to: folder.appendingPathComponent("\(index).json"))
      }
      let run = try await Tool.run(
        ["check-jsonschema", "--output-format", "json", "--schemafile", schema] + files,
        directory: folder.path)
      #expect(run.status == 0 || run.status == 1, "\(run.errors)")
      let outcome = try JSONDecoder().decode(Outcome.self, from: Data(run.output))
      #expect(outcome.parse_errors?.isEmpty != false)
      var found = [Set<String>](repeating: [], count: documents.count)
      for failure in outcome.errors ?? [] {
        let index = try #require(files.firstIndex(of: failure.filename))
        let name = failure.path.dropFirst(2).prefix { $0 != "." && $0 != "[" }
        found[index].insert(name.isEmpty ? "$" : String(name))
      }
      return found
    }
  }

  /// One document for all first values of the inputs, one for all second ones, and so on.
  private func joined(_ columns: [(name: String, values: [Node])]) -> [Node] {
    (0..<(columns.map(\.values.count).max() ?? 0)).map { index in
      Node(
        .mapping(columns.compactMap { $0.values.count > index ? Node.Entry($0.name, $0.values[index]) : nil })
      )
    }
  }

  @Test("each is a schema of draft 2020-12", arguments: Kind.allCases)
  func metaschema(kind: Kind) async throws {
    try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("schema.json")
      try Data(JSON.emit(kind.schema)).write(to: file)
      let outcome = try await Tool.run(["check-jsonschema", "--check-metaschema", file.path])
      #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
      // A schema that is none is refused, so that the check above says something.
      try Data(#"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "text"}"#.utf8).write(
        to: file)
      #expect(try await Tool.run(["check-jsonschema", "--check-metaschema", file.path]).status == 1)
    }
  }

  @Test("good values are taken by both, and so is null", arguments: Kind.allCases)
  func accepted(kind: Kind) async throws {
    var columns = try kind.good.map { ($0.spec.name, $0.values + [Node(.null)]) }
    if kind == .inputs {
      columns += try kind.good.flatMap { spec, values in spec.aliases.map { ($0, values) } }
      columns.append(("another_output", [["x"]]))
    } else {
      columns.append(
        (ConfigFile.outputNamesKey, [.mapping(["k3s_token": "token-1", "git_path": "_"]), Node(.null)]))
    }
    let documents = joined(columns)
    #expect(documents.map(kind.isTaken) == documents.map { _ in true })
    #expect(try await judge(kind, documents) == documents.map { _ in [] })
  }

  @Test("whatever text the code takes, the pattern takes", arguments: Kind.allCases)
  func patterns(kind: Kind) async throws {
    var generator = SplitMix(seed: 0x5EED)
    var columns: [(name: String, values: [Node])] = []
    for (spec, values) in try kind.good {
      var taken: Set<String> = []
      for _ in 0..<400 where taken.count < 40 {
        guard let value = values.filter(\.isNotLong).randomElement(using: &generator) else { break }
        let mutant = value.mutated(using: &generator)
        if kind.isTaken(Node(.mapping([Node.Entry(spec.name, mutant)]))) { taken.insert(mutant.json) }
      }
      columns.append(
        (spec.name, try taken.sorted().map { try JSON.parse(Array($0.utf8), source: spec.name) }))
    }
    #expect(columns.map(\.values.count).reduce(0, +) > 500)
    let documents = joined(columns)
    for (document, errors) in zip(documents, try await judge(kind, documents)) {
      #expect(errors == [], "\(errors.map { document[$0]?.json ?? "" })")
    }
  }

  @Test("each structural fault is refused by both, wherever it is", arguments: Kind.allCases)
  func mutations(kind: Kind) async throws {
    let columns = try kind.good.map { spec, values in
      let shape: Shape
      if case .config = kind, spec.isSecret, let reference = InputSpec.named("secret_ocids")?.shape,
        case .map(_, let item) = reference
      {
        shape = item
      } else {
        shape = spec.shape
      }
      let faults = Set(
        values.filter(\.isNotLong).flatMap { $0.faults(as: shape, isOptional: true) }.map(\.json))
      return (
        name: spec.name, values: try faults.sorted().map { try JSON.parse(Array($0.utf8), source: spec.name) }
      )
    }
    #expect(columns.allSatisfy { $0.values.count >= 5 })
    for (name, values) in columns {
      for value in values {
        #expect(!kind.isTaken(Node(.mapping([Node.Entry(name, value)]))), "\(name): \(value.json)")
      }
    }
    let documents = joined(columns)
    for (document, errors) in zip(documents, try await judge(kind, documents)) {
      let names = Set((document.mapping ?? []).map(\.key))
      #expect(
        errors == names, "taken: \(names.subtracting(errors).map { "\($0): \(document[$0]?.json ?? "")" })")
    }
  }

  @Test("what k3seed.yaml alone refuses is refused by both")
  func config() async throws {
    let literal = Node("canary")
    let documents: [Node] =
      [
        .mapping(["colour": "red"]), .mapping(["github_pat": Node(.string(Corpus.secretOCID))]),
        .mapping(["output_names": 7]), .mapping(["output_names": []]), .mapping(["output_names": "a"]),
        .mapping(["output_names": .mapping(["nope": "a"])]),
        .mapping(["output_names": .mapping(["git_path": "7x"])]),
        .mapping(["output_names": .mapping(["git_path": 7])]), ["git_path"],
      ] + InputSpec.all.filter(\.isSecret).map { Node(.mapping([Node.Entry($0.name, literal)])) }
    #expect(documents.map(Kind.config.isTaken) == documents.map { _ in false })
    #expect(try await judge(.config, documents).map(\.isEmpty) == documents.map { _ in false })
  }
}

extension Node {
  /// Without texts of tens of thousands of letters, which make no other case.
  fileprivate var isNotLong: Bool { json.utf8.count < 2_000 }

  /// The value with one of its texts, keys included, changed a little at random.
  fileprivate func mutated(using generator: inout SplitMix) -> Node {
    let alphabet = "aA0z9-._/:@+=* []{}$#'\"\\%?é\u{A0}\u{2028}\u{7F}\n\t😀,;~^"
    switch value {
    case .string(let text): return Node(.string(text.mutated(from: alphabet, using: &generator)))
    case .sequence(var items):
      guard let index = items.indices.randomElement(using: &generator) else { return self }
      items[index] = items[index].mutated(using: &generator)
      return Node(.sequence(items))
    case .mapping(var entries):
      guard let index = entries.indices.randomElement(using: &generator) else { return self }
      if Bool.random(using: &generator) {
        let key = entries[index].key.mutated(from: alphabet, using: &generator)
        if !entries.contains(where: { $0.key == key }) { entries[index].key = key }
      } else {
        entries[index].value = entries[index].value.mutated(using: &generator)
      }
      return Node(.mapping(entries))
    default: return self
    }
  }

  /// The value with one structural fault each: of another type, against the pattern, with a key too many or too few.
  fileprivate func faults(as shape: Shape, isOptional: Bool) -> [Node] {
    var faults: [Node] = [7, true] + (isOptional ? [] : [Node(.null)])
    switch (shape, value) {
    case (.text(let rule), _):
      faults += [[], .mapping([:]), Node(.string(rule.problem(with: "") == nil ? " " : ""))]
    case (.list(let item), .sequence(let items)):
      faults += ["x", .mapping([:])]
      for (index, value) in items.enumerated() {
        for fault in value.faults(as: item, isOptional: false) {
          var changed = items
          changed[index] = fault
          faults.append(Node(.sequence(changed)))
        }
      }
    case (.map(_, let item), .mapping(let entries)):
      faults += ["x", []]
      for (index, entry) in entries.enumerated() {
        var renamed = entries
        renamed[index].key = " "
        faults.append(Node(.mapping(renamed)))
        faults += entry.value.faults(as: item, isOptional: true).map { fault in
          var changed = entries
          changed[index].value = fault
          return Node(.mapping(changed))
        }
      }
    case (.object(let fields), .mapping(let entries)):
      faults += ["x", [], Node(.mapping(entries + [Node.Entry("colour", "red")]))]
      for field in fields where field.isRequired {
        faults.append(Node(.mapping(entries.filter { $0.key != field.name })))
      }
      for (index, entry) in entries.enumerated() {
        guard let field = fields.first(where: { $0.name == entry.key }) else { continue }
        faults += entry.value.faults(as: field.shape, isOptional: !field.isRequired).map { fault in
          var changed = entries
          changed[index].value = fault
          return Node(.mapping(changed))
        }
      }
    default: break
    }
    return faults
  }
}
