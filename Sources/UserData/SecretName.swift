import Inputs
import Secrets

/// Which names say that their value is a secret, and which values are none all the same.
package enum SecretName {
  /// Parts of names, in lower case and without separators.
  private static let words = [
    "password", "passwd", "passphrase", "passcode", "token", "secret", "credential", "apikey", "accesskey",
    "privatekey", "secretkey", "presharedkey", "encryptionkey", "signingkey", "activationkey",
    "registrationkey", "sshkeys", "authkey", "licensekey", "accountkey", "sharedkey", "certificatekey",
    "masterkey", "validationkey", "masterauth", "requirepass", "authorization", "bearer", "pgpass", "netrc",
  ]
  /// Words that only as the whole last part of a name say so: `auth`, but not `author`.
  private static let lastWords = ["auth", "pass", "pwd", "psk"]
  /// Ends of names of what only points at a secret, or says something of it.
  private static let pointers = [
    "file", "files", "path", "dir", "name", "names", "ref", "url", "uri", "type", "ttl", "seconds",
    "encryption", "generator", "provider", "namespace", "stdin", "nopasswd", "ocid", "ocids", "certauth",
    "size", "length", "minlength", "maxlength", "header", "headers", "tokenizer", "policy", "enabled",
    "disabled",
    "required", "expiry", "expiration", "lifetime", "timeout", "count", "limit", "format", "algorithm",
    "endpoint", "certhash",
  ]
  /// First parts of names of numbers and switches.
  private static let qualifiers = [
    "max", "min", "num", "is", "has", "use", "allow", "require", "enable", "disable",
  ]

  package static func names(_ name: String, isOwn: Bool) -> Bool {
    names(Array(name.utf8), isOwn: isOwn)
  }

  /// Byte by byte, as it is asked for every word of a text.
  package static func names(_ name: some Collection<UInt8>, isOwn: Bool) -> Bool {
    if !name.allSatisfy({ $0 < 0x80 }) {
      let lowercased = String(decoding: name, as: UTF8.self).lowercased()
      return names(lower: lowercased.utf8, isOwn: isOwn)
    }
    return names(lower: name.map { (0x41...0x5A) ~= $0 ? $0 | 0x20 : $0 }, isOwn: isOwn)
  }

  private static func names(lower name: some Collection<UInt8>, isOwn: Bool) -> Bool {
    var whole: [UInt8] = []
    var firstPart = 0
    var lastPart = 0
    var isBetween = false
    for byte in name {
      if separators.contains(byte) {
        isBetween = true
      } else {
        if isBetween { lastPart = whole.count }
        if isBetween, firstPart == 0 { firstPart = whole.count }
        isBetween = false
        whole.append(byte)
      }
    }
    // In k3seed's own files a plural is a list of names.
    let last = whole[lastPart...]
    if whole.isEmpty || isOwn && last.elementsEqual("secrets".utf8) { return false }
    if endsOfPointers.contains(where: { whole.suffix($0.count).elementsEqual($0) }) { return false }
    if firstPart > 0, qualifierBytes.contains(where: { whole[..<firstPart].elementsEqual($0) }) {
      return false
    }
    return lastWordBytes.contains { last.elementsEqual($0) } || wordBytes.contains { whole.holds($0) }
  }

  /// Whether a file is for secrets by its name, and nothing that is run.
  static func namesFile(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    let isCode = [
      ".sh", ".bash", ".py", ".pl", ".rb", ".js", ".ts", ".go", ".service", ".timer", ".html", ".md",
    ]
    .contains(where: name.hasSuffix)
    return !isCode && !name.hasPrefix("get") && names(String(name), isOwn: false)
  }

  static let separators = Array("-_. ".utf8)
  private static let wordBytes = words.map { Array($0.utf8) }
  private static let lastWordBytes = lastWords.map { Array($0.utf8) }
  private static let endsOfPointers = pointers.map { Array($0.utf8) }
  private static let qualifierBytes = qualifiers.map { Array($0.utf8) }
  /// What every name of a secret holds, letters in lower case and separators left out.
  static let needles = words + lastWords

  /// The header that OCI's metadata service asks for (Oracle's documentation of IMDSv2), the same for everybody.
  package static let metadataHeader = "Bearer Oracle"

  /// What settings are set to that only sound like secrets: switches, and ways to prove who one is.
  private static let plainValues: Set<String> = [
    "", "true", "false", "yes", "no", "on", "off", "null", "none", "~", "enabled", "disabled", "required",
    "optional", "auto", "default", "oauth", "oauth2", "oidc", "saml", "ldap", "kerberos", "pam", "basic",
    "digest",
    "bearer", "jwt", "tls", "x509", "cert", "certificate", "md5", "scram-sha-256", "trust", "peer", "ident",
    "plain", "login", "sasl", "ntlm", Redactor.mark,
  ]
  /// Where a program reads a value from when it runs.
  private static let readers = ["process.env", "os.environ", "getenv(", "ENV["]

  /// Whether a value is no secret whatever its name: empty, a condition, the name of an input, a reference to
  /// OCI Vault, a variable in capitals, what a file or a program gives, what a template is still to be filled with, or a
  /// path of several lower-case parts.
  package static func isNoSecret(_ value: some StringProtocol, isOwn: Bool) -> Bool {
    let text = String(value)
    if plainValues.contains(text.lowercased()) || text == metadataHeader { return true }
    if text.hasPrefix("ocid1.") || isOutput(text) || InputSpec.named(text) != nil { return true }
    if isOwn, text.hasPrefix("secrets/"), InputSpec.named(String(text.dropFirst(8))) != nil { return true }
    if isPlaceholder(text) || readers.contains(where: text.contains) { return true }
    if text.hasPrefix("$"),
      text.dropFirst().utf8.allSatisfy({ (0x41...0x5A) ~= $0 || (0x30...0x39) ~= $0 || $0 == 0x5F })
    {
      return true
    }
    let isPath = text.utf8.allSatisfy {
      (0x61...0x7A) ~= $0 || (0x30...0x39) ~= $0 || "/._-".utf8.contains($0)
    }
    return isPath && text.hasPrefix("/") && text.utf8.count { $0 == UInt8(ascii: "/") } > 1
  }

  /// Whether a value is what a command prints: of another one than those that print what they are told.
  private static func isOutput(_ text: String) -> Bool {
    guard text.hasPrefix("$(") || text.hasPrefix("`") else { return false }
    let command = text.drop { "$(` ".contains($0) }
    return !["echo", "printf", "print"].contains(where: command.hasPrefix) && !text.contains("<<")
  }

  /// Whether a value is an expression that a template is filled with: `${db_password}`, `{{ vault_token }}`. One with
  /// a default may hold a secret.
  private static func isPlaceholder(_ text: String) -> Bool {
    let frames = [("${", "}"), ("{{", "}}"), ("<%=", "%>")]
    guard let frame = frames.first(where: { text.hasPrefix($0.0) && text.hasSuffix($0.1) }) else {
      return false
    }
    return text.dropFirst(frame.0.count).dropLast(frame.1.count).utf8.allSatisfy {
      (0x61...0x7A) ~= $0 | 0x20 || (0x30...0x39) ~= $0 || "_. ()[]".utf8.contains($0)
    }
  }
}

extension SecretName {
  /// Where secrets begin in a text of any kind, judged by form: line and column from 1, columns in bytes.
  package static func places(in text: String, isOwn: Bool) -> [(line: Int, column: Int)] {
    TextRedactor.places(in: text, isOwn: isOwn)
  }
}

/// Private keys in base64, as kubeconfigs (`client-key-data`) and machine configurations hold them.
package enum EncodedKey {
  /// What `-----BEGIN` begins with in base64.
  package static let start: StaticString = "LS0tLS1CRUdJTi"
  static let startBytes = start.withUTF8Buffer(Array.init)

  /// Whether a byte is of base64.
  static func isLetter(_ byte: UInt8) -> Bool {
    (0x61...0x7A) ~= byte || (0x41...0x5A) ~= byte || (0x30...0x39) ~= byte || "+/=".utf8.contains(byte)
  }

  /// How many letters from here on are a private key's; nil where none begins here.
  package static func count(at line: some Collection<UInt8>) -> Int? {
    guard line.starts(with: startBytes) else { return nil }
    // The first line of a key says what it is.
    let head = Array(line.prefix(64).prefix(while: isLetter))
    let text = Base64.decode(Array(head.dropLast(head.count % 4))) ?? []
    guard String(decoding: text, as: UTF8.self).contains("PRIVATE KEY") else { return nil }
    return line.prefix(while: isLetter).count
  }
}
