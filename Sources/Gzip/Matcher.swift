/// A step of decompression.
enum Token {
  /// A byte as it is.
  case literal(UInt8)
  /// So many bytes (3 to 258) again from so far back (1 to 32,768).
  case copy(length: UInt16, distance: UInt16)

  /// How many bytes it stands for.
  var length: Int {
    switch self {
    case .literal: 1
    case .copy(let length, _): Int(length)
    }
  }
}

/// Finds what repeats (LZ77), by chains of the places where the same three bytes begin.
struct Matcher {
  /// A stretch that occurred before.
  private struct Match {
    var length: Int
    var distance: Int
  }

  private static let shortest = 3
  private static let longest = 258
  private static let window = 32_768
  /// A copy of three bytes from farther back costs more than the bytes do.
  private static let farthestShortest = 1024
  /// How many earlier places are tried, and a quarter of them once a match is good: this bounds the time for input
  /// made to be slow. Eight times as many make manifests and scripts only 0.1 % smaller.
  private static let tries = 512
  private static let goodLength = 32

  private let bytes: [UInt8]
  /// The latest indexed place for each hash, -1 where there is none.
  private var latest = [Int](repeating: -1, count: 1 << hashBits)
  /// The place before each place in the window that has the same hash.
  private var earlier = [Int](repeating: -1, count: window)
  /// All places below this are indexed.
  private var indexed = 0

  private static let hashBits = 15

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The bytes as literals and copies.
  static func tokens(of bytes: [UInt8]) -> [Token] {
    var matcher = Matcher(bytes)
    var tokens: [Token] = []
    var place = 0
    var match = matcher.match(at: 0, longerThan: shortest - 1)
    while place < bytes.count {
      // A copy waits for the next place: a byte as it is and then a longer copy are better.
      let next = matcher.match(at: place + 1, longerThan: match?.length ?? shortest - 1)
      if let found = match, next == nil {
        tokens.append(.copy(length: UInt16(found.length), distance: UInt16(found.distance)))
        place += found.length
        match = matcher.match(at: place, longerThan: shortest - 1)
      } else {
        tokens.append(.literal(bytes[place]))
        place += 1
        match = next
      }
    }
    return tokens
  }

  /// The longest match at a place, of those the nearest; nil where none is longer than asked for.
  private mutating func match(at place: Int, longerThan known: Int) -> Match? {
    index(upTo: place)
    let limit = min(Self.longest, bytes.count - place)
    guard known < limit else { return nil }

    var best = Match(length: known, distance: 0)
    var candidate = latest[hash(at: place)]
    let oldest = max(0, place - Self.window)
    var tries = known < Self.goodLength ? Self.tries : Self.tries / 4
    while candidate >= oldest, tries > 0 {
      // Only a candidate that also agrees where the best one ends can be longer.
      if bytes[candidate + best.length] == bytes[place + best.length] {
        var length = 0
        while length < limit, bytes[candidate + length] == bytes[place + length] { length += 1 }
        if length > best.length {
          best = Match(length: length, distance: place - candidate)
          if length == limit { break }
        }
      }
      candidate = earlier[candidate % Self.window]
      tries -= 1
    }
    let isWorthIt = best.length > Self.shortest || best.distance <= Self.farthestShortest
    return best.length > known && isWorthIt ? best : nil
  }

  private mutating func index(upTo place: Int) {
    while indexed < place, indexed + Self.shortest <= bytes.count {
      let hash = hash(at: indexed)
      earlier[indexed % Self.window] = latest[hash]
      latest[hash] = indexed
      indexed += 1
    }
  }

  /// Knuth's multiplicative hash of three bytes: a fixed one, because Swift's `Hasher` is seeded anew in each process.
  private func hash(at place: Int) -> Int {
    let three = UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
    return Int((three &* 0x9E37_79B1) >> UInt32(32 - Self.hashBits))
  }
}
