public import Diagnostics
import YAML

/// The query of Terraform's `external` data source: an object whose values are all strings.
///
/// Beside the inputs it has settings of the command, and the key `outputs`, which may hold JSON of the other shapes that
/// an ``InputDocument`` is read from.
public struct ExternalQuery: Sendable {
  /// The key that holds outputs as JSON.
  private static let outputsKey = "outputs"

  /// The inputs, not yet judged. A key of the query goes before one within `outputs`, by whichever of its names.
  public let document: InputDocument
  /// The settings of the command that the query has.
  public let settings: [String: Positioned]
  /// What the query itself has and is no setting.
  private let inputs: [InputDocument.Entry]
  /// The settings that a query may have.
  private let knownSettings: [String]

  /// Reads the text of a query.
  ///
  /// - Parameters:
  ///   - source: what findings call it.
  ///   - settings: the keys that are settings of the command.
  /// - Throws: a report where the text is not a JSON object of strings.
  public init(_ bytes: [UInt8], source: String, settings known: [String]) throws(Report) {
    let root = Positioned(try JSON.parse(bytes, source: source), source: source)
    guard root.node.mapping != nil else {
      throw Report([
        .error(
          "input-shape", at: root.location,
          "expected the query object of Terraform's external data source, found \(root.node.kind)")
      ])
    }
    var report = Report()
    for entry in root.entries where entry.value.node.string == nil && entry.value.node.value != .null {
      report.add(
        .error(
          "input-type", at: entry.value.location,
          "\(entry.key.shownName) is \(entry.value.node.kind); a query of Terraform's external data source holds strings only",
          help: "wrap it in jsonencode()"))
    }
    try report.throwIfErrors()
    var settings: [String: Positioned] = [:]
    var inputs: [InputDocument.Entry] = []
    var outputs: [InputDocument.Entry] = []
    // Terraform drops what is null.
    for entry in InputDocument.plain(root).entries where entry.value.node.value != .null {
      if entry.name == Self.outputsKey {
        outputs = try InputDocument.terraform(entry.value.decodingJSON()).entries
      } else if known.contains(entry.name) {
        settings[entry.name] = entry.value
      } else {
        inputs.append(entry)
      }
    }
    func name(_ entry: InputDocument.Entry) -> String { InputSpec.known(as: entry.name)?.name ?? entry.name }
    let direct = Set(inputs.map(name))
    var document = InputDocument(source: source)
    document.entries = inputs + outputs.filter { !direct.contains(name($0)) }
    self.document = document
    self.settings = settings
    self.inputs = inputs
    knownSettings = known
  }

  /// Finds keys that nothing reads: whoever writes a query writes it for k3seed, so a name that k3seed does not know is a
  /// typing error. Outputs are not looked at, as a project has those for other purposes too.
  ///
  /// - Parameter config: the `k3seed.yaml` that may give inputs other names.
  public func unknownKeys(_ config: ConfigFile) -> Report {
    Report(
      inputs.filter { InputSpec.known(as: $0.name) == nil && !config.names(output: $0.name) }.map {
        .unknownInput(
          $0.name, at: $0.nameLocation, severity: .error, more: knownSettings + [Self.outputsKey])
      })
  }
}
