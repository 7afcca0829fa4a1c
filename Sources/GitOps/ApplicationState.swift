import Diagnostics
import UserData
public import YAML

/// What a cluster says of one Argo CD Application: the fields of `argoproj.io/v1alpha1` that tell how far it is.
public struct ApplicationState: Hashable, Sendable {
  /// One object that the Application manages (`status.resources`).
  public struct Resource: Hashable, Sendable {
    /// The group of its API; empty for the core.
    public var group: String
    /// Its kind.
    public var kind: String
    /// Its Namespace; empty where it has none.
    public var namespace: String
    /// Its name.
    public var name: String
    /// `Synced`, `OutOfSync` or `Unknown`.
    public var sync: String
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`; nil where its kind has no health.
    public var health: String?
    /// What its health is due to.
    public var message: String
    /// Its sync wave.
    public var wave: Int
    /// Whether git has it no more, and only a sync with pruning takes it away.
    public var isLeftOver: Bool
  }

  /// Its name.
  public var name: String
  /// Its sync wave, where it carries the annotation.
  public var wave: Int?
  /// The API groups whose CRDs its sources are known to bring, whatever their values.
  public var groups: Set<String> = []
  /// What its annotations say that it comes after.
  public var dependencies: [ApplicationGraph.Dependency] = []
  /// `Synced`, `OutOfSync` or `Unknown`; empty where the controller has not compared it yet.
  public var sync = ""
  /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`; empty as above.
  public var health = ""
  /// `Running`, `Succeeded`, `Failed`, `Error` or `Terminating`; empty where it was never synced.
  public var operation = ""
  /// The operation's own words.
  public var operationMessage = ""
  /// How often the operation was tried again.
  public var retries = 0
  /// What the operation could not do, object by object.
  public var failures: [String] = []
  /// The conditions: type and message.
  public var conditions: [[String]] = []
  /// What it manages.
  public var resources: [Resource] = []
  /// Whether Argo CD syncs it by itself.
  public var isAutomated = false
  /// Whether it is being deleted, or waits to be.
  public var isDeleted = false
  /// Whether someone has asked for an operation that has not begun.
  public var isAsked = false
  /// Where its objects go, unless they say so themselves.
  public var namespace = ""
  /// Whether its policy lets a sync take away what git has no more.
  public var prunes = false
  /// The options of its policy.
  public var syncOptions: Node?
  /// The retries of its policy.
  public var retry: Node?
  /// The revision of the object, for changes that must not cross another's.
  public var resourceVersion = ""

  /// Whether nothing is left to do: it is as git has it, works, and no operation is under way.
  public var isDone: Bool {
    sync == "Synced" && health == "Healthy" && !isDeleted && operation != "Running"
  }

  /// An Application of that name of which nothing is known.
  init(_ name: String) { self.name = name }

  /// An Application as the API server gives it.
  init(_ object: Node) {
    let (metadata, spec, status) = (object["metadata"], object["spec"], object["status"])
    name = metadata?["name"]?.string ?? ""
    wave = metadata?["annotations"]?["argocd.argoproj.io/sync-wave"]?.string.flatMap { Int($0) }
    dependencies = (metadata?["annotations"]?.mapping ?? []).compactMap { entry in
      let prefix = ApplicationGraph.Dependency.annotation
      guard entry.key.hasPrefix(prefix) else { return nil }
      return ApplicationGraph.Dependency(
        String(entry.key.dropFirst(prefix.count)), (entry.value.string ?? "").safeLine)
    }
    sync = status.text("sync", "status")
    health = status.text("health", "status")
    operation = status.text("operationState", "phase")
    operationMessage = status.text("operationState", "message")
    retries = status?["operationState"]?["retryCount"]?.integer ?? 0
    failures = (status?["operationState"]?["syncResult"]?["resources"]?.sequence ?? []).compactMap { result in
      let failed =
        result["status"]?.string == "SyncFailed"
        || ["Failed", "Error"].contains(result["hookPhase"]?.string ?? "")
      let message = result["message"]?.string ?? ""
      return failed && !message.isEmpty ? message.safeLine : nil
    }
    operationMessage = operationMessage.safeLine
    conditions = (status?["conditions"]?.sequence ?? []).map {
      [$0["type"]?.string ?? "", ($0["message"]?.string ?? "").safeLine]
    }
    resources = (status?["resources"]?.sequence ?? []).map(Resource.init)
    let automated = spec?["syncPolicy"]?["automated"]
    isAutomated = automated?.mapping != nil && automated?["enabled"]?.value != .bool(false)
    prunes = automated?["prune"]?.value == .bool(true)
    syncOptions = spec?["syncPolicy"]?["syncOptions"]
    retry = spec?["syncPolicy"]?["retry"]
    isDeleted = metadata?["deletionTimestamp"] != nil
    isAsked = object["operation"] != nil
    namespace = spec.text("destination", "namespace")
    for source in (spec?["sources"]?.sequence ?? []) + [spec?["source"]].compactMap(\.self) {
      let (chart, url) = (source["chart"]?.string, source["repoURL"]?.string?.lowercased() ?? "")
      groups.formUnion(Repository.chartsByName[chart ?? ""]?.provides ?? [])
      groups.formUnion(Repository.knownRepositories.first { url.contains($0.part) }?.provides ?? [])
    }
    resourceVersion = metadata?["resourceVersion"]?.string ?? ""
  }
}

extension ApplicationState.Resource {
  init(_ node: Node) {
    group = node["group"]?.string ?? ""
    kind = node["kind"]?.string ?? ""
    namespace = node["namespace"]?.string ?? ""
    name = node["name"]?.string ?? ""
    sync = node["status"]?.string ?? ""
    health = node["health"]?["status"]?.string
    message = (node["health"]?["message"]?.string ?? "").safeLine
    wave = node["syncWave"]?.integer ?? 0
    isLeftOver = node["requiresPruning"]?.value == .bool(true)
  }

  /// As messages name it: `Deployment cert-manager/webhook`.
  var label: String { "\(kind) \(namespace.isEmpty ? "" : "\(namespace)/")\(name)" }
}

extension Node {
  fileprivate var integer: Int? {
    if case .number(let digits) = value { Int(digits) } else { nil }
  }
}

extension Node? {
  fileprivate func text(_ key: String, _ inner: String) -> String { self?[key]?[inner]?.string ?? "" }
}

extension String {
  /// As one line that is safe to show: no control characters, and no credentials. Argo CD quotes repository URLs as they
  /// were given to it.
  fileprivate var safeLine: String {
    let line = String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    return line.withoutCredentials
  }

  /// Without what URLs in it hold before an `@`, or in a query under the name of a secret.
  var withoutCredentials: String {
    guard holds("://"), holds("@") || holds("?") else { return self }
    return parts(between: " ").map(\.withoutURLCredentials).joined(separator: " ")
  }

  /// The same of one word.
  private var withoutURLCredentials: String {
    guard let scheme = firstPlace(of: "://") else { return self }
    var (start, rest) = (String(self[..<scheme.upperBound]), String(self[scheme.upperBound...]))
    let authority = rest.utf8.prefix { !"/?#".utf8.contains($0) }
    // `git` is what everybody is called over ssh.
    if let at = authority.lastIndex(of: UInt8(ascii: "@")), rest[..<at] != "git" {
      start += "***"
      rest = String(rest[at...])
    }
    guard rest.holds("?") else { return start + rest }
    let parameters = rest.parts(between: "&").map { parameter in
      let name = parameter.parts(between: "?").last?.parts(between: "=").first ?? ""
      guard SecretName.names(name, isOwn: false), let value = parameter.utf8.firstIndex(of: UInt8(ascii: "="))
      else { return parameter }
      return parameter[...value] + "***"
    }
    return start + parameters.joined(separator: "&")
  }
}
