import Diagnostics
import YAML

extension Repository {
  /// An Application, or one that an ApplicationSet makes.
  struct Application: Sendable {
    /// The object; of an ApplicationSet, its template with the values of one element.
    let place: Place
    /// Its name.
    let name: String
    /// The namespace it lies in.
    let namespace: String?
    /// Whether an ApplicationSet makes it: then no sync wave orders it.
    let isGenerated: Bool
    /// The Application that brings it, by its number; nil where none in the repository does.
    var parent: Int?
    /// What is the same for all Applications that one sync applies, so that waves order them: the Application that
    /// brings them, or else the kustomization or folder they are in.
    var scope = ""

    /// Its sources.
    var sources: [Source] {
      let several = place.at("spec", "sources")?.items ?? []
      return (several.isEmpty ? [place.at("spec", "source")].compactMap { $0 } : several).map(Source.init)
    }

    /// The namespace its objects go to, where it names one.
    var target: Place? { place.at("spec", "destination", "namespace") }

    /// The sync policy.
    var policy: Place? { place.at("spec", "syncPolicy") }

    /// Whether it syncs by itself.
    var isAutomated: Bool {
      guard let policy, policy.node.mapping?.contains(where: { $0.key == "automated" }) == true else {
        return false
      }
      return policy.at("automated", "enabled")?.text != "false"
    }

    /// How often a failed sync is tried again; nil where it does not say, negative for without limit.
    var retries: Int? { policy?.at("retry", "limit")?.text.flatMap { Int($0) } }

    /// Whether a sync option is on.
    func hasOption(_ option: String) -> Bool {
      policy?["syncOptions"]?.items.contains { $0.text == option } == true
    }

    /// The annotation with its sync wave.
    var waveAnnotation: Place? { place.at("metadata", "annotations", "argocd.argoproj.io/sync-wave") }

    /// Its sync wave: 0 unless it says another.
    var wave: Int { waveAnnotation?.text.flatMap { Int($0) } ?? 0 }

    /// What it says itself that it waits for, as k3seed's own tree does: annotations `after.k3seed/NAME` with the reason.
    var declared: [(name: String, reason: Place)] {
      let start = "after.k3seed/"
      return (place.at("metadata", "annotations")?.entries ?? []).filter { $0.key.hasPrefix(start) }.map {
        (String($0.key.dropFirst(start.count)), $0.value)
      }
    }

    /// Where a finding about the whole points: at its name.
    var title: Place { place.at("metadata", "name") ?? place }
  }

  /// Where an Application takes manifests from.
  struct Source: Sendable {
    /// The whole of it.
    let place: Place

    /// The repository's URL.
    var url: String? { place["repoURL"]?.text }
    /// The folder within it.
    var path: String? { place["path"]?.text }
    /// The Helm chart, where the repository is one of charts.
    var chart: String? { place["chart"]?.text }
    /// The revision or version.
    var revision: String? { place["targetRevision"]?.text }
    /// The name under which other sources take files from it.
    var reference: String? { place["ref"]?.text }

    init(_ place: Place) { self.place = place }
  }

  /// The Applications, in the order of their places.
  static func applications(in reading: Reading, folders: Set<String>) -> [Application] {
    var found: [Application] = []
    for file in reading.objects.keys.sorted() {
      for object in reading.objects[file] ?? [] where object.group == "argoproj.io" {
        switch object.kind {
        case "Application":
          found.append(Application(object.place, namespace: object.namespace, isGenerated: false))
        case "ApplicationSet":
          for template in templates(of: object, folders: folders) {
            found.append(Application(template, namespace: object.namespace, isGenerated: true))
          }
        default: break
        }
      }
    }
    return found
  }

  /// The Applications of an ApplicationSet, as far as the repository alone says which there are; otherwise one, with the
  /// template as it stands.
  private static func templates(of set: Object, folders: Set<String>) -> [Place] {
    guard let template = set.place.at("spec", "template") else { return [] }
    let made = (set.place.at("spec", "generators")?.items ?? []).flatMap { generator in
      (elements(of: generator, folders: folders) ?? []).map(template.filled)
    }
    return made.isEmpty ? [template] : made
  }

  /// What a generator gives a template: one set of values for each element of a list, each folder of git, and each pair
  /// of a matrix; nil where only a cluster or another repository knows. Of a matrix, that half is left open.
  private static func elements(of generator: Place, folders: Set<String>) -> [[(String, String)]]? {
    if let list = generator.at("list", "elements") {
      return list.items.map { element in
        element.entries.compactMap { entry in entry.value.text.map { (entry.key, $0) } }
      }
    }
    if let directories = generator.at("git", "directories")?.items {
      let excluded = directories.filter { $0["exclude"]?.isTrue == true }.compactMap { $0["path"]?.text }
      let patterns = directories.filter { $0["exclude"]?.isTrue != true }.compactMap { $0["path"]?.text }
      // Argo CD offers neither the root nor, by default, what is hidden (`GetGitDirectories` in its repository.go).
      return folders.sorted().filter { folder in
        !folder.isEmpty && !folder.split(separator: "/").contains { $0.hasPrefix(".") }
          && patterns.contains(where: folder.matches) && !excluded.contains(where: folder.matches)
      }.map(\.generated)
    }
    if let halves = generator.at("matrix", "generators")?.items, !halves.isEmpty {
      let known = halves.map { elements(of: $0, folders: folders) }
      guard known.contains(where: { $0 != nil }) else { return nil }
      var made: [[(String, String)]] = [[]]
      for half in known { made = made.flatMap { values in (half ?? [[]]).map { values + $0 } } }
      return made
    }
    return nil
  }

  /// What else than the sources' paths says which URL is this repository's: the folders and files that generators look
  /// for, as far as they are without a pattern, and the files of values that sources take from each other.
  private static func hints(
    in reading: Reading, of applications: [Application]
  ) -> [(url: String, path: String)] {
    let sets = reading.objects.values.joined().filter {
      $0.group == "argoproj.io" && $0.kind == "ApplicationSet"
    }
    let generators = sets.flatMap { $0.place.at("spec", "generators")?.items ?? [] }
    let looked = (generators + generators.flatMap { $0.at("matrix", "generators")?.items ?? [] })
      .compactMap { $0["git"] }.flatMap { git in
        ["directories", "files"].flatMap { git[$0]?.items ?? [] }.filter { $0["exclude"]?.isTrue != true }
          .map { item in
            let parts = item["path"]?.text?.parts(between: "/") ?? []
            let known = parts.prefix { !$0.contains { "*?[{".contains($0) } }
            return (git["repoURL"]?.text, known.joined(separator: "/"))
          }
      }
    let values = applications.flatMap { application in
      application.sources.flatMap { $0.place.at("helm", "valueFiles")?.items ?? [] }.compactMap {
        item -> (String?, String)? in
        guard let text = item.text, text.hasPrefix("$"), !text.contains("{{") else { return nil }
        let reference = text.dropFirst().prefix { $0 != "/" }
        let other = application.sources.first { $0.reference == String(reference) }
        return (other?.url, String(text.dropFirst(reference.count + 2)))
      }
    }
    return (looked + values).compactMap { url, path in url.map { ($0, path) } }
  }

  /// Which URL is this repository's, and which of its folders the files are: the pair for which most of the
  /// Applications' paths are there. So it does not matter whether the whole repository was read or a folder of it.
  static func own(
    of applications: [Application], in reading: Reading, url given: String?, files: [String: [UInt8]],
    folders: Set<String>
  ) -> (url: String?, prefix: String) {
    let given = given.map(GitURL.normalised)
    var best: (score: Int, url: String?, prefix: String) = (0, given, "")
    var paths: [(url: String, path: String)] = []
    let named = applications.flatMap(\.sources).filter { $0.chart == nil }.compactMap { source in
      source.url.map { (url: $0, path: source.path ?? "") }
    }
    for (url, path) in named + hints(in: reading, of: applications) {
      let url = GitURL.normalised(url)
      guard let path = "".path(to: path), !path.isEmpty, given == nil || url == given else { continue }
      paths.append((url, path))
    }
    // Each path speaks for every folder that it could have been read from.
    var scores: [String: Int] = [:]
    var candidates: [(key: String, url: String, prefix: String)] = []
    for (url, path) in paths {
      for prefix in [""] + path.foldersAbove + [path] {
        let key = "\(url) \(prefix)"
        if scores[key] == nil { candidates.append((key, url, prefix)) }
        let inner = inner(path, prefix: prefix) ?? ""
        scores[key, default: 0] += !inner.isEmpty && (folders.contains(inner) || files[inner] != nil) ? 1 : 0
      }
    }
    for (key, url, prefix) in candidates {
      let score = scores[key] ?? 0
      if score > best.score { best = (score, url, prefix) }
    }
    return (best.url, best.prefix)
  }

  /// The path in the folder `prefix`; nil where it is outside of it.
  static func inner(_ path: String, prefix: String) -> String? {
    guard let path = "".path(to: path) else { return nil }
    if prefix.isEmpty { return path }
    if path == prefix { return "" }
    return path.hasPrefix(prefix + "/") ? String(path.dropFirst(prefix.count + 1)) : nil
  }
}

extension Repository.Application {
  fileprivate init(_ place: Repository.Place, namespace: String?, isGenerated: Bool) {
    self.place = place
    name = place.at("metadata", "name")?.text ?? ""
    self.namespace = place.at("metadata", "namespace")?.text ?? namespace
    self.isGenerated = isGenerated
  }
}

extension Repository.Place {
  /// A template of an ApplicationSet with values in place of its parameters, in either of their spellings.
  fileprivate func filled(_ values: [(String, String)]) -> Repository.Place {
    holding(
      node.mappingStrings { text in
        guard text.contains("{{") else { return text }
        var text = text
        for (name, value) in values {
          for spelling in ["{{\(name)}}", "{{ \(name) }}", "{{.\(name)}}", "{{ .\(name) }}"] {
            text = text.replacingAll(spelling, with: value)
          }
        }
        return text
      })
  }
}

extension String {
  /// What a git generator gives a template for a folder (Argo CD's documentation, "Git Generator").
  fileprivate var generated: [(String, String)] {
    let parts = parts(between: "/")
    let segments = parts.indices.flatMap { index in
      ["path[\(index)]", "index .path.segments \(index)"].map { ($0, parts[index]) }
    }
    return [
      ("path", self), ("path.path", self), ("path.basename", fileName), ("path.basenameNormalized", fileName),
    ]
      + segments
  }

  /// Whether a path matches a pattern part by part, where `*` stands for any text without a slash.
  fileprivate func matches(_ pattern: String) -> Bool {
    guard let pattern = "".path(to: pattern)?.parts(between: "/") else { return false }
    let parts = parts(between: "/")
    return parts.count == pattern.count && zip(parts, pattern).allSatisfy { $0.fits($1) }
  }

  /// Whether a path matches a pattern of an Application's `directory`, where `*` stands for any text, slashes too, and
  /// `{a,b}` for either.
  func fitsGlob(_ pattern: String) -> Bool {
    guard let open = pattern.firstIndex(of: "{"), let close = pattern[open...].firstIndex(of: "}") else {
      return fits(pattern)
    }
    return pattern[pattern.index(after: open)..<close].split(separator: ",").contains { choice in
      fitsGlob("\(pattern[..<open])\(choice)\(pattern[pattern.index(after: close)...])")
    }
  }

  /// Whether a text is a pattern with anything in place of each `*`.
  private func fits(_ pattern: String) -> Bool {
    let pieces = pattern.parts(between: "*")
    guard pieces.count > 1 else { return self == pattern }
    guard hasPrefix(pieces[0]), hasSuffix(pieces[pieces.count - 1]),
      count >= pieces[0].count + pieces[pieces.count - 1].count
    else { return false }
    var rest = dropFirst(pieces[0].count).dropLast(pieces[pieces.count - 1].count)
    for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
      guard let range = rest.firstRange(of: piece) else { return false }
      rest = rest[range.upperBound...]
    }
    return true
  }

  /// The text with every occurrence of another replaced.
  func replacingAll(_ other: String, with new: String) -> String {
    var result = ""
    var rest = self[...]
    while let range = rest.firstRange(of: other) {
      result += rest[..<range.lowerBound] + new
      rest = rest[range.upperBound...]
    }
    return result + rest
  }
}

/// URLs of git repositories.
enum GitURL {
  /// A URL without what does not tell repositories apart: the scheme, the user, `.git`, a slash at the end, and the case
  /// of letters, which the hosts do not look at.
  static func normalised(_ url: String) -> String {
    var text = url.lowercased()
    if let scheme = text.firstRange(of: "://") { text = String(text[scheme.upperBound...]) }
    let host = text.prefix { $0 != "/" }
    if let at = host.firstIndex(of: "@") { text = String(text[text.index(after: at)...]) }
    // ssh's short form: host:path.
    if let colon = text.firstIndex(of: ":"),
      !text[text.index(after: colon)...].prefix(1).allSatisfy(\.isNumber)
    {
      text = text[..<colon] + "/" + text[text.index(after: colon)...].drop { $0 == "/" }
    }
    while text.hasSuffix("/") { text.removeLast() }
    return text.hasSuffix(".git") ? String(text.dropLast(4)) : text
  }
}
