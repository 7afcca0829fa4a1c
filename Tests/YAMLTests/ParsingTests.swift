import Diagnostics
import TestSupport
import Testing

@testable import YAML

@Suite("YAML parsing") struct ParsingTests {
  private func finding(
    _ code: String, _ line: Int, _ column: Int, _ path: String?, _ message: String, help: String? = nil
  ) -> Report {
    Report([
      .error(code, at: Location(source: "t", line: line, column: column, path: path), message, help: help)
    ])
  }

  private func one(_ text: String, _ ambiguity: YAML.Ambiguity = .refused) throws -> Node {
    try YAML.parseOne(Array(text.utf8), source: "t", ambiguity: ambiguity)
  }

  // MARK: Places

  @Test("keys and values know their line and column, counted in characters from 1")
  func marks() throws {
    let node = try one(
      """
      # é
      é: [日本, '😀', !value x, &a z, *a]
      b:
        - "🙂🙂": c
          d: |
            text
        - {e: f}
      """)
    let entries = try #require(node.mapping)
    #expect(node.mark == Mark(line: 2, column: 1))
    #expect(entries.map(\.keyMark) == [Mark(line: 2, column: 1), Mark(line: 3, column: 1)])
    let first = try #require(entries[0].value.sequence)
    #expect(entries[0].value.mark == Mark(line: 2, column: 4))
    // An alias is a copy of the node it names, with that node's mark.
    #expect(first.map(\.mark.column) == [5, 9, 14, 24, 24])
    let second = try #require(entries[1].value.sequence)
    #expect(second.map(\.mark) == [Mark(line: 4, column: 5), Mark(line: 7, column: 5)])
    let inner = try #require(second[0].mapping)
    #expect(inner.map(\.keyMark) == [Mark(line: 4, column: 5), Mark(line: 5, column: 5)])
    #expect(inner.map(\.value.mark) == [Mark(line: 4, column: 11), Mark(line: 5, column: 8)])
    #expect(second[1]["e"]?.mark == Mark(line: 7, column: 9))
  }

  @Test("a byte order mark is no column")
  func byteOrderMark() throws {
    #expect(try one("\u{FEFF}a: b").mark == Mark(line: 1, column: 1))
    #expect(try one("\u{FEFF}a: b")["a"]?.mark == Mark(line: 1, column: 4))
    #expect(throws: finding("yaml-ambiguous", 1, 4, "$.a", Self.ambiguous, help: Self.quotes)) {
      try one("\u{FEFF}a: yes")
    }
  }

  @Test("lines may end in CR LF")
  func carriageReturns() throws {
    let node = try one("a: b\r\nc: |\r\n  d\r\n  e\r\n")
    #expect(node.exact == #"{"a":"b","c":"d\ne\n"}"#)
    #expect(node["c"]?.mark == Mark(line: 2, column: 4))
  }

  @Test(
    "places are those that PyYAML finds, in documents of every shape",
    .enabled("python3 has no PyYAML") { try await Readers.hasModule("yaml") })
  func marksAgainstPython() async throws {
    var generator = Corpus.Generator(seed: 4)
    var texts = (0..<200).map { _ in String(decoding: YAML.emit(Corpus.node(&generator)), as: UTF8.self) }
    texts += [
      "é: [日本, '😀', !value x, &a y, !t [z]]\n",
      "a:\nb: \"é\n  ü\" # x\n'ö' : >\n  folded\n  text\n? k\n: !v\n",
      "--- !cfg\n- - a\n  - b: {c: d, 'é': [e,f ,  g]}\n-\n  h\n...\n",
      "a: &x\n  b: c\nd: &y [1, 2]\ne: !!str f\n",
    ]
    let answer = try await Readers.python("yaml_places", Node(.sequence(texts.map { Node(.string($0)) })))
    let answers = try #require(answer.sequence)
    for (text, expected) in zip(texts, answers) {
      #expect(places(try one(text, .accepted)).exact == expected.exact, "\(text.debugDescription)")
    }
  }

  private func places(_ node: Node) -> Node {
    func place(_ mark: Mark) -> [Node] { [Node(.number("\(mark.line)")), Node(.number("\(mark.column)"))] }
    return switch node.value {
    case .mapping(let entries):
      Node(
        .sequence(
          place(node.mark)
            + entries.map { Node(.sequence([Node(.sequence(place($0.keyMark))), places($0.value)])) }))
    case .sequence(let items): Node(.sequence(place(node.mark) + items.map(places)))
    default: Node(.sequence(place(node.mark)))
    }
  }

  // MARK: What is read

  @Test(
    "plain scalars are read by the core schema, all others are strings",
    arguments: [
      ("null", .null), ("~", .null), ("", .null), ("Null", .null), ("true", .bool(true)),
      ("FALSE", .bool(false)),
      ("6443", .number("6443")), ("-1.50", .number("-1.50")), ("1.0e+3", .number("1.0e+3")),
      ("12345678901234567890", .number("12345678901234567890")), ("a b", .string("a b")),
      ("'6443'", .string("6443")),
      ("\"true\"", .string("true")), ("|-\n  null", .string("null")), (">-\n  a\n  b", .string("a b")),
      ("!!str 6443", .string("6443")), ("!!int '6443'", .number("6443")), ("!!float 1", .number("1")),
      ("!!bool \"true\"", .bool(true)), ("!!null ''", .null), ("!value 6443", .string("6443")),
      ("! '1'", .string("1")),
    ] as [(String, Node.Value)])
  func scalars(text: String, value: Node.Value) throws {
    #expect(try one("- \(text)\n").sequence?.first?.value == value)
  }

  @Test(
    "tags of templates are kept, tags of the core schema are not, others of YAML's own are",
    arguments: [
      ("!value a.b", "!value"), ("!each {a: b}", "!each"), ("!yaml [a]", "!yaml"), ("!!str a", nil),
      ("!!map {}", nil),
      ("!!seq []", nil), ("a", nil), ("!!binary aGk=", "tag:yaml.org,2002:binary"), ("!<x:y> a", "x:y"),
    ] as [(String, String?)])
  func tags(text: String, tag: String?) throws {
    let node = try #require(try one("- \(text)\n").sequence?.first)
    #expect(node.tag == tag)
    #expect(node.mark == Mark(line: 1, column: 3))
  }

  @Test(
    "a tag of the core schema that does not fit its value is refused",
    arguments: [
      ("!!int 0777", "int"), ("!!int 1.5", "int"), ("!!bool yes", "bool"), ("!!float x", "float"),
      ("!!null x", "null"),
      ("!!map []", "map"), ("!!seq {}", "seq"), ("!!str []", "str"),
    ])
  func unfitTags(text: String, name: String) {
    #expect(throws: finding("yaml-tag", 1, 3, "$[0]", "the value is not what its tag !!\(name) says")) {
      try one("- \(text)\n")
    }
  }

  @Test("an alias is a copy of what its anchor names, the last one before it")
  func aliases() throws {
    let node = try one("a: &x [1]\nb: *x\nc: &x {d: *x}\ne: *x\n")
    #expect(node.exact == #"{"a":[1],"b":[1],"c":{"d":[1]},"e":{"d":[1]}}"#)
  }

  @Test(
    "a merge key is read as PyYAML reads it, where others wrote the text",
    arguments: [
      ("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}", #"{"a":{"x":1,"y":2},"b":{"y":3,"x":1}}"#),
      ("a: {<<: [{x: 1}, {x: 2, y: 3}], z: 4}", #"{"a":{"z":4,"x":1,"y":3}}"#),
      ("a: {x: 0, <<: {<<: {y: 1}, x: 2}}", #"{"a":{"x":0,"y":1}}"#),
      ("a: {<<: {x: 1}, <<: {y: 2}}", #"{"a":{"x":1,"y":2}}"#),
    ])
  func mergeKeys(text: String, json: String) throws {
    let expected = try JSON.parse(Array(json.utf8), source: "t")
    #expect(try one(text, .accepted).exact == expected.exact)
  }

  @Test("what is no merge key is a key like others", arguments: ["<<: 3", "<<: [{x: 1}, y]", "'<<': {x: 1}"])
  func noMergeKeys(text: String) throws {
    #expect(try one(text, .accepted).mapping?.map(\.key) == ["<<"])
  }

  @Test("a merge key is refused in what is written for k3seed, as readers of YAML 1.2 take it for a key")
  func refusedMergeKey() {
    #expect { try one("a: {<<: {x: 1}}") } throws: { error in
      (error as? Report)?.diagnostics.map { "\($0.location?.column ?? 0) \($0.code)" } == ["5 yaml-ambiguous"]
    }
  }

  @Test(
    "a tab between words is found where PyYAML's scanner stops",
    arguments: [
      ("a:\tb", [Mark(line: 1, column: 3)]),
      ("a: b\t\nc: d\t# e", [Mark(line: 1, column: 5), Mark(line: 2, column: 5)]),
      ("é: x\ty", [Mark(line: 1, column: 5)]), ("a: [b,\tc]", [Mark(line: 1, column: 7)]),
      ("a: |\t\n  x\n", [Mark(line: 1, column: 5)]), ("a: b\n \t\nc: d", [Mark(line: 2, column: 2)]),
      ("a: 'x\ty' # \t\nb: \"\t\"\n", []), ("a: |\n  x\ty\n  \tz\nb: >-\n  \t\n  c\n", []),
      ("#\t\na: x#y\n", []), ("a: [", []),
    ])
  func tabs(text: String, marks: [Mark]) async throws {
    #expect(YAML.separatingTabs(in: Array(text.utf8)) == marks)
    guard try await Readers.hasModule("yaml"), !text.hasSuffix("[") else { return }
    let script = "import sys, yaml\nlist(yaml.scan(sys.stdin.buffer.read()))"
    let outcome = try await Tool.run(["python3", "-c", script], input: Array(text.utf8))
    #expect((outcome.status == 0) == marks.isEmpty, "\(outcome.errors)")
  }

  @Test("a stream has as many documents as it says, each with its own anchors")
  func documents() throws {
    let documents = try YAML.parse(Array("a\n---\n- &x b\n...\n---\n---\nc: d\n".utf8), source: "t")
    #expect(documents.map(\.exact) == [#""a""#, #"["b"]"#, "null", #"{"c":"d"}"#])
    #expect(documents.map(\.mark.line) == [1, 3, 6, 7])
    #expect(throws: finding("yaml-alias", 3, 1, "$", Self.alias, help: Self.aliasHelp)) {
      try YAML.parse(Array("- &x a\n---\n*x\n".utf8), source: "t")
    }
    #expect(throws: finding("yaml-ambiguous", 4, 4, "$.b", Self.ambiguous, help: Self.quotes)) {
      try YAML.parse(Array("a: 1\n\n---\nb: yes\n".utf8), source: "t")
    }
    // The limit is that of a document: a file of CRDs holds many.
    let list = "[" + String(repeating: "1,", count: 99_998) + "1]\n"
    let large = try YAML.parse(Array("--- \(list)--- \(list)".utf8), source: "t")
    #expect(large.map { $0.sequence?.count } == [99_999, 99_999])
  }

  @Test(
    "where one document is wanted, none and two are refused",
    arguments: ["", "# only a comment\n", "\u{FEFF}"])
  func oneDocument(empty: String) throws {
    #expect(try YAML.parse(Array(empty.utf8), source: "t").isEmpty)
    #expect(throws: finding("yaml-empty", 1, 1, nil, "the text holds no document")) { try one(empty) }
    #expect(
      throws: finding("yaml-documents", 3, 3, nil, "a second document starts here; only one is allowed")
    ) { try one("a: b\n---\n  c: d\n") }
  }

  @Test("keys are text, whatever they look like")
  func keys() throws {
    let node = try one("80: a\ntrue: b\n'': c\n? long\n: d\n\"null\": e\n")
    #expect(node.exact == #"{"80":"a","true":"b","":"c","long":"d","null":"e"}"#)
  }

  @Test("paths name keys as JSON paths do")
  func paths() {
    #expect("$".jsonPath(appending: "a_1") == "$.a_1")
    #expect("$.a".jsonPath(appending: "worker-1") == #"$.a["worker-1"]"#)
    #expect("$".jsonPath(appending: "") == #"$[""]"#)
    #expect("$".jsonPath(appending: "\"é\n") == #"$["\"\u00e9\n"]"#)
  }

  // MARK: What is refused

  @Test("a key given twice is refused with both places, and every such key is reported")
  func duplicates() throws {
    let report = Report([
      .error(
        "duplicate-key", at: Location(source: "t", line: 3, column: 1, path: "$.a"),
        "the key is given twice; it stands first at line 1, column 1", help: "remove one of the two"),
      .error(
        "duplicate-key", at: Location(source: "t", line: 4, column: 10, path: "$.b.c"),
        "the key is given twice; it stands first at line 4, column 5", help: "remove one of the two"),
      .error(
        "duplicate-key", at: Location(source: "t", line: 5, column: 3, path: "$.a"),
        "the key is given twice; it stands first at line 1, column 1", help: "remove one of the two"),
    ])
    #expect(throws: report) { try one("a: 1\né: 0\n\"a\": 2\nb: {c: 1,\"c\": 2}\n? a\n: 3\n") }
  }

  @Test(
    "keys are compared scalar by scalar, as other readers compare them, among few and among many",
    arguments: [0, 15, 16, 17, 40])
  func canonicalEquivalents(others: Int) throws {
    // All three are one text to Unicode: composed, decomposed, and a sign of its own.
    let keys = ["\u{C5}", "A\u{30A}", "\u{212B}"]
    let lines = (0..<others).map { "\"k\($0)\": 0" } + keys.enumerated().map { "\"\($1)\": \($0)" }
    let yaml = try one(lines.joined(separator: "\n"))
    let json = try JSON.parse(Array("{\(lines.joined(separator: ","))}".utf8), source: "t")
    for node in [yaml, json] {
      #expect(node.mapping?.count == others + 3)
      #expect(keys.map { node[$0]?.value } == [.number("0"), .number("1"), .number("2")])
    }
    let twice = "the key is given twice; it stands first at line \(others + 2), column 1"
    #expect(
      throws: finding("duplicate-key", others + 4, 1, #"$["A\u030a"]"#, twice, help: "remove one of the two")
    ) { try one((lines + ["\"A\u{30A}\": 4"]).joined(separator: "\n")) }
  }

  @Test(
    "a key that is not plain text is refused",
    arguments: [
      (
        "[a]: b", 1, "a key is a list, a mapping or an alias, or has a tag or an anchor",
        "use plain text as the key"
      ),
      (
        "{a: b}: c", 1, "a key is a list, a mapping or an alias, or has a tag or an anchor",
        "use plain text as the key"
      ),
      (
        "!t a: b", 1, "a key is a list, a mapping or an alias, or has a tag or an anchor",
        "use plain text as the key"
      ),
      (
        "&x a: b", 1, "a key is a list, a mapping or an alias, or has a tag or an anchor",
        "use plain text as the key"
      ),
      (
        "? *x\n: b", 3, "a key is a list, a mapping or an alias, or has a tag or an anchor",
        "use plain text as the key"
      ),
      ("?\n: b", 2, "a key is empty or null", "name the key, in quotes where it is meant to be that text"),
      ("~: b", 1, "a key is empty or null", "name the key, in quotes where it is meant to be that text"),
      ("null: b", 1, "a key is empty or null", "name the key, in quotes where it is meant to be that text"),
    ])
  func badKeys(text: String, column: Int, message: String, help: String) {
    #expect(throws: finding("yaml-key", 1, column, "$", message, help: help)) { try one(text, .accepted) }
  }

  @Test(
    "an error of syntax is reported where it is",
    arguments: [
      (
        "a: b\n\tc: d", 2, 1,
        "found a tab character that violates indentation while scanning a plain scalar that starts at line 1, column 4"
      ),
      (
        "a: 'é\nb: c\n", 3, 1,
        "found unexpected end of stream while scanning a quoted scalar that starts at line 1, column 4"
      ),
      (
        #"é: "ü\q""#, 1, 6,
        "found unknown escape character while parsing a quoted scalar that starts at line 1, column 4"
      ),
      (
        "a: [b\n", 2, 1,
        "did not find expected ',' or ']' while parsing a flow sequence that starts at line 1, column 4"
      ),
      (
        "- a\nb: c\n", 2, 1,
        "did not find expected '-' indicator while parsing a block collection that starts at line 1, column 1"
      ),
      (
        "a: b\n}", 2, 1,
        "did not find expected key while parsing a block mapping that starts at line 1, column 1"
      ),
      ("a: }", 1, 4, "did not find expected node content while parsing a block node"),
      ("!x!y z", 1, 1, "found undefined tag handle while parsing a node"),
      ("'a' b", 1, 5, "did not find expected <document start>"),
      ("%YAML 3.0\n--- a", 1, 1, "found incompatible YAML document"),
      ("é: ü\u{1}", 1, 5, "control characters are not allowed"),
      ("é: b\nü\u{9B}", 2, 2, "control characters are not allowed"),
      ("a: b\u{0}", 1, 5, "control characters are not allowed"),
      ("a\u{7F}", 1, 2, "control characters are not allowed"),
      ("\u{FEFF}a\u{1B}", 1, 2, "control characters are not allowed"),
    ])
  func syntax(text: String, line: Int, column: Int, message: String) throws {
    let report = try #require(throws: Report.self) { try one(text, .accepted) }
    let found = try #require(report.diagnostics.first)
    #expect(found.code == "yaml-syntax" && report.diagnostics.count == 1)
    #expect(found.location == Location(source: "t", line: line, column: column))
    #expect(found.message == "not YAML: " + message)
  }

  @Test(
    "the commonest errors of syntax say what to do",
    arguments: [
      ("a:\n\t- b\n", 2, 1, "indent with spaces, and put text that begins with @, % or ` in quotes"),
      ("a: @b", 1, 4, "indent with spaces, and put text that begins with @, % or ` in quotes"),
      ("a: %b", 1, 4, "indent with spaces, and put text that begins with @, % or ` in quotes"),
      ("a: b\n\tc: d", 2, 1, "indent with spaces"),
      ("é: b: c", 1, 5, "mend the indentation, or put text that holds a colon and a space in quotes"),
    ])
  func cures(text: String, line: Int, column: Int, help: String) throws {
    let found = try #require(throws: Report.self) { try one(text) }.diagnostics.first
    #expect(found?.help == help)
    #expect(found?.location == Location(source: "t", line: line, column: column))
  }

  @Test(
    "bytes that are not UTF-8 are refused where they stand",
    arguments: [
      ([0x61, 0x3A, 0x20, 0xFF], 4, "invalid leading UTF-8 octet"),
      ([0xC3, 0xA9, 0xC3, 0x28], 3, "invalid trailing UTF-8 octet"),
      ([0x61, 0xED, 0xA0, 0x80], 2, "invalid Unicode character"),
      ([0x61, 0xC0, 0x80], 2, "invalid length of a UTF-8 sequence"),
      ([0x61, 0xE2, 0x82], 2, "incomplete UTF-8 octet sequence"),
      ([0xFF, 0xFE, 0x61, 0x00], 1, "invalid leading UTF-8 octet"),
    ] as [([UInt8], Int, String)])
  func encoding(bytes: [UInt8], column: Int, message: String) {
    #expect(throws: finding("yaml-syntax", 1, column, nil, "not YAML: " + message)) {
      try YAML.parse(bytes, source: "t")
    }
  }

  @Test(
    "an alias must name a finished anchor; its name may be a secret, and is not shown",
    arguments: [
      ("a: *b", 4, "$.a"), ("a: &b [*b]", 8, "$.a[0]"), ("password: *Sup3rSecret", 11, "$.password"),
    ])
  func unknownAlias(text: String, column: Int, path: String) {
    #expect(throws: finding("yaml-alias", 1, column, path, Self.alias, help: Self.aliasHelp)) {
      try one(text)
    }
  }

  @Test("100 levels are read, 101 are refused, in flow, in block, and through aliases")
  func depth() throws {
    func flow(_ levels: Int) -> String {
      String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    let message = "nested more than 100 levels deep"
    func path(_ levels: Int) -> String { "$" + String(repeating: "[0]", count: levels) }
    #expect(try one(flow(100)).sequence != nil)
    #expect(throws: finding("yaml-depth", 1, 101, path(100), message)) { try one(flow(101)) }
    #expect(try one(String(repeating: "- ", count: 99) + "a").sequence != nil)
    #expect(throws: finding("yaml-depth", 1, 201, path(100), message)) {
      try one(String(repeating: "- ", count: 100) + "a")
    }
    // 50 levels in the first item, then a copy of it 49 and 50 levels further down.
    func aliased(_ levels: Int) -> String {
      "- &x [\(flow(49)), 1]\n- " + flow(levels).replacing("[]", with: "[*x]") + "\n"
    }
    #expect(try one(aliased(49)).sequence?.count == 2)
    let deep = "$[1]" + String(repeating: "[0]", count: 50)
    #expect(throws: finding("yaml-depth", 2, 53, deep, message)) { try one(aliased(50)) }
  }

  @Test(
    "100,000 nodes are read, and not one more, however few characters ask for them", .timeLimit(.minutes(1)))
  func size() throws {
    let message = "the document has more than 100000 nodes once its aliases are expanded"
    func list(_ count: Int) -> String { "[" + String(repeating: "1,", count: count - 1) + "1]" }
    #expect(try one(list(99_999)).sequence?.count == 99_999)
    #expect(throws: finding("yaml-size", 1, 200_000, "$[99999]", message)) { try one(list(100_000)) }
    let bomb = (1...9).reduce("a0: &a0 [x, x, x, x, x, x, x, x, x]\n") { text, level in
      let alias = "*a\(level - 1)"
      return text + "a\(level): &a\(level) [\(Array(repeating: alias, count: 9).joined(separator: ", "))]\n"
    }
    #expect(throws: finding("yaml-size", 6, 10, "$.a5[0]", message)) { try one(bomb) }
  }

  @Test("aliases add 1 MiB of text to a document, and not one byte more, through others too")
  func copies() throws {
    // A key counts as its value does: 1 KiB.
    let text = "- &x {\(String(repeating: "k", count: 512)): \(String(repeating: "v", count: 512))}\n"
    let four = text + "- &y [*x, *x, *x, *x]\n"
    let most = four + String(repeating: "- *y\n", count: 255)
    #expect(try one(most).sequence?.count == 257)
    let message = "the document's aliases add more than 1 MiB of text to it"
    #expect(throws: finding("yaml-size", 258, 3, "$[257]", message)) { try one(most + "- *x\n") }
    // Each document has its own, and what stands there itself does not count.
    #expect(try YAML.parse(Array((most + "---\n" + most).utf8), source: "t").count == 2)
    #expect(try one("a: " + String(repeating: "v", count: 2 << 20)).mapping?.count == 1)
  }

  @Test(
    "reading stops at a limit: what comes behind it costs nothing", .timeLimit(.minutes(1)),
    arguments: ["[", "{", "{a: ", "- ", "[a, "])
  func stopsReading(opening: String) throws {
    // libyaml alone would take hours for all of it.
    let report = try #require(throws: Report.self) {
      try one(String(repeating: opening, count: 500_000), .accepted)
    }
    let code = opening == "{" ? "yaml-key" : "yaml-depth"
    #expect(report.diagnostics.map(\.code) == [code])
  }

  @Test("what stops the reading comes after all that was found before it")
  func stopped() throws {
    let report = try #require(throws: Report.self) { try one("a: yes\nb: 1\nb: *c\n") }
    #expect(report.diagnostics.map(\.code) == ["yaml-ambiguous", "yaml-alias"])
  }

  private static let alias = "an alias names no finished anchor"
  private static let aliasHelp = "correct its name, or put text that begins with * in quotes"
  private static let ambiguous = "unless it is in quotes, some readers of YAML take this for a boolean"
  private static let quotes = "put it in quotes, or write true, false or a plain decimal number"
}
