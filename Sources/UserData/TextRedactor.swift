import Diagnostics

/// Takes what may be a secret out of a text of any kind, line by line.
///
/// By form: `name=value`, `name: value` and `--name value` where the name says that it is a secret, with the
/// lines that belong to such a value; passwords of commands that take them as `-p` or `-u`; credentials in
/// URLs; private keys; tokens that begin as a known service's do.
struct TextRedactor {
  private let isOwn: Bool
  /// Lines are left out until one that holds this.
  private var end: [UInt8]?
  /// Lines are left out until one that is this: a here-document's.
  private var lastLine: [UInt8]?
  /// Lines are left out while they are indented deeper than this; of the first, its place is shown.
  private var depth: Int?
  private var isFirstBelow = false
  /// Lines are left out while they go on with a private key in base64.
  private var isKey = false
  /// Whether places are looked for, so that what is left out as a whole is looked into.
  private var isSearching = false

  static func text(_ text: String, isOwn: Bool) -> String {
    var shown: [UInt8] = []
    var isFirst = true
    commands(of: text, isOwn: isOwn) { _, found in
      if let found {
        if !isFirst { shown.append(0x0A) }
        shown += found
      }
      isFirst = false
    }
    return String(decoding: shown, as: UTF8.self)
  }

  /// Hands on the commands of a text: how many lines each has, and what of it may be shown.
  static func commands(of text: String, isOwn: Bool, _ take: (Int, [UInt8]?) -> Void) {
    var redactor = TextRedactor(isOwn: isOwn)
    // The lines of one command, and the last of them as far as it has come.
    var command: [ArraySlice<UInt8>] = []
    var line: [UInt8] = []
    var count = 0
    let bytes = Array(text.utf8)
    var next = 0
    while next <= bytes.count {
      let lineEnd = bytes[next...].firstIndex(of: 0x0A) ?? bytes.count
      count += 1
      line += bytes[next..<lineEnd]
      next = lineEnd + 1
      let mayGoOn = !isOwn && lineEnd < bytes.count
      // An option and its value may stand on two lines.
      let end = line.count - (line.last == 0x0D ? 1 : 0)
      if mayGoOn, end > 0, line[end - 1] == UInt8(ascii: "\\") {
        line.removeSubrange((end - 1)...)
        continue
      }
      command.append(line[...])
      line = []
      // So may what goes into a command and that command.
      if mayGoOn, command.last?.endsInPipe == true { continue }
      take(count, redactor.redacted(command))
      command = []
      count = 0
    }
  }

  /// Where secrets begin in a text: line and column from 1, columns in bytes. A secret of several lines is one.
  static func places(in text: String, isOwn: Bool) -> [(line: Int, column: Int)] {
    var redactor = TextRedactor(isOwn: isOwn)
    redactor.isSearching = true
    var places: [(line: Int, column: Int)] = []
    for (index, line) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let line = Array(line)
      guard let shown = redactor.redacted(line), shown != line else { continue }
      places.append((index + 1, zip(line, shown).prefix { $0 == $1 }.count + 1))
    }
    return places
  }

  private init(isOwn: Bool) { self.isOwn = isOwn }

  /// Lines that belong together as they may be shown, as they are where they are no secret; nil where nothing may.
  private mutating func redacted(_ lines: [ArraySlice<UInt8>]) -> [UInt8]? {
    let bare = lines.map { $0.last == 0x0D ? $0.dropLast() : $0 }
    let line = Array(bare.joined(separator: [0x20]))
    guard let shown = redacted(line) else { return nil }
    return shown == line
      ? Array(lines.joined(separator: [0x0A])) : shown + (lines.last?.last == 0x0D ? [0x0D] : [])
  }

  /// A line as it may be shown; nil where nothing of it may.
  private mutating func redacted(_ line: [UInt8]) -> [UInt8]? {
    if let end {
      if line.holds(end) { self.end = nil }
      return nil
    }
    if let lastLine {
      if line.drop(while: { $0 == 0x20 || $0 == 0x09 }).elementsEqual(lastLine) { self.lastLine = nil }
      return nil
    }
    if let depth {
      if line.isEmpty { return isFirstBelow ? line : nil }
      if line.indentation > depth {
        defer { isFirstBelow = false }
        return isFirstBelow ? Array(line.prefix(line.indentation) + Redactor.mark.utf8) : nil
      }
      self.depth = nil
    }
    if isKey {
      let body = line.drop { $0 == 0x20 || $0 == 0x09 }
      if !body.isEmpty, body.allSatisfy(EncodedKey.isLetter) { return nil }
      isKey = false
    }
    guard Self.mayHold(line) else { return line }
    guard line.count <= Self.longest else { return Array("<a line of \(line.count) bytes not shown>".utf8) }
    if let start = line.firstPlace(of: EncodedKey.startBytes) {
      isKey = EncodedKey.count(at: line[start...]) == line.count - start
    }
    if line.holds(Self.keyStart), line.holds(Self.keyName) {
      if !line.holds(Self.keyEnd) { end = Self.keyEnd }
      return Array("<private key not shown>".utf8)
    }
    if SecretCommand.takesSecrets(line) || !isOwn && line.keepsSecret {
      if let start = line.firstPlace(of: Self.hereDocument) {
        let word = line[start...].drop { "<-'\"\\ ".utf8.contains($0) }.prefix(while: \.isNameByte)
        if !word.isEmpty { lastLine = Array(word) }
      }
      return Array("<a line with passwords not shown>".utf8)
    }
    return scan(line, SecretCommand.all(in: line))
  }

  /// The line, every secret in it replaced.
  private mutating func scan(_ line: [UInt8], _ commands: [SecretCommand]) -> [UInt8] {
    var shown: [UInt8] = []
    var index = 0
    var quote: UInt8?
    while index < line.count {
      let start = index
      let isWordStart = start == 0 || !line[start - 1].isNameByte
      if let secret = isWordStart
        ? value(line, at: start, in: quote, commands) ?? token(line, at: start) : login(line, at: start)
      {
        shown += line[start..<secret.lowerBound] + Redactor.mark.utf8
        index = max(secret.upperBound, start + 1)
        continue
      }
      // A name is one word: no secret begins within it.
      index += isWordStart ? max(1, line[start...].prefix(while: \.isNameByte).count) : 1
      for byte in line[start..<index] where byte == 0x22 || byte == 0x27 {
        quote = quote == nil ? byte : quote == byte ? nil : quote
      }
      shown += line[start..<index]
    }
    return shown
  }

  /// Longer lines are for no person, in bytes.
  private static let longest = 1 << 16
  private static let metadataHeader = Array(SecretName.metadataHeader.utf8)
  private static let keyStart = Array("-----BEGIN ".utf8)
  private static let keyName = Array("PRIVATE KEY".utf8)
  private static let keyEnd = Array("-----END ".utf8)
  private static let hereDocument = Array("<<".utf8)

  // MARK: What need not be looked at

  /// What something that is taken out holds at least: the name of a secret, a command that takes passwords, the start of
  /// a token, a URL with a user, a private key.
  private static let needles: [String] = {
    var needles = SecretName.needles + SecretCommand.needles
    needles += ["begin", "://", "sig", "\(EncodedKey.start)"]
    return needles + TokenShape.all.map { "\($0.start)" }
  }()

  /// Which three characters begin a needle, five bits for each, so that letters of either case are the same.
  private static let starts: [Bool] = {
    var starts = [Bool](repeating: false, count: 1 << 15)
    for needle in needles {
      let letters = needle.utf8.filter { !SecretName.separators.contains($0) }.prefix(3).map { Int($0 & 31) }
      let known = letters.reduce(0) { $0 << 5 | $1 }
      // One of two characters begins with any third.
      let open = 5 * (3 - letters.count)
      for rest in 0..<(1 << open) { starts[known << open | rest] = true }
    }
    return starts
  }()

  /// Whether a line may hold anything that is taken out: most do not, and are not looked at any closer.
  private static func mayHold(_ line: [UInt8]) -> Bool {
    var last = 0
    var count = 0
    for byte in line where byte != 0x2D && byte != 0x5F && byte != 0x2E {
      if byte >= 0x80 { return true }
      last = (last << 5 | Int(byte & 31)) & 0x7FFF
      count += 1
      if count > 2, starts[last] { return true }
    }
    return false
  }

  // MARK: Forms

  /// The value of a name that begins here, where it is a secret.
  private mutating func value(
    _ line: [UInt8], at start: Int, in quote: UInt8?, _ commands: [SecretCommand]
  ) -> Range<Int>? {
    let name = line[start...].prefix(while: \.isNameByte)
    guard !name.isEmpty else { return nil }
    let text = String(decoding: name, as: UTF8.self)
    var next = name.endIndex
    let header = Self.metadataHeader
    if line[start...].starts(with: header), line.dropFirst(start + header.count).first?.isNameByte != true {
      return nil
    }
    let options = commands.first { $0.range.contains(start) }?.letters ?? []
    if SecretCommand.isGlued(text, options) { return (start + 2)..<line.wordEnd(from: next) }
    let isOption =
      SecretCommand.isOption(text, options, isOwn: isOwn)
      || isSetting(text.lowercased(), line, at: start, commands)
    guard isOption || SecretName.names(name, isOwn: isOwn) || line.isSignature(name, at: start) else {
      return nil
    }
    // "name": value, \"name\": value
    next = line.skipping(from: next) { "\"'\\".utf8.contains($0) }
    let isQuotedName = next > name.endIndex
    let gap = line.skipping(from: next) { $0 == 0x20 || $0 == 0x09 }
    var isSpaced = gap > next
    if let pattern = line.replacement(for: name) { return value(line, in: pattern) }
    if gap < line.count, line[gap] == UInt8(ascii: "=") || line[gap] == UInt8(ascii: ":") {
      next = line.skipping(from: gap + 1) { $0 == 0x20 || $0 == 0x09 }
      isSpaced = isSpaced || next > gap + 1
      if !isSpaced, line[gap] == UInt8(ascii: ":"), line[next...].isVerb { return nil }
      // The value, if any, is on the lines below.
      if line[next...].isStartOfBlock {
        if isSearching && text == "chpasswd" { return nil }
        depth = line.indentation
        isFirstBelow = true
        return nil
      }
    } else if isOption || text.lowercased() == "bearer", isSpaced, gap < line.count {
      // What begins as an option is the next one: this one was a switch.
      if isOption, line[gap] == UInt8(ascii: "-") { return nil }
      next = gap
      isSpaced = false
    } else if isSpaced, gap < line.count, line[gap] == 0x27, text.lowercased() == "password" {
      // SQL: WITH PASSWORD '...'
      next = gap
    } else if isSpaced, let told = line.toldValue(from: gap) {
      return value(line, in: told)
    } else {
      return nil
    }
    return value(line, from: next, isSpaced: isSpaced, in: isQuotedName ? nil : quote)
  }

  /// A value that begins here: what its quotes hold, else the rest of what it stands in.
  private mutating func value(
    _ line: [UInt8], from start: Int, isSpaced: Bool, in quote: UInt8?
  ) -> Range<Int>? {
    if let command = line.substitution(from: start) {
      // What a command prints that is told what to print; others are looked into.
      if let word = line.hereWord(in: command) { lastLine = word }
      return value(line, in: command)
    }
    let opening = line.skipping(from: start) { $0 == UInt8(ascii: "\\") }
    var range = start..<line.count
    let mark = opening < line.count ? line[opening] : 0
    let close = line.quoteEnd(mark, isEscaped: opening > start, from: opening + 1)
    // A quote of the kind that is open closes it, unless there is one more: an apostrophe may have opened it.
    if mark == 0x22 || mark == 0x27, mark != quote || close != nil {
      guard let close else {
        end = [mark]
        return opening + 1..<line.count
      }
      // What goes on behind a quote belongs to the same word of a shell.
      let isWhole = close + 1 >= line.count || " \t,;:&|)}]\"'".utf8.contains(line[close + 1])
      range = opening + 1..<(isWhole ? close : line.count)
    } else if let quote {
      range = start..<(line.quoteEnd(quote, isEscaped: false, from: start) ?? line.count)
    } else if !isSpaced {
      let word = start..<line.wordEnd(from: start)
      // A word may go on in quotes, with spaces.
      if !line[word].contains(where: { $0 == 0x22 || $0 == 0x27 }) { range = word }
    }
    return value(line, in: range)
  }

  /// A range as it is, unless it holds no secret.
  private func value(_ line: [UInt8], in range: Range<Int>) -> Range<Int>? {
    let text = String(decoding: line[range], as: UTF8.self)
    return SecretName.isNoSecret(text, isOwn: isOwn) ? nil : range
  }

  /// Whether a value follows a name without a sign: a directive's, that of a command's sub-command `password`, or one
  /// that is `set`.
  private func isSetting(_ name: String, _ line: [UInt8], at start: Int, _ commands: [SecretCommand]) -> Bool
  {
    if SecretCommand.directives.contains(name) { return true }
    guard SecretName.names(name, isOwn: isOwn) else { return false }
    let before = line[..<start].split { $0 == 0x20 || $0 == 0x09 }.suffix(1)
    if before.first?.elementsEqual("set".utf8) == true { return true }
    return name == "password" && commands.contains { $0.takesPasswordWord && $0.range.contains(start) }
  }

  /// A token that begins here as those of a known service.
  private func token(_ line: [UInt8], at start: Int) -> Range<Int>? {
    if let count = EncodedKey.count(at: line[start...]) { return start..<start + count }
    guard let token = Self.tokens.first(where: { line[start...].starts(with: $0.start) }) else {
      return nil
    }
    let rest = line[(start + token.start.count)...].prefix { $0.isNameByte || "/+=$:~".utf8.contains($0) }
    return rest.count < token.length ? nil : start..<rest.endIndex
  }

  /// The user and password of a URL whose "://" stands here. The user of an ssh URL alone is no secret.
  private func login(_ line: [UInt8], at start: Int) -> Range<Int>? {
    guard line[start...].starts(with: "://".utf8) else { return nil }
    let user = line[(start + 3)...].prefix { !"@/?# \t\"'<>".utf8.contains($0) }
    guard !user.isEmpty, user.endIndex < line.count, line[user.endIndex] == UInt8(ascii: "@") else {
      return nil
    }
    let isSSH = line[..<start].suffix(3).elementsEqual("ssh".utf8)
    return isSSH && !user.contains(UInt8(ascii: ":")) ? nil : user.startIndex..<user.endIndex
  }

  private static let tokens: [(start: [UInt8], length: Int)] = TokenShape.all.map {
    ($0.start.withUTF8Buffer(Array.init), $0.hidden)
  }
}
