import Diagnostics

/// Rules of secret inputs. Their messages never hold any of the value.
extension Rule {
  /// A secret of one line. What no service could have given out (control characters, white space at an end)
  /// is refused here, where the cause can be named, rather than failing in the cluster.
  private static func oneLine(
    _ meaning: String, _ more: @escaping @Sendable (String) -> Problem? = { _ in nil }
  ) -> Rule {
    Rule(meaning, pattern: #"^[^\u0000-\u001f\u007f-\u009f]+$"#) { text in
      if text.isEmpty { return Problem("is empty") }
      let scalars = text.unicodeScalars
      if let last = scalars.last, last == "\n" || last == "\r" {
        return Problem(
          "ends with a line break, which would become part of the secret",
          help: "use trimspace() or chomp() in Terraform")
      }
      if scalars.first?.properties.isWhitespace == true || scalars.last?.properties.isWhitespace == true {
        return Problem(
          "begins or ends with white space, which would become part of the secret",
          help: "use trimspace() in Terraform")
      }
      if let place = scalars.firstIndex(where: \.isControl) {
        let code = String(scalars[place].value, radix: 16, uppercase: true)
        let offset = scalars.distance(from: scalars.startIndex, to: place) + 1
        let name = "U+" + String(repeating: "0", count: 4 - code.count) + code
        return Problem(
          "holds the control character \(name) as character \(offset), which no \(meaning) holds",
          help: "look for a line break or a binary value")
      }
      return more(text)
    }
  }

  /// K3s takes a token in the form of kubeadm's bootstrap tokens for one that `k3s token create` made, never for a
  /// password, so no server starts with it and none admits agents with it (K3s: pkg/clientaccess/token.go,
  /// ParseUsernamePassword).
  static let joinToken = oneLine("join token") { text in
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let isBootstrapToken =
      parts.count == 2 && parts[0].utf8.count == 6 && parts[1].utf8.count == 16
      && parts.allSatisfy { $0.utf8.allSatisfy { $0.isDigit || (0x61...0x7A) ~= $0 } }
    return isBootstrapToken
      ? Problem(
        "has the form of a bootstrap token (six characters, a dot, sixteen), which K3s does not take as a server's token",
        help: "use another one; \"k3seed token\" makes one")
      : nil
  }

  static let gitToken = oneLine("access token")

  static let webhookSecret = oneLine("webhook secret")

  /// Prefixes as Cloudflare gives them out since 2026; tokens of before, without one, still work.
  static let cloudflareToken = oneLine("Cloudflare API token") { text in
    let isOldGlobalKey = text.utf8.count == 37 && text.utf8.allSatisfy { $0.isDigit || (0x61...0x66) ~= $0 }
    if text.hasPrefix("cfk_") || isOldGlobalKey {
      return Problem(
        "holds a Global API Key, which can do everything with the whole account",
        help:
          "create an API token instead, with the rights Zone / DNS / Edit and Zone / Zone / Read for this zone only"
      )
    }
    return nil
  }

  /// The modular crypt form that Argo CD stores under `admin.password`.
  static let bcryptHash = Rule("bcrypt hash", pattern: #"^[$]2[abxy]?[$][0-9]{2}[$][./A-Za-z0-9]{53}$"#) {
    isBcryptHash($0)
      ? nil
      : Problem(
        "is not a bcrypt hash ($2a$10$ and 53 characters more)",
        help:
          "give the password itself as argocd_admin_password to have it hashed, or hash it with htpasswd -nbBC 10"
      )
  }

  private static func isBcryptHash(_ text: String) -> Bool {
    let parts = text.split(separator: "$", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].isEmpty, ["2", "2a", "2b", "2x", "2y"].contains(parts[1]),
      parts[2].utf8.count == 2, let cost = Int(parts[2]), (4...31).contains(cost)
    else { return false }
    return parts[3].utf8.count == 53
      && parts[3].utf8.allSatisfy { $0.isAlphanumeric || "./".utf8.contains($0) }
  }

  static let password = oneLine("password") { text in
    if text.utf8.count > 72 {
      return Problem(
        "has \(text.utf8.count) bytes; bcrypt, which Argo CD uses, reads only the first 72",
        help: "choose a shorter password")
    }
    if isBcryptHash(text) {
      return Problem(
        "is a bcrypt hash, which would be hashed again", help: "give it as argocd_admin_password_hash")
    }
    return nil
  }

  /// A private key in PEM or OpenSSH form, unencrypted.
  static let sshPrivateKey = Rule("private key", pattern: #"^-----BEGIN [A-Z ]*PRIVATE KEY-----\n"#) { text in
    if text.hasPrefix("-----BEGIN "), text.utf8.contains(0x0D) {
      return Problem("has Windows line endings", help: "save the key with line feeds alone")
    }
    guard
      let kind = ["OPENSSH ", "RSA ", "EC ", "DSA ", "ENCRYPTED ", ""].first(where: { kind in
        text.hasPrefix("-----BEGIN \(kind)PRIVATE KEY-----\n")
      })
    else {
      return Problem(
        "is not a private key in PEM or OpenSSH form",
        help: "give the whole file, from -----BEGIN to -----END and its line break")
    }
    guard text.utf8.allSatisfy({ (0x20...0x7E) ~= $0 || $0 == 0x0A }) else {
      return Problem(
        "holds characters that no private key holds", help: "save the key as plain ASCII with line feeds")
    }
    guard text.hasSuffix("\n-----END \(kind)PRIVATE KEY-----\n") else {
      return Problem(
        "does not end with its -----END line and one line break, without which OpenSSH refuses to read it",
        help: "do not trim the key: use file(), or add \"\\n\"")
    }
    // An OpenSSH key begins with "openssh-key-v1", a NUL, and the name of its cipher (PROTOCOL.key).
    let isOpenSSH = kind == "OPENSSH "
    guard !isOpenSSH || text.holds("-----\nb3BlbnNzaC1rZXktdjEA") else {
      return Problem("holds no OpenSSH key between its first and last line", help: "give the whole file")
    }
    if isOpenSSH ? !text.holds("-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA") : text.holds("ENCRYPTED") {
      return Problem(
        "is protected by a passphrase, which Argo CD cannot ask for", help: "make a deploy key without one")
    }
    return nil
  }
}
