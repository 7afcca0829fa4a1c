package import Diagnostics
public import Secrets
import UserData
import YAML

/// What user-data promises, read from its bytes: whatever a check compares the machine with.
///
/// It never fails: what cannot be known of some user-data is nil, or not in a list.
public struct Promises: Sendable {
  /// The bytes themselves, which the seed hands over.
  let bytes: [UInt8]
  /// The SHA-256 of the bytes, in hexadecimal.
  public let sha256: String
  /// Whether k3seed made it: it writes `/etc/k3seed/plan.json`.
  public let isOwn: Bool
  /// Whether it forbids vendor-data, with which the probe travels (`vendor_data: {enabled: false}`).
  public let disablesVendorData: Bool
  /// Whether it is base64 as a whole, which cloud-init does not take off: only some platforms do.
  public let isBase64: Bool
  /// Whether it runs commands of its own, which may change what it has written.
  let runsCommands: Bool
  /// The keys of its cloud-configs.
  let keys: Set<String>
  /// What was found wrong while reading it.
  package let report: Report
  /// The files that `write_files` makes, the last of each path.
  let files: [File]
  /// Its secrets by name; only k3seed's own user-data says what is one.
  let secrets: [(name: String, value: Secret)]
  /// Those of its secrets that OCI Vault holds, as far as their values are known, by the paths of files that nothing
  /// writes.
  let vault: [(name: String, value: Secret)]
  /// Whether OCI Vault holds secrets whose values are not known.
  let hasUnknownSecrets: Bool
  /// What its plan says; nil for user-data that k3seed did not make.
  let plan: Plan?
  /// What it makes in Kubernetes; nil where it makes nothing there.
  let kubernetes: Kubernetes?
  /// The stages of its bootstrap with their deadlines, in order.
  public let stages: [Stage]

  /// A file that cloud-init writes.
  struct File: Hashable, Sendable {
    /// Its path.
    let path: String
    /// Its permissions, four octal digits.
    let mode: String
    /// Its owner and group: `root`, `root`.
    let owner, group: String
    /// SHA-256 of its content; nil where the entry appends to what is there.
    let sha256: String?
    /// Whether it is one of k3seed's files of a secret, which the bootstrap removes.
    let isSecret: Bool
  }

  /// A stage of the bootstrap.
  public struct Stage: Hashable, Sendable {
    /// Its name: `download`.
    public let name: String
    /// Its deadline in seconds.
    public let deadline: Double
    /// Whether its work is kept on the disk, and not done again after a restart.
    let isKept: Bool
  }

  /// What `/etc/k3seed/plan.json` and the settings of the bootstrap say.
  struct Plan: Sendable {
    /// The node's name, as Kubernetes writes it; nil where the guest's own name counts.
    let node: String?
    /// Its role: `server`, `agent` or `ingress`.
    let role: String?
    /// The release of K3s.
    let version: String?
    /// The SHA-256 of K3s' binary by architecture.
    let sha256: [Architecture: String]
    /// Whether it joins a cluster that is there already.
    let joins: Bool
    /// The host that it joins, as the URL has it.
    let joinHost: String?
    /// Its own address, where it has a `private_ip`.
    let address: String?
  }

  /// What the first server makes in Kubernetes.
  struct Kubernetes: Sendable {
    /// Its Namespaces.
    let namespaces: [String]
    /// Its Secrets.
    let secrets: [KubernetesSecret]
    /// The Argo CD Application, and the HelmChart of Argo CD itself.
    let application, helmChart: Object?
  }

  /// A Secret of Kubernetes.
  struct KubernetesSecret: Sendable {
    /// `cert-manager/cloudflare-api-token`.
    let name: String
    /// Its labels.
    let labels: [String: String]
    /// Its values by key; nil where OCI Vault holds one that is not known.
    let data: [(key: String, value: Secret?)]
  }

  /// Another object of Kubernetes.
  struct Object: Sendable {
    /// `argocd/argocd-root`.
    let name: String
    /// Its specification.
    let spec: Node
  }
}

extension Promises {
  static let planPath = "/etc/k3seed/plan.json"
  static let secretsFolder = "/var/lib/k3seed/secrets"
  static let manifestsFolder = "/var/lib/rancher/k3s/server/manifests/"
  static let binaryPath = "/usr/local/bin/k3s"
  static let unit = "k3seed-bootstrap.service"
  static let program = BootstrapStage.path

  /// The identity that the verifier's seed gives to an instance with this user-data.
  var instance: String { "k3seed-\(sha256.prefix(16))" }
  /// Whether it is the server that others join.
  var isFirstServer: Bool { plan.map { $0.role == "server" && !$0.joins } ?? false }

  /// The bootstrap's stages; the usual ones where it has no table that says so.
  var assumedStages: [Stage] { stages.isEmpty ? PowerCut.stages : stages }

  /// What must not be there any more when the bootstrap is done.
  var gone: [String] { isOwn ? [Self.secretsFolder] + files.filter(\.isSecret).map(\.path) : [] }

  /// Reads user-data of any kind, as the datasource hands it over.
  ///
  /// - Parameters:
  ///   - bytes: the user-data.
  ///   - values: what OCI Vault holds, by the name of the input; those that the user-data does not refer to are left
  ///     out.
  public init(userData bytes: [UInt8], vault values: [String: Secret] = [:]) {
    self.bytes = bytes
    sha256 = SHA256.hex(bytes)
    var report = Report()
    let opened = report.collect { () throws(Report) in try Inspection.open(bytes, source: "user-data") }
    if case .base64? = opened?.layers.first { isBase64 = true } else { isBase64 = false }
    let bodies = opened?.bodies ?? []
    var configs: [Node] = []
    for body in bodies where body.type == "text/cloud-config" {
      let config = report.collect { () throws(Report) in
        try YAML.parseOne(body.content, source: "user-data", ambiguity: .accepted)
      }
      if let config { configs.append(config) }
    }
    keys = Set(configs.flatMap { ($0.mapping ?? []).map(\.key) })
    let commands = ["runcmd", "bootcmd", "power_state", "packages"]
    runsCommands =
      bodies.contains { $0.type != "text/cloud-config" }
      || configs.contains { config in commands.contains { config[$0] != nil } }
    disablesVendorData = configs.contains { config in
      config["vendor_data"].map { vendor in
        // cloud-init: anything but a mapping counts as false, and is_true() of what `enabled` holds
        // (cloudinit/stages.py, _consume_vendordata; cloudinit/util.py).
        guard vendor.mapping != nil else { return true }
        guard let enabled = vendor["enabled"] else { return false }
        return !["true", "1", "on", "yes"].contains(enabled.scalarText?.lowercased() ?? "")
      } ?? false
    }
    let entries = configs.flatMap { $0["write_files"]?.sequence ?? [] }
    isOwn = entries.contains { $0["path"]?.string == Self.planPath }
    var files: [File] = []
    var contents: [String: [UInt8]] = [:]
    for entry in entries {
      guard let path = entry["path"]?.string, let file = File(entry, isOwn: isOwn) else { continue }
      files.removeAll { $0.path == path }
      files.append(file)
      contents[path] = entry.fileContent
    }
    self.files = files
    self.report = report
    guard isOwn else {
      secrets = []
      vault = []
      hasUnknownSecrets = false
      plan = nil
      kubernetes = nil
      stages = []
      return
    }
    let settings = Self.settings(contents["/etc/k3seed/bootstrap.env"] ?? [])
    plan = Plan(
      contents[Self.planPath] ?? [], settings: settings,
      config: Self.documents(contents["/etc/rancher/k3s/config.yaml"] ?? []).first)
    let manifests = files.map(\.path).filter { $0.hasPrefix(Self.manifestsFolder) }
      .flatMap { Self.documents(contents[$0] ?? []) }.filter { $0["kind"]?.string == "Secret" }
      .compactMap(KubernetesSecret.init)
    let references = (settings["K3SEED_VAULT"] ?? "").split(separator: " ").map {
      String($0.prefix { $0 != "=" })
    }
    vault = references.compactMap { name in values[name].map { ("\(Self.secretsFolder)/\(name)", $0) } }
    hasUnknownSecrets = vault.count < references.count
    let literals = files.filter(\.isSecret).map { ($0.path, Secret(contents[$0.path] ?? [])) }
    secrets =
      literals + vault
      + manifests.flatMap { manifest in
        manifest.data.compactMap { entry in entry.value.map { ("\(manifest.name) \(entry.key)", $0) } }
      }
    kubernetes = Kubernetes(contents, secrets: literals + vault, manifests: manifests)
    let isFirst = settings["K3SEED_SEED"] == "yes"
    stages = BootstrapStage.all(in: String(decoding: contents[Self.program] ?? [], as: UTF8.self))
      .filter { isFirst || !$0.isFirstServers }
      .map { Stage(name: $0.name, deadline: Double($0.deadline), isKept: $0.isKept) }
  }

  /// The settings of an env file that k3seed wrote: `NAME='value'`, one a line.
  private static func settings(_ file: [UInt8]) -> [String: String] {
    var settings: [String: String] = [:]
    for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
      guard let equals = line.firstIndex(of: "=") else { continue }
      let value = line[line.index(after: equals)...]
      settings[String(line[..<equals])] = String(value.filter { $0 != "'" })
    }
    return settings
  }

  /// The documents of a manifest, those of a List each for itself; none where it cannot be read.
  fileprivate static func documents(_ text: [UInt8]) -> [Node] {
    let documents = (try? YAML.parse(text, source: "", ambiguity: .accepted)) ?? []
    return documents.flatMap { $0["items"]?.sequence ?? [$0] }
  }
}

extension Promises.File {
  fileprivate init?(_ entry: Node, isOwn: Bool) {
    guard let path = entry["path"]?.string else { return nil }
    self.path = path
    // cloud-init reads a mode as octal, written as a text or a number; 0644 where there is none.
    let mode = entry["permissions"]?.scalarText ?? "0644"
    let digits = String(mode.drop { $0 == "0" || $0 == "o" })
    self.mode = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    let owner = (entry["owner"]?.string ?? "root:root").split(separator: ":", maxSplits: 1).map(String.init)
    self.owner = owner.first ?? "root"
    group = owner.count > 1 ? owner[1] : "root"
    let appends = entry["append"].map { $0.scalarText?.lowercased() != "false" } ?? false
    sha256 = appends || entry["source"] != nil ? nil : SHA256.hex(entry.fileContent)
    isSecret = isOwn && path.hasPrefix(Promises.secretsFolder + "/")
  }
}

extension Promises.Plan {
  fileprivate init(_ text: [UInt8], settings: [String: String], config: Node?) {
    let plan = try? JSON.parse(text, source: "")
    let name = settings["K3SEED_NODE_NAME"] ?? ""
    node = name.isEmpty ? nil : name.lowercased()
    role = plan?["role"]?.string
    version = plan?["k3s_version"]?.string
    let url = plan?["join_url"]?.string ?? ""
    joins = !url.isEmpty
    joinHost = url.hasPrefix("https://") ? String(url.dropFirst(8).prefix { !":/".contains($0) }) : nil
    address = config?["node-ip"]?.string
    var sha256: [Architecture: String] = [:]
    sha256[.x86_64] = settings["K3S_SHA256_AMD64"]
    sha256[.aarch64] = settings["K3S_SHA256_ARM64"]
    self.sha256 = sha256
  }
}

extension Promises.Kubernetes {
  /// What the files under `/var/lib/k3seed` make; nil where there is no kustomization, as on every node but the first.
  fileprivate init?(
    _ contents: [String: [UInt8]], secrets known: [(name: String, value: Secret)],
    manifests: [Promises.KubernetesSecret]
  ) {
    let folder = "/var/lib/k3seed/"
    guard let text = contents[folder + "kustomization.yaml"] else { return nil }
    let kustomization = Promises.documents(text).first
    let resources = (kustomization?["resources"]?.sequence ?? []).compactMap(\.string)
      .flatMap { Promises.documents(contents[folder + $0] ?? []) }
    namespaces = resources.filter { $0["kind"]?.string == "Namespace" }
      .compactMap { $0["metadata"]?["name"]?.string }
    secrets =
      (kustomization?["secretGenerator"]?.sequence ?? []).compactMap {
        Promises.KubernetesSecret(generator: $0, known: known, folder: folder)
      } + manifests
    application = Promises.Object(contents[folder + "manifests/argocd-root.yaml"] ?? [])
    helmChart = Promises.Object(contents[folder + "manifests/argocd.yaml"] ?? [])
  }
}

extension Promises.Object {
  fileprivate init?(_ text: [UInt8]) {
    guard let document = Promises.documents(text).first, let name = document.objectName,
      let spec = document["spec"]
    else { return nil }
    self.name = name
    self.spec = spec
  }
}

extension Promises.KubernetesSecret {
  /// A Secret written as a manifest.
  fileprivate init?(_ document: Node) {
    guard let name = document.objectName else { return nil }
    self.name = name
    labels = Self.labels(document["metadata"]?["labels"])
    let encoded = (document["data"]?.mapping ?? []).map {
      ($0.key, Base64.decode(Array(($0.value.scalarText ?? "").utf8)) ?? [])
    }
    let plain = (document["stringData"]?.mapping ?? []).map {
      ($0.key, Array(($0.value.scalarText ?? "").utf8))
    }
    data = (encoded.filter { entry in !plain.contains { $0.0 == entry.0 } } + plain).map {
      ($0.0, Secret($0.1))
    }
  }

  /// A Secret that kustomize makes: `files` are `key=path`, and `literals` are `key=value`.
  fileprivate init?(generator: Node, known: [(name: String, value: Secret)], folder: String) {
    guard let name = generator["name"]?.string else { return nil }
    self.name = "\(generator["namespace"]?.string ?? "default")/\(name)"
    labels = Self.labels(generator["options"]?["labels"])
    func pairs(_ key: String) -> [(String, String)] {
      (generator[key]?.sequence ?? []).compactMap(\.string).compactMap { text in
        text.firstIndex(of: "=").map { (String(text[..<$0]), String(text[text.index(after: $0)...])) }
      }
    }
    data =
      pairs("files").map { key, path in (key, known.first { $0.name == folder + path }?.value) }
      + pairs("literals").map { key, value in (key, Secret(value.utf8)) }
  }

  private static func labels(_ node: Node?) -> [String: String] {
    Dictionary(
      (node?.mapping ?? []).map { ($0.key, $0.value.scalarText ?? "") }, uniquingKeysWith: { $1 })
  }
}

extension Node {
  /// `namespace/name` of an object of Kubernetes.
  fileprivate var objectName: String? {
    guard let metadata = self["metadata"], let name = metadata["name"]?.string else { return nil }
    return "\(metadata["namespace"]?.string ?? "default")/\(name)"
  }
}
