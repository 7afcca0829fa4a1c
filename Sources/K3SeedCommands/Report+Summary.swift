import Diagnostics

extension Report {
  /// The findings in numbers.
  var summary: String {
    let counts = [(Diagnostic.Severity.error, "error"), (.warning, "warning"), (.note, "note")].compactMap {
      severity, noun in
      let count = diagnostics.count { $0.severity == severity }
      return count == 0 ? nil : count.counted(noun)
    }
    return counts.isEmpty ? "no findings" : counts.joined(separator: ", ")
  }

  /// Whether a check fails: where there is an error, or, strictly, a warning.
  func fails(strict: Bool) -> Bool {
    hasErrors || strict && diagnostics.contains { $0.severity == .warning }
  }
}
