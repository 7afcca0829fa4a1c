import Foundation
import TestSupport
import Testing

@Suite("render") struct RenderTests {
  private let input = json(project)

  // MARK: Where it goes

  @Test("A file is for its owner alone, whatever the umask, whatever lay there before")
  func mode() async throws {
    try await withTemporaryDirectory { folder in
      let expected = try await Tool.k3seed(["render"], input: input).output
      let old = try folder["old"].holding(String(repeating: "longer than what is rendered\n", count: 9000))
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: old.path)
      for umask in ["000", "022", "777"] {
        for file in ["old", "new-\(umask)"] {
          let outcome = try await Tool.shell(
            #"umask "$1"; exec "$k3seed" render -o "$2""#, [umask, folder[file].path],
            input: Array(input.utf8))
          #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errors)")
          #expect(folder[file].mode == "0600", "umask \(umask), \(file)")
          #expect(folder[file].bytes == expected)
        }
      }
      // Nothing is left beside it.
      #expect(folder.names == ["new-000", "new-022", "new-777", "old"])
    }
  }

  @Test("Devices and pipes are written to as they are")
  func devices() async throws {
    let expected = try await Tool.k3seed(["render"], input: input).output
    let null = try await Tool.k3seed(["render", "-o", "/dev/null"], input: input)
    #expect(null.status == 0 && null.output.isEmpty)
    #expect(URL(fileURLWithPath: "/dev/null").mode == "0666")
    let standard = try await Tool.shell(#""$k3seed" render -o /dev/stdout | cat"#, input: Array(input.utf8))
    #expect(standard.output == expected)
    try await withTemporaryDirectory { folder in
      let pipe = try await Tool.shell(
        #"mkfifo "$1/pipe" && { cat "$1/pipe" & "$k3seed" render --output "$1/pipe"; wait; }"#, [folder.path],
        input: Array(input.utf8))
      #expect(pipe.output == expected, "\(pipe.errors)")
    }
  }

  @Test("What cannot be written is an error, on standard output too")
  func unwritable() async throws {
    try await withTemporaryDirectory { folder in
      expectRefusal(
        try await Tool.k3seed(["render", "-o", "none/x"], input: input, directory: folder.path),
        ["none/x: error: cannot be written: No such file or directory [file]"])
      expectRefusal(
        try await Tool.k3seed(["render", "-o", folder.path], input: input),
        ["\(folder.path): error: is a folder; name a file in it [file-place]"])
      let occupied = try folder["file"].holding("")
      expectRefusal(
        try await Tool.k3seed(["render", "--all", "-o", occupied.path], input: input),
        ["\(occupied.path): error: cannot be written: Not a directory [file]"])
      #expect(occupied.bytes == [])
    }
  }

  @Test(
    "A full disk is an error, and half a file does not stay",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func full() async throws {
    let outcome = try await Tool.shell(#""$k3seed" render >/dev/full"#, input: Array(input.utf8))
    expectRefusal(outcome, ["<stdout>: error: cannot be written: No space left on device [file]"])
    try await withTemporaryDirectory { folder in
      // The shell's limit on the size of files, in blocks of 512 bytes, stands in for the disk.
      let half = try await Tool.shell(
        #"ulimit -f 8; trap '' XFSZ; "$k3seed" render -o "$1""#, [folder["x"].path], input: Array(input.utf8))
      expectRefusal(half, ["\(folder["x"].path): error: cannot be written: File too large [file]"])
      #expect(folder.names == [])
    }
  }

  @Test("--all writes one file a node into a folder that only its owner may enter")
  func all() async throws {
    try await withTemporaryDirectory { folder in
      let cluster = json(adding("nodes", threeNodesDocument))
      let out = folder["out"]
      let outcome = try await Tool.shell(
        #"umask 000; exec "$k3seed" render --all -o "$1""#, [out.path], input: Array(cluster.utf8))
      #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errors)")
      #expect(out.mode == "0700")
      #expect(out.names == ["a.yaml", "b.yaml", "w.yaml"])
      for node in ["a", "b", "w"] {
        #expect(out["\(node).yaml"].mode == "0600")
        #expect(
          try await out["\(node).yaml"].bytes
            == Tool.k3seed(["render", "--node", node], input: cluster).output)
      }
      _ = try out["k3seed.yaml"].holding("cluster_name: k3s\n")
      try FileManager.default.copyItem(at: out["a.yaml"], to: out["old.example.yaml"])
      // Once more, compressed, into the same folder: other names, and the others stay, which is said.
      let again = try await Tool.k3seed(
        ["render", "--all", "--encoding", "gzip+base64", "-o", out.path], input: cluster)
      #expect(again.status == 0)
      #expect(
        again.findings.filter { $0.contains("not rendered") }
          == ["a", "b", "old.example", "w"].map {
            "\(out.path)/\($0).yaml: note: was not rendered now; remove it unless it is wanted"
          })
      #expect(
        out.names == [
          "a.yaml", "a.yaml.gz.b64", "b.yaml", "b.yaml.gz.b64", "k3seed.yaml", "old.example.yaml", "w.yaml",
          "w.yaml.gz.b64",
        ])
    }
  }

  @Test("--all writes nothing where one node cannot be rendered, and says what each lacks once")
  func allOrNothing() async throws {
    try await withTemporaryDirectory { folder in
      var values = adding("nodes", threeNodesDocument)
      values["k3s_token"] = nil
      expectRefusal(
        try await Tool.k3seed(["render", "--all", "-o", folder["out"].path], input: json(values)),
        [
          "<stdin>: error: k3s_token is missing: servers join with it; add it to Terraform's outputs [missing-input]",
          "<stdin>: error: k3s_token is missing: agents join with it; add it to Terraform's outputs [missing-input]",
        ])
      // Only the first server is over the limit; the others are not written either.
      values["k3s_token"] = "EXAMPLE"
      values["platform"] = "aws"
      values["cloudflare_api_token"] = noise(16_384)
      let large = try await Tool.k3seed(["render", "--all", "-o", folder["out"].path], input: json(values))
      #expect(large.findings.last?.contains("user-data of a is ") == true)
      expectRefusal(large, large.findings.suffix(1))
      #expect(folder.names == [])
    }
  }

  /// Printable text that does not compress much, the same in every run.
  private func noise(_ count: Int) -> String {
    var state: UInt32 = 1
    return String(
      (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return Character(Unicode.Scalar(UInt8(33 + state >> 16 % 94)))
      })
  }

  // MARK: How it is handed over

  @Test("Every encoding decodes with the real tools to the plain user-data")
  func encodings() async throws {
    let plain = try await Tool.k3seed(["render", "--encoding", "plain"], input: input)
    #expect(String(decoding: plain.output.prefix(14), as: UTF8.self) == "#cloud-config\n")
    for (encoding, decoder) in [
      ("auto", "cat"), ("base64", "base64 -d"), ("gzip", "gzip -dc"), ("gzip+base64", "base64 -d | gzip -dc"),
    ] {
      let encoded = try await Tool.k3seed(["render", "--encoding", encoding], input: input)
      #expect(encoded.status == 0)
      #expect((encoded.output == plain.output) == (encoding == "auto"))
      let decoded = try await Tool.shell(decoder, input: encoded.output)
      #expect(decoded.status == 0 && decoded.output == plain.output, "\(encoding): \(decoded.errors)")
    }
    // A gzip of one member, without a name or a time, that the real gzip finds whole.
    let gzip = try await Tool.k3seed(["render", "--encoding", "gzip"], input: input).output
    #expect(gzip.starts(with: [0x1F, 0x8B, 8, 0, 0, 0, 0, 0]))
    #expect(try await Tool.run(["gzip", "-t"], input: gzip).status == 0)
  }

  @Test("auto compresses only what does not fit, and where text is wanted as base64")
  func auto() async throws {
    let filler = String(repeating: "# filler\n", count: 4000)
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: big}\n\(filler)"
    for (platform, decoder) in [("oci", "gzip -dc"), ("hetzner", "base64 -d | gzip -dc")] {
      let large = json(
        changed(["platform": platform]).merging(["extra_manifests": json(["m": manifest])]) { $1 })
      let query = try await Tool.k3seed(["external"], input: large)
      #expect(query.status == 0, "\(query.errors)")
      let document = json(
        changed(["platform": platform]).mapValues { $0 as Any }
          .merging(["extra_manifests": ["m": manifest]]) { $1 })
      let rendered = try await Tool.k3seed(["render"], input: document)
      #expect(rendered.output.count < 18_000, "the manifest alone has 36,000")
      let decoded = try await Tool.shell(decoder, input: rendered.output)
      #expect(
        decoded.text.hasPrefix("#cloud-config\n") && decoded.text.contains("    # filler\n    # filler\n"))
    }
  }

  // MARK: What goes in

  @Test(
    "plain options, which are read without the parser, mean what they mean to the parser",
    arguments: [
      ["--node", "server"], ["--role", "agent"], ["--node", "server", "--platform", "aws"],
      ["--platform", "ocl"],
      ["--node", "worker-9"], [], ["--config", "absent.yaml"], ["--templates", "absent"], ["--role", ""],
    ])
  func plain(options: [String]) async throws {
    let example = Tool.root.appendingPathComponent("examples/oci-vault/outputs.json").path
    let plain = try await Tool.k3seed(["render", "--input", example] + options)
    // An option with "=" is left to the parser.
    let parsed = try await Tool.k3seed(["render", "--input=\(example)"] + options)
    #expect(plain.output == parsed.output)
    #expect(plain.errors == parsed.errors)
    #expect(plain.status == parsed.status)
  }

  @Test(
    "what is not plain is left to the parser",
    arguments: [
      ["--node"], ["--node", "--role"], ["--node", "a", "--node", "b"], ["server"], ["--nod", "server"],
      ["--help"], ["--version"],
    ])
  func notPlain(options: [String]) async throws {
    let example = Tool.root.appendingPathComponent("examples/oci-vault/outputs.json").path
    let outcome = try await Tool.k3seed(["render", "--input", example] + options)
    switch options {
    case ["--help"], ["--version"]: #expect(outcome.status == 0)
    // The parser takes the last of two.
    case ["--node", "a", "--node", "b"]: #expect(outcome.errors.contains(#"there is no node "b""#))
    default:
      #expect(outcome.status == 64)
      #expect(outcome.errors.contains("Usage: k3seed render"))
    }
    #expect(outcome.status == 0 || outcome.output.isEmpty)
  }

  @Test("--set goes before k3seed.yaml, which goes before Terraform")
  func precedence() async throws {
    try await withTemporaryDirectory { folder in
      let file = try folder["k3seed.yaml"].holding("git_revision: from-file\ngit_path: from-file\n")
      let outputs = json(
        changed([
          "git_revision": "from-terraform", "git_path": "from-terraform", "cluster_name": "from-terraform",
        ]))
      let outcome = try await Tool.k3seed(
        ["render", "--config", file.path, "--set", "git_revision=early", "--set", "git_revision=from=flag"],
        input: outputs)
      #expect(outcome.text.contains("targetRevision: from=flag\n"), "\(outcome.errors)")
      #expect(outcome.text.contains("path: from-file\n"))
      #expect(outcome.text.contains(#""cluster":"from-terraform""#))
      // A structured input as JSON, and --platform.
      let more = try await Tool.k3seed(
        ["render", "--set", #"tls_sans=["a.example.net"]"#, "--platform", "hetzner", "--set=platform=oci"],
        input: outputs)
      #expect(more.text.contains("tls-san:\n    - a.example.net\n"), "\(more.errors)")
      #expect(more.text.contains(#""platform":"hetzner""#))
      // What is wrong with the flag is said of the flag.
      let wrong = try await Tool.k3seed(["render", "--platform", "ocl"], input: outputs)
      #expect(wrong.status == 2)
      #expect(
        wrong.findings.first?.hasPrefix(#"--platform: error: platform: "ocl" is not a platform"#) == true)
    }
  }

  @Test("--set refuses secrets and what is no input, and shows no value")
  func secretArguments() async throws {
    let outcome = try await Tool.k3seed(
      [
        "render", "--set", "k3s_token=CANARY", "--set", "argocd_admin_password=CANARY", "--set",
        "cluster_nam=CANARY",
        "--set", "github_pat=CANARY",
      ], input: input)
    expectRefusal(
      outcome,
      [
        "--set k3s_token: error: k3s_token is a secret, and every user of the machine can read a program's arguments; give it with --secrets, or as a Terraform output [secret-in-argument]",
        "--set argocd_admin_password: error: argocd_admin_password is a secret, and every user of the machine can read a program's arguments; give it with --secrets, or as a Terraform output [secret-in-argument]",
        #"--set cluster_nam: error: "cluster_nam" is not an input of k3seed; did you mean "cluster_name"? [unknown-input]"#,
        #"--set github_pat: error: "github_pat" is not an input of k3seed; did you mean "git_pat"? [unknown-input]"#,
      ])
    #expect(!outcome.errors.contains("CANARY"))
    let noName = try await Tool.k3seed(["render", "--set", "CANARY", "--set", "=CANARY"], input: input)
    let syntax =
      #"--set: error: an argument is not of the form NAME=VALUE; names are of lower-case letters, digits and "_"; "k3seed schema" lists them [set-syntax]"#
    expectRefusal(noName, [syntax, syntax])
    // A reference is no secret.
    let ocid = "ocid1.vaultsecret.oc1.eu-frankfurt-1.exampleaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    let reference = try await Tool.k3seed(["render", "--set", "k3s_token=\(ocid)"], input: input)
    #expect(reference.status == 0 && reference.text.contains("k3s_token=\(ocid)"), "\(reference.errors)")
  }

  @Test("Damaged files are all named at once, each at its place")
  func damaged() async throws {
    try await withTemporaryDirectory { folder in
      let outputs = try folder["outputs.json"].holding("{\"a\": 1\n \"b\": 2}\n").path
      let config = try folder["k3seed.yaml"].holding("git_revison: v1\nk3s_token: EXAMPLE\n").path
      expectRefusal(
        try await Tool.k3seed([
          "render", "--input", outputs, "--config", config, "--set", "x", "-o", folder["o"].path,
        ]),
        [
          #"\#(outputs):2:2: error: expected "," or "}" in the object [json-syntax]"#,
          #"\#(config):1:1: error: "git_revison" is not an input of k3seed (at $.git_revison); did you mean "git_revision"? [unknown-input]"#,
          #"--set: error: an argument is not of the form NAME=VALUE; names are of lower-case letters, digits and "_"; "k3seed schema" lists them [set-syntax]"#,
        ])
      #expect(folder.names == ["k3seed.yaml", "outputs.json"])
    }
  }

  @Test("An absent file, an absent node, an absent role: exit code 2 and no file")
  func absent() async throws {
    try await withTemporaryDirectory { folder in
      let out = folder["out"].path
      expectRefusal(
        try await Tool.k3seed(["render", "--input", "none.json", "-o", out]),
        ["none.json: error: cannot be read: No such file or directory [file]"])
      expectRefusal(
        try await Tool.k3seed(["render", "--node", "srv", "-o", out], input: input),
        [#"--node: error: there is no node "srv"; the nodes are server [unknown-node]"#])
      expectRefusal(
        try await Tool.k3seed(["render", "--role", "Agent", "-o", out], input: input),
        [
          #"--role: error: "Agent" is not a role; did you mean "agent"? use one of server, agent, ingress [unknown-role]"#
        ])
      expectRefusal(
        try await Tool.k3seed(["render", "--role", "agent", "-o", out], input: input),
        [
          #"<stdin>: error: server_private_ip is missing: the node "agent" joins the cluster there; add it to Terraform's outputs [missing-input]"#
        ])
      expectRefusal(
        try await Tool.k3seed(["render", "-o", out], input: ""),
        [
          "<stdin>:1:1: error: the text is empty; expected a JSON document [json-syntax]"
        ])
      #expect(folder.names == [])
    }
  }

  // MARK: Templates

  @Test("--templates replaces what it holds, and the rest stays built in")
  func templates() async throws {
    try await withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder["manifests"], withIntermediateDirectories: true)
      _ = try folder["manifests/argocd-root.yaml"].holding("kind: Mine\nurl: !value git.url\n")
      let before = try await Tool.k3seed(["render"], input: input)
      let after = try await Tool.k3seed(["render", "--templates", folder.path], input: input)
      #expect(
        after.text.contains("content: |\n    kind: Mine\n    url: https://git.example.net/cluster.git\n"))
      #expect(before.text.contains("kind: Application") && !after.text.contains("kind: Application"))
      #expect(after.text.contains("kind: HelmChart"))
    }
  }

  @Test("An error in a template is found at its line and column, in the file that holds it")
  func templateErrors() async throws {
    try await withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder["t/cloud-init"], withIntermediateDirectories: true)
      let template =
        "runcmd:\n  - !value nod.name\n  - !valeu x\n  - !include cloud-init/runcmd.yml\n  - !format '${node.name'\n  - !value item.value\n"
      _ = try folder["t/cloud-init/server.yaml"].holding(template)
      let outcome = try await Tool.k3seed(
        ["render", "--templates", "t", "-o", "out"], input: input, directory: folder.path)
      let file = "t/cloud-init/server.yaml"
      expectRefusal(
        outcome,
        [
          #"\#(file):2:5: error: there is no value nod.name: "nod" is unknown; did you mean "node"? [template-path]"#,
          "\(file):3:5: error: there is no tag !valeu; did you mean !value? [template-tag]",
          #"\#(file):4:5: error: there is no template "cloud-init/runcmd.yml"; did you mean "cloud-init/runcmd.yaml"? names are paths within the templates folder [template-file]"#,
          #"\#(file):5:5: error: a "${" has no "}"; write $${ for a literal ${ [template-format]"#,
          #"\#(file):6:5: error: there is no value item.value: "item" is unknown; it has k3seed, cluster_name, platform, node, k3s, tls_sans, cluster_cidr, service_cidr, node_cidrs, cluster_has_ipv4, firewall_rules, disable, registry_mirrors, extra_manifests, airgap_images, ca_certificates, hardened, ssh_authorized_keys, namespaces, kubernetes_secrets, git, argocd [template-path]"#,
        ])
      #expect(folder.names == ["t"])
      // Not YAML at all.
      _ = try folder["t/cloud-init/server.yaml"].holding("a: 'b\n")
      let broken = try await Tool.k3seed(
        ["render", "--templates", "t/"], input: input, directory: folder.path)
      #expect(broken.status == 2 && broken.findings.last?.hasPrefix("t/cloud-init/server.yaml:") == true)
      expectRefusal(
        try await Tool.k3seed(["render", "--templates", "none"], input: input, directory: folder.path),
        ["none: error: the folder cannot be read: No such file or directory [file]"])
    }
  }

  @Test("A template cannot print a secret elsewhere than in a file of its own")
  func secretsInTemplates() async throws {
    try await withTemporaryDirectory { folder in
      try FileManager.default.createDirectory(at: folder["cloud-init"], withIntermediateDirectories: true)
      _ = try folder["cloud-init/server.yaml"].holding(
        "a: [!each {node.literals: !value item.value}]\nb: [!each {node.literals: !format 'x${item.value}'}]\nc: !env {A: [!each {node.literals: !secret item.value}]}\n"
      )
      let file = folder["cloud-init/server.yaml"].path
      let outcome = try await Tool.k3seed(["render", "--templates", folder.path], input: input)
      expectRefusal(
        outcome,
        [
          "\(file):1:27: error: item.value is a secret; take it with !secret [template-secret]",
          "\(file):2:27: error: item.value is a secret; !format takes texts and numbers [template-type]",
          "\(file):3:13: error: A is a list of which an item is no text, is empty or holds white space [template-env]",
        ])
      #expect(!outcome.errors.contains("EXAMPLE-"))
    }
  }
}
