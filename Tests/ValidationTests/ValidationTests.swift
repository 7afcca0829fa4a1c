import Diagnostics
import Foundation
import K3Seed
import Plan
import Templates
import TestSupport
import Testing
import Validation

/// One defect: user-data that has it, where and how heavy it is, and a twin that differs in nothing else and is clean.
struct Defect: Sendable, CustomTestStringConvertible {
  let code: String
  let severity: Diagnostic.Severity
  let line: Int?
  let column: Int?
  let faulty: String
  let clean: String
  var platform: Platform?
  /// What the message or the help says, where that tells it from other findings of the rule.
  var words = ""

  var testDescription: String { "\(code) at \(line ?? 0)" }

  init(
    _ code: String, _ severity: Diagnostic.Severity = .error, at line: Int?, _ column: Int? = nil,
    on platform: Platform? = nil, faulty: String, clean: String, says words: String = ""
  ) {
    self.code = code
    self.severity = severity
    self.line = line
    self.column = column
    self.platform = platform
    self.words = words
    self.faulty = faulty
    self.clean = clean
  }
}

func validate(_ text: String, on platform: Platform? = nil) throws -> Report {
  try validate(Array(text.utf8), on: platform)
}

func validate(_ bytes: [UInt8], on platform: Platform? = nil) throws -> Report {
  Validation.report(on: try Payload(bytes, source: "user-data", platform: platform))
}

@Suite("Rules for user-data") struct RuleTests {
  @Test("each defect is found at its place, and its clean twin has no finding", arguments: Defect.all)
  func defects(defect: Defect) throws {
    let found = try validate(defect.faulty, on: defect.platform).diagnostics
    let finding = try #require(found.first { $0.code == defect.code }, "\(found)")
    #expect(finding.severity == defect.severity)
    #expect(finding.location?.line == defect.line, "\(finding.line)")
    if let column = defect.column { #expect(finding.location?.column == column, "\(finding.line)") }
    #expect(finding.help != nil && !finding.message.isEmpty)
    let said = "\(finding.message); \(finding.help ?? "")"
    #expect(defect.words.isEmpty || said.contains(defect.words), "\(finding.line)")
    let twin = try validate(defect.clean, on: defect.platform)
    #expect(twin.diagnostics.isEmpty, "\(twin.text)")
  }

  @Test("every rule for user-data has a defect that shows it")
  func coverage() {
    let shown = Set(Defect.all.map(\.code))
    // What keeps user-data from being opened, and what other programs find, is tested by itself.
    let others = [
      "user-data-empty", "user-data-gzip", "shell-syntax", "shellcheck", "cloud-init-schema",
    ]
    for rule in Validation.rules where !others.contains(rule.code) {
      #expect(shown.contains(rule.code), "\(rule.code)")
    }
  }

  @Test("codes are documented once, in full sentences' parts")
  func documentation() {
    let all = Validation.rules + Explanations.all
    #expect(Set(all.map(\.code)).count == all.count)
    for rule in all {
      #expect(!rule.what.isEmpty && !rule.why.isEmpty && !rule.fix.isEmpty)
      #expect(!rule.what.hasSuffix("."), "\(rule.code)")
    }
  }

  @Test("the golden payloads have no finding at all")
  func goldens() throws {
    let folder = Tool.root.appendingPathComponent("Tests/GoldenTests/Cases")
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
      .compactMap { $0 as? URL }.filter {
        $0.pathExtension == "yaml" && $0.lastPathComponent != "k3seed.yaml"
      }
    #expect(files.count > 10)
    for file in files {
      let report = try validate(Array(Data(contentsOf: file)))
      // A server with a Vault travels as gzip.
      #expect(report.diagnostics.allSatisfy { $0.code == "over-limit" }, "\(file.path): \(report.text)")
    }
  }

  @Test("ordinary user-data raises no error", arguments: Ordinary.all)
  func ordinary(sample: Ordinary) throws {
    let report = try validate(sample.text)
    #expect(!report.hasErrors, "\(report.text)")
    #expect(report.diagnostics.map(\.code) == sample.warnings, "\(report.text)")
  }

  @Test("a finding below base64 or gzip says where in the decoded text it stands")
  func encoded() throws {
    let text = "#cloud-config\nruncmd:\n- curl https://x.example.net/i.sh | sh\n"
    let report = try validate(Array(Data(text.utf8).base64EncodedString().utf8))
    let finding = try #require(report.diagnostics.first)
    #expect(finding.code == "curl-pipe-shell")
    #expect(finding.location?.line == nil && finding.location?.path == "$.runcmd[0], decoded:3:3")
  }

  @Test("what a person is to fill in is a placeholder and no secret, but in small letters it is one")
  func toFillIn() throws {
    func codes(_ value: String) throws -> [String] {
      try validate("#!/bin/sh\nexport API_TOKEN=\(value)\n").diagnostics.map(\.code)
    }
    #expect(try codes("CHANGE_ME") == ["placeholder"] && codes("'REPLACE-THIS'") == ["placeholder"])
    #expect(try codes("changeme") == ["plain-secret"] && codes("CHANGED_MEAT") == ["plain-secret"])
  }

  @Test("a part of a MIME message is looked at, at its line of the file")
  func mime() throws {
    let report = try validate(
      Ordinary.mime(["#cloud-config\nrunmcd: [a]\n", "#!/bin/sh\ncurl -s a | sudo bash\n"]))
    #expect(report.diagnostics.map(\.code) == ["unknown-key", "curl-pipe-shell"], "\(report.text)")
    #expect(report.diagnostics.map { $0.location?.line } == [8, 14], "\(report.text)")
  }

  @Test(
    "what cannot be opened is a finding",
    arguments: [
      ("", "user-data-empty"),
      (
        "Content-Type: multipart/mixed\nMIME-Version: 1.0\n\n--x\n\n#!/bin/sh\n--x--\n",
        "user-data-mime"
      ),
    ])
  func unopened(text: String, code: String) {
    #expect { try validate(text) } throws: { ($0 as? Report)?.diagnostics.first?.code == code }
    #expect { try validate([0x1F, 0x8B, 8, 0, 0]) } throws: {
      ($0 as? Report)?.diagnostics.first?.code == "user-data-gzip"
    }
  }

  @Test("a payload of k3seed's own names its platform, and another one may be asked for")
  func platform() throws {
    let golden = Tool.root.appendingPathComponent("Tests/GoldenTests/Cases/literal/server.yaml")
    var bytes = try Array(Data(contentsOf: golden))
    bytes += Array(("# " + String(repeating: "x", count: 26_000) + "\n").utf8)
    let own = try validate(bytes).diagnostics
    #expect(own.map(\.code) == ["over-limit"] && own.first?.message.contains("limit of oci") == true)
    #expect(try validate(bytes, on: .gcp).diagnostics.isEmpty)
  }

  @Test(
    "within an archive a finding stands at its line of the file, or at one of the item's text where that is escaped"
  )
  func archive() throws {
    let text = """
      #cloud-config-archive
      - type: text/cloud-config
        content: |
          write_file: x
          runcmd:
          - curl https://x.example.net | sh
      - |
        #!/bin/sh
        curl https://y.example.net | sh
      - "hostname: a\\nfoo: x"
      """
    let found = try validate(text).diagnostics
    #expect(
      found.map { "\($0.location?.description ?? "-") \($0.location?.path ?? "-") \($0.code)" } == [
        "user-data:4:5 $[0].content, $.write_file unknown-key",
        "user-data:6:7 $[0].content, $.runcmd[0] curl-pipe-shell", "user-data:9:3 $[1] curl-pipe-shell",
        "user-data:10:3 $[2], text:2:1, $.foo unknown-key",
      ], "\(Report(found).text)")
    let clean = "#cloud-config-archive\n- {content: \"packages: [jq]\"}\n- |\n  #!/bin/sh\n  id\n"
    #expect(try validate(clean).diagnostics.isEmpty)
  }

  @Test("in a text that is encoded, the line of the text is said")
  func encodedLine() throws {
    let script = Data("#!/bin/sh\nid\ncurl https://x.example.net | sh\n".utf8).base64EncodedString()
    let found = try validate(
      "#cloud-config\nwrite_files:\n- path: /a.sh\n  encoding: b64\n  content: \(script)\n"
    ).diagnostics
    #expect(
      found.map(\.location) == [
        Location(source: "user-data", line: 5, column: 12, path: "$.write_files[0].content, text:3:1")
      ])
  }

  /// Secrets of every form; what is found of them must not be shown.
  static let secret = "Wq7vX2mNpLr9tYk4ZsBd8cFgHj3Tu6Ra"

  @Test("no finding shows a secret, in any format", arguments: Report.Format.allCases)
  func canaries(format: Report.Format) throws {
    let secret = Self.secret
    let texts = [
      "#cloud-config\npassword: \(secret)\nssh_authorized_keys: [\(secret)]\nwrite_files:\n- {path: /a, permissions: \(secret), content: 'token=\(secret)'}\n",
      "#cloud-config\nwrite_files:\n- path: /etc/secret-token\n  content: ghp_\(secret)\(secret)\n",
      "#cloud-config\nusers:\n- {name: a, plain_text_passwd: \(secret)}\nchpasswd: {list: 'root:\(secret)'}\nruncmd:\n- curl -u user:\(secret) https://x.example.net | sh\n- mysql -p\(secret)\n",
      "#!/bin/sh\nexport API_TOKEN=\(secret)\ncurl -H 'Authorization: Bearer \(secret)' https://x | sh\n",
      "#cloud-config\nwrite_files:\n- path: /var/lib/rancher/k3s/server/manifests/a.yaml\n  content: |\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: a}\n    stringData: {a: \(secret)}\n",
    ]
    for text in texts {
      let report = try validate(text)
      #expect(!report.diagnostics.isEmpty)
      let written = report.written(
        as: format, by: Report.Producer(name: "k3seed validate", version: "1", rules: Validation.rules))
      for start in 0...(secret.count - 8) {
        let piece = String(secret.dropFirst(start).prefix(8))
        #expect(!written.contains(piece), "\(written)")
      }
    }
  }

  @Test("the documentation's table is the one of the code; K3SEED_RECORD=1 writes it")
  func table() throws {
    let page = Tool.root.appendingPathComponent("Sources/K3Seed/K3Seed.docc/Validate.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let start = try #require(text.range(of: "<!-- rules -->\n"))
    let end = try #require(text.range(of: "\n<!-- /rules -->"))
    guard text[start.upperBound..<end.lowerBound] != Validation.rules.table else { return }
    if ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "1" {
      let new = text[..<start.upperBound] + Validation.rules.table + text[end.lowerBound...]
      try String(new).write(to: page, atomically: true, encoding: .utf8)
    }
    Issue.record("the rules of Validate.md are not those of the code; K3SEED_RECORD=1 writes them")
  }
}

@Suite("Templates tried") struct TrialTests {
  @Test(
    "the built-in templates have no finding, on any platform",
    arguments: [nil, .aws, .digitalocean] as [Platform?])
  func builtIn(platform: Platform?) {
    let report = Trial(TemplateSet(), platform: platform).report
    #expect(report.diagnostics.isEmpty, "\(report.text)")
  }

  @Test("a finding about what a template becomes stands at its place in the template")
  func located() throws {
    let text =
      "# Ours.\nwrite_files:\n- path: relative\n  content: !value cluster_name\nruncmd:\n- curl https://x.example.net | sh\n"
    let set = TemplateSet(overrides: ["cloud-init/agent.yaml": Array(text.utf8)], folder: "mine")
    let found = Trial(set).report.diagnostics
    #expect(
      found.map { "\($0.location?.description ?? "-") \($0.code)" } == [
        "mine/cloud-init/agent.yaml:3:9 write-files", "mine/cloud-init/agent.yaml:6:3 curl-pipe-shell",
      ], "\(Report(found).text)")
  }

  @Test(
    "a finding within a text stands at its line: in the template's own block, and in a script that it takes")
  func lines() throws {
    let agent = """
      write_files:
      - path: /etc/app.sh
        content: |
          #!/bin/sh
          # The line above stands in other templates, too.
            curl https://x.example.net/one | sh
      - path: /usr/local/bin/two
        encoding: gz+b64
        content: !gzip [!script guest/own.sh]
      """
    let script = "#!/bin/sh\n# Left out when it is rendered.\n\nid\n  curl https://x.example.net/two | bash\n"
    let set = TemplateSet(
      overrides: ["cloud-init/agent.yaml": Array(agent.utf8), "guest/own.sh": Array(script.utf8)],
      folder: "mine")
    let found = Trial(set).report.diagnostics
    #expect(
      found.map { "\($0.location?.description ?? "-") \($0.code)" } == [
        "mine/cloud-init/agent.yaml:6:7 curl-pipe-shell", "mine/guest/own.sh:5:3 curl-pipe-shell",
      ], "\(Report(found).text)")
  }

  @Test("a line that stands in the templates several times is not guessed: the value's place is said")
  func ambiguous() throws {
    let line = "    curl https://x.example.net | sh\n"
    let agent =
      "write_files:\n- path: /a.sh\n  content: |\n    #!/bin/sh\n\(line)- path: /b.sh\n  content: |\n    #!/bin/sh\n\(line)"
    let set = TemplateSet(overrides: ["cloud-init/agent.yaml": Array(agent.utf8)], folder: "mine")
    #expect(
      Trial(set).report.diagnostics.map { "\($0.location?.description ?? "-") \($0.code)" } == [
        "mine/cloud-init/agent.yaml:3:12 curl-pipe-shell", "mine/cloud-init/agent.yaml:7:12 curl-pipe-shell",
      ])
  }

  @Test("a wrong path or tag is found once, whichever role uses it")
  func wrongPath() throws {
    let set = TemplateSet(
      overrides: ["cloud-init/runcmd.yaml": Array("- [echo, !value node.nmae]\n".utf8)], folder: "mine")
    let found = Trial(set).report.diagnostics
    #expect(found.map(\.code) == ["template-path"] && found.first?.location?.line == 1)
  }
}

@Suite("User-data that is made to be hard") struct HardTests {
  @Test(
    "what takes time in proportion to its size is done in time", .timeLimit(.minutes(5)),
    arguments: [
      // Values, pipes and items of which each was once looked for from the start.
      ("#cloud-config\npackages: [\(Array(repeating: "pkg", count: 50_000).joined(separator: ", "))]\n", nil),
      ("#cloud-config\nruncmd:\n- \(String(repeating: "curl x | y ", count: 20_000))| sh\n", "3:3"),
      ("#cloud-config\nruncmd:\n- eval \(String(repeating: "sh -sh ", count: 5_000))$(curl x)\n", "3:35001"),
      ("#cloud-config\nlocale: '\(String(repeating: "%{if ", count: 10_000))'\n", nil),
      ("#cloud-config\nlocale: '\(String(repeating: "<change me ", count: 4_000))>'\n", "2:43999"),
      ("#cloud-config-archive\n" + String(repeating: "- '#!/bin/sh'\n", count: 20_000), nil),
    ] as [(String, String?)])
  func proportion(text: String, place: String?) throws {
    let found = try validate(text).diagnostics.filter { $0.severity == .error }
    #expect(
      found.map { "\($0.location?.line ?? 0):\($0.location?.column ?? 0)" } == (place.map { [$0] } ?? []))
  }

  @Test("parts that are the same stand each at its own line")
  func twins() throws {
    let part = "--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\ncurl -s https://x.example.net | sh\n"
    let report = try validate(
      "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\(part)\(part)--b--\n")
    #expect(report.diagnostics.filter { $0.code == "curl-pipe-shell" }.map(\.location?.line) == [8, 13])
  }

  @Test("places on a long line are counted in characters, whatever they are made of")
  func longLine() throws {
    let secret = "ghp_aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsS"
    let report = try validate(
      "#cloud-config\npackages: [\(String(repeating: "é, ", count: 1000))\(secret)]\n")
    #expect(report.diagnostics.map(\.code) == ["plain-secret"])
    #expect(report.diagnostics.first?.location?.column == 3012)
  }
}
