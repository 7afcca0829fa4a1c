import Foundation
import Secrets
import TestSupport
import Testing

@testable import Verifier

@Suite("The mask over what a machine says")
struct MaskTests {
  static let token = "cf-canary \"quoted\"\\\\/é&more=1"
  static let key = """
    -----BEGIN OPENSSH PRIVATE KEY-----
    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
    QyNTUxOQAAACDcanaryCanarycanaryCanarycanaryCanarycanaryA
    -----END OPENSSH PRIVATE KEY-----

    """

  static func mask(_ secrets: String...) -> Mask { Mask(secrets.map { Secret($0.utf8) }) }

  @Test(
    "It knows exactly the forms that the probe searches for",
    arguments: [
      token, key, "K10-canary-token-0123456789", " spaces around 1234\n", "/+<>&\u{7F}\u{1}\u{8}\u{C}\t\r\n",
      "😀 smile 😀",
      "short", "a b c d e f",
    ])
  func forms(secret: String) async throws {
    let probe = Tool.root.appendingPathComponent("Sources/Verifier/Embedded/probe.py").path
    let result = try await Tool.run(
      [
        "python3", "-c",
        """
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("probe", sys.argv[1])
        probe = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(probe)
        for form in sorted(probe.forms(sys.stdin.buffer.read())): print(form.hex())
        """, probe,
      ], input: Array(secret.utf8))
    let forms = Mask.forms(of: Array(secret.utf8)).map { form in
      form.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    #expect(
      forms.sorted().joined(separator: "\n") == result.text.trimmingCharacters(in: .newlines),
      "\(result.errors)")
  }

  /// What programs make of a value, by other means than the mask's own.
  static func encodings(_ secret: String) throws -> [String] {
    let data = Data(secret.utf8)
    let json = String(decoding: try JSONEncoder().encode([secret]), as: UTF8.self).dropFirst(2).dropLast(2)
    return [
      secret, data.base64EncodedString(), Data("xy".utf8 + data).base64EncodedString(),
      data.map { String(format: "%02x", $0) }.joined(), data.map { String(format: "%%%02X", $0) }.joined(),
      try #require(secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics)), String(json),
    ]
  }

  /// Whether a text shows a secret, whole.
  static func shows(_ text: String, _ secret: String) throws -> Bool {
    try encodings(secret).contains { text.contains($0) }
  }

  @Test("No form gets through, however the bytes are cut", arguments: [1, 2, 3, 7, 64, 4096])
  func cut(size: Int) throws {
    let mask = Self.mask(Self.token, "K10-canary-token-0123456789")
    for secret in [Self.token, "K10-canary-token-0123456789"] {
      for form in try Self.encodings(secret) {
        let text = Array("before \(form) between \(form)\nafter".utf8)
        var stream = Mask.Stream(mask)
        var shown: [UInt8] = []
        for start in stride(from: 0, to: text.count, by: size) {
          shown += stream.take(text[start..<min(start + size, text.count)])
        }
        shown += stream.end()
        let said = String(decoding: shown, as: UTF8.self)
        #expect(try !Self.shows(said, secret), "\(said)")
        #expect(said.hasPrefix("before ") && said.hasSuffix("after") && said.contains(" between "), "\(said)")
        #expect(said.contains(Mask.mark))
      }
    }
  }

  @Test("A private key is masked line by line; what every key begins with is not")
  func lines() {
    let mask = Self.mask(Self.key)
    for line in Self.key.split(separator: "\n") {
      let isCommon = line.hasPrefix("-----") || line.hasPrefix("b3Bl")
      #expect(
        mask.masked("[ 1.0] cat[9]: \(line)\r") == "[ 1.0] cat[9]: \(isCommon ? String(line) : Mask.mark)\r")
    }
  }

  @Test("Other bytes are as they were, and a beginning of a secret is given on once it is none")
  func harmless() {
    let mask = Self.mask("abcdefgh")
    var stream = Mask.Stream(mask)
    #expect(stream.take("xyz abcd".utf8) == Array("xyz ".utf8))
    #expect(stream.take("X login: ".utf8) == Array("abcdX login: ".utf8))
    #expect(stream.take([0xFF, 0, 0x61]) == [0xFF, 0])
    #expect(stream.end() == [0x61])
    #expect(mask.masked("é\u{0}abcdefg") == "é\u{0}abcdefg")
    #expect(Mask([]).masked(Self.token) == Self.token)
  }

  @Test(
    "No format of a report shows a secret, whichever of its texts holds it", arguments: ReportFormat.allCases)
  func reports(format: ReportFormat) throws {
    let mask = Self.mask(Self.token)
    for form in try Self.encodings(Self.token) {
      var report = ReportSamples.failing
      report.cause = .init(code: "c", stage: form, message: "m \(form)", hint: form)
      report.notes = [form]
      report.cuts = [.init(stage: "install", delay: 0, means: .reset, during: form, at: 1)]
      report.checks = [
        .init(name: "n", proves: "p", how: "h", phase: "boot", outcome: .failed, detail: form, hint: "h")
      ]
      report.timeline = [.init(group: .bootstrap, name: form, start: 0, end: 1)]
      report.evidence = [.init(title: form, lines: [form])]
      report.console = ["line \(form)"]
      let masked = report.masked(by: mask)
      let text = String(decoding: format.render(masked), as: UTF8.self) + masked.text(isStyled: true)
      #expect(text.contains("not shown"))
      // What an encoder of the format makes of it counts as well.
      let plain = text.replacing("&amp;", with: "&").replacing("&quot;", with: "\"").replacing(
        "&#34;", with: "\"")
      #expect(try !Self.shows(text, Self.token) && !Self.shows(plain, Self.token), "\(form)")
    }
  }

  @Test("Nor does the progress")
  func progress() throws {
    let mask = Self.mask(Self.token)
    for medium in [Progress.Medium.lines, .terminal(columns: 200)] {
      var progress = Progress(on: medium)
      for event in [
        Progress.Event.stage(Self.token, awaiting: Self.token), .console(Self.token), .note(Self.token),
        .tick,
      ] {
        let text = String(decoding: progress.bytes(for: event.masked(by: mask), at: 40), as: UTF8.self)
        #expect(try !Self.shows(text, Self.token), "\(text)")
      }
    }
  }
}
