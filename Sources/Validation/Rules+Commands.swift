import Diagnostics
import Inputs
import UserData
import YAML

extension Validation {
  /// What commands do when something goes wrong.
  static let commandRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "curl-pipe-shell", what: "a download that a shell runs as it arrives",
      why:
        "a download that breaks off runs in part, one that fails runs nothing and still succeeds, and nobody can say what ran",
      fix: "download to a file with `curl -fsSL --retry`, check its SHA-256, then run it",
      find: { payload in
        payload.parts.flatMap { part in
          let fragments =
            part.commandTexts + part.files.map(\.content) + (part.root == nil ? [Fragment(part)] : [])
          return fragments.flatMap { fragment in
            fragment.locations(Self.downloads(runIn: fragment.text)).map { place in
              Finding(
                .error, place, "a download is run by a shell as it arrives",
                help: "download to a file, check its SHA-256, then run it")
            }
          }
        }
      }),
    DocumentedRule(
      "runcmd-unchecked", what: "commands of `runcmd` of which one may fail unnoticed",
      why:
        "cloud-init makes one script of them without `set -e`: it goes on after a failure, and only the last command decides whether the boot is called good",
      fix: "begin with `set -e`, or put the commands into a script with `set -e` that one entry runs",
      find: { payload in
        payload.parts.compactMap { part in
          guard let runcmd = part.root?["runcmd"] else { return nil }
          let texts = runcmd.items.map { $0.node.string }
          let isGuarded = texts.contains { text in
            text.map { $0.contains(/\bset\s+(?:-[A-Za-z]*e|-o\s+errexit)/) } ?? false
          }
          let count = texts.reduce(0) { $0 + ($1.map(Self.commands) ?? 1) }
          guard count > 1, !isGuarded else { return nil }
          return Finding(
            .warning, part.location(runcmd),
            "runcmd goes on after a command that fails, and the boot is called good where only the last of \(count) succeeds",
            help: "begin it with set -e")
        }
      }),
  ]

  /// Where a text runs what it downloads.
  ///
  /// Commands are cut into pieces before patterns are tried, so that none is tried on the same text again and again.
  static func downloads(runIn text: String) -> [String.Index] {
    commandLines(of: text).flatMap { line -> [String.Index] in
      let words = String(line)
      guard words.holds("curl") || words.holds("wget"), words.first(where: { !$0.isWhitespace }) != "#"
      else { return [] }
      // What follows "||", "&&" or ";" is another command; a URL may hold "&" and ";" without a space behind.
      return line.split(separator: /\|\||&&|;\s/).flatMap { command in
        (downloads(pipedIn: command) + downloads(substitutedIn: command)).sorted()
      }
    }
  }

  /// Where a command gives a download to a shell through pipes.
  private static func downloads(pipedIn command: Substring) -> [String.Index] {
    let shell =
      /\s*(?:\\\s*)?(?:sudo\s+(?:-\S+\s+)*)?(?:env\s+)?(?:\w+=(?:"[^"]*"|'[^']*'|[^\s"']*)\s+)*(?:\/\S*\/)?(?:ba|da|z|k|a)?sh\b(?![\w.\/-])/
    var found: [String.Index] = []
    var download: String.Index?
    for stage in command.split(separator: "|", omittingEmptySubsequences: false) {
      var rest = stage
      if let start = download, let run = stage.prefixMatch(of: shell) {
        found.append(start)
        download = nil
        rest = stage[run.range.upperBound...]
      }
      download = download ?? rest.firstMatch(of: /\b(?:curl|wget)\b/)?.range.lowerBound
    }
    return found
  }

  /// Where a command has a shell run what a substitution downloads.
  private static func downloads(substitutedIn command: Substring) -> [String.Index] {
    command.matches(of: /(?:<\(|\$\(|`)\s*(?:sudo\s+)?(?:curl|wget)\b/).compactMap { substitution in
      var before = command[..<substitution.range.lowerBound]
      if let last = before.last, "\"'".contains(last) { before.removeLast() }
      var found: String.Index?
      // The word before it runs it, or the one before that if this is an option, and so on.
      while before.last?.isWhitespace == true {
        while before.last?.isWhitespace == true { before.removeLast() }
        let start = before.lastIndex(where: \.isWhitespace).map(before.index(after:)) ?? before.startIndex
        let word = before[start...]
        let runner = /(?:\beval|\bsource|(?:^|[;&])\.|\b(?:ba|da|z|k)?sh)$/
        found = word.firstMatch(of: runner)?.range.lowerBound ?? found
        guard word.wholeMatch(of: /-\w+/) != nil else { break }
        before = before[..<start]
      }
      return found
    }
  }

  /// The lines of a script, those that a backslash or a pipe continues as one.
  private static func commandLines(of text: String) -> [Substring] {
    var lines: [Substring] = []
    var goesOn = false
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      if goesOn, let last = lines.popLast() {
        lines.append(text[last.startIndex..<line.endIndex])
      } else {
        lines.append(line)
      }
      goesOn = line.hasSuffix("\\") || line.hasSuffix("|")
    }
    return lines
  }

  /// How many commands a text has that may fail on their own, about.
  private static func commands(in text: String) -> Int {
    let words = ["then", "else", "fi", "do", "done", "esac", "{", "}", ";;"]
    var goesOn = false
    return text.split(whereSeparator: \.isNewline).count { line in
      let line = line.drop { $0 == " " || $0 == "\t" }
      guard !line.isEmpty, !line.hasPrefix("#"), !words.contains(String(line)) else { return false }
      defer { goesOn = ["\\", "&&", "||", "|"].contains { line.hasSuffix($0) } }
      return !goesOn
    }
  }
}
