import Diagnostics
import Foundation
import Inputs
import TestSupport
import Testing
import YAML

@Suite("The four shapes") struct ShapeTests {
  @Test(
    "the recorded outputs of each example are taken without a finding", arguments: ["literal", "oci-vault"])
  func examples(name: String) throws {
    let file = Tool.root.appendingPathComponent("examples/\(name)/outputs.json")
    let reading = try Reading(
      InputDocument.terraform(Array(Data(contentsOf: file)), source: "outputs.json"))
    #expect(reading.lines == [])
    #expect(reading.values["server_private_ip"]?.hasPrefix("\"10.") == true)
    if name == "literal" {
      #expect(reading.values["cloudflare_api_token"]?.hasPrefix("literal ") == true)
    } else {
      #expect(reading.values["cloudflare_api_token"]?.hasPrefix("vault ocid1.vaultsecret.") == true)
      #expect(reading.values["git_pat"]?.hasPrefix("vault ocid1.vaultsecret.") == true)
      #expect(reading.inputs["nodes"]?.entries.map(\.key).contains("worker-1") == true)
    }
  }

  private static let cache = ProcessInfo.processInfo.environment["K3SEED_LAB_CACHE"].map {
    URL(fileURLWithPath: $0).appendingPathComponent("fixtures")
  }

  @Test(
    "recorded outputs of other projects are taken without an error",
    .enabled(if: cache != nil, "K3SEED_LAB_CACHE is not set"))
  func fixtures() throws {
    let folder = try #require(Self.cache)
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "json" }
    #expect(files.count >= 2)
    for file in files {
      let reading = try Reading(
        InputDocument.terraform(Array(Data(contentsOf: file)), source: file.lastPathComponent))
      #expect(reading.lines == [])
      #expect(reading.values.count >= 7)
    }
  }

  @Test(
    "terraform's own output -json and show -json give the same inputs, and its plan and state are refused",
    .enabled(if: Tool.has("terraform"), "terraform is not installed"), .timeLimit(.minutes(30)))
  func realTerraform() async throws {
    try await withTemporaryDirectory { folder in
      func terraform(_ arguments: String...) async throws -> [UInt8] {
        let outcome = try await Tool.run(
          ["terraform"] + arguments, environment: ["CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"],
          directory: folder.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
      }
      let empty = try await terraform("show", "-json")
      #expect(try InputDocument.terraform(empty, source: "show").names == [])
      for example in ["literal", "oci-vault"] {
        let main = folder.appendingPathComponent("main.tf")
        try? FileManager.default.removeItem(at: main)
        try FileManager.default.copyItem(
          at: Tool.root.appendingPathComponent("examples/\(example)/main.tf"), to: main)
        // Terraform keeps an output that is null out of the first form.
        try Data(#"output "k3s_version" { value = null }"#.utf8).write(
          to: folder.appendingPathComponent("null.tf"))
        _ = try await terraform("init", "-input=false")
        _ = try await terraform("plan", "-input=false", "-out=plan")
        let plan = try await terraform("show", "-json", "plan")
        #expect(
          refusal { try InputDocument.terraform(plan, source: "plan.json") } == [
            "plan.json:1:1: error: this is a Terraform plan, not the outputs of what has been applied (at $); give the output of \"terraform output -json\" [input-shape]"
          ])
        _ = try await terraform("apply", "-input=false", "-auto-approve", "plan")
        let outputs = try await terraform("output", "-json")
        let shown = try await terraform("show", "-json")
        let first = try Reading(InputDocument.terraform(outputs, source: "outputs"))
        let second = try Reading(InputDocument.terraform(shown, source: "shown"))
        #expect(first.lines == [])
        #expect(second.lines == [])
        #expect(first.values == second.values)
        #expect(first.values.count >= 7)
        // The recorded outputs in the repository are those of this very main.tf.
        let recorded = try Data(
          contentsOf: Tool.root.appendingPathComponent("examples/\(example)/outputs.json"))
        #expect(
          try Reading(InputDocument.terraform(Array(recorded), source: "outputs")).values == first.values)
        let state = try Data(contentsOf: folder.appendingPathComponent("terraform.tfstate"))
        #expect(
          refusal { try InputDocument.terraform(Array(state), source: "terraform.tfstate") } == [
            "terraform.tfstate:1:1: error: this is a Terraform state file, not the outputs of what has been applied (at $); give the output of \"terraform output -json\" [input-shape]"
          ])
      }
    }
  }

  @Test(
    "each form of the same outputs is the same",
    arguments: [
      #"{"k3s_version": {"value": "v1.36.4+k3s1", "type": "string", "sensitive": false}}"#,
      #"{"format_version": "1.0", "terraform_version": "1.11.4", "values": {"outputs": {"k3s_version": {"value": "v1.36.4+k3s1", "type": "string", "sensitive": false}}, "root_module": {}}}"#,
      #"{"k3s_version": "v1.36.4+k3s1"}"#,
      "\u{FEFF}{\"k3s_version\":\r\n\t\"v1.36.4\\u002bk3s1\"}",
    ])
  func forms(json: String) throws {
    let reading = try Reading(json)
    #expect(reading.lines == [])
    #expect(reading.values == ["k3s_version": #""v1.36.4+k3s1""#])
  }

  @Test(
    "no outputs are no inputs",
    arguments: [
      "{}", #"{"format_version": "1.0"}"#, #"{"format_version": "1.0", "terraform_version": "1.11.4"}"#,
      #"{"format_version": "1.0", "values": {"root_module": {}}}"#,
      #"{"format_version": "1.0", "values": {"outputs": {}}}"#, #"{"k3s_version": null}"#,
      #"{"k3s_version": {"value": null, "type": "string", "sensitive": false}}"#,
    ])
  func nothing(json: String) throws {
    let reading = try Reading(json)
    #expect(reading.lines == [])
    #expect(reading.values == [:])
    #expect(!reading.inputs.isGiven("k3s_version"))
    #expect(reading.inputs.source == "in.json")
  }

  @Test(
    "what is no outputs is refused where it stands",
    arguments: [
      (
        "[]",
        "in.json:1:1: error: expected a JSON object of outputs, found a list (at $); give the output of \"terraform output -json\" [input-shape]"
      ),
      (
        "\n \"k3s\"",
        "in.json:2:2: error: expected a JSON object of outputs, found a string (at $); give the output of \"terraform output -json\" [input-shape]"
      ),
      (
        #"{"format_version": "1.0", "values": {"outputs": []}}"#,
        "in.json:1:49: error: expected an object of outputs, found a list (at $.values.outputs) [input-shape]"
      ),
      (
        #"{"format_version": "1.0", "values": {"outputs": {"nodes": {"sensitive": true}}}}"#,
        "in.json:1:59: error: the output nodes has no \"value\" (at $.values.outputs.nodes) [input-shape]"
      ),
      (
        "{\"nodes\": {\"value\": {}, \"type\": [\"map\", \"string\"], \"sensitive\": false},\n  \"k3s_version\": \"v1.36.4+k3s1\"}",
        "in.json:2:3: error: this value stands bare beside outputs that are wrapped as {value, type, sensitive} (at $.k3s_version); give either the output of \"terraform output -json\" or a plain object, not a mixture [input-shape]"
      ),
      (
        "{\"k3s_version\": \"v1.36.4+k3s1\",\n  \"k3s_token\": {\"value\": \"canary\", \"sensitive\": true}}",
        "in.json:2:3: error: this value is wrapped as {value, type, sensitive} beside others that stand bare (at $.k3s_token); give either the output of \"terraform output -json\" or a plain object, not a mixture [input-shape]"
      ),
      (
        "{\"k3s_token\": \"canary\"\n\"a\"",
        "in.json:2:1: error: expected \",\" or \"}\" in the object [json-syntax]"
      ),
      ("", "in.json:1:1: error: the text is empty; expected a JSON document [json-syntax]"),
    ])
  func refused(json: String, line: String) {
    #expect(Reading.lines(json) == [line])
  }

  @Test("a plain value that is an object of its own is not taken for a wrapped output")
  func plainObject() throws {
    let reading = try Reading(#"{"node_labels": {"value": "a", "type": "b"}}"#)
    #expect(reading.values == ["node_labels": #"{"type":"b","value":"a"}"#])
  }
}

@Suite("The query of Terraform's external data source") struct QueryTests {
  private func query(
    _ json: String, controls: [String] = ["node", "role"]
  ) throws -> (
    reading: Reading, controls: [String: Positioned]
  ) {
    let query = try ExternalQuery(Array(json.utf8), source: "<stdin>", settings: controls)
    return (try Reading(query.document), query.settings)
  }

  @Test("strings are decoded where the input is structured, and errors name the place within")
  func decoding() throws {
    let query = try query(
      #"""
      {"node_labels": "{\"tier\": \"edge\"}",
       "tls_sans": "[\"a.example.org\", \"10.0.0\"]",
       "k3s_version": "v1.36.4+k3s1",
       "nodes": "{\"a\": {\"role\": \"boss\"}}",
       "disable": "[\"traefik\",, \"coredns\"]"}
      """#)
    #expect(
      query.reading.values == [
        "node_labels": #"{"tier":"edge"}"#, "k3s_version": #""v1.36.4+k3s1""#,
      ])
    #expect(
      query.reading.lines == [
        #"<stdin>:4:11: error: nodes.a.role: "boss" is not a role (at $.nodes.a.role); use one of server, agent, ingress [input-value]"#,
        #"<stdin>:2:14: error: tls_sans[1]: "10.0.0" is not an IP address or a DNS name (at $.tls_sans[1]) [input-value]"#,
        #"<stdin>:5:13: error: the string holds JSON with an error at its line 1, column 12: not JSON: expected a value (an object, list, string, number, true, false or null) (at $.disable); use jsonencode() [json-syntax]"#,
      ])
    #expect(query.reading.inputs.isGiven("disable") && query.reading.inputs.isRefused("disable"))
  }

  @Test("every value that is no string is refused where it stands")
  func strings() {
    #expect(
      refusal { try query("{\"tls_sans\": [\"canary\"],\n \"disable\": 1, \"node\": true, \"role\": null}") }
        == [
          "<stdin>:1:14: error: tls_sans is a list; a query of Terraform's external data source holds strings only (at $.tls_sans); wrap it in jsonencode() [input-type]",
          "<stdin>:2:13: error: disable is a number; a query of Terraform's external data source holds strings only (at $.disable); wrap it in jsonencode() [input-type]",
          "<stdin>:2:24: error: node is a boolean; a query of Terraform's external data source holds strings only (at $.node); wrap it in jsonencode() [input-type]",
        ])
    #expect(
      refusal { try query("[]") } == [
        "<stdin>:1:1: error: expected the query object of Terraform's external data source, found a list (at $) [input-shape]"
      ])
    #expect(
      refusal { try query("") } == [
        "<stdin>:1:1: error: the text is empty; expected a JSON document [json-syntax]"
      ])
  }

  @Test("settings come apart from the inputs, and null is nothing")
  func controls() throws {
    let query = try query(
      #"{"node": "worker-1", "role": null, "k3s_version": null, "outputs": null, "git_path": "argocd"}"#)
    #expect(query.controls.mapValues(\.node.string) == ["node": "worker-1"])
    #expect(query.controls["node"]?.location.path == "$.node")
    #expect(query.reading.values == ["git_path": #""argocd""#])
    #expect(query.reading.lines == [])
  }

  @Test(
    "outputs may hold the JSON of terraform output or a plain object; direct keys go before it",
    arguments: [
      #"{\"git_pat\": {\"value\": \"inner\", \"type\": \"string\", \"sensitive\": true}, \"git_path\": {\"value\": \"inner\", \"type\": \"string\", \"sensitive\": false}, \"outputs_x\": {\"value\": 1, \"type\": \"number\", \"sensitive\": false}}"#,
      #"{\"git_pat\": \"inner\", \"git_path\": \"inner\", \"outputs_x\": 1}"#,
      #"{\"github_pat\": \"inner\", \"git_path\": \"inner\"}"#,
    ])
  func outputs(inner: String) throws {
    let query = try query(#"{"github_pat": "direct", "outputs": "\#(inner)"}"#)
    #expect(query.reading.values == ["git_pat": "literal direct", "git_path": #""inner""#])
    #expect(query.reading.lines == [])
    #expect(query.reading.inputs["git_path"]?.path.hasPrefix("$.outputs.git_path") == true)
    // A null says nothing, so it does not go before the value in "outputs" either.
    let null = try self.query(#"{"git_path": null, "outputs": "\#(inner)"}"#)
    #expect(null.reading.values == ["git_pat": "literal inner", "git_path": #""inner""#])
  }

  @Test("an error within outputs names the string and the place within it")
  func innerError() {
    #expect(
      refusal { try query("{\"outputs\": \"{\\n  \\\"k3s_token\\\": canary}\"}") } == [
        "<stdin>:1:13: error: the string holds JSON with an error at its line 2, column 16: not JSON: expected a value (an object, list, string, number, true, false or null) (at $.outputs); use jsonencode() [json-syntax]"
      ])
    #expect(
      refusal { try query(#"{"outputs": "[]"}"#) } == [
        "<stdin>:1:13: error: expected a JSON object of outputs, found a list (at $.outputs); give the output of \"terraform output -json\" [input-shape]"
      ])
    #expect(
      refusal { try query(#"{"outputs": "{\"a\": 1, \"a\": 2}"}"#) } == [
        "<stdin>:1:13: error: the string holds JSON with an error at its line 1, column 10: the key is given twice; it stands first at line 1, column 2 (at $.outputs); use jsonencode() [duplicate-key]"
      ])
  }
}
