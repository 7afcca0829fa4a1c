import ArgumentParser
import Diagnostics
import Inputs
import K3Seed
import Plan
import SystemPackage
import Templates
import UserData
import Validation
import YAML

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract:
      "Finds what is wrong with inputs, k3seed.yaml, templates and any user-data, without credentials.",
    discussion: """
      What a file is, is told by what it holds: Terraform's outputs, k3seed.yaml, k3seed.lock, or user-data that anybody \
      made, plain or in base64, gzip or MIME. Outputs, k3seed.yaml and k3seed.lock belong together and are judged \
      together. \
      "k3seed explain CODE" says what a finding means. Exit codes: 0 nothing is wrong; 1 something is; 2 a file cannot \
      be read.
      """)

  @Argument(
    help: ArgumentHelp("The files to look at; \"-\" is standard input.", valueName: "file"),
    completion: .file())
  var files: [String] = []

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Templates to try: every role is rendered with made-up values, and the result looked at.",
      valueName: "folder"))
  var templates: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Where user-data is delivered, for its size; k3seed's own says so itself.", valueName: "platform"),
    completion: .platforms)
  var platform: String?

  @Option(name: .long, help: "How the findings are written.")
  var format = Report.Format.text

  @Flag(name: .long, help: "Let warnings count as errors for the exit code.")
  var strict = false

  @Flag(name: .long, help: "Do without shellcheck, bash and cloud-init, even where they are installed.")
  var noTools = false

  @Option(
    name: .long,
    help: ArgumentHelp("How long each of those programs may take for one text.", valueName: "seconds"))
  var timeout = 60

  func validate() throws {
    guard !files.isEmpty || templates != nil else {
      throw ValidationError("name a file, or templates with --templates")
    }
    if !(1...3600).contains(timeout) { throw ValidationError("--timeout takes 1 to 3600 seconds") }
    if let platform, Platform(rawValue: platform) == nil {
      let all = Platform.allCases.map(\.rawValue)
      throw ValidationError(
        "\"\(platform)\" is not a platform; \(platform.lowercased().suggestion(from: all, within: 2))use one of \(all.joined(separator: ", "))"
      )
    }
  }

  func run() throws {
    // A file that cannot be read is bad input, whatever the others hold.
    let files = try files.map { path throws(Report) in
      let subject = Subject(try FileSystem.read(path, .outputs), name: FileSystem.name(path))
      guard subject.bytes.count <= subject.limit.bytes else {
        throw Report([FileSystem.tooLarge(subject.name, subject.limit)])
      }
      return subject
    }
    let set = try InputSource(templates: templates).templateSet()
    let platform = platform.flatMap(Platform.init(rawValue:))
    let trial = templates.map { _ in Trial(set, platform: platform) }
    var report = trial?.report ?? Report()
    let payloads = files.filter { $0.kind == .userData }.compactMap { file in
      report.collect { () throws(Report) in
        try Payload(file.bytes, source: file.name, platform: platform)
      }
    }
    for payload in payloads { report.add(Validation.report(on: payload)) }
    report.add(Subject.inputs(files, platform: self.platform, templates: set))
    if !noTools { report.add(try tools(on: payloads, trial)) }
    report.removeRepetitions()
    try finish(report.sorted, about: files)
  }

  /// What programs of this machine find. Only they are waited for: as long as k3seed itself computes, a signal ends it
  /// at once.
  private func tools(on payloads: [Payload], _ trial: Trial?) throws -> Report {
    let host = HostCheck(limit: .seconds(timeout))
    return try waiting {
      var report = Report()
      if let trial { report.add(trial.placed(await host.report(on: trial.payloads))) }
      for payload in payloads { report.add(await host.report(on: [payload])) }
      return report
    }
  }

  private func finish(_ report: Report, about files: [Subject]) throws {
    let producer = Report.Producer(
      name: "k3seed validate", version: Pins.k3seed, rules: Validation.rules)
    // Outputs hold secrets under any name.
    let lines = files.filter { $0.kind != .outputs }.reduce(into: [String: ShownLines]()) { lines, file in
      let wanted = report.diagnostics.filter { $0.location?.source == file.name }.compactMap(\.location?.line)
      lines[file.name] = ShownLines(file.bytes, wanted: Set(wanted))
    }
    try FileSystem.show(report, as: format, by: producer) { place in
      place.line.flatMap { lines[place.source]?[$0] }
    }
    let subject = files.isEmpty ? "templates" : files.count.counted("file")
    FileSystem.say("\(subject): \(report.summary)\n")
    if report.fails(strict: strict) { throw ExitCode(1) }
  }
}

/// A file, and what it is.
struct Subject {
  enum Kind {
    case outputs, config, lock, userData
  }

  let kind: Kind
  let name: String
  let bytes: [UInt8]

  init(_ bytes: [UInt8], name: String) {
    self.bytes = bytes
    self.name = name
    let text = bytes.drop { $0 == 0x20 || $0 == 0x09 || $0 == 0x0A || $0 == 0x0D }
    let file = name.split(separator: "/").last.map(String.init) ?? name
    // A tag of a template cannot begin JSON, and JSON may be for something else: Ignition, or meta-data.
    if text.first == UInt8(ascii: "{"), !["{{", "{%", "{#"].contains(where: { text.starts(with: $0.utf8) }),
      Self.mayBeOutputs(bytes)
    {
      kind = .outputs
    } else if ["k3seed.yaml", "k3seed.yml"].contains(file) || ConfigFile.isMeant(bytes) {
      kind = .config
    } else if file == Lock.fileName || Lock.isMeant(bytes) {
      kind = .lock
    } else {
      kind = .userData
    }
  }

  /// Whether JSON may be Terraform's: what cannot be read, and objects with the name of an input, with values as
  /// Terraform wraps them, or with what else Terraform writes.
  private static func mayBeOutputs(_ bytes: [UInt8]) -> Bool {
    guard let root = try? JSON.parse(bytes, source: ""), let entries = root.mapping else { return true }
    let own = ["outputs", "format_version", "terraform_version"]
    return entries.isEmpty
      || entries.contains { entry in
        own.contains(entry.key) || InputSpec.named(entry.key) != nil || entry.value["value"] != nil
      }
  }

  /// How large it may be.
  var limit: FileSystem.Limit {
    switch kind {
    case .outputs: .outputs
    case .config, .lock: .settings
    case .userData: .userData
    }
  }

  /// The findings about outputs, configurations and locks: together where there is one of each, alone otherwise.
  static func inputs(
    _ files: [Subject], platform: String?, templates: TemplateSet
  ) -> Report {
    var report = Report()
    let outputs = files.filter { $0.kind == .outputs }.compactMap { file in
      report.collect { () throws(Report) in try InputDocument.terraform(file.bytes, source: file.name) }
    }
    let configs = files.filter { $0.kind == .config }.compactMap { file in
      report.collect { () throws(Report) in try ConfigFile(file.bytes, source: file.name) }
    }
    let flags = report.collect { () throws(Report) in try InputDocument.settings([], platform: platform) }
    let shared = configs.count == 1 ? configs[0] : ConfigFile()
    let locks = files.filter { $0.kind == .lock }.map { file in
      report.collect { () throws(Report) in try Lock(file.bytes, source: file.name) }
    }
    // The one that would be used, where none is named.
    let lock =
      locks.isEmpty
      ? report.collect { () throws(Report) in
        try Lock.load(nil, config: shared, at: configs.count == 1 ? shared.document.source : nil)
      } : locks.count == 1 ? locks[0] : nil
    for terraform in outputs {
      let project = Project(terraform: terraform, config: shared, flags: flags, lock: lock ?? Pins.lock)
      do throws(Report) {
        report.add(try project.renderAll(templates: templates).report)
      } catch {
        // What a lock that cannot be read would have said is not known.
        report.add(lock == nil ? Report(error.diagnostics.filter { $0.code != "missing-hash" }) : error)
      }
    }
    // Without outputs, what is missing is not known: only what is there is judged.
    for config in outputs.isEmpty || configs.count > 1 ? configs : [] {
      let inputs = Inputs(
        terraform: InputDocument(source: config.document.source), config: config, flags: flags,
        report: &report)
      _ = ClusterPlan(inputs, lock: lock ?? Pins.lock, report: &report)
    }
    return report
  }
}
