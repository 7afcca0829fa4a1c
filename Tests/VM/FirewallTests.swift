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
    /// The payload, with rules, the service that loads them, and the one that looks from outside afterwards.
    ///
    /// - Parameters:
    ///   - rules: the file that has them, and where it is in the guest.
    ///   - service: the one that loads them, and the command by which it does. Of netfilter-persistent the part is
    ///     here that matters: it starts its plugins, and iptables' loads the rules.
    ///   - boot: commands in every boot.
    private static func payload(
      _ argument: String,
      rules: (name: String, path: String) = ("oci-rules.v4", "/etc/iptables/rules.v4"),
      service: (name: String, command: String) = (
        "netfilter-persistent", "/usr/bin/run-parts -a start /usr/share/netfilter-persistent/plugins.d"
      ), boot: [String] = []
    ) async throws -> String {
      let files = try [
        Lab.file(rules.path, Lab.source(rules.name)),
        Lab.file(
          "/usr/share/netfilter-persistent/plugins.d/15-ip4tables",
          "#!/bin/sh\nexec /usr/sbin/iptables-restore \(rules.path)", mode: "0755"),
        Lab.file("/usr/local/sbin/lab-firewall", Lab.source("firewall.sh"), mode: "0755"),
        Lab.file(
          "/etc/systemd/system/\(service.name).service",
          """
          [Unit]
          DefaultDependencies=no
          After=local-fs.target
          Before=network-pre.target
          Wants=network-pre.target
          [Service]
          Type=oneshot
          RemainAfterExit=yes
          ExecStart=\(service.command)
          [Install]
          WantedBy=sysinit.target
          """),
        Lab.file(
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
      return try await Lab.payload(
        files: files, boot: boot,
        before: ["systemctl enable --now \(service.name).service"],
        // As after a change of the image's rules.
        after: [
          "systemctl restart \(service.name).service", "systemctl enable --now lab-firewall.service",
        ])
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
        try await Self.payload(""), as: "oci-rules", Lab.mirror + ["--warm", "--thorough"],
        faults: [
          Lab.Fault(
            "OCI's `rules.v4`, which turns everything away, is loaded before the bootstrap and in every boot",
            at: "the image",
            "what the role needs is open, pods are kept from the metadata service, again after a restart")
        ])
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      #expect(Set(outcome.checks.compactMap { $0["phase"] as? String }) == ["boot", "rerun", "reboot"])
      #expect(Self.said(outcome) == Array(repeating: "firewall: 12 of 12 hold", count: 2))
    }

    @Test("The same holds where the image's rules are nft's own, and there is no iptables")
    func nft() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(
          "", rules: ("nft-rules.conf", "/etc/nftables.conf"),
          service: ("nftables", "/usr/sbin/nft -f /etc/nftables.conf"),
          boot: ["rm -f /usr/sbin/iptables* /usr/sbin/ip6tables*"]),
        as: "nft-rules", Lab.mirror + ["--warm"],
        faults: [
          Lab.Fault(
            "rules of nft's own, which turn everything away, and no iptables", at: "the image",
            "what the role needs is open, pods are kept from the metadata service")
        ])
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      #expect(Self.said(outcome) == ["firewall: 11 of 11 hold"])
    }
  }
}
