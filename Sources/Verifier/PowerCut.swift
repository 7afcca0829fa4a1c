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
  ]

  /// The stage that begins with a line of the console; nil where none does.
  ///
  /// The bootstrap says when it starts, where it goes on after a restart, and when each stage has ended. On the console
  /// systemd's name for the process stands before it.
  static func stage(begunBy line: String, of stages: [String]) -> String? {
    guard line.utf8.count < 512, let place = line.firstPlace(of: "k3seed: ") else { return nil }
    let words = line[place.upperBound...].split(separator: " ")
    if words.count >= 4, words[0] == "bootstrap", words[1] == "of" {
      if words[3] == "starts" { return stages.first }
      return words.count >= 6 && words[3] == "resumes" && words[4] == "at"
        ? stages.first { $0 == words[5] } : nil
    }
    guard words.count >= 2, words[1] == "ok", let name = words[0].split(separator: ":").first,
      let index = stages.firstIndex(where: { $0 == name }), index + 1 < stages.count
    else { return nil }
    return stages[index + 1]
  }
}
