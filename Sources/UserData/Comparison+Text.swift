public import Diagnostics
import Inputs
import Plan
public import YAML

extension Comparison {
  /// What the differences mean, on one line.
  public var summary: String {
    if isSame { return "the same bytes" }
    let places = "\(sections.count) \(sections.count == 1 ? "place differs" : "places differ")"
    let effect =
      switch (sections.isEmpty, self.effect) {
      case (true, _): "cosmetic: other bytes, but nodes do the same"
      case (_, .cosmetic): "\(places), cosmetic: nodes do the same"
      case (_, .newNodes): "\(places), for nodes that boot with it: what runs already is not changed"
      }
    return effect + (platform.map { "; on \($0.rawValue) \($0.change.text)" } ?? "")
  }

  /// The comparison as text.
  ///
  /// - Parameters:
  ///   - showsContent: whether values are shown, without what is recognised as a secret; else places alone.
  ///   - style: the terminal that it is for.
  public func text(showsContent: Bool, style: TerminalStyle = .none) -> String {
    func coloured(_ line: String) -> String {
      switch line.first {
      case "+": style.coloured(line, .good)
      case "-": style.coloured(line, .bad)
      default: line
      }
    }
    var text = ""
    for section in sections {
      text +=
        style.coloured("\(section.verb) \(section.place.structureName)", .strong)
        + "  (\(section.stage.structureName)\(section.note))\n"
      if let reason = section.reason { text += "    \(reason.printable)\n" }
      for line in section.lines(showsContent) { text += "    \(coloured(line))\n" }
    }
    text += (sections.isEmpty ? "" : "\n") + summary + "\n"
    return text + (showsContent && !sections.isEmpty ? "\(Redactor.caution)\n" : "")
  }

  /// The comparison for a comment on a pull request; what of it is from the user-data is code, and nothing else.
  ///
  /// - Parameter showsContent: as of ``text(showsContent:)``.
  public func markdown(showsContent: Bool) -> String {
    var text = "**\(summary)**\n"
    guard !sections.isEmpty else { return text }
    text += "\n| | Where | Stage |\n|---|---|---|\n"
    for section in sections {
      text +=
        "| \(section.verb) | \(section.place.structureName.markdownCode) | \(section.stage.structureName.markdownCode)\(section.note) |\n"
    }
    for section in sections where !section.changes.isEmpty {
      let lines = showsContent ? section.diff : section.lines(false)
      // More backticks than stand in a row anywhere within.
      let fence = String(repeating: "`", count: max(3, lines.map(\.longestTicks).max().map { $0 + 1 } ?? 3))
      text += "\n<details><summary>\(section.place.structureName.markdownCode)</summary>\n\n"
      if let reason = section.reason { text += "\(reason.printable.markdownCode)\n\n" }
      text += "\(fence)\(showsContent ? "diff" : "text")\n"
      for line in lines { text += "\(line)\n" }
      text += "\(fence)\n\n</details>\n"
    }
    return text + (showsContent ? "\n\(Redactor.caution)\n" : "")
  }

  /// The comparison for programs: the same keys in the same order every time, and null for what is not there or not
  /// shown.
  ///
  /// - Parameter showsContent: as of ``text(showsContent:)``.
  public func document(showsContent: Bool) -> Node {
    func optional(_ text: String?) -> Node { text.map { Node(.string($0)) } ?? Node(.null) }
    return .mapping([
      "schema": 2,
      "same": Node(.bool(isSame)),
      "effect": optional(isSame ? nil : effect.name),
      "platform": optional(platform?.rawValue),
      "replaces": platform.map { Node(.bool(!isSame && $0.change.replaces)) } ?? Node(.null),
      "shown": optional(showsContent ? "content, without what is recognised as a secret" : "structure"),
      "sections": Node(
        .sequence(
          sections.map { section in
            .mapping([
              "place": optional(section.place.structureName), "stage": optional(section.stage.structureName),
              "kind": optional(section.verb), "effect": optional(section.effect.name),
              "changes": Node(
                .sequence(
                  section.changes.map { change in
                    let isShown = showsContent || change.isStructure
                    return .mapping([
                      "path": optional(change.path.structureName), "kind": optional(change.verb),
                      "old": optional(isShown ? change.old : nil),
                      "new": optional(isShown ? change.new : nil),
                    ])
                  })),
            ])
          })),
    ])
  }
}

extension Comparison.Effect {
  fileprivate var name: String { self == .cosmetic ? "cosmetic" : "new-nodes" }
}

extension Comparison.Section {
  fileprivate var verb: String { isAdded.map { $0 ? "added" : "removed" } ?? "changed" }
  fileprivate var note: String { effect == .cosmetic ? ", cosmetic" : "" }

  /// As many as a person reads.
  private static let most = 40

  /// A line for each change.
  fileprivate func lines(_ showsContent: Bool) -> [String] { showsContent ? valueLines : placeLines }

  /// Where something differs: lines by their numbers, values by their paths.
  private var placeLines: [String] {
    let removed = changes.filter { $0.new == nil }.compactMap(\.lineNumber)
    let added = changes.filter { $0.old == nil }.compactMap(\.lineNumber)
    let lines = [("-", removed), ("+", added)].filter { !$0.1.isEmpty }.map { sign, numbers in
      "\(sign) \(numbers.count == 1 ? "line" : "lines") \(numbers.ranges)"
    }
    return capped(
      lines
        + changes.filter { $0.lineNumber == nil }.map { change in
          let path = change.path.structureName
          guard change.isStructure else { return "\(path)  \(change.verb)" }
          return "\(path)  \(change.old?.structureName ?? "none") -> \(change.new?.structureName ?? "none")"
        })
  }

  private var valueLines: [String] {
    capped(
      changes.map { change in
        switch (change.old, change.new) {
        case (_, _) where change.isHidden: "\(change.path)  another value, not shown"
        case (let old?, let new?): "\(change.path)  \(old.orEmpty) -> \(new.orEmpty)"
        case (let old?, nil): "\(change.path)  - \(old)"
        case (nil, let new?): "\(change.path)  + \(new)"
        case (nil, nil): change.path
        }
      })
  }

  /// Lines as `diff` marks them.
  fileprivate var diff: [String] {
    capped(
      changes.flatMap { change in
        change.isHidden
          ? ["! \(change.path): another value, not shown"]
          : [change.old.map { "- \(change.path): \($0)" }, change.new.map { "+ \(change.path): \($0)" }]
            .compactMap(\.self)
      })
  }

  private func capped(_ lines: [String]) -> [String] {
    let shown = lines.prefix(Self.most).map(\.printable)
    return lines.count <= Self.most
      ? shown : shown + ["… \(lines.count - Self.most) more; --format json has all"]
  }
}

extension String {
  fileprivate var orEmpty: String { isEmpty ? "''" : self }

  /// The most backticks in a row.
  fileprivate var longestTicks: Int {
    var longest = 0
    var row = 0
    for byte in utf8 {
      row = byte == UInt8(ascii: "`") ? row + 1 : 0
      longest = max(longest, row)
    }
    return longest
  }

  /// A name or path of user-data as structure shows it: not at all where it looks like a secret itself.
  var structureName: String { shownName.printable }
}

extension [Int] {
  /// Ascending numbers, those in a row as one range: `1-3, 7`.
  fileprivate var ranges: String {
    var runs: [ClosedRange<Int>] = []
    for number in self {
      if let last = runs.last, last.upperBound + 1 == number {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ", ")
  }
}

extension Comparison.Change {
  /// The number of a line of a text; nil of what is no line.
  fileprivate var lineNumber: Int? {
    path.hasPrefix("line ") ? Int(path.dropFirst(5)) : nil
  }

  fileprivate var verb: String { old == nil ? "added" : new == nil ? "removed" : "changed" }

  /// Whether what differs is no content: a size, or what `write_files` says of a file.
  fileprivate var isStructure: Bool { ["permissions", "owner", "append", "defer", "content"].contains(path) }
}
