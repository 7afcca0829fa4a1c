import Diagnostics
import Plan
import Templates
import UserData

extension Context {
  /// What templates can say of a GitOps tree. There is no secret in it.
  ///
  /// - Parameters:
  ///   - templates: the names of the templates that there are.
  init(_ plan: GitOpsPlan, graph: ApplicationGraph, templates: [String]) {
    let cluster = plan.cluster
    self = .map([
      "cluster_name": Context(cluster.name),
      "domain": Context(plan.domain),
      "git": .map(["url": Context(plan.gitURL), "revision": Context(cluster.gitRevision)]),
      "applications": .list(
        graph.phases.joined().compactMap { member in
          CatalogueEntry.all.first { $0.name == member.name }.map {
            Self.application($0, member, plan, templates)
          }
        }),
      "cloudflare": .map([
        "zone_id": Context(plan.zoneID),
        "secret_name": Context(cluster.cloudflareSecretName),
        "secret_key": Context(cluster.cloudflareSecretKey),
      ]),
      "issuers": .list(Self.issuers),
      "acme": .map([
        "email": Context(plan.acmeEmail),
        "issuer": Context(plan.acmeIssuer.map { "letsencrypt-\($0)" }),
        "is_dns01": Context(.flag(plan.challenge.value == .dns01), from: plan.challenge.origin),
        "certificate_wave": .text(plan.challenge.value == .dns01 ? "2" : "3"),
      ]),
      "ingress": plan.ingress.map { Self.ingress($0, plan) } ?? .none,
      "servers": .map([
        "tolerations": .list(cluster.serverTaints.map { Context(toleration: $0) })
      ]),
      "hosts": .list(plan.hosts),
      "pods_reach_metadata": Context(
        .flag(cluster.podsReachMetadata.value), from: cluster.podsReachMetadata.origin),
      "argocd": .map([
        "host": Context(plan.argoCDHost),
        // What a lost webhook costs at most.
        "polling": plan.hasWebhook ? .text("1h") : .none,
        "secret_is_seeded": .flag(cluster.seedsArgoCDSecret),
      ]),
      "vault": .map([
        "ocid": Context(plan.vault?.ocid),
        "region": Context(plan.vault?.region),
        "has_registry": .flag(plan.vault?.hasRegistry == true),
        "secrets": .list((plan.vault?.secrets ?? []).map(Self.vaultSecret)),
      ]),
      "docs": plan.docs.map { docs in
        .map([
          "host": Context(docs.host), "image": Context(docs.image),
          "port": Context(.number(docs.port.value), from: docs.port.origin),
        ])
      } ?? .none,
    ])
  }

  private static func application(
    _ entry: CatalogueEntry, _ member: ApplicationGraph.Member, _ plan: GitOpsPlan, _ templates: [String]
  ) -> Context {
    let lock = plan.cluster.lock
    let wave = ("argocd.argoproj.io/sync-wave", Context.text("\(member.wave ?? 0)"))
    let reasons = member.dependencies.map {
      ("\(ApplicationGraph.Dependency.annotation)\($0.name)", Context.text($0.reason))
    }
    let path = entry.folder.map { folder in
      Context(plan.cluster.gitPath.map { $0.folder(appending: folder) })
    }
    return .map([
      "name": .text(entry.name),
      "namespace": entry.namespace.map { .text($0) } ?? .none,
      "annotations": Context(.map([wave] + reasons)),
      "is_kept": .flag(entry.isKept),
      "upstream": entry.gatewayAPIPath.map {
        .map([
          "repository": .text(lock.gatewayAPI.repository), "revision": .text(lock.gatewayAPI.version),
          "path": .text($0),
        ])
      } ?? .none,
      "crd_chart": chart(entry.crdChart.map { lock[$0] }),
      "chart": chart(entry.chart.map { lock[$0] }),
      "release": entry.release.map { .text($0) } ?? .none,
      "path": path ?? .none,
      "has_manifests": .flag(
        entry.folder.map { templates.contains("gitops/\($0)/kustomization.yaml") } ?? false),
      "has_webhooks": .flag(entry.hasWebhooks),
    ])
  }

  private static func chart(_ chart: HelmChart?) -> Context {
    chart.map {
      .map([
        "name": .text($0.name), "version": .text($0.version), "repository": .text($0.repository),
      ])
    } ?? .none
  }

  /// Let's Encrypt's documentation, "ACME Protocol" and "Staging Environment".
  private static let issuers = [
    ("letsencrypt-production", "https://acme-v02.api.letsencrypt.org/directory"),
    ("letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
  ].map { Context.map(["name": .text($0.0), "server": .text($0.1)]) }

  private static func ingress(_ ingress: GitOpsPlan.Ingress, _ plan: GitOpsPlan) -> Context {
    .map([
      "address": Context(ingress.address),
      "selector": Context(.map(ingress.selector.map { ($0.key, Context($0.value)) })),
      "tolerations": .list(ingress.taints.map { Context(toleration: $0) }),
      "namespaces": .list(plan.hosts.compactMap { $0.entry("namespace") }),
    ])
  }

  /// What tolerates a taint, as K3s takes taints: `key=value:Effect` or `key:Effect`.
  private init(toleration taint: Sourced<String>) {
    let parts = taint.value.parts(between: ":")
    let pair = parts[0].parts(between: "=")
    let value = pair.count > 1 ? pair[1] : ""
    self.init(
      .map(
        [
          ("key", Context(.text(pair[0]), from: taint.origin)),
          ("operator", .text(value.isEmpty ? "Exists" : "Equal")),
        ] + (value.isEmpty ? [] : [("value", Context(.text(value), from: taint.origin))]) + [
          ("effect", Context(.text(parts[parts.count - 1]), from: taint.origin))
        ]))
  }

  private static func vaultSecret(_ secret: VaultSecret) -> Context {
    let template: Context =
      secret.template.isEmpty && secret.labels.isEmpty && secret.type == nil || secret.ownership == .merge
      ? .none
      : .map([
        "type": secret.type.map { .text($0) } ?? .none,
        "labels": Context(.map(secret.labels.map { ($0.key, .text($0.value)) })),
        "data": Context(.map(secret.template.map { ($0.key, Context($0.value)) })),
      ])
    return .map([
      "name": Context(secret.name),
      "namespace": .text(secret.namespace),
      "policy": .text(secret.ownership.rawValue),
      "template": template,
      "data": .list(
        secret.data.map { data in
          .map([
            "key": Context(data.key), "secret": Context(data.secret),
            "stage": data.stage.map { Context(.text($0), from: data.secret.origin) } ?? .none,
          ])
        }),
    ])
  }

  /// The value under a name of a map.
  private func entry(_ name: String) -> Context? {
    if case .map(let entries) = value { entries.first { $0.key == name }?.value } else { nil }
  }
}

extension ClusterPlan {
  /// The taints of servers, each once.
  fileprivate var serverTaints: [Sourced<String>] {
    var taints: [Sourced<String>] = []
    for node in nodes where node.role.value == .server {
      for taint in node.taints where !taints.contains(where: { $0.value == taint.value }) {
        taints.append(taint)
      }
    }
    return taints
  }
}

extension GitOpsPlan {
  /// The hosts that the Gateway answers for, each with the namespace it belongs to.
  fileprivate var hosts: [Context] {
    guard ingress != nil else { return [] }
    let all = [("argocd", argoCDHost, "argocd"), ("docs", docs?.host, "default")]
    return all.compactMap { name, host, namespace in
      host.map { .map(["name": .text(name), "host": Context($0), "namespace": .text(namespace)]) }
    }
  }
}

extension String {
  /// A folder below this one, both as paths within a repository; "." is its root.
  fileprivate func folder(appending inner: String) -> String {
    (parts(between: "/").filter { !["", "."].contains($0) } + [inner]).joined(by: "/")
  }
}
