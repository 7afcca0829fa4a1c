import Diagnostics
import YAML

/// A part that cloud-init renders with Jinja before it reads it (`cloudinit/templater.py` and
/// `handlers/jinja_template.py`, 22.4 to 26.2).
struct JinjaTemplate: Sendable {
  struct Problem: Sendable {
    let severity: Diagnostic.Severity
    let mark: Mark
    let message: String
    let help: String
  }

  /// The text that comes out, as far as it is known: each of its characters stands where it stands in the template.
  /// Where a value goes there are ``unknown`` characters, and tags are spaces.
  let output: String
  /// What Jinja refuses, and what cloud-init cannot fill in.
  let problems: [Problem]

  /// Stands for a character that is not known before the boot: one that no text has (private use).
  static let unknown: Unicode.Scalar = "\u{F8FF}"

  init(_ text: String) {
    let scalars = Array(text.unicodeScalars)
    let header = scalars.firstIndex(of: "\n") ?? scalars.count
    var problems: [(offset: Int, severity: Diagnostic.Severity, message: String, help: String)] = []
    Self.checkHeader(scalars[..<header], &problems)
    do throws(JinjaLexer.Failure) {
      let tokens = try JinjaLexer.tokens(scalars, from: min(header + 1, scalars.count))
      var parser = JinjaParser(tokens)
      try parser.run()
      output = Self.output(scalars, header: header, tokens, parser)
      problems += Self.problems(parser)
    } catch {
      output = TemplateText.masked(String(String.UnicodeScalarView(scalars[header...]))).text
        .withHeader(of: header)
      problems.append(
        (
          error.offset, .error,
          "Jinja cannot read this template, so cloud-init ignores the part: \(error.message.printable)",
          "mend it, or put text with braces of another language between {% raw %} and {% endraw %}"
        ))
    }
    var places = Places(scalars)
    self.problems = problems.sorted { $0.offset < $1.offset }.map {
      Problem(severity: $0.severity, mark: places.mark(of: $0.offset), message: $0.message, help: $0.help)
    }
  }

  private static func checkHeader(
    _ line: ArraySlice<Unicode.Scalar>,
    _ problems: inout [(offset: Int, severity: Diagnostic.Severity, message: String, help: String)]
  ) {
    let text = String(String.UnicodeScalarView(line))
    guard let match = text.prefixMatch(of: /##\s*template:(.*)/.ignoresCase()) else {
      problems.append(
        (
          0, .error,
          "## template: jinja is not in the very first line, so cloud-init renders nothing and ignores the part",
          "take out what stands before it"
        ))
      return
    }
    let name = match.output.1.split(whereSeparator: \.isWhitespace).joined(separator: " ").lowercased()
    if name != "jinja" {
      problems.append(
        (
          0, .error,
          "cloud-init knows no kind of template \(name.printable.debugDescription), and ignores the part",
          "write ## template: jinja"
        ))
    }
  }

  private static func output(
    _ scalars: [Unicode.Scalar], header: Int, _ tokens: [JinjaLexer.Token], _ parser: JinjaParser
  ) -> String {
    func blank(_ scalar: Unicode.Scalar) -> Unicode.Scalar { scalar == "\n" ? scalar : " " }
    var output = scalars.map(blank)
    for token in tokens where token.kind == .data {
      output.replaceSubrange(token.range, with: scalars[token.range])
    }
    for range in parser.values {
      // The indentation of a further line stays, as YAML goes by it.
      var isIndentation = false
      for index in range {
        isIndentation = scalars[index] == "\n" || isIndentation && scalars[index] == " "
        output[index] = isIndentation ? scalars[index] : unknown
      }
    }
    for range in parser.silent { output.replaceSubrange(range, with: scalars[range].map(blank)) }
    return String(String.UnicodeScalarView(output))
  }

  private static func problems(
    _ parser: JinjaParser
  ) -> [(offset: Int, severity: Diagnostic.Severity, message: String, help: String)] {
    let raw = "take the header out, or put the text between {% raw %} and {% endraw %}"
    // What the template itself asks after is meant to be missing at times.
    let careful = Set(parser.lookups.filter(\.isCareful).map(\.name))
    var seen: Set<String> = []
    var problems: [(offset: Int, severity: Diagnostic.Severity, message: String, help: String)] = []
    for lookup in parser.lookups where !lookup.isCareful {
      if variables.contains(lookup.name) {
        guard lookup.name == "v1", let key = lookup.attribute, !key.isEmpty, !standard.contains(key),
          !keyAliases.contains(key), seen.insert("v1.\(key)").inserted
        else { continue }
        problems.append(
          (
            lookup.offset, .warning, "v1 has no \(key.printable.debugDescription) in cloud-init up to 26.2",
            key.suggestion(from: standard.sorted(), within: 2) + "see `cloud-init query --list-keys`"
          ))
        continue
      }
      guard !careful.contains(lookup.name), seen.insert(lookup.name).inserted else { continue }
      let name = lookup.name.printable.debugDescription
      problems.append(
        lookup.attribute == nil
          ? (
            lookup.offset, .error,
            "the header ## template: jinja has cloud-init render \(name), which is none of its variables and becomes CI_MISSING_JINJA_VAR/\(lookup.name.printable)",
            raw
          )
          : (
            lookup.offset, .error,
            "the header ## template: jinja has cloud-init render \(name), which is none of its variables: it ignores the whole part",
            raw
          ))
    }
    for (offset, what, isCertain) in parser.unknown {
      problems.append(
        (
          offset, isCertain ? .error : .warning,
          "Jinja has no \(what.printable), so cloud-init cannot render the part", raw
        ))
    }
    return problems
  }

  /// Counts places on, from one to the next.
  private struct Places {
    let scalars: [Unicode.Scalar]
    var offset = 0
    var place = Mark(line: 1, column: 1)

    init(_ scalars: [Unicode.Scalar]) { self.scalars = scalars }

    mutating func mark(of wanted: Int) -> Mark {
      while offset < min(wanted, scalars.count) {
        place =
          scalars[offset] == "\n"
          ? Mark(line: place.line + 1, column: 1) : Mark(line: place.line, column: place.column + 1)
        offset += 1
      }
      return place
    }
  }

  /// The keys of v1 (`cloudinit/sources/__init__.py`, `_get_standardized_metadata`), which are variables of their own too.
  private static let standard: Set = [
    "availability_zone", "cloud_id", "cloud_name", "distro", "distro_version", "distro_release", "platform",
    "public_ssh_keys", "python_version", "instance_id", "kernel_release", "local_hostname", "machine",
    "region",
    "subplatform", "system_platform", "variant", "unique_id",
  ]

  private static let keyAliases: Set = [
    "availability-zone", "cloud-name", "instance-id", "local-hostname", "_beta_keys", "items", "keys",
    "values",
    "get",
  ]

  /// The variables that cloud-init gives to templates (its documentation, "Instance metadata").
  private static let variables: Set = standard.union([
    "v1", "ds", "merged_cfg", "merged_system_cfg", "sys_info", "userdata", "vendordata", "vendordata2",
    "base64_encoded_keys", "sensitive_keys", "_beta_keys", "system_info", "features", "_doc", "vendor_data",
    "user_data", "combined_cloud_config",
  ])
}

extension String {
  /// What follows a header that was cut off, at its place.
  fileprivate func withHeader(of count: Int) -> String { String(repeating: " ", count: count) + self }
}
