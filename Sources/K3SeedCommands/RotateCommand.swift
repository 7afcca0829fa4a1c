import ArgumentParser
import Diagnostics
import K3Seed
import Plan

struct RotateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Prints the commands that give a live cluster's Secrets new values; no value is in them.")

  @OptionGroup var input: InputOptions

  @Argument(help: "The input whose value is new, such as cloudflare_api_token; all unless one is named.")
  var secret: String?

  func run() throws {
    let plan = try input.source.project().checkedPlan()
    let known = plan.seededSecrets.flatMap { $0.inputs.map(\.input) }
    if let secret, !known.contains(secret) {
      let near = secret.suggestion(from: known, within: 3)
      throw Report([
        .error(
          "unknown-secret", at: nil, "the first server seeds no Secret from \(secret)",
          help: "\(near)it seeds from \(Set(known).sorted().joined(separator: ", "))")
      ])
    }
    try FileSystem.print(Array(plan.rotation(of: secret).utf8))
  }
}
