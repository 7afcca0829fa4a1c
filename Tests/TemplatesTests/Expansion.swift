import Diagnostics
import Secrets
import Templates

/// Expands templates that a test writes, with a context that has one value of each kind.
enum Expansion {
  static let context = Context.map([
    "name": Context(.text("harbour"), from: Location(source: "in.json", line: 3, path: "$.name")),
    "port": Context(.number(6443), from: Location(source: "in.json", line: 4, path: "$.port")),
    "open": .flag(true), "shut": .flag(false), "empty": .text(""), "absent": .none,
    "names": .list([.text("a"), .text("b")]), "none": .list([]),
    "labels": .map(["tier": .text("edge"), "zone": .text("1")]),
    "token": Context(
      .secret(name: "k3s_token", Secret("hunter2".utf8)),
      from: Location(source: "in.json", line: 9, path: "$.k3s_token")),
    "nodes": .list([
      .map(["name": .text("a"), "ips": .list([Context(.number(1)), Context(.number(2))])]),
      .map(["name": .text("b"), "ips": .list([])]),
    ]),
  ])

  /// The field that `t.yaml` of some files expands to.
  static func field(_ files: [String: String], context: Context = context) throws(Report) -> Field {
    let overrides = files.mapValues { Array($0.utf8) }
    var expander = Expander(TemplateSet(overrides: overrides, folder: "mine"))
    return try expander.expand("t.yaml", with: context)
  }

  /// The same for one file, in short: ``Templates/Field/short``.
  static func short(_ template: String, _ others: [String: String] = [:]) throws(Report) -> String {
    try field(others.merging(["t.yaml": template]) { $1 }).short
  }

  /// The findings of an expansion that fails, the folder's name left out.
  static func findings(_ template: String, _ others: [String: String] = [:]) -> [String] {
    do {
      return ["no finding: \(try short(template, others))"]
    } catch {
      return error.diagnostics.map { $0.line.replacing("mine/", with: "") }
    }
  }
}

extension Field {
  /// The tree in a few characters; what a document holds stands in parentheses.
  var short: String {
    switch content {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .number(let digits): digits
    case .text(let text): text.debugDescription
    case .secret(let name, let secret): "secret(\(name) of \(secret.count) bytes)"
    case .document(let field, let format): "\(format)(\(field.short))"
    case .sequence(let items): "[\(items.map(\.short).joined(separator: ", "))]"
    case .mapping(let entries): "{\(entries.map { "\($0.key): \($0.value.short)" }.joined(separator: ", "))}"
    }
  }

  /// The tree without its texts: what no value may change.
  var shape: String {
    switch content {
    case .null: "null"
    case .flag: "flag"
    case .number: "number"
    case .text: "text"
    case .secret: "secret"
    case .document(let field, let format): "\(format)(\(field.shape))"
    case .sequence(let items): "[\(items.map(\.shape).joined(separator: ", "))]"
    case .mapping(let entries): "{\(entries.map { "\($0.key): \($0.value.shape)" }.joined(separator: ", "))}"
    }
  }
}

/// Texts that other formats give a meaning; here they have none.
enum Hostile {
  /// Texts on one line, without white space or controls.
  static let words = [
    "${name}", "$${name}", "$", "!secret", "{{", "{%", "%{if}", "|", ">", "-", "?", ":", "#", "&a", "*a", "@",
    "`",
    "'", "\"", "'\\''", "$(id)", "`id`", "\\", "{", "}", "[", "]", ",", "yes", "no", "null", "~", "true",
    "0777",
    "1e3", "1_000", "12:30:45", "2026-01-01", "=", "<<", "é", "\u{1F600}", "\u{FEFF}x", "..", "---",
  ]
  /// Texts with spaces as well.
  static let lines =
    words + ["!secret token", "- a", "a: b", " lead", "trail ", "a #b", "{{ ds.x }}", "&a *a", ""]
  /// Texts with controls and line ends as well.
  static let all =
    lines + [
      "a\nb", "\n", "a\n\n", "\ta", "a\r\nb", "\u{0}", "\u{7F}", "\u{85}", "\u{2028}", "--- \n...\n",
      "#cloud-config\n",
    ]
}
