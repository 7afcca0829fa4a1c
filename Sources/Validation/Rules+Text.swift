import Diagnostics
import Inputs
import UserData
import YAML

extension Validation {
  /// What some other program should have replaced, or will replace though it should not.
  static let textRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "placeholder", what: "a placeholder that nothing has replaced",
      why: "the node gets the placeholder itself as a name, an address or a password",
      fix:
        "render the template, or give the value; `$${name}` in Terraform's templates is a literal `${name}`",
      find: { payload in payload.parts.flatMap { $0.placeholders } }),
    DocumentedRule(
      "jinja-header",
      what: "a template that Jinja cannot render, or that asks for what cloud-init does not have",
      why:
        "cloud-init renders the whole text first: it ignores what it cannot render, and writes CI_MISSING_JINJA_VAR for what it does not know",
      fix:
        "mend it; take the header out, or put text of another language between `{% raw %}` and `{% endraw %}`",
      find: { payload in
        payload.parts.flatMap { part in
          (part.template?.problems ?? []).map {
            Finding($0.severity, part.location($0.mark), $0.message, help: $0.help)
          }
        }
      }),
  ]
}

extension Part {
  /// Keys whose texts have variables of cloud-init's own.
  private static let templated = ["final_message", "phone_home", "ntp", "chef", "puppet", "apt", "reporting"]

  fileprivate var placeholders: [Finding] {
    let entries = (root?.entries ?? []).filter { !Self.templated.contains($0.key) }
    let values = entries.flatMap { entry -> [Fragment] in
      switch entry.key {
      // A shell has variables of the same form.
      case "runcmd", "bootcmd": []
      case "write_files":
        entry.value.items.flatMap { file in
          file.entries.filter { $0.key != "content" }.flatMap { texts(in: $0.value) }
        }
      default: texts(in: entry.value)
      }
    }
    let shells = files.map(\.content) + commandTexts + (root == nil ? [Fragment(self)] : [])
    let found =
      values.flatMap { Self.placeholders(in: $0, isShell: false, isTemplate: isTemplate) }
      + shells.flatMap { Self.placeholders(in: $0, isShell: true, isTemplate: isTemplate) }
    // Each name is found once: a template that was not rendered has many of some.
    var seen: Set<String> = []
    // What keeps the cloud-config from being read says so already.
    if problems.diagnostics.contains(where: { $0.message == PartText.unrenderedMessage }) {
      seen.insert("%{")
    }
    return found.filter { seen.insert($0.name).inserted }.map(\.finding)
  }

  private func texts(in value: Positioned) -> [Fragment] {
    if value.node.string != nil { return [Fragment(value, in: text)] }
    return (value.entries.map(\.value) + value.items).flatMap(texts)
  }

  /// What stands in a text in the place of something else.
  ///
  /// - Parameter isShell: whether `${name}` and `{{ name }}` may belong to the text itself.
  private static func placeholders(
    in fragment: Fragment, isShell: Bool, isTemplate: Bool
  ) -> [(name: String, finding: Finding)] {
    let text = fragment.text
    // Most texts have nothing of the kind, and are not searched for its forms.
    let marks: [StaticString] = ["%{", "${", "{{", "<", "ME", "THIS"]
    guard !text.hasPrefix("## template"), marks.contains(where: { text.holds($0) }) else { return [] }
    // No form goes on into another of its kind: each is tried on its own text only.
    var found = text.matches(
      of: /%\{~?\s*(?:if\s|for\s|else\b|endif\b|endfor\b)(?:[^}%\n]|%(?!\{))*\}/
    ).map { ($0.range.lowerBound, String($0.output), "Terraform's templatefile") }
    let words = ["replace", "change", "your", "todo", "insert", "placeholder", "fixme"]
    found += text.matches(of: /<[A-Za-z0-9 _-]+>/).filter { match in
      let name = match.output.lowercased()
      // A word alone, in small letters, is a tag of XML.
      return words.contains { name.contains($0) }
        && (name.contains { "_- ".contains($0) } || String(match.output) == match.output.uppercased())
    }.map { ($0.range.lowerBound, String($0.output), "a person") }
    found += text.matches(of: /\b(?:REPLACE|CHANGE)[_-]?(?:ME|THIS)\b/).filter { match in
      match.range.lowerBound == text.startIndex || text[text.index(before: match.range.lowerBound)] != "<"
    }.map { ($0.range.lowerBound, String($0.output), "a person") }
    if !isShell {
      found += text.matches(of: /\$\{[A-Za-z_][A-Za-z0-9_.]*(?:\[[^\[\]\n]*\])?\}/).map {
        ($0.range.lowerBound, String($0.output), "Terraform's templatefile")
      }
      if !isTemplate {
        found += text.matches(of: /\{\{-?\s*[A-Za-z_.](?:[^{}\n]|\{(?!\{))*\}\}/).map {
          ($0.range.lowerBound, String($0.output), "a template engine")
        }
      }
    }
    return zip(found, fragment.locations(found.map(\.0))).map { found, place in
      let (_, placeholder, who) = found
      let finding = Finding(
        .error, place, "\(placeholder.printable) is left over: \(who) should have replaced it",
        help: "render the template, or give the value")
      // The directives of one template are one cause.
      return (placeholder.hasPrefix("%{") ? "%{" : placeholder.filter { !$0.isWhitespace }, finding)
    }
  }
}
