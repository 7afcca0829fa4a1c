import Testing

@testable import Verifier

/// A report, and what tests are called after.
struct ReportSample: Sendable, CustomTestStringConvertible {
  var name: String
  var report: VerificationReport

  var testDescription: String { name }
}

/// Reports as verifications give them: what the tests of every format write.
///
/// They are made up, times and all; only their shape is that of real runs.
enum ReportSamples {
  static let all = [
    ReportSample(name: "passing", report: passing), ReportSample(name: "failing", report: failing),
    ReportSample(name: "hung", report: hung), ReportSample(name: "hostless", report: hostless),
    ReportSample(name: "hostile", report: hostile),
  ]

  /// A server of K3s at which everything holds, booted, bootstrapped again, and rebooted.
  static let passing = VerificationReport(
    verdict: .pass, cause: nil, payload: payload, host: host,
    notes: ["kvm opened but ran nothing for 20 s: went on with tcg"],
    checks: ["boot", "rerun", "reboot"].flatMap { phase in
      checks.compactMap { check in
        guard phase == "boot" || check.inLaterPhases else { return nil }
        return VerificationReport.CheckResult(
          name: check.name, proves: check.proves, how: check.how, phase: phase,
          outcome: check.skipped == nil ? .passed : .skipped, detail: check.skipped ?? check.seen, hint: nil)
      }
    },
    timeline: boot + bootstrap
      + [
        span(.checks, "facts", 118.2, 126.4), span(.checks, "rerun", 126.4, 139.0),
        span(.checks, "reboot", 139.0, 181.7),
      ],
    evidence: [], console: console, seconds: 183.4)

  /// One where the download was of other bytes, so that nothing after it came to be.
  static let failing = VerificationReport(
    verdict: .fail, cause: nil, payload: payload, host: host, notes: [],
    checks: checks.map { check in
      let failed = [
        "bootstrap-complete":
          "status.json says failed at download: sha256 of k3s is 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
        "no-failed-units": "k3seed-bootstrap.service is failed",
        "k3s-binary": "there is no /usr/local/bin/k3s",
      ][check.name]
      let isAfter = check.name.hasPrefix("cloudflare") || check.name.hasPrefix("api-")
      return VerificationReport.CheckResult(
        name: check.name, proves: check.proves, how: check.how, phase: "boot",
        outcome: failed != nil ? .failed : isAfter || check.skipped != nil ? .skipped : .passed,
        detail: failed
          ?? (isAfter ? "there is no API server to ask: see k3s-binary" : check.skipped ?? check.seen),
        hint: failed == nil ? nil : check.hint)
    },
    timeline: boot
      + [
        span(.bootstrap, "preflight", 62.3, 63.0), span(.bootstrap, "firewall", 63.0, 63.4),
        span(.bootstrap, "download", 63.4, 71.9, failed: true), span(.checks, "facts", 74.0, 81.2),
      ],
    evidence: [
      .init(
        title: "failed unit k3seed-bootstrap.service",
        lines: [
          "download: trying https://mirror.example/k3s/v1.36.4%2Bk3s1/k3s",
          "download: 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef is not the pinned SHA-256",
          "download: failed for good: no source gave the pinned bytes",
        ]),
      .init(title: "network", lines: ["eth0 UP 10.0.2.15/24", "default via 10.0.2.2 dev eth0"]),
    ],
    console: Array(console.prefix(24)), seconds: 84.1)

  /// One that a command of `runcmd` keeps for ever.
  static let hung = VerificationReport(
    verdict: .fail,
    cause: .init(
      code: "stage-hung", stage: "cloud-init: modules-final",
      message: "runcmd has run for 300 s without a sign of life: sleep infinity",
      hint: "let runcmd start a unit instead, or bound the command with timeout(1)"),
    payload: .init(
      name: "user-data.yaml", sha256: String(repeating: "0b", count: 32), bytes: 412, isOwn: false),
    host: host, notes: [],
    cuts: [.init(stage: "install", delay: 2, means: .kill, during: "ready", at: 51.25)], checks: [],
    timeline: Array(boot.dropLast()) + [span(.cloudInit, "modules-final", 55.0, nil)],
    evidence: [
      .init(
        title: "processes of cloud-final.service",
        lines: ["1021 /bin/sh /var/lib/cloud/…/runcmd", "1022 sleep infinity"])
    ],
    console: Array(console.prefix(20)), seconds: 355.2)

  /// One that came to nothing, as the host has no QEMU.
  static let hostless = VerificationReport(
    verdict: .infra,
    cause: .init(
      code: "qemu-missing", stage: "host", message: "there is no qemu-system-x86_64 on PATH",
      hint: "install it: apt-get install qemu-system-x86"),
    payload: payload, host: nil, notes: [], checks: [], timeline: [], evidence: [], console: [], seconds: 0.02
  )

  /// Texts that would break out of any format that let them.
  static let hostileTexts = [
    "</script><script>document.title='broken'</script>", "]]><x/>", "a\u{0}b", "\u{202E}desrever",
    "\u{1B}[2J\u{9B}31m",
    "\u{FFFE}\u{FFFF}", "&amp; &lt; \" ' ` <!-- --> <![CDATA[", "<img src=x onerror=alert(1)>",
    "🥝 é \u{10FFFF}",
    "line\nbreak\r\ttab", "</textarea></style></title></svg><b>", "", String(repeating: "w", count: 5000),
  ]

  /// A report in which every text is hostile and the console has a megabyte.
  static let hostile: VerificationReport = {
    let text = hostileTexts.joined(separator: " ")
    // Boots are columns of a table: there are three, as there are.
    let phases = [hostileTexts[0], hostileTexts[3], String(repeating: "w", count: 500)]
    return VerificationReport(
      verdict: .inconclusive, cause: .init(code: text, stage: text, message: text, hint: text),
      payload: .init(name: text, sha256: text, bytes: .max, isOwn: true),
      host: .init(
        image: text, architecture: text, qemu: text, accelerator: text, cpus: -1, memory: .max, isWarm: true,
        network: .host, slowness: .infinity, guestStretch: .infinity),
      notes: hostileTexts,
      cuts: [.init(stage: text, delay: .nan, means: .reset, during: text, at: -.infinity)],
      checks: zip(hostileTexts, 0...).flatMap { text, index in
        [VerificationReport.CheckResult.Outcome.passed, .failed, .skipped].map {
          .init(
            name: text, proves: text, how: text, phase: phases[index % 3], outcome: $0, detail: text,
            hint: text)
        }
      },
      timeline: [
        span(.kernel, text, -1, 1e300), span(.bootstrap, text, .nan, .infinity), span(.checks, text, 5, 1),
        span(.system, "", 3, nil, failed: true),
      ],
      evidence: hostileTexts.map { .init(title: $0, lines: hostileTexts) },
      console: hostileTexts + (0..<1_000).map { "\($0) <&> " + String(repeating: "wide ", count: 200) },
      seconds: 1e9)
  }()

  static let payload = VerificationReport.Payload(
    name: "server.yaml", sha256: "9d4c3b0f6a1e58c27d90b1a4f3e2d5c6b7a8091f2e3d4c5b6a79880716253443",
    bytes: 10_912,
    isOwn: true)

  static let host = VerificationReport.Host(
    image: "debian-12", architecture: "x86_64", qemu: "7.2.17", accelerator: "tcg", cpus: 2, memory: 3072,
    isWarm: false, network: .seed, slowness: 1.4, guestStretch: nil)

  private static func span(
    _ group: VerificationReport.Span.Group, _ name: String, _ start: Double, _ end: Double?,
    failed: Bool = false
  ) -> VerificationReport.Span {
    .init(group: group, name: name, start: start, end: end, hasFailed: failed)
  }

  private static let boot = [
    span(.kernel, "kernel", 0.4, 5.9), span(.system, "systemd", 5.9, 18.6),
    span(.cloudInit, "init-local", 12.1, 20.4), span(.system, "network-online", 20.4, 23.0),
    span(.cloudInit, "init-network", 23.0, 39.8), span(.cloudInit, "modules-config", 42.0, 55.0),
    span(.cloudInit, "modules-final", 55.0, 64.2),
  ]

  private static let bootstrap = [
    ("preflight", 0.7), ("firewall", 0.4), ("download", 8.5), ("secrets", 0.3), ("install", 12.8),
    ("ready", 21.3),
    ("seed", 4.2), ("gitops", 5.8), ("scrub", 0.6), ("complete", 0.1),
  ].reduce(into: [VerificationReport.Span]()) { spans, stage in
    let start = spans.last?.end ?? 62.3
    spans.append(span(.bootstrap, stage.0, start, ((start + stage.1) * 10).rounded() / 10))
  }

  private struct SampleCheck {
    var name: String
    var proves: String
    var how: String
    var seen: String
    var hint: String
    var skipped: String?
    var inLaterPhases = true
  }

  private static let checks: [SampleCheck] = [
    .init(
      name: "user-data-identity", proves: "the guest got the bytes of the file, and no others",
      how: "sha256 of /var/lib/cloud/instance/user-data.txt in the guest",
      seen: "sha256 9d4c3b0f6a1e… of 10,912 bytes", hint: "look at what rewrites user-data on its way",
      inLaterPhases: false),
    .init(
      name: "datasource", proves: "cloud-init read the verifier's seed", how: "/run/cloud-init/result.json",
      seen: "DataSourceNoCloudNet [seed=http://10.0.2.100/]", hint: "remove datasource_list from the image",
      inLaterPhases: false),
    .init(
      name: "cloud-init-clean", proves: "cloud-init finished without an error of its own",
      how: "status and result.json, less what the bare image says too", seen: "done, no error",
      hint: "read the errors below, each names its module"),
    .init(
      name: "bootstrap-complete", proves: "every stage of the bootstrap ended well",
      how: "/run/k3seed/status.json",
      seen: "10 stages in 54.7 s", hint: "read the failed stage's journal below"),
    .init(
      name: "no-failed-units", proves: "no unit failed, hangs or restarts over and over",
      how: "systemctl list-units",
      seen: "112 units, none failed", hint: "journalctl -u the unit named"),
    .init(
      name: "k3s-binary", proves: "the K3s that runs is the pinned one", how: "sha256 of /usr/local/bin/k3s",
      seen: "the pinned sha256 of v1.36.4+k3s1", hint: "check the pin, or the mirror that served other bytes"),
    .init(
      name: "api-ready", proves: "the API server answers and its Node is Ready", how: "GET /readyz, nodes",
      seen: "ok; server is Ready", hint: "journalctl -u k3s"),
    .init(
      name: "cloudflare-secret-cert-manager",
      proves: "cert-manager has the Cloudflare token that was promised",
      how: "keyed hash of the Secret's value", seen: "equal",
      hint: "render again with the token that is meant"),
    .init(
      name: "cloudflare-secret-external-dns",
      proves: "external-dns has the Cloudflare token that was promised",
      how: "keyed hash of the Secret's value", seen: "equal",
      hint: "render again with the token that is meant"),
    .init(
      name: "repository-secret", proves: "Argo CD has the credentials of the repository",
      how: "keyed hashes of the Secret's values", seen: "", hint: "", skipped: "the repository is public"),
    .init(
      name: "api-argocd-root", proves: "argocd-root was accepted with exactly the planned spec",
      how: "GET applications/argocd-root", seen: "spec is as planned",
      hint: "compare the spec in the evidence"),
    .init(
      name: "no-canary", proves: "no secret is in a log, the journal, a process list or a readable file",
      how: "search for keyed hashes of every secret", seen: "2 secrets, 41 places, none found",
      hint: "see which file names it"),
  ]

  private static let console =
    [
      "[    0.000000] Linux version 6.1.0-38-cloud-amd64 (debian-kernel@lists.debian.org)",
      "[    0.000000] Command line: root=/dev/vda rw console=ttyS0 ds=nocloud",
      "[    1.204511] virtio_blk virtio1: [vda] 6291456 512-byte logical blocks (3.22 GB/3.00 GiB)",
      "[    5.871020] Run /sbin/init as init process",
      "[  OK  ] Started systemd-journald.service - Journal Service.",
      "[  OK  ] Reached target network-online.target - Network is Online.",
    ]
    + (0..<40).map {
      "[   \(24 + $0).118203] cloud-init[612]: Cloud-init v. 22.4.2 running module \($0) of 40"
    }
    + [
      "k3seed: preflight: ok", "k3seed: download: ok", "", "Debian GNU/Linux 12 server ttyS0", "",
      "server login: ",
    ]
}
