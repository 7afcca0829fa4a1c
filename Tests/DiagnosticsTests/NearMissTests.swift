import Diagnostics
import Testing

@Suite("Near misses") struct NearMissTests {
  @Test(
    "one typing error is found: added, left out, exchanged, swapped, at any place",
    arguments: [
      "server", "servers", "sserver", "erver", "serve", "servr", "serwer", "xerver", "servex", "esrver",
      "servre",
    ])
  func one(name: String) {
    #expect(name.nearest(in: ["agent", "server", "ingress"], within: 1) == "server")
  }

  @Test(
    "two errors are found within two and not within one", arguments: ["srvr", "esrvre", "serverss", "xxrver"])
  func two(name: String) {
    #expect(name.nearest(in: ["server"], within: 2) == "server")
    #expect(name.nearest(in: ["server"], within: 1) == nil)
  }

  @Test("what is further away is no near miss", arguments: ["", "boss", "revres", "serverless"])
  func far(name: String) {
    #expect(name.nearest(in: ["server"], within: 2) == nil)
  }

  @Test("the nearest is taken, and of equals the first")
  func order() {
    #expect("cat".nearest(in: ["cart", "cat", "bat"], within: 2) == "cat")
    #expect("cat".nearest(in: ["bat", "hat"], within: 1) == "bat")
    #expect("cat".nearest(in: ["hat", "bat"], within: 1) == "hat")
    #expect("cat".nearest(in: ["cxyt", "bat"], within: 2) == "bat")
    #expect("cat".nearest(in: [], within: 2) == nil)
  }

  @Test("case is an error like another, and bytes are compared, not letters")
  func letters() {
    #expect("OCI".nearest(in: ["oci"], within: 2) == nil)
    #expect("Oci".nearest(in: ["oci"], within: 1) == "oci")
    // One letter of two bytes for one of one byte: two errors.
    #expect("né".nearest(in: ["ne"], within: 1) == nil)
    #expect("né".nearest(in: ["ne"], within: 2) == "ne")
  }

  @Test("the distance is that of the textbook, and the same both ways")
  func textbook() {
    let alphabet = Array("abc")
    var words = [""]
    for _ in 0..<4 {
      words += words.filter { !$0.isEmpty || words.count == 1 }.flatMap { w in alphabet.map { w + String($0) }
      }
    }
    let sample = Array(Set(words)).sorted().filter { $0.count <= 4 }
    for a in sample.enumerated().filter({ $0.offset % 5 == 0 }).map(\.element) {
      for b in sample.enumerated().filter({ $0.offset % 3 == 0 }).map(\.element) {
        let expected = alignment(a, b)
        for limit in 0...4 {
          #expect((a.nearest(in: [b], within: limit) != nil) == (expected <= limit))
          #expect((b.nearest(in: [a], within: limit) != nil) == (expected <= limit))
        }
      }
    }
  }

  /// The optimal string alignment distance by its definition, without any table.
  private func alignment(_ a: String, _ b: String) -> Int {
    func distance(_ a: Substring, _ b: Substring) -> Int {
      guard let x = a.last, let y = b.last else { return max(a.count, b.count) }
      let (shortA, shortB) = (a.dropLast(), b.dropLast())
      var best = min(
        distance(shortA, b) + 1, distance(a, shortB) + 1, distance(shortA, shortB) + (x == y ? 0 : 1))
      if let w = shortA.last, let z = shortB.last, x == z, y == w {
        best = min(best, distance(shortA.dropLast(), shortB.dropLast()) + 1)
      }
      return best
    }
    return distance(a[...], b[...])
  }
}
