import ArgumentParser
import Diagnostics
import GitOps
import SystemPackage
import YAML

struct GitOpsStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows a cluster's Applications by phase, and what those that are stuck wait for.",
    discussion: "Exit codes: 0 all are synced and healthy; 1 some are not; 69 kubectl is missing or fails.")

  enum Format: String, CaseIterable, ExpressibleByArgument { case text, json }

  @OptionGroup var kubectl: Kubectl

  @Option(help: "How to print it.")
  var format = Format.text

  func run() throws {
    let state = try ClusterState(of: kubectl)
    switch format {
    case .text:
      let style = Terminal.style(of: .standardOutput) ?? .none
      try FileSystem.print(Array(state.text(style: style).withoutCommands.utf8))
    case .json: try FileSystem.print(JSON.emit(state.document) + [UInt8(ascii: "\n")])
    }
    if !state.isDone { throw ExitCode(1) }
  }
}

extension ClusterState {
  /// Asks the cluster.
  init(of kubectl: Kubectl) throws {
    let list = try waiting { try await kubectl.run(["get", "applications.argoproj.io", "--output", "json"]) }
    try self.init(list, source: "kubectl")
  }
}
