import Diagnostics

extension Drawing.Layout {
  /// The graph in the language of Graphviz: a cluster for each phase, the reasons as labels of the edges.
  var dot: String {
    var text = "digraph applications {\n  rankdir=LR\n  node [shape=box, style=rounded]\n"
    for (index, column) in columns.enumerated() {
      text += "  subgraph cluster_\(index + 1) {\n    label=\"\(column.title)\"\n"
      for (id, member) in column.members { text += "    a\(id) [label=\"\(member.name.dot)\"]\n" }
      text += "  }\n"
    }
    for edge in edges {
      let reason = edge.reason.wrapped(at: 32).map(\.dot).joined(separator: "\\n")
      text += "  a\(edge.from) -> a\(edge.to) [label=\"\(reason)\"]\n"
    }
    return text + "}\n"
  }
}

extension String {
  /// The text within quotes of DOT, where a backslash begins an escape.
  fileprivate var dot: String {
    printable.reduce(into: "") { text, character in
      text += character == "\"" || character == "\\" ? "\\\(character)" : String(character)
    }
  }
}
