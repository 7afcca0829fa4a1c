public import Diagnostics
import Inputs
import Secrets

/// The rules of secrets.
extension ClusterPlan {
  /// Hashing takes tens of milliseconds by design, so it is done only where nothing else gives the hash, and the project
  /// has a secret to derive the salt from.
  static func adminPasswordHash(_ inputs: Inputs, project: String) -> Sourced<SecretSource>? {
    guard !inputs.isGiven("argocd_admin_password_hash"),
      let password = inputs.secret("argocd_admin_password"), case .literal(let clear) = password.source,
      let key = ProjectKey(project: [project], secret: inputs.literal("k3s_token")),
      let hash = Bcrypt.hash(clear, key: key)
    else { return nil }
    return Sourced(.literal(hash), from: password.location)
  }

  func checkSecrets(report: inout Report) {
    if let password = inputs.secret("argocd_admin_password") {
      switch (password.source, inputs.secret("argocd_admin_password_hash")) {
      case (.ociVault, nil) where !inputs.isRefused("argocd_admin_password_hash"):
        report.add(
          .error(
            "reference-alone", at: password.location,
            "argocd_admin_password is in OCI Vault, where it cannot be hashed",
            help: "store its bcrypt hash there as well, as argocd_admin_password_hash"))
      case (.literal, .some):
        report.add(
          .note(
            "hash-wins", at: password.location,
            "argocd_admin_password and its hash are both given; the hash is used"))
      default: break
      }
    }
    let referenced = InputSpec.all.filter(\.isSecret).compactMap { spec in
      inputs.secret(spec.name).flatMap { input in
        if case .ociVault = input.source { (spec.name, input.location) } else { nil }
      }
    }
    if let (name, location) = referenced.first, !platform.value.readsVault {
      report.add(
        .error(
          "vault-platform", at: location,
          "\(name) is in OCI Vault, which is read as the OCI instance that one is; \(platform.value.rawValue) has none",
          help: "give its value, or use the platform oci"))
    }
  }

  /// Finds out why a password in the clear has no hash.
  func requireHash(report: inout Report) {
    guard let password = inputs.secret("argocd_admin_password"), case .literal = password.source,
      !inputs.isGiven("argocd_admin_password_hash"), adminPasswordHash == nil, !inputs.isRefused("k3s_token")
    else { return }
    let token = inputs.literal("k3s_token")
    guard token?.isStrong != true else {
      report.add(
        .error(
          "no-bcrypt", at: password.location,
          "argocd_admin_password cannot be hashed: the system's libcrypt knows no bcrypt",
          help: "give argocd_admin_password_hash"))
      return
    }
    let state =
      switch token {
      case nil where inputs.isGiven("k3s_token"): "is in OCI Vault"
      case nil: "is not given"
      case .some: "can be guessed"
      }
    report.add(
      .error(
        "password-salt", at: password.location,
        "argocd_admin_password cannot be hashed safely: its salt is derived from k3s_token, which \(state)",
        help: token == nil
          ? "give argocd_admin_password_hash, from htpasswd -nbBC 10"
          : "give argocd_admin_password_hash, from htpasswd -nbBC 10, or a k3s_token from \"k3seed token\""))
  }

  /// Warns of what nodes will meet: secrets that can be read where user-data can. It is said once, however many nodes
  /// it concerns.
  public func warn(about nodes: [ClusterNode], report: inout Report) {
    let file = Location(source: inputs.source)
    let secrets = Set(nodes.flatMap(secretNames)).sorted()
    let literals = secrets.filter { name in
      if case .literal? = source(ofSecret: name)?.value { true } else { false }
    }
    if !literals.isEmpty {
      report.add(
        .warning(
          "literal-secrets", at: file,
          "in user-data, which every process on the node can read from the platform's metadata service: \(literals.joined(separator: ", "))",
          help: platform.value.readsVault
            ? "keep secrets in OCI Vault and give secret_ocids"
            : "change them once the cluster runs (\"k3seed rotate\"), and let no one log in who must not have them"
        ))
    }
    for name in literals where ["k3s_agent_token", "k3s_token"].contains(name) {
      guard let token = inputs.literal(name), !token.isStrong, let input = inputs.secret(name) else {
        continue
      }
      report.add(
        .warning(
          "weak-token", at: input.location,
          "\(name) can be guessed: by its form it is worth about \(token.estimatedBits) bits, and whoever has it can join nodes and read all Secrets",
          help: "use one of at least \(Secret.enoughBits) bits, such as \"k3seed token\" prints"))
    }
  }
}

extension Platform {
  /// Whether its instances can fetch secrets from OCI Vault. NoCloud may be anything, an OCI instance too.
  fileprivate var readsVault: Bool { self == .oci || self == .nocloud }
}

extension Inputs {
  /// The value of a secret that is no reference.
  func literal(_ name: String) -> Secret? {
    if case .literal(let secret)? = secret(name)?.source { secret } else { nil }
  }
}
