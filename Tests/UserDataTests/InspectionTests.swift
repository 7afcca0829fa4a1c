import Diagnostics
import Foundation
import Gzip
import Plan
import Secrets
import Templates
import TestSupport
import Testing

@testable import UserData

@Suite("Inspection") struct InspectionTests {
  private func inspect(_ bytes: [UInt8]) throws -> Inspection { try Inspection(bytes, source: "f") }
  private func inspect(_ text: String) throws -> Inspection { try inspect(Array(text.utf8)) }

  private func findings(_ bytes: [UInt8]) -> [String] {
    do {
      return try Inspection(bytes, source: "f").report.diagnostics.map(\.line)
    } catch {
      return error.diagnostics.map(\.line)
    }
  }

  // MARK: Layers

  static let config = Array("#cloud-config\nhostname: a\n".utf8)

  @Test("every layer is taken off, outermost first, and what is under them is the same")
  func layers() throws {
    let gzip = Gzip.compress(Self.config)
    let cases: [([UInt8], [Inspection.Layer])] = [
      (Self.config, []), (gzip, [.gzip(decoded: Self.config.count)]),
      (Base64.encode(Self.config), [.base64(decoded: Self.config.count)]),
      (Base64.encode(gzip), [.base64(decoded: gzip.count), .gzip(decoded: Self.config.count)]),
      (
        Base64.encode(Base64.encode(Self.config)),
        [.base64(decoded: Base64.encode(Self.config).count), .base64(decoded: Self.config.count)]
      ),
      (
        Array(
          Data(Self.config).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed]).utf8
        ) + [0x0A],
        [.base64(decoded: Self.config.count)]
      ),
    ]
    for (bytes, layers) in cases {
      let inspection = try inspect(bytes)
      #expect(inspection.layers == layers)
      #expect(inspection.bytes == bytes.count)
      #expect(inspection.parts.map(\.type) == ["text/cloud-config"])
      #expect(inspection.parts[0].bytes == Self.config.count)
      #expect(inspection.parts[0].redacted == "#cloud-config\nhostname: a\n")
    }
  }

  @Test(
    "what is damaged is said",
    arguments: [
      ([], "f: error: the file is empty [user-data-empty]"),
      (Array(Gzip.compress(config).dropLast(9)), "f: error: the gzip layer cannot be read: "),
      (Base64.encode(Array(Gzip.compress(config).dropLast(9))), "f: error: the gzip layer cannot be read: "),
      (
        Array("hello, world\n".utf8),
        "f:1:1: warning: the first line is none that cloud-init knows, so it ignores the part; begin it with #cloud-config or #! [user-data-type]"
      ),
      (Array("#cloud-config\na: [".utf8), "f:3:1: error: not YAML: "),
      (
        Array("MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nx".utf8),
        "f: error: a multipart header names no boundary [user-data-mime]"
      ),
      (
        Array("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n#!/bin/sh\n".utf8),
        "f:6:1: warning: the multipart message has no closing boundary, so cloud-init reads its last part as far as it goes; "
      ),
    ] as [([UInt8], String)])
  func damaged(bytes: [UInt8], finding: String) {
    #expect(findings(bytes).count == 1)
    #expect(findings(bytes).first?.hasPrefix(finding) == true, "\(findings(bytes))")
  }

  @Test("permissions that are no number are not shown: anything may stand there by mistake")
  func modes() throws {
    let text = try inspect(
      "#cloud-config\nwrite_files:\n- {path: /a, permissions: canary-Xk29}\n- {path: /b, permissions: '0o640'}\n- {path: /c, permissions: '0600'}\n"
    ).text(showsContent: false)
    #expect(text.contains("  ----  0 B  /a\n  0o640  0 B  /b\n  0600  0 B  /c\n"), "\(text)")
  }

  @Test("what cannot be read as YAML is not shown, since its secrets cannot be told apart")
  func unreadable() throws {
    let part = try inspect("#cloud-config\npassword: [c4n4ry").parts[0]
    #expect(
      part.redacted == "<not shown: it cannot be read as YAML, so secrets in it cannot be told apart>\n")
    #expect(part.keys.isEmpty && part.files.isEmpty)
  }

  @Test(
    "a part is what its first line says, as cloud-init reads it",
    arguments: [
      ("#cloud-config\na: b", "text/cloud-config"), ("#!/bin/sh\nid", "text/x-shellscript"),
      ("#include\nhttps://h", "text/x-include-url"),
      ("#include-once\nhttps://h", "text/x-include-once-url"), ("#cloud-boothook\nid", "text/cloud-boothook"),
      ("#part-handler\n", "text/part-handler"), ("## template: jinja\n#cloud-config\n", "text/jinja2"),
      ("#cloud-config-archive\na: b", "text/cloud-config-archive"),
      ("#cloud-config-jsonp\n[]", "text/cloud-config-jsonp"), ("id", "unknown"),
    ])
  func types(text: String, type: String) throws {
    #expect(try inspect(text).parts.map(\.type) == [type])
  }

  @Test("an archive is its items: each of its own type, or of its first line's, or else a cloud-config")
  func archive() throws {
    let inspection = try inspect(
      """
      #cloud-config-archive
      - {type: text/cloud-config, filename: a.yaml, content: "packages: [jq]"}
      - "#!/bin/sh\\nid"
      - hostname
      - "hostname: web"
      - [no, text]
      - {content: "#cloud-boothook\\nid"}
      """)
    #expect(inspection.layers == [.archive])
    #expect(
      inspection.parts.map(\.type) == [
        "text/cloud-config", "text/x-shellscript", "text/cloud-config", "text/cloud-config",
        "text/cloud-config", "text/cloud-boothook",
      ])
    #expect(inspection.parts.map(\.keys) == [["packages"], [], [], ["hostname"], [], []])
    #expect(inspection.parts[0].name == "a.yaml")
    #expect(inspection.text(showsContent: false).contains(", cloud-config-archive of 6 parts\n"))
  }

  @Test("secrets in an archive are taken out like any others")
  func archiveSecrets() throws {
    let text = try inspect("#cloud-config-archive\n- \"#cloud-config\\npassword: c4n4ry\"\n").text(
      showsContent: true)
    #expect(text.contains("password: ") && !text.contains("c4n4ry"))
  }

  @Test("the files of a cloud-config are listed with their decoded sizes")
  func files() throws {
    let part = try inspect(
      """
      #cloud-config
      runcmd: [id]
      write_files:
        - {path: /a, content: abc}
        - {path: /b, permissions: '0600', owner: 'root:x', encoding: b64, content: YWJjZA==}
        - {path: /c, permissions: 0o640, encoding: gz+b64, content: \(String(decoding: Base64.encode(Gzip.compress([1, 2, 3, 4, 5])), as: UTF8.self))}
        - {content: none}
      """
    ).parts[0]
    #expect(part.keys == ["runcmd", "write_files"])
    #expect(part.files.map(\.path) == ["/a", "/b", "/c"])
    #expect(part.files.map(\.bytes) == [3, 4, 5])
    #expect(part.files.map(\.mode).prefix(2) == ["0644", "0600"])
    #expect(part.files.map(\.owner) == [nil, "root:x", nil])
  }

  @Test("a file that would expand without end stops at the limit")
  func bomb() {
    let bomb = Gzip.compress([UInt8](repeating: 0, count: Inspection.limit + 1))
    #expect(findings(bomb).first?.hasPrefix("f: error: the gzip layer cannot be read: ") == true)
  }

  // MARK: k3seed's own

  @Test("what k3seed renders is what inspect sees, in every encoding", arguments: Encoding.allCases)
  func ownPayload(encoding: Encoding) throws {
    let userData = try Cluster(example: "literal").render(.server, encoding)
    let inspection = try inspect(userData.delivered)
    #expect(inspection.report == Report())
    #expect(inspection.parts.map(\.type) == ["text/cloud-config"])
    #expect(inspection.parts[0].bytes == userData.plain.count)
    #expect(
      inspection.parts[0].files.map(\.path)
        == userData.document["write_files"]?.items.map { $0["path"]?.text })
    let text = inspection.text(showsContent: true)
    for secret in ["EXAMPLE-this-is-not-a-cloudflare-token-0", "EXAMPLE-4tG9qLx2VwZk7RcNb0JmYd8"] {
      #expect(!text.contains(secret) && !text.contains(Data(secret.utf8).base64EncodedString()))
    }
    #expect(text.contains("stage_complete"))
    #expect(text.contains("node-name: server"))
    #expect(!inspection.text(showsContent: false).contains("stage_complete"))
  }

  @Test("the text of an inspection")
  func text() throws {
    let inspection = try inspect(
      """
      MIME-Version: 1.0
      Content-Type: multipart/mixed; boundary="b"

      --b
      Content-Type: text/cloud-config
      Content-Disposition: attachment; filename="a\u{1B}.cfg"

      #cloud-config
      write_files: [{path: /a, content: TOKEN=c4n4ry}, {path: /b, owner: x, permissions: '0600', content: c4n4ry}]
      --b

      #!/bin/sh
      id
      --b--

      """)
    #expect(
      inspection.text(showsContent: true) == """
        298 bytes, MIME of 2 parts

        part 1: text/cloud-config, 122 bytes, a\\u{1b}.cfg
          keys: write_files
          0644  12 B  /a
          0600   6 B  /b  x

        #cloud-config
        write_files:
        - path: /a
          content: 'TOKEN=<not shown>'
        - path: /b
          owner: x
          permissions: '0600'
          content: '<6 bytes not shown>'

        part 2: text/x-shellscript, 12 bytes

        #!/bin/sh
        id

        \(Redactor.caution)

        """)
  }

  // MARK: MIME

  @Test(
    "a message that Python's email package wrote reads back",
    .enabled(if: Tool.has("python3"), "needs python3"))
  func pythonMIME() async throws {
    let script = """
      import sys, gzip
      from email.mime.multipart import MIMEMultipart
      from email.mime.text import MIMEText
      from email.mime.application import MIMEApplication
      outer = MIMEMultipart()
      for text, kind, name, charset in [
          ("#cloud-config\\nhostname: a\\n", "cloud-config", "one.cfg", "us-ascii"),
          ("#!/bin/sh\\necho 'é = \\t '\\n", "x-shellscript", "two.sh", "utf-8")]:
          part = MIMEText(text, kind, charset)
          part.add_header("Content-Disposition", "attachment", filename=name)
          outer.attach(part)
      inner = MIMEMultipart("alternative")
      quoted = MIMEText("", "plain"); quoted.replace_header("Content-Transfer-Encoding", "quoted-printable")
      quoted.set_payload("#!/bin/sh\\n# =C3=A9 =3D soft=\\n line\\n")
      inner.attach(quoted)
      inner.attach(MIMEApplication(gzip.compress(b"#cloud-config\\nruncmd: [id]\\n"), "gzip"))
      outer.attach(inner)
      sys.stdout.write(outer.as_string())
      """
    let outcome = try await Tool.run(["python3", "-c", script])
    try #require(outcome.status == 0, "\(outcome.errors)")
    for bytes in [outcome.output, Array(outcome.text.replacing("\n", with: "\r\n").utf8)] {
      let inspection = try inspect(bytes)
      #expect(inspection.layers == [.mime])
      #expect(
        inspection.parts.map(\.type) == [
          "text/cloud-config", "text/x-shellscript", "text/x-shellscript", "text/cloud-config",
        ])
      #expect(inspection.parts.map(\.name) == ["one.cfg", "two.sh", nil, nil])
      let end = bytes.contains(0x0D) ? 1 : 0
      #expect(inspection.parts.map(\.bytes)[0] == "#cloud-config\nhostname: a\n".utf8.count + 2 * end)
      #expect(inspection.parts[0].redacted == "#cloud-config\nhostname: a\n")
      #expect(inspection.parts[1].redacted.hasPrefix("#!/bin/sh\necho 'é = \t '"))
      #expect(inspection.parts[2].redacted.hasPrefix("#!/bin/sh\n# é = soft line"))
      #expect(inspection.parts[3].keys == ["runcmd"])
    }
  }

  @Test(
    "a MIME body is what its headers say",
    arguments: [
      ("Content-Type: text/x-shellscript\n\nid\n", "text/x-shellscript", nil, "id\n"),
      ("Content-Type: TEXT/X-Shellscript;\n name=\"a b\"\n\nid", "text/x-shellscript", "a b", "id"),
      ("Content-Transfer-Encoding: BASE64\n\naWQK\n", "text/plain", nil, "id\n"),
      ("Content-Transfer-Encoding: base64\n\n???", "text/plain", nil, "???"),
      ("Content-Transfer-Encoding: base64\n\naWQKaWQ\nKaW", "text/plain", nil, "id\nid\ni"),
      ("Content-Type: cloud-config\n\nid", "text/plain", nil, "id"),
      ("Content-Transfer-Encoding: quoted-printable\n\na=3Db=\nc =zz=4\n", "text/plain", nil, "a=bc =zz=4\n"),
      ("Subject: x\n\n", "text/plain", nil, ""),
    ] as [(String, String, String?, String)])
  func bodies(message: String, type: String, name: String?, content: String) throws {
    let bodies = try MIME.read(Array(message.utf8), source: "f").bodies
    #expect(bodies.map(\.type) == (content.isEmpty ? [] : [type]))
    #expect(bodies.map(\.name) == (content.isEmpty ? [] : [name]))
    #expect(bodies.map { String(decoding: $0.content, as: UTF8.self) } == (content.isEmpty ? [] : [content]))
  }

  @Test(
    "a message of several parts is read as Python's email package reads it, which is lenient",
    .enabled(if: Tool.has("python3"), "needs python3"),
    arguments: [
      "\n--b\n\none\n--b\n\ntwo\n--b--\nafter\n", "\n--b\n\none\n--b\n\ntwo\n", "--b\n#!/bin/sh\nid\n--b--",
      "\n--b\n#cloud-config\na: b\n--b\nX-Own: c\n\nhostname: a\n--b--\n",
      "before\n--b\nnot: a\nheader too\n--b--\n",
      "\n--b\nhostname:a\n--b\nhost name: a\n--b--\n", "\n--b\n\none\n--b\n",
    ])
  func lenient(parts: String) async throws {
    let message = "Content-Type: multipart/mixed; boundary=b\nMIME-Version: 1.0\n\(parts)"
    let script = """
      import email, sys, json
      parts = [p.get_payload() for p in email.message_from_string(sys.stdin.read()).walk() if not p.is_multipart()]
      json.dump([p for p in parts if p], sys.stdout)
      """
    let outcome = try await Tool.run(["python3", "-c", script], input: Array(message.utf8))
    let expected = try JSONDecoder().decode([String].self, from: Data(outcome.output))
    let found = try MIME.read(Array(message.utf8), source: "f")
    #expect(found.bodies.map { String(decoding: $0.content, as: UTF8.self) } == expected)
    #expect(found.problems.isEmpty == parts.contains("--b--"))
  }

  @Test(
    "what is taken for a message is what cloud-init takes for one",
    arguments: [(4096 - 13, true), (4096 - 12, false), (0, true)])
  func isMessage(offset: Int, isMessage: Bool) {
    #expect(
      MIME.isMessage([UInt8](repeating: 0x20, count: offset) + Array("MIME-Version: 1.0".utf8)) == isMessage)
  }
}
