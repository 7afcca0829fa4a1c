package import Diagnostics

/// A text in one of the languages that a node's files are written in, cut into pieces that a page gives colours to.
///
/// Nothing is judged: whatever the text, the pieces one after the other are the text again.
package struct Code {
  /// A language.
  package enum Language: String, CaseIterable, Sendable {
    case yaml = "YAML"
    case json = "JSON"
    case shell = "shell"
    /// `NAME=value` lines with comments, and `[sections]` where they are a unit of systemd.
    case settings = "settings"
    case text = "text"
  }

  /// What a piece of a text is: the class that has its colour.
  package enum Kind: String, Sendable {
    case plain, comment, key, string, number, word, variable, sign, secret
  }

  /// The pieces, in order.
  package private(set) var pieces: [(kind: Kind, text: String)] = []

  /// Cuts a text.
  package init(_ text: String, in language: Language) {
    var scanner = Scanner(text)
    switch language {
    case .yaml: scanner.yaml()
    case .json: scanner.json()
    case .shell: scanner.shell(within: nil, depth: 0)
    case .settings: scanner.settings()
    case .text: break
    }
    scanner.take(.plain, to: scanner.bytes.endIndex)
    let secrets = Self.fingerprints(in: text)
    for (kind, range) in scanner.pieces {
      var start = range.lowerBound
      for secret in secrets where secret.lowerBound < range.upperBound && secret.upperBound > start {
        if secret.lowerBound >= start {
          add(kind, scanner.bytes[start..<secret.lowerBound])
          add(.secret, scanner.bytes[secret])
        }
        start = secret.upperBound
      }
      if start < range.upperBound { add(kind, scanner.bytes[start..<range.upperBound]) }
    }
  }

  private mutating func add(_ kind: Kind, _ bytes: ArraySlice<UInt8>) {
    if !bytes.isEmpty { pieces.append((kind, String(decoding: bytes, as: UTF8.self))) }
  }

  /// Where fingerprints stand that are shown for secrets, `<secret:name#7f3a91>` or `<secret:name>`: pieces of their own, whatever is
  /// around them.
  private static func fingerprints(in text: String) -> [Range<Int>] {
    guard text.contains("<secret:") else { return [] }
    return text.matches(of: /<secret:[a-z0-9_]+(?:#[0-9a-f]{6})?>/).map { match in
      let start = text.utf8.distance(from: text.startIndex, to: match.range.lowerBound)
      return start..<(start + match.output.utf8.count)
    }
  }
}

extension Code.Language {
  /// The language of a file, by its name and its first line.
  package init(path: String, content: String) {
    let name = path.split(separator: "/").last ?? ""
    let suffix = name.split(separator: ".", omittingEmptySubsequences: false).dropFirst().last ?? ""
    if content.hasPrefix("#!") {
      // sh, bash, ksh..., also behind env.
      let words = content.prefix { !$0.isNewline }.split { " /".contains($0) }
      self = words.contains { $0.hasSuffix("sh") } ? .shell : .text
      return
    }
    self =
      switch suffix {
      case "yaml", "yml": .yaml
      case "json": .json
      case "sh", "bash": .shell
      case "env", "conf", "cfg", "ini", "service", "timer", "socket", "mount", "path", "target": .settings
      default: .text
      }
  }
}

extension Code {
  /// The text as markup: one element a line, in it one for each piece that has a colour.
  package var markup: Markup {
    var markup: Markup = "<pre class=\"code\"><code>"
    var isOpen = false
    func open() {
      if !isOpen { markup += "<span>" }
      isOpen = true
    }
    for (kind, text) in pieces {
      for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
        if index > 0 {
          open()
          // The line feed is within, so that what is copied is the text.
          markup += "\n</span>"
          isOpen = false
        }
        guard !line.isEmpty else { continue }
        open()
        let shown = Self.tabbed(String(Substring(line)))
        markup += kind == .plain ? shown : "<b class=\"\(kind.rawValue)\">\(shown)</b>"
      }
    }
    markup += isOpen ? "</span></code></pre>" : "</code></pre>"
    return markup
  }

  /// A tab is shown as one, and every other control as an escape.
  private static func tabbed(_ line: String) -> Markup {
    guard line.utf8.contains(0x09) else { return "\(line)" }
    let parts = line.utf8.split(separator: 0x09, omittingEmptySubsequences: false)
    return "\(parts.enumerated(), each: { "\($0 == 0 ? "" : "\t" as Markup)\(String(Substring($1)))" })"
  }
}
