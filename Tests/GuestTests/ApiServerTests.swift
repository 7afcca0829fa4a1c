import Foundation
import TestSupport
import Testing

/// Here the API server is real, so what the bootstrap creates is what Kubernetes accepted.
///
/// An older kube-apiserver than K3s' own will do; `make lab` builds one.
@Suite(
  "The bootstrap against a real API server",
  .enabled(
    if: Node.works && lab != nil,
    "needs K3SEED_LAB, the folder that make lab builds"))
struct ApiServerTests {
  static let secret = Array("cf-canary \"'$(id)`\\{{ x }}\r\n\0".utf8) + [0xFF, 0x80, 0x85]

  static func node(selfHeal: String) throws -> Node {
    var node = try Node()
    node.api = lab
    node.secrets["cloudflare_api_token"] = secret
    node.files["/var/lib/k3seed/manifests/argocd.yaml"] = """
      apiVersion: helm.cattle.io/v1
      kind: HelmChart
      metadata: {name: argocd, namespace: kube-system}
      spec: {repo: https://charts.example.net, chart: argo-cd, version: 1.2.3, targetNamespace: argocd}

      """
    node.files["/var/lib/k3seed/manifests/argocd-root.yaml"] = """
      apiVersion: argoproj.io/v1alpha1
      kind: Application
      metadata: {name: argocd-root, namespace: cert-manager}
      spec:
        project: default
        source: {repoURL: https://git.example.net/cluster.git, path: argocd, targetRevision: HEAD}
        destination: {server: https://kubernetes.default.svc, namespace: argocd}
        syncPolicy: {automated: {prune: true, selfHeal: \(selfHeal)}}

      """
    node.files["/var/lab/afterwards"] = """
      /usr/local/lab/kubectl --kubeconfig=/etc/rancher/k3s/k3s.yaml get namespaces,secrets,helmcharts,applications \
      -A -o json >/var/lab/objects
      kill -KILL -- "-$(cat /var/lab/api.pid)"

      """
    return node
  }

  static func objects(_ outcome: Node.Outcome) throws -> [String: [String: Any]] {
    let bytes = try #require(outcome.bytes("/var/lab/objects"))
    let list = try #require(JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    var objects: [String: [String: Any]] = [:]
    for object in try #require(list["items"] as? [[String: Any]]) {
      let metadata = try #require(object["metadata"] as? [String: Any])
      let place = (metadata["namespace"] as? String).map { "\($0)/" } ?? ""
      objects["\(object["kind"] ?? "") \(place)\(metadata["name"] ?? "")"] = object
    }
    return objects
  }

  @Test("Namespaces, Secrets byte for byte, the HelmChart and argocd-root are there")
  func seeds() async throws {
    try await Self.node(selfHeal: "true").boot { outcome in
      #expect(outcome.status == 0)
      #expect(
        outcome.console
          == BootstrapTests.done(BootstrapTests.shared + ["seed", "gitops"] + BootstrapTests.last))
      let objects = try Self.objects(outcome)
      for name in [
        "Namespace cert-manager", "Namespace external-dns", "HelmChart kube-system/argocd",
        "Application cert-manager/argocd-root", "Secret cert-manager/cloudflare-api-token",
        "Secret external-dns/cloudflare-api-token",
      ] {
        let metadata = try #require(objects[name]?["metadata"] as? [String: Any], "\(name) is not there")
        // No copy of a value; the chart is handed over.
        let annotations = metadata["annotations"] as? [String: String] ?? [:]
        #expect(
          annotations
            == (name.hasPrefix("HelmChart") ? ["helmcharts.helm.cattle.io/unmanaged": "true"] : [:]),
          "\(name)")
        if name.hasPrefix("Secret") {
          let data = try #require(objects[name]?["data"] as? [String: String])
          #expect(Data(base64Encoded: try #require(data["api-token"])).map(Array.init) == Self.secret)
        }
      }
      #expect(!outcome.exists("/var/lib/k3seed/secrets"))
    }
  }

  @Test("The API server's refusal of argocd-root is the cause on the console")
  func refuses() async throws {
    var node = try Self.node(selfHeal: "'true'")
    node.variables["K3SEED_DEADLINE_gitops"] = "60"
    try await node.boot { outcome in
      #expect(outcome.status == 17)
      let line = try #require(outcome.console.last)
      #expect(
        line.hasPrefix(
          "k3seed: gitops: FAILED: not done within 60 s; waiting for argocd-root to be accepted: "))
      #expect(line.contains("selfHeal"), "\(line)")
      #expect(try Self.objects(outcome)["Application cert-manager/argocd-root"] == nil)
    }
  }
}

private let lab = ProcessInfo.processInfo.environment["K3SEED_LAB"].map { "\($0)/control-plane" }
