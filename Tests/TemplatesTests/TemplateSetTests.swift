import Diagnostics
import Foundation
import Scripts
import TestSupport
import Testing

@testable import Templates

@Suite("Templates of a run") struct TemplateSetTests {
  /// The files under `templates/`, by their path within it.
  static func files() throws -> [String: [UInt8]] {
    let folder = Tool.root.appendingPathComponent("templates")
    let found = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: [.isRegularFileKey])
    var files: [String: [UInt8]] = [:]
    for case let url as URL in found ?? FileManager.DirectoryEnumerator() {
      guard try url.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true,
        !url.lastPathComponent.hasPrefix(".")
      else { continue }
      let path = url.standardizedFileURL.path.dropFirst(folder.standardizedFileURL.path.count + 1)
      files[String(path)] = Array(try Data(contentsOf: url))
    }
    return files
  }

  @Test("the embedded templates are the files of the repository, byte for byte")
  func fresh() throws {
    let files = try Self.files()
    let templates = TemplateSet()
    #expect(files.count >= 10)
    #expect(templates.names == files.keys.sorted())
    for (name, bytes) in files {
      #expect(templates.text(of: name) == bytes, "\(name) differs")
      #expect(templates.source(of: name) == "templates/\(name)")
    }
  }

  @Test("a user's template stands in for an embedded one, and findings name the user's file")
  func overrides() throws {
    let templates = TemplateSet(
      overrides: ["manifests/namespaces.yaml": Array("mine".utf8), "own.yaml": Array("new".utf8)],
      folder: "./tpl/")
    #expect(templates.text(of: "manifests/namespaces.yaml") == Array("mine".utf8))
    #expect(templates.source(of: "manifests/namespaces.yaml") == "./tpl/manifests/namespaces.yaml")
    #expect(templates.source(of: "own.yaml") == "./tpl/own.yaml")
    #expect(templates.source(of: "guest/bootstrap.sh") == "templates/guest/bootstrap.sh")
    #expect(templates.text(of: "guest/bootstrap.sh") == TemplateSet().text(of: "guest/bootstrap.sh"))
    #expect(templates.names == (TemplateSet().names + ["own.yaml"]).sorted())
    #expect(templates.text(of: "nothing") == nil)
    #expect(TemplateSet(overrides: ["a": []], folder: "tpl").source(of: "a") == "tpl/a")
  }

  @Test("an error in an embedded template that a user's one includes names each by its own file")
  func errorsAcross() {
    let mine = ["t.yaml": Array("- !include cloud-init/agent-config.yaml".utf8)]
    var expander = Expander(TemplateSet(overrides: mine, folder: "tpl"))
    do {
      let field = try expander.expand("t.yaml", with: .map([:]))
      Issue.record("no finding: \(field.short)")
    } catch {
      #expect(!error.diagnostics.isEmpty)
      #expect(
        error.diagnostics.allSatisfy { $0.location?.source == "templates/cloud-init/agent-config.yaml" })
    }
  }

  @Test(
    "a script loses the lines that do nothing, and no other",
    arguments: [
      ("#!/bin/sh\n# a\n\nls # b\n  # c\n\t\nid\n", "#!/bin/sh\nls # b\nid\n"),
      ("# first\n# second\nls", "ls\n"), ("ls\n# last", "ls\n"), ("", ""), ("\n", ""),
      ("a\nx=${y#z} && echo '# no' \"#\" $# \\#\n#b\n", "a\nx=${y#z} && echo '# no' \"#\" $# \\#\n"),
      // The end of a line that goes on is not the end of a command.
      ("a\nls \\\n\nid\n", "a\nls \\\n\nid\n"), ("a\nls \\\n# b\nid\n", "a\nls \\\n# b\nid\n"),
      ("a\n# b \\\n\nid\n", "a\nid\n"),
      // What looks like a comment may be the text of a here-document.
      ("a\ncat <<EOF\n# b\n\nEOF\n", "a\ncat <<EOF\n# b\n\nEOF\n"),
      ("a\ncat <<-'E'\n# b\nE\n", "a\ncat <<-'E'\n# b\nE\n"),
      // Neither a here-string nor a redirection is one.
      ("a\nread -r x <<<\"$y\"\n# b\n", "a\nread -r x <<<\"$y\"\n"),
      ("a\nread -r x <f\n# b\n", "a\nread -r x <f\n"),
      ("a\r\n# b\r\nls\r\n", "a\r\nls\r\n"), ("a\n é # b\n", "a\n é # b\n"),
      // So may it be the text of a Python string.
      ("a = \"\"\"\n# b\n\n\"\"\"\n", "a = \"\"\"\n# b\n\n\"\"\"\n"),
      ("a = '''\n# b'''\n", "a = '''\n# b'''\n"),
      ("#!/usr/bin/python3 -I\n# a\nif b:\n    # c\n    d()\n", "#!/usr/bin/python3 -I\nif b:\n    d()\n"),
    ])
  func condensed(script: String, result: String) throws {
    let field = try Expansion.field(["t.yaml": "a: !script s\nb: !file s", "s": script])
    #expect(field["a"]?.text == result)
    #expect(field["b"]?.text == script)
  }

  @Test(
    "the bootstrap does the same without its comments",
    .enabled(if: Tool.has("bash"), "needs bash"), arguments: ["bootstrap", "firewall"])
  func condensedBootstrap(part: String) async throws {
    let field = try Expansion.field(["t.yaml": "!script guest/\(part).sh"])
    let condensed = try #require(field.text)
    let whole = try #require(TemplateSet().text(of: "guest/\(part).sh"))
    #expect(condensed.utf8.count < whole.count)
    /// What bash has understood: its functions as it prints them.
    func functions(_ script: [UInt8]) async throws -> String {
      // Nothing but the engine does anything.
      let command = String(decoding: script, as: UTF8.self) + "\ndeclare -f\n"
      let outcome = try await Tool.run(["bash"], input: Array(command.utf8))
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.text
    }
    let understood = try await functions(whole)
    #expect(understood.contains(" ()"))
    #expect(try await functions(Array(condensed.utf8)) == understood)
  }

  @Test(
    "the client of OCI Vault is the same program without its comments",
    .enabled(if: Tool.has("python3"), "needs python3"))
  func condensedVault() async throws {
    let condensed = try #require(Expansion.field(["t.yaml": "!script guest/vault.py"]).text)
    let whole = try #require(TemplateSet().text(of: "guest/vault.py"))
    #expect(condensed.utf8.count < whole.count && !condensed.contains("\n#"))
    /// What Python has understood, without the lines where it stands.
    func tree(_ script: [UInt8]) async throws -> String {
      let program = "import ast, sys; print(ast.dump(ast.parse(sys.stdin.buffer.read())))"
      let outcome = try await Tool.run(["python3", "-c", program], input: script)
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.text
    }
    let understood = try await tree(whole)
    #expect(understood.contains("FunctionDef(name='main'"))
    #expect(try await tree(Array(condensed.utf8)) == understood)
  }

  @Test("what the embedded templates compress was compressed when they were built, to the same bytes")
  func packed() throws {
    let template = "- !script guest/bootstrap.sh\n- !script guest/firewall.sh\n- !script guest/engine.sh"
    let parts = try Expansion.field(["t.yaml": template]).items.compactMap(\.text)
    #expect(parts.count == 3)
    #expect(EmbeddedFiles.packed.map(\.text).contains(parts.joined()))
    let vault = try #require(Expansion.field(["t.yaml": "!script guest/vault.py"]).text)
    #expect(EmbeddedFiles.packed.map(\.text).contains(vault))
    #expect(EmbeddedFiles.packed.count == 2, "the bootstrap and the client of OCI Vault")
    for (text, packed) in EmbeddedFiles.packed { #expect(Script.packed(text) == packed) }
    let field = try Expansion.field(["t.yaml": "a: !gzip [!script s]", "s": "#!/bin/sh\n# c\nid\n"])
    #expect(field["a"]?.text == Script.packed("#!/bin/sh\nid\n"))
  }
}
