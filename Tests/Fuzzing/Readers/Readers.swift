import Diagnostics
import GitOps
import Gzip
import Inputs
import K3Seed
import Plan
import Secrets
import Templates
import UserData
import Validation
import YAML

/// What reads bytes of others, each to its end. Nothing is expected of the answer but what a reader promises of every
/// input: that there is one, that no secret is in it, and that it drives no terminal.
public enum Reader: String, CaseIterable, Sendable {
  case json, yaml, outputs, config, lock, gzip, base64
  case inspect, redact, diff, validate, template, repository, secrets

  /// Reads an input. A broken promise ends the process, which is what a fuzzer looks for.
  public func read(_ bytes: [UInt8]) {
    switch self {
    case .json: attempt { () throws(Report) in _ = JSON.emit(try JSON.parse(bytes, source: "in")) }
    case .yaml:
      for ambiguity in [YAML.Ambiguity.refused, .accepted] {
        attempt { () throws(Report) in
          for document in try YAML.parse(bytes, source: "in", ambiguity: ambiguity) { expectSame(document) }
        }
      }
      _ = YAML.separatingTabs(in: bytes)
    case .outputs: attempt { () throws(Report) in try render(.terraform(bytes, source: "in")) }
    case .config:
      attempt { () throws(Report) in
        let none = InputDocument(source: "none")
        _ = try Project(terraform: none, config: try ConfigFile(bytes, source: "in")).renderAll()
      }
    case .lock: attempt { () throws(Report) in _ = try Lock(bytes, source: "in").text }
    case .gzip:
      _ = try? Gzip.decompress(bytes, limit: 1 << 20)
      expect(
        (try? Gzip.decompress(Gzip.compress(bytes), limit: bytes.count)) == bytes,
        "what is compressed is lost")
    case .base64: expect(Base64.decode(Base64.encode(bytes)) == bytes, "what is encoded is lost")
    case .inspect: attempt { () throws(Report) in show(try Inspection(bytes, source: "in")) }
    case .redact: redact(bytes)
    case .diff:
      let halves = bytes.split(separator: 0xFF, maxSplits: 1, omittingEmptySubsequences: false)
      attempt { () throws(Report) in
        let found = try Comparison((Array(halves[0]), "old"), (Array(halves.last ?? []), "new"))
        for showsContent in [false, true] {
          expectPrintable(found.text(showsContent: showsContent))
          _ = found.markdown(showsContent: showsContent)
          _ = JSON.emit(found.document(showsContent: showsContent))
        }
      }
    case .validate:
      attempt { () throws(Report) in look(Validation.report(on: try Payload(bytes, source: "in"))) }
    case .template:
      let templates = TemplateSet(overrides: ["cloud-init/server.yaml": bytes], folder: "mine")
      attempt { () throws(Report) in
        let outputs = try InputDocument.terraform(Array(Self.project.utf8), source: "in")
        let rendering = try Project(terraform: outputs).render(templates: templates)
        let shown = rendering.preview.text(report: rendering.report)
        expectPrintable(shown)
        expect(!shown.contains(Self.canary), "a secret is in a preview")
        expect(
          !"\(JSON.emit(rendering.preview.document(report: rendering.report)))".contains(Self.canary),
          "as JSON")
      }
    case .repository:
      let repository = Repository(["a/in.yaml": bytes, "kustomization.yaml": bytes, "a/Chart.yaml": bytes])
      look(GitOps.Check.report(on: repository))
      for drawing in Drawing.allCases { _ = drawing.of(repository.graph) }
      attempt { () throws(Report) in expectPrintable(try ClusterState(bytes, source: "in").text()) }
    case .secrets: secrets(bytes)
    }
  }

  // MARK: Promises

  private static let canary = "c4n4ryOfTheFuzzer"
  private static let project = """
    {"cloudflare_api_token": "\(canary)1", "k3s_token": "\(canary)2", "git_pat": "\(canary)3", "platform": "nocloud",
     "git_repo_url": "https://git.example.net/a.git"}
    """

  /// Secrets in places where their structure says so, among bytes of the fuzzer: without content nothing of them is
  /// shown, whatever stands around.
  private func redact(_ bytes: [UInt8]) {
    let halves = bytes.split(separator: 0xFF, maxSplits: 1, omittingEmptySubsequences: false)
    let secret = "\npassword: \(Self.canary)\nwrite_files:\n- {path: /a, content: \(Self.canary)}\n"
    let text = halves[0] + Array(secret.utf8) + (halves.count > 1 ? halves[1] : [])
    for payload in [Array("#cloud-config\n".utf8) + text, Array("#!/bin/sh\n".utf8) + text, Array(text)] {
      attempt { () throws(Report) in
        let shown = try Inspection(payload, source: "in")
        expect(!shown.text(showsContent: false).contains(Self.canary), "structure shows text")
        _ = shown.text(showsContent: true)
      }
      attempt { () throws(Report) in
        let found = try Comparison((Array("#cloud-config\n{}\n".utf8), "old"), (payload, "new"))
        expect(!found.text(showsContent: false).contains(Self.canary), "structure shows text")
        expect(!found.markdown(showsContent: false).contains(Self.canary), "structure shows text")
      }
    }
  }

  /// A secret among other inputs of the fuzzer: no finding about any of them shows it.
  private func secrets(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    for spec in InputSpec.all where !spec.isSecret {
      let outputs = "{\"\(spec.name)\": \(JSON.quote(text)), \(Self.project.dropFirst())"
      attempt { () throws(Report) in try render(.terraform(Array(outputs.utf8), source: "in")) }
    }
  }

  private func render(_ outputs: InputDocument) throws(Report) {
    let (all, report) = try Project(terraform: outputs).renderAll()
    look(report)
    for userData in all { expect(userData.plain.starts(with: "#cloud-config\n".utf8), "no cloud-config") }
  }

  private func show(_ inspection: Inspection) {
    for showsContent in [false, true] { expectPrintable(inspection.text(showsContent: showsContent)) }
    look(inspection.report)
  }

  /// What is written reads back as the same.
  private func expectSame(_ document: Node) {
    guard let again = try? YAML.parseOne(YAML.emit(document), source: "out") else { return }
    expect(JSON.emit(again) == JSON.emit(document), "what is written reads back as something else")
  }

  private func attempt(_ body: () throws(Report) -> Void) {
    do throws(Report) { try body() } catch { look(error) }
  }

  private func look(_ report: Report) {
    expectPrintable(report.text)
    expect(!report.text.contains(Self.canary), "a finding shows a secret")
    _ = report.github
    _ = report.json
    let producer = Report.Producer(name: "fuzz", version: "0")
    for format in Report.Format.allCases { _ = report.written(as: format, by: producer) }
  }

  private func expectPrintable(_ text: String) {
    for scalar in text.unicodeScalars where scalar.value < 0x20 && !["\n", "\t", "\r"].contains(scalar) {
      expect(false, "a control character comes through")
    }
  }

  private func expect(_ holds: Bool, _ promise: String) {
    if !holds { fatalError("\(rawValue): \(promise)") }
  }
}
