import Diagnostics
import TestSupport
import Testing

@testable import Plan

@Suite("The plan of the GitOps tree") struct GitOpsPlanTests {
  /// A project that lacks nothing; what follows in a text is added or put in place of it.
  private static func outputs(_ more: String = "", without absent: Set<String> = []) -> String {
    let entries = [
      ("domain_name", #""example.org""#), ("cloudflare_zone_id", #""00000000feedfacecafebeef00000000""#),
      ("acme_email", #""ops@example.org""#), ("git_repo_url", #""https://git.example.org/a/b.git""#),
      ("ingress_public_ip", #""203.0.113.10""#), ("docs_image", #""docs:1""#),
    ]
    .filter { !absent.contains($0.0) }.map { "\"\($0.0)\": \($0.1)" }
    return "{\((entries + (more.isEmpty ? [] : [more])).joined(separator: ", "))}"
  }

  private static func findings(_ outputs: String) throws -> [String] {
    let planning = try Planning(outputs)
    return planning.findings + planning.finding { _ = planning.plan.gitOps(report: &$0) }
  }

  private static func plan(_ outputs: String) throws -> GitOpsPlan {
    var report = Report()
    let plan = try Planning(outputs).plan.gitOps(report: &report)
    try #require(report.diagnostics.isEmpty)
    return try #require(plan)
  }

  @Test("A project that lacks nothing has a plan, and nothing is found")
  func whole() throws {
    #expect(try Self.findings(Self.outputs()) == [])
    let plan = try Self.plan(Self.outputs())
    #expect(plan.argoCDHost?.value == "argocd.example.org" && plan.docs?.host.value == "example.org")
    #expect(plan.docs?.port.value == 8080 && plan.acmeIssuer.value == "production")
    #expect(plan.challenge.value == .dns01 && plan.ingress?.selector.isEmpty == true)
    #expect(plan.vault == nil && !plan.hasWebhook)
  }

  @Test("Everything that is missing is found at once")
  func missing() throws {
    let why = "add it to Terraform's outputs or to k3seed.yaml [missing-input]"
    #expect(
      try Self.findings(#"{"vault_ocid": "ocid1.vault.oc1..a"}"#) == [
        "outputs.json: error: domain_name is missing: all names of the tree lie in it; \(why)",
        "outputs.json: error: cloudflare_zone_id is missing: external-dns changes records there only; \(why)",
        "outputs.json: error: acme_email is missing: Let's Encrypt wants it for its account; \(why)",
        "outputs.json: error: git_repo_url is missing: the Applications are read from it; \(why)",
        "outputs.json: error: docs_image is missing: docs-app runs it; add it to k3seed.yaml, or leave the site out with gitops_disable: [docs] [missing-input]",
        "outputs.json: error: ingress_public_ip is missing: the names in DNS lead there; add it, or load_balancer_ip, to Terraform's outputs, or leave the Gateway out with gitops_disable [missing-input]",
        "outputs.json: error: oci_region is missing: External Secrets asks the vault there; \(why)",
      ])
  }

  @Test(
    "What is switched off needs nothing",
    arguments: [
      (#""gitops_disable": ["gateway"]"#, "ingress_public_ip"),
      (#""gitops_disable": ["docs"]"#, "docs_image"),
      (#""gitops_disable": ["vault"], "vault_ocid": "ocid1.vault.oc1..a""#, "oci_region"),
      (#""load_balancer_ip": "203.0.113.20""#, "ingress_public_ip"),
    ])
  func switchedOff(more: String, absent: String) throws {
    #expect(try Self.findings(Self.outputs(more, without: [absent])) == [])
  }

  @Test("What was given with an error is not missing as well")
  func refused() throws {
    let found = try Self.findings(
      #"{"domain_name": "Example", "cloudflare_zone_id": 1, "acme_email": "a", "git_repo_url": "b", "docs_image": "c", "ingress_public_ip": "d", "vault_ocid": "e", "oci_region": "f"}"#
    )
    #expect(found.count == 8 && found.allSatisfy { !$0.contains("is missing") }, "\(found)")
  }

  @Test(
    "What contradicts itself is found where it stands",
    arguments: [
      (
        #""docs_host": 📍"docs.example.com""#,
        "error: docs_host docs.example.com does not lie in domain_name example.org, where external-dns has nothing to say (at $.docs_host); give a name that ends with .example.org, or a shorter domain_name [outside-domain]"
      ),
      (
        #""argocd_host": 📍"notexample.org""#,
        "error: argocd_host notexample.org does not lie in domain_name example.org, where external-dns has nothing to say (at $.argocd_host); give a name that ends with .example.org, or a shorter domain_name [outside-domain]"
      ),
      (
        #""docs_host": 📍"argocd.example.org""#,
        "error: argocd_host and docs_host are both argocd.example.org, and a name leads to one place only (at $.docs_host); give each its own [same-host]"
      ),
      (
        #""gitops_disable": ["gateway"], "acme_challenge": 📍"http01""#,
        "error: acme_challenge is http01, which is answered through the Gateway that gitops_disable leaves out (at $.acme_challenge); use dns01, or keep the Gateway [http01-gateway]"
      ),
      (
        #""nodes": {"a": {"role": "server"}, "b": {"role": 📍"ingress"}}"#,
        "error: no node has the label role=ingress, so the Gateway would run nowhere (at $.nodes.b.role); add it to the labels of a node, or give ingress_node_selector [ingress-nodes]"
      ),
      (
        #""nodes": {"a": {"role": "server"}}, "ingress_node_selector": {"b": 📍"c"}"#,
        "warning: no node has the label b=c, so the Gateway would run nowhere (at $.ingress_node_selector.b); add it to the labels of a node, or give ingress_node_selector [ingress-nodes]"
      ),
      (
        #""registry_server": 📍"ghcr.io""#,
        "error: registry_server has credentials, which only OCI Vault brings into the cluster, and the tree has no vault (at $.registry_server); give vault_ocid [registry-vault]"
      ),
      (
        #""registry_server": 📍"ghcr.io", "vault_ocid": "ocid1.vault.oc1..a", "gitops_disable": ["vault"]"#,
        "error: registry_server has credentials, which only OCI Vault brings into the cluster, and the tree has no vault (at $.registry_server); take vault out of gitops_disable [registry-vault]"
      ),
      (
        #""registry_server": "ghcr.io", "vault_ocid": "ocid1.vault.oc1..a", "oci_region": "us-ashburn-1", "git_pat": 📍"canary""#,
        "error: the password at ghcr.io is not a reference to OCI Vault, and the tree, which is public, cannot hold it (at $.git_pat); give the OCID of registry_password, or that of git_pat, in secret_ocids [registry-password]"
      ),
      (
        #""vault_ocid": "ocid1.vault.oc1..a", "oci_region": "us-ashburn-1", "secret_ocids": {"cloudflare_api_token": 📍"\#(Sample.ocid)?versionNumber=3"}"#,
        "error: cloudflare_api_token is bound to one version of its secret, and External Secrets knows versions by their stage only (at $.secret_ocids.cloudflare_api_token); use ?stage=PREVIOUS or no version, or leave External Secrets out with gitops_disable: [vault] [vault-version]"
      ),
      (
        #""secret_ocids": {"cloudflare_api_token": 📍"\#(Sample.ocid)"}"#,
        "note: secrets lie in OCI Vault, but vault_ocid is not given, so External Secrets is left out and they stay as the bootstrap seeds them (at $.secret_ocids.cloudflare_api_token); give vault_ocid [no-vault]"
      ),
    ])
  func contradictions(more: String, finding: String) throws {
    var seen: [String] = []
    // A Secret that is seeded in two namespaces says it twice.
    for found in try Self.findings(Self.outputs(more)) where !seen.contains(found) { seen.append(found) }
    #expect(seen == ["📍: \(finding)"])
  }

  @Test("Ports are taken on the ingress nodes, whose taints are tolerated")
  func ingress() throws {
    let nodes =
      #""nodes": {"s": {"role": "server"}, "a": {"role": "ingress", "labels": {"role": "ingress"}, "taints": ["edge:NoSchedule"]}, "b": {"role": "agent", "labels": {"role": "ingress"}, "taints": ["edge:NoSchedule", "x=y:NoExecute"]}}"#
    let plan = try Self.plan(Self.outputs(nodes))
    let ingress = try #require(plan.ingress)
    #expect(ingress.selector.map(\.key) == ["role"] && ingress.selector.map(\.value.value) == ["ingress"])
    #expect(ingress.taints.map(\.value) == ["edge:NoSchedule", "x=y:NoExecute"])
    #expect(ingress.address.value == "203.0.113.10")
  }

  @Test("What the bootstrap seeded from the vault is taken over, each as what depends on it allows")
  func vault() throws {
    let more =
      #""vault_ocid": "ocid1.vault.oc1..a", "oci_region": "us-ashburn-1", "registry_server": "ghcr.io", "registry_username": "puller", "vault_secret_names": {"argocd_admin_password_hash": "Argo.hash"}, "secret_ocids": {"cloudflare_api_token": "\#(Sample.ocid)?stage=PREVIOUS", "github_pat": "\#(Sample.ocid)", "argocd_admin_password_hash": "\#(Sample.ocid)", "registry_password": "\#(Sample.ocid)?stage=CURRENT"}"#
    let secrets = try #require(try Self.plan(Self.outputs(more)).vault?.secrets)
    #expect(
      secrets.map { "\($0.namespace)/\($0.name.value) \($0.ownership.rawValue)" } == [
        "cert-manager/cloudflare-api-token Orphan", "external-dns/cloudflare-api-token Orphan",
        "argocd/argocd-root-repository Orphan", "argocd/argocd-secret Merge",
        "default/registry-credentials Owner",
      ])
    #expect(
      secrets.map { $0.data.map { "\($0.key.value)=\($0.secret.value)@\($0.stage ?? "-")" } } == [
        ["api-token=cloudflare-api-token@PREVIOUS"], ["api-token=cloudflare-api-token@PREVIOUS"],
        ["password=github-pat@-"], ["admin.password=Argo.hash@-"], ["password=registry-password@-"],
      ])
    #expect(secrets[2].template.map(\.key) == ["password", "type", "url", "username"])
    #expect(
      secrets[4].template.map(\.value.value) == [
        #"{"auths":{"ghcr.io":{"auth":"{{ printf "%s:%s" "puller" .password | b64enc }}"}}}"#
      ])
  }

  @Test("A literal beside a reference stays the bootstrap's; only the reference is taken over")
  func mixed() throws {
    let more =
      #""vault_ocid": "ocid1.vault.oc1..a", "oci_region": "us-ashburn-1", "argocd_admin_password_hash": "\#(Sample.bcrypt)", "secret_ocids": {"github_webhook_secret": "\#(Sample.ocid)"}"#
    let plan = try Self.plan(Self.outputs(more))
    #expect(plan.hasWebhook)
    #expect(plan.vault?.secrets.map(\.name.value) == ["argocd-secret"])
    #expect(plan.vault?.secrets.flatMap { $0.data.map(\.key.value) } == ["webhook.github.secret"])
  }

  @Test("A value that looks like a template's action stays text")
  func braces() throws {
    let more =
      #""git_username": "{{.password}}-{x}", "vault_ocid": "ocid1.vault.oc1..a", "oci_region": "us-ashburn-1", "secret_ocids": {"github_pat": "\#(Sample.ocid)"}"#
    let template = try Self.plan(Self.outputs(more)).vault?.secrets.first?.template
    #expect(
      template?.first { $0.key == "username" }?.value.value
        == #"{{ "{" }}{{ "{" }}.password}}-{{ "{" }}x}"#)
    #expect(template?.first { $0.key == "password" }?.value.value == "{{ .password }}")
  }

  @Test("The webhook's secret and the admin's hash share the Secret of Argo CD")
  func webhook() throws {
    func seeded(_ outputs: String) throws -> [[String]] {
      try Planning(outputs).plan.seededSecrets.filter { $0.name.value == "argocd-secret" }.map {
        $0.inputs.map { "\($0.key.value)=\($0.input)" }
      }
    }
    #expect(try seeded("{}") == [])
    #expect(
      try seeded(#"{"github_webhook_secret": "w"}"#) == [["webhook.github.secret=github_webhook_secret"]])
    #expect(
      try seeded(#"{"github_webhook_secret": "w", "argocd_admin_password_hash": "\#(Sample.bcrypt)"}"#) == [
        ["admin.password=argocd_admin_password_hash", "webhook.github.secret=github_webhook_secret"]
      ])
  }
}
