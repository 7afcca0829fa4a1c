import Foundation
import TestSupport
import Testing

@Suite("preview --html") struct PreviewPageTests {
  @Test(
    "The page is a file that anybody may read, whole, and nothing is on standard output; - is standard output"
  )
  func file() async throws {
    try await withTemporaryDirectory { folder in
      let page = folder["page.html"]
      let outcome = try await Tool.k3seed(["preview", "--html", page.path], input: json(project))
      #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errors)")
      #expect(outcome.errors == "\(page.path): written; open it in a browser\n")
      let text = String(decoding: try #require(page.bytes), as: UTF8.self)
      // What is found stands in the page.
      #expect(text.contains("<code>literal-secrets</code>"))
      #expect(text.hasPrefix("<!doctype html>\n") && text.hasSuffix("</body>\n</html>\n"))
      #expect(page.mode == "0644" && folder.names == ["page.html"])
      // The page takes the place of an older one, whatever that was.
      _ = try page.holding(String(repeating: "x", count: 1 << 20))
      let again = try await Tool.k3seed(["preview", "--html", page.path], input: json(project))
      #expect(again.status == 0 && page.bytes == Array(text.utf8) && folder.names == ["page.html"])
      let standard = try await Tool.k3seed(["preview", "--html", "-"], input: json(project))
      #expect(standard.status == 0 && standard.output == Array(text.utf8) && standard.errors.isEmpty)
    }
  }

  @Test("Bad input leaves no file, and an older one as it was")
  func badInput() async throws {
    let broken = json(changed(["git_repo_url": ""]))
    try await withTemporaryDirectory { folder in
      let page = folder["page.html"]
      let outcome = try await Tool.k3seed(["preview", "--html", page.path], input: broken)
      #expect(outcome.status == 2 && outcome.output.isEmpty && outcome.errors.contains("[missing-input]"))
      #expect(folder.names == [])
      _ = try page.holding("older")
      let again = try await Tool.k3seed(["preview", "--html", page.path], input: broken)
      #expect(again.status == 2 && page.bytes == Array("older".utf8) && folder.names == ["page.html"])
      // Several nodes: which one is asked as without --html.
      let several = try await Tool.k3seed(
        ["preview", "--html", page.path], input: json(adding("nodes", threeNodesDocument)))
      #expect(several.status == 2 && several.errors.contains("[which-node]") && folder.names == ["page.html"])
    }
  }

  @Test("A place that cannot be written is named; a device stays what it is")
  func places() async throws {
    try await withTemporaryDirectory { folder in
      let place = folder["missing"]["page.html"].path
      let outcome = try await Tool.k3seed(["preview", "--html", place], input: json(project))
      #expect(outcome.status == 2 && outcome.errors.contains("cannot be written"), "\(outcome.errors)")
      #expect(outcome.errors.contains("missing/page.html") && folder.names == [])
      let device = try await Tool.k3seed(["preview", "--html", "/dev/null"], input: json(project))
      #expect(device.status == 0 && device.errors.isEmpty)
    }
  }

  @Test("It goes without --json")
  func forms() async throws {
    let outcome = try await Tool.k3seed(["preview", "--json", "--html", "-"])
    #expect(outcome.status == 64 && outcome.output.isEmpty && outcome.errors.contains("give one of them"))
  }

  @Test("As JSON, stages have their deadline, whether they are kept, and their exit code")
  func document() async throws {
    let outcome = try await Tool.k3seed(["preview", "--json"], input: json(project))
    #expect(
      outcome.text.contains(#""name":"download","text":"fetch K3s"#)
        && outcome.text.contains(
          #""deadline_seconds":1500,"kept":true,"exit_code":12,"permanent_exit_code":32"#)
    )
    #expect(
      outcome.text.contains(#"{"name":"write_files","text":"write 12 files"}"#), "\(outcome.text.prefix(600))"
    )
  }

  @Test(
    "No secret is in the page, in the text that a browser shows of it, nor in anything it is told of it",
    .enabled(if: Browser.isThere, Browser.isMissing), arguments: 0..<2)
  func canaries(index: Int) async throws {
    let outcome = try await Tool.k3seed(
      ["preview", "--node", "a", "--html", "-"], input: json(CanaryTests.projects[index]))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let everything = """
      JSON.stringify([document.documentElement.outerHTML, document.body.innerText, document.body.textContent,
        [...document.querySelectorAll("*")].flatMap((one) => [...one.attributes].map((attribute) => attribute.value))])
      """
    let sight = try await Browser.look(
      at: outcome.output, named: "preview-canaries-\(index)",
      [
        Browser.Job(steps: [
          .evaluate("for (const one of document.querySelectorAll('details')) one.open = true"),
          .evaluate(everything),
        ])
      ])[0]
    let seen = Array((sight.results + sight.tree.flatMap { $0 }).joined(separator: "\n").utf8)
    #expect(seen.count > outcome.output.count)
    for (name, canary) in CanaryTests.canaries {
      #expect(canary.trace(in: outcome) == nil, "\(name)")
      #expect(canary.trace(in: seen) == nil, "\(name) in the browser")
    }
    // The same look finds one that is there.
    let control = try await Browser.look(
      at: Array(
        "<!doctype html><html lang=en><title>x</title><main><h1>x</h1><p hidden>\(Canary("plain", awkward: false).value)"
          .utf8), named: "preview-canary-control",
      [Browser.Job(steps: [.evaluate(everything)])])[0]
    #expect(Canary("plain", awkward: false).trace(in: Array(control.results[0].utf8)) != nil)
  }
}
