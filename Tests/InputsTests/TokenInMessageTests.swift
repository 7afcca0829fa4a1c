import Inputs
import TestSupport
import Testing

@Suite("A token in the wrong place") struct TokenInMessageTests {
  /// Made up, in the forms that services give out: Cloudflare before and since 2026, AWS, GitHub, Azure, `k3seed token`.
  static let tokens = [
    "v1xR8tQ2mZ7pLk4JcN6yWb0HsDf3GuEa9TiOqVnX", "cfut_0123456789abcdefghijABCDEFGHIJ0123456789",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYZ3kq9VdT2s", "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw",
    "9f2c4e6a8b0d1f3c5e7a9b2d4f6c8e0a1b3d5f7c9e2a4b6d8f0c1e3a5b7d9f2c",
  ]

  @Test("is not quoted, whatever input it was given for", arguments: tokens)
  func everyInput(token: String) {
    // Any ten characters of it, so that a cut one is found as well.
    let letters = Array(token)
    let parts = (0...(letters.count - 10)).map { String(letters[$0..<$0 + 10]) }
    for spec in InputSpec.all where !spec.isSecret {
      for value in [
        "\"\(token)\"", "[\"\(token)\"]", "{\"a\": \"\(token)\"}", "{\"\(token)\": \"a\"}", "\" \(token) \"",
      ] {
        let lines = Reading.lines("{\"\(spec.name)\": \(value)}")
        #expect(!parts.contains { part in lines.contains { $0.contains(part) } }, "\(spec.name): \(lines)")
      }
    }
    let inConfig = Reading.lines("{}", config: "cloudflare_zone_id: '\(token)'\ncluster_name: '\(token)'\n")
    #expect(!inConfig.isEmpty && !inConfig.contains { $0.contains(token.prefix(12)) }, "\(inConfig)")
  }

  @Test(
    "what people give by mistake is shown",
    arguments: [
      "https://git.example.net/platform/my-first-cluster-2026.git", "v1.36.4-k3s1", "ip-10-0-12-34-us-east-1",
      "10.0.0.0/33", "fd00:c1::a9fe:a9fe", "a name with spaces and 12 digits 345",
      "worker-1.prod.example.net",
      "example.org/dedicated=gpu:NoScheduled", "k3s_on_oracle_free_tier_2",
    ])
  func ordinary(value: String) {
    let lines = Reading.lines("{\"cloudflare_zone_id\": \"\(value)\"}")
    #expect(lines.count == 1 && lines.allSatisfy { $0.contains("\"\(value)\"") }, "\(lines)")
  }
}
