import Foundation
import TestSupport
import Testing

extension Machines {
  /// A download that goes wrong. Each other way to go wrong is shown in containers; see Tests/VM/nodes.
  @Suite(
    "Downloads", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct DownloadTests {
    static let version = "v1.36.4%2Bk3s1"

    /// The payload with other sources of K3s, and a last command that fails if a wrong one has ever run.
    private static func payload(
      binaries: [String], script: String, deadlines: [String: Int] = [:]
    ) async throws -> String {
      try await Lab.payload(
        Lab.payload()
          .replacing(/K3S_BINARY_URLS='[^']*'/, with: "K3S_BINARY_URLS='\(binaries.joined(separator: " "))'")
          .replacing(/K3S_INSTALL_URLS='[^']*'/, with: "K3S_INSTALL_URLS='\(script)'"),
        deadlines: deadlines, after: Lab.shown)
    }

    @Test("Without DNS the console says so, within the stage's deadline")
    func deadDNS() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(
          binaries: ["https://no-such-mirror.invalid"], script: "https://no-such-mirror.invalid/install.sh",
          deadlines: ["download": 40]),
        as: "dead-dns", ["--warm", "--network"],
        faults: [
          Lab.Fault(
            "DNS is dead", at: "every source", "`download` fails within its deadline, and says to check DNS")
        ])
      Lab.expectFailure(
        outcome, in: "download", ["not done within 40 s", "no-such-mirror.invalid", "check DNS"], deadline: 40
      )
      #expect(outcome.names("failed").contains("k3s-binary"))
    }
  }
}
