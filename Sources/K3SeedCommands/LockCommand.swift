import ArgumentParser
import Diagnostics
import Host
import Inputs
import Plan
import Resolution
import SystemPackage

struct LockCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lock",
    abstract: "Resolves versions and the digests of their files, and writes them to k3seed.lock.",
    discussion: """
      Without options it resolves the versions that the lock has, or those built in where there is none. render, \
      external and the other commands use k3seed.lock where it lies beside the k3seed.yaml that they are given, or by \
      --lock. Nothing is written unless everything was resolved, nor where a publisher has exchanged a file of a \
      version that was locked before. It goes online through curl, which takes proxies, certificates (CURL_CA_BUNDLE) \
      and ~/.netrc as usual. Exit codes: 0 done; 1 a file was exchanged, or with --check something is not as it was \
      locked; 2 bad input, or a version that there is not; 69 something was not reached.
      """)

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The version of K3s, or a channel such as stable or v1.36, which is resolved to one.",
      valueName: "version"))
  var k3s: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The version of a chart: \(Chart.allCases.map(\.name).joined(separator: ", ")); may be repeated.",
      valueName: "name=version"),
    completion: .list(Chart.allCases.map { $0.name + "=" }))
  var chart: [String] = []

  @Option(name: .long, help: ArgumentHelp("The version of the Gateway API.", valueName: "version"))
  var gatewayAPI: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where a chart comes from from now on, or the CRDs of gateway-api: a mirror's URL, or a registry with a path; may be repeated.",
      valueName: "name=url"))
  var repository: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "A folder with <version>/sha256sum-<architecture>.txt and <version>/install.sh to ask in place of K3s' release.",
      valueName: "url"))
  var k3sMirror: String?

  @Option(
    name: .long, help: ArgumentHelp("The server of K3s' channels.", valueName: "url"))
  var channels = Resolver.officialChannels

  @Option(name: .long, help: ArgumentHelp("The lock to write.", valueName: "file"))
  var lock = Lock.fileName

  @Flag(name: .long, help: "Write nothing; say what would be written otherwise.")
  var check = false

  @Flag(name: .long, help: "Print the lock, or the one built in, and go nowhere.")
  var show = false

  @Flag(name: .long, help: "Write even where a publisher has exchanged a file.")
  var force = false

  @Option(name: .long, help: ArgumentHelp("How long one download may take.", valueName: "seconds"))
  var timeout = 120

  func validate() throws {
    if check, force { throw ValidationError("--check and --force exclude each other") }
    if !(1...3600).contains(timeout) { throw ValidationError("--timeout takes 1 to 3600 seconds") }
    let choices = [k3s, gatewayAPI, k3sMirror].contains { $0 != nil } || !(chart + repository).isEmpty
    if show, choices || check || force { throw ValidationError("--show goes with --lock only") }
  }

  func run() throws {
    if !show, !check { try FileSystem.expectWritable(lock, for: .all) }
    let bytes = try FileSystem.readIfAny(lock, .settings)
    if show {
      let shown = try bytes.map { bytes throws(Report) in try Lock(bytes, source: lock) } ?? Pins.lock
      return try FileSystem.print(Array(shown.text.utf8))
    }
    let reading = try bytes.map { bytes throws(Report) in try LockReading(bytes, source: lock) }
    if let reading {
      // What is to be checked must be whole; what is written anew need not have been.
      if check { try reading.report.throwIfErrors() }
      FileSystem.say(reading.report.asWarnings)
    }
    let before = LockedFacts(reading)
    let wanted = try before.wanted(
      k3s: k3s, charts: chart, gatewayAPI: gatewayAPI, repositories: repository)
    let servers = [("--k3s-mirror", k3sMirror), ("--channels", channels)]
    try Self.judge(servers)
    FileSystem.say(Self.clearText(servers, wanted))
    var resolver = Resolver(timeout: timeout)
    resolver.k3sMirror = k3sMirror
    resolver.channels = channels
    let found = try resolve(Wanted(wanted), resolver)
    try finish(found, before, isThere: bytes != nil, isWhole: reading?.report.hasErrors != true)
  }

  /// Refuses what is no address of a server.
  private static func judge(_ servers: [(option: String, url: String?)]) throws(Report) {
    var report = Report()
    for (option, url) in servers {
      guard let url, let problem = Lock.problem(withRepository: url, of: nil) else { continue }
      report.add(.error("lock-option", at: Location(source: option), problem.message, help: problem.help))
    }
    try report.throwIfErrors()
  }

  /// Warns where digests travel so that anybody on the way can put in others.
  private static func clearText(
    _ servers: [(option: String, url: String?)], _ wanted: [String: String]
  ) -> Report {
    let repositories = wanted.sorted { $0.key < $1.key }.map { (option: $0.key, url: Optional($0.value)) }
    return Report(
      (servers + repositories).filter { $0.url?.hasPrefix("http://") == true }.map { place in
        .warning(
          "lock-clear-text", at: Location(source: place.option),
          "what \(place.url ?? "") says can be changed by anybody on the way to it",
          help: "use https, or compare the digests with those of their publishers")
      })
  }

  private func resolve(_ wanted: Wanted, _ resolver: Resolver) throws -> Lock {
    do {
      return try waiting { try await resolver.resolve(wanted) }
    } catch let failure as Resolver.Failure {
      FileSystem.say(failure.report)
      throw ExitCode(failure.isUnreachable ? 69 : 2)
    }
  }

  /// Compares what was found with what is there, and writes it.
  private func finish(_ found: Lock, _ before: LockedFacts, isThere: Bool, isWhole: Bool) throws {
    let own = found.contradictions(of: before.facts, in: isThere ? lock : "built-in")
    let builtIn = found.contradictions(of: LockedFacts(nil).facts, in: "built-in")
    let known = Set(own.map(\.message))
    let exchanged = Report(own + builtIn.filter { !known.contains($0.message) })
    FileSystem.say(force ? exchanged.asWarnings : exchanged)
    let changes = before.lock.changes(to: found)
    let told = exchanged.diagnostics.map(\.message)
    for change in changes where !told.contains(where: { $0.hasPrefix("\(change.path) was ") }) {
      FileSystem.say("\(change.path): \(change.old ?? "unknown") -> \(change.new ?? "unknown")\n")
    }
    // A digest that was not known is welcome, and no reason to fail a check.
    let isOther = changes.contains { $0.old != nil } || !exchanged.diagnostics.isEmpty
    if check {
      let name = isThere ? lock : "the built-in lock"
      FileSystem.say("\(name): \(isOther ? "not what would be locked now" : "as published")\n")
      if isOther { throw ExitCode(1) }
      return
    }
    if !exchanged.diagnostics.isEmpty, !force { throw ExitCode(1) }
    if isThere, isWhole, changes.isEmpty { return FileSystem.say("\(lock): unchanged\n") }
    try FileSystem.publish(Array(found.text.utf8), to: lock)
    FileSystem.say("\(lock): written; review it, and commit it\n")
  }
}

/// The facts of the lock that there is.
private struct LockedFacts {
  /// By their paths. Digests are those of the versions beside them.
  let facts: [String: String]

  /// Those of a file as far as it can be believed, and the built-in ones where it says nothing.
  init(_ reading: LockReading?) {
    var facts = Dictionary(uniqueKeysWithValues: Pins.lock.facts.map { ($0.path, $0.value) })
    for entry in Set(Pins.lock.facts.map(\.entry)) {
      guard let given = reading?.facts.filter({ $0.key.hasPrefix("\(entry).") }),
        given["\(entry).version"] != nil
      else { continue }
      let repository = facts["\(entry).repository"]
      facts = facts.filter { !$0.key.hasPrefix("\(entry).") }
      facts["\(entry).repository"] = repository
      facts.merge(given) { $1 }
    }
    self.facts = facts
  }

  var lock: Lock { Lock(facts, origin: .fallback("k3s_version")) }

  /// The versions and repositories that are asked for.
  ///
  /// - Throws: a report with everything that is wrong with the options.
  func wanted(
    k3s: String?, charts: [String], gatewayAPI: String?, repositories: [String]
  ) throws(Report) -> [String: String] {
    var wanted = facts.filter { $0.key.hasSuffix(".version") || $0.key.hasSuffix(".repository") }
    var report = Report()
    func add(_ option: String, _ message: String, _ help: String?) {
      report.add(.error("lock-option", at: Location(source: option), message, help: help))
    }
    if let k3s {
      if let problem = K3sRelease.problem(withVersionOrChannel: k3s) {
        add("--k3s", problem.message, problem.help)
      } else {
        wanted["k3s.version"] = k3s
      }
    }
    let names = Dictionary(uniqueKeysWithValues: Chart.allCases.map { ($0.name, $0) })
    func pair(_ option: String, _ text: String, more: [String]) -> (name: String, value: String)? {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      let all = Chart.allCases.map(\.name) + more
      guard parts.count == 2 else {
        add(option, "an argument is not of the form NAME=VALUE", "for example \(all[0])=…")
        return nil
      }
      guard all.contains(parts[0]) else {
        add(
          option, "\"\(parts[0])\" is not a name that a lock has",
          parts[0].suggestion(from: all, within: 2) + "use one of \(all.joined(separator: ", "))")
        return nil
      }
      return (parts[0], parts[1])
    }
    for text in charts {
      guard let (name, version) = pair("--chart", text, more: []) else { continue }
      if let problem = Lock.problem(withVersion: version) {
        add("--chart", "\(name): \(problem.message)", problem.help)
      } else {
        wanted["charts.\(name).version"] = version
      }
    }
    if let gatewayAPI {
      if let problem = Lock.problem(withVersion: gatewayAPI) {
        add("--gateway-api", problem.message, problem.help)
      } else {
        wanted["gateway_api.version"] = gatewayAPI
      }
    }
    for text in repositories {
      guard let (name, url) = pair("--repository", text, more: ["gateway-api"]) else { continue }
      if let problem = Lock.problem(withRepository: url, of: names[name]) {
        add("--repository", "\(name): \(problem.message)", problem.help)
      } else {
        wanted[names[name].map { "\($0.entry).repository" } ?? "gateway_api.repository"] = url
      }
    }
    try report.throwIfErrors()
    return wanted
  }
}

extension Report {
  /// The findings, none of which stops anything.
  fileprivate var asWarnings: Report {
    Report(
      diagnostics.map { finding in
        var finding = finding
        finding.severity = .warning
        return finding
      })
  }
}
