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
  /// The exit code of the bootstrap where it fails.
  package let exitCode: Int

  /// What user-data calls the bootstrap.
  package static let path = "/usr/local/sbin/k3seed-bootstrap"

  /// The stages of a bootstrap, in order: rows `name:deadline`, or `name:deadline:first`. Which of them are kept stands
  /// in `kept='...'`. None where the script has no such table.
  package static func all(in script: some StringProtocol) -> [BootstrapStage] {
    let lines = script.split(separator: "\n")
    guard let start = lines.firstIndex(where: { $0.utf8.elementsEqual("stages=(".utf8) }) else { return [] }
    let kept = lines.first { $0.hasPrefix("kept='") }?.dropFirst(6).split { " '".contains($0) } ?? []
    return lines[(start + 1)...].prefix { !$0.utf8.elementsEqual(")".utf8) }
      .flatMap { $0.split(separator: " ") }.enumerated().compactMap { index, row in
        let fields = row.split(separator: ":")
        guard fields.count >= 2, let deadline = Int(fields[1]) else { return nil }
        return BootstrapStage(
          name: String(fields[0]), deadline: deadline, isFirstServers: fields.count > 2,
          isKept: kept.contains { $0 == fields[0] }, exitCode: 10 + index)
      }
  }
}
