import Diagnostics

extension VerificationReport {
  /// The report as JUnit's XML, the way Jenkins and GitLab read it: a suite for each boot, a case for each check.
  ///
  /// What went wrong besides the checks is an error of a case that is named after the stage, in a suite before the
  /// others. So a report whose verdict is not PASS never reads as one without a failure.
  public var junit: String {
    var suites: [(name: String, cases: [Case])] = []
    if let error { suites.append(("run", [error])) }
    for check in checks {
      if suites.last?.name != check.phase { suites.append((check.phase, [])) }
      suites[suites.count - 1].cases.append(Case(check))
    }
    let all = Case.counts(suites.flatMap(\.cases), of: [.tests, .failures, .errors])
    let xml: Markup = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="k3seed verify"\(all) time="\(seconds.rounded(to: 3))">
      \(suites.enumerated(), each: { suite($1.name, $1.cases, isFirst: $0 == 0) })</testsuites>

      """
    return xml.text
  }

  /// CI systems show what a suite wrote on its page: so many of the console's last lines are enough there.
  private static let consoleLimit = 200

  /// What went wrong besides the checks.
  private var error: Case? {
    if let cause {
      return Case(
        name: cause.stage, kind: .errors,
        content: Case.element("error", cause.message, type: cause.code, ["do: \(cause.hint)"]))
    }
    guard verdict != .pass, failures.isEmpty else { return nil }
    return Case(
      name: "verdict", kind: .errors, content: Case.element("error", verdict.rawValue, type: "verdict", []))
  }

  /// - Parameter isFirst: whether it has what is said once for all.
  private func suite(_ name: String, _ cases: [Case], isFirst: Bool) -> Markup {
    let evidence = evidence.flatMap { ["\($0.title):"] + $0.lines.map { "  \($0)" } }
    return """
        <testsuite name="\(name)"\(Case.counts(cases, of: Case.Kind.allCases))>
      \(isFirst ? properties : nil)\(cases, each: { """
          <testcase classname="k3seed.verify.\(name)" name="\($0.name)" time="0">\($0.content)</testcase>

      """ })\(isFirst ? Self.stream("system-out", console.suffix(Self.consoleLimit)) : nil)\
      \(isFirst ? Self.stream("system-err", evidence) : nil)  </testsuite>

      """
  }

  private var properties: Markup {
    var values = [
      ("verdict", verdict.rawValue), ("payload", payload.name), ("payload.sha256", payload.sha256),
      ("payload.bytes", String(payload.bytes)),
    ]
    if let host {
      values += [
        ("image", host.image), ("architecture", host.architecture), ("qemu", host.qemu),
        ("accelerator", host.accelerator), ("warm", String(host.isWarm)), ("network", host.network.rawValue),
      ]
      if let stretch = host.guestStretch { values.append(("guest-deadlines", "\(stretch.rounded(to: 1))")) }
    }
    values += cuts.map { ("power-cut", $0.summary) } + notes.map { ("note", $0) }
    return """
          <properties>
      \(values, each: { "      <property name=\"\($0.0)\" value=\"\($0.1)\"/>\n" })    </properties>

      """
  }

  private static func stream(_ name: String, _ lines: some Collection<String>) -> Markup? {
    lines.isEmpty ? nil : "    <\(name)>\(lines, each: { "\($0)\n" })</\(name)>\n"
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
  var content: Markup

  init(name: String, kind: Kind, content: Markup) {
    self.name = name
    self.kind = kind
    self.content = content
  }

  init(_ check: VerificationReport.CheckResult) {
    name = check.name
    switch check.outcome {
    case .passed: (kind, content) = (.tests, "")
    case .skipped: (kind, content) = (.skipped, "<skipped message=\"\(check.detail)\"/>")
    case .failed:
      var lines = ["expected: \(check.proves)", "found: \(check.detail)", "looked at: \(check.how)"]
      if let hint = check.hint { lines.append("do: \(hint)") }
      (kind, content) = (.failures, Self.element("failure", check.detail, type: "check", lines))
    }
  }

  static func element(_ name: String, _ message: String, type: String, _ lines: [String]) -> Markup {
    "<\(name) message=\"\(message)\" type=\"\(type)\">\(lines, each: { "\($0)\n" })</\(name)>"
  }

  static func counts(_ cases: [Self], of kinds: [Kind]) -> Markup {
    "\(kinds, each: { kind in " \(kind.rawValue)=\"\(kind == .tests ? cases.count : cases.count { $0.kind == kind })\"" })"
  }
}
