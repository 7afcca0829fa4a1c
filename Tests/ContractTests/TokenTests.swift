import Diagnostics
import Foundation
import Inputs
import K3Seed
import TestSupport
import Testing
import UserData

/// Any value at all that may stand in a Terraform output: it arrives byte for byte, or is refused with the input's
/// name and place, and never shown.
@Suite("Any Cloudflare token") struct TokenTests {
  /// Texts that break something somewhere.
  static let awkward: [String] = [
    "{{ }}", "{{- x -}}", "%{ if }", "${x}", "$${x}", "$HOME", "`id`", "$(id)", "'", "''", "\"", "\\", "\\n",
    "'\\''",
    "\"'\"'\"", "a: b", "a #b", "# a", "- a", "? a", "!x a", "&x a", "*x", "| ", "|", ">", "%YAML 1.1", "---",
    "...",
    "a\n---\nb", "@", "yes", "no", "on", "off", "true", "null", "~", "", " ", "0777", "0o777", "1e3", "1_000",
    "12:30:45",
    "2026-01-01", "=", "<<", ".inf", ".nan", "-0", "0x1F", "0b1", "[a]", "{a: b}", "a,b", "key: |\n  x", "\n",
    "a\n", "\na",
    "a\r", "a\rb", "\r\n", "\t", "a\tb", "\0", "a\0b", "\u{1}", "\u{7}", "\u{8}", "\u{B}", "\u{C}",
    "\u{1B}[31m", "\u{7F}",
    "\u{80}", "\u{85}", "a\u{85}b", "\u{9F}", "\u{A0}", "a\u{A0}b", "\u{AD}", "\u{FEFF}", "\u{FEFF}a",
    "a\u{FEFF}b",
    "\u{2028}", "a\u{2028}b", "a\u{2029}b", "a\u{202E}b", "\u{FFFD}", "\u{FFFE}", "\u{FFFF}", "a\u{FFFF}b",
    "\u{E000}",
    "\u{10FFFF}", "a\u{1FFFE}b", "🌊", "👩‍👩‍👧‍👦", "e\u{301}", "\u{E9}", "ﬃ", "İ", "ß", "MIME-Version: 1.0",
    "mime-version:",
    "Content-Type: multipart/mixed", "#cloud-config", "#!/bin/sh", "## template: jinja", "#include",
    "H4sIAAAA", "\u{1F}\u{8B}",
    "!secret x", "!!binary aGVsbG8=", "!value node.name", "${item.value}", "$1", "%s", "%n", "\\x41",
    "\\u0041", "&amp;", "<b>",
    "../../etc/passwd", "a/b", ";id", "a;b", "&&", "||", "|id", "> /x", "* * *", "?", "~root", "-n", "--help",
    "EOF", "'EOF'",
    "ocid1.vaultsecret.", "cfk_abc", "cfut_abc", String(repeating: "0a", count: 18) + "b",
    "trailing ", " leading", "a\u{3000}", "\u{200B}", "a\u{200B}", "a  b", "a\\", "\\a", "\\\"", "a'b\"c`d$e",
    String(repeating: "x", count: 200), String(repeating: "x y ", count: 60) + "z",
    String(repeating: "'", count: 90),
    String(repeating: "\\", count: 127), String(repeating: "é", count: 300),
  ]

  static let alphabet: [String] =
    awkward.filter { (1...12).contains($0.count) } + (33...126).map { String(Unicode.Scalar(UInt8($0))) }

  static let random: [String] = {
    var random = SplitMix(seed: 20_26)
    return (0..<400).map { index in
      // Every third of text without control characters, most of which is to arrive.
      let letters =
        index.isMultiple(of: 3) ? alphabet : alphabet.filter { !$0.unicodeScalars.contains(where: isControl) }
      return (0..<Int.random(in: 1...24, using: &random)).map { _ in
        letters.randomElement(using: &random) ?? ""
      }
      .joined()
    }
  }()

  static let long: [String] = [
    String(repeating: "x", count: 65_536), String(repeating: "'\"\\ ${{", count: 9363),
    String(repeating: "🌊", count: 16_384), String(repeating: "a b", count: 21_845),
  ]

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control
  }

  private func document(_ token: String, platform: String = "nocloud") throws -> [UInt8] {
    let values: [String: Any] = [
      "cloudflare_api_token": ["value": token, "type": "string", "sensitive": true],
      "git_repo_url": ["value": "https://git.example.net/a.git", "type": "string", "sensitive": false],
      "platform": ["value": platform, "type": "string", "sensitive": false],
    ]
    return try Array(JSONSerialization.data(withJSONObject: values, options: [.sortedKeys, .prettyPrinted]))
  }

  private func render(_ input: [UInt8]) throws(Report) -> [UInt8] {
    try Project(terraform: .terraform(input, source: "outputs.json")).render().userData.delivered
  }

  /// What PyYAML finds in the token's file of each payload.
  private func arrived(_ payloads: [[UInt8]]) async throws -> [[UInt8]] {
    let program = """
      import base64, json, sys, yaml
      def token(data):
          files = yaml.safe_load(base64.b64decode(data))["write_files"]
          found = [f for f in files if f["path"] == "/var/lib/k3seed/secrets/cloudflare_api_token"]
          assert len(found) == 1 and found[0]["permissions"] == "0600", found
          return base64.b64encode(found[0]["content"].encode("utf-8")).decode()
      json.dump([token(data) for data in json.load(sys.stdin)], sys.stdout)
      """
    let input = try JSONSerialization.data(withJSONObject: payloads.map { Data($0).base64EncodedString() })
    let outcome = try await Tool.run(["python3", "-c", program], input: Array(input))
    try #require(outcome.status == 0, "\(outcome.errors)")
    let found = try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String] ?? []
    return found.map { Array(Data(base64Encoded: $0) ?? Data()) }
  }

  /// Expects a refusal that says which input and where, and holds nothing of the value.
  private func expectRefusal(_ report: Report, of token: String) {
    let errors = report.diagnostics.filter { $0.severity == .error }
    #expect(errors.count == 1, "\(token.debugDescription): \(report.text)")
    for error in errors {
      #expect(error.message.contains("cloudflare_api_token"), "\(token.debugDescription)")
      #expect(
        error.location?.source == "outputs.json" && error.location?.path == "$.cloudflare_api_token.value")
      #expect(error.location?.line == 5 && error.location?.column == 15, "\(error.line)")
    }
    // Six scalars in a row of the value stand in no finding.
    let scalars = Array(token.unicodeScalars)
    guard scalars.count >= 6 else { return }
    for start in stride(from: 0, through: min(scalars.count, 400) - 6, by: 1) {
      var part = String.UnicodeScalarView()
      part.append(contentsOf: scalars[start..<start + 6])
      let words = ["cloudflare_api_token", "ocid1.vaultsecret.", "Content-Type"]
      guard !words.contains(where: { $0.contains(String(part)) }) else { continue }
      #expect(!report.text.contains(String(part)), "\(token.debugDescription)")
    }
  }

  @Test(
    "arrives byte for byte, as cloud-init reads it, or is refused by name and place",
    .enabled(if: Tool.has("python3"), "python3 is not installed"))
  func property() async throws {
    var rendered: [(token: String, payload: [UInt8])] = []
    for token in Self.awkward + Self.random + Self.long {
      do {
        rendered.append((token, try render(document(token))))
      } catch let report as Report {
        expectRefusal(report, of: token)
        let scalars = token.unicodeScalars
        let isOdd =
          token.isEmpty || scalars.contains(where: Self.isControl)
          || scalars.first?.properties.isWhitespace == true || scalars.last?.properties.isWhitespace == true
          || token.hasPrefix("cfk_") || token.hasPrefix("ocid1.") || token.utf8.count == 37
        #expect(isOdd, "refused without a reason: \(token.debugDescription): \(report.text)")
      }
    }
    // Both ways are well trodden.
    #expect(rendered.count > 300 && Self.awkward.count + 400 - rendered.count > 100)
    let arrived = try await arrived(rendered.map(\.payload))
    #expect(arrived.count == rendered.count)
    for (sent, got) in zip(rendered, arrived) {
      #expect(Array(sent.token.utf8) == got, "\(sent.token.prefix(300).debugDescription)")
      #expect(sent.payload.allSatisfy { $0 < 0x80 }, "the payload is ASCII")
    }
  }

  @Test("written as JSON in other ways is the same token")
  func escapes() async throws {
    let forms: [(json: String, token: String)] = [
      (#""\u0041\u002f\/\"\\""#, #"A//"\"#), (#""\ud83c\udf0a""#, "🌊"), (#""b\uFEFFa""#, "b\u{FEFF}a"),
      ("\"a\u{2028}b\"", "a\u{2028}b"), (#""x\u2028\u00e9\u0065\u0301x""#, "x\u{2028}\u{E9}e\u{301}x"),
    ]
    let payloads = try forms.map { form in
      try render(
        Array(
          #"{"cloudflare_api_token":\#(form.json),"git_repo_url":"https://a/b","platform":"nocloud"}"#.utf8))
    }
    #expect(try await arrived(payloads) == forms.map { Array($0.token.utf8) })
  }

  @Test(
    "that is no text is refused where it stands",
    arguments: [
      #""\ud800""#, #""\udc00x""#, #""\ud83cx""#, #""\x41""#, "\"a\nb\"", "\"a\tb\"", "'a'", "12", "true",
      "[1]",
      #"{"a":"b"}"#, "NaN",
    ])
  func noText(json: String) throws {
    let input = "{\"git_repo_url\": \"https://a/b\",\n \"cloudflare_api_token\": \(json)}"
    let report = try #require(throws: Report.self) { try render(Array(input.utf8)) }
    let error = try #require(report.diagnostics.first { $0.severity == .error })
    #expect(error.location?.line == 2, "\(report.text)")
    // What is no JSON at all has a place, but is not yet the value of a name.
    #expect(error.code == "json-syntax" || error.line.contains("cloudflare_api_token"), "\(report.text)")
    #expect(error.code != "json-syntax" || error.location?.column.map { (26...28).contains($0) } == true)
  }

  @Test("of invalid UTF-8 is refused where it stands")
  func invalidUTF8() throws {
    for bytes: [UInt8] in [
      [0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
    ] {
      let input = Array("{\n \"cloudflare_api_token\": \"".utf8) + bytes + Array("\"}".utf8)
      let report = try #require(throws: Report.self) { try render(input) }
      #expect(
        report.diagnostics.count == 1 && report.diagnostics.first?.location?.line == 2, "\(report.text)")
    }
  }

  @Test("too large for the platform is refused by the file's name and size")
  func tooLarge() throws {
    let token = String(
      (0..<65_536).map {
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8CharacterAt($0)
      })
    let report = try #require(throws: Report.self) { try render(document(token, platform: "oci")) }
    let error = try #require(report.diagnostics.first { $0.severity == .error })
    #expect(error.code == "over-limit")
    #expect(error.message.contains("/var/lib/k3seed/secrets/cloudflare_api_token 65"), "\(error.line)")
  }
}

extension String {
  /// A letter of the text, chosen by a number in a way that does not repeat itself soon.
  fileprivate func utf8CharacterAt(_ index: Int) -> Character {
    let letters = Array(utf8)
    let mixed = (index &* 2_654_435_761) >> 7 ^ (index &* index)
    return Character(Unicode.Scalar(letters[abs(mixed) % letters.count]))
  }
}
