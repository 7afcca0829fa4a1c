import ArgumentParser
import Diagnostics
import Inputs
import K3Seed
import SystemPackage

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Writes a first k3seed.yaml for a project whose Terraform outputs have other names.",
    discussion: """
      It guesses from names and the forms of values which output is which input, and lists what is left to fill in. \
      No value of a secret is written. Read the file before you use it.
      """)

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Terraform's outputs: \"terraform output -json\", \"terraform show -json\" or a plain object; \"-\" is standard input.",
      valueName: "file"))
  var input = "-"

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to write, which must not be there yet.", valueName: "path"))
  var output: String?

  func run() throws {
    try InputSource(input: input).expectInput()
    if let output, FileSystem.exists(output) {
      throw Report([
        .error(
          "file-place", at: Location(source: output), "is there already",
          help: "write to another file and compare the two")
      ])
    }
    let outputs = try InputDocument.terraform(
      try FileSystem.read(input, .outputs), source: FileSystem.name(input))
    let text = try Self.text(outputs)
    guard let output else { return try FileSystem.print(Array(text.utf8)) }
    try FileSystem.publish(Array(text.utf8), to: output)
    FileSystem.sayWritten(output, "; read it, and fill in what is left")
  }

  static func text(_ outputs: InputDocument) throws(Report) -> String {
    let mapping = OutputMapping(outputs)
    var lines = [
      "# What k3seed is given beside Terraform's outputs. \"k3seed init\" wrote it from their names: read it.",
      "",
    ]
    if !mapping.paths.isEmpty {
      lines.append("\(ConfigFile.outputNamesKey):")
      lines += mapping.paths.map { "  \($0.input): \($0.path)" }
      lines.append("")
    }
    if !mapping.nodes.isEmpty {
      lines.append(
        "# Copied from the outputs. Where nodes come and go, make it an output named nodes instead.")
      lines.append("nodes:")
      lines += mapping.nodes.flatMap {
        ["  \($0.name):", "    role: \($0.role)", "    private_ip: \($0.address)"]
      }
      lines.append("")
    }
    let left = try Self.left(outputs, lines)
    if !left.isEmpty {
      lines.append("# Left to do, as \"k3seed preview\" would say it:")
      lines += left.map { "# - \($0)" }
      lines.append("")
    }
    if !mapping.unused.isEmpty {
      lines.append("# Not used: \(mapping.unused.map(\.shownName.printable).joined(separator: ", "))")
    }
    return lines.joined(separator: "\n").trimmed + "\n"
  }

  /// What keeps the project from being rendered with the lines so far.
  private static func left(_ outputs: InputDocument, _ lines: [String]) throws(Report) -> [String] {
    let config = try ConfigFile(Array(lines.joined(separator: "\n").utf8), source: "k3seed.yaml")
    do throws(Report) {
      _ = try Project(terraform: outputs, config: config).renderAll()
      return []
    } catch {
      return error.diagnostics.filter { $0.severity == .error }.map(\.sentence)
    }
  }
}

extension String {
  /// Without line ends after it.
  fileprivate var trimmed: String {
    var text = self
    while text.last == "\n" { text.removeLast() }
    return text
  }
}
