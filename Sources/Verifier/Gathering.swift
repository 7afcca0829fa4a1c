import Synchronization
import YAML

/// What the verifications of one cluster know of each other. Each runs in a thread of its own.
///
/// The first node's machine has the hub of the network, so the others start after it and end before it. The checks are
/// made when every node has come as far as it gets, so that they see one state of the cluster.
final class Gathering: Sendable {
  /// How far a node is.
  private enum Stage { case starting, settled, ended }

  private struct State {
    var stages: [Stage]
    /// The folder of the first machine's sockets.
    var hub: String?
    /// Whether the first node is given up.
    var isBroken = false
  }

  private let state: Mutex<State>
  /// How many nodes there are.
  let count: Int

  init(of count: Int) {
    self.count = count
    state = Mutex(State(stages: Array(repeating: .starting, count: count)))
  }

  /// Where the first machine's sockets are; nil as long as it has none.
  var hub: String? {
    get { state.withLock { $0.hub } }
    set { state.withLock { $0.hub = newValue } }
  }

  /// Whether the first node failed, so that no other can join it.
  var isBroken: Bool { state.withLock { $0.isBroken } }
  /// Whether every node has been looked at once, or ended.
  var haveSettled: Bool { state.withLock { $0.stages.allSatisfy { $0 != .starting } } }
  /// Whether nobody needs another node any more.
  var haveEnded: Bool { state.withLock { $0.stages.allSatisfy { $0 == .ended } } }

  /// A node has been looked at once.
  func settle(_ index: Int, isGood: Bool) {
    state.withLock {
      if $0.stages[index] == .starting { $0.stages[index] = .settled }
      if index == 0, !isGood { $0.isBroken = true }
    }
  }

  /// A node has ended.
  func end(_ index: Int, isGood: Bool) {
    state.withLock {
      $0.stages[index] = .ended
      if index == 0, !isGood { $0.isBroken = true }
    }
  }

  /// One node's part in it.
  struct Member: Sendable {
    let gathering: Gathering
    /// Which node it is; 0 has the hub.
    let index: Int
    /// The node's interface.
    let link: ClusterNetwork.Link
    /// The node that lets others out; nil where there is none, or this is it.
    var gateway: Probe.Gateway?

    private var hasSettled = false
    private var isReleased = false
    private var hasEnded = false

    init(_ gathering: Gathering, index: Int, link: ClusterNetwork.Link, gateway: Probe.Gateway?) {
      self.gathering = gathering
      self.index = index
      self.link = link
      self.gateway = gateway
    }

    /// Adds what the others' progress means for this one, and keeps the machine up as long as others may need it.
    mutating func follow(
      _ watch: inout Watch, _ actions: [Session.Action], at now: Double
    ) -> [Session.Action] {
      var actions = actions
      if !hasSettled, let facts = watch.facts[.boot] {
        hasSettled = true
        gathering.settle(index, isGood: facts["bootstrap", "complete"]?.string != nil)
      }
      if !isReleased, gathering.haveSettled {
        isReleased = true
        actions += watch.take(.released, at: now)
      }
      if index > 0, gathering.isBroken { actions += watch.take(.abandoned, at: now) }
      if actions.contains(.end) {
        hasEnded = true
        gathering.end(index, isGood: watch.cause == nil)
        actions.removeAll { $0 == .end }
      }
      if hasEnded, gathering.haveEnded { actions.append(.end) }
      return actions
    }
  }
}
