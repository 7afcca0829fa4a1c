import Diagnostics
public import Plan
import YAML

/// What the bootstrap has put into the cluster before Argo CD reads the repository.
public struct Bootstrap: Sendable {
  /// A Secret that is there.
  public struct Secret: Hashable, Sendable {
    /// Its namespace.
    public var namespace: String
    /// Its name.
    public var name: String
    /// Its keys.
    public var keys: [String]

    /// A Secret by its namespace, name and keys.
    public init(namespace: String, name: String, keys: [String]) {
      self.namespace = namespace
      self.name = name
      self.keys = keys
    }
  }

  /// A node, as far as pods are placed by it.
  public struct Node: Hashable, Sendable {
    /// Its name; empty for nodes that share their user-data.
    public var name: String
    /// Its labels.
    public var labels: [String: String]
    /// Its taints, as K3s takes them: `key=value:Effect`.
    public var taints: [String]

    /// A node by its name, labels and taints.
    public init(name: String, labels: [String: String], taints: [String]) {
      self.name = name
      self.labels = labels
      self.taints = taints
    }
  }

  /// The Secrets.
  public var secrets: [Secret]
  /// Whether these are all that are there. Otherwise they are those that k3seed makes unless told otherwise, and what else
  /// is in the cluster is not known.
  public var isKnown: Bool
  /// The nodes; nil where they are not known.
  public var nodes: [Node]?
  /// The id of the cluster's zone at Cloudflare; nil where it is not known.
  public var zoneID: String?

  /// A cluster of which nothing is known.
  public static let unknown = Bootstrap([], isKnown: false)

  /// A bootstrap that makes these Secrets, on these nodes.
  public init(_ secrets: [Secret], isKnown: Bool = true, nodes: [Node]? = nil, zoneID: String? = nil) {
    self.secrets = secrets
    self.isKnown = isKnown
    self.nodes = nodes
    self.zoneID = zoneID
  }

  /// Leaves the Secrets as those of k3seed's defaults, and nothing else.
  public mutating func forgetNodes(isKnown: Bool) {
    self.isKnown = isKnown
    nodes = nil
    zoneID = nil
  }

  /// What the first server of a plan seeds.
  public init(_ plan: ClusterPlan) {
    isKnown = true
    nodes = plan.nodes.map { node in
      // K3s' own labels (its documentation, "Node Labels and Taints").
      var labels = ["kubernetes.io/os": "linux", "node.kubernetes.io/instance-type": "k3s"]
      labels["kubernetes.io/hostname"] = node.name?.value
      if node.role.value == .server { labels["node-role.kubernetes.io/control-plane"] = "true" }
      for (key, value) in node.labels { labels[key] = value.value }
      return Node(name: node.name?.value ?? "", labels: labels, taints: node.taints.map(\.value))
    }
    zoneID = plan.zoneID
    secrets = plan.seededSecrets.map { secret in
      Secret(
        namespace: secret.namespace, name: secret.name.value,
        keys: secret.inputs.map(\.key.value) + secret.literals.map(\.key))
    }
  }

  /// The namespaces: those of the Secrets, Argo CD's, and those that every cluster has.
  var namespaces: Set<String> {
    Set(secrets.map(\.namespace) + ["argocd", "default", "kube-system", "kube-public", "kube-node-lease"])
  }
}

extension Repository {
  /// A Secret that somebody makes.
  struct MadeSecret: Sendable {
    /// Its namespace; nil where that is not known.
    let namespace: String?
    let name: String
    /// Its keys; nil where they are not known.
    let keys: Set<String>?
    /// The Application that brings what makes it, by its number; nil for the bootstrap.
    let application: Int?

    func matches(namespace other: String?) -> Bool {
      namespace == nil || other == nil || namespace == other
    }
  }

  /// A Secret that something needs.
  struct SecretNeed: Sendable {
    /// The Application, by its number.
    let application: Int?
    /// Who needs it, as people call it.
    let title: String
    let namespace: String?
    let name: String
    let place: Place
    /// The key within it.
    let key: Place?
  }

  /// The Secrets that the bootstrap and the repository make.
  var secrets: [MadeSecret] {
    let bootstrapped = bootstrap.secrets.map {
      MadeSecret(namespace: $0.namespace, name: $0.name, keys: Set($0.keys), application: nil)
    }
    let generated = contents.flatMap(\.generated).filter { $0.kind == "Secret" }.map {
      MadeSecret(namespace: $0.namespace, name: $0.name, keys: nil, application: $0.application)
    }
    return bootstrapped + generated + objects.compactMap(\.madeSecret)
  }

  /// The Secrets with the token of Cloudflare that cert-manager and external-dns need. They are those that the bootstrap
  /// makes, and the ones that projects get wrong: the documentation of each tool has another name and key.
  var secretNeeds: [SecretNeed] {
    objects.flatMap(\.secretNeeds) + charts.flatMap(\.secretNeeds)
  }
}

extension Repository.Object {
  /// The kinds that make a Secret besides Kubernetes' own, and where they have its name and its keys.
  private static let makers: [String: (name: [String], keys: [String]?)] = [
    "SealedSecret": (["spec", "template", "metadata", "name"], ["spec", "encryptedData"]),
    "VaultStaticSecret": (["spec", "destination", "name"], nil),
    "OnePasswordItem": ([], nil),
    "InfisicalSecret": (["spec", "managedSecretReference", "secretName"], nil),
    "SopsSecret": ([], nil),
    "BitwardenSecret": (["spec", "secretName"], nil),
    "Certificate": (["spec", "secretName"], nil),
  ]

  /// The Secret that the object is or makes; nil where it makes none.
  var madeSecret: Repository.MadeSecret? {
    var name: String? = self.name
    var keys: Set<String>?
    switch kind {
    case "Secret" where group.isEmpty:
      keys = Set(["data", "stringData"].flatMap { place[$0]?.entries.map(\.key) ?? [] })
    case "ExternalSecret":
      name = place.at("spec", "target", "name")?.text ?? name
      keys = externalKeys
    default:
      guard let maker = Self.makers[kind] else { return nil }
      name = maker.name.isEmpty ? name : place.at(maker.name)?.text ?? name
      keys = maker.keys.flatMap { place.at($0) }.map { Set($0.entries.map(\.key)) }
    }
    return name.map {
      Repository.MadeSecret(namespace: namespace, name: $0, keys: keys, application: application)
    }
  }

  /// The keys that an ExternalSecret fetches; nil where whole secrets are taken apart, whose keys are not known here.
  var fetchedKeys: Set<String>? {
    guard place.at("spec", "dataFrom")?.items.isEmpty != false else { return nil }
    return Set((place.at("spec", "data")?.items ?? []).compactMap { $0["secretKey"]?.text })
  }

  /// The keys of the Secret that an ExternalSecret makes; nil where they are not known here.
  private var externalKeys: Set<String>? {
    let template = place.at("spec", "target", "template")
    guard template?["templateFrom"] == nil else { return nil }
    let made = template?["data"]?.entries.map(\.key)
    guard let made, template?["mergePolicy"]?.text != "Merge" else {
      return fetchedKeys.map { $0.union(made ?? []) }
    }
    return Set(made)
  }

  /// What the object needs of Cloudflare's token.
  fileprivate var secretNeeds: [Repository.SecretNeed] {
    if group == "cert-manager.io", ["ClusterIssuer", "Issuer"].contains(kind) {
      let namespace = kind == "ClusterIssuer" ? "cert-manager" : self.namespace
      let solvers = place.at("spec", "acme", "solvers")?.items ?? []
      return solvers.flatMap { solver in
        ["apiTokenSecretRef", "apiKeySecretRef"].compactMap { key in
          need(solver.at("dns01", "cloudflare", key), in: namespace)
        }
      }
    }
    let containers = place.at("spec", "template", "spec", "containers")?.items ?? []
    return containers.flatMap { $0["env"]?.items ?? [] }.filter(\.isCloudflareVariable).compactMap {
      need($0.at("valueFrom", "secretKeyRef"), in: namespace)
    }
  }

  private func need(_ reference: Repository.Place?, in namespace: String?) -> Repository.SecretNeed? {
    guard let reference, let name = reference["name"], let text = name.text else { return nil }
    return Repository.SecretNeed(
      application: application, title: title, namespace: namespace, name: text, place: name,
      key: reference["key"])
  }
}

extension Repository.ChartUse {
  /// What the chart external-dns needs of Cloudflare's token.
  fileprivate var secretNeeds: [Repository.SecretNeed] {
    guard name == "external-dns" else { return [] }
    let variables = (value("env")?.items ?? []).filter(\.isCloudflareVariable)
    return variables.compactMap { variable in
      guard let reference = variable.at("valueFrom", "secretKeyRef"), let place = reference["name"],
        let name = place.text
      else { return nil }
      return Repository.SecretNeed(
        application: application, title: "the chart \(self.name)", namespace: namespace, name: name,
        place: place,
        key: reference["key"])
    }
  }
}

extension Repository.Place {
  /// Whether a variable of a container is one from which external-dns takes the token (its documentation, "Cloudflare").
  var isCloudflareVariable: Bool { ["CF_API_TOKEN", "CF_API_KEY"].contains(self["name"]?.text) }
}
