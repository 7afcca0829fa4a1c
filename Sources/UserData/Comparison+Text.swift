import Diagnostics
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

  /// The comparison for a terminal.
  public var text: String {
    var text = ""
    for section in sections {
      text += "\(section.verb) \(section.place)  (\(section.stage)\(section.note))\n"
      if let reason = section.reason { text += "    \(reason.printable)\n" }
      for line in section.lines { text += "    \(line)\n" }
    }
    return text + (sections.isEmpty ? "" : "\n") + summary + "\n"
  }

  /// The comparison for a comment on a pull request.
  public var markdown: String {
    var text = "**\(summary)**\n"
    guard !sections.isEmpty else { return text }
    text += "\n| | Where | Stage |\n|---|---|---|\n"
    for section in sections {
      text +=
        "| \(section.verb) | \(section.place.code) | \(section.stage.escapedHTML.replacing("|", with: "\\|"))\(section.note) |\n"
    }
    for section in sections where !section.changes.isEmpty {
      // More backticks than stand in a row anywhere within.
      let fence = String(
        repeating: "`", count: max(3, section.lines.map(\.longestTicks).max().map { $0 + 1 } ?? 3))
      text += "\n<details><summary>\(section.place.escapedHTML)</summary>\n\n"
      if let reason = section.reason { text += "\(reason.printable.escapedHTML)\n\n" }
      text += "\(fence)diff\n"
      for line in section.diff { text += "\(line)\n" }
      text += "\(fence)\n\n</details>\n"
    }
    return text
  }

  /// The comparison for programs: the same keys in the same order every time, and null for what is not there.
  public var document: Node {
    func optional(_ text: String?) -> Node { text.map { Node(.string($0)) } ?? Node(.null) }
    return .mapping([
      "schema": 1,
      "same": Node(.bool(isSame)),
      "effect": optional(isSame ? nil : effect.name),
      "platform": optional(platform?.rawValue),
      "replaces": platform.map { Node(.bool(!isSame && $0.change.replaces)) } ?? Node(.null),
      "sections": Node(
        .sequence(
          sections.map { section in
            .mapping([
              "place": optional(section.place), "stage": optional(section.stage),
              "kind": optional(section.verb), "effect": optional(section.effect.name),
              "changes": Node(
                .sequence(
                  section.changes.map {
                    .mapping(["path": optional($0.path), "old": optional($0.old), "new": optional($0.new)])
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
  fileprivate var lines: [String] {
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

  /// As code in a table of Markdown.
  fileprivate var code: String { "`\(replacing("|", with: "\\|").replacing("`", with: "'"))`" }

  fileprivate var escapedHTML: String {
    replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
