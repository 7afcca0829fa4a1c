import TestSupport
import YAML

/// Strings that have broken writers of YAML and JSON, and an endless supply of others, the same on every run.
enum Corpus {
  typealias Generator = SplitMix

  /// What each says is read by some reader as something else than a string.
  static let words = [
    "", "~", "null", "Null", "NULL", "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES",
    "no",
    "No", "NO", "on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N", "=", "<<", "<", "0", "-0", "00",
    "0777",
    "0o17", "0x1F", "0X1F", "0b101", "-0x1F", "+1", "1.", ".5", "1.5", "-.5", "1e3", "1E3", "1.0e+3", "1.5e3",
    ".1e1", "1_000", "_1", "1_", "1__0.5", ".inf", "-.inf", "+.Inf", ".INF", ".nan", ".NaN", "nan", "inf",
    "12:30", "12:30:45", "190:20:30.15", "08:30", "2026-01-01", "2026-1-1", "2026-01-01T00:00:00Z",
    "2026-01-01 00:00:00", "2001-12-14 21:59:43.10 -5", "52:54:00:12:34:56", "123e4567", "0777_1", "6443",
    "12345678901234567890", "1,000", "0.1.2", "1.2.3", "10.0.2.10", "10.42.0.0/16", "v1.36.4+k3s1",
  ]

  /// What has a meaning in YAML's syntax, in some place.
  static let syntax = [
    " ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", " a", "a ", "\ta", "a\t", "\na", "a\n", "a\n\n", "\n\na\n\n",
    "a\nb",
    "a\nb\n", "a\n\nb", "a\n b", " a\nb", "a \nb", "a\n \nb", "a\n\tb", "a\r\nb\r\n", "a\rb", "a\n ",
    "a\n#b\n",
    "a\n- b\n", "a\n---\nb", "a\n...\nb\n", "---\na\n", "...\na", "%YAML 1.1\n---\na\n", "#a\nb\n", "- a",
    "-", "- ",
    "-a", "?", "? a", ":", ": a", "a:", "a: b", "a:b", "a :b", "a #b", "a#b", "#", "# a", "---", "--- a",
    "...",
    "%YAML", "%", "@a", "`a", "{", "}", "[", "]", "{}", "[]", "{{ }}", "{a: b}", "[a, b]", ",", "a,b", "!",
    "!tag",
    "!!str a", "&a", "&", "*a", "*", "|", "|-", ">", ">+", "'", "''", "'a'", "\"", "\"a\"", "a'b", "a\"b",
    "\\",
    "\\n", "a\\", "\\u0041", "${HOME}", "$(id)", "%{ if }", "a\u{0}b", "a: |\n  b\n", "#cloud-config\na: b\n",
  ]

  /// Characters of every kind, alone and between letters.
  static let characters: [String] = {
    let controls = Array(0x00...0x20) + Array(0x7F...0xA0)
    let others = [
      0xAD, 0xE9, 0x0301, 0x0378, 0x200B, 0x200E, 0x2028, 0x2029, 0x202E, 0xD7FF, 0xE000, 0xFDD0, 0xFEFF,
      0xFFFD,
      0xFFFE, 0xFFFF, 0x10000, 0x1F600, 0x1FFFE, 0x10FFFF,
    ]
    let all = (controls + others).compactMap { Unicode.Scalar(UInt32($0)).map(String.init) }
    return all + all.map { "a\($0)b" } + all.map { "a\n\($0)\nb\n" } + ["e\u{301}", "👩‍👩‍👧", "日本語", "é: ü"]
  }()

  /// Around the limits of simple keys (128 for writers, 1024 for readers) and 64 KiB.
  static let long: [String] = [127, 128, 129, 1023, 1024, 1025, 65536].flatMap { length in
    ["a", "a b: ", "é", "a\n", "'", " ", "word "].map {
      String(String(repeating: $0, count: length / $0.count + 1).prefix(length))
    }
  }

  static let curated = words + syntax + characters + long

  private static let alphabets: [[String]] = [
    "0123456789+-._:eExXoObBaf ".map(String.init),
    "abcxyz \n\t:-#'\"\\{}[],&*!|>%@`?=<~".map(String.init),
    characters + ["\n", " ", "a"],
    words + syntax,
  ]

  /// A string of up to `length` pieces, which look like numbers, like syntax or like nothing else.
  static func string(_ generator: inout Generator, length: Int = 12) -> String {
    let alphabet = generator.pick(alphabets)
    return (0..<Int.random(in: 0...length, using: &generator)).map { _ in generator.pick(alphabet) }.joined()
  }

  static func strings(_ count: Int, seed: UInt64) -> [String] {
    var generator = Generator(seed: seed)
    return (0..<count).map { _ in string(&generator) }
  }

  /// A tree of every kind of node.
  static func node(_ generator: inout Generator, depth: Int = 5) -> Node {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 5), using: &generator) {
    case 0: return Node(.null)
    case 1: return Node(.bool(generator.oneIn(2)))
    case 2: return Node(.number(String(Int.random(in: -70000...70000, using: &generator))))
    case 3, 4: return Node(.string(string(&generator)))
    case 5, 6:
      var places: Set<String> = []
      return Node(
        .mapping(
          (0..<Int.random(in: 0...5, using: &generator)).compactMap { _ in
            let key = string(&generator, length: 4)
            return places.insert(key).inserted
              ? Node.Entry(key, node(&generator, depth: depth - 1)) : nil
          }))
    default:
      return Node(
        .sequence(
          (0..<Int.random(in: 0...5, using: &generator)).map { _ in node(&generator, depth: depth - 1) }))
    }
  }
}

extension SplitMix {
  /// True once in so many times.
  mutating func oneIn(_ times: Int) -> Bool { Int.random(in: 0..<times, using: &self) == 0 }

  mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &self)]
  }
}
