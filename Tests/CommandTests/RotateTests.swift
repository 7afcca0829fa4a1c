import Foundation
import TestSupport
import Testing

@Suite("rotate")
struct RotateTests {
  static let input = """
    {"cloudflare_api_token": "canary-cf", "git_repo_url": "https://git.example.net/c.git", "git_pat": "canary-pat",
     "k3s_token": "canary-k3s"}
    """

  @Test("It prints commands for what the first server seeds, and no value")
  func commands() async throws {
    let outcome = try await Tool.k3seed(["rotate"], input: Self.input)
    #expect(outcome.status == 0, "\(outcome.errors)")
    for part in [
      "kubectl patch secret cloudflare-api-token --namespace cert-manager --field-manager k3seed --patch-file /dev/stdin",
      "kubectl patch secret cloudflare-api-token --namespace external-dns --field-manager k3seed --patch-file /dev/stdin",
      "kubectl patch secret argocd-root-repository --namespace argocd --field-manager k3seed --patch-file /dev/stdin",
    ] { #expect(outcome.text.contains(part), "\(part)") }
    #expect(!(outcome.text + outcome.errors).contains("canary"))
    #expect(!outcome.text.contains("vault"))
  }

  @Test(
    "For a join token it says the way that works, and prints no command",
    arguments: [
      ("k3s_token", "run \"k3s token rotate\" on a server"),
      ("k3s_agent_token", "/etc/rancher/k3s/agent-token"),
    ])
  func joinTokens(name: String, way: String) async throws {
    let outcome = try await Tool.k3seed(["rotate", name], input: Self.input)
    #expect(outcome.status == 2 && outcome.text.isEmpty)
    #expect(
      outcome.errors.hasPrefix(
        "error: \(name) is no Secret of the cluster, and k3seed does not change it in servers that live; "))
    #expect(outcome.errors.contains(way) && outcome.errors.hasSuffix("[token-rotation]\n"))
  }

  @Test("A Secret of two inputs gets each key from its own")
  func twoKeys() async throws {
    let hash = "$2a$10$" + String(repeating: "u", count: 53)
    let input =
      "{\"github_webhook_secret\": \"canary\", \"argocd_admin_password_hash\": \"\(hash)\", "
      + Self.input.dropFirst()
    let outcome = try await Tool.k3seed(["rotate", "github_webhook_secret"], input: input)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.text.contains(#"{"data":{"webhook.github.secret":"%s"}}"#))
    #expect(outcome.text.contains("kubectl patch secret argocd-secret --namespace argocd "))
    #expect(!outcome.text.contains("admin.password") && !outcome.text.contains("canary"))
  }

  @Test("The commands pass shellcheck", .enabled(if: Tool.has("shellcheck"), "shellcheck is not installed"))
  func shellcheck() async throws {
    let script = try await Tool.k3seed(["rotate"], input: Self.input).output
    let outcome = try await Tool.run(["shellcheck", "--shell=bash", "-"], input: script)
    #expect(outcome.status == 0, "\(outcome.text)")
  }

  @Test("What they do is to patch one key of each Secret, with the very bytes that were typed")
  func patches() async throws {
    try await withTemporaryDirectory { folder in
      let script = try await Tool.k3seed(
        ["rotate", "cloudflare_api_token"], input: Self.input
      ).text
      // A stand-in for kubectl, which keeps what it is given.
      let program = folder.appendingPathComponent("kubectl")
      try Data("#!/bin/sh\necho \"$*\" >>calls\n[ \"$1\" != patch ] || cat >>patches\n".utf8).write(
        to: program)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program.path)
      let value = #"a 'b" $(id) \ {{ %s é"#
      let outcome = try await Tool.run(
        ["bash", "-c", "cd \(folder.path) && PATH=$PWD:$PATH && eval \"$0\"", script],
        input: Array("\(value)\n".utf8))
      #expect(outcome.status == 0, "\(outcome.errors)")
      let base64 = Data(value.utf8).base64EncodedString()
      let patches = try String(contentsOf: folder.appendingPathComponent("patches"), encoding: .utf8)
      #expect(patches == String(repeating: #"{"data":{"api-token":"\#(base64)"}}"#, count: 2))
      let calls = try String(contentsOf: folder.appendingPathComponent("calls"), encoding: .utf8)
      #expect(calls.split(separator: "\n").count == 3 && !calls.contains(base64))
    }
  }

  @Test("A secret in the vault is said to be fetched by the node itself")
  func vault() async throws {
    let outputs = Tool.root.appendingPathComponent("examples/oci-vault/outputs.json").path
    let outcome = try await Tool.k3seed(["rotate", "--input", outputs, "cloudflare_api_token"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.text.contains("#   sudo k3seed-bootstrap again\n"))
    #expect(!outcome.text.contains("git_pat"))
  }

  @Test("An input that seeds nothing is refused, and the near one named")
  func unknown() async throws {
    let outcome = try await Tool.k3seed(["rotate", "cloudflare_api_tokn"], input: Self.input)
    #expect(outcome.status == 2 && outcome.text.isEmpty)
    #expect(
      outcome.errors
        == "error: the first server seeds no Secret from cloudflare_api_tokn; did you mean \"cloudflare_api_token\"? "
        + "it seeds from cloudflare_api_token, git_pat [unknown-secret]\n")
  }
}
