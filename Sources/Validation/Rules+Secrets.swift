import Diagnostics
import Inputs
import UserData
import YAML

extension Validation {
  /// Secrets that others can read. No value is ever shown.
  static let secretRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "plain-secret", what: "a password, token or private key in plain text",
      why:
        "user-data is readable through the platform's metadata service and API, and often kept in Terraform's state",
      fix: "keep it in a vault and let the node fetch it; give passwords as hashes",
      find: { payload in payload.parts.flatMap { $0.plainSecrets.map(\.finding) } }),
    DocumentedRule(
      "readable-secret", what: "a file with a secret that everybody on the node may read",
      why: "`write_files` makes files with mode 0644 unless it is told otherwise",
      fix: "give `permissions: '0600'`",
      find: { payload in
        payload.parts.flatMap { part -> [Finding] in
          let secrets = Set(part.plainSecrets.map(\.path))
          return part.files.compactMap { file -> Finding? in
            guard file.isReadableByAll,
              file.isOwnSecret || secrets.contains(file.content.path)
                || file.isNamedAsSecret
            else { return nil }
            let place = file.entry["permissions"] ?? file.entry["path"] ?? file.entry
            return Finding(
              .error, part.location(place), "everybody on the node may read this file, and it holds a secret",
              help: "give it permissions: '0600'")
          }
        }
      }),
  ]
}

extension Part {
  /// A secret that was found.
  fileprivate struct PlainSecret {
    /// The JSON path of the text that it stands in.
    let path: String?
    let finding: Finding

    init(_ severity: Diagnostic.Severity, _ location: Location, _ path: String?, _ what: String) {
      self.path = path
      finding = Finding(
        severity, location, "\(what) stands here in plain text",
        help: "keep it in a vault, or give a hash where one will do")
    }
  }

  fileprivate var plainSecrets: [PlainSecret] {
    var found = (root.map { named(in: $0, below: "") } ?? [])
    let texts =
      root == nil
      ? [Fragment(self)] : commandTexts + files.filter { !$0.isOwnSecret }.map(\.content)
    for text in texts {
      let known = shaped(in: text)
      let lines = text.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      found += known
      let knownLines = Set(known.map(\.finding.location?.line))
      if let documents = Self.documents(text.text) {
        found += documents.flatMap { named(in: $0, below: "", of: text, at: nil) }
        continue
      }
      found += SecretName.places(in: text.text, isOwn: isOwn).compactMap { line, column in
        let place = text.location(line: line, column: column)
        let bytes = line <= lines.count ? Array(lines[line - 1].utf8.dropFirst(column - 1)) : []
        // What another program puts there at boot is no secret yet, and what has a shape is found by it.
        guard !Self.isComputed(bytes), !knownLines.contains(place.line)
        else { return nil }
        let isLogin =
          line <= lines.count && lines[line - 1].utf8.prefix(column - 1).suffix(3).elementsEqual("://".utf8)
        return PlainSecret(
          .warning, place, text.path, isLogin ? "the password of a URL" : "what is named as a secret")
      }
    }
    return found
  }

  /// Values of the cloud-config itself that stand under the name of a secret, or have the shape of one.
  private func named(in value: Positioned, below key: String) -> [PlainSecret] {
    if value.node.mapping != nil || value.node.sequence != nil {
      let entries = value.entries.filter {
        !["write_files", "runcmd", "bootcmd"].contains($0.key) || value.path != "$"
      }
      return entries.flatMap { named(in: $0.value, below: $0.key) }
        + value.items.flatMap { named(in: $0, below: key) }
    }
    guard let text = value.node.scalarText else { return [] }
    let fragment = Fragment(value, in: self.text)
    let shaped = shaped(in: fragment)
    if !shaped.isEmpty { return shaped }
    let isList = value.path.hasPrefix("$.chpasswd.list")
    guard case .string = value.node.value, isList || SecretName.names(key, isOwn: isOwn),
      !SecretName.isNoSecret(text, isOwn: isOwn), !Self.isHash(text), !Self.isComputed(Array(text.utf8))
    else { return [] }
    let words = isList ? text.split(whereSeparator: \.isNewline).map(String.init) : [text]
    let isPlain = words.contains { word in
      let password = isList ? word.parts(between: ":").dropFirst().joined(separator: ":") : word
      return !Self.isHash(password) && !["R", "RANDOM"].contains(password)
    }
    guard isPlain else { return [] }
    return [PlainSecret(.warning, location(value), value.path, "what is named as a secret")]
  }

  /// A text that is YAML or JSON itself, so that names and values are told apart by structure; nil where it is not.
  private static func documents(_ text: String) -> [Node]? {
    guard !text.hasPrefix("#!"), text.utf8.contains(0x0A) || text.hasPrefix("{"),
      let documents = try? YAML.parse(Array(text.utf8), source: "", ambiguity: .accepted),
      documents.contains(where: { $0.mapping != nil }),
      documents.allSatisfy({ $0.mapping != nil || $0.sequence != nil || $0.value == .null })
    else { return nil }
    return documents
  }

  /// Values of a document within a file that stand under the name of a secret; those of a document within that one
  /// stand where it begins.
  private func named(in node: Node, below key: String, of text: Fragment, at mark: Mark?) -> [PlainSecret] {
    // What a Secret of Kubernetes holds is found as such.
    if node["kind"]?.string == "Secret" { return [] }
    if let entries = node.mapping {
      return entries.flatMap { named(in: $0.value, below: $0.key, of: text, at: mark) }
    }
    if let items = node.sequence { return items.flatMap { named(in: $0, below: key, of: text, at: mark) } }
    guard let value = node.string else { return [] }
    let place = mark ?? node.mark
    if let inner = Self.documents(value) {
      return inner.flatMap { named(in: $0, below: "", of: text, at: place) }
    }
    guard SecretName.names(key, isOwn: isOwn), !SecretName.isNoSecret(value, isOwn: isOwn),
      !Self.isHash(value), !Self.isComputed(Array(value.utf8))
    else { return [] }
    let location = text.location(line: place.line, column: place.column)
    return [PlainSecret(.warning, location, text.path, "what is named as a secret")]
  }

  /// Tokens and keys that are known by how they begin.
  private func shaped(in fragment: Fragment) -> [PlainSecret] {
    let lines = Array(fragment.text.utf8).lines
    return lines.indices.flatMap { index in
      SecretText.found(in: lines[index], next: index + 1 < lines.count ? lines[index + 1] : "").map {
        PlainSecret(.error, fragment.location(line: index + 1, column: $0.column), fragment.path, $0.what)
      }
    }
  }

  /// Whether a text is a password's hash as crypt(5) writes it, or one that locks.
  private static func isHash(_ text: String) -> Bool {
    guard let head = text.prefixMatch(of: /\$[0-9a-z]+\$/) else { return ["!", "*", "!!"].contains(text) }
    let rest = text[head.range.upperBound...]
    return rest.dropFirst().contains("$") && !rest.contains(where: \.isWhitespace)
  }

  /// Whether a value comes from somewhere else at boot: a variable, a command, a placeholder.
  private static func isComputed(_ bytes: [UInt8]) -> Bool {
    let value = bytes.drop { "\"'\\= ".utf8.contains($0) }
    let text = String(decoding: value, as: UTF8.self)
    return value.first.map { "$`<{%".utf8.contains($0) } ?? true
      || text.prefixMatch(of: /(?:REPLACE|CHANGE)[_-]?(?:ME|THIS)\b/) != nil
  }
}

extension WrittenFile {
  /// Whether the file is named as a secret and holds one word.
  fileprivate var isNamedAsSecret: Bool {
    let name = path.parts(between: "/").last ?? ""
    let words = content.text.split(whereSeparator: \.isWhitespace)
    return SecretName.names(name, isOwn: false) && words.count == 1 && words[0].utf8.count >= 8
      && !SecretName.isNoSecret(words[0], isOwn: false)
  }
}
