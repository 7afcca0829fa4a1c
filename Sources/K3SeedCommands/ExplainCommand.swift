import ArgumentParser
import Diagnostics
import GitOps
import Inputs
import Validation

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Says what the code of a finding means: what was found, why it matters, and what to do.",
    discussion: "Codes stand in brackets at the end of a finding. Without a code, all are listed.")

  @Argument(
    help: ArgumentHelp("The code, such as \"curl-pipe-shell\".", valueName: "code"),
    completion: .list(Self.rules.map(\.code)))
  var code: String?

  func run() throws {
    let rules = Self.rules
    guard let code else {
      let width = rules.map(\.code.count).max() ?? 0
      let lines = rules.map { "\($0.code.padded(right: width))  \($0.what)\n" }
      return try FileSystem.print(Array(lines.joined().utf8))
    }
    let found = rules.filter { $0.code == code }
    guard !found.isEmpty else {
      let near = code.lowercased().suggestion(from: rules.map(\.code), within: 3)
      throw Report([
        .error(
          "unknown-code", at: nil, "no finding has the code \(code.shown)",
          help: "\(near)\"k3seed explain\" lists them all")
      ])
    }
    let texts = found.map { rule in
      "\(rule.code): \(rule.what)\n\nWhy:  \(rule.why)\nWhat to do:  \(rule.fix)\n"
    }
    try FileSystem.print(Array(texts.joined(separator: "\n").utf8))
  }

  /// Every rule that is documented, sorted by code.
  static let rules = (Validation.rules + Explanations.all + Check.rules.map(\.documentation))
    .sorted { $0.code < $1.code }
}
