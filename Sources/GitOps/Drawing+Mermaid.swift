import Diagnostics

extension Drawing.Layout {
  /// The graph as a flowchart of Mermaid: a subgraph for each phase, the reasons on the edges.
  var mermaid: String {
    var text = "flowchart LR\n"
    for (index, column) in columns.enumerated() {
      text += "  subgraph p\(index + 1)[\"\(column.title)\"]\n"
      for (id, member) in column.members { text += "    a\(id)[\"\(member.name.mermaid)\"]\n" }
      text += "  end\n"
    }
    for edge in edges {
      let reason = edge.reason.wrapped(at: 32).map(\.mermaid).joined(separator: "<br/>")
      text += "  a\(edge.from) -->|\"\(reason)\"| a\(edge.to)\n"
    }
    return text
  }
}

extension String {
  /// The text within quotes of Mermaid, where characters with a meaning are written as its entities (`#quot;`).
  fileprivate var mermaid: String {
    printable.unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case "\"", "#", "&", "<", ">", "`", "|", "[", "]", "{", "}", "\\": text += "#\(scalar.value);"
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}
