import Diagnostics
import Secrets

extension String {
  /// A value of a user's in quotes, as a message may show it: cut where it is long, without the credentials
  /// of a URL, and not at all where it looks like a secret that was put in the wrong place.
  package var shown: String {
    if looksSecret { return "\"…\" (hidden: it looks like a secret)" }
    let text = withoutCredentials
    return text.count <= 80 ? "\"\(text)\"" : "\"\(text.prefix(77))...\""
  }

  /// A name of a user's as part of a path or message: itself, unless it looks like a secret.
  package var shownName: String { looksSecret ? "…" : self }

  /// Whether the text may be a secret that was put in the wrong place: it holds what services mark theirs with, a
  /// private key, the full form of K3s's tokens, or a word that nobody would make up.
  package var looksSecret: Bool {
    holds("PRIVATE KEY") || holds("K10") && holds("::")
      || TokenShape.all.contains { $0.isUnique && holds($0.start) } || holdsRandomWord
  }

  /// Whether the text holds a word of letters and digits that is drawn at random, as tokens are, by its form. OCIDs and
  /// public keys of SSH have such words and are not secrets; names of several words may be as long.
  private var holdsRandomWord: Bool {
    utf8.count >= Self.shortestToken && !hasPrefix("ocid1.")
      && utf8.split { !$0.isAlphanumeric && $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "+") }.contains {
        word in
        word.count >= Self.shortestToken && word.contains(where: \.isDigit)
          && word.contains(where: \.isLetter)
          && !word.starts(with: "AAAA".utf8) && !word.isSnakeCase
          && Secret(word).estimatedBits >= 70
      }
  }

  /// In bytes: Cloudflare's tokens have 40, those of AWS and most others 20 and more.
  private static let shortestToken = 16

  /// The text without what stands before an `@` as `user:password` or behind `://`, and without a URL's
  /// query and fragment.
  private var withoutCredentials: String {
    var text = self
    let scheme = text.utf8.firstRange(of: "://".utf8)
    if let at = text.utf8.lastIndex(of: UInt8(ascii: "@")), text.utf8[..<at].contains(UInt8(ascii: ":")) {
      let start = scheme.map(\.upperBound) ?? text.startIndex
      if start < at { text = text[..<start] + "…" + text[at...] }
    }
    guard scheme != nil, let query = text.utf8.firstIndex(where: { "?#".utf8.contains($0) }) else {
      return text
    }
    return text[...query] + "…"
  }
}

extension Substring.UTF8View {
  /// Whether it is made of several short words with a number behind, or none, as names are: `k3s_airgap_sha256`.
  fileprivate var isSnakeCase: Bool {
    let words = split(separator: UInt8(ascii: "_"))
    return words.count > 1
      && words.allSatisfy { word in
        let isUpper = word.first?.isUpper ?? false
        return word.count <= 4
          || word.count <= 12
            && word.drop { isUpper ? $0.isUpper : $0.isLower }.allSatisfy(\.isDigit)
      }
  }
}
