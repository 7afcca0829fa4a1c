public import YAML

extension VerificationReport {
  /// The report as a document, for programs: all of it, under the same keys in the same order every time.
  ///
  /// What has no value is null, never left out. Times are seconds, rounded to milliseconds.
  public var document: Node {
    .mapping([
      "schema": 1,
      "verdict": .text(verdict.rawValue),
      "exit_code": .number(Int(verdict.exitCode)),
      "seconds": .time(seconds),
      "payload": .mapping([
        "name": .text(payload.name), "sha256": .text(payload.sha256),
        "bytes": .number(payload.bytes),
        "own": Node(.bool(payload.isOwn)),
      ]),
      "host": .optional(host) {
        .mapping([
          "image": .text($0.image), "architecture": .text($0.architecture),
          "qemu": .text($0.qemu),
          "accelerator": .text($0.accelerator), "cpus": .number($0.cpus),
          "memory_mib": .number($0.memory),
          "warm": Node(.bool($0.isWarm)), "network": .text($0.network.rawValue),
          "slowness": .time($0.slowness), "guest_deadlines": .optional($0.guestStretch, Node.time),
        ])
      },
      "cause": .optional(cause) {
        .mapping([
          "code": .text($0.code), "stage": .text($0.stage), "message": .text($0.message),
          "hint": .text($0.hint),
        ])
      },
      "notes": .list(notes, Node.text),
      "power_cuts": .list(cuts) {
        .mapping([
          "stage": .text($0.stage), "delay": .time($0.delay), "by": .text($0.means.rawValue),
          "during": .text($0.during), "at": .time($0.at),
        ])
      },
      "checks": .list(checks) {
        .mapping([
          "name": .text($0.name), "phase": .text($0.phase), "outcome": .text($0.outcome.rawValue),
          "proves": .text($0.proves), "how": .text($0.how), "detail": .text($0.detail),
          "hint": .optional($0.hint, Node.text),
        ])
      },
      "timeline": .list(timeline) {
        .mapping([
          "group": .text($0.group.rawValue), "name": .text($0.name), "start": .time($0.start),
          "end": .optional($0.end, Node.time), "failed": Node(.bool($0.hasFailed)),
        ])
      },
      "evidence": .list(evidence) {
        .mapping(["title": .text($0.title), "lines": .list($0.lines, Node.text)])
      },
      "console": .list(console, Node.text),
    ])
  }
}

extension Node {
  fileprivate static func text(_ text: String) -> Node { Node(.string(text)) }
  fileprivate static func number(_ number: Int) -> Node { Node(.number(String(number))) }

  /// Milliseconds are exact enough. JSON has no number for infinity or for what is none.
  fileprivate static func time(_ time: Double) -> Node {
    Node(time.isFinite ? .number("\(time.rounded(to: 3))") : .null)
  }

  fileprivate static func list<Item>(_ items: [Item], _ node: (Item) -> Node) -> Node {
    Node(.sequence(items.map(node)))
  }

  fileprivate static func optional<Value>(_ value: Value?, _ node: (Value) -> Node) -> Node {
    value.map(node) ?? Node(.null)
  }
}
