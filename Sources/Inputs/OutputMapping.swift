import YAML

/// A first `k3seed.yaml` for a project whose outputs have other names: which output is which input, as far as names and
/// forms of values tell. It is a guess, which a person reads.
public struct OutputMapping: Sendable {
  /// Inputs, and where among the outputs their values are, in the order of the inputs.
  public let paths: [(input: String, path: String)]
  /// Nodes that an output lists with names and addresses.
  public let nodes: [(name: String, role: String, address: String, path: String)]
  /// Outputs that were not used.
  public let unused: [String]

  /// Looks for inputs among outputs that have not their names.
  public init(_ outputs: InputDocument) {
    let given = Set(outputs.names.compactMap { InputSpec.known(as: $0)?.name })
    let foreign = outputs.entries.filter { InputSpec.known(as: $0.name) == nil }
    let leaves = foreign.flatMap { Leaf.all(in: $0.value, of: $0.name) }
    var used: Set<String> = []
    var paths: [(String, String)] = []
    for (input, phrases) in Self.phrases where !given.contains(input) {
      guard let spec = InputSpec.named(input) else { continue }
      let fitting = leaves.filter { leaf in
        !used.contains(leaf.path) && phrases.contains(where: leaf.words.says) && leaf.holds(spec)
      }
      // The shortest says it most plainly: `lb_ip` before `lb_backends[0].ip`.
      guard let best = fitting.min(by: { ($0.depth, $0.words.count) < ($1.depth, $1.words.count) }) else {
        continue
      }
      used.insert(best.path)
      paths.append((input, best.path))
    }
    self.paths = paths
    nodes = given.contains("nodes") ? [] : foreign.flatMap(Self.nodes)
    let whole = Set((paths.map(\.1) + nodes.map(\.path)).compactMap { OutputPath($0)?.output })
    unused = foreign.map(\.name).filter { !whole.contains($0) }
  }

  /// Words that an output's name has where its value is an input: one of the lists, all of its words, and none of those
  /// after a minus.
  private static let phrases: [(input: String, phrases: [String])] = [
    ("cluster_name", ["cluster name"]),
    ("server_private_ip", ["server private ip"]),
    ("server_url", ["server url", "cluster endpoint", "cluster url", "api endpoint", "api url"]),
    ("ingress_public_ip", ["ingress public ip", "ingress ip -private"]),
    ("load_balancer_ip", ["balancer ip -private"]),
    ("cluster_cidr", ["pod cidr", "cluster cidr"]),
    ("service_cidr", ["service cidr"]),
    ("node_cidrs", ["node cidr", "subnet cidr", "network cidr"]),
    ("k3s_agent_token", ["agent token"]),
    ("k3s_token", ["cluster token -agent", "join token -agent", "server token -agent"]),
    ("cloudflare_api_token", ["cloudflare token"]),
    ("cloudflare_zone_id", ["cloudflare zone -name", "zone id"]),
    ("domain_name", ["domain -id -compartment"]),
    ("acme_email", ["acme email", "letsencrypt email"]),
    ("docs_image", ["docs image"]),
    ("git_repo_url", ["git repo", "gitops repo", "gitops url", "repo url"]),
    ("git_revision", ["git revision", "git branch", "gitops branch"]),
    ("git_ssh_private_key", ["git private key", "deploy private key", "deploy key -public"]),
    ("git_pat", ["git token", "github token", "git pat"]),
    ("github_webhook_secret", ["webhook secret"]),
    ("argocd_admin_password_hash", ["argocd password hash"]),
    ("argocd_admin_password", ["argocd password"]),
    ("vault_ocid", ["vault id"]),
    ("oci_region", ["region"]),
    ("ssh_authorized_keys", ["ssh public key", "ssh authorized key"]),
  ]

  /// The nodes that an output lists: objects with a name and a private address, or such addresses by name.
  private static func nodes(
    _ output: InputDocument.Entry
  ) -> [(name: String, role: String, address: String, path: String)] {
    guard output.isSensitive != true, let spec = InputSpec.named("nodes"),
      case .map(let names, _) = spec.shape
    else { return [] }
    let words = Words(output.name)
    let role = words.has("server") ? "server" : words.has("ingress") ? "ingress" : "agent"
    let listed: [(name: String?, value: Positioned)] =
      output.value.node.mapping == nil
      ? output.value.items.map { (nil, $0) } : output.value.entries.map { ($0.key, $0.value) }
    let nodes = listed.compactMap { key, value -> (String, String, String, String)? in
      let leaves = Leaf.all(in: value, of: output.name)
      let named = leaves.first { $0.depth == 1 && ["name", "hostname"].contains($0.key) }?.text
      let address =
        leaves.first { $0.words.says("private ip") && $0.isAddress }
        ?? (words.says("private ip") ? leaves.first { $0.depth == 0 && $0.isAddress } : nil)
      guard let name = named ?? key, names.problem(with: name) == nil, let ip = address?.text else {
        return nil
      }
      return (name, role, ip, output.name)
    }
    return nodes.count == listed.count ? nodes : []
  }
}

/// A value within an output, and how it is reached.
private struct Leaf {
  var path: String
  var depth: Int
  /// The last key.
  var key: String
  var words: Words
  var value: Positioned

  var text: String? { value.node.string }
  var isAddress: Bool { text.map { Rule.address.problem(with: $0) == nil } ?? false }

  /// Whether the value has the form of an input.
  func holds(_ spec: InputSpec) -> Bool {
    var checker = ShapeChecker(spec: spec)
    return value.node.value != .null && checker.check(value) != nil
  }

  /// The value itself and those within it, of lists the first: it stands for the others.
  static func all(in value: Positioned, of name: String) -> [Leaf] {
    var leaves: [Leaf] = []
    func walk(_ value: Positioned, _ path: String, _ key: String, _ words: Words, _ depth: Int) {
      leaves.append(Leaf(path: path, depth: depth, key: key, words: words, value: value))
      guard depth < 3, leaves.count < 1_000 else { return }
      if let first = value.items.first { walk(first, "\(path)[0]", key, words, depth + 1) }
      for entry in value.entries where OutputPath("a.\(entry.key)") != nil {
        walk(entry.value, "\(path).\(entry.key)", entry.key, words + Words(entry.key), depth + 1)
      }
    }
    walk(value, name, name, Words(name), 0)
    return leaves.filter { OutputPath($0.path) != nil }
  }
}

/// The words of a name, each in the one form that stands for its synonyms.
private struct Words {
  private var words: Set<String>

  var count: Int { words.count }

  init(_ name: String) {
    var text = name.lowercased()
    for (phrase, word) in Self.phrases where text.contains(phrase) {
      text = text.split(separator: phrase, omittingEmptySubsequences: false).joined(separator: word)
    }
    words = Set(text.split { !$0.isLetter && !$0.isNumber }.map { Self.synonyms[String($0)] ?? String($0) })
  }

  func has(_ word: String) -> Bool { words.contains(word) }

  /// Whether all words of a phrase are there, and none of those after a minus.
  func says(_ phrase: String) -> Bool {
    phrase.split(separator: " ").allSatisfy { word in
      word.first == "-" ? !words.contains(String(word.dropFirst())) : words.contains(String(word))
    }
  }

  static func + (one: Words, other: Words) -> Words {
    var sum = one
    sum.words.formUnion(other.words)
    return sum
  }

  private static let phrases = [
    ("control_plane", "server"), ("control-plane", "server"), ("load_balancer", "balancer"),
    ("load-balancer", "balancer"), ("lets_encrypt", "letsencrypt"), ("argo_cd", "argocd"),
  ]

  private static let synonyms: [String: String] = {
    let groups = [
      "ip": ["ips", "ipv4", "address", "addresses", "addr"],
      "private": ["priv", "internal"],
      "public": ["pub", "external"],
      "balancer": ["lb", "nlb", "loadbalancer"],
      "server": ["servers", "controlplane", "controlplanes", "cp", "master", "masters"],
      "agent": ["agents", "worker", "workers"],
      "cluster": ["k3s", "k8s", "kubernetes"],
      "repo": ["repository"],
      "key": ["keys"],
      "cidr": ["cidrs", "range", "ranges"],
      "pod": ["pods"],
      "service": ["services", "svc"],
      "node": ["nodes"],
      "subnet": ["subnets"],
      "network": ["networks", "vcn", "vpc", "vnet"],
      "id": ["ocid"],
    ]
    return Dictionary(uniqueKeysWithValues: groups.flatMap { word, all in all.map { ($0, word) } })
  }()
}
