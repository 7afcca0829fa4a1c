import Diagnostics
import Subprocess
import SystemPackage
import Validation
import Verifier
import YAML

/// What programs of this machine find in user-data. Nothing of it is run, and texts reach them on standard input only.
enum HostCheck {
  /// The findings of shellcheck, else of the shells' own readers, and of cloud-init where it is installed.
  static func report(on payloads: [Payload]) async -> Report {
    var report = Report()
    // What several nodes have is looked at once.
    var seen: Set<String> = []
    for payload in payloads {
      let texts = payload.shellTexts.filter { !seen.contains($0.shell + $0.text) }
      seen.formUnion(texts.map { $0.shell + $0.text })
      for text in texts {
        if let found = await shellcheck(text) {
          report.add(Report(found))
        } else if let found = await syntax(text) {
          report.add(Report(found))
        }
      }
      for config in payload.cloudConfigs {
        if let messages = await schema(config) { report.add(Report(payload.schemaDiagnostics(messages))) }
      }
    }
    return report
  }

  /// What a program wrote; nil where it is not there.
  private static func run(
    _ name: String, _ arguments: [String], input: [UInt8]
  ) async -> (output: String, errors: String)? {
    guard
      let result = try? await Subprocess.run(
        .name(name), arguments: Arguments(arguments), input: ProgramInput(input),
        output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
    else { return nil }
    return (result.standardOutput, result.standardError)
  }

  /// Findings that say nothing of what a script does, or nothing that holds for a piece of one: variables that others
  /// set or read, sourced files, and folders that `cd` finds or does not.
  private static let excluded = "SC1090,SC1091,SC2034,SC2148,SC2154,SC2164"

  private static func shellcheck(_ text: Payload.ShellText) async -> [Diagnostic]? {
    let arguments = [
      "--norc", "--format=json1", "--severity=warning", "--shell=\(text.shell)", "--exclude=\(excluded)", "-",
    ]
    guard let result = await run("shellcheck", arguments, input: Array(text.text.utf8)),
      let document = try? JSON.parse(Array(result.output.utf8), source: "shellcheck")
    else { return nil }
    var hasSyntax = false
    return (document["comments"]?.sequence ?? []).compactMap { comment in
      guard let line = comment["line"]?.integer, let column = comment["column"]?.integer,
        let number = comment["code"]?.integer, let level = comment["level"]?.string
      else { return nil }
      // Numbers below 2000 are of its reader. Its words may quote the script, so they are not taken over there.
      let isSyntax = number < 2000 && level == "error"
      // What follows from the first is said once.
      if isSyntax && hasSyntax { return nil }
      hasSyntax = hasSyntax || isSyntax
      return text.diagnostic(
        level == "error" ? .error : .warning, isSyntax ? "shell-syntax" : "shellcheck", line: line,
        column: column,
        isSyntax
          ? "\(text.shell) cannot read this (SC\(number))"
          : "SC\(number): \(words(comment["message"]?.string ?? ""))",
        help: "see https://www.shellcheck.net/wiki/SC\(number)")
    }
  }

  /// A message without its full stop, as k3seed's own are.
  private static func words(_ message: String) -> String {
    String(message.reversed().drop { ". ".contains($0) }.reversed())
  }

  private static func syntax(_ text: Payload.ShellText) async -> [Diagnostic]? {
    guard let result = await run(text.shell, ["-n"], input: Array(text.text.utf8)) else { return nil }
    // bash: line 3: syntax error …; dash: sh: 3: Syntax error: …; the words behind may quote the script.
    guard let match = result.errors.firstMatch(of: #/^[^\n:]*: (?:line )?(\d+): /#),
      let line = Int(match.output.1)
    else { return [] }
    return [
      text.diagnostic(
        .error, "shell-syntax", line: line, column: 1, "\(text.shell) cannot read this",
        help: "mend the syntax; install shellcheck to be told more")
    ]
  }

  /// What cloud-init's schema refuses: the path of a value, and what is wrong with it.
  private static func schema(_ config: [UInt8]) async -> [(path: String, message: String)]? {
    guard
      let result = await run("cloud-init", ["schema", "--config-file", "/dev/stdin"], input: config),
      let start = (result.errors + result.output).firstRange(of: "Cloud config schema errors: ")
    else { return nil }
    let text = (result.errors + result.output)[start.upperBound...].prefix { !$0.isNewline }
    return text.matches(
      of: /(?:^|, )([A-Za-z_][\w-]*(?:\.[\w-]+)*): (.*?)(?=, [A-Za-z_][\w-]*(?:\.[\w-]+)*: |$)/
    ).map {
      (String($0.output.1), String($0.output.2))
    }
  }
}

extension Node {
  fileprivate var integer: Int? {
    if case .number(let digits) = value { Int(digits) } else { nil }
  }
}
