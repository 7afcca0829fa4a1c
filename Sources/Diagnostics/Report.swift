/// All findings of one piece of work, in the order they were made.
///
/// A report is what a stage throws when it cannot go on, so that the user sees every finding at once.
public struct Report: Error, Hashable, Sendable {
  /// The findings, in order.
  public private(set) var diagnostics: [Diagnostic]

  /// A report of the findings given.
  public init(_ diagnostics: [Diagnostic] = []) {
    self.diagnostics = diagnostics
  }

  /// Whether a finding stops the work.
  public var hasErrors: Bool {
    diagnostics.contains { $0.severity == .error }
  }

  /// Adds a finding.
  public mutating func add(_ diagnostic: Diagnostic) {
    diagnostics.append(diagnostic)
  }

  /// Adds all findings of another report.
  public mutating func add(_ other: Report) {
    diagnostics += other.diagnostics
  }

  /// Throws the report where it holds an error.
  public func throwIfErrors() throws(Report) {
    if hasErrors { throw self }
  }

  /// Runs a step; where it throws, keeps its findings and gives nil, so that the next step still runs.
  public mutating func collect<Value>(_ step: () throws(Report) -> Value) -> Value? {
    do {
      return try step()
    } catch {
      add(error)
      return nil
    }
  }
}

extension Report {
  /// Leaves out findings that stand in the report already, as when several nodes lack the same input.
  public mutating func removeRepetitions() {
    var seen: Set<Diagnostic> = []
    diagnostics.removeAll { !seen.insert($0).inserted }
  }
}
