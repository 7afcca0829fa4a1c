/// A row of a table of rules: what it is called and documented as, and the function that finds what breaks it.
public struct DocumentedRule<Subject>: Sendable {
  /// What it finds, why that is a fault, and what to do.
  public let documentation: Report.Rule
  let find: @Sendable (Subject) -> [Finding]

  /// A rule by the code of its findings.
  public init(
    _ code: String, what: String, why: String, fix: String,
    find: @escaping @Sendable (Subject) -> [Finding]
  ) {
    documentation = Report.Rule(code, what: what, why: why, fix: fix)
    self.find = find
  }
}

/// What breaks a rule, where, and what to do about it: a diagnostic whose code is the rule's.
public struct Finding {
  let severity: Diagnostic.Severity
  /// Where, if it has a place.
  public let location: Location?
  let message: String
  let help: String

  /// What was found; see ``Diagnostic`` for how each part is worded.
  public init(_ severity: Diagnostic.Severity, _ location: Location?, _ message: String, help: String) {
    self.severity = severity
    self.location = location
    self.message = message
    self.help = help
  }
}

extension Report {
  /// Adds all that breaks a rule of a table.
  public mutating func add<Subject>(_ rules: [DocumentedRule<Subject>], on subject: Subject) {
    for rule in rules {
      for finding in rule.find(subject) {
        add(
          Diagnostic(
            finding.severity, rule.documentation.code, at: finding.location, finding.message,
            help: finding.help))
      }
    }
  }
}

extension [Report.Rule] {
  /// The rules as a table in Markdown, for the documentation.
  public var table: String {
    let rows = map { "| `\($0.code)` | \($0.what) | \($0.why) | \($0.fix) |" }
    return (["| code | what | why | what to do |", "| --- | --- | --- | --- |"] + rows).joined(
      separator: "\n")
  }
}
