import Diagnostics
import TestSupport
import Testing

@testable import YAML

@Suite("JSON") struct JSONTests {
  private func finding(_ line: Int, _ column: Int, _ message: String, path: String? = nil) -> Report {
    Report([.error("json-syntax", at: Location(source: "t", line: line, column: column, path: path), message)]
    )
  }

  private func parse(_ text: String) throws -> Node { try JSON.parse(Array(text.utf8), source: "t") }

  // MARK: What is read

  @Test(
    "every kind of value is read, numbers as they are written",
    arguments: [
      ("null", .null), ("true", .bool(true)), (" \t\r\nfalse \n", .bool(false)), ("0", .number("0")),
      ("-0", .number("-0")), ("1.50", .number("1.50")), ("1E400", .number("1E400")),
      ("-2.5e-07", .number("-2.5e-07")),
      ("123456789012345678901234567890", .number("123456789012345678901234567890")), ("\"\"", .string("")),
      ("[]", .sequence([])), ("{ }", .mapping([])), ("\u{FEFF}1", .number("1")),
      (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
      (#""\u0041\u00e9\u20AC\u0000""#, .string("Aé€\0")),
      (#""\ud83d\uDE00\uDBFF\uDFFF""#, .string("😀\u{10FFFF}")),
      ("\"é😀\u{7F}\u{2028}\"", .string("é😀\u{7F}\u{2028}")),
      (#""yes""#, .string("yes")), (#""12""#, .string("12")),
    ] as [(String, Node.Value)])
  func values(text: String, value: Node.Value) throws {
    #expect(try parse(text).value == value)
  }

  @Test("keys and values know their line and column, counted in characters from 1")
  func marks() throws {
    let node = try parse("\u{FEFF} {\"é\": [\"日本\", 1,\n\t\"😀\\u00e9\", true],\r\n \"b\" :null}")
    #expect(node.mark == Mark(line: 1, column: 2))
    let entries = try #require(node.mapping)
    #expect(entries.map(\.key) == ["é", "b"])
    #expect(entries.map(\.keyMark) == [Mark(line: 1, column: 3), Mark(line: 3, column: 2)])
    #expect(entries.map(\.value.mark) == [Mark(line: 1, column: 8), Mark(line: 3, column: 7)])
    let items = try #require(entries[0].value.sequence)
    #expect(
      items.map(\.mark) == [
        Mark(line: 1, column: 9), Mark(line: 1, column: 15), Mark(line: 2, column: 2),
        Mark(line: 2, column: 13),
      ])
  }

  // MARK: What is refused

  @Test(
    "an error of syntax is reported where it is, with what was expected",
    arguments: [
      ("", 1, 1, "the text is empty; expected a JSON document"),
      (" \n ", 2, 2, "the text is empty; expected a JSON document"),
      ("1 2", 1, 3, "text follows the end of the JSON document"),
      ("{}\n}", 2, 1, "text follows the end of the JSON document"),
      (
        "\u{FEFF}\u{FEFF}1", 1, 1,
        "not JSON: expected a value (an object, list, string, number, true, false or null)"
      ),
      (
        "[1,]", 1, 4,
        "not JSON: expected a value (an object, list, string, number, true, false or null) (at $[1])"
      ),
      (
        "[\"é\", NaN]", 1, 7,
        "not JSON: expected a value (an object, list, string, number, true, false or null) (at $[1])"
      ),
      (
        "True", 1, 1, "not JSON: expected a value (an object, list, string, number, true, false or null)"
      ),
      (
        "{\"a\": 'b'}", 1, 7,
        "not JSON: expected a value (an object, list, string, number, true, false or null) (at $.a)"
      ),
      (
        "// a\n1", 1, 1,
        "not JSON: expected a value (an object, list, string, number, true, false or null)"
      ),
      ("{\"a\":", 1, 6, "the text ends where a value is expected (at $.a)"),
      ("{\"a\":1,}", 1, 8, "expected a key in double quotes"),
      ("{a: 1}", 1, 2, "expected a key in double quotes"),
      ("{\"a\" 1}", 1, 6, "expected \":\" after the key"),
      ("{\"a\":1 \"b\":2}", 1, 8, "expected \",\" or \"}\" in the object"),
      ("[1 2]", 1, 4, "expected \",\" or \"]\" in the list"),
      ("[truer]", 1, 6, "expected \",\" or \"]\" in the list"),
      ("{\"a\": [1, 01]}", 1, 11, "not a JSON number (at $.a[1])"), ("1.", 1, 1, "not a JSON number"),
      ("-", 1, 1, "not a JSON number"), ("1e+", 1, 1, "not a JSON number"),
      ("[-01]", 1, 2, "not a JSON number (at $[0])"),
      (".5", 1, 1, "not JSON: expected a value (an object, list, string, number, true, false or null)"),
      (
        "[\"é\nb\"]", 1, 4,
        "a control character stands in a string; JSON wants it as an escape such as \\n (at $[0])"
      ),
      (
        "\"a\u{0}\"", 1, 3,
        "a control character stands in a string; JSON wants it as an escape such as \\n"
      ),
      (
        "\"a\tb\"", 1, 3,
        "a control character stands in a string; JSON wants it as an escape such as \\n"
      ),
      ("[\"é\", \"b]", 1, 7, "the string that starts here has no closing quote (at $[1])"),
      (#""é\x41""#, 1, 3, "not an escape of JSON"),
      (#""\"#, 1, 2, "the text ends within an escape"),
      (#""\u12""#, 1, 2, "expected four hexadecimal digits after \\u"),
      (#""\u+123""#, 1, 2, "expected four hexadecimal digits after \\u"),
      (#""é\ud800""#, 1, 3, "the escape is half of a surrogate pair, which is no character"),
      (#""\udc00\ud800""#, 1, 2, "the escape is half of a surrogate pair, which is no character"),
      (#""\ud800\u0041""#, 1, 2, "the escape is half of a surrogate pair, which is no character"),
      (#""\ud83d\ude""#, 1, 2, "expected four hexadecimal digits after \\u"),
    ])
  func syntax(text: String, line: Int, column: Int, message: String) {
    // The path is part of the message here: what is wrong within a value is reported with its name.
    let error = #expect(throws: Report.self) { try parse(text) }
    let found = error?.diagnostics.map { finding in
      "\(finding.code) \(finding.location?.description ?? ""): \(finding.message)"
        + (finding.location?.path.map { " (at \($0))" } ?? "")
    }
    #expect(found == ["json-syntax t:\(line):\(column): \(message)"])
  }

  @Test(
    "strings that are not UTF-8 are refused where they start",
    arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80]] as [[UInt8]])
  func encoding(bytes: [UInt8]) {
    #expect(throws: finding(1, 2, "the string is not valid UTF-8", path: "$[0]")) {
      try JSON.parse(Array("[\"a".utf8) + bytes + Array("\"]".utf8), source: "t")
    }
  }

  @Test("a key given twice is refused with both places, and every such key is reported")
  func duplicates() {
    func duplicate(_ line: Int, _ column: Int, _ path: String, _ first: String) -> Diagnostic {
      .error(
        "duplicate-key", at: Location(source: "t", line: line, column: column, path: path),
        "the key is given twice; it stands first at \(first)", help: "remove one of the two")
    }
    let report = Report([
      duplicate(2, 2, "$.a", "line 1, column 2"), duplicate(3, 16, #"$["\u00e9"][0].b"#, "line 3, column 9"),
    ])
    #expect(throws: report) {
      try parse("{\"a\": 1,\n \"\\u0061\": {\"a\": 2},\n \"é\": [{\"b\":1, \"b\":2}]}")
    }
  }

  @Test("a key given twice is found among few keys and among many", arguments: [2, 16, 17, 18, 500])
  func duplicateOfMany(count: Int) {
    let lines = (1...count).map { "\"key-\($0)\": \($0)" }
    for twice in [1, count / 2, count] {
      #expect(
        throws: Report([
          .error(
            "duplicate-key",
            at: Location(source: "t", line: count + 2, column: 1, path: #"$["key-\#(twice)"]"#),
            "the key is given twice; it stands first at line \(twice + 1), column 1",
            help: "remove one of the two")
        ])
      ) { try parse("{\n" + (lines + [lines[twice - 1]]).joined(separator: ",\n") + "\n}") }
    }
    #expect(throws: Never.self) { try parse("{\n" + lines.joined(separator: ",\n") + "\n}") }
  }

  @Test("200 levels are read, 201 are refused")
  func depth() throws {
    func lists(_ levels: Int) -> String {
      String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    #expect(try parse(lists(200)).sequence != nil)
    let path = "$" + String(repeating: "[0]", count: 200)
    #expect(throws: finding(1, 201, "nested more than 200 levels deep", path: path)) {
      try parse(lists(201))
    }
    #expect(throws: Report.self) { try parse(String(repeating: "{\"a\":", count: 1_000_000)) }
  }

  // MARK: Against Python's json

  /// Documents spelt in many ways, then broken in many ways.
  private static let documents: [[UInt8]] = {
    var generator = Corpus.Generator(seed: 5)
    var documents: [[UInt8]] = []
    for _ in 0..<1500 { documents.append(Array(spelt(Corpus.node(&generator, depth: 4), &generator).utf8)) }
    let noise =
      Array("{}[]\",:\\ \n\t\r0123456789-+.eEuUbnrtfalsd/'\u{0}\u{1F}é\u{FEFF}😀NI".utf8) + [
        0xFF, 0xC0, 0xED, 0xA0,
      ]
    for document in documents {
      var broken = document
      for _ in 0..<Int.random(in: 1...3, using: &generator) where !broken.isEmpty {
        let place = Int.random(in: 0..<broken.count, using: &generator)
        switch Int.random(in: 0..<5, using: &generator) {
        case 0: broken.remove(at: place)
        case 1: broken.insert(generator.pick(noise), at: place)
        case 2: broken[place] = generator.pick(noise)
        case 3: broken = Array(broken[..<place])
        default: broken.insert(contentsOf: broken[place...].prefix(8), at: place)
        }
      }
      documents.append(broken)
    }
    for _ in 0..<1500 {
      documents.append((0..<Int.random(in: 1...8, using: &generator)).map { _ in generator.pick(noise) })
    }
    return documents
  }()

  /// A document in one of the many spellings that JSON has for it.
  private static func spelt(_ node: Node, _ generator: inout Corpus.Generator) -> String {
    func space() -> String {
      generator.oneIn(4) ? generator.pick([" ", "\n", "\t", "\r\n", "  \n "]) : ""
    }
    func string(_ text: String) -> String {
      let body = text.unicodeScalars.map { scalar -> String in
        let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
        guard mustEscape || generator.oneIn(8) else { return String(scalar) }
        let short = [
          "\"": "\"", "\\": "\\", "/": "/", "\u{8}": "b", "\u{C}": "f", "\n": "n", "\r": "r", "\t": "t",
        ]
        if let letter = short[String(scalar)], generator.oneIn(2) { return "\\" + letter }
        return String(scalar).utf16.map { unit in
          let digits = String(unit, radix: 16, uppercase: generator.oneIn(2))
          return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
      }
      return "\"" + body.joined() + "\""
    }
    switch node.value {
    case .null: return "null"
    case .bool(let flag): return "\(flag)"
    case .number(let digits): return digits + generator.pick(["", "", ".0", ".50", "e3", "E+10", ".25e-400"])
    case .string(let text): return string(text)
    case .sequence(let items):
      return "[" + items.map { space() + spelt($0, &generator) + space() }.joined(separator: ",") + space()
        + "]"
    case .mapping(let entries):
      let body = entries.map {
        space() + string($0.key) + space() + ":" + space() + spelt($0.value, &generator) + space()
      }
      return "{" + body.joined(separator: ",") + space() + "}"
    }
  }

  private static func code(_ node: Node) -> Node {
    func points(_ text: String) -> Node {
      Node(.sequence(text.unicodeScalars.map { Node(.number("\($0.value)")) }))
    }
    return switch node.value {
    case .null, .bool: node
    case .number(let digits): ["number", points(digits)]
    case .string(let text): ["string", points(text)]
    case .sequence(let items): Node(.sequence(["list"] + items.map(code)))
    case .mapping(let entries):
      Node(.sequence(["object"] + entries.map { [points($0.key), code($0.value)] }))
    }
  }

  private static func readByPython(_ documents: [[UInt8]]) async throws -> [Node] {
    // Python gets the bytes as characters of the same number, so that broken UTF-8 reaches it.
    let texts = documents.map { Node(.string(String(decoding: $0.map(UInt16.init), as: UTF16.self))) }
    let answers = try #require(try await Readers.python("read_json", Node(.sequence(texts))).sequence)
    try #require(answers.count == documents.count)
    return answers
  }

  @Test(
    "documents, whole and broken, are read as Python reads them, or refused as it refuses them",
    .enabled(if: Tool.has("python3"), "there is no python3"))
  func againstPython() async throws {
    let answers = try await Self.readByPython(Self.documents)
    var failures: [String] = []
    var accepted = 0
    var refused = 0
    for (document, answer) in zip(Self.documents, answers) {
      let node = try? JSON.parse(document, source: "t")
      if answer.sequence != nil { accepted += 1 } else { refused += 1 }
      if node.map({ Node(.sequence([Self.code($0)])).exact }) != (answer.sequence == nil ? nil : answer.exact)
      {
        failures.append("\(String(decoding: document, as: UTF8.self).debugDescription): \(answer.exact)")
      }
    }
    #expect(failures.isEmpty, "\(sample(failures))")
    #expect(
      accepted > 1500 && refused > 1500, "\(accepted) accepted, \(refused) refused: too few to prove much")
  }

  // MARK: What is written

  private static let written: [Node] = {
    var generator = Corpus.Generator(seed: 6)
    let trees = (0..<500).map { _ in Corpus.node(&generator) }
    return trees + (Corpus.curated + Corpus.strings(2000, seed: 7)).map { Node(.string($0)) }
  }()

  @Test(
    "what is written is read back by Python, character for character",
    .enabled(if: Tool.has("python3"), "there is no python3"))
  func emission() async throws {
    let answers = try await Self.readByPython(Self.written.map(JSON.emit))
    let failures = zip(Self.written, answers).filter { Node(.sequence([Self.code($0)])).exact != $1.exact }
    #expect(failures.isEmpty, "\(sample(failures.map { "\($0.exact) as \($1.exact)" }))")
  }

  @Test("what is written is one line of ASCII, and is read back as it was")
  func ascii() throws {
    for node in Self.written {
      let text = JSON.emit(node)
      #expect(text.allSatisfy { (0x20...0x7E).contains($0) })
      #expect(try JSON.emit(JSON.parse(text, source: "t")) == text)
      if let string = node.string { #expect(Array(JSON.quote(string).utf8) == text) }
    }
  }

  @Test(
    "a text is quoted with the fewest escapes that ASCII allows",
    arguments: [
      ("", #""""#), ("a/b<>&'", #""a/b<>&'""#), ("\"\\", #""\"\\""#), ("\n\r\t", #""\n\r\t""#),
      ("\0\u{8}\u{1B}\u{7F}\u{85}", ##""\u0000\u0008\u001b\u007f\u0085""##),
      ("é\u{2028}\u{FEFF}", ##""\u00e9\u2028\ufeff""##), ("😀", ##""\ud83d\ude00""##),
    ])
  func quoting(text: String, quoted: String) {
    #expect(JSON.quote(text) == quoted)
  }

  @Test("documents are compact, in their own order, with numbers as they were written and no tags")
  func compact() {
    let node = Node(
      .mapping([
        Node.Entry("b", Node(.sequence([Node(.number("1.50")), true, Node(.null), []]), tag: "!x")),
        Node.Entry("a", Node(.mapping([]))),
      ]))
    #expect(node.exact == #"{"b":[1.50,true,null,[]],"a":{}}"#)
  }
}
