import Diagnostics
import Page

extension VerificationReport {
  /// The report as one page for a browser that loads nothing, and needs no script to be read.
  public var html: String {
    Page(
      title: "\(verdict.rawValue) · \(payload.name) · k3seed verify", tone: verdict.tone, icon: verdict.icon,
      style: EmbeddedFiles.text(of: "report.css"),
      script: Page.Script(
        EmbeddedFiles.text(of: "report.js"), sha256: "7tFQJ34qTFYd+uUSHifq0sHPgAiZG09A62I5rT+gpJQ="),
      header: header, sections: sections,
      footer: "Written by <code>k3seed verify</code>. The page is whole: it loads nothing."
    ).html
  }

  // MARK: The page

  private var sections: [Page.Section] {
    var sections: [Page.Section] = []
    func add(_ id: String, _ title: String, _ isThere: Bool, _ content: @autoclosure () -> Markup) {
      if isThere { sections.append(Page.Section(id: id, title: title, content: content())) }
    }
    add("wrong", "What went wrong", cause != nil || !failures.isEmpty, wrong)
    add("evidence", "Evidence", !evidence.isEmpty, evidencePanels)
    add("time", "Where the time went", !timeline.isEmpty, waterfall)
    add("checks", "Checks", !checks.isEmpty, checkTable)
    add("console", "Console", !console.isEmpty, consolePanel)
    return sections
  }

  private var header: Markup {
    """
    <div class="headline">
    <span class="mark">\(Markup.icon(verdict.symbol))</span>
    <div>
    <h1><strong>\(verdict.rawValue)</strong> <bdi>\(payload.name)</bdi></h1>
    <p>\(verdict.meaning)\(checks.isEmpty ? "" : " \(tally.prefix(1).uppercased() + tally.dropFirst()).")</p>
    </div>
    </div>
    <dl class="facts">
    <div><dt>User-data</dt><dd>\(payload.bytes.counted("byte")), \(payload.isOwn ? "made by k3seed" : "not made by k3seed")</dd>\
    <dd class="hash mono">\(payload.sha256)</dd></div>
    <div><dt>Took</dt><dd>\(seconds.shown), exit code \(Int(verdict.exitCode))</dd></div>
    <div class="machine"><dt>Machine</dt><dd>\(host?.summary ?? "none: it did not come to that")</dd></div>
    \(cuts, each: { "<div><dt>Power</dt><dd>\($0.summary)</dd></div>\n" })\
    \(notes, each: { "<div><dt>Note</dt><dd>\($0)</dd></div>\n" })</dl>

    """
  }

  // MARK: What went wrong

  private var wrong: Markup {
    let ids = Dictionary(
      rows.flatMap { row in row.results.values.map { ($0, row.id) } }, uniquingKeysWith: { first, _ in first }
    )
    return "\(cause.map(Self.panel))\(failures, each: { Self.panel($0, id: ids[$0] ?? "") })"
  }

  private static func panel(_ cause: Cause) -> Markup {
    """
    <div class="panel finding">
    <h3>\(cause.message)</h3>
    <dl>
    <dt>Stage</dt><dd>\(cause.stage)</dd>
    <dt>Code</dt><dd><code>\(cause.code)</code></dd>
    <dt>Do</dt><dd>\(cause.hint)</dd>
    </dl>
    </div>

    """
  }

  private static func panel(_ check: CheckResult, id: String) -> Markup {
    """
    <div class="panel finding fail">
    <h3><a href="#\(id)"><code>\(check.name)</code></a> <span class="muted">(\(check.phase))</span></h3>
    <dl>
    <dt>Expected</dt><dd>\(check.proves)</dd>
    <dt>Found</dt><dd><strong>\(check.detail)</strong></dd>
    <dt>Looked at</dt><dd>\(check.how)</dd>
    \(check.hint.map { "<dt>Do</dt><dd>\($0)</dd>\n" })</dl>
    </div>

    """
  }

  private var evidencePanels: Markup {
    // What there is more of than a screen or two is a click away.
    "\(evidence.enumerated(), each: { index, item in """
      <details class="panel"\(index < 3 ? " open" : nil as Markup?)>
      <summary><h3>\(item.title)</h3> <span class="muted">\(item.lines.count.counted("line"))</span></summary>
      <pre>
      \(item.lines, each: { "\($0)\n" })</pre>
      </details>

      """ })"
  }

  // MARK: Where the time went

  private var waterfall: Markup {
    let axis = Axis(to: horizon, unit: "s")
    return """
      <div class="panel chart">
      <table class="waterfall" style="\(axis.grid)">
      <thead><tr><th class="name" scope="col">Stage</th><th class="time start">From</th><th class="time">For</th>\
      <th class="bars">\(axis.markup("Seconds since the verification began"))</th></tr></thead>
      \(Span.Group.allCases, each: { rows(of: $0, axis) ?? "" })</table>
      </div>

      """
  }

  /// A group's rows: one for all of it, and one a stretch unless there is but one of the group's own name.
  private func rows(of group: Span.Group, _ axis: Axis) -> Markup? {
    let spans = timeline.filter { $0.group == group }
    guard let total = time(of: group), let first = spans.first else { return nil }
    let all = Span(
      group: group, name: group.rawValue, start: spans.map(\.start).reduce(first.start, min),
      end: spans.contains { $0.end == nil } ? nil : spans.compactMap(\.end).max(),
      hasFailed: spans.count == 1 && first.hasFailed)
    let isOne = spans.count == 1 && first.name == group.rawValue
    return """
      <tbody class="\(group.rawValue)">
      \(row(all, total, axis, isOne ? "group" : "group sum"))\
      \(isOne ? [] : spans, each: { row($0, ($0.end ?? horizon) - $0.start, axis, "stage") })</tbody>

      """
  }

  private func row(_ span: Span, _ duration: Double, _ axis: Axis, _ kind: String) -> Markup {
    let isSum = kind == "group sum"
    // A group says nothing of its own: its stages do.
    let flags =
      isSum
      ? [] : [span.hasFailed ? "failed" : nil, span.end == nil ? "never ended" : nil].compactMap(\.self)
    let bar = axis.bar(
      from: span.start, to: span.end ?? horizon, height: isSum ? 4 : 10, isHatched: !flags.isEmpty)
    return """
      <tr class="\(kind)\(span.hasFailed ? " failed" : "")">\
      <th scope="\(kind == "stage" ? "row" : "rowgroup")">\(span.name)\
      \(flags, each: { " <span class=\"flag\">\(Markup.icon("fail")) \($0)</span>" })</th>\
      <td class="start">\(span.start.shown)</td><td>\(duration.shown)</td>\
      <td class="bars">\(bar)</td></tr>

      """
  }

  // MARK: Checks

  /// A check with what it found in each boot.
  private struct Row {
    var first: CheckResult
    var results: [String: CheckResult]

    var id: String
  }

  /// One row a check, with what it found in each boot. A name that comes again in the same boot has a row of its own.
  private var rows: [Row] {
    var rows: [Row] = []
    for check in checks {
      if let index = rows.firstIndex(where: { $0.first.name == check.name && $0.results[check.phase] == nil })
      {
        rows[index].results[check.phase] = check
      } else {
        rows.append(Row(first: check, results: [check.phase: check], id: "check-\(rows.count)"))
      }
    }
    return rows
  }

  private var checkTable: Markup {
    let phases = checks.reduce(into: [String]()) { if !$0.contains($1.phase) { $0.append($1.phase) } }
    return """
      <div class="panel">
      <table class="results" role="table">
      <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Check</th>\
      \(phases, each: { "<th class=\"outcome\" scope=\"col\" role=\"columnheader\">\($0)</th>" })\
      <th scope="col" role="columnheader">What was seen</th></tr></thead>
      <tbody role="rowgroup">
      \(rows, each: { Self.row($0, phases) })</tbody>
      </table>
      </div>

      """
  }

  private static func row(_ row: Row, _ phases: [String]) -> Markup {
    let results = phases.compactMap { row.results[$0] }
    let failed = results.first { $0.outcome == .failed }
    let isSame = results.allSatisfy { $0.detail == row.first.detail }
    return """
      <tr\(failed == nil ? nil : " class=\"failed\"" as Markup?) id="\(row.id)" role="row">\
      <th scope="row" role="rowheader"><p><code>\(row.first.name)</code></p><p>\(row.first.proves)</p></th>\
      \(phases, each: { cell(row.results[$0], phase: $0) })\
      <td role="cell">\(isSame ? "<p>\(row.first.detail)</p>" : "\(results, each: { "<p>\($0.phase): \($0.detail)</p>" })" as Markup)\
      <p class="how">looked at: \(row.first.how)</p>\(failed?.hint.map { "<p>do: \($0)</p>" })</td></tr>

      """
  }

  private static func cell(_ check: CheckResult?, phase: String) -> Markup {
    guard let check else { return "<td class=\"outcome none\" role=\"cell\"></td>" }
    let (symbol, word) =
      switch check.outcome {
      case .passed: ("pass", "holds")
      case .failed: ("fail", "fails")
      case .skipped: ("skip", "skipped")
      }
    return """
      <td class="outcome \(check.outcome.rawValue)" role="cell"><span class="phase">\(phase) </span>\
      \(Markup.icon(symbol)) \(word)</td>
      """
  }

  // MARK: Console

  private var consolePanel: Markup {
    """
    <details class="panel"\(verdict == .pass ? nil : " open" as Markup?)>
    <summary><h3>Serial console</h3> <span class="muted">\(console.count.counted("line"))</span></summary>
    <div role="search" hidden><label for="search">Show only lines with</label> <input id="search" type="search" autocomplete="off" spellcheck="false"> \
    <span id="search-status" class="muted" role="status"></span></div>
    <ol id="console-lines">
    \(console.enumerated(), each: { """
      <li id="L\($0 + 1)"><a href="#L\($0 + 1)" tabindex="-1" aria-label="Line \($0 + 1)">\($0 + 1)</a><span>\($1)</span></li>

      """ })</ol>
    </details>

    """
  }
}

extension Verdict {
  /// The symbol that stands for it.
  fileprivate var symbol: String {
    switch self {
    case .pass: "pass"
    case .fail: "fail"
    case .infra: "warn"
    case .inconclusive: "unknown"
    }
  }

  /// The page's colours.
  fileprivate var tone: String { self == .inconclusive ? "warn" : symbol }

  fileprivate var meaning: String {
    switch self {
    case .pass:
      "Every check that applies holds. (Who made the user-data could have it forge this: it runs as root, beside the probe.)"
    case .fail: "The user-data, or what it made of the machine, is at fault."
    case .infra: "The host is at fault: of the user-data nothing is said."
    case .inconclusive: "Nothing can be said of the user-data: the machine went where it could not be seen."
    }
  }

  /// A picture for the browser's tab: a check mark, a cross, or an exclamation mark.
  fileprivate var icon: String {
    let (colour, path) =
      switch self {
      case .pass: ("1a7f37", "M4 8.4l2.7 2.7 5.3-6")
      case .fail: ("c4122f", "M5 5l6 6M11 5l-6 6")
      case .infra, .inconclusive: ("8f5a00", "M8 3.6v5M8 11.8v.2")
      }
    return "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
      + "%3Ccircle cx='8' cy='8' r='8' fill='%23\(colour)'/%3E"
      + "%3Cpath d='\(path)' fill='none' stroke='white' stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E"
  }
}

extension EmbeddedFiles {
  /// A file of this room's folder Embedded.
  fileprivate static func text(of name: String) -> String {
    all.first { $0.name == name }?.text ?? ""
  }
}
