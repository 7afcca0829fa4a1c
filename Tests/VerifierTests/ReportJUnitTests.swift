import Foundation
import TestSupport
import Testing

@testable import Verifier

@Suite("The report as JUnit's XML") struct ReportJUnitTests {
  /// What junitparser, which many CI tools read these files with, makes of one.
  private struct Read: Decodable {
    struct Suite: Decodable {
      var name: String
      var counts: [Int]
      var properties: [String: String]
      var output: String?
      var errors: String?
      var cases: [Case]
    }
    struct Case: Decodable {
      var classname: String
      var name: String
      var time: Double
      /// `Failure`, `Error` or `Skipped`; nil where it passed.
      var kind: String?
      var message: String?
      var type: String?
      var text: String?
    }
    var counts: [Int]
    var time: Double
    var suites: [Suite]
  }

  private static let reader = """
    import json, sys
    from junitparser import JUnitXml

    report = JUnitXml.fromfile(sys.argv[1])

    def case(it):
        result = it.result[0] if it.result else None
        assert len(it.result) <= 1
        return dict(
            classname=it.classname, name=it.name, time=it.time, kind=result and type(result).__name__,
            message=result and result.message, type=result and result.type, text=result and result.text)

    print(json.dumps(dict(
        counts=[report.tests, report.failures, report.errors], time=report.time,
        suites=[dict(
            name=suite.name, counts=[suite.tests, suite.failures, suite.errors, suite.skipped],
            properties={p.name: p.value for p in suite.properties()},
            output=suite._elem.findtext("system-out"), errors=suite._elem.findtext("system-err"),
            cases=[case(it) for it in suite]) for suite in report])))
    """

  private func read(_ report: VerificationReport) async throws -> Read {
    try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("report.xml")
      try Data(ReportFormat.junit.render(report)).write(to: file)
      let run = try await Tool.run([Self.python, "-c", Self.reader, file.path])
      try #require(run.status == 0, "\(run.errors)")
      return try JSONDecoder().decode(Read.self, from: Data(run.output))
    }
  }

  private static let python = Tool.root.appendingPathComponent(".venv/bin/python").path
  private static let hasReader: Bool = {
    let packages = Tool.root.appendingPathComponent(".venv/lib").path
    return FileManager.default.enumerator(atPath: packages)?.contains {
      ($0 as? String)?.hasSuffix("/junitparser") == true
    } ?? false
  }()

  @Test(
    "a real reader finds a suite a boot, a case a check, and what the report has of each",
    .enabled(if: hasReader, "junitparser is not in .venv: make setup"))
  func reader() async throws {
    let passing = try await read(ReportSamples.passing)
    #expect(passing.suites.map(\.name) == ["boot", "rerun", "reboot"])
    #expect(passing.suites.map(\.counts) == [[12, 0, 0, 1], [10, 0, 0, 1], [10, 0, 0, 1]])
    #expect(passing.counts == [32, 0, 0])
    #expect(passing.time == 183.4)
    let boot = passing.suites[0]
    #expect(boot.cases[0].classname == "k3seed.verify.boot")
    #expect(boot.cases.map(\.name) == ReportSamples.failing.checks.map(\.name))
    #expect(boot.cases.allSatisfy { $0.time == 0 })
    #expect(boot.cases.first { $0.kind != nil }?.message == "the repository is public")
    #expect(boot.properties["payload.sha256"] == ReportSamples.payload.sha256)
    #expect(boot.properties["image"] == "debian-12")
    #expect(boot.properties["accelerator"] == "tcg")
    #expect(boot.output?.hasSuffix("\nserver login: \n") == true)
    #expect(passing.suites[1].output == nil)

    let failing = try await read(ReportSamples.failing)
    #expect(failing.counts == [12, 3, 0])
    let failed = try #require(failing.suites[0].cases.first { $0.name == "k3s-binary" })
    #expect(failed.kind == "Failure")
    #expect(failed.message == "there is no /usr/local/bin/k3s")
    #expect(
      failed.text == """
        expected: the K3s that runs is the pinned one
        found: there is no /usr/local/bin/k3s
        looked at: sha256 of /usr/local/bin/k3s
        do: check the pin, or the mirror that served other bytes

        """)
    #expect(
      failing.suites[0].errors?.hasPrefix("failed unit k3seed-bootstrap.service:\n  download: trying") == true
    )
  }

  @Test(
    "a cause is an error of a case named after the stage",
    .enabled(if: hasReader, "junitparser is not in .venv: make setup"))
  func cause() async throws {
    let hung = try await read(ReportSamples.hung)
    #expect(hung.counts == [1, 0, 1])
    let error = try #require(hung.suites.first?.cases.first)
    #expect(error.classname == "k3seed.verify.run")
    #expect(error.name == "cloud-init: modules-final")
    #expect(error.kind == "Error")
    #expect(error.type == "stage-hung")
    #expect(error.message?.hasPrefix("runcmd has run for 300 s") == true)

    let hostless = try await read(ReportSamples.hostless)
    #expect(hostless.counts == [1, 0, 1])
    #expect(hostless.suites[0].properties["image"] == nil)
  }

  @Test(
    "hostile texts arrive with what XML cannot hold replaced, and break nothing",
    .enabled(if: hasReader, "junitparser is not in .venv: make setup"))
  func hostile() async throws {
    let report = try await read(ReportSamples.hostile)
    let count = ReportSamples.hostileTexts.count
    #expect(report.counts == [3 * count + 1, count, 1])
    let messages = report.suites.flatMap(\.cases).filter { $0.kind == "Failure" }.map { $0.message ?? "" }
    #expect(messages[0] == ReportSamples.hostileTexts[0])
    #expect(messages[1] == "]]><x/>")
    #expect(messages[2] == "a\\u{0}b")
    #expect(messages[3] == "\\u{202e}desrever")
    #expect(messages[5] == "\u{FFFD}\u{FFFD}")
    #expect(messages[6] == ReportSamples.hostileTexts[6])
    #expect(messages[8] == ReportSamples.hostileTexts[8])
    #expect(messages[9] == "line\\u{a}break\\u{d}\\u{9}tab")
    #expect(report.suites[0].output?.split(separator: "\n").count == 200)
  }

  @Test("a verdict other than PASS never reads as a report without failures", arguments: Verdict.allCases)
  func neverGreen(_ verdict: Verdict) {
    var report = ReportSamples.hostless
    report.cause = nil
    report.verdict = verdict
    #expect(report.junit.contains("<error ") == (verdict != .pass))
    #expect(report.junit.contains("<testsuites name=\"k3seed verify\" tests=\"\(verdict == .pass ? 0 : 1)\""))
  }
}
