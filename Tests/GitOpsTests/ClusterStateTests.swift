import Diagnostics
import GitOps
import TestSupport
import Testing
import YAML

@Suite("What a cluster's Applications wait for")
struct ClusterStateTests {
  /// The JSON of an Application: only what a case is about.
  static func application(
    _ name: String, wave: Int? = nil, sync: String = "Synced", health: String = "Healthy",
    namespace: String = "", spec: String = #""syncPolicy": {"automated": {}}"#, status: String = "",
    metadata: String = ""
  ) -> String {
    """
    {"metadata": {"name": "\(name)", "resourceVersion": "7"\(metadata)
      \(wave.map { #", "annotations": {"argocd.argoproj.io/sync-wave": "\#($0)"}"# } ?? "")},
     "spec": {"destination": {"namespace": "\(namespace)"}, \(spec)},
     "status": {"sync": {"status": "\(sync)"}, "health": {"status": "\(health)"}\(status.isEmpty ? "" : ", \(status)")}}
    """
  }

  static func state(_ applications: [String]) throws -> ClusterState {
    try ClusterState(Array(#"{"items": [\#(applications.joined(separator: ", "))]}"#.utf8), source: "kubectl")
  }

  /// An operation that failed with these words.
  static func failed(_ words: String) -> String {
    #""operationState": {"phase": "Failed", "message": "one or more synchronization tasks are not valid", "retryCount": 2, "syncResult": {"resources": [{"kind": "X", "status": "SyncFailed", "message": "\#(words)"}, {"kind": "Y", "status": "Synced", "message": "y created"}]}}"#
  }

  @Test("A cluster where all is synced and healthy has nothing left to do")
  func done() throws {
    let state = try Self.state([Self.application("b", wave: 2), Self.application("a", wave: 1)])
    #expect(state.isDone)
    #expect(
      state.text() == """
        phase 1
          a  Synced  Healthy
        phase 2
          b  Synced  Healthy

        2 of 2 synced and healthy

        """)
  }

  struct Words: Sendable, CustomTestStringConvertible {
    var code: String
    var words: String
    var message: String
    var blockers: [String] = []
    var testDescription: String { code }
  }

  static let words = [
    Words(
      code: "missing-crd",
      words:
        #"The Kubernetes API could not find cert-manager.io/ClusterIssuer for requested resource /letsencrypt. Make sure the \"ClusterIssuer\" CRD is installed on the destination cluster."#,
      message: "the cluster does not know ClusterIssuer of cert-manager.io: cert-manager brings it",
      blockers: ["cert-manager"]),
    Words(
      code: "missing-crd",
      words: #"no matches for kind \"Gateway\" in version \"gateway.networking.k8s.io/v1\""#,
      message: "the cluster does not know Gateway of gateway.networking.k8s.io: crds brings it",
      blockers: ["crds"]),
    Words(
      code: "missing-crd", words: #"no matches for kind \"Thing\" in version \"example.org/v1\""#,
      message: "the cluster does not know Thing of example.org"),
    Words(
      code: "wrong-version",
      words:
        #"The Kubernetes API could not find version \"v1beta1\" of external-secrets.io/ExternalSecret for requested resource a/b. Version \"v1\" of external-secrets.io/ExternalSecret is installed on the destination cluster."#,
      message: "ExternalSecret of external-secrets.io is known as v1, not as v1beta1"),
    Words(
      code: "webhook-unavailable",
      words:
        #"Internal error occurred: failed calling webhook \"webhook.cert-manager.io\": Post \"https://cert-manager-webhook.cert-manager.svc:443/mutate?timeout=10s\": dial tcp 10.43.0.9:443: connect: connection refused"#,
      message: "webhook webhook.cert-manager.io does not answer: cert-manager brings it",
      blockers: ["cert-manager"]),
    Words(
      code: "missing-secret", words: #"secrets \"registry\" not found"#,
      message: "Secret registry is not there"),
    Words(
      code: "missing-namespace", words: #"namespaces \"shop\" not found"#,
      message: "Namespace shop is not there"),
    Words(
      code: "not-permitted", words: "resource apps:Deployment is not permitted in project shop.",
      message: "AppProject shop does not permit apps:Deployment"),
    Words(
      code: "immutable-field",
      words: #"Deployment.apps \"x\" is invalid: spec.selector: Invalid value: field is immutable"#,
      message: #"Deployment.apps "x" is invalid: spec.selector: Invalid value: field is immutable"#),
    Words(code: "sync-failed", words: "the moon is full", message: "after 2 retries: the moon is full"),
  ]

  @Test(
    "What an operation could not do names the cause, and the Application that has to come first",
    arguments: words)
  func operations(_ words: Words) throws {
    let state = try Self.state([
      Self.application("x", wave: 3, sync: "OutOfSync", health: "Missing", status: Self.failed(words.words)),
      Self.application(
        "cert-manager", wave: 2, health: "Progressing", namespace: "cert-manager",
        spec: #""source": {"chart": "cert-manager"}"#,
        status:
          #""resources": [{"kind": "Service", "name": "cert-manager-webhook", "namespace": "cert-manager"}]"#),
      Self.application(
        "crds", wave: 1, sync: "OutOfSync",
        status:
          #""resources": [{"group": "apiextensions.k8s.io", "kind": "CustomResourceDefinition", "name": "gateways.gateway.networking.k8s.io", "status": "OutOfSync"}]"#
      ),
    ])
    let obstacle = try #require(state["x"]?.obstacles.first)
    #expect(obstacle.code == words.code)
    #expect(obstacle.message == words.message)
    #expect(obstacle.blockers == words.blockers)
    #expect(state["x"]?.obstacles.count == 1)
    #expect(state.roots.map(\.name).contains("x") == words.blockers.isEmpty)
  }

  @Test(
    "A condition names the cause",
    arguments: [
      (
        "ComparisonError",
        "failed to list refs: authentication required: Repository not found.", "repository-refused",
        "the repository refuses Argo CD: failed to list refs: authentication required: Repository not found."
      ),
      (
        "ComparisonError", "rpc error: code = Unknown desc = infrastructure/dns: app path does not exist",
        "missing-path", "the path infrastructure/dns is not in the repository at that revision"
      ),
      (
        "ComparisonError", "dial tcp: lookup git.example.org: no such host", "unreachable",
        "dial tcp: lookup git.example.org: no such host"
      ),
      (
        "InvalidSpecError", "application destination is not set", "sync-failed",
        "application destination is not set"
      ),
    ])
  func conditions(type: String, words: String, code: String, message: String) throws {
    let state = try Self.state([
      Self.application(
        "x", sync: "Unknown", status: #""conditions": [{"type": "\#(type)", "message": "\#(words)"}]"#)
    ])
    #expect(state["x"]?.obstacles.map(\.code) == [code])
    #expect(state["x"]?.obstacles.map(\.message) == [message])
  }

  @Test(
    "Where nothing is said, the state is",
    arguments: [
      (application("x", sync: "", health: ""), "not-compared", "Argo CD has not looked at it yet"),
      (
        application("x", sync: "Unknown"), "sync-unknown",
        "Argo CD cannot compare it with git, and does not say why"
      ),
      (
        application(
          "x", sync: "OutOfSync", spec: #""project": "default""#,
          status: #""resources": [{"kind": "Service", "name": "a", "namespace": "n", "status": "OutOfSync"}]"#
        ),
        "manual-sync", "it is not as git has it (Service n/a), and nothing syncs it by itself"
      ),
      (
        application(
          "x", sync: "OutOfSync",
          status:
            #""operationState": {"phase": "Succeeded", "message": "successfully synced"}, "resources": [{"kind": "Gateway", "name": "a", "namespace": "n", "status": "OutOfSync"}]"#
        ),
        "changed-back", "it was synced, and is not as git has it again: Gateway n/a"
      ),
      (
        application(
          "x", sync: "OutOfSync",
          status:
            #""resources": [{"kind": "Service", "name": "a", "namespace": "n", "status": "OutOfSync", "requiresPruning": true}]"#
        ),
        "left-over", "git has no more Service n/a"
      ),
      (application("x", sync: "OutOfSync"), "not-synced", "it is not as git has it yet"),
      (
        application("x", status: #""operationState": {"phase": "Running", "message": ""}"#), "syncing",
        "a sync is under way"
      ),
      (
        application(
          "x", health: "Degraded",
          status:
            #""resources": [{"group": "apps", "kind": "Deployment", "name": "a", "namespace": "n", "status": "Synced", "health": {"status": "Degraded", "message": "exceeded its progress deadline"}}]"#
        ),
        "object-not-healthy", "Deployment n/a is degraded: exceeded its progress deadline"
      ),
      (
        application("x", health: "Progressing"), "health-progressing",
        "its health is progressing, and no object of it says why"
      ),
      (
        application("x", metadata: #", "deletionTimestamp": "2026-01-01T00:00:00Z""#), "being-deleted",
        "it is being deleted, and 0 objects are left"
      ),
    ])
  func quiet(application: String, code: String, message: String) throws {
    let state = try Self.state([application])
    #expect(!state.isDone)
    #expect(state["x"]?.obstacles.map(\.code) == [code])
    #expect(state["x"]?.obstacles.map(\.message) == [message])
  }

  @Test("A root waits for the child that its operation waits for, and the later phases are not there yet")
  func waves() throws {
    let children = [("cert-manager", 2), ("envoy-gateway", 3)].map {
      #"{"group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": "\#($0.0)", "status": "OutOfSync", "syncWave": \#($0.1)}"#
    }
    let state = try Self.state([
      Self.application(
        "root", sync: "OutOfSync", health: "Missing",
        status: """
          "operationState": {"phase": "Running", "message": "waiting for healthy state of argoproj.io/Application/cert-manager"},
          "resources": [\(children.joined(separator: ", "))]
          """),
      Self.application(
        "cert-manager", wave: 2, health: "Progressing",
        status:
          #""resources": [{"group": "apps", "kind": "Deployment", "namespace": "cert-manager", "name": "webhook", "health": {"status": "Progressing", "message": "0 of 1 updated replicas are available"}}]"#
      ),
    ])
    #expect(
      state.text() == """
        root             OutOfSync  Missing
              it waits for cert-manager to be healthy
        phase 2
          cert-manager   Synced     Progressing
              Deployment cert-manager/webhook is progressing: 0 of 1 updated replicas are available
        phase 3
          envoy-gateway  not there  -
              root makes it when cert-manager is healthy

        0 of 3 synced and healthy; start with cert-manager

        """)
    #expect(state["envoy-gateway"]?.obstacles.map(\.blockers) == [["cert-manager"]])
  }

  @Test("What the tree says of its order is told, once, where an Application is stuck")
  func dependencies() throws {
    func child(_ after: String) -> String {
      Self.application(
        "docs", sync: "OutOfSync", health: "Missing",
        metadata: #", "annotations": {"after.k3seed/\#(after)": "its Gateway"}"#)
    }
    let waiting = try Self.state([
      child("envoy-gateway"), Self.application("envoy-gateway", health: "Progressing"),
    ])
    #expect(waiting["docs"]?.obstacles.map(\.code) == ["waits-for-dependency"])
    #expect(waiting["docs"]?.obstacles.map(\.message) == ["it comes after envoy-gateway: its Gateway"])
    #expect(waiting.roots.map(\.name) == ["envoy-gateway"])
    let done = try Self.state([child("envoy-gateway"), Self.application("envoy-gateway")])
    #expect(done["docs"]?.obstacles.map(\.code) == ["not-synced"])
    let missing = try Self.state([child("gone")])
    #expect(missing["docs"]?.obstacles.map(\.message) == ["the cluster has no Application gone: its Gateway"])
  }

  @Test("Credentials in a repository's URL are not shown, nor what would move the cursor")
  func credentials() throws {
    let state = try Self.state([
      Self.application(
        "x", sync: "Unknown",
        status:
          #""conditions": [{"type": "ComparisonError", "message": "https://me:canary@example.org/x.git: authentication required\\u001b[2J"}]"#
          .replacing("\\\\u", with: "\\u"))
    ])
    #expect(state.text().contains("https://***@example.org/x.git: authentication required"))
    for hidden in ["canary", "\u{1B}"] { #expect(!state.text().contains(hidden)) }
  }

  @Test("What is no list of Applications is refused")
  func refuses() {
    #expect(throws: Report.self) { try ClusterState(Array(#"{"kind": "Status"}"#.utf8), source: "kubectl") }
  }

  // MARK: Refresh

  @Test("A refresh is an annotation, and does not write over what has changed since")
  func refresh() throws {
    let state = try #require(try Self.state([Self.application("x")])["x"]?.state)
    for (isHard, word) in [(false, "normal"), (true, "hard")] {
      let patch = try Refresh(state, isHard: isHard, syncs: false).patch
      #expect(patch["metadata"]?["annotations"]?["argocd.argoproj.io/refresh"]?.string == word)
      #expect(patch["metadata"]?["resourceVersion"]?.string == "7")
      #expect(patch["operation"] == nil)
    }
  }

  @Test("A sync takes over what the Application's policy says")
  func sync() throws {
    let policy =
      #""syncPolicy": {"automated": {"prune": true}, "syncOptions": ["CreateNamespace=true"], "retry": {"limit": -1}}"#
    let state = try #require(try Self.state([Self.application("x", spec: policy)])["x"]?.state)
    let operation = try Refresh(state, isHard: false, syncs: true).patch["operation"]
    #expect(operation?["sync"]?["prune"]?.value == .bool(true))
    #expect(operation?["sync"]?["syncOptions"]?.sequence?.compactMap(\.string) == ["CreateNamespace=true"])
    #expect(operation?["retry"]?["limit"]?.value == .number("-1"))
  }

  @Test("A sync is not asked for while another is under way")
  func busy() throws {
    let running = Self.application("x", status: #""operationState": {"phase": "Running"}"#)
    let state = try #require(try Self.state([running])["x"]?.state)
    #expect {
      try Refresh(state, isHard: false, syncs: true)
    } throws: { error in
      (error as? Report)?.diagnostics.map(\.message) == ["x is being synced already"]
    }
    _ = try Refresh(state, isHard: true, syncs: false)
  }

  @Test("Names and phases that the cluster does not have are said together")
  func unknown() throws {
    let cluster = try Self.state([Self.application("cert-manager", wave: 2), Self.application("root")])
    #expect(try Refresh.chosen(["root"], phase: 2, of: cluster).map(\.name) == ["root", "cert-manager"])
    #expect {
      try Refresh.chosen(["cert-manger", "x"], phase: 4, of: cluster)
    } throws: { error in
      (error as? Report)?.diagnostics.map { "\($0.message); \($0.help ?? "")" } == [
        "the cluster has no Application cert-manger; did you mean \"cert-manager\"? it has root and cert-manager",
        "the cluster has no Application x; it has root and cert-manager",
        "no Application is in phase 4; there is 2",
      ]
    }
  }
}
