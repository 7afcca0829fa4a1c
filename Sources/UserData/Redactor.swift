import Diagnostics
import YAML

/// Takes what may be a secret out of user-data that anybody made, before a person sees it.
///
/// A cloud-config, and every YAML or JSON text in it, goes by structure: what stands under a name that says it is
/// a secret, the data of a Kubernetes Secret, and files that only their owner may read. Other text goes by
/// form: see ``TextRedactor``. It would rather take out too much.
///
/// A payload of k3seed's own is known better: its secrets are files of their own in one folder, so that its
/// other files can be shown.
struct Redactor {
  /// Whether k3seed made the payload.
  let isOwn: Bool
  /// How many bytes the compressed files that are still to come may expand to, all together.
  private var budget: Int
  /// How many texts that are YAML or JSON themselves lie around the one that is looked at.
  private var nesting = 0

  private init(isOwn: Bool, budget: Int) {
    self.isOwn = isOwn
    self.budget = budget
  }

  /// Deeper texts are judged by form.
  private static let deepest = 8

  static let mark = "<not shown>"
  /// What is said wherever content is shown.
  static let caution =
    "What looks like a secret is left out. That is a guess: read it before you pass it on."
  /// Where k3seed puts secrets.
  private static let ownSecrets = "/var/lib/k3seed/secrets/"
  /// Where k3seed puts files that are root's alone, though they hold no secret. The folder of extra_manifests is none of
  /// these: what they hold is the user's, and nobody has marked it.
  private static let ownFolders = ["/etc/rancher/k3s/", "/var/lib/k3seed/"]

  /// - Parameter budget: how many bytes the payload's compressed files may still expand to.
  static func cloudConfig(_ node: Node, budget: inout Int) -> Node {
    var redactor = Redactor(isOwn: isOwn(node), budget: budget)
    defer { budget = redactor.budget }
    return redactor.node(node, under: nil)
  }

  /// Whether k3seed made a cloud-config.
  static func isOwn(_ node: Node) -> Bool {
    (node["write_files"]?.sequence ?? []).contains { $0["path"]?.string == "/etc/k3seed/plan.json" }
  }

  /// What stands for the content of a file of which nothing may be shown.
  static func hiddenContent(_ content: [UInt8]) -> String { "<\(content.count) bytes not shown>" }

  static func text(_ text: String) -> String {
    TextRedactor.text(text, isOwn: false)
  }

  /// A part that is not called a cloud-config, but may be one by its structure: a template or an archive of some, or
  /// one of which the first line is wrong. Nil where it is meant as one and cannot be read.
  static func part(_ text: String, budget: inout Int) -> String? {
    var redactor = Redactor(isOwn: false, budget: budget)
    defer { budget = redactor.budget }
    if let document = redactor.document(text) { return document }
    let isMeant = !text.hasPrefix("#!") && text.contains("#cloud-config")
    return isMeant ? nil : TextRedactor.text(text, isOwn: false).printableLines
  }

  private mutating func node(_ node: Node, under key: String?) -> Node {
    if let key, SecretName.names(key, isOwn: isOwn) { return hidden(node) }
    var result = node
    switch node.value {
    case .mapping(let entries):
      if let path = node["path"]?.string, node["content"] != nil { return file(node, at: path) }
      let isSecret = node["kind"]?.string == "Secret"
      // A container's variable: {name: DB_PASSWORD, value: ...}.
      let namesValue = SecretName.names(node["name"]?.string ?? "", isOwn: isOwn)
      result.value = .mapping(
        entries.map { entry in
          let isHidden =
            isSecret && ["data", "stringData"].contains(entry.key) || namesValue && entry.key == "value"
          return Node.Entry(
            entry.key, isHidden ? hidden(entry.value) : self.node(entry.value, under: entry.key))
        })
    case .sequence(let items):
      // The words of a command: what follows an option may be a secret.
      let words = items.map { $0.string ?? "" }
      let options = SecretCommand.options(of: words)
      result.value = .sequence(
        items.enumerated().map { index, item in
          let isSecret =
            SecretCommand.isGlued(words[index], options[index])
            || index > 0 && !words[index].hasPrefix("-")
              && SecretCommand.isOption(words[index - 1], options[index - 1], isOwn: isOwn)
          return isSecret ? hidden(item) : self.node(item, under: nil)
        })
    case .string(let text): result.value = .string(shown(text))
    case .null, .bool, .number: break
    }
    return result
  }

  private mutating func file(_ node: Node, at path: String) -> Node {
    var file = node
    file.value = .mapping(
      (node.mapping ?? []).compactMap { entry in
        if entry.key == "encoding" { return nil }
        guard entry.key == "content" else { return entry }
        let content = node.fileContent(within: &budget)
        guard isShown(node, at: path), let text = String(validating: content, as: UTF8.self) else {
          return Node.Entry(entry.key, Node(.string(Self.hiddenContent(content))))
        }
        return Node.Entry(entry.key, Node(.string(shown(text))))
      })
    return file
  }

  /// Whether a file holds no secret as a whole: it is one of k3seed's own, or not its owner's alone. An
  /// unreadable mode counts as the owner's.
  private func isShown(_ file: Node, at path: String) -> Bool {
    if isOwn, path.hasPrefix(Self.ownSecrets) { return false }
    if isOwn, Self.ownFolders.contains(where: path.hasPrefix) { return true }
    if !isOwn, SecretName.namesFile(path) { return false }
    guard let mode = file["permissions"]?.scalarText else { return true }
    return mode.octal.map { $0 & 0o044 != 0 } ?? false
  }

  private mutating func shown(_ text: String) -> String {
    document(text) ?? TextRedactor.text(text, isOwn: isOwn)
  }

  /// A text that is YAML or JSON itself, redacted by its structure; nil where it is not, or not clearly.
  private mutating func document(_ text: String) -> String? {
    guard nesting < Self.deepest else { return nil }
    nesting += 1
    defer { nesting -= 1 }
    let isJSON = text.utf8.first == UInt8(ascii: "{")
    let isWhole = text.utf8.last == 0x0A
    guard isJSON || text.utf8.contains(0x0A), !text.hasPrefix("#!"),
      let documents = try? YAML.parse(Array(text.utf8), source: "", ambiguity: .accepted),
      documents.contains(where: { $0.mapping != nil || $0.sequence != nil }),
      documents.allSatisfy({ $0.mapping != nil || $0.sequence != nil || $0.value == .null })
    else { return nil }
    let redacted = documents.map { node($0, under: nil) }
    if isJSON { return String(decoding: JSON.emit(redacted[0]), as: UTF8.self) + (isWhole ? "\n" : "") }
    let emitted = redacted.map { String(decoding: YAML.emit($0), as: UTF8.self) }.joined(separator: "---\n")
    return isWhole ? emitted : String(emitted.dropLast())
  }

  private func hidden(_ node: Node) -> Node {
    switch node.value {
    case .mapping(let entries): Node(.mapping(entries.map { Node.Entry($0.key, hidden($0.value)) }))
    case .sequence(let items): Node(.sequence(items.map(hidden)))
    case .null, .bool: node
    case .number: Node(.string(Self.mark))
    case .string(let text): SecretName.isNoSecret(text, isOwn: isOwn) ? node : Node(.string(Self.mark))
    }
  }
}

extension [UInt8] {
  /// Whether other bytes stand among these.
  func holds(_ other: [UInt8]) -> Bool { firstPlace(of: other) != nil }

  /// Where other bytes stand first.
  func firstPlace(of other: [UInt8]) -> Int? {
    guard let first = other.first, count >= other.count else { return nil }
    return (0...(count - other.count)).first { start in
      self[start] == first && other.indices.allSatisfy { self[start + $0] == other[$0] }
    }
  }
}

extension String {
  /// The number that cloud-init makes of permissions: octal digits, after `0o` or not (`int(text, 8)` of Python).
  package var octal: Int? {
    let digits = lowercased().hasPrefix("0o") ? dropFirst(2) : self[...]
    return Int(digits, radix: 8)
  }
}
