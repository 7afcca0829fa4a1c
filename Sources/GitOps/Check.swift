public import Diagnostics

/// Checks a repository for what keeps its Applications from becoming healthy, without a cluster.
public struct Check: Sendable {
  /// Every rule, in the order of the documentation.
  public static let rules: [DocumentedRule<Repository>] =
    waveRules + syncRules + sourceRules + projectRules + argoCDRules + clusterRules + secretRules
    + gatewayRules

  /// Everything that is found in a repository, sorted by place.
  public static func report(on repository: Repository) -> Report {
    var report = Report()
    report.add(rules, on: repository)
    report.removeRepetitions()
    return report.sorted
  }
}

extension Finding {
  static func error(_ place: Repository.Place, _ message: String, help: String) -> Finding {
    found(.error, place, message, help)
  }

  static func warning(_ place: Repository.Place, _ message: String, help: String) -> Finding {
    found(.warning, place, message, help)
  }

  static func note(_ place: Repository.Place, _ message: String, help: String) -> Finding {
    found(.note, place, message, help)
  }

  /// Whatever a finding quotes of the repository, no credentials of a URL are in it.
  private static func found(
    _ severity: Diagnostic.Severity, _ place: Repository.Place, _ message: String, _ help: String
  ) -> Finding {
    Finding(severity, place.location, message.withoutCredentials, help: help.withoutCredentials)
  }

  /// A finding about something missing: an error, or a warning where something that is not read here may bring it.
  ///
  /// - Parameter mayBeThere: whether people also put such a thing into a cluster by other means.
  static func missing(
    _ place: Repository.Place, _ message: String, help: String, in repository: Repository,
    mayBeThere: Bool = false
  ) -> Finding {
    let isCertain = repository.isWhole && (!mayBeThere || repository.bootstrap.isKnown)
    return isCertain ? error(place, message, help: help) : warning(place, message, help: help)
  }
}
