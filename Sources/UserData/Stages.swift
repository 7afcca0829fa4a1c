/// Which stage of the bootstrap makes use of what; `templates/guest/bootstrap.sh` has them.
enum Stages {
  /// For people and for the verifier: the node itself does not read it.
  static let record = "record"

  private static let files: [(prefix: String, stage: String)] = [
    ("/etc/k3seed/plan.json", record), ("/etc/k3seed/firewall.rules", "firewall"),
    ("/etc/rancher/k3s/", "install"), ("/etc/sysctl.d/", "install"),
    ("/var/lib/k3seed/secrets/", "secrets"), ("/var/lib/k3seed/manifests/argocd", "gitops"),
    ("/var/lib/k3seed/", "seed"), ("/var/lib/rancher/k3s/server/manifests/", "ready"),
    ("/etc/k3seed/bootstrap.env", "bootstrap"), ("/usr/local/sbin/k3seed-bootstrap", "bootstrap"),
    ("/usr/local/sbin/k3seed-vault", "secrets"),
    ("/etc/systemd/system/k3seed-bootstrap.service", "bootstrap"),
  ]

  private static let variables: [(prefix: String, stage: String)] = [
    ("K3S_", "download"), ("K3SEED_SECRETS", "secrets"), ("K3SEED_VAULT", "secrets"),
    ("K3SEED_OCI_REGION", "secrets"), ("K3SEED_NAT", "firewall"), ("K3SEED_IPV4", "preflight"),
    ("K3SEED_PRIVATE_IP", "install"), ("K3SEED_PEERS", "install"), ("K3SEED_CLUSTER_EXISTS", "install"),
    ("K3SEED_CA_SHA256", "install"), ("K3SEED_HARDENED", "install"), ("K3SEED_NODE_NAME", "ready"),
    ("K3SEED_SEED", "seed"),
  ]

  static func of(_ path: String) -> String {
    files.first { path.hasPrefix($0.prefix) }?.stage ?? "write_files"
  }

  /// The first stage that reads one of these variables; nil where the place is not the file of them.
  static func of(_ changes: [Comparison.Change], in place: String) -> String? {
    guard place.hasSuffix("/etc/k3seed/bootstrap.env") else { return nil }
    let names = changes.map { $0.path.hasPrefix("$.") ? String($0.path.dropFirst(2)) : $0.path }
    let stages = names.map { name in variables.first { name.hasPrefix($0.prefix) }?.stage ?? "bootstrap" }
    return stages.allSatisfy { $0 == stages[0] } ? stages.first : "bootstrap"
  }
}
