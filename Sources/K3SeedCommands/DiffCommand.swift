public import ArgumentParser
public import Plan
import UserData
import YAML

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Shows what two pieces of user-data do differently, by meaning; secrets are left out.",
    discussion: """
      Either may be of any origin, in base64, gzip or MIME. Exit codes: 0 both are the same bytes; 1 they differ; \
      2 one cannot be read.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, markdown }

  @Argument(help: "The user-data that was; \"-\" is standard input.")
  var old: String

  @Argument(help: "The user-data that is to be; \"-\" is standard input.")
  var new: String

  @Option(help: "Where it is delivered; k3seed's own user-data says so itself.")
  var platform: Platform?

  @Option(help: "How to print it.")
  var format = Format.text

  func validate() throws {
    if old == "-" && new == "-" { throw ValidationError("Only one of the two can be standard input.") }
  }

  func run() throws {
    let comparison = try Comparison(
      (try FileSystem.read(old), FileSystem.name(old)), (try FileSystem.read(new), FileSystem.name(new)),
      platform: platform)
    let output: [UInt8] =
      switch format {
      case .text: Array(comparison.text.utf8)
      case .json: JSON.emit(comparison.document) + [UInt8(ascii: "\n")]
      case .markdown: Array(comparison.markdown.utf8)
      }
    try FileSystem.print(output)
    if !comparison.isSame { throw ExitCode(1) }
  }
}

extension Platform: ExpressibleByArgument {}
