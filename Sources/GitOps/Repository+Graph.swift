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
    let named = Nearest(
      Dictionary(grouping: applications.indices) { applications[$0].name }, of: applications)
    for from in applications.indices {
      for (name, reason) in applications[from].declared {
        add(from, named.nearest(to: from, under: name), reason.text ?? "", reason)
      }
    }
    let providers = Nearest(self.providers, of: applications)
    for need in groupNeeds {
      let provider = providers.nearest(to: need.application, under: need.group)
      add(need.application, provider, "CRDs of \(need.group)", need.place, group: need.group)
    }
    for (from, to, reason, place) in references { add(from, to, reason, place) }
    return edges
  }

  /// Which of several Applications is meant by another: itself, then one that the same sync applies. A repository may hold
  /// several clusters, with Applications of the same names.
  private struct Nearest {
    /// What there is under a name: all of them, the first, and the first of each scope.
    private struct Candidates {
      var all: Set<Int>
      var first: Int?
      var byScope: [String: Int]
    }
    private let candidates: [String: Candidates]
    private let applications: [Application]

    init(_ lists: [String: [Int]], of applications: [Application]) {
      self.applications = applications
      candidates = lists.mapValues { list in
        Candidates(
          all: Set(list), first: list.first,
          byScope: Dictionary(list.map { (applications[$0].scope, $0) }) { first, _ in first })
      }
    }

    func nearest(to application: Int, under name: String) -> Int? {
      guard let found = candidates[name] else { return nil }
      if found.all.contains(application) { return application }
      return found.byScope[applications[application].scope] ?? found.first
    }
  }

  /// The objects of one Application that name objects of another.
  private var references: [(from: Int, to: Int?, reason: String, place: Place)] {
    var found: [(from: Int, to: Int?, reason: String, place: Place)] = []
    // Each object stands under its name alone and with its namespace; one of which the namespace is not known, under each.
    let kinds: Set = [
      "Issuer", "ClusterIssuer", "SecretStore", "ClusterSecretStore", "Gateway", "GatewayClass",
    ]
    var targets: [String: [Int]] = [:]
    for object in objects where kinds.contains(object.kind) {
      guard let application = object.application else { continue }
      targets[object.title, default: []].append(application)
      targets["\(object.title) in \(object.namespace ?? "")", default: []].append(application)
    }
    let nearest = Nearest(targets, of: applications)
    for object in objects {
      guard let from = object.application else { continue }
      for reference in Self.referenceRules.flatMap({ $0(object) }) {
        let title = "\(reference.kind) \(reference.name)"
        let to =
          reference.namespace.map { namespace in
            nearest.nearest(to: from, under: "\(title) in \(namespace)")
              ?? nearest.nearest(to: from, under: "\(title) in ")
          } ?? nearest.nearest(to: from, under: title)
        if let to { found.append((from, to, title, reference.place)) }
      }
    }
    let made = Dictionary(grouping: secrets, by: \.name)
    let makers = Nearest(
      made.mapValues { $0.compactMap(\.application) }, of: applications)
    for need in secretNeeds {
      guard let from = need.application, let named = made[need.name] else { continue }
      let there = named.filter { $0.matches(namespace: need.namespace) }
      // What the bootstrap makes is there before any Application.
      guard !there.isEmpty, there.allSatisfy({ $0.application != nil }) else { continue }
      let to =
        there.count == named.count
        ? makers.nearest(to: from, under: need.name) : there.compactMap(\.application).first
      found.append((from, to, "Secret \(need.name)", need.place))
    }
    return found
  }

  /// A name of another object that an object needs.
  struct Reference {
    let kind: String
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
          kind: isCluster ? "ClusterIssuer" : "Issuer", name: name.text ?? "",
          namespace: isCluster ? nil : object.namespace, place: name)
      ]
    },
    { object in
      ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer"].compactMap { key in
        object.annotation(key).map { place in
          Reference(
            kind: key.hasSuffix("cluster-issuer") ? "ClusterIssuer" : "Issuer", name: place.text ?? "",
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
          kind: isCluster ? "ClusterSecretStore" : "SecretStore", name: name.text ?? "",
          namespace: isCluster ? nil : object.namespace, place: name)
      }
    },
    { object in
      guard object.group == "gateway.networking.k8s.io" else { return [] }
      let parents = object.place.at("spec", "parentRefs")?.items ?? []
      return parents.compactMap { parent in
        guard let name = parent["name"], ["Gateway", nil].contains(parent["kind"]?.text) else { return nil }
        return Reference(
          kind: "Gateway", name: name.text ?? "", namespace: parent["namespace"]?.text ?? object.namespace,
          place: name)
      }
    },
    { object in
      guard object.kind == "Gateway", let name = object.place.at("spec", "gatewayClassName") else {
        return []
      }
      return [Reference(kind: "GatewayClass", name: name.text ?? "", namespace: nil, place: name)]
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
    let needs = Dictionary(grouping: edges, by: \.from)
    var seen: Set<String> = []
    return ApplicationGraph(
      shown.compactMap { index in
        guard let name = names[index], seen.insert(name).inserted else { return nil }
        let application = applications[index]
        return ApplicationGraph.Member(
          name, namespace: application.target?.text,
          wave: application.waveAnnotation?.text.flatMap { Int($0) },
          dependencies: (needs[index] ?? []).compactMap { edge in
            guard let other = names[edge.to], other != name else { return nil }
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
