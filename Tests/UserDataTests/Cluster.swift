import Diagnostics
import Foundation
import Inputs
import Plan
import Templates
import TestSupport
import UserData

/// A cluster of some outputs, to render nodes of.
struct Cluster {
  /// The inputs, positioned.
  let inputs: Inputs
  let plan: ClusterPlan

  /// A cluster of a plain object of outputs.
  init(_ outputs: String) throws {
    try self.init(Array(outputs.utf8), source: "outputs.json")
  }

  /// The cluster of a folder under `examples/`.
  init(example: String) throws {
    let file = Tool.root.appendingPathComponent("examples/\(example)/outputs.json")
    try self.init(Array(try Data(contentsOf: file)), source: "outputs.json")
  }

  private init(_ bytes: [UInt8], source: String) throws {
    var report = Report()
    inputs = Inputs(terraform: try .terraform(bytes, source: source), report: &report)
    plan = ClusterPlan(inputs, report: &report)
    try report.throwIfErrors()
  }

  /// What the first server needs, as members of an object of outputs.
  static let least =
    #""cloudflare_api_token": "cloudflare-canary", "git_repo_url": "https://git.example.org/a/b.git""#

  /// The node of a role: the first that the plan has, else machines without a name.
  func node(_ role: Role) throws -> ClusterNode {
    var report = Report()
    if let node = plan.nodes.first(where: { $0.role.value == role }) { return node }
    let place = Location(source: "--role")
    guard let node = plan.select(name: nil, role: Sourced(role, from: place), report: &report) else {
      throw report
    }
    return node
  }

  /// The user-data of a role.
  func render(
    _ role: Role = .server, _ encoding: Encoding = .auto, templates: TemplateSet = TemplateSet()
  ) throws -> UserData {
    var renderer = Renderer(templates)
    return try renderer.render(plan, node: try node(role), encoding: encoding)
  }

  /// The finding with which rendering ends.
  func refusal(
    _ role: Role = .server, _ encoding: Encoding, templates: TemplateSet = TemplateSet()
  ) throws -> [String] {
    do {
      let userData = try render(role, encoding, templates: templates)
      return ["no finding: \(userData.delivered.count) bytes"]
    } catch let report as Report {
      return report.diagnostics.map(\.line)
    }
  }
}
