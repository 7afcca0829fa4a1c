import Foundation
import TestSupport

/// What the VM tests boot, and what they boot it against: `scripts/lab` builds the latter, `k3seed image build` the
/// images.
enum Lab {
  /// How much is run: nothing unless it is asked for, as every boot takes a minute or more.
  enum Extent: String {
    /// One boot that passes, one that must fail, and what takes seconds.
    case smoke
    /// Everything.
    case matrix
  }

  static let environment = ProcessInfo.processInfo.environment
  /// What was asked for.
  static let extent = environment["K3SEED_VM"].flatMap(Extent.init)
  /// The folder of the control plane and the mirror.
  static let folder: String? = environment["K3SEED_LAB"]
  /// Whether the boots of the smoke can be run.
  static let isHere = extent != nil && folder != nil
  /// Whether everything is run.
  static let isWhole = isHere && extent == .matrix
  static let whySkipped: String =
    "needs K3SEED_VM and K3SEED_LAB, which make test-vm and make test-matrix set"

  /// Where reports stay, for the page of results.
  static let reports = Tool.root.appendingPathComponent(".build/vm")

  /// The literal payload of a first server, for the lab's mirror and with its hashes.
  static func payload() async throws -> String {
    let folder = try String(contentsOfFile: "\(folder ?? "")/k3seed.yaml", encoding: .utf8)
    return try await withTemporaryDirectory { scratch in
      let config = scratch.appendingPathComponent("k3seed.yaml")
      try Data(folder.utf8).write(to: config)
      let outcome = try await Tool.k3seed([
        "render", "--input", Tool.root.appendingPathComponent("examples/literal/outputs.json").path,
        "--config",
        config.path, "--role", "server",
      ])
      guard outcome.status == 0 else { throw Failure(message: outcome.errors) }
      return outcome.text
    }
  }

  /// The payload with more files, and with other text.
  ///
  /// - Parameters:
  ///   - faults: what the stand-in for K3s does wrong; see Tests/VM/lab/README.md.
  ///   - deadlines: of the bootstrap's stages, in seconds, so that a failure does not take what a slow cloud is given.
  static func payload(
    faults: [String] = [], deadlines: [String: Int] = [:], replacing: [String: String] = [:]
  ) async throws -> String {
    var text = try await payload()
    for (old, new) in replacing {
      guard text.contains(old) else { throw Failure(message: "the payload has no \(old)") }
      text = text.replacingOccurrences(of: old, with: new)
    }
    var files = ""
    if !faults.isEmpty {
      files += "- path: /etc/k3seed-lab/faults\n  content: \(faults.joined(separator: " "))\n"
    }
    if !deadlines.isEmpty {
      files +=
        "- path: /etc/systemd/system/k3seed-bootstrap.service.d/lab.conf\n  content: |\n    [Service]\n"
      for (stage, seconds) in deadlines.sorted(by: { $0.key < $1.key }) {
        files += "    Environment=K3SEED_DEADLINE_\(stage)=\(seconds)\n"
      }
    }
    return text.replacingOccurrences(of: "\nwrite_files:\n", with: "\nwrite_files:\n\(files)")
  }

  struct Failure: Error, CustomStringConvertible {
    var message: String
    var description: String { message }
  }

  /// What a verification came to.
  struct Outcome {
    /// The exit code.
    var status: Int32
    /// The report, as JSON.
    var report: [String: Any]
    /// What people see.
    var text: String

    var verdict: String? { report["verdict"] as? String }
    var cause: String? { (report["cause"] as? [String: Any])?["code"] as? String }
    var message: String? { (report["cause"] as? [String: Any])?["message"] as? String }
    var checks: [[String: Any]] { report["checks"] as? [[String: Any]] ?? [] }
    var seconds: Double { report["seconds"] as? Double ?? 0 }

    /// The names of the checks with an outcome.
    func names(_ outcome: String) -> [String] {
      checks.filter { $0["outcome"] as? String == outcome }.compactMap { $0["name"] as? String }
    }

    /// What a check found.
    func detail(_ name: String) -> String {
      checks.first { $0["name"] as? String == name && $0["outcome"] as? String == "failed" }?["detail"]
        as? String
        ?? ""
    }

    /// The lines of all evidence.
    var evidence: String {
      (report["evidence"] as? [[String: Any]] ?? [])
        .flatMap { ($0["lines"] as? [String] ?? []) }.joined(separator: "\n")
    }
  }

  /// Verifies user-data with the program itself, and keeps the report under the name of the case.
  static func verify(
    _ userData: String, as name: String, _ arguments: [String] = [], image: String = "debian-12",
    environment: [String: String] = [:]
  ) async throws -> Outcome {
    try FileManager.default.createDirectory(at: reports, withIntermediateDirectories: true)
    return try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("user-data")
      try Data(userData.utf8).write(to: file)
      let json = reports.appendingPathComponent("\(name).json")
      try? FileManager.default.removeItem(at: json)
      let outcome = try await Tool.k3seed(
        [
          "verify", file.path, "--image", image, "--report", "json=\(json.path)",
          "--report", "html=\(reports.path)/\(name).html",
        ] + arguments, environment: environment)
      guard let data = try? Data(contentsOf: json),
        let report = try JSONSerialization.jsonObject(with: data) as? [String: Any]
      else { throw Failure(message: "no report: \(outcome.status) \(outcome.errors)") }
      return Outcome(status: outcome.status, report: report, text: outcome.text)
    }
  }

  /// The arguments for a boot against the lab's mirror.
  static let mirror = ["--mirror", "\(folder ?? "")/mirror"]
}
