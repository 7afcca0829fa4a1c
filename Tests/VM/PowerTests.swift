import Foundation
import TestSupport
import Testing

extension Machines {
  /// The power is cut during every stage of the bootstrap, one after another in one run, and the node comes to the same
  /// state.
  ///
  /// A cut comes when its stage has just begun, or where a stage does its work over seconds, in the middle of it.
  @Suite(
    "Power cuts", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct PowerTests {
    static let cuts = [
      "preflight", "firewall", "download+2", "secrets", "install+1", "ready+5", "seed+1", "gitops+3", "scrub",
      "complete",
    ]

    @Test(
      "A node whose power is cut in every stage passes every check all the same",
      arguments: [("reset", false), ("kill", true)])
    func everyStage(means: String, isWarm: Bool) async throws {
      let outcome = try await Lab.verify(
        try await Lab.payload(), as: "power-cuts-\(means)",
        // From its disk, a machine boots after a cut whether it was started or went on from a snapshot.
        Lab.mirror + ["--cut", Self.cuts.joined(separator: ","), "--cut-by", means]
          + (isWarm ? ["--warm"] : []),
        faults: Self.cuts.map { cut in
          let stage = cut.prefix { $0 != "+" }
          let place =
            means == "reset" ? "QMP `system_reset`" : "SIGKILL of QEMU, whose disk loses what was not flushed"
          return Lab.Fault(
            "the power is cut in `\(stage)`", at: place, "the next boot goes on, to the same state")
        })
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      let made = outcome.report["power_cuts"] as? [[String: Any]] ?? []
      #expect(
        made.compactMap { $0["stage"] as? String }
          == Self.cuts.map { $0.prefix { $0 != "+" } }.map(String.init)
      )
      #expect(made.allSatisfy { $0["by"] as? String == means })
      // A cut without a delay is in its stage, whatever the host does.
      for cut in made where cut["delay"] as? Double == 0 {
        #expect(cut["during"] as? String == cut["stage"] as? String)
      }
      let boots = (outcome.report["console"] as? [String] ?? []).count { $0.contains("Linux version ") }
      #expect(boots == Self.cuts.count + (isWarm ? 0 : 1))
      #expect(outcome.lines("k3seed: bootstrap of server resumes at ").count >= Self.cuts.count - 2)
    }
  }
}
