import Testing

@testable import Verifier

@Suite("Progress") struct ProgressTests {
  /// What is written for events, one text an event.
  private func write(on medium: Progress.Medium, _ events: [(Double, Progress.Event)]) -> [String] {
    var progress = Progress(on: medium)
    return events.map { String(decoding: progress.bytes(for: $0.1, at: $0.0), as: UTF8.self) }
  }

  // MARK: Lines

  @Test("without a terminal there is one line a stage, with the time")
  func stages() {
    #expect(
      write(
        on: .lines,
        [
          (0, .stage("kernel", awaiting: "its first line")), (1, .console("Linux version 6.1.0")), (2, .tick),
          (2.5, .stage("kernel", awaiting: "the first process")),
          (9.9, .stage("cloud-init: init-local", awaiting: "its end")),
          (75, .end),
        ]) == ["0:00  kernel\n", "", "", "", "0:09  cloud-init: init-local\n", ""])
  }

  @Test(
    "a stage that lasts says every 30 s that it is alive, for how long, what it waits for and the console's last line"
  )
  func heartbeat() {
    var progress = Progress(on: .lines)
    var lines: [String] = []
    func take(_ event: Progress.Event, _ seconds: Double) {
      let text = String(decoding: progress.bytes(for: event, at: seconds), as: UTF8.self)
      if !text.isEmpty { lines.append(text) }
    }
    take(.stage("bootstrap: ready", awaiting: "the Node to be Ready"), 60)
    for second in 61...140 {
      // The console is as busy as it likes, and its empty lines hide nothing.
      if second > 95 {
        for index in 0..<100 { take(.console("k3s: line \(second).\(index)"), Double(second)) }
      }
      take(.console("  "), Double(second))
      take(.tick, Double(second))
    }
    #expect(
      lines
        == [
          "1:00  bootstrap: ready\n",
          "1:30  still in bootstrap: ready after 30.0 s, waiting for the Node to be Ready\n",
          "2:00  still in bootstrap: ready after 60.0 s, waiting for the Node to be Ready; the console says: k3s: line 120.0\n",
        ])
  }

  @Test("a note is a line of its own at once, and counts as a sign of life")
  func notes() {
    #expect(
      write(
        on: .lines,
        [
          (0, .stage("kernel", awaiting: "x")), (20, .note("kvm ran nothing: went on with tcg")), (31, .tick),
          (49, .tick),
          (50, .tick),
        ]) == [
          "0:00  kernel\n", "0:20  kvm ran nothing: went on with tcg\n", "", "",
          "0:50  still in kernel after 50.0 s, waiting for x\n",
        ])
  }

  @Test("before there is a stage nothing is said")
  func silence() {
    for medium in [Progress.Medium.lines, .terminal(columns: 80)] {
      #expect(
        write(on: medium, [(0, .tick), (100, .tick), (101, .console("x")), (102, .end)]) == ["", "", "", ""])
    }
  }

  // MARK: Terminal

  @Test("a terminal has one line, drawn over itself: time, stage, its own time, the console's last line")
  func terminal() {
    let clear = "\r\u{1B}[K"
    #expect(
      write(
        on: .terminal(columns: 80),
        [
          (0, .stage("kernel", awaiting: "x")), (1, .console("Linux version 6.1.0")), (62, .tick),
          (62.5, .stage("cloud-init: init-local", awaiting: "x")), (63, .note("a note")), (64, .end),
        ]) == [
          "\(clear)0:00  kernel (0.0 s)", "\(clear)0:01  kernel (1.0 s)  Linux version 6.1.0",
          "\(clear)1:02  kernel (62.0 s)  Linux version 6.1.0",
          "\(clear)1:02  cloud-init: init-local (0.0 s)  Linux version 6.1.0",
          "\(clear)a note\n\(clear)1:03  cloud-init: init-local (0.5 s)  Linux version 6.1.0", clear,
        ])
  }

  @Test("ten thousand console lines in a second are ten pictures at most, and the next tick shows the last")
  func frames() {
    var progress = Progress(on: .terminal(columns: 80))
    _ = progress.bytes(for: .stage("kernel", awaiting: "x"), at: 0)
    let written = (0..<10_000).count {
      !progress.bytes(for: .console("line \($0)"), at: Double($0) / 10_000).isEmpty
    }
    #expect((5...10).contains(written))
    #expect(String(decoding: progress.bytes(for: .tick, at: 1.1), as: UTF8.self).hasSuffix("  line 9999"))
  }

  @Test(
    "the line never reaches the last column, however wide its characters are drawn",
    arguments: [1, 2, 10, 40, 80, 200],
    [
      "plain text that is long enough to be cut somewhere in a line of eighty columns, and more so in less",
      String(repeating: "漢字", count: 100), String(repeating: "🥝", count: 100),
      String(repeating: "e\u{301}", count: 200),
      String(repeating: "👩‍👩‍👧‍👦", count: 60),
    ])
  func width(_ columns: Int, _ console: String) throws {
    var progress = Progress(on: .terminal(columns: columns))
    _ = progress.bytes(for: .stage("kernel", awaiting: "x"), at: 0)
    let text = String(decoding: progress.bytes(for: .console(console), at: 1), as: UTF8.self)
    let shown = text.dropFirst("\r\u{1B}[K".count)
    // Upper bound of every terminal's own count: two columns for all that is not in the Latin and Greek of U+0000 to U+10FF.
    let drawn = shown.unicodeScalars.reduce(0) { $0 + ($1.value < 0x1100 ? 1 : 2) }
    #expect(drawn <= columns - 1)
    let whole = "0:01  kernel (1.0 s)  " + console
    #expect(whole.hasPrefix(shown))
    // As much as fits is shown.
    if console.unicodeScalars.allSatisfy(\.isASCII) { #expect(drawn == min(columns - 1, whole.count)) }
  }

  @Test(
    "neither medium lets through what would drive a terminal",
    arguments: [Progress.Medium.lines, .terminal(columns: 400)])
  func controls(_ medium: Progress.Medium) {
    let hostile = "\u{1B}[2J\u{9B}31m\u{7}\r\nbreak\u{202E}"
    let text = write(
      on: medium,
      [
        (0, .stage(hostile, awaiting: hostile)), (1, .console(hostile)), (2, .note(hostile)), (40, .tick),
        (41, .end),
      ]
    ).joined()
    let rest = text.replacing("\r\u{1B}[K", with: "").unicodeScalars.filter {
      $0.properties.generalCategory == .control || $0 == "\u{202E}"
    }
    #expect(rest.allSatisfy { $0 == "\n" })
    #expect(text.contains("\\u{1b}[2J"))
    #expect(!text.contains("\nbreak"))
  }
}
