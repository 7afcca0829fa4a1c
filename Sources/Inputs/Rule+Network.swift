import Diagnostics

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

  /// The network of pods or services, as K3s takes it: one network, or one of each family.
  static let dualStackCIDR = Rule(
    "a network such as 10.42.0.0/16, or an IPv4 and an IPv6 one with a comma between",
    pattern: #"^[0-9A-Fa-f:.]+/[0-9]{1,3}(,[0-9A-Fa-f:.]+/[0-9]{1,3})?$"#
  ) { text in
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if let wrong = parts.first(where: { !isCIDR($0) }) {
      return Problem(
        parts.count == 1
          ? "\(text.shown) is not a network in CIDR notation such as 10.42.0.0/16"
          : "\(wrong.shown) in \(text.shown) is not a network in CIDR notation such as 10.42.0.0/16")
    }
    let families = parts.compactMap { Network($0)?.family }
    return families.count == Set(families).count
      ? nil
      : Problem(
        "\(text.shown) has more than one network of a family",
        help: "give one network, or an IPv4 and an IPv6 one with a comma between")
  }

  static let addressOrName = matching(
    "an IP address or a DNS name", pattern: #"^[0-9A-Za-z:.*-]+$"#
  ) { text in isHost(text) || (text.hasPrefix("*.") && isDNSName(String(text.dropFirst(2)))) }

  static let domain = matching(
    "a DNS name such as example.org", pattern: #"^[0-9A-Za-z-]+([.][0-9A-Za-z-]+)+$"#,
    help: "give the name alone in lower case, without a scheme, path or final dot"
  ) { text in isDNSName(text) && text.contains(".") && !text.utf8.contains(where: \.isUpper) }

  /// One certificate. What it says is left to the node: its tools know it, and this program opens no network.
  static let certificate = Rule("a certificate in PEM", pattern: "^-----BEGIN CERTIFICATE-----\\s") { text in
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let body = lines.dropFirst().prefix { !$0.hasPrefix("-") }
    let isWhole =
      lines.first == "-----BEGIN CERTIFICATE-----" && !body.isEmpty
      && body.allSatisfy {
        !$0.isEmpty && $0.utf8.allSatisfy(\.isBase64)
      }
      && lines.dropFirst(body.count + 1).filter { !$0.isEmpty } == ["-----END CERTIFICATE-----"]
    return isWhole
      ? nil
      : Problem(
        "is not one certificate in PEM", help: "give each certificate as an item, from -----BEGIN to -----END"
      )
  }

  static let email = matching("an e-mail address", pattern: #"^[^@\s]+@[^@\s]+$"#) { text in
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    return parts.count == 2 && !parts[0].isEmpty && parts[0].utf8.allSatisfy { (0x21...0x7E) ~= $0 }
      && isDNSName(String(parts[1]))
  }

  /// An http or https URL of a server or folder.
  package static let webURL = Rule("an http or https URL", pattern: #"^https?://[^\s@/?#]+(/[^\s?#]*)?$"#) {
    text in
    guard let url = URLParts(text), url.scheme == "https" || url.scheme == "http" else {
      return Problem(
        "\(text.shown) is not an http or https URL",
        help: "write https://, the host, and the path where there is one, without a query")
    }
    return url.userInfo == nil ? nil : .userInfo
  }

  static let serverURL = Rule(
    "an https URL such as https://10.0.0.10:6443", pattern: #"^https://[^\s@/]+/?$"#
  ) {
    text in
    guard let url = URLParts(text), url.scheme == "https", url.path.isEmpty || url.path == "/" else {
      return Problem(
        "\(text.shown) is not the URL of a K3s server",
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
    return isHost(String(parts[0])) && (parts.count == 1 || isPort(parts[1]))
  }

  /// The host of one registry, as image names begin with it.
  static let registryServer = matching(
    "a registry's host name, with a port where it has one", pattern: "^[0-9A-Za-z.:-]+$",
    help: "write it as images do, such as ghcr.io, without https://"
  ) { text in text != "*" && registry.problem(with: text) == nil }

  static let port = matching(
    "a port: a number from 1 to 65535", pattern: "^[1-9][0-9]{0,4}$"
  ) { text in text.first != "0" && isPort(text[...]) }

  static func isAddress(_ text: String) -> Bool {
    !text.utf8.contains(UInt8(ascii: "/")) && Network(text) != nil
  }

  static func isCIDR(_ text: String) -> Bool { text.utf8.contains(UInt8(ascii: "/")) && Network(text) != nil }

  static func isHost(_ text: String) -> Bool { isAddress(text) || isDNSName(text) }

  /// RFC 1123 host names, of at most 253 characters, labels of at most 63, the last not a number: such a text
  /// is an IPv4 address with an error (RFC 3696, section 2).
  static func isDNSName(_ text: String) -> Bool {
    text.utf8.count <= 253
      && text.utf8.split(separator: UInt8(ascii: ".")).last?.allSatisfy(\.isDigit) == false
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
    "holds a user name or password before the \"@\" of its URL",
    help: "leave it out: credentials are inputs of their own, and a URL is shown in many places")
}

/// The parts of a URL that the rules look at (RFC 3986), found without decoding anything.
struct URLParts {
  var scheme: String
  var userInfo: String?
  var host: String
  var path: String

  /// Reads `scheme://[user@]host[:port][/path]`; nil where it is not of that form, or holds white space,
  /// control characters, quotes or anything else that a URL must encode,
  /// or a query or fragment, which the URL of a server, folder or repository has not.
  init?(_ text: String) {
    guard let colon = text.firstPlace(of: "://"),
      text.utf8.allSatisfy({ (0x21...0x7E) ~= $0 && !##"<>"{}|\^`?#"##.utf8.contains($0) })
    else { return nil }
    scheme = String(text[..<colon.lowerBound])
    let rest = text[colon.upperBound...]
    let end = rest.firstIndex(of: "/") ?? rest.endIndex
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
      guard Rule.isHost(host), parts.count == 1 || Rule.isPort(parts[1]) else { return nil }
    }
  }
}
