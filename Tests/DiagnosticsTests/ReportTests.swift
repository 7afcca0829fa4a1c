import Diagnostics
import Testing

@Suite("Report") struct ReportTests {
  @Test("a finding is one line: place, severity, message, path, help, code")
  func line() {
    let diagnostic = Diagnostic.error(
      "bad-role", at: Location(source: "out.json", line: 3, column: 9, path: "$.nodes.a.role"),
      "role \"boss\" is not a role", help: "use server, agent or ingress")
    #expect(
      diagnostic.line
        == "out.json:3:9: error: role \"boss\" is not a role (at $.nodes.a.role); use server, agent or ingress [bad-role]"
    )
  }

  @Test("a finding without a place starts with its severity")
  func noPlace() {
    #expect(Diagnostic.note("n", at: nil, "said").line == "note: said [n]")
  }

  @Test(
    "nothing in a finding can break the line or drive the terminal",
    arguments: ["a\nb", "a\u{1B}[31m", "a\u{85}b", "a\u{202E}b", "a\u{0}"])
  func escapes(hostile: String) {
    let line = Diagnostic.error("x", at: Location(source: hostile), hostile, help: hostile).line
    #expect(line.printable == line)
    #expect(line.contains("\\u{"))
  }

  @Test("only errors stop the work, and all findings travel with them")
  func throwing() throws {
    var report = Report([.warning("w", at: nil, "careful")])
    try report.throwIfErrors()
    report.add(.error("e", at: nil, "no"))
    #expect(throws: report) { try report.throwIfErrors() }
    #expect(report.text == "warning: careful [w]\nerror: no [e]\n")
  }

  @Test("a step that throws leaves its findings, and the work goes on")
  func collecting() {
    var report = Report()
    let nothing: Int? = report.collect { () throws(Report) in throw Report([.error("e", at: nil, "no")]) }
    let something = report.collect { () throws(Report) in 7 }
    #expect(nothing == nil)
    #expect(something == 7)
    #expect(report.diagnostics.map(\.code) == ["e"])
  }
}
