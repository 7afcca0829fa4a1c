import Foundation
import TestSupport
import Testing
import YAML

@testable import Verifier

/// The report of a real boot: a server of the example, in which somebody had changed the Cloudflare Secret, on Debian 12
/// under TCG. Of what was recorded only the name of the user-data has been changed, which was that of a scratch file.
enum RecordedReport {
  static let bytes: [UInt8] = {
    let file = Tool.root.appendingPathComponent("Tests/VerifierTests/Samples/altered-secret.json")
    return (try? Data(contentsOf: file)).map(Array.init) ?? []
  }()

  static func read() throws -> VerificationReport {
    let document = try JSON.parse(bytes, source: "altered-secret.json")
    func part(_ name: String) throws -> Node { try #require(document[name], "\(name)") }
    let payload = try part("payload")
    let host = try part("host")
    return VerificationReport(
      verdict: try #require(Verdict(rawValue: try part("verdict").text())), cause: nil,
      payload: .init(
        name: try payload.text("name"), sha256: try payload.text("sha256"),
        bytes: try #require(payload["bytes"]?.integer), isOwn: payload["own"]?.bool == true),
      host: .init(
        image: try host.text("image"), architecture: try host.text("architecture"),
        qemu: try host.text("qemu"),
        accelerator: try host.text("accelerator"), cpus: try #require(host["cpus"]?.integer),
        memory: try #require(host["memory_mib"]?.integer), isWarm: host["warm"]?.bool == true,
        network: try #require(GuestNetwork(rawValue: try host.text("network"))),
        slowness: try #require(host["slowness"]?.double), guestStretch: host["guest_deadlines"]?.double),
      notes: try part("notes").texts,
      checks: try (part("checks").sequence ?? []).map { check in
        .init(
          name: try check.text("name"), proves: try check.text("proves"), how: try check.text("how"),
          phase: try check.text("phase"),
          outcome: try #require(.init(rawValue: try check.text("outcome"))),
          detail: try check.text("detail"), hint: check["hint"]?.string)
      },
      timeline: try (part("timeline").sequence ?? []).map { span in
        .init(
          group: try #require(.init(rawValue: try span.text("group"))), name: try span.text("name"),
          start: try #require(span["start"]?.double), end: span["end"]?.double,
          hasFailed: span["failed"]?.bool == true)
      },
      evidence: try (part("evidence").sequence ?? []).map {
        .init(title: try $0.text("title"), lines: $0["lines"]?.texts ?? [])
      },
      console: try part("console").texts, seconds: try #require(try part("seconds").double))
  }
}

extension Node {
  fileprivate func text() throws -> String { try #require(string) }
  fileprivate func text(_ key: String) throws -> String { try #require(self[key]?.string, "\(key)") }
}

@Suite("The report of a real boot") struct RecordedReportTests {
  @Test("read, and written again, it is what was recorded: nothing of it is left out")
  func wholeness() throws {
    #expect(ReportFormat.json.render(try RecordedReport.read()) == RecordedReport.bytes)
  }

  @Test(
    "its page says what is wrong, and the documentation has a picture of it",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func pictureTests() async throws {
    let report = try RecordedReport.read()
    let page = ReportFormat.html.render(report)
    let sight = try await Browser.look(at: page, named: "recorded", [Browser.Job(width: 1280, audit: true)])[
      0]
    #expect(sight.names(of: "heading").first == "FAIL server.yaml")
    #expect(sight.names(of: "heading").contains("cloudflare-secrets (boot)"))
    try await Picture.hold(page, "verify", height: 1560)
  }
}
