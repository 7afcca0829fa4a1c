/// A picture of a graph of Applications: its phases and the edges between them.
///
/// The same graph gives the same text, whatever the machine.
public enum Drawing: String, CaseIterable, Sendable {
  /// A flowchart of Mermaid, which GitHub and GitLab show within Markdown.
  case mermaid
  /// DOT, the language of Graphviz.
  case dot
  /// SVG in one file, for light and dark pages.
  case svg

  /// The picture of a graph, ended by a line feed.
  public func of(_ graph: ApplicationGraph) -> String {
    let layout = Layout(graph)
    return switch self {
    case .mermaid: layout.mermaid
    case .dot: layout.dot
    case .svg: layout.svg
    }
  }

  /// A graph as it is drawn: its members by phase, each with a number, and the edges between the numbers.
  struct Layout {
    /// One column of the picture.
    struct Column {
      let title: String
      let members: [(id: Int, member: ApplicationGraph.Member)]
    }

    let columns: [Column]
    let edges: [(from: Int, to: Int, reason: String)]

    init(_ graph: ApplicationGraph) {
      var groups = graph.phases.enumerated().map { (title: "Phase \($0 + 1)", members: $1) }
      let cyclic = graph.cyclic
      if !cyclic.isEmpty {
        groups.append((title: "In a circle", members: graph.members.filter { cyclic.contains($0.name) }))
      }
      var ids: [String: Int] = [:]
      columns = groups.map { title, members in
        Column(
          title: title,
          members: members.map { member in
            ids[member.name] = ids.count
            return (ids.count - 1, member)
          })
      }
      edges = columns.flatMap(\.members).flatMap { to, member in
        member.dependencies.compactMap { dependency in
          ids[dependency.name].map { ($0, to, dependency.reason) }
        }
      }
    }

    /// What is known of a member besides its name: its namespace and its wave.
    static func detail(_ member: ApplicationGraph.Member) -> String? {
      let parts = [member.namespace, member.wave.map { "wave \($0)" }].compactMap { $0 }
      return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
  }
}
