package import Diagnostics

extension Lock {
  /// What another lock says otherwise, by the paths of facts; nil where one of the two says nothing.
  package func changes(to other: Lock) -> [(path: String, old: String?, new: String?)] {
    let old = Dictionary(uniqueKeysWithValues: facts.map { ($0.path, $0.value) })
    let new = Dictionary(uniqueKeysWithValues: other.facts.map { ($0.path, $0.value) })
    // The order is the file's own.
    var paths = facts.map(\.path)
    for path in other.facts.map(\.path) where old[path] == nil { paths.append(path) }
    return paths.compactMap { path in
      old[path] == new[path] ? nil : (path, old[path], new[path])
    }
  }

  /// Digests of files that a publisher has exchanged: those of the same version and the same place that are known
  /// to have been others.
  ///
  /// - Parameters:
  ///   - known: facts that are known, by their paths.
  ///   - source: what knows them.
  package func contradictions(of known: [String: String], in source: String) -> [Diagnostic] {
    let own = Dictionary(uniqueKeysWithValues: facts.map { ($0.path, $0.value) })
    let places = Set(facts.map(\.entry)).filter { entry in
      ["version", "repository"].allSatisfy { known["\(entry).\($0)"] == own["\(entry).\($0)"] }
    }
    return known.sorted { $0.key < $1.key }.compactMap { path, value in
      let parts = path.parts(between: ".")
      guard let key = parts.last, !["version", "repository"].contains(key), own[path] != value else {
        return nil
      }
      let entry = parts.dropLast().map { $0 }.joined(by: ".")
      guard places.contains(entry) else { return nil }
      let now = own[path].map { "is \($0) now" } ?? "is published no longer"
      return .error(
        "lock-changed", at: Location(source: source),
        "\(path) was \(value), and \(now), for the same version",
        help: "ask its publisher why; what was exchanged may be an attack")
    }
  }
}
