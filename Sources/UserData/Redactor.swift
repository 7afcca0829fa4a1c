import Secrets
import YAML

/// Takes what may be a secret out of user-data that anybody made, before a person sees it.
///
/// In a cloud-config it goes by structure: files that only their owner may read, keys whose name says that
/// they hold a secret. In text it goes by form: assignments to such names, credentials in URLs, private
/// keys, tokens with a known prefix. It would rather take out too much.
enum Redactor {
  static func cloudConfig(_ node: Node) -> Node {
    value(node, under: nil)
  }

  static func text(_ text: String) -> String {
    var inKey = false
    return text.split(separator: "\n", omittingEmptySubsequences: false).compactMap { line -> String? in
      if inKey {
        if line.contains("-----END ") { inKey = false }
        return nil
      }
      if line.contains("-----BEGIN "), line.contains("PRIVATE KEY") {
        inKey = !line.contains("-----END ")
        return "<private key not shown>"
      }
      return Self.line(String(line))
    }.joined(separator: "\n")
  }

  // MARK: Structure

  private static func value(_ node: Node, under key: String?) -> Node {
    if let key, namesSecret(key), node.value != .null { return hidden(node) }
    var result = node
    switch node.value {
    case .mapping(let entries):
      if let path = node["path"]?.string, node["content"] != nil { return file(node, at: path) }
      result.value = .mapping(entries.map { Node.Entry($0.key, value($0.value, under: $0.key)) })
    case .sequence(let items): result.value = .sequence(items.map { value($0, under: nil) })
    case .string(let text): result.value = .string(self.text(text))
    case .null, .bool, .number: break
    }
    return result
  }

  private static func file(_ node: Node, at path: String) -> Node {
    var file = node
    file.value = .mapping(
      (node.mapping ?? []).map { entry in
        guard entry.key == "content" else { return entry }
        let content = node.fileContent
        guard isReadable(node), let text = String(validating: content, as: UTF8.self) else {
          return Node.Entry(entry.key, Node(.string("<\(content.count) bytes not shown>")))
        }
        return Node.Entry(entry.key, Node(.string(self.text(text))))
      }.filter { $0.key != "encoding" })
    return file
  }

  /// Whether somebody other than the owner may read the file; an unreadable mode counts as no.
  private static func isReadable(_ file: Node) -> Bool {
    guard let mode = file["permissions"]?.scalarText else { return true }
    return Int(mode, radix: 8).map { $0 & 0o044 != 0 } ?? false
  }

  private static func hidden(_ node: Node) -> Node {
    switch node.value {
    case .mapping(let entries): Node(.mapping(entries.map { Node.Entry($0.key, hidden($0.value)) }))
    case .sequence(let items): Node(.sequence(items.map(hidden)))
    default: Node(.string("<not shown>"))
    }
  }

  // MARK: Text

  private static let secretWords = [
    "password", "passwd", "passphrase", "token", "secret", "credential", "apikey", "api_key", "api-key",
    "privatekey", "private_key", "private-key", "access_key", "access-key", "auth", "chpasswd", "ssh_keys",
    "bearer",
  ]

  private static func namesSecret(_ name: String) -> Bool {
    let name = name.lowercased()
    // What only points at a secret may be shown: a file's path is no secret.
    if name.hasSuffix("file") || name.hasSuffix("path") || name.hasPrefix("ssh_authorized")
      || name.hasPrefix("ssh-authorized")
    {
      return false
    }
    return secretWords.contains { name.contains($0) }
  }

  /// A line with the values of secret names, credentials in URLs and known tokens taken out.
  private static func line(_ line: String) -> String {
    var words: [String] = []
    var hidesNext = false
    for word in line.split(separator: " ", omittingEmptySubsequences: false).map(String.init) {
      if word.isEmpty {
        words.append(word)
      } else if hidesNext {
        hidesNext = false
        words.append("<not shown>")
        // What follows on the line may still be part of a value in quotes.
        if word.first == "\"" || word.first == "'", word.count == 1 || word.last != word.first {
          return words.joined(separator: " ")
        }
      } else {
        let (shown, next) = self.word(word)
        words.append(shown)
        if shown != word,
          word.contains("\"") != word.hasSuffix("\"") || word.contains("'") != word.hasSuffix("'")
        {
          return words.joined(separator: " ")
        }
        hidesNext = next
      }
    }
    return words.joined(separator: " ")
  }

  /// A word as it may be shown, and whether the next word is a secret (`--token X`, `password: X`).
  private static func word(_ word: String) -> (String, Bool) {
    if let separator = word.firstIndex(where: { $0 == "=" || $0 == ":" }) {
      let name = String(word[..<separator])
      if namesSecret(name), !word[separator...].hasPrefix("://") {
        let rest = word[word.index(after: separator)...]
        if rest.isEmpty || rest == "\"" || rest == "'" { return (word, true) }
        return ("\(name)\(word[separator])<not shown>", false)
      }
    } else if word.hasPrefix("-"), namesSecret(word) || word == "-p" || word == "-u" {
      return (word, true)
    }
    if let scheme = word.firstRange(of: "://"), let at = word[scheme.upperBound...].firstIndex(of: "@") {
      return (word[..<scheme.upperBound] + "<not shown>" + self.word(String(word[at...])).0, false)
    }
    let bare = word.drop { "\"'(<,[{".contains($0) }
    let isToken = tokenPrefixes.contains { prefix in
      bare.hasPrefix(prefix) && bare.count >= prefix.count + 8
        || word.firstRange(of: prefix).map {
          prefix.count >= 4 && word.distance(from: $0.upperBound, to: word.endIndex) >= 16
        } == true
    }
    return (isToken ? "<not shown>" : word, ["Bearer", "Basic"].contains(String(bare)))
  }

  /// How well-known services begin their tokens.
  private static let tokenPrefixes = [
    "ghp_", "gho_", "ghs_", "ghu_", "github_pat_", "glpat-", "cfut_", "cfat_", "cfk_", "AKIA", "ASIA",
    "xoxb-", "xoxp-",
    "eyJ", "K10", "hvs.", "dop_v1_", "sk-", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$y$",
  ]
}
