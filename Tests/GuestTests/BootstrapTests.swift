import Foundation
import TestSupport
import Testing

@Suite(
  "The bootstrap on a stand-in node",
  .enabled(
    if: Node.works, "needs bwrap with user namespaces, kubectl, curl, nftables, openssl, iproute2 and python3"
  ))
struct BootstrapTests {
  static let shared = ["preflight", "firewall", "download", "secrets", "install", "ready"]
  static let last = ["scrub", "complete"]

  static func done(_ stages: [String], role: String = "server", isFirst: Bool? = nil) -> [String] {
    ["k3seed: bootstrap of \(role) starts"]
      + stages.flatMap { stage in
        (stage == "install" && (isFirst ?? (role == "server")) ? [founds] : []) + [
          "k3seed: \(stage): ok (N s)"
        ]
      }
  }

  static let founds = "k3seed: founds a new cluster"
  static let cannotHelp =
    "k3seed: waiting cannot help; when it is fixed, run: systemctl restart k3seed-bootstrap"

  /// Boots a node that must fail, and checks the exit code and every line on the console.
  ///
  /// - Parameters:
  ///   - code: 10 and more where it is tried again, 30 and more where waiting cannot help.
  ///   - kept: the secrets that are left for the next try.
  ///   - founds: whether it has said that it founds a cluster before `install` fails.
  static func expect(
    _ node: Node, fails stage: String, code: Int32, saying cause: String, kept: [String]? = nil,
    founds: Bool = false, role: String = "server", sourceLocation: SourceLocation = #_sourceLocation,
    also: (Node.Outcome) async throws -> Void = { _ in }
  ) async throws {
    let all = shared + ["seed", "gitops"] + last
    let before = Array(all.prefix { $0 != stage })
    // K3s keeps its tokens, and the cluster all others.
    let secrets =
      kept
      ?? (before.contains("seed")
        ? [] : node.secrets.keys.filter { !before.contains("install") || !$0.hasPrefix("k3s_") })
    try await node.boot { outcome in
      #expect(outcome.status == code, sourceLocation: sourceLocation)
      var console = outcome.console
      if let place = console.firstIndex(where: { $0.hasPrefix("k3seed: kept in ") }) {
        let words = console.remove(at: place).split(separator: " ").map(String.init)
        #expect(
          words.prefix(8).joined(separator: " ")
            == "k3seed: kept in /var/lib/k3seed/secrets for the next try:",
          sourceLocation: sourceLocation)
        #expect(words.dropFirst(8).sorted() == secrets.sorted(), sourceLocation: sourceLocation)
      } else {
        #expect(secrets == [], sourceLocation: sourceLocation)
      }
      #expect(
        console
          == done(before, role: role) + (founds ? [Self.founds] : []) + [
            "k3seed: \(stage): FAILED: \(cause) (/run/k3seed/\(stage).log)"
          ]
          + (code < 30 ? [] : [cannotHelp]),
        sourceLocation: sourceLocation)
      #expect(
        !outcome.exists("/run/k3seed/seed"), "no secret stays in memory", sourceLocation: sourceLocation)
      #expect(!outcome.exists("/var/lib/k3seed/complete"), sourceLocation: sourceLocation)
      try await also(outcome)
    }
  }

  // MARK: What goes well

  @Test("The first server runs every stage, in order, and ends complete and without secrets")
  func firstServer() async throws {
    try await Node().boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.console == Self.done(Self.shared + ["seed", "gitops"] + Self.last))
      #expect(outcome.text("/var/lib/k3seed/complete") == "v1.36.4+k3s1\n")
      #expect(!outcome.exists("/var/lib/k3seed/secrets"))
      #expect(outcome.text("/etc/rancher/k3s/token") == "K10-canary-token")
      #expect(outcome.mode("/etc/rancher/k3s/token") == 0o600)
      #expect(!outcome.exists("/etc/rancher/k3s/agent-token"))
      #expect(outcome.lines("/var/lab/systemctl").contains("start --no-block k3s"))
      #expect(
        outcome.lines("/var/lab/requests") == ["/ok/k3s", "/ok/install.sh"])
      #expect(outcome.mode("/usr/local/bin/k3s") == 0o755)
      let environment = outcome.lines("/var/lab/install.env")
      #expect(environment.contains("export INSTALL_K3S_EXEC='server'"))
      for skip in ["DOWNLOAD", "START", "SELINUX_RPM"] {
        #expect(environment.contains("export INSTALL_K3S_SKIP_\(skip)='true'"))
      }
      #expect(environment.filter { $0.hasPrefix("export K3S") } == [], "install.sh gives these to K3s")
      let applied = outcome.text("/var/lab/applied") ?? ""
      let order = ["kind: Namespace", "kind: Secret", "kind: HelmChart", "kind: Application"]
      let places = order.map { applied.range(of: $0)?.lowerBound }
      #expect(!places.contains(nil) && places.compactMap(\.self) == places.compactMap(\.self).sorted())
      let applies = outcome.lines("/var/lab/kubectl").filter { $0.contains(" apply ") }
      #expect(applies.count == 3)
      // Helm's controller would remove a job that still runs.
      let calls = outcome.lines("/var/lab/kubectl")
      let complete = try #require(
        calls.firstIndex { $0.contains("job/helm-install-argocd") && $0.contains("Complete") })
      let patch = try #require(calls.firstIndex { $0.contains(" patch -n kube-system helmchart/argocd ") })
      #expect(complete < patch)
      #expect(calls[patch].contains(#""helmcharts.helm.cattle.io/unmanaged": "true""#))
      #expect(calls[patch].contains(#""failurePolicy": "abort""#))
      #expect(applies.allSatisfy { $0.contains("--server-side --field-manager=k3seed") })
    }
  }

  @Test(
    "A joining node waits for the first server, and neither seeds nor plants",
    arguments: [("server", "k3s", "server"), ("agent", "k3s-agent", "agent")])
  func joins(role: String, unit: String, mode: String) async throws {
    var node = try Node(role: role, first: false)
    node.secrets["k3s_agent_token"] = Array("agent-canary".utf8)
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.console == Self.done(Self.shared + Self.last, role: role, isFirst: false))
      #expect(outcome.lines("/var/lab/systemctl").contains("start --no-block \(unit)"))
      #expect(outcome.lines("/var/lab/install.env").contains("export INSTALL_K3S_EXEC='\(mode)'"))
      #expect(outcome.text("/etc/rancher/k3s/agent-token") == "agent-canary")
      #expect(!outcome.exists("/var/lib/k3seed/secrets"))
      #expect(!outcome.exists("/var/lab/applied"))
      let config =
        role == "server" ? "/etc/rancher/k3s/k3s.yaml" : "/var/lib/rancher/k3s/agent/kubelet.kubeconfig"
      let calls = outcome.lines("/var/lab/kubectl")
      #expect(!calls.isEmpty && calls.allSatisfy { $0.hasPrefix("--kubeconfig=\(config) ") })
      #expect(calls.contains { $0.contains(" get node/node-1 ") }, "K3s lower-cases the host's name")
      #expect(calls.contains { $0.contains("/readyz") } == (role == "server"))
    }
  }

  @Test("A configured node name is the one that must become Ready")
  func nodeName() async throws {
    var node = try Node()
    node.variables["K3SEED_NODE_NAME"] = "alpha"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.lines("/var/lab/kubectl").contains { $0.contains(" get node/alpha ") })
    }
  }

  @Test("Answers that come late are waited for")
  func late() async throws {
    var node = try Node()
    node.answers = [
      .init(times: 3, status: 1, pattern: "*--raw /readyz*", output: "connection refused"),
      .init(times: 2, pattern: "*get node/*", output: "False"),
      .init(times: 2, status: 1, pattern: "*sa/default*", output: "serviceaccounts \"default\" not found"),
      .init(times: 2, status: 1, pattern: "*apply*", output: "Internal error occurred"),
      .init(times: 4, status: 1, pattern: "*applications.argoproj.io*", output: "not found"),
    ]
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.console == Self.done(Self.shared + ["seed", "gitops"] + Self.last))
    }
  }

  // MARK: Preflight and firewall

  @Test("A bootstrap.env that is cut off, or is not there, is refused", arguments: [true, false])
  func environment(isThere: Bool) async throws {
    var node = try Node()
    // What is missing is the end, whatever the order.
    node.variables["K3S_INSTALL_URLS"] = .some(nil)
    if !isThere { node.variables = node.variables.mapValues { _ in nil } }
    try await Self.expect(
      node, fails: "preflight", code: 30,
      saying: "/etc/k3seed/bootstrap.env is missing or cut off; render again",
      role: isThere ? "server" : "node")
  }

  @Test("A secret that did not arrive, or arrived empty, is named", arguments: [nil, []] as [[UInt8]?])
  func secret(value: [UInt8]?) async throws {
    var node = try Node()
    node.variables["K3SEED_SECRETS"] = "cloudflare_api_token git_pat k3s_token"
    node.secrets["git_pat"] = value
    try await Self.expect(
      node, fails: "secrets", code: 33,
      saying:
        "secret git_pat did not arrive; put it into /var/lib/k3seed/secrets/git_pat, or render again",
      kept: ["cloudflare_api_token", "k3s_token"] + (value == nil ? [] : ["git_pat"]))
  }

  @Test("A complete node is left so when it is to run again without its secrets")
  func againWithoutSecrets() async throws {
    var node = try Node()
    node.arguments = ["again"]
    node.variables["K3SEED_SECRETS"] = "cloudflare_api_token k3s_token"
    node.secrets = [:]
    // K3s' own token is its copy.
    node.files["/etc/rancher/k3s/token"] = "K10-canary-token"
    for name in ["complete", "done/seed"] { node.files["/var/lib/k3seed/\(name)"] = "v1.36.4+k3s1\n" }
    try await node.boot { outcome in
      #expect(outcome.status == 33)
      #expect(
        outcome.console.contains(
          "k3seed: secrets: FAILED: secret cloudflare_api_token did not arrive; put it into "
            + "/var/lib/k3seed/secrets/cloudflare_api_token, or render again (/run/k3seed/secrets.log)"))
      for name in ["complete", "done/seed"] { #expect(outcome.exists("/var/lib/k3seed/\(name)")) }
    }
  }

  @Test("All runs again on a complete node that has its secrets")
  func again() async throws {
    var node = try Node()
    node.arguments = ["again"]
    for name in ["complete", "done/seed", "started"] { node.files["/var/lib/k3seed/\(name)"] = "old\n" }
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(
        outcome.console == ["k3seed: bootstrap of server runs again"]
          + Self.done(Self.shared + ["seed", "gitops"] + Self.last).dropFirst())
      #expect(outcome.text("/var/lib/k3seed/complete") == "v1.36.4+k3s1\n")
    }
  }

  @Test("It runs again without replacing a K3s that somebody has upgraded")
  func againUpgraded() async throws {
    var node = try Node()
    node.arguments = ["again"]
    for name in ["complete", "done/download", "done/install", "done/seed", "done/gitops", "started"] {
      node.files["/var/lib/k3seed/\(name)"] = "old\n"
    }
    let upgraded = try String(contentsOf: Node.standIns.appendingPathComponent("k3s"), encoding: .utf8)
    node.files["/usr/local/bin/k3s"] = upgraded + "# a later release\n"
    node.files["/var/lib/k3seed/install.sh"] = try String(
      contentsOf: Node.standIns.appendingPathComponent("install.sh"), encoding: .utf8)
    try await node.boot { outcome in
      #expect(outcome.status == 0, "\(outcome.raw)")
      #expect(outcome.console.first == "k3seed: bootstrap of server runs again")
      #expect(outcome.text("/usr/local/bin/k3s")?.hasSuffix("# a later release\n") == true)
      #expect(outcome.lines("/var/lab/requests") == [])
    }
  }

  @Test("An agent's own token is K3s' copy of it, too", arguments: ["agent-token", "token"])
  func againAgent(file: String) async throws {
    var node = try Node(role: "agent", first: false)
    node.arguments = ["again"]
    node.secrets = [:]
    node.variables["K3SEED_SECRETS"] = "k3s_agent_token"
    node.files["/etc/rancher/k3s/\(file)"] = "agent-canary"
    for name in ["complete", "started"] { node.files["/var/lib/k3seed/\(name)"] = "old\n" }
    try await node.boot { outcome in
      if file == "agent-token" {
        #expect(outcome.status == 0, "\(outcome.raw)")
      } else {
        #expect(outcome.status == 33)
        #expect(
          outcome.console.contains(
            "k3seed: secrets: FAILED: secret k3s_agent_token did not arrive; put it into /var/lib/k3seed/secrets/k3s_agent_token, or render again (/run/k3seed/secrets.log)"
          ))
      }
    }
  }

  @Test("Another architecture is refused")
  func architecture() async throws {
    var node = try Node()
    node.files["/var/lab/machine"] = "riscv64\n"
    try await Self.expect(
      node, fails: "preflight", code: 30,
      saying: "riscv64 is neither x86_64 nor aarch64; use another machine")
  }

  @Test("A missing command is named")
  func command() async throws {
    var node = try Node()
    node.files["/var/lab/missing"] = "curl"
    try await node.boot { outcome in
      #expect(outcome.status == 10)
      let line = outcome.console.first { $0.contains("FAILED") } ?? ""
      #expect(
        line.hasPrefix("k3seed: preflight: FAILED: not done within 120 s; ")
          && line.contains("type: curl: not found"), "\(line)")
    }
  }

  @Test("Anybody but root is refused")
  func root() async throws {
    var node = try Node()
    node.isRoot = false
    try await node.boot { outcome in
      #expect(outcome.status == 30)
      #expect(
        outcome.console == ["k3seed: preflight: FAILED: not root"])
    }
  }

  // MARK: Download

  @Test(
    "A mirror that fails is followed by the next",
    arguments: ["404", "html", "short", "wrong", "503-twice"])
  func mirrors(fault: String) async throws {
    var node = try Node()
    node.variables["K3S_BINARY_URLS"] = "http://127.0.0.1:8000/\(fault) http://127.0.0.1:8000/ok/"
    node.variables["K3S_INSTALL_URLS"] =
      "http://127.0.0.1:8000/\(fault)/install.sh http://127.0.0.1:8000/ok/install.sh"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(
        outcome.lines("/var/lab/requests") == [
          "/\(fault)/k3s", "/ok/k3s", "/\(fault)/install.sh", "/ok/install.sh",
        ])
      #expect(!outcome.exists("/var/lab/wrong-ran"))
    }
  }

  @Test("A server that is busy is asked again, round by round")
  func rounds() async throws {
    var node = try Node()
    node.variables["K3S_BINARY_URLS"] = "http://127.0.0.1:8000/503-twice"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(
        outcome.lines("/var/lab/requests") == Array(repeating: "/503-twice/k3s", count: 3) + [
          "/ok/install.sh"
        ])
    }
  }

  @Test(
    "What is not the pinned file never runs, is not kept, and each address says why",
    arguments: [
      ("404", "curl: (22) The requested URL returned error: 404"),
      ("html", "sha256 HTML is not WANT"),
      ("wrong", "sha256 WRONG is not WANT"),
      ("short", "curl: (18) transfer closed with 1 bytes remaining to read"),
    ])
  func neverExecuted(fault: String, cause: String) async throws {
    let wrong = try await Tool.run(["sha256sum"], input: Array("#!/bin/sh\ntouch /var/lab/wrong-ran\n".utf8))
      .text
    let html = try await Tool.run(
      ["sha256sum"], input: Array("<!DOCTYPE html><html><body>Sign in to this network</body></html>\n".utf8)
    ).text
    for name in ["k3s", "install.sh"] {
      var node = try Node()
      let pin = name == "k3s" ? "K3S_SHA256_AMD64" : "K3S_SHA256_INSTALL"
      let want = ((node.variables[pin] ?? nil) ?? "").prefix(12)
      let said = cause.replacing("HTML", with: html.prefix(12)).replacing("WRONG", with: wrong.prefix(12))
        .replacing("WANT", with: want)
      node.variables["K3SEED_DEADLINE_download"] = "60"
      let urls = ["http://127.0.0.1:8000/\(fault)/\(name)", "http://127.0.0.1:1/\(name)"]
      if name == "k3s" {
        node.variables["K3S_BINARY_URLS"] = "http://127.0.0.1:8000/\(fault) http://127.0.0.1:1/"
      } else {
        node.variables["K3S_INSTALL_URLS"] = urls.joined(separator: " ")
      }
      let refused = "curl: (7) Failed to connect to 127.0.0.1 port 1 after N ms: Couldn't connect to server"
      try await node.boot { outcome in
        #expect(outcome.status == 12)
        let line = outcome.console.first { $0.contains(": FAILED: ") }?
          .replacingOccurrences(of: "after [0-9]+ ms", with: "after N ms", options: .regularExpression)
        #expect(
          line == "k3seed: download: FAILED: not done within 60 s; \(urls[0]): \(said); "
            + "\(urls[1]): \(refused); check the network and the version (/run/k3seed/download.log)")
        #expect(outcome.lines("/var/lab/requests").filter { $0.hasPrefix("/\(fault)/") }.count > 2)
        #expect(!outcome.exists("/var/lab/wrong-ran"))
        #expect(!outcome.exists("/var/lab/install.env") && !outcome.exists("/var/lab/k3s-ran"))
        let target = name == "k3s" ? "/usr/local/bin/k3s" : "/var/lib/k3seed/install.sh"
        #expect(!outcome.exists(target) && !outcome.exists("\(target).part"))
      }
    }
  }

  @Test("A file that every mirror has wrong three times over is given up")
  func wrongEverywhere() async throws {
    var node = try Node()
    node.variables["K3S_BINARY_URLS"] = "http://127.0.0.1:8000/wrong http://127.0.0.1:8000/html"
    try await node.boot { outcome in
      #expect(outcome.status == 32)
      #expect(
        outcome.console.contains {
          $0.hasSuffix("; check the version and its hashes (/run/k3seed/download.log)")
        })
      #expect(outcome.lines("/var/lab/requests").count == 6)
      #expect(!outcome.exists("/var/lab/wrong-ran") && !outcome.exists("/usr/local/bin/k3s"))
    }
  }

  @Test("Files that are there with the right hash are used, and no server is asked")
  func present() async throws {
    var node = try Node()
    node.files["/usr/local/bin/k3s"] = try Self.standIn("k3s")
    node.files["/var/lib/k3seed/install.sh"] = try Self.standIn("install.sh")
    node.variables["K3S_BINARY_URLS"] = ""
    node.variables["K3S_INSTALL_URLS"] = ""
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(!outcome.exists("/var/lab/requests"))
    }
  }

  @Test("A file that is there with another hash is replaced")
  func replaced() async throws {
    var node = try Node()
    let k3s = try Self.standIn("k3s")
    node.files["/usr/local/bin/k3s"] = "#!/bin/sh\ntouch /var/lab/wrong-ran\n"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(!outcome.exists("/var/lab/wrong-ran"))
      #expect(outcome.text("/usr/local/bin/k3s") == k3s)
    }
  }

  @Test("On arm64 it is the file and the hash for arm64")
  func arm() async throws {
    var node = try Node()
    node.files["/var/lab/machine"] = "aarch64\n"
    node.variables["K3S_SHA256_AMD64"] = String(repeating: "0", count: 64)
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.lines("/var/lab/requests").first == "/ok/k3s-arm64")
    }
  }

  @Test("A server that drips is ended by the stage's deadline, which is said")
  func drip() async throws {
    var node = try Node()
    node.variables["K3S_BINARY_URLS"] = "http://127.0.0.1:8000/drip"
    node.variables["K3SEED_DEADLINE_download"] = "3"
    try await Self.expect(
      node, fails: "download", code: 12,
      saying: "not done within 3 s; fetching http://127.0.0.1:8000/drip/k3s"
    ) { #expect($0.text("/var/lab/left")?.contains("curl") == false) }
  }

  @Test("Where the deadline interrupts a try, why there had to be another one is said, too")
  func interrupted() async throws {
    var node = try Node()
    node.variables["K3S_BINARY_URLS"] = "http://127.0.0.1:8000/503-then-drip"
    node.variables["K3SEED_DEADLINE_download"] = "5"
    let url = "http://127.0.0.1:8000/503-then-drip/k3s"
    try await Self.expect(
      node, fails: "download", code: 12,
      saying:
        "not done within 5 s; fetching \(url); before: \(url): curl: (22) The requested URL returned error: 503; "
        + "check the network and the version")
  }

  // MARK: Install and ready

  @Test("The last word of a failing install script is the cause")
  func installFails() async throws {
    var node = try Node()
    node.files["/var/lab/install"] = "[ERROR]  no space left on device\n"
    try await Self.expect(
      node, fails: "install", code: 14, saying: "not done within 120 s; [ERROR]  no space left on device",
      founds: true)
  }

  @Test("A stage that hangs and ignores SIGTERM ends with its deadline, and leaves no process")
  func hangs() async throws {
    var node = try Node()
    node.files["/var/lab/install"] = "hang\n"
    node.variables["K3SEED_DEADLINE_install"] = "3"
    try await Self.expect(
      node, fails: "install", code: 14, saying: "not done within 3 s; founds a new cluster", founds: true
    ) {
      #expect($0.text("/var/lab/left")?.contains("install.sh") == false)
      #expect($0.text("/var/lab/left")?.contains("sleep 999") == false)
      #expect($0.text("/var/lab/left")?.contains("server.py") == true, "the list itself is there")
    }
  }

  static let journal = """
    time=1 level=info msg="Starting"
    time=2 level=fatal msg="bad token K10-canary-token: too short"
    time=3 level=info msg="Starting again"

    """

  @Test(
    "A K3s that cannot come up is shown with its own words and without its token, and waited for until the deadline",
    arguments: [
      ("is-failed", "", ""), ("NRestarts", "5\n", " (k3s has restarted 5 times, see journalctl -u k3s)"),
    ])
  func keepsFailing(property: String, value: String, restarts: String) async throws {
    var node = try Node()
    node.answers = [.init(status: 1, pattern: "*--raw /readyz*", output: "connection refused")]
    node.variables["K3SEED_DEADLINE_ready"] = "10"
    node.files["/var/lab/\(property)"] = value
    node.files["/var/lab/journal"] = Self.journal
    try await Self.expect(
      node, fails: "ready", code: 15,
      saying:
        "not done within 10 s; waiting for the API server: time=2 level=fatal msg=\"bad token ***: too short\"\(restarts)"
    ) { #expect($0.text("/run/k3seed/ready.log")?.contains("canary") == false) }
  }

  @Test("K3s' words are said where it has no token either")
  func keepsFailingAlone() async throws {
    var node = try Node()
    node.secrets["k3s_token"] = nil
    node.answers = [.init(status: 1, pattern: "*--raw /readyz*", output: "connection refused")]
    node.variables["K3SEED_DEADLINE_ready"] = "10"
    node.files["/var/lab/is-failed"] = ""
    node.files["/var/lab/journal"] = "time=2 level=fatal msg=\"flag provided but not defined\"\n"
    try await Self.expect(
      node, fails: "ready", code: 15,
      saying:
        "not done within 10 s; waiting for the API server: time=2 level=fatal msg=\"flag provided but not defined\""
    )
  }

  @Test("However often K3s restarts, the deadline decides")
  func manyRestarts() async throws {
    var node = try Node()
    node.answers = [.init(times: 2, status: 1, pattern: "*--raw /readyz*", output: "connection refused")]
    node.files["/var/lab/NRestarts"] = "40\n"
    try await node.boot { #expect($0.status == 0) }
  }

  @Test("A datastore of another token is permanent, and the way that works is said")
  func otherToken() async throws {
    var node = try Node()
    node.answers = [.init(status: 1, pattern: "*--raw /readyz*", output: "connection refused")]
    node.files["/var/lab/NRestarts"] = "2\n"
    let words =
      "time=2 level=fatal msg=\"starting kubernetes: bootstrap data already found and encrypted with different token\""
    node.files["/var/lab/journal"] = words + "\n"
    try await Self.expect(node, fails: "ready", code: 35, saying: "\(words); \(Self.tokenAdvice)")
  }

  static let tokenAdvice =
    "k3s_token is not the one that this cluster's datastore is encrypted with, and K3s would not start again with it; "
    + "give the old one, or change it by 'k3s token rotate' and then in /etc/rancher/k3s/token on every server"
  static let agentTokenAdvice =
    "k3s_agent_token is not the one with which this server admits agents; give the old one, or write the new one to "
    + "/etc/rancher/k3s/agent-token on every server, restart k3s there, then run 'k3seed-bootstrap again' on the agents"

  // MARK: Again, on a node that lives

  /// A complete first server, with a datastore.
  static func living(_ secrets: [String: String]) throws -> Node {
    var node = try Node()
    node.arguments = ["again"]
    node.secrets = secrets.mapValues { Array($0.utf8) }
    node.files["/etc/rancher/k3s/token"] = "old-server-token"
    node.files["/etc/rancher/k3s/agent-token"] = "old-agent-token"
    node.files["/var/lib/rancher/k3s/server/db/state.db"] = "data"
    node.files["/usr/local/bin/k3s"] = try standIn("k3s")
    node.files["/var/lib/k3seed/install.sh"] = try standIn("install.sh")
    for name in ["complete", "installed", "started"]
      + ["download", "install", "seed", "gitops"].map({ "done/\($0)" })
    {
      node.files["/var/lib/k3seed/\(name)"] = "v1.36.4+k3s1\n"
    }
    node.files["/etc/systemd/system/k3s.service"] = "[Service]\n"
    node.files["/etc/systemd/system/k3s.service.env"] = "HTTPS_PROXY=http://proxy.example.net:3128\n"
    return node
  }

  @Test(
    "Another token is refused once K3s has a datastore, and the node stays complete",
    arguments: [("k3s_token", tokenAdvice), ("k3s_agent_token", agentTokenAdvice)])
  func tokenChange(name: String, advice: String) async throws {
    var node = try Self.living(["cloudflare_api_token": "cf-canary-token", name: "another-token"])
    try await node.boot { outcome in
      #expect(outcome.status == 34)
      #expect(outcome.console.contains("k3seed: install: FAILED: \(advice) (/run/k3seed/install.log)"))
      #expect(outcome.text("/etc/rancher/k3s/token") == "old-server-token")
      #expect(outcome.text("/etc/rancher/k3s/agent-token") == "old-agent-token")
      for mark in ["complete", "done/seed", "done/gitops"] {
        #expect(outcome.exists("/var/lib/k3seed/\(mark)"))
      }
      #expect(!outcome.exists("/var/lab/applied"))
      #expect(!outcome.lines("/var/lab/systemctl").contains { $0.contains("restart") })
    }
    // The same one in K3s' long form is no change.
    node.secrets[name] = Array(
      "K10abc::server:\(name == "k3s_token" ? "old-server" : "old-agent")-token".utf8)
    try await node.boot { #expect($0.status == 0) }
  }

  @Test("Another Cloudflare token is applied, and what somebody wrote for K3s stays")
  func cloudflareChange() async throws {
    var node = try Self.living(["cloudflare_api_token": "new-canary", "k3s_token": "old-server-token"])
    // Argo CD was handed over in the first run.
    node.answers = [.init(pattern: "*get -n kube-system helmchart/argocd *", output: "argocd true")]
    try await node.boot { outcome in
      #expect(outcome.status == 0, "\(outcome.raw)")
      #expect(
        outcome.text("/var/lab/applied")?.contains(Data("new-canary".utf8).base64EncodedString()) == true)
      #expect(outcome.text("/var/lab/applied")?.contains("kind: HelmChart") == false)
      #expect(
        outcome.text("/etc/systemd/system/k3s.service.env") == "HTTPS_PROXY=http://proxy.example.net:3128\n")
      #expect(!outcome.exists("/var/lab/install.env"), "the install script is not run again")
      #expect(outcome.exists("/var/lib/k3seed/complete"))
    }
  }

  @Test("An agent takes a changed token, and K3s is restarted with it")
  func agentTokenChange() async throws {
    var node = try Node(role: "agent", first: false)
    node.arguments = ["again"]
    node.secrets = ["k3s_token": Array("new-token".utf8)]
    node.files["/etc/rancher/k3s/token"] = "old-token"
    node.files["/var/lib/k3seed/installed"] = "v1.36.4+k3s1\n"
    node.files["/etc/systemd/system/k3s-agent.service"] = "[Service]\n"
    try await node.boot { outcome in
      #expect(outcome.status == 0, "\(outcome.raw)")
      #expect(outcome.text("/etc/rancher/k3s/token") == "new-token")
      #expect(outcome.lines("/var/lab/systemctl").contains("try-restart --no-block k3s-agent"))
    }
  }

  @Test("A HelmChart that somebody has taken away is not made again")
  func chartTakenAway() async throws {
    var node = try Node()
    node.answers = [.init(pattern: "*get -n kube-system helmchart/argocd *", output: "")]
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.text("/var/lab/applied")?.contains("kind: HelmChart") == false)
      #expect(!outcome.lines("/var/lab/kubectl").contains { $0.contains(" patch ") })
    }
  }

  @Test("With the hash of the cluster's CA, K3s gets the token in its long form")
  func longToken() async throws {
    let hash = String(repeating: "a1", count: 32)
    for (role, name, user) in [
      ("server", "k3s_token", "server"), ("agent", "k3s_token", "server"),
      ("agent", "k3s_agent_token", "node"),
    ] {
      var node = try Node(role: role, first: false)
      node.secrets = [name: Array("pass:word".utf8)]
      node.variables["K3SEED_CA_SHA256"] = hash
      try await node.boot { outcome in
        #expect(outcome.status == 0)
        let file = name == "k3s_token" ? "token" : "agent-token"
        #expect(outcome.text("/etc/rancher/k3s/\(file)") == "K10\(hash)::\(user):pass:word")
      }
    }
  }

  // MARK: Which cluster

  @Test("A first server joins a cluster that lives, whichever of its servers answers")
  func joinsLiving() async throws {
    var node = try Node()
    node.variables["K3SEED_PEERS"] = "https://10.0.2.10:6444 https://10.0.2.10:6443"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      let joins = "k3seed: joins the cluster that lives at https://10.0.2.10:6443"
      #expect(outcome.console.contains(joins) && !outcome.console.contains { $0.contains("founds") })
      #expect(outcome.text("/etc/rancher/k3s/config.yaml.d/join.yaml") == "server: https://10.0.2.10:6443\n")
      #expect(outcome.mode("/etc/rancher/k3s/config.yaml.d/join.yaml") == 0o600)
    }
  }

  @Test("Where no server answers it founds a cluster and says so; where the cluster is said to exist, never")
  func founds() async throws {
    var node = try Node()
    node.variables["K3SEED_PEERS"] = "https://10.0.2.10:6444"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(
        outcome.console.contains("k3seed: founds a new cluster: no server answers at https://10.0.2.10:6444"))
      #expect(!outcome.exists("/etc/rancher/k3s/config.yaml.d/join.yaml"))
    }
    node.variables["K3SEED_CLUSTER_EXISTS"] = "yes"
    node.variables["K3SEED_DEADLINE_install"] = "10"
    try await Self.expect(
      node, fails: "install", code: 14,
      saying:
        "not done within 10 s; cluster_state is existing, but no server answers at https://10.0.2.10:6444; "
        + "check them and the network"
    ) { #expect(!$0.lines("/var/lab/systemctl").contains { $0.hasPrefix("start") }) }
  }

  @Test("A server that has a datastore asks nobody")
  func hasDatastore() async throws {
    var node = try Node()
    node.variables["K3SEED_PEERS"] = "https://10.0.2.10:6443"
    node.files["/var/lib/rancher/k3s/server/db/etcd/member/wal/0.wal"] = "data"
    node.files["/etc/rancher/k3s/token"] = "K10-canary-token"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(!outcome.exists("/etc/rancher/k3s/config.yaml.d/join.yaml"))
      #expect(!outcome.console.contains { $0.contains("joins") || $0.contains("founds") })
    }
  }

  @Test("Flannel is told the interface that has the private address")
  func interface() async throws {
    var node = try Node()
    node.variables["K3SEED_PRIVATE_IP"] = "10.0.2.10"
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.text("/etc/rancher/k3s/config.yaml.d/flannel.yaml") == "flannel-iface: lo\n")
    }
    node.variables["K3SEED_PRIVATE_IP"] = "10.0.9.9"
    node.variables["K3SEED_DEADLINE_preflight"] = "3"
    try await Self.expect(
      node, fails: "preflight", code: 10,
      saying:
        "not done within 3 s; no network interface has this node's private_ip 10.0.9.9; attach its network, or "
        + "correct private_ip")
  }

  @Test("An agent that the server refuses waits, and says K3s' reason without its token")
  func refusedAgent() async throws {
    var node = try Node(role: "agent", first: false)
    node.answers = [
      .init(
        status: 1, pattern: "*get node/*", output: "error: stat kubelet.kubeconfig: no such file or directory"
      )
    ]
    node.variables["K3SEED_DEADLINE_ready"] = "10"
    node.files["/var/lab/journal"] = """
      time=2 level=info msg="Waiting to retrieve agent configuration; server is not ready: refused K10-canary-token"
      time=3 level=info msg="Something else"

      """
    try await Self.expect(
      node, fails: "ready", code: 15,
      saying:
        "not done within 10 s; waiting for node node-1 to be Ready: time=2 level=info msg=\"Waiting to retrieve agent configuration; server is not ready: refused ***\"",
      role: "agent")
  }

  @Test("A conflict says which field, and not only where to read on")
  func conflict() async throws {
    var node = try Node()
    node.answers = [
      .init(
        status: 1, pattern: "*apply --server-side*",
        output:
          "error: Apply failed with 1 conflict: conflict with \"x\": .data.y\\nPlease review the fields above\\nSee https://kubernetes.io/docs"
      )
    ]
    node.variables["K3SEED_DEADLINE_seed"] = "10"
    try await Self.expect(
      node, fails: "seed", code: 16,
      saying:
        "not done within 10 s; waiting for Namespaces and Secrets to be accepted: error: Apply failed with 1 conflict: conflict with \"x\": .data.y"
    )
  }

  @Test(
    "What was waited for, and the last answer, are said when ready is too late",
    arguments: [
      ("*--raw /readyz*", 1, "connection refused", "waiting for the API server: connection refused"),
      ("*get node/*", 1, "nodes not found", "waiting for node node-1 to be Ready: nodes not found"),
      ("*get node/*", 0, "False", "waiting for node node-1 to be Ready: False"),
      (
        "*get node/*", 0, "False container runtime network not ready",
        "waiting for node node-1 to be Ready: container runtime network not ready"
      ),
      ("*sa/default*", 1, "default not found", "waiting for the controllers: default not found"),
    ])
  func tooLate(pattern: String, status: Int, output: String, cause: String) async throws {
    var node = try Node()
    node.answers = [.init(status: status, pattern: pattern, output: output)]
    node.variables["K3SEED_DEADLINE_ready"] = "10"
    try await Self.expect(
      node, fails: "ready", code: 15, saying: "not done within 10 s; \(cause)")
  }

  @Test("A node that joins starts K3s at once, whether the server is there or not")
  func startsFirst() async throws {
    var node = try Node(role: "agent", first: false)
    node.answers = [.init(status: 1, pattern: "*get node/*", output: "stat kubelet.kubeconfig: no such file")]
    node.variables["K3SEED_DEADLINE_ready"] = "10"
    node.files["/var/lab/journal"] =
      "time=2 level=error msg=\"Failed to validate connection to cluster at https://10.0.2.11:6443\"\n"
    try await Self.expect(
      node, fails: "ready", code: 15,
      saying: "not done within 10 s; waiting for node node-1 to be Ready: time=2 level=error "
        + "msg=\"Failed to validate connection to cluster at https://10.0.2.11:6443\"",
      role: "agent"
    ) { #expect($0.lines("/var/lab/systemctl").contains("start --no-block k3s-agent")) }
  }

  @Test(
    "Where the server refuses the name of a node that was there before, the two commands that help are said")
  func nodePassword() async throws {
    var node = try Node(role: "agent", first: false)
    node.answers = [.init(status: 1, pattern: "*get node/*", output: "stat kubelet.kubeconfig: no such file")]
    node.variables["K3SEED_DEADLINE_ready"] = "10"
    let words =
      "time=2 level=info msg=\"Waiting to retrieve agent configuration; server is not ready: Node password rejected, duplicate hostname\""
    node.files["/var/lab/journal"] = words + "\n"
    try await Self.expect(
      node, fails: "ready", code: 15,
      saying: "not done within 10 s; waiting for node node-1 to be Ready: \(words)\(Self.replacedAdvice)",
      role: "agent")
  }

  static let replacedAdvice =
    "; where this machine replaces another one of its name, run on a server: k3s kubectl delete node node-1; "
    + "k3s kubectl delete secret -n kube-system --ignore-not-found node-1.node-password.k3s"

  // MARK: Power cuts

  @Test(
    "A power cut in any stage is made up for in the next boot",
    arguments: shared + ["seed", "gitops"] + last)
  func powerCut(stage: String) async throws {
    var node = try Node()
    node.cut = stage
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.text("/var/lib/k3seed/complete") == "v1.36.4+k3s1\n")
      #expect(!outcome.exists("/var/lib/k3seed/secrets"))
      #expect(outcome.text("/etc/rancher/k3s/token") == "K10-canary-token")
      let applied = outcome.text("/var/lab/applied") ?? ""
      for kind in ["Namespace", "Secret", "HelmChart", "Application"] {
        #expect(applied.contains("kind: \(kind)\n"), "\(kind)")
      }
      let kept = ["download", "install", "seed", "gitops"]
      let all = Self.shared + ["seed", "gitops"] + Self.last
      let left = all.drop { $0 != stage }
      // A short stage may have ended before the power did.
      let next = kept.filter(left.contains) + ["complete"]
      #expect(next.contains { outcome.console.contains("k3seed: bootstrap of server resumes at \($0)") })
      #expect(outcome.console.last == "k3seed: complete: ok (N s)")
      #expect(!outcome.console.contains { $0.contains("FAILED") })
    }
  }

  @Test("What a power cut left empty or half written is made anew")
  func leftovers() async throws {
    var node = try Node()
    for path in ["/usr/local/bin/k3s", "/usr/local/bin/k3s.part", "/var/lib/k3seed/install.sh"] {
      node.files[path] = ""
    }
    node.files["/etc/rancher/k3s/token"] = ""
    node.files["/etc/rancher/k3s/token.part"] = "K10-can"
    node.files["/var/lib/k3seed/complete.part"] = ""
    node.files["/var/lib/k3seed/started"] = ""
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.text("/etc/rancher/k3s/token") == "K10-canary-token")
      #expect(outcome.text("/var/lib/k3seed/complete") == "v1.36.4+k3s1\n")
      #expect(outcome.lines("/var/lab/requests") == ["/ok/k3s", "/ok/install.sh"])
    }
  }

  // MARK: Status

  @Test("The status is a document with every stage, and says how each went")
  func status() async throws {
    try await Node().boot { outcome in
      let bytes = try #require(outcome.bytes("/run/k3seed/status.json"))
      let status = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
      #expect(status["schema"] as? Int == 1 && status["role"] as? String == "server")
      #expect(status["state"] as? String == "complete" && status["message"] as? String == "")
      let stages = try #require(status["stages"] as? [[String: Any]])
      #expect(stages.compactMap { $0["stage"] as? String } == Self.shared + ["seed", "gitops"] + Self.last)
      #expect(stages.allSatisfy { $0["state"] as? String == "ok" && $0["attempts"] as? Int == 1 })
      #expect(outcome.mode("/run/k3seed/status.json") == 0o644)
      #expect(outcome.lines("/run/k3seed/status").last?.hasPrefix("complete: ok (") == true)
    }
  }

  @Test("The status of a failure has the stage, its last words and what to do")
  func failureStatus() async throws {
    var node = try Node()
    node.files["/var/lab/install"] = "bad \"quotes\" and \\ and \u{1B}[31m colour\n"
    try await node.boot { outcome in
      #expect(outcome.status == 14)
      let bytes = try #require(outcome.bytes("/run/k3seed/status.json"))
      let status = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
      #expect(status["state"] as? String == "failed" && status["stage"] as? String == "install")
      #expect(
        status["message"] as? String
          == "not done within 120 s; bad \"quotes\" and \\ and  [31m colour")
      #expect((status["attempt"] as? Int ?? 0) > 2)
      #expect(outcome.text("/run/k3seed/status")?.contains("install: failed, attempt ") == true)
    }
  }

  // MARK: Seed and GitOps

  @Test("The API server's refusal of the seed is said")
  func refused() async throws {
    var node = try Node()
    node.answers = [.init(status: 1, pattern: "*apply*-f -", output: "error: namespaces is forbidden")]
    node.variables["K3SEED_DEADLINE_seed"] = "10"
    try await Self.expect(
      node, fails: "seed", code: 16,
      saying: "not done within 10 s; waiting for Namespaces and Secrets to be accepted: "
        + "error: namespaces is forbidden")
  }

  @Test("A kustomization that does not build is a failure, not an empty seed")
  func unbuildable() async throws {
    var node = try Node()
    node.files["/var/lib/k3seed/kustomization.yaml"] = "resources: [manifests/absent.yaml]\n"
    node.variables["K3SEED_DEADLINE_seed"] = "10"
    try await node.boot { outcome in
      #expect(outcome.status == 16)
      #expect(
        outcome.console.contains { $0.contains("FAILED") && $0.contains("absent.yaml") }, "\(outcome.console)"
      )
    }
  }

  @Test("When Argo CD does not come, the install job is quoted, and the secrets are gone all the same")
  func noArgo() async throws {
    var node = try Node()
    node.answers = [
      .init(status: 1, pattern: "*applications.argoproj.io*", output: "crd not found"),
      .init(
        pattern: "*logs -n kube-system job/helm-install-argocd*", output: "Error: chart \"argo-cd\" not found"
      ),
    ]
    node.variables["K3SEED_DEADLINE_gitops"] = "10"
    try await Self.expect(
      node, fails: "gitops", code: 17,
      saying: "not done within 10 s; waiting for Argo CD: Error: chart \"argo-cd\" not found"
    ) { #expect(!$0.exists("/var/lib/k3seed/secrets")) }
  }

  @Test("An argocd-root that exists is left alone")
  func rootExists() async throws {
    var node = try Node()
    node.answers = [
      .init(
        pattern: "*get --ignore-not-found*argocd-root.yaml", output: "application.argoproj.io/argocd-root")
    ]
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(outcome.text("/var/lab/applied")?.contains("kind: HelmChart") == true)
      #expect(outcome.text("/var/lab/applied")?.contains("kind: Application") == false)
    }
  }

  @Test("An API server that does not answer about argocd-root does not get it applied blindly")
  func rootUnknown() async throws {
    var node = try Node()
    node.answers = [.init(times: 2, status: 1, pattern: "*get --ignore-not-found*", output: "timed out")]
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      #expect(
        outcome.lines("/var/lab/kubectl").filter { $0.contains("--ignore-not-found -o name") }.count == 3)
      #expect(outcome.text("/var/lab/applied")?.components(separatedBy: "kind: Application").count == 2)
    }
  }

  // MARK: Secrets

  static let hostile: [String: [UInt8]] = [
    "quotes and dollars": Array(#"'"$(touch /var/lab/wrong-ran)`id`\ $HOME {{ x }} %{ y }"#.utf8),
    "newlines": Array("\n\nfirst\r\n---\nsecond: true\n\n".utf8),
    "nothing but a NUL": [0],
    "not UTF-8": [0xFF, 0xFE, 0xC0, 0x80, 0x85, 0x1B, 0x5B, 0x33, 0x31, 0x6D],
    "every byte, 64 KiB": (0..<65536).map { UInt8(truncatingIfNeeded: $0) },
  ]

  @Test("Every byte of a secret reaches both Secrets", arguments: hostile.keys.sorted())
  func exact(name: String) async throws {
    let value = try #require(Self.hostile[name])
    var node = try Node()
    node.secrets["cloudflare_api_token"] = value
    try await node.boot { outcome in
      #expect(outcome.status == 0)
      // The real kubectl reads what was applied.
      let applied = outcome.root.appendingPathComponent("var/lab/applied").path
      let documents = try #require(outcome.text("/var/lab/applied")).components(separatedBy: "\n---\n")
        .filter { $0.contains("kind: Secret") }
      #expect(documents.count == 2, "\(applied)")
      var namespaces: Set<String> = []
      for document in documents {
        let json = try await Tool.run(
          ["kubectl", "label", "--local", "-f", "-", "-o", "json", "read=back"], input: Array(document.utf8))
        let object = try #require(JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any])
        let data = try #require(object["data"] as? [String: String])
        let metadata = try #require(object["metadata"] as? [String: Any])
        #expect(metadata["name"] as? String == "cloudflare-api-token")
        namespaces.insert(try #require(metadata["namespace"] as? String))
        // kustomize breaks long base64 into lines, which Go's decoder, and so the API server, skips.
        let base64 = try #require(data["api-token"]).replacing("\n", with: "")
        #expect(Data(base64Encoded: base64).map(Array.init) == value)
      }
      #expect(namespaces == ["cert-manager", "external-dns"])
      #expect(!outcome.exists("/var/lab/wrong-ran"))
    }
  }

  @Test(
    "No secret is on the console, in a log, or on any command line",
    arguments: [nil, "*apply*", "*applications.argoproj.io*", "*--raw /readyz*"])
  func canaries(failing: String?) async throws {
    var node = try Node()
    if let failing {
      node.answers = [.init(status: 1, pattern: failing, output: "no")]
      for stage in ["ready", "seed", "gitops"] { node.variables["K3SEED_DEADLINE_\(stage)"] = "10" }
    }
    try await node.boot { outcome in
      #expect((outcome.status == 0) == (failing == nil))
      let watched =
        [outcome.raw, outcome.text("/var/lab/cmdlines") ?? "", outcome.text("/var/lab/install.env") ?? ""]
        + (BootstrapTests.shared + ["seed", "gitops"]).map { outcome.text("/run/k3seed/\($0).log") ?? "" }
      #expect(watched[1].contains("k3seed-bootstrap"), "the command lines are there")
      for secret in node.secrets.values {
        let forms = [String(decoding: secret, as: UTF8.self), Data(secret).base64EncodedString()]
        for form in forms { #expect(!watched.contains { $0.contains(form) }) }
      }
    }
  }

  private static func standIn(_ name: String) throws -> String {
    try String(contentsOf: Node.standIns.appendingPathComponent(name), encoding: .utf8)
  }
}
