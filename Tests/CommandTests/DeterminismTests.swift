import Foundation
import TestSupport
import Testing

@Suite("The same bytes on every machine") struct DeterminismTests {
  /// Every setting of a machine that a program might take its bytes from.
  static let surroundings: [[String: String]] = [
    [:],
    ["LC_ALL": "C", "LANG": "C"],
    ["LC_ALL": "POSIX", "TZ": "Pacific/Kiritimati"],
    ["LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "LANGUAGE": "tr"],
    ["TZ": "America/St_Johns", "SOURCE_DATE_EPOCH": "0"],
    ["HOME": "/nonexistent", "USER": "nobody", "XDG_CONFIG_HOME": "/nonexistent", "TMPDIR": "/nonexistent"],
    ["NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "20"],
    ["SWIFT_DETERMINISTIC_HASHING": "1"],
  ]

  @Test("Rendering gives the recorded bytes, whatever surrounds it", arguments: GoldenCase.all)
  func rendering(golden: GoldenCase) async throws {
    for (name, choice) in golden.payloads {
      let recorded = try Array(Data(contentsOf: golden.folder.appendingPathComponent("\(name).yaml")))
      for (index, surroundings) in Self.surroundings.enumerated() {
        // Each is tried on one payload of every case.
        guard index % golden.payloads.count == golden.payloads.firstIndex(where: { $0.name == name }) else {
          continue
        }
        let result = try await Tool.k3seed(
          ["render"] + golden.arguments + choice, environment: surroundings, directory: "/")
        let plain = try await unpacked(result.output)
        #expect(result.status == 0 && plain == recorded, "\(name) \(surroundings): \(result.errors)")
      }
    }
  }

  @Test(
    "Twenty runs in twenty surroundings give one result, in every encoding",
    arguments: ["plain", "gzip+base64"])
  func repeated(encoding: String) async throws {
    let golden = try #require(GoldenCase.all.first { $0.name == "high-availability" })
    var results: Set<[UInt8]> = []
    for run in 0..<20 {
      let result = try await Tool.k3seed(
        ["render", "--node", "cp-2", "--encoding", encoding] + golden.arguments,
        environment: Self.surroundings[run % Self.surroundings.count],
        directory: run.isMultiple(of: 2) ? "/" : "/tmp")
      #expect(result.status == 0, "\(result.errors)")
      results.insert(result.output)
    }
    #expect(results.count == 1)
  }

  @Test("A pipe gives what a file gives, but for the name in the findings")
  func pipe() async throws {
    let golden = GoldenCase.all[0]
    let file = try await Tool.k3seed(["render"] + golden.arguments)
    let input = try String(contentsOf: golden.input, encoding: .utf8)
    for arguments in [["render"], ["render", "--input", "-"]] {
      let pipe = try await Tool.k3seed(arguments, input: input)
      #expect(pipe.output == file.output && pipe.status == 0)
      #expect(pipe.errors == file.errors.replacing(golden.input.path, with: "<stdin>"))
    }
  }

  @Test(
    "Turkish, with its own idea of the letter i, changes nothing",
    .enabled(
      if: Tool.has("localedef") && FileManager.default.fileExists(atPath: "/usr/share/i18n/locales/tr_TR"),
      "there is no localedef, or no definition of tr_TR for it (Debian's package locales has it)"))
  func turkish() async throws {
    try await withTemporaryDirectory { folder in
      let made = try await Tool.run([
        "localedef", "-i", "tr_TR", "-f", "UTF-8", folder.appendingPathComponent("tr_TR.UTF-8").path,
      ])
      try #require(made.status < 2, "\(made.errors)")
      let environment = ["LOCPATH": folder.path, "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"]
      // The locale is in force: a program that looks at it says so.
      let codeset = try await Tool.run(["locale", "-k", "LC_TIME"], environment: environment)
      #expect(codeset.text.contains("Ocak"), "\(codeset.text)\(codeset.errors)")
      let golden = try #require(GoldenCase.all.first { $0.name == "oci-vault" })
      let result = try await Tool.k3seed(
        ["render", "--node", "INGRESS".lowercased()] + golden.arguments, environment: environment)
      let recorded = try Array(Data(contentsOf: golden.folder.appendingPathComponent("ingress.yaml")))
      #expect(result.output == recorded)
    }
  }
}
