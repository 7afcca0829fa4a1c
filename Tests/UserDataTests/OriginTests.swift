import Diagnostics
import Foundation
import Inputs
import Plan
import Secrets
import Templates
import TestSupport
import Testing
import YAML

@testable import UserData

/// Every field of the output came from somewhere that a person can open.
@Suite("Origins") struct OriginTests {
  /// The lines of each template file.
  static func lines() throws -> [String: Int] {
    var lines: [String: Int] = [:]
    for name in TemplateSet().names {
      let text = try String(
        contentsOf: Tool.root.appendingPathComponent("templates/\(name)"), encoding: .utf8)
      lines["templates/\(name)"] = text.split(separator: "\n", omittingEmptySubsequences: false).count
    }
    return lines
  }

  /// The values of all inputs by JSON path: those that are values, those of lists and maps, names of nodes.
  static func values(of inputs: Inputs) -> [String: String] {
    var values: [String: String] = [:]
    func add(_ value: Positioned) {
      if let text = value.node.string { values[value.path] = text }
      for (index, item) in (value.node.sequence ?? []).enumerated() {
        add(Positioned(item, source: value.source, path: "\(value.path)[\(index)]"))
      }
      for entry in value.node.mapping ?? [] {
        add(Positioned(entry.value, source: value.source, path: value.path.jsonPath(appending: entry.key)))
      }
    }
    for spec in InputSpec.all {
      if let value = inputs[spec.name] { add(value) }
      if let secret = inputs.secret(spec.name) {
        switch secret.source {
        case .literal(let value): values[secret.location.path ?? ""] = value.revealed()
        case .ociVault(let ocid): values[secret.location.path ?? ""] = ocid
        }
      }
    }
    for node in inputs["nodes"]?.node.mapping ?? [] {
      values["\(inputs["nodes"]?.path ?? "")".jsonPath(appending: node.key)] = node.key
    }
    return values
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var example: String
    var role: Role
    /// The inputs whose values must be found in the output.
    var traced: [String]
    var testDescription: String { "\(example) \(role)" }
  }

  @Test(
    "every leaf names an existing line of a template, and the input whose value it holds",
    arguments: [
      Case(
        example: "literal", role: .server,
        traced: ["cloudflare_api_token", "git_repo_url", "k3s_token", "server_private_ip"]),
      Case(example: "literal", role: .agent, traced: ["k3s_token", "server_private_ip"]),
      Case(example: "literal", role: .ingress, traced: ["k3s_token", "server_private_ip"]),
      Case(
        example: "oci-vault", role: .server,
        traced: [
          "cluster_name", "git_repo_url", "git_username", "ingress_public_ip", "load_balancer_ip", "nodes",
          "oci_region", "secret_ocids", "server_private_ip", "ssh_authorized_keys",
        ]),
      Case(
        example: "oci-vault", role: .agent,
        traced: [
          "cluster_name", "nodes", "oci_region", "secret_ocids", "server_private_ip", "ssh_authorized_keys",
        ]),
      Case(
        example: "oci-vault", role: .ingress,
        traced: [
          "cluster_name", "nodes", "oci_region", "secret_ocids", "server_private_ip", "ssh_authorized_keys",
        ]),
    ])
  func noOrphans(example: Case) throws {
    let cluster = try Cluster(example: example.example)
    let userData = try cluster.render(example.role)
    let lines = try Self.lines()
    let values = Self.values(of: cluster.inputs)
    var leaves = 0
    var traced: Set<String> = []
    userData.document.visitLeaves { path, leaf in
      leaves += 1
      let template = leaf.origin.template
      let count = lines[template.source]
      #expect(count != nil, "\(path) comes from \(template), which is no template")
      #expect(
        (1...(count ?? 0)).contains(template.line ?? 0),
        "\(path) comes from \(template), which has \(count ?? 0) lines")
      #expect((template.column ?? 0) > 0, "\(path)")
      guard let text = leaf.string else { return }
      // A short value may stand in a text by chance (the role `server`); as the whole text it may not.
      let holders = values.filter { value in
        text == value.value || value.value.utf8.count >= 10 && text.contains(value.value)
      }.map(\.key)
      // An OCID names its region and so on: of inputs that hold each other, any may be meant.
      if !holders.isEmpty {
        #expect(
          holders.contains(leaf.origin.input?.path ?? ""),
          "\(path) holds the value of \(holders), but is said to come from \(leaf.origin.input?.path ?? "nowhere")"
        )
      }
      if let input = leaf.origin.input, input.source == "outputs.json",
        let name = input.path?.split(separator: ".").dropFirst().first
      {
        traced.insert(String(name))
      }
    }
    #expect(leaves > 40)
    #expect(traced == Set(example.traced))
  }

  @Test("user-data of a user's template names the user's folder")
  func overridden() throws {
    let templates = TemplateSet(
      overrides: ["cloud-init/bootcmd.yaml": Array("- [echo, !value cluster_name]".utf8)], folder: "./mine")
    let userData = try Cluster(example: "oci-vault").render(.agent, templates: templates)
    let leaf = userData.document["bootcmd"]?.items.first?.items.last
    #expect(leaf?.text == "harbour")
    #expect(leaf?.origin.template == Location(source: "./mine/cloud-init/bootcmd.yaml", line: 1, column: 10))
    #expect(leaf?.origin.input?.path == "$.cluster_name.value")
  }

  // MARK: Values stay in their places

  @Test("whatever the values are, the output's structure is the same, and they read back", arguments: 0..<12)
  func structure(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let words = [
      "${x}", "$", "!secret", "{{", "|", ">", "-", "?", "#", "&a", "*a", "'", "\"", "'\\''", "$(id)", "\\",
      "yes", "0777", "=", "<<", "~", "1e3", "é", "\u{1F600}",
    ]
    let texts =
      words + [
        " a", "a ", "a: b", "- a", "a #b", "a\nb", "\n", "a\n\n", "\ta", "a\r\nb", "\u{0}", "\u{85}",
        "\u{2028}", "--- \n...\n", "#cloud-config\n", String(repeating: "long text ", count: 400),
      ]
    let cluster = try Cluster(example: "oci-vault")
    let context = Context(cluster.plan, try cluster.node(.server))
    // What variables are made of is a line, and a word within a list; all else may be anything.
    func replaced(_ context: Context, _ path: [String]) -> Context {
      var context = context
      let isVariable = [["node"], ["k3s"]].contains { path.starts(with: $0) }
      switch context.value {
      case .text: context.value = .text((isVariable ? words : texts).randomElement(using: &random) ?? "")
      case .list(let items): context.value = .list(items.map { replaced($0, path) })
      case .map(let entries):
        context.value = .map(entries.map { ($0.key, replaced($0.value, path + [$0.key])) })
      default: break
      }
      return context
    }
    let templates = TemplateSet()
    var expander = Expander(templates)
    let plain = try expander.expand("cloud-init/server.yaml", with: context).node(.revealed)
    let hostile = try expander.expand("cloud-init/server.yaml", with: replaced(context, []))
    let node = hostile.node(.revealed)
    #expect(shape(node) == shape(plain))
    let read = try YAML.parseOne(YAML.emit(node), source: "output")
    #expect(text(read) == text(node))
  }

  /// The tree without its texts.
  private func shape(_ node: Node) -> String {
    switch node.value {
    case .sequence(let items): "[\(items.map(shape).joined(separator: ","))]"
    case .mapping(let entries): "{\(entries.map { "\($0.key):\(shape($0.value))" }.joined(separator: ","))}"
    default: node.kind
    }
  }

  /// The tree without its places.
  private func text(_ node: Node) -> String {
    switch node.value {
    case .sequence(let items): "[\(items.map(text).joined(separator: ","))]"
    case .mapping(let entries):
      "{\(entries.map { "\($0.key.debugDescription):\(text($0.value))" }.joined(separator: ","))}"
    case .string(let text): text.debugDescription
    case .number(let digits): digits
    case .bool(let flag): "\(flag)"
    case .null: "null"
    }
  }
}

extension Field {
  /// The text that a leaf becomes, that of a secret too.
  fileprivate var string: String? {
    switch content {
    case .text(let text), .number(let text): text
    case .secret(_, let secret): secret.revealed()
    default: nil
    }
  }
}
