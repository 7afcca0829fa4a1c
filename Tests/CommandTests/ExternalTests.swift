import Foundation
import TestSupport
import Testing

/// Terraform's `external` data source as a program meets it: a query of strings on standard input, one object of
/// strings on standard output and exit code 0, or words for people on standard error and another code.
@Suite("external") struct ExternalTests {
  /// Runs a query, and checks the whole of a good answer.
  private func answer(
    _ query: [String: String], directory: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> (result: [String: String], payload: [UInt8]) {
    let outcome = try await Tool.k3seed(["external"], input: json(query), directory: directory)
    try #require(outcome.status == 0, "\(outcome.errors)", sourceLocation: sourceLocation)
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output))
    let result = try #require(object as? [String: String], sourceLocation: sourceLocation)
    #expect(
      result.keys.sorted() == [
        "budget_bytes", "bytes", "platform", "sha256", "user_data", "user_data_base64", "warnings",
      ],
      sourceLocation: sourceLocation)
    let payload = try await Tool.run(["base64", "-d"], input: Array((result["user_data_base64"] ?? "").utf8))
    #expect(payload.status == 0 && !payload.output.isEmpty, sourceLocation: sourceLocation)
    let digest = try await Tool.run(["sha256sum"], input: payload.output)
    #expect(result["sha256"].map { "\($0)  -\n" } == digest.text, sourceLocation: sourceLocation)
    #expect(result["bytes"] == String(payload.output.count), sourceLocation: sourceLocation)
    return (result, payload.output)
  }

  @Test("A query gives the user-data, its base64, its hash, its size and the room there is")
  func answer() async throws {
    let (result, payload) = try await answer(project)
    #expect(result["user_data"].map { Array($0.utf8) } == payload)
    #expect(result["user_data"]?.hasPrefix("#cloud-config\n") == true)
    #expect(result["platform"] == "nocloud" && result["budget_bytes"] == "1048576")
    // The same as at a terminal.
    let rendered = try await Tool.k3seed(["render"], input: json(project))
    #expect(rendered.output == payload && rendered.status == 0)
  }

  @Test("OCI's budget is what base64 and the other metadata leave of 32,000 bytes")
  func budget() async throws {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPRUgIH9QoSA9jUesFv/Qe79iJdNL0cjFnqkDhBn0F2+ a"
    let alone = try await answer(changed(["platform": "oci"])).result
    #expect(alone["budget_bytes"] == String((32_000 - "user_data".count) / 4 * 3))
    let keyed = try await answer(changed(["platform": "oci", "ssh_authorized_keys": json([key])])).result
    #expect(
      keyed["budget_bytes"]
        == String((32_000 - "user_data".count - "ssh_authorized_keys".count - key.count) / 4 * 3))
  }

  @Test("Standard output is one line, ASCII and nothing else")
  func oneLine() async throws {
    let outcome = try await Tool.k3seed(
      ["external"], input: json(changed(["cloudflare_api_token": "tökén \u{2028}🌊\u{FEFF}x"])))
    #expect(outcome.output.filter { $0 == 0x0A }.count == 1 && outcome.output.last == 0x0A)
    #expect(outcome.output.first == UInt8(ascii: "{"))
    #expect(outcome.findings.allSatisfy { $0.hasPrefix("<stdin>: warning: ") } && !outcome.findings.isEmpty)
  }

  @Test("The keys node and role choose what is rendered")
  func selection() async throws {
    let cluster = changed(["nodes": threeNodes])
    let byNode = try await answer(cluster.merging(["node": "w"]) { $1 }).result
    let byRole = try await answer(cluster.merging(["role": "agent"]) { $1 }).result
    let both = try await answer(cluster.merging(["role": "agent", "node": "w"]) { $1 }).result
    #expect(byNode == byRole && byNode == both)
    #expect(byNode["user_data"]?.contains("K3SEED_NODE_NAME='w'") == true)
    #expect(byNode["user_data"]?.contains("EXAMPLE-cloudflare-token") == false)
    let server = try await answer(cluster.merging(["node": "a"]) { $1 }).result
    #expect(server["user_data"]?.contains("EXAMPLE-cloudflare-token") == true)
  }

  @Test("The key payloads gives several in one answer, each as it is alone, and each finding once")
  func payloads() async throws {
    let cluster = changed(["nodes": threeNodes])
    let payloads = ["first": ["node": "a"], "edge": ["node": "w"], "pool": ["role": "agent"]]
    let outcome = try await Tool.k3seed(
      ["external"], input: json(cluster.merging(["payloads": json(payloads)]) { $1 }))
    try #require(outcome.status == 0, "\(outcome.errors)")
    let result = try #require(
      JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: String])
    #expect(result.keys.sorted() == ["payloads", "platform", "warnings"])
    let all = try #require(
      JSONSerialization.jsonObject(with: Data((result["payloads"] ?? "").utf8)) as? [String: [String: Any]])
    #expect(all.keys.sorted() == ["edge", "first", "pool"])
    for (name, selection) in [("first", "a"), ("edge", "w"), ("pool", "w")] {
      let alone = try await answer(cluster.merging(["node": selection]) { $1 }).result
      for key in ["user_data", "user_data_base64", "sha256"] {
        #expect(all[name]?[key] as? String == alone[key], "\(name).\(key)")
      }
      for key in ["bytes", "budget_bytes"] {
        #expect((all[name]?[key] as? Int).map(String.init) == alone[key], "\(name).\(key)")
      }
    }
    // One sentence each, without places, which Terraform's users do not see.
    let warnings = try #require(
      JSONSerialization.jsonObject(with: Data((result["warnings"] ?? "").utf8)) as? [String])
    #expect(warnings.count == Set(warnings).count && !warnings.isEmpty)
    #expect(warnings.allSatisfy { !$0.contains("<stdin>") && $0.hasSuffix("]") }, "\(warnings)")

    // What is wrong with several is said once.
    let wrong = try await Tool.k3seed(
      ["external"],
      input: json(
        cluster.merging(["payloads": json(payloads), "git_repo_url": "x", "k3s_token": ""]) { $1 }))
    #expect(wrong.findings.count == Set(wrong.findings).count)
    #expect(wrong.findings.count { $0.contains("git_repo_url") } == 1, "\(wrong.errors)")
  }

  @Test("A name that output_names gives to an input is known, and one in outputs may be any")
  func otherNames() async throws {
    try await withTemporaryDirectory { folder in
      let file = try folder["k3seed.yaml"].holding("output_names: {git_revision: branch}\n")
      let answer = try await answer(changed(["config": file.path, "branch": "v7"])).result
      #expect(answer["user_data"]?.contains("targetRevision: v7\n") == true)
      let lenient = try await self.answer(["outputs": json(project.merging(["colour": "red"]) { $1 })]).result
      #expect(try await lenient == self.answer(project).result)
    }
  }

  @Test("The key secrets names a file of secrets, which goes before the query's")
  func secrets() async throws {
    try await withTemporaryDirectory { folder in
      let file = try folder["secrets.yaml"].holding("cloudflare_api_token: from-the-file\n")
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
      let answer = try await answer(changed(["secrets": file.path])).result
      let direct = try await self.answer(changed(["cloudflare_api_token": "from-the-file"])).result
      #expect(answer["user_data"] == direct["user_data"])
    }
  }

  @Test("The key encoding says how it is handed over; user_data is empty where that is no text")
  func encodings() async throws {
    let plain = try await answer(project)
    for (encoding, isGzip, isText) in [
      ("auto", false, true), ("plain", false, true), ("base64", false, true), ("gzip", true, false),
      ("gzip+base64", true, true),
    ] {
      let (result, payload) = try await answer(changed(["encoding": encoding]))
      let userData = result["user_data"] ?? ""
      let unpacked = isGzip ? try await Tool.run(["gzip", "-dc"], input: payload).output : payload
      #expect(unpacked == plain.payload, "\(encoding)")
      switch encoding {
      case "gzip": #expect(userData.isEmpty)
      case "base64", "gzip+base64": #expect(userData == result["user_data_base64"])
      default: #expect(Array(userData.utf8) == payload)
      }
      #expect(userData.isEmpty != isText, "\(encoding)")
    }
  }

  @Test(
    "The key outputs holds what terraform output -json prints, or a plain object; what stands beside it wins")
  func outputs() async throws {
    let expected = try await answer(changed(["cluster_name": "beside"])).payload
    let within = project.merging(["cluster_name": "within"]) { $1 }
    let wrapped = within.mapValues { ["value": $0, "type": "string", "sensitive": true] as [String: Any] }
    for outputs in [json(within), json(wrapped)] {
      let payload = try await answer(["outputs": outputs, "cluster_name": "beside"]).payload
      #expect(payload == expected)
    }
    // Structured values inside need no second encoding.
    let nodes = adding("nodes", threeNodesDocument)
    let structured = try await answer(["outputs": json(nodes), "node": "w"]).payload
    #expect(try await answer(changed(["nodes": threeNodes, "node": "w"])).payload == structured)
  }

  @Test("The key config names a k3seed.yaml, relative to the working directory as Terraform sets it")
  func config() async throws {
    try await withTemporaryDirectory { folder in
      let file = try folder["k3seed.yaml"].holding("git_revision: v7\n")
      let absolute = try await answer(changed(["config": file.path])).result
      #expect(absolute["user_data"]?.contains("targetRevision: v7\n") == true)
      let relative = try await answer(changed(["config": "k3seed.yaml"]), directory: folder.path).result
      #expect(relative == absolute)
      // The file goes before Terraform.
      let both = try await answer(changed(["config": file.path, "git_revision": "v1"])).result
      #expect(both == absolute)
    }
  }

  @Test("Null, which Terraform drops, counts as not given")
  func null() async throws {
    let query = project.mapValues { $0 as Any }.merging(["node": NSNull(), "k3s_mirrors": NSNull()]) { $1 }
    let outcome = try await Tool.k3seed(["external"], input: json(query))
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try await outcome.output == Tool.k3seed(["external"], input: json(project)).output)
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var input: String
    var errors: [String]

    init(_ description: String, _ input: String, _ errors: [String]) {
      testDescription = description
      self.input = input
      self.errors = errors
    }
  }

  private static let shortQuery = #"{"cloudflare_api_token":"t","git_repo_url":"https://a/b","#

  static let refusals = [
    Refusal(
      "empty standard input", "",
      [
        "<stdin>: error: the query is empty; this command is run by Terraform's external data source; at a terminal use render or preview [no-input]"
      ]),
    Refusal(
      "no JSON", "git_repo_url = 1",
      [
        "<stdin>:1:1: error: not JSON: expected a value (an object, list, string, number, true, false or null) [json-syntax]"
      ]),
    Refusal(
      "cut off", #"{"a": "b""#,
      [#"<stdin>:1:10: error: expected "," or "}" in the object [json-syntax]"#]),
    Refusal(
      "no object", #"["a"]"#,
      [
        "<stdin>:1:1: error: expected the query object of Terraform's external data source, found a list (at $) [input-shape]"
      ]),
    Refusal(
      "values that are no strings", "{\"a\": true,\n \"b\": [], \"c\": {}, \"d\": 1}",
      [
        "<stdin>:1:7: error: a is a boolean; a query of Terraform's external data source holds strings only (at $.a); wrap it in jsonencode() [input-type]",
        "<stdin>:2:7: error: b is a list; a query of Terraform's external data source holds strings only (at $.b); wrap it in jsonencode() [input-type]",
        "<stdin>:2:16: error: c is a mapping; a query of Terraform's external data source holds strings only (at $.c); wrap it in jsonencode() [input-type]",
        "<stdin>:2:25: error: d is a number; a query of Terraform's external data source holds strings only (at $.d); wrap it in jsonencode() [input-type]",
      ]),
    Refusal(
      "a key twice", #"{"a":"b","a":"c"}"#,
      [
        "<stdin>:1:10: error: the key is given twice; it stands first at line 1, column 2 (at $.a); remove one of the two [duplicate-key]"
      ]),
    Refusal(
      "missing inputs", "{}",
      [
        "<stdin>: error: cloudflare_api_token is missing: the first server seeds it for cert-manager and external-dns; add it to Terraform's outputs [missing-input]",
        "<stdin>: error: git_repo_url is missing: it is what argocd-root follows; add it to Terraform's outputs [missing-input]",
      ]),
    Refusal(
      "a value against its rule, and everything else that is wrong with it",
      shortQuery + #""k3s_version":"v1.36.4-k3s1","server_private_ip":"10.0.0.300"}"#,
      [
        #"<stdin>:1:107: error: server_private_ip: "10.0.0.300" is not an IPv4 or IPv6 address (at $.server_private_ip) [input-value]"#,
        #"<stdin>:1:72: error: k3s_version: "v1.36.4-k3s1" is not a K3s version: releases are tagged with "+k3s", and "-k3s" is only how container images spell it (at $.k3s_version); write v1.36.4+k3s1 [input-value]"#,
      ]),
    Refusal(
      "an unknown role", shortQuery + #""role":"servr"}"#,
      [
        #"<stdin>:1:65: error: "servr" is not a role (at $.role); did you mean "server"? use one of server, agent, ingress [unknown-role]"#
      ]),
    Refusal(
      "an unknown node", shortQuery + #""node":"sever"}"#,
      [
        #"<stdin>:1:65: error: there is no node "sever" (at $.node); did you mean "server"? the nodes are server [unknown-node]"#
      ]),
    Refusal(
      "a node of another role", shortQuery + #""node":"server","role":"agent"}"#,
      [
        #"<stdin>:1:81: error: the node "server" has the role server, not agent (at $.role); give the node or the role, not both [node-role]"#
      ]),
    Refusal(
      "several nodes and no choice", json(changed(["nodes": threeNodes])),
      ["error: there are several nodes; choose one of a, b, w [which-node]"]),
    Refusal(
      "several nodes of the role",
      shortQuery
        + #""role":"server","first_server":"a","nodes":"{\"a\":{\"role\":\"server\",\"private_ip\":\"10.0.0.1\"},\"b\":{\"role\":\"server\"}}"}"#,
      ["<stdin>:1:65: error: several nodes have the role server (at $.role); choose one of a, b [which-node]"]
    ),
    Refusal(
      "an unknown encoding", shortQuery + #""encoding":"gz"}"#,
      [
        #"<stdin>:1:69: error: "gz" is not an encoding (at $.encoding); did you mean "gzip"? use one of auto, plain, gzip, base64, gzip+base64 [unknown-encoding]"#
      ]),
    Refusal(
      "keys that nothing reads, each with what may be meant",
      shortQuery + #""hardenning":"cis","nod":"a","colour":"red"}"#,
      [
        #"<stdin>:1:58: error: "hardenning" is not an input of k3seed (at $.hardenning); did you mean "hardening"? [unknown-input]"#,
        #"<stdin>:1:77: error: "nod" is not an input of k3seed (at $.nod); did you mean "node"? [unknown-input]"#,
        #"<stdin>:1:87: error: "colour" is not an input of k3seed (at $.colour); "k3seed schema" lists the inputs [unknown-input]"#,
      ]),
    Refusal(
      "a value that is empty, by its name", shortQuery + #""cluster_name":"","k3s_token":"","nodes":""}"#,
      [
        #"<stdin>:1:73: error: cluster_name: "" is not a name of lower-case letters, digits and "-" (at most 63, beginning and ending with a letter or digit) (at $.cluster_name) [input-value]"#,
        "<stdin>:1:99: error: nodes is a string; expected a map (at $.nodes); write a map, or JSON of one with jsonencode() [input-type]",
        "<stdin>:1:88: error: k3s_token is empty (at $.k3s_token) [input-value]",
      ]),
    Refusal(
      "a program that is too old", shortQuery + #""minimum_version":"99.0.0"}"#,
      [
        "<stdin>:1:76: error: this is k3seed 0.2.0, and the query needs 99.0.0 or a later one (at $.minimum_version); install that version where Terraform runs [old-version]"
      ]),
    Refusal(
      "a minimum that is no version", shortQuery + #""minimum_version":"latest"}"#,
      [
        "<stdin>:1:76: error: minimum_version is no version (at $.minimum_version); write three numbers, such as 0.2.0 [input-value]"
      ]),
    Refusal(
      "payloads that say nothing to render",
      shortQuery + #""node":"server","payloads":"{\"a\":{\"nod\":\"x\"},\"b\":3}"}"#,
      [
        #"<stdin>:1:65: error: the query has both node and payloads (at $.node); leave node out, and name the node or role within payloads [payload-shape]"#,
        #"<stdin>:1:85: error: payloads.a is neither a node nor a role (at $.payloads.a); give it as {node = NAME} or {role = ROLE} [payload-shape]"#,
        #"<stdin>:1:85: error: payloads.b is neither a node nor a role (at $.payloads.b); give it as {node = NAME} or {role = ROLE} [payload-shape]"#,
      ]),
    Refusal(
      "no payloads", shortQuery + #""payloads":"{}"}"#,
      [
        "<stdin>:1:69: error: payloads is empty (at $.payloads); give a map of names to {node = NAME} or {role = ROLE} [payload-shape]"
      ]),
    Refusal(
      "an encoding that the platform does not carry",
      shortQuery + #""encoding":"gzip","platform":"digitalocean"}"#,
      [
        "error: digitalocean hands user-data over as a text (plain text; base64 is ignored there), so gzip never reaches cloud-init; use the encoding auto or plain [platform-encoding]"
      ]),
    Refusal(
      "a config that is not there", shortQuery + #""config":"/nonexistent/k3seed.yaml"}"#,
      ["/nonexistent/k3seed.yaml: error: cannot be read: No such file or directory [file]"]),
    Refusal(
      "a config that is a folder", shortQuery + #""config":"/"}"#,
      ["/: error: cannot be read: Is a directory [file]"]),
    Refusal(
      "broken JSON in outputs", shortQuery + #""outputs":"{\"a\":"}"#,
      [
        "<stdin>:1:68: error: the string holds JSON with an error at its line 1, column 6: the text ends where a value is expected (at $.outputs); use jsonencode() [json-syntax]"
      ]),
    Refusal(
      "broken JSON in a structured input", shortQuery + #""nodes":"{oops"}"#,
      [
        "<stdin>:1:66: error: the string holds JSON with an error at its line 1, column 2: expected a key in double quotes (at $.nodes); use jsonencode() [json-syntax]"
      ]),
    Refusal(
      "a wrong value within a structured input", shortQuery + #""nodes":"{\"a\":{\"role\":\"boss\"}}"}"#,
      [
        #"<stdin>:1:66: error: nodes.a.role: "boss" is not a role (at $.nodes.a.role); use one of server, agent, ingress [input-value]"#
      ]),
    Refusal(
      "a token with a control character", shortQuery + #""k3s_token":"a\nb"}"#,
      [
        "<stdin>:1:70: error: k3s_token holds the control character U+000A as character 2, which no join token holds (at $.k3s_token); look for a line break or a binary value [input-value]"
      ]),
  ]

  @Test("Bad input: nothing on standard output, one line a finding, exit code 2", arguments: refusals)
  func refusal(refusal: Refusal) async throws {
    expectRefusal(try await Tool.k3seed(["external"], input: refusal.input), refusal.errors)
  }

  @Test("Input that is no text is refused, however long or deep")
  func hostile() async throws {
    for input in [
      [UInt8](repeating: 0x5B, count: 300_000), [0xFF, 0xFE, 0x00, 0x7B], Array("{\"a\":\"\u{0}\"}".utf8),
      Array(#"{"a":"\ud800"}"#.utf8), Array("{\"a\":\"".utf8) + [0xC3, 0x28] + Array("\"}".utf8),
    ] {
      let outcome = try await Tool.run([Tool.k3seed, "external"], input: input)
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(outcome.findings.count == 1, "\(outcome.errors.prefix(500))")
    }
  }

  @Test("Over the limit: by how much, of what, and what takes the space")
  func overLimit() async throws {
    let manifest =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\ndata:\n  a: \(String(repeating: "x", count: 20_000))\n"
    let query = changed([
      "platform": "oci", "encoding": "plain", "extra_manifests": json(["big": manifest]),
    ])
    let outcome = try await Tool.k3seed(["external"], input: json(query))
    let error = try #require(outcome.findings.last)
    let found = try #require(
      error.wholeMatch(
        of:
          /error: user-data of server is (\d+) bytes over the limit of oci: (\d+) of 32000 \(base64 of user-data, with ssh keys and all other metadata\), of which 9 are other metadata; the largest parts, in bytes of plain text, are \/var\/lib\/rancher\/k3s\/server\/manifests\/big.yaml (\d+), \/usr\/local\/sbin\/k3seed-bootstrap (\d+), \/etc\/k3seed\/firewall.rules \d+; use the encoding auto, which compresses where it must, or take something out \[over-limit\]/
      ), "\(error)")
    expectRefusal(outcome, [error])
    // The numbers are those of the payload itself, which a platform with more room lets through.
    let roomy = try await answer(query.merging(["platform": "vsphere"]) { $1 })
    let difference = "vsphere".count - "oci".count
    let counted = (roomy.payload.count - difference + 2) / 3 * 4 + 9
    #expect(found.output.2 == String(counted) && found.output.1 == String(counted - 32_000))
    #expect((Int(found.output.3) ?? 0) > manifest.utf8.count)
    // As the message says, auto fits.
    let compressed = try await answer(query.merging(["encoding": "auto"]) { $1 })
    #expect(compressed.payload.starts(with: [0x1F, 0x8B]) && compressed.result["user_data"] == "")
  }
}
