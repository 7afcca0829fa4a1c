import ArgumentParser
import Diagnostics
import UserData

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Shows what some user-data is made of: base64, gzip, MIME, parts and files.",
    discussion: """
      Without --content no text of it is shown: names, sizes and modes. With it, what is recognised as a secret is left \
      out, which is a guess. Exit codes: 0 done; 2 some of it cannot be read, and the \
      rest is shown.
      """)

  @Argument(help: ArgumentHelp("The user-data; \"-\" is standard input.", valueName: "file"))
  var file: String

  @Flag(name: .long, help: "Show the decoded text of each part as well.")
  var content = false

  func run() throws {
    let inspection = try Inspection(try FileSystem.read(file, .userData), source: FileSystem.name(file))
    FileSystem.say(inspection.report)
    try FileSystem.show(inspection.text(showsContent: content))
    if inspection.report.hasErrors { throw ExitCode(2) }
  }
}
