extension Secret {
  /// What a secret must be worth that somebody may try to guess without being seen: at a billion guesses a second,
  /// 80 bits last for longer than anybody waits. In bits.
  public static let enoughBits = 80

  /// Whether guessing takes too long for anybody, as far as its form shows.
  public var isStrong: Bool { estimatedBits >= Self.enoughBits }

  /// An estimate of how hard the value is to guess, in bits, from its form alone.
  ///
  /// Characters count by the kinds that occur; but words, numbers, repetitions and sequences by what they are worth to
  /// somebody who tries those first. It is no promise: a value that is in a list of leaked ones is worth nothing.
  /// `k3seed token` makes values of 256 bits.
  public var estimatedBits: Int {
    // What comes after that cannot make a strong value weak.
    withBytes { Int(Strength(Array($0.prefix(128))).bits) }
  }
}

/// The estimate of one value.
private struct Strength {
  /// What a letter is worth in text that can be pronounced. Shannon's "Prediction and Entropy of Printed English" has 0.6
  /// to 1.3 bits for prose; a word that is drawn from a list has 13 bits and six letters.
  private static let wordLetter = 2.2
  /// What a character is worth that follows from those before it.
  private static let expected = 1.0
  private static let digit = 3.32

  private let bytes: [UInt8]
  private let perByte: Double
  private let isHexadecimal: Bool

  init(_ value: [UInt8]) {
    let period = Self.period(of: value)
    bytes = Array(value.prefix(period))
    isHexadecimal =
      bytes.contains(where: \.isDigit)
      && bytes.allSatisfy { $0.isDigit || (0x61...0x66) ~= $0 | 0x20 }
    // The logarithms of the kinds' sizes: 10, 16, 26, 36, 52, 62, 95.
    let (hasLower, hasUpper) = (bytes.contains(where: \.isLower), bytes.contains(where: \.isUpper))
    let hasDigit = bytes.contains(where: \.isDigit)
    perByte =
      if !bytes.allSatisfy({ $0.isLower || $0.isUpper || $0.isDigit }) {
        6.57
      } else if isHexadecimal, hasLower != hasUpper {
        4
      } else {
        switch (hasLower || hasUpper, hasLower && hasUpper, hasDigit) {
        case (true, true, true): 5.95
        case (true, true, false): 5.7
        case (true, false, true): 5.17
        case (true, false, false): 4.7
        default: Self.digit
        }
      }
  }

  var bits: Double {
    var bits = 0.0
    var signs: Set<UInt8> = []
    var start = 0
    while start < bytes.count {
      let word = isHexadecimal ? 0 : wordLength(from: start)
      if word > 0 {
        bits += Double(word) * Self.wordLetter
        start += word
        continue
      }
      let byte = bytes[start]
      bits += follows(start) ? Self.expected : worth(of: byte, at: start, &signs)
      start += 1
    }
    return bits
  }

  private func worth(of byte: UInt8, at place: Int, _ signs: inout Set<UInt8>) -> Double {
    if byte.isDigit, !isHexadecimal, isInNumber(place) { return Self.digit }
    // Signs between words are mostly the same one.
    let isSign = byte < 0x80 && !byte.isDigit && !byte.isLower && !byte.isUpper
    return isSign && !signs.insert(byte).inserted ? Self.expected : perByte
  }

  /// Whether a byte continues what the two before it began: `aaa`, `abc`, `321`.
  private func follows(_ place: Int) -> Bool {
    guard place >= 2 else { return false }
    let step = Int(bytes[place]) - Int(bytes[place - 1])
    return abs(step) <= 1 && step == Int(bytes[place - 1]) - Int(bytes[place - 2])
  }

  /// Whether a digit has two others beside it.
  private func isInNumber(_ place: Int) -> Bool {
    var (first, last) = (place, place)
    while first > 0, bytes[first - 1].isDigit { first -= 1 }
    while last + 1 < bytes.count, bytes[last + 1].isDigit { last += 1 }
    return last - first >= 2
  }

  /// How many letters from a place can be pronounced as words: at least four of one case but for a capital at the
  /// start, a quarter of them vowels, and never five consonants in turn; or fewer between signs. 0 where they cannot.
  private func wordLength(from start: Int) -> Int {
    if start > 0, bytes[start].isLower, bytes[start - 1].isLower || bytes[start - 1].isUpper { return 0 }
    var end = start
    if bytes[start].isUpper { end += 1 }
    let isCapitals = end < bytes.count && end > start && bytes[end].isUpper
    while end < bytes.count, isCapitals ? bytes[end].isUpper : bytes[end].isLower { end += 1 }
    guard end - start >= 4 || isBetweenSigns(start..<end) else { return 0 }
    guard end - start >= 4 else { return end - start }
    var (vowels, consonants) = (0, 0)
    for byte in bytes[start..<end] {
      let isVowel = "aeiouy".utf8.contains(byte | 0x20)
      vowels += isVowel ? 1 : 0
      consonants = isVowel ? 0 : consonants + 1
      if consonants == 5 { return 0 }
    }
    return vowels * 4 >= end - start ? end - start : 0
  }

  /// Whether letters stand alone.
  private func isBetweenSigns(_ range: Range<Int>) -> Bool {
    func isSign(_ place: Int) -> Bool {
      !bytes.indices.contains(place)
        || !bytes[place].isLower && !bytes[place].isUpper && !bytes[place].isDigit && bytes[place] < 0x80
    }
    return !range.isEmpty && isSign(range.lowerBound - 1) && isSign(range.upperBound)
  }

  /// The length of what the value repeats; its own where it repeats nothing.
  private static func period(of bytes: [UInt8]) -> Int {
    guard bytes.count > 1 else { return bytes.count }
    return (1...bytes.count / 2).first { period in
      bytes.indices.dropFirst(period).allSatisfy { bytes[$0] == bytes[$0 - period] }
    } ?? bytes.count
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { (0x30...0x39) ~= self }
  fileprivate var isLower: Bool { (0x61...0x7A) ~= self }
  fileprivate var isUpper: Bool { (0x41...0x5A) ~= self }
}
