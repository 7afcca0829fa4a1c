import Diagnostics
import Inputs
import Testing
import YAML

@Suite("Sources and their order") struct PrecedenceTests {
  private let a = "ocid1.vaultsecret.oc1.iad.aaaa"
  private let b = "ocid1.vaultsecret.oc1.iad.bbbb"

  @Test("a flag goes before k3seed.yaml, which goes before Terraform")
  func order() throws {
    let json = #"{"git_path": "t", "git_revision": "t", "git_username": "t"}"#
    let reading = try Reading(
      json, config: "git_path: c\ngit_revision: c\n", set: ["git_path=x", "git_path=f=1"])
    #expect(reading.lines == [])
    #expect(
      reading.values == ["git_path": #""f=1""#, "git_revision": #""c""#, "git_username": #""t""#])
    #expect(reading.inputs["git_path"]?.location == Location(source: "--set git_path", path: "$.git_path"))
    #expect(
      reading.inputs["git_revision"]?.location
        == Location(source: "k3seed.yaml", line: 2, column: 15, path: "$.git_revision"))
    #expect(
      reading.inputs["git_username"]?.location
        == Location(source: "in.json", line: 1, column: 56, path: "$.git_username"))
  }

  @Test("what is null is not given, so the next source is asked")
  func null() throws {
    let reading = try Reading(
      #"{"git_path": "t", "git_pat": null, "github_pat": "t", "nodes": "null"}"#,
      config: "git_path:\nk3s_token: ~\noutput_names: null\nnodes: null\n")
    #expect(reading.lines == [])
    #expect(reading.values == ["git_path": #""t""#, "git_pat": "literal t"])
    #expect(!reading.inputs.isGiven("nodes"))
  }

  @Test("only what is used is judged")
  func unused() throws {
    let reading = try Reading(
      #"{"git_path": "/bad"}"#, config: "git_path: good\n", set: ["disable=[\"traefik\"]"])
    #expect(reading.lines == [])
    #expect(reading.values == ["git_path": #""good""#, "disable": #"["traefik"]"#])
  }

  @Test("arguments name themselves in findings, and structured ones are JSON")
  func arguments() throws {
    #expect(
      Reading.lines("{}", set: ["platform=ocl", #"nodes={"a": {"role": "boss"}}"#, "tls_sans=a"]) == [
        "--set platform: error: platform: \"ocl\" is not a platform (at $.platform); did you mean \"oci\"? use one of oci, aws, gcp, azure, hetzner, digitalocean, openstack, linode, vsphere, nocloud [input-value]",
        "--set nodes: error: nodes.a.role: \"boss\" is not a role (at $.nodes.a.role); use one of server, agent, ingress [input-value]",
        "--set tls_sans: error: tls_sans is a string; expected a list (at $.tls_sans); write a list, or JSON of one with jsonencode() [input-type]",
      ])
    #expect(
      Reading.lines("{}", set: ["k3s_verison=v1.36.4+k3s1", "github_pat=x"]) == [
        "--set k3s_verison: error: \"k3s_verison\" is not an input of k3seed; did you mean \"k3s_version\"? [unknown-input]",
        "--set github_pat: error: \"github_pat\" is not an input of k3seed; did you mean \"git_pat\"? [unknown-input]",
      ])
  }

  @Test(
    "an argument that is not NAME=VALUE is refused without being shown, as it may be a secret",
    arguments: ["canary", "=canary", "", "CaNaRy==", "can-ary=", "\(String(repeating: "c", count: 41))="])
  func syntax(argument: String) {
    #expect(
      refusal { try InputDocument.settings([argument]) } == [
        "--set: error: an argument is not of the form NAME=VALUE; names are of lower-case letters, digits and \"_\"; \"k3seed schema\" lists them [set-syntax]"
      ])
  }

  @Test("secrets are refused in arguments and in k3seed.yaml, references are welcome there")
  func secrets() throws {
    #expect(
      Reading.lines(
        "{}", config: "k3s_token: canary\ngit_pat: [canary]\n", set: ["cloudflare_api_token=canary"]) == [
          "--set cloudflare_api_token: error: cloudflare_api_token is a secret, and every user of the machine can read a program's arguments; give it with --secrets, or as a Terraform output [secret-in-argument]",
          "k3seed.yaml:1:12: error: k3s_token is a secret, and k3seed.yaml is a file to be committed (at $.k3s_token); give it with --secrets, or as a Terraform output [secret-in-config]",
          "k3seed.yaml:2:10: error: git_pat is a secret, and k3seed.yaml is a file to be committed (at $.git_pat); give it with --secrets, or as a Terraform output [secret-in-config]",
        ])
    let reading = try Reading("{}", config: "k3s_token: \(a)\n", set: ["git_pat=\(b)"])
    #expect(reading.lines == [])
    #expect(reading.values == ["k3s_token": "vault \(a)", "git_pat": "vault \(b)"])
  }

  @Test("a secret in k3seed.yaml that readers of YAML disagree on is not shown either")
  func ambiguousSecret() {
    let lines = Reading.lines("{}", config: "k3s_token: 0777\n")
    #expect(lines.count == 1)
    #expect(lines.first?.hasPrefix("k3seed.yaml:1:12: error: ") == true)
    #expect(lines.first?.contains("0777") == false)
    #expect(lines.first?.hasSuffix("[yaml-ambiguous]") == true)
  }

  @Test(
    "what k3seed.yaml must not hold is refused where it stands",
    arguments: [
      (
        "k3s_verison: x\n",
        [
          "k3seed.yaml:1:1: error: \"k3s_verison\" is not an input of k3seed (at $.k3s_verison); did you mean \"k3s_version\"? [unknown-input]"
        ]
      ),
      (
        "github_pat: x\ncolour: red\noutput_name: {}\n",
        [
          "k3seed.yaml:1:1: error: \"github_pat\" is not an input of k3seed (at $.github_pat); did you mean \"git_pat\"? [unknown-input]",
          "k3seed.yaml:2:1: error: \"colour\" is not an input of k3seed (at $.colour); \"k3seed schema\" lists the inputs [unknown-input]",
          "k3seed.yaml:3:1: error: \"output_name\" is not an input of k3seed (at $.output_name); did you mean \"output_names\"? [unknown-input]",
        ]
      ),
      ("- a\n", ["k3seed.yaml:1:1: error: expected a mapping of inputs, found a list (at $) [config-shape]"]),
      (
        "git_path: !x a\ntls_sans:\n- !y b\nnodes: {a: {role: !z server}}\n",
        [
          "k3seed.yaml:1:11: error: k3seed.yaml has no tags; found \"!x\" (at $.git_path) [config-tag]",
          "k3seed.yaml:3:3: error: k3seed.yaml has no tags; found \"!y\" (at $.tls_sans[0]) [config-tag]",
          "k3seed.yaml:4:19: error: k3seed.yaml has no tags; found \"!z\" (at $.nodes.a.role) [config-tag]",
        ]
      ),
      (
        "output_names: [a]\n",
        [
          "k3seed.yaml:1:15: error: output_names is a list; expected a mapping of input names to output names (at $.output_names) [input-type]"
        ]
      ),
      (
        "output_names: {k3s_tokn: a, git_pat: 7, git_path: a.b., github_username: b}\n",
        [
          "k3seed.yaml:1:16: error: \"k3s_tokn\" is not an input of k3seed (at $.output_names.k3s_tokn); did you mean \"k3s_token\"? [unknown-input]",
          "k3seed.yaml:1:38: error: what output_names has for git_pat is not the name of an output, nor a path into one (at $.output_names.git_pat); write it as Terraform does: name, name.key or name[0].key [input-value]",
          "k3seed.yaml:1:51: error: what output_names has for git_path is not the name of an output, nor a path into one (at $.output_names.git_path); write it as Terraform does: name, name.key or name[0].key [input-value]",
          "k3seed.yaml:1:57: error: \"github_username\" is not an input of k3seed (at $.output_names.github_username); did you mean \"git_username\"? [unknown-input]",
        ]
      ),
      (
        "cluster_name: 7\nnodes:\n  a:\n    role: boss\n",
        [
          "k3seed.yaml:1:15: error: cluster_name is a number; expected a string (at $.cluster_name); write it in quotes, or use tostring() in Terraform [input-type]",
          "k3seed.yaml:4:11: error: nodes.a.role: \"boss\" is not a role (at $.nodes.a.role); use one of server, agent, ingress [input-value]",
        ]
      ),
    ] as [(String, [String])])
  func config(yaml: String, lines: [String]) {
    #expect(Reading.lines("{}", config: yaml) == lines)
  }

  @Test("an empty k3seed.yaml gives nothing", arguments: ["~\n", "{}\n", "---\n# nothing\n"])
  func emptyConfig(yaml: String) {
    #expect(Reading.lines("{}", config: yaml) == [])
  }

  @Test("the names that k3s-on-Oracle projects use are taken, k3seed's own going before them")
  func aliases() throws {
    let reading = try Reading(#"{"github_pat": "x", "github_username": "u"}"#)
    #expect(reading.values == ["git_pat": "literal x", "git_username": #""u""#])
    let both = try Reading(#"{"github_pat": "x", "git_pat": "y", "secret_ocids": {"github_pat": "\#(a)"}}"#)
    #expect(both.values["git_pat"] == "vault \(a)")
    let bothReferences = try Reading(#"{"secret_ocids": {"github_pat": "\#(a)", "git_pat": "\#(b)"}}"#)
    #expect(bothReferences.lines == [])
    #expect(bothReferences.values["git_pat"] == "vault \(b)")
    #expect(bothReferences.inputs.secret("git_pat")?.location.path == "$.secret_ocids.git_pat")
  }

  @Test("output_names says how a project calls its outputs")
  func outputNames() throws {
    let json =
      #"{"token-1": {"value": "x", "type": "string", "sensitive": true}, "k3s_token": {"value": "y", "type": "string", "sensitive": true}}"#
    let reading = try Reading(json, config: "output_names: {k3s_token: token-1}\n")
    #expect(reading.lines == [])
    #expect(reading.values == ["k3s_token": "literal x"])
    let missing = try Reading(json, config: "output_names: {k3s_token: tokem-1, git_pat: nothing}\n")
    #expect(
      missing.lines == [
        "k3seed.yaml:1:45: error: git_pat is said to be in an output that in.json does not have (at $.output_names.git_pat); correct output_names [missing-output]",
        "k3seed.yaml:1:27: error: k3s_token is said to be in an output that in.json does not have (at $.output_names.k3s_token); did you mean \"token-1\"? correct output_names [missing-output]",
      ])
    // Said once: whoever needs them must not call them missing as well.
    #expect(missing.inputs.isRefused("k3s_token") && missing.inputs.isGiven("git_pat"))
    // A name that is mapped is no near miss of another.
    #expect(Reading.lines(#"{"k3s_tokn": "x"}"#, config: "output_names: {k3s_token: k3s_tokn}\n") == [])
  }

  @Test("output_names leads into outputs, as Terraform writes it")
  func outputPaths() throws {
    let json =
      #"{"nodes_out": {"value": [{"name": "a", "net": {"private-ip": "10.0.0.5"}}], "type": "x", "sensitive": false}, "map": {"value": {"my key": "https://a/b", "n": {"x": null}}, "type": "x", "sensitive": false}}"#
    let reading = try Reading(
      json,
      config:
        "output_names:\n  server_private_ip: nodes_out[0].net.private-ip\n  git_repo_url: map[\"my key\"]\n  git_path: map.n.x\n"
    )
    #expect(reading.lines == [])
    #expect(
      reading.values == ["server_private_ip": #""10.0.0.5""#, "git_repo_url": #""https://a/b""#])
    #expect(reading.inputs["server_private_ip"]?.location.path == #"$.nodes_out.value[0].net["private-ip"]"#)
    let missing = try Reading(
      json,
      config:
        "output_names:\n  server_private_ip: nodes_out[0].net.private_ip\n  git_repo_url: nodes_out[1]\n  git_path: map.n.x.y\n  git_revision: map[0]\n"
    )
    #expect(
      missing.lines == [
        "k3seed.yaml:4:13: error: git_path is said to be at a path that in.json does not have: map.n.x has no key \"y\" (at $.output_names.git_path); it is null [missing-output]",
        "k3seed.yaml:3:17: error: git_repo_url is said to be at a path that in.json does not have: nodes_out has no item 1 (at $.output_names.git_repo_url); it has 1 [missing-output]",
        "k3seed.yaml:5:17: error: git_revision is said to be at a path that in.json does not have: map has no item 0 (at $.output_names.git_revision); it is a mapping [missing-output]",
        "k3seed.yaml:2:22: error: server_private_ip is said to be at a path that in.json does not have: nodes_out[0].net has no key \"private_ip\" (at $.output_names.server_private_ip); did you mean \"private-ip\"? it has private-ip [missing-output]",
      ])
  }

  @Test(
    "what is no path is refused",
    arguments: [
      "a.", "a..b", ".a", "a[", "a[]", "a[x]", "a[0", "a[-1]", "a[0]b", "a[\"", "a[\"b]", "1a", "a b",
      "a[99999999999999999999]",
    ])
  func noPath(text: String) throws {
    let lines = Reading.lines(#"{"a": 1}"#, config: "output_names: {git_path: '\(text)'}\n")
    #expect(lines.count == 1 && lines[0].contains("nor a path into one"), "\(lines)")
  }

  @Test("where no output is an input, that is said, once, and what helps")
  func foreign() {
    let outputs = #"{"vm_ips": ["10.0.0.1"], "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1}"#
    #expect(
      Reading.lines(outputs) == [
        "in.json: warning: no output is an input of k3seed; found vm_ips, b, c, d, e and 2 more; \"k3seed init\" writes a k3seed.yaml that says which output is which input [no-known-output]"
      ])
    #expect(Reading.lines(outputs, config: "git_path: a\n") == [])
    #expect(Reading.lines("{}") == [])
  }

  @Test("a file of secrets goes before k3seed.yaml and Terraform, and after flags")
  func secretsFile() throws {
    func reading(_ text: String, json: String = "{}", config: String? = nil) throws -> Reading {
      try Reading(
        InputDocument.terraform(Array(json.utf8), source: "in.json"),
        config: config.map { try ConfigFile(Array($0.utf8), source: "k3seed.yaml") } ?? ConfigFile(),
        secrets: SecretsFile(Array(text.utf8), source: "secrets"))
    }
    let yaml = try reading(
      "github_pat: file\ncloudflare_api_token: t\n", json: #"{"git_pat": "terraform", "k3s_token": "k"}"#,
      config: "git_pat: \(a)\n")
    #expect(
      yaml.values == [
        "git_pat": "literal file", "cloudflare_api_token": "literal t", "k3s_token": "literal k",
      ])
    #expect(yaml.lines == [])
    let json = try reading(" {\"git_pat\": \"\(b)\"}\n")
    #expect(json.values == ["git_pat": "vault \(b)"])
  }

  @Test(
    "what is no file of secrets is refused, and no value is shown",
    arguments: [
      (
        "git_path: canary\nk3s_tokn: canary\n",
        [
          "secrets:1:1: error: git_path is no secret (at $.git_path); give it in k3seed.yaml, or as a Terraform output [secrets-file]",
          "secrets:2:1: error: \"k3s_tokn\" is not an input of k3seed (at $.k3s_tokn); did you mean \"k3s_token\"? [unknown-input]",
        ]
      ),
      (
        "canary\n",
        [
          "secrets:1:1: error: expected a mapping of names to secrets, found a string (at $); write name: value, one for each secret [secrets-file]"
        ]
      ),
      (
        "k3s_token: ENC[AES256_GCM,data:canary]\nsops:\n  mac: ENC[x]\n",
        [
          "secrets:1:1: error: the values are still encrypted by SOPS (at $); decrypt them on the way, with --secrets <(sops decrypt FILE) [secrets-file]"
        ]
      ),
    ] as [(String, [String])])
  func noSecretsFile(text: String, lines: [String]) {
    #expect(refusal { try SecretsFile(Array(text.utf8), source: "secrets") } == lines)
  }

  @Test("other outputs are ignored; one typing error away from an input is a warning")
  func typos() {
    #expect(
      Reading.lines(#"{"worker_private_ip": 1, "k3s_tokn": "canary", "github_patt": 1, "domain_url": ""}"#)
        == [
          "in.json:1:26: warning: the output \"k3s_tokn\" is ignored: it is not an input of k3seed (at $.k3s_tokn); did you mean \"k3s_token\"? [unknown-input]",
          "in.json:1:48: warning: the output \"github_patt\" is ignored: it is not an input of k3seed (at $.github_patt); did you mean \"github_pat\"? [unknown-input]",
        ])
    // Where the input is given, the other output is of another meaning.
    #expect(Reading.lines(#"{"k3s_tokens": 1, "k3s_token": "x"}"#) == [])
    #expect(
      Reading.lines(#"{"secret_ocids": {"k3s_tokn": "\#(a)", "ssh_public_key": "\#(b)"}}"#) == [
        "in.json:1:19: warning: the reference for \"k3s_tokn\" is ignored: it is not an input of k3seed (at $.secret_ocids.k3s_tokn); did you mean \"k3s_token\"? [unknown-input]"
      ])
  }

  @Test("a literal secret that Terraform would print is a warning")
  func notSensitive() {
    func output(_ value: String, _ sensitive: Bool) -> String {
      #"{"k3s_token": {"value": "\#(value)", "type": "string", "sensitive": \#(sensitive)}}"#
    }
    #expect(
      Reading.lines(output("canary", false)) == [
        "in.json:1:2: warning: the output k3s_token is not marked sensitive, so Terraform prints it (at $.k3s_token); add \"sensitive = true\" to the output [not-sensitive]"
      ])
    #expect(Reading.lines(output("canary", true)) == [])
    #expect(Reading.lines(output(a, false)) == [])
    #expect(Reading.lines(#"{"k3s_token": "canary"}"#) == [])
  }

  @Test("of a value and a reference the reference is used, and a note says so")
  func reference() throws {
    let reading = try Reading(#"{"k3s_token": "canary", "secret_ocids": {"k3s_token": "\#(a)"}}"#)
    #expect(reading.values["k3s_token"] == "vault \(a)")
    #expect(
      reading.lines == [
        "in.json:1:55: note: k3s_token is given both as a value and as a reference to OCI Vault; the reference is used (at $.secret_ocids.k3s_token); drop the output that holds the value [reference-wins]"
      ])
    #expect(!reading.report.hasErrors)
  }

  @Test("of two references that of the source which goes first is used; within one, that of secret_ocids")
  func twoReferences() throws {
    let terraform = #"{"secret_ocids": {"k3s_token": "\#(a)"}}"#
    let flag = try Reading(terraform, set: ["k3s_token=\(b)"])
    #expect(flag.lines == [])
    #expect(flag.values["k3s_token"] == "vault \(b)")
    let config = try Reading(terraform, config: "k3s_token: \(b)\n")
    #expect(config.values["k3s_token"] == "vault \(b)")
    let map = try Reading(#"{"k3s_token": "\#(b)"}"#, config: "secret_ocids: {k3s_token: \(a)}\n")
    #expect(map.values["k3s_token"] == "vault \(a)")
    let same = try Reading(#"{"k3s_token": "\#(b)", "secret_ocids": {"k3s_token": "\#(a)"}}"#)
    #expect(same.lines == [])
    #expect(same.values["k3s_token"] == "vault \(a)")
  }

  @Test(
    "what is no secret is needed when rendering: a reference alone is an error, beside the value it is not")
  func referenceAlone() throws {
    let alone = try Reading(
      #"{"domain_name": "\#(a)", "secret_ocids": {"git_repo_url": "\#(a)", "github_username": "\#(a)", "git_path": "\#(a)"}, "git_path": "argocd"}"#
    )
    #expect(
      alone.lines == [
        "in.json:1:17: error: domain_name is given only as a reference to OCI Vault, but its value is needed when rendering (at $.domain_name); output the value as well: it is not a secret [reference-alone]",
        "in.json:1:84: error: git_repo_url is given only as a reference to OCI Vault, but its value is needed when rendering (at $.secret_ocids.git_repo_url); output the value as well: it is not a secret [reference-alone]",
        "in.json:1:137: error: git_username is given only as a reference to OCI Vault, but its value is needed when rendering (at $.secret_ocids.github_username); output the value as well: it is not a secret [reference-alone]",
      ])
    #expect(alone.values["git_path"] == #""argocd""#)
    #expect(alone.inputs.isRefused("git_username") && !alone.inputs.isRefused("git_path"))
  }

  @Test("a reference mends a literal that breaks its rule, but the finding stays")
  func refusedLiteral() throws {
    let reading = try Reading(
      #"{"argocd_admin_password_hash": "canary", "secret_ocids": {"argocd_admin_password_hash": "\#(a)"}}"#)
    #expect(reading.report.diagnostics.map(\.code) == ["input-value"])
    #expect(reading.values["argocd_admin_password_hash"] == "vault \(a)")
  }
}
