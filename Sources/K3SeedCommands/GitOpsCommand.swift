import ArgumentParser

struct GitOpsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gitops",
    abstract: "Writes, checks and draws the App-of-Apps tree that argocd-root follows.",
    subcommands: [
      GitOpsRenderCommand.self, GitOpsCheckCommand.self, GitOpsGraphCommand.self, GitOpsStatusCommand.self,
      GitOpsRefreshCommand.self,
    ])
}
