extension Report {
  /// The report as JUnit's XML, the way Jenkins and GitLab read it: a case for each finding, and one that passes for
  /// each rule that found nothing.
  ///
  /// Errors are failures. Warnings and notes do not make a check fail, so they are cases that pass and say it in their
  /// output.
  public func junit(by producer: Producer) -> String {
    let found = Set(diagnostics.map(\.code))
    var clean = producer.rules.filter { !found.contains($0.code) }.map { ($0.code, $0.what) }
    if diagnostics.isEmpty && clean.isEmpty { clean = [("all", "no findings")] }
    let counts: Markup =
      " tests=\"\(diagnostics.count + clean.count)\" failures=\"\(diagnostics.count { $0.severity == .error })\" errors=\"0\" skipped=\"0\""
    let xml: Markup = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="\(producer.name)"\(counts) time="0">
        <testsuite name="\(producer.name)"\(counts) time="0">
      \(diagnostics, each: \.junit)\(clean, each: { """
          <testcase classname="\($0.0)" name="\($0.1)" time="0"/>

      """ })  </testsuite>
      </testsuites>

      """
    return xml.text
  }
}

extension Diagnostic {
  fileprivate var junit: Markup {
    let place = location?.description ?? "no file"
    let attributes: Markup =
      "classname=\"\(code)\" name=\"\(place)\"\(location.map { " file=\"\($0.source)\"" as Markup })\(location?.line.map { " line=\"\($0)\"" as Markup }) time=\"0\""
    return severity == .error
      ? """
          <testcase \(attributes)><failure message="\(message)" type="\(code)">\(line)
      </failure></testcase>

      """
      : """
          <testcase \(attributes)><system-out>\(line)
      </system-out></testcase>

      """
  }
}
