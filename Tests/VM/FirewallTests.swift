import Foundation
import TestSupport
import Testing

extension Machines {
  /// A node whose image turns everything away, as OCI's Ubuntu does: Oracle's rules are loaded before the bootstrap and
  /// again in every boot, as netfilter-persistent does there.
  @Suite(
    "OCI's packet filter", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct FirewallTests {
    /// The payload, with the rules, the service that loads them, and the one that looks from outside afterwards.
    private static func payload(_ argument: String, replacing: [String: String] = [:]) async throws -> String
    {
      let lab = Tool.root.appendingPathComponent("Tests/VM/lab")
      func file(_ path: String, _ text: String, mode: String = "0644") -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }
        return "- path: \(path)\n  permissions: '\(mode)'\n  content: |\n\(lines.joined())"
      }
      func read(_ name: String) throws -> String {
        try String(contentsOf: lab.appendingPathComponent(name), encoding: .utf8)
      }
      let files = try [
        file("/etc/iptables/rules.v4", read("oci-rules.v4")),
        file("/usr/local/sbin/lab-firewall", read("firewall.sh"), mode: "0755"),
        file(
          "/etc/systemd/system/lab-rules.service",
          """
          [Unit]
          DefaultDependencies=no
          After=local-fs.target
          Before=network-pre.target
          Wants=network-pre.target
          [Service]
          Type=oneshot
          RemainAfterExit=yes
          ExecStart=/usr/sbin/iptables-restore /etc/iptables/rules.v4
          [Install]
          WantedBy=sysinit.target
          """),
        file(
          "/etc/systemd/system/lab-firewall.service",
          """
          [Unit]
          After=k3s.service
          [Service]
          Type=oneshot
          RemainAfterExit=yes
          ExecStart=/usr/local/sbin/lab-firewall \(argument)
          StandardOutput=journal+console
          [Install]
          WantedBy=multi-user.target
          """),
      ]
      func enable(_ unit: String) -> String { "- [systemctl, enable, --now, \(unit).service]\n" }
      let start = "- - systemctl\n  - enable\n  - '--now'\n  - k3seed-bootstrap.service\n"
      return try await Lab.payload(
        replacing: replacing.merging([
          "\nwrite_files:\n": "\nwrite_files:\n\(files.joined())",
          start: enable("lab-rules") + start + enable("lab-firewall"),
        ]) { $1 })
    }

    /// What the service said on the console, in each boot.
    private static func said(_ outcome: Lab.Outcome) -> [String] {
      (outcome.report["console"] as? [String] ?? []).compactMap { line in
        line.range(of: "firewall: ").flatMap {
          line.contains("k3seed") ? nil : String(line[$0.lowerBound...])
        }
      }
    }

    @Test(
      "The cluster comes up, pods are kept from the metadata service, and a restart changes nothing of it")
    func survives() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(""), as: "oci-rules", Lab.mirror + ["--thorough"])
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      #expect(Set(outcome.checks.compactMap { $0["phase"] as? String }) == ["boot", "rerun", "reboot"])
      #expect(Self.said(outcome) == Array(repeating: "firewall: 12 of 12 hold", count: 2))
    }

    @Test("The switch opens the metadata service to pods, and nothing else")
    func opened() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(
          "open", replacing: ["K3SEED_POD_METADATA='no'": "K3SEED_POD_METADATA='yes'"]),
        as: "oci-rules-open-metadata", Lab.mirror + ["--warm"])
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      #expect(Self.said(outcome) == ["firewall: 12 of 12 hold"])
    }

    @Test("What looks from outside does see a pod that is not kept from the metadata service")
    func seesFailure() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(
          "", replacing: ["K3SEED_POD_METADATA='no'": "K3SEED_POD_METADATA='yes'"]),
        as: "oci-rules-unguarded", Lab.mirror + ["--warm"])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.detail("no-failed-unit").contains("lab-firewall"), "\(outcome.text)")
      #expect(
        Self.said(outcome) == [
          "firewall: it does not hold that the metadata service is shut to the pod, at once",
          "firewall: 11 of 12 hold",
        ])
    }
  }
}
