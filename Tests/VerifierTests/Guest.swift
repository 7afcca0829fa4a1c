import Foundation
import TestSupport

@testable import Verifier

/// A stand-in for a guest, in which the real probe runs; see Samples/guest.py.
struct Guest {
  var userData: [UInt8]
  var probe = Probe(nonce: "the-nonce", key: "the-key", beat: 0.3)
  /// What the stand-ins of systemctl and journalctl answer.
  var answers: [String: String] = [:]
  /// Files of the guest, with their modes.
  var files: [String: (content: [UInt8], mode: Int)] = [:]
  /// Whether ``files`` brings what cloud-init is to have stored as user-data.
  var keepsUserData = false
  /// Whether what the user-data's write_files names is there, and which of it has been removed again.
  var writesFiles = false
  var removed: [String] = []
  /// What the API server has, by path; without it there is none.
  var objects: [String: Any]?
  /// Programs that run in it, by their environments.
  var environments: [[String: String]] = []
  var isBootstrapping = false
  /// What happens; see Samples/guest.py.
  var steps: [[String: Any]]
  /// Paths whose presence is asked for at the end.
  var shown: [String] = []

  /// What came of it.
  struct Outcome {
    var status: Int32
    var raw: [UInt8]
    var errors: String
    var events: [Event]
    var refused: [Event.Refusal: Int]

    func facts(_ why: String) -> Facts? {
      events.compactMap { if case .facts(let facts, why) = $0.kind { facts } else { nil } }.last
    }
  }

  static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Samples")

  private static let isolation: [String] = {
    // Debian's Python of the project's environment has PyYAML, as every image with cloud-init.
    let environment = Tool.root.appendingPathComponent(".venv").resolvingSymlinksInPath().path
    let hasEnvironment = FileManager.default.fileExists(atPath: environment)
    return [
      "bwrap", "--unshare-all", "--uid", "0", "--gid", "0", "--cap-add", "ALL", "--die-with-parent",
      "--clearenv",
      "--setenv", "PATH",
      "/usr/local/sbin:/usr/local/lab/python/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
    ]
      + ["/etc", "/home", "/opt", "/root", "/run", "/srv", "/sys", "/tmp", "/usr/local", "/var"]
      .flatMap { ["--tmpfs", $0] }
      + ["--ro-bind", samples.appendingPathComponent("guest.py").path, "/usr/local/lab/guest.py"]
      + (hasEnvironment ? ["--ro-bind", environment, "/usr/local/lab/python"] : [])
      // openssl reads its settings, and Python its certificates, from here.
      + ["--ro-bind", "/etc/ssl", "/etc/ssl"]
  }()

  /// Whether such a sandbox works here.
  static let works: Bool = {
    guard let bwrap = Tool.find("bwrap"), Tool.has("openssl") else { return false }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: bwrap)
    process.arguments = isolation.dropFirst() + ["python3", "-I", "-c", "import yaml"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// Runs it to its end.
  func run() async throws -> Outcome {
    let promises = Promises(userData: userData)
    var files = files
    if !keepsUserData { files["/var/lib/cloud/instance/user-data.txt"] = (userData, 0o600) }
    var scenario: [String: Any] = [
      "vendor_data": Data(probe.vendorData(for: promises)).base64EncodedString(),
      "answers": answers, "environments": environments, "bootstrapping": isBootstrapping, "steps": steps,
      "show": shown, "writes_files": writesFiles, "removed": removed,
      "files": files.mapValues { ["content": Data($0.content).base64EncodedString(), "mode": $0.mode] },
    ]
    scenario["objects"] = objects
    let input = try JSONSerialization.data(withJSONObject: scenario)
    let result = try await Tool.run(
      ["timeout", "-s", "KILL", "90"] + Guest.isolation + ["python3", "/usr/local/lab/guest.py"],
      input: Array(input))
    var decoder = EventDecoder(nonce: probe.nonce)
    let events = decoder.events(of: result.output)
    return Outcome(
      status: result.status, raw: result.output, errors: result.errors, events: events,
      refused: decoder.refused)
  }

  /// What cloud-init writes about itself when all is well.
  static let cloudInit: [String: (content: [UInt8], mode: Int)] = {
    let stage = #"{"start": 1.0, "finished": 2.0, "errors": []}"#
    let status =
      #"{"v1": {"datasource": "DataSourceNoCloudNet [seed=dmi]", "stage": null, "init-local": \#(stage), "init": \#(stage), "modules-config": \#(stage), "modules-final": \#(stage)}}"#
    let log = """
      2026-11-22 20:00:00,000 - util.py[DEBUG]: Cloud-init v. 22.4.2 running 'init-local' at Sun
      2026-11-22 20:00:01,000 - util.py[DEBUG]: nothing to see

      """
    return [
      "/run/cloud-init/status.json": (Array(status.utf8), 0o644),
      "/run/cloud-init/result.json": (
        Array(#"{"v1": {"datasource": "DataSourceNoCloudNet", "errors": []}}"#.utf8), 0o644
      ),
      "/var/log/cloud-init.log": (Array(log.utf8), 0o640),
    ]
  }()
}
