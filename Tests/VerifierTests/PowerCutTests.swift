import Foundation
import TestSupport
import Testing

@testable import Verifier

@Suite("Power cuts")
struct PowerCutTests {
  @Test("A cut is a stage, and perhaps how long after its beginning")
  func notation() {
    #expect(PowerCut("download")?.stage == "download" && PowerCut("download")?.delay == 0)
    #expect(PowerCut("download+2")?.stage == "download" && PowerCut("download+2")?.delay == 2)
    #expect(PowerCut("ready+0.5")?.delay == 0.5)
    for text in ["", "+2", "ready+", "ready+x", "ready+-1", "ready+inf", "ready+nan", "ready+1+1"] {
      #expect(PowerCut(text) == nil, "\(text)")
    }
  }

  @Test(
    "The console says how far the bootstrap is",
    arguments: [
      ("[   61.2] k3seed-bootstrap[812]: k3seed: bootstrap of server starts", .starts),
      ("k3seed: bootstrap of agent resumes at install", .resumes(at: "install")),
      ("[   61.2] k3seed-bootstrap[812]: k3seed: preflight: ok (0 s)", .ended("preflight")),
      ("k3seed: download: FAILED: no network", nil), ("k3seed: bootstrap of server resumes", nil),
      ("download: ok (1 s)", nil), ("k3seed: ok", nil), ("k3seed: ", nil), ("", nil),
    ] as [(String, PowerCut.Mark?)])
  func console(line: String, mark: PowerCut.Mark?) {
    #expect(PowerCut.Mark(line: line) == mark)
  }

  @Test("After a restart, stages whose work was kept are left out, and the others begin again")
  func places() {
    let stages = ["preflight", "download", "secrets", "install", "ready"].map {
      Promises.Stage(name: $0, deadline: 1, isKept: ["download", "install"].contains($0))
    }
    var place = PowerCut.Place(in: stages)
    #expect(place.stage == nil)
    var begun: [String?] = []
    func take(_ marks: PowerCut.Mark...) {
      for mark in marks where place.take(mark) { begun.append(place.stage) }
    }
    take(.starts, .ended("preflight"), .ended("download"), .ended("secrets"))
    #expect(begun == ["preflight", "download", "secrets", "install"])
    begun = []
    place.restart()
    take(.resumes(at: "install"), .ended("preflight"), .ended("secrets"), .ended("install"), .ended("ready"))
    #expect(begun == ["preflight", "secrets", "install", "ready"] && place.stage == nil)
    begun = []
    place.restart()
    // What it had done did not last.
    take(.resumes(at: "download"), .ended("preflight"), .ended("lunch"))
    #expect(begun == ["preflight", "download"])
    let isNews = ["download", "preflight", "install"].map { place.begin($0) }
    #expect(isNews == [false, false, true] && place.stage == "install")
  }

  /// A watch whose guest is at work, at 30 s.
  static func watch(_ cuts: String..., by means: PowerCut.Means = .reset) throws -> Watch {
    try WatchTests.started(
      Watch(
        phases: [.boot], promises: Promises(userData: Array("#cloud-config\n{}\n".utf8)),
        limits: WatchTests.limits, accelerator: .kvm, slowness: 1, cuts: cuts.compactMap(PowerCut.init),
        cutBy: means))
  }

  static func line(_ text: String) -> Watch.Sign {
    .lines(["[   61.2] k3seed-bootstrap[812]: k3seed: \(text)"])
  }

  @Test("The power is cut when the stage begins, and once: what the dead machine said means nothing")
  func once() throws {
    var watch = try Self.watch("install", "firewall")
    #expect(watch.take(Self.line("bootstrap of server starts"), at: 40).isEmpty)
    #expect(watch.take(Self.line("preflight: ok (0 s)"), at: 41) == [.cutPower(.reset)])
    #expect(watch.take(Self.line("secrets: ok (0 s)"), at: 41).isEmpty, "of the boot that is over")
    #expect(watch.take(.lines(["Cloud-init v. 22.4.2 finished at"]), at: 41).isEmpty)
    #expect(watch.take(.powered, at: 42).isEmpty)
    // The firmware's own doing.
    for _ in 0..<9 { #expect(watch.take(.control(.reset(byGuest: true)), at: 42).isEmpty) }
    // What was still on its way.
    #expect(watch.take(Self.line("secrets: ok (0 s)"), at: 42).isEmpty)
    #expect(watch.take(.lines(["Cloud-init v. 22.4.2 finished at"]), at: 42).isEmpty)
    #expect(watch.take(.asked(path: "/meta-data"), at: 60).isEmpty)
    #expect(watch.take(try WatchTests.event("hello", boot: "b2", at: 17), at: 61).isEmpty)
    #expect(watch.take(Self.line("bootstrap of server resumes at firewall"), at: 62).isEmpty)
    #expect(watch.take(Self.line("secrets: ok (0 s)"), at: 63) == [.cutPower(.reset)])
    #expect(watch.cuts.map(\.stage) == ["firewall", "install"] && watch.cuts.map(\.at) == [41, 63])
    #expect(watch.cuts.allSatisfy { $0.during == $0.stage && $0.means == .reset })
    #expect(watch.cutsToCome.isEmpty && watch.cause == nil)
    #expect(watch.hellos["b2"]?.time == 61)
  }

  @Test("A stage can be cut twice, where the bootstrap goes on at it")
  func twice() throws {
    var watch = try Self.watch("ready", "ready", by: .kill)
    #expect(watch.take(Self.line("install: ok (3 s)"), at: 40) == [.cutPower(.kill)])
    _ = watch.take(.powered, at: 41)
    _ = watch.take(.asked(path: "/meta-data"), at: 60)
    // The bootstrap may be faster than the probe.
    #expect(watch.take(Self.line("bootstrap of server resumes at ready"), at: 61) == [.cutPower(.kill)])
  }

  @Test("A cut can wait, and the report says which stage ran by then")
  func delayed() throws {
    var watch = try Self.watch("download+5")
    #expect(watch.take(Self.line("firewall: ok (0 s)"), at: 40).isEmpty)
    #expect(watch.take(.tick, at: 44).isEmpty)
    #expect(watch.take(Self.line("download: ok (4 s)"), at: 44.5).isEmpty)
    #expect(watch.take(.tick, at: 45) == [.cutPower(.reset)])
    #expect(watch.cuts.first?.stage == "download" && watch.cuts.first?.during == "secrets")
    #expect(
      watch.cuts.first?.summary
        == "power cut by reset in secrets (meant for download), 45.0 s after the beginning")
  }

  @Test("Where the console is garbled, the probe's word on a stage is enough")
  func probe() throws {
    var watch = try Self.watch("ready")
    #expect(watch.take(try WatchTests.stage("bootstrap: install"), at: 40).isEmpty)
    #expect(watch.take(try WatchTests.stage("bootstrap: ready"), at: 41) == [.cutPower(.reset)])
  }

  @Test("A machine that does not come up again after a cut is given up like any other")
  func dead() throws {
    var watch = try Self.watch("preflight")
    _ = watch.take(Self.line("bootstrap of server starts"), at: 40)
    _ = watch.take(.powered, at: 41)
    _ = watch.take(.asked(path: "/meta-data"), at: 60)
    #expect(watch.take(.tick, at: 130) != [])
    #expect(watch.cause?.cause.code == "stage-hung")
  }

  @Test(
    "A killed QEMU keeps what the guest has flushed, and loses what it has newly written since",
    .enabled(if: Tool.has("qemu-io") && Tool.has("qemu-img"), "needs qemu-io and qemu-img"))
  func loses() async throws {
    try await withTemporaryDirectory { folder in
      let base = folder.appendingPathComponent("base.qcow2").path
      let disk = folder.appendingPathComponent("disk.qcow2").path
      let made = try await Tool.run(["qemu-img", "create", "-q", "-f", "qcow2", base, "64M"])
      let laid = try await Tool.run([
        "qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", disk,
      ])
      #expect(made.status == 0 && laid.status == 0)
      // The cache that the machine's disk has.
      let options = try #require(
        MachineTests.values("-drive", of: MachineTests.machine(disk: .overlay(disk))).first)
      let cache = try #require(options.split(separator: ",").first { $0.hasPrefix("cache=") }).dropFirst(6)
      // `abort` is the end of a process that is killed: nothing is tidied up.
      _ = try await Tool.run([
        "qemu-io", "-t", String(cache), "-f", "qcow2", "-c", "write -P 1 0 1M", "-c", "flush", "-c",
        "write -P 2 8M 1M", "-c", "abort", disk,
      ])
      func holds(_ pattern: Int, at place: String) async throws -> Bool {
        let read = try await Tool.run([
          "qemu-io", "-r", "-f", "qcow2", "-c", "read -P \(pattern) \(place) 1M", disk,
        ])
        return read.status == 0 && !read.text.contains("failed")
      }
      #expect(try await holds(1, at: "0"))
      #expect(try await holds(0, at: "8M"))
      #expect(try await !holds(2, at: "8M"))
    }
  }
}
