public import ArgumentParser
import Diagnostics
import Inputs
import K3Seed
import Plan
import SystemPackage
import Templates
public import UserData
import YAML

extension Encoding: ExpressibleByArgument {}

extension CompletionKind {
  /// The names of all platforms.
  static var platforms: CompletionKind { .list(Platform.allCases.map(\.rawValue)) }
}

/// The options of every command that reads a project.
struct InputOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Terraform's outputs: \"terraform output -json\", \"terraform show -json\" or a plain object; \"-\" is standard input.",
      valueName: "file"), completion: .file())
  var input = "-"

  @Option(
    name: .long, help: ArgumentHelp("k3seed.yaml: what is not Terraform's business.", valueName: "file"),
    completion: .file())
  var config: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The versions to install; else the lock that k3seed.yaml names or that lies beside it, else those built in.",
      valueName: "file"), completion: .file())
  var lock: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Secrets by the names of inputs, as JSON or YAML, that do not come from Terraform: a file that only you can read, \"-\", or a pipe such as <(sops decrypt secrets.yaml).",
      valueName: "file"), completion: .file())
  var secrets: String?

  @Option(name: .long, help: "Where user-data is delivered.", completion: .platforms)
  var platform: String?

  @Option(
    name: .long, parsing: .unconditionalSingleValue,
    help: ArgumentHelp("An input that is no secret; may be repeated.", valueName: "name=value"))
  var set: [String] = []

  @Option(
    name: .long, help: ArgumentHelp("Templates to use in place of the built-in ones.", valueName: "folder"),
    completion: .directory)
  var templates: String?

  var source: InputSource {
    InputSource(
      input: input, config: config, secrets: secrets, lock: lock, platform: platform, set: set,
      templates: templates)
  }
}

/// Where a project is read from.
struct InputSource {
  var input = "-"
  var config: String?
  var secrets: String?
  var lock: String?
  var platform: String?
  var set: [String] = []
  var templates: String?

  /// Makes sure that there is something to read.
  func expectInput() throws(Report) {
    if input == "-", FileSystem.isTerminal(.standardInput) {
      throw Report([
        .error(
          "no-input", at: nil, "nothing is piped in and no --input is given",
          help: "try: terraform output -json | k3seed preview")
      ])
    }
  }

  func project() throws(Report) -> Project {
    try expectInput()
    if input == "-", secrets == "-" {
      throw Report([
        .error(
          "no-input", at: nil, "standard input cannot be both the outputs and the secrets",
          help: "give one of them as a file")
      ])
    }
    var report = Report()
    // Each file is read even where another is damaged, so that all findings are seen at once.
    let terraform = report.collect { () throws(Report) in
      try InputDocument.terraform(try FileSystem.read(input, .outputs), source: FileSystem.name(input))
    }
    let config = report.collect { () throws(Report) in try ConfigFile.load(self.config) }
    let secrets = report.collect { () throws(Report) in try SecretsFile.load(self.secrets) }
    let lock = report.collect { () throws(Report) in
      try Lock.load(self.lock, config: config, at: self.config)
    }
    let flags = report.collect { () throws(Report) in
      try InputDocument.settings(set, platform: platform)
    }
    guard let terraform, let config, let secrets, let lock, let flags else { throw report }
    return Project(terraform: terraform, config: config, secrets: secrets, flags: flags, lock: lock)
  }

  func templateSet() throws(Report) -> TemplateSet {
    guard let templates else { return TemplateSet() }
    return TemplateSet(overrides: try FileSystem.tree(templates), folder: templates)
  }
}

/// The options that choose one node.
struct NodeOptions: ParsableArguments {
  @Option(name: .long, help: "The node, by its name.")
  var node: String?

  @Option(
    name: .long, help: "The role, where there is one node of it, or machines that share their user-data.")
  var role: String?

  var selection: Project.Selection { Project.Selection(nodeFlag: node, roleFlag: role) }
}

extension Project.Selection {
  /// What `--node` and `--role` choose.
  init(nodeFlag node: String?, roleFlag role: String?) {
    self.init(
      node: node.map { Sourced($0, from: Location(source: "--node")) },
      role: role.map { Sourced($0, from: Location(source: "--role")) })
  }
}

extension ConfigFile {
  /// The file at a path, or no file.
  static func load(_ path: String?) throws(Report) -> ConfigFile {
    guard let path else { return ConfigFile() }
    return try ConfigFile(try FileSystem.read(path, .settings), source: FileSystem.name(path))
  }
}

extension SecretsFile {
  /// The file at a path, or no file.
  static func load(_ path: String?) throws(Report) -> SecretsFile? {
    guard let path else { return nil }
    return try SecretsFile(try FileSystem.readSecrets(path), source: FileSystem.name(path))
  }
}

extension Lock {
  /// The lock of a project: the one that is asked for, else the one that `k3seed.yaml` names, else the one that lies
  /// beside it, else the one that is compiled in. Without an option and without a `k3seed.yaml` nothing is opened.
  ///
  /// - Parameters:
  ///   - option: the path that is asked for.
  ///   - config: the project's `k3seed.yaml`; nil where it could not be read.
  ///   - path: where that lies.
  static func load(_ option: String?, config: ConfigFile?, at path: String?) throws(Report) -> Lock {
    if let option { return try Lock(try FileSystem.read(option, .settings), source: FileSystem.name(option)) }
    guard let path, let config else { return Pins.lock }
    let folder = FileSystem.folder(of: path)
    if let named = config.lock?.node.string {
      let place = named.utf8.first == UInt8(ascii: "/") ? named : folder + named
      return try Lock(try FileSystem.read(place, .settings), source: place)
    }
    let place = folder + fileName
    guard let bytes = try FileSystem.readIfAny(place, .settings) else { return Pins.lock }
    return try Lock(bytes, source: place)
  }
}
