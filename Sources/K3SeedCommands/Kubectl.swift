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

  /// Runs it to its end. It may ask for a password; what it says of errors becomes one finding.
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
    var words = KubectlWords()
    do {
      let result = try await Subprocess.run(
        .name("kubectl"), arguments: Arguments(all),
        input: .fileDescriptor(.standardInput, closeAfterSpawningProcess: false),
        output: .bytes(limit: 256 << 20), error: .sequence
      ) { execution in
        var words = KubectlWords()
        for try await chunk in execution.standardError {
          let question = words.take(chunk.withUnsafeBytes(Array.init))
          FileSystem.say(question)
        }
        words.finish()
        return words
      }
      words = result.closureResult
      if result.terminationStatus.isSuccess {
        FileSystem.say(words.lines.map { $0 + "\n" }.joined())
        return result.standardOutput
      }
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw Self.unavailable(
        "tool-missing", "kubectl is not on this machine",
        help: "install it, or see the cluster's Applications on the server with `sudo k3s kubectl`")
    } catch let error as SubprocessError {
      throw Self.unavailable(
        "tool-failed", "kubectl cannot be run: \(error.reason)", help: "look at the file that PATH leads to")
    }
    throw Self.unavailable(
      "kubectl-failed",
      "kubectl \(arguments.prefix(2).joined(separator: " ")) failed"
        + (words.lines.isEmpty ? "" : ": \(words.lines.joined(separator: " "))"),
      help: "try it by hand, or name another context or kubeconfig")
  }

  private static func unavailable(_ code: String, _ message: String, help: String) -> ExitCode {
    FileSystem.say(Report([.error(code, at: nil, message, help: help)]))
    return ExitCode(69)
  }
}

/// What kubectl writes to standard error: its own words, each said once, without the log of its libraries.
struct KubectlWords {
  /// At most this much of it is kept: whoever writes more is no kubectl.
  private static let limit = 1 << 16

  private(set) var lines: [String] = []
  private var pending: [UInt8] = []
  private var count = 0

  /// Takes what stands on the last line for words, as no more comes.
  mutating func finish() {
    if !pending.isEmpty { _ = take([0x0A]) }
  }

  /// Takes what has come.
  ///
  /// - Returns: what stands on the last line, which may be a question that waits for its answer.
  mutating func take(_ bytes: [UInt8]) -> String {
    count += bytes.count
    guard count <= Self.limit else { return "" }
    pending += bytes
    while let end = pending.firstIndex(of: 0x0A) {
      let line = String(decoding: pending[..<end], as: UTF8.self).printable
      pending.removeFirst(end + 1)
      // klog's header (k8s.io/klog/v2): a letter for the severity, month and day, a time.
      if line.prefixMatch(of: #/[IWEF]\d{4} \d\d:\d\d:/#) == nil, !line.isEmpty, !lines.contains(line) {
        lines.append(line)
      }
    }
    guard let first = pending.first, !"IWEF".utf8.contains(first) || pending.count > 8 else { return "" }
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }
}
