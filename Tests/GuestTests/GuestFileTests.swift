import Foundation
import TestSupport
import Testing

@Suite("The guest's files")
struct GuestFileTests {
  @Test("shellcheck finds nothing", .enabled(if: Tool.has("shellcheck"), "shellcheck is not installed"))
  func shellcheck() async throws {
    let standIns = try FileManager.default.contentsOfDirectory(atPath: Node.standIns.path)
      .filter { !$0.hasSuffix(".py") }.map { Node.standIns.appendingPathComponent($0).path }
    // The parts know each other's variables only as one script.
    let script = try await Tool.run(
      ["shellcheck", "-e", "SC1091", "-"], input: Array(Node.whole().utf8))
    #expect(script.status == 0, "\(script.text)")
    let result = try await Tool.run(["shellcheck"] + standIns)
    #expect(result.status == 0, "\(result.text)")
  }

  @Test("Without its comments the bootstrap is the same program")
  func stripped() async throws {
    let whole = try Node.whole()
    let trees = try await [whole, Node.stripped()].asyncMap { source in
      // bash prints a function's parse tree, so equal prints are equal programs.
      try await Tool.run(
        ["bash", "-c", "eval \"f() { $(cat); }\" && declare -f f"], input: Array((source + "\n").utf8))
    }
    #expect(trees[0].status == 0 && trees[0].text.count > 1000, "\(trees[0].errors)")
    #expect(trees[0].output == trees[1].output)
    #expect(!whole.contains("<<-") && !whole.replacing("<<<", with: "").contains("<<"), "no here-documents")
  }

  @Test("systemd accepts the unit", .enabled(if: Tool.has("systemd-analyze"), "systemd is not installed"))
  func unit() async throws {
    // The program that it starts is not on this machine.
    let unit = try String(contentsOf: Node.unit, encoding: .utf8)
      .replacing("/usr/local/sbin/k3seed-bootstrap", with: "/bin/true")
    try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("k3seed-bootstrap.service")
      try Data(unit.utf8).write(to: file)
      let result = try await Tool.run(["systemd-analyze", "verify", file.path])
      #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    }
  }

  @Test("The unit outlasts every deadline, and waits for nothing that waits for it")
  func deadlines() throws {
    let script = try Node.whole()
    let table = try #require(script.firstMatch(of: /declare -rA deadlines=\(([^)]*)\)/)?.output.1)
    let deadlines = table.matches(of: /=([0-9]+)/).compactMap { Int($0.output.1) }
    #expect(deadlines.count == 10)
    let unit = try String(contentsOf: Node.unit, encoding: .utf8)
    let minutes = try #require(unit.firstMatch(of: /TimeoutStartSec=([0-9]+)min/)?.output.1)
    #expect(deadlines.reduce(0, +) < (Int(minutes) ?? 0) * 60)
    #expect(
      unit.matches(of: /(?m)^(After|Before|Requires|Wants)=(.*)$/).allSatisfy {
        $0.output.2 == "network-online.target"
      })
    #expect(!unit.contains("cloud"))
    // The exit codes of what waiting cannot help.
    let permanent = try #require(unit.firstMatch(of: /RestartPreventExitStatus=([0-9 ]+)/)?.output.1)
    #expect(permanent.split(separator: " ").compactMap { Int($0) } == deadlines.indices.map { 30 + $0 })
  }
}

extension Sequence {
  fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await transform(element)) }
    return values
  }
}
