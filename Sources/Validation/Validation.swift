public import Diagnostics
import Inputs

/// Looks at user-data, by a table of rules, for what would go wrong at boot; without credentials and without a boot.
public struct Validation: Sendable {
  /// Every rule for user-data.
  static let all: [DocumentedRule<Payload>] =
    structureRules + schemaRules + textRules + commandRules + secretRules + deliveryRules + kubernetesRules

  /// The documentation of every rule for user-data, those of tools that are run besides among them.
  public static let rules: [Report.Rule] = all.map(\.documentation) + openingRules + shellRules

  /// Everything that is found in user-data, sorted by place.
  public static func report(on payload: Payload) -> Report {
    var report = Report()
    for part in payload.parts { report.add(Report(part.placed(part.problems))) }
    report.add(all, on: payload)
    report.removeRepetitions()
    return report.sorted
  }
}

extension Payload {
  /// What cloud-init's own schema refuses, with the places of the values.
  ///
  /// - Parameter problems: the path of each value (`users.0.name`) and what the schema says, of which only the kind is
  ///   taken over: its words quote the value, which may be a secret.
  public func schemaDiagnostics(_ problems: [(path: String, message: String)]) -> [Diagnostic] {
    let part = parts.first { $0.root != nil }
    // A place in the text as the path is what its reader says; that, and keys of files, are found by the rules.
    let known = problems.filter { path, message in
      path.wholeMatch(of: /format-l\d+\.c\d+/) != nil
        || path.wholeMatch(of: /write_files\.\d+/) != nil
          && ["Additional properties", "is a required property"].contains { message.contains($0) }
    }.map(\.path)
    return problems.filter { !known.contains($0.path) }.map { path, message in
      let kinds: [(String, String)] = [
        ("is not of type", "is of a kind that it does not take"),
        ("Additional properties", "has a key that it does not know"),
        ("is a required property", "lacks a key that it needs"), ("is too short", "is shorter than it takes"),
        ("is not one of", "is none of the words that it takes"),
        ("does not match", "is not of the form that it takes"),
      ]
      let what = kinds.first { message.contains($0.0) }?.1 ?? "is not as it takes it"
      var value = part?.root
      for name in path.parts(between: ".") {
        let items = value?.items ?? []
        let index = Int(name).flatMap { items.indices.contains($0) ? $0 : nil }
        guard let next = index.map({ items[$0] }) ?? value?[name] else { break }
        value = next
      }
      return .error(
        "cloud-init-schema", at: value.flatMap { part?.location($0) } ?? Location(source: source),
        "by the schema of the cloud-init that is installed here, \(path.printable) \(what)",
        help: "see the module's documentation")
    }
  }
}
