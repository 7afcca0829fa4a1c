extension String {
  /// Where another text stands first, byte for byte; nil where it does not.
  ///
  /// The standard library's `firstRange(of:)` compares by canonical equivalence, at hundreds of times the cost:
  /// on the path of every `terraform plan` it was a third of the whole.
  package func firstPlace(of other: StaticString, from start: Index? = nil) -> Range<Index>? {
    let start = start.map { utf8.distance(from: utf8.startIndex, to: $0) } ?? 0
    return offset(of: other, from: start).map { found in
      let lower = utf8.index(utf8.startIndex, offsetBy: found)
      return lower..<utf8.index(lower, offsetBy: other.utf8CodeUnitCount)
    }
  }

  private func offset(of other: StaticString, from start: Int) -> Int? {
    var text = self
    return text.withUTF8 { bytes in
      let needle = UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount)
      guard let first = needle.first, bytes.count >= start + needle.count else { return nil }
      for offset in start...(bytes.count - needle.count)
      where bytes[offset] == first && bytes[offset..<offset + needle.count].elementsEqual(needle) {
        return offset
      }
      return nil
    }
  }

  /// The parts before, between and after an ASCII character, byte for byte, empty ones among them.
  ///
  /// The standard library's `split` on a string goes by what people see as characters, at ten times the cost: it
  /// passes over a separator with a combining mark behind it, which shells and parsers do not.
  package func parts(between separator: Unicode.Scalar) -> [String] {
    var text = self
    return text.withUTF8 { bytes in
      var parts: [String] = []
      var rest = bytes
      while let end = rest.firstIndex(of: UInt8(ascii: separator)) {
        parts.append(String(decoding: UnsafeBufferPointer(rebasing: rest[..<end]), as: UTF8.self))
        rest = UnsafeBufferPointer(rebasing: rest[(end + 1)...])
      }
      parts.append(String(decoding: rest, as: UTF8.self))
      return parts
    }
  }

  /// The text in single quotes, as every POSIX shell reads it back exactly, and GLib.
  package var shellQuoted: String {
    "'" + parts(between: "'").joined(by: "'\\''") + "'"
  }

  /// Whether another text stands in this one, byte for byte.
  package func holds(_ other: StaticString) -> Bool { offset(of: other, from: 0) != nil }
}

extension [String] {
  /// The texts in one, a separator between them.
  ///
  /// The standard library's `joined` finds out at run time what it joins, which takes a fiftieth of a render.
  package func joined(by separator: String) -> String {
    var text = first ?? ""
    for part in dropFirst() {
      text += separator
      text += part
    }
    return text
  }
}
