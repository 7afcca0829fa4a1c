import Diagnostics
public import Secrets
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Boots user-data, unchanged, in a virtual machine, and finds out whether it does what it promises.
///
/// It starts processes, and blocks until they have ended. Nothing of it is left behind, however the process that runs
/// it ends, but for the snapshots and what is to be kept, where that was asked for. (Where it is killed before its leash
/// has started, the next one removes it.) Writing to a program that is gone must not end the process: it ignores SIGPIPE
/// from then on.
public struct Verification: Sendable {
  /// How to go about it.
  public struct Options: Sendable {
    /// What to boot from.
    public var image: Image
    /// Virtual processors.
    public var cpus = 2
    /// Memory in MiB.
    public var memory = 3072
    /// What may run the guest's instructions; nil tries what there is, the fastest first.
    public var accelerator: Accelerator?
    /// After how many seconds to give up; nil leaves it to the limits of the stages.
    public var timeout: Double?
    /// Whether the bootstrap is run again and the machine restarted, with all checks after each.
    public var isThorough = false
    /// When to cut the machine's power; each is followed by a boot, in which the bootstrap is to go on.
    public var cuts: [PowerCut] = []
    /// How the power is cut.
    public var cutsBy = PowerCut.Means.reset
    /// A folder whose files the guest finds at `http://10.0.2.100/mirror/`.
    public var mirror: String?
    /// What the guest reaches besides its seed. User-data from elsewhere is a program from elsewhere: more than its seed
    /// is for those who trust it as they would trust a program on this host.
    public var network = GuestNetwork.seed
    /// Whether the bootstrap's deadlines in the guest are made as much longer as the verification's own.
    public var stretchesGuest = false
    /// A folder where the machine's disk and its console are to stay afterwards, as `disk.qcow2` and `console.log`.
    public var keepsIn: String?
    /// The folder of snapshots to go on from; nil starts cold.
    public var snapshots: String?
    /// For how many seconds nothing at all may happen; nil leaves it to the limits.
    public var patience: Double?
    /// Whether the user's terminal is connected to the serial console.
    public var attachesConsole = false
    /// The values of secrets that OCI Vault holds, by the names of inputs: what they come to in the cluster is held to
    /// them, and they are searched for like the payload's own.
    public var vault: [String: Secret] = [:]
    /// The folder for temporary files.
    public var temporaryFolder = "/tmp"

    /// The usual way with an image.
    public init(image: Image) { self.image = image }
  }

  let promises: Promises
  private let mask: Mask
  private let payload: VerificationReport.Payload
  var options: Options
  /// What was decided before the machine was started.
  private let notes: [String]

  /// A verification of user-data.
  ///
  /// - Parameters:
  ///   - userData: the bytes as a platform gets them. base64 around the whole is taken off, as platforms do before
  ///     cloud-init sees it; NoCloud would not.
  ///   - name: what the user calls them.
  public init(userData: [UInt8], name: String, options: Options) {
    let given = Promises(userData: userData, vault: options.vault)
    let inner = given.isBase64 ? Base64.decode(userData) : nil
    promises = inner.map { Promises(userData: $0, vault: options.vault) } ?? given
    mask = Mask(promises.secrets.map(\.value))
    notes = inner == nil ? [] : ["base64 is taken off, as platforms do; the hash is of what is in it"]
    payload = VerificationReport.Payload(
      name: name, sha256: promises.sha256, bytes: promises.bytes.count, isOwn: promises.isOwn)
    self.options = options
  }

  /// The stages of the user-data's bootstrap, in which the power can be cut.
  public var stages: [String] { promises.assumedStages.map(\.name) }

  /// Boots the machine, waits for what becomes of it, and judges.
  ///
  /// - Parameters:
  ///   - progress: is told what happens, with the seconds since the beginning.
  ///   - echo: gets the console's bytes as they come.
  public func run(
    progress: (Progress.Event, Double) -> Void = { _, _ in }, echo: ([UInt8]) -> Void = { _ in }
  ) -> VerificationReport {
    run(as: nil, progress: progress, echo: echo)
  }

  /// The same, perhaps as one node of a cluster.
  func run(
    as member: Gathering.Member?, progress: (Progress.Event, Double) -> Void,
    echo: ([UInt8]) -> Void = { _ in }
  ) -> VerificationReport {
    signal(SIGPIPE, SIG_IGN)
    let watch = Stopwatch()
    var report = VerificationReport(verdict: .infra, payload: payload, notes: notes)
    let program = HostTool.qemu(options.image.architecture)
    guard program.location != nil else {
      let missing = program.missing.diagnostic
      report.cause = VerificationReport.Cause(
        code: "qemu-missing", stage: "preparation", message: missing.message, hint: missing.help ?? "")
      return report
    }
    let slowness = Calibration.slowness()
    for accelerator in accelerators {
      let isProven = attempt(
        accelerator, slowness: slowness, since: watch, member: member, into: &report, echo: echo
      ) { event in
        progress(event.masked(by: mask), watch.seconds)
      }
      if isProven || accelerator == .tcg || options.accelerator != nil { break }
      let note =
        "\(accelerator.rawValue) does not run the guest, so tcg does, which takes about ten times as long"
      report.notes.append(note)
      progress(.note(note), watch.seconds)
    }
    report.seconds = watch.seconds
    progress(.end, report.seconds)
    return report.masked(by: mask)
  }

  private var accelerators: [Accelerator] {
    options.accelerator.map { [$0] }
      ?? Accelerator.candidates(
        guest: options.image.architecture, host: .host, hasKVM: access("/dev/kvm", R_OK | W_OK) == 0)
  }

  /// The first accelerator that a kernel shows to run in.
  func provenAccelerator() -> Accelerator {
    signal(SIGPIPE, SIG_IGN)
    return accelerators.first { accelerator in
      guard accelerators.count > 1, accelerator != .tcg else { return true }
      guard var session = try? Session.make(below: options.temporaryFolder) else { return false }
      let machine = Machine(
        image: options.image, disk: .discarded(options.image), accelerator: accelerator, cpus: options.cpus,
        memory: options.memory, scratch: session.folder, network: options.network)
      var watch = watch(accelerator, slowness: 1, since: Stopwatch())
      try? session.run(
        machine, seed: seed(Probe.random(), isWarm: false), probe: Probe.random(), mask: mask
      ) { sign, now in
        let actions = watch.take(sign, at: now)
        return watch.isProven ? [.end] : actions
      }
      return watch.isProven
    } ?? .tcg
  }

  /// How the machine of a cluster's node is on the network; waits until the machine with the hub is there.
  private func wire(_ member: Gathering.Member, _ folder: String) throws -> Machine.Wire {
    let gathering = member.gathering
    func socket(_ index: Int, in folder: String) -> String { "\(folder)/node\(index)" }
    if member.index == 0 {
      gathering.hub = folder
      return Machine.Wire(
        hardware: member.link.hardware, sockets: (1..<gathering.count).map { socket($0, in: folder) },
        isHub: true)
    }
    for _ in 0..<600 where !gathering.isBroken {
      if let hub = gathering.hub, Files.status(socket(member.index, in: hub)) != nil {
        return Machine.Wire(
          hardware: member.link.hardware, sockets: [socket(member.index, in: hub)], isHub: false)
      }
      // QEMU does not say when it listens; it makes the socket then.
      usleep(50_000)
    }
    throw ImageError.host(
      "server-failed", "the first server's machine was not started", help: "look at the server's own report")
  }

  /// Boots the machine once; whether its kernel has shown that it runs.
  private func attempt(
    _ accelerator: Accelerator, slowness: Double, since beginning: Stopwatch, member: Gathering.Member?,
    into report: inout VerificationReport, echo: ([UInt8]) -> Void, progress: (Progress.Event) -> Void
  ) -> Bool {
    do {
      var machine = Machine(
        image: options.image, disk: .discarded(options.image), accelerator: accelerator, cpus: options.cpus,
        memory: options.memory, scratch: "", network: options.network)
      if let store = options.snapshots {
        let snapshot = try snapshot(
          for: machine, in: store, slowness: slowness, since: beginning, progress: progress)
        machine.disk = .discardedOverlay(snapshot.disk)
        machine.resumesFrom = snapshot.state
      }
      // Not before: its leash begins with the machine, and making a snapshot takes long.
      var session = try Session.make(below: options.temporaryFolder)
      machine.scratch = session.folder
      if let folder = options.keepsIn {
        machine.disk = .overlay(try Self.overlay(on: machine.disk, at: "\(folder)/disk.qcow2"))
      } else if options.cutsBy == .kill, !options.cuts.isEmpty {
        // The QEMU after the cut must find it.
        machine.disk = .overlay(try Self.overlay(on: machine.disk, at: "\(session.folder)/disk.qcow2"))
      }
      let isWarm = machine.resumesFrom != nil
      var probe = Probe.random()
      probe.vault = promises.vault
      probe.network = options.network
      probe.isInCluster = member != nil
      if !options.cuts.isEmpty { probe.since = Double(time(nil)) }
      var member = member
      if let member {
        machine.wire = try wire(member, session.folder)
        probe.link = member.link
        probe.gateway = member.gateway
      }
      var watch = watch(
        accelerator, slowness: slowness, since: beginning, isWarm: isWarm, cuts: options.cuts,
        awaitsOthers: member != nil)
      let lead = beginning.seconds
      let stretch = options.stretchesGuest && promises.isOwn ? Stretch() : nil
      try session.run(
        machine, seed: seed(probe, isWarm: isWarm, stretch: stretch), probe: probe, mask: mask,
        keyboard: options.attachesConsole ? .standardInput : nil, echo: echo
      ) { sign, now in
        let stage = watch.stage
        var actions = watch.take(sign, at: now)
        stretch?.expect(watch.expectedSlowness(at: now))
        actions = member?.follow(&watch, actions, at: now) ?? actions
        if watch.stage != stage { progress(.stage(watch.stage, awaiting: watch.awaiting)) }
        Self.show(sign, progress)
        return actions
      }
      judge(
        watch, session.record, lead: lead, probe: probe, machine: machine, stretch: stretch?.given,
        into: &report)
      return watch.isProven
    } catch let failure as SnapshotFailure {
      judge(
        failure.watch, failure.record, lead: 0, probe: Probe.random(), machine: failure.machine, into: &report
      )
      return failure.watch.isProven
    } catch let error as ImageError {
      report.verdict = .infra
      report.cause = VerificationReport.Cause(
        code: error.diagnostic.code, stage: "preparation", message: error.diagnostic.message,
        hint: error.diagnostic.help ?? "check the image, and the folder for what is kept")
      return true
    } catch {
      report.verdict = .infra
      report.cause = VerificationReport.Cause(
        code: "host", stage: "preparation", message: "the machine cannot be prepared: \(error)",
        hint: "check the folder for temporary files, \(options.temporaryFolder), and the room there is in it")
      return true
    }
  }

  private func watch(
    _ accelerator: Accelerator, slowness: Double, since beginning: Stopwatch, isWarm: Bool = false,
    cuts: [PowerCut] = [], awaitsOthers: Bool = false
  ) -> Watch {
    var limits = Limits()
    // What another accelerator or a snapshot took counts as well.
    limits.total = options.timeout.map { max(1, $0 - beginning.seconds) }
    if let patience = options.patience { limits.idle = patience }
    return Watch(
      phases: options.isThorough ? Check.Phase.allCases : [.boot], promises: promises, limits: limits,
      accelerator: accelerator, slowness: slowness, isWarm: isWarm, cuts: cuts, cutBy: options.cutsBy,
      awaitsOthers: awaitsOthers, stretchesGuest: options.stretchesGuest)
  }

  private func seed(_ probe: Probe, isWarm: Bool, stretch: Stretch? = nil) -> Seed {
    let promises = promises
    return Seed(
      userData: promises.bytes, instance: promises.instance,
      vendorData: {
        // A machine that goes on from a snapshot believes that it is still then.
        var probe = probe
        if isWarm { probe.now = Double(time(nil)) }
        probe.stretch = stretch?.give()
        return probe.vendorData(for: promises)
      }, mirror: options.mirror)
  }

  private static func show(_ sign: Watch.Sign, _ progress: (Progress.Event) -> Void) {
    if case .lines(let lines) = sign, let last = lines.last { progress(.console(last)) }
    if case .tick = sign { progress(.tick) }
  }

  /// Makes a disk on top of another: what the guest writes to it, secrets too, is for its owner alone.
  static func overlay(on disk: Machine.Disk, at path: String) throws -> String {
    let (base, format): (String, Image.Format) =
      switch disk {
      case .discarded(let image): (image.disk, image.format)
      case .overlay(let path), .discardedOverlay(let path): (path, .qcow2)
      }
    try HostTool.qemuImg.require()
    // A path within an overlay counts from the overlay's own folder.
    let absolute = try Files.absolute(base)
    do {
      // qemu-img fills a file that is there, and would let others read one of its own.
      try Files.create(path).close()
    } catch {
      throw ImageError.host(
        "overlay", "\(path) cannot be made: \(error)", help: "give --keep another folder, or make room in it")
    }
    let problem = try Launcher.finish(
      HostTool.qemuImg.name, ["create", "-q", "-f", "qcow2", "-b", absolute, "-F", format.rawValue, path])
    if let problem {
      throw ImageError.host("overlay", problem.split(separator: "\n").joined(separator: "; "))
    }
    return path
  }

  // MARK: - Warm start

  /// Why there is no snapshot.
  private struct SnapshotFailure: Error {
    var watch: Watch
    var record: Session.Record
    var machine: Machine
  }

  /// The snapshot for a machine, made now where there is none.
  private func snapshot(
    for machine: Machine, in store: String, slowness: Double, since beginning: Stopwatch,
    progress: (Progress.Event) -> Void
  ) throws -> Snapshot {
    let snapshot = try Snapshot(of: machine, in: store)
    Snapshot.sweep(store)
    if snapshot.exists {
      snapshot.use()
      return snapshot
    }
    progress(
      .note("there is no snapshot of this image yet; making one, which takes about half a boot"))
    let unfinished = try snapshot.begin()
    let made = snapshot.made(in: unfinished)
    var session = try Session.make(below: options.temporaryFolder, removing: unfinished)
    var machine = machine
    machine.scratch = session.folder
    machine.disk = .overlay(try Self.overlay(on: machine.disk, at: made.disk))
    var seed = seed(Probe.random(), isWarm: false)
    seed.isHeldBack = true
    var freeze = Freeze(
      watch: watch(machine.accelerator, slowness: slowness, since: beginning), state: made.state)
    try session.run(
      machine, seed: seed, probe: Probe.random(), mask: mask,
      drive: { sign, now in
        Self.show(sign, progress)
        return freeze.take(sign, at: now)
      }, atEnd: { byItself in if byItself, freeze.isDone { snapshot.take(made) } })
    if snapshot.exists { return snapshot }
    guard freeze.watch.cause == nil else {
      throw SnapshotFailure(watch: freeze.watch, record: session.record, machine: machine)
    }
    throw ImageError.host(
      "snapshot", "the machine's state could not be saved in \(store)",
      help: "make room there, or name another folder in K3SEED_CACHE, or do without --warm")
  }

  // MARK: - The judgement

  private func judge(
    _ watch: Watch, _ record: Session.Record, lead: Double, probe: Probe, machine: Machine,
    stretch: Double? = nil, into report: inout VerificationReport
  ) {
    report.host = VerificationReport.Host(
      image: options.image.name, architecture: options.image.architecture.rawValue,
      qemu: watch.version ?? "unknown",
      accelerator: machine.accelerator.rawValue, cpus: machine.cpus, memory: machine.memory,
      isWarm: machine.resumesFrom != nil, network: machine.network, slowness: watch.slowness,
      guestStretch: stretch)
    if let folder = options.keepsIn { keep(record.console, in: folder, &report) }
    report.console = record.console.transcript
    var earlier: Facts?
    for phase in Check.Phase.allCases {
      guard let facts = watch.facts[phase] else { continue }
      report.checks += Check.results(
        of: promises, facts, earlier: earlier, phase: phase, architecture: options.image.architecture,
        probe: probe, hadCuts: !watch.cuts.isEmpty)
      earlier = facts
    }
    report.cuts = watch.cuts.map { cut in
      var cut = cut
      cut.at += lead
      return cut
    }
    report.timeline = timeline(of: watch, lead: lead)
    report.evidence = []
    let hasFailed = report.checks.contains { $0.outcome == .failed }
    report.verdict = watch.cause?.verdict ?? (hasFailed ? .fail : .pass)
    report.cause = watch.cause?.cause
    if report.verdict == .pass, let cut = watch.cutsToCome.first {
      report.verdict = .inconclusive
      report.cause = VerificationReport.Cause(
        code: "power-not-cut", stage: "bootstrap: \(cut.stage)",
        message: "the power was to be cut in \(cut.stage), whose beginning was never seen",
        hint: "look at the console for how far the bootstrap was when it had been cut before, if it was")
    }
    guard report.verdict != .pass else { return }
    report.notes += doubts(of: report)
    report.evidence = (watch.evidence ?? earlier)?.evidence() ?? []
    if !record.complaints.isEmpty {
      report.evidence.append(
        VerificationReport.Evidence(
          title: "QEMU's own words", lines: record.complaints.split(separator: "\n").map(String.init)))
    }
    if let status = watch.machineStatus {
      report.evidence.append(VerificationReport.Evidence(title: "state of the machine", lines: [status]))
    }
    if !record.leftOut.isEmpty {
      report.evidence.append(
        VerificationReport.Evidence(title: "what is not in this report", lines: record.leftOut))
    }
    report.evidence.append(
      VerificationReport.Evidence(
        title: "last lines of the console", lines: Array(report.console.suffix(30))))
  }

  /// What besides the user-data may be why something failed.
  private func doubts(of report: VerificationReport) -> [String] {
    guard let host = report.host, report.verdict == .fail else { return [] }
    var doubts: [String] = []
    let bootstrap = report.checks.first { $0.name == "bootstrap-complete" && $0.outcome == .failed }
    if let bootstrap, let limit = bootstrap.detail.firstMatch(of: /not done within ([0-9]+) s/),
      host.slowness >= 2, (host.guestStretch ?? 1) < host.slowness / 2
    {
      doubts.append(
        "a deadline of the guest's own (\(limit.output.1) s) ended the bootstrap, and this host is \(host.slowness.rounded(to: 1)) times slower than such deadlines are made for: the host may be why, not the user-data; use one with KVM, or give --stretch, which makes them longer"
      )
    }
    if bootstrap != nil, host.network == .seed {
      doubts.append(
        "the guest reached its seed and nothing else: give what it downloads as --mirror, or open the network with --network"
      )
    }
    return doubts
  }

  private func keep(_ console: Console, in folder: String, _ report: inout VerificationReport) {
    let text = Array(console.transcript.map { "\($0)\n" }.joined().utf8)
    let path = "\(folder)/console.log"
    do {
      try Files.write(text, to: path)
    } catch {
      report.notes.append("the console could not be kept in \(path): \(error)")
    }
  }

  /// Where the time went: what a saved machine did before it went on is left out.
  ///
  /// - Parameter lead: when QEMU was started, in seconds since the verification began.
  private func timeline(of watch: Watch, lead: Double) -> [VerificationReport.Span] {
    guard let facts = watch.evidence ?? watch.facts[.boot], let hello = watch.hellos[facts.boot] else {
      return []
    }
    var spans = facts.timeline(offset: hello.time - hello.uptime)
    spans += watch.checks.map { VerificationReport.Span(group: .checks, name: "probe", start: $0, end: $1) }
    return spans.compactMap { span in
      var span = span
      if let end = span.end, end <= 0 { return nil }
      span.start = max(0, span.start) + lead
      span.end = span.end.map { $0 + lead }
      return span
    }.sorted { $0.start < $1.start }
  }
}

/// How many times longer the guest's deadlines are made: what is expected when the guest asks, which is in another place.
private final class Stretch: Sendable {
  private let state = Mutex((expected: 1.0, given: Double?.none))

  /// The largest that was given.
  var given: Double? { state.withLock { $0.given } }

  func expect(_ factor: Double) { state.withLock { $0.expected = factor } }

  func give() -> Double {
    state.withLock {
      $0.given = max($0.expected, $0.given ?? 1)
      return $0.expected
    }
  }
}

/// Seconds since it was made.
private struct Stopwatch: Sendable {
  private let start = ContinuousClock.now

  var seconds: Double { Double((.now - start) / .milliseconds(1)) / 1000 }
}
