import Foundation
import TestSupport
import Testing

/// A project that renders: one server and what it needs. Tests change what they are about.
let project = [
  "cloudflare_api_token": "EXAMPLE-cloudflare-token",
  "k3s_token": "EXAMPLE-4b8e0c72d9f1a6358e2d7c40",
  "git_repo_url": "https://git.example.net/cluster.git",
  "platform": "nocloud",
]

/// The project with a value that is no text; of several nodes the first server is `a`.
func adding(_ name: String, _ value: Any) -> [String: Any] {
  let first: [String: Any] = name == "nodes" ? ["first_server": "a"] : [:]
  return project.mapValues { $0 as Any }.merging(first) { $1 }.merging([name: value]) { $1 }
}

/// Two servers and an agent, as JSON within a string.
let threeNodes =
  #"{"a":{"role":"server","private_ip":"10.0.0.1"},"b":{"role":"server"},"w":{"role":"agent"}}"#

/// Nodes as Terraform gives them outside of a query.
var threeNodesDocument: [String: Any] {
  [
    "a": ["role": "server", "private_ip": "10.0.0.1"], "b": ["role": "server"], "w": ["role": "agent"],
  ]
}

func json(_ value: Any) -> String {
  let data =
    (try? JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .fragmentsAllowed])) ?? Data()
  return String(decoding: data, as: UTF8.self)
}

/// The project with some of its values replaced; an empty text takes one out.
func changed(_ changes: [String: String]) -> [String: String] {
  let first = changes["nodes"] == threeNodes ? ["first_server": "a"] : [:]
  return project.merging(first) { $1 }.merging(changes) { $1 }.filter { !$0.value.isEmpty }
}

/// Expects the program to have refused its input as the contract says: nothing on standard output, exit code 2,
/// one line a finding, and exactly these findings but for warnings.
func expectRefusal(
  _ outcome: Tool.Outcome, _ errors: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(outcome.status == 2, sourceLocation: sourceLocation)
  #expect(outcome.output.isEmpty, "\(outcome.text)", sourceLocation: sourceLocation)
  #expect(outcome.errors.hasSuffix("\n"), sourceLocation: sourceLocation)
  for line in outcome.findings {
    #expect(
      line.contains(#/(^|: )(error|warning|note): .* \[[a-z0-9-]+\]$/#), "no finding: \(line)",
      sourceLocation: sourceLocation)
  }
  let found = outcome.findings.filter { !$0.contains(#/(^|: )(warning|note): /#) }
  #expect(found == errors, sourceLocation: sourceLocation)
}

extension URL {
  /// The permissions in octal, as `0600`.
  var mode: String {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue ?? -1
    return "0" + String(mode, radix: 8)
  }

  var bytes: [UInt8]? { (try? Data(contentsOf: self)).map(Array.init) }

  func holding(_ text: String) throws -> URL {
    try Data(text.utf8).write(to: self)
    return self
  }

  subscript(name: String) -> URL { appendingPathComponent(name) }

  /// The names in a folder, sorted; nil where there is no folder.
  var names: [String]? { try? FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}
