public import Diagnostics
package import Inputs
import Secrets
public import YAML

/// `k3seed.lock`: one fact a line, in a fixed order, for people to review.
///
/// Every entry ends in a seal: eight digits of the SHA-256 of each of its facts. A line that was changed by hand, or
/// that a merge took from elsewhere, is not in it, and is refused where it stands. The seal keeps nobody out who
/// makes it again: what it finds are accidents, and what keeps others out is the review.
extension Lock {
  /// The name of the file that is looked for beside `k3seed.yaml`.
  public static let fileName = "k3seed.lock"
  /// What the file says of its own form.
  private static let form = "k3seed.lock/v1"

  /// Reads a file's text.
  ///
  /// - Throws: a report with every line that is not as it was written.
  public init(_ bytes: [UInt8], source: String) throws(Report) {
    let reading = try LockReading(bytes, source: source)
    try reading.report.throwIfErrors()
    self.init(reading.facts, origin: reading.origin)
  }

  /// Whether a text is meant as a lock, whatever its name.
  public static func isMeant(_ bytes: [UInt8]) -> Bool {
    bytes.split(separator: UInt8(ascii: "\n")).contains { $0.starts(with: "schema: k3seed.lock/".utf8) }
  }

  /// The file's text. The same lock gives the same bytes.
  public var text: String {
    var lines = [
      #"# What k3seed installs, with the digests of the files. "k3seed lock" writes it, and render refuses it where"#,
      #"# it was changed otherwise; review what changes here: nothing else stands between a release and your nodes."#,
      "schema: \(Self.form)",
    ]
    var written: [String] = []
    let facts = facts
    for fact in facts where !written.contains(fact.entry) {
      let path = fact.entry.parts(between: ".")
      for (depth, name) in path.enumerated() {
        let outer = path[...depth].joined(separator: ".")
        if !written.contains(outer) { lines.append(indent(depth) + "\(name):") }
        written.append(outer)
      }
      let own = facts.filter { $0.entry == fact.entry }
      for fact in own {
        if let source = source(of: fact) { lines.append(indent(path.count) + "# \(source)") }
        lines.append(indent(path.count) + "\(fact.key): \(YAML.scalar(fact.value))")
      }
      lines.append(indent(path.count) + "seal: \(YAML.scalar(own.map(\.check).joined(by: " ")))")
    }
    return lines.joined(by: "\n") + "\n"
  }

  private func indent(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

  /// Where the publisher has a fact, for whoever reviews it.
  private func source(of fact: Fact) -> String? {
    switch fact.path {
    case "k3s.amd64": "\(k3s.officialBinaries)/sha256sum-amd64.txt"
    case "k3s.arm64": "\(k3s.officialBinaries)/sha256sum-arm64.txt"
    case "k3s.install_script": k3s.officialInstallScript
    case "gateway_api.commit":
      "git ls-remote \(gatewayAPI.repository) 'refs/tags/\(gatewayAPI.version)^{}'"
    default:
      Chart.allCases.first { fact.path == "\($0.entry).sha256" }.map { chart in
        let pin = self[chart]
        return pin.isInRegistry ? "the manifest of \(pin.imageName)" : pin.indexURL
      }
    }
  }

  // MARK: What a file looks like

  /// The JSON Schema (draft 2020-12) of the file.
  public static var schema: Node {
    Schema.document(id: "lock", title: fileName, shape)
  }

  fileprivate static let spec = InputSpec("lock", shape, "what k3seed installs")

  private static let shape = Shape.object([
    field("schema", .text(formRule), "the form of the file"),
    field("k3s", .object(k3sFields), "the release of K3s"),
    field(
      "charts",
      .object(Chart.allCases.map { field($0.name, .object(fields(of: $0)), "the chart \($0.name)") }),
      "the Helm charts"),
    field("gateway_api", .object(gatewayFields), "the release of the Gateway API"),
  ])

  private static let k3sFields =
    [field("version", .text(.k3sVersion), "the exact version")]
    + [("amd64", "`k3s`"), ("arm64", "`k3s-arm64`"), ("install_script", "`install.sh` at the tag")].map {
      field($0, .text(.sha256), "the SHA-256 of \($1)")
    }
    + ["amd64", "arm64"].map {
      field(
        "airgap_\($0)", .text(.sha256), isRequired: false,
        "the SHA-256 of `k3s-airgap-images-\($0).tar.zst`")
    } + [seal]

  private static func fields(of chart: Chart) -> [Shape.Field] {
    [
      // K3s' HelmChart takes this one from a repository by its URL.
      field("repository", .text(chart == .argoCD ? .webURL : .chartRepository), "where it comes from"),
      field("version", .text(.release), "the exact version"),
      field(
        "sha256", .text(.sha256), isRequired: false,
        "the SHA-256 of its archive, or in a registry of its manifest"),
      seal,
    ]
  }

  private static let gatewayFields = [
    field("repository", .text(.webURL), "the git repository"),
    field("version", .text(.release), "the tag"),
    field("commit", .text(.commit), isRequired: false, "the commit that the tag leads to"), seal,
  ]

  private static let seal = field(
    "seal", .text(.seal), "eight digits of the SHA-256 of each of the lines above")

  private static func field(
    _ name: String, _ shape: Shape, isRequired: Bool = true, _ summary: String
  ) -> Shape.Field {
    Shape.Field(name: name, shape: shape, isRequired: isRequired, summary: summary)
  }

  private static let formRule = Rule("the form of a lock", pattern: "^k3seed[.]lock/v1$") { text in
    text == form
      ? nil
      : Rule.Problem(
        "is not \(form), the form that k3seed \(Pins.k3seed) reads",
        help: "use the k3seed that wrote it, or remove it and run \"k3seed lock\"")
  }

  /// What is wrong with a chart's or a tag's version, or with a repository, wherever it is given.
  package static func problem(withVersion text: String) -> Rule.Problem? { Rule.release.problem(with: text) }
  package static func problem(withRepository text: String, of chart: Chart?) -> Rule.Problem? {
    (chart == nil || chart == .argoCD ? Rule.webURL : .chartRepository).problem(with: text)
  }
}

/// A file as it was read, be it altered.
package struct LockReading {
  /// What was found about it.
  package private(set) var report: Report
  /// What it says, by the paths of facts: of entries that are whole everything, of others what their versions and
  /// repositories are meant to be.
  package private(set) var facts: [String: String] = [:]
  /// Where the version of K3s stands.
  package private(set) var origin: Location

  /// Reads a file.
  ///
  /// - Throws: a report where it is no lock at all.
  package init(_ bytes: [UInt8], source: String) throws(Report) {
    try Self.refuseConflicts(bytes, source: source)
    let root = Positioned(try YAML.parseOne(bytes, source: source), source: source)
    guard let form = root["schema"], form.node.string?.hasPrefix("k3seed.lock/") == true else {
      throw Report([
        .error(
          "lock-form", at: root.location, "this is no k3seed.lock: it has no \"schema: k3seed.lock/v1\"",
          help: "write one with \"k3seed lock\"")
      ])
    }
    var checker = ShapeChecker(spec: Lock.spec)
    _ = checker.check(root)
    report = checker.report
    // A file of another form is not judged by the rules of this one.
    if let problem = report.diagnostics.first(where: { $0.location == form.location }) {
      throw Report([problem])
    }
    origin = (root["k3s"]?["version"] ?? root).location
    let charts = Chart.allCases.map { ($0.entry, root["charts"]?[$0.name]) }
    for (name, entry) in [("k3s", root["k3s"])] + charts + [("gateway_api", root["gateway_api"])] {
      if let entry { read(entry, as: name) }
    }
  }

  private mutating func read(_ entry: Positioned, as name: String) {
    let texts = entry.entries.compactMap { line in line.value.node.string.map { (line, text: $0) } }
    var unmatched = (entry["seal"]?.node.string ?? "").parts(between: " ")
    let isSealed = entry["seal"]?.node.string != nil
    var strangers = 0
    for (line, text) in texts where line.key != "seal" {
      let fact = Lock.Fact(entry: name, key: line.key, value: text)
      if let place = unmatched.firstIndex(of: fact.check) {
        unmatched.remove(at: place)
        continue
      }
      strangers += 1
      // What breaks a rule besides is told once.
      let isKnown = report.diagnostics.contains {
        $0.location == line.value.location || $0.location == line.keyLocation
      }
      guard isSealed, !isKnown else { continue }
      report.add(
        .error(
          "lock-altered", at: line.value.location, "\(fact.path) is not what was locked",
          help: Self.advice(line.value.source)))
    }
    let isMissed = report.diagnostics.contains { $0.code == "missing-key" && $0.location == entry.location }
    if isSealed, !isMissed, unmatched.count > strangers, let seal = entry["seal"] {
      report.add(
        .error(
          "lock-altered", at: seal.location, "\(name) lacks a line that was locked",
          help: Self.advice(seal.source)))
    }
    let isWhole = !report.diagnostics.contains { finding in
      guard let path = finding.location?.path else { return false }
      return path == entry.path || path.hasPrefix("\(entry.path).") || path.hasPrefix("\(entry.path)[")
    }
    for (line, text) in texts where line.key != "seal" {
      let isMeant =
        ["version", "repository"].contains(line.key)
        && !report.diagnostics.contains {
          $0.location == line.value.location && $0.code != "lock-altered"
        }
      if isWhole || isMeant {
        let isDigest = !["version", "repository"].contains(line.key)
        facts["\(name).\(line.key)"] = isDigest ? text.lowercased() : text
      }
    }
  }

  private static func advice(_ source: String) -> String {
    let option = source == Lock.fileName ? "" : " --lock \(source)"
    return "run \"k3seed lock\(option)\", which resolves what stands there, and review what it writes"
  }

  /// What git leaves where two branches changed the same lines.
  private static func refuseConflicts(_ bytes: [UInt8], source: String) throws(Report) {
    var report = Report()
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.starts(with: "<<<<<<< ".utf8) {
      report.add(
        .error(
          "lock-conflict", at: Location(source: source, line: index + 1, column: 1),
          "a merge left both of its sides here", help: "keep one side, and run \"k3seed lock\""))
    }
    try report.throwIfErrors()
  }
}

extension Lock.Fact {
  /// What the seal has of it. Digits enough that an accident goes unseen once in four thousand million times.
  fileprivate var check: String { String(SHA256.hex(Array("\(path)=\(value)".utf8)).prefix(8)) }
}

extension HelmChart {
  /// The file that lists the versions of a repository.
  package var indexURL: String { repository + (repository.hasSuffix("/") ? "" : "/") + "index.yaml" }

  /// What Helm calls it in a registry, where a tag has no `+` (Helm's documentation, "Use OCI-based registries").
  package var imageName: String {
    "oci://\(repository)/\(name):\(version.parts(between: "+").joined(by: "_"))"
  }
}

extension Rule {
  /// A version as Helm takes it, or a tag of that form.
  fileprivate static let release = matching(
    "an exact version such as 1.2.3 or v1.2.3",
    pattern: #"^v?[0-9]+[.][0-9]+[.][0-9]+([-+][0-9A-Za-z.+-]+)?$"#
  ) { text in
    let numbers = text.utf8.first == UInt8(ascii: "v") ? text.utf8.dropFirst() : text.utf8[...]
    let core = numbers.prefix { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "+") }
    let rest = numbers.dropFirst(core.count).dropFirst()
    let parts = core.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return text.utf8.count <= 128 && parts.count == 3
      && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isDigit) }
      && (core.count == numbers.count || !rest.isEmpty)
      && rest.allSatisfy { isDigit($0) || isLetter($0) || "+-.".utf8.contains($0) }
  }

  /// The URL of a repository with an `index.yaml`, or a registry with a path, without a scheme.
  fileprivate static let chartRepository = Rule(
    "the repository of a chart",
    pattern: #"^(https?://[^\s@/?#]+(/[^\s?#]*)?|[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+)$"#
  ) { text in
    if text.holds("://") { return Rule.webURL.problem(with: text) }
    let parts = text.parts(between: "/")
    let isRegistry =
      parts.count > 1 && parts.allSatisfy { !$0.isEmpty }
      && text.utf8.allSatisfy { (0x61...0x7A) ~= $0 || isDigit($0) || "./:_-".utf8.contains($0) }
      && parts.dropFirst().allSatisfy { !$0.utf8.contains(UInt8(ascii: ":")) }
    return isRegistry
      ? nil
      : Problem(
        "is neither the URL of a repository nor a registry with a path",
        help: "write https://host/path, or host/path for an OCI registry")
  }

  fileprivate static let commit = matching(
    "a commit: 40 hexadecimal digits", pattern: "^[0-9a-f]{40}([0-9a-f]{24})?$"
  ) { text in [40, 64].contains(text.utf8.count) && text.utf8.allSatisfy(isHexadecimal) }

  fileprivate static let seal = matching(
    "a seal: eight hexadecimal digits for each line", pattern: "^[0-9a-f]{8}( [0-9a-f]{8})*$"
  ) { text in
    text.parts(between: " ").allSatisfy { $0.utf8.count == 8 && $0.utf8.allSatisfy(isHexadecimal) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39) ~= byte }
  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A) ~= byte || (0x61...0x7A) ~= byte }
  private static func isHexadecimal(_ byte: UInt8) -> Bool { isDigit(byte) || (0x61...0x66) ~= byte }
}

extension YAML {
  /// A text as a scalar of one line.
  fileprivate static func scalar(_ text: String) -> String {
    String(decoding: emit(Node(.string(text))).dropLast(), as: UTF8.self)
  }
}
