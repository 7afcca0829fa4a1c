import Foundation
import TestSupport

/// A stand-in for a node on OCI whose secrets are in OCI Vault, for the tests of vault.py.
///
/// vault.py itself, Python and openssl are real. They run in a `bwrap` sandbox with a network of their own, where
/// StandIns/oci_emulator.py is what OCI is elsewhere: at the same addresses and names.
struct VaultNode {
  /// The emulator's plan; see StandIns/oci_emulator.py.
  var plan: [String: Any] = [:]
  /// Name and version of each secret, in the order of `K3SEED_VAULT`.
  var secrets: [Secret] = []
  /// More lines of bootstrap.env.
  var variables: [String: String] = [:]
  /// More of the client's environment, as `NAME=value`.
  var environment: [String] = []
  /// What the names of OCI's services are here.
  var names = [
    "federation auth.eu-frankfurt-1.oraclecloud.com",
    "secrets secrets.vaults.eu-frankfurt-1.oci.oraclecloud.com",
  ]
  /// How often the engine tries; it stops at the first try that ends well or cannot.
  var tries = 1
  /// Files in the folder of the secrets from the beginning.
  var present: [String: String] = [:]
  var hasIPv4 = true
  /// Whether there is a proxy, at 10.0.0.9:3128; see StandIns/proxy.py.
  var hasProxy = false
  /// Whether each process's arguments, environment and opened files are kept. Pauses are real then, and not kept.
  var isTraced = false

  struct Secret {
    var name: String
    var value: [UInt8]
    /// What follows the OCID.
    var query = ""
    var number = 1
    var versionName: String?
    var stages = ["CURRENT", "LATEST"]

    init(
      _ name: String, _ value: String, query: String = "", number: Int = 1, versionName: String? = nil,
      stages: [String] = ["CURRENT", "LATEST"]
    ) {
      (self.name, self.value, self.query) = (name, Array(value.utf8), query)
      (self.number, self.versionName, self.stages) = (number, versionName, stages)
    }

    var ocid: String { VaultNode.ocid(name) }
  }

  static func ocid(_ name: String) -> String {
    "ocid1.vaultsecret.oc1.eu-frankfurt-1.amaaaaaa\(name.replacing("_", with: ""))"
  }

  /// What happened.
  struct Outcome {
    var status: Int32
    /// The stage's log.
    var log: [String]
    /// Each request that the emulator got.
    var requests: [Request]
    var root: URL

    func bytes(_ path: String) -> [UInt8]? {
      (try? Data(contentsOf: root.appendingPathComponent(path))).map(Array.init)
    }
    func lines(_ path: String) -> [String] {
      bytes(path).map { String(decoding: $0, as: UTF8.self) }?.split(separator: "\n").map(String.init) ?? []
    }
    func value(_ name: String) -> [UInt8]? { bytes("run/k3seed/seed/\(name)") }
    /// Whatever is in the folder of the secrets, whole or not.
    var files: [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: root.path + "/run/k3seed/seed")) ?? []).sorted()
    }
    func requests(at service: String) -> [Request] {
      requests.filter { $0.at == service && $0.method != nil }
    }
  }

  struct Request: Decodable {
    var at: String
    var method: String?
    var host: String?
    var target: String?
    var status: Int
    var why: String
    var session: String?
    var token: Int?
  }

  static let script = Tool.root.appendingPathComponent("templates/guest/vault.py")
  private static let venv = Tool.root.appendingPathComponent(".venv").path

  /// Whether such a sandbox, the emulator and the SDK work here.
  static let works: Bool = {
    guard let bwrap = Tool.find("bwrap"), Tool.has("openssl") else { return false }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: bwrap)
    process.arguments =
      isolation + [
        "--uid", "0", "bash", "-c", "ip address add 169.254.169.254 dev lo && exec \"$0\" -c \"$1\"",
        "\(venv)/bin/python", "import cryptography, sys; sys.path.append('\(venv)/oci'); import oci",
      ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  private static let isolation = [
    "--unshare-all", "--cap-add", "ALL", "--die-with-parent", "--clearenv",
    "--setenv", "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
  ]

  /// Nodes run a few at a time, so that no time limit is spent on waiting for a processor.
  private actor Gate {
    private var free = 3
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func enter() async {
      guard free == 0 else { return free -= 1 }
      await withCheckedContinuation { waiting.append($0) }
    }

    func leave() {
      if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
  }

  private static let gate = Gate()

  /// Runs the stage, or the SDK with arguments, and gives what happened to the checks while its folder is there.
  func run<Value>(
    sdk arguments: [String]? = nil, _ check: (Outcome, Tool.Outcome) async throws -> Value
  ) async throws -> Value {
    try await withTemporaryDirectory { root in
      try lay(in: root)
      let binds = [
        ("etc", "/etc"), ("var", "/var"), ("run", "/run"), ("tmp", "/tmp"), ("local", "/usr/local"),
      ]
      let command =
        ["timeout", "-s", "KILL", "180", "bwrap"] + Self.isolation
        + binds.flatMap { ["--bind", root.appendingPathComponent($0).path, $1] }
        + ["--ro-bind", Self.venv, "/usr/local/lab/venv", "--uid", "0", "/usr/local/lab/vault-node.sh"]
      await Self.gate.enter()
      let result: Tool.Outcome
      do {
        result = try await Tool.run(command + (arguments.map { ["sdk"] + $0 } ?? ["engine"]))
        await Self.gate.leave()
      } catch {
        await Self.gate.leave()
        throw error
      }
      var outcome = Outcome(status: result.status, log: [], requests: [], root: root)
      outcome.log = outcome.lines("var/lab/log")
      outcome.requests = try outcome.lines("var/lab/oci/requests.jsonl").map {
        try JSONDecoder().decode(Request.self, from: Data($0.utf8))
      }
      return try await check(outcome, result)
    }
  }

  private func lay(in root: URL) throws {
    func write(_ path: String, _ bytes: some Sequence<UInt8>, mode: Int = 0o644) throws {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }
    for folder in ["etc/ssl/certs", "run/k3seed/seed", "tmp", "local/lab/venv", "var/tmp"] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(folder), withIntermediateDirectories: true)
    }
    for name in ["oci_emulator.py", "oci_sdk.py", "pauses.py", "proxy.py", "vault-node.sh"] {
      try write(
        "local/lab/\(name)", Data(contentsOf: Node.standIns.appendingPathComponent(name)), mode: 0o755)
    }
    try write("local/sbin/k3seed-vault", Self.stripped().utf8, mode: 0o755)
    var plan = plan
    if plan["secrets"] == nil {
      let versions = secrets.map { secret in
        [
          "number": secret.number, "name": secret.versionName as Any? ?? NSNull(), "stages": secret.stages,
          "base64": Data(secret.value).base64EncodedString(),
        ] as [String: Any]
      }
      plan["secrets"] = Dictionary(grouping: zip(secrets.map(\.ocid), versions), by: \.0).mapValues {
        ["versions": $0.map(\.1)]
      }
    }
    try write("var/lab/plan.json", JSONSerialization.data(withJSONObject: plan))
    var environment = variables
    if environment["K3SEED_VAULT"] == nil {
      environment["K3SEED_VAULT"] = secrets.map { "\($0.name)=\($0.ocid)\($0.query)" }.joined(separator: " ")
    }
    let calls = "execve,open,openat,openat2,creat,memfd_create"
    let runner =
      isTraced
      ? "\(Tool.find("strace") ?? "strace") -f -qq -A -v -s 1000000 -o /var/lab/strace -e trace=\(calls)"
      : "/usr/bin/python3 -I /usr/local/lab/pauses.py"
    let texts = [
      "etc/k3seed/bootstrap.env": environment.sorted { $0.key < $1.key }.map { "\($0)='\($1)'\n" }.joined(),
      "etc/nsswitch.conf": "hosts: files\n", "etc/hosts": "", "etc/ssl/certs/ca-certificates.crt": "",
      "etc/ssl/openssl.cnf": try String(contentsOfFile: "/etc/ssl/openssl.cnf", encoding: .utf8),
      "var/lab/names": names.map { "\($0)\n" }.joined(), "var/lab/tries": "\(tries)\n",
      "var/lab/environment": self.environment.joined(separator: " "), "var/lab/runner": runner,
    ]
    for (path, text) in texts { try write(path, text.utf8) }
    for (name, text) in present { try write("run/k3seed/seed/\(name)", text.utf8, mode: 0o600) }
    if !hasIPv4 { try write("var/lab/ipv6", []) }
    if hasProxy { try write("var/lab/proxy", []) }
  }

  /// The script as it travels: without lines that are only a comment, and without blank ones.
  static func stripped() throws -> String {
    try String(contentsOf: script, encoding: .utf8).split(separator: "\n").filter { line in
      let text = line.drop { $0 == " " }
      return !text.isEmpty && (!text.hasPrefix("#") || text.hasPrefix("#!"))
    }.joined(separator: "\n") + "\n"
  }
}
