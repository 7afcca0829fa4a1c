public import Diagnostics
public import YAML

extension ClusterState {
  /// The picture for people: by phase, a line each, and below it what keeps an Application from being done.
  ///
  /// - Parameter style: the terminal that it is for.
  public func text(style: TerminalStyle = .none) -> String {
    guard !entries.isEmpty else { return "no Applications\n" }
    let width = entries.map(\.name.count).max() ?? 0
    let syncs = entries.map(\.shownSync.count).max() ?? 0
    var text = ""
    var phase: Int??
    for entry in entries {
      if phase != .some(entry.phase), let number = entry.phase { text += "phase \(number)\n" }
      phase = entry.phase
      text +=
        (entry.phase == nil ? "" : "  ")
        + entry.name.printable.padded(to: width + (entry.phase == nil ? 4 : 2))
      let state = entry.shownSync.padded(to: syncs + 2) + "\(entry.state.map { $0.health.orUnknown } ?? "-")"
      text += style.coloured(state.printable, entry.isDone ? .good : .doubtful) + "\n"
      for obstacle in entry.obstacles {
        text += "      \(obstacle.message.printableLines)\n"
        if let help = obstacle.help { text += "        \(style.coloured(help.printableLines, .guide))\n" }
      }
    }
    let left = entries.count { !$0.isDone }
    text += "\n\(entries.count - left) of \(entries.count) synced and healthy"
    text += left == 0 ? "\n" : "; start with \(roots.map(\.name).listed.printable)\n"
    return text
  }

  /// The picture for programs: the same keys in the same order every time, and null for what is not there.
  public var document: Node {
    .mapping([
      "schema": 1,
      "done": Node(.bool(isDone)),
      "start_with": .names(isDone ? [] : roots.map(\.name)),
      "applications": Node(
        .sequence(
          entries.map { entry in
            .mapping([
              "name": Node(.string(entry.name)),
              "phase": entry.phase.map { Node(.number(String($0))) } ?? Node(.null),
              "sync": entry.state.map { Node(.string($0.sync.orUnknown)) } ?? Node(.null),
              "health": entry.state.map { Node(.string($0.health.orUnknown)) } ?? Node(.null),
              "done": Node(.bool(entry.isDone)),
              "obstacles": Node(
                .sequence(
                  entry.obstacles.map {
                    .mapping([
                      "code": Node(.string($0.code)), "message": Node(.string($0.message)),
                      "blockers": .names($0.blockers),
                      "help": $0.help.map { Node(.string($0)) } ?? Node(.null),
                    ])
                  })),
            ])
          })),
    ])
  }
}

extension ClusterState.Entry {
  fileprivate var shownSync: String { state.map(\.sync.orUnknown) ?? "not there" }
}

extension Node {
  fileprivate static func names(_ names: [String]) -> Node {
    Node(.sequence(names.map { Node(.string($0)) }))
  }
}

extension String {
  fileprivate var orUnknown: String { isEmpty ? "Unknown" : self }

  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
