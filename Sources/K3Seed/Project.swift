public import Diagnostics
public import GitOps
public import Inputs
public import Plan
public import Templates
public import UserData

/// One project: its inputs read and judged, and the plan of its cluster.
///
/// ```swift
/// let project = Project(terraform: try .terraform(bytes, source: "outputs.json"))
/// let rendering = try project.render(.node("server"))
/// ```
public struct Project: Sendable {
  /// Which node of the cluster is meant.
  public struct Selection: Sendable {
    var name: Sourced<String>?
    var role: Sourced<String>?

    /// The only node there is.
    public static let only = Selection()

    /// A node by name, a role, or the only node where neither is given.
    public init(node: Sourced<String>? = nil, role: Sourced<String>? = nil) {
      name = node
      self.role = role
    }

    /// A node by its name.
    public static func node(_ name: String) -> Selection {
      Selection(node: Sourced(name, from: Location(source: "node")))
    }
  }

  /// The user-data of a node, with what it was made of and what was found on the way.
  public struct Rendering: Sendable {
    /// The user-data.
    public let userData: UserData
    /// The plan that it follows.
    public let plan: ClusterPlan
    /// Warnings and notes.
    public let report: Report
    let templates: TemplateSet
  }

  private let plan: ClusterPlan
  private let report: Report

  /// Joins the sources of inputs; flags go before the file of secrets, that before `k3seed.yaml`, and that before
  /// Terraform.
  ///
  /// Findings are kept until something is rendered, so that all of them are seen at once.
  ///
  /// - Parameters:
  ///   - terraform: what Terraform gave.
  ///   - config: `k3seed.yaml`.
  ///   - secrets: the file of secrets, where there is one.
  ///   - flags: `--set` arguments and flags such as `--platform`.
  ///   - lock: the versions that hold where no input says otherwise.
  public init(
    terraform: InputDocument, config: ConfigFile = ConfigFile(), secrets: SecretsFile? = nil,
    flags: InputDocument? = nil, lock: Lock = Pins.lock
  ) {
    var report = Report()
    let inputs = Inputs(
      terraform: terraform, config: config, secrets: secrets, flags: flags, report: &report)
    plan = ClusterPlan(inputs, lock: lock, report: &report)
    self.report = report
  }

  /// The plan of the cluster, where its inputs and those of its first server hold.
  ///
  /// - Throws: a report with every finding about them.
  public func checkedPlan() throws(Report) -> ClusterPlan {
    var report = report
    for node in plan.nodes where node.isFirstServer { plan.require(for: node, report: &report) }
    try report.throwIfErrors()
    return plan
  }

  /// Renders one node.
  ///
  /// - Throws: a report with every finding about the inputs, the plan and the node; or about templates; or
  ///   about the size.
  public func render(
    _ selection: Selection = .only, templates: TemplateSet = TemplateSet(), encoding: Encoding = .auto
  ) throws(Report) -> Rendering {
    var report = report
    let node = select(selection, report: &report)
    if let node { plan.require(for: node, report: &report) }
    guard let node, !report.hasErrors else { throw report }
    plan.warn(about: [node], report: &report)
    var renderer = Renderer(templates)
    do throws(Report) {
      let userData = try renderer.render(plan, node: node, encoding: encoding)
      return Rendering(userData: userData, plan: plan, report: report, templates: templates)
    } catch {
      report.add(error)
      throw report
    }
  }

  /// Renders every node, in the order of their names.
  ///
  /// - Throws: a report with the findings about all of them.
  public func renderAll(
    templates: TemplateSet = TemplateSet(), encoding: Encoding = .auto
  ) throws(Report) -> (all: [UserData], report: Report) {
    try render(plan.nodes, report, templates: templates, encoding: encoding)
  }

  /// Renders several nodes, in the order that is given.
  ///
  /// - Throws: a report with the findings about all of them.
  public func render(
    _ selections: [Selection], templates: TemplateSet = TemplateSet(), encoding: Encoding = .auto
  ) throws(Report) -> (all: [UserData], report: Report) {
    var report = report
    let nodes = selections.compactMap { select($0, report: &report) }
    return try render(nodes, report, templates: templates, encoding: encoding)
  }

  private func render(
    _ nodes: [ClusterNode], _ report: Report, templates: TemplateSet, encoding: Encoding
  ) throws(Report) -> (all: [UserData], report: Report) {
    var report = report
    for node in nodes { plan.require(for: node, report: &report) }
    report.removeRepetitions()
    try report.throwIfErrors()
    plan.warn(about: nodes, report: &report)
    var renderer = Renderer(templates)
    var all: [UserData] = []
    for node in nodes {
      if let userData = report.collect({ () throws(Report) in
        try renderer.render(plan, node: node, encoding: encoding)
      }) {
        all.append(userData)
      }
    }
    report.removeRepetitions()
    try report.throwIfErrors()
    return (all, report)
  }

  /// Renders the GitOps tree that `argocd-root` follows.
  ///
  /// - Throws: a report with every finding about the inputs, the plan and the tree's settings; or about templates.
  public func gitOpsTree(
    templates: TemplateSet = TemplateSet()
  ) throws(Report) -> (tree: Tree, report: Report) {
    var report = report
    let tree = plan.gitOps(report: &report)
    guard let tree, !report.hasErrors else { throw report }
    do throws(Report) {
      return (try Tree(tree, templates: templates), report)
    } catch {
      report.add(error)
      throw report
    }
  }

  private func select(_ selection: Selection, report: inout Report) -> ClusterNode? {
    guard let word = selection.role else {
      return plan.select(name: selection.name, role: nil, report: &report)
    }
    guard let role = Role(rawValue: word.value) else {
      let roles = Role.allCases.map(\.rawValue)
      let near =
        word.value.lowercased().suggestion(from: roles, within: 2)
      report.add(
        .error(
          "unknown-role", at: word.origin, "\(word.value.shown) is not a role",
          help: "\(near)use one of \(roles.joined(separator: ", "))"))
      return nil
    }
    return plan.select(name: selection.name, role: word.map { _ in role }, report: &report)
  }
}
