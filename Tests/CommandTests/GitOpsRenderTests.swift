import Foundation
import TestSupport
import Testing

@Suite("gitops render") struct GitOpsRenderTests {
  private let golden = TreeCase.all[0]

  private func render(_ folder: URL, _ more: [String] = []) async throws -> Tool.Outcome {
    try await Tool.k3seed(
      ["gitops", "render"] + golden.arguments + ["--out", "argocd"] + more, directory: folder.path)
  }

  /// Every file below a folder, with what it holds.
  private func files(_ folder: URL) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      let file = folder.appendingPathComponent(path)
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), !isFolder.boolValue
      else {
        continue
      }
      files[path] = try Data(contentsOf: file)
    }
    return files
  }

  @Test("Writes the recorded files for everybody to read, and the second time nothing")
  func writes() async throws {
    try await withTemporaryDirectory { folder in
      let first = try await render(folder)
      #expect(first.status == 0 && first.output.isEmpty)
      #expect(first.findings == ["argocd: 25 written, 0 removed, 0 unchanged"])
      var written = try files(folder.appendingPathComponent("argocd"))
      let record = written.removeValue(forKey: ".k3seed.sha256")
      #expect(written == (try files(golden.folder.appendingPathComponent("argocd"))))
      let mode = folder.appendingPathComponent("argocd/apps/docs/service.yaml").mode
      #expect(mode == "0644")
      let check = try await Tool.run(
        ["sha256sum", "--check", "--strict", "--quiet", ".k3seed.sha256"],
        directory: folder.appendingPathComponent("argocd").path)
      #expect(check.status == 0, "\(check.errors)")
      #expect(try await render(folder).findings == ["argocd: 0 written, 0 removed, 25 unchanged"])
      let again = try files(folder.appendingPathComponent("argocd"))
      #expect(record != nil && again[".k3seed.sha256"] == record)
    }
  }

  @Test("The same files in every surrounding", arguments: DeterminismTests.surroundings)
  func determinism(surroundings: [String: String]) async throws {
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.k3seed(
        ["gitops", "render"] + golden.arguments + ["--out", folder.path], environment: surroundings,
        directory: "/")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let written = try files(folder).filter { $0.key != ".k3seed.sha256" }
      #expect(written == (try files(golden.folder.appendingPathComponent("argocd"))))
    }
  }

  @Test("What somebody changed stops it before anything is written, unless told otherwise")
  func edited() async throws {
    try await withTemporaryDirectory { folder in
      _ = try await render(folder)
      let file = folder.appendingPathComponent("argocd/apps/docs/deployment.yaml")
      let text = try String(contentsOf: file, encoding: .utf8)
      try text.replacing("replicas: 1", with: "replicas: 3").write(
        to: file, atomically: true, encoding: .utf8)
      let before = try files(folder)
      let staging = ["--set", "acme_issuer=staging"]
      expectRefusal(
        try await render(folder, staging),
        [
          "argocd/apps/docs/deployment.yaml: error: was changed since k3seed wrote it: line 8 differs; leave it with --keep, or overwrite it with --force [edited]"
        ])
      #expect(try files(folder) == before)
      let kept = try await render(folder, staging + ["--keep"])
      #expect(
        kept.findings == [
          "argocd/apps/docs/deployment.yaml: note: was changed since k3seed wrote it: line 8 differs; it is kept [edited]",
          "argocd: 1 written, 0 removed, 23 unchanged",
        ])
      #expect(try String(contentsOf: file, encoding: .utf8).contains("replicas: 3"))
      let forced = try await render(folder, staging + ["--force"])
      #expect(forced.status == 0 && forced.findings.last == "argocd: 1 written, 0 removed, 24 unchanged")
      #expect(try String(contentsOf: file, encoding: .utf8) == text)
      #expect(try await render(folder, ["--keep", "--force"]).status == 64)
    }
  }

  @Test("A part that is switched off takes its files along, with folders that are empty then")
  func switchedOff() async throws {
    try await withTemporaryDirectory { folder in
      _ = try await render(folder)
      try Data("mine\n".utf8).write(to: folder.appendingPathComponent("argocd/infrastructure/mine.yaml"))
      let off = try await render(
        folder, ["--set", #"gitops_disable=["docs", "vault"]"#, "--set", "registry_server="])
      #expect(off.status == 2, "an empty registry_server is no registry: \(off.errors)")
      let config = folder.appendingPathComponent("k3seed.yaml")
      try "gitops_disable: [docs, vault]\n".write(to: config, atomically: true, encoding: .utf8)
      let outcome = try await Tool.k3seed(
        ["gitops", "render", "--input", golden.input.path, "--config", config.path, "--out", "argocd"],
        directory: folder.path)
      #expect(
        outcome.status == 0 && outcome.findings.last?.contains(" 8 removed, ") == true, "\(outcome.errors)")
      let argocd = folder.appendingPathComponent("argocd")
      #expect(!FileManager.default.fileExists(atPath: argocd.appendingPathComponent("apps").path))
      #expect(
        !FileManager.default.fileExists(
          atPath: argocd.appendingPathComponent("infrastructure/managed-secrets").path))
      #expect(try files(argocd)["infrastructure/mine.yaml"] == Data("mine\n".utf8))
    }
  }

  @Test("All or nothing: where one file cannot be written, none is, and nothing is left beside")
  func atomicity() async throws {
    try await withTemporaryDirectory { folder in
      _ = try await render(folder)
      // A file where the tree needs a folder.
      let argocd = folder.appendingPathComponent("argocd")
      try FileManager.default.removeItem(at: argocd.appendingPathComponent("infrastructure/managed-secrets"))
      try Data().write(to: argocd.appendingPathComponent("infrastructure/managed-secrets"))
      let before = try files(folder)
      let outcome = try await render(folder, ["--set", "acme_issuer=staging"])
      #expect(outcome.status == 2)
      #expect(
        outcome.findings == [
          "argocd/infrastructure/managed-secrets: error: cannot be written: Not a directory [file]"
        ])
      #expect(try files(folder) == before)
    }
  }

  @Test("A link on the way is named, and nothing is written or removed where it leads to")
  func links() async throws {
    try await withTemporaryDirectory { folder in
      _ = try await render(folder)
      let (argocd, outside) = (
        folder.appendingPathComponent("argocd"), folder.appendingPathComponent("outside")
      )
      try FileManager.default.createDirectory(at: outside, withIntermediateDirectories: true)
      let theirs = Data("theirs\n".utf8)
      try theirs.write(to: outside.appendingPathComponent("file"))
      try FileManager.default.createSymbolicLink(
        at: argocd.appendingPathComponent("link"), withDestinationURL: outside)
      let apps = argocd.appendingPathComponent("apps")
      try FileManager.default.removeItem(at: apps)
      try FileManager.default.createSymbolicLink(at: apps, withDestinationURL: outside)
      // As if k3seed had written it.
      let record = argocd.appendingPathComponent(".k3seed.sha256")
      let hash = try await Tool.run(["sha256sum", outside.path + "/file"]).text.prefix(64)
      let line = "\(hash)  link/file\n"
      try Data((String(contentsOf: record, encoding: .utf8) + line).utf8).write(to: record)
      let before = try files(folder)
      let outcome = try await render(folder)
      #expect(outcome.status == 2)
      let what =
        "is a link, and what it leads to is not touched; give the path that it leads to, or remove the link [file-place]"
      #expect(outcome.findings == ["argocd/apps: error: \(what)", "argocd/link: error: \(what)"])
      #expect(try files(folder) == before)
      #expect(try Data(contentsOf: outside.appendingPathComponent("file")) == theirs)
    }
  }

  @Test("Everything that is missing is said at once, and nothing is written")
  func missing() async throws {
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.k3seed(
        ["gitops", "render", "--out", "argocd"], input: #"{"k3s_version": "latest"}"#, directory: folder.path)
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(outcome.findings.count == 7 && outcome.findings[0].contains("k3s_version"), "\(outcome.errors)")
      #expect(outcome.findings.dropFirst().allSatisfy { $0.hasSuffix("[missing-input]") })
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
    }
  }

  @Test("No secret is in the tree or in the findings, in any form")
  func secrets() async throws {
    let canaries = CanaryTests.canaries + [("github_webhook_secret", Canary("webhook"))]
    for names in [
      ["git_pat", "argocd_admin_password"], ["git_ssh_private_key", "argocd_admin_password_hash"],
    ] {
      let used = canaries.filter {
        !$0.name.hasPrefix("git_") && !$0.name.hasPrefix("argocd_") || names.contains($0.name)
      }
      var project: [String: Any] = [
        "git_repo_url": names.contains("git_pat")
          ? "https://git.example.net/a.git" : "git@git.example.net:a.git",
        "domain_name": "example.net", "cloudflare_zone_id": "00000000feedfacecafebeef00000000",
        "acme_email": "ops@example.net", "ingress_public_ip": "203.0.113.10", "docs_image": "docs:1",
        "vault_ocid": "ocid1.vault.oc1..a", "oci_region": "us-ashburn-1",
      ]
      for (name, canary) in used { project[name] = canary.value }
      try await withTemporaryDirectory { folder in
        let outcome = try await Tool.k3seed(
          ["gitops", "render", "--out", "argocd"], input: json(project), directory: folder.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let everything = try files(folder).values.reduce(Data(), +) + Data(outcome.errors.utf8)
        #expect(everything.count > 10_000)
        for (name, canary) in canaries { #expect(canary.trace(in: Array(everything)) == nil, "\(name)") }
      }
    }
  }
}
