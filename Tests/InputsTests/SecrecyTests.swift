import Diagnostics
import Foundation
import Inputs
import Testing
import YAML

@Suite("No finding holds a secret") struct SecrecyTests {
  /// What a text looks like where it was passed on in another form.
  private static func forms(_ secret: String) -> [String] {
    let base64 = Data(secret.utf8).base64EncodedString()
    let url = secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? secret
    return [
      secret, base64, base64.replacingOccurrences(of: "=", with: ""), url,
      String(JSON.quote(secret).dropFirst().dropLast()),
    ]
  }

  private func expectSilence(_ secret: String, _ lines: [String], _ context: Comment) {
    let text = lines.joined(separator: "\n")
    for form in Self.forms(secret) where text.contains(form) {
      Issue.record("a finding shows the secret as \(form) (\(context)):\n\(text)")
    }
  }

  /// Nothing a service would mark; and each form of it differs.
  private static let canary = "c4n4ry/9f2c+\"'$`é tail"

  private static let secrets = InputSpec.all.filter(\.isSecret).map(\.name)

  @Test("in whatever way a secret is wrong", arguments: secrets)
  func wrong(name: String) throws {
    let canary = Self.canary
    let quoted = JSON.quote(canary)
    let bad = [
      quoted, JSON.quote(canary + "\n"), JSON.quote(" " + canary), JSON.quote(canary + "\u{0}" + canary),
      JSON.quote("cfk_" + canary), JSON.quote("ocid1." + canary), JSON.quote("ocid1.vaultsecret." + canary),
      JSON.quote("$2a$10$" + canary), JSON.quote(String(repeating: canary, count: 9)),
      JSON.quote("-----BEGIN OPENSSH PRIVATE KEY-----\n\(canary)\n-----END OPENSSH PRIVATE KEY-----\n"),
      JSON.quote("-----BEGIN RSA PRIVATE KEY-----\r\n\(canary)"), "[\(quoted)]", "{\"a\": \(quoted)}",
      "[[\(quoted)]]",
    ]
    for value in bad {
      let base64 = Data(canary.utf8).base64EncodedString()
      let documents = [
        "{\"\(name)\": \(value)}",
        "{\"\(name)\": {\"value\": \(value), \"type\": \"string\", \"sensitive\": false}}",
        "{\"\(name)\": \(value), \"secret_ocids\": {\"\(name)\": \(value)}}",
        "{\"secret_ocids\": \(value)}", "{\"\(name)\": \(value), \"\(name)\": \(value)}",
        // A broken text: what the reader says of it must not quote it.
        "{\"\(name)\": \(value) \(value)}", "{\"\(name)\": \(value)", "{\"\(name)\": \(value.dropLast())",
        "{\"\(name)\": \(canary)}", "{\"outputs\": \(value)}",
      ]
      for json in documents {
        expectSilence(canary, Reading.lines(json), "\(json)")
        expectSilence(
          canary,
          refusal {
            let query = try ExternalQuery(Array(json.utf8), source: "<stdin>", settings: ["node"])
            var report = try Reading(query.document).report
            report.add(query.unknownKeys(ConfigFile()))
            throw report
          }, "external: \(json)")
      }
      for yaml in [
        "\(name): \(value)\n", "\(name): \(canary)\n", "\(name):\n- \(base64)\n",
        "secret_ocids: {\(name): \(value)}\n",
        "output_names: {\(name): \(value)}\n",
      ] {
        expectSilence(canary, Reading.lines("{}", config: yaml), "k3seed.yaml: \(yaml)")
      }
      for argument in ["\(name)=\(value)", "\(name)=\(canary)", canary, "\(base64)=", "=\(canary)"] {
        expectSilence(canary, Reading.lines("{}", set: [argument]), "--set: \(argument)")
      }
    }
  }

  @Test("inputs that hold secrets do not print them", arguments: secrets)
  func printing(name: String) throws {
    let value = try #require(Corpus.accepted.first { $0.key == name }?.value.first)
    let reading = try Reading("{\"\(name)\": \(value)}")
    let secret = try #require(reading.values[name]).replacingOccurrences(of: "literal ", with: "")
    #expect(secret.utf8.count > 2)
    var text = "\(reading.inputs)" + String(reflecting: reading.inputs)
    dump(reading.inputs, to: &text)
    #expect(text.contains("<secret>"))
    #expect(!text.contains(secret))
  }

  /// Secrets by their marks, made up.
  private static let marked = [
    "cfut_Ab0Ab0Ab0Ab0Ab0", "cfat_Ab0Ab0Ab0Ab0Ab0", "cfk_Ab0Ab0Ab0Ab0Ab0", "ghp_Ab0Ab0Ab0Ab0Ab0",
    "gho_Ab0Ab0Ab0Ab0Ab0", "ghs_Ab0Ab0Ab0Ab0Ab0", "github_pat_Ab0Ab0Ab0Ab0Ab0", "glpat-Ab0Ab0Ab0Ab0Ab0",
    "K10Ab0Ab0Ab0Ab0Ab0::server:Ab0Ab0", "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAb0Ab0Ab0Ab0\n-----END OPENSSH PRIVATE KEY-----\n",
  ]

  @Test("a secret by its marks, put in the wrong place, is not shown", arguments: InputSpec.all.map(\.name))
  func misplaced(name: String) throws {
    for secret in Self.marked {
      for value in [
        JSON.quote(secret), JSON.quote("https://\(secret)@github.com/a/b c"), JSON.quote(" \(secret) "),
        "[\(JSON.quote(secret))]", "{\(JSON.quote(secret)): \"a b\"}", "{\"a\": \(JSON.quote(secret))}",
        "{\"a\": [\(JSON.quote(secret))]}", "{\"a\": {\(JSON.quote(secret)): 1}}",
        "{\(JSON.quote(secret)): {\"role\": \(JSON.quote(secret))}}",
        "{\"a\": {\"role\": \"agent\", \"labels\": {\(JSON.quote(secret)): \(JSON.quote(secret))}, \"taints\": [\(JSON.quote(secret))]}}",
      ] {
        expectSilence(secret, Reading.lines("{\"\(name)\": \(value)}"), "\(name): \(value)")
        expectSilence(secret, Reading.lines("{}", config: "\(name): \(value)\n"), "\(name): \(value)")
      }
      expectSilence(secret, Reading.lines("{}", set: ["\(name)=\(secret)", "\(secret)=1"]), "--set \(name)")
      expectSilence(secret, Reading.lines("{}", config: "\(JSON.quote(secret)): 1\n"), "a key")
      expectSilence(
        secret,
        Reading.lines(
          "{}", config: "output_names: {\(JSON.quote(secret)): 1, \(name): \(JSON.quote(secret))}\n"),
        "output_names")
    }
  }

  @Test(
    "a text without marks is shown, one with marks is said to be hidden",
    arguments: [
      ("ghp", "\"ghp\""), ("ghp_x", "\"…\" (hidden: it looks like a secret)"),
      ("K10", "\"K10\""), ("K10a::b", "\"…\" (hidden: it looks like a secret)"),
    ])
  func hidden(text: String, shown: String) throws {
    #expect(
      Reading.lines(#"{"platform": "\#(text)"}"#).first?.hasPrefix(
        "in.json:1:14: error: platform: \(shown) is not a platform (at $.platform)") == true)
  }

  @Test("credentials and queries of URLs are shown by no input", arguments: InputSpec.all.map(\.name))
  func urls(name: String) {
    for url in [
      "https://ops:c4n4ry@git hub/a", "https://c4n4ry@host/a b", "ops:c4n4ry@host/a b",
      "https://ops:c4n@c4n4ry@host",
      "https://host/a b?token=c4n4ry", "https://host/a#c4n4ry", "ssh://git:c4n4ry@host/a\u{301}",
      "https://ops:c4n4ry@\u{301}host/a", "https:/\u{301}/ops:c4n4ry@host/a",
    ] {
      for value in [
        JSON.quote(url), "[\(JSON.quote(url))]", "{\"a\": \(JSON.quote(url))}",
        "{\"a\": [\(JSON.quote(url))]}",
      ] {
        let lines = Reading.lines("{\"\(name)\": \(value)}")
        #expect(!lines.joined().contains("c4n4ry"))
      }
    }
  }
}
