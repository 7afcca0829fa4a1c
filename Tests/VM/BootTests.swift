import Foundation
import TestSupport
import Testing

extension Machines {
  /// Boots that pass, and boots that must fail: each in its own way, none by a mere timeout.
  @Suite("Booting user-data", .serialized, .enabled(if: Lab.isHere, Comment(rawValue: Lab.whySkipped)))
  struct BootTests {
    @Test(
      "A literal server payload passes every check; in the matrix again after a rerun, and after a restart")
    func literal() async throws {
      let outcome = try await Lab.verify(
        try await Lab.payload(), as: "literal-server", Lab.mirror + (Lab.isWhole ? ["--thorough"] : []))
      #expect(outcome.verdict == "PASS", "\(outcome.text)")
      #expect(outcome.status == 0)
      let phases = Set(outcome.checks.compactMap { $0["phase"] as? String })
      #expect(phases == (Lab.isWhole ? ["boot", "rerun", "reboot"] : ["boot"]))
      // What this payload promises is checked, not skipped.
      for name in [
        "user-data-identity", "datasource", "cloud-init-finished", "cloud-init-clean", "bootstrap-complete",
        "no-failed-unit", "k3s-binary", "api-ready", "node-ready", "controllers-ready", "namespaces",
        "cloudflare-secrets", "argocd-chart", "argocd-root", "files", "no-secret-exposed", "secrets-gone",
      ] {
        #expect(outcome.names("passed").contains(name), "\(name)")
      }
      let token = "EXAMPLE-this-is-not-a-cloudflare-token-0"
      #expect(!String(describing: outcome.report).contains(token))
    }

    @Test(
      "The same payload passes where cloud-init and systemd are newer",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func debian13() async throws {
      let outcome = try await Lab.verify(
        try await Lab.payload(), as: "literal-server-debian-13", Lab.mirror, image: "debian-13")
      #expect(outcome.verdict == "PASS", "\(outcome.text)")
    }

    @Test(
      "User-data that k3seed did not make is checked for what holds for all",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func foreign() async throws {
      let outcome = try await Lab.verify(
        """
        #cloud-config
        write_files:
        - path: /etc/example
          permissions: '0640'
          content: hello
        runcmd:
        - [touch, /etc/done]

        """, as: "foreign", ["--warm"])
      #expect(outcome.verdict == "PASS", "\(outcome.text)")
      #expect(outcome.names("passed").contains("files"))
      #expect(outcome.names("skipped").contains("argocd-root"))
    }

    @Test(
      "A K3s with another hash is never run, and both hashes are named",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func wrongHash() async throws {
      let config = try String(contentsOfFile: "\(Lab.folder ?? "")/k3seed.yaml", encoding: .utf8)
      let line = try #require(config.split(separator: "\n").first { $0.contains("amd64: ") })
      let right = String(line.drop { $0 != ":" }.dropFirst(2))
      let wrong = String(right.reversed())
      // Without the official source, which would be asked after the mirror, and is out of reach for some.
      let official = " https://github.com/k3s-io/k3s/releases/download/v1.36.4%2Bk3s1"
      let outcome = try await Lab.verify(
        try await Lab.payload(replacing: [right: wrong, official: ""]), as: "wrong-hash",
        Lab.mirror + ["--warm"],
        faults: [
          Lab.Fault(
            "every mirror has another K3s", at: "the pinned hash", "`download` fails, nothing is executed")
        ])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.names("failed").contains("bootstrap-complete"))
      let said = outcome.detail("bootstrap-complete")
      #expect(said.contains("download: FAILED"), "\(said)")
      #expect(said.contains("sha256 \(right.prefix(12)) is not \(wrong.prefix(12))"), "\(said)")
      #expect(outcome.names("failed").contains("k3s-binary"))
    }

    @Test(
      "YAML that cannot be read is the user-data's fault, and cloud-init's words on it are there",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func brokenYAML() async throws {
      let outcome = try await Lab.verify(
        "#cloud-config\nruncmd:\n\t- echo hello\n", as: "broken-yaml", ["--warm"])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.names("failed").contains("cloud-init-clean"))
      #expect(
        outcome.detail("cloud-init-clean").contains("YAML")
          || outcome.detail("cloud-init-clean").contains("yaml"))
    }

    @Test(
      "A Secret with another value than the payload's is found, and neither value is shown",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func alteredSecret() async throws {
      let outcome = try await Lab.verify(
        try await Lab.payload(faults: ["secret-altered"]), as: "altered-secret", Lab.mirror + ["--warm"],
        faults: [
          Lab.Fault(
            "a Secret gets another value", at: "the stand-in for K3s",
            "the verifier finds it, and shows neither")
        ])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.names("failed").contains("cloudflare-secrets"))
      #expect(outcome.detail("cloudflare-secrets").contains("cloudflare-api-token"))
      #expect(!String(describing: outcome.report).contains("EXAMPLE-this-is-not-a-cloudflare-token-0"))
    }

    @Test(
      "A chart that never brings its CRD fails the stage that waits for it",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func missingCRD() async throws {
      let outcome = try await Lab.verify(
        try await Lab.payload(faults: ["no-crd"], deadlines: ["gitops": 60]), as: "missing-crd",
        Lab.mirror + ["--warm"],
        faults: [
          Lab.Fault(
            "Argo CD's chart never brings its CRDs", at: "the stand-in for K3s",
            "`gitops` fails within its deadline")
        ])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.names("failed").contains("bootstrap-complete"))
      #expect(outcome.detail("bootstrap-complete").contains("gitops"))
      #expect(outcome.names("failed").contains("argocd-root"))
    }

    @Test(
      "A command that never ends is named",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func hung() async throws {
      let outcome = try await Lab.verify(
        "#cloud-config\nruncmd:\n- [sleep, infinity]\n", as: "hung", ["--warm", "--patience", "40"])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.cause == "stage-hung")
      #expect(outcome.message?.contains("running: sleep") == true, "\(outcome.message ?? "")")
    }

    @Test(
      "A secret on the console is in no form of the report",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func shownSecret() async throws {
      let token = "EXAMPLE-this-is-not-a-cloudflare-token-0"
      let outcome = try await Lab.verify(
        try await Lab.payload(
          before: [
            "echo leaked $(cat /var/lib/k3seed/secrets/cloudflare_api_token) >/dev/console",
            "echo leaked $(base64 -w 0 /var/lib/k3seed/secrets/cloudflare_api_token) >/dev/console",
            "for part in EXAMPLE-this-is-not- a-cloudflare-token-0; do printf %s $part >/dev/console; sleep 3; done",
          ]), as: "shown-secret", Lab.mirror + ["--warm"])
      // The probe finds it too.
      #expect(
        outcome.verdict == "FAIL" && outcome.names("failed").contains("no-secret-exposed"), "\(outcome.text)")
      #expect(outcome.lines("leaked <not shown>").count == 2, "\(outcome.lines("leaked"))")
      let html = try String(
        contentsOf: Lab.reports.appendingPathComponent("shown-secret.html"), encoding: .utf8)
      for form in [token, Data(token.utf8).base64EncodedString()] {
        #expect(
          !String(describing: outcome.report).contains(form) && !outcome.text.contains(form)
            && !html.contains(form))
      }
    }

    @Test(
      "Where a deadline of the guest's own ends the bootstrap on a slow host, that is said; --stretch makes it longer",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func stretched() async throws {
      // A stage's own time in an emulated machine is several times this; the longest that the drop-in may be is not.
      let payload = try await Lab.payload().replacing("install:120", with: "install:1")
      let short = try await Lab.verify(
        payload, as: "guest-deadline", Lab.mirror + ["--warm", "--accel", "tcg"])
      #expect(
        short.verdict == "FAIL" && short.detail("bootstrap-complete").contains("not done within 1 s"),
        "\(short.text)")
      #expect(
        (short.report["notes"] as? [String] ?? []).contains {
          $0.hasPrefix("a deadline of the guest's own (1 s) ended")
        },
        "\(short.report["notes"] ?? "")")
      let long = try await Lab.verify(
        payload.replacing("install:1 ", with: "install:20 "), as: "guest-deadline-stretched",
        Lab.mirror + ["--warm", "--accel", "tcg", "--stretch"])
      #expect(long.verdict == "PASS", "\(long.text)")
      let factor = (long.report["host"] as? [String: Any])?["guest_deadlines"] as? Double
      #expect(factor.map { $0 >= 10 } == true && long.text.contains("the guest's own "), "\(long.text)")
    }

    @Test("A kernel panic is told from a hang, with the lines around it")
    func panic() async throws {
      let outcome = try await Lab.verify(
        "#cloud-config\nruncmd:\n- echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger; sleep 60\n",
        as: "panic", ["--warm"])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.cause == "guest-panic")
      #expect(outcome.evidence.contains("sysrq"), "\(outcome.evidence)")
    }

    @Test(
      "A guest that powers itself off is at fault",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func powersOff() async throws {
      let outcome = try await Lab.verify(
        "#cloud-config\nruncmd:\n- [systemctl, poweroff, --force, --force]\n", as: "powers-off", ["--warm"])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.cause == "guest-powered-off")
    }

    @Test(
      "User-data that disables vendor-data cannot be judged, and that is why",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func disabledVendorData() async throws {
      let outcome = try await Lab.verify(
        "#cloud-config\nvendor_data: {enabled: false}\n", as: "vendor-data-disabled", ["--warm"])
      #expect(outcome.verdict == "INCONCLUSIVE" && outcome.status == 75, "\(outcome.text)")
      #expect(outcome.cause == "vendor-data-disabled")
    }

    @Test(
      "A guest whose disk is full fails, and the report says how full",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func fullDisk() async throws {
      let outcome = try await Lab.verify(
        """
        #cloud-config
        bootcmd:
        - fallocate -l "$(($(stat -f -c '%f * %S' /) - 67108864))" /filled
        - dd if=/dev/zero of=/filled-too bs=64k || true
        write_files:
        - path: /etc/example
          content: hello

        """, as: "full-disk", ["--warm"])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      #expect(outcome.names("failed").contains("disk-room"), "\(outcome.text)")
      #expect(outcome.detail("disk-room").contains("/"))
    }
  }
}
