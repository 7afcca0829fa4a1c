import Diagnostics

extension VerificationReport {
  /// What a person reads at the end: the verdict, what is wrong with where to look, where the time went, and what was
  /// decided on the way. A passing report is a handful of lines.
  ///
  /// What the machine or the user wrote is shown with its control characters as escapes, so it cannot drive a terminal.
  ///
  /// - Parameter isStyled: whether headings are bold and the verdict is coloured by terminal codes.
  public func text(isStyled: Bool) -> String {
    let style = Style(isOn: isStyled)
    var lines = ["\(style.verdict(verdict)) \(headline)"]
    if let host { lines.append("  \(host.summary)") }
    if !checks.isEmpty { lines.append("  \(tally)") }
    lines += cuts.map { "  \($0.summary)" }
    if let cause {
      lines += ["", style.heading("What went wrong, in \(cause.stage.printable)")]
      lines += ["  \(cause.message.printable) [\(cause.code.printable)]", "  do: \(cause.hint.printable)"]
    }
    if !failures.isEmpty { lines += ["", style.heading("What does not hold")] }
    for check in failures {
      lines.append("  \(style.bold(check.name.printable)) (\(check.phase.printable))")
      lines += [
        "    expected: \(check.proves.printable)", "    found: \(check.detail.printable)",
        "    looked at: \(check.how.printable)",
      ]
      if let hint = check.hint { lines.append("    do: \(hint.printable)") }
    }
    for item in evidence {
      lines += ["", style.heading(item.title.printable)]
      let shown = item.lines.suffix(Self.evidenceLimit)
      if shown.count < item.lines.count {
        lines.append("  (\((item.lines.count - shown.count).counted("line")) before these)")
      }
      lines += shown.map { $0.isEmpty ? "" : "  \($0.printable)" }
    }
    lines += times(style)
    if !notes.isEmpty { lines.append("") }
    lines += notes.map { "note: \($0.printable)" }
    // A terminal shows the end of a long text.
    if !evidence.isEmpty {
      lines += ["", "\(style.verdict(verdict)) \(cause.map(\.message.printable) ?? tally)"]
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// So many lines of one piece of evidence, of which there may be ten; the other formats have them all.
  private static let evidenceLimit = 12

  private var headline: String {
    "\(payload.name.printable): \(payload.bytes.counted("byte")), sha256 \(payload.sha256.prefix(12)), in \(seconds.shown)"
  }

  /// The checks that failed.
  var failures: [CheckResult] { checks.filter { $0.outcome == .failed } }

  /// How many checks ended how, in words: `31 checks hold, 1 does not, 4 do not apply`.
  var tally: String {
    func count(_ outcome: CheckResult.Outcome) -> Int { checks.count { $0.outcome == outcome } }
    var text = "\(count(.passed).counted("check")) \(count(.passed) == 1 ? "holds" : "hold")"
    if count(.failed) > 0 { text += ", \(count(.failed)) \(count(.failed) == 1 ? "does" : "do") not" }
    if count(.skipped) > 0 {
      text += ", \(count(.skipped)) \(count(.skipped) == 1 ? "does" : "do") not apply"
    }
    return text
  }

  /// Where the time went: a line for all where it passed, and one a stretch where it did not.
  private func times(_ style: Style) -> [String] {
    let groups = Span.Group.allCases.compactMap { group in
      time(of: group).map { "\(group.rawValue) \($0.shown)" }
    }
    guard !groups.isEmpty else { return [] }
    guard verdict != .pass else { return ["  time: \(groups.joined(separator: ", "))"] }
    let names = timeline.map { "\($0.group.rawValue): \($0.name.printable)" }
    let width = names.map(\.count).max() ?? 0
    let rows = zip(timeline, names).map { span, name in
      let end = span.end.map { ($0 - span.start).shown } ?? "never ended"
      return
        "  \(name.padded(right: width))  from \(span.start.shown.padded(left: 7))  \(end.padded(left: 7))"
        + (span.hasFailed ? "  failed" : "")
    }
    return ["", style.heading("Where the time went: \(groups.joined(separator: ", "))")] + rows
  }

  /// When the last thing happened that is known of, in seconds since the verification began: the end of what never ended.
  var horizon: Double {
    let times = timeline.flatMap { [$0.start, $0.end ?? seconds] }.filter(\.isFinite)
    return times.max() ?? 0
  }

  /// How many seconds were spent in a group, those in which two of its stretches ran counted once; nil where it has none.
  func time(of group: Span.Group) -> Double? {
    let spans = timeline.filter { $0.group == group }.sorted { $0.start < $1.start }
    guard let first = spans.first else { return nil }
    var total = 0.0
    var reached = first.start
    for span in spans {
      let end = span.end ?? horizon
      total += max(0, end - max(reached, span.start))
      reached = max(reached, end)
    }
    return total
  }
}

extension VerificationReport.Cut {
  /// The cut in one line: `power cut by reset in install, 63.2 s after the beginning`.
  var summary: String {
    let missed = during == stage ? "" : " (meant for \(stage.printable))"
    return "power cut by \(means.rawValue) in \(during.printable)\(missed), \(at.shown) after the beginning"
  }
}

extension VerificationReport.Host {
  /// The machine in one line: `debian-12 (x86_64), QEMU 7.2.17 with tcg, 2 CPUs, 2,048 MiB`.
  var summary: String {
    var text =
      "\(image.printable) (\(architecture.printable)), QEMU \(qemu.printable) with \(accelerator.printable)"
    text += ", \(cpus.counted("CPU")), \(memory.grouped) MiB"
    if isWarm { text += ", resumed from a snapshot" }
    text += ", \(network.summary)"
    if slowness > 1 { text += ", deadlines \(slowness.rounded(to: 1)) times as long" }
    if let guestStretch { text += ", the guest's own \(guestStretch.rounded(to: 1)) times" }
    return text
  }
}

/// Terminal codes, or none.
private struct Style {
  let isOn: Bool

  func bold(_ text: String) -> String { codes("1", text) }
  func heading(_ text: String) -> String { bold(text) }

  func verdict(_ verdict: Verdict) -> String {
    let colour =
      switch verdict {
      case .pass: "32"
      case .fail: "31"
      case .infra, .inconclusive: "33"
      }
    return codes("1;\(colour)", verdict.rawValue)
  }

  private func codes(_ codes: String, _ text: String) -> String {
    isOn ? "\u{1B}[\(codes)m\(text)\u{1B}[0m" : text
  }
}

extension Double {
  /// A duration in seconds, in tenths below 100: `4.1 s`, `154 s`.
  var shown: String {
    abs(self) < 99.95 ? "\(rounded(to: 1)) s" : "\(Int(exactly: rounded())?.grouped ?? "?") s"
  }

  /// The number with so many digits after the point at most, from 0 to 3.
  func rounded(to digits: Int) -> Double {
    let scale = [1.0, 10, 100, 1000][digits]
    return (self * scale).rounded() / scale
  }
}
