import Foundation
import TestSupport

/// A folder with a copy of `terraform/` and of the tests' own configurations, in which Terraform knows nothing of the
/// machine's user and has its providers from the registry or from here.
struct Workspace {
  /// Where Terraform gets its providers.
  enum Source {
    case registry, standIns
  }

  /// Whether the registry can be reached; where it cannot, Terraform says so at once or after 10 s.
  static let hasRegistry = Task { () -> Bool in
    let reached = try? await withTemporaryDirectory { home in
      let folder = home.appendingPathComponent("protocol")
      try FileManager.default.copyItem(at: tests.appendingPathComponent("protocol"), to: folder)
      try Data().write(to: home.appendingPathComponent("terraformrc"))
      return try await Workspace(home: home, folder: folder).run(["init"]).status == 0
    }
    return reached == true
  }

  /// Whether Python has what the stand-ins are made with.
  static let hasStandIns = Task { (try? await Tool.run([python, "-c", "import tf.runner"]))?.status == 0 }

  /// The registry where it can be reached; nil where there is neither.
  static func source() async -> Source? {
    if await hasRegistry.value { return .registry }
    return await hasStandIns.value ? .standIns : nil
  }

  private static let tests = Tool.root.appendingPathComponent("Tests/ContractTests/Terraform")
  private static let python = Tool.root.appendingPathComponent(".venv/bin/python").path

  let home: URL
  /// The root module, Terraform's working directory.
  let folder: URL
  /// Variables of the environment beside Terraform's own.
  var extra: [String: String] = [:]

  /// Makes a workspace, gives it to the test, and removes it.
  ///
  /// - Parameters:
  ///   - root: the root module's folder, within the workspace.
  ///   - source: where providers come from; the registry, where it can be reached, unless given.
  static func with(
    _ root: String, source: Source? = nil, _ body: (Workspace) async throws -> Void
  ) async throws {
    try await withTemporaryDirectory { home in
      for (name, original) in [
        ("terraform", Tool.root.appendingPathComponent("terraform")),
        ("fleet", tests.appendingPathComponent("fleet")),
        ("protocol", tests.appendingPathComponent("protocol")),
      ] {
        try FileManager.default.copyItem(at: original, to: home.appendingPathComponent(name))
      }
      let workspace = Workspace(home: home, folder: home.appendingPathComponent(root))
      let chosen = if let source { source } else { await Self.source() }
      try await workspace.configure(chosen)
      try await body(workspace)
    }
  }

  /// Terraform's own configuration. A provider of its file system mirror is a folder with a program in it.
  private func configure(_ source: Source?) async throws {
    var text = ""
    if source == .standIns {
      let mirror = home.appendingPathComponent("mirror")
      text = "provider_installation {\n  filesystem_mirror {\n    path = \"\(mirror.path)\"\n  }\n}\n"
      let version = try await Tool.run(["terraform", "version", "-json"], environment: environment())
      let platform = JSON(version.text)?["platform"].text ?? ""
      let providers = [
        ("hashicorp/external", "2.3.5"), ("oracle/oci", "8.0.0"), ("hetznercloud/hcloud", "1.49.0"),
        ("hashicorp/aws", "6.0.0"),
      ]
      for (provider, number) in providers {
        let package = mirror.appendingPathComponent("registry.terraform.io/\(provider)/\(number)/\(platform)")
        let name = provider.split(separator: "/")[1]
        let program = package.appendingPathComponent("terraform-provider-\(name)_v\(number)")
        let script = Self.tests.appendingPathComponent("\(name).py").path
        try FileManager.default.createDirectory(at: package, withIntermediateDirectories: true)
        try Data("#!/bin/sh\nexec '\(Self.python)' '\(script)'\n".utf8).write(to: program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
      }
    }
    try Data(text.utf8).write(to: home.appendingPathComponent("terraformrc"))
  }

  private func environment(path: String? = nil) -> [String: String] {
    let program = URL(fileURLWithPath: Tool.k3seed).deletingLastPathComponent().path
    let inherited = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    // Empty is unset to Terraform; and a development version of the provider asks the user's shell for programs.
    let unset = ["TF_CLI_ARGS", "TF_DATA_DIR", "TF_LOG", "TF_WORKSPACE", "TF_REATTACH_PROVIDERS"]
    return Dictionary(uniqueKeysWithValues: unset.map { ($0, "") }).merging([
      "CHECKPOINT_DISABLE": "1", "HOME": home.path, "PATH": path ?? "\(program):\(inherited)",
      "SHELL": "/bin/false",
      "TF_CLI_CONFIG_FILE": home.appendingPathComponent("terraformrc").path, "TF_INPUT": "0",
      "TF_IN_AUTOMATION": "1", "TF_REGISTRY_CLIENT_TIMEOUT": "10", "TF_REGISTRY_DISCOVERY_RETRY": "0",
    ]) { $1 }
  }

  /// Runs Terraform in the root module.
  func run(
    _ arguments: [String], _ variables: [String: String] = [:], path: String? = nil
  ) async throws -> Tool.Outcome {
    let variables = Dictionary(uniqueKeysWithValues: variables.map { ("TF_VAR_\($0)", $1) })
      .merging(extra) { $1 }
    return try await Tool.run(
      ["terraform", arguments[0], "-no-color"] + arguments.dropFirst(),
      environment: environment(path: path).merging(variables) { $1 }, directory: folder.path)
  }

  /// The same, where it has to succeed.
  @discardableResult
  func succeed(_ arguments: [String], _ variables: [String: String] = [:]) async throws -> Tool.Outcome {
    let outcome = try await run(arguments, variables)
    guard outcome.status == 0 else { throw Failure(text: "\(arguments): \(outcome.text)\(outcome.errors)") }
    return outcome
  }

  struct Failure: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
  }

  /// What Terraform would do: as it says so, and as data.
  struct Plan {
    let text: String
    /// Every resource that would not stay as it is, with the actions, sorted.
    let changes: [String]
    /// Every output that would change, with its values before and after.
    let outputs: [String: JSON]
    var changedOutputs: [String] { outputs.keys.sorted() }
  }

  func plan(_ variables: [String: String] = [:]) async throws -> Plan {
    let text = try await succeed(["plan", "-out=plan"], variables).text
    guard let plan = JSON(try await succeed(["show", "-json", "plan"]).text) else {
      throw Failure(text: "terraform show -json gave no JSON")
    }
    func actions(_ change: JSON) -> String? {
      let actions = change["actions"].items.compactMap(\.text).joined(separator: " ")
      return actions == "no-op" || actions == "read" ? nil : actions
    }
    return Plan(
      text: text,
      changes: plan["resource_changes"].items.compactMap { resource in
        actions(resource["change"]).map { "\(resource["address"].text ?? ""): \($0)" }
      }.sorted(),
      outputs: plan["output_changes"].members.filter { actions($1) != nil })
  }
}

/// An error or warning of Terraform.
struct Diagnostic {
  let summary: String
  let detail: String
  /// The resource that it is about.
  let address: String
}

extension Tool.Outcome {
  /// The errors that `-json` brings, line by line.
  var diagnostics: [Diagnostic] {
    text.split(separator: "\n").compactMap { JSON(String($0)) }
      .filter { $0["type"].text == "diagnostic" && $0["@level"].text == "error" }
      .map { line in
        let diagnostic = line["diagnostic"]
        return Diagnostic(
          summary: diagnostic["summary"].text ?? "", detail: diagnostic["detail"].text ?? "",
          address: diagnostic["address"].text ?? "")
      }
  }
}

/// A JSON value, of which what is not there is null.
struct JSON {
  private let value: Any

  init?(_ text: String) {
    guard let value = try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
    else {
      return nil
    }
    self.value = value
  }

  private init(value: Any) { self.value = value }

  subscript(name: String) -> JSON { members[name] ?? JSON(value: NSNull()) }
  var members: [String: JSON] { (value as? [String: Any] ?? [:]).mapValues { JSON(value: $0) } }
  var items: [JSON] { (value as? [Any] ?? []).map { JSON(value: $0) } }
  var text: String? { value as? String }
  var number: Int? { value as? Int }
  var flag: Bool? { value as? Bool }
}
