import Diagnostics
import Subprocess
import SystemPackage
import Validation
import Verifier
import YAML

/// What programs of this machine find in user-data. Nothing of it is run, and texts reach them on standard input only.
struct HostCheck {
  /// How long a program may take for one text.
  let limit: Duration

  /// The findings of shellcheck, else of the shells' own readers, and of cloud-init where it is installed.
  func report(on payloads: [Payload]) async -> Report {
    var report = Report()
    // What several nodes have is looked at once.
    var seen: Set<String> = []
    for payload in payloads {
      let texts = payload.shellTexts.filter { !seen.contains($0.shell + $0.text) }
      seen.formUnion(texts.map { $0.shell + $0.text })
      for text in texts {
        do throws(Late) {
          report.add(Report(try await findings(in: text)))
        } catch {
          report.add(text.diagnostic(.warning, Late.code, line: 1, column: 1, error.message, help: Late.help))
        }
      }
      for config in payload.cloudConfigs {
        do throws(Late) {
          if let output = try await schema(config.bytes) {
            report.add(Report(payload.schemaDiagnostics(output, on: config)))
          }
        } catch {
          report.add(
            .warning(Late.code, at: Location(source: payload.source), error.message, help: Late.help))
        }
      }
    }
    return report
  }

  /// What is found in a text; nothing where a shell can read it only with the other commands of its list.
  private func findings(in text: Payload.ShellText) async throws(Late) -> [Diagnostic] {
    guard let found = try await shellcheck(text, text.text) else {
      return try await syntaxErrors(in: text) ?? []
    }
    guard found.contains(where: { $0.code == Self.syntaxCode }) else { return found }
    // ShellCheck refuses more than shells do. What the shell reads, itself or with the whole list, has no error.
    guard let refused = try await syntaxErrors(in: text) else {
      return found.map { diagnostic in
        var diagnostic = diagnostic
        if diagnostic.code == Self.syntaxCode { diagnostic.severity = .warning }
        return diagnostic
      }
    }
    return refused.isEmpty ? found.filter { $0.code != Self.syntaxCode } : found
  }

  /// What the shell itself cannot read; nil where it is not installed.
  private func syntaxErrors(in text: Payload.ShellText) async throws(Late) -> [Diagnostic]? {
    guard let alone = try await syntax(text, text.text) else { return nil }
    guard !alone.isEmpty, let whole = text.whole else { return alone }
    return try await syntax(text, whole)?.isEmpty == true ? [] : alone
  }

  private static let syntaxCode = "shell-syntax"

  /// That a program was not done in its time.
  private struct Late: Error {
    static let code = "tool-timeout"
    static let help = "give it more with --timeout, or do without such programs with --no-tools"
    let message: String
  }

  /// What a program wrote; nil where it is not there.
  private func run(
    _ name: String, _ arguments: [String], input: [UInt8]
  ) async throws(Late) -> (output: String, errors: String)? {
    do {
      let result = try await within(limit) {
        try await Subprocess.run(
          .name(name), arguments: Arguments(arguments), input: ProgramInput(input),
          output: .string(limit: 16 << 20), error: .string(limit: 1 << 20))
      }
      return (result.standardOutput, result.standardError)
    } catch is TimeUp {
      throw Late(message: "\(name) was not done after \(limit.components.seconds) seconds")
    } catch {
      return nil
    }
  }

  /// Findings that say nothing of what a script does, or nothing that holds for a piece of one: variables that others
  /// set or read, sourced files, and folders that `cd` finds or does not.
  private static let excluded = "SC1090,SC1091,SC2034,SC2148,SC2154,SC2164"

  private func shellcheck(
    _ text: Payload.ShellText, _ content: String
  ) async throws(Late) -> [Diagnostic]? {
    let arguments = [
      "--norc", "--format=json1", "--severity=warning", "--shell=\(text.shell)", "--exclude=\(Self.excluded)",
      "-",
    ]
    guard let result = try await run("shellcheck", arguments, input: Array(content.utf8)),
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
        // Only a shell knows what it cannot read; the rest is advice.
        isSyntax ? .error : .warning, isSyntax ? Self.syntaxCode : "shellcheck", line: line, column: column,
        isSyntax
          ? "\(text.shell) cannot read this (SC\(number))"
          : "SC\(number): \(words(comment["message"]?.string ?? ""))",
        help: "see https://www.shellcheck.net/wiki/SC\(number)")
    }
  }

  /// A message without its full stop, as k3seed's own are.
  private func words(_ message: String) -> String {
    String(message.reversed().drop { ". ".contains($0) }.reversed())
  }

  private func syntax(_ text: Payload.ShellText, _ content: String) async throws(Late) -> [Diagnostic]? {
    guard let result = try await run(text.shell, ["-n"], input: Array(content.utf8)) else { return nil }
    // bash: line 3: syntax error …; dash: sh: 3: Syntax error: …; the words behind may quote the script.
    // A here-document without its end is a warning only.
    guard let match = result.errors.firstMatch(of: #/(?m)^[^\n:]*: (?:line )?(\d+): (?!warning: )/#),
      let line = Int(match.output.1)
    else { return [] }
    return [
      text.diagnostic(
        .error, Self.syntaxCode, line: line, column: 1, "\(text.shell) cannot read this",
        help: "mend the syntax; install shellcheck to be told more")
    ]
  }

  /// What cloud-init's schema refuses, in its own words; nil where it refuses nothing.
  private func schema(_ config: [UInt8]) async throws(Late) -> String? {
    guard
      let result = try await run("cloud-init", ["schema", "--config-file", "/dev/stdin"], input: config)
    else { return nil }
    let text = result.errors + result.output
    guard let start = text.firstRange(of: "schema errors: ") else { return nil }
    return String(text[start.upperBound...].prefix { !$0.isNewline })
  }
}

extension Node {
  fileprivate var integer: Int? {
    if case .number(let digits) = value { Int(digits) } else { nil }
  }
}
