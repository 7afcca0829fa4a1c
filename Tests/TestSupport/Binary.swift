public import Foundation

extension Tool {
  /// The program under test, which lies beside the test bundle that is running.
  public static let k3seed: String = {
    // A program that ends before it has read its input fails a test; it must not end them all.
    signal(SIGPIPE, SIG_IGN)
    for argument in CommandLine.arguments {
      let parts = argument.split(separator: "/", omittingEmptySubsequences: false)
      guard let bundle = parts.firstIndex(where: { $0.hasSuffix(".xctest") }) else { continue }
      let program = (parts[..<bundle] + ["k3seed"]).joined(separator: "/")
      if FileManager.default.isExecutableFile(atPath: program) { return program }
    }
    return root.appendingPathComponent(".build/debug/k3seed").path
  }()

  /// Runs the program under test.
  public static func k3seed(
    _ arguments: [String], input: String = "", environment: [String: String] = [:], directory: String? = nil
  ) async throws -> Outcome {
    try await run(
      [k3seed] + arguments, input: Array(input.utf8), environment: environment, directory: directory)
  }

  /// Runs a command of `sh`, which finds the program under test as `$k3seed` and the further arguments as `$1` and so on.
  public static func shell(
    _ command: String, _ arguments: [String] = [], input: [UInt8] = [], directory: String? = nil
  ) async throws -> Outcome {
    try await run(
      ["/bin/sh", "-c", command, "sh"] + arguments, input: input, environment: ["k3seed": k3seed],
      directory: directory)
  }
}

extension Tool.Outcome {
  /// The lines of standard error.
  public var findings: [String] {
    errors.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }
}

/// A project with the user-data that it is known to give: a folder of `Tests/GoldenTests/Cases`.
///
/// In it are `input.json` (unless the case is the example of the same name), `k3seed.yaml` where the project has
/// one, and one `<node>.yaml` for each node, or `<role>.yaml` for a role of which there is no node.
public struct GoldenCase: Sendable, CustomStringConvertible {
  /// The folder's name.
  public let name: String
  /// Every node, by its name.
  public let nodes: [String]
  /// Roles that are rendered without a node.
  public let roles: [String]

  /// What tests are called after.
  public var description: String { name }

  /// The folder.
  public var folder: URL { Tool.root.appendingPathComponent("Tests/GoldenTests/Cases/\(name)") }

  /// Terraform's outputs.
  public var input: URL {
    let own = folder.appendingPathComponent("input.json")
    return FileManager.default.fileExists(atPath: own.path)
      ? own : Tool.root.appendingPathComponent("examples/\(name)/outputs.json")
  }

  /// `k3seed.yaml`, where the case has one.
  public var config: URL? {
    let file = folder.appendingPathComponent("k3seed.yaml")
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }

  /// Every payload of the case, and the arguments that choose it.
  public var payloads: [(name: String, choice: [String])] {
    nodes.map { ($0, ["--node", $0]) } + roles.map { ($0, ["--role", $0]) }
  }

  /// The arguments that say which project it is.
  public var arguments: [String] {
    ["--input", input.path] + (config.map { ["--config", $0.path] } ?? [])
  }

  /// All cases.
  public static let all = [
    GoldenCase(name: "literal", nodes: ["server"], roles: ["agent", "ingress"]),
    GoldenCase(name: "oci-vault", nodes: ["ingress", "server", "worker-1", "worker-2"], roles: []),
    GoldenCase(name: "high-availability", nodes: ["cp-1", "cp-2", "cp-3", "edge"], roles: []),
    GoldenCase(name: "options", nodes: ["gpu", "server"], roles: []),
    GoldenCase(name: "deploy-key", nodes: ["server"], roles: []),
    GoldenCase(name: "another-release", nodes: ["server"], roles: ["agent"]),
  ]
}

/// A project with the GitOps tree that it is known to give: a folder of `Tests/GoldenTests/Trees`.
///
/// In it are `input.json` and `k3seed.yaml`, as in a ``GoldenCase``, and the tree in `argocd`.
public struct TreeCase: Sendable, CustomStringConvertible {
  /// The folder's name; where it has no input of its own, the example of that name is meant.
  public let name: String

  /// Every case.
  public static let all = ["oci-vault", "http01", "reduced"].map { TreeCase(name: $0) }

  /// What tests are called after.
  public var description: String { name }

  /// The folder.
  public var folder: URL { Tool.root.appendingPathComponent("Tests/GoldenTests/Trees/\(name)") }

  /// Terraform's outputs.
  public var input: URL {
    file("input.json") ?? Tool.root.appendingPathComponent("examples/\(name)/outputs.json")
  }

  /// `k3seed.yaml`, where the case has one.
  public var config: URL? {
    let example = Tool.root.appendingPathComponent("examples/\(name)/k3seed.yaml")
    return file("k3seed.yaml") ?? (FileManager.default.fileExists(atPath: example.path) ? example : nil)
  }

  /// The arguments that say which project it is.
  public var arguments: [String] {
    ["--input", input.path] + (config.map { ["--config", $0.path] } ?? [])
  }

  private func file(_ name: String) -> URL? {
    let file = folder.appendingPathComponent(name)
    return FileManager.default.fileExists(atPath: file.path) ? file : nil
  }
}
