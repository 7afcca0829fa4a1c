/// A stage of the bootstrap, as the table in its script has it (`templates/guest/bootstrap.sh`): the one place where
/// deadlines and exit codes are written, which the payload brings to the node.
package struct BootstrapStage: Hashable, Sendable {
  /// Its name: `download`.
  package let name: String
  /// Its deadline in seconds.
  package let deadline: Int
  /// Whether only the first server has it.
  package let isFirstServers: Bool
  /// Whether its work is kept on the disk, and not done again after a power cut.
  package let isKept: Bool
  /// Its place among all stages, counted from 0.
  package let place: Int

  /// What user-data calls the bootstrap.
  package static let path = "/usr/local/sbin/k3seed-bootstrap"

  /// The exit code where the stage was not done within its deadline, and is tried again.
  package var temporaryExitCode: Int { 10 + place }
  /// The exit code where waiting cannot help.
  package var permanentExitCode: Int { 30 + place }

  /// The stages of a bootstrap, in the order of its array `stages`. Their deadlines are in the array `deadlines`, as
  /// `[name]=seconds`; the words of `first_server_stages` and `kept_stages` say the rest. None where the script has no
  /// such arrays, and none of those without a deadline.
  package static func all(in script: some StringProtocol) -> [BootstrapStage] {
    let deadlines = words(of: "declare -rA deadlines=(", to: ")", in: script)
    let firstServers = words(of: "readonly first_server_stages='", to: "'", in: script)
    let kept = words(of: "readonly kept_stages='", to: "'", in: script)
    return words(of: "readonly stages=(", to: ")", in: script).enumerated().compactMap { place, name in
      let prefix = "[\(name)]="
      guard let entry = deadlines.first(where: { $0.hasPrefix(prefix) }),
        let deadline = Int(entry.dropFirst(prefix.count))
      else { return nil }
      return BootstrapStage(
        name: name, deadline: deadline, isFirstServers: firstServers.contains(name),
        isKept: kept.contains(name), place: place)
    }
  }

  /// The words between the line that begins like this and its end.
  private static func words(
    of beginning: String, to end: Character, in script: some StringProtocol
  ) -> [String] {
    let lines = script.split(separator: "\n", omittingEmptySubsequences: false)
    guard let start = lines.firstIndex(where: { $0.hasPrefix(beginning) }) else { return [] }
    let text = lines[start...].joined(separator: " ").dropFirst(beginning.count)
    return text.prefix { $0 != end }.split(separator: " ").map(String.init)
  }
}
