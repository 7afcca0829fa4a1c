public import Diagnostics
public import YAML

/// What is asked of Argo CD for one Application: to compare it with git again, and to sync it or to end its operation.
public struct Refresh: Hashable, Sendable {
  /// The Application.
  public var name: String
  /// The change of its object, as a JSON merge patch.
  public var patch: Node

  /// Asks for a comparison with git, as Argo CD's own interfaces do it: by an annotation, which the controller takes
  /// away when it is done (Argo CD's documentation, "Annotations and Labels used by Argo CD").
  ///
  /// - Parameters:
  ///   - state: the Application as it is now.
  ///   - isHard: also forgets the manifests that were made of the repository before.
  ///   - syncs: also syncs it, in the way that its own policy says.
  ///   - terminates: also ends the operation that is in progress, as `argocd app terminate-op` does: the phase
  ///     `Terminating` in its state (Argo CD 3.5.1, server/application/application.go, TerminateOperation). Where the
  ///     Application syncs by itself, the next operation takes the newest commit.
  /// - Throws: a report where an operation is under way that this one would replace, or where there is none to end.
  public init(
    _ state: ApplicationState, isHard: Bool, syncs: Bool, terminates: Bool = false
  ) throws(Report) {
    name = state.name
    guard !terminates || state.isAsked && ["Running", "Terminating"].contains(state.operation) else {
      throw Report([
        .error(
          "no-operation", at: nil, "\(state.name) has no operation in progress, so there is none to end",
          help: "leave out --terminate")
      ])
    }
    guard !syncs || !(state.isAsked || state.operation == "Running" || state.operation == "Terminating")
    else {
      throw Report([
        .error(
          "operation-in-progress", at: nil, "\(state.name) is being synced already",
          help: "wait for it, or end it first with `k3seed gitops refresh \(state.name) --terminate`")
      ])
    }
    var entries: [Node.Entry] = [
      // What has changed since it was read is not written over.
      Node.Entry(
        "metadata",
        .mapping([
          "resourceVersion": Node(.string(state.resourceVersion)),
          "annotations": .mapping(["argocd.argoproj.io/refresh": isHard ? "hard" : "normal"]),
        ]))
    ]
    if syncs {
      var sync: [Node.Entry] = [Node.Entry("prune", Node(.bool(state.prunes)))]
      if let options = state.syncOptions { sync.append(Node.Entry("syncOptions", options)) }
      var operation: [Node.Entry] = [
        Node.Entry("initiatedBy", .mapping(["username": "k3seed"])),
        Node.Entry("sync", Node(.mapping(sync))),
      ]
      if let retry = state.retry { operation.append(Node.Entry("retry", retry)) }
      entries.append(Node.Entry("operation", Node(.mapping(operation))))
    }
    if terminates {
      let state: Node = .mapping(["phase": "Terminating"])
      entries.append(Node.Entry("status", .mapping(["operationState": state])))
    }
    patch = Node(.mapping(entries))
  }

  /// The Applications that were named, and those of a phase, each once and in the order of the phases.
  ///
  /// - Throws: a report with every name, or the phase, that the cluster does not have.
  public static func chosen(
    _ names: [String], phase: Int?, of cluster: ClusterState
  ) throws(Report) -> [ApplicationState] {
    let there = cluster.entries.filter { $0.state != nil }
    let known = there.map(\.name)
    var findings = names.filter { !known.contains($0) }.map { name in
      Diagnostic.error(
        "unknown-application", at: nil, "the cluster has no Application \(name)",
        help: "\(name.suggestion(from: known, within: 3))it has \(known.isEmpty ? "none" : known.listed)")
    }
    let inPhase = there.filter { $0.phase != nil && $0.phase == phase }
    if let phase, inPhase.isEmpty {
      let phases = Set(there.compactMap(\.phase)).sorted().map(String.init)
      findings.append(
        .error(
          "unknown-phase", at: nil, "no Application is in phase \(phase)",
          help: "there \(phases.count == 1 ? "is" : "are") \(phases.isEmpty ? "none" : phases.listed)"))
    }
    guard findings.isEmpty else { throw Report(findings) }
    return there.filter { names.contains($0.name) || inPhase.contains($0) }.compactMap(\.state)
  }
}
