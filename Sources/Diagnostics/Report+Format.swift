extension Report {
  /// A way to write a report for people or programs.
  public enum Format: String, CaseIterable, Hashable, Sendable {
    /// One line a finding.
    case text
    /// `{"diagnostics": […]}`.
    case json
    /// SARIF 2.1.0, which code hosts show beside the code.
    case sarif
    /// JUnit's XML, which CI systems count.
    case junit
    /// Workflow commands of GitHub Actions, which annotate a pull request.
    case github
  }

  /// One rule that a check goes by, as its documentation has it.
  public struct Rule: Hashable, Sendable {
    /// The code of its findings.
    public var code: String
    /// What it finds.
    public var what: String
    /// Why that is a fault.
    public var why: String
    /// What to do about it.
    public var fix: String

    /// A rule by the code of its findings.
    public init(_ code: String, what: String, why: String, fix: String) {
      self.code = code
      self.what = what
      self.why = why
      self.fix = fix
    }
  }

  /// Who made a report, and by which rules.
  public struct Producer: Sendable {
    /// The command, such as `k3seed gitops check`.
    public var name: String
    /// The version of the program.
    public var version: String
    /// All rules that were looked at, whether they found anything or not; empty where they are not known.
    public var rules: [Rule]

    /// The producer of a report.
    public init(name: String, version: String, rules: [Rule] = []) {
      self.name = name
      self.version = version
      self.rules = rules
    }
  }

  /// The report in a format, ended by a line feed unless it is empty.
  public func written(as format: Format, by producer: Producer) -> String {
    switch format {
    case .text: text
    case .json: json
    case .sarif: sarif(by: producer)
    case .junit: junit(by: producer)
    case .github: github
    }
  }

  /// The findings in the order of their places: by file, line and column, those without a place first, and at one place
  /// the heaviest first.
  public var sorted: Report {
    let weights: [Diagnostic.Severity] = [.error, .warning, .note]
    func key(_ diagnostic: Diagnostic) -> (String, Int, Int, Int, String, String) {
      (
        diagnostic.location?.source ?? "", diagnostic.location?.line ?? 0, diagnostic.location?.column ?? 0,
        weights.firstIndex(of: diagnostic.severity) ?? 0, diagnostic.code, diagnostic.message
      )
    }
    return Report(diagnostics.sorted { key($0) < key($1) })
  }
}
