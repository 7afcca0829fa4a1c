import Diagnostics
import Foundation
import Page
import TestSupport
import Testing

@Suite("Code in colours") struct CodeTests {
  /// What tests write a text's pieces as: `kind:text`, those without a colour as the text alone.
  private static func pieces(_ text: String, _ language: Code.Language) -> [String] {
    Code(text, in: language).pieces.map { $0.kind == .plain ? $0.text : "\($0.kind.rawValue):\($0.text)" }
  }

  // MARK: Languages

  @Test(
    "YAML: keys, texts, comments, block scalars, tags",
    arguments: [
      ("a: b", ["key:a", "sign::", " b"]),
      ("a: 1 # one", ["key:a", "sign::", " ", "number:1", " ", "comment:# one"]),
      ("# c\n- x", ["comment:# c", "\n", "sign:-", " x"]),
      (
        "- a: true\n  b: no",
        ["sign:-", " ", "key:a", "sign::", " ", "word:true", "\n  ", "key:b", "sign::", " no"]
      ),
      ("\"a b\": 'it''s'", ["key:\"a b\"", "sign::", " ", "string:'it''s'"]),
      // Neither is a comment, and neither is a key.
      ("a: b#c", ["key:a", "sign::", " b#c"]),
      ("url: https://x:1/", ["key:url", "sign::", " https://x:1/"]),
      (
        "a: |\n  # text\n\n  x: y\nb: 1",
        [
          "key:a", "sign::", " ", "sign:|", "\n", "string:  # text", "\n", "\n", "string:  x: y", "\n",
          "key:b", "sign::", " ", "number:1",
        ]
        .joinedPlain
      ),
      // A block scalar belongs to the innermost key of its line, and ends before the next one.
      (
        "- a: >-\n    t\n  b: 1",
        [
          "sign:-", " ", "key:a", "sign::", " ", "sign:>-", "\n", "string:    t", "\n  ", "key:b", "sign::",
          " ", "number:1",
        ]
      ),
      (
        "a: {b: [1, x], c: &d !e f}",
        [
          "key:a", "sign::", " ", "sign:{", "key:b", "sign::", " ", "sign:[", "number:1", "sign:,", " x",
          "sign:],", " ",
          "key:c", "sign::", " ", "word:&d", " ", "word:!e", " f", "sign:}",
        ]
      ),
      ("---\na: ~", ["sign:---", "\n", "key:a", "sign::", " ", "word:~"]),
      ("a: 1.2.3", ["key:a", "sign::", " 1.2.3"]), ("a: v1", ["key:a", "sign::", " v1"]),
    ])
  func yaml(text: String, expected: [String]) {
    #expect(Self.pieces(text, .yaml) == expected)
  }

  @Test(
    "JSON: keys apart from texts",
    arguments: [
      (#"{"a": "b"}"#, ["sign:{", #"key:"a""#, "sign::", " ", #"string:"b""#, "sign:}"]),
      (
        #"["a\"b", -1.5e+3, null]"#,
        [
          "sign:[", #"string:"a\"b""#, "sign:,", " ", "number:-1.5e+3", "sign:,", " ", "word:null", "sign:]",
        ]
      ),
      (#"{"a" : 1}"#, ["sign:{", #"key:"a""#, " ", "sign::", " ", "number:1", "sign:}"]),
      (#""never ends"#, [#"string:"never ends"#]),
    ])
  func json(text: String, expected: [String]) {
    #expect(Self.pieces(text, .json) == expected)
  }

  @Test(
    "Shell: words, variables, substitutions in quotes, here-documents",
    arguments: [
      ("if x; then", ["word:if", " x", "sign:;", " ", "word:then"]),
      ("a=$b c", ["key:a", "=", "variable:$b", " c"]),
      ("# c\nx#y '#' # d", ["comment:# c", "\nx#y ", "string:'#'", " ", "comment:# d"]),
      (
        #""a $b ${c:-"}"}""#,
        [#"string:"a "#, "variable:$b", "string: ", #"variable:${c:-"}"}"#, #"string:""#]
      ),
      (
        #""$(f "x")" y"#,
        [
          #"string:""#, "variable:$(", "f ", #"string:"x""#, "variable:)", #"string:""#, " y",
        ]
      ),
      ("f() { g; }", ["key:f", "sign:()", " ", "sign:{", " g", "sign:;", " ", "sign:}"]),
      ("cat <<'E'\n$x\nE\ny", ["cat ", "sign:<<", "'E'\n", "string:$x", "\n", "sign:E", "\ny"]),
      ("a <<<b", ["a ", "sign:<<<", "b"]),
      // A word is one only as a whole, and where one begins.
      ("ifx do-it 'if' x=if", ["ifx do-it ", "string:'if'", " ", "key:x", "=if"]),
      (#"echo \"a\$b $"#, [#"echo \"a\$b $"#]),
      (
        "x() { (( $# > 1 )); }",
        [
          "key:x", "sign:()", " ", "sign:{", " ", "sign:((", " ", "variable:$#", " ", "sign:>", " 1 ",
          "sign:));", " ",
          "sign:}",
        ]
      ),
    ])
  func shell(text: String, expected: [String]) {
    #expect(Self.pieces(text, .shell) == expected)
  }

  @Test(
    "Settings: names, values, sections, comments",
    arguments: [
      ("A='x y'\nB=12", ["key:A", "sign:=", "string:'x y'", "\n", "key:B", "sign:=", "number:12"]),
      ("[Unit]\nAfter=a.b\n# c", ["word:[Unit]", "\n", "key:After", "sign:=", "a.b\n", "comment:# c"]),
      ("A=''\"'\"'x'", ["key:A", "sign:=", "string:''\"'\"'x'"]),
      // A number is one only as the whole of a value.
      ("A=1m\nB=v1", ["key:A", "sign:=", "1m\n", "key:B", "sign:=", "v1"]),
      ("no sign\nA=1", ["no sign\n", "key:A", "sign:=", "number:1"]),
    ])
  func settings(text: String, expected: [String]) {
    #expect(Self.pieces(text, .settings) == expected)
  }

  @Test(
    "The language is told by the first line, or by the name",
    arguments: [
      ("/a/b", "#!/bin/sh\n", Code.Language.shell), ("/a/b.yaml", "#!/bin/sh\n", .shell),
      ("/a/b", "#!/usr/bin/env bash\n", .shell), ("/a/b", "#!/bin/sh -eu", .shell),
      ("/a/b", "#!/usr/bin/python3 -I\n", .text), ("/a/b.sh", "#!/usr/bin/python3 -I\nsh\n", .text),
      ("/a/b.yml", "", .yaml), ("/a/b.json", "", .json), ("/a.d/b", "x: y", .text),
      ("/a/b.service", "", .settings),
      ("/a/.env", "A=1", .settings), ("/a/yaml", "", .text), ("", "", .text), ("/", "", .text),
    ])
  func language(path: String, content: String, expected: Code.Language) {
    #expect(Code.Language(path: path, content: content) == expected)
  }

  @Test("A fingerprint stands out in every language, and nothing that only looks like one")
  func fingerprints() {
    for language in Code.Language.allCases {
      for shown in ["<secret:git_pat#7f3a91>", "<secret:git_pat>"] {
        let found = Code("a: '\(shown)'\n", in: language).pieces.filter { $0.kind == .secret }
        #expect(found.map(\.text) == [shown], "\(language)")
      }
      #expect(!Code("<secret:git_pat#7f3a9> <secret:>", in: language).pieces.contains { $0.kind == .secret })
    }
  }

  // MARK: Whatever the text

  @Test("The pieces are the text again, whatever it is", arguments: Code.Language.allCases)
  func whole(language: Code.Language) {
    let words = [
      "a", "1", " ", "  ", "\n", "\t", ":", ": ", "- ", "#", " #", "\"", "'", "\\", "$", "${", "}", "$(", ")",
      "(",
      "{", "[", "]", ",", "|", "\n|\n", ">-\n", "<<E", "\nE\n", "&", "*", "!", "---", "=", "true", "é", "🥝",
      "\u{0}",
      "\u{202E}", "\r\n", "<secret:a#000000>", "</pre>", "if", "()", ";",
    ]
    var random = SplitMix(seed: 7)
    for _ in 0..<2_000 {
      let text = (0..<Int.random(in: 0...24, using: &random)).map { _ in
        words.randomElement(using: &random) ?? ""
      }
      .joined()
      let pieces = Code(text, in: language).pieces
      #expect(pieces.map(\.text).joined() == text)
      #expect(pieces.allSatisfy { !$0.text.isEmpty })
    }
    // Deep nesting is not gone into, and takes no time that grows faster than the text.
    for part in ["$(", "\"$(", "${", "{", "[", "- ", "a: ", "<<A\n"] {
      let text = String(repeating: part, count: 20_000)
      #expect(Code(text, in: language).pieces.map(\.text).joined() == text)
    }
  }

  @Test("The project's own scripts and manifests are cut without a rest, and their comments are found")
  func own() throws {
    let folder = Tool.root.appendingPathComponent("templates")
    let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    var comments: [Code.Language: Int] = [:]
    for path in paths where path.contains(".") {
      let text = try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
      let language = Code.Language(path: path, content: text)
      let pieces = Code(text, in: language).pieces
      #expect(pieces.map(\.text).joined() == text, "\(path)")
      let found = pieces.count { $0.kind == .comment }
      comments[language, default: 0] += found
      // None of the scripts has a text of which a line begins with a hash.
      let lines = text.split(separator: "\n").count { $0.drop { $0 == " " }.hasPrefix("#") }
      if language == .shell { #expect(found >= lines && lines > 3, "\(path)") }
    }
    #expect(comments.keys.contains(.shell) && comments[.yaml, default: 0] > 20)
  }

  @Test("As markup it has one element a line, and the text is what it was")
  func markup() throws {
    #expect(
      Code("a: <b>\n\n\tx", in: .yaml).markup.text
        == "<pre class=\"code\"><code><span><b class=\"key\">a</b><b class=\"sign\">:</b> &lt;b&gt;\n</span><span>\n</span><span>\tx</span></code></pre>"
    )
    #expect(Code("", in: .text).markup.text == "<pre class=\"code\"><code></code></pre>")
    #expect(Code("a\n", in: .text).markup.text == "<pre class=\"code\"><code><span>a\n</span></code></pre>")
    for text in ["'a\nb'", "\n\n", "a\r\n\u{1B}[2J", "\u{202E}"] {
      let markup = Code(text, in: .shell).markup.text
      #expect(
        markup.components(separatedBy: "<span>").count == markup.components(separatedBy: "</span>").count)
      #expect(markup.components(separatedBy: "<b ").count == markup.components(separatedBy: "</b>").count)
      #expect(!markup.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\r" || $0 == "\u{202E}" })
    }
  }
}

extension [String] {
  /// Pieces without a colour that follow each other are one.
  fileprivate var joinedPlain: [String] {
    let kinds = ["comment:", "key:", "string:", "number:", "word:", "variable:", "sign:", "secret:"]
    return reduce(into: []) { pieces, piece in
      let isPlain = { (text: String) in !kinds.contains { text.hasPrefix($0) } }
      if let last = pieces.last, isPlain(last), isPlain(piece) {
        pieces[pieces.count - 1] = last + piece
      } else {
        pieces.append(piece)
      }
    }
  }
}
