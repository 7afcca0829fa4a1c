import Testing

@testable import Verifier

@Suite("Verdicts")
struct VerdictTests {
  @Test("Each verdict has an exit code of its own, the ones that are promised")
  func exitCodes() {
    #expect(Verdict.allCases.map(\.exitCode) == [0, 1, 69, 75])
  }
}
