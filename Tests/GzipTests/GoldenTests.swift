import Gzip
import Testing

/// The exact bytes, because they lie in users' Terraform state: where one of these fails, an upgrade of k3seed
/// would replace their instances. Change them only on purpose, and say so in the changelog.
@Suite("golden bytes") struct GoldenTests {
  @Test(
    "short inputs",
    arguments: [
      (
        "",
        "1f8b08000000000002ff03000000000000000000"
      ),
      (
        "a",
        "1f8b08000000000002ff4b040043beb7e801000000"
      ),
      (
        "abcabcabcabc",
        "1f8b08000000000002ff4b4c4a862300342a6e5a0c000000"
      ),
      (
        "#cloud-config\nruncmd:\n  - [systemctl, start, k3seed]\n",
        "1f8b08000000000002ff534ecec92f4dd14dcecf4bcb4ce72a2acd4bce4db1e25250d055882eae2c"
          + "2e49cd4d2ec9d151282e492c2ad151c8362e4e4d4d89e502004863aba535000000"
      ),
    ])
  func short(input: String, golden: String) {
    #expect(hex(Gzip.compress(Array(input.utf8))) == golden)
  }

  @Test(
    "long inputs, by SHA-256", .enabled(if: Reference.isThere, "python3 is not installed"))
  func long() async throws {
    var samples = Samples(seed: 4)
    let cases: [(name: String, input: [UInt8], golden: String)] = [
      (
        "cloud-config of 16 KB", samples.cloudConfig(16_000),
        "2afa1423b9617526d068a8e09003b9b8b95b7cade8570751bef624e263644dca"
      ),
      (
        "cloud-config of 60 KB", samples.cloudConfig(60_000),
        "0c8264f429518a3e673e7662c742f75dd29a64f4ede23a38e5a374a8e16e7ad6"
      ),
      (
        "echoes", samples.echoes(100_000),
        "3e23401639e9fff8294e11d3ecca4440a825b02616123e092d54f4bcde751c9d"
      ),
      (
        "noise", samples.noise(70_000),
        "1f543db6bc161ebf58c635a41149e57384cb593962c3ced9ed7bf955ead45725"
      ),
      (
        "two kinds", samples.noise(20_000, kinds: 2),
        "3dd4c0be493dbfabe363f1f24577bf420067d3e25cd27f6c25e618eef5789aa9"
      ),
      (
        "runs", samples.runs(100_000, upTo: 600),
        "6984b4c81ea883318f1a3c3f5d369273ec9e31e511bc366713d3286b4dc109e3"
      ),
      (
        "long codes", samples.skewed(),
        "a8701094f3aac92886c55bf220242e7133c9957a0d59e368545c336cada1f7b4"
      ),
      (
        "parts", samples.cloudConfig(9000) + samples.noise(9000) + samples.runs(9000, upTo: 9),
        "e2143712b1507565f26155f08839e4986cba6ed35b301574cd7cd2fe512db6f6"
      ),
      (
        "zeros", [UInt8](repeating: 0, count: 100_000),
        "0ad1497fb4a9884f8081954b368be8ffa9965bde97eb94643410a6c5d20963f2"
      ),
    ]
    let verdicts = try await Reference.verdicts(cases.map { ($0.input, Gzip.compress($0.input)) })
    #expect(verdicts.count == cases.count)
    for (expected, verdict) in zip(cases, verdicts) {
      #expect(verdict.digest == expected.golden, "\(expected.name)")
    }
  }

  private func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}
