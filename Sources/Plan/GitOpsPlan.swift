public import Diagnostics
import Inputs

/// What the GitOps tree of a cluster is made of. Pure data, without any secret.
public struct GitOpsPlan: Sendable {
  /// What a tree may do without.
  public enum Part: String, CaseIterable, Sendable {
    /// External Secrets, which takes over from the bootstrap what OCI Vault holds.
    case vault
    /// The Gateway, and with it the way in from outside.
    case gateway
    /// The documentation site.
    case docs
  }

  /// How Let's Encrypt is shown that a name is ours.
  public enum Challenge: String, Sendable {
    /// A record in Cloudflare.
    case dns01
    /// An answer through the Gateway.
    case http01
  }

  /// Where ports 80 and 443 are taken.
  public struct Ingress: Sendable {
    /// The address that the names lead to.
    public var address: Sourced<String>
    /// The labels of the nodes; empty for all nodes.
    public var selector: [(key: String, value: Sourced<String>)]
    /// The taints of those nodes.
    public var taints: [Sourced<String>]
  }

  /// The documentation site.
  public struct Docs: Sendable {
    /// Its name in DNS.
    public var host: Sourced<String>
    /// The image that serves it.
    public var image: Sourced<String>
    /// The port that the image listens on.
    public var port: Sourced<Int>
  }

  /// An OCI Vault, and what is brought from it.
  public struct Vault: Sendable {
    /// Its OCID.
    public var ocid: Sourced<String>
    /// Its region.
    public var region: Sourced<String>
    /// The Secrets that are made of what it holds.
    public var secrets: [VaultSecret]
    /// Whether one of them lets the nodes pull from a private registry.
    public var hasRegistry: Bool { secrets.contains { $0.type != nil } }
  }

  /// The cluster that the tree is for.
  public var cluster: ClusterPlan
  /// The repository that holds the tree.
  public var gitURL: Sourced<String>
  /// The domain that all names lie in.
  public var domain: Sourced<String>
  /// The domain's zone at Cloudflare.
  public var zoneID: Sourced<String>
  /// The address of the Let's Encrypt account.
  public var acmeEmail: Sourced<String>
  /// The Let's Encrypt whose certificates are used: `production` or `staging`.
  public var acmeIssuer: Sourced<String>
  /// How it is shown that the names are ours.
  public var challenge: Sourced<Challenge>
  /// The name of Argo CD's page, where there is a Gateway.
  public var argoCDHost: Sourced<String>?
  /// Whether GitHub tells Argo CD of every push.
  public var hasWebhook: Bool
  /// Where the Gateway is; nil without one.
  public var ingress: Ingress?
  /// The vault; nil where External Secrets is left out.
  public var vault: Vault?
  /// The documentation site; nil without one.
  public var docs: Docs?
}

/// A Secret that External Secrets makes of secrets in an OCI Vault.
public struct VaultSecret: Sendable {
  /// Who else has a part in the Secret.
  public enum Ownership: String, Sendable {
    /// Nobody: it goes with its ExternalSecret.
    case owner = "Owner"
    /// The bootstrap made it, and what depends on it must survive its ExternalSecret.
    case orphan = "Orphan"
    /// Argo CD keeps keys of its own in it.
    case merge = "Merge"
  }

  /// Its name.
  public var name: Sourced<String>
  /// Its Namespace.
  public var namespace: String
  /// Its labels.
  public var labels: [(key: String, value: String)]
  /// Its type, where it is not Kubernetes' default.
  public var type: String?
  /// Who else has a part in it.
  public var ownership: Ownership
  /// Its keys where they are made of more than the vault's values: text in Go's template language.
  public var template: [(key: String, value: Sourced<String>)]
  /// What is fetched: the key, the secret's name in the vault, and the stage where it is not the current one.
  public var data: [(key: Sourced<String>, secret: Sourced<String>, stage: String?)]
}

extension ClusterPlan {
  /// The id of the zone at Cloudflare; nil where it is not given.
  public var zoneID: String? { inputs.text("cloudflare_zone_id")?.value }

  /// The plan of the GitOps tree; nil where something is missing or contradicts itself.
  ///
  /// - Parameter report: gets everything that was found, at once.
  public func gitOps(report: inout Report) -> GitOpsPlan? {
    var reading = GitOpsReading(plan: self, inputs: inputs)
    let plan = reading.read()
    report.add(reading.report)
    return reading.report.hasErrors ? nil : plan
  }
}

/// Reads the inputs of the tree.
private struct GitOpsReading {
  let plan: ClusterPlan
  let inputs: Inputs
  var report = Report()

  mutating func read() -> GitOpsPlan? {
    let disabled = Set(inputs.texts("gitops_disable").compactMap { GitOpsPlan.Part(rawValue: $0.value) })
    let domain = needed("domain_name", "all names of the tree lie in it")
    let zone = needed("cloudflare_zone_id", "external-dns changes records there only")
    let email = needed("acme_email", "Let's Encrypt wants it for its account")
    let url = needed("git_repo_url", "the Applications are read from it")
    let challenge = inputs.text("acme_challenge", default: "dns01").map {
      GitOpsPlan.Challenge(rawValue: $0) ?? .dns01
    }
    let argoCDHost = disabled.contains(.gateway) ? nil : host("argocd_host", "argocd.", in: domain)
    let docs = disabled.contains(.docs) ? nil : docs(in: domain)
    if let argoCDHost, let docs, argoCDHost.value == docs.host.value {
      report.add(
        .error(
          "same-host", at: docs.host.origin,
          "argocd_host and docs_host are both \(argoCDHost.value), and a name leads to one place only",
          help: "give each its own"))
    }
    let ingress = disabled.contains(.gateway) ? nil : ingress()
    if disabled.contains(.gateway), challenge.value == .http01 {
      report.add(
        .error(
          "http01-gateway", at: challenge.origin,
          "acme_challenge is http01, which is answered through the Gateway that gitops_disable leaves out",
          help: "use dns01, or keep the Gateway"))
    }
    let vault = vault(isDisabled: disabled.contains(.vault))
    guard let domain, let zone, let email, let url else { return nil }
    return GitOpsPlan(
      cluster: plan, gitURL: url, domain: domain, zoneID: zone, acmeEmail: email,
      acmeIssuer: inputs.text("acme_issuer", default: "production"), challenge: challenge,
      argoCDHost: argoCDHost, hasWebhook: plan.source(ofSecret: "github_webhook_secret") != nil,
      ingress: ingress, vault: vault, docs: docs)
  }

  private mutating func needed(_ name: String, _ why: String, help: String? = nil) -> Sourced<String>? {
    if let text = inputs.text(name) { return text }
    if !inputs.isGiven(name) {
      report.add(
        .error(
          "missing-input", at: Location(source: inputs.source), "\(name) is missing: \(why)",
          help: help ?? "add it to Terraform's outputs or to k3seed.yaml"))
    }
    return nil
  }

  /// A name within the domain: the one given, or the domain with a prefix.
  private mutating func host(
    _ name: String, _ prefix: String, in domain: Sourced<String>?
  ) -> Sourced<String>? {
    guard let domain else { return nil }
    guard let given = inputs.text(name) else { return domain.map { prefix + $0 } }
    if given.value != domain.value, !given.value.hasSuffix("." + domain.value) {
      report.add(
        .error(
          "outside-domain", at: given.origin,
          "\(name) \(given.value) does not lie in domain_name \(domain.value), where external-dns has nothing to say",
          help: "give a name that ends with .\(domain.value), or a shorter domain_name"))
    }
    return given
  }

  private mutating func docs(in domain: Sourced<String>?) -> GitOpsPlan.Docs? {
    let image = needed(
      "docs_image", "docs-app runs it",
      help: "add it to k3seed.yaml, or leave the site out with gitops_disable: [docs]")
    let port = inputs.text("docs_port", default: "8080").map { Int($0) ?? 8080 }
    guard let host = host("docs_host", "", in: domain), let image else { return nil }
    return GitOpsPlan.Docs(host: host, image: image, port: port)
  }

  private mutating func ingress() -> GitOpsPlan.Ingress? {
    let edge = plan.nodes.first { $0.role.value == .ingress }
    let given = inputs["ingress_node_selector"]
    let fallback = edge.map { [(key: "role", value: Sourced("ingress", from: $0.role.origin))] } ?? []
    let selector =
      given?.mappings.compactMap { key, value in value.text.map { (key: key, value: $0) } } ?? fallback
    let chosen = plan.nodes.filter { node in
      selector.allSatisfy { key, value in
        node.labels.contains { $0.key == key && $0.value.value == value.value }
      }
    }
    if chosen.isEmpty, let origin = selector.first?.value.origin {
      let labels = selector.map { "\($0.key)=\($0.value.value)" }.joined(separator: ",")
      // Nodes that share their user-data are not listed in nodes, and may have the labels that somebody asks for.
      report.add(
        Diagnostic(
          given == nil ? .error : .warning, "ingress-nodes", at: origin,
          "no node has the label \(labels), so the Gateway would run nowhere",
          help: "add it to the labels of a node, or give ingress_node_selector"))
    }
    let address = inputs.text("ingress_public_ip") ?? inputs.text("load_balancer_ip")
    if address == nil, !inputs.isGiven("load_balancer_ip") {
      _ = needed(
        "ingress_public_ip", "the names in DNS lead there",
        help:
          "add it, or load_balancer_ip, to Terraform's outputs, or leave the Gateway out with gitops_disable"
      )
    }
    var taints: [Sourced<String>] = []
    for taint in chosen.flatMap(\.taints) where !taints.contains(where: { $0.value == taint.value }) {
      taints.append(taint)
    }
    return address.map { GitOpsPlan.Ingress(address: $0, selector: selector, taints: taints) }
  }

  // MARK: The vault

  private mutating func vault(isDisabled: Bool) -> GitOpsPlan.Vault? {
    let registry = inputs.text("registry_server")
    let held = plan.seededSecrets.flatMap(\.inputs).first { isInVault($0.input) }
    guard !isDisabled, inputs.isGiven("vault_ocid") else {
      if let registry {
        report.add(
          .error(
            "registry-vault", at: registry.origin,
            "registry_server has credentials, which only OCI Vault brings into the cluster, and the tree has no vault",
            help: isDisabled ? "take vault out of gitops_disable" : "give vault_ocid"))
      }
      if !isDisabled, let held {
        report.add(
          .note(
            "no-vault", at: plan.source(ofSecret: held.input)?.origin,
            "secrets lie in OCI Vault, but vault_ocid is not given, so External Secrets is left out and they stay as the bootstrap seeds them",
            help: "give vault_ocid"))
      }
      return nil
    }
    let region = needed("oci_region", "External Secrets asks the vault there")
    var secrets = plan.seededSecrets.compactMap { takeOver($0) }
    if let registry, let secret = credentials(of: registry) { secrets.append(secret) }
    guard let ocid = inputs.text("vault_ocid"), let region else { return nil }
    return GitOpsPlan.Vault(ocid: ocid, region: region, secrets: secrets)
  }

  private func isInVault(_ input: String) -> Bool {
    if case .ociVault? = plan.source(ofSecret: input)?.value { true } else { false }
  }

  /// What External Secrets keeps up to date of a Secret that the bootstrap seeds; nil where the vault holds none of
  /// it.
  private mutating func takeOver(_ seeded: SeededSecret) -> VaultSecret? {
    let data = seeded.inputs.filter { isInVault($0.input) }.map { key, input in
      fetch(input, as: key)
    }
    guard !data.isEmpty else { return nil }
    // One template makes all keys of a Secret.
    var template: [(key: String, value: Sourced<String>)] = []
    if !seeded.literals.isEmpty {
      template = seeded.literals.map { (key: $0.key, value: $0.value.map(\.asTemplate)) }
      template += seeded.inputs.map { key, _ in (key: key.value, value: key.map { "{{ .\($0) }}" }) }
    }
    return VaultSecret(
      name: seeded.name, namespace: seeded.namespace, labels: seeded.labels, type: nil,
      ownership: seeded.name.value == "argocd-secret" ? .merge : .orphan,
      template: template.sorted { $0.key < $1.key }, data: data)
  }

  private mutating func credentials(of registry: Sourced<String>) -> VaultSecret? {
    let input = inputs.secret("registry_password") == nil ? "git_pat" : "registry_password"
    guard isInVault(input) else {
      report.add(
        .error(
          "registry-password", at: inputs.secret(input)?.location ?? registry.origin,
          "the password at \(registry.value) is not a reference to OCI Vault, and the tree, which is public, cannot hold it",
          help: "give the OCID of registry_password, or that of git_pat, in secret_ocids"))
      return nil
    }
    let user = inputs.text("registry_username") ?? inputs.text("git_username", default: "git")
    let password = Sourced("password", from: registry.origin)
    // Kubernetes' documentation, "Pull an Image from a Private Registry": "auth" is all that a pull needs, and base64
    // needs no quoting in JSON.
    let config = registry.map { host in
      #"{"auths":{"\#(host)":{"auth":"{{ printf "%s:%s" "\#(user.value)" .password | b64enc }}"}}}"#
    }
    return VaultSecret(
      name: registry.map { _ in "registry-credentials" }, namespace: "default", labels: [],
      type: "kubernetes.io/dockerconfigjson", ownership: .owner, template: [(".dockerconfigjson", config)],
      data: [fetch(input, as: password)])
  }

  /// External Secrets asks for a secret by its name in the vault, and for a version by its stage alone
  /// (its provider's source, `providers/v1/oracle/oracle.go`).
  private mutating func fetch(
    _ input: String, as key: Sourced<String>
  ) -> (key: Sourced<String>, secret: Sourced<String>, stage: String?) {
    let given = inputs["vault_secret_names"]?.entries.first { $0.key == input }?.value
    let source = inputs.secret(input)
    let origin = source?.location ?? key.origin
    let name =
      given?.text
      ?? Sourced((source?.name ?? input).parts(between: "_").joined(by: "-"), from: origin)
    guard case .ociVault(let ocid)? = source?.source, case let parts = ocid.parts(between: "?"),
      parts.count > 1
    else { return (key, name, nil) }
    let query = parts[1].parts(between: "=")
    if query[0] == "stage", query.count == 2 { return (key, name, query[1] == "CURRENT" ? nil : query[1]) }
    report.add(
      .error(
        "vault-version", at: origin,
        "\(input) is bound to one version of its secret, and External Secrets knows versions by their stage only",
        help: "use ?stage=PREVIOUS or no version, or leave External Secrets out with gitops_disable: [vault]")
    )
    return (key, name, nil)
  }
}

extension String {
  /// The text as it must stand in a template of Go that is to give it, where two opening braces begin an action.
  fileprivate var asTemplate: String { parts(between: "{").joined(by: #"{{ "{" }}"#) }
}
