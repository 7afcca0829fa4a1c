extension Scanner {
  mutating func yaml() {
    // The column that the lines of a block scalar stand behind, while there is one.
    var block: Int?
    while index < bytes.count {
      let text = end { $0 == 0x20 }
      let column = text - index
      if let limit = block {
        let isEmpty = text == bytes.count || bytes[text] == 0x0A
        if isEmpty || column > limit {
          take(.string, to: endOfLine)
          take(.plain)
          continue
        }
        block = nil
      }
      take(.plain, to: text)
      block = line(from: column)
      take(.plain)
    }
  }

  /// One line, from its first byte that is no space.
  ///
  /// - Returns: where a block scalar begins at its end, the column of what it belongs to.
  private mutating func line(from column: Int) -> Int? {
    let start = index - column
    var owner = column - 1
    var depth = 0
    var isKeyPossible = true
    while let byte = next, byte != 0x0A {
      let isSpaced = index == start || bytes[index - 1].isBlank
      let after = index + 1 < bytes.count ? bytes[index + 1] : 0x0A
      let isAlone = after.isBlank || after == 0x0A
      switch byte {
      case UInt8(ascii: "#") where isSpaced: take(.comment, to: endOfLine)
      case UInt8(ascii: "-") where isAlone && isKeyPossible:
        owner = index - start
        take(.sign)
      case UInt8(ascii: "-") where index == start && isAt("---"): take(.sign, 3)
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        let end = endOfQuote(escape: byte == UInt8(ascii: "\"") ? 0x5C : nil)
        if isKey(endingAt: end) {
          owner = index - start
          take(.key, to: end)
        } else {
          take(.string, to: end)
          isKeyPossible = depth > 0
        }
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        depth += 1
        take(.sign)
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        take(.sign)
      case UInt8(ascii: ","), UInt8(ascii: ":"): take(.sign)
      case UInt8(ascii: "|"), UInt8(ascii: ">"):
        guard isSpaced, depth <= 0 else {
          take(.plain)
          continue
        }
        take(.sign, to: end { !$0.isBlank && $0 != 0x0A })
        let rest = end(while: \.isBlank)
        if rest == bytes.count || bytes[rest] == 0x0A || bytes[rest] == UInt8(ascii: "#") {
          take(.plain, to: rest)
          take(.comment, to: endOfLine)
          return owner
        }
      case UInt8(ascii: "&"), UInt8(ascii: "*"), UInt8(ascii: "!"):
        take(.word, to: end { !$0.isBlank && $0 != 0x0A && !",]}".utf8.contains($0) })
      case _ where byte.isBlank: take(.plain)
      default:
        let end = endOfPlain(isFlow: depth > 0)
        if isKeyPossible, isKey(endingAt: end) {
          owner = index - start
          take(.key, to: end)
        } else {
          take(Self.kind(of: bytes[index..<end]), to: end)
          isKeyPossible = depth > 0
        }
      }
    }
    return nil
  }

  private func isKey(endingAt end: Int) -> Bool {
    end < bytes.count && bytes[end] == UInt8(ascii: ":")
      && (end + 1 == bytes.count || bytes[end + 1].isBlank || bytes[end + 1] == 0x0A)
  }

  /// Where an unquoted text ends that begins here, without the spaces after it.
  private func endOfPlain(isFlow: Bool) -> Int {
    var end = index
    var last = index
    while end < bytes.count, bytes[end] != 0x0A {
      let byte = bytes[end]
      if isKey(endingAt: end) || isFlow && ",]}[{".utf8.contains(byte) { break }
      if byte == UInt8(ascii: "#"), end > index, bytes[end - 1].isBlank { break }
      end += 1
      if !byte.isBlank { last = end }
    }
    return max(last, index + 1)
  }

  private static func kind(of scalar: ArraySlice<UInt8>) -> Code.Kind {
    let text = String(decoding: scalar, as: UTF8.self)
    if ["true", "false", "null", "~"].contains(text) { return .word }
    let isNumber = Double(text) != nil && scalar.allSatisfy { $0.isDigit || "+-.eE".utf8.contains($0) }
    return isNumber ? .number : .plain
  }
}
