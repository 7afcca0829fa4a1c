import Diagnostics
import Inputs
package import Plan
package import Templates

extension Context {
  /// What templates can say of one node of a cluster.
  init(_ plan: ClusterPlan, _ node: ClusterNode) {
    self = .map([
      "k3seed": .map(["version": .text(Pins.k3seed)]),
      "cluster_name": Context(plan.name),
      "platform": Context(plan.platform.map(\.rawValue)),
      "node": Self.node(plan, node),
      "k3s": Self.release(plan),
      "tls_sans": Context(plan.tlsSANs),
      "cluster_cidr": Context(plan.clusterCIDR),
      "service_cidr": Context(plan.serviceCIDR),
      "node_cidrs": Context(plan.nodeCIDRs),
      "cluster_has_ipv4": .flag((plan.podNetworks + plan.serviceNetworks).contains { $0.family == .ipv4 }),
      "firewall_rules": .text(Firewall(plan, node).rules),
      "disable": Context(plan.disabled),
      "registry_mirrors": Context(
        .map(plan.registryMirrors.map { ($0.registry, .map(["endpoint": Context($0.endpoints)])) }),
        from: plan.registryMirrors.first?.endpoints.first?.origin),
      "extra_manifests": .list(
        plan.extraManifests.map { name, text in
          Context(.map([("name", .text(name)), ("text", Context(text))]), from: text.origin)
        }),
      "airgap_images": Context(
        .map(
          ["amd64", "arm64"].map { name in
            (name, Context(plan.airgapImages.first { $0.architecture == name }?.sha256))
          })),
      "ca_certificates": Context(plan.caCertificates),
      "hardened": Context(.flag(plan.isHardened.value), from: plan.isHardened.origin),
      "ssh_authorized_keys": Context(plan.sshKeys),
      "namespaces": .list(["argocd", "cert-manager", "external-dns"].map(Context.text)),
      "kubernetes_secrets": node.isFirstServer ? .list(Self.kubernetesSecrets(plan)) : .none,
      "git": .map([
        "url": Context(plan.gitURL),
        "revision": Context(plan.gitRevision),
        "path": Context(plan.gitPath),
      ]),
      "argocd": .map([
        "chart_version": .text(plan.lock[.argoCD].version),
        "chart_repository": .text(plan.lock[.argoCD].repository),
        "secret_is_seeded": .flag(plan.seedsArgoCDSecret),
        // The GitOps tree says these later: nothing of the bootstrap depends on them.
        "host": .none,
        "polling": .none,
      ]),
    ])
  }

  private static func node(_ plan: ClusterPlan, _ node: ClusterNode) -> Context {
    let secrets = plan.secretNames(of: node).compactMap { name in
      plan.source(ofSecret: name).map { (name: name, source: $0) }
    }
    var literals: [Context] = []
    var references: [Context] = []
    for (name, source) in secrets {
      func entry(_ value: Context.Value) -> Context {
        Context(
          .map([("name", .text(name)), ("value", Context(value, from: source.origin))]), from: source.origin)
      }
      switch source.value {
      case .literal(let secret): literals.append(entry(.secret(name: name, secret)))
      case .ociVault(let ocid): references.append(entry(.text(ocid)))
      }
    }
    let names = secrets.map(\.name)
    let joins = !node.isFirstServer
    let isServer = node.role.value == .server
    // The bootstrap puts each token where K3s keeps reading it.
    let tokenName = isServer ? "k3s_token" : plan.joinToken
    return .map([
      "name": Context(node.name),
      "role": Context(node.role.map(\.rawValue)),
      "private_ip": Context(node.privateIP),
      "labels": Context(
        node.labels.map { key, value in value.map { "\(key)=\($0)" } }),
      "taints": Context(node.taints),
      "join_url": joins ? Context(plan.joinURL) : .none,
      "peers": joins ? .list([]) : Context(plan.firstServerPeers),
      "joins_only": .flag(plan.clusterExists),
      "server_ca_sha256": joins ? Context(plan.serverCAHash) : .none,
      "seeds": .flag(node.isFirstServer),
      "starts_etcd": .flag(node.isFirstServer && plan.hasEmbeddedEtcd),
      "nats": .flag(node.role.value == .ingress),
      "token_file": names.contains(tokenName) ? .text(tokenFile(tokenName)) : .none,
      "agent_token_file":
        isServer && names.contains("k3s_agent_token") ? .text(tokenFile("k3s_agent_token")) : .none,
      "literals": .list(literals),
      "references": .list(references),
      "oci_region": Context(plan.ociRegion),
    ])
  }

  private static func tokenFile(_ secret: String) -> String {
    "/etc/rancher/k3s/\(secret == "k3s_token" ? "token" : "agent-token")"
  }

  private static func release(_ plan: ClusterPlan) -> Context {
    func part(_ text: String) -> Context { Context(.text(text), from: plan.k3s.origin) }
    let release = plan.k3s.value
    return .map([
      "version": part(release.version),
      "sha256": .map([
        "amd64": part(release.amd64), "arm64": part(release.arm64),
        "install_script": part(release.installScript),
      ]),
      "binary_urls": Context(plan.binaryURLs),
      "install_script_urls": Context(plan.installScriptURLs),
    ])
  }

  private static func kubernetesSecrets(_ plan: ClusterPlan) -> [Context] {
    plan.seededSecrets.map { secret in
      Context(
        .map([
          ("name", Context(secret.name)), ("namespace", .text(secret.namespace)),
          ("labels", Context(.map(secret.labels.map { ($0.key, .text($0.value)) }))),
          ("files", Context(secret.inputs.map { key, input in key.map { "\($0)=secrets/\(input)" } })),
          ("literals", Context(secret.literals.map { key, value in value.map { "\(key)=\($0)" } })),
        ]), from: secret.name.origin)
    }
  }

  /// A text with the input that gave it.
  package init(_ text: Sourced<String>) {
    self.init(.text(text.value), from: text.origin)
  }

  /// A text that may not be given.
  package init(_ text: Sourced<String>?) {
    self = text.map { Context($0) } ?? .none
  }

  /// Texts with the inputs that gave them.
  package init(_ texts: [Sourced<String>]) {
    self = .list(texts.map { Context($0) })
  }
}
