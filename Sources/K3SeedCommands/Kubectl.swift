import ArgumentParser
import Diagnostics
import Subprocess
import SystemPackage
import Verifier

/// The user's own kubectl, with the user's own kubeconfig.
struct Kubectl: ParsableArguments {
  @Option(help: ArgumentHelp("The context of the kubeconfig to use.", valueName: "name"))
  var context: String?

  @Option(help: ArgumentHelp("Another kubeconfig than kubectl would take.", valueName: "file"))
  var kubeconfig: String?

  @Option(help: ArgumentHelp("The namespace of Argo CD.", valueName: "name"))
  var namespace = "argocd"

  /// Runs it to its end. What it says of errors goes where ours do, and it may ask for a password.
  ///
  /// Not as the other programs of the host are run, whose output goes into a file without a name: objects of a cluster
  /// may hold secrets, which are in no file.
  ///
  /// - Returns: what it printed.
  /// - Throws: `ExitCode` 69 where it is not there, cannot be run, or fails.
  func run(_ arguments: [String]) async throws -> [UInt8] {
    // A list of Applications with all their objects may be large; a server that does not answer ends it.
    var all = ["--namespace", namespace, "--request-timeout", "60s"]
    if let context { all += ["--context", context] }
    if let kubeconfig { all += ["--kubeconfig", kubeconfig] }
    all += arguments
    do {
      let result = try await Subprocess.run(
        .name("kubectl"), arguments: Arguments(all),
        input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
        output: .bytes(limit: 256 << 20),
        error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
      if result.terminationStatus.isSuccess { return result.standardOutput }
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw Self.unavailable(
        "tool-missing", "kubectl is not on this machine",
        help: "install it, or see the cluster's Applications on the server with `sudo k3s kubectl`")
    } catch let error as SubprocessError {
      throw Self.unavailable(
        "tool-failed", "kubectl cannot be run: \(error.reason)", help: "look at the file that PATH leads to")
    }
    throw Self.unavailable(
      "kubectl-failed", "kubectl \(arguments.prefix(2).joined(separator: " ")) failed",
      help: "its own words are above")
  }

  private static func unavailable(_ code: String, _ message: String, help: String) -> ExitCode {
    FileSystem.say(Report([.error(code, at: nil, message, help: help)]).text)
    return ExitCode(69)
  }
}
