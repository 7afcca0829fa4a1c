public import Diagnostics
import YAML

/// `k3seed.yaml`: what is not Terraform's business.
///
/// Its keys are the inputs that are not secret, and ``outputNamesKey``, which says how a project calls its
/// outputs where k3seed calls them otherwise. The file is meant to be committed, so literal secrets are
/// refused in it; references to OCI Vault are welcome.
public struct ConfigFile: Sendable {
  /// The one key that is not an input: a map of input name to output name.
  public static let outputNamesKey = "output_names"

  /// The inputs that the file gives.
  public var document: InputDocument
  /// For an input's name, the output that holds it.
  var outputNames: [String: Positioned] = [:]

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
    for entry in InputDocument.plain(root).entries {
      if let tag = entry.value.node.tag {
        report.add(.error("config-tag", at: entry.value.location, "k3seed.yaml has no tags; found \(tag)"))
      } else if entry.name == Self.outputNamesKey {
        for name in entry.value.entries {
          if InputSpec.named(name.key) == nil {
            report.add(.unknownInput(name.key, at: name.keyLocation, severity: .error))
          } else if name.value.node.string.map({ Rule.outputName.problem(with: $0) == nil }) == true {
            outputNames[name.key] = name.value
          } else {
            report.add(
              .error(
                "input-type", at: name.value.location, "\(name.value.node.kind) is not the name of an output")
            )
          }
        }
        if entry.value.node.mapping == nil {
          report.add(
            .error(
              "input-type", at: entry.value.location,
              "\(Self.outputNamesKey) is \(entry.value.node.kind); expected a mapping of input names to output names"
            ))
        }
      } else if InputSpec.named(entry.name) == nil {
        report.add(
          .unknownInput(
            entry.name, at: entry.nameLocation, severity: .error, more: [Self.outputNamesKey]))
      } else {
        document.entries.append(entry)
      }
    }
    try report.throwIfErrors()
  }
}
