import Foundation
import Secrets
import TestSupport
import Testing
import YAML

@testable import Verifier

/// The facts are those of a real boot: the payload in Samples/server.yaml, on Debian 12 under TCG, in the lab with its
/// stand-in for K3s, run again and restarted. The probe's key in it was `k3y`. One answer after the restart is changed:
/// that boot's probe did not know yet that an empty folder of secrets is as good as none. What it did not look at yet
/// either is added as the stand-in has it: no flannel, and nothing of Argo CD but its CRDs. The payload's bootstrap has its stages
/// in the arrays of today.
@Suite("Checks")
struct CheckTests {
  static let promises: Promises = {
    let file = Guest.samples.appendingPathComponent("server.yaml")
    return Promises(userData: Array((try? Data(contentsOf: file)) ?? Data()))
  }()

  /// The facts of the boot, of the bootstrap run again, and of the restart.
  static func facts(_ phase: Check.Phase) throws -> Facts {
    let file = Guest.samples.appendingPathComponent("facts.json")
    let document = try JSON.parse(Array(try Data(contentsOf: file)), source: "facts.json")
    let event = try #require(document[phase.rawValue])
    return Facts(
      document: try #require(event["data"]), boot: try #require(event["boot"]?.string),
      at: try #require(event["at"]?.double))
  }

  static func results(
    _ facts: Facts, _ promises: Promises = promises, earlier: Facts? = nil, phase: Check.Phase = .boot
  ) -> [VerificationReport.CheckResult] {
    Check.results(
      of: promises, facts, earlier: earlier, phase: phase, architecture: .x86_64,
      probe: Probe(nonce: "n0nce", key: "k3y"))
  }

  @Test("In a real boot every check holds, in every phase", arguments: Check.Phase.allCases)
  func everyCheckHolds(phase: Check.Phase) throws {
    let earlier = try phase == .boot ? nil : Self.facts(.boot)
    let results = Self.results(try Self.facts(phase), earlier: earlier, phase: phase)
    let failed = results.filter { $0.outcome == .failed }.map { "\($0.name): \($0.detail)" }
    #expect(failed.isEmpty)
    #expect(results.allSatisfy { $0.hint == nil && $0.phase == phase.rawValue && !$0.detail.isEmpty })
    let skipped = results.filter { $0.outcome == .skipped }.map(\.name)
    #expect(
      skipped == ["flannel-address"] + (phase == .boot ? ["ingress-forwards"] : [])
        + ["repository-secret", "other-secrets", "argocd-pods"])
    #expect(results.map(\.name).contains("rerun-changes-nothing") == (phase == .rerun))
    #expect(results.map(\.name).contains("rebooted") == (phase == .reboot))
  }

  @Test("Secrets of OCI Vault whose values are not known must be there; known values must be theirs")
  func vault() throws {
    let name = "cloudflare_api_token"
    let text = String(decoding: Self.promises.bytes, as: UTF8.self)
      .replacing(/- path: \/var\/lib\/k3seed\/secrets\/cloudflare_api_token\n(  .*\n)*/, with: "")
      .replacing("K3SEED_VAULT=''", with: "K3SEED_VAULT='\(name)=ocid1.vaultsecret.x'")
    func detail(_ vault: [String: Secret], _ check: String = "cloudflare-secrets") throws -> String {
      let promises = Promises(userData: Array(text.utf8), vault: vault)
      return try #require(Self.results(try Self.facts(.boot), promises).first { $0.name == check }).detail
    }
    let value = try #require(Self.promises.secrets.first { $0.name.hasSuffix(name) }?.value)
    let shown = ["cert-manager", "external-dns"].map { "\($0)/cloudflare-api-token (api-token" }
    #expect(
      try detail([:]) == shown.map { "\($0), its value not known)" }.joined(separator: ", ") + ": as promised"
    )
    #expect(try detail([name: value]) == shown.map { "\($0))" }.joined(separator: ", ") + ": as promised")
    #expect(
      try detail([name: Secret("another".utf8)]).hasPrefix(
        "cert-manager/cloudflare-api-token: api-token is not the Vault's value; "))
  }

  @Test(
    "After a power cut the stages that were kept are done in no other boot; the rest and the last one are",
    arguments: [
      (["download", "install", "seed", "gitops"], true, true), ([], true, true), (["download"], false, false),
      (["complete"], true, false), ([], false, true),
    ] as [(Set<String>, Bool, Bool)])
  func resumed(kept: Set<String>, hadCuts: Bool, passes: Bool) throws {
    let facts = try Self.facts(.boot)
    let stages = try #require(facts["bootstrap", "stages"]?.sequence)
    let rest = stages.filter { !kept.contains($0["name"]?.string ?? "") }
    let changed = try facts.changing(["bootstrap", "stages"], to: Node(.sequence(rest)))
    let results = Check.results(
      of: Self.promises, changed, phase: .boot,
      architecture: .x86_64, probe: Probe(nonce: "n", key: "k3y"), hadCuts: hadCuts)
    let outcome = results.first { $0.name == "bootstrap-complete" }?.outcome
    #expect(outcome == (passes ? .passed : .failed))
  }

  @Test("Every check has a name of its own and says what it proves, how, and what to do")
  func words() {
    #expect(Set(Check.all.map(\.name)).count == Check.all.count)
    for check in Check.all {
      #expect(check.name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" }, "\(check.name)")
      #expect(!check.proves.isEmpty && !check.how.isEmpty && !check.hint.isEmpty, "\(check.name)")
      #expect(!check.hint.hasSuffix(".") && !check.proves.hasSuffix("."), "\(check.name)")
    }
  }

  /// A change of one fact, and what the check that looks at it says then.
  struct Change: CustomTestStringConvertible, Sendable {
    var check: String
    var path: [String]
    /// JSON; nil where the fact is left out.
    var value: String?
    var detail: String
    var testDescription: String { "\(check): \(path.joined(separator: ".")) \(value ?? "left out")" }
  }

  static let hash = String(repeating: "0", count: 64)
  static let inodes = (try? facts(.boot)["disk", "/", "inodes_free"]?.integer) ?? 0
  static let changes: [Change] = [
    Change(
      check: "user-data-identity", path: ["user_data", "sha256"], value: "\"\(hash)\"",
      detail:
        "expected \(promises.bytes.count) bytes with sha256 \(promises.sha256), found \(promises.bytes.count) with \(hash)"
    ),
    Change(
      check: "user-data-identity", path: ["user_data"], value: nil,
      detail: "the guest did not say what user-data it got"),
    Change(
      check: "datasource", path: ["datasource"], value: "\"DataSourceEc2Local\"",
      detail: "expected DataSourceNoCloud, found DataSourceEc2Local"),
    Change(
      check: "datasource", path: ["datasource"], value: "null",
      detail: "the guest did not say which datasource it used"),
    Change(
      check: "cloud-init-finished", path: ["cloud_init", "stages", "modules-final", "finished"],
      value: "false",
      detail: "modules-final is not finished"),
    Change(
      check: "cloud-init-finished", path: ["cloud_init", "stages", "modules-config", "errors"],
      value: #"["('runcmd', oops)", "b"]"#, detail: "modules-config: 2 errors: ('runcmd', oops)"),
    Change(
      check: "cloud-init-finished", path: ["cloud_init", "finished"], value: "false",
      detail: "there is no /run/cloud-init/result.json"),
    Change(
      check: "cloud-init-clean", path: ["cloud_init", "warnings"],
      value: #"["WARNING: util.py: Failed loading yaml blob"]"#,
      detail: "expected no warning, found 1: WARNING: util.py: Failed loading yaml blob"),
    Change(
      check: "cloud-init-clean", path: ["cloud_init", "stages", "init-network", "recoverable_errors"],
      value: #"{"WARNING": ["Invalid cloud-config"]}"#,
      detail: "expected no warning, found 1: WARNING: init-network: Invalid cloud-config"),
    Change(
      check: "cloud-init-clean", path: ["cloud_init", "log"], value: nil,
      detail: "the guest did not say what is in cloud-init's log"),
    Change(
      check: "bootstrap-complete", path: ["bootstrap", "stages"],
      value:
        #"[{"name":"preflight","ok":true,"seconds":0},{"name":"download","ok":false,"line":"FAILED: no route"}]"#,
      detail: "download: FAILED: no route"),
    Change(
      check: "bootstrap-complete", path: ["bootstrap", "stages"],
      value: #"[{"name":"preflight","ok":true,"seconds":0}]"#,
      detail:
        "expected the stages preflight, firewall, download, secrets, install, ready, seed, gitops, scrub, complete, found preflight"
    ),
    Change(
      check: "bootstrap-complete", path: ["bootstrap", "complete"], value: "null",
      detail: "/var/lib/k3seed/complete is not there; the unit is active with the result success"),
    Change(
      check: "bootstrap-complete", path: ["bootstrap", "complete"], value: #""v1.30.0+k3s1""#,
      detail: "expected K3s v1.36.4+k3s1, found /var/lib/k3seed/complete of v1.30.0+k3s1"),
    Change(
      check: "bootstrap-complete", path: ["bootstrap", "active"], value: #""failed""#,
      detail: "the unit is failed with the result success"),
    Change(
      check: "bootstrap-complete", path: ["bootstrap"], value: "null",
      detail: "the guest did not say how the bootstrap ended"),
    Change(
      check: "no-failed-unit", path: ["systemd", "failed"],
      value: #"[{"unit":"a.service","result":"exit-code","exit":3},{"unit":"b.mount","result":"timeout"}]"#,
      detail: "expected no failed unit, found a.service (exit-code, exit 3), b.mount (timeout)"),
    Change(
      check: "no-failed-unit", path: ["systemd", "failed"], value: nil,
      detail: "the guest did not say which units failed"),
    Change(
      check: "no-stuck-job", path: ["systemd", "jobs"],
      value: #"[{"unit":"a.service","type":"start","state":"waiting"}]"#,
      detail: "expected no job, found a.service (start waiting)"),
    Change(
      check: "no-restarting-unit", path: ["systemd", "restarting"],
      value: #"[{"unit":"k3s.service","restarts":4}]"#,
      detail: "expected no restarted service, found k3s.service (4 restarts)"),
    Change(
      check: "no-restarting-unit", path: ["systemd", "restarting"], value: "null",
      detail: "the guest did not say which services were restarted"),
    Change(
      check: "disk-room", path: ["disk", "/", "free"], value: "1048576",
      detail: "expected at least 64 MiB, / has 1 MiB and \(inodes) inodes free"),
    Change(
      check: "disk-room", path: ["disk", "/", "free"], value: "67108863",
      detail: "expected at least 64 MiB, / has 63 MiB and \(inodes) inodes free"),
    Change(
      check: "disk-room", path: ["disk", "/", "free"], value: "-1e300",
      detail: "expected at least 64 MiB, / has ? and \(inodes) inodes free"),
    Change(
      check: "disk-room", path: ["disk"], value: nil, detail: "the guest did not say how full its disk is"),
    Change(
      check: "k3s-binary", path: ["binary", "sha256"], value: "\"\(hash)\"",
      detail: "expected sha256 \(promises.plan?.sha256[.x86_64] ?? ""), found \(hash)"),
    Change(
      check: "k3s-binary", path: ["binary", "sha256"], value: "null",
      detail:
        "expected /usr/local/bin/k3s with sha256 \(promises.plan?.sha256[.x86_64] ?? ""), found no such file"),
    Change(
      check: "api-ready", path: ["kubernetes", "readyz"], value: #"{"status":500,"body":"etcd failed"}"#,
      detail: "expected 200 from /readyz, found 500: etcd failed"),
    Change(
      check: "api-ready", path: ["kubernetes"], value: nil,
      detail: "the guest did not say whether the API server is ready"),
    Change(
      check: "node-ready", path: ["kubernetes", "node"],
      value: #"{"found":true,"ready":"False","message":"no CNI"}"#,
      detail: "expected the Node server to be Ready, found False: no CNI"),
    Change(
      check: "node-ready", path: ["kubernetes", "node"], value: #"{"found":false}"#,
      detail: "expected the Node server, found none of that name"),
    Change(
      check: "controllers-ready", path: ["kubernetes", "controllers", "argocd"],
      value: #"{"service_account":false,"root_ca":true}"#,
      detail: "the controllers have not made ServiceAccount argocd/default"),
    Change(
      check: "controllers-ready", path: ["kubernetes", "controllers", "default"], value: nil,
      detail:
        "the controllers have not made ServiceAccount default/default, ConfigMap default/kube-root-ca.crt"),
    Change(
      check: "namespaces", path: ["kubernetes", "namespaces", "external-dns", "status"], value: "404",
      detail: "expected argocd, cert-manager, external-dns, found no external-dns"),
    Change(
      check: "cloudflare-secrets",
      path: ["kubernetes", "secrets", "external-dns/cloudflare-api-token", "data", "api-token"],
      value: "\"\(hash)\"",
      detail: "external-dns/cloudflare-api-token: api-token is not the payload's value"),
    Change(
      check: "cloudflare-secrets",
      path: ["kubernetes", "secrets", "cert-manager/cloudflare-api-token", "data"],
      value: "{}", detail: "cert-manager/cloudflare-api-token has no key api-token"),
    Change(
      check: "cloudflare-secrets",
      path: ["kubernetes", "secrets", "cert-manager/cloudflare-api-token", "status"],
      value: "403", detail: "cert-manager/cloudflare-api-token: the API server answers 403"),
    Change(
      check: "cloudflare-secrets", path: ["kubernetes", "secrets", "cert-manager/cloudflare-api-token"],
      value: nil,
      detail: "the guest did not say whether cert-manager/cloudflare-api-token is there"),
    Change(
      check: "argocd-chart", path: ["kubernetes", "helmchart", "spec", "version"], value: #""9.0.0""#,
      detail: #"kube-system/argocd: spec.version: expected "10.9.6", found "9.0.0""#),
    Change(
      check: "argocd-chart", path: ["kubernetes", "helmchart", "spec", "failurePolicy"], value: #""retry""#,
      detail: "kube-system/argocd: spec.failurePolicy was not planned"),
    Change(
      check: "argocd-root",
      path: ["kubernetes", "application", "spec", "syncPolicy", "automated", "selfHeal"],
      value: "false",
      detail: "argocd/argocd-root: spec.syncPolicy.automated.selfHeal: expected true, found false"),
    Change(
      check: "argocd-root", path: ["kubernetes", "application", "spec", "source", "path"], value: nil,
      detail: "argocd/argocd-root: spec.source.path is missing"),
    Change(
      check: "argocd-root", path: ["kubernetes", "application", "spec", "extra"], value: "1",
      detail: "argocd/argocd-root: spec.extra was not planned"),
    Change(
      check: "argocd-root", path: ["kubernetes", "application", "status"], value: "404",
      detail: "expected the Application argocd/argocd-root, the API server answers 404"),
    Change(
      check: "files", path: ["files", "/etc/rancher/k3s/config.yaml", "mode"], value: #""0644""#,
      detail: "/etc/rancher/k3s/config.yaml: expected mode 0600, found 0644"),
    Change(
      check: "files", path: ["files", "/etc/k3seed/plan.json", "owner"], value: #""nobody""#,
      detail: "/etc/k3seed/plan.json: expected owner root, found nobody"),
    Change(
      check: "files", path: ["files", "/etc/k3seed/plan.json"], value: "null",
      detail: "/etc/k3seed/plan.json is not there"),
    Change(
      check: "files", path: ["files"], value: nil, detail: "the guest did not say which files there are"),
    Change(
      check: "no-secret-exposed", path: ["exposure", "found"],
      value: #"[{"secret":"/var/lib/k3seed/secrets/k3s_token","place":"/tmp/x (0644)"}]"#,
      detail: "expected no secret, found /var/lib/k3seed/secrets/k3s_token in /tmp/x (0644)"),
    Change(
      check: "no-secret-exposed", path: ["exposure", "complete"], value: "false",
      detail: "the search did not come to its end in time"),
    Change(
      check: "no-secret-exposed", path: ["exposure", "secrets"], value: "1",
      detail: "expected a search for 2 secrets, found one for 1"),
    Change(
      check: "no-secret-exposed", path: ["journal"], value: nil,
      detail: "the guest did not say where it looked for secrets"),
    Change(
      check: "secrets-gone", path: ["gone", "/var/lib/k3seed/secrets"], value: "false",
      detail: "still there: /var/lib/k3seed/secrets"),
    Change(
      check: "secrets-gone", path: ["gone"], value: nil,
      detail: "the guest did not say whether its secrets are gone"),
  ]

  @Test(
    "One changed fact fails the check that looks at it, which says what was expected and found",
    arguments: changes)
  func mutated(change: Change) throws {
    let value = try change.value.map { try JSON.parse(Array($0.utf8), source: "value") }
    let facts = try Self.facts(.boot).changing(change.path, to: value)
    let results = Self.results(facts)
    let check = try #require(results.first { $0.name == change.check })
    #expect(check.detail == change.detail)
    #expect(check.outcome == .failed && check.hint?.isEmpty == false)
    // Nobody else minds, unless the fact is the foundation of several.
    if change.path.count > 1, change.path != ["kubernetes", "readyz"] {
      #expect(results.filter { $0.outcome == .failed }.map(\.name) == [change.check])
    }
  }

  @Test(
    "Facts that are missing never pass",
    arguments: [#"{}"#, "null", "[]", #"{"systemd":[],"kubernetes":7,"files":"x"}"#])
  func empty(json: String) throws {
    let facts = Facts(document: try JSON.parse(Array(json.utf8), source: ""), boot: "b", at: 1)
    let before = try Self.facts(.boot)
    for phase in Check.Phase.allCases {
      let results = Self.results(facts, earlier: phase == .boot ? nil : before, phase: phase)
      // A new boot is the one thing that such a guest shows; what it had is gone.
      let passed = results.filter { $0.outcome == .passed }.map(\.name)
      #expect(passed.isEmpty)
    }
  }

  /// What a check says of facts of the boot in which something is otherwise.
  private static func result(
    _ name: String, _ path: [String], _ json: String, probe: Probe = Probe(nonce: "n", key: "k3y")
  ) throws -> (outcome: VerificationReport.CheckResult.Outcome, detail: String) {
    let facts = try facts(.boot).changing(path, to: JSON.parse(Array(json.utf8), source: ""))
    let results = Check.results(
      of: promises, facts, phase: .boot, architecture: .x86_64, probe: probe)
    let result = try #require(results.first { $0.name == name })
    return (result.outcome, result.detail)
  }

  static let workloads =
    #"{"name": "argocd-server", "wanted": 1, "ready": 0}, {"name": "argocd-redis", "wanted": 2, "ready": 2}"#

  @Test(
    "Whether Argo CD runs is said: it does, it does not, or why that cannot be judged",
    arguments: [
      (
        #""workloads": [{"name": "a", "wanted": 1, "ready": 1}], "pods": []"#, "passed",
        "1 of 1 are ready after 9 s"
      ),
      (
        #""workloads": [], "pods": []"#, "skipped",
        "not judged: Argo CD has no Deployment yet; that is Helm's job, which `complete` does not wait for"
      ),
      (
        #""workloads": [\#(workloads)], "pods": [{"name": "p", "reason": "ImagePullBackOff", "message": "no host"}]"#,
        "skipped",
        "not judged: an image cannot be pulled: p: ImagePullBackOff: no host; the guest reaches its seed only, and --network opens the internet"
      ),
      (
        #""workloads": [\#(workloads)], "pods": [{"name": "q", "reason": "ErrImagePull"}, {"name": "p", "reason": "CrashLoopBackOff", "message": null}]"#,
        "failed", "1 of 2 are not ready after 9 s: p: CrashLoopBackOff"
      ),
      (
        #""workloads": [\#(workloads)], "pods": [{"name": "p", "reason": null}]"#, "skipped",
        "not judged: 1 of 2 still start after 9 s: argocd-server"
      ),
      (#""workloads": 7"#, "failed", "the guest did not say whether Argo CD runs"),
    ])
  func argocd(json: String, outcome: String, detail: String) throws {
    let found = try Self.result("argocd-pods", ["kubernetes", "argocd"], #"{"waited": 9, \#(json)}"#)
    #expect(found.outcome.rawValue == outcome && found.detail == detail, "\(found.detail)")
  }

  @Test("Where the internet is open nobody is told to open it, and what is not complete is not judged")
  func argocdUnjudged() throws {
    var probe = Probe(nonce: "n", key: "k3y")
    probe.network = .host
    let stuck = #"{"workloads": [\#(Self.workloads)], "pods": [{"name": "p", "reason": "ErrImagePull"}]}"#
    #expect(
      try Self.result("argocd-pods", ["kubernetes", "argocd"], stuck, probe: probe).detail
        == "not judged: an image cannot be pulled: p: ErrImagePull")
    let found = try Self.result("argocd-pods", ["bootstrap", "complete"], "null")
    #expect(found.outcome == .skipped && found.detail == "not judged: the bootstrap is not complete")
  }

  @Test(
    "flannel must be at the address that the Node should have",
    arguments: [
      (#"["10.0.2.15"]"#, "10.0.2.15", "passed", "10.0.2.15"),
      (#"["10.0.2.15"]"#, "192.168.0.9", "failed", "expected flannel to be at 10.0.2.15, found 192.168.0.9"),
      (
        #"["192.168.0.9"]"#, "192.168.0.9", "failed",
        "expected the Node to have the address 10.0.2.15, found 192.168.0.9"
      ),
    ])
  func flannel(addresses: String, flannel: String, outcome: String, detail: String) throws {
    let found = try Self.result(
      "flannel-address", ["kubernetes", "node"],
      #"{"found": true, "addresses": \#(addresses), "flannel": "\#(flannel)"}"#)
    #expect(found.outcome.rawValue == outcome && found.detail == detail, "\(found.detail)")
  }

  @Test("In a cluster the address is the one on the nodes' network")
  func flannelInCluster() throws {
    var probe = Probe(nonce: "n", key: "k3y")
    probe.link = ClusterNetwork.Link(hardware: "52:54:00:6b:00:01", address: "10.20.1.12", prefix: 24)
    let json = #"{"found": true, "addresses": ["10.20.1.12"], "flannel": "192.0.2.15"}"#
    let found = try Self.result("flannel-address", ["kubernetes", "node"], json, probe: probe)
    #expect(found.detail == "expected flannel to be at 10.20.1.12, found 192.0.2.15")
  }

  @Test("What a running Argo CD writes into its Application's status is no change; another spec or label is")
  func rewritten() throws {
    let before = try Self.facts(.boot)
    let application = ["kubernetes", "application"]
    func outcome(_ path: [String], _ value: Node) throws -> VerificationReport.CheckResult? {
      Self.results(
        try Self.facts(.rerun).changing(application + path, to: value), earlier: before, phase: .rerun
      ).first { $0.name == "rerun-changes-nothing" }
    }
    #expect(try outcome(["resourceVersion"], "99999")?.outcome == .passed)
    for (path, value) in [(["spec", "project"], "other"), (["labels", "x"], "y")] as [([String], Node)] {
      let result = try outcome(path, value)
      #expect(result?.outcome == .failed && result?.detail == "another state of application")
    }
  }

  @Test("A bootstrap that changes something when run again is found, and so is a machine that forgets")
  func unchanged() throws {
    let before = try Self.facts(.boot)
    let path = ["kubernetes", "secrets", "cert-manager/cloudflare-api-token"]
    func detail(_ facts: Facts, _ earlier: Facts?, _ phase: Check.Phase, _ name: String) throws -> String {
      let result = try #require(Self.results(facts, earlier: earlier, phase: phase).first { $0.name == name })
      #expect(result.outcome == .failed)
      return result.detail
    }
    let rerun = try Self.facts(.rerun)
    #expect(
      try detail(
        rerun.changing(path + ["resourceVersion"], to: "9999"), before, .rerun, "rerun-changes-nothing")
        == "another state of secrets cert-manager/cloudflare-api-token")
    #expect(
      try detail(rerun.changing(["ended"], to: false), before, .rerun, "rerun-changes-nothing")
        == "the bootstrap that was started once more did not come to its end")
    #expect(
      try detail(rerun, nil, .rerun, "rerun-changes-nothing") == "the guest did not say what there was before"
    )
    let reboot = try Self.facts(.reboot)
    #expect(
      try detail(reboot.changing(path + ["uid"], to: "new"), before, .reboot, "rebooted")
        == "another uid, or none, of secrets cert-manager/cloudflare-api-token")
    #expect(
      try detail(before, before, .reboot, "rebooted") == "expected a new boot id, found \(before.boot) again")
  }

  @Test("User-data that k3seed did not make is judged by what can be known of it")
  func foreign() throws {
    let promises = PromisesTests.of("#cloud-config\nwrite_files:\n- {path: /a, content: x}\n")
    let facts = try Self.facts(.boot)
      .changing(["user_data", "sha256"], to: Node(.string(promises.sha256)))
      .changing(["files"], to: Node(.mapping([])))
    let results = Self.results(facts, promises)
    #expect(
      results.filter { $0.outcome == .passed }.map(\.name) == [
        "user-data-identity", "datasource", "cloud-init-finished", "cloud-init-clean", "no-failed-unit",
        "no-stuck-job", "no-restarting-unit", "disk-room",
      ])
    #expect(
      results.filter { $0.outcome == .failed }.map { "\($0.name): \($0.detail)" }
        == ["files: the guest did not say whether /a is there"])
    // With commands of its own, a changed file may be what the user wants.
    let running = PromisesTests.of("#cloud-config\nwrite_files:\n- {path: /a, content: x}\nruncmd: [rm /a]\n")
    let gone = try facts.changing(["files", "/a"], to: Node(.null))
    let check = Self.results(gone, running).first { $0.name == "files" }
    #expect(check?.outcome == .skipped)
    #expect(check?.detail == "1 difference, which commands of the user-data may have made: /a is not there")
    let agent = try PromisesTests.golden("literal/agent")
    let skipped = Self.results(facts, agent).filter { $0.outcome == .skipped }
    #expect(skipped.first { $0.name == "api-ready" }?.detail == "agent nodes have no API server")
  }

  @Test("Warnings of the image itself do not count, unless the user-data is about the same thing")
  func baseline() throws {
    let warning =
      #"["WARNING: cc_set_passwords.py: Ignoring config 'ssh_pwauth: None'. SSH service 'ssh' is not installed."]"#
    let facts = try Self.facts(.boot).changing(
      ["cloud_init", "warnings"], to: try JSON.parse(Array(warning.utf8), source: ""))
    func outcome(_ text: String) -> (VerificationReport.CheckResult.Outcome, String)? {
      Self.results(facts, PromisesTests.of(text)).first { $0.name == "cloud-init-clean" }.map {
        ($0.outcome, $0.detail)
      }
    }
    #expect(
      try #require(outcome("#cloud-config\nruncmd: [x]\n")) == (
        .passed, "no warning; 1 known of the image left out"
      ))
    #expect(try #require(outcome("#cloud-config\nssh_pwauth: true\n")).0 == .failed)
    for known in knownWarnings { #expect(!known.part.isEmpty && known.source.contains("cloud-init")) }
  }

  @Test("A failure's evidence and the waterfall come from the facts")
  func evidence() throws {
    let facts = try Self.facts(.boot)
    let spans = facts.timeline(offset: 2)
    #expect(spans.map(\.start) == spans.map(\.start).sorted())
    #expect(
      spans.filter { $0.group == .cloudInit }.map(\.name) == [
        "init-local", "init-network", "modules-config", "modules-final",
      ])
    #expect(spans.filter { $0.group == .bootstrap }.map(\.name) == Self.promises.stages.map(\.name))
    #expect(spans.allSatisfy { !$0.hasFailed && $0.start >= 2 && ($0.end ?? $0.start) >= $0.start })
    #expect(spans.first?.name == "kernel")
    let failed = try facts.changing(
      ["systemd", "failed"],
      to: try JSON.parse(
        Array(#"[{"unit":"a\u001b.service","result":"exit-code","exit":3,"lines":["why","because"]}]"#.utf8),
        source: "")
    )
    .changing(["bootstrap", "complete"], to: Node(.null))
    .changing(
      ["timeline"],
      to: try JSON.parse(
        Array(
          #"[{"group":"odd","name":"x","start":1},{"group":"kernel","name":"k","start":-1},{"group":"kernel","name":"k","start":3,"end":1}]"#
            .utf8), source: ""))
    #expect(failed.timeline(offset: 0).map { "\($0.name) \($0.start) \($0.end == nil)" } == ["k 3.0 true"])
    let evidence = failed.evidence()
    let unit = try #require(evidence.first { $0.title == "failed unit a\\u{1b}.service" })
    #expect(unit.lines == ["result exit-code, exit 3", "why", "because"])
    #expect(evidence.contains { $0.title == "log of the bootstrap's stage complete" } == false)
    #expect(evidence.contains { $0.title == "disk" && $0.lines.contains { $0.hasPrefix("/: ") } })
    #expect(
      evidence.contains { $0.title == "network" } && evidence.contains { $0.title == "memory and processes" })
    #expect(Facts(document: Node(.null), boot: "", at: 0).evidence().isEmpty)
  }

  @Test(
    "Whatever numbers a guest names, it is judged and reported on", arguments: Check.Phase.allCases,
    [
      "1e300", "-1e300", "1e999", "-1e999", "9223372036854775807", "-9223372036854775808", "1e-300", "-0.5",
      "99999999999999999999999",
    ])
  func numbers(phase: Check.Phase, number: String) throws {
    let facts = try Self.facts(phase)
    let hostile = Facts(
      document: facts.document.naming(number), boot: facts.boot, at: try #require(Double("1e300")))
    var report = ReportSamples.failing
    report.checks = Self.results(hostile, earlier: hostile, phase: phase)
    report.evidence = hostile.evidence()
    report.timeline = hostile.timeline(offset: 1e300)
    let room = try #require(report.checks.first { $0.name == "disk-room" })
    #expect(room.detail.contains("/ has "))
    let disk = try #require(report.evidence.first { $0.title == "disk" })
    #expect(disk.lines.contains { $0.hasPrefix("/: ") })
    for format in ReportFormat.allCases { #expect(!format.render(report).isEmpty) }
    #expect(report.text(isStyled: true).contains("disk-room") == (room.outcome == .failed))
  }
}

extension Facts {
  /// The facts with one of them changed, or left out.
  func changing(_ path: [String], to value: Node?) throws -> Facts {
    Facts(document: document.changing(path[...], to: value), boot: boot, at: at)
  }
}

extension Node {
  /// The node with another number in place of each.
  fileprivate func naming(_ number: String) -> Node {
    switch value {
    case .number: Node(.number(number))
    case .sequence(let items): Node(.sequence(items.map { $0.naming(number) }))
    case .mapping(let entries): Node(.mapping(entries.map { Entry($0.key, $0.value.naming(number)) }))
    default: self
    }
  }

  fileprivate func changing(_ path: ArraySlice<String>, to value: Node?) -> Node {
    guard let key = path.first else { return value ?? self }
    var entries = mapping ?? []
    let index = entries.firstIndex { $0.key == key }
    if path.count == 1, value == nil {
      if let index { entries.remove(at: index) }
    } else {
      let changed = (self[key] ?? Node(.mapping([]))).changing(path.dropFirst(), to: value)
      if let index { entries[index].value = changed } else { entries.append(Entry(key, changed)) }
    }
    return Node(.mapping(entries))
  }
}
