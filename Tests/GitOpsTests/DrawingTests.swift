import Foundation
import GitOps
import TestSupport
import Testing

@Suite("Pictures of the graph") struct DrawingTests {
  private static let graph = ApplicationGraph([
    .init("crds", namespace: "kube-system", wave: 0),
    .init("gateway", namespace: "edge", dependencies: [.init("crds", "CRDs of gateway.networking.k8s.io")]),
    .init(
      "docs", wave: 2,
      dependencies: [.init("gateway", "Gateway edge"), .init("crds", "CRDs of x"), .init("elsewhere", "y")]),
  ])

  private static let circle = ApplicationGraph([
    .init("a"), .init("b", dependencies: [.init("c", "one")]), .init("c", dependencies: [.init("b", "two")]),
  ])

  /// Names and reasons that could break out of their place.
  private static let hostile = ApplicationGraph(
    ["a\"b", "]]></title><script>", "x\\", "é🙂\n\u{202E}", "--> |c| #35;", "{{y}}"].map { name in
      .init(name, namespace: name, wave: 1, dependencies: [.init("x\\", name)])
    })

  @Test("Mermaid has a subgraph for each phase, and the reasons on the edges")
  func mermaid() {
    #expect(
      Drawing.mermaid.of(Self.graph) == """
        flowchart LR
          subgraph p1["Phase 1"]
            a0["crds"]
          end
          subgraph p2["Phase 2"]
            a1["gateway"]
          end
          subgraph p3["Phase 3"]
            a2["docs"]
          end
          a0 -->|"CRDs of<br/>gateway.networking.k8s.io"| a1
          a1 -->|"Gateway edge"| a2

        """)
  }

  @Test("DOT has a cluster for each phase, and the reasons as labels")
  func dot() {
    #expect(
      Drawing.dot.of(Self.circle) == """
        digraph applications {
          rankdir=LR
          node [shape=box, style=rounded]
          subgraph cluster_1 {
            label="Phase 1"
            a0 [label="a"]
          }
          subgraph cluster_2 {
            label="In a circle"
            a1 [label="b"]
            a2 [label="c"]
          }
          a2 -> a1 [label="one"]
          a1 -> a2 [label="two"]
        }

        """)
  }

  static let graphs = [
    ("plain", graph), ("circle", circle), ("hostile", hostile), ("empty", ApplicationGraph([])),
  ]

  @Test("A graph gives the same picture each time, with every edge once", arguments: Drawing.allCases)
  func determinism(drawing: Drawing) {
    for (_, graph) in Self.graphs { #expect(drawing.of(graph) == drawing.of(graph)) }
    let text = drawing.of(Self.graph)
    let edges = ["-->", "->", "class=\"edge\""][Drawing.allCases.firstIndex(of: drawing) ?? 0]
    // That docs needs crds follows from the others.
    #expect(text.ranges(of: edges).count == 2)
  }

  @Test("Nothing that a name holds breaks out of its line in Mermaid")
  func hostileMermaid() {
    for line in Drawing.mermaid.of(Self.hostile).split(separator: "\n") {
      let isKnown =
        line.wholeMatch(
          of: #/flowchart LR|  subgraph p\d+\["Phase \d+"\]|  subgraph p\d+\["In a circle"\]|  end/#) != nil
        || line.wholeMatch(of: #/    a\d+\["[^"]*"\]/#) != nil
        || line.wholeMatch(of: #/  a\d+ -->\|"[^"|]*"\| a\d+/#) != nil
      #expect(isKnown, "\(line)")
    }
  }

  @Test(
    "Graphviz accepts DOT, and draws as many nodes and edges as there are",
    .enabled(if: Tool.has("dot"), "dot of Graphviz is not installed (Debian's package graphviz)"),
    arguments: graphs)
  func graphviz(name: String, graph: ApplicationGraph) async throws {
    let run = try await Tool.run(["dot", "-Tplain"], input: Array(Drawing.dot.of(graph).utf8))
    #expect(run.status == 0 && run.errors.isEmpty, "\(run.errors)")
    let lines = run.text.split(separator: "\n")
    #expect(lines.count { $0.hasPrefix("node ") } == graph.members.count)
    let edges = Drawing.mermaid.of(graph).ranges(of: " -->|").count
    #expect(lines.count { $0.hasPrefix("edge ") } == edges)
  }

  @Test(
    "SVG is XML that loads nothing, and says in words what it shows",
    .enabled(if: Tool.has("python3"), "python3 is not installed"), arguments: graphs)
  func svg(name: String, graph: ApplicationGraph) async throws {
    let text = Drawing.svg.of(graph)
    let run = try await Tool.run(
      [
        "python3", "-c",
        """
        import json, sys, xml.etree.ElementTree as x
        ns = "{http://www.w3.org/2000/svg}"
        root = x.fromstring(sys.stdin.buffer.read())
        ids = {e.get("id") for e in root.iter()} - {None}
        print(json.dumps({
            "tag": root.tag, "tags": sorted({e.tag.replace(ns, "") for e in root.iter()}),
            "labelled": root.get("role") == "img" and set(root.get("aria-labelledby").split()) <= ids,
            "boxes": len([e for e in root.iter() if e.get("class") == "box"]),
            "titles": [e.find(ns + "title").text for e in root.iter() if e.get("class") == "edge"],
            "words": root.find(ns + "desc").text or "",
            "links": [v for e in root.iter() for k, v in e.attrib.items() if "href" in k or "url(" in v or "://" in v],
        }))
        """,
      ], input: Array(text.utf8))
    try #require(run.status == 0, "\(run.errors)")
    struct Read: Decodable {
      var tag: String
      var tags: [String]
      var labelled: Bool
      var boxes: Int
      var titles: [String]
      var words: String
      var links: [String]
    }
    let read = try JSONDecoder().decode(Read.self, from: Data(run.output))
    #expect(read.tag == "{http://www.w3.org/2000/svg}svg" && read.labelled)
    #expect(
      Set(read.tags).isSubset(of: [
        "svg", "title", "desc", "style", "defs", "marker", "path", "rect", "text", "g",
      ]))
    #expect(read.links.allSatisfy { $0 == "url(#graph-arrow)" })
    #expect(read.boxes == graph.members.count)
    for title in read.titles { #expect(read.words.contains(title)) }
    #expect(text.contains("@media (prefers-color-scheme: dark)"))
    if name == "plain" {
      #expect(
        read.titles == [
          "gateway needs CRDs of gateway.networking.k8s.io from crds", "docs needs Gateway edge from gateway",
        ])
    }
  }

  @Test("Both schemes have contrast enough: 4.5 to 1 for text, 3 to 1 for lines")
  func contrast() throws {
    let text = Drawing.svg.of(Self.graph)
    let halves = text.split(separator: "@media")
    for half in halves.prefix(2) {
      func fill(_ selector: String, _ property: String = "fill") throws -> String {
        let rule = try #require(half.firstRange(of: "\(selector) {"))
        let value = try #require(half[rule.upperBound...].firstRange(of: "\(property): #"))
        return String(half[value.upperBound...].prefix(6))
      }
      let phase = try fill(".phase")
      let box = try fill(".box")
      let page = try fill(".page")
      #expect(try Self.contrast(fill("text"), phase) >= 4.5)
      #expect(try Self.contrast(fill("text"), box) >= 4.5)
      #expect(try Self.contrast(fill(".detail"), box) >= 4.5)
      #expect(try Self.contrast(fill(".edge", "stroke"), page) >= 3)
      #expect(try Self.contrast(fill(".box", "stroke"), phase) >= 3)
    }
  }

  /// The contrast of two colours (WCAG 2.2, "contrast ratio").
  private static func contrast(_ one: String, _ other: String) -> Double {
    func luminance(_ colour: String) -> Double {
      let value = Int(colour, radix: 16) ?? 0
      let parts = [16, 8, 0].map { shift in
        let part = Double(value >> shift & 255) / 255
        return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
    let both = [luminance(one), luminance(other)].sorted()
    return (both[1] + 0.05) / (both[0] + 0.05)
  }
}
