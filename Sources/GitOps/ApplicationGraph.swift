/// Argo CD Applications and what each of them waits for.
///
/// The dependencies are the data; everything else, phases and drawings, follows from them.
public struct ApplicationGraph: Hashable, Sendable {
  /// One Application of the graph.
  public struct Member: Hashable, Sendable {
    /// Its name, unique in the graph.
    public var name: String
    /// Where its objects go; nil where they have no namespace or several.
    public var namespace: String?
    /// The sync wave (annotation `argocd.argoproj.io/sync-wave`) that it carries; nil where none is written.
    public var wave: Int?
    /// What must be healthy before it can be, sorted by name.
    public var dependencies: [Dependency]

    /// An Application by its name.
    public init(
      _ name: String, namespace: String? = nil, wave: Int? = nil, dependencies: [Dependency] = []
    ) {
      self.name = name
      self.namespace = namespace
      self.wave = wave
      self.dependencies = dependencies.sorted { $0.name < $1.name }
    }
  }

  /// An edge: the Application that is waited for, and why.
  public struct Dependency: Hashable, Sendable {
    /// The name of the Application that must be healthy first.
    public var name: String
    /// What is taken from it, in a few words, such as `CRD gateways.gateway.networking.k8s.io`.
    public var reason: String

    /// What an annotation of an Application begins with that says an edge: then comes the name, and its value is why.
    static let annotation = "after.k3seed/"

    /// An edge to the Application called `name`.
    public init(_ name: String, _ reason: String) {
      self.name = name
      self.reason = reason
    }
  }

  /// The Applications, in the order in which they were given.
  public var members: [Member]

  /// A graph of these Applications. A dependency on a name that is no member is kept, and counts for no phase.
  public init(_ members: [Member]) {
    self.members = members
  }

  /// The member of that name.
  public subscript(name: String) -> Member? {
    members.first { $0.name == name }
  }

  /// The members by phase: the first waits for nothing, and each other for at least one of the phase before it. Within
  /// a phase the order is that of `members`. Those of a cycle, and those that wait for one, have no phase.
  public var phases: [[Member]] {
    let places = Dictionary(members.enumerated().map { ($1.name, $0) }) { first, _ in first }
    var waiting = members.map { member in Set(member.dependencies.compactMap { places[$0.name] }).count }
    var waiters = Array(repeating: [Int](), count: members.count)
    for (index, member) in members.enumerated() {
      for place in Set(member.dependencies.compactMap({ places[$0.name] })) { waiters[place].append(index) }
    }
    var phases: [[Member]] = []
    var ready = members.indices.filter { waiting[$0] == 0 }
    while !ready.isEmpty {
      phases.append(ready.map { members[$0] })
      var next: [Int] = []
      for index in ready {
        for waiter in waiters[index] {
          waiting[waiter] -= 1
          if waiting[waiter] == 0 { next.append(waiter) }
        }
      }
      ready = next.sorted()
    }
    return phases
  }

  /// The Applications of circles, without those that only wait for one, in the order of `members`.
  var circles: [String] {
    // In a circle is what can be reached from itself: what is left once all is taken away, again and again, that waits for
    // nothing that is left, or that nothing left waits for, may still lie between two circles, so each is followed.
    var names = Set(cyclic)
    while true {
      let waited = Set(
        members.filter { names.contains($0.name) }.flatMap { $0.dependencies.map(\.name) })
      let rest = names.intersection(waited)
      if rest.count == names.count { break }
      names = rest
    }
    let edges = Dictionary(members.map { ($0.name, $0.dependencies.map(\.name)) }) { first, _ in first }
    return members.map(\.name).filter { start in
      guard names.contains(start) else { return false }
      var pending = edges[start] ?? []
      var seen: Set<String> = []
      while let name = pending.popLast() {
        if name == start { return true }
        if names.contains(name), seen.insert(name).inserted { pending += edges[name] ?? [] }
      }
      return false
    }
  }

  /// The names of the Applications that wait for each other in a circle, or for such a circle; empty where the graph
  /// has phases for all.
  public var cyclic: [String] {
    let placed = Set(phases.joined().map(\.name))
    return members.map(\.name).filter { !placed.contains($0) }
  }
}
