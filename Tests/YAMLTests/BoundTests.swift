import Diagnostics
import Testing
import YAML

@Suite("Bounds of what is read") struct BoundTests {
  private func codes(_ read: () throws -> Void) -> [String] {
    do {
      try read()
      return []
    } catch {
      return (error as? Report)?.diagnostics.map { "\($0.code) \($0.location?.line ?? 0)" } ?? ["\(error)"]
    }
  }

  @Test("A stream of many small documents has a bound of its own")
  func documents() throws {
    let text = { (count: Int) in Array(String(repeating: "--- a\n", count: count).utf8) }
    #expect(try YAML.parse(text(400), source: "t", maximumNodes: 100).count == 400)
    #expect(codes { _ = try YAML.parse(text(401), source: "t", maximumNodes: 100) } == ["yaml-size 401"])
    #expect(codes { _ = try YAML.parse(text(5000), source: "t", maximumNodes: 100) } == ["yaml-size 401"])
  }

  @Test("JSON has a bound as well")
  func json() throws {
    let text = { (count: Int) in Array("[\(Array(repeating: "1", count: count).joined(separator: ","))]".utf8)
    }
    #expect(try JSON.parse(text(99), source: "t", maximumNodes: 100).sequence?.count == 99)
    #expect(codes { _ = try JSON.parse(text(100), source: "t", maximumNodes: 100) } == ["json-syntax 1"])
  }

  @Test("Characters that end a line for some are found in one pass, and no more of them than a person mends")
  func oddLineBreaks() {
    let found = codes {
      _ = try YAML.parse(Array(String(repeating: "a: \u{2028}\n", count: 5000).utf8), source: "t")
    }
    #expect(found.count == 100 && found.first == "yaml-ambiguous 1" && found.last == "yaml-ambiguous 100")
  }
}
