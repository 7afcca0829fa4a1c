extension VerificationReport {
  /// The report as JUnit's XML, the way Jenkins and GitLab read it: a suite for each boot, a case for each check.
  ///
  /// What went wrong besides the checks is an error of a case that is named after the stage, in a suite before the
  /// others. So a report whose verdict is not PASS never reads as one without a failure.
  public var junit: String {
    var suites: [(name: String, cases: [Case])] = []
    if let error { suites.append(("run", [error])) }
    for check in checks {
      let phase = check.phase.markup
      if suites.last?.name != phase { suites.append((phase, [])) }
      suites[suites.count - 1].cases.append(Case(check))
    }
    func counts(_ cases: [Case], of kinds: [Case.Kind]) -> String {
      kinds.map { kind in
        " \(kind.rawValue)=\"\(kind == .tests ? cases.count : cases.count { $0.kind == kind })\""
      }.joined()
    }
    var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    let all = counts(suites.flatMap(\.cases), of: [.tests, .failures, .errors])
    text += "<testsuites name=\"k3seed verify\"\(all) time=\"\(seconds.rounded(to: 3))\">\n"
    for (index, suite) in suites.enumerated() {
      text += "  <testsuite name=\"\(suite.name)\"\(counts(suite.cases, of: Case.Kind.allCases))>\n"
      // What is said once for all stands with the first.
      if index == 0 { text += properties }
      for item in suite.cases {
        text +=
          "    <testcase classname=\"k3seed.verify.\(suite.name)\" name=\"\(item.name)\" time=\"0\">\(item.content)</testcase>\n"
      }
      if index == 0 {
        text += stream("system-out", console.suffix(Self.consoleLimit))
        text += stream("system-err", evidence.flatMap { ["\($0.title):"] + $0.lines.map { "  \($0)" } })
      }
      text += "  </testsuite>\n"
    }
    return text + "</testsuites>\n"
  }

  /// CI systems show what a suite wrote on its page: so many of the console's last lines are enough there.
  private static let consoleLimit = 200

  /// What went wrong besides the checks.
  private var error: Case? {
    let name = (cause?.stage ?? "verdict").markup
    if let cause {
      return Case(
        name: name, kind: .errors,
        content: Case.element("error", cause.message, type: cause.code, ["do: \(cause.hint)"]))
    }
    guard verdict != .pass, failures.isEmpty else { return nil }
    return Case(
      name: name, kind: .errors, content: Case.element("error", verdict.rawValue, type: "verdict", []))
  }

  private var properties: String {
    var values = [
      ("verdict", verdict.rawValue), ("payload", payload.name), ("payload.sha256", payload.sha256),
      ("payload.bytes", String(payload.bytes)),
    ]
    if let host {
      values += [
        ("image", host.image), ("architecture", host.architecture), ("qemu", host.qemu),
        ("accelerator", host.accelerator), ("warm", String(host.isWarm)),
      ]
    }
    values += notes.map { ("note", $0) }
    let lines = values.map { "      <property name=\"\($0.0)\" value=\"\($0.1.markup)\"/>\n" }
    return "    <properties>\n\(lines.joined())    </properties>\n"
  }

  private func stream(_ name: String, _ lines: some Collection<String>) -> String {
    lines.isEmpty ? "" : "    <\(name)>\(lines.map { $0.markup + "\n" }.joined())</\(name)>\n"
  }
}

/// A test case.
private struct Case {
  /// The attribute in which cases of a kind are counted.
  enum Kind: String, CaseIterable {
    /// One that passed; the attribute counts all.
    case tests
    case failures, errors, skipped
  }

  var name: String
  var kind: Kind
  /// What stands in its element.
  var content: String

  init(name: String, kind: Kind, content: String) {
    self.name = name
    self.kind = kind
    self.content = content
  }

  init(_ check: VerificationReport.CheckResult) {
    name = check.name.markup
    switch check.outcome {
    case .passed: (kind, content) = (.tests, "")
    case .skipped: (kind, content) = (.skipped, "<skipped message=\"\(check.detail.markup)\"/>")
    case .failed:
      var lines = ["expected: \(check.proves)", "found: \(check.detail)", "looked at: \(check.how)"]
      if let hint = check.hint { lines.append("do: \(hint)") }
      (kind, content) = (.failures, Self.element("failure", check.detail, type: "check", lines))
    }
  }

  static func element(_ name: String, _ message: String, type: String, _ lines: [String]) -> String {
    let text = lines.map(\.markup).joined(separator: "\n")
    return "<\(name) message=\"\(message.markup)\" type=\"\(type.markup)\">\(text)</\(name)>"
  }
}
