public import Diagnostics
import GitOps
import Plan
public import UserData

extension Project.Rendering {
  /// What will happen when the node boots.
  public var preview: Preview { Preview(userData, plan: plan) }

  /// What was found on the way, and what a look at the user-data itself finds.
  public var findings: Report {
    var all = report
    all.add(Trial(of: [("user-data of \(userData.node.title)", userData)], templates).report)
    all.removeRepetitions()
    return all
  }

  /// The preview as one page for a browser: it loads nothing, needs no script, and holds no secret.
  public var html: String {
    PreviewPage(preview: preview, findings: findings, gitOps: gitOps).html
  }

  /// What the first server hands the cluster over to; nil on other nodes.
  private var gitOps: PreviewPage.GitOps? {
    guard userData.node.isFirstServer, let url = plan.gitURL?.value else { return nil }
    var report = Report()
    let tree = plan.gitOps(report: &report)
    return PreviewPage.GitOps(
      repository: url, path: plan.gitPath.value, revision: plan.gitRevision.value, graph: tree?.graph,
      missing: report.diagnostics.filter { $0.severity == .error }.map(\.message))
  }
}
