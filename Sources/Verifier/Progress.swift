import Diagnostics

/// What a person sees while a verification runs: a value that is told what happens and answers with what to write.
///
/// On a terminal it is one line that changes: the time, the stage, and the last line of the machine's console. Anywhere
/// else it is one line for each stage, and one every 30 s in which nothing came, which says that it is still alive and
/// what it waits for. It writes nothing itself and knows no clock, so all of it can be tried without a machine.
public struct Progress: Sendable {
  /// What the progress is written to.
  public enum Medium: Hashable, Sendable {
    /// A terminal that is so many columns wide.
    case terminal(columns: Int)
    /// A file, a pipe or a CI system's log.
    case lines
  }

  /// What happens to a verification.
  public enum Event: Hashable, Sendable {
    /// It has come to a stage (`cloud-init: modules-final`), and waits for something there (`its end`).
    case stage(String, awaiting: String)
    /// The machine has written a line to its console.
    case console(String)
    /// Something was decided that the user should know: a line of its own everywhere.
    case note(String)
    /// Time has passed. Wanted about once a second.
    case tick
    /// It is over; whatever is written next has a line of its own.
    case end
  }

  /// Where it goes.
  private let medium: Medium
  /// The stage, what it waits for, and when it began.
  private var stage: (name: String, awaiting: String, start: Double)?
  /// The console's last line that says something.
  private var console = ""
  /// When something was last written.
  private var written = -Double.infinity

  /// Without a line in so many seconds, CI systems and people take a program for dead.
  static let heartbeat = 30.0
  /// A terminal's line changes no more often than this many seconds, whatever the console does.
  static let frame = 0.1

  /// The progress of a verification that has not begun.
  public init(on medium: Medium) {
    self.medium = medium
  }

  /// Takes an event in, and gives the bytes to write for it: none, often.
  ///
  /// - Parameters:
  ///   - event: what happened.
  ///   - seconds: when, in seconds since the verification began.
  public mutating func bytes(for event: Event, at seconds: Double) -> [UInt8] {
    Array(text(for: event, at: seconds).utf8)
  }

  private mutating func text(for event: Event, at seconds: Double) -> String {
    let isNew = take(event, at: seconds)
    switch (medium, event) {
    case (.terminal(let columns), .note(let note)):
      return Self.clear + Self.line(note) + draw(columns, at: seconds)
    case (.terminal, .end): return written.isFinite ? Self.clear : ""
    case (.terminal(let columns), _):
      return isNew || seconds >= written + Self.frame ? draw(columns, at: seconds) : ""
    case (.lines, .note(let note)): return line(note, at: seconds)
    case (.lines, .stage): return isNew ? line(stage?.name ?? "", at: seconds) : ""
    case (.lines, .tick), (.lines, .console):
      guard let stage, seconds >= written + Self.heartbeat else { return "" }
      let since =
        "still in \(stage.name) after \((seconds - stage.start).shown), waiting for \(stage.awaiting)"
      return line(console.isEmpty ? since : "\(since); the console says: \(console)", at: seconds)
    case (.lines, .end): return ""
    }
  }

  /// Remembers what the event says; whether it is the beginning of a stage.
  private mutating func take(_ event: Event, at seconds: Double) -> Bool {
    switch event {
    case .stage(let name, let awaiting):
      let isNew = name != stage?.name
      stage = (name, awaiting, isNew ? seconds : stage?.start ?? seconds)
      return isNew
    case .console(let line):
      if line.contains(where: { !$0.isWhitespace }) { console = line }
      return false
    case .note, .tick, .end: return false
    }
  }

  /// The line as it is now, over the one before.
  private mutating func draw(_ columns: Int, at seconds: Double) -> String {
    guard let stage else { return "" }
    written = seconds
    var text = "\(Self.clock(seconds))  \(stage.name) (\((seconds - stage.start).shown))"
    if !console.isEmpty { text += "  \(console)" }
    // A terminal that is written to its last column may go to the next line by itself.
    return Self.clear + text.printable.cut(columns: columns - 1)
  }

  private mutating func line(_ text: String, at seconds: Double) -> String {
    written = seconds
    return Self.line("\(Self.clock(seconds))  \(text)")
  }

  private static func line(_ text: String) -> String { "\(text.printable)\n" }

  /// To the line's beginning, and nothing in it (ECMA-48: CR, EL).
  private static let clear = "\r\u{1B}[K"

  /// Minutes and seconds: `1:03`.
  private static func clock(_ seconds: Double) -> String {
    let whole = Int(exactly: seconds.rounded(.down)) ?? 0
    return "\(whole / 60):\(String(whole % 60 + 100).dropFirst())"
  }
}

extension String {
  /// The beginning of the text that surely fits into so many columns of a terminal.
  ///
  /// How wide a character is drawn depends on the terminal and its font. This rule is never too narrow: every scalar has
  /// a column, and two from U+1100 on, where the wide ones of East Asia and the pictures begin (Unicode Standard Annex
  /// 11). So a line never wraps, and at worst is cut early.
  func cut(columns: Int) -> String {
    var left = columns
    return String(
      prefix { character in
        left -= character.unicodeScalars.reduce(0) { $0 + ($1.value < 0x1100 ? 1 : 2) }
        return left >= 0
      })
  }
}
