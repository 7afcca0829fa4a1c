import Foundation
import TestSupport
import Testing
import YAML

@testable import Verifier

@Suite("The report as JSON") struct ReportJSONTests {
  private func keys(_ node: Node?) -> [String]? { node?.mapping?.map(\.key) }

  @Test("the keys are always there, in one order", arguments: ReportSamples.all)
  func keys(_ sample: ReportSample) throws {
    let document = try JSON.parse(ReportFormat.json.render(sample.report), source: sample.name)
    #expect(
      keys(document) == [
        "schema", "verdict", "exit_code", "seconds", "payload", "host", "cause", "notes", "power_cuts",
        "checks", "timeline", "evidence", "console",
      ])
    let properties = VerificationReport.schema["properties"]
    #expect(keys(document) == keys(properties))
    for key in ["power_cuts", "checks", "timeline", "evidence"] {
      let expected = keys(properties?[key]?["items"]?["properties"])
      for item in try #require(document[key]?.sequence) { #expect(keys(item) == expected) }
    }
  }

  @Test("every text arrives as it was, whatever it holds", arguments: ReportSamples.hostileTexts)
  func texts(_ text: String) throws {
    var report = ReportSamples.hostless
    report.console = [text]
    let read =
      try JSONSerialization.jsonObject(with: Data(ReportFormat.json.render(report))) as? [String: Any]
    #expect(read?["console"] as? [String] == [text])
  }

  @Test("numbers are rounded to milliseconds, and what never ended is null")
  func numbers() throws {
    var report = ReportSamples.hung
    report.seconds = 355.200_49
    let document = report.document
    #expect(document["seconds"]?.value == .number("355.2"))
    #expect(document["exit_code"]?.value == .number("1"))
    #expect(document["timeline"]?.sequence?.last?["end"]?.value == .null)
    report.seconds = .infinity
    #expect(report.document["seconds"]?.value == .null)
  }

  @Test(
    "the schema takes every report and refuses what is none",
    .enabled(if: Tool.has("check-jsonschema"), "check-jsonschema is not installed"))
  func schema() async throws {
    let good = ReportSamples.all.filter { $0.name != "hostile" }.map { ReportFormat.json.render($0.report) }
    let text = String(decoding: ReportFormat.json.render(ReportSamples.failing), as: UTF8.self)
    let bad = [
      text.replacing("\"FAIL\"", with: "\"MAYBE\""),
      text.replacing("\"exit_code\":1", with: "\"exit_code\":3"),
      text.replacing("\"cpus\":2", with: "\"cpus\":2.5"), text.replacing("\"cause\":null,", with: ""),
      text.replacing("\"notes\":[]", with: "\"notes\":[],\"more\":1"),
      text.replacing("\"sha256\":\"9d", with: "\"sha256\":\"9D"),
      text.replacing("\"outcome\":\"failed\"", with: "\"outcome\":\"error\""),
      text.replacing("\"group\":\"kernel\"", with: "\"group\":\"boot\""),
    ]
    #expect(!bad.contains(text))
    struct Outcome: Decodable {
      struct Failure: Decodable { var filename: String }
      // Absent where every document is good.
      var errors: [Failure]?
    }
    try await withTemporaryDirectory { folder in
      /// The documents that are refused.
      func refused(_ documents: [[UInt8]]) async throws -> Set<String> {
        let names = documents.indices.map { "\($0).json" }
        for (name, document) in zip(names, documents) {
          try Data(document).write(to: folder.appendingPathComponent(name))
        }
        let run = try await Tool.run(
          ["check-jsonschema", "--output-format", "json", "--schemafile", "schema.json"] + names,
          directory: folder.path)
        return Set(
          try JSONDecoder().decode(Outcome.self, from: Data(run.output)).errors?.map(\.filename) ?? [])
      }
      try Data(JSON.emit(VerificationReport.schema)).write(to: folder.appendingPathComponent("schema.json"))
      let run = try await Tool.run(
        ["check-jsonschema", "--check-metaschema", "schema.json"], directory: folder.path)
      #expect(run.status == 0, "\(run.text)")
      #expect(try await refused(good).isEmpty)
      #expect(try await refused(bad.map { Array($0.utf8) }) == Set(bad.indices.map { "\($0).json" }))
    }
  }
}
