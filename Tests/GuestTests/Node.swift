import Foundation
import Plan
import TestSupport

/// A stand-in for a node on its first boot: the files as cloud-init would leave them, and what answers the bootstrap.
///
/// The bootstrap itself, bash, coreutils, curl and `kubectl kustomize` are real. They run in a `bwrap` sandbox, as
/// root of a user namespace, with a network of their own. The programs in StandIns are not real, and say so.
struct Node {
  /// bootstrap.env; a nil leaves the variable out.
  var variables: [String: String?]
  /// /var/lib/k3seed/secrets.
  var secrets: [String: [UInt8]] = [
    "k3s_token": Array("K10-canary-token".utf8),
    "cloudflare_api_token": Array("cf-canary-token".utf8),
  ]
  /// Files below `/etc`, `/var` and `/usr/local`, by their whole path; they replace those made here.
  var files: [String: String] = [:]
  /// How the stand-in kubectl answers; see StandIns/k3s. The first match counts, so these go before ``usual``.
  var answers: [Answer] = []
  /// A folder with `etcd` and `kube-apiserver`, for a real API server; see StandIns/api-server.sh.
  var api: String?
  /// The CRDs that K3s and Argo CD's chart bring.
  private static let crds = Tool.root.appendingPathComponent("Tests/VM/lab/crds").path
  /// Whether the bootstrap is started by root.
  var isRoot = true
  /// The bootstrap's arguments.
  var arguments: [String] = []
  /// The stage in which the power is cut; the node then boots again.
  var cut: String?

  struct Answer {
    var times = 0
    var status = 0
    var pattern: String
    var output = ""
  }

  /// A cluster where everything is well.
  static let usual: [Answer] = [
    Answer(pattern: "*get node/*type=='Ready'*", output: "True"),
    Answer(pattern: "*get crd/*type=='Established'*", output: "True"),
    Answer(pattern: "*get -n kube-system job/helm-install-argocd *type=='Complete'*", output: "True"),
    Answer(pattern: "*get -n kube-system helmchart/argocd *", output: "argocd "),
  ]

  /// What happened.
  struct Outcome {
    var status: Int32
    /// What went to the console, with the seconds of finished stages as `N`.
    var console: [String]
    /// Everything on standard output and error, as it was.
    var raw: String
    /// The folder that holds `etc`, `var`, `run` and `local`, as the node left them.
    var root: URL

    func bytes(_ path: String) -> [UInt8]? {
      (try? Data(contentsOf: Node.place(path, in: root))).map(Array.init)
    }
    func text(_ path: String) -> String? { bytes(path).map { String(decoding: $0, as: UTF8.self) } }
    func lines(_ path: String) -> [String] { (text(path) ?? "").split(separator: "\n").map(String.init) }
    func exists(_ path: String) -> Bool {
      FileManager.default.fileExists(atPath: Node.place(path, in: root).path)
    }
    func mode(_ path: String) -> Int? {
      let file = Node.place(path, in: root).path
      return (try? FileManager.default.attributesOfItem(atPath: file))?[.posixPermissions] as? Int
    }
  }

  static let standIns = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("StandIns")
  static let guest = Tool.root.appendingPathComponent("templates/guest")
  static let unit = guest.appendingPathComponent("k3seed-bootstrap.service")

  /// Whether such a sandbox works here.
  static let works: Bool = {
    guard let bwrap = Tool.find("bwrap"), Tool.has("kubectl"), Tool.has("openssl") else { return false }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: bwrap)
    process.arguments =
      isolation + [
        "--uid", "0", "bash", "-c",
        "ip route add default dev lo && nft list ruleset && curl -V && python3 -V",
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
    "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
  ]
  /// Where the host has it, the node would write into it.
  private static let plugins = "/usr/share/netfilter-persistent"

  /// Nodes boot a few at a time, so that the short deadlines of some are not spent on waiting for a processor.
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

  /// A node of a role whose every download is there, well, and found at the first address.
  init(role: String = "server", first: Bool = true) throws {
    let sha256 = try ["k3s", "install.sh"].map {
      try Node.sha256(of: Node.standIns.appendingPathComponent($0))
    }
    variables = [
      "K3SEED_ROLE": role, "K3SEED_SEED": role == "server" && first ? "yes" : "no", "K3SEED_NODE_NAME": "",
      "K3SEED_PEERS": "", "K3SEED_CLUSTER_EXISTS": "no", "K3SEED_HARDENED": "no",
      "K3SEED_SECRETS": "", "K3SEED_VAULT": "", "K3SEED_NAT": role == "ingress" ? "yes" : "no",
      "K3SEED_IPV4": "yes",
      "K3S_VERSION": "v1.36.4+k3s1", "K3S_SHA256_AMD64": sha256[0], "K3S_SHA256_ARM64": sha256[0],
      "K3S_SHA256_INSTALL": sha256[1], "K3S_BINARY_URLS": "http://127.0.0.1:8000/ok",
      "K3S_INSTALL_URLS": "http://127.0.0.1:8000/ok/install.sh",
    ]
    if !first || role != "server" { secrets["cloudflare_api_token"] = nil }
    files["/etc/k3seed/firewall.rules"] = try Network.rules(
      Role(rawValue: role) ?? .agent, metadata: "denied")
  }

  /// The script, its parts one after another.
  static func whole() throws -> String {
    try ["bootstrap.sh", "firewall.sh", "engine.sh"].map {
      try String(contentsOf: guest.appendingPathComponent($0), encoding: .utf8)
    }.joined()
  }

  /// The script as it travels: without lines that are only a comment, and without blank ones.
  static func stripped() throws -> String {
    try whole().split(separator: "\n").filter { line in
      let text = line.drop { $0 == " " }
      return !text.isEmpty && (!text.hasPrefix("#") || text.hasPrefix("#!"))
    }.joined(separator: "\n") + "\n"
  }

  static func sha256(of file: URL) throws -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/sha256sum")
    process.arguments = [file.path]
    process.standardOutput = pipe
    try process.run()
    let line = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: line.prefix(64), as: UTF8.self)
  }

  /// Boots it, and gives what happened to the checks while its folder is still there.
  func boot<Value>(_ check: (Outcome) async throws -> Value) async throws -> Value {
    try await withTemporaryDirectory { root in
      try lay(in: root)
      let command =
        ["timeout", "-s", "KILL", "120", "bwrap"] + Node.isolation
        + ["etc", "var", "run"].flatMap { ["--bind", root.appendingPathComponent($0).path, "/\($0)"] }
        + ["--bind", root.appendingPathComponent("local").path, "/usr/local"]
        // Where Debian's awk and iptables are links to.
        + ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
        + (FileManager.default.fileExists(atPath: Node.plugins) ? ["--tmpfs", Node.plugins] : [])
        + ["--ro-bind", Tool.find("kubectl") ?? "", "/usr/local/lab/kubectl"]
        + (api.map { ["--ro-bind", $0, "/usr/local/lab/api", "--ro-bind", Self.crds, "/usr/local/lab/crds"] }
          ?? [])
        + (isRoot ? ["--uid", "0", "/usr/local/lab/node.sh"] : ["--uid", "1000"])
      await Node.gate.enter()
      let result: Tool.Outcome
      do {
        result = try await Tool.run(command + ["/usr/local/sbin/k3seed-bootstrap"] + arguments)
        await Node.gate.leave()
      } catch {
        await Node.gate.leave()
        throw error
      }
      let raw = result.text + result.errors
      let console = raw.split(separator: "\n").map {
        $0.replacingOccurrences(of: "ok \\([0-9]+ s\\)", with: "ok (N s)", options: .regularExpression)
      }
      return try await check(Outcome(status: result.status, console: console, raw: raw, root: root))
    }
  }

  static func place(_ path: String, in root: URL) -> URL {
    root.appendingPathComponent(path.replacing("/usr/local/", with: "/local/"))
  }

  private func lay(in root: URL) throws {
    func write(_ path: String, _ bytes: some Sequence<UInt8>, mode: Int = 0o644) throws {
      let file = Node.place(path, in: root)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }
    for folder in ["run", "local/bin", "local/sbin", "var/tmp", "var/lib/k3seed"] {
      try FileManager.default.createDirectory(
        at: root.appendingPathComponent(folder), withIntermediateDirectories: true)
    }
    try write("/usr/local/sbin/k3seed-bootstrap", Node.stripped().utf8, mode: 0o755)
    for name in ["systemctl", "journalctl", "sysctl", "uname", "sleep"] {
      try write(
        "/usr/local/sbin/\(name)", Data(contentsOf: Node.standIns.appendingPathComponent(name)), mode: 0o755)
    }
    for name in ["node.sh", "server.py", "api-server.sh"] {
      try write(
        "/usr/local/lab/\(name)", Data(contentsOf: Node.standIns.appendingPathComponent(name)), mode: 0o755)
    }
    try write("/usr/local/lab/kubectl", [])
    for name in ["k3s", "install.sh"] {
      try write("/var/lab/www/\(name)", Data(contentsOf: Node.standIns.appendingPathComponent(name)))
    }
    try write("/var/lab/www/k3s-arm64", Data(contentsOf: Node.standIns.appendingPathComponent("k3s")))
    let table = (answers + Node.usual).map { "\($0.times)\t\($0.status)\t\($0.pattern)\t\($0.output)\n" }
    var texts = [
      "/var/lab/answers": table.joined(), "/var/lab/machine": "x86_64\n",
      "/var/lab/NRestarts": "0\n", "/var/lab/ActiveState": "activating\n", "/var/lab/journal": "",
      "/etc/rancher/k3s/config.yaml": "token-file: /etc/rancher/k3s/token\n",
      "/var/lib/k3seed/manifests/namespaces.yaml": Node.namespaces,
      "/var/lib/k3seed/manifests/argocd.yaml": "kind: HelmChart\n",
      "/var/lib/k3seed/manifests/argocd-root.yaml": "kind: Application\n",
      "/var/lib/k3seed/kustomization.yaml": Node.kustomization,
    ]
    var environment = variables
    if environment["K3SEED_SECRETS"] == "" {
      environment["K3SEED_SECRETS"] = secrets.keys.sorted().joined(separator: " ")
    }
    texts["/etc/k3seed/bootstrap.env"] = environment.compactMap { name, value in
      value.map { "\(name)='\($0)'\n" }
    }
    .sorted().joined()
    texts["/var/lab/cut"] = cut
    for (path, text) in texts.merging(files, uniquingKeysWith: { $1 }) {
      try write(path, text.utf8, mode: path.hasPrefix("/usr/local/bin/") ? 0o755 : 0o644)
    }
    if api != nil {
      try write("/var/lab/api", [])
      try write("/usr/local/lab/api/.keep", [])
      try write("/usr/local/lab/crds/.keep", [])
    }
    for (name, bytes) in secrets { try write("/var/lib/k3seed/secrets/\(name)", bytes, mode: 0o600) }
  }

  static let namespaces = """
    apiVersion: v1
    kind: Namespace
    metadata:
      name: cert-manager
    ---
    apiVersion: v1
    kind: Namespace
    metadata:
      name: external-dns

    """

  static let kustomization = """
    resources: [manifests/namespaces.yaml]
    generatorOptions: {disableNameSuffixHash: true}
    secretGenerator:
      - name: cloudflare-api-token
        namespace: cert-manager
        files: [api-token=secrets/cloudflare_api_token]
      - name: cloudflare-api-token
        namespace: external-dns
        files: [api-token=secrets/cloudflare_api_token]

    """
}
