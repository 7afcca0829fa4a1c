import Foundation
import TestSupport
import Testing

@Suite("inspect") struct InspectTests {
  private func inspect(_ bytes: [UInt8], _ arguments: [String] = []) async throws -> Tool.Outcome {
    try await Tool.run([Tool.k3seed, "inspect", "-"] + arguments, input: bytes)
  }

  /// What stands below all content that is shown.
  private static let caution =
    "What looks like a secret is left out. That is a guess: read it before you pass it on.\n"
  private static let config =
    "#cloud-config\npackages: [jq]\nwrite_files:\n- path: /etc/motd\n  content: hello\n"
  private static let script = "#!/bin/sh\necho 'héllo' >/dev/console\n"

  @Test("It says what the user-data is, from a file and from a pipe")
  func plain() async throws {
    let expected = """
      \(Self.config.utf8.count) bytes

      part 1: text/cloud-config, \(Self.config.utf8.count) bytes
        keys: packages, write_files
        0644  5 B  /etc/motd

      """
    let piped = try await inspect(Array(Self.config.utf8))
    #expect(piped.text == expected && piped.errors.isEmpty && piped.status == 0)
    try await withTemporaryDirectory { folder in
      let file = try folder["user-data"].holding(Self.config)
      #expect(try await Tool.k3seed(["inspect", file.path]).text == expected)
    }
  }

  @Test("Modes, owners and encodings of files are shown as cloud-init would use them")
  func files() async throws {
    let text = """
      #cloud-config
      write_files:
      - {path: /a, content: "12345678", permissions: '0755', owner: 'www-data:www-data'}
      - {path: /b, encoding: b64, content: aGVsbG8=, permissions: 0600}
      - {path: /c, content: !!binary aGVsbG8h}
      - {path: /d}
      """
    let outcome = try await inspect(Array(text.utf8))
    #expect(
      outcome.text.hasSuffix(
        "  0755  8 B  /a  www-data:www-data\n  0600  5 B  /b\n  0644  6 B  /c\n  0644  0 B  /d\n"),
      "\(outcome.text)")
  }

  @Test("Layers are taken off, whoever put them there")
  func layers() async throws {
    let size = Self.config.utf8.count
    for (command, first) in [
      ("gzip -9", ", gzip of \(size)\n"), ("base64", ", base64 of \(size)\n"),
      ("base64 -w0", ", base64 of \(size)\n"),
      ("gzip | base64", ", gzip of \(size)\n"), ("base64 | base64", ", base64 of \(size)\n"),
      ("base64 | gzip", ", base64 of \(size)\n"),
      (
        "python3 -c 'import sys,zlib;c=zlib.compressobj(wbits=31);sys.stdout.buffer.write(c.compress(sys.stdin.buffer.read())+c.flush())'",
        ", gzip of \(size)\n"
      ),
    ] {
      let wrapped = try await Tool.shell(command, input: Array(Self.config.utf8)).output
      let outcome = try await inspect(wrapped, ["--content"])
      #expect(outcome.status == 0, "\(command): \(outcome.errors)")
      #expect(outcome.text.hasPrefix("\(wrapped.count) bytes, "), "\(outcome.text)")
      #expect(outcome.text.contains(first), "\(command): \(outcome.text)")
      #expect(outcome.text.contains("part 1: text/cloud-config, \(size) bytes\n"))
      #expect(
        outcome.text.hasSuffix(
          "\n#cloud-config\npackages:\n- jq\nwrite_files:\n- path: /etc/motd\n  content: hello\n\n\(Self.caution)"
        ))
    }
  }

  /// Writes messages as cloud-utils' write-mime-multipart and Terraform's cloudinit_config do, with Python's own
  /// `email` package.
  private static let composer = """
    import email.charset, json, sys
    from email.mime.multipart import MIMEMultipart
    from email.mime.text import MIMEText
    from email.mime.base import MIMEBase
    from email import encoders
    config, script = json.load(sys.stdin)
    def part(text, kind, cte, name=None):
        if cte == "base64":
            body = MIMEText(text, kind, "utf-8")
        elif cte == "quoted-printable":
            charset = email.charset.Charset("utf-8")
            charset.body_encoding = email.charset.QP
            body = MIMEText("", kind)
            del body["MIME-Version"], body["Content-Transfer-Encoding"], body["Content-Type"]
            body["Content-Type"] = f'text/{kind}; charset="utf-8"'
            body.set_payload(text, charset)
        else:
            body = MIMEText("", kind)
            body.set_payload(text.encode())
            del body["Content-Transfer-Encoding"]
            body["Content-Transfer-Encoding"] = "8bit" if not text.isascii() else "7bit"
            body.set_payload(text.encode().decode("ascii", "surrogateescape"))
        if name: body.add_header("Content-Disposition", "attachment", filename=name)
        return body
    def gzipped(text):
        import gzip
        body = MIMEBase("application", "gzip")
        body.set_payload(gzip.compress(text.encode()))
        encoders.encode_base64(body)
        return body
    def message(*parts, **more):
        whole = MIMEMultipart(**more)
        for body in parts: whole.attach(body)
        return whole
    messages = {}
    for cte in ("7bit", "base64", "quoted-printable"):
        messages[cte] = message(part(config, "cloud-config", cte, "a.yaml"), part(script, "x-shellscript", cte, "b c.sh"))
    messages["crlf"] = messages["7bit"]
    messages["nested"] = message(message(part(config, "cloud-config", "base64", "a.yaml")), part(script, "x-shellscript", "7bit", "b c.sh"))
    messages["plain types"] = message(part(config, "plain", "7bit", "a.yaml"), part(script, "plain", "base64", "b c.sh"))
    messages["odd boundary"] = message(part(config, "cloud-config", "7bit", "a.yaml"), part(script, "x-shellscript", "7bit", "b c.sh"), boundary="a b'()+_,-./:=?c")
    messages["gzip inside"] = message(gzipped(config), part(script, "x-shellscript", "7bit", "b c.sh"))
    result = {}
    for name, whole in messages.items():
        data = whole.as_bytes()
        if name == "crlf": data = data.replace(b"\\n", b"\\r\\n")
        result[name] = data.decode("latin-1")
    json.dump(result, sys.stdout)
    """

  @Test(
    "MIME messages of Python's email package", .enabled(if: Tool.has("python3"), "python3 is not installed"))
  func mime() async throws {
    let composed = try await Tool.run(
      ["python3", "-c", Self.composer], input: Array(json([Self.config, Self.script]).utf8))
    try #require(composed.status == 0, "\(composed.errors)")
    let messages = try JSONSerialization.jsonObject(with: Data(composed.output)) as? [String: String] ?? [:]
    #expect(messages.count == 8)
    for (name, text) in messages {
      let bytes = text.unicodeScalars.map { UInt8($0.value) }
      for wrap in ["cat", "gzip | base64"] {
        let wrapped = try await Tool.shell(wrap, input: bytes).output
        let outcome = try await inspect(wrapped, ["--content"])
        // The é of a script without an encoding reaches the node as a byte that is no UTF-8.
        let isEncoded = ["base64", "quoted-printable", "plain types"].contains(name)
        #expect(outcome.status == (isEncoded ? 0 : 2), "\(name): \(outcome.errors)")
        #expect(outcome.errors.contains("beyond ASCII") == !isEncoded, "\(name): \(outcome.errors)")
        #expect(outcome.findings.count == (isEncoded ? 0 : 1), "\(name): \(outcome.errors)")
        #expect(outcome.text.contains(", MIME of 2 parts\n"), "\(name): \(outcome.text)")
        // Each line break is a byte more with CRLF, the last one not: it is the boundary's.
        let (config, script) = (Self.config.utf8.count, Self.script.utf8.count)
        let (configSize, scriptSize) = name == "crlf" ? (config + 5, script + 2) : (config, script)
        // A shell would stumble over what the message made of its lines, so it is seen.
        let end = name == "crlf" ? "\\u{d}" : ""
        let title = name == "gzip inside" ? "\(config) bytes" : "\(configSize) bytes, a.yaml"
        #expect(
          outcome.text.contains("\npart 1: text/cloud-config, \(title)\n  keys: packages, write_files\n"),
          "\(name): \(outcome.text)")
        #expect(outcome.text.contains("  0644  5 B  /etc/motd\n"), "\(name)")
        #expect(
          outcome.text.contains("\npart 2: text/x-shellscript, \(scriptSize) bytes, b c.sh\n"),
          "\(name): \(outcome.text)")
        #expect(
          outcome.text.hasSuffix("\n#!/bin/sh\(end)\necho 'héllo' >/dev/console\(end)\n\n\(Self.caution)"),
          "\(name): \(outcome.text)")
      }
    }
  }

  @Test(
    "What cannot be read: exit code 2, nothing on standard output, one line that says why",
    arguments: [
      ("", "<stdin>: error: the file is empty [user-data-empty]"),
      (
        "MIME-Version: 1.0\nContent-Type: multipart/mixed\n\nx\n",
        "<stdin>: error: a multipart header names no boundary [user-data-mime]"
      ),
    ])
  func unreadable(text: String, error: String) async throws {
    expectRefusal(try await inspect(Array(text.utf8)), [error])
  }

  @Test("A multipart message without its end is shown, with a warning")
  func cutOff() async throws {
    let text = "Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\n\n#!/bin/sh\n"
    let outcome = try await inspect(Array(text.utf8))
    #expect(outcome.status == 0 && outcome.text.contains("MIME of 1 part\n"), "\(outcome.text)")
    let warning =
      "the multipart message has no closing boundary, so cloud-init reads its last part as far as it goes"
    #expect(outcome.errors.contains("<stdin>:6:1: warning: \(warning); "), "\(outcome.errors)")
    let closed = try await inspect(Array("\(text)--b--\n".utf8))
    #expect(closed.status == 0 && closed.errors.isEmpty && closed.text.contains("MIME of 1 part\n"))
  }

  @Test("Damaged gzip is told from gzip that is cut off")
  func damagedGzip() async throws {
    let gzip = try await Tool.shell("gzip", input: Array(Self.config.utf8)).output
    var damaged = gzip
    damaged[gzip.count - 6] ^= 1
    for bytes in [
      Array(gzip.dropLast(9)), damaged, Array(gzip.prefix(12)),
      Array(Data(gzip.dropLast(9)).base64EncodedString().utf8),
    ] {
      let outcome = try await inspect(bytes)
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(
        outcome.findings.count == 1
          && outcome.errors.hasPrefix("<stdin>: error: the gzip layer cannot be read: "), "\(outcome.errors)")
    }
    expectRefusal(
      try await Tool.k3seed(["inspect", "/nonexistent"]),
      ["/nonexistent: error: cannot be read: No such file or directory [file]"])
  }

  @Test("A gzip that expands without end is refused, not unpacked")
  func bomb() async throws {
    let bomb = try await Tool.shell("head -c 60000000 /dev/zero | gzip | gzip").output
    let outcome = try await inspect(bomb)
    #expect(outcome.status == 2 && outcome.findings.count == 1, "\(outcome.errors)")
  }

  @Test("All compressed files of a payload together expand to 4 MiB; what is over it stays compressed")
  func bombs() async throws {
    // 0600, so that nothing of it is shown.
    let file = try await Tool.shell("head -c 3000000 /dev/zero | gzip | base64 -w 0").text
    let entry = "- {path: /a, permissions: '0600', encoding: gz+b64, content: \(file)}\n"
    let outcome = try await inspect(
      Array("#cloud-config\nwrite_files:\n\(entry)\(entry)".utf8), ["--content"])
    let size = try #require(Data(base64Encoded: file)).count
    #expect(outcome.status == 0)
    #expect(outcome.text.contains("<3000000 bytes not shown>"), "\(outcome.text.prefix(500))")
    #expect(outcome.text.contains("<\(size) bytes not shown>"), "\(outcome.text.prefix(500))")
    #expect(outcome.text.components(separatedBy: "3,000,000 B").count == 2, "\(outcome.text.prefix(500))")
  }

  @Test("What cloud-init would ignore gets a warning, and cannot drive the terminal")
  func garbage() async throws {
    for bytes in [
      Array("hello\u{1B}[2Jworld \u{7}\n".utf8), [0, 0xFF, 0x1B, 0x5B, 0x9B, 10, 13, 0xC2, 0x9B],
    ] {
      let outcome = try await inspect(bytes, ["--content"])
      #expect(outcome.status == 0)
      #expect(
        outcome.errors
          == "<stdin>:1:1: warning: the first line is none that cloud-init knows, so it ignores the part; begin it with #cloud-config or #! [user-data-type]\n"
      )
      #expect(outcome.text.contains("part 1: unknown, \(bytes.count) bytes\n"))
      let scalars = outcome.text.unicodeScalars
      #expect(!scalars.contains { $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value) })
    }
  }

  @Test(
    "A cloud-config that is no YAML is bad input, and nothing of it is shown",
    arguments: [
      ("a: 'b\nsecret: SECRET\n", 4, 1, "yaml-syntax"), ("password: *SECRET\n", 2, 11, "yaml-alias"),
    ])
  func broken(text: String, line: Int, column: Int, code: String) async throws {
    let canary = Canary("broken", awkward: false)
    let outcome = try await inspect(
      Array("#cloud-config\n\(text.replacing("SECRET", with: canary.value))".utf8), ["--content"])
    #expect(outcome.status == 2)
    #expect(outcome.text.contains("cannot be read as YAML"))
    #expect(canary.trace(in: outcome) == nil)
    #expect(
      outcome.findings.count == 1 && outcome.errors.hasPrefix("<stdin>:\(line):\(column): error: ")
        && outcome.errors.hasSuffix("[\(code)]\n"), "\(outcome.errors)")
  }

  // MARK: Secrets of others

  struct Foreign: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// User-data in which `SECRET` stands for the secret.
    var text: String
    /// What is no secret, and is to be seen.
    var shown: String

    init(_ description: String, _ text: String, shows shown: String) {
      testDescription = description
      self.text = text
      self.shown = shown
    }
  }

  static let foreign = [
    Foreign(
      "chpasswd of cloud-config",
      "#cloud-config\nhostname: web\nchpasswd:\n  list: |\n    root:SECRET\n    a:SECRET\n", shows: "web"),
    Foreign(
      "chpasswd users",
      "#cloud-config\nhostname: web\nchpasswd: {users: [{name: root, password: SECRET, type: text}]}\n",
      shows: "web"),
    Foreign(
      "users",
      "#cloud-config\nusers:\n- name: web\n  passwd: SECRET\n- {name: b, plain_text_passwd: SECRET}\n- {name: c, hashed_passwd: SECRET}\n",
      shows: "web"),
    Foreign("password", "#cloud-config\nhostname: web\npassword: SECRET\n", shows: "web"),
    Foreign(
      "files of the owner",
      "#cloud-config\nwrite_files:\n- path: /etc/web\n  permissions: '0600'\n  content: SECRET\n- {path: /b, permissions: '0400', encoding: b64, content: U0VDUkVU}\n- {path: /c, permissions: '600', content: SECRET}\n- {path: /d, permissions: '0o600', content: SECRET}\n",
      shows: "/etc/web"),
    Foreign(
      "settings in a file for all",
      "#cloud-config\nwrite_files:\n- path: /etc/web.env\n  content: |\n    PORT=80\n    DB_PASS=SECRET\n    API_KEY = 'SECRET'\n    export AUTH='SECRET'\n",
      shows: "PORT=80"),
    Foreign(
      "an ini file",
      "#cloud-config\nwrite_files:\n- path: /etc/wireguard/wg0.conf\n  content: |\n    [Interface]\n    Address = 10.0.0.1/32\n    PrivateKey = SECRET\n    PresharedKey=SECRET\n",
      shows: "Address = 10.0.0.1/32"),
    Foreign(
      "JSON in a file",
      "#cloud-config\nwrite_files:\n- path: /etc/a.json\n  content: '{\"user\":\"web\",\"password\":\"SECRET\",\"token\": \"SECRET\"}'\n",
      shows: "{\"user\":\"web\""),
    Foreign(
      "a Secret in a file",
      "#cloud-config\nwrite_files:\n- path: /m.yaml\n  content: |\n    apiVersion: v1\n    kind: Secret\n    metadata: {name: web}\n    data:\n      a: SECRET\n    stringData:\n      b: |\n        SECRET\n",
      shows: "name: web"),
    Foreign(
      "commands as lists",
      "#cloud-config\nruncmd:\n- [curl, -u, 'web:SECRET', https://example.net]\n- [k3s, server, --token, SECRET]\n- [mysql, '--password=SECRET', -e, 'select 1']\n- [mysql, -pSECRET, web]\n",
      shows: "https://example.net"),
    Foreign(
      "commands as text",
      "#cloud-config\nruncmd:\n- curl -u web:SECRET https://example.net\n- echo 'root:SECRET' | chpasswd\n- curl -sfL https://get.k3s.io | K3S_TOKEN=SECRET sh -\n",
      shows: "curl -sfL https://get.k3s.io"),
    Foreign(
      "keys of the host",
      "#cloud-config\nhostname: web\nssh_keys:\n  rsa_private: |\n    -----BEGIN RSA PRIVATE KEY-----\n    SECRET\n    -----END RSA PRIVATE KEY-----\n",
      shows: "web"),
    Foreign(
      "subscriptions",
      "#cloud-config\nhostname: web\nrh_subscription: {activation-key: SECRET, username: a}\nubuntu_advantage: {token: SECRET}\npuppet: {conf: {agent: {a: b}}}\n",
      shows: "web"),
    Foreign(
      "a script that exports",
      "#!/bin/bash\nset -e\nexport TOKEN=SECRET\nexport DB_PASSWORD=\"SECRET SECRET\"\nPGPASSWORD='SECRET' psql\nreadonly MY_API_KEY=SECRET # web\n",
      shows: "set -e"),
    Foreign(
      "a script that calls",
      "#!/bin/sh\nset -e\ncurl -u web:SECRET https://a\ncurl -uweb:SECRET https://a\ncurl --user web:SECRET https://a\ncurl --user=web:SECRET https://a\ncurl -H \"Authorization: Bearer SECRET\" https://a\ncurl -H 'X-Api-Key: SECRET' https://a\ncurl https://web:SECRET@example.net/x\ngit clone https://SECRET@example.net/x\n",
      shows: "set -e"),
    Foreign(
      "a script that logs in",
      "#!/bin/sh\nset -e\necho SECRET | docker login --password-stdin -u web\ndocker login -u web -p SECRET r\necho root:SECRET | chpasswd\nchpasswd <<< root:SECRET\nchpasswd <<EOF\nroot:SECRET\nEOF\necho SECRET > /run/secrets/db\nprintf SECRET | tee /etc/token\nmysql -e \"CREATE USER a IDENTIFIED BY 'SECRET'\"\n",
      shows: "set -e"),
    Foreign(
      "a script with here-documents",
      "#!/bin/sh\nset -e\ncat >/root/.pgpass <<'END'\na:b:c:SECRET\n  SECRET\nEND\ncat > /etc/token <<-X\n\tSECRET\n\tX\necho done\n",
      shows: "echo done"),
    Foreign(
      "a script with long commands",
      "#!/bin/sh\nset -e\ncurl -u \\\n  web:SECRET \\\n  https://a\nexport TOKEN=\"one\nSECRET\nthree\"\necho done\n",
      shows: "echo done"),
    Foreign("Windows line ends", "#!/bin/sh\r\nset -e\r\nTOKEN=SECRET\r\necho done\r\n", shows: "echo done"),
    Foreign(
      "a private key",
      "#!/bin/sh\nset -e\ncat >/root/id <<EOF\n-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\nSECRET\n-----END OPENSSH PRIVATE KEY-----\nEOF\necho done\n",
      shows: "echo done"),
    Foreign(
      "tokens by their form",
      "#!/bin/sh\nset -e\nlogin ghp_SECRET\nlogin \"glpat-SECRET\"\nx=ghp_SECRET\necho cfut_SECRET eyJSECRET\n",
      shows: "set -e"),
    Foreign(
      "a template of jinja",
      "## template: jinja\n#cloud-config\nhostname: web\npassword: SECRET\nwrite_files:\n- path: /a\n  permissions: '0600'\n  content: SECRET\n",
      shows: "web"),
    Foreign(
      "an archive",
      "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    hostname: web\n    password: SECRET\n    write_files:\n    - {path: /a, permissions: '0600', content: SECRET}\n- '#!/bin/sh\\nTOKEN=SECRET'\n",
      shows: "text/cloud-config"),
    Foreign(
      "a first line that is wrong",
      "\n#cloud-config\nhostname: web\nwrite_files:\n- path: /a\n  permissions: '0600'\n  content: SECRET\n",
      shows: "web"),
    Foreign(
      "a script that writes a cloud-config",
      "#!/bin/sh\nset -e\ncat >/seed <<EOF\n#cloud-config\npassword: SECRET\nEOF\n", shows: "set -e"),
    Foreign(
      "a template that is no YAML",
      "## template: jinja\n#cloud-config\n{% if x %}\nwrite_files:\n- {path: /a, permissions: '0600', content: SECRET}\n{% endif %}\n",
      shows: "cannot be read as YAML"),
    Foreign(
      "an include", "#include\nhttps://web:SECRET@example.net/a\nhttps://example.net/b\n",
      shows: "https://example.net/b"),
  ]

  @Test("Secrets of other people's user-data are left out as well", arguments: foreign)
  func others(foreign: Foreign) async throws {
    let canary = Canary(foreign.testDescription, awkward: false)
    let encoded = Data("\(canary.value)".utf8).base64EncodedString()
    let text = foreign.text.replacing("U0VDUkVU", with: encoded).replacing("SECRET", with: canary.value)
    let bytes = Array(text.utf8)
    #expect(canary.trace(in: bytes) != nil)
    let mime =
      "Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n\(Data(bytes).base64EncodedString(options: .lineLength76Characters))\n--b--\n"
    let wrapped = try await [
      bytes, Array(mime.utf8), Array(mime.utf8.dropLast(6)),
      Tool.shell("gzip | base64 | base64", input: bytes).output,
    ]
    for bytes in wrapped {
      for style in [[], ["--content"]] {
        let outcome = try await inspect(bytes, style)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(canary.trace(in: outcome) == nil, "\(outcome.text)")
        if !style.isEmpty { #expect(outcome.text.contains(foreign.shown), "\(outcome.text)") }
      }
    }
  }
}
