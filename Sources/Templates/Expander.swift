public import Diagnostics
import Inputs
import Scripts
import YAML

/// Expands templates.
///
/// A template is a YAML document in which tags stand for values. Expansion is from tree to tree: a value
/// takes the place of a node, so no value can change the structure around it, whatever it holds.
///
/// | tag | stands for |
/// | --- | --- |
/// | `!value path` | the value at a path of the context |
/// | `!secret path` | a secret's value |
/// | `!format "https://${path}:6443"` | a text with values in it; `$${` is a literal `${` |
/// | `!yaml node`, `!json node` | the node written as a document into a string; a text names a template |
/// | `!env {KEY: node}` | lines `KEY='value'` for a shell; a list becomes its items with spaces between, a condition `yes` or `no` |
/// | `!file name` | a file among the templates, as it is |
/// | `!script name` | a shell or Python script among the templates, without its comment lines and blank lines |
/// | `!gzip [node]` | the texts of a list as one, compressed and then in base64: `encoding: gz+b64` of `write_files` |
/// | `!include name` | another template, expanded here; a list within a list is spliced |
/// | `!when {path: node}` | the node where the value is given, true or not empty; else nothing |
/// | `!unless {path: node}` | the opposite |
/// | `!each {path: node}` | the node for every item of a list, as `item`; in a list only, spliced |
public struct Expander {
  private let templates: TemplateSet
  private var parsed: [String: Node] = [:]
  private var texts: [String: String] = [:]
  private var compressed: [String: String] = [:]
  private var report = Report()

  /// An expander for some templates. It keeps what it has read, so that many nodes cost one reading.
  public init(_ templates: TemplateSet) {
    self.templates = templates
  }

  /// Expands a template.
  ///
  /// - Throws: a report with every wrong path, tag and type, at the template's line and column.
  public mutating func expand(_ name: String, with context: Context) throws(Report) -> Field {
    guard let field = try expandIfAny(name, with: context) else {
      throw Report([
        .error(
          "template-empty", at: Location(source: "template \(name)"), "the template expands to nothing")
      ])
    }
    return field
  }

  /// Expands a template that may be left out by its own `!when`; nil where it is.
  ///
  /// - Throws: as ``expand(_:with:)`` does.
  public mutating func expandIfAny(_ name: String, with context: Context) throws(Report) -> Field? {
    report = Report()
    let reference = Location(source: "template \(name)")
    let results = include(
      name, at: reference, Scope(source: "", context: context, including: []), place: .value)
    // A template that is included twice, or an item of a list, would say the same thing again.
    report.removeRepetitions()
    try report.throwIfErrors()
    return results.first
  }

  // MARK: Scope

  /// What a node of a template can see.
  private struct Scope {
    /// What findings call the template.
    var source: String
    var context: Context
    var including: [String]
  }

  /// Where a node stands, which decides whether it may vanish or be spliced.
  private enum Place {
    case value, item
  }

  private func location(_ mark: Mark, _ scope: Scope) -> Location {
    Location(source: scope.source, line: mark.line, column: mark.column)
  }

  private mutating func fail(
    _ code: String, _ mark: Mark, _ scope: Scope, _ message: String, help: String? = nil
  ) {
    report.add(.error(code, at: location(mark, scope), message, help: help))
  }

  // MARK: Expansion

  /// A node's fields: one, none where `!when` leaves it out, or several where a list splices them.
  private mutating func expand(_ node: Node, _ scope: Scope, _ place: Place) -> [Field] {
    guard let tag = node.tag else { return [plain(node, scope)] }
    func field(_ content: Field.Content, _ input: Location? = nil) -> [Field] {
      [Field(content, from: Origin(template: location(node.mark, scope), input: input))]
    }
    switch tag {
    case "!value":
      guard let path = string(node, scope), let found = value(at: path, node.mark, scope) else { return [] }
      return [self.field(found, Origin(template: location(node.mark, scope), input: found.origin), path)]
    case "!secret":
      guard let path = string(node, scope), let found = value(at: path, node.mark, scope) else { return [] }
      guard case .secret(let name, let secret) = found.value else {
        fail("template-type", node.mark, scope, "\(path) is \(found.kind); !secret takes a secret")
        return []
      }
      return field(.secret(name: name, secret), found.origin)
    case "!format":
      guard let text = string(node, scope), let (result, input) = format(text, node.mark, scope) else {
        return []
      }
      return field(.text(result), input)
    case "!yaml", "!json":
      let inner =
        node.string.map { include($0, at: location(node.mark, scope), scope, place: .value) }
        ?? untagged(node, scope)
      return inner.first.map { field(.document($0, tag == "!yaml" ? .yaml : .json)) } ?? []
    case "!env":
      guard let content = environment(node, scope) else { return [] }
      return field(content)
    case "!file":
      guard let name = string(node, scope), let text = text(of: name, node.mark, scope) else { return [] }
      return field(.text(text))
    case "!script":
      guard let name = string(node, scope) else { return [] }
      if let script = templates.condensedScript(of: name) { return field(.text(script)) }
      return text(of: name, node.mark, scope).map { field(.text(Script.condensed($0))) } ?? []
    case "!gzip":
      guard let text = gzip(node, scope) else { return [] }
      return field(.text(text))
    case "!include":
      guard let name = string(node, scope) else { return [] }
      return include(name, at: location(node.mark, scope), scope, place: place)
    case "!when", "!unless", "!each":
      return conditional(node, tag, scope, place)
    default:
      let known = [
        "value", "secret", "format", "yaml", "json", "env", "file", "script", "gzip", "include", "when",
        "unless",
        "each",
      ]
      let near = String(tag.dropFirst()).nearest(in: known, within: 2)
      fail(
        "template-tag", node.mark, scope, "there is no tag \(tag.shownName)",
        help: near.map { "did you mean !\($0)?" } ?? "the tags are !\(known.joined(separator: ", !"))")
      return []
    }
  }

  private mutating func plain(_ node: Node, _ scope: Scope) -> Field {
    let content: Field.Content
    switch node.value {
    case .null: content = .null
    case .bool(let flag): content = .flag(flag)
    case .number(let digits): content = .number(digits)
    case .string(let text): content = .text(text)
    case .sequence(let items):
      var fields: [Field] = []
      for item in items { fields += expand(item, scope, .item) }
      content = .sequence(fields)
    case .mapping(let entries):
      var fields: [(key: String, value: Field)] = []
      for entry in entries {
        if let field = expand(entry.value, scope, .value).first { fields.append((entry.key, field)) }
      }
      content = .mapping(fields)
    }
    return Field(content, from: Origin(template: location(node.mark, scope), input: nil))
  }

  private mutating func untagged(_ node: Node, _ scope: Scope) -> [Field] {
    var node = node
    node.tag = nil
    return expand(node, scope, .value)
  }

  private mutating func conditional(_ node: Node, _ tag: String, _ scope: Scope, _ place: Place) -> [Field] {
    guard let entries = node.mapping, entries.count == 1, let entry = entries.first else {
      fail("template-type", node.mark, scope, "\(tag) takes a mapping of one path to what follows from it")
      return []
    }
    guard let found = value(at: entry.key, entry.keyMark, scope) else { return [] }
    guard tag == "!each" else {
      return found.isGiven == (tag == "!when") ? expand(entry.value, scope, place) : []
    }
    guard place == .item else {
      fail("template-type", node.mark, scope, "!each stands only as an item of a list")
      return []
    }
    guard case .list(let items) = found.value else {
      if case .none = found.value { return [] }
      fail("template-type", entry.keyMark, scope, "\(entry.key) is \(found.kind); !each takes a list")
      return []
    }
    var fields: [Field] = []
    for item in items {
      var inner = scope
      inner.context["item"] = item
      fields += expand(entry.value, inner, .item)
    }
    return fields
  }

  private mutating func include(
    _ name: String, at reference: Location, _ scope: Scope, place: Place
  ) -> [Field] {
    if scope.including.contains(name) {
      let chain = (scope.including + [name]).joined(separator: " → ")
      report.add(.error("template-cycle", at: reference, "the template includes itself: \(chain)"))
      return []
    }
    guard let node = parse(name, at: reference) else { return [] }
    var inner = scope
    inner.source = templates.source(of: name)
    inner.including.append(name)
    if place == .item, node.tag == nil, case .sequence(let items) = node.value {
      var fields: [Field] = []
      for item in items { fields += expand(item, inner, .item) }
      return fields
    }
    return expand(node, inner, place == .item ? .item : .value)
  }

  // MARK: Values

  private mutating func string(_ node: Node, _ scope: Scope) -> String? {
    if let text = node.string, !text.isEmpty { return text }
    let found = node.string == nil ? node.kind : "nothing"
    fail("template-type", node.mark, scope, "\(node.tag ?? "the tag") takes a text, found \(found)")
    return nil
  }

  private mutating func value(at path: String, _ mark: Mark, _ scope: Scope) -> Context? {
    var found = scope.context
    for name in path.parts(between: ".") {
      guard let next = found[name] else {
        let near = name.nearest(in: found.keys, within: 2)
        let known =
          found.keys.isEmpty ? "\(found.kind) has no names" : "it has \(found.keys.joined(separator: ", "))"
        fail(
          "template-path", mark, scope,
          "there is no value \(path.shownName): \"\(name.shownName)\" is unknown",
          help: near.map { "did you mean \"\($0)\"?" } ?? known)
        return nil
      }
      found = next
    }
    return found
  }

  private mutating func field(_ context: Context, _ origin: Origin, _ path: String) -> Field {
    func inner(_ context: Context) -> Origin {
      Origin(template: origin.template, input: context.origin ?? origin.input)
    }
    switch context.value {
    case .none: return Field(.null, from: origin)
    case .flag(let flag): return Field(.flag(flag), from: origin)
    case .number(let number): return Field(.number(String(number)), from: origin)
    case .text(let text): return Field(.text(text), from: origin)
    case .list(let items):
      return Field(.sequence(items.map { field($0, inner($0), path) }), from: origin)
    case .map(let entries):
      return Field(.mapping(entries.map { ($0.key, field($0.value, inner($0.value), path)) }), from: origin)
    case .secret:
      report.add(
        .error("template-secret", at: origin.template, "\(path) is a secret", help: "take it with !secret"))
      return Field(.null, from: origin)
    }
  }

  private mutating func format(_ text: String, _ mark: Mark, _ scope: Scope) -> (String, Location?)? {
    var result = ""
    var input: Location?
    var rest = text.startIndex
    while let start = text.firstPlace(of: "${", from: rest) {
      result += String(text[rest..<start.lowerBound])
      // Only a "$" of the template escapes; one at the end of a value does not.
      if start.lowerBound > rest, text.utf8[text.utf8.index(before: start.lowerBound)] == UInt8(ascii: "$") {
        result += "{"
        rest = start.upperBound
        continue
      }
      guard let end = text.utf8[start.upperBound...].firstIndex(of: UInt8(ascii: "}")) else {
        fail("template-format", mark, scope, "a \"${\" has no \"}\"", help: "write $${ for a literal ${")
        return nil
      }
      let path = String(text[start.upperBound..<end])
      guard let found = value(at: path, mark, scope) else { return nil }
      switch found.value {
      case .text(let text): result += text
      case .number(let number): result += String(number)
      default:
        fail("template-type", mark, scope, "\(path) is \(found.kind); !format takes texts and numbers")
        return nil
      }
      input = input ?? found.origin
      rest = text.utf8.index(after: end)
    }
    return (result + String(text[rest...]), input)
  }

  /// The texts of a list as one, compressed, in base64.
  private mutating func gzip(_ node: Node, _ scope: Scope) -> String? {
    guard let parts = node.sequence else {
      fail("template-type", node.mark, scope, "!gzip takes a list of texts, found \(node.kind)")
      return nil
    }
    var text = ""
    for part in parts {
      for field in expand(part, scope, .item) {
        guard let more = field.text else {
          fail("template-type", part.mark, scope, "an item of !gzip is no text")
          return nil
        }
        text += more
      }
    }
    if let known = EmbeddedFiles.packed.first(where: { $0.text == text })?.packed { return known }
    if let known = compressed[text] { return known }
    let result = Script.packed(text)
    compressed[text] = result
    return result
  }

  private mutating func environment(_ node: Node, _ scope: Scope) -> Field.Content? {
    guard let field = untagged(node, scope).first, case .mapping(let entries) = field.content else {
      fail("template-type", node.mark, scope, "!env takes a mapping of variables, found \(node.kind)")
      return nil
    }
    for (key, value) in entries {
      if !key.isVariableName {
        report.add(
          .error(
            "template-env", at: value.origin.template, "\"\(key.shownName)\" is not the name of a variable",
            help: "use upper-case letters, digits and \"_\""))
      }
      if let problem = value.environmentProblem {
        report.add(.error("template-env", at: value.origin.template, "\(key) is \(problem)"))
      }
    }
    return .document(field, .environment)
  }

  // MARK: Reading templates

  private mutating func parse(_ name: String, at reference: Location) -> Node? {
    if let node = parsed[name] { return node }
    guard let bytes = templates.text(of: name) else {
      missing(name, at: reference)
      return nil
    }
    let source = templates.source(of: name)
    let node = report.collect { () throws(Report) in try YAML.parseOne(bytes, source: source) }
    parsed[name] = node
    return node
  }

  private mutating func text(of name: String, _ mark: Mark, _ scope: Scope) -> String? {
    if let text = texts[name] { return text }
    guard let bytes = templates.text(of: name) else {
      missing(name, at: location(mark, scope))
      return nil
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      fail("template-file", mark, scope, "the file \(name) is not UTF-8")
      return nil
    }
    texts[name] = text
    return text
  }

  private mutating func missing(_ name: String, at location: Location) {
    let near = name.suggestion(from: templates.names, within: 3)
    report.add(
      .error(
        "template-file", at: location, "there is no template \"\(name.shownName)\"",
        help: "\(near)names are paths within the templates folder"))
  }
}

extension Field {
  /// Why a field cannot be a variable's value; nil where it can.
  fileprivate var environmentProblem: String? {
    switch content {
    case .null, .flag, .number: return nil
    case .text(let text):
      return text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        ? "a text with a control character, which a line of an environment file cannot hold" : nil
    case .sequence(let items):
      let spaced = items.contains { item in
        item.environmentProblem != nil || item.text?.isEmpty != false
          || item.text?.unicodeScalars.contains(where: \.isSpace) == true
      }
      return spaced ? "a list of which an item is no text, is empty or holds white space" : nil
    case .secret: return "a secret, which must stay in a file of its own"
    case .document, .mapping: return "neither a text, a number nor a list"
    }
  }
}

extension Unicode.Scalar {
  /// White space that is no control character; looking it up costs more than all else about most texts.
  fileprivate var isSpace: Bool { isASCII ? self == " " : properties.isWhitespace }
}

extension String {
  fileprivate var isVariableName: Bool {
    utf8.first.map { (0x41...0x5A) ~= $0 || $0 == 0x5F } == true
      && utf8.allSatisfy { (0x41...0x5A) ~= $0 || (0x30...0x39) ~= $0 || $0 == 0x5F }
  }
}
