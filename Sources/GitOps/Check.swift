public import Diagnostics

/// Checks a repository for what keeps its Applications from becoming healthy, without a cluster.
public struct Check: Sendable {
  /// One rule: what it is called and documented as, and the function that finds what breaks it.
  public struct Rule: Sendable {
    /// What it finds, why that is a fault, and what to do.
    public let documentation: Report.Rule
    let find: @Sendable (Repository) -> [Finding]

    init(
      _ code: String, what: String, why: String, fix: String,
      find: @escaping @Sendable (Repository) -> [Finding]
    ) {
      documentation = Report.Rule(code, what: what, why: why, fix: fix)
      self.find = find
    }
  }

  /// What breaks a rule, and where.
  struct Finding {
    let severity: Diagnostic.Severity
    let location: Location?
    let message: String
    let help: String

    static func error(_ place: Repository.Place, _ message: String, help: String) -> Finding {
      Finding(severity: .error, location: place.location, message: message, help: help)
    }

    /// What breaks a rule unless a template brings what is missing, which is not read here: an error where there is none.
    static func missing(
      _ place: Repository.Place, _ message: String, help: String, in repository: Repository
    ) -> Finding {
      repository.templates == 0 ? error(place, message, help: help) : warning(place, message, help: help)
    }

    static func warning(_ place: Repository.Place, _ message: String, help: String) -> Finding {
      Finding(severity: .warning, location: place.location, message: message, help: help)
    }
  }

  /// Every rule, in the order of the documentation.
  public static let rules: [Rule] = waveRules + sourceRules + argoCDRules + secretRules + gatewayRules

  /// Everything that is found in a repository, sorted by place.
  public static func report(on repository: Repository) -> Report {
    var report = Report()
    for rule in rules {
      for finding in rule.find(repository) {
        report.add(
          Diagnostic(
            finding.severity, rule.documentation.code, at: finding.location, finding.message,
            help: finding.help))
      }
    }
    report.removeRepetitions()
    return report.sorted
  }

  /// The rules as a table in Markdown, for the documentation.
  public static var table: String {
    let rows = rules.map(\.documentation).map { rule in
      "| `\(rule.code)` | \(rule.what) | \(rule.why) | \(rule.fix) |"
    }
    return (["| code | what | why | what to do |", "| --- | --- | --- | --- |"] + rows).joined(
      separator: "\n")
  }
}
