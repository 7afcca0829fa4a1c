import Diagnostics

extension String {
  /// A value of a user's in quotes, as a message may show it: cut where it is long, without the credentials
  /// of a URL, and not at all where it looks like a secret that was put in the wrong place.
  var shown: String {
    if looksSecret { return "\"…\" (hidden: it looks like a secret)" }
    let text = withoutCredentials
    return text.count <= 80 ? "\"\(text)\"" : "\"\(text.prefix(77))...\""
  }

  /// A name of a user's as part of a path or message: itself, unless it looks like a secret.
  var shownName: String { looksSecret ? "…" : self }

  /// Whether the text holds what services mark their secrets with, so that they can be found, a private key, or the
  /// full form of K3s's tokens.
  private var looksSecret: Bool {
    holds("PRIVATE KEY") || holds("K10") && holds("::")
      || TokenShape.all.contains { $0.isUnique && holds($0.start) }
  }

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
