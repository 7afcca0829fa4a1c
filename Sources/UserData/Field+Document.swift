import Diagnostics
package import Secrets
public import Templates
package import YAML

/// How secrets appear when an expanded template is written.
package enum Reading {
  /// As they are: for the payload.
  case revealed
  /// As fingerprints, or names where there is no key for them: for people.
  case redacted(ProjectKey?)
}

extension Field {
  /// The field as a document, nested documents written into strings.
  package func node(_ reading: Reading) -> Node {
    switch content {
    case .null: Node(.null)
    case .flag(let flag): Node(.bool(flag))
    case .number(let digits): Node(.number(digits))
    case .text(let text): Node(.string(text))
    case .secret(let name, let secret):
      switch reading {
      case .revealed: Node(.string(secret.revealed()))
      case .redacted(let key): Node(.string("<\(secret.label(name, key))>"))
      }
    case .document(let field, let format): Node(.string(field.written(as: format, reading)))
    case .sequence(let items): Node(.sequence(items.map { $0.node(reading) }))
    case .mapping(let entries):
      Node(.mapping(entries.map { Node.Entry($0.key, $0.value.node(reading)) }))
    }
  }

  private func written(as format: Format, _ reading: Reading) -> String {
    switch format {
    case .yaml: String(decoding: YAML.emit(node(reading)), as: UTF8.self)
    case .json: String(decoding: JSON.emit(node(reading)), as: UTF8.self) + "\n"
    case .environment:
      if case .mapping(let entries) = content {
        entries.reduce(into: "") { $0 += "\($1.key)=\($1.value.variable.shellQuoted)\n" }
      } else {
        ""
      }
    }
  }

  /// A variable's value; the expander has refused what cannot be one.
  private var variable: String {
    switch content {
    case .text(let text), .number(let text): text
    case .flag(let flag): flag ? "yes" : "no"
    case .sequence(let items): items.map(\.variable).joined(by: " ")
    case .null, .secret, .document, .mapping: ""
    }
  }

  /// Calls `visit` with every leaf below the field, those of nested documents too, and its path.
  public func visitLeaves(_ path: String = "$", _ visit: (String, Field) -> Void) {
    switch content {
    case .document(let field, _): field.visitLeaves(path + "!", visit)
    case .sequence(let items) where !items.isEmpty:
      for (index, item) in items.enumerated() { item.visitLeaves("\(path)[\(index)]", visit) }
    case .mapping(let entries) where !entries.isEmpty:
      for (key, value) in entries { value.visitLeaves(path.jsonPath(appending: key), visit) }
    default: visit(path, self)
    }
  }
}
