import Diagnostics
import TestSupport
import Testing
import YAML

@testable import Templates
@testable import UserData

@Suite("Variables of a shell") struct VariableTests {
  @Test(
    "a shell reads a variable back exactly, and runs nothing of it",
    arguments: [
      "", "a b", "'", "''", "a'b'", "\\'", "$(id) `id` \"$HOME\"", "'; echo run; '",
      // To Swift, a quote with a combining mark behind it is another character; to a shell it is a quote.
      "'\u{301}", "'\u{301}; echo run; '", "é'\u{20DD}$(id)'",
    ])
  func shell(text: String) async throws {
    let origin = Origin(template: Location(source: "t"))
    let variables = Field(.mapping([("A", Field(.text(text), from: origin))]), from: origin)
    let file = Field(.document(variables, .environment), from: origin).node(.revealed)
    let script = try #require(file.string) + "printf '%s' \"$A\""
    let outcome = try await Tool.run(["sh", "-euc", script])
    #expect(outcome.status == 0 && outcome.output == Array(text.utf8), "\(script)\n\(outcome.errors)")
  }
}
