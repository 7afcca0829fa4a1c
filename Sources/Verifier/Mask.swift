import Secrets

/// Takes the payload's secrets out of whatever the machine says before anybody sees it.
///
/// The forms are those that the probe searches for in the guest (`forms` and `url_form` of `probe.py`; a test holds the
/// two to each other). It is no defence against user-data that means to give a secret away, which can spell it as it likes.
struct Mask: Sendable {
  /// What stands in a secret's place.
  static let mark = "<not shown>"
  /// A shorter value stands in too many texts by chance.
  static let shortest = 6

  /// Something to look for.
  private struct Pattern {
    var bytes: [UInt8]
    /// Whether any of its bytes may be written as `%2D`, and a space as a plus sign.
    var isURL: Bool
  }

  /// By the first byte that a place has, those that may begin there, the longest first.
  private var patterns: [[Pattern]]
  /// Whether there is nothing to look for.
  let isEmpty: Bool

  /// A mask for some secrets.
  init(_ secrets: some Sequence<Secret>) {
    let values = secrets.map { $0.withBytes { Array($0) } }.filter { $0.trimmed.count >= Self.shortest }
    let forms = values.reduce(into: Set<[UInt8]>()) { $0.formUnion(Self.forms(of: $1)) }
    var found = forms.map { Pattern(bytes: $0, isURL: false) }
    found += Set(values.map(\.trimmed)).map { Pattern(bytes: $0, isURL: true) }
    found.sort {
      $0.bytes.count == $1.bytes.count
        ? $0.bytes.lexicographicallyPrecedes($1.bytes) : $0.bytes.count > $1.bytes.count
    }
    patterns = Array(repeating: [], count: 256)
    for pattern in found {
      guard let first = pattern.bytes.first else { continue }
      patterns[Int(first)].append(pattern)
      guard pattern.isURL else { continue }
      for other in [UInt8(ascii: "%"), UInt8(ascii: "+")] where other != first {
        patterns[Int(other)].append(pattern)
      }
    }
    isEmpty = found.isEmpty
  }

  /// A text without them.
  func masked(_ text: String) -> String {
    guard !isEmpty else { return text }
    var stream = Stream(self)
    let bytes = stream.take(text.utf8) + stream.end()
    return bytes.count == text.utf8.count && bytes.elementsEqual(text.utf8)
      ? text : String(decoding: bytes, as: UTF8.self)
  }

  /// Takes bytes as they come, and gives them on as soon as it is sure that no secret begins with them.
  struct Stream: Sendable {
    private let mask: Mask
    private var held: [UInt8] = []

    init(_ mask: Mask) { self.mask = mask }

    /// Some more bytes.
    mutating func take(_ bytes: some Collection<UInt8>) -> [UInt8] {
      guard !mask.isEmpty else { return Array(bytes) }
      held += bytes
      return release(all: false)
    }

    /// What is held back: nothing more comes.
    mutating func end() -> [UInt8] { release(all: true) }

    private mutating func release(all: Bool) -> [UInt8] {
      var result: [UInt8] = []
      result.reserveCapacity(held.count)
      var place = 0
      while place < held.count {
        switch mask.match(held[place...]) {
        case .none:
          result.append(held[place])
          place += 1
        case .whole(let count):
          result += Mask.mark.utf8
          place += count
        case .begun(let count):
          if !all {
            held.removeFirst(place)
            return result
          }
          if let count {
            result += Mask.mark.utf8
            place += count
          } else {
            result.append(held[place])
            place += 1
          }
        }
      }
      held = []
      return result
    }
  }

  private enum Match {
    case none
    /// A secret of so many bytes.
    case whole(Int)
    /// One that goes on beyond what is there; or else a shorter one of so many bytes.
    case begun(Int?)
  }

  /// What begins at the beginning of some bytes: the longest that there is.
  private func match(_ bytes: ArraySlice<UInt8>) -> Match {
    guard let first = bytes.first else { return .none }
    var longest: Int?
    var isBegun = false
    for pattern in patterns[Int(first)] {
      switch pattern.isURL ? Self.url(pattern.bytes, bytes) : Self.plain(pattern.bytes, bytes) {
      case .none: continue
      case .whole(let count): longest = max(longest ?? 0, count)
      case .begun: isBegun = true
      }
    }
    return isBegun ? .begun(longest) : longest.map(Match.whole) ?? .none
  }

  private static func plain(_ form: [UInt8], _ bytes: ArraySlice<UInt8>) -> Match {
    guard zip(form, bytes).allSatisfy({ $0 == $1 }) else { return .none }
    return bytes.count >= form.count ? .whole(form.count) : .begun(nil)
  }

  private static func url(_ value: [UInt8], _ bytes: ArraySlice<UInt8>) -> Match {
    var rest = bytes
    for byte in value {
      guard let next = rest.first else { return .begun(nil) }
      if next == byte || next == UInt8(ascii: "+") && byte == UInt8(ascii: " ") {
        rest = rest.dropFirst()
      } else if next == UInt8(ascii: "%") {
        let digits = [UInt8](rest.dropFirst().prefix(2))
        let wanted = [byte >> 4, byte & 15]
        guard zip(digits, wanted).allSatisfy({ $0.hexadecimalValue == $1 }) else { return .none }
        guard digits.count == 2 else { return .begun(nil) }
        rest = rest.dropFirst(3)
      } else {
        return .none
      }
    }
    return .whole(bytes.count - rest.count)
  }

  // MARK: - Forms

  /// Every form in which a secret may stand in a text, but for those of URLs.
  static func forms(of secret: [UInt8]) -> Set<[UInt8]> {
    var plain: Set = [secret, secret.trimmed]
    for line in secret.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
      // Consoles and logs keep a value line by line. The first line of a private key is the same in all of its kind.
      guard line.count >= 16, !line.starts(with: "-----".utf8),
        !line.starts(with: "b3BlbnNzaC1rZXktdjEA".utf8)
      else { continue }
      plain.insert(Array(line).trimmed)
    }
    var forms: Set<[UInt8]> = []
    for value in plain where value.count >= shortest {
      forms.insert(value)
      forms.insert(value.map { $0 == UInt8(ascii: " ") ? UInt8(ascii: "+") : $0 })
      for alphabet in ["0123456789abcdef", "0123456789ABCDEF"] {
        let digits = Array(alphabet.utf8)
        forms.insert(value.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
      }
      forms.formUnion(base64(of: value))
      forms.formUnion(json(of: value))
    }
    return forms
  }

  /// base64 of a text that the value is a part of: three ways to fall on groups of three bytes. What the neighbours have
  /// a part in is left out.
  private static func base64(of value: [UInt8]) -> [[UInt8]] {
    [(before: 0, first: 0), (1, 2), (2, 3)].flatMap { before, first -> [[UInt8]] in
      let whole = Base64.encode([UInt8](repeating: 0, count: before) + value)
      let digits = whole.prefix { $0 != UInt8(ascii: "=") }.count
      let end = (before + value.count) % 3 == 0 ? digits : digits - 1
      guard end - first >= 7 else { return [] }
      let core = Array(whole[first..<end])
      return [
        core,
        core.map {
          $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
        },
      ]
    }
  }

  /// JSON as Python, JavaScript and Go write it.
  private static func json(of value: [UInt8]) -> [[UInt8]] {
    guard let text = String(validating: value, as: UTF8.self) else { return [] }
    return [true, false].flatMap { isASCII -> [[UInt8]] in
      let escaped = text.unicodeScalars.map { literal($0, isASCII: isASCII) }
      let slashed = escaped.map { $0 == "/" ? "\\/" : $0 }
      let safe = escaped.map { "<>&".contains($0) ? unit(UInt16($0.utf8.first ?? 0)) : $0 }
      return [escaped, slashed, safe].map { Array($0.joined().utf8) }
    }
  }

  private static func literal(_ scalar: Unicode.Scalar, isASCII: Bool) -> String {
    switch scalar {
    case "\"": "\\\""
    case "\\": "\\\\"
    case "\n": "\\n"
    case "\r": "\\r"
    case "\t": "\\t"
    case "\u{8}": "\\b"
    case "\u{C}": "\\f"
    case _ where scalar.value < 0x20: unit(UInt16(scalar.value))
    case _ where isASCII && scalar.value >= 0x7F: String(scalar).utf16.map(unit).joined()
    default: String(scalar)
    }
  }

  private static func unit(_ value: UInt16) -> String {
    let digits = String(value, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }
}

extension [UInt8] {
  /// The bytes without ASCII's white space around them.
  fileprivate var trimmed: [UInt8] {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    return Array(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}

extension UInt8 {
  /// The value of a hexadecimal digit.
  fileprivate var hexadecimalValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

extension VerificationReport {
  /// The report without the secrets that a mask knows, whatever brought them into it.
  func masked(by mask: Mask) -> VerificationReport {
    guard !mask.isEmpty else { return self }
    var report = self
    report.cause = cause.map { cause in
      Cause(
        code: cause.code, stage: mask.masked(cause.stage), message: mask.masked(cause.message),
        hint: mask.masked(cause.hint))
    }
    report.notes = notes.map(mask.masked)
    report.cuts = cuts.map { cut in
      var cut = cut
      cut.during = mask.masked(cut.during)
      return cut
    }
    report.checks = checks.map { check in
      var check = check
      check.detail = mask.masked(check.detail)
      return check
    }
    report.timeline = timeline.map { span in
      var span = span
      span.name = mask.masked(span.name)
      return span
    }
    report.evidence = evidence.map {
      Evidence(title: mask.masked($0.title), lines: $0.lines.map(mask.masked))
    }
    report.console = console.map(mask.masked)
    return report
  }
}

extension Progress.Event {
  /// The same without the secrets that a mask knows.
  func masked(by mask: Mask) -> Progress.Event {
    switch self {
    case .stage(let name, let awaiting): .stage(mask.masked(name), awaiting: mask.masked(awaiting))
    case .console(let line): .console(mask.masked(line))
    case .note(let text): .note(mask.masked(text))
    case .tick, .end: self
    }
  }
}
