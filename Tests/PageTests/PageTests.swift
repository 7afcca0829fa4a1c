import Diagnostics
import Foundation
import Page
import TestSupport
import Testing

@Suite("The frame of a page") struct PageTests {
  private static func page(
    icon: String? = nil, script: Page.Script? = nil, sections: [String] = ["one", "two"]
  ) -> String {
    Page(
      title: "a </title><script>", tone: "pass", icon: icon, style: "p { color: red }\n", script: script,
      header: "<h1>head</h1>\n",
      sections: sections.map { Page.Section(id: $0, title: "The \($0)", content: "<p>text</p>\n") },
      footer: "foot"
    ).html
  }

  /// The policy, as a browser reads it.
  private static func policy(_ page: String) throws -> String {
    String(try #require(page.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)).output.1)
  }

  @Test("The policy lets nothing be loaded or run but what the page has itself")
  func policy() throws {
    #expect(
      try Self.policy(Self.page())
        == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'")
    #expect(!Self.page().contains("<script>"))
    #expect(
      try Self.policy(Self.page(icon: "data:x", script: Page.Script("1", sha256: "abc=")))
        == "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-abc='; img-src data:; base-uri 'none'; form-action 'none'"
    )
  }

  @Test(
    "It has landmarks, headings in order, a way past the navigation, and navigation where there is a choice")
  func landmarks() {
    let page = Self.page()
    for tag in [
      "<header>", "<main id=\"main\">", "<footer>", "<nav aria-label=\"On this page\">",
      "<h2 id=\"one-title\">",
    ] {
      #expect(page.components(separatedBy: tag).count == 2, "\(tag)")
    }
    #expect(page.contains("href=\"#main\"") && page.contains("<a href=\"#two\">The two</a>"))
    #expect(!Self.page(sections: ["one"]).contains("<nav"))
    #expect(page.contains("<title>a &lt;/title&gt;&lt;script&gt;</title>"))
    // What every page looks like comes before what this one does.
    #expect(page.contains("prefers-color-scheme: dark") && page.contains("p { color: red }\n</style>"))
  }

  @Test(
    "An axis ends at a round number, in two to five steps",
    arguments: [
      (0.0, 1, "0.1"), (0.3, 3, "0.3"), (1, 5, "1"), (79.5, 4, "80"), (100, 5, "100"), (183.4, 4, "200"),
      (2400, 5, "2,500"), (1e9, 5, "1,000,000,000"),
    ])
  func axis(horizon: Double, count: Int, last: String) {
    let axis = Axis(to: horizon, unit: "min")
    #expect(axis.count == count)
    #expect(axis.label(axis.count) == last)
    #expect(axis.markup("Minutes").text.contains(">\(last) min</text>"))
  }

  @Test("Bars lie within the axis, whatever the numbers")
  func bars() {
    let axis = Axis(to: 80, unit: "min")
    #expect(axis.bar(from: 20, to: 40).text.contains("x=\"25.0%\" width=\"25.0%\""))
    #expect(!axis.bar(from: 20, to: 40).text.contains("over"))
    #expect(axis.bar(from: 20, to: 40, isHatched: true).text.contains("class=\"over\""))
    for (start, end) in [(-5.0, 1000.0), (.nan, .infinity), (60, 20), (-.infinity, .nan)] {
      let bar = axis.bar(from: start, to: end).text
      let places = bar.matches(of: /(?:x|width)="([0-9.]+)%"/).compactMap { Double($0.output.1) }
      #expect(
        places.count == 2 && places.allSatisfy { (0...100).contains($0) } && places[0] + places[1] <= 100.001)
    }
  }
}
