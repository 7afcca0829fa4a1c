import Foundation
import TestSupport
import Testing

extension Machines {
  /// `hardening: cis`: the kernel as the kubelet wants it, and the API server's audit log.
  @Suite(
    "A hardened node", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct HardeningTests {
    /// What the node says of itself afterwards.
    private static let shown = [
      "echo audit: $(stat -c '%A %U' /var/lib/rancher/k3s/server/logs/audit.log), "
        + "$(grep -c '\"level\":\"Metadata\".*\"resource\":\"secrets\",.*\"name\":\"cloudflare-api-token\"' "
        + "/var/lib/rancher/k3s/server/logs/audit.log) on the Secrets >/dev/console",
      "systemctl is-active -q k3seed-bootstrap",
    ]

    private static func payload(
      replacing: [String: String] = [:], deadlines: [String: Int] = [:]
    ) async throws -> String {
      try await Lab.payload(
        try await Lab.payload(of: "literal", more: "hardening: cis\n"), deadlines: deadlines,
        replacing: replacing, after: shown)
    }

    @Test(
      "It comes up, again after a restart, and its audit log names the Secrets and has none of their values")
    func hardened() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(), as: "hardened", Lab.mirror + ["--warm", "--thorough"])
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      #expect(Set(outcome.checks.compactMap { $0["phase"] as? String }) == ["boot", "rerun", "reboot"])
      let said = try #require(outcome.lines("audit: ").first)
      let count = try #require(said.firstMatch(of: /audit: -rw------- root, ([0-9]+) on the Secrets/))
      #expect(Int(count.1).map { $0 > 0 } == true, "\(said)")
    }

    @Test("An audit policy that keeps what is sent is found, because Secrets are sent")
    func talkativeAudit() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(replacing: ["level: Metadata": "level: Request"]), as: "talkative-audit",
        Lab.mirror + ["--warm"],
        faults: [
          Lab.Fault(
            "the audit log keeps the bodies of requests", at: "the payload",
            "the verifier finds the Secrets in it")
        ])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.names("failed") == ["no-secret-exposed"], "\(outcome.text)")
      #expect(outcome.detail("no-secret-exposed").contains("/var/lib/rancher/k3s/server/logs/audit.log"))
    }

    @Test("A kernel that is not set as the kubelet wants it is said, and K3s does not come up")
    func otherKernel() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(
          replacing: ["vm.overcommit_memory=1": "vm.overcommit_memory=0"], deadlines: ["ready": 300]),
        as: "hardened-other-kernel", Lab.mirror + ["--warm"],
        faults: [
          Lab.Fault(
            "the kernel overcommits memory by guessing, which the hardened kubelet refuses",
            at: "the payload",
            "`ready` fails with the kubelet's word")
        ])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      let said = outcome.lines("k3seed: ready: FAILED: ").joined()
      #expect(said.contains("(k3s has restarted "), "\(said)")
      #expect(said.contains("vm/overcommit_memory, expected value: 1, actual value: 0"), "\(said)")
    }
  }
}
