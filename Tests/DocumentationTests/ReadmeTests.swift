import Foundation
import Inputs
import TestSupport
import Testing
import UserData
import Verifier

/// README and the DocC catalogue say what the program does: what can be derived is derived, what can be run is run.
@Suite("Documentation") struct DocumentationTests {
  @Test("README is read in a few minutes")
  func length() throws {
    let text = try String(contentsOf: Tool.root.appendingPathComponent("README.md"), encoding: .utf8)
    #expect(text.split(whereSeparator: \.isWhitespace).count <= 800)
  }

  @Test("every page is in the index, once, and what a page links to is there")
  func index() throws {
    let index = try Catalogue.text(of: "\(Catalogue.folder)/K3Seed.md")
    let topics = try #require(index.range(of: "## Topics"))
    let listed = Catalogue.links(in: index[topics.upperBound...])
    #expect(listed.sorted() == Catalogue.names.filter { $0 != "K3Seed" })
    for page in Catalogue.pages {
      for link in try Catalogue.links(in: Catalogue.text(of: page)[...]) {
        #expect(Catalogue.names.contains(link), "\(page) links to \(link)")
      }
    }
  }

  @Test("the page about failed boots has every message and every exit code of the bootstrap")
  func bootFailures() throws {
    let page = try Catalogue.text(of: "\(Catalogue.folder)/BootFailed.md")
    let parts = try ["bootstrap.sh", "firewall.sh", "engine.sh"].map {
      try Catalogue.text(of: "templates/guest/\($0)")
    }
    let messages = parts.joined().matches(of: /(?:die|later|say|announce|await)\s+\\?\s*(['"])(.*?)\1/)
    #expect(messages.count > 20)
    for message in messages {
      // What a variable or a command puts in is not in the page.
      let constant = message.output.2.split(separator: /\$\([^)]*\)?|\$\{[^}]*\}|\$[\w*#@?]+/).max {
        $0.count < $1.count
      }
      let words = (constant ?? "").trimmingCharacters(in: .whitespaces)
      #expect(words.isEmpty || page.contains(words), "\(message.output.2)")
    }
    let stages = BootstrapStage.all(in: parts.joined())
    #expect(!stages.isEmpty)
    for stage in stages {
      let minutes = stage.deadline % 60 == 0 ? "\(stage.deadline / 60) min" : "\(stage.deadline) s"
      let row = "| `\(stage.name)` | \(minutes) | \(stage.temporaryExitCode) | \(stage.permanentExitCode) |"
      #expect(page.contains(row), "\(row)")
    }
  }

  @Test("the project's address is the one of project.env")
  func address() throws {
    let settings = try Catalogue.text(of: "project.env")
    let address = try #require(settings.firstMatch(of: /(?m)^K3SEED_URL=(\S+)$/)).output.1
    let name = address.split(separator: "/").suffix(2).joined(separator: "/")
    for file in ["README.md", "CONTRIBUTING.md", "SECURITY.md"] + Catalogue.pages {
      let text = try Catalogue.text(of: file)
      for match in text.matches(of: /https:\/\/[\w.\/-]+\/k3seed\b/) {
        #expect(match.output == address, "\(file)")
      }
      for match in text.matches(of: /uses: (\S+\/k3seed)@/) { #expect(match.output.1 == name, "\(file)") }
    }
  }

  @Test("the table of inputs is the one of the code")
  func inputs() throws {
    let rows = InputSpec.all.map { spec in
      "| `\(spec.name)` | \(spec.isSecret ? "yes" : "") | \(spec.defaultText ?? "") | \(spec.summary) |"
    }
    let table = ["| input | secret | default | meaning |", "| --- | --- | --- | --- |"] + rows
    try hold(table.joined(separator: "\n"), between: "inputs", in: "\(Catalogue.folder)/Inputs.md")
  }

  @Test("the table of images is the catalogue of the code")
  func images() throws {
    let rows = CatalogueImage.all.filter { $0.architecture == .x86_64 }.map { image in
      let download = image.download
      return
        "| `\(image.name)` | <\(download.folder)/> | \(download.checksums) | \(image.suite == nil ? "" : "yes") |"
    }
    let table =
      ["| image | downloaded from | checked with | can be built |", "| --- | --- | --- | --- |"] + rows
    try hold(table.joined(separator: "\n"), between: "images", in: "\(Catalogue.folder)/Images.md")
  }

  @Test(
    "the tables of a Terraform folder are its variables and outputs",
    arguments: Configuration.folders)
  func tables(folder: String) throws {
    let variables = try Configuration.blocks("variable", in: "\(folder)/variables.tf").map { block in
      let value = block.attributes["default"].map { $0 == "null" ? "" : "`\($0)`" } ?? "required"
      return
        "| `\(block.name)` | `\(block.type)` | \(block.isSensitive ? "yes" : "") | \(value) | \(block.description) |"
    }
    let outputs = try Configuration.blocks("output", in: "\(folder)/outputs.tf").map { block in
      "| `\(block.name)` | \(block.isSensitive ? "yes" : "") | \(block.description) |"
    }
    #expect(!variables.isEmpty && !outputs.isEmpty)
    let inputTable =
      ["| input | type | sensitive | default | meaning |", "| --- | --- | --- | --- | --- |"] + variables
    let outputTable = ["| output | sensitive | meaning |", "| --- | --- | --- |"] + outputs
    try hold(inputTable.joined(separator: "\n"), between: "inputs", in: "\(folder)/README.md")
    try hold(outputTable.joined(separator: "\n"), between: "outputs", in: "\(folder)/README.md")
  }

  @Test("the Terraform module takes every input, in the words of the code, and sensitive where it is secret")
  func moduleInputs() throws {
    let folder = "terraform/modules/user-data"
    let variables = try Configuration.blocks("variable", in: "\(folder)/variables.tf")
    for spec in InputSpec.all {
      guard let variable = variables.first(where: { $0.name == spec.name }) else {
        try record(Configuration.variable(spec), before: "# Settings of", in: "\(folder)/variables.tf")
        continue
      }
      #expect(variable.description == spec.description, "\(spec.name)")
      #expect(variable.isSensitive == spec.isSecret, "\(spec.name)")
    }
    let own = Set(variables.map(\.name)).subtracting(InputSpec.all.map(\.name))
    #expect(own == ["config", "encoding", "k3seed", "lock", "reserve_bytes", "roles"])
    try hold(Configuration.locals(InputSpec.all), between: "inputs", in: "\(folder)/inputs.tf", comment: "#")
  }

  @Test("the graph is the one of the example's tree")
  func graph() async throws {
    try await withTemporaryDirectory { folder in
      let example = Tool.root.appendingPathComponent("examples/oci-vault").path
      let rendered = try await Tool.k3seed([
        "gitops", "render", "--input", "\(example)/outputs.json", "--config", "\(example)/k3seed.yaml",
        "--out", folder.path,
      ])
      try #require(rendered.status == 0, "\(rendered.errors)")
      let graph = try await Tool.k3seed(["gitops", "graph", folder.path])
      try hold("```mermaid\n\(graph.text)```", between: "graph", in: "\(Catalogue.folder)/GitOps.md")
    }
  }

  @Test(
    "every console example prints what it shows",
    arguments: ["README.md"]
      + Catalogue.pages.filter { (try? Catalogue.text(of: $0).contains("```console")) == true })
  func examples(file: String) async throws {
    let examples = Example.all(in: try Catalogue.text(of: file))
    #expect(!examples.isEmpty)
    let folder = URL(fileURLWithPath: Tool.k3seed).deletingLastPathComponent().path
    let path = "\(folder):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
    for example in examples {
      let outcome = try await Tool.run(
        ["bash", "-c", "exec 2>&1; \(example.command)"], environment: ["PATH": path, "NO_COLOR": "1"],
        directory: Tool.root.path)
      #expect(example.matches(outcome.text), "\(example.command) printed:\n\(outcome.text)")
    }
  }

  @Test(
    "links within the repository lead somewhere",
    arguments: ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
      + Configuration.folders.map { "\($0)/README.md" })
  func links(file: String) throws {
    let url = Tool.root.appendingPathComponent(file)
    let text = try String(contentsOf: url, encoding: .utf8)
    for match in text.matches(of: /\]\(([^):#]+)\)/) {
      let target = url.deletingLastPathComponent().appendingPathComponent(String(match.output.1))
      #expect(FileManager.default.fileExists(atPath: target.path), "\(file) links to \(match.output.1)")
    }
  }

  /// Compares the text between `<!-- name…-->` and `<!-- /name -->`, or between such lines of another comment; with
  /// `K3SEED_RECORD=1` writes it, and still fails, so that a recording never passes for a test.
  private func hold(
    _ expected: String, between name: String, in file: String, comment: String = "<!--"
  ) throws {
    let url = Tool.root.appendingPathComponent(file)
    let text = try String(contentsOf: url, encoding: .utf8)
    let start = try #require(text.range(of: "\(comment) \(name):"))
    let open = try #require(text[start.upperBound...].range(of: "\n"))
    let close = try #require(text[open.upperBound...].range(of: "\(comment) /\(name)"))
    let found = text[open.upperBound..<close.lowerBound]
    let wanted = expected.isEmpty ? "" : expected + "\n"
    guard found != wanted else { return }
    if ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "1" {
      let new = text[..<open.upperBound] + wanted + text[close.lowerBound...]
      try String(new).write(to: url, atomically: true, encoding: .utf8)
    }
    Issue.record("the \(name) of \(file) are not those of the code; K3SEED_RECORD=1 writes them")
  }

  /// Says that something is missing; with `K3SEED_RECORD=1` writes it before a line.
  private func record(_ missing: String, before line: String, in file: String) throws {
    let url = Tool.root.appendingPathComponent(file)
    let text = try String(contentsOf: url, encoding: .utf8)
    let place = try #require(text.range(of: line)).lowerBound
    if ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "1" {
      try (text[..<place] + missing + text[place...]).write(to: url, atomically: true, encoding: .utf8)
    }
    Issue.record("\(file) lacks \(missing); K3SEED_RECORD=1 writes it")
  }
}

/// The pages of the DocC catalogue.
private enum Catalogue {
  static let folder = "Sources/K3Seed/K3Seed.docc"
  /// Their names as `<doc:Name>` has them, sorted.
  static let names =
    ((try? FileManager.default.contentsOfDirectory(atPath: Tool.root.appendingPathComponent(folder).path))
    ?? [])
    .filter { $0.hasSuffix(".md") }.map { String($0.dropLast(3)) }.sorted()
  /// Their paths in the repository.
  static let pages = names.map { "\(folder)/\($0).md" }

  static func text(of file: String) throws -> String {
    try String(contentsOf: Tool.root.appendingPathComponent(file), encoding: .utf8)
  }

  /// The names that a text links to.
  static func links(in text: Substring) -> [String] {
    text.matches(of: /<doc:(\w+)>/).map { String($0.output.1) }
  }
}

/// A command of a ```console block with what it is said to print; a line `…` stands for any lines.
private struct Example {
  var command: String
  var output: [String]

  static func all(in text: String) -> [Example] {
    var examples: [Example] = []
    var isInside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isInside = line == "```console"
      } else if isInside, line.hasPrefix("$ ") {
        examples.append(Example(command: String(line.dropFirst(2)), output: []))
      } else if isInside, !examples.isEmpty {
        examples[examples.count - 1].output.append(String(line))
      }
    }
    return examples
  }

  func matches(_ printed: String) -> Bool {
    var lines = printed.split(separator: "\n", omittingEmptySubsequences: false)[...]
    if lines.last == "" { lines.removeLast() }
    var skips = false
    for expected in output {
      if expected == "…" {
        skips = true
        continue
      }
      guard let place = lines.firstIndex(where: { $0 == expected }), skips || place == lines.startIndex else {
        return false
      }
      lines = lines[(place + 1)...]
      skips = false
    }
    return skips || lines.isEmpty
  }
}

/// The variables and outputs of a Terraform folder, as far as its tables tell of them.
private struct Configuration {
  static let folders = [
    "terraform/modules/user-data", "terraform/examples/minimal", "terraform/examples/oci-always-free",
    "terraform/examples/hetzner", "terraform/examples/aws",
  ]

  let name: String
  /// Each attribute's text in HCL, its white space made single.
  let attributes: [String: String]

  var description: String {
    let text = String((attributes["description"] ?? "").dropFirst().dropLast())
    return text.replacing("\\\"", with: "\"").replacing("$${", with: "${")
  }
  var type: String { (attributes["type"] ?? "").replacing("( ", with: "(").replacing(" )", with: ")") }
  var isSensitive: Bool { attributes["sensitive"] == "true" }

  /// The blocks of one kind in a file that `terraform fmt` has formatted: attributes of a block are indented by two.
  static func blocks(_ kind: String, in file: String) throws -> [Configuration] {
    let text = try String(contentsOf: Tool.root.appendingPathComponent(file), encoding: .utf8)
    let blocks = try Regex(
      "(?ms)^\(kind) \"(\\w+)\" \\{\\n(.*?)^\\}", as: (Substring, Substring, Substring).self)
    return text.matches(of: blocks).map { block in
      var attributes: [String: String] = [:]
      for attribute in block.output.2.matches(of: /(?m)^  (\w+) += (.*(?:\n {4}.*|\n  [\]})].*)*)/) {
        // What spans lines stands in one, with a comma where a line ends and nothing opens or closes.
        let lines = attribute.output.2.split(separator: "\n").map { line in
          line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
        attributes[String(attribute.output.1)] = lines.dropFirst().reduce(lines.first ?? "") { text, line in
          "([{".contains(text.last ?? " ") || ")]}".contains(line.first ?? " ")
            ? "\(text) \(line)" : "\(text), \(line)"
        }
      }
      return Configuration(name: String(block.output.1), attributes: attributes)
    }
  }

  /// The variable for an input, as `terraform fmt` would have it.
  static func variable(_ spec: InputSpec) -> String {
    let text = spec.description.replacing("\"", with: "\\\"").replacing("${", with: "$${")
    let sensitive = spec.isSecret ? "\n  sensitive   = true" : ""
    return """
      variable "\(spec.name)" {
        description = "\(text)"
        type        = \(type(spec.shape))
        default     = null\(sensitive)
      }


      """
  }

  private static func type(_ shape: Shape) -> String {
    switch shape {
    case .text: "string"
    case .list(let element): "list(\(type(element)))"
    case .map(_, let value): "map(\(type(value)))"
    case .object(let fields):
      "object({ "
        + fields.map { "\($0.name) = " + ($0.isRequired ? type($0.shape) : "optional(\(type($0.shape)))") }
        .joined(separator: ", ") + " })"
    }
  }

  /// The variables that are handed on as they are, and those that are handed on as JSON.
  static func locals(_ specs: [InputSpec]) -> String {
    let groups = [("texts", false), ("values", true)].map { name, isStructured in
      let names = specs.filter { $0.shape.isStructured == isStructured }.map(\.name).sorted()
      let width = names.map(\.count).max() ?? 0
      let lines = names.map { name in
        "    \(name)\(String(repeating: " ", count: width - name.count)) = var.\(name)\n"
      }
      return "  \(name) = {\n\(lines.joined())  }\n"
    }
    return "locals {\n\(groups.joined())}"
  }
}

extension InputSpec {
  /// What the input means and what holds without it, as the JSON Schema has it.
  fileprivate var description: String {
    let text = summary.prefix(1).uppercased() + summary.dropFirst()
    return defaultText.map { "\(text) Default: \($0)." } ?? text
  }
}
