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
            Self.downloads(runIn: fragment.text).map { place in
              Finding(
                .error, fragment.location(place), "a download is run by a shell as it arrives",
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
  static func downloads(runIn text: String) -> [String.Index] {
    let piped =
      /\b(?:curl|wget)\b[^|]*\|(?:[^|]*\|)*?\s*(?:\\\s*)?(?:sudo\s+(?:-\S+\s+)*)?(?:env\s+)?(?:\w+=(?:"[^"]*"|'[^']*'|[^\s"']*)\s+)*(?:\/\S*\/)?(?:ba|da|z|k|a)?sh\b(?![\w.\/-])/
    let substituted =
      /(?:\beval|\bsource|(?:^|[\s;&])\.|\b(?:ba|da|z|k)?sh)\s+(?:-\w+\s+)*["']?(?:<\(|\$\(|`)\s*(?:sudo\s+)?(?:curl|wget)\b/
    return commandLines(of: text).flatMap { line -> [String.Index] in
      let words = String(line)
      guard words.holds("curl") || words.holds("wget"), !words.drop(while: \.isWhitespace).hasPrefix("#")
      else { return [] }
      // What follows "||", "&&" or ";" is another command; a URL may hold "&" and ";" without a space behind.
      let code = words.replacing("||", with: "\u{1}\u{1}").replacing("&&", with: "\u{1}\u{1}")
        .replacing("; ", with: "\u{1} ")
      let found = code.split(separator: "\u{1}").flatMap { command in
        command.matches(of: piped).map(\.range.lowerBound)
          + command.matches(of: substituted).map(\.range.lowerBound)
      }
      // Places by scalars: the texts are as long as each other in these.
      return found.sorted().map { place in
        text.unicodeScalars.index(
          line.startIndex, offsetBy: code.unicodeScalars.distance(from: code.startIndex, to: place))
      }
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
