public import Diagnostics
public import Plan
public import Templates
import UserData
import YAML

/// The App-of-Apps tree as files: what `argocd-root` follows.
public struct Tree: Sendable {
  /// One file of the tree.
  public struct File: Hashable, Sendable {
    /// Its path below the tree's folder.
    public var path: String
    /// What it holds.
    public var bytes: [UInt8]
  }

  /// The files in the order of their paths.
  public let files: [File]
  /// The Applications and what each waits for.
  public let graph: ApplicationGraph

  /// Renders the tree of a plan.
  ///
  /// Every template below `gitops/` becomes the file of the same path, unless it expands to nothing or belongs to an
  /// Application that the plan leaves out. A template that is a list gives a file of several documents. The comment
  /// that a template begins with stands in the file, too.
  ///
  /// - Throws: a report of every error in the templates.
  public init(_ plan: GitOpsPlan, templates: TemplateSet = TemplateSet()) throws(Report) {
    let graph = plan.graph
    let names = templates.names.filter { $0.hasPrefix(Self.folder) }
    let absent = CatalogueEntry.all.filter { !$0.isPresent(in: plan) }.compactMap(\.folder)
    let context = Context(plan, graph: graph, templates: names)
    var expander = Expander(templates)
    var files: [File] = []
    var report = Report()
    for name in names {
      let path = String(name.dropFirst(Self.folder.count))
      guard !absent.contains(where: { path.hasPrefix("\($0)/") }) else { continue }
      let field = report.collect { () throws(Report) in try expander.expandIfAny(name, with: context) }
      guard case let field?? = field else { continue }
      let documents: [Field] = if case .sequence(let items) = field.content { items } else { [field] }
      guard !documents.isEmpty else { continue }
      var bytes = templates.leadingComment(of: name)
      for (index, document) in documents.enumerated() {
        if index > 0 { bytes += Array("---\n".utf8) }
        bytes += YAML.emit(document.node(.revealed))
      }
      files.append(File(path: path, bytes: bytes))
    }
    report.removeRepetitions()
    try report.throwIfErrors()
    self.init(files: files, graph: graph)
  }

  init(files: [File], graph: ApplicationGraph) {
    self.files = files
    self.graph = graph
  }

  /// Where the tree's templates lie.
  private static let folder = "gitops/"
}

extension TemplateSet {
  /// The comment lines that a template begins with.
  fileprivate func leadingComment(of name: String) -> [UInt8] {
    let lines = (text(of: name) ?? []).split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return Array(lines.prefix { $0.first == UInt8(ascii: "#") }.flatMap { $0 + [UInt8(ascii: "\n")] })
  }
}
