import Testing

@testable import Verifier

@Suite("The serial console")
struct ConsoleTests {
  @Test("Lines are put together from whatever pieces come, without colours and control characters")
  func lines() {
    var console = Console()
    #expect(console.take("[  OK  ] Star".utf8).isEmpty)
    #expect(
      console.take("ted \u{1B}[0;1;39mssh\u{1B}[0m.\r\nvm login: ".utf8) == ["[  OK  ] Started ssh."])
    #expect(console.prompt == "vm login: ")
    #expect(console.take("\u{1B}[2J\u{07}\u{9B}x\n".utf8).count == 1)
    #expect(console.lines.count == 2)
    #expect(console.lines.allSatisfy { line in line.unicodeScalars.allSatisfy { $0.value >= 0x20 } })
  }

  @Test("A line without end takes no more memory than a page")
  func endless() {
    var console = Console()
    let lines = console.take([UInt8](repeating: 0x61, count: 1 << 20))
    #expect(lines.allSatisfy { $0.utf8.count <= 4_096 })
    #expect(console.prompt.utf8.count <= 4_096)
  }

  @Test("The oldest of too many lines go, and how many is known")
  func limit() {
    var console = Console()
    for number in 0..<25_000 { _ = console.take("line \(number)\n".utf8) }
    #expect(console.lines.count == 20_000)
    #expect(console.dropped == 5_000)
    #expect(console.lines.last == "line 24999")
    #expect(
      console.transcript.prefix(2) == [
        "--- k3seed verify: 5,000 earlier lines were left out ---", "line 5000",
      ])
    #expect(console.transcript.count == 20_001 && console.transcript.last == "line 24999")
    _ = console.take("vm login: ".utf8)
    #expect(console.transcript.last == "vm login: ")
    var whole = Console()
    _ = whole.take("all\n".utf8)
    #expect(whole.transcript == ["all"])
  }

  @Test("A flood of long lines takes no more memory than the report has room for")
  func flood() {
    var console = Console()
    for number in 0..<10_000 {
      _ = console.take(Array("\(number) \(String(repeating: "x", count: 4_000))\n".utf8))
    }
    #expect(console.lines.reduce(0) { $0 + $1.utf8.count } <= 8 << 20)
    #expect(console.dropped + console.lines.count == 10_000)
    #expect(console.lines.last?.hasPrefix("9999 ") == true)
  }

  @Test(
    "What a machine cannot come back from is known by its words",
    arguments: [
      ("[   12.345678] Kernel panic - not syncing: sysrq triggered crash", "guest-panic", Verdict.fail),
      ("You are in emergency mode. After logging in, type", "guest-emergency", .fail),
      ("[  101.2] Out of memory: Killed process 812 (k3s-server)", "guest-out-of-memory", .fail),
      ("ALERT!  /dev/vda does not exist.  Dropping to a shell!", "image-unbootable", .infra),
      ("(initramfs) ", "image-unbootable", .infra), ("No bootable device.", "image-unbootable", .infra),
      ("grub rescue> ", "image-unbootable", .infra),
      ("[    3.1] VFS: Unable to mount root fs on unknown-block(0,0)", "image-unbootable", .infra),
    ])
  func fatal(line: String, code: String, verdict: Verdict) throws {
    let fatal = try #require(Console.fatal(in: line))
    #expect(fatal.code == code)
    #expect(fatal.verdict == verdict)
  }

  @Test(
    "A service that prints such words does not end the machine",
    arguments: [
      "[  121.290708] cloud-init[511]: Kernel panic - not syncing: only kidding",
      "cloud-init[812]: You are in emergency mode", "systemd[1]: Reached target basic.target",
      "[    1.0] Kernel command line: panic=1", "",
    ])
  func harmless(line: String) { #expect(Console.fatal(in: line) == nil) }

  @Test("A kernel's line has its clock in front, or is the banner")
  func kernel() {
    for line in ["[    0.000000] Linux version 6.1.0", "[   12.345678] x", "Linux version 6.12"] {
      #expect(Watch.isKernelLine(line), "\(line)")
    }
    for line in [
      "SeaBIOS (version 1.16.2)", "[  OK  ] Started", "[1] x", "[ .5] x", "[5.] x", "GRUB", "", "[",
    ] {
      #expect(!Watch.isKernelLine(line), "\(line)")
    }
  }
}
