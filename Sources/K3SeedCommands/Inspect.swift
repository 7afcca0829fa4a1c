import ArgumentParser
import Diagnostics
import UserData

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what some user-data is made of: base64, gzip, MIME, parts and files.",
    discussion: """
      Whatever may be a secret is left out, also with --content. Exit codes: 0 done; 2 some of it cannot be read, and the \
      rest is shown.
      """)

  @Argument(help: ArgumentHelp("The user-data; \"-\" is standard input.", valueName: "file"))
  var file: String

  @Flag(name: .long, help: "Show the decoded text of each part as well.")
  var content = false

  func run() throws {
    let inspection = try Inspection(try FileSystem.read(file), source: FileSystem.name(file))
    FileSystem.say(inspection.report.text)
    try FileSystem.print(Array(inspection.text(showsContent: content).utf8))
    if inspection.report.hasErrors { throw ExitCode(2) }
  }
}
