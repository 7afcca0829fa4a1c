import Diagnostics
import Testing

@Suite("Findings at a terminal") struct TerminalTests {
  private let report = Report([
    .error(
      "input-value", at: Location(source: "k3seed.yaml", line: 3, column: 15, path: "$.git_repo_url"),
      "git_repo_url: \"hts://x\" is not the URL of a git repository",
      help: "write https://host/path.git, ssh://git@host/path.git or git@host:path.git"),
    .warning("weak-token", at: nil, "k3s_token can be guessed"),
  ])
  private let lines = [3: "git_repo_url: hts://x"]

  private func text(columns: Int, isColoured: Bool = false) -> String {
    report.text(for: TerminalStyle(columns: columns, isColoured: isColoured)) { place in
      place.line.flatMap { lines[$0] }
    }
  }

  @Test("the message, its place, the line with a caret and what to do, wrapped to the width")
  func layout() {
    #expect(
      text(columns: 60) == """
        error: git_repo_url: "hts://x" is not the URL of a git
          repository [input-value]
          --> k3seed.yaml:3:15 (at $.git_repo_url)
          3 | git_repo_url: hts://x
            |               ^
          help: write https://host/path.git, ssh://git@host/path.git
                or git@host:path.git

        warning: k3s_token can be guessed [weak-token]

        """)
  }

  @Test("colours change nothing but the colour", arguments: [40, 60, 80, 200])
  func colours(columns: Int) throws {
    let plain = text(columns: columns)
    let coloured = text(columns: columns, isColoured: true)
    #expect(coloured != plain)
    #expect(coloured.replacing(try Regex("\u{1B}\\[[0-9;]+m"), with: "") == plain)
  }

  @Test("a long line is shown around the place, and the caret stands under it", arguments: [1, 30, 500, 999])
  func longLine(column: Int) throws {
    let line = String(repeating: ".", count: column - 1) + "X" + String(repeating: ".", count: 1_000 - column)
    let report = Report([.error("a", at: Location(source: "f", line: 7, column: column), "b")])
    let shown = report.text(for: TerminalStyle(columns: 60, isColoured: false)) { _ in line }
      .split(separator: "\n").map(String.init)
    let (source, caret) = (try #require(shown.dropFirst(2).first), try #require(shown.dropFirst(3).first))
    #expect(source.count <= 60 && source.contains("X"))
    #expect(source.firstIndex(of: "X") == caret.firstIndex(of: "^"))
  }

  @Test("what is from elsewhere drives no terminal, and moves no caret")
  func hostile() {
    let report = Report([
      .error("a", at: Location(source: "f\u{1B}[2J", line: 1, column: 4), "b\u{1B}]52;c", help: "c\u{7}")
    ])
    let shown = report.text(for: TerminalStyle(columns: 80, isColoured: false)) { _ in "\u{9B}\tx = 1" }
    #expect(!shown.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F) ~= $0.value })
    #expect(shown.contains("  1 | \\u{9b} x = 1\n    |         ^\n"), "\(shown)")
  }

  @Test("words that are longer than the line stay whole")
  func longWord() {
    let word = String(repeating: "x", count: 100)
    let report = Report([.error("a", at: nil, "see \(word) there")])
    #expect(
      report.text(for: TerminalStyle(columns: 40, isColoured: false))
        == "error: see\n  \(word)\n  there [a]\n")
  }
}
