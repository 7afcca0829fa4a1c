import Foundation
import TestSupport
import Testing

@testable import Verifier

@Suite("The report as a page") struct ReportHTMLTests {
  private static let samples = ReportSamples.all.filter { $0.name != "hostile" }

  @Test("it refers to nothing but itself", arguments: samples)
  func references(_ sample: ReportSample) {
    let page = sample.report.html
    let addresses = page.matches(of: /(?:href|src|action|srcset)="([^"]*)"/).map { String($0.1) }
    #expect(addresses.allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("data:image/svg+xml,") })
    let ids = Set(page.matches(of: /\sid="([^"]*)"/).map { "#\($0.1)" })
    #expect(addresses.filter { $0.hasPrefix("#") && !ids.contains($0) } == [])
    #expect(!page.contains("@import") && !page.contains("{{") && !page.contains("}}"))
  }

  @Test(
    "the script that its policy lets run is its own",
    .enabled(if: Tool.has("openssl"), "openssl is not installed"))
  func policy() async throws {
    let page = ReportSamples.passing.html
    let script = try #require(page.split(separator: "<script>").last?.split(separator: "</script>").first)
    let run = try await Tool.run(["openssl", "dgst", "-sha256", "-binary"], input: Array(script.utf8))
    #expect(page.contains("script-src 'sha256-\(Data(run.output).base64EncodedString())';"))
    #expect(page.contains("content=\"default-src 'none';"))
  }

  @Test("hostile texts stay texts: no tag, no end of one, no control is theirs")
  func escapes() {
    let page = ReportSamples.hostile.html
    #expect(page.components(separatedBy: "<script").count == 2)
    #expect(page.components(separatedBy: "</script").count == 2)
    for broken in ["<img", "<x/>", "<b>", "onerror=alert(1)>", "<!-- -->", "<![CDATA[", "</textarea>"] {
      #expect(!page.contains(broken))
    }
    #expect(page.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
    #expect(!page.unicodeScalars.contains("\u{202E}"))
  }

  // MARK: In a browser

  @Test(
    "a browser shows verdict, findings and every check, at any width, light and dark, to people and screen readers",
    .enabled(if: Browser.isThere, Browser.isMissing), arguments: samples)
  func browser(_ sample: ReportSample) async throws {
    let report = sample.report
    let width = Browser.Job.Step.evaluate("document.documentElement.scrollWidth - innerWidth")
    let sights = try await Browser.look(
      at: ReportFormat.html.render(report), named: sample.name,
      [(360, "light"), (1440, "dark"), (360, "dark"), (1440, "light")].map {
        Browser.Job(width: $0.0, scheme: $0.1, audit: true, steps: [width])
      })
    for sight in sights {
      // Nothing is wider than the window.
      #expect(sight.results == ["0"])
      #expect(sight.names(of: "heading").first == "\(report.verdict.rawValue) \(report.payload.name)")
      for role in ["banner", "main", "contentinfo"] { #expect(sight.names(of: role).count == 1) }
      if let cause = report.cause { #expect(sight.names(of: "heading").contains(cause.message)) }
      let headers = sight.names(of: "rowheader")
      let cells = sight.names(of: "cell") + sight.names(of: "gridcell")
      for check in report.checks {
        #expect(headers.count { $0.hasPrefix("\(check.name) ") && $0.hasSuffix(check.proves) } == 1)
        #expect(cells.contains { $0.contains(check.detail) && $0.contains("looked at: \(check.how)") })
        if check.outcome == .failed {
          #expect(sight.names(of: "heading").contains("\(check.name) (\(check.phase))"))
          #expect(cells.contains { $0.contains("do: \(check.hint ?? "")") })
        }
      }
      for span in report.timeline { #expect(headers.contains { $0.hasPrefix(span.name) }) }
      let failed = report.timeline.count { $0.hasFailed }
      #expect(headers.count { $0.hasSuffix(" failed") } == failed)
      #expect(headers.count { $0.hasSuffix(" never ended") } == report.timeline.count { $0.end == nil })
    }
  }

  @Test(
    "the waterfall's bars begin and end where the axis has their times",
    .enabled(if: Browser.isThere, Browser.isMissing),
    arguments: [
      ReportSample(name: "passing", report: ReportSamples.passing),
      .init(name: "hung", report: ReportSamples.hung),
    ])
  func waterfall(_ sample: ReportSample) async throws {
    let bars = """
      [...document.querySelectorAll(".waterfall tbody tr")].filter((row) => !row.matches(".sum")).map((row) => {
        const cell = row.querySelector(".bars").getBoundingClientRect();
        const bar = row.querySelector("rect").getBoundingClientRect();
        return [(bar.left - cell.left) / cell.width, (bar.right - cell.left) / cell.width];
      })
      """
    let last = "Number(document.querySelector('.axis text:last-child').textContent.replace(/[ s,]/g, ''))"
    let sights = try await Browser.look(
      at: ReportFormat.html.render(sample.report), named: "\(sample.name)-waterfall",
      [360, 1440].map { Browser.Job(width: $0, steps: [.evaluate(bars), .evaluate(last)]) })
    for sight in sights {
      let decoder = JSONDecoder()
      let bars = try decoder.decode([[Double]].self, from: Data(sight.results[0].utf8))
      let last = try decoder.decode(Double.self, from: Data(sight.results[1].utf8))
      // The stages stand group by group, in the order of their beginnings.
      let spans = VerificationReport.Span.Group.allCases.flatMap { group in
        sample.report.timeline.filter { $0.group == group }
      }
      #expect(bars.count == spans.count)
      for (bar, span) in zip(bars, spans) {
        // A hundredth of the axis is the outline of a bar in the narrow one.
        #expect(abs(bar[0] - span.start / last) < 0.012, "\(span.name)")
        #expect(abs(bar[1] - (span.end ?? sample.report.seconds) / last) < 0.012, "\(span.name)")
      }
    }
  }

  @Test(
    "the console can be filtered, and a link to one of its lines opens it",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func console() async throws {
    let shown =
      "[...document.querySelectorAll('#console-lines li')].filter((line) => line.offsetHeight > 0).length"
    let isOpen = "document.querySelector('#console details').open"
    let sight = try await Browser.look(
      at: ReportFormat.html.render(ReportSamples.passing), named: "console",
      [
        Browser.Job(steps: [
          .evaluate(isOpen), .evaluate("location.hash = '#L3'; new Promise((done) => setTimeout(done, 100))"),
          .evaluate(isOpen), .evaluate(shown),
          .evaluate("document.getElementById('L3').innerText.includes('virtio_blk')"),
          .evaluate("document.getElementById('search').focus()"), .type("MODULE 7"), .evaluate(shown),
          .evaluate("document.getElementById('search-status').textContent"), .type("nothing"),
          .evaluate(shown),
        ])
      ])[0]
    #expect(
      sight.results == [
        "false", "null", "true", "52", "true", "null", "1", "\"1 of 52 lines\"", "0",
      ])
  }

  @Test(
    "it can be read without its script, and used by keyboard; it moves only for whom does not mind; on paper it has no navigation",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func otherWays() async throws {
    let motion = Browser.Job.Step.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
    let focus = Browser.Job.Step.evaluate("document.activeElement.textContent.trim()")
    let sights = try await Browser.look(
      at: ReportFormat.html.render(ReportSamples.failing), named: "other-ways",
      [
        Browser.Job(script: false),
        Browser.Job(steps: [motion, .press("Tab"), focus, .press("Tab"), focus]),
        Browser.Job(motion: "reduce", steps: [motion]), Browser.Job(width: 800, media: "print"),
      ])
    // A filter that cannot work is not offered.
    #expect(sights.map { $0.names(of: "searchbox").count } == [0, 1, 1, 0])
    #expect(sights[0].names(of: "rowheader").contains { $0.hasPrefix("k3s-binary ") })
    #expect(sights[0].names(of: "StaticText").contains { $0.hasPrefix("[    0.000000] Linux version") })
    #expect(sights[1].results == ["\"smooth\"", "\"To the content\"", "\"What went wrong\""])
    #expect(sights[2].results == ["\"auto\""])
    #expect(sights.map { $0.names(of: "navigation").count } == [1, 1, 1, 0])
  }

  @Test(
    "hostile texts and a console of a megabyte do a browser no harm",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func hostile() async throws {
    let sights = try await Browser.look(
      at: ReportFormat.html.render(ReportSamples.hostile), named: "hostile",
      [360, 1440].map {
        Browser.Job(
          width: $0, tree: false,
          steps: [
            .evaluate("document.documentElement.scrollWidth - innerWidth"),
            .evaluate("document.querySelectorAll('script').length"),
            .evaluate("document.querySelectorAll('img, b, x, textarea, iframe').length"),
            .evaluate("document.title.startsWith('INCONCLUSIVE · </script><script>')"),
            .evaluate("document.querySelectorAll('#console-lines li').length"),
            .evaluate("document.body.lastElementChild.localName"),
          ])
      })
    for sight in sights {
      #expect(sight.results == ["0", "1", "0", "true", "1013", "\"script\""])
    }
  }

  @Test(
    "the browser and the audit find what is wrong with a page that is",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func control() async throws {
    let page = """
      <!doctype html><html><head><meta charset=utf-8><title></title></head><body style="width: 2000px">
      <p style="color: #bbb; background: #fff">faint</p><img src="http://elsewhere.invalid/x.png">
      <script>console.error("a message"); throw new Error("an exception")</script>
      """
    let sight = try await Browser.look(
      at: Array(page.utf8), named: "control",
      [Browser.Job(audit: true, steps: [.evaluate("document.documentElement.scrollWidth - innerWidth > 0")])],
      isSound: false)[0]
    #expect(sight.results == ["true"])
    #expect(sight.requests.contains("http://elsewhere.invalid/x.png"))
    for message in ["a message", "an exception"] { #expect(sight.messages.contains { $0.contains(message) }) }
    for rule in ["color-contrast: ", "image-alt: ", "document-title: "] {
      #expect(sight.violations.contains { $0.hasPrefix(rule) })
    }
  }
}
