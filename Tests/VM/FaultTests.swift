import Foundation
import TestSupport
import Testing

extension Machines {
  /// What goes wrong around a node that comes up all the same.
  @Suite(
    "Faults", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct FaultTests {
    @Test(
      "A clock that is years behind, a full disk and an API server that is late: each said, and none for good"
    )
    func healed() async throws {
      let heal = [
        "lab-heal", "'clock says 20.*check NTP'", "'date -s \"800 days\"'", "'check the free disk space'",
        "'rm /filled'",
      ]
      let outcome = try await Lab.verify(
        try await Lab.payload(
          faults: ["api-late"],
          replacing: ["K3S_BINARY_URLS='": "K3S_BINARY_URLS='http://10.0.2.2:1 "],
          files: [Lab.file("/usr/local/sbin/lab-heal", Lab.source("heal.sh"), mode: "0755")],
          boot: ["date -s '800 days ago'"],
          before: [
            // Room for cloud-init and the bootstrap, and not for K3s.
            "fallocate -l $(($(stat -f -c '%f * %S' /) - 33554432)) /filled",
            "systemd-run --unit=lab-heal \(heal.joined(separator: " "))",
          ],
          after: Lab.shown),
        as: "healed", Lab.mirror + ["--warm"],
        faults: [
          Lab.Fault(
            "the clock is 800 days behind, then right", at: "`date -s` in `bootcmd`",
            "`preflight` waits, says to check NTP, and goes on when it is right"),
          Lab.Fault("a mirror is down", at: "K3s' first source", "the second is used"),
          Lab.Fault(
            "the disk is full, then freed", at: "`fallocate` before the bootstrap",
            "`download` is tried again, says to check the disk, and goes on when it is freed"),
          Lab.Fault(
            "the API server is three minutes late", at: "the stand-in for K3s", "`ready` waits for it"),
        ])
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      #expect(outcome.lines("healed: ").count == 2, "\(outcome.lines("healed: "))")
      let said = outcome.lines("status: ")
      for words in [
        #/status: preflight: (running|to be tried again), attempt [0-9]+: the clock says 202[0-9]-[0-9-]+; check NTP$/#,
        #/status: download: (running|to be tried again), attempt [0-9]+: .*http://10\.0\.2\.2:1/k3s: .*check the free disk space$/#,
        #/status: preflight: ok \([0-9]+ s, attempt [2-9]\)$/#,
        #/status: download: ok \([0-9]+ s, attempt [2-9]\)$/#,
      ] as [any RegexComponent] {
        #expect(said.contains { $0.contains(words) }, "\(said)")
      }
      let ready = outcome.lines("k3seed: ready: ok (").first?.firstMatch(of: /ok \(([0-9]+) s/).flatMap {
        Int($0.1)
      }
      #expect(ready.map { $0 >= 180 } == true, "\(ready ?? 0) s")
    }
  }
}
