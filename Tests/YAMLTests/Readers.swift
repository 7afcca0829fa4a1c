import Foundation
import TestSupport
import Testing
import YAML

/// The programs that k3seed's output is for, as readers of many texts at once.
enum Readers {
  /// Runs one of the programs in the folder Python on a JSON document, and gives the JSON document it writes.
  static func python(_ program: String, _ input: Node) async throws -> Node {
    let path = Tool.root.appendingPathComponent("Tests/YAMLTests/Python/\(program).py").path
    let outcome = try await Tool.run(["python3", path], input: JSON.emit(input))
    try #require(outcome.status == 0, "python3 failed: \(outcome.errors)")
    return try JSON.parse(outcome.output, source: "python3", maximumNodes: 5_000_000)
  }

  /// Whether Python has a module.
  static func hasModule(_ name: String) async throws -> Bool {
    guard Tool.has("python3") else { return false }
    return try await Tool.run(["python3", "-c", "import \(name)"]).status == 0
  }

  /// What Kubernetes' own reader makes of the `data` of an object, without a cluster.
  static func kubectl(data: String) async throws -> Node {
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n\(data)"
    let outcome = try await Tool.run(
      ["kubectl", "label", "--local", "--filename", "-", "--output", "json", "a=b"], input: Array(object.utf8)
    )
    try #require(outcome.status == 0, "kubectl failed: \(outcome.errors)")
    return try #require(try JSON.parse(outcome.output, source: "kubectl")["data"])
  }
}

extension Node {
  /// The node as a text in which nothing is normalised, so that comparing it is comparing bytes, which
  /// comparing Swift strings is not.
  var exact: String { String(decoding: JSON.emit(self), as: UTF8.self) }
}

/// A few of many failures: all of them would bury what they have in common.
func sample(_ failures: [String]) -> String {
  "\(failures.count) failures, among them:\n" + failures.prefix(12).joined(separator: "\n")
}
