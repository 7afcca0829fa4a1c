public import Plan

/// One Application of the tree: where its objects come from, and what it waits for.
struct CatalogueEntry: Sendable {
  var name: String
  /// Where its objects go; nil where they have no namespace.
  var namespace: String?
  /// Its folder in the tree.
  var folder: String?
  var chart: Chart?
  /// The release's name, which the objects' names begin with.
  var release: String?
  /// A chart of CRDs that its own chart would bring in another channel.
  var crdChart: Chart?
  /// A folder of the Gateway API's repository.
  var gatewayAPIPath: String?
  /// Whether the certificates of its webhooks are put in by a controller.
  var hasWebhooks = false
  /// Whether what it brought stays when the Application goes.
  var isKept = false
  /// The part of a tree without which there is no such Application.
  var part: GitOpsPlan.Part?
  /// What must be healthy first, with the reason.
  var needs: [(name: String, reason: String)]

  func isPresent(in plan: GitOpsPlan) -> Bool {
    switch part {
    case .vault: plan.vault != nil
    case .gateway: plan.ingress != nil
    case .docs: plan.docs != nil
    case nil: true
    }
  }
}

extension CatalogueEntry {
  /// Argo CD takes itself over only when nothing is under way that others need: it restarts then.
  private static let restart = "CRDs that must be whole when it restarts Argo CD"

  /// The Applications of a whole tree. Their phases follow from what they wait for.
  static let all = [
    CatalogueEntry(
      name: "gateway-api-crds",
      gatewayAPIPath: "config/crd/standard", part: .gateway, needs: []),
    CatalogueEntry(
      name: "cert-manager", namespace: "cert-manager", folder: "infrastructure/cert-manager",
      chart: .certManager, release: "cert-manager", hasWebhooks: true,
      needs: [
        ("gateway-api-crds", "CRDs without which enableGatewayAPI does not start")
      ]),
    CatalogueEntry(
      name: "external-dns", namespace: "external-dns", folder: "infrastructure/external-dns",
      chart: .externalDNS, release: "external-dns",
      needs: [
        ("gateway-api-crds", "CRDs without which gateway-httproute does not start")
      ]),
    CatalogueEntry(
      name: "external-secrets", namespace: "external-secrets", folder: "infrastructure/external-secrets",
      chart: .externalSecrets, release: "external-secrets", hasWebhooks: true, part: .vault,
      needs: [
        ("gateway-api-crds", "CRDs that come alone, before any controller")
      ]),
    CatalogueEntry(
      name: "envoy-gateway", namespace: "envoy-gateway-system", folder: "infrastructure/envoy-gateway",
      chart: .envoyGateway, release: "envoy-gateway", crdChart: .envoyGatewayCRDs,
      hasWebhooks: true, part: .gateway,
      needs: [
        ("gateway-api-crds", "CRDs of gateway.networking.k8s.io"),
        ("cert-manager", "the listeners' certificates"),
        ("external-dns", "the listeners' names in DNS"),
      ]),
    CatalogueEntry(
      name: "argocd-self-managed", namespace: "argocd", folder: "infrastructure/argocd",
      chart: .argoCD, release: "argocd", isKept: true,
      needs: [
        ("cert-manager", restart),
        ("external-dns", restart),
        ("external-secrets", restart),
      ]),
    CatalogueEntry(
      name: "managed-secrets", namespace: "external-secrets", folder: "infrastructure/managed-secrets",
      part: .vault,
      needs: [
        ("external-secrets", "CRDs and webhook of external-secrets.io")
      ]),
    CatalogueEntry(
      name: "argocd-ingress", namespace: "argocd", folder: "infrastructure/argocd-ingress", part: .gateway,
      needs: [
        ("envoy-gateway", "Gateway public"),
        ("argocd-self-managed", "Service argocd-server"),
      ]),
    CatalogueEntry(
      name: "docs-app", namespace: "default", folder: "apps/docs", part: .docs,
      needs: [("envoy-gateway", "Gateway public")]),
  ]

  /// The Applications of a tree. What is left out is waited for by none.
  static func graph(of plan: GitOpsPlan) -> ApplicationGraph {
    let present = all.filter { $0.isPresent(in: plan) }
    let names = Set(present.map(\.name))
    return ApplicationGraph(
      present.map { entry in
        var needs = entry.needs
        if entry.part == .docs, plan.vault?.hasRegistry == true {
          needs.append(("managed-secrets", "Secret registry-credentials"))
        }
        return ApplicationGraph.Member(
          entry.name, namespace: entry.namespace,
          dependencies: needs.filter { names.contains($0.name) }.map { .init($0.name, $0.reason) })
      }
    ).withWaves
  }
}

extension ApplicationGraph {
  /// The graph with every member's phase, counted from 1, as its sync wave.
  var withWaves: ApplicationGraph {
    var waves: [String: Int] = [:]
    for (index, phase) in phases.enumerated() {
      for member in phase { waves[member.name] = index + 1 }
    }
    var graph = self
    for index in members.indices { graph.members[index].wave = waves[members[index].name] }
    return graph
  }
}

extension GitOpsPlan {
  /// The Applications of its tree, and what each waits for.
  public var graph: ApplicationGraph { CatalogueEntry.graph(of: self) }
}
