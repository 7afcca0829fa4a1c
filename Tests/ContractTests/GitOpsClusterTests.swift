import Foundation
import TestSupport
import Testing

/// `k3seed gitops status` and `refresh` against a real API server that holds real Application objects. What Argo CD
/// would write into their status is written here: there is no controller.
@Suite(
  "gitops status and refresh, with a real API server",
  .enabled(if: ApiServer.isHere, "needs kubectl, and K3SEED_LAB, the folder that make lab builds"))
struct GitOpsClusterTests {
  private static let crd = Tool.root.appendingPathComponent("Tests/VM/lab/crds/applications.argoproj.io.json")

  /// The words that Argo CD 3.5 has for sync and health.
  private static let syncs = ["Synced", "OutOfSync", "Unknown"]
  private static let healths = ["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]

  private static func application(_ name: String, wave: Int, status: [String: Any]) -> [String: Any] {
    [
      "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
      "metadata": [
        "name": name, "namespace": "argocd", "annotations": ["argocd.argoproj.io/sync-wave": "\(wave)"],
      ] as [String: Any],
      "spec": [
        "project": "default", "destination": ["server": "https://kubernetes.default.svc", "namespace": name],
        "source": ["repoURL": "https://charts.example.org", "chart": name, "targetRevision": "1.2.3"],
        "syncPolicy": [
          "automated": ["prune": true], "syncOptions": ["CreateNamespace=true"], "retry": ["limit": -1],
        ] as [String: Any],
      ] as [String: Any],
      "status": status,
    ]
  }

  private static func status(_ sync: String, _ health: String, _ more: [String: Any] = [:]) -> [String: Any] {
    // What the CRD's schema requires of a comparison.
    let compared: [String: Any] = [
      "destination": ["server": "https://kubernetes.default.svc"],
      "source": ["repoURL": "https://git.example.org/x.git"],
    ]
    return ["sync": ["status": sync, "comparedTo": compared] as [String: Any], "health": ["status": health]]
      .merging(more) { $1 }
  }

  private static func operation(_ phase: String, _ message: String) -> [String: Any] {
    [
      "operationState": [
        "phase": phase, "message": message, "startedAt": "2026-01-01T00:00:00Z",
        "operation": ["sync": [String: Any]()],
      ] as [String: Any]
    ]
  }

  private static func create(_ objects: [[String: Any]], in server: ApiServer) async throws {
    let list: [String: Any] = ["apiVersion": "v1", "kind": "List", "items": objects]
    let made = try await server.kubectl(
      ["create", "-f", "-"], input: Array(try JSONSerialization.data(withJSONObject: list)))
    try #require(made.status == 0, "\(made.errors)")
  }

  private static func run(_ server: ApiServer, _ arguments: [String]) async throws -> Tool.Outcome {
    try await Tool.k3seed(["gitops"] + arguments + ["--kubeconfig", server.kubeconfig])
  }

  @Test("Applications in every state are shown and refreshed, and what blocks the others is named")
  func everyState() async throws {
    try await withApiServer(crds: [Self.crd]) { server in
      let none = try await Self.run(server, ["status"])
      #expect(none.status == 0 && none.text == "no Applications\n", "\(none.errors)")

      _ = try await server.kubectl(["create", "namespace", "argocd"])
      var objects: [[String: Any]] = []
      for sync in Self.syncs {
        for health in Self.healths {
          let name = "\(sync)-\(health)".lowercased()
          objects.append(Self.application(name, wave: 1, status: Self.status(sync, health)))
        }
      }
      for phase in ["Running", "Succeeded", "Failed", "Error", "Terminating"] {
        objects.append(
          Self.application(
            "op-\(phase.lowercased())", wave: 2,
            status: Self.status("OutOfSync", "Healthy", Self.operation(phase, "said of \(phase)"))))
      }
      var issuers = Self.operation("Failed", "one or more synchronization tasks are not valid")
      issuers["conditions"] = [
        [
          "type": "SyncError",
          "message": #"no matches for kind "ClusterIssuer" in version "cert-manager.io/v1""#,
        ]
      ]
      objects += [
        Self.application("issuers", wave: 3, status: Self.status("OutOfSync", "Missing", issuers)),
        Self.application("cert-manager", wave: 2, status: Self.status("Synced", "Progressing")),
      ]
      try await Self.create(objects, in: server)

      let text = try await Self.run(server, ["status"])
      #expect(text.status == 1)
      #expect(text.text.contains("\n  synced-healthy         Synced     Healthy\n"), "\(text.text)")
      #expect(
        text.text.contains(
          "      the cluster does not know ClusterIssuer of cert-manager.io: cert-manager brings it\n"))
      #expect(text.text.contains("1 of \(objects.count) synced and healthy; start with "))

      let json = try await Self.run(server, ["status", "--format", "json"])
      let document = try #require(
        JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any])
      let entries = try #require(document["applications"] as? [[String: Any]])
      #expect(entries.count == objects.count)
      for entry in entries {
        let name = try #require(entry["name"] as? String)
        let obstacles = try #require(entry["obstacles"] as? [[String: Any]])
        #expect(obstacles.isEmpty == (name == "synced-healthy"), "\(name)")
      }
      #expect((document["start_with"] as? [String])?.contains("issuers") == false)
      #expect((document["start_with"] as? [String])?.contains("cert-manager") == true)

      // Refresh: by name, by phase, and nothing where one cannot be asked.
      let hard = try await Self.run(server, ["refresh", "issuers", "--hard"])
      #expect(
        hard.status == 0 && hard.errors.contains("asked Argo CD to refresh (hard) issuers\n"),
        "\(hard.errors)")
      let refused = try await Self.run(server, ["refresh", "--all-in-phase", "2", "--sync"])
      #expect(refused.status == 2)
      #expect(refused.errors.contains("op-running is being synced already"), "\(refused.errors)")
      let synced = try await Self.run(server, ["refresh", "cert-manager", "op-failed", "--sync"])
      #expect(synced.status == 0, "\(synced.errors)")

      let left = try await server.kubectl(["get", "applications", "-n", "argocd", "-o", "json"])
      let list = try #require(JSONSerialization.jsonObject(with: Data(left.output)) as? [String: Any])
      var asked: [String: String] = [:]
      var operations: Set<String> = []
      for item in try #require(list["items"] as? [[String: Any]]) {
        let metadata = try #require(item["metadata"] as? [String: Any])
        let name = try #require(metadata["name"] as? String)
        let annotations = metadata["annotations"] as? [String: String]
        #expect(annotations?["argocd.argoproj.io/sync-wave"] != nil)
        asked[name] = annotations?["argocd.argoproj.io/refresh"]
        guard let operation = item["operation"] as? [String: Any] else { continue }
        operations.insert(name)
        let sync = try #require(operation["sync"] as? [String: Any])
        #expect(sync["prune"] as? Bool == true)
        #expect(sync["syncOptions"] as? [String] == ["CreateNamespace=true"])
        #expect((operation["retry"] as? [String: Any])?["limit"] as? Int == -1)
      }
      #expect(asked == ["issuers": "hard", "cert-manager": "normal", "op-failed": "normal"])
      #expect(operations == ["cert-manager", "op-failed"])

      // An operation that retries an old commit is ended, and nothing but its phase is changed.
      var retrying = Self.application(
        "retrying", wave: 4,
        status: Self.status("OutOfSync", "Missing", Self.operation("Running", "Retrying attempt #7")))
      retrying["operation"] = ["sync": ["revision": "0123456"], "retry": ["limit": -1]] as [String: Any]
      try await Self.create([retrying], in: server)
      let idle = try await Self.run(server, ["refresh", "retrying", "issuers", "--terminate"])
      #expect(idle.status == 2)
      #expect(
        idle.errors.contains(
          "error: issuers has no operation in progress, so there is none to end; leave out --terminate"),
        "\(idle.errors)")
      let both = try await Self.run(server, ["refresh", "retrying", "--terminate", "--sync"])
      #expect(both.status == 64)
      let ended = try await Self.run(server, ["refresh", "retrying", "--terminate"])
      #expect(
        ended.status == 0
          && ended.errors == "asked Argo CD to end the operation of, and refresh retrying\n",
        "\(ended.errors)")
      let now = try await server.kubectl(["get", "applications", "retrying", "-n", "argocd", "-o", "json"])
      let object = try #require(JSONSerialization.jsonObject(with: Data(now.output)) as? [String: Any])
      let status = try #require(object["status"] as? [String: Any])
      let state = try #require(status["operationState"] as? [String: Any])
      #expect(state["phase"] as? String == "Terminating")
      #expect(state["message"] as? String == "Retrying attempt #7" && state["startedAt"] != nil)
      #expect((status["health"] as? [String: String]) == ["status": "Missing"])
      #expect(
        (object["operation"] as? [String: Any])?["sync"] as? [String: String] == ["revision": "0123456"])

      let unknown = try await Self.run(server, ["refresh", "cert-manger"])
      #expect(unknown.status == 2)
      #expect(
        unknown.errors.hasPrefix(
          "error: the cluster has no Application cert-manger; did you mean \"cert-manager\"?")
          || unknown.errors.contains("did you mean \"cert-manager\"?"), "\(unknown.errors)")
    }
  }

  @Test("A cluster that does not answer, and one that has no Argo CD, are said by kubectl itself")
  func unavailable() async throws {
    try await withApiServer { server in
      let without = try await Self.run(server, ["status"])
      #expect(without.status == 69 && without.output.isEmpty)
      #expect(
        without.errors.contains("the server doesn't have a resource type \"applications\""),
        "\(without.errors)")
      #expect(without.errors.contains("kubectl get applications.argoproj.io failed"), "\(without.errors)")
    }
    try await withTemporaryDirectory { folder in
      let path = folder.appendingPathComponent("none").path
      let nobody = try await Tool.k3seed(["gitops", "status", "--kubeconfig", path])
      #expect(nobody.status == 69 && nobody.output.isEmpty, "\(nobody.errors)")
    }
  }
}
