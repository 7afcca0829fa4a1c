/// One finding: what was found, the rule it breaks, and what to do about it.
///
/// A diagnostic never holds a secret: whoever makes one names the input, never its value.
public struct Diagnostic: Hashable, Sendable {
  /// How much a finding weighs.
  public enum Severity: String, Hashable, Sendable {
    /// The work cannot be done; the exit code says so.
    case error
    /// The work is done, but the user would want to know.
    case warning
    /// A decision made for the user, said once.
    case note
  }

  /// A stable kebab-case name of the rule, for filters and for looking it up (`unknown-input`).
  public var code: String
  /// How much it weighs.
  public var severity: Severity
  /// Where it was found; nil where it concerns no place in a file.
  public var location: Location?
  /// What was found and which rule it breaks: lower case, one sentence, no full stop.
  public var message: String
  /// What to do about it, in the imperative.
  public var help: String?

  /// A finding of any severity.
  public init(
    _ severity: Severity, _ code: String, at location: Location?, _ message: String, help: String? = nil
  ) {
    self.code = code
    self.severity = severity
    self.location = location
    self.message = message
    self.help = help
  }

  /// A finding that stops the work.
  public static func error(
    _ code: String, at location: Location?, _ message: String, help: String? = nil
  ) -> Diagnostic {
    Diagnostic(.error, code, at: location, message, help: help)
  }

  /// A finding that the user would want to know, though the work goes on.
  public static func warning(
    _ code: String, at location: Location?, _ message: String, help: String? = nil
  ) -> Diagnostic {
    Diagnostic(.warning, code, at: location, message, help: help)
  }

  /// A decision made for the user.
  public static func note(
    _ code: String, at location: Location?, _ message: String, help: String? = nil
  ) -> Diagnostic {
    Diagnostic(.note, code, at: location, message, help: help)
  }
}
