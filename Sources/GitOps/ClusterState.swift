public import Diagnostics
import YAML

/// The Applications of a cluster: how far each is, and what it waits for.
public struct ClusterState: Hashable, Sendable {
  /// One line of the picture: an Application, or one that its parent has yet to make.
  public struct Entry: Hashable, Sendable {
    /// The Application's name.
    public var name: String
    /// The sync wave that Argo CD takes it in; nil for one that no other Application makes and that carries none.
    public var phase: Int?
    /// What the cluster says of it; nil where it is not there yet.
    public var state: ApplicationState?
    /// What keeps it from being done; empty where it is.
    public var obstacles: [Obstacle]

    /// Whether nothing is left to do.
    public var isDone: Bool { state?.isDone == true }
  }

  /// Why an Application is not done.
  public struct Obstacle: Hashable, Sendable {
    /// A stable kebab-case name of the cause.
    public var code: String
    /// What was found: lower case, one line.
    public var message: String
    /// The Applications that have to be done first.
    public var blockers: [String]
    /// What to do, where waiting may not be enough.
    public var help: String?

    init(_ code: String, _ message: String, blockers: [String] = [], help: String? = nil) {
      self.code = code
      self.message = message
      self.blockers = blockers
      self.help = help
    }
  }

  /// All Applications: those without a phase first, then by phase, by name within it.
  public private(set) var entries: [Entry] = []

  /// Reads what `kubectl get applications.argoproj.io --output json` prints.
  ///
  /// - Parameters:
  ///   - bytes: the JSON of a list.
  ///   - source: what findings call it.
  /// - Throws: a report where it is no such list.
  public init(_ bytes: [UInt8], source: String) throws(Report) {
    let list = try JSON.parse(bytes, source: source, maximumNodes: 5_000_000)
    guard let items = list["items"]?.sequence else {
      throw Report([
        .error("not-a-list", at: Location(source: source), "kubectl gave no list of Applications")
      ])
    }
    let applications = items.map(ApplicationState.init)
    // An API server takes no other names; in commands that people are told to run, these would be more than names.
    try Report(
      applications.filter { !$0.name.isObjectName }.map {
        .error(
          "not-a-name", at: Location(source: source),
          "an Application is called \"\($0.name.printable)\", which is not a valid name",
          help: "find out what answers in place of the cluster")
      }
    ).throwIfErrors()
    self.init(applications)
  }

  init(_ applications: [ApplicationState]) {
    let known = Set(applications.map(\.name))
    var phases: [String: Int] = [:]
    var absent: [(name: String, parent: ApplicationState)] = []
    for parent in applications {
      for child in parent.resources where child.isApplication && !child.isLeftOver {
        phases[child.name] = child.wave
        if !known.contains(child.name) { absent.append((child.name, parent)) }
      }
    }
    func phase(_ name: String, _ wave: Int?) -> Int? { wave ?? phases[name] }

    entries = applications.map {
      Entry(name: $0.name, phase: phase($0.name, $0.wave), state: $0, obstacles: [])
    }
    entries += absent.map { Entry(name: $0.name, phase: phases[$0.name], state: nil, obstacles: []) }
    entries.sort { ($0.phase ?? .min, $0.name) < ($1.phase ?? .min, $1.name) }

    let parents = Dictionary(absent.map { ($0.name, $0.parent) }) { first, _ in first }
    let whole = self
    for index in entries.indices where !entries[index].isDone {
      let entry = entries[index]
      entries[index].obstacles =
        entry.state.map { Causes(whole, $0).all }
        ?? parents[entry.name].map { whole.whyAbsent(entry, parent: $0) } ?? []
    }
  }

  /// The Application of that name, or the place where it will be.
  public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

  /// Whether nothing is left to do.
  public var isDone: Bool { entries.allSatisfy(\.isDone) }

  /// Where to begin: what is not done and waits for nothing else that is not done. Where all wait for each other, all.
  public var roots: [Entry] {
    let left = entries.filter { !$0.isDone }
    let names = Set(left.map(\.name))
    let first = left.filter { entry in
      !entry.obstacles.contains { $0.blockers.contains { names.contains($0) && $0 != entry.name } }
    }
    return first.isEmpty ? left : first
  }

  /// Why a parent has not made an Application: it makes them phase by phase.
  private func whyAbsent(_ entry: Entry, parent: ApplicationState) -> [Obstacle] {
    let earlier = entries.filter { other in
      !other.isDone && parent.resources.contains { $0.isApplication && $0.name == other.name }
        && (other.phase ?? 0) < (entry.phase ?? 0)
    }
    guard earlier.isEmpty else {
      let names = earlier.map(\.name)
      return [
        Obstacle(
          "not-created",
          "\(parent.name) makes it when \(names.listed) \(names.count == 1 ? "is" : "are") healthy",
          blockers: names)
      ]
    }
    return [
      Obstacle(
        "not-created", "\(parent.name) has not made it yet", blockers: parent.isDone ? [] : [parent.name])
    ]
  }
}

extension ApplicationState.Resource {
  var isApplication: Bool { kind == "Application" && group == "argoproj.io" }
}

extension [String] {
  /// `a`, `a and b`, `a, b and c`.
  var listed: String {
    guard let last, count > 1 else { return first ?? "" }
    return "\(dropLast().joined(separator: ", ")) and \(last)"
  }
}

extension String {
  /// Whether an object may have it for a name (Kubernetes' documentation, "DNS Subdomain Names").
  fileprivate var isObjectName: Bool {
    utf8.count <= 253
      && parts(between: ".").allSatisfy { label in
        label.utf8.allSatisfy { (0x61...0x7A) ~= $0 || (0x30...0x39) ~= $0 || $0 == UInt8(ascii: "-") }
          && !label.isEmpty && !label.hasPrefix("-") && !label.hasSuffix("-")
      }
  }
}
