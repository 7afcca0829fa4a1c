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
          let secrets = part.plainSecrets
          // A token is known by its shape; a name only lets guess.
          let certain = Set(secrets.filter(\.isCertain).map(\.path))
          let guessed = Set(secrets.map(\.path))
          return part.files.compactMap { file -> Finding? in
            let isCertain = file.isOwnSecret || certain.contains(file.content.path)
            guard file.isReadableByAll,
              isCertain || guessed.contains(file.content.path) || file.isNamedAsSecret
            else { return nil }
            let place = file.entry["permissions"] ?? file.entry["path"] ?? file.entry
            return Finding(
              isCertain ? .error : .warning, part.location(place),
              "everybody on the node may read this file, and it \(isCertain ? "holds" : "seems to hold") a secret",
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
    /// Whether it is known by its shape, and not by a name.
    let isCertain: Bool

    init(_ severity: Diagnostic.Severity, _ location: Location, _ path: String?, _ what: String) {
      self.path = path
      isCertain = severity == .error
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
      found += known
      let knownLines = Set(known.map(\.finding.location?.line))
      if let documents = Self.documents(text.text) {
        found += documents.flatMap { named(in: $0, below: "", of: text, at: nil) }
        continue
      }
      found += PlainSecretText.places(in: text.text, isOwn: isOwn).compactMap { secret in
        let place = text.location(line: secret.line, column: secret.column)
        // What has a shape is found by it.
        return knownLines.contains(place.line) ? nil : PlainSecret(.warning, place, text.path, secret.what)
      }
    }
    found += files.filter { !$0.isOwnSecret }.flatMap { file in
      file.secretFields.map { line, column in
        PlainSecret(
          .warning, file.content.location(line: line, column: column), file.content.path, "a password")
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
    guard case .string = value.node.value,
      isList
        || PlainSecretText.isSecret(key[...], isOwn: isOwn) && PlainSecretText.isPlain(text, isOwn: isOwn),
      !PlainSecretText.isHash(text), !PlainSecretText.isComputed(text)
    else { return [] }
    let words = isList ? text.split(whereSeparator: \.isNewline).map(String.init) : [text]
    let isPlain = words.contains { word in
      let password = isList ? word.parts(between: ":").dropFirst().joined(separator: ":") : word
      return !PlainSecretText.isHash(password) && !PlainSecretText.isComputed(password)
        && !["R", "RANDOM"].contains(password)
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
    guard PlainSecretText.isSecret(key[...], isOwn: isOwn), PlainSecretText.isPlain(value, isOwn: isOwn)
    else {
      return []
    }
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
}

extension WrittenFile {
  /// Whether the file is named as a secret and holds one word.
  fileprivate var isNamedAsSecret: Bool {
    let name = path.parts(between: "/").last ?? ""
    let words = content.text.split(whereSeparator: \.isWhitespace)
    let ending = name.parts(between: ".").dropFirst().last ?? ""
    return PlainSecretText.isSecret(name[...], isOwn: false) && !Self.scripts.contains(ending)
      && words.count == 1 && words[0].utf8.count >= 8
      && PlainSecretText.isPlain(String(words[0]), isOwn: false)
  }

  /// Endings of files that hold code, or say which units there are.
  private static let scripts: Set = [
    "py", "sh", "pl", "rb", "js", "ts", "php", "service", "timer", "socket", "pub", "crt",
  ]

  /// Passwords of files in which a field of each line is one: of PPP, PostgreSQL and netrc(5).
  fileprivate var secretFields: [(line: Int, column: Int)] {
    let name = path.parts(between: "/").last ?? ""
    let separator: Character = name == ".pgpass" ? ":" : " "
    let field = ["chap-secrets": 2, "pap-secrets": 2, ".pgpass": 4][name]
    guard field != nil || name == ".netrc" else { return [] }
    return content.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
      .compactMap {
        index, line in
        guard line.first != "#" else { return nil }
        let words = line.split { $0 == separator || separator == " " && $0 == "\t" }
        let number = field ?? words.firstIndex(of: "password").map { $0 + 1 } ?? .max
        guard number < words.count, PlainSecretText.isPlain(String(words[number]), isOwn: false) else {
          return nil
        }
        return (index + 1, line[..<words[number].startIndex].unicodeScalars.count + 1)
      }
  }
}
