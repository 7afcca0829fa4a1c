import Foundation
import Secrets
import TestSupport
import Testing
import YAML

@testable import Verifier

@Suite(
  "The probe in a stand-in for a guest",
  .enabled(if: Guest.works, "needs bwrap with user namespaces, openssl, and a Python with PyYAML"))
struct ProbeTests {
  static let canary = "cf-canary \"quoted\"\\/é&more=1"
  static let token = "K10-canary-token-0123456789"

  /// A payload in k3seed's own shape, with values that every encoding changes.
  static let userData = Array(
    """
    #cloud-config
    write_files:
    - path: /etc/k3seed/plan.json
      content: '{"role":"server","k3s_version":"v1.2.3+k3s1"}'
    - path: /etc/k3seed/bootstrap.env
      content: |
        K3SEED_SEED='yes'
        K3SEED_NODE_NAME='Server'
    - path: /usr/local/sbin/k3seed-bootstrap
      permissions: '0755'
      content: |
        #!/bin/bash
        readonly stages=(preflight download seed)
        declare -rA deadlines=([preflight]=30 [download]=1500 [seed]=180)
        readonly first_server_stages='seed'
        # A stand-in: it must be told what to do, and find the secret back in its place.
        [ "$1" = again ] && [ -s /var/lib/k3seed/secrets/cloudflare_api_token ] && touch /var/lab/again
    - path: /var/lib/k3seed/secrets/cloudflare_api_token
      permissions: '0600'
      encoding: b64
      content: \(Data(canary.utf8).base64EncodedString())
    - path: /var/lib/k3seed/secrets/k3s_token
      permissions: '0600'
      content: \(token)
    - path: /var/lib/k3seed/secrets/pin
      content: '1234'
    - path: /var/lib/k3seed/kustomization.yaml
      content: |
        resources: [manifests/namespaces.yaml]
        secretGenerator:
        - {name: cloudflare-api-token, namespace: cert-manager, files: [api-token=secrets/cloudflare_api_token]}
    - path: /var/lib/k3seed/manifests/namespaces.yaml
      content: |
        {kind: Namespace, metadata: {name: cert-manager}}
    - path: /var/lib/k3seed/manifests/argocd-root.yaml
      content: |
        kind: Application
        metadata: {name: argocd-root, namespace: argocd}
        spec: {project: default, retry: {limit: -1}}

    """.utf8)

  static var objects: [String: Any] {
    [
      "/version": ["gitVersion": "v1.2.3+k3s1"],
      "/api/v1/nodes/server": [
        "status": [
          "conditions": [["type": "Ready", "status": "True", "message": "posting ready"]],
          "nodeInfo": ["kubeletVersion": "v1.2.3"],
        ]
      ],
      "/api/v1/namespaces/default": ["metadata": ["uid": "u0", "resourceVersion": "1"]],
      "/api/v1/namespaces/cert-manager": ["metadata": ["uid": "u1", "resourceVersion": "7"]],
      "/api/v1/namespaces/default/serviceaccounts/default": ["metadata": [:]],
      "/api/v1/namespaces/default/configmaps/kube-root-ca.crt": ["metadata": [:]],
      "/api/v1/namespaces/cert-manager/serviceaccounts/default": ["metadata": [:]],
      "/api/v1/namespaces/cert-manager/configmaps/kube-root-ca.crt": ["metadata": [:]],
      "/api/v1/namespaces/cert-manager/secrets/cloudflare-api-token": [
        "metadata": [
          "uid": "u2", "resourceVersion": "9", "managedFields": [["manager": "k3seed"]],
        ],
        "type": "Opaque", "data": ["api-token": Data(canary.utf8).base64EncodedString()],
      ],
      "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/argocd-root": [
        "metadata": ["uid": "u3", "resourceVersion": "11"],
        "spec": ["retry": ["limit": -1], "project": "default"],
      ],
    ]
  }

  /// A guest in which all went well.
  static func guest(steps: [[String: Any]]) -> Guest {
    var guest = Guest(userData: userData, steps: steps)
    guest.files = Guest.cloudInit
    guest.files["/var/lib/k3seed/complete"] = (Array("v1.2.3+k3s1\n".utf8), 0o644)
    guest.files["/usr/local/bin/k3s"] = (Array("the binary".utf8), 0o755)
    guest.writesFiles = true
    guest.removed = ["/var/lib/k3seed/secrets"]
    guest.objects = objects
    guest.answers["units"] =
      "Id=k3seed-bootstrap.service\nActiveState=active\nSubState=exited\nResult=success\nExecMainStatus=0\nConditionResult=yes\nExecMainStartTimestampMonotonic=3000000\n"
    guest.answers["journal"] = """
      [    3.100000] vm k3seed-bootstrap[9]: k3seed: preflight: ok (0 s)
      [    5.250000] vm k3seed-bootstrap[9]: k3seed: download: ok (2 s)
      [    6.500000] vm k3seed-bootstrap[9]: k3seed: seed: ok (1 s)

      """
    return guest
  }

  static var whole: [[String: Any]] { [["until": #""event":"facts""#]] }

  @Test("In a guest where all went well every check holds, or says why it does not apply")
  func everyCheckHolds() async throws {
    let outcome = try await Self.guest(steps: Self.whole).run()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.refused.isEmpty)
    guard case .hello? = outcome.events.first?.kind else {
      Issue.record("the first word is not hello: \(String(decoding: outcome.raw.prefix(400), as: UTF8.self))")
      return
    }
    let facts = try #require(outcome.facts("settled"))
    #expect(facts["missing"]?.texts == [])
    let promises = Promises(userData: Self.userData)
    let results = Check.results(
      of: promises, facts, phase: .boot, architecture: .x86_64, probe: Guest(userData: [], steps: []).probe)
    let failed = results.filter { $0.outcome == .failed }.map { "\($0.name): \($0.detail)" }
    #expect(failed == ["k3s-binary: the payload pins no SHA-256 for x86_64"])
    let details = Dictionary(uniqueKeysWithValues: results.map { ($0.name, $0.detail) })
    #expect(details["bootstrap-complete"] == "3 stages: preflight 0 s, download 2 s, seed 1 s")
    #expect(
      details["cloudflare-secrets"] == "cert-manager/cloudflare-api-token (api-token): as promised")
    #expect(details["argocd-root"] == "argocd/argocd-root, every field of its spec as planned")
    #expect(details["no-secret-exposed"]?.hasSuffix("; 1 secret too short to be searched for") == true)
    #expect(
      facts.timeline(offset: 10).filter { $0.group == .bootstrap }.map {
        "\($0.name) \($0.start) \($0.end ?? 0)"
      }
        == ["preflight 13.0 13.1", "download 13.1 15.25", "seed 15.25 16.5"])
  }

  /// Every form in which a secret may be found.
  static let forms: [(String, String)] = [
    ("plain", canary),
    ("base64", Data(canary.utf8).base64EncodedString()),
    ("base64 of a text that it is part of", Data("x\(canary)y".utf8).base64EncodedString()),
    ("JSON", String(decoding: JSON.emit(Node(.string(canary))), as: UTF8.self)),
    (
      "a URL",
      "https://u:" + (canary.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "") + "@host"
    ),
    ("hexadecimal", canary.utf8.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()),
  ]

  @Test("A secret is found wherever it should not be, in every form, and leaves in none", arguments: forms)
  func exposed(name: String, form: String) async throws {
    var guest = Self.guest(steps: Self.whole)
    guest.files["/var/log/app.log"] = (Array("said \(form)\n".utf8), 0o600)
    guest.files["/srv/page"] = (Array("<p>\(form)</p>".utf8), 0o644)
    guest.files["/srv/private"] = (Array(form.utf8), 0o640)
    guest.environments = [["TOKEN": form]]
    guest.answers["journal"] = "[    1.0] vm app[7]: \(form)\n"
    guest.answers["unit-journal"] = "\(form)\n"
    guest.answers["list-units"] = "app.service loaded failed failed \(form)\n"
    let outcome = try await guest.run()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let facts = try #require(outcome.facts("settled"))
    let found = facts["exposure", "found"]?.sequence ?? []
    #expect(
      Set(found.compactMap { $0["secret"]?.string }) == ["/var/lib/k3seed/secrets/cloudflare_api_token"])
    #expect(
      found.compactMap { $0["place"]?.string }
        == ["/srv/page (0644)", "/var/log/app.log (0600)", "environ of process sleep", "the journal"])
    let sent = String(decoding: outcome.raw, as: UTF8.self)
    let isMasked = sent.contains("<not shown>")
    #expect(isMasked)
    for (_, form) in Self.forms + [("escaped once more", JSON.quote(form))] {
      // Not the whole of what was sent, should this fail.
      let isThere = sent.contains(form)
      #expect(!isThere)
    }
    let results = Check.results(
      of: Promises(userData: Self.userData), facts, phase: .boot, architecture: .x86_64, probe: guest.probe)
    let check = try #require(results.first { $0.name == "no-secret-exposed" })
    #expect(check.outcome == .failed)
    #expect(
      check.detail.hasPrefix(
        "expected no secret, found /var/lib/k3seed/secrets/cloudflare_api_token in /srv/page (0644); "))
  }

  @Test("A secret that the host tells it of is found like one in the user-data, and leaves neither")
  func told() async throws {
    var probe = Probe(nonce: "the-nonce", key: "the-key")
    probe.vault = [("/var/lib/k3seed/secrets/git_pat", Secret("vault-canary-0123".utf8))]
    let order = String(String(decoding: probe.secrets, as: UTF8.self).dropLast())
    var guest = Self.guest(steps: [["until": #""event":"hello""#], ["say": order]] + Self.whole)
    guest.files["/var/log/app.log"] = (Array("said vault-canary-0123\n".utf8), 0o600)
    guest.environments = [["TOKEN": "vault-canary-0123"]]
    let outcome = try await guest.run()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let found = try #require(outcome.facts("settled")?["exposure", "found"]?.sequence)
    #expect(
      found.map { $0["secret"]?.string } == Array(repeating: "/var/lib/k3seed/secrets/git_pat", count: 2))
    #expect(found.map { $0["place"]?.string } == ["/var/log/app.log (0600)", "environ of process sleep"])
    #expect(!String(decoding: outcome.raw, as: UTF8.self).contains("vault-canary"))
    let vendorData = String(decoding: probe.vendorData(for: Promises(userData: Self.userData)), as: UTF8.self)
    #expect(!vendorData.contains("git_pat") && !vendorData.contains("dmF1bHQtY2FuYXJ5"), "it is on no disk")
  }

  @Test("Stages, the line at work and the running command are told as they change")
  func progress() async throws {
    var guest = Self.guest(steps: [
      ["until": "bootstrap: download"],
      ["until": #""line":"fetching http"#],
      ["write": ["/run/k3seed/seed.log": "applying\nK10 is \(Self.token)\n"]],
      ["until": #""stage":"bootstrap: seed""#],
      ["empty": "/sys/fs/cgroup/system.slice/k3seed-bootstrap.service/cgroup.procs"],
      ["until": #""event":"facts""#],
    ])
    guest.files["/run/k3seed/preflight.log"] = ([], 0o600)
    guest.files["/run/k3seed/download.log"] = (Array("fetching http://mirror\n".utf8), 0o600)
    guest.environments = [[:]]
    guest.isBootstrapping = true
    let outcome = try await guest.run()
    #expect(outcome.status == 0, "\(outcome.errors)")
    let stages = outcome.events.compactMap { event -> String? in
      guard case .stage(let stage) = event.kind, stage.name.hasPrefix("bootstrap") else { return nil }
      return "\(stage.name) \(stage.state.rawValue) \(stage.line ?? "")"
    }
    #expect(
      stages == [
        "bootstrap: preflight started ", "bootstrap: preflight finished ",
        "bootstrap: download started ", "bootstrap: download finished fetching http://mirror",
        "bootstrap: seed started ", "bootstrap: seed finished K10 is <not shown>",
      ])
    let beats = outcome.events.compactMap { if case .beat(let beat) = $0.kind { beat } else { nil } }
    #expect(beats.contains { $0.command == "sleep" && $0.process != nil })
    #expect(Set(beats.compactMap(\.command)) == ["sleep"])
    #expect(beats.allSatisfy { ($0.cpu ?? -1) >= 0 && ($0.network ?? -1) >= 0 })
    let cloudInit = outcome.events.compactMap { event -> String? in
      guard case .stage(let stage) = event.kind, stage.name.hasPrefix("cloud-init") else { return nil }
      return "\(stage.name.dropFirst(12)) \(stage.state.rawValue)"
    }
    #expect(
      cloudInit
        == ["init-local", "init-network", "modules-config", "modules-final"].flatMap {
          ["\($0) started", "\($0) finished"]
        })
  }

  @Test("Where the bootstrap has failed, a service that is started for ever is not waited for")
  func failed() async throws {
    var guest = Self.guest(steps: [
      ["until": "bootstrap: preflight"],
      ["empty": "/sys/fs/cgroup/system.slice/k3seed-bootstrap.service/cgroup.procs"],
      ["until": #""event":"facts""#],
    ])
    guest.files["/run/k3seed/preflight.log"] = (Array("no default route\n".utf8), 0o600)
    guest.files["/var/lib/k3seed/complete"] = nil
    guest.environments = [[:]]
    guest.isBootstrapping = true
    guest.answers["is-system-running"] = "starting\n"
    let outcome = try await guest.run()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.facts("settled")?["bootstrap", "complete"]?.string == nil)
  }

  @Test(
    "It answers with facts at any time, runs the bootstrap again and restarts the machine, but not for a stranger"
  )
  func orders() async throws {
    let probe = Probe(nonce: "the-nonce", key: "the-key")
    func say(_ order: String) -> [String: Any] {
      ["say": String(String(decoding: probe.order(order), as: UTF8.self).dropLast())]
    }
    var guest = Self.guest(steps: [
      ["say": "nonsense"], ["say": #"{"nonce":"another","do":"reboot"}"#], ["say": "[1]"],
      ["until": #""event":"hello""#], say("facts"), ["until": #""why":"asked""#],
      say("rerun"), ["until": #""why":"rerun""#], say("reboot"), ["until": #""event":"beat""#, "count": 3],
    ])
    // Nothing has settled: cloud-init is still at work.
    guest.files["/run/cloud-init/result.json"] = nil
    guest.shown = ["/var/lab/again", "/var/lab/rebooted"]
    let outcome = try await guest.run()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.facts("settled") == nil)
    #expect(outcome.facts("asked")?["cloud_init", "finished"]?.bool == false)
    #expect(outcome.facts("rerun")?["ended"]?.bool == true)
    #expect(outcome.errors.contains("/var/lab/again: True"))
    #expect(outcome.errors.contains("/var/lab/rebooted: True"))
  }

  @Test("A guest in which nothing answers is still reported, with what is missing")
  func hung() async throws {
    var guest = Self.guest(steps: Self.whole)
    guest.objects = nil
    guest.answers["manager"] = ""
    guest.files["/var/log/cloud-init.log"] = nil
    let outcome = try await guest.run()
    let facts = try #require(outcome.facts("settled"))
    #expect(facts["missing"]?.texts == ["kubernetes: OSError: /etc/rancher/k3s/k3s.yaml is not there"])
    let results = Check.results(
      of: Promises(userData: Self.userData), facts, phase: .boot, architecture: .x86_64, probe: guest.probe)
    let details = Dictionary(
      uniqueKeysWithValues: results.filter { $0.outcome == .failed }.map { ($0.name, $0.detail) })
    #expect(details["api-ready"] == "the guest did not say whether the API server is ready")
    #expect(details["cloud-init-clean"] == "the guest did not say what is in cloud-init's log")
    #expect(
      details["argocd-root"] == "the guest did not say whether the Application argocd/argocd-root is there")
  }

  @Test("Files of secrets that are left are told; their folder may be there empty, as bootcmd makes it again")
  func left() async throws {
    var guest = Self.guest(steps: Self.whole)
    guest.removed = ["/var/lib/k3seed/secrets/cloudflare_api_token", "/var/lib/k3seed/secrets/k3s_token"]
    func detail() async throws -> String {
      let facts = try #require(try await guest.run().facts("settled"))
      let results = Check.results(
        of: Promises(userData: Self.userData), facts, phase: .boot, architecture: .x86_64, probe: guest.probe)
      return try #require(results.first { $0.name == "secrets-gone" }).detail
    }
    #expect(
      try await detail() == "still there: /var/lib/k3seed/secrets, /var/lib/k3seed/secrets/pin")
    guest.removed.append("/var/lib/k3seed/secrets/pin")
    #expect(try await detail() == "4 paths gone")
  }

  @Test("Where it cannot read the secrets, it says that and nothing else")
  func blind() async throws {
    var guest = Guest(userData: Self.userData, steps: [["until": #""event":"blind""#]])
    let promises = Promises(userData: Self.userData)
    let hook = String(decoding: guest.probe.vendorData(for: promises), as: UTF8.self)
    #expect(!hook.contains(Self.token))
    // The seed's user-data and what the guest has are not the same.
    guest.files["/var/lib/cloud/instance/user-data.txt"] = (Array("#cloud-config\n]".utf8), 0o600)
    guest.keepsUserData = true
    let outcome = try await guest.run()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.events.count == 1)
    guard case .blind("ParserError")? = outcome.events.first?.kind else {
      Issue.record("\(outcome.events)")
      return
    }
  }

  @Test("Whatever a secret is, no form of it gets past the mask", arguments: 0..<3)
  func masking(seed: Int) async throws {
    let python = try #require(Tool.find("python3"))
    let probe = Tool.root.appendingPathComponent("Sources/Verifier/Embedded/probe.py").path
    let result = try await Tool.run([
      python, Guest.samples.appendingPathComponent("masking.py").path, probe, "\(seed)",
    ])
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.text == "2000 secrets\n")
  }

  @Test(
    "The keyed hash is the one of Python's hashlib",
    arguments: ["", "x", canary, String(repeating: "é", count: 300)])
  func hashes(value: String) async throws {
    let result = try await Tool.run([
      "python3", "-c",
      "import hashlib, sys; print(hashlib.blake2b(sys.argv[1].encode(), key=sys.argv[2].encode(), digest_size=32).hexdigest())",
      value, "the key",
    ])
    #expect(result.text == Secret(value.utf8).hash(key: "the key") + "\n")
  }
}
