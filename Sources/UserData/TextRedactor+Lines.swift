// What the redactor asks of a line: what stands where in it.

extension UInt8 {
  /// A byte of a name, an option or a variable.
  var isNameByte: Bool {
    (0x61...0x7A) ~= self || (0x41...0x5A) ~= self || (0x30...0x39) ~= self || "_-.".utf8.contains(self)
      || self >= 0x80
  }
}

extension ArraySlice<UInt8> {
  /// Whether a value that goes on below begins so: with nothing, a bracket, or the sign of a YAML block.
  var isStartOfBlock: Bool {
    guard let first else { return true }
    return "|>{[(".utf8.contains(first) && dropFirst().allSatisfy { "+-0123456789 \t".utf8.contains($0) }
  }

  /// Whether what stands behind a colon is what a sub-command does: `ssh-keys:add`.
  var isVerb: Bool {
    let word = prefix { $0.isNameByte }
    return ["add", "remove", "list", "set", "show", "create", "delete", "update", "generate"].contains {
      word.elementsEqual($0.utf8)
    }
  }

  /// Whether a byte stands twice in a row.
  func containsTwice(_ byte: UInt8) -> Bool {
    indices.dropFirst().contains { self[$0] == byte && self[$0 - 1] == byte }
  }

  /// Whether a shell's command goes on in the next line, with a pipe: a YAML block begins behind a colon or a dash.
  var endsInPipe: Bool {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    guard let pipe = lastIndex(where: { !isBlank($0) }), self[pipe] == UInt8(ascii: "|") else { return false }
    guard let before = self[..<pipe].lastIndex(where: { !isBlank($0) }) else { return false }
    return !":-|".utf8.contains(self[before])
  }
}

extension [UInt8] {
  var indentation: Int { prefix { $0 == 0x20 || $0 == 0x09 || $0 == UInt8(ascii: "-") }.count }

  /// Whether the line puts something into a file that is named as a secret: `> /etc/token`, `| tee ~/.pgpass`.
  var keepsSecret: Bool {
    let words = String(decoding: self, as: UTF8.self).split { " \t;&|\"'".contains($0) }
    return zip([""] + words, words).contains { before, word in
      guard word.first == ">" || before.last == ">" || before == "tee" || before == "-a" else { return false }
      return SecretName.names(String(word.drop { $0 == ">" }), isOwn: false)
    }
  }

  /// Whether a name is that of a signature in the query of a URL, which is as good as a password while it holds.
  func isSignature(_ name: ArraySlice<UInt8>, at start: Int) -> Bool {
    guard start > 0, "?&".utf8.contains(self[start - 1]) else { return false }
    let name = String(decoding: name, as: UTF8.self).lowercased()
    return name == "sig" || name.hasSuffix("signature")
  }

  /// What sed puts in place of a name: in `s/NAME/value/`, the value.
  func replacement(for name: ArraySlice<UInt8>) -> Range<Int>? {
    let (start, end) = (name.startIndex, name.endIndex)
    guard end < count, "/|#,@".utf8.contains(self[end]) else { return nil }
    let mark = self[end]
    guard let open = self[..<start].suffix(16).lastIndex(of: mark), open > 0,
      self[open - 1] == UInt8(ascii: "s"),
      open == 1 || !self[open - 2].isNameByte,
      let close = self[(end + 1)...].firstIndex(of: mark)
    else { return nil }
    return end + 1..<close
  }

  /// The word behind `is` or `was`, where it is none of a language: `# the password is hunter2`.
  func toldValue(from start: Int) -> Range<Int>? {
    for verb in ["is ", "was "] where self[start...].starts(with: verb.utf8) {
      let first = start + verb.utf8.count
      let word = first..<wordEnd(from: first)
      if self[word].contains(where: { (0x30...0x39) ~= $0 || "!@#$%^&*".utf8.contains($0) }) { return word }
    }
    return nil
  }

  /// `$(...)` or what backquotes hold, where a command begins here that prints what it is told.
  func substitution(from start: Int) -> Range<Int>? {
    let rest = self[start...]
    guard rest.starts(with: "$(".utf8) || rest.first == UInt8(ascii: "`") else { return nil }
    let command = rest.drop { "$(` ".utf8.contains($0) }
    let tells = ["echo ", "printf ", "print "].contains { command.starts(with: $0.utf8) }
    guard tells || rest.prefix(64).containsTwice(UInt8(ascii: "<")) else { return nil }
    let close = rest.first == UInt8(ascii: "`") ? UInt8(ascii: "`") : UInt8(ascii: ")")
    return start..<(rest.dropFirst(2).lastIndex(of: close).map { $0 + 1 } ?? count)
  }

  /// The word that ends a here-document which begins in a range.
  func hereWord(in range: Range<Int>) -> [UInt8]? {
    guard let start = Array(self[range]).firstPlace(of: [0x3C, 0x3C]) else { return nil }
    let word = self[(range.lowerBound + start)...].drop { "<-'\"\\ ".utf8.contains($0) }.prefix(
      while: \.isNameByte)
    return word.isEmpty ? nil : Array(word)
  }

  func skipping(from start: Int, _ isSkipped: (UInt8) -> Bool) -> Int {
    self[start...].firstIndex { !isSkipped($0) } ?? count
  }

  /// Where a word ends.
  func wordEnd(from start: Int) -> Int {
    self[start...].firstIndex { " \t;&|)`".utf8.contains($0) } ?? count
  }

  /// Where a quoted text ends. A backslash takes the meaning of a mark, except of a single quote, and where
  /// the mark at the start had one too.
  func quoteEnd(_ mark: UInt8, isEscaped: Bool, from start: Int) -> Int? {
    indices.dropFirst(start).first { index in
      self[index] == mark
        && (mark == 0x27 || isEscaped || index == start || self[index - 1] != UInt8(ascii: "\\"))
    }
  }
}
