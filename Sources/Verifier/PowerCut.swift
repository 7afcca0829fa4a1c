import Diagnostics

/// A cut of the machine's power while a stage of the bootstrap runs, after which it boots again.
public struct PowerCut: Hashable, Sendable {
  /// How the power is cut.
  public enum Means: String, CaseIterable, Sendable {
    /// QEMU resets the machine: what the guest holds in memory is lost, and what it gave to the disk is not.
    case reset
    /// QEMU is killed, and another starts on the same disk: what the guest gave to the disk and has not flushed is
    /// lost, too, as with a disk that has a cache of its own.
    case kill
  }

  /// The stage: `download`.
  public var stage: String
  /// How many seconds after the stage's beginning.
  public var delay: Double

  /// A cut as users write it: `download`, or `download+2` for two seconds after its beginning.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    guard let stage = parts.first, !stage.isEmpty, let delay = parts.count == 1 ? 0 : Double(parts[1]),
      delay.isFinite, delay >= 0
    else { return nil }
    self.stage = String(stage)
    self.delay = delay
  }

  /// The stages of a bootstrap that has no table of its own to say so, in their order.
  static let stages = [
    "preflight", "firewall", "download", "secrets", "install", "ready", "seed", "gitops", "scrub", "complete",
  ].map { Promises.Stage(name: $0, deadline: .infinity, isKept: true) }

  /// What the bootstrap says on the console of how far it is.
  enum Mark: Hashable, Sendable {
    /// It starts for the first time.
    case starts
    /// It goes on after a restart: what is kept of the stages before this one is not done again.
    case resumes(at: String)
    /// A stage has ended well.
    case ended(String)

    /// Reads a line, in which systemd's name for the process may stand before the bootstrap's own words.
    init?(line: String) {
      guard line.utf8.count < 512, let place = line.firstPlace(of: "k3seed: ") else { return nil }
      let words = line[place.upperBound...].split(separator: " ").map(String.init)
      if words.count >= 4, words[0] == "bootstrap", words[1] == "of" {
        if words[3] == "starts" {
          self = .starts
        } else if words.count >= 6, words[3] == "resumes", words[4] == "at" {
          self = .resumes(at: words[5])
        } else {
          return nil
        }
      } else if words.count >= 2, words[0].hasSuffix(":"), words[1] == "ok" {
        self = .ended(String(words[0].dropLast()))
      } else {
        return nil
      }
    }
  }

  /// How far a bootstrap is: which stage runs.
  ///
  /// A stage begins where the one before it ends. After a restart, those whose work was kept are left out.
  struct Place: Sendable {
    private let stages: [Promises.Stage]
    /// What was done before the last restart.
    private var done: Set<String> = []
    private var index = -1

    init(in stages: [Promises.Stage]) { self.stages = stages }

    /// The stage that runs; nil before the first and after the last.
    var stage: String? { stages.indices.contains(index) ? stages[index].name : nil }

    /// The machine starts anew.
    mutating func restart() { index = -1 }

    /// Takes what the bootstrap says; whether another stage has begun.
    mutating func take(_ mark: Mark) -> Bool {
      switch mark {
      case .starts: done = []
      case .resumes(let name):
        done = Set(stages.prefix { $0.name != name }.filter(\.isKept).map(\.name))
      case .ended(let name):
        guard let ended = place(of: name), ended >= index else { return false }
        return go(to: ended + 1)
      }
      return go(to: 0)
    }

    /// Somebody else says that a stage has begun; whether it is news.
    mutating func begin(_ name: String) -> Bool {
      guard let next = place(of: name), next > index else { return false }
      index = next
      return true
    }

    private func place(of name: String) -> Int? { stages.firstIndex { $0.name == name } }

    private mutating func go(to first: Int) -> Bool {
      index = stages[first...].firstIndex { !done.contains($0.name) } ?? stages.endIndex
      return stage != nil
    }
  }
}
