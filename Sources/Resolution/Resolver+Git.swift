import Diagnostics
import Plan

extension Resolver {
  /// The commit that a tag leads to, as git itself asks for it (gitprotocol-http, "Discovering References").
  func tag(of wanted: GitTag) async -> Outcome {
    var outcome = Outcome()
    let repository =
      wanted.repository.hasSuffix("/") ? String(wanted.repository.dropLast()) : wanted.repository
    let address = "\(repository)/info/refs?service=git-upload-pack"
    let text = await outcome.attempt(
      address, "the list of tags", absent: "give the repository with --repository gateway-api=URL"
    ) {
      try await fetcher.body(address, atMost: 64 << 20)
    }
    guard let text else { return outcome }
    guard let references = Self.references(text) else {
      outcome.misread(address, "this is no list of a git repository's tags")
      return outcome
    }
    let name = "refs/tags/\(wanted.version)"
    // A tag that is an object of its own is listed with what it leads to behind it.
    guard let commit = references[name + "^{}"] ?? references[name] else {
      let tags = references.keys.filter { $0.hasPrefix("refs/tags/") && !$0.hasSuffix("^{}") }
        .map { String($0.dropFirst(10)) }.sorted()
      outcome.fail(
        at: address, "there is no tag \(wanted.version)",
        help: "\(wanted.version.suggestion(from: tags, within: 1))choose with --gateway-api VERSION")
      return outcome
    }
    outcome.facts["gateway_api.repository"] = wanted.repository
    outcome.facts["gateway_api.version"] = wanted.version
    outcome.facts["gateway_api.commit"] = commit
    return outcome
  }

  /// References by their names; nil where a text is no such list.
  ///
  /// A line begins with its length in four hexadecimal digits, themselves counted; 0000 ends a part. The first
  /// reference has a NUL behind it, and what the server can do.
  static func references(_ text: [UInt8]) -> [String: String]? {
    var references: [String: String] = [:]
    var rest = text[...]
    guard rest.dropFirst(4).starts(with: "# service=git-upload-pack".utf8) else { return nil }
    while !rest.isEmpty {
      guard rest.count >= 4, let length = Int(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16),
        length <= rest.count, length == 0 || length >= 4
      else { return nil }
      let line = rest.prefix(length).dropFirst(4).prefix { $0 != 0 && $0 != UInt8(ascii: "\n") }
      rest = rest.dropFirst(max(length, 4))
      let parts = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 1)
      if parts.count == 2, [40, 64].contains(parts[0].utf8.count), parts[0].allSatisfy(\.isHexDigit) {
        references[String(parts[1])] = parts[0].lowercased()
      }
    }
    return references
  }
}
