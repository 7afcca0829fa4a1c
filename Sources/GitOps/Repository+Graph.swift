import Diagnostics
import YAML

extension Repository {
  /// Why an Application needs another, and where that is said.
  struct Edge: Sendable {
    /// The Application that needs, by its number.
    let from: Int
    /// The one that is needed.
    let to: Int
    /// What is taken from it.
    let reason: String
    /// Where it is needed.
    let place: Place
    /// The API group, where it is a CRD that is needed.
    let group: String?
  }

  /// A custom resource, or a chart with one, that needs the CRDs of an API group.
  struct GroupNeed: Sendable {
    /// The Application, by its number.
    let application: Int
    let group: String
    /// What needs it, as people call it.
    let title: String
    let place: Place
  }

  /// The CRDs that Applications need and do not bring themselves: one entry for each Application and group.
  var groupNeeds: [GroupNeed] {
    contents.flatMap { contents in
      var seen = provided[contents.application].union(Self.givenGroups)
      var needs: [GroupNeed] = []
      for object in contents.objects where seen.insert(object.group).inserted {
        needs.append(
          GroupNeed(
            application: contents.application, group: object.group, title: object.title,
            place: object.place["kind"] ?? object.place))
      }
      for chart in contents.charts {
        for group in chart.needs where seen.insert(group).inserted {
          needs.append(
            GroupNeed(
              application: contents.application, group: group, title: "the chart \(chart.name)",
              place: chart.place))
        }
      }
      return needs
    }
  }

  func findEdges() -> [Edge] {
    var edges: [Edge] = []
    var seen: Set<[Int]> = []
    func add(_ from: Int, _ to: Int?, _ reason: String, _ place: Place, group: String? = nil) {
      guard let to, to != from, seen.insert([from, to]).inserted else { return }
      edges.append(Edge(from: from, to: to, reason: reason, place: place, group: group))
    }
    for from in applications.indices {
      for (name, reason) in applications[from].declared {
        let to = nearest(to: from, among: applications.indices.filter { applications[$0].name == name })
        add(from, to, reason.text ?? "", reason)
      }
    }
    for need in groupNeeds {
      let provider = provider(of: need.group, for: need.application)
      add(need.application, provider, "CRDs of \(need.group)", need.place, group: need.group)
    }
    for (from, to, reason, place) in references { add(from, to, reason, place) }
    return edges
  }

  /// The Application that brings the CRDs of a group to another: the earliest, where several do.
  func provider(of group: String, for application: Int) -> Int? {
    let candidates = applications.indices.filter { provided[$0].contains(group) }
    return nearest(
      to: application, among: candidates.sorted { applications[$0].wave < applications[$1].wave })
  }

  /// Which of several Applications is meant by another: itself, then one that the same sync applies. A repository may hold
  /// several clusters, with Applications of the same names.
  private func nearest(to application: Int, among candidates: [Int]) -> Int? {
    let scope = applications[application].scope
    return candidates.first { $0 == application } ?? candidates.first { applications[$0].scope == scope }
      ?? candidates.first
  }

  /// The objects of one Application that name objects of another.
  private var references: [(from: Int, to: Int?, reason: String, place: Place)] {
    var found: [(from: Int, to: Int?, reason: String, place: Place)] = []
    let byName = Dictionary(grouping: objects, by: \.name)
    for object in objects {
      guard let from = object.application else { continue }
      for reference in Self.referenceRules.flatMap({ $0(object) }) {
        let targets = (byName[reference.name] ?? []).filter {
          reference.kinds.contains($0.kind)
            && (reference.namespace == nil || $0.namespace == nil || $0.namespace == reference.namespace)
        }
        let to = nearest(to: from, among: targets.compactMap(\.application))
        guard let target = targets.first(where: { $0.application == to }) else { continue }
        found.append((from, to, target.title, reference.place))
      }
    }
    let made = secrets
    for need in secretNeeds {
      guard let from = need.application else { continue }
      let makers = made.filter { $0.name == need.name && $0.matches(namespace: need.namespace) }
      // What the bootstrap makes is there before any Application.
      guard makers.allSatisfy({ $0.application != nil }) else { continue }
      found.append(
        (from, nearest(to: from, among: makers.compactMap(\.application)), "Secret \(need.name)", need.place))
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

  /// The graph of the Applications: the waves they say, and the dependencies that they declare or the manifests show.
  ///
  /// An Application that brings the others, the root, is not among them: it waits for nobody, and the others are its
  /// contents. Where several have one name, the folder of each is put behind it.
  public var graph: ApplicationGraph {
    let roots = Set(applications.compactMap(\.parent))
    let shown = applications.indices.filter { !roots.contains($0) }
    let counts = Dictionary(grouping: shown) { applications[$0].name }.mapValues(\.count)
    var names: [Int: String] = [:]
    for index in shown {
      let application = applications[index]
      let folder = application.place.file.folder
      names[index] =
        counts[application.name] == 1 || folder.isEmpty
        ? application.name : "\(application.name) (\(folder))"
    }
    var seen: Set<String> = []
    return ApplicationGraph(
      shown.compactMap { index in
        guard let name = names[index], seen.insert(name).inserted else { return nil }
        let application = applications[index]
        return ApplicationGraph.Member(
          name, namespace: application.target?.text,
          wave: application.waveAnnotation?.text.flatMap { Int($0) },
          dependencies: edges.compactMap { edge in
            guard edge.from == index, let other = names[edge.to], other != name else { return nil }
            return ApplicationGraph.Dependency(other, edge.reason)
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
