import Diagnostics
import TestSupport
import Testing

@testable import YAML

@Suite("YAML emission") struct EmissionTests {
  private static let strings = Corpus.curated + Corpus.strings(3000, seed: 1)

  /// Every string in every place: the value and key of a mapping, an item of a list, a document by itself. The
  /// longest are only values: the readers in Python take seconds for each megabyte.
  private static let documents: [Node] = {
    var documents: [Node] = []
    for start in stride(from: 0, to: strings.count, by: 50) {
      let some = Array(strings[start..<min(start + 50, strings.count)])
      let short = some.filter { $0.utf8.count < 5000 }
      var seen: Set<String> = []
      documents.append(
        .mapping([
          "values": Node(.mapping(some.enumerated().map { Node.Entry("k\($0)", Node(.string($1))) })),
          "items": Node(.sequence(short.map { Node(.string($0)) })),
          "lists": Node(.sequence(short.map { [Node(.string($0))] })),
          "keys": Node(
            .mapping(
              short.filter { seen.insert($0).inserted }.enumerated().map {
                Node.Entry($1, $0 % 3 == 0 ? [1] : $0 % 3 == 1 ? .mapping(["a": "b"]) : Node(.string($1)))
              })),
        ]))
    }
    return documents + Corpus.curated.filter { $0.utf8.count < 5000 }.map { Node(.string($0)) }
  }()

  private static let trees: [Node] = {
    var generator = Corpus.Generator(seed: 2)
    return (0..<300).map { _ in Corpus.node(&generator) }
  }()

  private func expectRead(_ nodes: [Node], levels: Int = 0) async throws {
    let texts = nodes.map { node in
      (0..<levels).reduce(YAML.emit(node)) { text, _ in
        YAML.emit(.mapping(["document": Node(.string(String(decoding: text, as: UTF8.self)))]))
      }
    }
    let request: Node = .mapping([
      "levels": Node(.number("\(levels)")),
      "texts": Node(.sequence(texts.map { Node(.string(String(decoding: $0, as: UTF8.self))) })),
    ])
    let answers = try #require(try await Readers.python("read_yaml", request).mapping)
    for answer in answers {
      let read = try #require(answer.value.sequence)
      try #require(read.count == nodes.count)
      let failures = zip(nodes, read).filter { $0.exact != $1.exact }.map {
        "\($0.exact.prefix(300)) as \($1.exact.prefix(300))"
      }
      #expect(failures.isEmpty, "\(answer.key): \(sample(failures))")
    }
    #expect(answers.map(\.key).contains("PyYAML"))
  }

  @Test(
    "every string, in every place, is read back as it was by YAML 1.1 and YAML 1.2",
    .enabled("python3 has no PyYAML") { try await Readers.hasModule("yaml") })
  func everyPlace() async throws {
    try await expectRead(Self.documents)
  }

  @Test(
    "every tree is read back as it was",
    .enabled("python3 has no PyYAML") { try await Readers.hasModule("yaml") })
  func trees() async throws {
    try await expectRead(Self.trees)
  }

  @Test(
    "YAML within YAML within YAML is read back as it was",
    .enabled("python3 has no PyYAML") { try await Readers.hasModule("yaml") })
  func nested() async throws {
    let short = Self.strings.filter { $0.utf8.count < 2000 }
    let nodes = stride(from: 0, to: short.count, by: 40).map { start -> Node in
      Node(.sequence(short[start..<min(start + 40, short.count)].map { Node(.string($0)) }))
    }
    try await expectRead(nodes, levels: 3)
  }

  @Test("every string is read back as it was by Kubernetes", .enabled(if: Tool.has("kubectl"), "no kubectl"))
  func kubernetes() async throws {
    let some = Self.strings.prefix(Corpus.curated.count + 500)
    let data = Node(.mapping(some.enumerated().map { Node.Entry("k\($0)", Node(.string($1))) }))
    let read = try await Readers.kubectl(
      data: String(decoding: YAML.emit(.mapping(["data": data])), as: UTF8.self))
    let failures = try #require(data.mapping).filter { read[$0.key]?.exact != $0.value.exact }.map {
      "\($0.value.exact.prefix(300)) as \(read[$0.key]?.exact.prefix(300) ?? "nothing")"
    }
    #expect(failures.isEmpty, "\(sample(failures))")
  }

  @Test("what is written is printable ASCII and line feeds, the same every time")
  func ascii() {
    let failures = (Self.documents + Self.trees).filter { node in
      let text = YAML.emit(node)
      return text != YAML.emit(node) || !text.allSatisfy { $0 == 0x0A || (0x20...0x7E).contains($0) }
    }
    #expect(failures.isEmpty)
  }

  @Test("k3seed reads its own output back, and finds nothing ambiguous in it")
  func roundTrip() throws {
    for node in Self.documents + Self.trees {
      #expect(try YAML.parseOne(YAML.emit(node), source: "t").exact == node.exact)
    }
  }

  @Test(
    "numbers keep their digits, booleans and null their one spelling",
    arguments: [
      (Node(.number("12345678901234567890")), "12345678901234567890\n"), (Node(.number("1.50")), "1.50\n"),
      (Node(.number("-0")), "-0\n"), (6443, "6443\n"), (true, "true\n"), (false, "false\n"),
      (Node(.null), "null\n"),
    ] as [(Node, String)])
  func verbatim(node: Node, text: String) throws {
    #expect(Self.text(.mapping(["a": node])) == "a: " + text)
    #expect(try YAML.parseOne(Array(text.utf8), source: "t").exact == node.exact)
  }

  private static let exponents = [
    ("1e3", "1.0e+3"), ("1E3", "1.0e+3"), ("1.5e3", "1.5e+3"), ("-2e-7", "-2.0e-7"), ("1.25E+10", "1.25E+10"),
  ]

  @Test(
    "a number with an exponent is spelt so that YAML 1.1 reads a number",
    arguments: [
      ("1e3", "1.0e+3"), ("1E3", "1.0e+3"), ("1.5e3", "1.5e+3"), ("-2e-7", "-2.0e-7"),
      ("1.25E+10", "1.25E+10"),
    ])
  func exponents(written: String, spelt: String) throws {
    #expect(Self.text(.mapping(["a": Node(.number(written))])) == "a: \(spelt)\n")
    #expect(try YAML.parseOne(Array(spelt.utf8), source: "t").value == .number(spelt))
    #expect(Double(written) == Double(spelt))
  }

  @Test(
    "YAML 1.1 and YAML 1.2 read that number",
    .enabled("python3 has no PyYAML") { try await Readers.hasModule("yaml") })
  func readExponents() async throws {
    let spelt = Node(.sequence(Self.exponents.map { Node(.string($0.1)) }))
    let answers = try #require(try await Readers.python("resolve_scalars", spelt).sequence)
    for ((written, _), answer) in zip(Self.exponents, answers) {
      let read = (answer.sequence ?? []).compactMap { $0.string?.split(separator: " ").last }
      #expect(read.map { Double($0) } == [Double(written), Double(written)])
    }
  }

  @Test(
    "what cannot be mistaken is written plain, other text in the quotes it needs, lines as a block",
    arguments: [
      ("worker-1", "worker-1"), ("/etc/rancher/k3s", "/etc/rancher/k3s"),
      ("https://a.b:6443/c", "https://a.b:6443/c"),
      ("v1.36.4+k3s1", "v1.36.4+k3s1"), ("a@b.c", "a@b.c"), ("NOT", "NOT"), ("no", "'no'"),
      ("6443", "'6443'"),
      ("10.0.2.10", "'10.0.2.10'"), ("a b", "'a b'"), ("it's", "'it''s'"), ("", "''"), ("a\tb", #""a\tb""#),
      ("é", #""\xE9""#), ("😀", #""\U0001F600""#), ("\u{85}\u{2028}", #""\N\L""#), ("a\nb", "|-\n  a\n  b"),
      ("a\n\n  b\n", "|\n  a\n\n    b"), ("a\n\n", #""a\n\n""#), (" a\nb", #"" a\nb""#),
      ("a \nb", #""a \nb""#),
    ])
  func styles(string: String, text: String) {
    #expect(Self.text(.mapping(["k": Node(.string(string))])) == "k: \(text)\n")
  }

  @Test("a text of one line stays on one line, however long", arguments: ["word ", "it's ", "é ", "a: b, "])
  func width(piece: String) {
    let text = Self.text(.mapping(["k": Node(.string(String(repeating: piece, count: 1000)))]))
    #expect(text.split(separator: "\n").count == 1)
  }

  @Test("tags are left out, and the order of keys is the node's own")
  func order() {
    let node = Node(
      .mapping([Node.Entry("b", Node(.string("x"), tag: "!value")), Node.Entry("a", [])]), tag: "!yaml")
    #expect(Self.text(node) == "b: x\na: []\n")
  }

  private static func text(_ node: Node) -> String { String(decoding: YAML.emit(node), as: UTF8.self) }
}
