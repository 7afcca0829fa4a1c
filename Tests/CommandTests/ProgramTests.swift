import Foundation
import TestSupport
import Testing

@Suite("The program") struct ProgramTests {
  static let commands = ["render", "external", "preview", "inspect", "token", "schema"]

  @Test("--version is a semantic version alone")
  func version() async throws {
    let outcome = try await Tool.k3seed(["--version"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.contains(/^\d+\.\d+\.\d+\n$/), "\(outcome.text)")
    // It is the version that payloads name.
    let rendered = try await Tool.k3seed(["render"], input: json(project)).text
    #expect(rendered.contains(#"{"k3seed":"\#(outcome.text.dropLast())","#))
  }

  @Test("--help names every command and every exit code")
  func help() async throws {
    let outcome = try await Tool.k3seed(["--help"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    for command in Self.commands { #expect(outcome.text.contains("\n  \(command) "), "\(command)") }
    let text = outcome.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      text.contains(
        "0 done; 1 what was checked does not hold; 2 bad input; 64 wrong usage; 69 a needed tool of the host is missing; 70 a bug"
      ))
    #expect(try await Tool.k3seed([]).text == outcome.text)
  }

  @Test("Every command explains itself and every option of it", arguments: commands)
  func commandHelp(command: String) async throws {
    let outcome = try await Tool.k3seed([command, "--help"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    #expect(outcome.text.hasPrefix("OVERVIEW: "))
    #expect(try await Tool.k3seed(["help", command]).text == outcome.text)
    // An option without a word about it would end its line, or fill the column alone.
    for option in outcome.text.matches(of: #/(?m)^  (--?[a-z][^\n]*)$/#) {
      let words = option.output.1.split(separator: #/  +/#)
      let isExplained = words.count > 1 || outcome.text[option.range.upperBound...].hasPrefix("\n        ")
      #expect(isExplained, "\(option.output.1)")
    }
  }

  @Test(
    "Wrong usage: exit code 64, nothing on standard output, and how to use it on standard error",
    arguments: [
      ["bogus"], ["--bogus"], ["render", "--bogus"], ["render", "file"], ["render", "--all"],
      ["render", "--all", "--node", "a", "-o", "d"], ["render", "--all", "--role", "agent", "-o", "d"],
      ["render", "--encoding", "zip"], ["render", "--encoding"], ["render", "-o"], ["external", "x"],
      ["preview", "--encoding", "gzip"], ["inspect"], ["inspect", "a", "b"], ["schema", "nope"],
      ["token", "x"],
    ])
  func usage(arguments: [String]) async throws {
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.k3seed(arguments, directory: folder.path)
      #expect(outcome.status == 64)
      #expect(outcome.output.isEmpty)
      #expect(
        outcome.errors.hasPrefix("Error: ") && outcome.errors.contains("Usage: k3seed"), "\(outcome.errors)")
      #expect(folder.names == [])
    }
  }

  @Test(
    "verify takes the Vault's values as an object of texts, and shows none where they are not",
    arguments: [
      (#"["EXAMPLE-secret-1"]"#, "values.json:1:1: error: the values of --vault are not an object of texts"),
      (#"{"git_pat": 17}"#, "values.json:1:1: error: the values of --vault are not an object of texts"),
      ("{\"git_pat\":\n EXAMPLE-secret-1}", "values.json:2:2: error: "),
    ])
  func vaultValues(text: String, error: String) async throws {
    try await withTemporaryDirectory { folder in
      try Data(text.utf8).write(to: folder.appendingPathComponent("values.json"))
      let outcome = try await Tool.k3seed(
        ["verify", "-", "--vault", "values.json"], input: "#cloud-config\n{}\n", directory: folder.path)
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(outcome.errors.contains(error), "\(outcome.errors)")
      #expect(!outcome.errors.contains("EXAMPLE-secret-1"))
    }
  }

  @Test("token gives 256 random bits in hexadecimal, that K3s' rule accepts")
  func token() async throws {
    var tokens: Set<String> = []
    for _ in 0..<8 {
      let outcome = try await Tool.k3seed(["token"])
      #expect(outcome.status == 0 && outcome.errors.isEmpty)
      #expect(outcome.text.contains(/^[0-9a-f]{64}\n$/))
      tokens.insert(outcome.text)
    }
    #expect(tokens.count == 8)
    let token = String(try #require(tokens.first).dropLast())
    #expect(try await Tool.k3seed(["render"], input: json(changed(["k3s_token": token]))).status == 0)
  }

  @Test("schema prints all schemas, or the one that is named")
  func schema() async throws {
    let all = try await Tool.k3seed(["schema"])
    #expect(all.status == 0 && all.errors.isEmpty)
    let document = try JSONSerialization.jsonObject(with: Data(all.output)) as? [String: Any] ?? [:]
    #expect(document.keys.sorted() == ["config", "inputs", "lock", "verification"])
    for name in document.keys {
      let one = try await Tool.k3seed(["schema", name])
      let schema = try JSONSerialization.jsonObject(with: Data(one.output)) as? NSDictionary
      #expect(schema == document[name] as? NSDictionary && schema?["$schema"] != nil, "\(name)")
    }
  }

  @Test(
    "The schemas are schemas, and accept the project and the k3seed.yaml of every golden case",
    .enabled(if: Tool.has("check-jsonschema"), "check-jsonschema is not installed"))
  func schemaAccepts() async throws {
    try await withTemporaryDirectory { folder in
      for name in ["inputs", "config"] {
        _ = try folder[name].holding(try await Tool.k3seed(["schema", name]).text)
      }
      let meta = try await Tool.run(
        ["check-jsonschema", "--check-metaschema", folder["inputs"].path, folder["config"].path])
      #expect(meta.status == 0, "\(meta.text)")
      for golden in GoldenCase.all {
        guard let config = golden.config else { continue }
        let outcome = try await Tool.run([
          "check-jsonschema", "--schemafile", folder["config"].path, config.path,
        ])
        #expect(outcome.status == 0, "\(outcome.text)")
      }
      let plain = try folder["plain.json"].holding(json(project))
      let wrong = try folder["wrong.json"].holding(json(changed(["k3s_version": "stable"])))
      let schema = folder["inputs"].path
      #expect(try await Tool.run(["check-jsonschema", "--schemafile", schema, plain.path]).status == 0)
      #expect(try await Tool.run(["check-jsonschema", "--schemafile", schema, wrong.path]).status == 1)
    }
  }

  @Test(
    "Nothing is read from a terminal: without a pipe or a file it says how to go on",
    .enabled(if: Tool.has("script"), "script is not installed"))
  func terminal() async throws {
    let outcome = try await Tool.shell(#"NO_COLOR=1 script -qec "$k3seed preview" /dev/null </dev/null"#)
    #expect(
      outcome.text.replacing("\r\n", with: "\n").contains(
        "error: nothing is piped in and no --input is given [no-input]\n  help: try: terraform output -json | k3seed preview\n"
      ), "\(outcome.text)")
    #expect(outcome.status == 2)
  }
}
