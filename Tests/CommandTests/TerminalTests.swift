import Foundation
import TestSupport
import Testing

/// What a person sees at a terminal, through one of `script` (bsdutils).
@Suite("At a terminal", .enabled(if: Tool.has("script"), "script is not installed"))
struct TerminalTests {
  /// Runs a command line of k3seed's in a terminal of 60 columns; standard error is the terminal as well.
  private func terminal(
    _ arguments: String, directory: URL, environment: [String: String] = ["TERM": "xterm"]
  ) async throws -> Tool.Outcome {
    try await Tool.run(
      ["script", "-qec", "stty cols 60; exec '\(Tool.k3seed)' \(arguments)", "/dev/null"],
      environment: ["NO_COLOR": ""].merging(environment) { $1 }, directory: directory.path)
  }

  private static let escape = "\u{1B}["

  @Test("a finding is laid out, with the line and a caret; not for a dumb terminal, NO_COLOR or a pipe")
  func finding() async throws {
    try await withTemporaryDirectory { folder in
      _ = try folder["user.yaml"].holding("#cloud-config\nruncmd:\n- ls\nhostnme: web\npassword: canary-pw\n")
      let shown = try await terminal("validate --no-tools user.yaml", directory: folder)
      let plain = shown.text.replacing("\r\n", with: "\n").replacing(
        try Regex("\u{1B}\\[[0-9;]+m"), with: "")
      #expect(shown.text.contains(Self.escape))
      #expect(plain.contains("--> user.yaml:4:1"), "\(plain)")
      #expect(plain.contains("  4 | hostnme: web\n    | ^\n"), "\(plain)")
      #expect(plain.split(separator: "\n").allSatisfy { $0.count <= 60 }, "\(plain)")
      #expect(!plain.contains("canary-pw"))
      for environment in [["TERM": "dumb"], ["TERM": "xterm", "NO_COLOR": "1"]] {
        let bare = try await terminal(
          "validate --no-tools user.yaml", directory: folder, environment: environment)
        #expect(!bare.text.contains(Self.escape) && bare.text.contains("    | ^"), "\(bare.text)")
      }
      let piped = try await Tool.k3seed(["validate", "--no-tools", "user.yaml"], directory: folder.path)
      #expect(piped.text.hasPrefix("user.yaml:4:1: ") && !piped.text.contains(" | "), "\(piped.text)")
    }
  }

  @Test("Terraform's outputs are never quoted, as secrets have any name there")
  func outputs() async throws {
    try await withTemporaryDirectory { folder in
      _ = try folder["outputs.json"].holding(#"{"git_repo_url": "hts://x", "other": "canary-other"}"#)
      let shown = try await terminal("validate --no-tools outputs.json", directory: folder).text
      #expect(shown.contains("git_repo_url") && !shown.contains("canary-other"), "\(shown)")
    }
  }

  @Test("gzip is not written to a terminal; a preview fits its width")
  func payloads() async throws {
    try await withTemporaryDirectory { folder in
      _ = try folder["outputs.json"].holding(json(project))
      let refused = try await terminal("render --input outputs.json --encoding gzip", directory: folder)
      #expect(refused.status == 2 && refused.text.contains("[terminal-output]"), "\(refused.text)")
      let encoded = try await terminal(
        "render --input outputs.json --encoding gzip+base64", directory: folder)
      #expect(encoded.status == 0, "\(encoded.text)")
      let preview = try await terminal(
        "preview --input outputs.json", directory: folder, environment: ["TERM": "dumb"]
      ).text.replacing("\r\n", with: "\n")
      let lines = preview.split(separator: "\n")
      #expect(lines.contains { $0.hasPrefix("  nocloud  [") })
      #expect(!lines.contains { $0.hasPrefix("  aws ") } && preview.contains("also fits "), "\(preview)")
      // A path is a word that cannot be broken.
      let long = lines.filter { $0.count > 60 && !$0.contains(" /") }
      #expect(long.isEmpty, "\(long)")
    }
  }
}
