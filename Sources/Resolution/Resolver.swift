public import Diagnostics
public import Plan
import Verifier

/// Finds out what versions are, and what their publishers say that their files must be.
public struct Resolver: Sendable {
  /// A folder of the same layout as `k3s_mirrors`, with the lists of checksums besides; nil for the official release.
  public var k3sMirror: String?
  /// Where K3s' channels are.
  public var channels = Self.officialChannels
  let fetcher: Fetcher

  /// K3s' own channel server (K3s' documentation, "Manual Upgrades").
  public static let officialChannels = "https://update.k3s.io/v1-release/channels"

  /// - Parameter timeout: how long one download may take, in seconds.
  public init(timeout: Int) { fetcher = Fetcher(timeout: timeout) }

  /// Why there is no lock.
  public struct Failure: Error, Hashable, Sendable {
    /// What was found, one finding for everything that could not be resolved.
    public var report: Report
    /// Whether something was not reached, rather than not there.
    public var isUnreachable: Bool
  }

  /// Resolves everything that a lock holds.
  ///
  /// - Parameter wanted: the versions, or for K3s a channel, and the repositories, by the paths of their facts.
  /// - Returns: the lock of these versions with all digests that are published.
  /// - Throws: ``Failure`` with everything that could not be resolved.
  public func resolve(_ wanted: Wanted) async throws -> Lock {
    do throws(ImageError) {
      try HostTool.curl.require()
    } catch {
      throw Failure(report: Report([error.diagnostic]), isUnreachable: true)
    }
    var jobs: [@Sendable () async throws -> Outcome] = [{ await k3s(wanted.k3s) }]
    // A repository's index is downloaded once for all of its charts.
    var indices: [String: [Wanted.Pin]] = [:]
    for pin in wanted.charts {
      if pin.chart.isInRegistry {
        jobs.append { await manifest(of: pin) }
      } else {
        indices[pin.chart.indexURL, default: []].append(pin)
      }
    }
    for (address, pins) in indices.sorted(by: { $0.key < $1.key }) {
      jobs.append { await index(at: address, of: pins) }
    }
    jobs.append { await tag(of: wanted.gatewayAPI) }

    let outcomes = try await Self.run(jobs)
    var facts: [String: String] = [:]
    var failure = Failure(report: Report(), isUnreachable: false)
    for outcome in outcomes {
      facts.merge(outcome.facts) { $1 }
      for finding in outcome.findings { failure.report.add(finding) }
      failure.isUnreachable = failure.isUnreachable || outcome.isUnreachable
    }
    failure.report = failure.report.saidOnce
    guard failure.report.diagnostics.isEmpty else { throw failure }
    return Lock(facts, origin: .fallback("k3s_version"))
  }

  /// Does pieces of work side by side, a few at a time, and gives what came of them in their order.
  private static func run(_ jobs: [@Sendable () async throws -> Outcome]) async throws -> [Outcome] {
    try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
      var outcomes = [Outcome?](repeating: nil, count: jobs.count)
      var next = 0
      func start() {
        guard next < jobs.count else { return }
        let (index, job) = (next, jobs[next])
        group.addTask { (index, try await job()) }
        next += 1
      }
      for _ in 0..<4 { start() }
      while let (index, outcome) = try await group.next() {
        outcomes[index] = outcome
        start()
      }
      try Task.checkCancellation()
      return outcomes.compactMap(\.self)
    }
  }
}

extension Report {
  /// The findings, but one in place of all where the network, its proxy or its certificates failed for every address.
  fileprivate var saidOnce: Report {
    // curl(1), "Exit codes": a proxy or a host without an address, no connection, a time limit, TLS.
    let failures = ["curl: (5)", "curl: (6)", "curl: (7)", "curl: (28)", "curl: (35)", "curl: (60)"]
    guard diagnostics.count > 1, let first = diagnostics.first, let place = first.location,
      let failure = failures.first(where: first.message.contains),
      let words = first.message.firstRange(of: failure),
      diagnostics.allSatisfy({ $0.message.contains(failure) })
    else { return self }
    return Report([
      .error(
        first.code, at: place,
        "neither this nor \((diagnostics.count - 1).counted("other address")) was reached: \(first.message[words.lowerBound...])",
        help: first.help)
    ])
  }
}

/// What is to be resolved.
public struct Wanted: Sendable {
  struct Pin: Sendable {
    var entry: String
    var chart: HelmChart
  }

  /// A version of K3s, or a channel.
  var k3s: String
  var charts: [Pin]
  var gatewayAPI: GitTag

  /// - Parameter facts: the versions and repositories, by their paths in a lock.
  package init(_ facts: [String: String]) {
    let lock = Lock(facts, origin: .fallback("k3s_version"))
    k3s = lock.k3s.version
    charts = Chart.allCases.map { Pin(entry: $0.entry, chart: lock[$0]) }
    gatewayAPI = lock.gatewayAPI
  }
}

/// What came of a piece of work.
struct Outcome: Sendable {
  var facts: [String: String] = [:]
  var findings: [Diagnostic] = []
  var isUnreachable = false

  /// Adds that something was not resolved.
  mutating func fail(
    at address: String, _ message: String, help: String?, isUnreachable: Bool = false
  ) {
    findings.append(.error("lock-unresolved", at: Location(source: address), message, help: help))
    self.isUnreachable = self.isUnreachable || isUnreachable
  }

  /// Adds that an address answers with something else.
  mutating func misread(_ address: String, _ message: String) {
    fail(
      at: address, message, help: "look at what the address answers; a proxy may answer in its place")
  }

  /// Does something with what an address holds; where that fails, says so.
  ///
  /// - Parameters:
  ///   - what: what is looked for there.
  ///   - absent: what to do where there is no such address.
  mutating func attempt<Value: Sendable>(
    _ address: String, _ what: String, absent: String, _ body: () async throws -> Value
  ) async -> Value? {
    do {
      return try await body()
    } catch let failure as Fetcher.Failure where failure.kind == .absent {
      fail(at: address, "\(what) is not there: \(failure.message)", help: absent)
    } catch let failure as Fetcher.Failure {
      fail(
        at: address, "\(what) cannot be had: \(failure.message)",
        help: "look at the network, its proxy and its certificates, and run the command again",
        isUnreachable: true)
    } catch let error as ImageError {
      fail(at: address, error.diagnostic.message, help: error.diagnostic.help, isUnreachable: true)
    } catch {
      // Cancelled: nobody reads this.
      fail(at: address, "\(what) was not looked for", help: nil, isUnreachable: true)
    }
    return nil
  }
}
