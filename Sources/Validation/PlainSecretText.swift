import Diagnostics
import UserData

/// Finds what stands in a text as a secret by its name or by the command that takes it. Unlike what takes secrets out of
/// shown text, which rather takes too much, this has to be right: each place becomes a warning. No value is ever shown.
struct PlainSecretText {
  /// A place, by line and column from 1, columns in characters.
  struct Place: Equatable {
    let line: Int
    let column: Int
    let what: String
  }

  private(set) var places: [Place] = []
  private var lines: Set<Int> = []
  let isOwn: Bool

  static func places(in text: String, isOwn: Bool) -> [Place] {
    var found = PlainSecretText(isOwn: isOwn)
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    var index = 0
    while index < lines.count {
      let line = lines[index]
      // A person reads longer lines no more than this.
      if line.utf8.count <= 20_000, Self.mayHold(line) {
        found.look(at: line, number: index + 1)
        index += found.lookBelow(lines[index...], number: index + 1)
      }
      index += 1
    }
    return found.places
  }

  private init(isOwn: Bool) { self.isOwn = isOwn }

  /// What a line holds that is looked at closer, in small letters.
  private static let needles: [StaticString] = [
    "pass", "pwd", "token", "secret", "key", "auth", "cred", "psk", "bearer", "://", "sudo", "curl", "mysql",
    "mariadb", "redis", "login", "identified", "add_user", "join", "usermod", "useradd", "adduser",
    "cloudflared",
    "from-literal", "kv ", "vault", "ldap", "nmcli", "smbclient",
  ]

  private static func mayHold(_ line: Substring) -> Bool {
    let lower = line.lowercased()
    return needles.contains { lower.holds($0) }
  }

  mutating func add(_ line: Substring, _ number: Int, at place: Substring.Index, _ what: String) {
    let column = line[..<place].unicodeScalars.count + 1
    if lines.insert(number).inserted {
      places.append(Place(line: number, column: column, what: what))
    }
  }

  private mutating func look(at line: Substring, number: Int) {
    let body = line.drop(while: \.isWhitespace)
    if body.hasPrefix("#") || body.hasPrefix("//") || body.hasPrefix(";") { return }
    lookForNames(line, number)
    lookForCommands(line, number)
    lookForURLs(line, number)
  }

  // MARK: Names

  /// Whether a name says that its value is a secret.
  static func isSecret(_ name: Substring, isOwn: Bool) -> Bool {
    (SecretName.names(name.utf8, isOwn: isOwn) || isJoinKey(name)) && !describes(name)
  }

  private static func isJoinKey(_ name: Substring) -> Bool {
    guard name.utf8.suffix(3).elementsEqual("key".utf8, by: { $0 | 0x20 == $1 }) else { return false }
    let letters = name.lowercased().filter { $0.isLetter }
    return letters.hasSuffix("authkey") || letters.hasSuffix("joinkey")
  }

  private static func isPartOfWord(_ byte: UInt8) -> Bool {
    isPartOfName(byte) || byte == UInt8(ascii: ".")
  }

  /// `name=value`, `name: value`, `--name value` and `Bearer value`.
  private mutating func lookForNames(_ line: Substring, _ number: Int) {
    var quote: Character?
    var seen = line.startIndex
    for word in line.utf8.split(whereSeparator: { !Self.isPartOfWord($0) }) {
      let name = Substring(word)
      for character in line[seen..<name.startIndex] where character == "\"" || character == "'" {
        quote = quote == nil ? character : quote == character ? nil : quote
      }
      seen = name.endIndex
      // $NAME and ${NAME} ask for a value.
      let before = line[..<name.startIndex].suffix(2)
      if before.last == "$" || before == "${" { continue }
      let isBearer = name.utf8.count == 6 && name.lowercased() == "bearer"
      guard isBearer || Self.isSecret(name, isOwn: isOwn) else { continue }
      let rest = line[name.endIndex...]
      let bare = rest.drop { "\"'\\".contains($0) }
      let isQuotedName = bare.startIndex > rest.startIndex
      let spaced = bare.drop { $0 == " " || $0 == "\t" }
      let isOption = name.hasPrefix("-") && name.utf8.count > 2
      if let sign = spaced.first, sign == "=" || sign == ":" {
        let value = spaced.dropFirst()
        guard let next = value.first, !"=~>".contains(next) else { continue }
        // A colon without a space behind is of another language.
        if sign == ":", !isQuotedName, !next.isWhitespace { continue }
        // A shell's assignment has no space before its value.
        let isSpaced = spaced.startIndex > bare.startIndex || next.isWhitespace
        check(value, of: line, number, in: isQuotedName ? nil : quote, isWhole: isSpaced && !isQuotedName)
      } else if isOption || isBearer, spaced.startIndex > bare.startIndex {
        if isBearer, line[name.startIndex...].hasPrefix(SecretName.metadataHeader) { continue }
        check(spaced, of: line, number, in: quote, isWhole: false)
      }
    }
  }

  /// A value that begins here.
  ///
  /// - Parameters:
  ///   - quote: the quote in which the name stands, and its value with it.
  ///   - isWhole: whether it goes on to the end of the line where it has no quotes.
  private mutating func check(
    _ text: Substring, of line: Substring, _ number: Int, in quote: Character?, isWhole: Bool
  ) {
    let body = text.drop { $0 == " " || $0 == "\t" }
    var found = Self.value(body, isWhole: isWhole)
    if let quote, body.first != quote, body.first.map({ !"\"'\\".contains($0) }) ?? false, isWhole {
      found = (body[..<(body.firstIndex(of: quote) ?? body.endIndex)], true)
    }
    guard let (value, isQuoted) = found, isPlain(value, isQuoted: isQuoted) else { return }
    add(line, number, at: value.startIndex, "what is named as a secret")
  }

  /// A value: what its quotes hold, else a word, or the rest of the line.
  private static func value(_ text: Substring, isWhole: Bool) -> (value: Substring, isQuoted: Bool)? {
    let body = text.drop { $0 == "\\" }
    guard let first = body.first else { return nil }
    if first == "\"" || first == "'" {
      let isEscaped = body.startIndex > text.startIndex
      let inner = body.dropFirst()
      let end = inner.firstIndex { $0 == first || $0 == "\\" && isEscaped } ?? inner.endIndex
      return (inner[..<end], true)
    }
    if "|>[{(".contains(first) { return nil }
    let end = body.firstIndex { " \t;&|)`,\"'}".contains($0) } ?? body.endIndex
    // Several words without quotes are a sentence, or code.
    let more = body[end...].first { !" \t;,)}".contains($0) }
    if isWhole, let more, more != "#" { return nil }
    return end == body.startIndex ? nil : (body[..<end], false)
  }

  /// Ends of names of what only says something of a secret.
  private static let describing: Set = [
    "length", "len", "size", "min", "max", "count", "limit", "header", "headers", "expiry", "expires",
    "expire",
    "expiration", "timeout", "lifetime", "age", "days", "hours", "minutes", "policy", "algorithm", "algo",
    "method",
    "methods", "mode", "scheme", "field", "column", "prefix", "suffix", "regex", "pattern", "format",
    "enabled",
    "disabled", "enable", "disable", "required", "require", "store", "backend", "manager", "helper", "cmd",
    "command",
    "plugin", "realm", "server", "service", "host", "port", "endpoint", "label", "rotation", "version",
    "bucket",
    "audience", "issuer", "class", "script", "id", "ids", "arn", "key", "hash", "hashes", "index", "interval",
    "prompt",
    "authentication", "auth-cert", "review", "signing", "checker", "quality", "tools", "agent", "cache",
    "env", "var",
    "vars", "variable", "param", "parameter", "bytes", "bits", "strength", "complexity", "history",
    "attempts", "status",
    "login", "entry", "engine", "module", "modules", "exchange", "issuers", "group", "groups", "user",
    "users", "role",
  ]

  /// Beginnings of names of the same kind.
  private static let counting: Set = [
    "max", "min", "num", "use", "uses", "enable", "disable", "has", "is", "no", "require", "requires",
    "allow", "skip",
    "lock", "change", "reset", "generate", "get", "set", "show", "check", "validate", "verify", "update",
    "read", "create",
  ]

  /// The words of a name in small letters: what separators divide, and capitals after small letters.
  private static func words(of name: Substring) -> [String] {
    var words: [String] = []
    var word: [UInt8] = []
    var isAfterSmall = false
    for byte in name.utf8 {
      let isCapital = (0x41...0x5A) ~= byte
      let isSeparator = byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
      if isSeparator || isCapital && isAfterSmall {
        if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
        word = []
      }
      if !isSeparator { word.append(isCapital ? byte | 0x20 : byte) }
      isAfterSmall = (0x61...0x7A) ~= byte
    }
    return word.isEmpty ? words : words + [String(decoding: word, as: UTF8.self)]
  }

  /// Whether a name only describes: `token_bucket_size`, `max_tokens`, `api_key_header`, `tokenizer`.
  static func describes(_ name: Substring) -> Bool {
    let words = Self.words(of: name)
    guard let last = words.last, let first = words.first else { return true }
    if last.hasSuffix("izer") || last.hasSuffix("ization") && last != "authorization" { return true }
    // api_key and access_key name a secret; token_key hardly.
    let isKey = last == "key" && !["token", "password", "passwd"].contains(words.dropLast().last ?? "")
    if describing.contains(last), !isKey, words.count > 1 { return true }
    return words.count > 1 && counting.contains(first) && !name.hasPrefix("-")
  }

  /// Values that say how, not what.
  private static let general: Set = [
    "enabled", "disabled", "enable", "disable", "none", "required", "require", "optional", "standard",
    "default",
    "basic", "digest", "oauth", "oauth2", "oidc", "saml", "ldap", "pam", "kerberos", "gssapi", "negotiate",
    "ntlm", "jwt",
    "bearer", "token", "password", "passwd", "secret", "md5", "sha1", "sha256", "sha512", "scram-sha-256",
    "scram-sha-1",
    "trust", "peer", "ident", "reject", "plain", "login", "cram-md5", "bcrypt", "argon2", "any", "all",
    "prompt", "ask",
    "auto", "on", "off", "nil", "undefined", "null", "empty", "x", "xxx", "sufficient", "allow", "deny",
    "deprecated",
    "shared", "internal", "external", "anonymous", "prohibit-password", "without-password",
    "forced-commands-only",
  ]

  /// Whether a value that stands under the name of a secret seems to be one.
  static func isPlain(_ text: String, isOwn: Bool) -> Bool {
    PlainSecretText(isOwn: isOwn).isPlain(text[...], isQuoted: false)
  }

  private func isPlain(_ value: Substring, isQuoted: Bool) -> Bool {
    let text = String(value)
    let lower = text.lowercased()
    if text.utf8.count < 3 || SecretName.isNoSecret(text, isOwn: isOwn) || Self.general.contains(lower) {
      return false
    }
    if PlainSecretText.isComputed(text) || PlainSecretText.isHash(text) { return false }
    if text.hasPrefix("-") || text.hasPrefix("/") || text.hasPrefix("~/") || text.hasPrefix("./") {
      return false
    }
    // Numbers, sizes and durations; a password of digits is rare, and looks like a port.
    if !isQuoted, text.wholeMatch(of: Form.size) != nil { return false }
    if isQuoted, text.wholeMatch(of: Form.shortNumber) != nil { return false }
    // The name of a header or a variable that holds one: `X-Api-Key`, `DB_PASSWORD`.
    if text.wholeMatch(of: Form.header) != nil { return false }
    if text.wholeMatch(of: Form.variable) != nil,
      SecretName.names(text, isOwn: false) || text.hasSuffix("_KEY")
    {
      return false
    }
    // A sentence.
    if text.split(separator: " ").count > 3 { return false }
    return isQuoted || !Self.isCode(text)
  }

  /// Whether a word without quotes is an expression of a programming language.
  private static func isCode(_ text: String) -> Bool {
    text.wholeMatch(of: Form.call) != nil
      || text.wholeMatch(of: Form.member) != nil
  }

  /// Whether a value comes from somewhere else at boot: a variable, a command, a placeholder, the environment.
  static func isComputed(_ text: String) -> Bool {
    let value = text.drop { "\"'\\= ".contains($0) }
    guard let first = value.first else { return true }
    if "$`<{%@&*".contains(first) || TemplateText.isUnknown(text) { return true }
    let sources = [
      "process.env", "os.environ", "getenv", "ENV[", "System.get", "lookup(", "env(", "getpass",
      "import.meta.env",
    ]
    return sources.contains { text.contains($0) }
      || value.prefixMatch(of: Form.placeholder) != nil
      || value.contains("$(") || value.hasPrefix("\\$")
  }

  /// Whether a text is a password's hash as crypt(5) writes it, or one that locks.
  static func isHash(_ text: String) -> Bool {
    if text.wholeMatch(of: Form.digest) != nil { return false }
    guard let head = text.prefixMatch(of: Form.hash) else {
      return ["!", "*", "!!", "x"].contains(text) || text.hasPrefix("{SSHA}")
        || text.hasPrefix("SCRAM-SHA-256$")
    }
    let rest = text[head.range.upperBound...]
    return rest.dropFirst().contains("$") && !rest.contains(where: \.isWhitespace)
  }

  // MARK: URLs

  private mutating func lookForURLs(_ line: Substring, _ number: Int) {
    guard line.contains("://") else { return }
    for match in line.matches(of: Form.password) {
      let text = String(match.output.1)
      if Self.isComputed(text) || Self.isExampleWord(text) { continue }
      // The user goes before.
      add(line, number, at: Self.loginStart(of: match.output.0), "the password of a URL")
    }
    for match in line.matches(of: Form.token) {
      let text = String(match.output.1)
      if Self.isComputed(text) || !text.contains(where: \.isNumber) { continue }
      add(line, number, at: match.output.1.startIndex, "the password of a URL")
    }
  }

  private static func loginStart(of url: Substring) -> Substring.Index {
    url.firstRange(of: "://")?.upperBound ?? url.startIndex
  }

  /// Words that documentation puts where a password goes.
  private static func isExampleWord(_ text: String) -> Bool {
    ["password", "pass", "passwd", "pwd", "secret", "token", "xxx", "***"].contains(text.lowercased())
  }
}

extension PlainSecretText {
  /// What is looked for in every line, so each is compiled once. A `Regex` is not Sendable as it may hold a closure; none of
  /// these does, so threads may share them.
  enum Form {
    nonisolated(unsafe) static let size = /[0-9.]+[A-Za-z%]{0,2}/
    nonisolated(unsafe) static let shortNumber = /[0-9.]{1,5}/
    nonisolated(unsafe) static let header = /[Xx](?:-[A-Z][A-Za-z]*)+/
    nonisolated(unsafe) static let variable = /[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+/
    nonisolated(unsafe) static let call = /[A-Za-z_]\w*(?:(?:\.|::|->)\w+)*[\(\[].*/
    nonisolated(unsafe) static let member =
      /(?:self|this|process|os|config|cfg|settings|options|opts|args|env|ctx|req|request|var|local|data|module|each)(?:\.\w+)+/
    nonisolated(unsafe) static let placeholder = /(?:REPLACE|CHANGE)[_-]?(?:ME|THIS)\b/
    nonisolated(unsafe) static let digest = /[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}/
    nonisolated(unsafe) static let hash = /\$[0-9a-z]+\$/
    /// In a URL, behind a user, and alone.
    nonisolated(unsafe) static let password =
      /[A-Za-z][A-Za-z0-9+.\-]*:\/\/[^\s:@\/"'<>?#]*:([^\s@\/"'<>]+)@/
    nonisolated(unsafe) static let token = /https?:\/\/([^\s:@\/"'<>?#$]{8,})@/
    nonisolated(unsafe) static let hereDocument = /<<-?\s*["'\\]?(\w+)/
    /// A line that `chpasswd` reads.
    nonisolated(unsafe) static let login = /[^\s:]+:(\S+)/
  }
}
