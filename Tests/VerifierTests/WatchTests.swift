import Secrets
import Testing

@testable import Verifier

@Suite("Waiting")
struct WatchTests {
  static let limits = Limits(firstLine: 20, boot: 100, stage: 500, idle: 60, answer: 30, total: nil)

  static func watch(
    _ phases: [Check.Phase] = [.boot], userData: String = "#cloud-config\n{}\n", limits: Limits = limits,
    accelerator: Accelerator = .kvm, isWarm: Bool = false
  ) -> Watch {
    Watch(
      phases: phases, promises: Promises(userData: Array(userData.utf8)), limits: limits,
      accelerator: accelerator,
      slowness: 1, isWarm: isWarm)
  }

  /// What the probe says, as it comes over the line.
  static func event(
    _ name: String, _ data: String = "{}", boot: String = "b1", at: Double = 5
  ) throws -> Watch.Sign {
    let line =
      #"{"nonce": "n", "boot": "\#(boot)", "seq": 1, "at": \#(at), "event": "\#(name)", "data": \#(data)}"#
    return .event(try Event(line: line.utf8, nonce: "n"))
  }

  static func stage(_ name: String, boot: String = "b1") throws -> Watch.Sign {
    try event("stage", #"{"name": "\#(name)", "state": "started"}"#, boot: boot)
  }

  static func beat(cpu: Double, command: String? = nil) throws -> Watch.Sign {
    let running =
      command.map { #", "running": {"command": "\#($0)", "pid": 812, "unit": "cloud-final.service"}"# } ?? ""
    return try event("beat", #"{"cpu": \#(cpu), "network": 0\#(running)}"#)
  }

  /// A watch whose machine has come as far as the probe's first word, at 30 s.
  static func started(_ watch: Watch) throws -> Watch {
    var watch = watch
    #expect(watch.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2).isEmpty)
    #expect(watch.take(.asked(path: "/vendor-data"), at: 29).isEmpty)
    #expect(watch.take(try event("hello"), at: 30).isEmpty)
    return watch
  }

  @Test("A boot is followed from the firmware to the probe's findings")
  func passes() throws {
    var watch = Self.watch()
    #expect(watch.stage == "firmware")
    #expect(watch.take(.lines(["SeaBIOS"]), at: 1).isEmpty)
    #expect(!watch.isProven)
    _ = watch.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2)
    #expect(watch.isProven && watch.stage == "kernel")
    _ = watch.take(.asked(path: "/meta-data"), at: 20)
    #expect(watch.stage == "cloud-init: init-network")
    _ = watch.take(try Self.event("hello", at: 17.5), at: 22)
    #expect(watch.hellos["b1"]?.time == 22 && watch.hellos["b1"]?.uptime == 17.5)
    _ = watch.take(try Self.stage("cloud-init: modules-config"), at: 30)
    _ = watch.take(try Self.stage("cloud-init: init-network"), at: 31)
    _ = watch.take(try Self.stage("cloud-init: modules-config"), at: 32)
    #expect(watch.stage == "cloud-init: init-network", "a stage begins once in a boot")
    _ = watch.take(try Self.event("settled", #"{"state": "running"}"#), at: 40)
    #expect(watch.stage == "checks")
    #expect(watch.take(try Self.event("facts", #"{"why": "settled"}"#), at: 42) == [.end])
    #expect(watch.cause == nil)
    #expect(watch.facts[.boot] != nil)
    #expect(watch.checks.map(\.start) == [40] && watch.checks.map(\.end) == [42])
    #expect(watch.take(.exited(status: "ended exit code 0", complaints: ""), at: 43).isEmpty, "it is over")
  }

  @Test("The probe is told of the Vault's secrets in each boot, once it listens")
  func tellsSecrets() throws {
    let userData = """
      #cloud-config
      write_files:
      - {path: /etc/k3seed/plan.json, content: '{}'}
      - {path: /etc/k3seed/bootstrap.env, content: "K3SEED_VAULT='git_pat=ocid1.vaultsecret.x'"}
      """
    var watch = Watch(
      phases: [.boot],
      promises: Promises(userData: Array(userData.utf8), vault: ["git_pat": Secret("x".utf8)]),
      limits: Self.limits, accelerator: .kvm, slowness: 1)
    for boot in ["b1", "b2"] {
      #expect(watch.take(try Self.event("hello", boot: boot), at: 30) == [.tellSecrets])
    }
  }

  @Test("A thorough one runs the bootstrap again and restarts the machine, with findings after each")
  func thorough() throws {
    var watch = try Self.started(Self.watch(Check.Phase.allCases))
    _ = watch.take(try Self.event("settled"), at: 40)
    #expect(watch.take(try Self.event("facts", #"{"why": "settled"}"#), at: 41) == [.ask("rerun")])
    #expect(
      watch.take(try Self.event("facts", #"{"why": "asked"}"#), at: 42).isEmpty, "not what was asked for")
    #expect(watch.take(try Self.event("facts", #"{"why": "rerun"}"#), at: 50) == [.ask("reboot")])
    #expect(watch.take(.control(.reset(byGuest: true)), at: 55).isEmpty)
    #expect(
      watch.take(try Self.event("facts", #"{"why": "settled"}"#), at: 56).isEmpty, "a line of the old boot")
    _ = watch.take(try Self.event("hello", boot: "b2"), at: 80)
    _ = watch.take(try Self.event("settled", boot: "b2"), at: 95)
    #expect(watch.take(try Self.event("facts", #"{"why": "settled"}"#, boot: "b2"), at: 96) == [.end])
    #expect(watch.cause == nil)
    #expect(Set(watch.facts.keys) == Set(Check.Phase.allCases))
  }

  @Test("Where nothing happens at all the stage is hung, and the command it waits for is named")
  func hung() throws {
    var watch = try Self.started(Self.watch())
    _ = watch.take(try Self.stage("cloud-init: modules-final"), at: 40)
    for time in stride(from: 42.0, through: 100, by: 2) {
      #expect(watch.take(try Self.beat(cpu: 10 + time / 1000, command: "sleep"), at: time).isEmpty)
    }
    #expect(watch.take(.tick, at: 102.5) == [.ask("facts")])
    #expect(watch.cause?.verdict == .fail)
    #expect(watch.cause?.cause.code == "stage-hung")
    #expect(watch.cause?.cause.stage == "cloud-init: modules-final")
    #expect(watch.cause?.cause.message == "nothing has happened for 60 s; running: sleep (process 812)")
    #expect(watch.take(try Self.event("facts", #"{"why": "asked"}"#), at: 104) == [.end])
    #expect(watch.evidence != nil)
  }

  @Test("The timers of a machine that only waits are no work, whatever they do in a moment")
  func timers() throws {
    var watch = try Self.started(Self.watch())
    _ = watch.take(try Self.stage("cloud-init: modules-final"), at: 40)
    var (cpu, actions) = (10.0, [Session.Action]())
    for time in stride(from: 42.0, through: 110, by: 2) where actions.isEmpty {
      // What was seen: a daemon that looks for a time server now and then.
      if Int(time) % 30 == 0 { cpu += 0.17 }
      actions = watch.take(try Self.beat(cpu: cpu, command: "sleep"), at: time)
    }
    #expect(actions == [.ask("facts")])
    #expect(watch.cause?.cause.code == "stage-hung")
  }

  @Test("Where the guest works the stage is slow, not hung, until its own limit")
  func slow() throws {
    var watch = try Self.started(Self.watch())
    _ = watch.take(try Self.stage("cloud-init: modules-final"), at: 40)
    for time in stride(from: 42.0, through: 538, by: 2) {
      #expect(watch.take(try Self.beat(cpu: time, command: "apt-get"), at: time).isEmpty)
    }
    #expect(watch.take(try Self.beat(cpu: 541, command: "apt-get"), at: 541) == [.ask("facts")])
    #expect(watch.cause?.cause.code == "stage-slow")
    // A probe that does not answer either is not waited for without end.
    #expect(watch.take(.tick, at: 560).isEmpty)
    #expect(watch.take(.tick, at: 571.5) == [.end])
    #expect(watch.evidence == nil)
  }

  @Test("A bootstrap's stages have deadlines of their own")
  func bootstrap() throws {
    var watch = try Self.started(Self.watch())
    _ = watch.take(try Self.stage("bootstrap: download"), at: 40)
    for time in stride(from: 42.0, through: 1_400, by: 2) {
      #expect(watch.take(try Self.beat(cpu: time), at: time).isEmpty)
    }
    #expect(watch.cause == nil)
  }

  @Test("A fatal line ends the wait after a moment for the lines that follow it")
  func panic() throws {
    var watch = try Self.started(Self.watch())
    #expect(
      watch.take(.lines(["[   40.1] Kernel panic - not syncing: sysrq", "[   40.2] CPU: 0"]), at: 40) == [
        .askStatus
      ])
    #expect(watch.take(.tick, at: 41).isEmpty)
    #expect(watch.take(.tick, at: 42.1) == [.end])
    #expect(watch.cause?.verdict == .fail && watch.cause?.cause.code == "guest-panic")
  }

  @Test("A prompt that never ends its line is seen, too")
  func prompt() {
    var watch = Self.watch()
    _ = watch.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2)
    #expect(watch.take(.prompt("(initramfs) "), at: 9) == [.askStatus])
    #expect(watch.cause?.verdict == .infra && watch.cause?.cause.code == "image-unbootable")
  }

  @Test("A guest that powers itself off is at fault; a QEMU that ends by itself is the host's")
  func exits() throws {
    var watch = try Self.started(Self.watch())
    _ = watch.take(.control(.shutdown(reason: "guest-shutdown")), at: 60)
    #expect(watch.take(.exited(status: "ended exit code 0", complaints: ""), at: 60) == [.end])
    #expect(watch.cause?.verdict == .fail && watch.cause?.cause.code == "guest-powered-off")

    var other = Self.watch()
    let words = "qemu: first\nqemu: could not open disk\n"
    #expect(other.take(.exited(status: "ended exit code 1", complaints: words), at: 1) == [.end])
    #expect(other.cause?.verdict == .infra && other.cause?.cause.code == "qemu-failed")
    #expect(
      other.cause?.cause.message == "QEMU ended by itself (ended exit code 1): qemu: could not open disk")
  }

  @Test("An accelerator that shows no kernel is not the image's fault; translation is tried then")
  func accelerator() {
    var watch = Self.watch()
    #expect(watch.take(.lines(["SeaBIOS (version 1.16.2)"]), at: 1).isEmpty)
    #expect(watch.take(.tick, at: 20).isEmpty)
    #expect(watch.take(.tick, at: 20.5) == [.askStatus])
    #expect(watch.cause?.cause.code == "accelerator-unusable")
    #expect(!watch.isProven)

    var translated = Self.watch(accelerator: .tcg)
    #expect(translated.take(.tick, at: 199).isEmpty, "it is ten times as slow")
    #expect(translated.take(.tick, at: 201) == [.askStatus])
    #expect(translated.cause?.verdict == .infra && translated.cause?.cause.code == "no-kernel")
  }

  @Test("A full disk of the host is the host's fault")
  func fullDisk() throws {
    var watch = try Self.started(Self.watch())
    #expect(watch.take(.control(.diskError(isFull: true)), at: 40).isEmpty)
    _ = watch.take(.control(.stopped), at: 40)
    #expect(watch.cause?.verdict == .infra && watch.cause?.cause.code == "host-disk-full")
  }

  @Test(
    "A guest that comes up without the probe leaves nothing to say, and user-data that forbids it is named",
    arguments: [
      ("#cloud-config\nvendor_data: {enabled: false}\n", "vendor-data-disabled"),
      ("#cloud-config\n{}\n", "probe-missing"),
    ])
  func probeMissing(userData: String, code: String) {
    var watch = Self.watch(userData: userData)
    _ = watch.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2)
    for path in ["/meta-data", "/user-data", "/vendor-data"] { _ = watch.take(.asked(path: path), at: 20) }
    _ = watch.take(
      .lines(["[  60.1] cloud-init[511]: Cloud-init v. 22.4.2 finished at Sun, 22 Nov 2026. Up 60 seconds"]),
      at: 60)
    #expect(watch.cause?.verdict == .inconclusive)
    #expect(watch.cause?.cause.code == code)
  }

  @Test("An image that never asks for the seed is told from one whose probe is silent")
  func seedNotAsked() {
    var watch = Self.watch()
    _ = watch.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2)
    for time in stride(from: 10.0, through: 100, by: 10) { _ = watch.take(.lines(["x"]), at: time) }
    #expect(watch.take(.tick, at: 103) == [.askStatus])
    #expect(watch.cause?.verdict == .infra && watch.cause?.cause.code == "seed-not-asked")
  }

  @Test("A machine that does nothing but restart is stopped; one restart of its own is nobody's fault")
  func reboots() throws {
    var watch = try Self.started(Self.watch())
    for time in [40.0, 70, 100] { #expect(watch.take(.control(.reset(byGuest: true)), at: time).isEmpty) }
    _ = watch.take(.control(.reset(byGuest: true)), at: 130)
    #expect(watch.cause?.verdict == .fail && watch.cause?.cause.code == "reboot-loop")
  }

  @Test("The user's own limit counts for the whole, and is not stretched")
  func timeout() throws {
    var limits = Self.limits
    limits.total = 50
    var watch = try Self.started(Self.watch(limits: limits, accelerator: .tcg))
    #expect(watch.take(.tick, at: 45).isEmpty)
    #expect(watch.take(.tick, at: 45.5) == [.ask("facts")])
    #expect(watch.cause?.cause.code == "timeout")
    #expect(watch.cause?.cause.message == "the verification was not done in the 50 s that it was given")
    #expect(watch.take(.tick, at: 49).isEmpty, "an answer to what it was doing may still come")
    #expect(watch.take(.tick, at: 50.1) == [.end], "and not for longer than there is time")
  }

  @Test("A guest that says anything whatever is held to the whole time, and to so much memory")
  func flooded() throws {
    var limits = Self.limits
    limits.total = 600
    var watch = try Self.started(Self.watch(limits: limits))
    var names: Set<String> = []
    var end: Double?
    for index in 0..<50_000 where end == nil {
      let time = 40 + Double(index) / 50
      let actions = watch.take(try Self.stage("bootstrap: \(index)"), at: time)
      names.insert(watch.stage)
      if actions.contains(.end) { end = time }
    }
    #expect(end.map { $0 <= 600.1 } == true, "\(end ?? .infinity)")
    #expect(names.count < 250)
    #expect(watch.cause?.cause.code == "timeout")
  }

  @Test("Without a limit of the user's one that begins again and again ends as well")
  func endless() throws {
    var watch = try Self.started(Self.watch())
    var time = 30.0
    while watch.cause == nil, time < 1e6 {
      time += 50
      _ = watch.take(try Self.event("settled"), at: time)
      _ = watch.take(try Self.event("hello"), at: time + 25)
    }
    #expect(watch.cause?.cause.code == "timeout", "\(time)")
  }

  @Test("A bootstrap that is tried again for ever ends the wait when its own deadlines are over")
  func retried() throws {
    var watch = try Self.started(Self.watch())
    _ = watch.take(try Self.stage("bootstrap: ready"), at: 40)
    var time = 40.0
    while watch.cause == nil, time < 1e5 {
      time += 10
      _ = watch.take(try Self.beat(cpu: time), at: time)
    }
    #expect(watch.cause?.cause.code == "stage-slow")
    let bound = 5 * Self.limits.stage
    #expect(time > 40 + bound && time <= 60 + bound)
    #expect(watch.cause?.cause.message.hasPrefix("the bootstrap was not done within ") == true)
  }

  @Test("What floods the probe's channel is named")
  func floods() throws {
    var watch = try Self.started(Self.watch())
    #expect(watch.take(.flooded, at: 40) == [.ask("facts")])
    #expect(watch.cause?.verdict == .fail && watch.cause?.cause.code == "probe-flooded")
  }

  @Test("A guest that took long to come up is given longer for everything else")
  func stretched() throws {
    var watch = Self.watch()
    _ = watch.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2)
    _ = watch.take(try Self.event("hello", at: 60), at: 61)
    #expect(watch.slowness == 6)
    _ = watch.take(try Self.stage("cloud-init: modules-final"), at: 62)
    #expect(watch.take(.tick, at: 62 + 119).isEmpty, "what stands still does so everywhere: twice at most")
    #expect(watch.take(.tick, at: 62 + 121) == [.ask("facts")])
  }

  @Test("No guest has taken longer to come up than QEMU has run, whatever it says")
  func boasts() throws {
    var watch = Self.watch()
    _ = watch.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2)
    _ = watch.take(try Self.event("hello", at: 1e300), at: 30)
    #expect(watch.slowness == 3)
    _ = watch.take(try Self.stage("cloud-init: modules-final"), at: 31)
    #expect(watch.take(.tick, at: 31 + 121) == [.ask("facts")])
    #expect(watch.cause?.cause.message == "nothing has happened for 120 s")
  }

  @Test("A saved machine is let go on as soon as it is there, and no kernel is waited for")
  func warm() throws {
    var watch = Self.watch(isWarm: true)
    #expect(watch.isProven && watch.stage == "cloud-init: init-network")
    #expect(watch.take(.tick, at: 0.3) == [.askStatus])
    #expect(watch.take(.control(.status("inmigrate")), at: 0.4).isEmpty)
    #expect(watch.take(.control(.status("paused")), at: 1) == [.resume])
    #expect(watch.take(.tick, at: 1.3).isEmpty)
    _ = watch.take(try Self.event("hello", at: 90), at: 3)
    #expect(watch.slowness == 1, "how long it took to save it says nothing of now")
  }

  @Test("A snapshot is made once the guest has asked for its seed, and only then")
  func freeze() {
    var freeze = Freeze(watch: Self.watch(), state: "/s")
    _ = freeze.take(.lines(["[    0.000000] Linux version 6.1.0"]), at: 2)
    #expect(freeze.take(.tick, at: 19).isEmpty)
    #expect(freeze.take(.asked(path: "/meta-data"), at: 20).isEmpty)
    #expect(freeze.take(.tick, at: 20.2).isEmpty)
    #expect(freeze.take(.tick, at: 20.4) == [.save("/s")])
    #expect(freeze.take(.tick, at: 20.7).isEmpty)
    #expect(freeze.take(.control(.stopped), at: 20.8).isEmpty)
    #expect(freeze.take(.control(.migration(status: "active")), at: 21).isEmpty)
    #expect(freeze.take(.control(.migration(status: "completed")), at: 23) == [.end])
    #expect(freeze.isDone)
    var failed = Freeze(watch: Self.watch(), state: "/s")
    _ = failed.take(.asked(path: "/meta-data"), at: 20)
    _ = failed.take(.tick, at: 20.4)
    #expect(failed.take(.control(.migration(status: "failed")), at: 21) == [.end])
    #expect(!failed.isDone)
  }
}
