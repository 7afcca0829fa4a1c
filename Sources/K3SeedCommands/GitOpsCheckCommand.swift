public import ArgumentParser
public import Diagnostics
import GitOps
import Plan

extension Report.Format: ExpressibleByArgument {}

struct GitOpsCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Finds what would keep the Applications of a repository from becoming healthy.",
    discussion: """
      Any App-of-Apps repository will do, and no cluster is needed. Exit codes: 0 nothing is wrong; 1 something is; \
      2 the folder cannot be read, or holds no Application.
      """)

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var bootstrap: BootstrapOptions

  @Option(name: .long, help: "How the findings are written.")
  var format = Report.Format.text

  @Flag(name: .long, help: "Let warnings count as errors for the exit code.")
  var strict = false

  func run() throws {
    let read = try repository.repository(try bootstrap.bootstrap())
    let report = repository.placed(Check.report(on: read))
    let producer = Report.Producer(
      name: "k3seed gitops check", version: Pins.k3seed, rules: Check.rules.map(\.documentation))
    try FileSystem.show(report, as: format, by: producer)
    FileSystem.say("\(read.summary): \(report.summary)\n")
    if report.fails(strict: strict) { throw ExitCode(1) }
  }
}
