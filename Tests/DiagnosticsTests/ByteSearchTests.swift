import Diagnostics
import Testing

@Suite("Byte searches") struct ByteSearchTests {
  @Test(
    "a text is parted at every separator, byte for byte",
    arguments: [
      ("", [""]), ("a", ["a"]), (".", ["", ""]), ("a.b", ["a", "b"]), (".a..é.", ["", "a", "", "é", ""]),
      // To Swift this is two characters, of which none is a full stop.
      ("a.\u{301}b", ["a", "\u{301}b"]),
    ])
  func parts(text: String, parts: [String]) {
    #expect(text.parts(between: ".") == parts)
    #expect(parts.joined(by: ".").utf8.elementsEqual(text.utf8))
  }

  @Test(
    "texts are joined as the standard library joins them",
    arguments: [[], [""], ["a"], ["", ""], ["a", "b", ""], ["é", "\u{301}", "c"]])
  func joined(texts: [String]) {
    for separator in ["", ", ", "'\\''"] {
      #expect(texts.joined(by: separator) == texts.joined(separator: separator))
    }
  }

  @Test(
    "a text is found where it stands first, from a place on",
    arguments: [
      ("", nil, nil), ("ab", nil, nil), ("::", 0, nil), ("a::b::", 1, 4), (":::", 0, 1), ("é::", 2, nil),
      ("a:", nil, nil), ("a::\u{301}", 1, nil),
    ] as [(String, Int?, Int?)])
  func place(text: String, first: Int?, second: Int?) throws {
    func offset(_ range: Range<String.Index>?) -> Int? {
      range.map { text.utf8.distance(from: text.startIndex, to: $0.lowerBound) }
    }
    let found = text.firstPlace(of: "::")
    #expect(offset(found) == first)
    #expect(text.holds("::") == (first != nil))
    if let found {
      let next = text.utf8.index(after: found.lowerBound)
      #expect(offset(text.firstPlace(of: "::", from: next)) == second)
      #expect(text.utf8.distance(from: found.lowerBound, to: found.upperBound) == 2)
    }
    #expect(text.firstPlace(of: "") == nil)
  }
}
