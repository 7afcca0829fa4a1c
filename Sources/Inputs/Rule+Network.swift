#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Rule {
  static let address = Rule("an IPv4 or IPv6 address", pattern: #"^[0-9A-Fa-f:.]+$"#) { text in
    if isAddress(text) { return nil }
    if isCIDR(text) {
      return Problem(
        "\(text.shown) is a network, not an address", help: "leave out the \"/\" and what follows")
    }
    return Problem("\(text.shown) is not an IPv4 or IPv6 address")
  }

  static let cidr = matching(
    "a network in CIDR notation such as 10.42.0.0/16", pattern: #"^[0-9A-Fa-f:.]+/[0-9]{1,3}$"#, isCIDR)

  static let addressOrName = matching(
    "an IP address or a DNS name", pattern: #"^[0-9A-Za-z:.*-]+$"#
  ) { text in isAddress(text) || isDNSName(text.hasPrefix("*.") ? String(text.dropFirst(2)) : text) }

  static let domain = matching(
    "a DNS name such as example.org", pattern: #"^[0-9A-Za-z-]+([.][0-9A-Za-z-]+)+$"#,
    help: "give the name alone, without a scheme, path or final dot"
  ) { text in isDNSName(text) && text.contains(".") && !isAddress(text) }

  static let email = matching("an e-mail address", pattern: #"^[^@\s]+@[^@\s]+$"#) { text in
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && parts[0].utf8.allSatisfy { (0x21...0x7E) ~= $0 }
      && isDNSName(String(parts[1]))
  }

  /// An http or https URL of a server or folder.
  static let webURL = Rule("an http or https URL", pattern: #"^https?://[^\s@]+$"#) { text in
    guard let url = URLParts(text), url.scheme == "https" || url.scheme == "http" else {
      return Problem("\(URLParts.withoutUserInfo(text).shown) is not an http or https URL")
    }
    return url.userInfo == nil ? nil : .userInfo
  }

  static let serverURL = Rule(
    "an https URL such as https://10.0.0.10:6443", pattern: #"^https://[^\s@/]+/?$"#
  ) {
    text in
    guard let url = URLParts(text), url.scheme == "https", url.path.isEmpty || url.path == "/" else {
      return Problem(
        "\(URLParts.withoutUserInfo(text).shown) is not the URL of a K3s server",
        help: "write https://, the host and the port (6443), and nothing after them")
    }
    return url.userInfo == nil ? nil : .userInfo
  }

  /// `docker.io`, `registry.example.org:5000`, `*`.
  static let registry = matching(
    "a registry's host name, with a port where it has one, or *", pattern: #"^([*]|[0-9A-Za-z.:-]+)$"#
  ) { text in
    if text == "*" { return true }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    return isDNSName(String(parts[0])) && (parts.count == 1 || isPort(parts[1]))
  }

  static func isAddress(_ text: String) -> Bool {
    var buffer = in6_addr()
    return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1
  }

  static func isCIDR(_ text: String) -> Bool {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts[1].utf8.allSatisfy(\.isDigit), let bits = Int(parts[1]) else {
      return false
    }
    return isAddress(String(parts[0])) && bits <= (parts[0].contains(":") ? 128 : 32)
  }

  /// RFC 1123 host names, of at most 253 characters, labels of at most 63.
  static func isDNSName(_ text: String) -> Bool {
    text.utf8.count <= 253
      && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
        label.count <= 63 && label.first?.isAlphanumeric == true && label.last?.isAlphanumeric == true
          && label.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") }
      }
  }

  static func isPort(_ text: Substring) -> Bool {
    text.utf8.allSatisfy(\.isDigit) && (1...65535).contains(Int(text) ?? 0)
  }
}

extension Rule.Problem {
  static let userInfo = Rule.Problem(
    "the URL holds a user name or password before the \"@\"",
    help: "leave it out: credentials are inputs of their own, and a URL is shown in many places")
}

/// The parts of a URL that the rules look at (RFC 3986), found without decoding anything.
struct URLParts {
  var scheme: String
  var userInfo: String?
  var host: String
  var path: String

  /// Reads `scheme://[user@]host[:port][/path]`; nil where it is not of that form, or holds white space,
  /// control characters, quotes or anything else that a URL must encode.
  init?(_ text: String) {
    guard let colon = text.firstRange(of: "://"),
      text.utf8.allSatisfy({ (0x21...0x7E) ~= $0 && !#"<>"{}|\^`"#.utf8.contains($0) })
    else { return nil }
    scheme = text[..<colon.lowerBound].lowercased()
    let rest = text[colon.upperBound...]
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    path = String(rest[end...])
    var authority = rest[..<end]
    if let at = authority.lastIndex(of: "@") {
      userInfo = String(authority[..<at])
      authority = authority[authority.index(after: at)...]
    }
    if authority.hasPrefix("["), let close = authority.firstIndex(of: "]") {
      host = String(authority[authority.index(after: authority.startIndex)..<close])
      let port = authority[authority.index(after: close)...]
      guard Rule.isAddress(host), port.isEmpty || (port.first == ":" && Rule.isPort(port.dropFirst())) else {
        return nil
      }
    } else {
      let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      host = String(parts[0])
      guard Rule.isDNSName(host), parts.count == 1 || Rule.isPort(parts[1]) else { return nil }
    }
  }

  /// The text with whatever stands before an `@` taken out, so that it can be shown.
  static func withoutUserInfo(_ text: String) -> String {
    guard let at = text.lastIndex(of: "@") else { return text }
    let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
    return start < at ? text[..<start] + "…" + text[at...] : text
  }
}
