import Diagnostics
import Foundation
import Inputs
import Plan
import Templates
import TestSupport
import Testing
import YAML

@testable import GitOps

/// A project with every part of the tree.
private let whole = """
  "domain_name": "example.org", "cloudflare_zone_id": "00000000feedfacecafebeef00000000",
  "acme_email": "ops@example.org", "git_repo_url": "https://git.example.org/a/b.git",
  "ingress_public_ip": "203.0.113.10", "docs_image": "docs:1", "registry_server": "ghcr.io",
  "vault_ocid": "ocid1.vault.oc1..a", "oci_region": "us-ashburn-1",
  "secret_ocids": {"cloudflare_api_token": "ocid1.vaultsecret.oc1..a", "git_pat": "ocid1.vaultsecret.oc1..b"}
  """

private func tree(_ outputs: String, templates: TemplateSet = TemplateSet()) throws -> Tree {
  var report = Report()
  let inputs = Inputs(terraform: try .terraform(Array("{\(outputs)}".utf8), source: "in"), report: &report)
  let plan = ClusterPlan(inputs, report: &report).gitOps(report: &report)
  try report.throwIfErrors()
  return try Tree(try #require(plan), templates: templates)
}

extension Tree {
  fileprivate func text(_ path: String) throws -> String {
    String(decoding: try #require(files.first { $0.path == path }).bytes, as: UTF8.self)
  }

  /// Every object of the manifests, with the path of its file; values and kustomizations are none.
  fileprivate var objects: [(path: String, node: Node)] {
    get throws {
      try files.filter { !$0.path.hasSuffix("values.yaml") && !$0.path.hasSuffix("kustomization.yaml") }
        .flatMap { file in try YAML.parse(file.bytes, source: file.path).map { (file.path, $0) } }
    }
  }

  fileprivate var applications: [Node] {
    get throws { try objects.filter { $0.path == "applications.yaml" }.map(\.node) }
  }
}

@Suite("The GitOps tree") struct TreeTests {
  // MARK: The graph

  @Test("The nine Applications have the namespaces and the phases of the seed")
  func phases() throws {
    let graph = try tree(whole).graph
    #expect(
      graph.phases.map { $0.map(\.name) } == [
        ["gateway-api-crds"],
        ["cert-manager", "external-dns", "external-secrets"],
        ["envoy-gateway", "argocd-self-managed", "managed-secrets"],
        ["argocd-ingress", "docs-app"],
      ])
    #expect(graph.cyclic == [])
    #expect(
      Dictionary(uniqueKeysWithValues: graph.members.map { ($0.name, $0.namespace) }) == [
        "gateway-api-crds": nil, "cert-manager": "cert-manager", "external-dns": "external-dns",
        "external-secrets": "external-secrets", "managed-secrets": "external-secrets",
        "envoy-gateway": "envoy-gateway-system", "argocd-self-managed": "argocd", "argocd-ingress": "argocd",
        "docs-app": "default",
      ])
    // The arrows of the seed's drawing, each with its reason.
    for (from, to) in [
      ("cert-manager", "gateway-api-crds"), ("external-dns", "gateway-api-crds"),
      ("external-secrets", "gateway-api-crds"), ("managed-secrets", "external-secrets"),
      ("envoy-gateway", "cert-manager"), ("envoy-gateway", "external-dns"),
      ("argocd-ingress", "envoy-gateway"), ("docs-app", "envoy-gateway"),
      ("argocd-ingress", "argocd-self-managed"),
    ] {
      let edge = graph[from]?.dependencies.first { $0.name == to }
      #expect(edge?.reason.isEmpty == false, "\(from) → \(to)")
    }
  }

  @Test("Every Application carries its phase as its wave, and says what it waits for and why")
  func waves() throws {
    let tree = try tree(whole)
    let applications = try tree.applications
    #expect(applications.map { $0["metadata"]?["name"]?.string } == tree.graph.phases.joined().map(\.name))
    for (index, phase) in tree.graph.phases.enumerated() {
      for member in phase {
        let annotations = try #require(
          applications.first { $0["metadata"]?["name"]?.string == member.name }?["metadata"]?["annotations"])
        #expect(annotations["argocd.argoproj.io/sync-wave"]?.value == .string("\(index + 1)"))
        #expect(member.wave == index + 1)
        let stated = (annotations.mapping ?? []).filter { $0.key.hasPrefix("after.k3seed/") }
        #expect(stated.map(\.key) == member.dependencies.map { "after.k3seed/\($0.name)" })
        #expect(stated.map(\.value.string) == member.dependencies.map(\.reason))
      }
    }
  }

  @Test(
    "Every Application retries without limit and with backoff, and but for Argo CD cleans up after itself")
  func retries() throws {
    for application in try tree(whole).applications {
      let name = application["metadata"]?["name"]?.string
      let retry = application["spec"]?["syncPolicy"]?["retry"]
      #expect(retry?["limit"]?.value == .number("-1"), "\(name ?? "")")
      #expect(retry?["backoff"]?["maxDuration"]?.string == "3m")
      #expect(retry?["refresh"]?.value == .bool(true))
      #expect((application["metadata"]?["finalizers"] == nil) == (name == "argocd-self-managed"))
    }
  }

  @Test(
    "Every source is pinned: charts by an exact version, others by a tag; the tree itself follows git_revision"
  )
  func pins() throws {
    for application in try tree(whole).applications {
      for source in application["spec"]?["sources"]?.sequence ?? [] {
        let revision = try #require(source["targetRevision"]?.string)
        let isOwn = source["repoURL"]?.string == "https://git.example.org/a/b.git"
        #expect(isOwn ? revision == "HEAD" : revision.contains(/^v?[0-9]+\.[0-9]+\.[0-9]+$/), "\(revision)")
      }
    }
  }

  @Test(
    "The folders of the Applications lie in git_path, however it is written",
    arguments: [(".", ""), ("argocd", "argocd/"), ("./clusters//edge/", "clusters/edge/")])
  func paths(path: String, prefix: String) throws {
    let sources = try tree(whole + ", \"git_path\": \"\(path)\"").applications.flatMap {
      $0["spec"]?["sources"]?.sequence ?? []
    }
    let folders = sources.compactMap { $0["path"]?.string }
    #expect(folders.contains("\(prefix)apps/docs"))
    let values = sources.compactMap { $0["helm"]?["valueFiles"]?.sequence?.first?.string }
    #expect(values.contains("$values/\(prefix)infrastructure/argocd/values.yaml"))
  }

  // MARK: Parts

  @Test(
    "Parts that are left out leave no trace: no file, no edge, no name in another file",
    arguments: [[], ["vault"], ["gateway"], ["docs"], ["vault", "gateway"], ["vault", "gateway", "docs"]])
  func parts(disabled: [String]) throws {
    let list = disabled.map { "\"\($0)\"" }.joined(separator: ", ")
    let registry =
      disabled.contains("vault") ? whole.replacing(#""registry_server": "ghcr.io","#, with: "") : whole
    let tree = try tree(registry + ", \"gitops_disable\": [\(list)]")
    let absent = [
      "vault": ["external-secrets", "managed-secrets", "registry-credentials"],
      "gateway": [
        "gateway-api-crds", "envoy-gateway", "argocd-ingress", "gateway.networking.k8s.io",
        "gateway-httproute",
        "gatewayAPI",
      ],
      "docs": ["docs-app", "apps/docs", "https-docs", "docs-tls"],
    ].filter { disabled.contains($0.key) }.flatMap(\.value)
    for file in tree.files {
      let text = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n").filter {
        !$0.hasPrefix("#")
      }
      for word in absent {
        #expect(!file.path.contains(word) && !text.contains { $0.contains(word) }, "\(word) in \(file.path)")
      }
    }
    // What is there is whole: folders that Applications name have their files, and files that kustomizations name exist.
    let paths = Set(tree.files.map(\.path))
    for application in try tree.applications {
      for source in application["spec"]?["sources"]?.sequence ?? [] {
        if let path = source["path"]?.string, source["repoURL"]?.string == "https://git.example.org/a/b.git" {
          #expect(paths.contains("\(path.dropFirst("argocd/".count))/kustomization.yaml"))
        }
        for file in source["helm"]?["valueFiles"]?.sequence ?? [] {
          #expect(paths.contains(String(file.string?.dropFirst("$values/argocd/".count) ?? "")))
        }
      }
    }
    for file in tree.files where file.path.hasSuffix("kustomization.yaml") {
      let folder = file.path.dropLast("kustomization.yaml".count)
      for resource in try YAML.parseOne(file.bytes, source: file.path)["resources"]?.sequence ?? [] {
        #expect(paths.contains(folder + (resource.string ?? "")), "\(file.path)")
      }
    }
    #expect(tree.graph.members.allSatisfy { $0.dependencies.allSatisfy { tree.graph[$0.name] != nil } })
    #expect(tree.graph.phases.joined().count == tree.graph.members.count)
  }

  @Test("Only a private image makes the site wait for its credentials")
  func registry() throws {
    #expect(
      try tree(whole).graph["docs-app"]?.dependencies.map(\.name) == ["envoy-gateway", "managed-secrets"])
    let open = whole.replacing(#""registry_server": "ghcr.io","#, with: "")
    #expect(try tree(open).graph["docs-app"]?.dependencies.map(\.name) == ["envoy-gateway"])
  }

  // MARK: What is in it

  @Test("Argo CD is given what the bootstrap gave it, and a page and a webhook beside it")
  func selfManagement() throws {
    let webhook = #", "github_webhook_secret": "ocid1.vaultsecret.oc1..c""#
    let values = try YAML.parseOne(
      Array(try tree(whole + webhook).text("infrastructure/argocd/values.yaml").utf8), source: "values")
    #expect(values["global"]?["domain"]?.string == "argocd.example.org")
    #expect(values["configs"]?["cm"]?["timeout.reconciliation"]?.string == "1h")
    #expect(values["configs"]?["secret"]?["createSecret"]?.value == .bool(false))
    #expect(
      values["configs"]?["cm"]?["resource.customizations.health.argoproj.io_Application"]?.string?
        .contains("obj.status") == true)
    #expect(values["configs"]?["params"]?["server.insecure"]?.value == .bool(true))
    let plain = try YAML.parseOne(
      Array(try tree(whole).text("infrastructure/argocd/values.yaml").utf8), source: "values")
    #expect(plain["configs"]?["cm"]?["timeout.reconciliation"] == nil && plain["configs"]?["secret"] == nil)
    // Without a Gateway there is no host: the domain stays the chart's.
    let closed = try tree(whole + #", "gitops_disable": ["gateway"]"#).text(
      "infrastructure/argocd/values.yaml")
    #expect(!closed.contains("global"))
    // The release has the name that the bootstrap's HelmChart has, whose objects it adopts.
    let application = try tree(whole).applications.first {
      $0["metadata"]?["name"]?.string == "argocd-self-managed"
    }
    #expect(application?["spec"]?["sources"]?.sequence?.first?["helm"]?["releaseName"]?.string == "argocd")
  }

  @Test("External Secrets is in the node's network exactly where pods may not reach the metadata address")
  func metadata() throws {
    let path = "infrastructure/external-secrets/values.yaml"
    let closed = try tree(whole).text(path)
    let open = try tree(whole + #", "pod_metadata_access": "allowed""#).text(path)
    #expect(closed.contains("hostNetwork: true\n") && !open.contains("hostNetwork: "))
    // The rollout is the same in both, so that a cluster can be switched from one to the other.
    for text in [closed, open] {
      let strategy = try YAML.parseOne(Array(text.utf8), source: path)["strategy"]
      #expect(strategy?["type"]?.string == "RollingUpdate")
      #expect(strategy?["rollingUpdate"]?["maxSurge"]?.value == .number("0"))
      #expect(strategy?["rollingUpdate"]?["maxUnavailable"]?.value == .number("1"))
    }
  }

  @Test("What is bound to nodes tolerates their taints, each once")
  func tolerations() throws {
    let nodes = #"""
      , "nodes": {
        "a": {"role": "server", "taints": ["CriticalAddonsOnly=true:NoExecute"]},
        "b": {"role": "server", "taints": ["CriticalAddonsOnly=true:NoExecute", "own:NoSchedule"]},
        "c": {"role": "server"}, "d": {"role": "ingress", "labels": {"role": "ingress"}, "taints": ["edge=yes:NoSchedule"]}, "e": {"role": "agent", "taints": ["gpu:NoSchedule"]}
      }
      """#
    let rendered = try tree(whole + nodes + #", "server_private_ip": "10.0.0.2", "first_server": "a""#)
    let values = try YAML.parseOne(
      Array(rendered.text("infrastructure/external-secrets/values.yaml").utf8), source: "values")
    #expect(
      values["tolerations"]?.sequence?.map(\.line) == [
        "key=node-role.kubernetes.io/control-plane operator=Exists",
        "key=CriticalAddonsOnly operator=Equal value=true effect=NoExecute",
        "key=own operator=Exists effect=NoSchedule",
      ])
    let proxy = try #require(
      rendered.objects.first { $0.node["kind"]?.string == "EnvoyProxy" }?.node["spec"]?["provider"]?[
        "kubernetes"]
    )
    #expect(
      proxy["envoyDaemonSet"]?["pod"]?["tolerations"]?.sequence?.map(\.line) == [
        "key=edge operator=Equal value=yes effect=NoSchedule"
      ])
  }

  @Test("Argo CD's listener leaves escaped slashes as they are, and its route ends no stream")
  func streams() throws {
    let tree = try tree(whole)
    let policy = try #require(tree.objects.first { $0.node["kind"]?.string == "ClientTrafficPolicy" }?.node)
    #expect(policy["spec"]?["path"]?["escapedSlashesAction"]?.string == "KeepUnchanged")
    let target = policy["spec"]?["targetRefs"]?.sequence?.first
    let gateway = try #require(tree.objects.first { $0.node["kind"]?.string == "Gateway" }?.node)
    #expect(target?["name"]?.string == gateway["metadata"]?["name"]?.string)
    #expect(policy["metadata"]?["namespace"]?.string == gateway["metadata"]?["namespace"]?.string)
    #expect(
      gateway["spec"]?["listeners"]?.sequence?.contains {
        $0["name"]?.string == target?["sectionName"]?.string
      } == true)
    let route = try #require(
      tree.objects.first {
        $0.node["kind"]?.string == "HTTPRoute" && $0.node["metadata"]?["name"]?.string == "argocd"
      }?.node)
    #expect(route["spec"]?["rules"]?.sequence?.first?["timeouts"]?["request"]?.string == "0s")
  }

  @Test(
    "Nothing but the values of inputs differs where they hold what YAML, shells or templates mean something by"
  )
  func awkward() throws {
    let expected = try tree(whole + #", "git_username": "PLACE""#).files
    for value in [
      "{{.x}}", "$(id)", "${domain}", "%{x}", "!value", "0777", "&a*b", "[x]", "{y}", "yes", "null", "~",
      "#x",
    ] {
      let files = try tree(whole + ", \"git_username\": \"\(value)\"").files
      #expect(files.map(\.path) == expected.map(\.path))
      for (file, other) in zip(files, expected) {
        let nodes = try YAML.parse(file.bytes, source: file.path).map { $0.replacing(value, with: "PLACE") }
        let others = try YAML.parse(other.bytes, source: other.path).map {
          $0.replacing("PLACE", with: "PLACE")
        }
        #expect(nodes == others, "\(value) in \(file.path)")
      }
    }
  }

  // MARK: Templates of one's own

  @Test("A user's template stands in the place of one, and another one becomes a file of its own")
  func templates() throws {
    let templates = TemplateSet(
      overrides: [
        "gitops/apps/docs/service.yaml": Array("# Mine.\na: !value docs.host\n".utf8),
        "gitops/apps/wiki/page.yaml": Array("- !when {docs: {b: 1}}\n- c\n".utf8),
        "gitops/apps/none.yaml": Array("!unless {docs: x}\n".utf8),
      ], folder: "mine")
    let files = try tree(whole, templates: templates).files
    #expect(
      try tree(whole, templates: templates).text("apps/docs/service.yaml") == "# Mine.\na: example.org\n")
    #expect(try tree(whole, templates: templates).text("apps/wiki/page.yaml") == "b: 1\n---\nc\n")
    #expect(!files.contains { $0.path == "apps/none.yaml" })
  }

  @Test("Errors in templates are found at their lines, all at once")
  func templateErrors() throws {
    let templates = TemplateSet(
      overrides: [
        "gitops/apps/docs/service.yaml": Array("a: !value docs.hots\n".utf8),
        "gitops/x.yaml": Array("a: 1\nb: !valeu x\n".utf8),
      ], folder: "mine")
    do {
      _ = try tree(whole, templates: templates)
      Issue.record("there was no error")
    } catch let report as Report {
      #expect(
        report.diagnostics.map(\.line) == [
          "mine/gitops/apps/docs/service.yaml:1:4: error: there is no value docs.hots: \"hots\" is unknown; did you mean \"host\"? [template-path]",
          "mine/gitops/x.yaml:2:4: error: there is no tag !valeu; did you mean !value? [template-tag]",
        ])
    }
  }
}

extension Node {
  /// A flat mapping as one line.
  fileprivate var line: String {
    (mapping ?? []).map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: " ")
  }

  /// The document without marks, every text of it changed: what expansion must do to a value, and nothing else.
  fileprivate func replacing(_ old: String, with new: String) -> String {
    switch value {
    case .string(let text):
      "\"" + text.replacing(#"{{ "{" }}"#, with: "{").replacing(old, with: new) + "\""
    case .sequence(let items): "[" + items.map { $0.replacing(old, with: new) }.joined(separator: ",") + "]"
    case .mapping(let entries):
      "{" + entries.map { "\($0.key):\($0.value.replacing(old, with: new))" }.joined(separator: ",") + "}"
    default: "\(value)"
    }
  }
}
