import Diagnostics
import Inputs
import Secrets
import TestSupport
import Testing

@testable import Plan

@Suite("Nodes of a plan") struct NodeTests {
  // MARK: What joins what

  @Test(
    "the first server is the one that is named, or has the address that others are told to join, or is the only one",
    arguments: [
      (#"{}"#, "server"),
      (#"{"nodes": {"b": {"role": "server"}, "a": {"role": "agent"}}}"#, "b"),
      (#"{"first_server": "c", "nodes": {"b": {"role": "server"}, "c": {"role": "server"}}}"#, "c"),
      (
        #"{"first_server": "b", "server_private_ip": "10.0.0.3", "nodes": {"b": {"role": "server"}, "c": {"role": "server", "private_ip": "10.0.0.3"}}}"#,
        "b"
      ),
      (
        #"{"server_private_ip": "10.0.0.3", "nodes": {"b": {"role": "server", "private_ip": "10.0.0.2"}, "c": {"role": "server", "private_ip": "10.0.0.3"}, "d": {"role": "server"}}}"#,
        "c"
      ),
      // An agent's address makes no server of it.
      (
        #"{"server_private_ip": "10.0.0.1", "nodes": {"a": {"role": "agent", "private_ip": "10.0.0.1"}, "b": {"role": "server"}, "c": {"role": "server"}}}"#,
        "b"
      ),
      (#"{"server_private_ip": "10.0.0.1", "nodes": {"a": {"role": "agent"}}}"#, nil),
    ] as [(String, String?)])
  func firstServer(outputs: String, name: String?) throws {
    let nodes = try Planning(outputs).plan.nodes.filter(\.isFirstServer)
    #expect(nodes.map(\.name?.value) == (name.map { [$0] } ?? []))
    #expect(nodes.allSatisfy { $0.role.value == .server })
  }

  @Test(
    "nodes join at the URL that is given, else at the first server's address",
    arguments: [
      (
        #"{"server_url": "https://lb.example.org:6443", "server_private_ip": "10.0.0.1"}"#,
        "https://lb.example.org:6443", "$.server_url"
      ),
      (#"{"server_url": "https://lb.example.org:6443/"}"#, "https://lb.example.org:6443", "$.server_url"),
      (#"{"server_private_ip": "10.0.0.1"}"#, "https://10.0.0.1:6443", "$.server_private_ip"),
      (#"{"server_private_ip": "fd00::1"}"#, "https://[fd00::1]:6443", "$.server_private_ip"),
      (
        #"{"nodes": {"a": {"role": "agent", "private_ip": "10.0.0.1"}, "b": {"role": "server", "private_ip": "10.0.0.2"}}}"#,
        "https://10.0.0.2:6443", "$.nodes.b.private_ip"
      ),
      (#"{"nodes": {"a": {"role": "server"}}}"#, nil, nil),
      (#"{}"#, nil, nil),
    ] as [(String, String?, String?)])
  func joinURL(outputs: String, url: String?, path: String?) throws {
    let joined = try Planning(outputs).plan.joinURL
    #expect(joined?.value == url)
    #expect(joined?.origin.path == path)
  }

  @Test(
    "several servers share an embedded etcd",
    arguments: [
      (#"{}"#, false),
      (#"{"nodes": {"a": {"role": "server"}, "b": {"role": "agent"}}}"#, false),
      (#"{"nodes": {"a": {"role": "server"}, "b": {"role": "server"}, "c": {"role": "server"}}}"#, true),
    ])
  func etcd(outputs: String, isUsed: Bool) throws {
    #expect(try Planning(outputs).plan.hasEmbeddedEtcd == isUsed)
  }

  @Test("the API's certificate names every address once, that of a load balancer among them")
  func certificateNames() throws {
    let plan = try Planning(
      """
      {"ingress_public_ip": "203.0.113.1", "load_balancer_ip": "203.0.113.2", "server_private_ip": "10.0.0.1",
       "server_url": "https://api.example.org:6443",
       "tls_sans": ["k3s.example.org", "10.0.0.1", "api.example.org"]}
      """
    ).plan
    #expect(
      plan.tlsSANs.map(\.value) == [
        "203.0.113.1", "203.0.113.2", "10.0.0.1", "api.example.org", "k3s.example.org",
      ])
    #expect(plan.tlsSANs.map(\.origin.path).last == "$.tls_sans[0]")
    #expect(
      try Planning(#"{"server_url": "https://[fd00::1]:6443"}"#).plan.tlsSANs.map(\.value) == ["fd00::1"])
    #expect(try Planning(#"{"server_url": "https://10.0.0.1"}"#).plan.tlsSANs.map(\.value) == ["10.0.0.1"])
    #expect(try Planning("{}").plan.tlsSANs.isEmpty)
  }

  @Test("a node's own label goes before that of all nodes, each with its place")
  func labels() throws {
    let planning = try Planning(
      #"{"node_labels": {"tier": "all", "a": "1"}, "nodes": {"s": {"role": "server"}, "w": {"role": "agent", "labels": {"tier": "own", "z": "2"}, "taints": ["k=v:NoExecute"]}}}"#
    )
    let worker = try planning.node("w")
    #expect(worker.labels.map { "\($0.key)=\($0.value.value)" } == ["a=1", "tier=own", "z=2"])
    #expect(
      worker.labels.map(\.value.origin.path) == [
        "$.node_labels.a", "$.nodes.w.labels.tier", "$.nodes.w.labels.z",
      ])
    #expect(worker.taints.map(\.value) == ["k=v:NoExecute"])
    #expect(try planning.node("s").labels.map { "\($0.key)=\($0.value.value)" } == ["a=1", "tier=all"])
    // Machines that share one user-data have what all nodes have.
    #expect(try planning.node(.ingress).labels.map { "\($0.key)=\($0.value.value)" } == ["a=1", "tier=all"])
  }

  // MARK: K3s

  @Test("the mirrors are asked in order, the official source last, the + of a version written %2B")
  func sources() throws {
    let hashes = RuleTests.otherHashes.uppercased().replacing("AMD64", with: "amd64")
      .replacing("ARM64", with: "arm64").replacing("INSTALL_SCRIPT", with: "install_script")
    let plan = try Planning(
      #"{"k3s_version": "v1.35.1+k3s2", "k3s_sha256": \#(hashes), "k3s_mirrors": ["https://b.example.org/k3s/", "http://a.example.org"]}"#
    ).plan
    #expect(
      plan.binaryURLs.map(\.value) == [
        "https://b.example.org/k3s/v1.35.1%2Bk3s2", "http://a.example.org/v1.35.1%2Bk3s2",
        "https://github.com/k3s-io/k3s/releases/download/v1.35.1%2Bk3s2",
      ])
    #expect(
      plan.installScriptURLs.map(\.value) == [
        "https://b.example.org/k3s/v1.35.1%2Bk3s2/install.sh",
        "http://a.example.org/v1.35.1%2Bk3s2/install.sh",
        "https://raw.githubusercontent.com/k3s-io/k3s/v1.35.1%2Bk3s2/install.sh",
      ])
    #expect(plan.binaryURLs.map(\.origin.path) == ["$.k3s_mirrors[0]", "$.k3s_mirrors[1]", "$.k3s_version"])
    #expect(
      plan.k3s.value
        == K3sRelease(
          version: "v1.35.1+k3s2", amd64: Sample.hash, arm64: Sample.hash, installScript: Sample.hash))
  }

  @Test("the built-in release is what is installed where nothing is said")
  func builtIn() throws {
    let plan = try Planning("{}").plan
    #expect(plan.k3s.value == Pins.lock.k3s)
    #expect(plan.k3s.origin == Location(source: "default", path: "$.k3s_version"))
    #expect(plan.binaryURLs.map(\.value) == [Pins.lock.k3s.officialBinaries])
    #expect(plan.installScriptURLs.map(\.value) == [Pins.lock.k3s.officialInstallScript])
  }

  @Test("traefik is left out unless a list says otherwise, even an empty one")
  func disabled() throws {
    #expect(try Planning("{}").plan.disabled.map(\.value) == ["traefik"])
    #expect(try Planning(#"{"disable": []}"#).plan.disabled.isEmpty)
    #expect(try Planning(#"{"disable": ["servicelb"]}"#).plan.disabled.map(\.value) == ["servicelb"])
  }

  // MARK: Selection

  static let three =
    #"{"server_private_ip": "10.0.0.1", "nodes": {"control": {"role": "server"}, "worker-1": {"role": "agent"}, "worker-2": {"role": "agent"}}}"#

  @Test(
    "a node is found by its name or role, or because it is the only one",
    arguments: [
      (three, "worker-2", nil, "worker-2"),
      (three, "worker-2", .agent, "worker-2"),
      (three, nil, .server, "control"),
      // A role without a node stands for machines that share one user-data.
      (three, nil, .ingress, nil),
      ("{}", nil, nil, "server"),
      ("{}", nil, .agent, nil),
    ] as [(String, String?, Role?, String?)])
  func selected(outputs: String, name: String?, role: Role?, found: String?) throws {
    let planning = try Planning(outputs)
    var report = Report()
    let node = planning.plan.select(
      name: name.map { Sourced($0, from: Location(source: "--node")) },
      role: role.map { Sourced($0, from: Location(source: "--role")) }, report: &report)
    #expect(report == Report())
    #expect(node != nil)
    #expect(node?.name?.value == found)
    if let role { #expect(node?.role.value == role) }
  }

  @Test(
    "what names no node, or several, is said",
    arguments: [
      (
        three, "worker-3", nil,
        "--node: error: there is no node \"worker-3\"; did you mean \"worker-1\"? the nodes are control, worker-1, worker-2 [unknown-node]"
      ),
      (
        three, "db", nil,
        "--node: error: there is no node \"db\"; the nodes are control, worker-1, worker-2 [unknown-node]"
      ),
      (
        three, "control", .agent,
        "--role: error: the node \"control\" has the role server, not agent; give the node or the role, not both [node-role]"
      ),
      (
        three, nil, .agent,
        "--role: error: several nodes have the role agent; choose one of worker-1, worker-2 [which-node]"
      ),
      (
        three, nil, nil,
        "error: there are several nodes; choose one of control, worker-1, worker-2 [which-node]"
      ),
      (
        #"{"nodes": {}, "server_url": "https://10.0.0.1:6443"}"#, nil, nil,
        "error: nodes is empty; add a node, or choose a role [which-node]"
      ),
      (
        #"{"nodes": {}, "server_url": "https://10.0.0.1:6443"}"#, "a", nil,
        "--node: error: there is no node \"a\"; nodes is empty [unknown-node]"
      ),
    ] as [(String, String?, Role?, String)])
  func refused(outputs: String, name: String?, role: Role?, finding: String) throws {
    let planning = try Planning(outputs)
    var report = Report()
    let node = planning.plan.select(
      name: name.map { Sourced($0, from: Location(source: "--node")) },
      role: role.map { Sourced($0, from: Location(source: "--role")) }, report: &report)
    #expect(node == nil)
    #expect(report.diagnostics.map(\.line) == [finding])
  }

  @Test("nodes that were refused are not unknown as well")
  func refusedNodes() throws {
    let planning = try Planning(#"{"nodes": {"worker-1": {"role": "agnet"}}}"#)
    var report = Report()
    let name = Sourced("worker-1", from: Location(source: "--node"))
    #expect(planning.plan.select(name: name, role: nil, report: &report) == nil)
    #expect(report == Report())
  }

  // MARK: Requirements

  static let missing = (
    cloudflare:
      "outputs.json: error: cloudflare_api_token is missing: the first server seeds it for cert-manager and external-dns; add it to Terraform's outputs [missing-input]",
    git:
      "outputs.json: error: git_repo_url is missing: it is what argocd-root follows; add it to Terraform's outputs [missing-input]",
    serverToken:
      "outputs.json: error: k3s_token is missing: servers join with it; add it to Terraform's outputs [missing-input]",
    agentToken:
      "outputs.json: error: k3s_token is missing: agents join with it; add it to Terraform's outputs [missing-input]"
  )

  private static func address(_ node: String) -> String {
    "outputs.json: error: server_private_ip is missing: the node \"\(node)\" joins the cluster there; add it to Terraform's outputs [missing-input]"
  }

  @Test("the first server misses all that it lacks at once")
  func firstServerNeeds() throws {
    let nothing = try Planning("{}")
    #expect(nothing.missing(try nothing.node("server")) == [Self.missing.cloudflare, Self.missing.git])
    let several = try Planning(Self.three)
    #expect(
      several.missing(try several.node("control")) == [
        Self.missing.cloudflare, Self.missing.git, Self.missing.serverToken,
      ])
    let enough = try Planning(
      #"{"cloudflare_api_token": "c", "git_repo_url": "https://git.example.org/a.git"}"#)
    #expect(enough.missing(try enough.node("server")) == [])
    let references = try Planning(
      #"{"secret_ocids": {"cloudflare_api_token": "\#(Sample.ocid)"}, "git_repo_url": "https://git.example.org/a.git"}"#
    )
    #expect(references.missing(try references.node("server")) == [])
  }

  @Test("a server that joins needs a token and an address, and nothing that only the first one seeds")
  func joiningServerNeeds() throws {
    let outputs = #""nodes": {"a": {"role": "server"}, "b": {"role": "server"}, "c": {"role": "server"}}"#
    let bare = try Planning("{\(outputs)}")
    #expect(bare.missing(try bare.node("b")) == [Self.missing.serverToken, Self.address("b")])
    // An agents' token lets no server join.
    let agents = try Planning(#"{\#(outputs), "k3s_agent_token": "t", "server_private_ip": "10.0.0.1"}"#)
    #expect(agents.missing(try agents.node("b")) == [Self.missing.serverToken])
    let enough = try Planning(#"{\#(outputs), "k3s_token": "t", "server_private_ip": "10.0.0.1"}"#)
    #expect(enough.missing(try enough.node("b")) == [])
  }

  @Test("an agent needs a token and an address", arguments: [Role.agent, .ingress])
  func agentNeeds(role: Role) throws {
    let bare = try Planning("{}")
    #expect(bare.missing(try bare.node(role)) == [Self.missing.agentToken, Self.address(role.rawValue)])
    for token in ["k3s_token", "k3s_agent_token"] {
      let enough = try Planning(#"{"\#(token)": "t", "server_url": "https://10.0.0.1:6443"}"#)
      #expect(enough.missing(try enough.node(role)) == [])
    }
  }

  @Test("what was given with an error is not missing as well")
  func refusedIsGiven() throws {
    let planning = try Planning(
      #"{"cloudflare_api_token": "", "git_repo_url": "x", "k3s_token": "", "server_private_ip": "x"}"#)
    #expect(planning.report.diagnostics.map(\.code) == Array(repeating: "input-value", count: 4))
    for node in [try planning.node("server"), try planning.node(.agent), try planning.node(.ingress)] {
      #expect(planning.missing(node) == [])
    }
  }

  @Test("the long form of a token is refused where the cluster is new, and only there")
  func tokenForm() throws {
    let outputs = #""cloudflare_api_token": "c", "git_repo_url": "https://git.example.org/a.git""#
    let planning = try Planning(
      #"{\#(outputs), "server_private_ip": "10.0.0.1", "k3s_token": 📍"K10aa::server:bb"}"#)
    #expect(
      planning.missing(try planning.node("server")) == [
        "📍: error: k3s_token has the long form (K10…), which only a running cluster can give (at $.k3s_token); give the short form to the first server: the part after the last \"::server:\" [token-form]"
      ])
    #expect(planning.missing(try planning.node(.agent)) == [])
    let short = try Planning(#"{\#(outputs), "k3s_token": "bb-K10"}"#)
    #expect(short.missing(try short.node("server")) == [])
    // Nobody here can see what form a token in the vault has.
    let vault = try Planning(#"{\#(outputs), "k3s_token": "\#(Sample.ocid)"}"#)
    #expect(vault.missing(try vault.node("server")) == [])
  }

  // MARK: Secrets

  static let everySecret = #"""
    "cloudflare_api_token": "c", "k3s_token": "EXAMPLE-5d0c3f9b7e1a48628d4f0b6c",
    "k3s_agent_token": "EXAMPLE-8a2f6e0d4c1b97538e6f2d0a", "git_pat": "p",
    "argocd_admin_password": "hunter2", "server_private_ip": "10.0.0.1",
    "nodes": {"a": {"role": "server"}, "b": {"role": "server"}, "c": {"role": "server"},
              "d": {"role": "agent"}, "e": {"role": "ingress"}}
    """#

  @Test("a node carries only the secrets that its role needs")
  func carried() throws {
    let planning = try Planning(#"{\#(Self.everySecret), "git_repo_url": "https://git.example.org/a.git"}"#)
    func names(_ name: String) throws -> [String] { planning.plan.secretNames(of: try planning.node(name)) }
    #expect(
      try names("a") == [
        "argocd_admin_password_hash", "cloudflare_api_token", "git_pat", "k3s_agent_token", "k3s_token",
      ])
    #expect(try names("b") == ["k3s_agent_token", "k3s_token"])
    #expect(try names("d") == ["k3s_agent_token"])
    #expect(try names("e") == ["k3s_agent_token"])
  }

  @Test("an agent carries the servers' token only where it has none of its own")
  func agentToken() throws {
    let shared = try Planning(#"{"k3s_token": "t", "server_private_ip": "10.0.0.1"}"#)
    #expect(shared.plan.secretNames(of: try shared.node(.agent)) == ["k3s_token"])
    #expect(shared.plan.secretNames(of: try shared.node("server")) == ["k3s_token"])
    let none = try Planning(#"{"server_private_ip": "10.0.0.1"}"#)
    #expect(none.plan.secretNames(of: try none.node(.agent)) == [])
    #expect(none.plan.secretNames(of: try none.node("server")) == [])
  }

  @Test("the repository's credentials are carried where they fit its URL")
  func gitSecrets() throws {
    func names(_ git: String) throws -> [String] {
      let planning = try Planning("{\(git)}")
      return planning.plan.secretNames(of: try planning.node("server"))
    }
    let key = #""git_ssh_private_key": "\#(Sample.sshKey)""#
    #expect(
      try names(#""git_repo_url": "https://git.example.org/a.git", "git_pat": "p", \#(key)"#) == ["git_pat"])
    #expect(
      try names(#""git_repo_url": "git@git.example.org:a.git", "git_pat": "p", \#(key)"#) == [
        "git_ssh_private_key"
      ])
    #expect(try names(#""git_repo_url": "https://git.example.org/a.git""#) == [])
    #expect(try names(#""git_pat": "p""#) == [])
  }

  // MARK: Warnings

  private func warnings(_ outputs: String, about names: [String]) throws -> [String] {
    let planning = try Planning(outputs)
    let nodes = try names.map(planning.node)
    return planning.finding { planning.plan.warn(about: nodes, report: &$0) }
  }

  @Test("literal secrets are warned of once, however many nodes carry them")
  func literals() throws {
    let outputs =
      #"{\#(Self.everySecret), "platform": "aws", "git_repo_url": "https://git.example.org/a.git"}"#
    func warning(_ names: String) -> String {
      "outputs.json: warning: in user-data, which every process on the node can read from the platform's metadata service: \(names); change them once the cluster runs (\"k3seed rotate\"), and let no one log in who must not have them [literal-secrets]"
    }
    #expect(
      try warnings(outputs, about: ["a", "b", "c", "d"]) == [
        warning(
          "argocd_admin_password_hash, cloudflare_api_token, git_pat, k3s_agent_token, k3s_token")
      ])
    #expect(try warnings(outputs, about: ["d"]) == [warning("k3s_agent_token")])
    #expect(try warnings(#"{"platform": "aws"}"#, about: ["server"]) == [])
  }

  // MARK: Order

  @Test("the order of inputs and of keys within them changes neither plan nor findings", arguments: 0..<24)
  func order(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let nodes = [
      #""a": {"role": "server", "private_ip": "10.0.0.1"}"#, #""b": {"role": "server"}"#,
      #""c": {"labels": {"y": "2", "x": "1"}, "role": "agent", "private_ip": "10.0.0.1"}"#,
    ]
    let labels = [#""m": "1""#, #""l": "2""#, #""k": "3""#]
    let inputs = [
      #""node_labels": {\#(labels.shuffled(using: &random).joined(separator: ", "))}"#,
      #""nodes": {\#(nodes.shuffled(using: &random).joined(separator: ", "))}"#,
      #""git_repo_url": "http://gitlab.example.org/a""#, #""git_pat": "p""#, #""k3s_token": "t""#,
      #""k3s_version": "v1.35.1+k3s2""#, #""tls_sans": ["b.example.org", "a.example.org"]"#,
      #""extra_manifests": {"b": "{apiVersion: v1, kind: A}", "a": "{apiVersion: v1, kind: B}"}"#,
      #""platform": "aws""#, #""cloudflare_api_token": "\#(Sample.ocid)""#,
    ]
    func summary(_ inputs: [String]) throws -> [String] {
      let planning = try Planning("{\(inputs.joined(separator: ",\n"))}")
      let plan = planning.plan
      return plan.nodes.map { node in
        "\(node.title) \(node.role.value) \(node.isFirstServer) \(node.labels.map { "\($0.key)=\($0.value.value)" })"
          + " \(plan.secretNames(of: node))"
      } + plan.extraManifests.map(\.name) + plan.tlsSANs.map(\.value) + [plan.joinURL?.value ?? ""]
        + planning.report.diagnostics.map { "\($0.code) \($0.message)" }
    }
    let sorted = try summary(inputs)
    #expect(
      sorted.contains { $0.hasPrefix("same-address") } && sorted.contains { $0.hasPrefix("vault-platform") })
    #expect(try summary(inputs.shuffled(using: &random)) == sorted)
  }
}
