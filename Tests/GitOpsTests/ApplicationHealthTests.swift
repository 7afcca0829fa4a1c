import Foundation
import TestSupport
import Testing

/// The health that Argo CD gives to Applications, by the script in argocd-cm.
///
/// Argo CD runs it with gopher-lua, whose language is Lua 5.1; here it is Lua 5.1 itself.
@Suite("The health of Applications", .enabled(if: Tool.has("lua5.1"), "lua5.1 is not installed"))
struct ApplicationHealthTests {
  /// An Application's state, as Lua writes tables, and what it is taken for.
  struct State: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var object: String
    var health: String
  }

  private static func object(
    _ sync: String?, _ health: String?, _ phase: String?, asked: Bool = false
  ) -> String {
    let parts = [
      sync.map { "sync = {status = \"\($0)\"}" }, health.map { "health = {status = \"\($0)\"}" },
      phase.map { "operationState = {phase = \"\($0)\"}" },
    ]
    return
      "{status = {\(parts.compactMap(\.self).joined(separator: ", "))}\(asked ? ", operation = {sync = {}}" : "")}"
  }

  static let phases = ["Running", "Terminating", "Failed", "Error"]

  private static let settled: [State] = [
    State(
      testDescription: "just made", object: "{}", health: "Progressing"),
    State(
      testDescription: "not compared yet", object: "{status = {}}", health: "Progressing"),
    State(
      testDescription: "compared, its sync not begun", object: object("OutOfSync", "Healthy", nil),
      health: "Progressing"),
    State(
      testDescription: "compared, nothing made", object: object("OutOfSync", "Missing", nil),
      health: "Progressing"),
    // Argo CD syncs nothing that is in sync (autoSync of its controller), so no operation would ever come.
    State(
      testDescription: "in sync from the beginning", object: object("Synced", "Healthy", nil),
      health: "Healthy"),
    State(testDescription: "synced", object: object("Synced", "Healthy", "Succeeded"), health: "Healthy"),
    State(
      testDescription: "synced, and changed by somebody",
      object: object("OutOfSync", "Healthy", "Succeeded"),
      health: "Healthy"),
    State(
      testDescription: "synced, its pods start", object: object("Synced", "Progressing", "Succeeded"),
      health: "Progressing"),
    State(
      testDescription: "synced, stopped", object: object("Synced", "Suspended", "Succeeded"),
      health: "Suspended"),
    State(
      testDescription: "synced, an object gone", object: object("OutOfSync", "Missing", "Succeeded"),
      health: "Missing"),
    State(
      testDescription: "synced, health not known yet", object: object("Synced", nil, "Succeeded"),
      health: "Progressing"),
    State(
      testDescription: "its repository cannot be read", object: object("Unknown", "Healthy", "Succeeded"),
      health: "Progressing"),
    State(
      testDescription: "never compared, its repository cannot be read",
      object: object("Unknown", "Healthy", nil),
      health: "Progressing"),
    State(
      testDescription: "an operation was asked for",
      object: object("Synced", "Healthy", "Succeeded", asked: true),
      health: "Progressing"),
  ]

  private static let underWay = phases.map { phase in
    State(
      testDescription: "healthy, and its operation is \(phase)", object: object("Synced", "Healthy", phase),
      health: "Progressing")
  }

  private static let degraded: [State] = (phases + ["Succeeded"]).flatMap { (phase: String) -> [State] in
    let syncs: [String] = ["Synced", "OutOfSync", "Unknown"]
    return syncs.map { sync in
      State(
        testDescription: "degraded, \(sync), \(phase)", object: object(sync, "Degraded", phase),
        health: "Degraded")
    }
  }

  static let states = settled + underWay + degraded

  @Test("It is Healthy only when its last operation succeeded and its sync is known; Degraded is passed on")
  func table() async throws {
    let script = Tool.root.appendingPathComponent("templates/manifests/application-health.lua").path
    let program = """
      local states = {\(Self.states.map(\.object).joined(separator: ",\n"))}
      for _, state in ipairs(states) do
        obj = state
        local health = assert(loadfile("\(script)"))()
        print(health.status)
      end
      """
    let outcome = try await Tool.run(["lua5.1", "-"], input: Array(program.utf8))
    try #require(outcome.status == 0, "\(outcome.errors)")
    let found = outcome.text.split(separator: "\n")
    try #require(found.count == Self.states.count)
    for (state, line) in zip(Self.states, found) {
      #expect(line == state.health, "\(state.testDescription)")
    }
  }
}
