public import ArgumentParser
import Diagnostics
public import Plan
import SystemPackage
import UserData
import YAML

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Shows where two pieces of user-data differ, by meaning; with --content, also in what.",
    discussion: """
      Without --content no text of theirs is shown: names, sizes, modes, and which lines and values changed. With it, what \
      is recognised as a secret is left out, which is a guess. Either may be of any origin, in base64, gzip or MIME. Exit codes: 0 both are the same bytes; 1 they differ; \
      2 one cannot be read.
      """)

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json, markdown }

  @Argument(help: "The user-data that was; \"-\" is standard input.")
  var old: String

  @Argument(help: "The user-data that is to be; \"-\" is standard input.")
  var new: String

  @Option(help: "Where it is delivered; k3seed's own user-data says so itself.")
  var platform: Platform?

  @Flag(name: .long, help: "Show the old and the new values, without what is recognised as a secret.")
  var content = false

  @Option(help: "How to print it.")
  var format = Format.text

  func validate() throws {
    if old == "-" && new == "-" { throw ValidationError("Only one of the two can be standard input.") }
  }

  func run() throws {
    let comparison = try Comparison(
      (try FileSystem.read(old, .userData), FileSystem.name(old)),
      (try FileSystem.read(new, .userData), FileSystem.name(new)),
      platform: platform)
    switch format {
    case .text:
      let style = Terminal.style(of: .standardOutput) ?? .none
      try FileSystem.print(Array(comparison.text(showsContent: content, style: style).withoutCommands.utf8))
    case .json:
      try FileSystem.print(JSON.emit(comparison.document(showsContent: content)) + [UInt8(ascii: "\n")])
    case .markdown: try FileSystem.print(Array(comparison.markdown(showsContent: content).utf8))
    }
    if !comparison.isSame { throw ExitCode(1) }
  }
}

extension Platform: ExpressibleByArgument {}
