/// One thing that a verification proves.
///
/// Checks are values and work on what the probe reported, so each can be tried without a machine.
public struct Check: Sendable {
  /// How a check ended.
  public enum Outcome: Hashable, Sendable {
    /// It holds; what was seen.
    case passed(String)
    /// It does not hold; what was seen.
    case failed(String)
    /// It does not apply here; why.
    case skipped(String)
  }

  /// A stable kebab-case name: `user-data-identity`.
  public let name: String
  /// What it proves, as a sentence: `the guest got the bytes of the file, and no others`.
  public let proves: String
  /// How it goes about it: `sha256 of /var/lib/cloud/instance/user-data.txt in the guest`.
  public let how: String
  /// What to do where it does not hold, in the imperative.
  public let hint: String
  /// Looks at what was promised and at what was found.
  let judge: @Sendable (Promises, Facts) -> Outcome
}
