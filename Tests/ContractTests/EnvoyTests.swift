import Foundation
import TestSupport
import Testing

@Suite(
  "Argo CD behind the real Envoy",
  .enabled(if: Tool.has("envoy") && hasPython, "envoy (Linux on x86_64; scripts/setup) or .venv is not here"))
struct EnvoyTests {
  @Test("URLs of repositories reach Argo CD as they are, and streams go on; with the defaults neither does")
  func requests() async throws {
    try await withTemporaryDirectory { folder in
      let golden = try #require(TreeCase.all.first { $0.name == "oci-vault" })
      let rendered = try await Tool.k3seed(["gitops", "render"] + golden.arguments + ["--out", folder.path])
      try #require(rendered.status == 0, "\(rendered.errors)")
      let program = Tool.root.appendingPathComponent("Tests/ContractTests/envoy.py").path
      let outcome = try await Tool.run(["python3", program, try #require(Tool.find("envoy")), folder.path])
      try #require(outcome.status == 0, "\(outcome.errors)")
      let found = try #require(
        JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: [String: [Any]]])
      func answer(_ name: String, _ request: String) -> String {
        (found[name]?[request] ?? []).map { $0 is NSNull ? "-" : "\($0)" }.joined(separator: " ")
      }
      let path = "/api/v1/repositories/https%3A%2F%2Fgit.example.org%2Fa%2Fb.git/apps"
      #expect(answer("tree", "repository") == "200 - \(path)")
      #expect(answer("tree", "stream") == "200 - done")
      // Slashes are unescaped and merged, and the response is cut off after 15 s: its end never comes.
      #expect(
        answer("defaults", "repository").hasPrefix(
          "307 /api/v1/repositories/https%3A/git.example.org/a/b.git/apps"),
        "\(answer("defaults", "repository"))")
      #expect(answer("defaults", "stream") == "200 - ")
    }
  }
}
