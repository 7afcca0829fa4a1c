import ArgumentParser
import Diagnostics
import GitOps
import YAML

struct GitOpsRefreshCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refresh",
    abstract: "Lets Argo CD compare Applications with git now, and sync them where asked.",
    discussion: "Nothing is asked of any Application unless it can be asked of all of them.")

  @OptionGroup var kubectl: Kubectl

  @Argument(help: "The Applications.")
  var app: [String] = []

  @Flag(help: "Also make the manifests anew, past all caches.")
  var hard = false

  @Flag(help: "Also sync, as each Application's own policy says.")
  var sync = false

  @Flag(help: "Also end the operation in progress, which may be retrying an old commit.")
  var terminate = false

  @Option(help: ArgumentHelp("All Applications of a phase.", valueName: "phase"))
  var allInPhase: Int?

  func validate() throws {
    if app.isEmpty && allInPhase == nil {
      throw ValidationError("Name an Application, or a phase with --all-in-phase.")
    }
    if sync && terminate {
      throw ValidationError("End the operation with --terminate first, then run this again with --sync.")
    }
  }

  func run() throws {
    let cluster = try ClusterState(of: kubectl)
    var findings: [Diagnostic] = []
    var wanted: [Refresh] = []
    for state in try Refresh.chosen(app, phase: allInPhase, of: cluster) {
      do {
        wanted.append(try Refresh(state, isHard: hard, syncs: sync, terminates: terminate))
      } catch {
        findings += error.diagnostics
      }
    }
    guard findings.isEmpty else { throw Report(findings) }
    let (kubectl, asked, task) = (kubectl, wanted, task)
    try waiting {
      for refresh in asked {
        let patch = String(decoding: JSON.emit(refresh.patch), as: UTF8.self)
        _ = try await kubectl.run(
          ["patch", "--type", "merge", "--patch", patch, "--", "applications.argoproj.io", refresh.name])
        FileSystem.say("asked Argo CD to \(task) \(refresh.name)\n")
      }
    }
  }

  private var task: String {
    (terminate ? "end the operation of, and " : "") + "refresh" + (hard ? " (hard)" : "")
      + (sync ? " and sync" : "")
  }
}
