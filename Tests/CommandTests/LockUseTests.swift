import Foundation
import TestSupport
import Testing

/// `k3seed.lock` as `render` and its like find and judge it.
@Suite("The lock in use") struct LockUseTests {
  private let input = json(project)

  /// Runs a body in a folder with a lock, `other.lock`, of a release that is not the built-in one.
  private func withLock(_ body: (URL, String) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      try locked.write(to: folder["other.lock"], atomically: true, encoding: .utf8)
      try await body(folder, locked)
    }
  }

  /// A lock of made-up digests, sealed. Its seals were computed by `k3seed lock`'s own writer.
  private var locked: String {
    get throws {
      try String(
        contentsOf: Tool.root.appendingPathComponent("Tests/CommandTests/Locks/other.lock"), encoding: .utf8)
    }
  }

  @Test("the lock that is asked for, named, or found beside k3seed.yaml gives the same user-data")
  func places() async throws {
    try await withLock { folder, _ in
      try FileManager.default.createDirectory(at: folder["project"], withIntermediateDirectories: true)
      _ = try folder["project/k3seed.yaml"].holding("cluster_name: k3s\n")
      _ = try folder["named.yaml"].holding("lock: other.lock\n")
      try FileManager.default.copyItem(at: folder["other.lock"], to: folder["project/k3seed.lock"])
      func render(_ arguments: [String]) async throws -> Tool.Outcome {
        let outcome = try await Tool.k3seed(["render"] + arguments, input: input, directory: folder.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome
      }
      let expected = try await render(["--lock", "other.lock"])
      #expect(expected.text.contains("v1.35.1+k3s2") && expected.text.contains("10.9.5"))
      for arguments in [
        ["--lock=other.lock"], ["--config", "named.yaml"], ["--config", "project/k3seed.yaml"],
        ["--config", "\(folder.path)/project/k3seed.yaml"],
        ["--config", "named.yaml", "--lock", "project/k3seed.lock"],
      ] {
        #expect(try await render(arguments).output == expected.output, "\(arguments)")
      }
      // What is asked for goes before what is named, and that before what lies there.
      _ = try folder["k3seed.lock"].holding("not a lock")
      #expect(try await render(["--config", "named.yaml"]).output == expected.output)
      let query = changed(["config": "named.yaml"])
      for query in [query, changed(["lock": "other.lock"])] {
        let answer = try await Tool.k3seed(["external"], input: json(query), directory: folder.path)
        let object = try JSONSerialization.jsonObject(with: Data(answer.output)) as? [String: String]
        #expect(object?["user_data"] == expected.text, "\(answer.errors)")
      }
    }
  }

  @Test("without an option and without k3seed.yaml no lock is opened")
  func unopened() async throws {
    try await withTemporaryDirectory { folder in
      _ = try folder["k3seed.lock"].holding("not a lock")
      let plain = try await Tool.k3seed(["render"], input: input)
      let beside = try await Tool.k3seed(["render"], input: input, directory: folder.path)
      #expect(beside.status == 0 && beside.output == plain.output)
    }
  }

  @Test(
    "no system call names a file of the project",
    .enabled(if: Tool.has("strace"), "strace is not installed"))
  func traced() async throws {
    try await withLock { folder, _ in
      try FileManager.default.copyItem(at: folder["other.lock"], to: folder["k3seed.lock"])
      let trace = folder["trace"].path
      let outcome = try await Tool.run(
        ["strace", "-f", "-e", "trace=%file", "-o", trace, Tool.k3seed, "render"],
        input: Array(input.utf8), directory: folder.path)
      try #require(outcome.status == 0, "\(outcome.errors)")
      let calls = try String(contentsOfFile: trace, encoding: .utf8)
      #expect(calls.contains("execve") && !calls.contains(".lock") && !calls.contains("k3seed.yaml"))
    }
  }

  @Test("an altered lock is refused at its line, with whatever else is wrong")
  func altered() async throws {
    try await withLock { folder, text in
      let line = try #require(text.split(separator: "\n").firstIndex { $0.hasPrefix("  arm64:") }) + 1
      let other = text.replacing(
        #/(?m)^  arm64: .*$/#, with: "  arm64: '\(String(repeating: "0", count: 64))'")
      _ = try folder["other.lock"].holding(other)
      let finding =
        "other.lock:\(line):10: error: k3s.arm64 is not what was locked (at $.k3s.arm64); run \"k3seed lock --lock other.lock\", which resolves what stands there, and review what it writes [lock-altered]"
      for command in [["render"], ["preview"], ["gitops", "render", "--out", "tree"]] {
        expectRefusal(
          try await Tool.k3seed(
            command + ["--lock", "other.lock", "--set", "platfrom"], input: input, directory: folder.path),
          [
            finding,
            "--set: error: an argument is not of the form NAME=VALUE; names are of lower-case letters, digits and \"_\"; \"k3seed schema\" lists them [set-syntax]",
          ])
      }
      expectRefusal(
        try await Tool.k3seed(
          ["external"], input: json(changed(["lock": "other.lock", "encoding": "zip"])),
          directory: folder.path),
        [
          "<stdin>:1:63: error: \"zip\" is not an encoding (at $.encoding); did you mean \"gzip\"? use one of auto, plain, gzip, base64, gzip+base64 [unknown-encoding]",
          finding,
        ])
      #expect(folder.names == ["other.lock"])
    }
  }

  @Test("a lock that is not there is an error where it is asked for or named")
  func missing() async throws {
    try await withTemporaryDirectory { folder in
      _ = try folder["k3seed.yaml"].holding("lock: none.lock\n")
      let finding = "none.lock: error: cannot be read: No such file or directory [file]"
      for arguments in [["--lock", "none.lock"], ["--config", "k3seed.yaml"]] {
        expectRefusal(
          try await Tool.k3seed(["render"] + arguments, input: input, directory: folder.path), [finding])
      }
      _ = try folder["k3seed.yaml"].holding("lock: 7\n")
      expectRefusal(
        try await Tool.k3seed(["render", "--config", "k3seed.yaml"], input: input, directory: folder.path),
        ["k3seed.yaml:1:7: error: lock is a number; expected the path of a file (at $.lock) [input-type]"])
    }
  }

  @Test("render with a lock is render with equal inputs", arguments: GoldenCase.all.map(\.name))
  func equal(name: String) async throws {
    let golden = try #require(GoldenCase.all.first { $0.name == name })
    try await withLock { folder, text in
      // The chart of Argo CD is the built-in one, since no input chooses it.
      let argoCD = try Tool.root.lock.section("argo-cd")
      let lock = try text.replacing(text.section("argo-cd"), with: argoCD)
      _ = try folder["other.lock"].holding(lock)
      var inputs =
        try #require(
          JSONSerialization.jsonObject(with: Data(contentsOf: golden.input)) as? [String: Any])
      let isWrapped = inputs.values.allSatisfy { ($0 as? [String: Any])?["value"] != nil }
      func wrapped(_ value: Any) -> Any { isWrapped ? ["value": value, "sensitive": false] : value }
      inputs["k3s_version"] = nil
      inputs["k3s_sha256"] = nil
      let config = golden.config.map { ["--config", $0.path] } ?? []
      for payload in golden.payloads {
        let locked = try await Tool.k3seed(
          ["render", "--lock", folder["other.lock"].path] + config + payload.choice, input: json(inputs))
        try #require(locked.status == 0, "\(locked.errors)")
        var given = inputs
        given["k3s_version"] = wrapped("v1.35.1+k3s2")
        given["k3s_sha256"] = wrapped([
          "amd64": lock.fact("amd64"), "arm64": lock.fact("arm64"),
          "install_script": lock.fact("install_script"),
        ])
        let plain = try await Tool.k3seed(["render"] + config + payload.choice, input: json(given))
        try #require(plain.status == 0, "\(plain.errors)")
        #expect(locked.output == plain.output && !plain.output.isEmpty, "\(payload.name)")
      }
    }
  }

  @Test("the GitOps tree has the locked charts, and the built-in ones where the lock says the same")
  func tree() async throws {
    try await withLock { folder, _ in
      let example = Tool.root.appendingPathComponent("examples/oci-vault").path
      func render(_ out: String, _ lock: [String]) async throws -> String {
        let outcome = try await Tool.k3seed(
          ["gitops", "render", "--input", "\(example)/outputs.json", "--config", "\(example)/k3seed.yaml"]
            + ["--out", folder[out].path] + lock)
        try #require(outcome.status == 0, "\(outcome.errors)")
        return try String(contentsOf: folder["\(out)/applications.yaml"], encoding: .utf8)
      }
      let plain = try await render("plain", [])
      let own = try await render(
        "own", ["--lock", Tool.root.appendingPathComponent("Sources/Plan/k3seed.lock").path])
      #expect(plain == own)
      let other = try await render("other", ["--lock", folder["other.lock"].path])
      for version in ["10.9.5", "v1.21.1", "1.21.0", "2.7.0", "v1.8.0", "v1.6.0"] {
        #expect(
          other.contains("targetRevision: \(version)") || other.contains("targetRevision: '\(version)'"))
        #expect(!plain.contains(version))
      }
      #expect(
        other.contains("registry.example.net/helm") && other.contains("git.example.net/gateway-api.git"))
    }
  }

  @Test("validate knows a lock by what it holds, and judges the other files by it")
  func validate() async throws {
    try await withLock { folder, text in
      _ = try folder["outputs.json"].holding(json(changed(["k3s_version": "v1.35.1+k3s2"])))
      let without = try await Tool.k3seed(
        ["validate", "outputs.json"], directory: folder.path)
      #expect(without.status == 1 && without.text.contains("[missing-hash]"))
      for files in [["outputs.json", "other.lock"], ["other.lock", "outputs.json"]] {
        let with = try await Tool.k3seed(["validate"] + files, directory: folder.path)
        #expect(with.status == 0, "\(with.text)")
      }
      _ = try folder["k3seed.yaml"].holding("lock: other.lock\n")
      let named = try await Tool.k3seed(["validate", "outputs.json", "k3seed.yaml"], directory: folder.path)
      #expect(named.status == 0, "\(named.text)")
      let damaged = text.replacing("version: 2.7.0", with: "version: 2.7.1").replacing(
        "'2.7.0'", with: "'2.7.1'")
      #expect(damaged != text)
      _ = try folder["other.lock"].holding(damaged)
      let altered = try await Tool.k3seed(["validate", "outputs.json", "other.lock"], directory: folder.path)
      #expect(altered.status == 1)
      let lines = altered.text.split(separator: "\n")
      #expect(lines.count == 1 && lines.first?.contains("[lock-altered]") == true, "\(altered.text)")
    }
  }
}

extension URL {
  /// The lock that is compiled in, of the repository.
  fileprivate var lock: String {
    get throws { try String(contentsOf: appendingPathComponent("Sources/Plan/k3seed.lock"), encoding: .utf8) }
  }
}

extension String {
  /// The lines of a chart.
  fileprivate func section(_ chart: String) throws -> String {
    let start = try #require(range(of: "  \(chart):\n")).lowerBound
    let seal = try #require(self[start...].range(of: "    seal: "))
    return String(self[start..<(self[seal.upperBound...].firstIndex(of: "\n") ?? endIndex)])
  }

  /// What stands under a key of the release of K3s.
  fileprivate func fact(_ key: String) -> String {
    let line = split(separator: "\n").first { $0.hasPrefix("  \(key): ") } ?? ""
    return line.dropFirst(key.count + 4).trimmingCharacters(in: CharacterSet(charactersIn: "'"))
  }
}
