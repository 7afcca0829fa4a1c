import Foundation
import TestSupport
import Testing

@Suite("gitops check and graph, as commands") struct GitOpsCheckTests {
  private static let application = """
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: issuers, namespace: argocd}
    spec:
      source: {repoURL: 'https://git.example.net/own.git', path: argocd/issuers, targetRevision: HEAD}
      destination: {namespace: cert-manager}
      syncPolicy: {automated: {}, retry: {limit: -1, refresh: true}}
    ---
    apiVersion: argoproj.io/v1alpha1
    kind: Application
    metadata: {name: cert-manager, namespace: argocd}
    spec:
      source: {repoURL: 'https://charts.jetstack.io', chart: cert-manager, targetRevision: v1.21.2, helm: {valuesObject: {crds: {enabled: true}}}}
      destination: {namespace: cert-manager}
      syncPolicy: {automated: {}, retry: {limit: -1, refresh: true}}

    """

  private static func issuer(_ name: String, _ key: String) -> String {
    """
    apiVersion: cert-manager.io/v1
    kind: ClusterIssuer
    metadata: {name: letsencrypt}
    spec:
      acme:
        solvers:
        - dns01:
            cloudflare:
              apiTokenSecretRef: {name: \(name), key: \(key)}

    """
  }

  /// Runs a command beside a repository whose folder `argocd` holds two Applications.
  private func run(
    _ arguments: [String], name: String = "cloudflare-api-token", key: String = "api-token",
    more: [String: String] = [:]
  ) async throws -> Tool.Outcome {
    try await withTemporaryDirectory { folder in
      let files = more.merging([
        "argocd/apps.yaml": Self.application, "argocd/issuers/a.yaml": Self.issuer(name, key),
      ]) { $1 }
      for (path, text) in files {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
      try FileManager.default.createSymbolicLink(
        atPath: folder.appendingPathComponent("argocd/loop").path, withDestinationPath: "..")
      return try await Tool.k3seed(["gitops"] + arguments, directory: folder.path)
    }
  }

  @Test("A clean repository: nothing on standard output, a summary on standard error, exit code 0")
  func clean() async throws {
    let outcome = try await run(["check", "argocd"])
    #expect(outcome.status == 0)
    #expect(outcome.text.isEmpty)
    #expect(outcome.errors == "2 Applications, 3 objects: no findings\n")
  }

  @Test(
    "An error gives exit code 1 and names the file as it is called from here",
    arguments: [("argocd", "argocd/"), ("argocd/", "argocd/"), (".", "argocd/")])
  func faulty(folder: String, prefix: String) async throws {
    let outcome = try await run(
      ["check", folder, "--config", "k3seed.yaml"], name: "cloudflare-api-token-secret",
      more: ["k3seed.yaml": "cluster_name: a\n"])
    #expect(outcome.status == 1)
    #expect(
      outcome.text
        == "\(prefix)issuers/a.yaml:9:37: error: ClusterIssuer letsencrypt takes the Secret cloudflare-api-token-secret in cert-manager, which nothing makes (at $.spec.acme.solvers[0].dns01.cloudflare.apiTokenSecretRef.name); use cloudflare-api-token, which the bootstrap makes there, or say with --secret that it is there [secret-not-created]\n"
    )
    #expect(outcome.errors == "2 Applications, 3 objects: 1 error\n")
  }

  @Test("Of a cluster of which nothing is known, a Secret that no manifest makes is a warning")
  func unknown() async throws {
    let outcome = try await run(["check", "argocd"], name: "cloudflare-api-token-secret")
    #expect(outcome.status == 0)
    #expect(
      outcome.text
        == "argocd/issuers/a.yaml:9:37: warning: ClusterIssuer letsencrypt takes the Secret cloudflare-api-token-secret in cert-manager, which no manifest here makes (at $.spec.acme.solvers[0].dns01.cloudflare.apiTokenSecretRef.name); name it with --secret if the bootstrap does, or add what makes it [secret-not-created]\n"
    )
  }

  @Test("Applications in the templates of a Helm chart are said to be there, with what to do")
  func templatesAlone() async throws {
    let outcome = try await run(
      ["check", "chart"],
      more: [
        "chart/Chart.yaml": "apiVersion: v2\nname: apps\nversion: 0.1.0\n",
        "chart/templates/a.yaml":
          "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {{ .Values.a }}\n",
      ])
    expectRefusal(
      outcome,
      [
        "chart: error: its Applications stand in 1 template of a Helm chart, which is not expanded, such as templates/a.yaml; render it first (helm template chart >out/applications.yaml), and check the result [no-applications]"
      ])
  }

  @Test("What the bootstrap makes is said by k3seed.yaml, by Terraform's outputs, or by an option")
  func bootstrap() async throws {
    let named = try await run(
      ["check", ".", "--config", "k3seed.yaml"], name: "dns", key: "token",
      more: ["k3seed.yaml": "cloudflare_secret_name: dns\ncloudflare_secret_key: token\n"])
    #expect(named.status == 0, "\(named.text)\(named.errors)")
    let output = try await run(
      ["check", ".", "--input", "outputs.json"], name: "dns",
      more: ["outputs.json": #"{"cloudflare_secret_name": "dns"}"#])
    #expect(output.status == 0, "\(output.text)\(output.errors)")
    let option = try await run(
      ["check", ".", "--secret", "cert-manager/dns:a,token"], name: "dns", key: "token")
    #expect(option.status == 0, "\(option.text)\(option.errors)")
    let wrong = try await run(["check", ".", "--secret", "cert-manager/dns:a"], name: "dns", key: "token")
    #expect(wrong.status == 1)
    let odd = try await run(["check", ".", "--secret", "dns"])
    expectRefusal(
      odd,
      [
        "--secret: error: \"dns\" is not of the form namespace/name:key; for example --secret cert-manager/my-token:api-token [secret-option]"
      ])
  }

  @Test("Warnings fail only where that is asked for")
  func strict() async throws {
    let more = [
      "argocd/project.yaml":
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: all}\nspec: {sourceRepos: ['*'], destinations: [{namespace: '*'}]}\n"
    ]
    #expect(try await run(["check", "."], more: more).status == 0)
    let strict = try await run(["check", ".", "--strict"], more: more)
    #expect(strict.status == 1 && strict.errors.hasSuffix(": 1 warning\n"))
  }

  @Test("Every format has the finding", arguments: ["text", "json", "sarif", "junit", "github"])
  func formats(format: String) async throws {
    let outcome = try await run(["check", ".", "--format", format, "--secret", "apps/a:b"], key: "token")
    #expect(outcome.status == 1)
    #expect(outcome.text.contains("secret-not-created") && outcome.text.contains("argocd/issuers/a.yaml"))
    if format == "json" || format == "sarif" {
      #expect((try? JSONSerialization.jsonObject(with: Data(outcome.output))) != nil)
    }
  }

  @Test("A folder that is not there, or holds no Application, is bad input")
  func badInput() async throws {
    let missing = try await run(["check", "nowhere"])
    expectRefusal(missing, ["nowhere: error: the folder cannot be read: No such file or directory [file]"])
    let empty = try await run(["graph", "argocd/issuers"])
    expectRefusal(
      empty,
      [
        "argocd/issuers: error: no Argo CD Application or ApplicationSet is in this folder; name the folder that argocd-root follows, or the repository that it is in [no-applications]"
      ])
  }

  @Test("graph draws the Applications by phase, as Mermaid unless it is told otherwise")
  func graph() async throws {
    let outcome = try await run(["graph", "argocd"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(
      outcome.text == """
        flowchart LR
          subgraph p1["Phase 1"]
            a0["cert-manager"]
          end
          subgraph p2["Phase 2"]
            a1["issuers"]
          end
          a0 -->|"CRDs of cert-manager.io"| a1

        """)
    #expect(try await run(["graph", ".", "--format", "dot"]).text.hasPrefix("digraph applications {\n"))
    #expect(try await run(["graph", ".", "--format", "svg"]).text.hasPrefix("<svg "))
    let file = try await run(["graph", ".", "-o", "graph.mmd"])
    #expect(file.status == 0 && file.output.isEmpty)
  }

  @Test(
    "The tree that gitops render writes has no findings, whatever it does without, and its waves are the phases",
    arguments: ["", "docs", "vault", "gateway", "docs, vault", "docs, vault, gateway"])
  func ownTree(without: String) async throws {
    try await withTemporaryDirectory { folder in
      let config = folder.appendingPathComponent("k3seed.yaml")
      try Data("docs_image: ghcr.io/example/docs:1.2.3\ngitops_disable: [\(without)]\n".utf8).write(
        to: config)
      let input = Tool.root.appendingPathComponent("examples/oci-vault/outputs.json").path
      let given = ["--input", input, "--config", config.path]
      let rendered = try await Tool.k3seed(
        ["gitops", "render"] + given + ["--out", "argocd"], directory: folder.path)
      try #require(rendered.status == 0, "\(rendered.errors)")
      for place in ["argocd", "."] {
        let outcome = try await Tool.k3seed(
          ["gitops", "check", place, "--strict"] + given, directory: folder.path)
        #expect(outcome.status == 0 && outcome.text.isEmpty, "\(outcome.text)")
      }
      let picture = try await Tool.k3seed(
        ["gitops", "graph", "argocd", "--format", "svg"], directory: folder.path)
      var phase = 0
      for line in picture.text.split(separator: "\n") {
        if let wave = line.firstMatch(of: #/class="detail"[^>]*>(?:[^<]*, )?wave (\d+)</#)?.output.1 {
          phase = max(phase, Int(wave) ?? 0)
        }
        #expect(!line.contains("In a circle"))
      }
      #expect(picture.text.ranges(of: "class=\"phase\"").count == phase)
      // A tree that is checked with other names than it was rendered with refers to Secrets that are not there, or that
      // only External Secrets makes, in a later wave.
      try Data("cloudflare_secret_name: other\n".utf8).write(to: config)
      let other = try await Tool.k3seed(
        ["gitops", "check", ".", "--config", config.path], directory: folder.path)
      let isLater = ["", "docs", "gateway"].contains(without)
      #expect(other.status == 1)
      #expect(other.text.contains(isLater ? "[wave-order]" : "[secret-not-created]"), "\(other.text)")
    }
  }
}
