import ArgumentParser
import Diagnostics
import Inputs
import K3Seed
import Plan

struct RotateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rotate",
    abstract: "Prints the commands that give a live cluster's Secrets new values; no value is in them.")

  @OptionGroup var input: InputOptions

  @Argument(help: "The input whose value is new, such as cloudflare_api_token; all unless one is named.")
  var secret: String?

  /// How join tokens are changed. The datastore is encrypted with the servers' one (K3s: pkg/cluster/storage.go).
  private static let joinTokens = [
    "k3s_token":
      "run \"k3s token rotate\" on a server, write the new token to /etc/rancher/k3s/token on every server and restart k3s there; then give it to k3seed, for the nodes to come",
    "k3s_agent_token":
      "write the new token to /etc/rancher/k3s/agent-token on every server and restart k3s there; then give it to k3seed, and run \"k3seed-bootstrap again\" on the agents",
  ]

  func run() throws {
    let plan = try input.source.project().checkedPlan()
    let known = plan.seededSecrets.flatMap { $0.inputs.map(\.input) }
    if let secret, let advice = Self.joinTokens[secret] {
      throw Report([
        .error(
          "token-rotation", at: nil,
          "\(secret) is no Secret of the cluster, and k3seed does not change it in servers that live",
          help: advice)
      ])
    }
    if let secret, !known.contains(secret) {
      let near = secret.suggestion(from: known, within: 3)
      throw Report([
        .error(
          "unknown-secret", at: nil, "the first server seeds no Secret from \(secret.shownName)",
          help: "\(near)it seeds from \(Set(known).sorted().joined(separator: ", "))")
      ])
    }
    try FileSystem.print(Array(plan.rotation(of: secret).utf8))
  }
}
