public import Diagnostics
import YAML

/// `k3seed.yaml`: what is not Terraform's business.
///
/// Its keys are the inputs that are not secret, ``outputNamesKey``, which says how a project calls its outputs where
/// k3seed calls them otherwise, and ``lockKey``, which says where the versions to install are locked. The file is meant to be committed, so literal secrets are
/// refused in it; references to OCI Vault are welcome.
public struct ConfigFile: Sendable {
  /// A key that is not an input: a map of input name to output name.
  public static let outputNamesKey = "output_names"
  /// A key that is not an input: the path of a `k3seed.lock`, from the file's own folder.
  public static let lockKey = "lock"

  /// The inputs that the file gives.
  public var document: InputDocument
  /// For an input's name, where among the outputs it is.
  var outputNames: [String: (path: OutputPath, origin: Location)] = [:]
  /// The path of the lock that the file names.
  public private(set) var lock: Positioned?

  /// Whether the file, or there being none, gives nothing and renames nothing.
  var isEmpty: Bool { document.entries.isEmpty && outputNames.isEmpty }

  /// No file: nothing given, nothing renamed.
  public init() {
    document = InputDocument(source: "k3seed.yaml")
  }

  /// Reads the file's text.
  ///
  /// - Throws: a report with every unknown key, every secret, and every malformed name.
  public init(_ bytes: [UInt8], source: String) throws(Report) {
    let root = Positioned(try YAML.parseOne(bytes, source: source), source: source)
    document = InputDocument(source: source)
    if root.node.value == .null { return }
    var report = Report()
    guard root.node.mapping != nil else {
      throw Report([
        .error("config-shape", at: root.location, "expected a mapping of inputs, found \(root.node.kind)")
      ])
    }
    Self.refuseTags(root, report: &report)
    for entry in InputDocument.plain(root).entries where entry.value.node.value != .null {
      if entry.name == Self.outputNamesKey {
        takeOutputNames(entry.value, report: &report)
      } else if entry.name == Self.lockKey {
        takeLock(entry.value, report: &report)
      } else if InputSpec.named(entry.name) == nil {
        report.add(
          .unknownInput(
            entry.name, at: entry.nameLocation, severity: .error, more: [Self.outputNamesKey, Self.lockKey]))
      } else {
        document.entries.append(entry)
      }
    }
    try report.throwIfErrors()
  }
}

extension ConfigFile {
  /// Whether the file says that an input is in an output of this name.
  func names(output name: String) -> Bool { outputNames.values.contains { $0.path.output == name } }

  /// Whether a text is meant as such a file, whatever its name: a mapping with a key that only such a file has.
  public static func isMeant(_ bytes: [UInt8]) -> Bool {
    // `#cloud-config` and its like begin user-data.
    guard !bytes.starts(with: "#!".utf8), !bytes.starts(with: "#cloud".utf8), !bytes.starts(with: "##".utf8),
      let root = try? YAML.parseOne(bytes, source: "", ambiguity: .accepted)
    else { return false }
    return (root.mapping ?? []).contains { entry in
      // cloud-init has a key of that name, too.
      [outputNamesKey, lockKey].contains(entry.key)
        || entry.key != "ssh_authorized_keys" && InputSpec.named(entry.key) != nil
    }
  }

  private mutating func takeOutputNames(_ names: Positioned, report: inout Report) {
    guard names.node.mapping != nil else {
      report.add(
        .error(
          "input-type", at: names.location,
          "\(Self.outputNamesKey) is \(names.node.kind); expected a mapping of input names to output names"))
      return
    }
    for name in names.entries {
      if InputSpec.named(name.key) == nil {
        report.add(.unknownInput(name.key, at: name.keyLocation, severity: .error))
      } else if let path = name.value.node.string.flatMap(OutputPath.init) {
        outputNames[name.key] = (path, name.value.location)
      } else {
        // Not shown: it may be the secret itself, put where the name of its output belongs.
        report.add(
          .error(
            "input-value", at: name.value.location,
            "what \(Self.outputNamesKey) has for \(name.key) is not the name of an output, nor a path into one",
            help: "write it as Terraform does: name, name.key or name[0].key"))
      }
    }
  }

  private mutating func takeLock(_ path: Positioned, report: inout Report) {
    guard let text = path.node.string, !text.isEmpty else {
      report.add(
        .error(
          "input-type", at: path.location, "\(Self.lockKey) is \(path.node.kind); expected the path of a file"
        ))
      return
    }
    lock = path
  }

  private static func refuseTags(_ value: Positioned, report: inout Report) {
    if let tag = value.node.tag {
      report.add(.error("config-tag", at: value.location, "k3seed.yaml has no tags; found \(tag.shown)"))
    }
    for entry in value.entries { refuseTags(entry.value, report: &report) }
    for item in value.items { refuseTags(item, report: &report) }
  }
}

extension Diagnostic {
  static func secretInConfig(_ name: String, at location: Location) -> Diagnostic {
    .error(
      "secret-in-config", at: location,
      "\(name) is a secret, and \(location.source) is a file to be committed",
      help: "give it with --secrets, or as a Terraform output")
  }
}
