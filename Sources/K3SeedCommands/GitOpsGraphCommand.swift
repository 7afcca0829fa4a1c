public import ArgumentParser
import Diagnostics
import GitOps

extension Drawing: ExpressibleByArgument {}

struct GitOpsGraphCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph",
    abstract: "Draws the Applications of a repository by phase, and what each of them needs.",
    discussion: "An edge that others imply is not drawn.")

  @OptionGroup var repository: RepositoryOptions
  @OptionGroup var bootstrap: BootstrapOptions

  @Option(name: .long, help: "The kind of picture.")
  var format = Drawing.mermaid

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where to write it, instead of standard output.", valueName: "file"))
  var output: String?

  func run() throws {
    let picture = Array(format.of(try repository.repository(try bootstrap.bootstrap()).graph).utf8)
    if let output { try FileSystem.write(picture, to: output) } else { try FileSystem.print(picture) }
  }
}
