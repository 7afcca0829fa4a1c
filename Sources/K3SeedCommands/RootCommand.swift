public import ArgumentParser
import Diagnostics
import Inputs
import Plan
import Secrets
import SystemPackage
import Verifier

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// `k3seed`: the only module that knows standard input, standard output and exit codes.
public struct RootCommand: ParsableCommand {
  /// The command and its subcommands.
  public static let configuration = CommandConfiguration(
    commandName: "k3seed",
    abstract: "Turns Terraform outputs into cloud-init user-data for a K3s cluster under GitOps.",
    discussion: """
      Exit codes: 0 done; 1 what was checked does not hold; 2 bad input; 64 wrong usage; 69 a needed tool of the \
      host is missing; 70 a bug.
      """,
    version: Pins.k3seed,
    subcommands: [
      Render.self, External.self, PreviewCommand.self, Inspect.self, TokenCommand.self, SchemaCommand.self,
      ImageCommand.self, VerifyCommand.self, RotateCommand.self, DiffCommand.self, ValidateCommand.self,
      ExplainCommand.self, GitOpsCommand.self, LockCommand.self, InitCommand.self,
    ])

  /// An empty command, as the parser makes one.
  public init() {}

  /// Runs the program with its arguments, and ends it.
  public static func run() -> Never {
    FileSystem.forbidCoreDumps()
    do {
      try run(Array(CommandLine.arguments.dropFirst()))
      sayUnlocked()
      finish(0)
    } catch let report as Report {
      FileSystem.say(report)
      finish(2)
    } catch let error as ImageError {
      FileSystem.say(Report([error.diagnostic]))
      finish(error.exitCode)
    } catch let error where error is ExitCode || exitCode(for: error) != .failure {
      // A code that a command chose, or what the parser says of the arguments.
      end(with: error)
    } catch {
      // The parser would end the program with 1, which is the answer that what was checked does not hold.
      let help = "report it, with the command; what it was to do may be done in part"
      FileSystem.say(Report([.error("bug", at: nil, "nobody expected this: \(error)", help: help)]))
      finish(70)
    }
  }

  /// Ends the program as the parser would, which quotes arguments that it does not understand: a secret that was put there
  /// by mistake is left out.
  private static func end(with error: any Error) -> Never {
    let words = CommandLine.arguments.dropFirst().flatMap { $0.split(separator: "=").map(String.init) }
    let secrets = words.filter(\.looksSecret)
    guard !secrets.isEmpty, exitCode(for: error) != .success else { exit(withError: error) }
    let message = secrets.reduce(fullMessage(for: error)) { $0.replacing($1, with: "…") }
    if !message.isEmpty { FileSystem.say(message + "\n") }
    finish(exitCode(for: error).rawValue)
  }

  /// Says where secrets could not be kept from swap.
  private static func sayUnlocked() {
    guard !Secret.areLocked else { return }
    FileSystem.say(
      Report([
        .warning(
          "memory-lock", at: nil, "secrets could not be locked in memory, and may have been written to swap",
          help: "allow more locked memory, with ulimit -l")
      ]))
  }

  /// Does what the arguments ask for.
  ///
  /// `external`, which Terraform runs on every plan, has no options to read, and `render` mostly only such as need
  /// no parser.
  private static func run(_ arguments: [String]) throws {
    if arguments == ["external"] { return try External().run() }
    if let job = RenderJob(plain: arguments) { return try job.run() }
    if arguments == ["version"] { return try FileSystem.print(Array("\(Pins.k3seed)\n".utf8)) }
    requireKnownNames(arguments)
    var command = try command(arguments)
    try command.run()
  }

  /// Refuses a name that is no command, where the parser would print the help of the command before it.
  private static func requireKnownNames(_ arguments: [String]) {
    var command: any ParsableCommand.Type = RootCommand.self
    var path = configuration.commandName ?? ""
    let isHelp = arguments.first == "help"
    for name in isHelp ? arguments.dropFirst() : arguments[...] {
      let subcommands = command.configuration.subcommands
      guard !subcommands.isEmpty, !name.hasPrefix("-") else { return }
      guard let next = subcommands.first(where: { $0._commandName == name }) else {
        if name == "help" { return }
        let names = subcommands.map { $0._commandName }
        FileSystem.say(
          """
          Error: \(name.shown.printable) is no command of \(path); \(name.suggestion(from: names, within: 2))"\(path) --help" lists them
          Usage: \(usageString(for: command))

          """)
        finish(64)
      }
      command = next
      path += " \(name)"
    }
  }

  /// The command that the arguments ask for.
  ///
  /// Building the parser's tree of all commands takes longer than rendering, so a command is first read alone.
  /// Whatever is wrong with that, and every request for help, goes through the whole parser.
  private static func command(_ arguments: [String]) throws -> any ParsableCommand {
    if let name = arguments.first,
      let type = configuration.subcommands.first(where: { $0.configuration.commandName == name }),
      let command = try? type.parse(Array(arguments.dropFirst()))
    {
      return command
    }
    return try parseAsRoot(arguments)
  }

  private static func finish(_ code: Int32) -> Never {
    fflush(nil)
    return _exit(code)
  }
}
