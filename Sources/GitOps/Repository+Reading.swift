import Diagnostics
import YAML

extension Repository {
  /// The files of a repository, read as YAML where they are.
  struct Reading: Sendable {
    private(set) var documents: [String: [Place]] = [:]
    private(set) var unreadable: [String: Report] = [:]
    private(set) var templates = 0
    /// The templates of Helm charts in which Applications stand, in the order of their paths.
    private(set) var applicationTemplates: [String] = []
    /// Keys that stand in a mapping again, by their files.
    private(set) var repeated: [String: [YAML.RepeatedKey]] = [:]
    /// The folders that are Helm charts, with their `Chart.yaml`.
    private(set) var charts: [String: Place] = [:]
    /// By their folders; of several in one folder the first by name.
    private(set) var kustomizations: [String: Place] = [:]
    /// The others.
    private(set) var secondKustomizations: [Place] = []
    /// The objects of each file as they stand there.
    private(set) var objects: [String: [Object]] = [:]
    /// The files with objects, in the order of their paths.
    private(set) var objectFiles: [String] = []
    /// The same by the folder that they lie in.
    private(set) var objectFilesByFolder: [String: [String]] = [:]
    /// Files whose documents are parts of objects, or no objects at all: patches and values.
    private(set) var partial: Set<String> = []

    /// More than in any repository: ten times the objects of a cluster.
    private static let mostNodes = 3_000_000

    init(_ files: [String: [UInt8]]) {
      let chartFolders = files.keys.filter { $0.fileName == "Chart.yaml" }.map(\.folder)
      let templateFolders = Set(chartFolders.map { $0.file("templates") })
      var left = Self.mostNodes
      for (file, bytes) in files.sorted(by: { $0.key < $1.key }) where file.isYAML || file.isKustomization {
        guard left > 0 else {
          unreadable[file] = Report([
            .error(
              "yaml-size", at: Location(source: file),
              "not read: the files before it have more than \(Self.mostNodes) nodes once their aliases are expanded"
            )
          ])
          continue
        }
        if file.foldersAbove.contains(where: templateFolders.contains) {
          templates += 1
          if bytes.holdsApplication { applicationTemplates.append(file) }
          continue
        }
        do throws(Report) {
          let (nodes, repeated) = try YAML.parseLastWins(bytes, source: file)
          if !repeated.isEmpty { self.repeated[file] = repeated }
          left -= nodes.reduce(0) { $0 + $1.count }
          // Kubernetes has no tags of its own: what has some is expanded by somebody before it is applied.
          guard !nodes.contains(where: \.hasTag) else {
            templates += 1
            continue
          }
          documents[file] = nodes.map { Place($0.merged, file: file) }
        } catch {
          // A template of some other tool is no mistake, and no manifest either.
          let text = String(decoding: bytes, as: UTF8.self)
          if text.contains("{{") || text.contains("{%") { templates += 1 } else { unreadable[file] = error }
        }
      }
      applicationTemplates.sort()
      for folder in chartFolders { charts[folder] = documents[folder.file("Chart.yaml")]?.first }
      for (file, places) in documents.sorted(by: { $0.key < $1.key }) where file.isKustomization {
        if kustomizations[file.folder] == nil {
          kustomizations[file.folder] = places.first
        } else {
          secondKustomizations += places.prefix(1)
        }
      }
      for place in kustomizations.values { partial.formUnion(Self.patchFiles(of: place)) }
      for (file, places) in documents where !partial.contains(file) {
        objects[file] = places.flatMap(Self.objects)
      }
      objectFiles = objects.keys.sorted()
      objectFilesByFolder = Dictionary(grouping: objectFiles, by: \.folder)
    }

    /// The files with objects that lie in a folder or below it, in the order of their paths.
    func objectFiles(below folder: String) -> ArraySlice<String> {
      guard !folder.isEmpty else { return objectFiles[...] }
      // All that begin with a text stand together in the order of their bytes.
      let start = objectFiles.partition { $0 >= "\(folder)/" }
      let end = objectFiles.partition { $0 >= "\(folder)0" }
      return objectFiles[start..<end]
    }

    /// The objects of a document: one, those of a list, or none.
    private static func objects(in place: Place) -> [Object] {
      if place["kind"]?.text?.hasSuffix("List") == true, let items = place["items"] {
        return items.items.flatMap(objects)
      }
      return place.isKustomization ? [] : Object(place).map { [$0] } ?? []
    }

    /// The files that a kustomization names and that are no objects of their own.
    private static func patchFiles(of place: Place) -> [String] {
      let folder = place.file.folder
      let listed = (place["patchesStrategicMerge"]?.items ?? []).compactMap(\.text)
      let patches = (place["patches"]?.items ?? []) + (place["patchesJson6902"]?.items ?? [])
      let values = (place["helmCharts"]?.items ?? []).compactMap { $0["valuesFile"]?.text }
      return (listed + patches.compactMap { $0["path"]?.text } + values).compactMap { folder.path(to: $0) }
    }

    /// A text that is YAML itself, such as the values of a chart, with its values where they stand in the file, and the
    /// keys that are given again in it.
    func embedded(
      _ place: Place, lines: [Substring]
    ) -> (place: Place, repeated: [YAML.RepeatedKey])? {
      guard let text = place.node.string,
        let (documents, repeated) = try? YAML.parseLastWins(Array(text.utf8), source: place.file),
        let node = documents.first
      else { return nil }
      let mark = place.node.mark
      let header =
        mark.line <= lines.count ? lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1).first : nil
      guard header == "|", let first = lines.dropFirst(mark.line).first(where: { $0.contains { $0 != " " } })
      else {
        let moved = repeated.map { key in
          var key = key
          (key.mark, key.first) = (mark, mark)
          return key
        }
        return (place.holding(node.standing(at: mark)), moved)
      }
      let columns = first.prefix { $0 == " " }.count
      let moved = repeated.map { key in
        var key = key
        key.mark = key.mark.shifted(lines: mark.line, columns: columns)
        key.first = key.first.shifted(lines: mark.line, columns: columns)
        return key
      }
      return (place.holding(node.shifted(lines: mark.line, columns: columns)), moved)
    }
  }

  /// One Kubernetes object of the repository.
  struct Object: Sendable {
    /// The whole of it.
    let place: Place
    /// Its API group; empty for Kubernetes' own oldest one.
    let group: String
    /// Its kind.
    let kind: String
    /// Its name; empty where a generated one is asked for.
    let name: String
    /// The namespace it gets; nil where it says none and whoever applies it decides.
    var namespace: String?
    /// The Application that brings it, by its number; nil where none does.
    var application: Int?

    /// A document that has an API version and a kind.
    init?(_ place: Place) {
      guard let version = place["apiVersion"]?.text, let kind = place["kind"]?.text else { return nil }
      self.place = place
      self.kind = kind
      group = version.contains("/") ? version.parts(between: "/")[0] : ""
      name = place.at("metadata", "name")?.text ?? ""
      namespace = place.at("metadata", "namespace")?.text
    }

    /// What people call it: `HTTPRoute docs`.
    var title: String { "\(kind) \(name)" }

    /// An annotation.
    func annotation(_ name: String) -> Place? { place.at("metadata", "annotations", name) }
  }
}

extension [String] {
  /// Where, in a sorted list, what fits begins: everything before does not fit, and everything from there on does.
  fileprivate func partition(_ fits: (String) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if fits(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

extension [UInt8] {
  /// Whether a line says that it is an Application, or a set of them.
  fileprivate var holdsApplication: Bool {
    String(decoding: self, as: UTF8.self).holds("kind: Application")
  }
}

extension Node {
  /// How many nodes there are in it, itself among them.
  fileprivate var count: Int {
    switch value {
    case .mapping(let entries): entries.reduce(1) { $0 + $1.value.count }
    case .sequence(let items): items.reduce(1) { $0 + $1.count }
    default: 1
    }
  }
}

extension Repository.Place {
  fileprivate var isKustomization: Bool {
    self["apiVersion"]?.text?.hasPrefix("kustomize.config.k8s.io/") == true
  }
}

extension String {
  fileprivate var isKustomization: Bool {
    ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains(fileName)
  }

  /// A file of this folder.
  func file(_ name: String) -> String { isEmpty ? name : "\(self)/\(name)" }
}
