public import Diagnostics
public import Secrets
import YAML

/// How a secret reaches the node.
public enum SecretSource: Sendable, Equatable {
  /// The value travels in user-data.
  case literal(Secret)
  /// Only an OCID travels; the node fetches the value from OCI Vault.
  case ociVault(ocid: String)
}

/// The inputs of a run: each value judged for what it is, with the place it came from.
public struct Inputs: Sendable {
  /// A secret and the place it came from.
  public struct SecretInput: Sendable {
    /// How it reaches the node.
    public var source: SecretSource
    /// Where it was given.
    public var location: Location
    /// What the source calls it: the name of the output, or that in `secret_ocids`.
    public var name: String
  }

  /// The source of Terraform's outputs, for findings about what is missing there.
  public private(set) var source: String
  private var values: [String: Positioned] = [:]
  private var secretInputs: [String: SecretInput] = [:]
  /// Inputs that were given with an error; they are not to be reported as missing as well.
  private var refused: Set<String> = []

  /// The value of an input that is no secret; nil where it was not given.
  public subscript(name: String) -> Positioned? { values[name] }

  /// A secret input; nil where it was not given.
  public func secret(_ name: String) -> SecretInput? { secretInputs[name] }

  /// Whether an input was given at all, even with an error.
  public func isGiven(_ name: String) -> Bool {
    values[name] != nil || secretInputs[name] != nil || refused.contains(name)
  }

  /// Whether an input was given, with an error that has been reported.
  public func isRefused(_ name: String) -> Bool { refused.contains(name) }

  /// Joins the sources: flags go before the file of secrets, that before `k3seed.yaml`, and that before Terraform.
  ///
  /// - Parameters:
  ///   - terraform: what Terraform gave.
  ///   - config: `k3seed.yaml`.
  ///   - secrets: the file of secrets, where there is one.
  ///   - flags: `--set` arguments and flags such as `--platform`.
  ///   - report: gets every finding; values with errors are left out of the result.
  public init(
    terraform: InputDocument, config: ConfigFile = ConfigFile(), secrets: SecretsFile? = nil,
    flags: InputDocument? = nil, report: inout Report
  ) {
    source = terraform.source
    let flags = flags ?? InputDocument(source: "--set")
    for entry in flags.entries {
      if let spec = InputSpec.named(entry.name) {
        guard spec.isSecret, !entry.value.holdsReference else { continue }
        report.add(
          .error(
            "secret-in-argument", at: entry.nameLocation,
            "\(entry.name) is a secret, and every user of the machine can read a program's arguments",
            help: "give it with --secrets, or as a Terraform output"))
        refused.insert(entry.name)
      } else {
        report.add(.unknownInput(entry.name, at: entry.nameLocation, severity: .error))
      }
    }
    for entry in config.document.entries {
      guard InputSpec.named(entry.name)?.isSecret == true, !entry.value.holdsReference else { continue }
      report.add(.secretInConfig(entry.name, at: entry.value.location))
      refused.insert(entry.name)
    }
    let outputs = Outputs(terraform, config: config, report: &report)
    refused.formUnion(outputs.missing)
    var ranks: [String: Int] = [:]
    for spec in InputSpec.all where !refused.contains(spec.name) {
      let candidates = [
        flags.entries.last { $0.name == spec.name },
        secrets?.entry(for: spec),
        config.document.entries.first { $0.name == spec.name },
        outputs.entry(for: spec),
      ]
      guard let rank = candidates.firstIndex(where: { $0 != nil }), let given = candidates[rank] else {
        continue
      }
      ranks[spec.name] = rank
      take(given, as: spec, report: &report)
    }
    takeReferences(ranks: ranks, report: &report)
  }

  private mutating func take(_ given: InputDocument.Entry, as spec: InputSpec, report: inout Report) {
    if !spec.isSecret, !spec.shape.isStructured, spec.name != "vault_ocid",
      given.value.node.string?.hasPrefix("ocid1.vaultsecret.") == true
    {
      report.add(.referenceAlone(spec, at: given.value.location))
      refused.insert(spec.name)
      return
    }
    var checker = ShapeChecker(spec: spec)
    guard let value = checker.check(given.value) else {
      report.add(checker.report)
      refused.insert(spec.name)
      return
    }
    guard value.node.value != .null else { return }
    guard spec.isSecret else {
      values[spec.name] = value
      return
    }
    guard let text = value.node.string else { return }
    if value.holdsReference {
      secretInputs[spec.name] = SecretInput(
        source: .ociVault(ocid: text), location: value.location, name: given.name)
      return
    }
    if given.isSensitive == false {
      report.add(
        .warning(
          "not-sensitive", at: given.nameLocation,
          "the output \(given.name.shownName) is not marked sensitive, so Terraform prints it",
          help: "add \"sensitive = true\" to the output"))
    }
    secretInputs[spec.name] = SecretInput(
      source: .literal(Secret(text.utf8)), location: value.location, name: given.name)
  }

  /// Applies `secret_ocids`: a reference goes before a literal secret; what is no secret needs its literal.
  ///
  /// - Parameters:
  ///   - ranks: the source of each input that was given; that of the lowest number goes first.
  private mutating func takeReferences(ranks: [String: Int], report: inout Report) {
    guard let references = values["secret_ocids"], let rank = ranks["secret_ocids"] else { return }
    for entry in references.entries {
      guard let spec = InputSpec.known(as: entry.key), let ocid = entry.value.node.string else {
        if let near = entry.key.nearest(in: InputSpec.knownNames, within: 1), references.node[near] == nil {
          report.add(
            .warning(
              "unknown-input", at: entry.keyLocation,
              "the reference for \(entry.key.shown) is ignored: it is not an input of k3seed",
              help: "did you mean \"\(near)\"?"))
        }
        continue
      }
      // The name of the input itself goes before its alias.
      guard entry.key == spec.name || references.node[spec.name] == nil else { continue }
      guard spec.isSecret else {
        if !isGiven(spec.name) {
          report.add(.referenceAlone(spec, at: entry.value.location))
          refused.insert(spec.name)
        }
        continue
      }
      switch secretInputs[spec.name]?.source {
      case .ociVault where ranks[spec.name] ?? rank < rank: continue
      case .literal:
        report.add(
          .note(
            "reference-wins", at: entry.value.location,
            "\(spec.name) is given both as a value and as a reference to OCI Vault; the reference is used",
            help: "drop the output that holds the value"))
      default: break
      }
      secretInputs[spec.name] = SecretInput(
        source: .ociVault(ocid: ocid), location: entry.value.location, name: entry.key)
      refused.remove(spec.name)
    }
  }
}

/// Terraform's outputs, found by the names that inputs may have there.
private struct Outputs {
  private var entries: [String: InputDocument.Entry] = [:]
  /// What `output_names` leads to, by the input's name.
  private var mapped: [String: InputDocument.Entry] = [:]
  /// Inputs whose output, as `output_names` calls it, is not there.
  private(set) var missing: Set<String> = []

  init(_ document: InputDocument, config: ConfigFile, report: inout Report) {
    for entry in document.entries { entries[entry.name] = entry }
    for (name, (path, origin)) in config.outputNames.sorted(by: { $0.key < $1.key }) {
      guard var entry = entries[path.output] else {
        missing.insert(name)
        report.add(
          .error(
            "missing-output", at: origin,
            "\(name) is said to be in an output that \(document.source) does not have",
            help: "\(path.output.suggestion(from: entries.keys.sorted(), within: 2))correct output_names"))
        continue
      }
      do throws(OutputPath.Missing) {
        entry.value = try path.value(in: entry.value)
        entry.name = path.text
        mapped[name] = entry
      } catch {
        missing.insert(name)
        report.add(
          .error(
            "missing-output", at: origin,
            "\(name) is said to be at a path that \(document.source) does not have: \(error.message)",
            help: error.help))
      }
    }
    let unknown = document.entries.filter {
      InputSpec.known(as: $0.name) == nil && !config.names(output: $0.name)
    }
    let nearMisses = unknown.compactMap { entry in
      entry.name.nearest(in: InputSpec.knownNames, within: 1).flatMap {
        entries[$0] == nil ? (entry, $0) : nil
      }
    }
    // With a k3seed.yaml, that may be what was meant.
    if unknown.count == document.entries.count, !unknown.isEmpty, nearMisses.isEmpty, config.isEmpty {
      let names = unknown.prefix(Self.shownNames).map(\.name.shownName).joined(separator: ", ")
      let more = unknown.count > Self.shownNames ? " and \(unknown.count - Self.shownNames) more" : ""
      report.add(
        .warning(
          "no-known-output", at: Location(source: document.source),
          "no output is an input of k3seed; found \(names)\(more)",
          help: "\"k3seed init\" writes a k3seed.yaml that says which output is which input"))
    }
    for (entry, near) in nearMisses {
      report.add(
        .warning(
          "unknown-input", at: entry.nameLocation,
          "the output \(entry.name.shown) is ignored: it is not an input of k3seed",
          help: "did you mean \"\(near)\"?"))
    }
  }

  private static let shownNames = 5

  func entry(for spec: InputSpec) -> InputDocument.Entry? {
    if let entry = mapped[spec.name] { return entry.value.node.value == .null ? nil : entry }
    return ([spec.name] + spec.aliases).lazy
      .compactMap { entries[$0] }
      .first { $0.value.node.value != .null }
  }
}

extension Positioned {
  /// Whether a secret's value is meant as a reference to OCI Vault, well-formed or not: no secret looks so.
  var holdsReference: Bool { node.string?.hasPrefix("ocid1.") == true }
}

extension Diagnostic {
  static func unknownInput(
    _ name: String, at location: Location, severity: Severity, more: [String] = []
  ) -> Diagnostic {
    let near =
      InputSpec.known(as: name)?.name ?? name.nearest(in: InputSpec.all.map(\.name) + more, within: 2)
    return Diagnostic(
      severity, "unknown-input", at: location, "\(name.shown) is not an input of k3seed",
      help: near.map { "did you mean \"\($0)\"?" } ?? "\"k3seed schema\" lists the inputs")
  }

  fileprivate static func referenceAlone(_ spec: InputSpec, at location: Location) -> Diagnostic {
    .error(
      "reference-alone", at: location,
      "\(spec.name) is given only as a reference to OCI Vault, but its value is needed when rendering",
      help: "output the value as well: it is not a secret")
  }
}
