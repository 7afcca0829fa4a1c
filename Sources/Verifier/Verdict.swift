/// What a verification says in one word.
public enum Verdict: String, CaseIterable, Sendable {
  /// Every check that applies holds.
  case pass = "PASS"
  /// The user-data, or what it made of the machine, is at fault.
  case fail = "FAIL"
  /// The host is at fault: a missing program, an image that cannot boot, a full disk.
  case infra = "INFRA"
  /// Nothing can be said of the user-data: the machine went where the probe could not see it.
  case inconclusive = "INCONCLUSIVE"

  /// The program's exit code: 0, 1, 69 (`EX_UNAVAILABLE`) and 75 (`EX_TEMPFAIL`).
  public var exitCode: Int32 {
    switch self {
    case .pass: 0
    case .fail: 1
    case .infra: 69
    case .inconclusive: 75
    }
  }
}
