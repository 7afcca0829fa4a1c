import Testing

@testable import Verifier

@Suite("The report at a terminal") struct ReportTextTests {
  @Test("a passing run is short: verdict, machine, tally, times, notes")
  func passing() {
    #expect(
      ReportSamples.passing.text(isStyled: false) == """
        PASS server.yaml: 10,912 bytes, sha256 9d4c3b0f6a1e, in 183 s
          debian-12 (x86_64), QEMU 7.2.17 with tcg, 2 CPUs, 3,072 MiB, no network but its seed, deadlines 1.4 times as long
          29 checks hold, 3 do not apply
          time: kernel 5.5 s, system 15.3 s, cloud-init 47.3 s, bootstrap 54.7 s, checks 63.5 s

        note: kvm opened but ran nothing for 20 s: went on with tcg

        """)
  }

  @Test("a failing run says of each check what was expected, what was found and what to do")
  func failing() {
    let text = ReportSamples.failing.text(isStyled: false)
    #expect(text.hasPrefix("FAIL server.yaml: "))
    #expect(text.hasSuffix("\n\nFAIL 4 checks hold, 3 do not, 5 do not apply\n"))
    #expect(text.contains("\n  4 checks hold, 3 do not, 5 do not apply\n"))
    #expect(
      text.contains(
        """
          k3s-binary (boot)
            expected: the K3s that runs is the pinned one
            found: there is no /usr/local/bin/k3s
            looked at: sha256 of /usr/local/bin/k3s
            do: check the pin, or the mirror that served other bytes

        """))
    #expect(!text.contains("api-ready"))
    #expect(
      text.contains("\nfailed unit k3seed-bootstrap.service\n  download: trying https://mirror.example/"))
    #expect(text.contains("bootstrap: download         from  63.4 s    8.5 s  failed\n"))
  }

  @Test("a hung run names the stage, and shows the stretch that never ended")
  func hung() {
    let text = ReportSamples.hung.text(isStyled: false)
    #expect(
      text.contains(
        """

        What went wrong, in cloud-init: modules-final
          runcmd has run for 300 s without a sign of life: sleep infinity [stage-hung]
          do: let runcmd start a unit instead, or bound the command with timeout(1)

        """))
    #expect(text.contains("cloud-init: modules-final   from  55.0 s  never ended\n"))
    #expect(text.hasSuffix("\n\nFAIL runcmd has run for 300 s without a sign of life: sleep infinity\n"))
    #expect(text.contains("Where the time went: kernel 5.5 s, system 15.3 s, cloud-init 338 s\n"))
  }

  @Test("a run that never came to a machine has neither checks nor times")
  func hostless() {
    #expect(
      ReportSamples.hostless.text(isStyled: false) == """
        INFRA server.yaml: 10,912 bytes, sha256 9d4c3b0f6a1e, in 0.0 s

        What went wrong, in host
          there is no qemu-system-x86_64 on PATH [qemu-missing]
          do: install it: apt-get install qemu-system-x86

        """)
  }

  @Test(
    "only what was asked for is coloured, and without the codes it is the same text",
    arguments: ReportSamples.all)
  func styles(_ sample: ReportSample) {
    let styled = sample.report.text(isStyled: true)
    #expect(styled.hasPrefix("\u{1B}[1;"))
    let codes = /\u{1B}\[[0-9;]*m/
    #expect(styled.replacing(codes, with: "") == sample.report.text(isStyled: false))
  }

  @Test("no control character of the machine or the user reaches the terminal")
  func controls() {
    let text = ReportSamples.hostile.text(isStyled: false)
    let passed = text.unicodeScalars.filter {
      $0 != "\n" && ($0.properties.generalCategory == .control || (0x202A...0x202E).contains($0.value))
    }
    #expect(passed.isEmpty)
    #expect(text.contains("\\u{1b}[2J"))
    // A line feed in a text must not make a line of its own.
    #expect(!text.split(separator: "\n").contains { $0.hasPrefix("break") })
  }

  @Test("of a long piece of evidence the end is shown, and how much there is before it")
  func longEvidence() {
    var report = ReportSamples.hung
    report.evidence = [.init(title: "journal", lines: (1...100).map { "line \($0)" })]
    let text = report.text(isStyled: false)
    #expect(text.contains("\njournal\n  (88 lines before these)\n  line 89\n"))
    #expect(text.contains("  line 100\n"))
  }

  @Test(
    "durations have tenths below 100 seconds and no more",
    arguments: [
      (0.04, "0.0 s"), (0.05, "0.1 s"), (4.0, "4.0 s"), (99.94, "99.9 s"), (99.96, "100 s"),
      (1234.5, "1,235 s"),
      (.infinity, "? s"), (.nan, "? s"),
    ])
  func durations(_ seconds: Double, _ shown: String) {
    #expect(seconds.shown == shown)
  }

  @Test("time in which two stretches of a group ran counts once")
  func overlap() {
    var report = ReportSamples.hostless
    report.timeline = [(0.0, 4.0), (1, 3), (2, 6), (8, 9)].map {
      .init(group: .system, name: "x", start: $0.0, end: $0.1, hasFailed: false)
    }
    #expect(report.time(of: .system) == 7)
    #expect(report.time(of: .kernel) == nil)
  }
}
