import Diagnostics
import YAML

/// Decides, from all that is seen of a machine, what to do next and when there is nothing more to wait for.
///
/// Four things can end a wait: an event of the probe, a fatal line on the console, the end of QEMU, and a deadline; the
/// first one counts. It is pure: time comes in with each sign, and what to do goes out.
struct Watch: Sendable {
  /// Something that was seen.
  enum Sign: Sendable {
    case lines([String])
    /// The last line of the console, which has not ended.
    case prompt(String)
    case event(Event)
    case control(Control.Event)
    case asked(path: String)
    /// QEMU ended; what it wrote to its standard error.
    case exited(status: String, complaints: String)
    /// The machine starts again after its power was cut.
    case powered
    /// Every node of the cluster has been looked at once, so that now the whole can be judged.
    case released
    /// The server that this node joins is given up.
    case abandoned
    /// More came on the probe's channel than any probe says.
    case flooded
    /// The user wants no more of it.
    case quit
    /// Only time has passed.
    case tick
  }

  /// What is being done, as people are told.
  private(set) var stage = "firmware"
  /// When it began, in seconds since QEMU's start.
  private(set) var stageStart = 0.0
  /// What is looked at now.
  private(set) var phase = Check.Phase.boot
  /// What the probe found, by phase.
  private(set) var facts: [Check.Phase: Facts] = [:]
  /// Why the verification ended early.
  private(set) var cause: (verdict: Verdict, cause: VerificationReport.Cause)?
  /// What was found when it did, besides the facts of a phase.
  private(set) var evidence: Facts?
  /// Whether a guest's kernel has shown that it runs.
  private(set) var isProven = false
  /// Seconds from QEMU's start to the probe's first word in each boot, and how far the guest's clock was then.
  private(set) var hellos: [String: (time: Double, uptime: Double)] = [:]
  /// Whether the probe has spoken since the machine was started, or last restarted itself.
  private var isSpeaking = false
  /// When the probe gathered what it found, in seconds since QEMU's start.
  private(set) var checks: [(start: Double, end: Double?)] = []
  /// QEMU's version.
  private(set) var version: String?
  /// What the machine is doing, in QEMU's own word.
  private(set) var machineStatus: String?
  /// The power cuts that were made, in their order.
  private(set) var cuts: [VerificationReport.Cut] = []
  /// Those that are still to come, in the order of their stages.
  private(set) var cutsToCome: ArraySlice<PowerCut>

  /// Whether the findings count only once the cluster's other nodes are as far, and whether they are.
  private let awaitsOthers: Bool
  private var isReleased = false
  private let means: PowerCut.Means
  /// How far the bootstrap is.
  private var place: PowerCut.Place
  /// When the next cut is made, where its stage has begun.
  private var cutTime: Double?
  private var hasPower = true
  private let phases: [Check.Phase]
  private let promises: Promises
  private let base: Limits
  private var limits: Limits
  /// How many times slower than the limits expect this host is.
  private(set) var slowness: Double
  private let accelerator: Accelerator
  private let isWarm: Bool
  /// Whether the deadlines in the guest are stretched, too.
  private let stretchesGuest: Bool
  private var isHalted: Bool
  private var lastProgress = 0.0
  private var lastBeat: Event.Beat?
  /// The beat that the next ones are measured by.
  private var mark: (beat: Event.Beat, time: Double)?
  private var hasAsked = false
  private var begun: Set<String> = []
  private var isSettled = false
  /// When the bootstrap began in this boot.
  private var bootstrapStart: Double?
  private var resets = 0
  private var shutdown: String?
  private var diskIsFull = false
  /// When the answer of a probe that was asked for evidence is no longer waited for.
  private var lastWord: Double?
  private var hasEnded = false

  init(
    phases: [Check.Phase], promises: Promises, limits: Limits, accelerator: Accelerator, slowness: Double,
    isWarm: Bool = false, cuts: [PowerCut] = [], cutBy means: PowerCut.Means = .reset,
    awaitsOthers: Bool = false, stretchesGuest: Bool = false
  ) {
    self.stretchesGuest = stretchesGuest
    self.awaitsOthers = awaitsOthers
    self.phases = phases
    let stages = promises.assumedStages
    place = PowerCut.Place(in: stages)
    let names = stages.map(\.name)
    cutsToCome =
      cuts.sorted { (names.firstIndex(of: $0.stage) ?? 0) < (names.firstIndex(of: $1.stage) ?? 0) }[...]
    self.means = means
    // A saved machine is one whose kernel has run. It is halted, and goes on when it is told to.
    self.isWarm = isWarm
    isProven = isWarm
    isHalted = isWarm
    if isWarm { stage = "cloud-init: init-network" }
    self.promises = promises
    self.accelerator = accelerator
    base = limits
    // Translation costs about that much; the boot itself will tell.
    self.slowness = accelerator == .tcg ? slowness * 10 : slowness
    self.limits = limits.stretched(by: self.slowness)
  }

  /// What ends the stage, as people are told.
  var awaiting: String {
    switch stage {
    case "firmware": "the guest's kernel"
    case "kernel": "cloud-init to ask for the user-data"
    case "checks": "the probe's findings"
    case Self.waiting: "the cluster's other nodes"
    default: isSpeaking ? "its end" : "the probe"
    }
  }

  /// Takes a sign.
  mutating func take(_ sign: Sign, at now: Double) -> [Session.Action] {
    guard !hasEnded else { return [] }
    // What a machine said that has lost its power means nothing any more.
    if !hasPower {
      switch sign {
      case .powered, .exited, .quit, .tick: break
      default: return []
      }
    }
    var actions = see(sign, at: now)
    if let time = cutTime, now >= time, cause == nil { actions += cut(at: now) }
    if !hasEnded, let end = lastWord, now >= end { actions += finish() }
    if !hasEnded, lastWord == nil { actions += deadlines(at: now) }
    return actions
  }

  private mutating func see(_ sign: Sign, at now: Double) -> [Session.Action] {
    switch sign {
    case .lines(let lines):
      lastProgress = now
      var actions: [Session.Action] = []
      for line in lines {
        actions += read(line, at: now)
        if !isStarting, let mark = PowerCut.Mark(line: line), place.take(mark) { planCut(at: now) }
      }
      return actions
    case .prompt(let prompt):
      // Shells of a boot that failed wait at a prompt, on a line that never ends.
      return Console.fatal(in: prompt).map { fail($0.verdict, $0.code, $0.message, $0.hint, at: now) } ?? []
    case .event(let event):
      return hear(event, at: now)
    case .control(let event):
      return observe(event, at: now)
    case .asked:
      hasAsked = true
      lastProgress = now
      if !isSpeaking { enter("cloud-init: init-network", at: now) }
      return []
    case .exited(let status, let complaints):
      return ended(status, complaints, at: now)
    case .powered:
      guard !hasPower else { return [] }
      hasPower = true
      lastProgress = now
      enter("restart after a power cut", at: now)
      return []
    case .released:
      guard isWaiting, cause == nil else { return [] }
      isReleased = true
      lastProgress = now
      enter("checks", at: now)
      checks.append((now, nil))
      return [.ask("facts")]
    case .abandoned:
      guard !isWaiting else { return [] }
      return fail(
        .inconclusive, "server-failed", "the server that this node was to join did not come up",
        "look at the server's own report", at: now)
    case .flooded:
      return fail(
        .fail, "probe-flooded", "the guest sent more on the probe's channel than any probe says",
        "look for what writes to /dev/virtio-ports/\(Probe.port) in the user-data", at: now)
    case .quit:
      blame(.inconclusive, "interrupted", "the verification was ended by its user", "run it again")
      return finish()
    case .tick:
      return isHalted ? [.askStatus] : []
    }
  }

  // MARK: - The console

  private mutating func read(_ line: String, at now: Double) -> [Session.Action] {
    if !isProven, Self.isKernelLine(line) {
      isProven = true
      enter("kernel", at: now)
    }
    if let fatal = Console.fatal(in: line), cause == nil {
      return fail(fatal.verdict, fatal.code, fatal.message, fatal.hint, at: now)
    }
    // cloud-init's last word (`cc_final_message`): from here on a probe would have spoken.
    if !isSpeaking, !isStarting, line.utf8.count < 512, line.contains("Cloud-init v."),
      line.contains("finished at")
    {
      return probeIsMissing(at: now)
    }
    return []
  }

  /// A line with the kernel's clock in front, `[    0.000000] Linux version …`, or the banner alone.
  static func isKernelLine(_ line: String) -> Bool {
    if line.contains("Linux version ") { return true }
    guard line.hasPrefix("["), let end = line.firstIndex(of: "]") else { return false }
    let clock = line[line.index(after: line.startIndex)..<end].drop { $0 == " " }
    let parts = clock.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { ("0"..."9") ~= $0 } }
  }

  // MARK: - The probe

  private mutating func hear(_ event: Event, at now: Double) -> [Session.Action] {
    switch event.kind {
    case .hello:
      isProven = true
      lastProgress = now
      if hellos.isEmpty {
        // The first measure of this guest on this host: what it took to get here, which is no longer than QEMU has run,
        // whatever the guest says. A saved one did that before.
        if !isWarm { slowness = max(slowness, min(event.at, now) / Calibration.bootSeconds) }
        limits = base.stretched(by: slowness)
      }
      hellos[event.boot] = (now, event.at)
      isSpeaking = true
      isSettled = false
      bootstrapStart = nil
      lastBeat = nil
      mark = nil
      enter("cloud-init: init-network", at: now)
      return promises.vault.isEmpty ? [] : [.tellSecrets]
    case .stage(let stage):
      lastProgress = now
      // A probe that starts late tells of stages that began before it, and again after a restart.
      if stage.state == .started, begun.count < Self.mostStages,
        begun.insert("\(event.boot) \(stage.name)").inserted
      {
        enter(stage.name, at: now)
        if stage.name.hasPrefix("bootstrap: ") { bootstrapStart = bootstrapStart ?? now }
        // A line of the console that the kernel wrote into the middle of is missed.
        if stage.name.hasPrefix("bootstrap: "), place.begin(String(stage.name.dropFirst(11))) {
          planCut(at: now)
        }
      }
    case .beat(let beat):
      if isBusy(beat, at: now) { lastProgress = now }
      lastBeat = beat
    case .settled:
      lastProgress = now
      isSettled = true
      enter("checks", at: now)
      checks.append((now, nil))
    case .facts(let facts, let why):
      lastProgress = now
      if let last = checks.indices.last, checks[last].end == nil { checks[last].end = now }
      if cause != nil {
        evidence = facts
        return finish()
      }
      // An answer to nobody's question, or one that came before the machine was ready, is not what is waited for.
      let wanted = isReleased ? "asked" : "settled"
      guard phase == .rerun ? why == "rerun" : isSettled && why == wanted else { return [] }
      self.facts[phase] = facts
      if awaitsOthers, !isReleased {
        enter(Self.waiting, at: now)
        return []
      }
      return next(at: now)
    case .blind(let problem):
      return fail(
        .inconclusive, "probe-blind",
        "the probe cannot tell the payload's secrets from other text, so it says nothing: \(problem)",
        "check that the user-data is one that k3seed rendered, unchanged", at: now)
    }
    return []
  }

  /// Whether the guest does something: has another line to show, or used a twentieth of a processor, or had more than a
  /// little traffic, since the mark. A machine that only waits has timers, too, whose bursts are over in a moment: so
  /// what counts is the mean of a longer time.
  private mutating func isBusy(_ beat: Event.Beat, at now: Double) -> Bool {
    let window = 20.0
    guard let mark else {
      mark = (beat, now)
      return true
    }
    let seconds = now - mark.time
    let isElsewhere = beat.stage != lastBeat?.stage || beat.line != lastBeat?.line
    guard seconds >= window else { return isElsewhere }
    self.mark = (beat, now)
    func grew(_ value: KeyPath<Event.Beat, Double?>) -> Double {
      (beat[keyPath: value] ?? 0) - (mark.beat[keyPath: value] ?? 0)
    }
    return isElsewhere || grew(\.cpu) > seconds / 20 || grew(\.network) > 1_024 * seconds
  }

  /// Goes on to the next phase, or ends after the last.
  private mutating func next(at now: Double) -> [Session.Action] {
    guard let index = phases.firstIndex(of: phase), index + 1 < phases.count else { return finish() }
    phase = phases[index + 1]
    switch phase {
    case .boot: return []
    case .rerun:
      enter("bootstrap again", at: now)
      return [.ask("rerun")]
    case .reboot:
      isSettled = false
      enter("reboot", at: now)
      return [.ask("reboot")]
    }
  }

  // MARK: - Other nodes

  private static let waiting = "waiting for the other nodes"

  /// Whether all is done but to wait for other nodes.
  private var isWaiting: Bool { awaitsOthers && !isReleased && facts[.boot] != nil }

  // MARK: - Power cuts

  /// Whether the machine starts after a power cut, and has not asked for its seed again: what is on the console may
  /// still be of the boot before.
  private var isStarting: Bool { !cuts.isEmpty && !isSpeaking && !hasAsked }

  /// A stage of the bootstrap has begun.
  private mutating func planCut(at now: Double) {
    if cutTime == nil, let next = cutsToCome.first, next.stage == place.stage { cutTime = now + next.delay }
  }

  private mutating func cut(at now: Double) -> [Session.Action] {
    cutTime = nil
    guard let cut = cutsToCome.popFirst() else { return [] }
    cuts.append(
      VerificationReport.Cut(
        stage: cut.stage, delay: cut.delay, means: means, during: place.stage ?? "nothing", at: now))
    enter("power cut", at: now)
    place.restart()
    hasPower = false
    isSpeaking = false
    isSettled = false
    lastBeat = nil
    mark = nil
    hasAsked = false
    return [.cutPower(means)]
  }

  // MARK: - QEMU

  private mutating func observe(_ event: Control.Event, at now: Double) -> [Session.Action] {
    switch event {
    case .greeting(let version): self.version = version
    case .shutdown(let reason): shutdown = reason
    case .status(let status):
      machineStatus = status
      guard isHalted, status == "paused" else { return [] }
      isHalted = false
      lastProgress = now
      return [.resume]
    case .diskError(let isFull): if isFull { diskIsFull = true }
    case .migration: break
    case .reset(let isGuests):
      lastProgress = now
      // The firmware resets the machine once or twice by itself before anything is loaded.
      guard isProven, isGuests, !isStarting else { return [] }
      resets += 1
      isSpeaking = false
      // A payload may well restart its machine once; one that does nothing else never gets anywhere.
      if resets > (phase == .reboot ? 4 : 3) {
        return fail(
          .fail, "reboot-loop", "the guest restarted itself \(resets) times",
          "look for power_state or a reboot in the user-data, and at the console before each restart",
          at: now)
      }
      enter(phase == .reboot ? "reboot" : "restart", at: now)
    case .stopped:
      if diskIsFull {
        return fail(
          .infra, "host-disk-full", "the host has no room left for what the guest writes",
          "free some space in the folder for temporary files, or name another one in TMPDIR", at: now)
      }
      guard cause == nil else { return [] }
      return fail(
        .infra, "machine-stopped", "QEMU stopped the machine because of an error of its own",
        "read QEMU's own words below; --accel tcg avoids the host's virtualisation", at: now)
    }
    return []
  }

  private mutating func ended(_ status: String, _ complaints: String, at now: Double) -> [Session.Action] {
    if cause == nil {
      switch shutdown {
      case "guest-shutdown":
        blame(
          .fail, "guest-powered-off", "the guest powered itself off before everything was checked",
          "look for poweroff, shutdown or power_state in the user-data")
      case "guest-panic":
        blame(
          .fail, "guest-panic", "the guest's kernel panicked",
          "read the lines before the panic on the console")
      default:
        let words = complaints.split(separator: "\n").last.map { ": \($0)" } ?? ""
        blame(
          .infra, "qemu-failed", "QEMU ended by itself (\(status))\(words)",
          "check the image and the machine's settings, and read QEMU's own words below")
      }
    }
    return finish()
  }

  // MARK: - Deadlines

  private mutating func deadlines(at now: Double) -> [Session.Action] {
    // A tenth of it is for the answer to what the guest was doing.
    let total = limits.total ?? ceiling
    if now > total - min(limits.answer, total / 10) {
      return fail(
        .fail, "timeout", "the verification was not done in the \(seconds(total)) that it was given\(what)",
        "raise --timeout, or look at what it was doing", at: now)
    }
    // The others have deadlines of their own.
    if isWaiting { return [] }
    if !isProven {
      guard now > limits.firstLine else { return [] }
      return fail(
        .infra, accelerator == .tcg ? "no-kernel" : "accelerator-unusable",
        "the guest's kernel said nothing within \(seconds(limits.firstLine))",
        accelerator == .tcg ? "check that the image boots and has a serial console" : "use --accel tcg",
        at: now)
    }
    if now - lastProgress > limits.idle {
      return fail(
        .fail, "stage-hung", "nothing has happened for \(seconds(limits.idle))\(what)",
        "a command that waits for ever needs a timeout of its own", at: now)
    }
    if !isSpeaking {
      guard now - stageStart > limits.boot else { return [] }
      return !hasAsked
        ? fail(
          .infra, "seed-not-asked", "the guest never asked for its user-data",
          "use an image with cloud-init, whose NoCloud datasource is not disabled", at: now)
        : probeIsMissing(at: now)
    }
    if let start = bootstrapStart, stage.hasPrefix("bootstrap"), now - start > bootstrapLimit {
      return fail(
        .fail, "stage-slow", "the bootstrap was not done within \(seconds(bootstrapLimit))\(what)",
        "look at what it tries again and again: k3seed-status, and the log of its stage, say it", at: now)
    }
    if let allowance = allowance(of: stage), now - stageStart > allowance {
      return fail(
        .fail, "stage-slow", "the stage was not done within \(seconds(allowance))\(what)",
        "it still makes progress: raise --timeout, or look at what it does", at: now)
    }
    return []
  }

  /// How long the bootstrap may take in one boot: what its own deadlines come to, and room for what it does in between.
  private var bootstrapLimit: Double {
    let own = promises.stages.reduce(0) { $0 + $1.deadline } * (stretchesGuest ? slowness : 1)
    return (promises.stages.isEmpty ? 4 * limits.stage : own) + limits.stage
  }

  /// How long everything may take where the user does not say: what no boot comes near that each limit holds for. A guest
  /// that says whatever it likes could otherwise begin again for ever.
  private var ceiling: Double {
    Double(phases.count + cuts.count + cutsToCome.count + 3)
      * (limits.firstLine + limits.boot + 4 * limits.stage + bootstrapLimit)
  }

  /// How long a stage may take; nil where something else bounds it.
  private func allowance(of stage: String) -> Double? {
    // The bootstrap ends its own stages, and says so better than anybody else could.
    if stage.hasPrefix("bootstrap") { return nil }
    return stage == "checks" ? limits.answer * 4 : limits.stage
  }

  private mutating func probeIsMissing(at now: Double) -> [Session.Action] {
    // Not the user-data's fault as such, but nothing can be said about it.
    fail(
      .inconclusive, promises.disablesVendorData ? "vendor-data-disabled" : "probe-missing",
      promises.disablesVendorData
        ? "the user-data disables vendor-data, in which the probe travels"
        : "the probe never spoke, although the guest came up",
      promises.disablesVendorData
        ? "leave `vendor_data: {enabled: false}` out while verifying"
        : "look at the console for what became of cloud-init's boothook", at: now)
  }

  /// cloud-init has four stages and the bootstrap about ten, in each boot. More are not told of.
  private static let mostStages = 200

  /// How many times slower than the limits expect this host seems to be by now: a boot that takes long before the probe
  /// speaks says as much.
  func expectedSlowness(at now: Double) -> Double {
    hellos.isEmpty && !isWarm ? max(slowness, now / Calibration.bootSeconds) : slowness
  }

  // MARK: - The end

  private var what: String {
    guard let beat = lastBeat, let command = beat.command else { return "" }
    return "; running: \(command)" + (beat.process.map { " (process \($0))" } ?? "")
  }

  private func seconds(_ value: Double) -> String { "\(Int(value.rounded())) s" }

  private mutating func enter(_ name: String, at now: Double) {
    guard name != stage else { return }
    stage = name
    stageStart = now
  }

  private mutating func blame(_ verdict: Verdict, _ code: String, _ message: String, _ hint: String) {
    guard cause == nil else { return }
    cause = (verdict, VerificationReport.Cause(code: code, stage: stage, message: message, hint: hint))
  }

  /// Notes the cause, and leaves the guest a moment for its last words: the rest of a panic on the console, or what
  /// the probe finds.
  private mutating func fail(
    _ verdict: Verdict, _ code: String, _ message: String, _ hint: String, at now: Double
  ) -> [Session.Action] {
    guard cause == nil else { return [] }
    blame(verdict, code, message, hint)
    let canSpeak = isSpeaking && code != "guest-panic" && verdict != .infra
    lastWord = now + (canSpeak ? limits.answer : 2)
    // What the user gave it holds for that too, but for a moment in which something may still be said.
    if let total = limits.total { lastWord = min(lastWord ?? now, max(total, now + 2)) }
    return canSpeak ? [.ask("facts")] : [.askStatus]
  }

  private mutating func finish() -> [Session.Action] {
    hasEnded = true
    return [.end]
  }
}
