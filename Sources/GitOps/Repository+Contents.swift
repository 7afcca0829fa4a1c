import Diagnostics
import YAML

extension Repository {
  /// What an Application brings into the cluster, as far as the repository says.
  struct Contents: Sendable {
    /// The Application, by its number.
    let application: Int
    /// The objects, each with the namespace it gets.
    var objects: [Object] = []
    /// The Helm charts.
    var charts: [ChartUse] = []
    /// What is taken from other repositories.
    var remotes: [Remote] = []
    /// What is named and is not there.
    var missing: [Missing] = []
    /// Names of Secrets and ConfigMaps that kustomize generates.
    var generated: [Object] = []
    /// The kustomizations it is built with.
    var kustomizations: [Place] = []
  }

  /// A Helm chart that an Application, a kustomization or another chart takes.
  struct ChartUse: Sendable {
    /// Where it is said.
    let place: Place
    /// Its name.
    let name: String
    /// Where it comes from.
    let repository: String
    /// Its version; nil where none is given.
    let version: Place?
    /// Its values, those that win last.
    let values: [Place]
    /// The namespace of the release.
    let namespace: String?
    /// Whether the CRDs in its folder `crds` are left out.
    let skipsCRDs: Bool
    /// Whether a lock file says which version a range means.
    var isLocked = false
    /// The Application that takes it, by its number.
    let application: Int

    /// A value by its keys; that of the last file that has one.
    func value(_ keys: [String]) -> Place? { values.reversed().lazy.compactMap { $0.at(keys) }.first }
    /// A value by its keys.
    func value(_ keys: String...) -> Place? { value(keys) }

    /// The version, where it is a whole one.
    var exactVersion: Version? { version?.text.flatMap { Version($0) } }
  }

  /// What is taken from another repository.
  struct Remote: Sendable {
    /// Where it is said.
    let place: Place
    /// The URL, without a revision.
    let url: String
    /// The folder in it.
    let path: String
    /// The revision; nil where none is given.
    let revision: String?
  }

  /// What is named and is not there.
  struct Missing: Sendable {
    enum Kind: String, Sendable {
      case folder, resource, values
    }
    let kind: Kind
    let place: Place
    let path: String
  }

  /// A version as Helm writes them.
  struct Version: Comparable, Sendable {
    let numbers: [Int]

    /// A whole version: three numbers, with or without a `v` before and more behind.
    init?(_ text: String) {
      let bare = text.hasPrefix("v") ? text.dropFirst() : text[...]
      let parts = bare.prefix { $0 != "-" && $0 != "+" }.split(
        separator: ".", omittingEmptySubsequences: false)
      numbers = parts.compactMap { part in part.utf8.allSatisfy { (0x30...0x39) ~= $0 } ? Int(part) : nil }
      guard numbers.count == 3, parts.count == 3 else { return nil }
    }

    init(_ numbers: Int...) { self.numbers = numbers }

    static func < (left: Version, right: Version) -> Bool {
      left.numbers.lexicographicallyPrecedes(right.numbers)
    }
  }

  /// Follows what Applications name, through folders, kustomizations and charts.
  struct Collector {
    let reading: Reading
    let files: [String: [UInt8]]
    let folders: Set<String>
    let ownURL: String?
    let prefix: String
    /// The objects that some Application brings.
    private var claimed: Set<String> = []

    init(
      reading: Reading, files: [String: [UInt8]], folders: Set<String>, ownURL: String?, prefix: String
    ) {
      self.reading = reading
      self.files = files
      self.folders = folders
      self.ownURL = ownURL
      self.prefix = prefix
    }

    /// What an Application brings.
    mutating func contents(of application: Application, at index: Int) -> Contents {
      var contents = Contents(application: index)
      let namespace = application.target?.text
      for source in application.sources {
        if let chart = source.chart {
          contents.charts.append(
            ChartUse(
              place: source.place["chart"] ?? source.place, name: chart.fileName,
              repository: source.url ?? "",
              version: source.place["targetRevision"],
              values: values(of: source, chartFolder: nil, among: application.sources, into: &contents),
              namespace: namespace, skipsCRDs: source.place.at("helm", "skipCrds")?.isTrue == true,
              application: index))
        } else if let ownURL, source.url.map(GitURL.normalised) == ownURL {
          // What only a cluster fills in is not known here.
          guard let place = source.place["path"], let path = place.text, !path.contains("{{") else {
            continue
          }
          guard let folder = inner(path, prefix: prefix) else { continue }
          if folders.contains(folder) {
            add(folder, source, application, into: &contents)
          } else if files[folder] != nil {
            take(folder, namespace, into: &contents)
          } else {
            contents.missing.append(Missing(kind: .folder, place: place, path: path))
          }
        } else if let url = source.url {
          contents.remotes.append(
            Remote(
              place: source.place["targetRevision"] ?? source.place["repoURL"] ?? source.place, url: url,
              path: source.path ?? "", revision: source.revision))
        }
      }
      for place in contents.objects.indices { contents.objects[place].application = index }
      for place in contents.generated.indices { contents.generated[place].application = index }
      return contents
    }

    /// For each file that belongs to kustomizations, the folder of the outermost: what applies it where no Application
    /// brings it.
    mutating func roots() -> [String: String] {
      let claimed = claimed
      defer { self.claimed = claimed }
      var roots: [String: String] = [:]
      for folder in reading.kustomizations.keys.sorted(by: { ($0.count, $0) < ($1.count, $1) }) {
        var contents = Contents(application: -1)
        add(kustomization: folder, nil, into: &contents)
        for object in contents.objects where roots[object.place.file] == nil {
          roots[object.place.file] = folder
        }
      }
      return roots
    }

    /// The objects that no Application brings, and that are no patches.
    func unclaimed() -> [Object] {
      reading.objects.keys.sorted().flatMap { file in
        (reading.objects[file] ?? []).filter { !claimed.contains($0.place.key) }
      }
    }

    /// The folder of an Application, by the tool that Argo CD would take for it.
    private mutating func add(
      _ folder: String, _ source: Source, _ application: Application, into contents: inout Contents
    ) {
      let namespace = application.target?.text
      if source.place["plugin"] != nil { return }
      if reading.kustomizations[folder] != nil {
        add(
          kustomization: folder, source.place.at("kustomize", "namespace")?.text ?? namespace, into: &contents
        )
      } else if let chart = reading.charts[folder] {
        let values = values(of: source, chartFolder: folder, among: application.sources, into: &contents)
        let skipsCRDs = source.place.at("helm", "skipCrds")?.isTrue == true
        add(chart: chart, folder, values, namespace, skipsCRDs: skipsCRDs, into: &contents)
      } else {
        let include = source.place.at("directory", "include")?.text
        let exclude = source.place.at("directory", "exclude")?.text
        let recurses = source.place.at("directory", "recurse")?.isTrue == true
        for file in reading.objects.keys.sorted()
        where recurses ? file.isInside(folder) : file.folder == folder {
          let inner = folder.isEmpty ? file : String(file.dropFirst(folder.count + 1))
          guard include.map(inner.fitsGlob) ?? true, exclude.map(inner.fitsGlob) != true else { continue }
          take(file, namespace, into: &contents)
        }
      }
    }

    private mutating func add(
      chart: Place, _ folder: String, _ values: [Place], _ namespace: String?, skipsCRDs: Bool,
      into contents: inout Contents
    ) {
      let own = (reading.documents[folder.file("values.yaml")] ?? []) + values
      let isLocked = files[folder.file("Chart.lock")] != nil
      for dependency in chart["dependencies"]?.items ?? [] {
        guard let place = dependency["name"], let name = place.text else { continue }
        let key = dependency["alias"]?.text ?? name
        contents.charts.append(
          ChartUse(
            place: place, name: name, repository: dependency["repository"]?.text ?? "",
            version: dependency["version"], values: own.compactMap { $0[key] }, namespace: namespace,
            skipsCRDs: skipsCRDs, isLocked: isLocked, application: contents.application))
      }
      guard !skipsCRDs else { return }
      for file in reading.objects.keys.sorted() where file.isInside(folder.file("crds")) {
        take(file, namespace, into: &contents)
      }
    }

    /// The values that a source gives its chart: files first, then what stands in the Application.
    private func values(
      of source: Source, chartFolder: String?, among sources: [Source], into contents: inout Contents
    ) -> [Place] {
      var values: [Place] = []
      let ignores = source.place.at("helm", "ignoreMissingValueFiles")?.isTrue == true
      for place in source.place.at("helm", "valueFiles")?.items ?? [] {
        guard let text = place.text, !text.contains("://"), !text.contains("{{") else { continue }
        var path: String?
        if text.hasPrefix("$") {
          let reference = text.dropFirst().prefix { $0 != "/" }
          guard let other = sources.first(where: { $0.reference == String(reference) }),
            let ownURL, other.url.map(GitURL.normalised) == ownURL
          else { continue }
          path = inner(String(text.dropFirst(reference.count + 2)), prefix: prefix)
        } else {
          guard let chartFolder else { continue }
          path =
            text.hasPrefix("/") ? inner(String(text.dropFirst()), prefix: prefix) : chartFolder.path(to: text)
        }
        guard let path else { continue }
        if let documents = reading.documents[path] {
          values += documents
        } else if files[path] == nil && !ignores {
          contents.missing.append(Missing(kind: .values, place: place, path: text))
        }
      }
      if let place = source.place.at("helm", "values"), let embedded = embedded(place) {
        values.append(embedded)
      }
      if let place = source.place.at("helm", "valuesObject") { values.append(place) }
      return values + (source.place.at("helm", "parameters")?.items ?? []).compactMap(\.parameter)
    }

    private func embedded(_ place: Place) -> Place? {
      reading.embedded(place) { (files[$0] ?? []).lines }
    }

    /// A kustomization with all it names.
    private mutating func add(
      kustomization folder: String, _ namespace: String?, into contents: inout Contents, depth: Int = 0
    ) {
      // Those that name each other are kustomize's to refuse; here they must only end.
      guard depth < 32, let place = reading.kustomizations[folder] else { return }
      contents.kustomizations.append(place)
      let given = place["namespace"]?.text
      let namespace = given ?? namespace
      let first = contents.objects.count
      let lists = ["resources", "bases", "components", "crds"]
      for item in lists.flatMap({ place[$0]?.items ?? [] }) {
        guard let text = item.text else { continue }
        if text.isRemote {
          contents.remotes.append(Remote(resource: text, at: item))
        } else if let path = folder.path(to: text) {
          if reading.kustomizations[path] != nil {
            add(kustomization: path, namespace, into: &contents, depth: depth + 1)
          } else if files[path] != nil {
            take(path, namespace, into: &contents)
          } else if !folders.contains(path) {
            contents.missing.append(Missing(kind: .resource, place: item, path: text))
          }
        }
      }
      for index in contents.objects.indices[first...] {
        // The transformer goes over what the objects say themselves.
        if let given { contents.objects[index].namespace = given }
      }
      for chart in place["helmCharts"]?.items ?? [] {
        guard let name = chart["name"]?.text else { continue }
        var values = [chart["valuesInline"]].compactMap { $0 }
        if let file = chart["valuesFile"]?.text.flatMap({ folder.path(to: $0) }) {
          values = (reading.documents[file] ?? []) + values
        }
        contents.charts.append(
          ChartUse(
            place: chart["name"] ?? chart, name: name, repository: chart["repo"]?.text ?? "",
            version: chart["version"], values: values, namespace: chart["namespace"]?.text ?? namespace,
            skipsCRDs: chart["includeCRDs"]?.isTrue != true, application: contents.application))
      }
      for kind in ["secretGenerator", "configMapGenerator"] {
        for generator in place[kind]?.items ?? [] {
          contents.generated.append(
            Object(
              generated: generator, kind: kind == "secretGenerator" ? "Secret" : "ConfigMap",
              namespace: namespace))
        }
      }
    }

    /// The objects of a file.
    private mutating func take(_ file: String, _ namespace: String?, into contents: inout Contents) {
      for var object in reading.objects[file] ?? [] {
        claimed.insert(object.place.key)
        object.namespace = object.namespace ?? namespace
        contents.objects.append(object)
      }
    }
  }
}

extension Repository.Object {
  /// A Secret or ConfigMap that kustomize makes.
  init(generated place: Repository.Place, kind: String, namespace: String?) {
    self.place = place
    self.kind = kind
    group = ""
    name = place["name"]?.text ?? ""
    self.namespace = place["namespace"]?.text ?? namespace
  }
}

extension Repository.Remote {
  /// A resource of a kustomization that is a URL: the revision is in its query, or in the path of a file's URL.
  init(resource text: String, at place: Repository.Place) {
    let parts = text.parts(between: "?")
    let query = parts.dropFirst().joined(separator: "?").parts(between: "&")
    var revision = query.first { $0.hasPrefix("ref=") || $0.hasPrefix("version=") }.map {
      String($0.drop { $0 != "=" }.dropFirst())
    }
    let path = parts[0].parts(between: "/")
    // raw.githubusercontent.com/OWNER/NAME/REVISION/…, perhaps with refs/heads or refs/tags before the revision
    if let host = path.firstIndex(of: "raw.githubusercontent.com"), path.count > host + 3 {
      let isLong = path[host + 3] == "refs" && path.count > host + 5
      revision = path[host + (isLong ? 5 : 3)]
    }
    // github.com/OWNER/NAME/releases/download/REVISION/… and …/releases/latest/download/…
    if let releases = path.firstIndex(of: "releases"), path.count > releases + 2 {
      revision = path[releases + 1] == "download" ? path[releases + 2] : path[releases + 1]
    }
    self.init(place: place, url: parts[0], path: "", revision: revision)
  }
}

extension String {
  /// Whether a resource of a kustomization is fetched from elsewhere.
  fileprivate var isRemote: Bool {
    contains("://") || hasPrefix("git@") || contains("?ref=")
      || ["github.com/", "gitlab.com/", "bitbucket.org/"].contains(where: hasPrefix)
  }

  /// Whether a file lies in a folder or below it.
  func isInside(_ folder: String) -> Bool { folder.isEmpty || hasPrefix(folder + "/") }
}
