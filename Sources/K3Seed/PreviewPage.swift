import Diagnostics
import GitOps
import Page
import Plan
import UserData
import Validation

/// The preview of a node as a page, the sibling of the verifier's report: what that shows of a boot that was, this shows
/// of one that will be.
struct PreviewPage {
  /// What the cluster is handed over to.
  struct GitOps {
    let repository, path, revision: String
    /// The Applications of the tree; nil where something is missing that the tree needs.
    let graph: ApplicationGraph?
    /// What is missing.
    let missing: [String]
  }

  let preview: Preview
  let findings: Report
  let gitOps: GitOps?

  var html: String {
    Page(
      title: "\(preview.title) · \(preview.cluster) · k3seed preview", tone: "preview",
      style: EmbeddedFiles.all.first { $0.name == "preview.css" }?.text ?? "", header: header,
      sections: sections,
      footer:
        "Written by <code>k3seed preview</code>. The page is whole: it loads nothing, and holds no secret."
    ).html
  }

  private var sections: [Page.Section] {
    var sections = [
      Page.Section(id: "boot", title: "At boot, in order", content: timeline),
      Page.Section(id: "files", title: "Files", content: files),
      Page.Section(id: "secrets", title: "Secrets", content: secrets),
      Page.Section(id: "size", title: "Size", content: sizes),
    ]
    if let gitOps {
      sections.append(Page.Section(id: "gitops", title: "GitOps", content: Self.graph(gitOps)))
    }
    let found = Page.Section(id: "findings", title: "Findings", content: findingPanels)
    // What wants to be looked at comes first.
    sections.insert(found, at: findings.diagnostics.isEmpty ? sections.count : 0)
    return sections
  }

  // MARK: The header

  private var header: Markup {
    let name = preview.title == preview.role.rawValue ? "" : "\(preview.title) "
    let own = preview.sizes.first
    return """
      <div class="headline">
      <span class="mark">\(Markup.icon("power"))</span>
      <div>
      <h1><bdi>\(name)</bdi><strong>\(preview.role.rawValue)</strong> of <bdi>\(preview.cluster)</bdi></h1>
      <p>What its first boot will do: K3s \(preview.k3sVersion), delivered to \(preview.platform.rawValue).</p>
      </div>
      </div>
      <dl class="facts tiles">
      \(tile("boot", "Boot", preview.steps.count.counted("step"), latest.map { "the bootstrap ends within \($0.time)" }))\
      \(tile("files", "Files", "\(preview.files.count)", preview.files.reduce(0) { $0 + $1.bytes }.counted("byte")))\
      \(tile("secrets", "Secrets", "\(preview.secrets.count)", secretTally))\
      \(own.map { tile("size", "Size", "\($0.counted * 100 / $0.limit) %", "of what \($0.platform.rawValue) takes") })\
      \(tile("findings", "Findings", findings.diagnostics.isEmpty ? "none" : "\(findings.diagnostics.count)", findingTally))</dl>

      """
  }

  private func tile(_ section: String, _ name: String, _ value: String, _ detail: String?) -> Markup {
    """
    <div><dt><a href="#\(section)">\(name)</a></dt><dd><strong>\(value)</strong>\
    \(detail.map { " <span>\($0)</span>" })</dd></div>

    """
  }

  private var secretTally: String {
    let literal = preview.secrets.count { $0.isLiteral }
    let counts = [(literal, "in user-data"), (preview.secrets.count - literal, "in OCI Vault")]
    let parts = counts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return parts.isEmpty ? "this node needs none" : parts.joined(separator: ", ")
  }

  private var findingTally: String {
    let severities: [Diagnostic.Severity] = [.error, .warning, .note]
    let parts = severities.compactMap { severity -> String? in
      let count = findings.diagnostics.count { $0.severity == severity }
      return count == 0 ? nil : count.counted(severity.rawValue)
    }
    return parts.isEmpty ? "in inputs, templates and result" : parts.joined(separator: ", ")
  }

  // MARK: At boot

  /// The sum of all deadlines in seconds: when the bootstrap has ended, well or not.
  private var latest: Int? {
    let sum = preview.steps.reduce(0) { $0 + ($1.promise?.deadline ?? 0) }
    return sum > 0 ? sum : nil
  }

  private var timeline: Markup {
    let axis = Axis(to: Double(latest ?? 60) / 60, unit: "min")
    var start = 0
    let rows = preview.steps.enumerated().map { index, step -> (isStage: Bool, markup: Markup) in
      defer { start += step.promise?.deadline ?? 0 }
      return (step.isStage, Self.row(step, number: index + 1, start: start, axis))
    }
    return """
      <div class="panel">
      <table class="waterfall timeline" role="table" style="\(axis.grid)">
      <thead role="rowgroup"><tr role="row"><th class="step" scope="col" role="columnheader">Step</th>\
      <th class="does" scope="col" role="columnheader">What it does</th>\
      <th class="within" scope="col" role="columnheader">Within</th>\
      <th class="exit" scope="col" role="columnheader">Exit code</th>\
      <th class="again" scope="col" role="columnheader">After a power cut</th>\
      <th class="bars" scope="col" role="columnheader">\(axis.markup("Minutes since the bootstrap began, at the latest"))</th></tr></thead>
      \(group("cloud-init", "cloud-init", rows.filter { !$0.isStage }.map(\.markup)))\
      \(group("bootstrap", "the bootstrap, in k3seed-bootstrap.service", rows.filter(\.isStage).map(\.markup)))</table>
      </div>
      \(latest == nil ? nil : Self.note)
      """
  }

  private static let note: Markup = """
    <p class="muted note">A stage that fails is tried again until its time is over; then the bootstrap ends with the exit \
    code. The bars are where each stage may be at the latest: as a rule, all of it takes a small part of that.</p>

    """

  private func group(_ name: String, _ title: String, _ rows: [Markup]) -> Markup? {
    guard !rows.isEmpty else { return nil }
    return """
      <tbody class="\(name)" role="rowgroup">
      <tr class="group" role="row"><th colspan="6" scope="rowgroup" role="rowheader">\(title)</th></tr>
      \(rows, each: { $0 })</tbody>

      """
  }

  private static func row(_ step: Preview.Step, number: Int, start: Int, _ axis: Axis) -> Markup {
    let minutes = Double(start) / 60
    let bar = step.promise.map { axis.bar(from: minutes, to: minutes + Double($0.deadline) / 60) }
    return """
      <tr role="row"><th class="step" scope="row" role="rowheader"><span class="dot">\(number)</span> <code>\(step.name)</code></th>\
      <td class="does" role="cell">\(step.text)</td>\
      \(cell("within", "within", step.promise.map { $0.deadline.time }))\
      \(cell("exit", "exit code", step.promise.map { "\($0.temporaryExitCode) or \($0.permanentExitCode)" }))\
      \(cell("again", "after a power cut", step.promise.map { $0.isKept ? "kept" : "done again" }))\
      <td class="bars" role="cell">\(bar)</td></tr>

      """
  }

  /// A cell that on a narrow screen, where columns are lines, says what it is.
  private static func cell(_ column: String, _ what: String, _ value: String?) -> Markup {
    guard let value else { return "<td class=\"\(column) none\" role=\"cell\"></td>" }
    return "<td class=\"\(column)\" role=\"cell\"><span class=\"what\">\(what) </span>\(value)</td>"
  }

  // MARK: Files

  private var files: Markup {
    let tree = FileTree(preview.files)
    return preview.files.isEmpty
      ? "<p>None is written.</p>\n" : "<div class=\"panel\">\n\(Self.list(tree))</div>\n"
  }

  private static func list(_ tree: FileTree) -> Markup {
    """
    <ul class="tree">
    \(tree.folders, each: { """
      <li><p class="folder">\(Markup.icon("folder")) <code>\($0.name)/</code></p>
      \(list($0.tree))</li>

      """ })\(tree.files, each: { "<li>\(file($0.name, $0.file, isOpen: $0.isFirst))</li>\n" })</ul>

    """
  }

  private static func file(_ name: String, _ file: Preview.File, isOpen: Bool) -> Markup {
    let isSecret = file.content.hasPrefix("<secret:")
    let language = Code.Language(path: file.path, content: file.content)
    let reader: String? =
      switch file.reader {
      case "write_files": nil
      case "bootstrap": "the bootstrap"
      case "record": "for people"
      default: "for \(file.reader)"
      }
    let details = [isSecret ? "secret" : language.rawValue, reader ?? ""]
    return """
      <details\(isOpen ? " open" as Markup : nil)>
      <summary>\(Markup.icon(isSecret ? "lock" : "file")) <code>\(name)</code> \
      <span class="about"><span>\(file.mode)</span> <span>\(file.bytes.counted("byte"))</span>\
      \(details, each: { " <span>\($0)</span>" })</span></summary>
      \(file.content.isEmpty ? "<p class=\"muted\">The file is empty.</p>" : Code(file.content, in: language).markup)
      </details>
      """
  }

  // MARK: Secrets

  private var secrets: Markup {
    guard !preview.secrets.isEmpty else { return "<p>This node needs none.</p>\n" }
    let literal = preview.secrets.contains { $0.isLiteral }
    return """
      <div class="panel">
      <table class="plain" role="table">
      <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Input</th>\
      <th scope="col" role="columnheader">Where the value is</th>\
      <th scope="col" role="columnheader">What is known of it here</th></tr></thead>
      <tbody role="rowgroup">
      \(preview.secrets, each: { """
      <tr role="row"><th scope="row" role="rowheader"><code>\($0.name)</code></th>\
      <td role="cell" class="\($0.isLiteral ? "literal" : "reference")">\(Markup.icon($0.isLiteral ? "file" : "vault")) \
      \($0.isLiteral ? "in user-data" : "in OCI Vault")</td>\
      <td role="cell"><code>\($0.shown)</code></td></tr>

      """ })</tbody>
      </table>
      </div>
      \(literal ? """
      <p class="muted note">A fingerprint is the same as long as the value is, and tells nothing else of it. What is in \
      user-data can be read by every process on the node that reaches the metadata service.</p>

      """ as Markup : nil)
      """
  }

  // MARK: Size

  private var sizes: Markup {
    let axis = Axis(to: 100, unit: "%")
    let (plain, payload) = preview.bytes
    return """
      <p class="lead"><strong>\(payload.grouped)</strong> bytes\(plain == payload ? "" : ", gzip of \(plain.grouped)"). \
      Every platform counts in its own way.\(digest)</p>
      <div class="panel">
      <table class="waterfall sizes" role="table" style="\(axis.grid)">
      <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Platform</th>\
      <th class="counts" scope="col" role="columnheader">It counts</th>\
      <th class="counted" scope="col" role="columnheader">Counted</th>\
      <th class="limit" scope="col" role="columnheader">Its limit</th>\
      <th class="bars" scope="col" role="columnheader">\(axis.markup("Percent of the limit"))</th></tr></thead>
      <tbody role="rowgroup">
      \(preview.sizes, each: { self.row($0, axis) })</tbody>
      </table>
      </div>
      \(preview.sizes.contains { $0.counted > $0.limit } ? Self.compression : nil)
      """
  }

  private var digest: Markup {
    if let sha256 = preview.sha256 { return " SHA-256 <code>\(sha256)</code>." }
    return " The SHA-256 is not shown: it would confirm guesses of the secrets within."
  }

  private static let compression: Markup = """
    <p class="muted note">Rendered for a platform whose limit this is over, it is compressed where the platform takes \
    that.</p>

    """

  private func row(_ size: Preview.Size, _ axis: Axis) -> Markup {
    let isOver = size.counted > size.limit
    // What another platform would not take is no fault of this one's user-data.
    let kind = size.platform == preview.platform ? "own" : isOver ? "over" : "other"
    let flag: Markup? =
      isOver
      ? " <span class=\"beyond\">\((size.counted - size.limit).grouped) over</span>"
      : nil
    let own: Markup? = size.platform == preview.platform ? " <span class=\"chip\">this one</span>" : nil
    let bar = axis.bar(
      from: 0, to: Double(size.counted) * 100 / Double(size.limit), isHatched: isOver)
    return """
      <tr class="\(kind)" role="row"><th scope="row" role="rowheader">\(size.platform.rawValue)\(own)\(flag)</th>\
      <td class="counts" role="cell">\(size.platform.budget.arithmetic)</td>\
      <td class="counted" role="cell">\(size.counted.grouped)</td>\
      <td class="limit" role="cell"><span class="what"> of </span>\(size.limit.grouped)</td>\
      <td class="bars" role="cell">\(bar)</td></tr>

      """
  }

  // MARK: GitOps

  private static func graph(_ gitOps: GitOps) -> Markup {
    let follows: Markup = """
      <p class="lead"><code>argocd-root</code> follows the folder <code>\(gitOps.path)</code> of \
      <code>\(gitOps.repository)</code> at <code>\(gitOps.revision)</code>.
      """
    guard let graph = gitOps.graph else {
      return """
        \(follows) The tree that <code>k3seed gitops render</code> writes there needs more inputs:</p>
        <ul class="missing">
        \(gitOps.missing, each: { "<li>\($0)</li>\n" })</ul>

        """
    }
    return """
      \(follows) These are the Applications of the tree that <code>k3seed gitops render</code> writes there; each waits \
      for those that an arrow comes from.</p>
      <div class="panel drawing" tabindex="0" role="region" aria-label="The Applications as a picture">
      \(Drawing.figure(of: graph))</div>
      <details class="panel">
      <summary><h3>The same in words</h3></summary>
      <ol class="phases">
      \(graph.phases, each: { "<li>\(members($0))</li>\n" })</ol>
      </details>

      """
  }

  private static func members(_ phase: [ApplicationGraph.Member]) -> Markup {
    """
    <ul>
    \(phase, each: { member in """
      <li><code>\(member.name)</code>\(member.namespace.map { " in <code>\($0)</code>" as Markup })\
      \(member.dependencies.enumerated(), each: { """
      \($0 == 0 ? " waits for " : ", ")<code>\($1.name)</code> (\($1.reason))
      """ })</li>

      """ })</ul>
    """
  }

  // MARK: Findings

  private var findingPanels: Markup {
    guard !findings.diagnostics.isEmpty else {
      return "<p>\(Markup.icon("pass")) Nothing was found.</p>\n"
    }
    let rules = Validation.rules + Explanations.all
    return
      "\(findings.diagnostics, each: { diagnostic in Self.panel(diagnostic, why: rules.first { $0.code == diagnostic.code }?.why) })"
  }

  private static func panel(_ diagnostic: Diagnostic, why: String?) -> Markup {
    let (tone, symbol) =
      switch diagnostic.severity {
      case .error: ("fail", "fail")
      case .warning: ("warn", "warn")
      case .note: ("note", "skip")
      }
    let place = diagnostic.location.map { location in
      location.description + (location.path.map { ", \($0)" } ?? "")
    }
    return """
      <div class="panel finding \(tone)">
      <h3><span class="severity">\(Markup.icon(symbol)) \(diagnostic.severity.rawValue)</span> \(diagnostic.message)</h3>
      <dl>
      \(place.map { "<dt>At</dt><dd class=\"mono\">\($0)</dd>\n" })\
      \(why.map { "<dt>Why</dt><dd>\($0)</dd>\n" })\
      \(diagnostic.help.map { "<dt>Do</dt><dd>\($0)</dd>\n" })\
      <dt>Code</dt><dd><code>\(diagnostic.code)</code></dd>
      </dl>
      </div>

      """
  }
}

extension Int {
  /// Seconds as people say them: `30 s`, `25 min`, `1 h 20 min`.
  fileprivate var time: String {
    if self < 60 { return "\(self) s" }
    let minutes = (self + 59) / 60
    return minutes < 60
      ? "\(minutes) min" : minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
  }
}

/// Files by their folders. A folder that holds nothing but another one shares its line.
struct FileTree {
  private(set) var folders: [(name: String, tree: FileTree)] = []
  private(set) var files: [(name: String, file: Preview.File, isFirst: Bool)] = []

  /// The tree of some files, sorted by name.
  init(_ files: [Preview.File]) {
    for (index, file) in files.enumerated() {
      var parts = file.path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
      let name = parts.popLast() ?? file.path
      add(file, name: name, to: parts[...], isFirst: index == 0)
    }
    finish()
    // Absolute paths begin at the root.
    folders = folders.map { (name: "/\($0.name)", tree: $0.tree) }
  }

  private init() {}

  private mutating func add(
    _ file: Preview.File, name: String, to parts: ArraySlice<String>, isFirst: Bool
  ) {
    guard let first = parts.first else { return files.append((name, file, isFirst)) }
    let index = folders.firstIndex { $0.name == first }
    if index == nil { folders.append((name: first, tree: FileTree())) }
    folders[index ?? folders.count - 1].tree.add(
      file, name: name, to: parts.dropFirst(), isFirst: isFirst)
  }

  private mutating func finish() {
    for index in folders.indices {
      folders[index].tree.finish()
      let tree = folders[index].tree
      if tree.files.isEmpty, tree.folders.count == 1 {
        folders[index] = (name: "\(folders[index].name)/\(tree.folders[0].name)", tree: tree.folders[0].tree)
      }
    }
    folders.sort { $0.name < $1.name }
    files.sort { $0.name < $1.name }
  }
}
