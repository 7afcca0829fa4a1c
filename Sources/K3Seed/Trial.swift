public import Diagnostics
import Inputs
public import Plan
public import Templates
import UserData
public import Validation

/// Templates tried without a project: each role is rendered with made-up values of the right shape, and the result
/// looked at as any user-data is.
public struct Trial: Sendable {
  /// Everything that is found, at its place in the templates.
  public let report: Report
  /// What was rendered, for programs that look at more; their findings are to go through ``placed(_:)``.
  public let payloads: [Payload]
  private let documents: [String: Field]

  /// Tries templates.
  ///
  /// - Parameters:
  ///   - templates: the templates, a user's own among them.
  ///   - platform: where user-data is delivered; OCI where nothing is said.
  public init(_ templates: TemplateSet, platform: Platform? = nil) {
    var report = Report()
    var all: [(source: String, userData: UserData)] = []
    for (name, outputs) in Self.projects {
      // Secrets lie in OCI Vault in one of them, which other platforms cannot read.
      if name == "vault", platform != nil, platform != .oci { continue }
      let rendered = report.collect { () throws(Report) in
        let terraform = try InputDocument.terraform(Array(outputs.utf8), source: "made-up values (\(name))")
        let flags = try InputDocument.settings([], platform: platform?.rawValue)
        return try Project(terraform: terraform, flags: flags).renderAll(templates: templates).all
      }
      all += (rendered ?? []).map { ("user-data of \($0.node.title) (\(name))", $0) }
    }
    // What is said of the made-up values is not the templates' fault.
    let found = report.diagnostics.filter { $0.location?.source.hasPrefix("made-up values") != true }
    self.init(of: all, templates, Report(found))
  }

  /// Looks at what was rendered from templates, each with what findings call it.
  ///
  /// - Parameter report: what was found when rendering.
  init(
    of rendered: [(source: String, userData: UserData)], _ templates: TemplateSet, _ report: Report = Report()
  ) {
    var report = report
    var payloads: [Payload] = []
    let places = templates.places
    let origin = { @Sendable (line: Substring) in places[line.drop { $0 == " " }] }
    for (source, userData) in rendered {
      let payload = report.collect { () throws(Report) in
        try Payload(userData.plain, source: source, origin: origin)
      }
      if let payload { payloads.append(payload) }
    }
    documents = Dictionary(
      rendered.map { ($0.source, $0.userData.document) }, uniquingKeysWith: { first, _ in first })
    self.payloads = payloads
    for payload in payloads {
      // The size was judged when it was rendered, compressed where only that fits.
      report.add(
        Report(Validation.report(on: payload).diagnostics.filter { $0.code != "over-limit" }))
    }
    self.report = Self.placed(report, documents)
  }

  /// Findings about the payloads, at their places in the templates.
  public func placed(_ report: Report) -> Report { Self.placed(report, documents) }

  private static func placed(_ report: Report, _ documents: [String: Field]) -> Report {
    var placed = Report(
      report.diagnostics.map { diagnostic in
        guard let location = diagnostic.location, let document = documents[location.source] else {
          return diagnostic
        }
        var diagnostic = diagnostic
        if let path = location.path {
          diagnostic.location = document.origin(at: path) ?? location
        } else if location.line == nil {
          diagnostic.location = document.origin.template
        }
        return diagnostic
      })
    placed.removeRepetitions()
    return placed.sorted
  }

  /// Projects that together use every part of the built-in templates: values in user-data or in a vault, one server or
  /// several, each role, everything that may be left out.
  private static let projects: [(name: String, outputs: String)] = [
    (
      "literal",
      """
      {"nodes": {"server": {"role": "server"}, "agent": {"role": "agent"}, "edge": {"role": "ingress"}},
       "server_private_ip": "10.0.0.10", "git_repo_url": "https://git.example.net/cluster.git",
       "k3s_token": "made-up-join-token", "cloudflare_api_token": "made-up-cloudflare-token"}
      """
    ),
    (
      "vault",
      """
      {"nodes": {"server": {"role": "server", "private_ip": "10.0.0.10"}, "agent": {"role": "agent"}},
       "git_repo_url": "https://git.example.net/cluster.git", "git_username": "made-up", "oci_region": "eu-frankfurt-1",
       "vault_ocid": "ocid1.vault.oc1.eu-frankfurt-1.madeup.\(String(repeating: "madeup", count: 10))",
       "secret_ocids": {
         "k3s_token": "ocid1.vaultsecret.oc1.eu-frankfurt-1.\(String(repeating: "madeup", count: 10))a",
         "k3s_agent_token": "ocid1.vaultsecret.oc1.eu-frankfurt-1.\(String(repeating: "madeup", count: 10))b",
         "git_pat": "ocid1.vaultsecret.oc1.eu-frankfurt-1.\(String(repeating: "madeup", count: 10))c",
         "cloudflare_api_token": "ocid1.vaultsecret.oc1.eu-frankfurt-1.\(String(repeating: "madeup", count: 10))d"}}
      """
    ),
    (
      "everything",
      """
      {"cluster_name": "made-up",
       "nodes": {
         "a": {"role": "server", "private_ip": "10.0.0.10", "labels": {"pool": "own"}, "taints": ["key=value:NoSchedule"]},
         "b": {"role": "server", "private_ip": "10.0.0.11"}, "c": {"role": "server", "private_ip": "10.0.0.12"},
         "w": {"role": "agent", "private_ip": "10.0.0.13", "labels": {"pool": "own"}, "taints": ["key=value:NoSchedule"]},
         "edge": {"role": "ingress", "private_ip": "10.0.0.14"}},
       "git_repo_url": "https://git.example.net/cluster.git", "git_revision": "main", "git_path": "argocd",
       "git_username": "made-up", "git_pat": "made-up-git-token", "k3s_token": "made-up-join-token",
       "k3s_agent_token": "made-up-agent-token", "cloudflare_api_token": "made-up-cloudflare-token",
       "argocd_admin_password_hash": "$2b$10$\(String(repeating: "e", count: 53))",
       "load_balancer_ip": "192.0.2.1", "tls_sans": ["api.example.net"], "node_labels": {"pool": "all"},
       "disable": ["traefik"], "cluster_cidr": "10.52.0.0/16", "service_cidr": "10.53.0.0/16",
       "node_cidrs": ["10.0.0.0/16"], "hardening": "cis", "pod_metadata_access": "allowed",
       "registry_mirrors": {"docker.io": ["https://mirror.example.net"]},
       "extra_manifests": {"one": "apiVersion: v1\\nkind: Namespace\\nmetadata:\\n  name: made-up\\n"},
       "ca_certificates": ["-----BEGIN CERTIFICATE-----\\nbWFkZSB1cA==\\n-----END CERTIFICATE-----\\n"]}
      """
    ),
  ]
}

extension Field {
  /// The place in a template that the value at a JSON path of the emitted document came from; nil where the path
  /// leads nowhere.
  fileprivate func origin(at path: String) -> Location? {
    var field = self
    for match in path.matches(of: /\.([A-Za-z0-9_]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]/) {
      switch field.content {
      case .mapping(let entries):
        let name = String(match.output.1 ?? match.output.2 ?? "")
        guard let entry = entries.first(where: { $0.key == name }) else { return field.origin.template }
        field = entry.value
      case .sequence(let items):
        guard let index = match.output.3.flatMap({ Int($0) }), index < items.count else {
          return field.origin.template
        }
        field = items[index]
      default: return field.origin.template
      }
    }
    return field.origin.template
  }
}
