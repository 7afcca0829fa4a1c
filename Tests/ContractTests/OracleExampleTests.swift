import Diagnostics
import Foundation
import Inputs
import Plan
import TestSupport
import Testing
import UserData

/// The example `terraform/examples/oci-always-free`, through the real Terraform.
///
/// Nobody's cloud is used: a stand-in has the schema of the provider oracle/oci and makes up what Oracle would choose.
/// So this proves that the configuration is well-formed, that its parts fit together, and what it would ask of Oracle;
/// not what Oracle would answer.
@Suite("Terraform for Oracle", .enabled(if: Tool.has("terraform"), "terraform is not installed"))
struct OracleExampleTests {
  private static let root = "terraform/examples/oci-always-free"
  private static let variables = [
    "tenancy_ocid": "ocid1.tenancy.oc1..example", "compartment_ocid": "ocid1.compartment.oc1..example",
    "region": "eu-frankfurt-1", "git_repo_url": "https://git.example.net/cluster.git",
    "ssh_authorized_keys":
      #"["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPRUgIH9QoSA9jUesFv/Qe79iJdNL0cjFnqkDhBn0F2+ ops@example.org"]"#,
    "ssh_allowed_cidrs": #"["198.51.100.0/24"]"#, "api_allowed_cidrs": #"["198.51.100.0/24"]"#,
  ]

  /// The variable `nodes`: the default's three machines, and others.
  private static func nodes(_ others: [String]) -> String {
    let usual = [
      #"server = { role = "server", host = 11, ocpus = 1, memory_in_gbs = 6 }"#,
      #"worker = { role = "agent", host = 12, ocpus = 1, memory_in_gbs = 6 }"#,
      #"ingress = { role = "ingress", host = 10, shape = "VM.Standard.E2.1.Micro", labels = { role = "ingress" }, taints = ["role=ingress:PreferNoSchedule"] }"#,
    ]
    return "{ \((usual + others).joined(separator: "\n")) }"
  }

  @Test(
    "What k3seed or the region refuses fails the first plan, before anything is made",
    .enabled("the framework of the stand-in is not here; run make setup") {
      await Workspace.hasStandIns.value
    })
  func preflight() async throws {
    try await Workspace.with(Self.root, source: .standIns) { workspace in
      try await workspace.succeed(["init"])
      func errors(_ variables: [String: String]) async throws -> [String] {
        try await workspace.run(["plan", "-json"], Self.variables.merging(variables) { $1 })
          .diagnostics.map(\.detail)
      }
      let url = try await errors(["git_repo_url": "hts://x"])
      #expect(url.count == 1 && url[0].contains("\"hts://x\" is not the URL of a git repository"), "\(url)")
      let config = try await errors(["config": "absent.yaml"])
      #expect(config.count == 1 && config[0].contains("absent.yaml: error: cannot be read"), "\(config)")
      for (node, message) in [
        (#"host = 1.5"#, "host is a whole number from 2 to 254"),
        (#"host = 13, boot_volume_in_gbs = 46"#, "boot_volume_in_gbs is a whole number from 50 to 32768"),
        (#"host = 13, availability_domain = 4"#, "availability_domain is 1, 2 or 3"),
        (#"host = 13, fault_domain = "FD-1""#, "fault_domain is FAULT-DOMAIN-1"),
        (
          #"host = 13, shape = "VM.Standard3.Flex""#,
          "other: the shape VM.Standard3.Flex is in no availability domain"
        ),
        (
          #"host = 13, shape = "VM.Standard.E2.1.Micro", availability_domain = 3"#,
          "other: the shape VM.Standard.E2.1.Micro is in another availability domain of the region than 3"
        ),
      ] {
        let found = try await errors([
          "nodes": Self.nodes([#"other = { role = "agent", \#(node) }"#]), "always_free": "false",
        ])
        #expect(found.count == 1 && found[0].hasPrefix(message), "\(node): \(found)")
      }
      // Null is no list; the default stands.
      let null = try await workspace.run(
        ["plan", "-json"], Self.variables.merging(["api_allowed_cidrs": "null"]) { $1 })
      #expect(null.status == 0, "\(null.diagnostics)")
    }
  }

  @Test(
    "Hardening, another secret and a bastion are handed on; the tree is rendered from the outputs, as README.md says",
    .enabled("the framework of the stand-in is not here; run make setup") {
      await Workspace.hasStandIns.value
    })
  func options() async throws {
    try await Workspace.with(Self.root, source: .standIns) { workspace in
      var workspace = workspace
      workspace.extra = ["SECRET_VERSION": "2"]
      try await workspace.succeed(["init"])
      let variables = Self.variables.merging([
        "hardening": "cis", "secrets": #"["cloudflare_api_token", "github_webhook_secret"]"#,
        "bastion_allowed_cidrs": #"["198.51.100.0/24"]"#, "api_allowed_cidrs": "[]",
        "domain_name": "cluster.example.org", "acme_email": "ops@example.org",
        "cloudflare_zone_id": "00000000feedfacecafebeef00000000",
      ]) { $1 }
      try await workspace.succeed(["apply", "-auto-approve"], variables)
      let state = try State(try await workspace.succeed(["show", "-json"]).text)
      #expect(state.all("oci_vault_secret")["given[github_webhook_secret]"] != nil)
      let bastion = try #require(state.all("oci_bastion_bastion")["cluster"])
      #expect(bastion["target_subnet_id"].text == state.all("oci_core_subnet")["private"]?["id"].text)
      let rules = state.all("oci_core_network_security_group_security_rule")
      #expect(
        rules.values.count {
          ($0["description"].text ?? "").hasPrefix("bastion_") && $0["source"].text == "10.20.1.0/24"
        } == 2)
      let node = try #require(state.all("oci_core_instance")["node[server]"])
      let payload = try #require(node["metadata"]["user_data"].text.flatMap { Data(base64Encoded: $0) })
      let text = String(decoding: try await unpacked(Array(payload)), as: UTF8.self)
      #expect(text.contains("K3SEED_HARDENED='yes'"))

      // Without the load balancer's port the API is reached through a tunnel, where the kubeconfig looks for it.
      let outputs = try await workspace.succeed(["output", "-json"]).text
      let values = try #require(JSON(outputs))
      #expect(
        values["kubeconfig_command"]["value"].text?.contains("|https://127.0.0.1:6443|'") == true)
      #expect(
        values["api_tunnel_command"]["value"].text
          == "ssh -N -L 6443:127.0.0.1:6443 -J ubuntu@203.0.113.7 ubuntu@10.20.1.11")
      let tree = workspace.home.appendingPathComponent("argocd").path
      let rendered = try await Tool.k3seed(
        ["gitops", "render", "--input", "-", "--out", tree], input: outputs)
      #expect(rendered.status == 0, "\(rendered.errors)")
      #expect(FileManager.default.fileExists(atPath: "\(tree)/kustomization.yaml"))
    }
  }

  @Test(
    "The real provider's schema accepts it",
    .enabled("the registry cannot be reached") { await Workspace.hasRegistry.value })
  func schema() async throws {
    try await Workspace.with(Self.root, source: .registry) { workspace in
      try await workspace.succeed(["init"])
      try await workspace.succeed(["validate"])
    }
  }

  @Test(
    "No node before every secret has its value; then the whole system, and a second plan is empty",
    .enabled("the framework of the stand-in is not here; run make setup") {
      await Workspace.hasStandIns.value
    })
  func system() async throws {
    try await Workspace.with(Self.root, source: .standIns) { workspace in
      var workspace = workspace
      try await workspace.succeed(["init"])
      try await workspace.succeed(["validate"])
      let early = try await workspace.run(["apply", "-auto-approve", "-json"], Self.variables)
      #expect(early.status == 1)
      #expect(
        early.diagnostics.map(\.detail)
          == Array(
            repeating:
              "No node is made before every secret has its value. Still to be set: cloudflare_api_token. README.md says how; then apply again.",
            count: 3))
      let made = try State(try await workspace.succeed(["show", "-json"]).text)
      #expect(made.all("oci_core_instance").isEmpty && made.all("oci_vault_secret").count == 3)
      // README.md reads there which secret it is.
      let ocids = try #require(JSON(try await workspace.succeed(["output", "-json", "secret_ocids"]).text))
      let secret = made.all("oci_vault_secret")["given[cloudflare_api_token]"]
      #expect(ocids["cloudflare_api_token"].text == secret?["id"].text && secret != nil)

      workspace.extra = ["SECRET_VERSION": "2"]
      try await workspace.succeed(["apply", "-auto-approve"], Self.variables)
      let again = try await workspace.run(["plan", "-detailed-exitcode"], Self.variables)
      #expect(again.status == 0, "\(again.text)\(again.errors)")

      // The outputs are the inputs of k3seed: at a terminal it makes the same of them.
      let outputs = try await workspace.succeed(["output", "-json"]).text
      let hashes = try #require(JSON(outputs))["user_data_sha256"]["value"].members
      #expect(hashes.count == 3)
      for (node, sum) in hashes {
        let rendered = try await Tool.shell(
          #""$k3seed" render --input - --node "$1" | openssl dgst -sha256 -r | cut -d ' ' -f 1"#,
          [node], input: Array(outputs.utf8))
        #expect(rendered.text == "\(sum.text ?? "")\n", "\(node): \(rendered.errors)")
      }

      let state = try State(try await workspace.succeed(["show", "-json"]).text)
      try await expectNodes(state)
      try expectRights(state)
      try expectNetwork(state)
      try await expectPorts(state)

      // The micro's domain is found: the stand-in has that shape in the second one only.
      let domains = state.all("oci_core_instance").mapValues { $0["availability_domain"].text }
      #expect(
        domains == [
          "node[server]": "exmp:EU-FRANKFURT-1-AD-1", "node[worker]": "exmp:EU-FRANKFURT-1-AD-1",
          "node[ingress]": "exmp:EU-FRANKFURT-1-AD-2",
        ])

      // One more worker is one more machine in its group: no route and no part of the load balancer changes.
      let more = Self.variables.merging([
        "nodes": Self.nodes(["worker2 = { role = \"agent\", host = 13, ocpus = 1 }"]), "always_free": "false",
      ]) { $1 }
      #expect(
        try await workspace.plan(more).changes == [
          "oci_core_instance.node[\"worker2\"]: create",
          "oci_identity_dynamic_group.reader[\"agents\"]: update",
        ])

      // Another repository is new user-data, which waits; the plan says whose.
      let other = Self.variables.merging(["git_repo_url": "https://git.example.net/other.git"]) { $1 }
      let plan = try await workspace.plan(other)
      #expect(plan.changes == [] && plan.changedOutputs == ["git_repo_url", "user_data_sha256"])
      let sums = try #require(plan.outputs["user_data_sha256"])
      let changed = sums["after"].members.filter { $0.value.text != sums["before"][$0.key].text }
      #expect(changed.keys.sorted() == ["server"])
    }
  }

  /// Three nodes with the module's user-data, which holds references instead of secrets, and fits.
  private func expectNodes(_ state: State) async throws {
    let secrets = state.all("oci_vault_secret").mapValues { $0["id"].text ?? "" }
    #expect(secrets.count == 3)
    let nodes = state.all("oci_core_instance")
    #expect(nodes.keys.sorted() == ["node[ingress]", "node[server]", "node[worker]"])
    for (name, node) in nodes {
      let isIngress = name == "node[ingress]"
      let metadata = node["metadata"].members.mapValues { $0.text ?? "" }
      #expect(metadata.keys.sorted() == ["ssh_authorized_keys", "user_data"])
      #expect(metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count } <= 32_000, "\(name)")
      let payload = try #require(metadata["user_data"].flatMap { Data(base64Encoded: $0) }, "\(name)")
      let text = String(decoding: try await unpacked(Array(payload)), as: UTF8.self)
      #expect(text.hasPrefix("#cloud-config\n") && text.contains("K3SEED_SECRETS=''"), "\(name)")
      for (secret, ocid) in secrets {
        let isNeeded = name == "node[server]" || secret == "generated[k3s_agent_token]"
        #expect(text.contains(ocid) == isNeeded, "\(name) \(secret)")
      }
      let vnic = node["create_vnic_details"].items.first
      #expect(vnic?["skip_source_dest_check"].flag == isIngress)
      #expect(vnic?["assign_public_ip"].text == (isIngress ? "true" : "false"))
      #expect(node["instance_options"].items.first?["are_legacy_imds_endpoints_disabled"].flag == true)
      #expect(node["shape_config"].items.count == (isIngress ? 0 : 1))
    }
    // External Secrets asks by these names.
    let names = state.all("oci_vault_secret").values.compactMap { $0["secret_name"].text }
    #expect(names.sorted() == ["cloudflare-api-token", "k3s-agent-token", "k3s-token"])
    // The only content of a secret that Terraform knows is not one.
    let contents = state.all("oci_vault_secret").values.flatMap { $0["secret_content"].items }
    #expect(contents.compactMap { $0["content"].text } == [Data("to be set".utf8).base64EncodedString()])
  }

  /// Servers may read all secrets, agents one, and nobody else anything.
  private func expectRights(_ state: State) throws {
    let nodes = state.all("oci_core_instance").mapValues { $0["id"].text ?? "" }
    let secrets = state.all("oci_vault_secret").mapValues { $0["id"].text ?? "" }
    func list(_ word: String, _ ocids: [String?]) -> String {
      "{" + ocids.map { "\(word) = '\($0 ?? "")'" }.joined(separator: ", ") + "}"
    }
    let groups = state.all("oci_identity_dynamic_group").mapValues { $0["matching_rule"].text }
    #expect(
      groups == [
        "reader[agents]": "Any " + list("instance.id", [nodes["node[ingress]"], nodes["node[worker]"]]),
        "reader[servers]": "Any " + list("instance.id", [nodes["node[server]"]]),
      ])
    let given = secrets["given[cloudflare_api_token]"]
    let (agent, token) = (secrets["generated[k3s_agent_token]"], secrets["generated[k3s_token]"])
    let policy = try #require(state.all("oci_identity_policy")["secrets"])
    #expect(
      policy["statements"].items.compactMap(\.text)
        == [("agents", [agent]), ("servers", [given, agent, token])].map { group, readable in
          "Allow dynamic-group k3s-\(group) to read secret-bundles in compartment id ocid1.compartment.oc1..example where any "
            + list("target.secret.id", readable)
        })
  }

  /// Private nodes have no way in from the internet, and out of their network only through the ingress node.
  private func expectNetwork(_ state: State) throws {
    let subnets = state.all("oci_core_subnet")
    #expect(subnets["private"]?["prohibit_public_ip_on_vnic"].flag == true)
    let table = try #require(state.all("oci_core_route_table")["private"])
    let routes = table["route_rules"].items.map { [$0["destination"].text, $0["network_entity_id"].text] }
    #expect(routes.first == ["0.0.0.0/0", "ocid1.privateip.oc1.example10-20-0-10"])
    #expect(routes.count == 2)
    let attachment = try #require(state.all("oci_core_route_table_attachment")["private"])
    #expect(attachment["subnet_id"].text == subnets["private"]?["id"].text)
    #expect(attachment["route_table_id"].text == table["id"].text)

    let balancer = try #require(state.all("oci_network_load_balancer_network_load_balancer")["cluster"])
    let address = try #require(state.all("oci_core_public_ip")["load_balancer"])
    #expect(balancer["reserved_ips"].items.first?["id"].text == address["id"].text)
    let nodes = state.all("oci_core_instance").compactMapValues { $0["id"].text }
    let sets = state.all("oci_network_load_balancer_network_load_balancers_backend_sets_unified")
    #expect(
      sets.mapValues { $0["backends"].items.map { $0["target_id"].text } } == [
        "http": [nodes["node[ingress]"]], "https": [nodes["node[ingress]"]], "api": [nodes["node[server]"]],
      ])
  }

  /// The ports that the firewall of a node opens, such as `tcp 2379:2380`.
  private static func acceptedPorts(of role: Role) throws -> Set<String> {
    var report = Report()
    let inputs = #"{"server_private_ip": "10.20.0.10", "nodes": {"node": {"role": "\#(role.rawValue)"}}}"#
    let plan = ClusterPlan(
      Inputs(terraform: try .terraform(Array(inputs.utf8), source: "inputs"), report: &report),
      report: &report)
    try report.throwIfErrors()
    let rules = Firewall(plan, try #require(plan.nodes.first)).iptablesRules
    return Set(
      rules.matches(of: /-A K3SEED-INPUT .*-p (\w+) --dport ([0-9:]+) -j ACCEPT/).map {
        "\($0.output.1) \($0.output.2)"
      })
  }

  /// The security groups open the ports that the nodes' own firewalls open, and SSH.
  private func expectPorts(_ state: State) async throws {
    let rules = state.all("oci_core_network_security_group_security_rule")
    let groups = state.all("oci_core_network_security_group").reduce(into: [String: String]()) {
      names, group in
      names[group.value["id"].text ?? ""] = String(group.key.dropFirst("group[".count).dropLast())
    }
    var open: [String: Set<String>] = [:]
    for (name, rule) in rules where rule["protocol"].text != "all" {
      let isTCP = rule["protocol"].text == "6"
      let range = rule[isTCP ? "tcp_options" : "udp_options"].items.first?["destination_port_range"].items
        .first
      let ports = [range?["min"].number, range?["max"].number].compactMap { $0 }.map(String.init)
      #expect(ports.count == 2 && rule["direction"].text == "INGRESS", "\(name)")
      let group = groups[rule["network_security_group_id"].text ?? ""] ?? ""
      open[group, default: []].insert(
        "\(isTCP ? "tcp" : "udp") \(Set(ports).sorted().joined(separator: ":"))")
    }
    var needed: [String: Set<String>] = ["nodes": ["tcp 22"], "edge": ["tcp 22"]]
    let accepted = try Dictionary(
      uniqueKeysWithValues: Role.allCases.map { ($0, try Self.acceptedPorts(of: $0)) })
    let common = accepted[.agent] ?? []
    needed["nodes", default: []].formUnion(common)
    needed["servers"] = accepted[.server]?.subtracting(common)
    needed["edge", default: []].formUnion(accepted[.ingress]?.subtracting(common) ?? [])
    #expect(needed.values.reduce(0) { $0 + $1.count } == 9)
    needed["load_balancer"] = ["tcp 80", "tcp 443", "udp 443", "tcp 6443"]
    #expect(open == needed)
    // From outside only the web is open to everybody.
    let everybody = rules.filter { $0.value["source"].text == "0.0.0.0/0" }
    #expect(
      everybody.count == 6
        && everybody.values.allSatisfy { !"\($0["description"].text ?? "")".contains("api") })
    let nat = try #require(rules["nat"])
    #expect([nat["protocol"].text, nat["source"].text] == ["all", "10.20.1.0/24"])
  }

  @Test(
    "A network that pods or services have is refused in the plan, and one beside them is not",
    .enabled("the framework of the stand-in is not here; run make setup") {
      await Workspace.hasStandIns.value
    })
  func networks() async throws {
    try await Workspace.with(Self.root, source: .standIns) { workspace in
      try await workspace.succeed(["init"])
      for (network, refusal) in [
        ("10.42.0.0/16", "This is K3s' own network"), ("10.42.7.0/16", "Give a private network of 16 bits"),
        ("10.43.0.0/16", "This is K3s' own network"), ("10.32.0.0/12", "Give a private network of 16 bits"),
        ("10.20.0.0", "Give a private network of 16 bits"),
        ("8.8.0.0/16", "Give a private network of 16 bits"),
      ] {
        let refused = try await workspace.run(
          ["plan", "-json"], Self.variables.merging(["network_cidr": network]) { $1 })
        #expect(
          refused.diagnostics.map { $0.detail.hasPrefix(refusal) } == [true],
          "\(network): \(refused.diagnostics)")
      }
      let beside = try await workspace.run(
        ["plan", "-json"], Self.variables.merging(["network_cidr": "10.44.0.0/16"]) { $1 })
      #expect(beside.status == 0, "\(beside.diagnostics)")
    }
  }

  @Test(
    "More than is always free is refused, unless one pays; and so is what the provider does not know",
    .enabled("the framework of the stand-in is not here; run make setup") {
      await Workspace.hasStandIns.value
    })
  func refusals() async throws {
    try await Workspace.with(Self.root, source: .standIns) { workspace in
      try await workspace.succeed(["init"])
      let ampere = ["ingress", "server", "agent"].enumerated().map { number, role in
        "\(role) = { role = \"\(role)\", host = \(10 + number), ocpus = 1, memory_in_gbs = 8, boot_volume_in_gbs = 100 }"
      }
      let nodes = Self.variables.merging(["nodes": "{ \(ampere.joined(separator: "\n")) }"]) { $1 }
      let refused = try await workspace.run(["plan", "-json"], nodes)
      let details = refused.diagnostics.map(\.detail)
      #expect(details.count == 2)
      #expect(
        details.contains {
          $0.hasPrefix("These nodes have more than 2 OCPUs and 12 GB of VM.Standard.A1.Flex")
        })
      #expect(details.contains { $0.hasPrefix("The boot volumes of these nodes have more than the 200 GB") })
      let paid = try await workspace.run(["plan", "-json"], nodes.merging(["always_free": "false"]) { $1 })
      #expect(paid.status == 0, "\(paid.diagnostics)")

      // What the stand-in's schema is for.
      try Data(
        """
        resource "oci_core_vcn" "wrong" {
          cidr_block = "10.0.0.0/16"
          dns_labels = "wrong"
        }

        resource "oci_kms_key" "wrong" {
          compartment_id      = "ocid1.compartment.oc1..example"
          display_name        = "wrong"
          management_endpoint = "https://example.com"
        }
        """.utf8
      ).write(to: workspace.folder.appendingPathComponent("wrong.tf"))
      let wrong = try await workspace.run(["validate"])
      #expect(wrong.status == 1)
      for summary in [
        "Missing required argument", "Unsupported argument", "Insufficient key_shape blocks",
      ] {
        #expect(wrong.errors.contains("Error: \(summary)\n"), "\(wrong.errors)")
      }
    }
  }
}

/// The examples for other clouds, through the real Terraform and stand-ins that have the schemas of the providers. As above,
/// what the cloud would answer is not proven.
@Suite("Terraform for other clouds", .enabled(if: Tool.has("terraform"), "terraform is not installed"))
struct CloudExampleTests {
  struct Cloud: Sendable, CustomTestStringConvertible {
    let name: String
    /// The type of its machines, and the attribute that user-data is in.
    let machine: String
    let userData: String
    let variables: [String: String]
    var testDescription: String { name }
  }

  private static let clouds = [
    Cloud(name: "hetzner", machine: "hcloud_server", userData: "user_data", variables: [:]),
    Cloud(
      name: "aws", machine: "aws_instance", userData: "user_data_base64",
      variables: ["region": "eu-central-1"]),
  ]
  private static let variables = [
    "k3s_token": "EXAMPLE-canary-4tG9qLx2VwZk7RcNb0JmYd8",
    "k3s_agent_token": "EXAMPLE-canary-8dYmJ0bNcR7kZwV2xLq9Gt4",
    "cloudflare_api_token": "EXAMPLE-cloudflare-token-canary",
    "git_repo_url": "https://git.example.net/cluster.git", "ssh_allowed_cidrs": #"["198.51.100.0/24"]"#,
    "ssh_authorized_keys":
      #"["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPRUgIH9QoSA9jUesFv/Qe79iJdNL0cjFnqkDhBn0F2+ ops@example.org"]"#,
  ]

  @Test(
    "The real provider's schema accepts it",
    .enabled("the registry cannot be reached") { await Workspace.hasRegistry.value }, arguments: clouds)
  func schema(cloud: Cloud) async throws {
    try await Workspace.with("terraform/examples/\(cloud.name)", source: .registry) { workspace in
      try await workspace.succeed(["init"])
      try await workspace.succeed(["validate"])
    }
  }

  @Test(
    "Three nodes with their user-data; a second plan is empty, a changed input replaces nothing, a wrong one fails",
    .enabled("the framework of the stand-in is not here; run make setup") {
      await Workspace.hasStandIns.value
    }, arguments: clouds)
  func system(cloud: Cloud) async throws {
    try await Workspace.with("terraform/examples/\(cloud.name)", source: .standIns) { workspace in
      let variables = Self.variables.merging(cloud.variables) { $1 }
      try await workspace.succeed(["init"])
      try await workspace.succeed(["validate"])
      let wrong = try await workspace.run(
        ["plan", "-json"], variables.merging(["git_repo_url": "hts://x"]) { $1 })
      #expect(
        wrong.diagnostics.map { $0.detail.contains("is not the URL of a git repository") } == [true],
        "\(wrong.diagnostics)")
      let applied = try await workspace.succeed(["apply", "-auto-approve"], variables)
      let again = try await workspace.run(["plan", "-detailed-exitcode"], variables)
      #expect(again.status == 0, "\(again.text)\(again.errors)")

      let state = try State(try await workspace.succeed(["show", "-json"]).text)
      let nodes = state.all(cloud.machine)
      #expect(nodes.keys.sorted() == ["node[ingress]", "node[server]", "node[worker]"])
      for (name, node) in nodes {
        let given = try #require(node[cloud.userData].text, "\(name)")
        let payload = Data(base64Encoded: given) ?? Data(given.utf8)
        let text = String(decoding: try await unpacked(Array(payload)), as: UTF8.self)
        #expect(text.hasPrefix("#cloud-config\n"), "\(name)")
        #expect(text.contains("EXAMPLE-canary-8dYmJ0bNcR7kZwV2xLq9Gt4"), "\(name)")
        #expect(
          text.contains("EXAMPLE-canary-4tG9qLx2VwZk7RcNb0JmYd8") == (name == "node[server]"), "\(name)")
      }
      let other = try await workspace.plan(
        variables.merging(["git_repo_url": "https://git.example.net/other.git"]) { $1 })
      #expect(other.changes == [] && other.changedOutputs == ["git_repo_url", "user_data_sha256"])
      for text in [applied.text, again.text, other.text] { #expect(!text.contains("canary"), "\(text)") }
    }
  }
}

/// What Terraform has made: the attributes of each resource, by `name` or `name[key]`.
private struct State {
  private let resources: [JSON]

  init(_ text: String) throws {
    let state = try #require(JSON(text))
    resources = state["values"]["root_module"]["resources"].items.filter { $0["mode"].text == "managed" }
  }

  func all(_ type: String) -> [String: JSON] {
    resources.filter { $0["type"].text == type }.reduce(into: [:]) { found, resource in
      let key = resource["index"].text.map { "[\($0)]" } ?? ""
      found["\(resource["name"].text ?? "")\(key)"] = resource["values"]
    }
  }
}
