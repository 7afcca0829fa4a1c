import Diagnostics
import YAML

extension Repository {
  /// Follows what Applications name, through folders, kustomizations and charts.
  struct Collector {
    let reading: Reading
    let files: [String: [UInt8]]
    let folders: Set<String>
    let ownURL: String?
    let prefix: String
    /// The objects that some Application brings.
    private var claimed: Set<String> = []
    /// The files of which kustomize builds something that an Application brings.
    private(set) var kustomized: Set<String> = []
    /// Keys that are given again in values that stand in other objects, by their files.
    private(set) var repeated: [String: [YAML.RepeatedKey]] = [:]
    /// The lines of files that were asked for.
    private var lines: [String: [Substring]] = [:]

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
            contents.isOpen = contents.isOpen || source.reference == nil
            continue
          }
          guard let folder = inner(path, prefix: prefix) else {
            contents.isOpen = true
            continue
          }
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
      contents.charts += charts(of: contents.objects)
      for place in contents.generated.indices { contents.generated[place].application = index }
      return contents
    }

    /// For each file that belongs to kustomizations, the folder of the outermost: what applies it where no Application
    /// brings it.
    mutating func roots() -> [String: String] {
      let (claimed, kustomized) = (claimed, kustomized)
      defer { (self.claimed, self.kustomized) = (claimed, kustomized) }
      var roots: [String: String] = [:]
      var seen: Set<String> = []
      for folder in reading.kustomizations.keys.sorted(by: { ($0.count, $0) < ($1.count, $1) })
      where !seen.contains(folder) {
        var contents = Contents(application: -1)
        add(kustomization: folder, nil, into: &contents)
        // What is part of another has nothing that the other does not have.
        seen.formUnion(contents.kustomizations.map(\.file.folder))
        for object in contents.objects where roots[object.place.file] == nil {
          roots[object.place.file] = folder
        }
      }
      return roots
    }

    /// The objects that no Application brings, without patches.
    func unclaimed() -> [Object] {
      reading.objectFiles.flatMap { file in
        (reading.objects[file] ?? []).filter { !claimed.contains($0.place.key) }
      }
    }

    /// The charts of K3s' HelmCharts among objects.
    mutating func charts(of objects: [Object]) -> [ChartUse] {
      objects.compactMap { object in
        guard object.kind == "HelmChart", object.group == "helm.cattle.io",
          let chart = object.place.at("spec", "chart"), let name = chart.text
        else { return nil }
        var values: [Place] = []
        if let place = object.place.at("spec", "valuesContent"), let embedded = embedded(place) {
          values.append(embedded)
        }
        values += (object.place.at("spec", "set")?.entries ?? []).compactMap { $0.value.under($0.key) }
        return ChartUse(
          place: chart, name: name.fileName, repository: object.place.at("spec", "repo")?.text ?? "",
          version: object.place.at("spec", "version"), values: values,
          namespace: object.place.at("spec", "targetNamespace")?.text ?? object.namespace, skipsCRDs: false,
          application: object.application, isDeferred: true)
      }
    }

    /// The folder of an Application, by the tool that Argo CD would take for it.
    private mutating func add(
      _ folder: String, _ source: Source, _ application: Application, into contents: inout Contents
    ) {
      let namespace = application.target?.text
      if source.place["plugin"] != nil {
        contents.isOpen = true
        return
      }
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
        let files =
          recurses
          ? reading.objectFiles(below: folder) : reading.objectFilesByFolder[folder, default: []][...]
        for file in files {
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
      for file in reading.objectFiles(below: folder.file("crds")) { take(file, namespace, into: &contents) }
    }

    /// The values that a source gives its chart: files first, then what stands in the Application.
    private mutating func values(
      of source: Source, chartFolder: String?, among sources: [Source], into contents: inout Contents
    ) -> [Place] {
      var values: [Place] = []
      let ignores = source.place.at("helm", "ignoreMissingValueFiles")?.isTrue == true
      for place in source.place.at("helm", "valueFiles")?.items ?? [] {
        guard let text = place.text, !text.contains("://"), !text.contains("{{") else { continue }
        var path: String?
        if text.hasPrefix("$") {
          let reference = text.dropFirst().prefix { $0 != "/" }
          guard let other = sources.first(where: { $0.reference == String(reference) }) else {
            // Argo CD puts variables of its own into paths (its documentation, "Build Environment").
            if !reference.hasPrefix("ARGOCD_"), !reference.hasPrefix("{"), !reference.isEmpty {
              contents.missing.append(Missing(kind: .reference, place: place, path: String(reference)))
            }
            continue
          }
          guard let ownURL, other.url.map(GitURL.normalised) == ownURL else { continue }
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

    private mutating func embedded(_ place: Place) -> Place? {
      let lines = lines[place.file] ?? (files[place.file] ?? []).lines
      self.lines[place.file] = lines
      guard let (embedded, repeated) = reading.embedded(place, lines: lines) else { return nil }
      if !repeated.isEmpty { self.repeated[place.file, default: []] += repeated }
      return embedded
    }

    /// A kustomization with all it names.
    private mutating func add(
      kustomization folder: String, _ namespace: String?, into contents: inout Contents, depth: Int = 0
    ) {
      // Those that name each other are kustomize's to refuse; here they must only end.
      guard depth < 32, let place = reading.kustomizations[folder] else { return }
      contents.kustomizations.append(place)
      kustomized.insert(place.file)
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
            kustomized.insert(path)
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
