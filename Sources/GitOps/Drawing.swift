package import Diagnostics

/// A picture of a graph of Applications: its phases and the edges between them.
///
/// The same graph gives the same text, whatever the machine. An edge that others imply is not drawn: who needs b, which
/// needs a, comes after a anyway.
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

  /// The picture as an element of a page, which gives it its colours: SVG without a style of its own.
  package static func figure(of graph: ApplicationGraph) -> Markup { Layout(graph).figure() }

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
      let graph = graph.reduced
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

extension ApplicationGraph {
  /// The graph without the edges that others imply. Those of a circle stay, as each implies the others.
  fileprivate var reduced: ApplicationGraph {
    let circular = Set(cyclic)
    var reached: [String: Set<String>] = [:]
    var graph = self
    // In the order of the phases, what a member needs is known before the member.
    for member in phases.joined() {
      let direct = Set(member.dependencies.map(\.name))
      reached[member.name] = direct.union(direct.flatMap { reached[$0] ?? [] })
    }
    for index in members.indices where !circular.contains(members[index].name) {
      let all = members[index].dependencies
      graph.members[index].dependencies = all.filter { dependency in
        !all.contains { reached[$0.name]?.contains(dependency.name) == true }
      }
    }
    return graph
  }
}

extension String {
  /// The text in lines of so many characters at most, where its words allow.
  func wrapped(at width: Int) -> [String] {
    var lines: [String] = []
    for word in split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}
