import Testing
import UserData

@Suite("Lines beside findings") struct ShownLinesTests {
  private func lines(_ text: String, _ wanted: Set<Int>) -> [Int: String] {
    let shown = ShownLines(Array(text.utf8), wanted: wanted)
    return Dictionary(
      uniqueKeysWithValues: wanted.compactMap { number in shown[number].map { (number, $0) } })
  }

  @Test("the lines that are asked for, without secrets")
  func redacted() {
    let text = "#cloud-config\npassword: canary-1\nruncmd:\n- curl -u admin:canary-2 https://x\n- ls\n"
    let all = lines(text, [1, 2, 4, 5])
    #expect(all[1] == "#cloud-config" && all[5] == "- ls")
    #expect(!"\(all)".contains("canary"), "\(all)")
  }

  @Test("a line within something that is left out as a whole is not shown")
  func within() {
    let text =
      "write_files:\n- content: |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    canarycanarycanary\n    -----END OPENSSH PRIVATE KEY-----\n  path: /a\n"
    let all = lines(text, Set(1...6))
    #expect(!"\(all)".contains("canarycanary"), "\(all)")
    #expect(all[1] == "write_files:" && all[6] == "  path: /a", "\(all)")
  }

  @Test("lines that belong together keep their numbers")
  func continued() {
    let text = "runcmd:\n- |\n  apt-get install \\\n    curl \\\n    jq\n  echo done\n"
    let all = lines(text, Set(1...6))
    #expect(all[4] == "    curl \\" && all[6] == "  echo done", "\(all)")
  }

  @Test("what is not there is not shown") func absent() { #expect(lines("a\n", [0, 3, 9]).isEmpty) }
}
