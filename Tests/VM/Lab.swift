import Foundation
import TestSupport
import Testing

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

  /// The payload of a first server, for the lab's mirror and with its hashes.
  ///
  /// - Parameters:
  ///   - example: the folder of the Terraform outputs below `examples`.
  ///   - more: lines for `k3seed.yaml`.
  static func payload(of example: String, more: String = "") async throws -> String {
    let config = try String(contentsOfFile: "\(folder ?? "")/k3seed.yaml", encoding: .utf8)
    let outputs = Tool.root.appendingPathComponent("examples/\(example)/outputs.json")
    return try await withTemporaryDirectory { scratch in
      let file = scratch.appendingPathComponent("k3seed.yaml")
      try Data((config + more).utf8).write(to: file)
      // The guest has the one address that QEMU's user network gives.
      let text = try String(contentsOf: outputs, encoding: .utf8)
        .replacing(/"10\.20\.[01]\.11"/, with: #""10.0.2.15""#)
      let outcome = try await Tool.k3seed(
        ["render", "--config", file.path, "--role", "server"], input: text)
      guard outcome.status == 0 else { throw Failure(message: outcome.errors) }
      return outcome.text
    }
  }

  /// A payload with what a test needs beside it; its own bytes stay as they are.
  ///
  /// - Parameters:
  ///   - faults: what the stand-in for K3s does wrong; see Tests/VM/lab/README.md.
  ///   - deadlines: of the bootstrap's stages, in seconds, so that a failure does not take what a slow cloud is given.
  ///   - replacing: other text.
  ///   - files: more files, as entries of `write_files`.
  ///   - boot: commands for every boot, before anything is written.
  ///   - before: commands before the bootstrap is started.
  ///   - after: commands when it has ended; the last one decides on cloud-init's status.
  static func payload(
    _ text: String? = nil, faults: [String] = [], deadlines: [String: Int] = [:],
    replacing: [String: String] = [:],
    files: [String] = [], boot: [String] = [], before: [String] = [], after: [String] = []
  ) async throws -> String {
    var payload = if let text { text } else { try await Self.payload(of: "literal") }
    var files = files
    if !faults.isEmpty { files.append(file("/etc/k3seed-lab/faults", faults.joined(separator: " "))) }
    if !deadlines.isEmpty {
      let lines = deadlines.sorted { $0.key < $1.key }.map {
        "Environment=K3SEED_DEADLINE_\($0.key)=\($0.value)"
      }
      files.append(
        file(
          "/etc/systemd/system/k3seed-bootstrap.service.d/lab.conf",
          (["[Service]"] + lines).joined(separator: "\n")))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    func items(_ commands: [String]) throws -> String {
      try commands.map { "- \(String(decoding: try encoder.encode($0), as: UTF8.self))\n" }.joined()
    }
    let start = "- - systemctl\n  - enable\n  - '--now'\n  - k3seed-bootstrap.service\n"
    let changes =
      replacing.map { ($0.key, $0.value) } + [
        ("\nwrite_files:\n", "\nwrite_files:\n\(files.joined())"),
        ("\nbootcmd:\n", "\nbootcmd:\n\(try items(boot))"),
        (start, try items(before) + start + items(after)),
      ]
    for (old, new) in changes {
      guard payload.contains(old) else { throw Failure(message: "the payload has no \(old)") }
      payload = payload.replacingOccurrences(of: old, with: new)
    }
    return payload
  }

  /// An entry of `write_files`.
  static func file(_ path: String, _ text: String, mode: String = "0644") -> String {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }
    return "- path: \(path)\n  permissions: '\(mode)'\n  content: |\n\(lines.joined())"
  }

  /// A file of the folder `lab`.
  static func source(_ name: String) throws -> String {
    try String(contentsOf: Tool.root.appendingPathComponent("Tests/VM/lab/\(name)"), encoding: .utf8)
  }

  /// Commands after the bootstrap that show on the console what `k3seed-status` says, and fail where the bootstrap did,
  /// or where a program ran that nobody had verified.
  static let shown = [
    "k3seed-status | sed 's/^/status: /' >/dev/console",
    "systemctl is-active -q k3seed-bootstrap && ! test -e /etc/k3seed-lab/ran-unverified",
  ]

  /// Expects that a stage of the bootstrap has failed within its deadline, and that this and why is said on the console, by
  /// `k3seed-status`, by cloud-init and in the report. The payload has `shown`.
  static func expectFailure(
    _ outcome: Outcome, in stage: String, _ words: [String], deadline: Int,
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)", sourceLocation: location)
    let failed = outcome.names("failed")
    for name in ["bootstrap-complete", "cloud-init-clean"] {
      #expect(failed.contains(name), "\(failed)", sourceLocation: location)
    }
    let places = [
      ("the console", outcome.lines("k3seed: \(stage): FAILED: ")),
      ("k3seed-status", outcome.lines("status: \(stage): failed, attempt ")),
      ("the report", [outcome.detail("bootstrap-complete")].filter { $0.contains("\(stage): FAILED: ") }),
    ]
    for (place, lines) in places {
      for word in words {
        #expect(
          lines.contains { $0.contains(word) }, "\(place): \(word) in \(lines)", sourceLocation: location)
      }
    }
    let seconds = outcome.lines("status: \(stage): failed (").first?.firstMatch(of: /failed \(([0-9]+) s/)
      .flatMap { Int($0.1) }
    // An attempt that begins just before the deadline ends with it; an emulated machine takes seconds to do so.
    #expect(seconds.map { $0 <= deadline + 5 } == true, "\(seconds ?? -1) s", sourceLocation: location)
  }

  /// A program of the tests that serves the guest, for as long as something is done.
  static func serving<Value>(
    _ arguments: [String], _ body: (FileHandle) async throws -> Value
  ) async throws -> Value {
    let server = Process()
    let (input, output) = (Pipe(), Pipe())
    server.executableURL = URL(fileURLWithPath: Tool.root.appendingPathComponent(".venv/bin/python").path)
    server.arguments = ["-I"] + arguments
    server.standardInput = input
    server.standardOutput = output
    try server.run()
    // Its `waitUntilExit` may wait for ever in a thread that is not the first.
    defer { kill(server.processIdentifier, SIGKILL) }
    return try await body(output.fileHandleForReading)
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

    /// The console's lines that some words stand in.
    func lines(_ words: String) -> [String] {
      (report["console"] as? [String] ?? []).filter { $0.contains(words) }
    }

    /// The lines of all evidence.
    var evidence: String {
      (report["evidence"] as? [[String: Any]] ?? [])
        .flatMap { ($0["lines"] as? [String] ?? []) }.joined(separator: "\n")
    }
  }

  /// A fault that a test injects, for the table of faults in the documentation.
  struct Fault: Encodable {
    var fault: String
    /// Where it is injected.
    var place: String
    /// What is to become of it.
    var expected: String

    init(_ fault: String, at place: String, _ expected: String) {
      (self.fault, self.place, self.expected) = (fault, place, expected)
    }
  }

  /// Notes which faults the case of a name has.
  static func note(_ faults: [Fault], of name: String) throws {
    try FileManager.default.createDirectory(at: reports, withIntermediateDirectories: true)
    try JSONEncoder().encode(faults).write(to: reports.appendingPathComponent("\(name).faults"))
  }

  /// Verifies user-data with the program itself, and keeps the report under the name of the case.
  static func verify(
    _ userData: String, as name: String, _ arguments: [String] = [], image: String = "debian-12",
    environment: [String: String] = [:], faults: [Fault] = []
  ) async throws -> Outcome {
    try note(faults, of: name)
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
