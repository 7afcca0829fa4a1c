import Diagnostics
import Foundation
import Inputs
import TestSupport
import Testing
import YAML

@Suite("The same inputs whatever their order, however many") struct DeterminismTests {
  /// The node with the keys of every mapping in another order.
  private func shuffled(_ node: Node, using generator: inout SplitMix) -> Node {
    switch node.value {
    case .mapping(let entries):
      Node(
        .mapping(
          entries.shuffled(using: &generator).map {
            Node.Entry($0.key, shuffled($0.value, using: &generator))
          }))
    case .sequence(let items): Node(.sequence(items.map { shuffled($0, using: &generator) }))
    default: node
    }
  }

  @Test("reordered keys give equal inputs")
  func order() throws {
    var generator = SplitMix(seed: 0x5EED)
    for index in 0..<3 {
      let document = Node(
        .mapping(
          try Corpus.accepted.map { name, values in
            let value = values[min(index, values.count - 1)]
            return Node.Entry(name, try JSON.parse(Array(value.utf8), source: name))
          }))
      let expected = try Reading(document.json).values
      #expect(expected.count == InputSpec.all.count)
      for _ in 0..<20 {
        let reading = try Reading(shuffled(document, using: &generator).json)
        #expect(reading.values == expected)
      }
    }
  }

  @Test("findings come in the order of the documentation, whatever the order of the keys")
  func findings() {
    let first = Reading.lines(#"{"git_path": "/a", "cluster_name": "A", "platform": "x"}"#)
    let second = Reading.lines(#"{"platform": "x", "git_path": "/a", "cluster_name": "A"}"#)
    func messages(_ lines: [String]) -> [Substring] { lines.map { $0.drop { $0 != " " } } }
    #expect(first.count == 3)
    #expect(messages(first) == messages(second))
  }

  @Test("ten thousand outputs and a thousand nodes are read", .timeLimit(.minutes(1)))
  func large() throws {
    var nodes: [String] = []
    for index in 0..<1_000 {
      nodes.append(
        #""n\#(index)": {"role": "agent", "labels": {"a": "b", "example.org/n": "\#(index)"}, "private_ip": "10.0.\#(index / 250).\#(index % 250)"}"#
      )
    }
    var entries = (0..<10_000).map {
      #""other_\#($0)": {"value": "x", "type": "string", "sensitive": false}"#
    }
    entries.append(
      #""nodes": {"value": {\#(nodes.joined(separator: ","))}, "type": "dynamic", "sensitive": false}"#)
    let reading = try Reading("{\(entries.joined(separator: ",\n"))}")
    #expect(reading.lines == [])
    #expect(reading.inputs["nodes"]?.entries.count == 1_000)
    #expect(reading.inputs["nodes"]?.entries.last?.value["private_ip"]?.location.line == 10_001)
  }
}
