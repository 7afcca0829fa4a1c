import Foundation
import TestSupport
import Testing

@testable import Resolution

@Suite("The list of a git repository's references") struct ReferenceListTests {
  private let commit = String(repeating: "ab", count: 20)
  private let tag = String(repeating: "cd", count: 20)

  /// A list as the protocol writes it: lengths count themselves.
  private func list(_ lines: [String]) -> [UInt8] {
    func line(_ text: String) -> String {
      let length = String(text.utf8.count + 4, radix: 16)
      return String(repeating: "0", count: 4 - length.count) + length + text
    }
    return Array(
      (line("# service=git-upload-pack\n") + "0000" + lines.map(line).joined() + "0000").utf8)
  }

  @Test("names lead to objects; what the server can do is left out")
  func read() {
    let text = list([
      "\(commit) HEAD\0multi_ack symref=HEAD:refs/heads/main\n", "\(tag) refs/tags/v1\n",
      "\(commit) refs/tags/v1^{}\n",
    ])
    #expect(
      Resolver.references(text) == ["HEAD": commit, "refs/tags/v1": tag, "refs/tags/v1^{}": commit])
    #expect(Resolver.references(list([])) == [:])
  }

  @Test("a text that is no such list, or is cut off within a line, is refused; nothing ends the program")
  func damaged() {
    let text = list(["\(commit) HEAD\0x\n", "\(tag) refs/tags/v1\n"])
    for other in ["", "0000", "<html>", "001e# service=git-receive-pack\n0000"] {
      #expect(Resolver.references(Array(other.utf8)) == nil, "\(other)")
    }
    // Cut off behind a line or between the parts, it is a shorter list.
    let refused = text.indices.filter { Resolver.references(Array(text[..<$0])) == nil }
    #expect(refused.count == text.count - 4)
    var random = SplitMix(seed: 1)
    for _ in 0..<5000 {
      var other = text
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        other[Int.random(in: other.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      }
      _ = Resolver.references(other)
    }
  }
}
