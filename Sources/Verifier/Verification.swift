import Secrets
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
/// it ends. Writing to a program that is gone must not end the process: it ignores SIGPIPE from then on.
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
    /// A folder whose files the guest finds at `http://10.0.2.100/mirror/`.
    public var mirror: String?
    /// A path where the machine's disk, a qcow2 file, is to stay afterwards.
    public var keepsDisk: String?
    /// Whether the user's terminal is connected to the serial console.
    public var attachesConsole = false
    /// The folder for temporary files.
    public var temporaryFolder = "/tmp"

    /// The usual way with an image.
    public init(image: Image) { self.image = image }
  }

  private let promises: Promises
  private let payload: VerificationReport.Payload
  private let options: Options

  /// A verification of user-data.
  ///
  /// - Parameters:
  ///   - userData: the bytes as cloud-init is to get them.
  ///   - name: what the user calls them.
  public init(userData: [UInt8], name: String, options: Options) {
    promises = Promises(userData: userData)
    payload = VerificationReport.Payload(
      name: name, sha256: promises.sha256, bytes: userData.count, isOwn: promises.isOwn)
    self.options = options
  }

  /// Boots the machine, waits for what becomes of it, and judges.
  ///
  /// - Parameters:
  ///   - progress: is told what happens, with the seconds since the beginning.
  ///   - echo: gets the console's bytes as they come.
  public func run(
    progress: (Progress.Event, Double) -> Void = { _, _ in }, echo: ([UInt8]) -> Void = { _ in }
  ) -> VerificationReport {
    signal(SIGPIPE, SIG_IGN)
    let clock = ContinuousClock()
    let start = clock.now
    var report = VerificationReport(
      verdict: .infra, cause: nil, payload: payload, host: nil, notes: [], checks: [], timeline: [],
      evidence: [],
      console: [], seconds: 0)
    let slowness = Calibration.slowness()
    for accelerator in accelerators {
      let offset = Double((clock.now - start) / .milliseconds(1)) / 1000
      let isProven = attempt(accelerator, slowness: slowness, into: &report, echo: echo) { event, seconds in
        progress(event, seconds + offset)
      }
      if isProven || accelerator == .tcg || options.accelerator != nil { break }
      let note =
        "\(accelerator.rawValue) does not run the guest, so tcg does, which takes about ten times as long"
      report.notes.append(note)
      progress(.note(note), offset)
    }
    report.seconds = Double((clock.now - start) / .milliseconds(1)) / 1000
    progress(.end, report.seconds)
    return report
  }

  private var accelerators: [Accelerator] {
    options.accelerator.map { [$0] }
      ?? Accelerator.candidates(
        guest: options.image.architecture, host: .host, hasKVM: access("/dev/kvm", R_OK | W_OK) == 0)
  }

  /// Boots the machine once; whether its kernel has shown that it runs.
  private func attempt(
    _ accelerator: Accelerator, slowness: Double, into report: inout VerificationReport,
    echo: ([UInt8]) -> Void,
    progress: (Progress.Event, Double) -> Void
  ) -> Bool {
    let probe = Probe.random()
    var watch = Watch(
      phases: options.isThorough ? Check.Phase.allCases : [.boot], promises: promises,
      limits: Limits(total: options.timeout), accelerator: accelerator, slowness: slowness)
    do {
      var session = try Session.make(below: options.temporaryFolder)
      let machine = Machine(
        image: options.image, disk: .discarded(options.image), accelerator: accelerator, cpus: options.cpus,
        memory: options.memory, scratch: session.folder)
      let promises = promises
      let seed = Seed(
        userData: promises.bytes, instance: "k3seed-\(promises.sha256.prefix(16))",
        vendorData: { probe.vendorData(for: promises) }, mirror: options.mirror)
      try session.run(
        machine, seed: seed, probe: probe, keyboard: options.attachesConsole ? .standardInput : nil,
        echo: echo
      ) { sign, now in
        let stage = watch.stage
        let actions = watch.take(sign, at: now)
        if watch.stage != stage { progress(.stage(watch.stage, awaiting: watch.awaiting), now) }
        if case .lines(let lines) = sign, let last = lines.last { progress(.console(last), now) }
        if case .tick = sign { progress(.tick, now) }
        return actions
      }
      judge(watch, session.record, probe: probe, machine: machine, into: &report)
    } catch {
      report.verdict = .infra
      report.cause = VerificationReport.Cause(
        code: "host", stage: "preparation", message: "the machine cannot be prepared: \(error)",
        hint: "check the folder for temporary files, \(options.temporaryFolder)")
    }
    return watch.isProven
  }

  private func judge(
    _ watch: Watch, _ record: Session.Record, probe: Probe, machine: Machine,
    into report: inout VerificationReport
  ) {
    report.host = VerificationReport.Host(
      image: options.image.name, architecture: options.image.architecture.rawValue,
      qemu: watch.version ?? "unknown",
      accelerator: machine.accelerator.rawValue, cpus: machine.cpus, memory: machine.memory,
      isWarm: machine.resumesFrom != nil, slowness: watch.slowness)
    report.console = record.console.lines + (record.console.prompt.isEmpty ? [] : [record.console.prompt])
    var earlier: Facts?
    for phase in Check.Phase.allCases {
      guard let facts = watch.facts[phase] else { continue }
      report.checks += Check.results(
        of: promises, facts, earlier: earlier, phase: phase, architecture: options.image.architecture,
        probe: probe)
      earlier = facts
    }
    if let hello = watch.hello, let facts = watch.evidence ?? watch.facts[.boot] {
      report.timeline = facts.timeline(offset: hello.time - hello.uptime)
    }
    let hasFailed = report.checks.contains { $0.outcome == .failed }
    report.verdict = watch.cause?.verdict ?? (hasFailed ? .fail : .pass)
    report.cause = watch.cause?.cause
    guard report.verdict != .pass else { return }
    report.evidence = (watch.evidence ?? earlier)?.evidence() ?? []
    if !record.complaints.isEmpty {
      report.evidence.append(
        VerificationReport.Evidence(
          title: "QEMU's own words", lines: record.complaints.split(separator: "\n").map(String.init)))
    }
    if let status = watch.machineStatus {
      report.evidence.append(VerificationReport.Evidence(title: "state of the machine", lines: [status]))
    }
    report.evidence.append(
      VerificationReport.Evidence(
        title: "last lines of the console", lines: Array(report.console.suffix(30))))
  }
}
