/// A command that takes secrets as its arguments, and how far it goes in a line.
struct SecretCommand {
  /// From its name to the end of the line, or to what ends a command of a shell.
  let range: Range<Int>
  /// The letters of its options whose values are passwords.
  let letters: [UInt8]
  /// Whether the word `password` in it has the password behind it.
  let takesPasswordWord: Bool

  /// Options by command; behind a command without letters, the word `password` has a value.
  private static let known: [String: String] = [
    "curl": "uU", "mysql": "p", "mysqldump": "p", "mysqladmin": "p", "mariadb": "p", "mariadb-admin": "p",
    "mariadb-dump": "p", "sshpass": "p", "login": "p", "redis-cli": "a", "ldapsearch": "w", "ldapadd": "w",
    "ldapmodify": "w", "ldapwhoami": "w", "useradd": "p", "usermod": "p", "k3s": "t", "rke2": "t",
    "mongo": "p",
    "mongosh": "p", "mongodump": "p", "mongorestore": "p", "zip": "P", "unzip": "P", "7z": "p", "7za": "p",
    "smbclient": "U", "doctl": "t", "lftp": "u", "ipmitool": "P", "sqlcmd": "P", "snmpwalk": "cAX",
    "snmpget": "cAX", "nmcli": "", "user": "",
  ]
  private static let takePasswordWord: Set<String> = [
    "mysqladmin", "mariadb-admin", "nmcli", "ipmitool", "user",
  ]

  /// Settings of configuration files, behind whose names values stand without a sign.
  static let directives: Set<String> = [
    "requirepass", "masterauth", "auth_pass", "insecure-password", "rocommunity", "rwcommunity", "bindpw",
    "rootpw",
  ]

  /// Words behind which secrets stand in no form that tells them from the rest of the line.
  private static let sequences: [[String]] = [
    ["identified", "by"], ["kv", "put"], ["kv", "patch"], ["vault", "write"], ["vault", "login"],
    ["microk8s", "join"], ["cloudflared", "service", "install"], ["rabbitmqctl", "add_user"],
    ["rabbitmqctl", "change_password"], ["openssl", "passwd"], ["mc", "alias"], ["stats", "auth"],
    ["ansible-vault", "encrypt_string"], ["wpa_passphrase"], ["htpasswd"],
  ]
  /// What takes the secret from another place than the line.
  private static let elsewhere: Set<String> = ["-stdin", "-method", "-in"]

  /// Commands that read passwords from what is piped into them.
  private static let readers: Set<String> = ["chpasswd", "passwd", "smbpasswd", "cryptsetup", "su"]
  private static let readingOptions: Set<String> = [
    "--stdin", "--password-stdin", "--with-token", "--pass-stdin",
  ]

  /// kubectl's option for a value of a Secret.
  private static let literal = "--from-literal"

  /// What a line holds at least that one of these is in.
  static let needles =
    Array(known.keys) + Array(directives) + sequences.map { $0[0] } + Array(readers) + [
      "stdin", literal, "sudo",
    ]

  // MARK: Options

  /// The commands of a line.
  static func all(in line: [UInt8]) -> [SecretCommand] {
    line.words.compactMap { word in
      let name = String(decoding: line[word], as: UTF8.self).split(separator: "/").last.map(String.init) ?? ""
      guard let letters = known[name] else { return nil }
      let end = line[word.upperBound...].firstIndex { "|;&`".utf8.contains($0) } ?? line.count
      return SecretCommand(
        range: word.lowerBound..<end, letters: Array(letters.utf8),
        takesPasswordWord: takePasswordWord.contains(name))
    }.reversed()
  }

  /// For each word of a command, the letters that count there: those of the last command before it.
  static func options(of words: [String]) -> [[UInt8]] {
    var letters: [UInt8] = []
    return words.map { word in
      if let known = known[word.split(separator: "/").last.map(String.init) ?? ""] {
        letters = Array(known.utf8)
      }
      return letters
    }
  }

  /// Whether what follows a word is a secret: `--token`, or `-p` of a command that takes passwords so.
  static func isOption(_ word: String, _ letters: [UInt8], isOwn: Bool) -> Bool {
    guard word.hasPrefix("-") else { return false }
    if word.hasPrefix("--") {
      return SecretName.names(word, isOwn: isOwn) || !isOwn && word == literal
        || letters.contains(UInt8(ascii: "u")) && ["--user", "--proxy-user"].contains(word)
    }
    // Java and Go write long options with one dash.
    if word.utf8.count > 5, SecretName.names(word, isOwn: isOwn) { return true }
    return word.utf8.count <= 6 && word.utf8.last.map(letters.contains) ?? false
  }

  /// Whether a password is glued to its option: `-psecret`.
  static func isGlued(_ word: String, _ letters: [UInt8]) -> Bool {
    let bytes = word.utf8.prefix(3)
    return bytes.count == 3 && bytes.first == UInt8(ascii: "-")
      && letters.contains { $0 == bytes.dropFirst().first }
  }

  // MARK: Whole lines

  /// Whether a line has a secret that nothing tells from the rest of it: an argument of a command, or what goes into one.
  static func takesSecrets(_ line: [UInt8]) -> Bool {
    let words = line.split { !$0.isNameByte }.map { String(decoding: $0, as: UTF8.self).lowercased() }
    if sequences.contains(where: { isArgument(of: $0, words) }) { return true }
    return isFed(line)
  }

  private static func isArgument(of sequence: [String], _ words: [String]) -> Bool {
    guard let start = words.indices.first(where: { words[$0...].starts(with: sequence) }) else {
      return false
    }
    let rest = words[(start + sequence.count)...]
    return !rest.isEmpty && !rest.contains { elsewhere.contains($0) }
  }

  /// Whether a literal text goes into a command that reads a password.
  private static func isFed(_ line: [UInt8]) -> Bool {
    let parts = line.split(separator: UInt8(ascii: "|")).map { $0.split { " \t\"'".utf8.contains($0) } }
    guard let first = parts.first else { return false }
    let isHere = line.firstPlace(of: [0x3C, 0x3C]) != nil
    let commands = isHere ? parts[...] : parts.dropFirst()
    guard commands.contains(where: reads) else { return false }
    if isHere { return true }
    // `echo "app:$PASSWORD"` is filled at boot.
    guard
      let verb = first.firstIndex(where: { $0.elementsEqual("echo".utf8) || $0.elementsEqual("printf".utf8) })
    else { return false }
    return first[(verb + 1)...].contains { word in
      let value = word.drop { $0 != UInt8(ascii: ":") }.dropFirst()
      let shown = value.isEmpty ? word : value
      return !shown.isEmpty
        && ![UInt8(ascii: "$"), UInt8(ascii: "-"), UInt8(ascii: "%")].contains(shown.first)
    }
  }

  private static func reads(_ words: [ArraySlice<UInt8>]) -> Bool {
    let texts = words.map { String(decoding: $0, as: UTF8.self) }
    let name = texts.first { $0 != "sudo" && !$0.hasPrefix("-") }?.split(separator: "/").last.map(String.init)
    return readers.contains(name ?? "") || texts.contains { readingOptions.contains($0) }
      || texts.first == "sudo" && texts.dropFirst().first == "-S"
  }
}

extension [UInt8] {
  /// Where words stand: what white space, quotes and the signs between commands leave.
  fileprivate var words: [Range<Int>] {
    split { " \t;&|()\"'`=".utf8.contains($0) }.map { $0.startIndex..<$0.endIndex }
  }
}
