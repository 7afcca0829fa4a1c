public import Diagnostics
import YAML

/// Secrets that do not come from Terraform: a mapping of names of secret inputs to values, as JSON or YAML.
///
/// A value may also be a reference to OCI Vault. What is in the file goes before `k3seed.yaml` and Terraform's outputs.
public struct SecretsFile: Sendable {
  /// The secrets that the file gives, not yet judged.
  let document: InputDocument

  /// Reads the file's text.
  ///
  /// - Throws: a report with every name that is no secret input. No value is in it.
  public init(_ bytes: [UInt8], source: String) throws(Report) {
    let isJSON = bytes.first { !" \t\r\n".utf8.contains($0) } == UInt8(ascii: "{")
    let root = Positioned(
      isJSON ? try JSON.parse(bytes, source: source) : try YAML.parseOne(bytes, source: source),
      source: source)
    guard root.node.mapping != nil else {
      throw Report([
        .error(
          "secrets-file", at: root.location,
          "expected a mapping of names to secrets, found \(root.node.kind)",
          help: "write name: value, one for each secret")
      ])
    }
    // https://getsops.io: the key under which an encrypted file describes itself.
    if root["sops"]?["mac"] != nil {
      throw Report([
        .error(
          "secrets-file", at: root.location, "the values are still encrypted by SOPS",
          help: "decrypt them on the way, with --secrets <(sops decrypt FILE)")
      ])
    }
    var report = Report()
    for entry in root.entries {
      guard let spec = InputSpec.known(as: entry.key) else {
        report.add(.unknownInput(entry.key, at: entry.keyLocation, severity: .error))
        continue
      }
      guard !spec.isSecret else { continue }
      report.add(
        .error(
          "secrets-file", at: entry.keyLocation, "\(entry.key) is no secret",
          help: "give it in k3seed.yaml, or as a Terraform output"))
    }
    try report.throwIfErrors()
    document = .plain(root)
  }

  func entry(for spec: InputSpec) -> InputDocument.Entry? {
    document.entries.first { spec.isSecret && InputSpec.known(as: $0.name)?.name == spec.name }
  }
}
