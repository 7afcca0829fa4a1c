/// What a value of a cloud-config may be, as ``CloudConfigFacts`` writes it:
///
/// - `text`, `int`, `number`, `bool`, `null`, `date` (a text of that form), `any`;
/// - `"word"`, `true`, `false`: this value; `` `pattern` ``: a text that matches; `int>=0`: a least number;
/// - `a | b`: one of several; `@name`: what is written under that name;
/// - `[a]`: a list; `[a]1..` of at least one item, `[a]2..2` of two, `[a]!` of items that differ;
/// - `{name: a, other*: b}`: a mapping that has no other keys, `other` needed; `_` is any key, `` `pattern` `` every
///   key that matches, `...` allows others; `{…}1..` has at least one key;
/// - `one(a b/c)`, `any(a/b)`: exactly one, or at least one, of these sets of keys; `not(a b)`: not both.
indirect enum ValueType {
  case any, text, integer, number, flag, null, date
  case atLeast(Double, isInteger: Bool)
  case word(String)
  case exactly(Bool)
  case pattern(String)
  case list(ValueType, least: Int, most: Int?, isUnique: Bool)
  case map(Map)
  case either([ValueType])

  struct Map {
    var fields: [(name: String, isNeeded: Bool, type: ValueType)] = []
    var patterns: [(pattern: String, type: ValueType)] = []
    /// What any other key may hold; nil where there may be none.
    var rest: ValueType?
    var least = 0
    /// Sets of keys of which exactly one, or at least one, is given.
    var choices: [(sets: [[String]], isExclusive: Bool)] = []
    /// Keys that are not given together.
    var conflicts: [[String]] = []
  }

  /// The type of a top-level key; nil where the schema does not know it.
  static func of(_ key: String) -> ValueType? { named(key, [CloudConfigFacts.types]) }

  /// The type that the older schema gives a key; nil where both give the same.
  static func older(_ key: String) -> ValueType? {
    let tables = [CloudConfigFacts.olderTypes, CloudConfigFacts.types]
    guard let text = CloudConfigFacts.types[key] else { return nil }
    let names = CloudConfigFacts.olderTypes.keys
    let isOther = names.contains(key) || names.contains { $0.hasPrefix("@") && text.contains($0) }
    return isOther ? named(key, tables) : nil
  }

  private static func named(_ name: String, _ tables: [[String: String]]) -> ValueType? {
    guard let text = tables.lazy.compactMap({ $0[name] }).first else { return nil }
    var reader = Reader(text: Array(text.utf8), tables: tables)
    return reader.either()
  }
}

extension ValueType {
  /// Reads the form; a test reads all of the facts with it.
  private struct Reader {
    let text: [UInt8]
    let tables: [[String: String]]
    var place = 0

    init(text: [UInt8], tables: [[String: String]]) {
      self.text = text
      self.tables = tables
    }

    private mutating func skipSpace() {
      while place < text.count, text[place] == 0x20 || text[place] == 0x0A { place += 1 }
    }

    private mutating func skip(_ sign: String) -> Bool {
      skipSpace()
      guard text[place...].starts(with: sign.utf8) else { return false }
      place += sign.utf8.count
      return true
    }

    /// A word, up to a sign of the form; in quotes up to the next quote.
    private mutating func word() -> String {
      skipSpace()
      let start = place
      while place < text.count, !" \n:,|{}[]()*!\"`".utf8.contains(text[place]) { place += 1 }
      return String(decoding: text[start..<place], as: UTF8.self)
    }

    private mutating func quoted(_ quote: UInt8) -> String {
      let start = place
      while place < text.count, text[place] != quote { place += 1 }
      defer { place += 1 }
      return String(decoding: text[start..<min(place, text.count)], as: UTF8.self)
    }

    mutating func either() -> ValueType {
      var types = [one()]
      while skip("|") { types.append(one()) }
      return types.count == 1 ? types[0] : .either(types)
    }

    private mutating func one() -> ValueType {
      if skip("[") { return list() }
      if skip("{") { return map() }
      if skip("\"") { return .word(quoted(UInt8(ascii: "\""))) }
      if skip("`") { return .pattern(quoted(UInt8(ascii: "`"))) }
      let name = word()
      switch name {
      case "text": return .text
      case "int": return .integer
      case "number": return .number
      case "bool": return .flag
      case "null": return .null
      case "date": return .date
      case "true", "false": return .exactly(name == "true")
      default:
        if name.hasPrefix("@") { return ValueType.named(name, tables) ?? .any }
        let bound = name.split(separator: ">=", maxSplits: 1)
        if bound.count == 2, let least = Double(bound[1]) {
          return .atLeast(least, isInteger: bound[0] == "int")
        }
        return .any
      }
    }

    /// `1..`, `2..6`.
    private mutating func bounds() -> (least: Int, most: Int?) {
      let digits = word().split(separator: "..", maxSplits: 1, omittingEmptySubsequences: false)
      guard digits.count == 2 else { return (0, nil) }
      return (Int(digits[0]) ?? 0, Int(digits[1]))
    }

    private mutating func list() -> ValueType {
      let item = either()
      _ = skip("]")
      let (least, most) = bounds()
      return .list(item, least: least, most: most, isUnique: skip("!"))
    }

    private mutating func sets() -> [[String]] {
      var sets: [[String]] = [[]]
      while !skip(")"), place < text.count {
        for (index, name) in word().split(separator: "/", omittingEmptySubsequences: false).enumerated() {
          if index > 0 { sets.append([]) }
          sets[sets.count - 1].append(String(name))
        }
      }
      return sets
    }

    private mutating func map() -> ValueType {
      var map = Map()
      while !skip("}"), place < text.count {
        if skip("...") {
          map.rest = .any
        } else if skip("`") {
          let pattern = quoted(UInt8(ascii: "`"))
          _ = skip(":")
          map.patterns.append((pattern, either()))
        } else {
          let name = skip("\"") ? quoted(UInt8(ascii: "\"")) : word()
          if skip("(") {
            switch name {
            case "not": map.conflicts += sets()
            default: map.choices.append((sets(), name == "one"))
            }
          } else {
            let isNeeded = skip("*")
            _ = skip(":")
            if name == "_" { map.rest = either() } else { map.fields.append((name, isNeeded, either())) }
          }
        }
        _ = skip(",")
      }
      map.least = bounds().least
      return .map(map)
    }
  }
}
