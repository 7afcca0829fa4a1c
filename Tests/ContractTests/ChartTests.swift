import Foundation
import TestSupport
import Testing

/// What the real charts, through the real helm, make of the values in the trees.
///
/// `K3SEED_CHARTS` is a folder of charts, each in a folder of its name, as `helm pull --untar` leaves them or as they are in
/// the repositories of their projects. They are not part of this repository, nor fetched by its tests.
@Suite(
  "The charts of the GitOps tree",
  .enabled(if: charts != nil, "needs K3SEED_CHARTS, a folder of unpacked Helm charts"),
  .enabled(if: Tool.has("helm") && hasPython, "helm or .venv is not here"))
struct ChartTests {
  /// Those that Pod Security admission does not restrict on hardened servers.
  private static func exempt() throws -> String {
    let file = Tool.root.appendingPathComponent("templates/manifests/admission.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    return try String(#require(text.firstMatch(of: /namespaces: \[(.*)\]/)?.output.1).filter { $0 != " " })
  }

  private static func findings(_ tree: URL) async throws -> [String] {
    let program = Tool.root.appendingPathComponent("Tests/ContractTests/charts.py").path
    let outcome = try await Tool.run(
      [
        "python3", program, try #require(charts), tree.path, try exempt(),
      ], environment: ["PATH": Tool.root.appendingPathComponent(".venv/bin").path + ":/usr/bin:/bin"])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return outcome.text.split(separator: "\n").map(String.init)
  }

  private static func render(_ golden: TreeCase, into folder: URL) async throws {
    let outcome = try await Tool.k3seed(["gitops", "render"] + golden.arguments + ["--out", folder.path])
    try #require(outcome.status == 0, "\(outcome.errors)")
  }

  @Test(
    "Every value is one that its chart has and reads, helm renders it, and Pod Security lets its pods start",
    arguments: TreeCase.all)
  func values(golden: TreeCase) async throws {
    try await withTemporaryDirectory { folder in
      try await Self.render(golden, into: folder)
      #expect(try await Self.findings(folder) == [])
    }
  }

  @Test(
    "A key that the chart does not have, one that no template reads, and a pod on the host's network are found"
  )
  func negative() async throws {
    try await withTemporaryDirectory { folder in
      try await Self.render(try #require(TreeCase.all.first { $0.name == "reduced" }), into: folder)
      for (name, text) in [
        ("cert-manager", "crds: {enable: true}\nhostNetwork: true\nstartupapicheck: {enabled: false}\n"),
        (
          "external-dns",
          "provider: {name: cloudflare, webhook: {env: [{name: A, value: b}]}}\nsecurityContext: {runAsNonRoot: false}\n"
        ),
        ("argocd", "configs: {cm: {resource.customization.health.argoproj.io_Application: a}}\n"),
      ] {
        let file = folder.appendingPathComponent("infrastructure/\(name)/values.yaml")
        try Data(text.utf8).write(to: file)
      }
      let found = try await Self.findings(folder)
      for finding in [
        "cert-manager: cert-manager: values.yaml has no crds.enable",
        "cert-manager: cert-manager: - at '': additional properties 'hostNetwork' not allowed",
        "external-dns: external-dns: Pod Security would refuse Deployment external-dns: external-dns: runAsNonRoot",
        "external-dns: external-dns: no template reads provider.webhook.env",
        "argocd-self-managed: argo-cd: values.yaml has no configs.cm.resource.customization.health.argoproj.io_Application",
      ] {
        #expect(found.contains { $0.hasPrefix(finding) }, "\(finding): \(found)")
      }
    }
  }
}

/// Where charts are kept, if anywhere.
private let charts = ProcessInfo.processInfo.environment["K3SEED_CHARTS"]
