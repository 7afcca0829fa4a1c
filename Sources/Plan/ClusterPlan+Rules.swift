public import Diagnostics
public import Inputs
import Secrets
import YAML

extension ClusterPlan {
  /// Makes the plan of a cluster, and finds what contradicts itself across inputs.
  ///
  /// What a node needs is looked at by ``select(node:role:report:)`` and ``require(for:report:)``, since not
  /// every run renders every node.
  ///
  /// - Parameter lock: the versions that hold where no input says otherwise.
  public init(_ inputs: Inputs, lock: Lock = Pins.lock, report: inout Report) {
    self.inputs = inputs
    self.lock = lock
    name = inputs.text("cluster_name", default: "k3s")
    platform = inputs.text("platform", default: "oci").map { Platform(rawValue: $0) ?? .oci }
    sshKeys = inputs.texts("ssh_authorized_keys")
    clusterCIDR = inputs.text("cluster_cidr")
    serviceCIDR = inputs.text("service_cidr")
    nodeCIDRs =
      inputs["node_cidrs"] == nil
      ? Self.privateRanges.map { Sourced($0, from: .fallback("node_cidrs")) } : inputs.texts("node_cidrs")
    podsReachMetadata = inputs.text("pod_metadata_access", default: "denied").map { $0 == "allowed" }
    disabled =
      inputs["disable"] == nil
      ? [Sourced("traefik", from: .fallback("disable"))] : inputs.texts("disable")
    registryMirrors = inputs.mappings("registry_mirrors").map { ($0.key, $0.value.texts) }
    extraManifests = inputs.mappings("extra_manifests").compactMap { entry in
      entry.value.text.map { (entry.key, $0) }
    }
    airgapImages = inputs.mappings("k3s_airgap_sha256").compactMap { entry in
      entry.value.text.map { (entry.key, $0.map { $0.lowercased() }) }
    }
    caCertificates = inputs.texts("ca_certificates")
    isHardened = inputs.text("hardening", default: "none").map { $0 == "cis" }
    ociRegion = inputs.text("oci_region")
    adminPasswordHash = Self.adminPasswordHash(inputs, project: name.value)
    cloudflareSecretName = inputs.text("cloudflare_secret_name", default: "cloudflare-api-token")
    cloudflareSecretKey = inputs.text("cloudflare_secret_key", default: "api-token")
    gitURL = inputs.text("git_repo_url")
    gitRevision = inputs.text("git_revision", default: "HEAD")
    gitPath = inputs.text("git_path", default: "argocd")
    gitCredentials = Self.credentials(inputs, url: gitURL, report: &report)

    let release = Self.release(inputs, lock, report: &report)
    k3s = release
    Self.compare(airgapImages, with: release.value, report: &report)
    let mirrors = inputs.texts("k3s_mirrors").map { mirror in
      mirror.map { base in
        (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/" + release.value.encodedVersion
      }
    }
    binaryURLs = mirrors + [release.map(\.officialBinaries)]
    installScriptURLs = mirrors.map { $0.map { $0 + "/install.sh" } } + [release.map(\.officialInstallScript)]

    nodes = Self.nodes(inputs, report: &report)
    let servers = nodes.filter { $0.role.value == .server }
    hasEmbeddedEtcd = servers.count > 1
    if servers.count == 2, let origin = servers.last?.role.origin {
      report.add(
        .warning(
          "etcd-quorum", at: origin,
          "two servers survive no failure: etcd needs more than half of its members",
          help: "use one server or three"))
    }
    let repellent = nodes.map { node in
      node.taints.first { $0.value.hasSuffix(":NoSchedule") || $0.value.hasSuffix(":NoExecute") }
    }
    if let taint = repellent.first ?? nil, repellent.allSatisfy({ $0 != nil }) {
      report.add(
        .warning(
          "all-tainted", at: taint.origin,
          "every node has a taint, and neither Argo CD's pods nor K3s' job that installs it tolerate any: the bootstrap waits for them in vain",
          help: "leave a node without one, or add one"))
    }
    let serverURL = inputs.text("server_url")?.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
    joinURL =
      serverURL
      ?? (inputs.text("server_private_ip") ?? servers.first { $0.isFirstServer }?.privateIP).map(
        Self.serverURL)
    firstServerPeers =
      servers.filter { !$0.isFirstServer }.compactMap { $0.privateIP.map(Self.serverURL) }
      + [serverURL].compactMap(\.self)
    let state = inputs.text("cluster_state", default: "new")
    clusterExists = state.value == "existing"
    serverCAHash = inputs.text("server_ca_sha256")?.map { $0.lowercased() }
    if clusterExists, firstServerPeers.isEmpty, servers.contains(where: \.isFirstServer) {
      report.add(
        .error(
          "no-peer", at: state.origin,
          "cluster_state is existing, but the first server knows no other server that it could join",
          help: "give the other servers' private_ip, or server_url"))
    }
    // K3s' documentation, "High Availability Embedded etcd": a fixed registration address is one of the
    // certificate's names, else what joins there refuses it.
    var sans: [Sourced<String>] = []
    let candidates =
      ["ingress_public_ip", "load_balancer_ip", "server_private_ip"].compactMap { inputs.text($0) }
      + [serverURL?.map(\.host)].compactMap(\.self) + inputs.texts("tls_sans")
    for san in candidates where !sans.contains(where: { $0.value == san.value }) { sans.append(san) }
    tlsSANs = sans
    checkSecrets(report: &report)
    checkNetworks(report: &report)
  }

  /// Where K3s' servers answer: its documentation, "Requirements", "Networking".
  private static func serverURL(_ address: Sourced<String>) -> Sourced<String> {
    address.map { $0.contains(":") ? "https://[\($0)]:6443" : "https://\($0):6443" }
  }

  /// RFC 1918, RFC 6598 and RFC 4193: where the nodes of a cluster are, unless somebody knows better.
  private static let privateRanges = [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
  ]

  // MARK: Rules across inputs

  private static func release(
    _ inputs: Inputs, _ lock: Lock, report: inout Report
  ) -> Sourced<K3sRelease> {
    let version = inputs.text("k3s_version") ?? Sourced(lock.k3s.version, from: lock.origin)
    guard let hashes = inputs["k3s_sha256"] else {
      if version.value != lock.k3s.version, !inputs.isGiven("k3s_sha256") {
        let known =
          lock.origin.line == nil
          ? "the built-in \(lock.k3s.version)" : "the \(lock.k3s.version) of \(lock.origin.source)"
        report.add(
          .error(
            "missing-hash", at: version.origin,
            "k3s_version \(version.value) is not \(known), and nothing says what its files must be",
            help:
              "run \"k3seed lock --k3s \(version.value)\", or give k3s_sha256 = {amd64, arm64, install_script}, from the release's sha256sum files and install.sh"
          ))
      }
      return version.map { version in
        var release = lock.k3s
        release.version = version
        return release
      }
    }
    func hash(_ key: String) -> String { (hashes.node[key]?.string ?? "").lowercased() }
    return version.map {
      K3sRelease(
        version: $0, amd64: hash("amd64"), arm64: hash("arm64"), installScript: hash("install_script"))
    }
  }

  /// Warns where an archive of images is not the one that was locked for the release.
  private static func compare(
    _ images: [(architecture: String, sha256: Sourced<String>)], with release: K3sRelease,
    report: inout Report
  ) {
    for (architecture, sha256) in images {
      let locked = architecture == "amd64" ? release.airgapAMD64 : release.airgapARM64
      guard let locked, locked != sha256.value else { continue }
      report.add(
        .warning(
          "airgap-differs", at: sha256.origin,
          "k3s_airgap_sha256.\(architecture) is not the \(locked) that was locked for \(release.version)",
          help: "use that one, unless the archive is one of your own"))
    }
  }

  private static func nodes(_ inputs: Inputs, report: inout Report) -> [ClusterNode] {
    let common = inputs.mappings("node_labels")
    guard inputs["nodes"] != nil else {
      let origin = Location.fallback("nodes")
      return [
        ClusterNode(
          name: Sourced("server", from: origin), role: Sourced(.server, from: origin), isFirstServer: true,
          labels: labels(common, []), taints: [], privateIP: inputs.text("server_private_ip"))
      ]
    }
    var nodes = inputs.mappings("nodes").map { entry in
      let role = entry.value["role"]?.text?.map { Role(rawValue: $0) ?? .agent }
      return ClusterNode(
        name: Sourced(entry.key, from: entry.value.location),
        role: role ?? Sourced(.agent, from: entry.value.location), isFirstServer: false,
        labels: labels(common, entry.value["labels"]?.mappings ?? []),
        taints: entry.value["taints"]?.texts ?? [], privateIP: entry.value["private_ip"]?.text)
    }
    var owners: [String: String] = [:]
    for node in nodes {
      guard let ip = node.privateIP else { continue }
      if let owner = owners[ip.value] {
        report.add(
          .error(
            "same-address", at: ip.origin,
            "the nodes \(owner) and \(node.title) have the same private_ip \(ip.value)",
            help: "give each node its own"))
      } else {
        owners[ip.value] = node.title
      }
    }
    let servers = nodes.indices.filter { nodes[$0].role.value == .server }
    if let first = firstServer(of: servers.map { nodes[$0] }, inputs, report: &report) {
      if let place = servers.first(where: { nodes[$0].name?.value == first }) {
        nodes[place].isFirstServer = true
      }
    } else if !servers.isEmpty || inputs.isRefused("first_server") {
      // Said already.
    } else if !inputs.isGiven("server_private_ip"), !inputs.isGiven("server_url"), let map = inputs["nodes"] {
      report.add(
        .error(
          "no-server", at: map.location,
          "no node has the role server, and nothing says which cluster to join",
          help: "add a server, or give server_url"))
    }
    return nodes
  }

  /// The name of the server that founds the cluster. By the alphabet, a server that is added later could become it, and
  /// found another one. Where that is a finding, the rest of the plan takes the first by name.
  private static func firstServer(
    of servers: [ClusterNode], _ inputs: Inputs, report: inout Report
  ) -> String? {
    let names = servers.compactMap(\.name?.value)
    let joined = inputs.text("server_private_ip")?.value
    if let named = inputs.text("first_server") {
      if names.contains(named.value) { return named.value }
      report.add(
        .error(
          "first-server", at: named.origin, "first_server is \"\(named.value)\", and no server has that name",
          help: names.isEmpty
            ? "give a node the role server" : "name one of \(names.joined(separator: ", "))"))
    } else if names.count > 1, !inputs.isRefused("first_server"), !inputs.isRefused("server_private_ip") {
      if let first = servers.first(where: { joined != nil && $0.privateIP?.value == joined }) {
        return first.name?.value
      }
      if let map = inputs["nodes"] {
        report.add(
          .error(
            "first-server", at: map.location,
            "there are \(names.count) servers, and nothing says which of them founds the cluster",
            help: "give first_server, or the private_ip of one of them as server_private_ip"))
      }
    }
    return names.first
  }

  private static func labels(
    _ common: [(key: String, value: Positioned)], _ own: [(key: String, value: Positioned)]
  ) -> [(key: String, value: Sourced<String>)] {
    var merged: [String: Sourced<String>] = [:]
    for entry in common + own { merged[entry.key] = entry.value.text }
    return merged.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  private static func credentials(
    _ inputs: Inputs, url: Sourced<String>?, report: inout Report
  ) -> GitCredentials? {
    guard let url else { return nil }
    let isSSH = url.value.hasPrefix("ssh://") || !url.value.holds("://")
    let unused = inputs.secret(isSSH ? "git_pat" : "git_ssh_private_key")
    let used = inputs.secret(isSSH ? "git_ssh_private_key" : "git_pat")
    if let unused, used == nil {
      report.add(
        .error(
          "git-credentials", at: unused.location,
          isSSH
            ? "git_pat goes with an https URL, but git_repo_url is an ssh one"
            : "git_ssh_private_key goes with an ssh URL, but git_repo_url is an https one",
          help: isSSH
            ? "give git_ssh_private_key, or the repository's https URL"
            : "give git_pat, or the repository's ssh URL"))
    } else if isSSH, used == nil, !inputs.isRefused("git_ssh_private_key") {
      report.add(
        .error(
          "git-credentials", at: url.origin,
          "git_repo_url is an ssh URL, which even a public repository gives to no one without a key",
          help: "give git_ssh_private_key, or the repository's https URL"))
    }
    if url.value.hasPrefix("http://"), used != nil {
      report.add(
        .warning(
          "git-clear-text", at: url.origin, "git_pat travels unencrypted to an http URL", help: "use https"))
    }
    // Argo CD's documentation, "Private Repositories": GitLab answers such a URL with a redirect that it does
    // not follow.
    let path = url.value.hasSuffix("/") ? String(url.value.dropLast()) : url.value
    if !isSSH, path.host.holds("gitlab"), !path.hasSuffix(".git") {
      report.add(
        .warning(
          "git-suffix", at: url.origin, "Argo CD cannot follow GitLab's redirect from a URL without \".git\"",
          help: "write \(path).git"))
    }
    guard used != nil else { return nil }
    return isSSH ? .deployKey : .token(username: inputs.text("git_username", default: "git"))
  }

  // MARK: One node

  /// The node that a command is about.
  ///
  /// - Parameters:
  ///   - name: a node's name.
  ///   - role: a role, where no name is given; a role without a named node stands for machines that share
  ///     one user-data.
  ///   - report: gets the finding where nothing fits, or several do.
  public func select(name: Sourced<String>?, role: Sourced<Role>?, report: inout Report) -> ClusterNode? {
    let names = nodes.compactMap(\.name?.value)
    if let name {
      // Nodes that were refused have been reported, and are not known.
      if inputs.isRefused("nodes") { return nil }
      if let node = nodes.first(where: { $0.name?.value == name.value }) {
        guard let role, node.role.value != role.value else { return node }
        report.add(
          .error(
            "node-role", at: role.origin,
            "the node \"\(name.value)\" has the role \(node.role.value.rawValue), not \(role.value.rawValue)",
            help: "give the node or the role, not both"))
        return nil
      }
      let near = name.value.suggestion(from: names, within: 2)
      report.add(
        .error(
          "unknown-node", at: name.origin, "there is no node \(name.value.shown)",
          help: names.isEmpty ? "nodes is empty" : "\(near)the nodes are \(names.joined(separator: ", "))"))
      return nil
    }
    let candidates = role.map { role in nodes.filter { $0.role.value == role.value } } ?? nodes
    if candidates.count == 1 { return candidates[0] }
    if let role, candidates.isEmpty {
      let labels = Self.labels(inputs.mappings("node_labels"), [])
      return ClusterNode(
        name: nil, role: role, isFirstServer: role.value == .server && joinURL == nil, labels: labels,
        taints: [],
        privateIP: nil)
    }
    guard !names.isEmpty else {
      report.add(.error("which-node", at: nil, "nodes is empty", help: "add a node, or choose a role"))
      return nil
    }
    report.add(
      .error(
        "which-node", at: role?.origin,
        role.map { "several nodes have the role \($0.value.rawValue)" } ?? "there are several nodes",
        help: "choose one of \(candidates.compactMap(\.name?.value).joined(separator: ", "))"))
    return nil
  }

  /// Finds what a node needs and was not given, and says which secrets travel in its user-data.
  public func require(for node: ClusterNode, report: inout Report) {
    let file = Location(source: inputs.source)
    func missing(_ name: String, _ why: String) {
      guard !inputs.isGiven(name) else { return }
      report.add(
        .error("missing-input", at: file, "\(name) is missing: \(why)", help: "add it to Terraform's outputs")
      )
    }
    if node.isFirstServer {
      requireHash(report: &report)
      missing("cloudflare_api_token", "the first server seeds it for cert-manager and external-dns")
      missing("git_repo_url", "it is what argocd-root follows")
      // K3s' documentation, "token": the long form holds the hash of a certificate authority that only a running
      // cluster has.
      if let token = inputs.literal("k3s_token"), token.withBytes({ $0.starts(with: "K10".utf8) }),
        let place = inputs.secret("k3s_token")?.location
      {
        report.add(
          .error(
            "token-form", at: place,
            "k3s_token has the long form (K10…), which only a running cluster can give",
            help: "give the short form to the first server: the part after the last \"::server:\""))
      }
    }
    if nodes.count > 1 || !node.isFirstServer, node.role.value == .server {
      missing("k3s_token", "servers join with it")
    }
    if nodes.count > 1 || !node.isFirstServer, node.role.value != .server, !inputs.isGiven("k3s_agent_token")
    {
      missing("k3s_token", "agents join with it")
    }
    if !node.isFirstServer, joinURL == nil, !inputs.isGiven("server_url") {
      missing("server_private_ip", "the node \"\(node.title)\" joins the cluster there")
    }
  }

}

// MARK: Reading inputs

extension Inputs {
  func text(_ name: String) -> Sourced<String>? { self[name]?.text }

  func text(_ name: String, default text: String) -> Sourced<String> {
    self[name]?.text ?? Sourced(text, from: .fallback(name))
  }

  func texts(_ name: String) -> [Sourced<String>] { self[name]?.texts ?? [] }

  func mappings(_ name: String) -> [(key: String, value: Positioned)] {
    self[name]?.mappings ?? []
  }
}

extension String {
  /// The host of a URL with a scheme: what stands between its "://" and a port or path.
  fileprivate var host: String {
    let rest = firstPlace(of: "://").map { self[$0.upperBound...] } ?? self[...]
    return rest.first == "["
      ? String(rest.dropFirst().prefix { $0 != "]" }) : String(rest.prefix { $0 != ":" && $0 != "/" })
  }
}

extension Positioned {
  var text: Sourced<String>? { node.string.map { Sourced($0, from: location) } }
  var texts: [Sourced<String>] { items.compactMap(\.text) }
  var mappings: [(key: String, value: Positioned)] { entries.map { ($0.key, $0.value) } }
}
