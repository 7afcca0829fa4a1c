import Diagnostics
import Inputs
import Secrets
import Testing

@testable import Plan

/// What makes a finding when a plan is made, and beside it what does not.
@Suite("Rules across inputs") struct RuleTests {
  /// Outputs, and the findings that they must make: none where the list is empty.
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var outputs: String
    var findings: [String]

    init(_ name: String, _ outputs: String, _ findings: String...) {
      testDescription = name
      self.outputs = outputs
      self.findings = findings
    }
  }

  @Test(
    "a cluster needs a server, or something to join",
    arguments: [
      Case(
        "agents alone", #"{"nodes": 📍{"a": {"role": "agent"}, "b": {"role": "ingress"}}}"#,
        "📍: error: no node has the role server, and nothing says which cluster to join (at $.nodes); add a server, or give server_url [no-server]"
      ),
      Case(
        "no nodes at all", #"{"nodes": 📍{}}"#,
        "📍: error: no node has the role server, and nothing says which cluster to join (at $.nodes); add a server, or give server_url [no-server]"
      ),
      Case("nothing said", "{}"),
      Case("a server", #"{"nodes": {"a": {"role": "agent"}, "b": {"role": "server"}}}"#),
      Case("a URL", #"{"nodes": {"a": {"role": "agent"}}, "server_url": "https://10.0.0.1:6443"}"#),
      Case("an address", #"{"nodes": {"a": {"role": "agent"}}, "server_private_ip": "10.0.0.1"}"#),
      Case(
        "a refused address is not a missing one",
        #"{"nodes": {"a": {"role": "agent"}}, "server_private_ip": 📍"10.0.0"}"#,
        "📍: error: server_private_ip: \"10.0.0\" is not an IPv4 or IPv6 address (at $.server_private_ip) [input-value]"
      ),
      Case(
        "refused nodes are not nodes without a server", #"{"nodes": {"a": {"role": 📍"sever"}}}"#,
        "📍: error: nodes.a.role: \"sever\" is not a role (at $.nodes.a.role); did you mean \"server\"? use one of server, agent, ingress [input-value]"
      ),
    ])
  func servers(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "of several servers one is named as the first",
    arguments: [
      Case(
        "none is",
        #"{"nodes": 📍{"a": {"role": "server"}, "b": {"role": "server"}, "c": {"role": "server"}}}"#,
        "📍: error: there are 3 servers, and nothing says which of them founds the cluster (at $.nodes); give first_server, or the private_ip of one of them as server_private_ip [first-server]"
      ),
      Case(
        "the address is a load balancer's",
        #"{"server_private_ip": "10.0.0.9", "nodes": 📍{"a": {"role": "server", "private_ip": "10.0.0.1"}, "b": {"role": "server", "private_ip": "10.0.0.2"}, "c": {"role": "server"}}}"#,
        "📍: error: there are 3 servers, and nothing says which of them founds the cluster (at $.nodes); give first_server, or the private_ip of one of them as server_private_ip [first-server]"
      ),
      Case(
        "another name",
        #"{"first_server": 📍"d", "nodes": {"a": {"role": "server"}, "d": {"role": "agent"}}}"#,
        "📍: error: first_server is \"d\", and no server has that name (at $.first_server); name one of a [first-server]"
      ),
      Case(
        "no server",
        #"{"server_url": "https://a.example:6443", "first_server": 📍"d", "nodes": {"d": {"role": "agent"}}}"#,
        "📍: error: first_server is \"d\", and no server has that name (at $.first_server); give a node the role server [first-server]"
      ),
      Case("named", #"{"first_server": "a", "nodes": {"a": {"role": "server"}, "b": {"role": "agent"}}}"#),
    ])
  func firstServer(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "a cluster that exists has a server to join",
    arguments: [
      Case(
        "no other",
        #"{"cluster_state": 📍"existing", "nodes": {"a": {"role": "server"}, "b": {"role": "agent"}}}"#,
        "📍: error: cluster_state is existing, but the first server knows no other server that it could join (at $.cluster_state); give the other servers' private_ip, or server_url [no-peer]"
      ),
      Case(
        "a URL",
        #"{"cluster_state": "existing", "server_url": "https://a.example:6443", "nodes": {"a": {"role": "server"}}}"#
      ),
      Case(
        "another server",
        #"{"cluster_state": "existing", "first_server": "a", "nodes": {"a": {"role": "server"}, "b": {"role": "server", "private_ip": "10.0.0.2"}, "c": {"role": "server"}}}"#
      ),
      Case(
        "no first server",
        #"{"cluster_state": "existing", "server_url": "https://a.example:6443", "nodes": {"b": {"role": "agent"}}}"#
      ),
      Case("a new one", #"{"cluster_state": "new", "nodes": {"a": {"role": "server"}}}"#),
    ])
  func existing(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "two servers make an etcd that survives nothing",
    arguments: [
      Case(
        "two",
        #"{"first_server": "a", "nodes": {"a": {"role": "server"}, "b": {"role": "agent"}, "c": {"role": 📍"server"}}}"#,
        "📍: warning: two servers survive no failure: etcd needs more than half of its members (at $.nodes.c.role); use one server or three [etcd-quorum]"
      ),
      Case("one", #"{"nodes": {"a": {"role": "server"}, "b": {"role": "agent"}}}"#),
      Case(
        "three",
        #"{"first_server": "a", "nodes": {"a": {"role": "server"}, "b": {"role": "server"}, "c": {"role": "server"}}}"#
      ),
    ])
  func quorum(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "some node takes Argo CD's pods",
    arguments: [
      Case(
        "all tainted",
        #"{"nodes": {"a": {"role": "server", "taints": [📍"x=y:NoSchedule"]}, "b": {"role": "agent", "taints": ["z:NoExecute"]}}}"#,
        "📍: warning: every node has a taint, and neither Argo CD's pods nor K3s' job that installs it tolerate any: the bootstrap waits for them in vain (at $.nodes.a.taints[0]); leave a node without one, or add one [all-tainted]"
      ),
      Case(
        "one without",
        #"{"nodes": {"a": {"role": "server", "taints": ["x=y:NoSchedule"]}, "b": {"role": "agent"}}}"#),
      Case(
        "one that only prefers others",
        #"{"nodes": {"a": {"role": "server", "taints": ["x=y:PreferNoSchedule"]}}}"#),
    ])
  func taints(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "each node has an address of its own",
    arguments: [
      Case(
        "one address twice",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}, "b": {"role": "agent", "private_ip": 📍"10.0.0.1"}}}"#,
        "📍: error: the nodes a and b have the same private_ip 10.0.0.1 (at $.nodes.b.private_ip); give each node its own [same-address]"
      ),
      Case(
        "three times, each said",
        #"{"nodes": {"a": {"role": "server", "private_ip": "fd00::1"}, "b": {"role": "agent", "private_ip": 📍"fd00::1"}, "c": {"role": "agent", "private_ip": 📌"fd00::1"}}}"#,
        "📍: error: the nodes a and b have the same private_ip fd00::1 (at $.nodes.b.private_ip); give each node its own [same-address]",
        "📌: error: the nodes a and c have the same private_ip fd00::1 (at $.nodes.c.private_ip); give each node its own [same-address]"
      ),
      Case(
        "two addresses, and none",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}, "b": {"role": "agent", "private_ip": "10.0.0.2"}, "c": {"role": "agent"}, "d": {"role": "agent"}}}"#
      ),
    ])
  func addresses(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  static let otherHashes =
    #"{"amd64": "\#(Sample.hash)", "arm64": "\#(Sample.hash)", "install_script": "\#(Sample.hash)"}"#

  @Test(
    "another version of K3s comes with its hashes",
    arguments: [
      Case(
        "without", #"{"k3s_version": 📍"v1.35.1+k3s2"}"#,
        "📍: error: k3s_version v1.35.1+k3s2 is not the built-in \(Pins.lock.k3s.version), and nothing says what its files must be (at $.k3s_version); run \"k3seed lock --k3s v1.35.1+k3s2\", or give k3s_sha256 = {amd64, arm64, install_script}, from the release's sha256sum files and install.sh [missing-hash]"
      ),
      Case("with", #"{"k3s_version": "v1.35.1+k3s2", "k3s_sha256": \#(otherHashes)}"#),
      Case("the built-in one by name", #"{"k3s_version": "\#(Pins.lock.k3s.version)"}"#),
      Case(
        "refused hashes are not missing ones",
        #"{"k3s_version": "v1.35.1+k3s2", "k3s_sha256": 📍{"amd64": "\#(Sample.hash)", "arm64": "\#(Sample.hash)"}}"#,
        "📍: error: k3s_sha256 lacks the key \"install_script\" (at $.k3s_sha256); it is the SHA-256 of `install.sh` at that tag [missing-key]"
      ),
    ])
  func hashes(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "a repository's credentials fit its URL",
    arguments: [
      Case(
        "a token at an ssh URL", #"{"git_repo_url": "git@git.example.org:a/b.git", "git_pat": 📍"pat"}"#,
        "📍: error: git_pat goes with an https URL, but git_repo_url is an ssh one (at $.git_pat); give git_ssh_private_key, or the repository's https URL [git-credentials]"
      ),
      Case(
        "a key at an https URL",
        #"{"git_repo_url": "https://git.example.org/a/b.git", "git_ssh_private_key": 📍"\#(Sample.sshKey)"}"#,
        "📍: error: git_ssh_private_key goes with an ssh URL, but git_repo_url is an https one (at $.git_ssh_private_key); give git_pat, or the repository's ssh URL [git-credentials]"
      ),
      Case(
        "an ssh URL alone", #"{"git_repo_url": 📍"ssh://git@git.example.org/a/b.git"}"#,
        "📍: error: git_repo_url is an ssh URL, which even a public repository gives to no one without a key (at $.git_repo_url); give git_ssh_private_key, or the repository's https URL [git-credentials]"
      ),
      Case(
        "a refused key is not a missing one",
        #"{"git_repo_url": "ssh://git@git.example.org/a/b.git", "git_ssh_private_key": 📍"x"}"#,
        "📍: error: git_ssh_private_key is not a private key in PEM or OpenSSH form (at $.git_ssh_private_key); give the whole file, from -----BEGIN to -----END and its line break [input-value]"
      ),
      Case("an https URL alone", #"{"git_repo_url": "https://git.example.org/a/b.git"}"#),
      Case(
        "a token at an https URL", #"{"git_repo_url": "https://git.example.org/a/b.git", "git_pat": "pat"}"#),
      Case(
        "a key at an ssh URL",
        #"{"git_repo_url": "git@git.example.org:a/b.git", "git_ssh_private_key": "\#(Sample.sshKey)"}"#),
      Case(
        "both, of which one fits",
        #"{"git_repo_url": "git@git.example.org:a/b.git", "git_pat": "pat", "git_ssh_private_key": "\#(Sample.sshKey)"}"#
      ),
      Case("credentials without a repository", #"{"git_pat": "pat"}"#),
      Case(
        "a token in the clear", #"{"git_repo_url": 📍"http://git.example.org/a/b.git", "git_pat": "pat"}"#,
        "📍: warning: git_pat travels unencrypted to an http URL (at $.git_repo_url); use https [git-clear-text]"
      ),
      Case("a public repository in the clear", #"{"git_repo_url": "http://git.example.org/a/b.git"}"#),
    ])
  func credentials(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "GitLab redirects an https URL without .git, which Argo CD does not follow",
    arguments: [
      Case(
        "gitlab.com", #"{"git_repo_url": 📍"https://gitlab.com/a/b"}"#,
        "📍: warning: Argo CD cannot follow GitLab's redirect from a URL without \".git\" (at $.git_repo_url); write https://gitlab.com/a/b.git [git-suffix]"
      ),
      Case(
        "a GitLab of one's own, and a slash", #"{"git_repo_url": 📍"https://gitlab.example.org/a/b/"}"#,
        "📍: warning: Argo CD cannot follow GitLab's redirect from a URL without \".git\" (at $.git_repo_url); write https://gitlab.example.org/a/b.git [git-suffix]"
      ),
      Case("with .git", #"{"git_repo_url": "https://gitlab.com/a/b.git"}"#),
      Case("another host", #"{"git_repo_url": "https://git.example.org/a/b"}"#),
      Case(
        "another host with a project of that name", #"{"git_repo_url": "https://git.example.org/gitlab/b"}"#),
      Case(
        "ssh, where nothing redirects",
        #"{"git_repo_url": "git@gitlab.com:a/b", "git_ssh_private_key": "\#(Sample.sshKey)"}"#),
    ])
  func gitLab(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "an admin password is hashed here, unless its hash is there",
    arguments: [
      Case(
        "a password in the vault", #"{"argocd_admin_password": 📍"\#(Sample.ocid)"}"#,
        "📍: error: argocd_admin_password is in OCI Vault, where it cannot be hashed (at $.argocd_admin_password); store its bcrypt hash there as well, as argocd_admin_password_hash [reference-alone]"
      ),
      Case(
        "both in the vault",
        #"{"argocd_admin_password": "\#(Sample.ocid)", "argocd_admin_password_hash": "\#(Sample.ocid)2"}"#),
      Case(
        "both as values",
        #"{"argocd_admin_password": 📍"hunter2", "argocd_admin_password_hash": "\#(Sample.bcrypt)"}"#,
        "📍: note: argocd_admin_password and its hash are both given; the hash is used (at $.argocd_admin_password) [hash-wins]"
      ),
      Case(
        "a password in the vault beside a refused hash",
        #"{"argocd_admin_password": "\#(Sample.ocid)", "argocd_admin_password_hash": 📍"$2a$"}"#,
        "📍: error: argocd_admin_password_hash is not a bcrypt hash ($2a$10$ and 53 characters more) (at $.argocd_admin_password_hash); give the password itself as argocd_admin_password to have it hashed, or hash it with htpasswd -nbBC 10 [input-value]"
      ),
      Case("a password", #"{"argocd_admin_password": "hunter2"}"#),
      Case("a hash", #"{"argocd_admin_password_hash": "\#(Sample.bcrypt)"}"#),
    ])
  func adminPassword(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test("a clear admin password becomes its bcrypt hash, the same in every run, another in another cluster")
  func hashing() throws {
    func hash(_ outputs: String) throws -> Secret? {
      let source = try Planning("{\"k3s_token\": \"\(Sample.token)\", \(outputs)}").plan
        .source(ofSecret: "argocd_admin_password_hash")
      if case .literal(let secret)? = source?.value { return secret }
      return nil
    }
    let first = try #require(try hash(#""argocd_admin_password": "hunter2", "cluster_name": "a""#))
    let key = try #require(ProjectKey(project: ["a"], secret: Secret(Sample.token.utf8)))
    #expect(first == Bcrypt.hash(Secret("hunter2".utf8), key: key))
    #expect(try hash(#""argocd_admin_password": "hunter2", "cluster_name": "a""#) == first)
    #expect(try hash(#""argocd_admin_password": "hunter2", "cluster_name": "b""#) != first)
    #expect(
      try hash(#""argocd_admin_password": "hunter2", "argocd_admin_password_hash": "\#(Sample.bcrypt)""#)
        == Secret(Sample.bcrypt.utf8))
    #expect(try hash(#""cluster_name": "a""#) == nil)
  }

  @Test("the hash of a clear password comes from the password's place")
  func hashOrigin() throws {
    let plan = try Planning(#"{"argocd_admin_password": "hunter2", "k3s_token": "\#(Sample.token)"}"#).plan
    #expect(
      plan.source(ofSecret: "argocd_admin_password_hash")?.origin
        == Location(source: Planning.source, line: 1, column: 27, path: "$.argocd_admin_password"))
  }

  @Test(
    "without a strong token there is no salt for a clear password, and the first server says so",
    arguments: [
      ("", "is not given", ""),
      (#", "k3s_token": "\#(Sample.ocid)""#, "is in OCI Vault", ""),
      (#", "k3s_token": "summer2026!""#, "can be guessed", #", or a k3s_token from "k3seed token""#),
    ])
  func salt(token: String, state: String, help: String) throws {
    let rest = #""cloudflare_api_token": "c", "git_repo_url": "https://git.example.net/a.git""#
    let planning = try Planning(#"{\#(rest), "argocd_admin_password": 📍"hunter2"\#(token)}"#)
    #expect(planning.findings == [])
    #expect(
      planning.missing(try planning.node(.server)) == [
        "📍: error: argocd_admin_password cannot be hashed safely: its salt is derived from k3s_token, which \(state) (at $.argocd_admin_password); give argocd_admin_password_hash, from htpasswd -nbBC 10\(help) [password-salt]"
      ])
    #expect(planning.plan.source(ofSecret: "argocd_admin_password_hash") == nil)
    // Nodes that do not seed it have no need of it, and a hash that is given needs no salt.
    let agent = try Planning(
      #"{"argocd_admin_password": "hunter2", "k3s_token": "summer2026!", "server_private_ip": "10.0.0.1"}"#)
    #expect(agent.missing(try agent.node(.agent)) == [])
    let given = try Planning(
      #"{\#(rest), "argocd_admin_password": "hunter2", "argocd_admin_password_hash": "\#(Sample.bcrypt)"}"#)
    #expect(given.missing(try given.node(.server)) == [])
  }

  @Test("a join token that can be guessed is warned of, and one that cannot is not")
  func weakToken() throws {
    func findings(_ token: String, _ agent: String) throws -> [String] {
      let planning = try Planning(#"{"k3s_token": 📍"\#(token)", "k3s_agent_token": 📌"\#(agent)"}"#)
      return planning.finding { planning.plan.warn(about: planning.plan.nodes, report: &$0) }
        .filter { !$0.contains("[literal-secrets]") }
    }
    func finding(_ place: String, _ name: String, _ bits: Int) -> String {
      "\(place): warning: \(name) can be guessed: by its form it is worth about \(bits) bits, and whoever has it can join nodes and read all Secrets (at $.\(name)); use one of at least 80 bits, such as \"k3seed token\" prints [weak-token]"
    }
    #expect(
      try findings("summer2026!", "t") == [finding("📌", "k3s_agent_token", 2), finding("📍", "k3s_token", 33)])
    #expect(try findings(Sample.token, Sample.token) == [])
    #expect(try findings(Sample.ocid, Sample.ocid) == [])
  }

  @Test(
    "OCI Vault is read as an OCI instance, so only OCI and the verifier have it", arguments: Platform.allCases
  )
  func vault(on platform: Platform) throws {
    let planning = try Planning(#"{"platform": "\#(platform.rawValue)", "k3s_token": 📍"\#(Sample.ocid)"}"#)
    let finding =
      "📍: error: k3s_token is in OCI Vault, which is read as the OCI instance that one is; \(platform.rawValue) has none (at $.k3s_token); give its value, or use the platform oci [vault-platform]"
    #expect(planning.findings == ([.oci, .nocloud].contains(platform) ? [] : [finding]))
    let literal = try Planning(
      #"{"platform": "\#(platform.rawValue)", "k3s_token": "t", "vault_ocid": "ocid1.vault.oc1.eu.a"}"#)
    #expect(literal.findings == [])
  }
}
