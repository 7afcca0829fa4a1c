import Diagnostics

extension Drawing.Layout {
  private static let box = (width: 210, height: 48)
  private static let gap = (width: 90, height: 22)
  private static let margin = 24
  private static let head = 44
  /// So many characters fit into a box: those of a name, and those of the smaller line below it.
  private static let fits = (name: 24, detail: 32)

  /// The graph as one SVG file: a column for each phase, the reasons as titles of the edges.
  ///
  /// It loads nothing, takes its colours from the page's scheme, and tells who cannot see it what is on it: a title, and
  /// every edge in words.
  var svg: String {
    let style: Markup = """
      <style>
      \(Markup(trusted: Self.style))</style>
      <rect class="page" width="100%" height="100%"/>

      """
    return figure(style).text
  }

  /// The graph as an element of a page, which gives it its colours.
  ///
  /// - Parameter style: what stands before all that is drawn.
  func figure(_ style: Markup = "") -> Markup {
    let tallest = columns.map(\.members.count).max() ?? 0
    let width =
      2 * Self.margin + max(1, columns.count) * (Self.box.width + Self.gap.width) - Self.gap.width
    let height =
      2 * Self.margin + Self.head + max(1, tallest) * (Self.box.height + Self.gap.height) - Self.gap.height
    let names = Dictionary(uniqueKeysWithValues: columns.flatMap(\.members).map { ($0.id, $0.member.name) })
    let words = edges.map { "\(names[$0.to] ?? "") needs \($0.reason) from \(names[$0.from] ?? "")" }
    let title = "Applications by phase"
    let description =
      columns.map { "\($0.title): \($0.members.map(\.member.name).joined(separator: ", "))." }
      + words.map { $0 + "." }
    return """
      <svg class="graph" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)" role="img" aria-labelledby="graph-title graph-words">
      <title id="graph-title">\(title)</title>
      <desc id="graph-words">\(description.joined(separator: " "))</desc>
      \(style)<defs><marker id="graph-arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>
      \(columns.enumerated(), each: { self.phase($0.offset, $0.element, height: height) })\(edges.enumerated(), each: { """
      <path class="edge" d="\(self.curve($0.element.from, $0.element.to))" marker-end="url(#graph-arrow)"><title>\(words[$0.offset])</title></path>

      """ })\(columns.enumerated(), each: { self.boxes($0.offset, $0.element) })</svg>

      """
  }

  /// Both schemes' colours have a contrast of 4.5 to 1 at least between text and what is behind it (WCAG 2.2, 1.4.3).
  private static let style = """
    .page { fill: #ffffff } .phase { fill: #f3f5f8 } .box { fill: #ffffff; stroke: #57606a }
    text { font: 15px system-ui, sans-serif; fill: #1f2328 } .detail { font-size: 12px; fill: #57606a }
    .label { font-weight: 600 } .edge { fill: none; stroke: #0969da; stroke-width: 1.5 } .head { fill: #0969da }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } .phase { fill: #161b22 } .box { fill: #0d1117; stroke: #8b949e }
      text { fill: #e6edf3 } .detail { fill: #9ea7b3 } .edge { stroke: #58a6ff } .head { fill: #58a6ff }
    }

    """

  private func phase(_ index: Int, _ column: Column, height: Int) -> Markup {
    let x = left(index) - 12
    return """
      <rect class="phase" x="\(x)" y="\(Self.margin - 12)" width="\(Self.box.width + 24)" height="\(height - 2 * Self.margin + 24)" rx="10"/>
      <text class="label" x="\(left(index))" y="\(Self.margin + 14)">\(column.title)</text>

      """
  }

  private func boxes(_ index: Int, _ column: Column) -> Markup {
    let items = column.members.enumerated().map { (row: $0.offset, member: $0.element.member) }
    return "\(items, each: { self.box(column: index, row: $0.row, $0.member) })"
  }

  private func box(column: Int, row: Int, _ member: ApplicationGraph.Member) -> Markup {
    let (x, y) = (left(column), top(row))
    let detail = Self.detail(member)
    let line: Markup? = detail.map {
      "<text class=\"detail\" x=\"\(x + 12)\" y=\"\(y + 38)\">\($0.cut(to: Self.fits.detail))</text>"
    }
    return """
      <g><title>\(member.name)\(detail.map { " (\($0))" } ?? "")</title><rect class="box" x="\(x)" y="\(y)" width="\(Self.box.width)" height="\(Self.box.height)" rx="6"/><text x="\(x + 12)" y="\(y + (detail == nil ? 30 : 21))">\(member.name.cut(to: Self.fits.name))</text>\(line)</g>

      """
  }

  private func left(_ column: Int) -> Int { Self.margin + column * (Self.box.width + Self.gap.width) }
  private func top(_ row: Int) -> Int { Self.margin + Self.head + row * (Self.box.height + Self.gap.height) }

  /// Where a member stands: its column and row.
  private func place(_ id: Int) -> (column: Int, row: Int) {
    for (index, column) in columns.enumerated() {
      if let row = column.members.firstIndex(where: { $0.id == id }) { return (index, row) }
    }
    return (0, 0)
  }

  /// A curve from the right side of one box to the left side of another. Where it passes over columns between, it runs
  /// through the space between two rows of boxes, so that it crosses none.
  private func curve(_ from: Int, _ to: Int) -> String {
    let (start, end) = (place(from), place(to))
    let (x1, y1) = (left(start.column) + Self.box.width, top(start.row) + Self.box.height / 2)
    let (x2, y2) = (left(end.column) - 2, top(end.row) + Self.box.height / 2)
    let bend = Self.gap.width / 2
    guard end.column > start.column + 1 else {
      return "M\(x1) \(y1)C\(x1 + bend) \(y1) \(x2 - bend) \(y2) \(x2) \(y2)"
    }
    let lane = top(max(start.row, end.row)) - Self.gap.height / 2
    let (enter, leave) = (left(start.column + 1) - 16, left(end.column - 1) + Self.box.width + 16)
    return
      "M\(x1) \(y1)C\(x1 + bend) \(y1) \(enter - bend) \(lane) \(enter) \(lane)H\(leave)C\(leave + bend) \(lane) \(x2 - bend) \(y2) \(x2) \(y2)"
  }
}

extension String {
  /// The text, or its beginning and an ellipsis where it is longer.
  fileprivate func cut(to count: Int) -> String {
    self.count <= count ? self : prefix(count - 1) + "…"
  }
}
