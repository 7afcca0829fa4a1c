public import Diagnostics
import Dispatch
import Synchronization

/// Boots the user-data of every node of a cluster, unchanged, each in a virtual machine of its own on one network that
/// only they are on, and finds out whether they become the cluster that they promise.
///
/// It blocks until all machines have ended, leaves nothing of them behind, and ignores SIGPIPE from then on, as
/// ``Verification`` does.
public struct ClusterVerification: Sendable {
  private let names: [String]
  private let verifications: [Verification]
  private let network: ClusterNetwork
  private let gateway: Int?

  /// So much memory in MiB is enough for a node without an API server.
  static let agentMemory = 1536

  /// A verification of a cluster.
  ///
  /// - Parameters:
  ///   - nodes: what the nodes are called, and their user-data as a platform gets it.
  ///   - options: how to go about it. Snapshots and power cuts are for one machine alone, and a disk is kept of none.
  /// - Throws: a report that says why these nodes can form no cluster here.
  public init(_ nodes: [(name: String, userData: [UInt8])], options: Verification.Options) throws(Report) {
    var options = options
    options.snapshots = nil
    options.keepsIn = nil
    options.cuts = []
    options.isThorough = false
    options.attachesConsole = false
    // The machines share the host's processors, and nodes wait for each other.
    options.patience = (options.patience ?? Limits().idle) * Double(max(1, nodes.count))
    var list: [(name: String, verification: Verification)] = []
    for node in nodes {
      var verification = Verification(userData: node.userData, name: node.name, options: options)
      if verification.promises.plan?.role != "server" {
        verification.options.memory = min(options.memory, Self.agentMemory)
      }
      list.append((node.name, verification))
    }
    func problem(_ message: String, _ help: String) -> Report {
      Report([.error("cluster", at: nil, message, help: help)])
    }
    for node in list where node.verification.promises.plan == nil {
      throw problem(
        "\(node.name) is no user-data of k3seed", "give the folder that `k3seed render --all -o DIR` wrote")
    }
    let first = list.indices.filter { list[$0].verification.promises.isFirstServer }
    guard first.count == 1 else {
      throw problem(
        "there are \(first.count) first servers among \(list.count) nodes, and a cluster has one",
        "give the folder that `k3seed render --all -o DIR` wrote, with all nodes of one cluster")
    }
    // The first server comes first: it has the hub.
    list.swapAt(0, first[0])
    let plans = list.map { $0.verification.promises.plan }
    network = try ClusterNetwork(
      zip(list, plans).map { ($0.name, $1?.address) }, joinedAt: plans.lazy.compactMap { $0?.joinHost }.first)
    names = list.map(\.name)
    verifications = list.map(\.verification)
    gateway = plans.firstIndex { $0?.role == "ingress" }
  }

  /// Boots the machines, waits for what becomes of them, and judges.
  ///
  /// - Parameter progress: is told what happens to which node, with the seconds since the beginning, in any thread.
  /// - Returns: what was found of each node, the first server's before the others'.
  public func run(
    progress: @escaping @Sendable (String, Progress.Event, Double) -> Void = { _, _, _ in }
  ) -> [VerificationReport] {
    let accelerator = verifications[0].provenAccelerator()
    let gathering = Gathering(of: names.count)
    let reports = Mutex<[Int: VerificationReport]>([:])
    let group = DispatchGroup()
    for index in names.indices {
      let name = names[index]
      var verification = verifications[index]
      verification.options.accelerator = accelerator
      let way = gateway.flatMap { gateway in
        gateway == index
          ? nil
          : Probe.Gateway(
            address: network.links[gateway].address, instance: verifications[gateway].promises.instance)
      }
      let member = Gathering.Member(gathering, index: index, link: network.links[index], gateway: way)
      // A queue of its own has a thread of its own, however few processors there are.
      DispatchQueue(label: "k3seed verify \(name)").async(group: group) { [verification] in
        let report = verification.run(as: member) { event, seconds in progress(name, event, seconds) }
        gathering.end(index, isGood: report.verdict == .pass)
        reports.withLock { $0[index] = report }
      }
    }
    group.wait()
    return reports.withLock { reports in names.indices.compactMap { reports[$0] } }
  }

  /// What is said of all nodes in one word: the host's faults come first, as they make others.
  public static func verdict(of reports: [VerificationReport]) -> Verdict {
    let verdicts = Set(reports.map(\.verdict))
    return [.infra, .fail, .inconclusive].first { verdicts.contains($0) } ?? .pass
  }
}
