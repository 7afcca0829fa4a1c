public import Diagnostics
import UserData

extension Validation {
  /// What programs for shell scripts find, where they are installed.
  static let shellRules = [
    Report.Rule(
      "shell-syntax", what: "a script that its shell cannot read",
      why: "the shell stops there, in the middle of what it was to do", fix: "mend it where the message says"),
    Report.Rule(
      "shellcheck",
      what: "what ShellCheck calls an error or a warning, as far as it changes what a script does",
      why: "the script does other than it reads",
      fix: "look the number up at https://www.shellcheck.net/wiki/"),
    Report.Rule(
      "cloud-init-schema", what: "what the installed cloud-init's own schema refuses",
      why: "the module fails, or passes over the value", fix: "correct what the message names"),
  ]
}

extension Payload {
  /// A text for a program that checks scripts.
  public struct ShellText: Sendable {
    /// The text.
    public let text: String
    /// The shell: `sh` or `bash`.
    public let shell: String
    /// The script that the text is a piece of, if it is one: what a shell cannot read by itself may go on in the next
    /// command of `runcmd`.
    public let whole: String?
    fileprivate let fragment: Fragment

    /// What was found in the text, with its place in the file.
    ///
    /// - Parameters:
    ///   - code: `shell-syntax` or `shellcheck`.
    ///   - line: the line, from 1.
    ///   - column: the column, from 1.
    public func diagnostic(
      _ severity: Diagnostic.Severity, _ code: String, line: Int, column: Int, _ message: String, help: String
    ) -> Diagnostic {
      Diagnostic(severity, code, at: fragment.location(line: line, column: column), message, help: help)
    }
  }

  /// Everything that a shell runs; but for what cloud-init makes of a template first, which is not known here.
  public var shellTexts: [ShellText] {
    parts.flatMap { part in
      part.scripts.filter { script in
        let text = script.fragment.text
        let isKnown =
          part.isTemplate
          ? !TemplateText.isUnknown(text) : !TemplateText.isForeign(text)
        return !text.isEmpty && isKnown
      }
    }.map {
      ShellText(text: $0.fragment.text, shell: $0.shell, whole: $0.whole, fragment: $0.fragment)
    }
  }
}
