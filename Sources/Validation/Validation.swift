public import Diagnostics
import Inputs

/// Looks at user-data, by a table of rules, for what would go wrong at boot; without credentials and without a boot.
public struct Validation: Sendable {
  /// Every rule for user-data.
  static let all: [DocumentedRule<Payload>] =
    structureRules + schemaRules + textRules + commandRules + secretRules + deliveryRules + kubernetesRules

  /// The documentation of every rule for user-data, those of tools that are run besides among them.
  public static let rules: [Report.Rule] = all.map(\.documentation) + openingRules + shellRules

  /// Everything that is found in user-data, sorted by place.
  public static func report(on payload: Payload) -> Report {
    var report = Report()
    for part in payload.parts { report.add(Report(part.placed(part.problems))) }
    report.add(all, on: payload)
    report.removeRepetitions()
    // What PyYAML cannot read has one cause, whatever its module would say of it.
    let unread = Set(report.diagnostics.filter { $0.code == "yaml-tag" }.map(\.location))
    report = Report(report.diagnostics.filter { $0.code == "yaml-tag" || !unread.contains($0.location) })
    return report.sorted
  }
}
