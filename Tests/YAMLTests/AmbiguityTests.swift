import Diagnostics
import TestSupport
import Testing

@testable import YAML

@Suite("Ambiguous YAML") struct AmbiguityTests {
  /// Plain scalars that look like numbers, dates and words: random ones, and every curated word one edit away.
  private static let scalars: [String] = {
    var generator = Corpus.Generator(seed: 3)
    let numeric = "0123456789+-._:eExXoObBaf_TtZ".map(String.init)
    let words = "yYeEsSnNoOfFuUlLtTrRaA~<=.iI".map(String.init)
    var scalars = Corpus.words + accepted + refused.map(\.0)
    for _ in 0..<12_000 {
      let alphabet = generator.pick([
        numeric, numeric, words, ["0", "1", "7", "9", ".", ":", "-", "_", "e", "+"],
      ])
      scalars.append(
        (0..<Int.random(in: 1...9, using: &generator)).map { _ in generator.pick(alphabet) }.joined())
    }
    for word in Corpus.words + refused.map(\.0) where !word.isEmpty {
      for _ in 0..<60 {
        var edited = Array(word)
        let place = Int.random(in: 0..<edited.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: edited.remove(at: place)
        case 1: edited.insert(contentsOf: generator.pick(numeric), at: place)
        case 2: edited[place] = Character(generator.pick(numeric))
        default: edited.append(contentsOf: generator.pick(numeric))
        }
        scalars.append(String(edited))
      }
    }
    // What is not one plain scalar in a block mapping is no case of this test, nor is what a 64-bit reader
    // overflows.
    return Set(scalars).sorted().filter { text in
      guard let node = try? YAML.parseOne(Array("k: \(text)\n".utf8), source: "t", ambiguity: .accepted),
        let value = node["k"], value.sequence == nil, value.mapping == nil, value.tag == nil
      else { return false }
      return text.count < 16 || accepted.contains(text)
    }
  }()

  /// Ordinary text and numbers, which must not need quotes.
  private static let accepted = [
    "server", "worker-1", "a.example.com", "v1.2.3", "v1.36.4+k3s1", "1.2.3", "1.36.4+k3s1", "/etc/rancher",
    "https://a.example.com:6443/x?y=z", "10.0.2.10", "10.42.0.0/16", "fd00:c1::a9fe:a9fe", "0", "-7", "6443",
    "1.5",
    "-0.25", "1.0e+3", "true", "false", "null", "8080:80", "443/tcp", "30s", "5m0s", "100Mi", "1.5Gi", "not",
    "none",
    "yesterday", "node", "offline", "x", "e5", "1e", "e", "--disable", "-", "a_b", "_", "0.1.2-rc1",
    "2026-01",
    "12-34", "835873f37245", "1a2b3c", "us-phoenix-1", "ocid1.vaultsecret.oc1..a", "*", "k3s:v1", "a=b", "<",
    "<<<",
    "10.0.0.1:6443", "00:1B:44:11:3A:B7", "...a", ".a", "+a", "~a", "0xfg", "0o8", "0b2",
  ]

  /// What readers differ about, with what one of them takes it for.
  private static let refused = [
    ("yes", "a boolean"), ("No", "a boolean"), ("ON", "a boolean"), ("off", "a boolean"), ("y", "a boolean"),
    ("N", "a boolean"), ("nULL", "null"), ("0777", "a number"), ("0o17", "a number"), ("0x1F", "a number"),
    ("0X1f", "a number"), ("0b101", "a number"), ("-0x1F", "a number"), ("0x_", "a number"),
    ("0b+1", "a number"), ("1e3", "a number"),
    ("1.5e3", "a number"), ("123e4567", "a number"), ("+1", "a number"), ("1.", "a number"),
    (".5", "a number"),
    ("-.5", "a number"), ("00", "a number"), ("1_000", "a number"), ("+_1", "a number"), ("1._5", "a number"),
    ("1e1_0", "a number"), ("12:30:45", "a number"), ("12:30", "a number"), ("190:20:30.15", "a number"),
    ("52:54:00:12:34:56", "a number"), (".inf", "a number"), ("-.INF", "a number"), (".NaN", "a number"),
    ("2026-01-01", "a date"), ("2026-1-1", "a date"), ("2026-01-01T00:00:00Z", "a date"),
    ("2026-01-01t01:02:03.5-01:00", "a date"), ("2026-01-01 \t 1:02:03", "a date"), ("=", "a special key"),
    ("<<", "a special key"),
  ]

  @Test("each kind is refused as a value and as a key, with its place and never its text", arguments: refused)
  func refusal(text: String, kind: String) throws {
    func finding(_ path: String) -> Diagnostic {
      .error(
        "yaml-ambiguous", at: Location(source: "t", line: 2, column: 3, path: path),
        "unless it is in quotes, some readers of YAML take this for \(kind)",
        help: "put it in quotes, or write true, false or a plain decimal number")
    }
    #expect(throws: Report([finding("$[0]")])) { try YAML.parse(Array("\n- \(text)\n".utf8), source: "t") }
    let path = "$.a".jsonPath(appending: text)
    #expect(throws: Report([finding(path)])) { try YAML.parse(Array("a:\n  \(text): 1\n".utf8), source: "t") }
  }

  @Test("in quotes, or where it is accepted, each is a string", arguments: refused.map(\.0))
  func cure(text: String) throws {
    for yaml in [
      "- '\(text)'\n", "- \"\(text)\"\n", "- !!str \(text)\n", "- !value \(text)\n", "- |-\n  \(text)\n",
    ] {
      #expect(try YAML.parseOne(Array(yaml.utf8), source: "t").sequence?.first?.string == text)
    }
    let accepted = try YAML.parseOne(Array("{? \(text) : \(text)}".utf8), source: "t", ambiguity: .accepted)
    #expect(accepted[text]?.string == text)
  }

  @Test("ordinary text and numbers need no quotes", arguments: accepted)
  func ordinary(text: String) {
    #expect(PlainScalar.ambiguity(text) == nil)
  }

  @Test("all ambiguous scalars are reported at once, in order")
  func together() throws {
    do {
      _ = try YAML.parse(Array("a: yes\nb: [ok, 0777]\nno: 1\n".utf8), source: "t")
      Issue.record("nothing was refused")
    } catch {
      #expect(
        error.diagnostics.map { "\($0.location?.description ?? "") \($0.location?.path ?? "")" } == [
          "t:1:4 $.a", "t:2:9 $.b[1]", "t:3:1 $.no",
        ])
    }
  }

  @Test(
    "characters that end a line in YAML 1.1 alone are refused, and accepted where ambiguity is",
    arguments: [("\u{85}", #"\N"#), ("\u{2028}", #"\L"#), ("\u{2029}", #"\P"#)])
  func lineBreaks(character: String, escape: String) throws {
    let text = "a: |\n  é\(character)  b\n"
    let finding = Diagnostic.error(
      "yaml-ambiguous", at: Location(source: "t", line: 2, column: 4),
      "a character that ends a line in YAML 1.1 and not in YAML 1.2",
      help: "write it as \(escape) in double quotes")
    #expect(throws: Report([finding])) { try YAML.parse(Array(text.utf8), source: "t") }
    #expect(try YAML.parse(Array(text.utf8), source: "t", ambiguity: .accepted).count == 1)
    let escaped = try YAML.parseOne(Array(#"a: "é\#(escape)b""#.utf8), source: "t")
    #expect(escaped["a"]?.string == "é\(character)b")
  }

  private static func readByPython() async throws -> [[String]] {
    let answers = try await Readers.python(
      "resolve_scalars", Node(.sequence(scalars.map { Node(.string($0)) })))
    return (answers.sequence ?? []).map { ($0.sequence ?? []).compactMap(\.string) }
  }

  /// What Kubernetes makes of each; nil for infinities, which JSON, and so kubectl, cannot hold.
  private static func readByKubernetes() async throws -> [String?] {
    let holdable = scalars.map { !$0.lowercased().contains("inf") && !$0.lowercased().contains("nan") }
    let data = zip(scalars, holdable).enumerated().map { $1.1 ? "  k\($0): \($1.0)\n" : "" }.joined()
    let read = try await Readers.kubectl(data: "data:\n" + data)
    let values = Dictionary(uniqueKeysWithValues: (read.mapping ?? []).map { ($0.key, $0.value.value) })
    return holdable.indices.map { holdable[$0] ? values["k\($0)"].map(typed) ?? "nothing" : nil }
  }

  private static func typed(_ value: Node.Value) -> String {
    switch value {
    case .null: "null"
    case .bool(let flag): "bool \(flag)"
    case .number(let digits): "number \((Double(digits) ?? .nan) + 0)"
    case .string(let text): "string \(text)"
    case .sequence, .mapping: "other"
    }
  }

  @Test(
    "whatever PyYAML and YAML 1.2 read differently is refused; what is accepted is read as they read it",
    .enabled("python3 has no PyYAML") { try await Readers.hasModule("yaml") })
  func againstPython() async throws {
    let answers = try await Self.readByPython()
    try #require(answers.count == Self.scalars.count)
    let failures = zip(Self.scalars, answers).filter { text, answer in
      let own = Self.typed(PlainScalar.resolve(text))
      return PlainScalar.ambiguity(text) == nil && answer != [own, own]
    }
    #expect(failures.isEmpty, "\(sample(failures.map { "\($0): \($1)" }))")
  }

  @Test(
    "whatever is accepted, Kubernetes reads alike", .enabled(if: Tool.has("kubectl"), "there is no kubectl"))
  func againstKubernetes() async throws {
    let answers = try await Self.readByKubernetes()
    let failures = zip(Self.scalars, answers).filter { text, answer in
      PlainScalar.ambiguity(text) == nil
        && answer.map { $0 != Self.typed(PlainScalar.resolve(text)) } ?? false
    }
    #expect(failures.isEmpty, "\(sample(failures.map { "\($0): \($1 ?? "")" }))")
  }

  @Test(
    "little is refused that all three read as the same string, and none of it is ordinary text",
    .enabled(if: Tool.has("kubectl"), "there is no kubectl"),
    .enabled("python3 has no PyYAML") { try await Readers.hasModule("yaml") })
  func overcaution() async throws {
    let python = try await Self.readByPython()
    let kubernetes = try await Self.readByKubernetes()
    let harmless = Self.scalars.indices.filter { index in
      PlainScalar.ambiguity(Self.scalars[index]) != nil
        && python[index] + [kubernetes[index] ?? ""]
          == Array(repeating: "string \(Self.scalars[index])", count: 3)
    }.map { Self.scalars[$0] }
    // Times and numbers that a fourth reader may know, short dates, and words in odd capitals.
    let expected = [
      #/.*_.*/#, #/[-+]?[0-9]+(?::[0-9]+)+/#, #/[0-9]{4}-[0-9]+-[0-9]+/#, #/[-+]?0[bBoOxX][-+]?[0-9A-Fa-f]*/#,
      #/(?i)null|true|false|yes|no|on|off/#,
    ]
    let surprising = harmless.filter { text in !expected.contains { text.wholeMatch(of: $0) != nil } }
    #expect(surprising.isEmpty, "\(sample(surprising))")
    #expect(harmless.count * 100 < Self.scalars.count, "\(harmless.count) of \(Self.scalars.count)")
  }
}
