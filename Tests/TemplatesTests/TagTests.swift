import Diagnostics
import TestSupport
import Testing

@testable import Templates

@Suite("Template tags") struct TagTests {
  @Test(
    "each tag stands for what the table says",
    arguments: [
      // Without a tag, a template is what it says.
      ("{a: b, c: [1, 1.50, true, null, '1'], d: {}}", #"{a: "b", c: [1, 1.50, true, null, "1"], d: {}}"#),
      ("a: &x {b: c}\nd: *x", #"{a: {b: "c"}, d: {b: "c"}}"#),
      ("!value name", #""harbour""#), ("!value port", "6443"), ("!value open", "true"),
      ("!value absent", "null"),
      ("!value names", #"["a", "b"]"#), ("!value labels", #"{tier: "edge", zone: "1"}"#),
      ("!value labels.zone", #""1""#), ("a: !value empty", #"{a: ""}"#),
      ("!secret token", "secret(k3s_token of 7 bytes)"),
      ("!format 'https://${name}:${port}/'", #""https://harbour:6443/""#),
      ("!format 'plain'", #""plain""#), ("!format '$${name} $name ${labels.tier}'", #""${name} $name edge""#),
      ("!format '$'", #""$""#), ("!format '${name}${empty}$'", #""harbour$""#),
      ("!format '}${name}{'", #""}harbour{""#),
      ("a: !yaml {b: [!value port]}", "{a: yaml({b: [6443]})}"), ("!yaml [1]", "yaml([1])"),
      ("!json {b: !secret token}", "json({b: secret(k3s_token of 7 bytes)})"),
      ("!yaml o.yaml", #"yaml({o: "harbour"})"#), ("!json o.yaml", #"json({o: "harbour"})"#),
      (
        "!env {A: !value name, B_2: !value port, _C: !value names, D: !value open, E: !value absent, F: ''}",
        #"environment({A: "harbour", B_2: 6443, _C: ["a", "b"], D: true, E: null, F: ""})"#
      ),
      ("!env {A: x, B: !when {shut: z}}", #"environment({A: "x"})"#),
      ("!file f.txt", #""kept # all\n\n${name} !value\n""#), ("!include o.yaml", #"{o: "harbour"}"#),
      ("a: !include l.yaml", #"{a: [1, "harbour"]}"#),
      // A list within a list is spliced, and only that.
      ("[0, !include l.yaml, 2]", #"[0, 1, "harbour", 2]"#),
      ("[0, !include o.yaml]", #"[0, {o: "harbour"}]"#),
      ("[0, !when {open: !include l.yaml}]", #"[0, 1, "harbour"]"#), ("[!when {open: [1]}]", "[[1]]"),
      ("a: !when {open: x}\nb: !when {shut: z}", #"{a: "x"}"#),
      ("a: !unless {open: x}\nb: !unless {shut: z}", #"{b: "z"}"#),
      ("[!when {open: x}, !when {absent: z}, !unless {absent: z}]", #"["x", "z"]"#),
      (
        "[!when {empty: 1}, !when {none: 2}, !when {names: 3}, !when {labels: 4}, !when {token: 5}, !when {port: 6}]",
        "[3, 4, 5, 6]"
      ),
      ("[!each {names: !value item}]", #"["a", "b"]"#),
      ("[0, !each {none: x}, !each {absent: x}, 1]", "[0, 1]"),
      ("[!each {names: {k: !value item, p: !value port}}]", #"[{k: "a", p: 6443}, {k: "b", p: 6443}]"#),
      // An inner list has its own items; the outer one's are back after it.
      (
        "[!each {nodes: {i: [!each {item.ips: !value item}], l: !value item.name}}]",
        #"[{i: [1, 2], l: "a"}, {i: [], l: "b"}]"#
      ),
      ("[!each {nodes: !when {item.ips: !value item.name}}]", #"["a"]"#),
      ("[!each {names: !include i.yaml}]", #"["at a", "at b"]"#),
    ])
  func tags(template: String, result: String) throws {
    let others = [
      "o.yaml": "o: !value name", "l.yaml": "- 1\n- !value name\n", "f.txt": "kept # all\n\n${name} !value\n",
      "i.yaml": "!format 'at ${item}'",
    ]
    #expect(try Expansion.short(template, others) == result)
  }

  @Test(
    "an error stands at the line and column of the template",
    arguments: [
      // Paths.
      (
        "a:\n  b: !value nme",
        "t.yaml:2:6: error: there is no value nme: \"nme\" is unknown; did you mean \"name\"? [template-path]"
      ),
      (
        "a: !value labels.zne",
        "t.yaml:1:4: error: there is no value labels.zne: \"zne\" is unknown; did you mean \"zone\"? [template-path]"
      ),
      (
        "!value labels.colour",
        "t.yaml:1:1: error: there is no value labels.colour: \"colour\" is unknown; it has tier, zone [template-path]"
      ),
      (
        "!value name.first",
        "t.yaml:1:1: error: there is no value name.first: \"first\" is unknown; a text has no names [template-path]"
      ),
      (
        "!value absent.x",
        "t.yaml:1:1: error: there is no value absent.x: \"x\" is unknown; not given has no names [template-path]"
      ),
      (
        "!value 'labels.'",
        "t.yaml:1:1: error: there is no value labels.: \"\" is unknown; it has tier, zone [template-path]"
      ),
      (
        "[!value item]",
        "t.yaml:1:2: error: there is no value item: \"item\" is unknown; it has name, port, open, shut, empty, absent, names, none, labels, token, nodes [template-path]"
      ),
      (
        "a: !format 'x${nam}'",
        "t.yaml:1:4: error: there is no value nam: \"nam\" is unknown; did you mean \"name\"? [template-path]"
      ),
      (
        "a: !when\n  nme: x",
        "t.yaml:2:3: error: there is no value nme: \"nme\" is unknown; did you mean \"name\"? [template-path]"
      ),
      (
        "- !each\n  nams: x",
        "t.yaml:2:3: error: there is no value nams: \"nams\" is unknown; did you mean \"name\"? [template-path]"
      ),
      (
        "!secret tokn",
        "t.yaml:1:1: error: there is no value tokn: \"tokn\" is unknown; did you mean \"token\"? [template-path]"
      ),
      // Tags.
      ("a: !valeu name", "t.yaml:1:4: error: there is no tag !valeu; did you mean !value? [template-tag]"),
      (
        "!!binary aGk=",
        "t.yaml:1:1: error: there is no tag tag:yaml.org,2002:binary; the tags are !value, !secret, !format, !yaml, !json, !env, !file, !script, !gzip, !include, !when, !unless, !each [template-tag]"
      ),
      // Types.
      ("!secret name", "t.yaml:1:1: error: name is a text; !secret takes a secret [template-type]"),
      ("!secret absent", "t.yaml:1:1: error: absent is not given; !secret takes a secret [template-type]"),
      ("!secret names", "t.yaml:1:1: error: names is a list; !secret takes a secret [template-type]"),
      ("!secret [a]", "t.yaml:1:1: error: !secret takes a text, found a list [template-type]"),
      ("!value {a: b}", "t.yaml:1:1: error: !value takes a text, found a mapping [template-type]"),
      ("a: !value", "t.yaml:1:4: error: !value takes a text, found nothing [template-type]"),
      ("!format [a]", "t.yaml:1:1: error: !format takes a text, found a list [template-type]"),
      (
        "!format '${names}'",
        "t.yaml:1:1: error: names is a list; !format takes texts and numbers [template-type]"
      ),
      (
        "!format '${labels}'",
        "t.yaml:1:1: error: labels is a map; !format takes texts and numbers [template-type]"
      ),
      (
        "!format '${open}'",
        "t.yaml:1:1: error: open is a condition; !format takes texts and numbers [template-type]"
      ),
      (
        "!format '${absent}'",
        "t.yaml:1:1: error: absent is not given; !format takes texts and numbers [template-type]"
      ),
      ("!file {a: b}", "t.yaml:1:1: error: !file takes a text, found a mapping [template-type]"),
      ("!include [a]", "t.yaml:1:1: error: !include takes a text, found a list [template-type]"),
      ("!env [a]", "t.yaml:1:1: error: !env takes a mapping of variables, found a list [template-type]"),
      ("!env text", "t.yaml:1:1: error: !env takes a mapping of variables, found a string [template-type]"),
      (
        "a: !when {open: x, shut: z}",
        "t.yaml:1:4: error: !when takes a mapping of one path to what follows from it [template-type]"
      ),
      (
        "a: !unless {}",
        "t.yaml:1:4: error: !unless takes a mapping of one path to what follows from it [template-type]"
      ),
      (
        "[!each names]",
        "t.yaml:1:2: error: !each takes a mapping of one path to what follows from it [template-type]"
      ),
      ("a: !each {names: x}", "t.yaml:1:4: error: !each stands only as an item of a list [template-type]"),
      (
        "a: [!yaml {b: !each {names: x}}]",
        "t.yaml:1:15: error: !each stands only as an item of a list [template-type]"
      ),
      ("[!each {name: x}]", "t.yaml:1:9: error: name is a text; !each takes a list [template-type]"),
      ("[!each {labels: x}]", "t.yaml:1:9: error: labels is a map; !each takes a list [template-type]"),
      ("[!each {token: x}]", "t.yaml:1:9: error: token is a secret; !each takes a list [template-type]"),
      // A secret goes nowhere but where !secret takes it.
      ("a: !value token", "t.yaml:1:4: error: token is a secret; take it with !secret [template-secret]"),
      (
        "!format 'x${token}'",
        "t.yaml:1:1: error: token is a secret; !format takes texts and numbers [template-type]"
      ),
      (
        "!env\nA: !secret token",
        "t.yaml:2:4: error: A is a secret, which must stay in a file of its own [template-env]"
      ),
      (
        "!env {A: [!secret token]}",
        "t.yaml:1:10: error: A is a list of which an item is no text, is empty or holds white space [template-env]"
      ),
      // Text with values in it.
      (
        "a: !format 'x ${name'",
        "t.yaml:1:4: error: a \"${\" has no \"}\"; write $${ for a literal ${ [template-format]"
      ),
      (
        "!format '${}'",
        "t.yaml:1:1: error: there is no value : \"\" is unknown; it has name, port, open, shut, empty, absent, names, none, labels, token, nodes [template-path]"
      ),
      // Variables.
      (
        "!env {a: b}",
        "t.yaml:1:10: error: \"a\" is not the name of a variable; use upper-case letters, digits and \"_\" [template-env]"
      ),
      (
        "!env {2A: b}",
        "t.yaml:1:11: error: \"2A\" is not the name of a variable; use upper-case letters, digits and \"_\" [template-env]"
      ),
      (
        "!env {A: \"x\\ny\"}",
        "t.yaml:1:10: error: A is a text with a control character, which a line of an environment file cannot hold [template-env]"
      ),
      (
        "!env {A: [a b]}",
        "t.yaml:1:10: error: A is a list of which an item is no text, is empty or holds white space [template-env]"
      ),
      (
        "!env {A: [a, '']}",
        "t.yaml:1:10: error: A is a list of which an item is no text, is empty or holds white space [template-env]"
      ),
      (
        "!env {A: [1]}",
        "t.yaml:1:10: error: A is a list of which an item is no text, is empty or holds white space [template-env]"
      ),
      ("!env {A: {b: c}}", "t.yaml:1:10: error: A is neither a text, a number nor a list [template-env]"),
      ("!env {A: !yaml {}}", "t.yaml:1:10: error: A is neither a text, a number nor a list [template-env]"),
      // Files.
      (
        "a: !include o.yml",
        "t.yaml:1:4: error: there is no template \"o.yml\"; did you mean \"o.yaml\"? names are paths within the templates folder [template-file]"
      ),
      (
        "!file guest/bootstap.sh",
        "t.yaml:1:1: error: there is no template \"guest/bootstap.sh\"; did you mean \"guest/bootstrap.sh\"? names are paths within the templates folder [template-file]"
      ),
      (
        "!yaml nowhere-at-all.yaml",
        "t.yaml:1:1: error: there is no template \"nowhere-at-all.yaml\"; names are paths within the templates folder [template-file]"
      ),
      (
        "a: !include t.yaml",
        "t.yaml:1:4: error: the template includes itself: t.yaml → t.yaml [template-cycle]"
      ),
      (
        "[!include c.yaml]",
        "d.yaml:2:4: error: the template includes itself: t.yaml → c.yaml → d.yaml → c.yaml [template-cycle]"
      ),
      // Templates that are no YAML, or say two things.
      (
        "a: [b",
        "t.yaml:2:1: error: not YAML: did not find expected ',' or ']' while parsing a flow sequence that starts at line 1, column 4 [yaml-syntax]"
      ),
      (
        "[!include broken.yaml]",
        "broken.yaml:2:5: error: not YAML: mapping values are not allowed in this context; mend the indentation, or put text that holds a colon and a space in quotes [yaml-syntax]"
      ),
      (
        "a: 1\nb: 2\na: 3",
        "t.yaml:3:1: error: the key is given twice; it stands first at line 1, column 1 (at $.a); remove one of the two [duplicate-key]"
      ),
      (
        "a: !when {open: x, open: z}",
        "t.yaml:1:20: error: the key is given twice; it stands first at line 1, column 11 (at $.a.open); remove one of the two [duplicate-key]"
      ),
      (
        "a: 0777",
        "t.yaml:1:4: error: unless it is in quotes, some readers of YAML take this for a number (at $.a); put it in quotes, or write true, false or a plain decimal number [yaml-ambiguous]"
      ),
      ("", "t.yaml:1:1: error: the text holds no document [yaml-empty]"),
      (
        "a: 1\n---\nb: 2",
        "t.yaml:3:1: error: a second document starts here; only one is allowed [yaml-documents]"
      ),
      ("!when {shut: x}", "template t.yaml: error: the template expands to nothing [template-empty]"),
    ])
  func errors(template: String, finding: String) {
    let others = [
      "o.yaml": "o", "c.yaml": "!include d.yaml", "d.yaml": "a: 1\nb: !include c.yaml",
      "broken.yaml": "a: b\nc: d: e",
    ]
    #expect(Expansion.findings(template, others) == [finding])
  }

  @Test(
    "a secret in the place of a name is not quoted",
    arguments: [
      "!secret T", "!value T", "!file T", "!include T.yaml", "!format '${T}'", "!T x", "!env {0-T: a}",
    ])
  func misplacedSecret(template: String) {
    let token = "v1xR8tQ2mZ7pLk4JcN6yWb0HsDf3GuEa9TiOqVnX"
    let findings = Expansion.findings(template.replacing("T", with: token), [:])
    #expect(!findings.isEmpty && !findings.contains { $0.contains(token.prefix(12)) }, "\(findings)")
  }

  @Test("every error is found in one go, each once")
  func allErrors() {
    let template =
      "- !value a1\n- !each {names: !secret name}\n- !include b.yaml\n- !include b.yaml\n- !nothing x\n"
    let findings = Expansion.findings(template, ["b.yaml": "["])
    #expect(
      findings.map { String($0.prefix { $0 != " " }) } == [
        "t.yaml:1:3:", "t.yaml:2:17:", "b.yaml:2:1:", "t.yaml:5:3:",
      ])
  }

  @Test("a file that is no text is refused where it is asked for")
  func notText() {
    var expander = Expander(
      TemplateSet(overrides: ["t.yaml": Array("a: !file f".utf8), "f": [0xFF, 0xFE]], folder: "mine/"))
    #expect(
      throws: Report([
        .error(
          "template-file", at: Location(source: "mine/t.yaml", line: 1, column: 4), "the file f is not UTF-8")
      ])
    ) { try expander.expand("t.yaml", with: Expansion.context) }
  }

  @Test("a template that is not there is named")
  func absent() {
    var expander = Expander(TemplateSet())
    #expect(
      throws: Report([
        .error(
          "template-file", at: Location(source: "template cloud-init/sever.yaml"),
          "there is no template \"cloud-init/sever.yaml\"",
          help: "did you mean \"cloud-init/server.yaml\"? names are paths within the templates folder")
      ])
    ) { try expander.expand("cloud-init/sever.yaml", with: Expansion.context) }
  }

  @Test("after a failure the same expander works on")
  func reuse() throws {
    var expander = Expander(
      TemplateSet(
        overrides: ["bad": Array("!value x".utf8), "good": Array("!value name".utf8)], folder: "mine"))
    #expect(throws: Report.self) { try expander.expand("bad", with: Expansion.context) }
    #expect(try expander.expand("good", with: Expansion.context).short == #""harbour""#)
  }

  // MARK: Origins

  @Test("every field knows the line of the template and the input")
  func origins() throws {
    let field = try Expansion.field([
      "t.yaml": "a: !value name\nb:\n  - !format '${port} ${name}'\n  - !include o.yaml\nc: !secret token\n",
      "o.yaml": "x:\n  z: !yaml {z: !value port}\n",
    ])
    func origin(_ field: Field?) -> [String] {
      guard let origin = field?.origin else { return [] }
      return [origin.template.description, origin.input?.path ?? "-"]
    }
    #expect(origin(field) == ["mine/t.yaml:1:1", "-"])
    #expect(origin(field["a"]) == ["mine/t.yaml:1:4", "$.name"])
    #expect(origin(field["b"]) == ["mine/t.yaml:3:3", "-"])
    // Of several values in a text, the first is named.
    #expect(origin(field["b"]?.items.first) == ["mine/t.yaml:3:5", "$.port"])
    #expect(origin(field["b"]?.items.last) == ["mine/o.yaml:1:1", "-"])
    guard case .document(let inner, .yaml)? = field["b"]?.items.last?["x"]?["z"]?.content else {
      Issue.record("no document: \(field.short)")
      return
    }
    #expect(origin(inner["z"]) == ["mine/o.yaml:2:16", "$.port"])
    #expect(origin(field["c"]) == ["mine/t.yaml:5:4", "$.k3s_token"])
  }

  @Test("the items of a list keep their own inputs; what has none has that of the list")
  func itemOrigins() throws {
    func place(_ path: String) -> Location { Location(source: "in.json", path: path) }
    let context = Context.map([
      "l": Context(.list([Context(.text("a"), from: place("$.l[0]")), .text("b")]), from: place("$.l"))
    ])
    let field = try Expansion.field(["t.yaml": "!value l"], context: context)
    #expect(field.items.map(\.origin.input?.path) == ["$.l[0]", "$.l"])
  }

  // MARK: Values are inert

  @Test("a value that looks like a template, or like YAML, is that text", arguments: Hostile.all)
  func inert(text: String) throws {
    let context = Context.map(["x": .text(text), "y": .text("y"), "name": .text("no")])
    let field = try Expansion.field(
      [
        "t.yaml":
          "a: !value x\nb: !format '${x}${y}'\nc: !format '${y}${x}'\nd: !yaml {e: [!value x]}\nf: [!each {l: !value item}]"
      ], context: Context(.map([("l", .list([.text(text), .text("z")]))] + context.entries)))
    #expect(field["a"]?.text == text)
    // A "$" at the end of a value escapes nothing.
    #expect(field["b"]?.text == text + "y")
    #expect(field["c"]?.text == "y" + text)
    #expect(field["f"]?.items.map(\.text) == [text, "z"])
  }

  @Test("whatever the values are, the tree stays the same", arguments: 0..<40)
  func structure(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    func text() -> String {
      (Hostile.all + [String(repeating: "ab\n", count: 999)]).randomElement(using: &random) ?? ""
    }
    func context(_ text: () -> String, _ word: () -> String) -> Context {
      .map([
        "a": .text(text()), "b": .map(["c": .text(text()), "d": .text(text())]),
        "l": .list([
          .map(["n": .text(text()), "v": .text(text())]), .map(["n": .text(text()), "v": .text(text())]),
        ]),
        "w": .list([.text(word()), .text(word())]), "line": .text(word()),
      ])
    }
    let template = """
      top: !value a
      list:
        - !each {l: {k: !value item.n, f: !format '-${item.v}-${a}', z: !yaml {v: !value item.v}}}
        - !include part.yaml
        - !when {w: !value b}
      env: !env {W: !value w, L: !value line, F: !format '${line}=${line}'}
      json: !json [!value a, {k: !yaml {deep: !value b.c}}]
      """
    let files = ["t.yaml": template, "part.yaml": "- !value b.d\n- fixed: !value a\n"]
    let plain = try Expansion.field(files, context: context({ "x" }, { "x" }))
    let hostile = try Expansion.field(
      files, context: context(text) { Hostile.words.randomElement(using: &random) ?? "x" })
    #expect(hostile.shape == plain.shape)
  }

  @Test("a variable takes any line, quotes and dollars among them", arguments: Hostile.lines)
  func environment(text: String) throws {
    let field = try Expansion.field(["t.yaml": "!env {A: !value x}"], context: .map(["x": .text(text)]))
    #expect(field.short == "environment({A: \(text.debugDescription)})")
  }

  @Test(
    "a variable takes no line end and no other control character",
    arguments: ["\n", "\r", "\t", "\0", "\u{1B}", "\u{7F}"])
  func control(character: String) {
    #expect(throws: Report.self) {
      try Expansion.field(["t.yaml": "!env {A: !value x}"], context: .map(["x": .text("a\(character)b")]))
    }
  }
}

extension Context {
  fileprivate var entries: [(key: String, value: Context)] {
    if case .map(let entries) = value { entries } else { [] }
  }
}
