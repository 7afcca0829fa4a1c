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
      "jinja-header", what: "`{{` or `{%` of another language below `## template: jinja`",
      why: "cloud-init renders the whole text first: what it does not know becomes a warning or nothing",
      fix: "take the header out, or put the text between `{% raw %}` and `{% endraw %}`",
      find: { payload in payload.parts.filter(\.isTemplate).flatMap { $0.jinja } }),
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
    return values.flatMap { Self.placeholders(in: $0, isShell: false, isTemplate: isTemplate) }
      + shells.flatMap { Self.placeholders(in: $0, isShell: true, isTemplate: isTemplate) }
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
  ) -> [Finding] {
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
      return Finding(
        .error, place, "\(placeholder) is left over: \(who) should have replaced it",
        help: "render the template, or give the value")
    }
  }

  /// The roots of the variables that cloud-init gives to templates (its documentation, "Instance metadata"), and what
  /// jinja itself has.
  private static let variables = [
    "v1", "ds", "merged_cfg", "merged_system_cfg", "sys_info", "userdata", "vendordata",
    "base64_encoded_keys",
    "sensitive_keys", "availability_zone", "cloud_id", "cloud_name", "cloud_id_", "distro", "distro_release",
    "distro_version", "instance_id", "kernel_release", "local_hostname", "machine", "platform",
    "public_ssh_keys", "python_version", "region", "subplatform", "system_platform", "unique_id", "variant",
    "loop", "range", "true", "false", "none",
  ]

  fileprivate var jinja: [Finding] {
    let fragment = Fragment(self)
    let text = fragment.text
    let raw = Self.raw(in: text)
    let bound = Set(text.matches(of: /\{%-?\s*(?:set|for)\s+(\w+)/).map { String($0.output.1) })
    let found = text.matches(of: /\{\{-?\s*(\.?\$?\w*)[^}\n]*\}?\}?/).filter { match in
      let name = String(match.output.1)
      return !raw.contains(match.range.lowerBound) && !Self.variables.contains(name) && !bound.contains(name)
    }
    return zip(found, fragment.locations(found.map(\.range.lowerBound))).map { match, place in
      Finding(
        .error, place,
        "the header \"## template: jinja\" lets cloud-init render \(match.output.0), which is none of its variables",
        help: "take the header out, or put the text between {% raw %} and {% endraw %}")
    }
  }

  /// What stands between `{% raw %}` and `{% endraw %}`.
  private static func raw(in text: String) -> RangeSet<String.Index> {
    var raw = RangeSet<String.Index>()
    var start: String.Index?
    for match in text.matches(of: /\{%-?\s*(end)?raw\s*-?%\}/) {
      if match.output.1 == nil {
        start = start ?? match.range.lowerBound
      } else if let from = start {
        raw.insert(contentsOf: from..<match.range.upperBound)
        start = nil
      }
    }
    return raw
  }
}
