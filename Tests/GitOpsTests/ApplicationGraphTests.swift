import GitOps
import Testing

@Suite("The graph of Applications")
struct ApplicationGraphTests {
  private static func graph(_ edges: KeyValuePairs<String, [String]>) -> ApplicationGraph {
    ApplicationGraph(
      edges.map { name, needs in
        ApplicationGraph.Member(name, dependencies: needs.map { .init($0, "test") })
      })
  }

  @Test("A phase holds what waits for the phase before it, in the order given")
  func phases() {
    let graph = Self.graph(["d": ["b", "c"], "c": ["a"], "b": ["a"], "a": [], "e": ["elsewhere"]])
    #expect(graph.phases.map { $0.map(\.name) } == [["a", "e"], ["c", "b"], ["d"]])
    #expect(graph.cyclic.isEmpty)
  }

  @Test("Those of a circle, and those that wait for one, have no phase")
  func circles() {
    let graph = Self.graph(["a": [], "b": ["c"], "c": ["b"], "d": ["c"], "e": ["e"]])
    #expect(graph.phases.map { $0.map(\.name) } == [["a"]])
    #expect(graph.cyclic == ["b", "c", "d", "e"])
  }
}
