import Foundation
import TestSupport
import Testing

/// The module `terraform/modules/user-data` and the example that needs no account, through the real Terraform.
///
/// The provider is the registry's where the registry can be reached, and else the stand-in beside these tests.
@Suite(
  "Terraform", .enabled(if: Tool.has("terraform"), "terraform is not installed"),
  .enabled("neither the registry nor the stand-in's framework is here; run make setup") {
    await Workspace.source() != nil
  })
struct TerraformModuleTests {
  private static let token = "EXAMPLE-cloudflare-token-canary"
  private static let variables = [
    "cloudflare_api_token": token, "git_repo_url": "https://git.example.net/cluster.git",
  ]

  @Test(
    "The minimal example is applied; a second plan is empty, and a changed input shows as just that change")
  func minimal() async throws {
    try await Workspace.with("terraform/examples/minimal") { workspace in
      try await workspace.succeed(["init"])
      try await workspace.succeed(["validate"])
      let applied = try await workspace.succeed(["apply", "-auto-approve"], Self.variables)
      #expect(applied.text.contains("1 added, 0 changed, 0 destroyed"), "\(applied.text)")

      // The user-data is what the command renders from the same inputs.
      let outputs = try await workspace.succeed(["output", "-json"])
      let values = try #require(JSON(outputs.text))
      let rendered = try await Tool.k3seed(
        ["render", "--input", "-", "--platform", "nocloud"],
        input: String(decoding: JSONSerialization.data(withJSONObject: Self.variables), as: UTF8.self))
      #expect(rendered.status == 0, "\(rendered.errors)")
      #expect(values["user_data"]["value"]["server"].text == rendered.text)
      #expect(values["user_data"]["sensitive"].flag == true)
      let digest = try #require(values["sha256"]["value"]["server"].text)
      let sum = try await Tool.run(["openssl", "dgst", "-sha256", "-r"], input: rendered.output)
      #expect(sum.text.hasPrefix("\(digest) "), "\(sum.text)\(sum.errors)")
      #expect(values["bytes"]["value"]["server"].number == rendered.output.count)

      let again = try await workspace.run(["plan", "-detailed-exitcode"], Self.variables)
      #expect(again.status == 0, "\(again.text)\(again.errors)")

      // What k3seed warns of is shown, and stops nothing: the token is a literal.
      #expect(applied.text.contains("Check block assertion failed"), "\(applied.text)")
      #expect(applied.text.contains("[literal-secrets]"), "\(applied.text)")

      // To destroy it, the program is not needed.
      let destroy = try await workspace.run(
        ["plan", "-destroy", "-refresh=false"], Self.variables, path: "/usr/bin:/bin")
      #expect(
        destroy.status == 0 && destroy.text.contains("0 to add, 0 to change, 1 to destroy"),
        "\(destroy.text)\(destroy.errors)")

      // Another repository: the machine is replaced. No secret is shown, and no hash that confirms a guess of one.
      let changed = Self.variables.merging(["git_repo_url": "https://git.example.net/other.git"]) { $1 }
      let plan = try await workspace.plan(changed)
      #expect(plan.changes == ["terraform_data.machine[\"server\"]: delete create"])
      #expect(plan.changedOutputs == ["bytes", "sha256", "user_data"])
      for text in [applied.text, again.text, plan.text] {
        #expect(!text.contains(Self.token) && !text.contains(digest), "\(text)")
      }
    }
  }

  @Test(
    "What k3seed finds reaches the person: each finding one line, the program and its exit code, no secret")
  func findings() async throws {
    try await Workspace.with("terraform/examples/minimal") { workspace in
      try await workspace.succeed(["init"])
      let wrong = [
        "git_repo_url": "hts://x", "cloudflare_api_token": "cfk_canary00000000000000000000000000000",
      ]
      let outcome = try await workspace.run(["plan", "-json"], wrong)
      #expect(outcome.status == 1)
      let errors = outcome.diagnostics
      #expect(errors.map(\.summary) == ["External Program Execution Failed"])
      let lines = try #require(errors.first).detail.split(separator: "\n").map(String.init)
      let findings = [
        #/(?:Error Message: )?<stdin>:1:\d+: error: git_repo_url: "hts://x" is not the URL of a git repository \(at \$\.git_repo_url\); write https://host/path\.git, ssh://git@host/path\.git or git@host:path\.git \[input-value\]/#,
        #/(?:Error Message: )?<stdin>:1:\d+: error: cloudflare_api_token holds a Global API Key, .* \(at \$\.cloudflare_api_token\); create an API token instead, .* \[input-value\]/#,
      ]
      for finding in findings {
        #expect(lines.count { $0.wholeMatch(of: finding) != nil } == 1, "\(lines)")
      }
      #expect(lines.contains { $0.hasPrefix("Program: ") && $0.hasSuffix("/k3seed") }, "\(lines)")
      #expect(lines.contains("State: exit status 2"), "\(lines)")
      #expect(!outcome.text.contains("cfk_canary") && !outcome.errors.contains("cfk_canary"))

      // In the terminal, where Terraform wraps the lines, all words are there as well.
      let shown = try await workspace.run(["plan"], wrong)
      let words = shown.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      #expect(
        words.contains("git_repo_url: \"hts://x\" is not the URL of a git repository"), "\(shown.errors)")
      #expect(words.contains("on ../../modules/user-data/main.tf line"), "\(shown.errors)")

      // Without the program there is nothing to find.
      let absent = try await workspace.run(["plan", "-json"], Self.variables, path: "/usr/bin:/bin")
      #expect(absent.diagnostics.map(\.summary) == ["External Program Lookup Failed"])
      #expect(absent.diagnostics.first?.detail.contains("Program: k3seed") == true)
    }
  }

  @Test("A fleet in one call: each node and role its own user-data; a change touches only whose it is")
  func fleet() async throws {
    try await Workspace.with("fleet") { workspace in
      try await workspace.succeed(["init"])
      let applied = try await workspace.succeed(["apply", "-auto-approve"])
      let outputs = try #require(JSON(try await workspace.succeed(["output", "-json"]).text))
      let figures = outputs["figures"]["value"]
      let payloads = outputs["user_data_base64"]["value"].members.mapValues { value in
        Data(base64Encoded: value.text ?? "") ?? Data()
      }
      #expect(payloads.keys.sorted() == ["ingress", "server", "worker"])
      #expect(figures["platform"].text == "oci")
      for (name, payload) in payloads {
        #expect(figures["bytes"][name].number == payload.count, "\(name)")
        #expect(payload.count <= figures["budget_bytes"][name].number ?? 0, "\(name)")
        #expect(outputs["sha256"]["value"][name].text?.count == 64)
        let plain = try await unpacked(Array(payload))
        let text = String(decoding: plain, as: UTF8.self)
        // A machine that has only a role is called after its host.
        #expect(text.contains("K3SEED_NODE_NAME='\(name == "ingress" ? "" : name)'"), "\(name)")
        // The settings of k3seed.yaml, and the reference, which is no value.
        #expect(text.contains("https://mirror.example.org/k3s/"), "\(name)")
        #expect(
          text.contains("ocid1.vaultsecret.oc1.eu-frankfurt-1.examplek3stoken") == (name == "server"),
          "\(name)")
        // The literal is where an agent joins with it.
        #expect(text.contains("EXAMPLE-agent-token-canary"), "\(name)")
        // Nothing that only a server seeds.
        #expect(text.contains("$2y$10$uuuu") == (name == "server"), "\(name)")
      }
      #expect(Set(payloads.values).count == 3)
      let again = try await workspace.run(["plan", "-detailed-exitcode"])
      #expect(again.status == 0, "\(again.text)\(again.errors)")

      // The query, and with it each literal, is in the state once, and not for every node.
      let module = try #require(
        JSON(try await workspace.succeed(["show", "-json"]).text))["values"]["root_module"]["child_modules"]
      let readings = module.items.flatMap { $0["resources"].items }
      #expect(readings.map { $0["address"].text } == ["module.user_data.data.external.user_data"])
      #expect(readings.first?["values"]["query"]["k3s_agent_token"].text == "EXAMPLE-agent-token-canary")

      // A label of the worker is the worker's alone.
      let label = try await workspace.plan(["worker_labels": #"{"disk": "ssd"}"#])
      #expect(
        label.changes == [
          "terraform_data.machine[\"worker\"]: delete create", "terraform_data.user_data[\"worker\"]: update",
        ])
      // A lock of another release is everybody's.
      let lock = Tool.root.appendingPathComponent("Tests/CommandTests/Locks/other.lock").path
      let locked = try await workspace.plan(["lock": lock])
      #expect(locked.changes.count == 6, "\(locked.changes)")
      // So is a token; but what is kept is kept.
      let token = try await workspace.plan(["k3s_agent_token": "EXAMPLE-another-token-canary"])
      #expect(token.changes.count == 6 && !token.changes.contains { $0.contains("kept") }, "\(token.changes)")
      // Until someone asks for it: then it gets what the module gives now.
      try await workspace.succeed(
        ["apply", "-auto-approve", "-replace=terraform_data.kept"],
        ["k3s_agent_token": "EXAMPLE-another-token-canary"])
      let state = try #require(JSON(try await workspace.succeed(["show", "-json"]).text))["values"]
      let kept = state["root_module"]["resources"].items.first { $0["address"].text == "terraform_data.kept" }
      let given = state["outputs"]["user_data_base64"]["value"]["server"].text
      #expect(kept?["values"]["triggers_replace"].text == given && given?.isEmpty == false)
      for text in [applied.text, label.text, token.text] { #expect(!text.contains("-canary"), "\(text)") }
    }
  }

  @Test("What the module can tell by itself it refuses by itself")
  func refusals() async throws {
    try await Workspace.with("fleet") { workspace in
      try await workspace.succeed(["init"])
      let bytes = try await workspace.run(["plan", "-json"], ["reserve_bytes": "20000"])
      #expect(
        bytes.status == 1 && bytes.diagnostics.map(\.summary) == ["Resource postcondition failed"])
      for node in ["ingress", "server", "worker"] {
        let refusal = try Regex(
          "The user-data of \(node) is \\d+ bytes, and with reserve_bytes = 20000 that is more than the \\d+ that oci takes\\. "
        )
        #expect(bytes.diagnostics.first?.detail.contains(refusal) == true, "\(bytes.diagnostics)")
      }
      // Terraform shows values that a failed condition refers to; none of these is the user-data.
      for part in ["#cloud-config", "I2Nsb3VkLWNvbmZpZ", "-canary"] {
        #expect(!bytes.text.contains(part) && !bytes.errors.contains(part))
      }
      let clash = try await workspace.run(["plan", "-json"], ["roles": #"["server", "ingress"]"#])
      #expect(clash.status == 1 && clash.diagnostics.map(\.summary) == ["Resource precondition failed"])
      #expect(
        clash.diagnostics.first?.detail.hasPrefix("server: roles and nodes both have it. ") == true)

      // Rules of variables, of which Terraform tells all that are broken at once.
      let broken = [
        ("platform", #""azur""#, "platform is one of oci, aws, "),
        ("hardening", #""high""#, "hardening is one of none, cis."),
        ("pod_metadata_access", #""no""#, "pod_metadata_access is one of denied, allowed."),
        ("k3s_version", #""stable""#, "k3s_version is an exact release such as v1.36.4+k3s1"),
        ("encoding", #""gz""#, "encoding is one of auto, plain, gzip, base64, gzip+base64."),
        ("roles", #"["worker"]"#, "roles holds only server, agent and ingress."),
        ("nodes", #"{ a = { role = "boss" } }"#, "The role of each node is one of server, agent, ingress."),
        ("secret_ocids", #"{ k3s_token = "ocid1.vault.oc1..a" }"#, "Each value of secret_ocids is the OCID"),
        ("reserve_bytes", "-1", "reserve_bytes is not negative."),
      ]
      let root = broken.map { "  \($0.0) = \($0.1)\n" }.joined()
      try Data("module \"user_data\" {\n  source = \"../terraform/modules/user-data\"\n\(root)}\n".utf8)
        .write(to: workspace.folder.appendingPathComponent("main.tf"))
      let refused = try await workspace.run(["plan", "-json"])
      for (name, _, message) in broken {
        #expect(
          refused.diagnostics.count { $0.detail.hasPrefix(message) } == 1, "\(name): \(refused.diagnostics)")
      }
      #expect(refused.diagnostics.count == broken.count)
    }
  }

  @Test("The module's own tests pass, and need no program")
  func ownTests() async throws {
    try await Workspace.with("terraform/modules/user-data") { workspace in
      try await workspace.succeed(["init"])
      let tests = try await workspace.run(["test"], path: "/usr/bin:/bin")
      #expect(
        tests.status == 0 && tests.text.contains("Success! 6 passed, 0 failed."),
        "\(tests.text)\(tests.errors)")
    }
  }

  @Test("The provider is as strict as its documentation says")
  func provider() async throws {
    try await Workspace.with("protocol") { workspace in
      try FileManager.default.createDirectory(
        at: workspace.folder.appendingPathComponent("below"), withIntermediateDirectories: true)
      try await workspace.succeed(["init"])
      try await workspace.succeed(["apply", "-auto-approve"])
      let outputs = try #require(JSON(try await workspace.succeed(["output", "-json"]).text))
      #expect(outputs["query"]["value"]["query"].text == "{a:1,b:two words}")
      #expect(outputs["query"]["value"]["here"].text == "below")
      #expect(outputs["null"]["value"]["a"].text == "")

      let refused = try await workspace.run(["plan", "-json"], ["refused": "true"])
      var found: [String: Diagnostic] = [:]
      for diagnostic in refused.diagnostics { found[diagnostic.address] = diagnostic }
      func at(_ name: String) -> Diagnostic? { found["data.external.refused[\"\(name)\"]"] }
      for name in ["number", "list", "array", "text", "two", "nothing"] {
        #expect(at(name)?.summary == "Unexpected External Program Results", "\(name)")
        #expect(at(name)?.detail.contains("Result Error: ") == true, "\(name)")
      }
      for (name, word) in [
        ("failed", "Error Message: what went wrong\n"), ("silent", "State: exit status 4"),
      ] {
        #expect(at(name)?.summary == "External Program Execution Failed")
        #expect(at(name)?.detail.contains(word) == true, "\(String(describing: at(name)))")
      }
      #expect(at("failed")?.detail.hasSuffix("State: exit status 3") == true)
      #expect(found["data.external.absent[0]"]?.summary == "External Program Lookup Failed")
      #expect(found.count == 9)
    }
  }
}
