extension Repository {
  /// A Helm chart that is known to bring CRDs, or to need those of another.
  struct KnownChart: Sendable {
    /// Its name.
    let name: String
    /// The API groups whose CRDs it brings.
    let provides: [String]
    /// Whether the CRDs lie in the chart's folder `crds`, which `skipCrds` leaves out.
    var isInFolder = false
    /// The values that decide whether it brings them, any of which does, and what holds where none is given.
    var switches: [[String]] = []
    var isOnByDefault = true
    /// The API groups it needs, and when.
    var needs: [(group: String, when: Condition)] = []

    /// What a value must be.
    enum Condition: Sendable {
      case always
      case isTrue([String])
      /// A list has an item that begins like this.
      case holds([String], String)

      func applies(to chart: ChartUse) -> Bool {
        switch self {
        case .always: true
        case .isTrue(let keys): chart.value(keys)?.isTrue == true
        case .holds(let keys, let start):
          chart.value(keys)?.items.contains { $0.text?.hasPrefix(start) == true } == true
        }
      }
    }
  }

  private static let gateway = "gateway.networking.k8s.io"

  /// Charts by their names, which hardly anybody gives twice. Those with an empty list bring no CRD, which is worth
  /// knowing too: where a chart is unknown, it may bring any.
  ///
  /// Source: the charts' own CRDs and values, as their documentation has them in 2026.
  static let knownCharts: [KnownChart] = [
    KnownChart(
      name: "argo-cd", provides: ["argoproj.io"], switches: [["crds", "install"]],
      needs: [
        (gateway, .isTrue(["server", "httproute", "enabled"])),
        (gateway, .isTrue(["server", "grpcroute", "enabled"])),
        ("cert-manager.io", .isTrue(["server", "certificate", "enabled"])),
      ]),
    KnownChart(name: "argocd-apps", provides: []),
    KnownChart(name: "argo-events", provides: ["argoproj.io"], switches: [["crds", "install"]]),
    KnownChart(name: "argo-rollouts", provides: ["argoproj.io"], switches: [["installCRDs"]]),
    KnownChart(name: "argo-workflows", provides: ["argoproj.io"], switches: [["crds", "install"]]),
    KnownChart(
      name: "cert-manager", provides: ["cert-manager.io", "acme.cert-manager.io"],
      switches: [["crds", "enabled"], ["installCRDs"]], isOnByDefault: false,
      needs: [
        (gateway, .isTrue(["config", "gatewayAPI", "enabled"])),
        (gateway, .isTrue(["config", "enableGatewayAPI"])),
      ]),
    KnownChart(name: "trust-manager", provides: ["trust.cert-manager.io"], switches: [["crds", "enabled"]]),
    KnownChart(
      name: "external-dns", provides: ["externaldns.k8s.io"], isInFolder: true,
      needs: [(gateway, .holds(["sources"], "gateway-"))]),
    KnownChart(
      name: "external-secrets", provides: ["external-secrets.io", "generators.external-secrets.io"],
      switches: [["installCRDs"]]),
    KnownChart(
      name: "gateway-helm", provides: ["gateway.envoyproxy.io", gateway], isInFolder: true,
      needs: [(gateway, .always), ("gateway.envoyproxy.io", .always)]),
    KnownChart(name: "gateway-crds-helm", provides: ["gateway.envoyproxy.io", gateway]),
    KnownChart(name: "gateway-api", provides: [gateway]),
    KnownChart(
      name: "nginx-gateway-fabric", provides: ["gateway.nginx.org"], isInFolder: true,
      needs: [(gateway, .always)]),
    KnownChart(name: "ingress-nginx", provides: []),
    KnownChart(
      name: "traefik", provides: ["traefik.io", "hub.traefik.io", gateway], isInFolder: true),
    KnownChart(name: "traefik-crds", provides: ["traefik.io", "hub.traefik.io"]),
    KnownChart(name: "contour", provides: ["projectcontour.io"], isInFolder: true),
    KnownChart(
      name: "cilium", provides: ["cilium.io"], needs: [(gateway, .isTrue(["gatewayAPI", "enabled"]))]),
    KnownChart(
      name: "base",
      provides: ["networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io"]),
    KnownChart(name: "linkerd-crds", provides: ["linkerd.io", "policy.linkerd.io"]),
    KnownChart(name: "metallb", provides: ["metallb.io"]),
    KnownChart(
      name: "kube-prometheus-stack", provides: ["monitoring.coreos.com"], switches: [["crds", "enabled"]]),
    KnownChart(name: "prometheus-operator-crds", provides: ["monitoring.coreos.com"]),
    KnownChart(name: "grafana", provides: []),
    KnownChart(name: "loki", provides: []),
    KnownChart(name: "metrics-server", provides: []),
    KnownChart(name: "reloader", provides: []),
    KnownChart(name: "sealed-secrets", provides: ["bitnami.com"], isInFolder: true),
    KnownChart(name: "vault-secrets-operator", provides: ["secrets.hashicorp.com"], isInFolder: true),
    KnownChart(name: "cloudnative-pg", provides: ["postgresql.cnpg.io"], switches: [["crds", "create"]]),
    KnownChart(name: "keda", provides: ["keda.sh", "eventing.keda.sh"], switches: [["crds", "install"]]),
    KnownChart(
      name: "kyverno", provides: ["kyverno.io", "policies.kyverno.io"], switches: [["crds", "install"]]),
    KnownChart(name: "longhorn", provides: ["longhorn.io"]),
    KnownChart(
      name: "rook-ceph", provides: ["ceph.rook.io", "objectbucket.io"], switches: [["crds", "enabled"]]),
    KnownChart(name: "velero", provides: ["velero.io"], isInFolder: true),
    KnownChart(name: "tailscale-operator", provides: ["tailscale.com"]),
    KnownChart(name: "crossplane", provides: ["apiextensions.crossplane.io", "pkg.crossplane.io"]),
  ]

  static let chartsByName = Dictionary(uniqueKeysWithValues: knownCharts.map { ($0.name, $0) })

  /// Repositories whose manifests bring CRDs when a folder or a file of them is applied, by a part of the URL.
  static let knownRepositories: [(part: String, provides: [String])] = [
    ("kubernetes-sigs/gateway-api", [gateway]),
    ("cert-manager/cert-manager", ["cert-manager.io", "acme.cert-manager.io"]),
    ("argoproj/argo-cd", ["argoproj.io"]),
    ("envoyproxy/gateway", ["gateway.envoyproxy.io", gateway]),
    ("external-secrets/external-secrets", ["external-secrets.io", "generators.external-secrets.io"]),
    ("kubernetes-sigs/external-dns", ["externaldns.k8s.io"]),
    ("prometheus-operator/prometheus-operator", ["monitoring.coreos.com"]),
    ("bitnami-labs/sealed-secrets", ["bitnami.com"]),
    ("rancher/system-upgrade-controller", ["upgrade.cattle.io"]),
    ("metallb/metallb", ["metallb.io"]),
  ]

  /// The groups of Traefik, which K3s brings unless it is told not to: they may be there without the repository.
  static let groupsOfTraefik: Set<String> = ["traefik.io", "traefik.containo.us", "hub.traefik.io"]

  /// API groups that need no CRD from the repository: those of Kubernetes (v1.36) itself, those that K3s brings, and
  /// Argo CD's own, without which nothing would read the repository.
  static let givenGroups: Set<String> = [
    "", "apps", "autoscaling", "batch", "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io",
    "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "certificates.k8s.io",
    "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io", "helm.cattle.io", "k3s.cattle.io",
    "metrics.k8s.io", "argoproj.io",
  ]
}

extension Repository.ChartUse {
  /// What is known of the chart.
  var known: Repository.KnownChart? { Repository.chartsByName[name] }

  /// The API groups whose CRDs it brings, with the values it has.
  var provides: [String] {
    guard let known else { return [] }
    if known.isInFolder && skipsCRDs { return [] }
    let values = known.switches.compactMap { value($0) }
    let isOn = values.isEmpty ? known.isOnByDefault : values.contains(where: \.isTrue)
    return known.switches.isEmpty || isOn ? known.provides : []
  }

  /// The API groups it needs, with the values it has.
  var needs: [String] {
    (known?.needs ?? []).filter { $0.when.applies(to: self) }.map(\.group)
  }
}

extension Repository.Contents {
  /// The API groups whose CRDs it brings.
  var provides: Set<String> {
    var groups = Set(charts.flatMap(\.provides))
    for object in objects where object.kind == "CustomResourceDefinition" {
      if let group = object.place.at("spec", "group")?.text { groups.insert(group) }
    }
    for remote in remotes { groups.formUnion(remote.provides ?? []) }
    return groups
  }

  /// Whether it may bring what nothing here knows of.
  var isOpaque: Bool {
    isOpen || charts.contains { $0.known == nil } || remotes.contains { $0.provides == nil }
  }

  /// Whether the CRDs of a group come by a HelmChart alone, which is healthy as soon as it is applied.
  func isDeferred(_ group: String) -> Bool {
    let bringing = charts.filter { $0.provides.contains(group) }
    return !bringing.isEmpty && bringing.allSatisfy(\.isDeferred)
      && !objects.contains {
        $0.kind == "CustomResourceDefinition" && $0.place.at("spec", "group")?.text == group
      }
  }
}

extension Repository.Remote {
  /// The API groups whose CRDs it brings; nil where that is not known.
  var provides: [String]? {
    Repository.knownRepositories.first { url.lowercased().contains($0.part) }?.provides
  }
}
