import Diagnostics
import YAML

extension Repository {
  /// Why an Application needs another, and where that is said.
  struct Edge: Sendable {
    /// The Application that needs.
    let from: String
    /// The one that is needed.
    let to: String
    /// What is taken from it.
    let reason: String
    /// Where it is needed.
    let place: Place
    /// The API group, where it is a CRD that is needed.
    let group: String?
  }

  /// A custom resource, or a chart with one, that needs the CRDs of an API group.
  struct GroupNeed: Sendable {
    let application: String
    let group: String
    /// What needs it, as people call it.
    let title: String
    let place: Place
  }

  /// The CRDs that Applications need and do not bring themselves: one entry for each Application and group.
  var groupNeeds: [GroupNeed] {
    pairs.flatMap { application, contents in
      var seen = contents.provides.union(Self.givenGroups)
      var needs: [GroupNeed] = []
      for object in contents.objects where seen.insert(object.group).inserted {
        needs.append(
          GroupNeed(
            application: application.name, group: object.group, title: object.title,
            place: object.place["kind"] ?? object.place))
      }
      for chart in contents.charts {
        for group in chart.needs where seen.insert(group).inserted {
          needs.append(
            GroupNeed(
              application: application.name, group: group, title: "the chart \(chart.name)",
              place: chart.place))
        }
      }
      return needs
    }
  }

  /// What Applications need of each other, as far as the manifests say: one edge for each pair, the first reason found.
  var edges: [Edge] {
    var edges: [Edge] = []
    var seen: Set<[String]> = []
    func add(_ from: String, _ to: String?, _ reason: String, _ place: Place, group: String? = nil) {
      guard let to, to != from, seen.insert([from, to]).inserted else { return }
      edges.append(Edge(from: from, to: to, reason: reason, place: place, group: group))
    }
    for need in groupNeeds {
      add(need.application, provider(of: need.group), "CRDs of \(need.group)", need.place, group: need.group)
    }
    for reference in references {
      add(reference.from, reference.to, reference.reason, reference.place)
    }
    return edges
  }

  /// The Application that brings the CRDs of a group: the earliest, where several do.
  func provider(of group: String) -> String? {
    var best: Application?
    for (application, contents) in pairs
    where contents.provides.contains(group) && application.wave < best?.wave ?? .max {
      best = application
    }
    return best?.name
  }

  /// The objects of one Application that name objects of another.
  private var references: [(from: String, to: String?, reason: String, place: Place)] {
    var found: [(from: String, to: String?, reason: String, place: Place)] = []
    for object in objects {
      guard let from = object.application else { continue }
      for reference in Self.referenceRules.flatMap({ $0(object) }) {
        let target = objects.first {
          $0.name == reference.name && reference.kinds.contains($0.kind)
            && (reference.namespace == nil || $0.namespace == nil || $0.namespace == reference.namespace)
        }
        guard let target else { continue }
        found.append((from, target.application, target.title, reference.place))
      }
    }
    for need in secretNeeds {
      guard let from = need.application else { continue }
      let maker = secrets.first { $0.name == need.name && $0.matches(namespace: need.namespace) }
      found.append((from, maker?.application, "Secret \(need.name)", need.place))
    }
    return found
  }

  /// A name of another object that an object needs.
  struct Reference {
    let kinds: [String]
    let name: String
    /// The namespace it is in; nil where it has none.
    let namespace: String?
    let place: Place
  }

  /// Where objects name others: cert-manager's issuers, External Secrets' stores, Gateway API's gateways and classes.
  private static let referenceRules: [@Sendable (Object) -> [Reference]] = [
    { object in
      guard object.group == "cert-manager.io", let issuer = object.place.at("spec", "issuerRef"),
        let name = issuer["name"]
      else { return [] }
      let isCluster = issuer["kind"]?.text == "ClusterIssuer"
      return [
        Reference(
          kinds: [isCluster ? "ClusterIssuer" : "Issuer"], name: name.text ?? "",
          namespace: isCluster ? nil : object.namespace, place: name)
      ]
    },
    { object in
      ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer"].compactMap { key in
        object.annotation(key).map { place in
          Reference(
            kinds: [key.hasSuffix("cluster-issuer") ? "ClusterIssuer" : "Issuer"], name: place.text ?? "",
            namespace: key.hasSuffix("cluster-issuer") ? nil : object.namespace, place: place)
        }
      }
    },
    { object in
      guard object.group == "external-secrets.io" else { return [] }
      return object.storeReferences.compactMap { store in
        guard let name = store["name"] else { return nil }
        let isCluster = store["kind"]?.text == "ClusterSecretStore"
        return Reference(
          kinds: [isCluster ? "ClusterSecretStore" : "SecretStore"], name: name.text ?? "",
          namespace: isCluster ? nil : object.namespace, place: name)
      }
    },
    { object in
      guard object.group == "gateway.networking.k8s.io" else { return [] }
      let parents = object.place.at("spec", "parentRefs")?.items ?? []
      return parents.compactMap { parent in
        guard let name = parent["name"], ["Gateway", nil].contains(parent["kind"]?.text) else { return nil }
        return Reference(
          kinds: ["Gateway"], name: name.text ?? "", namespace: parent["namespace"]?.text ?? object.namespace,
          place: name)
      }
    },
    { object in
      guard object.kind == "Gateway", let name = object.place.at("spec", "gatewayClassName") else {
        return []
      }
      return [Reference(kinds: ["GatewayClass"], name: name.text ?? "", namespace: nil, place: name)]
    },
  ]

  /// The graph of the Applications: the waves they say, and the dependencies that the manifests show.
  ///
  /// An Application that brings the others, the root, is not among them: it waits for nobody, and the others are its
  /// contents.
  public var graph: ApplicationGraph {
    let roots = Set(applications.compactMap(\.parent))
    let edges = edges
    var seen: Set<String> = []
    return ApplicationGraph(
      applications.filter { !roots.contains($0.name) && seen.insert($0.name).inserted }.map { application in
        ApplicationGraph.Member(
          application.name, namespace: application.target?.text,
          wave: application.waveAnnotation?.text.flatMap { Int($0) },
          dependencies: edges.filter { $0.from == application.name && !roots.contains($0.to) }.map {
            ApplicationGraph.Dependency($0.to, $0.reason)
          })
      })
  }
}

extension Repository.Object {
  /// The stores that an ExternalSecret takes from: its own, and those of its entries.
  var storeReferences: [Repository.Place] {
    let entries = (place.at("spec", "data")?.items ?? []) + (place.at("spec", "dataFrom")?.items ?? [])
    return [place.at("spec", "secretStoreRef")].compactMap { $0 }
      + entries.compactMap { $0.at("sourceRef", "storeRef") }
  }
}
