import Diagnostics
import Foundation
import GitOps
import TestSupport
import Testing

@Suite("Reading a repository") struct RepositoryTests {
  private static func repository(_ files: [String: String]) -> Repository {
    Repository(files.mapValues { Array($0.utf8) })
  }

  /// The edges of the graph, each as `from <- to: reason`.
  private static func edges(_ files: [String: String]) -> [String] {
    repository(files).graph.members.flatMap { member in
      member.dependencies.map { "\(member.name) <- \($0.name): \($0.reason)" }
    }
  }

  private static let jetstack = "https://charts.jetstack.io"
  private static let issuer =
    "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: letsencrypt}\n---\n"

  @Test("What one Application takes from another is seen in the manifests")
  func inference() {
    let files = [
      "apps.yaml": application(
        "cert-manager",
        source: chart("cert-manager", "v1.21.2", from: Self.jetstack, values: "{crds: {enabled: true}}"))
        + application(
          "external-secrets", source: chart("external-secrets", "2.8.0", from: "https://e.example.net"))
        + application(
          "external-dns",
          source: chart(
            "external-dns", "1.21.1", from: "https://d.example.net",
            values:
              "{sources: [service, gateway-httproute], env: [{name: CF_API_TOKEN, valueFrom: {secretKeyRef: {name: dns, key: t}}}]}"
          )) + application("edge", namespace: "edge") + application("secrets", namespace: "apps")
        + application(
          "gateway-crds",
          source:
            "{repoURL: 'https://github.com/kubernetes-sigs/gateway-api', path: config/crd/standard, targetRevision: v1.6.1}"
        )
        + application("docs"),
      "edge/a.yaml": """
      \(Self.issuer)apiVersion: gateway.networking.k8s.io/v1
      kind: Gateway
      metadata: {name: edge, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}
      spec: {gatewayClassName: envoy}
      """,
      "secrets/a.yaml": """
      apiVersion: external-secrets.io/v1
      kind: ExternalSecret
      metadata: {name: dns}
      spec: {dataFrom: [{extract: {key: a}}], secretStoreRef: {name: vault}}
      """,
      "docs/a.yaml": """
      apiVersion: gateway.networking.k8s.io/v1
      kind: HTTPRoute
      metadata: {name: docs}
      spec: {parentRefs: [{name: edge, namespace: edge}]}
      """,
    ]
    #expect(
      Self.edges(files) == [
        "external-dns <- gateway-crds: CRDs of gateway.networking.k8s.io",
        "external-dns <- secrets: Secret dns",
        "edge <- cert-manager: CRDs of cert-manager.io",
        "edge <- gateway-crds: CRDs of gateway.networking.k8s.io",
        "secrets <- external-secrets: CRDs of external-secrets.io", "docs <- edge: Gateway edge",
        "docs <- gateway-crds: CRDs of gateway.networking.k8s.io",
      ])
    let phases = Self.repository(files).graph.phases.map { $0.map(\.name) }
    #expect(
      phases == [
        ["cert-manager", "external-secrets", "gateway-crds"], ["edge", "secrets"], ["external-dns", "docs"],
      ])
  }

  @Test("What an Application declares itself comes first, with its reason")
  func declared() {
    let files = [
      "apps.yaml": application("a")
        + application("b", wave: "'2', after.k3seed/a: 'it reads what a writes', after.k3seed/gone: x"),
      "a/a.yaml": configMap, "b/a.yaml": map("b"),
    ]
    #expect(Self.edges(files) == ["b <- a: it reads what a writes"])
    #expect(Self.repository(files).graph["b"]?.wave == 2)
  }

  @Test(
    "Whether a chart brings its CRDs is read from its values, wherever they are",
    arguments: [
      ("{chart: cert-manager, targetRevision: v1.21.2, helm: {valuesObject: {crds: {enabled: true}}}}", true),
      ("{chart: cert-manager, targetRevision: v1.21.2, helm: {values: 'crds: {enabled: true}'}}", true),
      (
        "{chart: cert-manager, targetRevision: v1.21.2, helm: {parameters: [{name: installCRDs, value: 'true'}]}}",
        true
      ),
      (
        "{chart: cert-manager, targetRevision: v1.21.2, helm: {parameters: [{name: crds.enabled, value: 'true'}]}}",
        true
      ),
      ("{chart: cert-manager, targetRevision: v1.21.2, helm: {values: 'crds: {enabled: false}'}}", false),
      ("{chart: cert-manager, targetRevision: v1.21.2}", false),
      (
        "{chart: cert-manager, targetRevision: v1.21.2, helm: {values: 'crds: {enabled: true}', parameters: [{name: crds.enabled, value: 'false'}]}}",
        false
      ),
    ])
  func switches(source: String, isThere: Bool) {
    let files = [
      "apps.yaml": application(
        "cert-manager", source: source.replacing("{chart", with: "{repoURL: \(Self.jetstack), chart"))
        + application("a"), "a/a.yaml": Self.issuer,
    ]
    #expect(Self.edges(files) == (isThere ? ["a <- cert-manager: CRDs of cert-manager.io"] : []))
  }

  @Test("Two clusters in one repository have nothing to do with each other")
  func clusters() {
    func apps(_ cluster: String, _ wave: String) -> String {
      application(
        "cert-manager", wave: wave,
        source: chart("cert-manager", "v1.21.2", from: Self.jetstack, values: "{crds: {enabled: true}}"))
        + application("issuers", wave: "'5'", source: own("\(cluster)/issuers"))
    }
    let files = [
      "one/apps.yaml": apps("one", "'0'"), "two/apps.yaml": apps("two", "'4'"),
      "one/issuers/a.yaml": Self.issuer,
      "two/issuers/a.yaml": Self.issuer,
      "health.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {resource.customizations.health.argoproj.io_Application: x}\n",
    ]
    #expect(
      Self.edges(files) == [
        "issuers (one) <- cert-manager (one): CRDs of cert-manager.io",
        "issuers (two) <- cert-manager (two): CRDs of cert-manager.io",
      ])
    #expect(Check.report(on: Self.repository(files)).text == "")
  }

  @Test(
    "Applications in several folders are one sync where a kustomization, or an Application, brings them all")
  func scopes() {
    var files = [
      "kustomization.yaml": "resources: [x, y/app.yaml]\n", "x/kustomization.yaml": "resources: [app.yaml]\n",
      "x/app.yaml": application("a", wave: "'1'", source: own("things")),
      "y/app.yaml": application("b", wave: "'2'", source: own("crds")),
      "things/a.yaml": "apiVersion: example.net/v1\nkind: Thing\nmetadata: {name: a}\n",
      "crds/a.yaml":
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.net}\nspec: {group: example.net}\n",
      "health.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {resource.customizations.health.argoproj.io_Application: x}\n",
    ]
    #expect(Check.report(on: Self.repository(files)).diagnostics.map(\.code) == ["crd-order"])
    files["kustomization.yaml"] = nil
    #expect(Check.report(on: Self.repository(files)).text == "")
    files["root.yaml"] = application(
      "root",
      source:
        "{repoURL: 'https://git.example.net/own.git', path: ., targetRevision: HEAD, directory: {recurse: true}}"
    )
    // The root brings what the two bring as well.
    #expect(
      Check.report(on: Self.repository(files)).diagnostics.map(\.code) == [
        "shared-object", "shared-object", "crd-order",
      ])
    #expect(Self.repository(files).graph.members.map(\.name) == ["a", "b"])
  }

  @Test("A folder is read as its Application says: with the folders in it or not, without what it leaves out")
  func directories() {
    func codes(_ directory: String) -> [String] {
      let files = [
        "apps.yaml": application(
          "a",
          source:
            "{repoURL: 'https://git.example.net/own.git', path: a, targetRevision: HEAD, directory: \(directory)}"
        ),
        "a/a.yaml": configMap,
        "a/in/thing.yaml": "apiVersion: example.net/v1\nkind: Thing\nmetadata: {name: a}\n",
      ]
      return Check.report(on: Self.repository(files)).diagnostics.map(\.code)
    }
    #expect(codes("{recurse: true}") == ["crd-missing"])
    #expect(codes("{recurse: false}") == [])
    #expect(codes("{recurse: true, exclude: 'in/*'}") == [])
    #expect(codes("{recurse: true, exclude: '{x,*/thing}.yaml'}") == [])
    #expect(codes("{recurse: true, include: '*thing*'}") == ["crd-missing"])
    #expect(codes("{recurse: true, include: 'a.yaml'}") == [])
  }

  @Test("Merge keys are resolved, and keys beside them win")
  func merges() {
    let files = [
      "apps.yaml": """
      x: &common {project: default, destination: {namespace: default}, syncPolicy: {automated: {}, retry: {limit: -1, refresh: true}}}
      apiVersion: argoproj.io/v1alpha1
      kind: Application
      metadata: {name: a, namespace: argocd}
      spec:
        <<: [*common, {destination: {namespace: elsewhere}}]
        source: \(own("a"))
      """, "a/a.yaml": configMap,
    ]
    #expect(Check.report(on: Self.repository(files)).text == "")
    #expect(Self.repository(files).graph["a"]?.namespace == "default")
  }

  @Test("What a template may bring is a warning, not an error")
  func templates() {
    var files = [
      "apps.yaml": application("a"),
      "a/a.yaml": """
      apiVersion: external-secrets.io/v1
      kind: ExternalSecret
      metadata: {name: a}
      spec: {secretStoreRef: {kind: SecretStore, name: vault}}
      ---
      apiVersion: external-secrets.io/v1
      kind: ClusterSecretStore
      metadata: {name: vault}

      """,
    ]
    func found() -> [Diagnostic.Severity] {
      Check.report(on: Self.repository(files)).diagnostics.filter { $0.code == "externalsecret-store" }.map(
        \.severity)
    }
    #expect(found() == [.error])
    files["chart/Chart.yaml"] = "name: a\n"
    files["chart/templates/store.yaml"] = "{{ .Values.x }}"
    #expect(found() == [.warning])
  }

  private static func set(
    _ generator: String, name: String, path: String, revision: String = "HEAD"
  ) -> String {
    """
    apiVersion: argoproj.io/v1alpha1
    kind: ApplicationSet
    metadata: {name: all}
    spec:
      generators: [\(generator)]
      template:
        metadata: {name: '\(name)'}
        spec: {source: {repoURL: 'https://git.example.net/own.git', path: '\(path)', targetRevision: \(revision)}, destination: {namespace: default}}
    ---

    """
  }

  @Test("An ApplicationSet is as many Applications as its list or its folders have")
  func sets() {
    let files = [
      "set.yaml": Self.set(
        "{list: {elements: [{app: one}, {app: two}]}}", name: "x-{{app}}", path: "apps/{{ .app }}")
        + Self.set(
          "{git: {directories: [{path: 'apps/*'}, {path: apps/two, exclude: true}]}}",
          name: "{{path.basename}}", path: "{{path}}")
        + Self.set("{clusters: {}}", name: "{{name}}", path: "apps/one"), "apps/one/a.yaml": configMap,
      "apps/two/a.yaml": configMap,
    ]
    #expect(Self.repository(files).graph.members.map(\.name) == ["x-one", "x-two", "one", "{{name}}"])
    // Three of them bring the same folder.
    #expect(
      Check.report(on: Self.repository(files)).diagnostics.map(\.code) == ["shared-object", "shared-object"])
    // A matrix is each pair; the half that only a cluster knows stays open, and no path with it is missing.
    let git = "{git: {directories: [{path: 'apps/*'}]}}"
    let matrix = [
      "set.yaml": Self.set(
        "{matrix: {generators: [\(git), {list: {elements: [{env: dev}, {env: prod}]}}]}}",
        name: "{{path[1]}}-{{env}}", path: "{{path}}/{{env}}")
        + Self.set(
          "{matrix: {generators: [{clusters: {}}, \(git)]}}", name: "{{index .path.segments 1}}-{{.name}}",
          path: "{{.path.path}}/{{.name}}")
        + Self.set("{matrix: {generators: [{clusters: {}}, {plugin: {}}]}}", name: "p-{{x}}", path: "{{x}}"),
      "apps/one/dev/a.yaml": configMap,
    ]
    let names = ["one-dev", "one-prod", "one-{{.name}}", "p-{{x}}"]
    #expect(Self.repository(matrix).graph.members.map(\.name) == names)
    #expect(
      Check.report(on: Self.repository(matrix)).diagnostics.map(\.message) == [
        "a folder that is not in this repository: apps/one/prod"
      ])
  }

  @Test(
    "A repository's URL is known by what its generators look for, and by the files of values that charts take",
    arguments: [
      (
        "{git: {repoURL: 'https://git.example.net/own', files: [{path: 'envs/*/app.yaml'}]}}",
        "{{ .folder }}", true
      ),
      (
        "{git: {repoURL: 'https://git.example.net/own', directories: [{path: 'x/*'}]}}", "{{ .folder }}",
        false
      ),
      ("{list: {elements: [{a: b}]}}", "{{ .folder }}", false),
    ])
  func ownURL(generator: String, path: String, isKnown: Bool) {
    let set = Self.set(generator, name: "a", path: path, revision: "main")
    let found = Check.report(on: Self.repository(["set.yaml": set, "envs/dev/app.yaml": configMap]))
      .diagnostics
    #expect(found.map(\.code) == (isKnown ? [] : ["floating-revision"]))
  }

  @Test("Sources that only give each other files of values say which URL is the repository's")
  func valuesURL() {
    func app(_ file: String) -> String {
      application(
        "a",
        source: """
          {}
            sources:
              - {repoURL: https://charts.example.net, chart: x, targetRevision: 1.2.3, helm: {valueFiles: [\(file)]}}
              - {repoURL: 'https://git.example.net/mine.git', targetRevision: main, ref: values}
          """)
    }
    let there = Check.report(on: Self.repository(["a.yaml": app("$values/v/a.yaml"), "v/a.yaml": "b: c\n"]))
    #expect(there.text == "")
    let elsewhere = Check.report(
      on: Self.repository(["a.yaml": app("$values/v/b.yaml"), "v/a.yaml": "b: c\n"]))
    #expect(elsewhere.diagnostics.map(\.code) == ["floating-revision"], "\(elsewhere.text)")
  }

  @Test("A kustomization's namespace is that of its objects, and its patches are no objects")
  func kustomizations() {
    let files = [
      "apps.yaml": application("edge") + application("docs"),
      "edge/kustomization.yaml":
        "namespace: edge\nresources: [gateway.yaml, ../base]\npatches: [{path: patch.yaml}]\n",
      "edge/gateway.yaml":
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: other}\n",
      "edge/patch.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: aGVsbG8=}\n",
      "base/kustomization.yaml": "resources: [crd.yaml]\n",
      "base/crd.yaml":
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\nspec: {group: gateway.networking.k8s.io}\n",
      "docs/a.yaml":
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: docs}\nspec: {parentRefs: [{name: edge, namespace: edge}]}\n",
    ]
    #expect(Self.edges(files) == ["docs <- edge: CRDs of gateway.networking.k8s.io"])
    #expect(Check.report(on: Self.repository(files)).text == "")
  }

  @Test(
    "The groups of known charts are those of their CRDs",
    .enabled(
      if: ProcessInfo.processInfo.environment["K3SEED_LAB_CACHE"] != nil,
      "K3SEED_LAB_CACHE does not say where the CRDs of the projects are"),
    arguments: [
      ("cert-manager", ["cert-manager"]), ("external-dns", ["external-dns"]),
      ("external-secrets", ["external-secrets"]),
      ("gateway-helm", ["envoy-gateway", "gateway-api"]), ("argo-cd", ["argo-cd"]),
    ])
  func knownGroups(chartName: String, projects: [String]) throws {
    let cache = try #require(ProcessInfo.processInfo.environment["K3SEED_LAB_CACHE"])
    let crds = URL(fileURLWithPath: cache).appendingPathComponent("crds")
    var files = [
      "apps.yaml": application(
        "x",
        source: chart(
          chartName, "1.0.0", from: "https://charts.example.net", values: "{crds: {enabled: true}}"))
        + application("a", wave: "'1'")
    ]
    var number = 0
    for folder in try FileManager.default.contentsOfDirectory(atPath: crds.path)
    where projects.contains(where: { folder.hasPrefix($0 + "-v") }) {
      for file in try FileManager.default.contentsOfDirectory(
        atPath: crds.appendingPathComponent(folder).path)
      {
        let text = try String(contentsOf: crds.appendingPathComponent("\(folder)/\(file)"), encoding: .utf8)
        let group = try #require(text.firstMatch(of: #/\n  group: ([a-z0-9.-]+)\n/#)?.output.1)
        number += 1
        files["a/\(number).yaml"] = "apiVersion: \(group)/v1\nkind: Any\nmetadata: {name: a}\n"
      }
    }
    #expect(number > 0)
    // Whatever the chart did not bring would be missing.
    #expect(!Check.report(on: Self.repository(files)).diagnostics.contains { $0.code == "crd-missing" })
  }
}
