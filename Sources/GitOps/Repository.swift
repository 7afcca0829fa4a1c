public import Diagnostics
import YAML

/// A folder of manifests as Argo CD would read it: its Applications, what each of them brings into the cluster, and what
/// could not be read.
///
/// It is read from memory and without a cluster. Helm charts that are fetched from elsewhere are known by their names
/// alone; templates of Helm charts in the folder are not expanded.
public struct Repository: Sendable {
  /// The files by their paths in the folder.
  let files: [String: [UInt8]]
  /// The folders, by their paths; the repository itself is the empty path.
  let folders: Set<String>
  /// Why the other YAML files could not be read; those that hold template tags are not among them.
  let unreadable: [String: Report]
  /// Kustomizations beside another one in the same folder.
  let secondKustomizations: [Place]
  /// How many YAML files were left out because they are templates.
  public let templates: Int
  /// The templates of Helm charts in which Applications stand.
  let applicationTemplates: [String]
  /// Keys that stand in a mapping again, by their files.
  let repeated: [String: [YAML.RepeatedKey]]
  /// The files that kustomize builds for some Application.
  let kustomized: Set<String>
  /// The Applications, by file and place; those that an ApplicationSet generates stand where it does.
  let applications: [Application]
  /// What each Application brings, in the order of ``applications``.
  let contents: [Contents]
  /// The API groups whose CRDs each Application brings, in the order of ``applications``.
  let provided: [Set<String>]
  /// The Applications that bring the CRDs of a group, the earliest wave first.
  let providers: [String: [Int]]
  /// Charts of K3s' HelmCharts that no Application brings.
  let looseCharts: [ChartUse]
  /// What Applications need of each other: what they declare, and what the manifests show. One edge for each pair, the
  /// first reason found.
  private(set) var edges: [Edge] = []
  /// Every object: those of Applications with the namespace they get there, then those that no Application brings.
  let objects: [Object]
  /// The URL under which the Applications know this repository; nil where they do not.
  let ownURL: String?
  /// The folder of the repository that the files were read from, as the Applications' paths begin.
  let prefix: String
  /// What is in the cluster already.
  let bootstrap: Bootstrap

  /// Reads a repository.
  ///
  /// - Parameters:
  ///   - files: the files by their paths, which are relative and use `/`.
  ///   - url: the URL under which the Applications know it, where that is known; otherwise it is the one most of whose
  ///     paths are there.
  ///   - bootstrap: what is in the cluster before Argo CD reads it.
  public init(_ files: [String: [UInt8]], url: String? = nil, bootstrap: Bootstrap = .unknown) {
    self.files = files
    self.bootstrap = bootstrap
    folders = Set(files.keys.flatMap(\.foldersAbove)).union([""])
    let reading = Reading(files)
    unreadable = reading.unreadable
    secondKustomizations = reading.secondKustomizations
    templates = reading.templates
    applicationTemplates = reading.applicationTemplates
    let found = Self.applications(in: reading, folders: folders)
    let own = Self.own(of: found, in: reading, url: url, files: files, folders: folders)
    ownURL = own.url
    prefix = own.prefix

    var collector = Collector(
      reading: reading, files: files, folders: folders, ownURL: own.url, prefix: own.prefix)
    let contents = found.indices.map { collector.contents(of: found[$0], at: $0) }
    let parents = Self.parents(contents, of: found)
    let roots = collector.roots()
    applications = found.map { application in
      var application = application
      application.parent = parents[application.place.key]
      application.scope =
        application.parent.map { "the contents of \($0)" } ?? roots[application.place.file]
        ?? application.place.file.folder
      return application
    }
    self.contents = contents
    let provided = contents.map(\.provides)
    self.provided = provided
    var providers: [String: [Int]] = [:]
    for (index, groups) in provided.enumerated() {
      for group in groups { providers[group, default: []].append(index) }
    }
    let waves = applications.map(\.wave)
    self.providers = providers.mapValues { $0.sorted { (waves[$0], $0) < (waves[$1], $1) } }
    let unclaimed = collector.unclaimed()
    looseCharts = collector.charts(of: unclaimed)
    objects = contents.flatMap(\.objects) + unclaimed
    repeated = reading.repeated.merging(collector.repeated) { $0 + $1 }
    kustomized = collector.kustomized
    edges = findEdges()
  }

  /// By the place of an Application, the one that brings it.
  private static func parents(_ contents: [Contents], of applications: [Application]) -> [String: Int] {
    var parents: [String: Int] = [:]
    for content in contents {
      // A root whose folder it lies in brings itself.
      let own = applications[content.application].place.key
      for object in content.objects
      where object.group == "argoproj.io" && object.kind.hasPrefix("Application") && object.place.key != own {
        parents[object.place.key] = parents[object.place.key] ?? content.application
      }
    }
    return parents
  }

  /// Why there is nothing to check; nil where there is some Application.
  ///
  /// - Parameter source: what the finding calls the folder.
  public func absence(_ source: String) -> Diagnostic? {
    guard applications.isEmpty else { return nil }
    guard let first = applicationTemplates.first else {
      return .error(
        "no-applications", at: Location(source: source),
        "no Argo CD Application or ApplicationSet is in this folder",
        help: "name the folder that argocd-root follows, or the repository that it is in")
    }
    let chart = first.foldersAbove.last { $0.fileName == "templates" }?.folder ?? ""
    let count = applicationTemplates.count
    let path = chart.isEmpty ? source : "\(source)/\(chart)"
    return .error(
      "no-applications", at: Location(source: source),
      "its Applications stand in \(count.counted("template")) of a Helm chart, which \(count == 1 ? "is" : "are") not expanded, such as \(first)",
      help: "render it first (helm template \(path) >out/applications.yaml), and check the result")
  }

  /// What was read, in numbers.
  public var summary: String {
    let parts = [applications.count.counted("Application"), objects.count.counted("object")]
    let left = templates == 0 ? [] : ["\(templates.counted("template")) left out"]
    return (parts + left).joined(separator: ", ")
  }

  /// The Applications with what each of them brings.
  var pairs: [(application: Application, contents: Contents)] { Array(zip(applications, contents)) }

  /// All charts that are used.
  var charts: [ChartUse] { contents.flatMap(\.charts) + looseCharts }

  /// Whether nothing is brought that is not known here: by templates, charts and repositories that were not read.
  var isWhole: Bool { templates == 0 && !contents.contains(where: \.isOpaque) }

  /// The objects of a kind.
  func objects(_ kind: String, of group: String) -> [Object] {
    objects.filter { $0.kind == kind && $0.group == group }
  }

  /// The path in the folder of a path that an Application names; nil where it is outside of the folder.
  func inner(_ path: String) -> String? { Self.inner(path, prefix: prefix) }

  /// Whether a source is this repository.
  func isOwn(_ source: Source) -> Bool {
    source.chart == nil && ownURL != nil && source.url.map(GitURL.normalised) == ownURL
  }
}

extension Repository.Place {
  /// What tells two places apart.
  var key: String { "\(file):\(node.mark.line):\(node.mark.column)" }
}

extension [UInt8] {
  /// The lines of a text, without their ends.
  var lines: [Substring] {
    String(decoding: self, as: UTF8.self).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }
}

extension String {
  /// The folders that a path lies in, the outermost first, without the repository itself.
  package var foldersAbove: [String] {
    let parts = parts(between: "/")
    return parts.indices.dropFirst().map { parts[..<$0].joined(separator: "/") }
  }

  /// The folder that a path lies in; empty for the repository itself.
  var folder: String { foldersAbove.last ?? "" }

  /// The name of a file without its folder.
  var fileName: String { parts(between: "/").last ?? self }

  /// A path from this folder, with `.` and `..` resolved; nil where it leads out of the repository.
  func path(to other: String) -> String? {
    var parts = isEmpty ? [] : parts(between: "/")
    for part in other.parts(between: "/") where part != "." && !part.isEmpty {
      if part == ".." {
        guard parts.popLast() != nil else { return nil }
      } else {
        parts.append(part)
      }
    }
    return parts.joined(separator: "/")
  }

  /// Whether it names a YAML file.
  var isYAML: Bool { hasSuffix(".yaml") || hasSuffix(".yml") }
}
