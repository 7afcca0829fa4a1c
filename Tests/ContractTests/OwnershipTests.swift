import Foundation
import TestSupport
import Testing

/// Who owns the fields of what Helm installed and Argo CD adopts, with the real helm, kubectl and API server.
///
/// K3s installs charts with Helm 4, which applies on the server as the manager `helm`. Argo CD applies as
/// `argocd-controller` (Argo CD 3.5.1, common/common.go). A field that two managers own stays until both let it go.
@Suite(
  "The fields of what Argo CD adopts from Helm",
  .enabled(
    if: ApiServer.isHere && Tool.has("helm") && hasPython,
    "needs kubectl, helm, .venv, and K3SEED_LAB, the folder that make lab builds"))
struct OwnershipTests {
  /// What the bootstrap does when it hands the release over, before Argo CD has a share in any object.
  private static let handOver = """
    set -euo pipefail
    kinds=clusterroles,clusterrolebindings,configmaps,customresourcedefinitions,deployments,networkpolicies,roles
    kinds=$kinds,rolebindings,secrets,services,serviceaccounts,statefulsets
    kubectl get $kinds -A -l app.kubernetes.io/part-of=argocd --show-managed-fields -o json |
      sed 's/"manager": "helm"/"manager": "argocd-controller"/' | kubectl replace -f -
    """

  /// What GitOps.md says for clusters of which Argo CD has a share already.
  private static let release = """
    set -euo pipefail
    kinds=clusterroles,clusterrolebindings,configmaps,customresourcedefinitions,deployments,networkpolicies,roles
    kinds=$kinds,rolebindings,secrets,services,serviceaccounts,statefulsets
    kubectl get $kinds -A -l app.kubernetes.io/part-of=argocd -o go-template='{{range .items}}{"apiVersion":
      "{{.apiVersion}}","kind":"{{.kind}}","metadata":{"name":"{{.metadata.name}}"{{with .metadata.namespace}},
      "namespace":"{{.}}"{{end}}}}{{"\\n"}}{{end}}' | kubectl apply --server-side --field-manager=helm -f -
    """

  /// A chart in small: a template that a later version takes something out of, in objects of several kinds.
  private static let template = """
    {{- $labels := dict "app.kubernetes.io/part-of" "argocd" "app.kubernetes.io/managed-by" "Helm" }}
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: server, labels: {{ toJson $labels }}}
    spec:
      selector: {matchLabels: {app: server}}
      template:
        metadata: {labels: {app: server}}
        spec:
          containers:
            - {name: server, image: "server:1", env: [{{ if .Values.old }}{name: OLD, value: x},{{ end }}{name: KEPT, value: x}]}
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: argocd-cm, labels: {{ toJson $labels }}}
    data:
      kept: |
        "manager": "helm", as a text may say
      {{- if .Values.old }}
      old: x
      {{- end }}
    ---
    apiVersion: v1
    kind: Secret
    metadata: {name: argocd-secret, labels: {{ toJson $labels }}}
    stringData: {kept: 'x'{{ if .Values.old }}, old: 'x'{{ end }}}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: server, labels: {{ toJson $labels }}}
    spec: {selector: {app: server}, ports: [{name: http, port: 80, protocol: TCP}{{ if .Values.old }}, {name: old, port: 81, protocol: TCP}{{ end }}]}
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: argocd, labels: {{ toJson (ternary (merge (dict "old" "x") $labels) $labels .Values.old) }}}
    rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]
    ---
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: things.example.net, labels: {{ toJson (ternary (merge (dict "old" "x") $labels) $labels .Values.old) }}}
    spec:
      group: example.net
      names: {kind: Thing, plural: things}
      scope: Namespaced
      versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
    """

  /// A cluster, and the chart in a folder.
  private struct Lab {
    let server: ApiServer
    let chart: URL

    func shell(_ script: String) async throws -> Tool.Outcome {
      let path = Tool.root.appendingPathComponent(".venv/bin").path + ":/usr/bin:/bin"
      return try await Tool.run(
        ["bash", "-c", script],
        environment: ["KUBECONFIG": server.kubeconfig, "PATH": path, "HOME": chart.path])
    }

    func succeed(_ script: String) async throws {
      let outcome = try await shell(script)
      try #require(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    func install() async throws {
      try await succeed("helm install argocd \(chart.path) -n argocd --create-namespace --set old=true")
    }

    /// What Argo CD does when it syncs with ServerSideApply.
    func sync(old: Bool) async throws {
      try await succeed(
        """
        set -o pipefail
        helm template argocd \(chart.path) -n argocd --set old=\(old) |
          kubectl apply -n argocd --server-side --force-conflicts --field-manager=argocd-controller -f -
        """)
    }

    /// The managers of the objects that apply, and the objects that have what the later version takes out.
    func state() async throws -> (managers: Set<String>, old: [String]) {
      let listed = try await shell(
        "kubectl get clusterroles,configmaps,crds,deployments,secrets,services -A -l app.kubernetes.io/part-of=argocd --show-managed-fields -o json"
      )
      let list = try #require(JSONSerialization.jsonObject(with: Data(listed.output)) as? [String: Any])
      let items = try #require(list["items"] as? [[String: Any]])
      try #require(items.count == 6)
      var managers: Set<String> = []
      var old: [String] = []
      for var item in items {
        var metadata = try #require(item["metadata"] as? [String: Any])
        for field in metadata["managedFields"] as? [[String: Any]] ?? [] {
          managers.insert("\(field["manager"] ?? "") \(field["operation"] ?? "")")
        }
        metadata["managedFields"] = nil
        item["metadata"] = metadata
        let text = try String(decoding: JSONSerialization.data(withJSONObject: item), as: UTF8.self)
        if text.lowercased().contains("\"old\"") { old.append("\(item["kind"] ?? "")") }
      }
      return (managers, old.sorted())
    }
  }

  private static func withLab(_ body: (Lab) async throws -> Void) async throws {
    try await withApiServer { server in
      try await withTemporaryDirectory { folder in
        let chart = folder.appendingPathComponent("argo-cd")
        try FileManager.default.createDirectory(
          at: chart.appendingPathComponent("templates"), withIntermediateDirectories: true)
        try Data("apiVersion: v2\nname: argo-cd\nversion: 1.0.0\n".utf8)
          .write(to: chart.appendingPathComponent("Chart.yaml"))
        try Data(template.utf8).write(to: chart.appendingPathComponent("templates/all.yaml"))
        try await body(Lab(server: server, chart: chart))
      }
    }
  }

  private static let all = [
    "ClusterRole", "ConfigMap", "CustomResourceDefinition", "Deployment", "Secret", "Service",
  ]

  @Test("Handed over before Argo CD applies anything, all that a later chart has no more goes")
  func handedOver() async throws {
    try await Self.withLab { lab in
      try await lab.install()
      #expect(try await lab.state().managers == ["helm Apply"])
      try await lab.succeed(Self.handOver)
      let after = try await lab.state()
      #expect(after.managers == ["argocd-controller Apply"])
      #expect(after.old == Self.all, "nothing is lost meanwhile")
      let text = try await lab.shell("kubectl get configmap argocd-cm -n argocd -o jsonpath='{.data.kept}'")
      #expect(text.text == "\"manager\": \"helm\", as a text may say\n")
      // Once more changes nothing.
      try await lab.succeed(Self.handOver)
      try await lab.sync(old: true)
      #expect(try await lab.state().old == Self.all)
      try await lab.sync(old: false)
      let last = try await lab.state()
      #expect(last.old == [] && last.managers == ["argocd-controller Apply"])
    }
  }

  @Test(
    "Otherwise it stays, until the manager helm is released; before Argo CD applies, a release takes the fields away"
  )
  func released() async throws {
    try await Self.withLab { lab in
      try await lab.install()
      // Of what nobody else owns, a release is a deletion: the Deployment is refused, and the data is lost.
      let early = try await lab.shell(Self.release)
      #expect(early.status != 0 && early.errors.contains("spec.template.spec.containers: Required value"))
      let data = try await lab.shell("kubectl get configmap argocd-cm -n argocd -o jsonpath='{.data}'")
      #expect(data.text == "")
      try await lab.succeed("helm uninstall argocd -n argocd")
      try await lab.install()

      try await lab.sync(old: true)
      try await lab.sync(old: false)
      let shared = try await lab.state()
      #expect(shared.managers == ["helm Apply", "argocd-controller Apply"] && shared.old == Self.all)
      try await lab.succeed(Self.release)
      let last = try await lab.state()
      #expect(last.managers == ["argocd-controller Apply"])
      #expect(last.old == [])
    }
  }
}
