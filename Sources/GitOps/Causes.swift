import Diagnostics

/// Reads out of an Application's own words what keeps it from being done.
///
/// Argo CD says it in free text, in three places: the results of an operation, the operation itself, and conditions.
/// The wordings are those of Argo CD 2.10 to 3.5 and of Kubernetes 1.20 to 1.36.
struct Causes {
  private let cluster: ClusterState
  private let state: ApplicationState

  init(_ cluster: ClusterState, _ state: ApplicationState) {
    self.cluster = cluster
    self.state = state
  }

  typealias Obstacle = ClusterState.Obstacle

  /// Each cause once, those that others follow from first.
  var all: [Obstacle] {
    var found: [Obstacle] = []
    func add(_ obstacle: Obstacle) {
      if !found.contains(obstacle) { found.append(obstacle) }
    }
    if state.isDeleted {
      add(
        Obstacle(
          "being-deleted", "it is being deleted, and \(remaining) left",
          help: "if that does not end, see which finalizer its objects wait for"))
    }
    // The operation speaks in general where its results are particular.
    let general =
      state.operation == "Succeeded" || state.operationMessage.isEmpty ? [] : [state.operationMessage]
    let conditions = state.conditions.filter { $0[0] != "SharedResourceWarning" }
    let particular = state.failures + conditions.map { $0[1] }
    for text in particular + general { readings(of: text).forEach(add) }
    for dependency in state.dependencies where cluster[dependency.name]?.isDone != true {
      if found.contains(where: { $0.blockers.contains(dependency.name) }) { continue }
      add(waits(for: dependency))
    }
    if found.isEmpty, let text = (particular + general).first {
      add(Obstacle("sync-failed", tried + text))
    }
    shared.forEach(add)
    if state.sync == "Synced" || found.isEmpty { unhealthy.forEach(add) }
    if found.isEmpty { add(quiet) }
    return found
  }

  private func waits(for dependency: ApplicationGraph.Dependency) -> Obstacle {
    cluster[dependency.name] == nil
      ? Obstacle(
        "missing-dependency", "the cluster has no Application \(dependency.name): \(dependency.reason)",
        help: "let the root Application make it")
      : Obstacle(
        "waits-for-dependency", "it comes after \(dependency.name): \(dependency.reason)",
        blockers: [dependency.name])
  }

  private var remaining: String {
    state.resources.count == 1 ? "1 object is" : "\(state.resources.count) objects are"
  }

  private var tried: String {
    state.retries == 0 ? "" : "after \(state.retries) \(state.retries == 1 ? "retry" : "retries"): "
  }

  // MARK: Words

  /// What a text is known to mean; empty where it is not.
  private func readings(of text: String) -> [Obstacle] {
    let rules = [
      missingKind, otherVersion, webhook, missingSecret, missingNamespace, forbidden, repository, missingPath,
      unreachable, waitsFor, immutable,
    ]
    for rule in rules {
      if let obstacle = rule(text) { return [obstacle] }
    }
    return []
  }

  /// A kind that the API server does not know: its CRD is another Application's.
  private func missingKind(_ text: String) -> Obstacle? {
    let group: Substring
    let kind: Substring
    if let found = text.firstMatch(of: /could not find ([^\s\/"]+)\/(\w+) for requested resource/) {
      (group, kind) = (found.1, found.2)
    } else if let found = text.firstMatch(of: /no matches for kind "(\w+)" in version "([^"\/]+)\/[^"]+"/) {
      (group, kind) = (found.2, found.1)
    } else if let found = text.firstMatch(of: /CustomResourceDefinition\S* "\w+\.([^"]+)" not found/) {
      (group, kind) = (found.1, "CustomResourceDefinition")
    } else {
      return nil
    }
    let providers = cluster.providers(ofGroup: String(group)).filter { $0 != state.name }
    return Obstacle(
      "missing-crd", "the cluster does not know \(kind) of \(group)\(brought(by: providers))",
      blockers: providers,
      help: providers.isEmpty ? "add the Application that installs its CRD, in an earlier phase" : nil)
  }

  /// A CRD that is there in another version.
  private func otherVersion(_ text: String) -> Obstacle? {
    guard
      let found = text.firstMatch(
        of: /could not find version "([^"]+)" of ([^\s\/]+)\/(\w+)[^"]*Version "([^"]+)"/)
    else { return nil }
    let providers = cluster.providers(ofGroup: String(found.2)).filter { $0 != state.name }
    return Obstacle(
      "wrong-version", "\(found.3) of \(found.2) is known as \(found.4), not as \(found.1)", blockers: [],
      help: "write apiVersion \(found.2)/\(found.4)"
        + (providers.isEmpty ? "" : ", or pin the release of \(providers.listed) that serves \(found.1)"))
  }

  /// An admission webhook that does not answer: its Pods are another Application's.
  private func webhook(_ text: String) -> Obstacle? {
    guard let found = text.firstMatch(of: /failed calling webhook "([^"]+)"/) else { return nil }
    let service = text.firstMatch(of: /https:\/\/([a-z0-9-]+)\.([a-z0-9-]+)\.svc/)
    let providers =
      service.map { match in
        cluster.providers(ofService: String(match.1), in: String(match.2)).filter { $0 != state.name }
      } ?? []
    return Obstacle(
      "webhook-unavailable", "webhook \(found.1) does not answer\(brought(by: providers))",
      blockers: providers,
      help: "see the Pods behind \(service.map { "Service \($0.2)/\($0.1)" } ?? "it")")
  }

  private func missingSecret(_ text: String) -> Obstacle? {
    guard
      let found = text.firstMatch(of: /[Ss]ecrets? "([^"]+)" not found/)
        ?? text.firstMatch(of: /[Ss]ecret "?([a-z0-9.\/-]+)"? (?:does not exist|not found)/)
    else { return nil }
    return Obstacle(
      "missing-secret", "Secret \(found.1) is not there",
      help:
        "the bootstrap seeds Cloudflare's; others come from managed-secrets: see the ExternalSecret of that name"
    )
  }

  private func missingNamespace(_ text: String) -> Obstacle? {
    guard let found = text.firstMatch(of: /namespaces? "([^"]+)" not found/) else { return nil }
    return Obstacle(
      "missing-namespace", "Namespace \(found.1) is not there",
      help: "add syncOptions: [CreateNamespace=true] to the Application")
  }

  private func forbidden(_ text: String) -> Obstacle? {
    guard let found = text.firstMatch(of: /(\S+) (?:is|are) not permitted in (?:the )?project '?([^\s'.]+)/)
    else {
      return nil
    }
    return Obstacle(
      "not-permitted", "AppProject \(found.2) does not permit \(found.1)",
      help: "let the project permit it, or choose another project")
  }

  private func repository(_ text: String) -> Obstacle? {
    guard
      text.contains(
        /authentication required|[Rr]epository not found|could not read Username|[Pp]ermission denied \(publickey|invalid (?:username or )?(?:credentials|password)|401 Unauthorized|403 Forbidden/
      )
    else { return nil }
    return Obstacle(
      "repository-refused", "the repository refuses Argo CD: \(text)",
      help:
        "check the Secret with the label argocd.argoproj.io/secret-type: its url must be the Application's, with .git at GitLab"
    )
  }

  private func missingPath(_ text: String) -> Obstacle? {
    guard
      let found = text.firstMatch(
        of: /(\S+): app path does not exist|app path (?:is absolute|does not exist)/)
    else {
      return nil
    }
    return Obstacle(
      "missing-path", "the path \(found.1.map { "\($0) " } ?? "")is not in the repository at that revision",
      help: "push it, or mend spec.source.path")
  }

  private func unreachable(_ text: String) -> Obstacle? {
    guard
      text.contains(/no such host|i\/o timeout|connection refused|context deadline exceeded|TLS handshake/)
    else {
      return nil
    }
    return Obstacle(
      "unreachable", text, help: "check DNS and the network from the Pods of Argo CD (argocd-repo-server)")
  }

  /// A wave that goes on when something is healthy, or a hook is done.
  private func waitsFor(_ text: String) -> Obstacle? {
    guard
      let found = text.firstMatch(
        of: /waiting for (healthy state|completion|deletion) of (?:hook )?(?:[a-z0-9.-]+\/)?(\w+)\/([^\s,]+)/)
    else { return nil }
    let isApplication = found.2 == "Application"
    let name = String(found.3)
    let what =
      found.1 == "healthy state" ? "to be healthy" : found.1 == "deletion" ? "to be gone" : "to be done"
    let resource = state.resources.first { $0.kind == found.2 && $0.name == name && !$0.message.isEmpty }
    return Obstacle(
      "waits-for-health",
      "it waits for \(isApplication ? name : "\(found.2) \(name)") \(what)"
        + (resource.map { ": \($0.message)" } ?? ""),
      blockers: isApplication ? [name] : [])
  }

  private func immutable(_ text: String) -> Obstacle? {
    guard text.contains(/field is immutable|updates to .* are forbidden/) else { return nil }
    return Obstacle(
      "immutable-field", text,
      help: "delete the object, or annotate it with argocd.argoproj.io/sync-options: Replace=true,Force=true")
  }

  private func brought(by providers: [String]) -> String {
    providers.isEmpty ? "" : ": \(providers.listed) \(providers.count == 1 ? "brings" : "bring") it"
  }

  // MARK: States

  /// Two Applications that each want an object as their own.
  private var shared: [Obstacle] {
    state.conditions.filter { $0[0] == "SharedResourceWarning" }.map {
      Obstacle(
        "shared-object", $0[1],
        help: "let one of the two Applications have it, or they change it back and forth")
    }
  }

  /// Its own objects that do not work, or whose health depends on other Applications.
  private var unhealthy: [Obstacle] {
    state.resources.filter { !["Healthy", "Suspended", nil].contains($0.health) }.map { resource in
      let why = resource.message.isEmpty ? "" : ": \(resource.message)"
      let status = (resource.health ?? "").lowercased()
      return resource.isApplication
        ? Obstacle("child-not-healthy", "\(resource.name) is \(status)\(why)", blockers: [resource.name])
        : Obstacle(
          "object-not-healthy", "\(resource.label) is \(status)\(why)",
          help: resource.health == "Degraded" ? "kubectl describe \(resource.described)" : nil)
    }
  }

  /// Where nothing is said that explains it.
  private var quiet: Obstacle {
    let differing = state.resources.filter { $0.sync == "OutOfSync" }
    let some = differing.prefix(3).map(\.label).listed + (differing.count > 3 ? " …" : "")
    switch (state.sync, state.operation) {
    case ("", _):
      return Obstacle(
        "not-compared", "Argo CD has not looked at it yet",
        help: "see that argocd-application-controller and argocd-repo-server run")
    case ("Unknown", _):
      return Obstacle(
        "sync-unknown", "Argo CD cannot compare it with git, and does not say why",
        help: "refresh it with --hard, and see the log of argocd-repo-server")
    case (_, "Running"):
      return Obstacle("syncing", "a sync is under way" + (state.retries > 0 ? ", \(tried)still" : ""))
    case ("OutOfSync", _) where !differing.isEmpty && differing.allSatisfy(\.isLeftOver):
      return Obstacle(
        "left-over", "git has no more \(some)", help: "sync it with pruning, or set automated.prune")
    case ("OutOfSync", _) where !state.isAutomated:
      return Obstacle(
        "manual-sync", "it is not as git has it (\(some)), and nothing syncs it by itself",
        help: "refresh it with --sync, or set syncPolicy.automated")
    case ("OutOfSync", "Succeeded"):
      return Obstacle(
        "changed-back", "it was synced, and is not as git has it again: \(some)",
        help:
          "somebody else writes to it; find the field with `argocd app diff`, and name it in ignoreDifferences"
      )
    case ("OutOfSync", _):
      return Obstacle("not-synced", "it is not as git has it yet" + (some.isEmpty ? "" : ": \(some)"))
    default:
      return Obstacle(
        "health-\(state.health.isEmpty ? "unknown" : state.health.lowercased())",
        "its health is \(state.health.isEmpty ? "not known" : state.health.lowercased()), and no object of it says why",
        help: "refresh it")
    }
  }
}

extension ClusterState {
  /// The Applications that bring the CRDs of an API group, as far as the cluster or this program knows.
  func providers(ofGroup group: String) -> [String] {
    let own = holders { $0.kind == "CustomResourceDefinition" && $0.name.hasSuffix(".\(group)") }
    guard own.isEmpty else { return own }
    // Before an Application was compared, the cluster does not know what it will bring, but its chart may be known. Of
    // several, the first to come counts.
    let known = entries.filter { $0.state?.groups.contains(group) == true }
    return known.filter { $0.phase == known.first?.phase }.map(\.name)
  }

  /// The Applications that have a Service, or failing that, whose objects go where it is.
  func providers(ofService name: String, in namespace: String) -> [String] {
    let own = holders { $0.kind == "Service" && $0.name == name && $0.namespace == namespace }
    return own.isEmpty
      ? entries.filter { $0.state?.namespace == namespace && $0.phase != nil }.map(\.name) : own
  }

  private func holders(where holds: (ApplicationState.Resource) -> Bool) -> [String] {
    entries.filter { $0.state?.resources.contains(where: holds) == true }.map(\.name)
  }
}

extension ApplicationState.Resource {
  /// As kubectl takes it.
  fileprivate var described: String {
    "\(kind.lowercased())\(group.isEmpty ? "" : ".\(group)")/\(name)\(namespace.isEmpty ? "" : " -n \(namespace)")"
  }
}
