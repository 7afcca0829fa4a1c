extension String {
  /// Where another text stands first, byte for byte; nil where it does not.
  ///
  /// The standard library's `firstRange(of:)` compares by canonical equivalence, at hundreds of times the cost:
  /// on the path of every `terraform plan` it was a third of the whole.
  package func firstPlace(of other: StaticString, from start: Index? = nil) -> Range<Index>? {
    var text = self
    let offset = start.map { utf8.distance(from: utf8.startIndex, to: $0) } ?? 0
    let found = text.withUTF8 { bytes -> Int? in
      let count = other.utf8CodeUnitCount
      guard count > 0, bytes.count >= offset + count else { return nil }
      let needle = UnsafeBufferPointer(start: other.utf8Start, count: count)
      return (offset...(bytes.count - count)).first { start in
        bytes[start] == needle[0] && bytes[start..<start + count].elementsEqual(needle)
      }
    }
    return found.map { found in
      let lower = utf8.index(utf8.startIndex, offsetBy: found)
      return lower..<utf8.index(lower, offsetBy: other.utf8CodeUnitCount)
    }
  }

  /// Whether another text stands in this one, byte for byte.
  package func holds(_ other: StaticString) -> Bool { firstPlace(of: other) != nil }
}
