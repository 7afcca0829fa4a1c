import Diagnostics
import Foundation
import Inputs
import TestSupport
import Testing
import YAML

@testable import Plan

@Suite("k3seed.lock") struct LockTests {
  /// The file beside Pins.swift.
  private static let place = Tool.root.appendingPathComponent("Sources/Plan/\(Lock.fileName)")

  private func read(_ text: String) throws(Report) -> Lock {
    try Lock(Array(text.utf8), source: "k3seed.lock")
  }

  /// What is found about a text, without the advice.
  private func findings(_ text: String) -> [String] {
    do throws(Report) {
      _ = try read(text)
      return []
    } catch {
      return error.diagnostics.map(\.line)
    }
  }

  @Test("what is compiled in is the file beside it, as \"k3seed lock\" writes it")
  func compiled() throws {
    let text = try String(contentsOf: Self.place, encoding: .utf8)
    let read = try read(text)
    #expect(read.facts == Pins.lock.facts)
    #expect(text == Pins.lock.text)
    #expect(read.origin == Location(source: "k3seed.lock", line: 5, column: 12, path: "$.k3s.version"))
  }

  @Test("any lock is read as it was written, and written as it was read", arguments: 0..<200)
  func roundTrip(seed: UInt64) throws {
    let lock = Lock.random(seed)
    let text = lock.text
    #expect(Lock.isMeant(Array(text.utf8)))
    let again = try read(text)
    #expect(again.facts == lock.facts)
    #expect(again.text == text)
  }

  @Test("comments, empty lines and carriage returns mean nothing")
  func comments() throws {
    let text = Lock.random(1).text
    let bare = text.split(separator: "\n").filter { !$0.contains("#") }.joined(separator: "\n\n") + "\n"
    #expect(try read(bare).facts == Lock.random(1).facts)
    // As git writes it on Windows.
    #expect(try read(text.replacing("\n", with: "\r\n")).facts == Lock.random(1).facts)
  }

  @Test("every line that is changed is refused where it stands, and no other", arguments: 0..<4)
  func altered(seed: UInt64) throws {
    let lines = Lock.random(seed, isFull: true).text.split(separator: "\n", omittingEmptySubsequences: false)
    let other = Dictionary(Lock.random(seed + 1000, isFull: true).facts.map { ($0.key, $0.value) }) { $1 }
    var changes = 0
    for (index, line) in lines.enumerated() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, let value = other[parts[0].trimmingCharacters(in: .whitespaces)],
        !line.contains("#"), !parts[1].contains(value)
      else { continue }
      var changed = lines.map(String.init)
      changed[index] = "\(parts[0]): '\(value)'"
      let report = #expect(throws: Report.self) { try read(changed.joined(separator: "\n")) }
      let found = try #require(report?.diagnostics.first)
      changes += 1
      // A repository that is right for one chart may be wrong for another, which says more.
      #expect(["lock-altered", "input-value"].contains(found.code))
      #expect(report?.diagnostics.count == 1 && found.location?.line == index + 1, "\(report?.text ?? "")")
    }
    #expect(changes > 20)
  }

  @Test("a line that is gone is missed, be it one that a lock may do without")
  func removed() throws {
    let lock = Lock.random(3, isFull: true)
    let lines = lock.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for (index, line) in lines.enumerated() where line.hasPrefix("  ") && !line.contains("#") {
      guard !line.hasSuffix(":") else { continue }
      var fewer = lines
      fewer.remove(at: index)
      let report = #expect(throws: Report.self) { try read(fewer.joined(separator: "\n")) }
      #expect(report?.diagnostics.count == 1, "\(line): \(report?.text ?? "")")
    }
    let text = lock.text.split(separator: "\n").filter { !$0.contains("airgap_amd64") }.joined(
      separator: "\n")
    let seal = try #require(text.split(separator: "\n").firstIndex { $0.hasPrefix("  seal:") }) + 1
    #expect(
      findings(text) == [
        "k3seed.lock:\(seal):9: error: k3s lacks a line that was locked (at $.k3s.seal); run \"k3seed lock\", which resolves what stands there, and review what it writes [lock-altered]"
      ])
  }

  @Test("a merge that took some lines from elsewhere is refused at those lines")
  func merged() throws {
    let ours = Lock.random(5, isFull: true).text.split(separator: "\n").map(String.init)
    let theirs = Lock.random(6, isFull: true).text.split(separator: "\n").map(String.init)
    var both = ours
    let rows = ours.indices.filter { ours[$0].hasPrefix("  a") && ours[$0].contains("64:") }
    for row in rows { both[row] = theirs[row] }
    #expect(rows.count == 4)
    let report = #expect(throws: Report.self) { try read(both.joined(separator: "\n")) }
    #expect(report?.diagnostics.map { $0.location?.line } == rows.map { $0 + 1 })
    // Whole entries may come from either side.
    let end = try #require(ours.firstIndex(of: "charts:"))
    let apart = Array(theirs[..<end]) + Array(ours[end...])
    #expect(try read(apart.joined(separator: "\n")).k3s == Lock.random(6, isFull: true).k3s)
  }

  @Test("what is no lock, or none that this k3seed reads, is refused with what to do")
  func forms() {
    let text = Lock.random(7).text
    #expect(
      findings("k3s: {}\n") == [
        "k3seed.lock:1:1: error: this is no k3seed.lock: it has no \"schema: k3seed.lock/v1\" (at $); write one with \"k3seed lock\" [lock-form]"
      ])
    #expect(
      findings(text.replacing("schema: k3seed.lock/v1", with: "schema: k3seed.lock/v2\nmore: {}")) == [
        "k3seed.lock:3:9: error: lock.schema is not k3seed.lock/v1, the form that k3seed \(Pins.k3seed) reads (at $.schema); use the k3seed that wrote it, or remove it and run \"k3seed lock\" [input-value]"
      ])
    #expect(
      findings(text.replacing("charts:\n", with: "charts:\n  cert-manger: {}\n")).first?.contains(
        "error: lock.charts has no key \"cert-manger\" (at $.charts[\"cert-manger\"]); did you mean \"cert-manager\"? [unknown-key]"
      ) == true)
    #expect(
      findings("<<<<<<< HEAD\n\(text)=======\n\(text)>>>>>>> theirs\n<<<<<<< HEAD\n").map {
        $0.prefix(while: { $0 != ";" })
      } == [
        "k3seed.lock:1:1: error: a merge left both of its sides here",
        "k3seed.lock:\(text.count { $0 == "\n" } * 2 + 4):1: error: a merge left both of its sides here",
      ])
    #expect(findings("a: [\n").first?.contains("[yaml-syntax]") == true)
    #expect(!Lock.isMeant(Array("#cloud-config\nschema: other\n".utf8)))
  }

  @Test("all findings are told at once: in several entries, of several kinds")
  func together() throws {
    var lines = Lock.random(8, isFull: true).text.split(separator: "\n").map(String.init)
    let first = try #require(lines.firstIndex { $0.hasPrefix("  amd64:") })
    lines[first] = "  amd64: abc"
    let second = try #require(lines.lastIndex { $0.hasPrefix("    sha256:") })
    lines[second] = "    sha256: '\(Sample.hash)'"
    lines.append("  comit: x")
    let report = #expect(throws: Report.self) { try read(lines.joined(separator: "\n")) }
    #expect(report?.diagnostics.map(\.code).sorted() == ["input-value", "lock-altered", "unknown-key"])
    #expect(
      Set(report?.diagnostics.map { $0.location?.line } ?? []) == [first + 1, second + 1, lines.count])
  }

  @Test("what was altered is taken for what is wanted, and no digest of it is believed")
  func reading() throws {
    let lock = Lock.random(9, isFull: true)
    let text = lock.text.replacing("version: \(lock.k3s.version)", with: "version: v1.99.0+k3s1")
    let reading = try LockReading(Array(text.utf8), source: "k3seed.lock")
    #expect(reading.report.diagnostics.map(\.code) == ["lock-altered"])
    #expect(reading.facts["k3s.version"] == "v1.99.0+k3s1")
    #expect(reading.facts["k3s.amd64"] == nil)
    #expect(reading.facts["charts.argo-cd.sha256"] == lock[.argoCD].sha256)
  }

  @Test(
    "its JSON Schema takes it, and refuses what the reader refuses",
    .enabled(if: Tool.has("check-jsonschema"), "check-jsonschema is not installed"))
  func schema() async throws {
    let good = Lock.random(10, isFull: true)
    let texts = [
      ("full", good.text, true), ("built-in", Pins.lock.text, true),
      ("unknown", good.text + "more: x\n", false),
      ("missing", good.text.replacing("\n  arm64: ", with: "\n  # "), false),
      ("form", good.text.replacing("lock/v1", with: "lock/v2"), false),
      ("hash", good.text.replacing("  amd64: ", with: "  amd64: x"), false),
      ("version", good.text.replacing("  version: v1.", with: "  version: v1.x."), false),
      ("channel", good.text.replacing("version: \(good.k3s.version)", with: "version: stable"), false),
    ]
    try await withTemporaryDirectory { folder in
      let schema = folder.appendingPathComponent("schema.json")
      try Data(JSON.emit(Lock.schema)).write(to: schema)
      let meta = try await Tool.run(["check-jsonschema", "--check-metaschema", schema.path])
      #expect(meta.status == 0, "\(meta.text)")
      for (name, text, isGood) in texts {
        let file = folder.appendingPathComponent("\(name).yaml")
        try text.write(to: file, atomically: true, encoding: .utf8)
        let outcome = try await Tool.run(["check-jsonschema", "--schemafile", schema.path, file.path])
        #expect((outcome.status == 0) == isGood, "\(name): \(outcome.text)")
        #expect(findings(text).isEmpty == isGood, "\(name)")
      }
    }
  }
}

@Suite("What a lock says to the plan") struct LockedPlanTests {
  private let lock = Lock.random(20, isFull: true)

  private func plan(_ outputs: String, _ lock: Lock) throws -> (plan: ClusterPlan, findings: [String]) {
    var report = Report()
    let inputs = Inputs(
      terraform: try .terraform(Array(outputs.utf8), source: "outputs.json"), report: &report)
    let plan = ClusterPlan(inputs, lock: lock, report: &report)
    return (plan, report.diagnostics.map(\.line))
  }

  @Test("the locked release is what is installed where nothing is said, and its line is where it comes from")
  func release() throws {
    let lock = try Lock(Array(lock.text.utf8), source: "prod.lock")
    let (plan, findings) = try plan("{}", lock)
    #expect(findings.isEmpty)
    #expect(plan.k3s.value == lock.k3s)
    #expect(plan.k3s.origin == Location(source: "prod.lock", line: 5, column: 12, path: "$.k3s.version"))
    #expect(plan.binaryURLs.map(\.value) == [lock.k3s.officialBinaries])
    #expect(try self.plan(#"{"k3s_version": "\#(lock.k3s.version)"}"#, lock).findings.isEmpty)
  }

  @Test("another release needs hashes of its own, or a lock of its own")
  func another() throws {
    let lock = try Lock(Array(lock.text.utf8), source: "prod.lock")
    let version = #""k3s_version": "v1.35.1+k3s2""#
    #expect(
      try plan("{\(version)}", lock).findings == [
        "outputs.json:1:17: error: k3s_version v1.35.1+k3s2 is not the \(lock.k3s.version) of prod.lock, and nothing says what its files must be (at $.k3s_version); run \"k3seed lock --k3s v1.35.1+k3s2\", or give k3s_sha256 = {amd64, arm64, install_script}, from the release's sha256sum files and install.sh [missing-hash]"
      ])
    // The built-in one is another, too.
    #expect(try plan(#"{"k3s_version": "\#(Pins.lock.k3s.version)"}"#, lock).findings.count == 1)
    let hashes =
      #"{"amd64": "\#(Sample.hash)", "arm64": "\#(Sample.hash)", "install_script": "\#(Sample.hash)"}"#
    let (plan, findings) = try plan(#"{\#(version), "k3s_sha256": \#(hashes)}"#, lock)
    #expect(findings.isEmpty)
    #expect(
      plan.k3s.value
        == K3sRelease(
          version: "v1.35.1+k3s2", amd64: Sample.hash, arm64: Sample.hash, installScript: Sample.hash))
  }

  @Test("an archive of images that is not the locked one is a warning")
  func airgap() throws {
    let locked = try #require(lock.k3s.airgapAMD64)
    #expect(try plan(#"{"k3s_airgap_sha256": {"amd64": "\#(locked)"}}"#, lock).findings.isEmpty)
    #expect(try plan(#"{"k3s_airgap_sha256": {"amd64": "\#(Sample.hash)"}}"#, Pins.lock).findings.isEmpty)
    let findings = try plan(#"{"k3s_airgap_sha256": {"amd64": "\#(Sample.hash)"}}"#, lock).findings
    #expect(
      findings == [
        "outputs.json:1:33: warning: k3s_airgap_sha256.amd64 is not the \(locked) that was locked for \(lock.k3s.version) (at $.k3s_airgap_sha256.amd64); use that one, unless the archive is one of your own [airgap-differs]"
      ])
  }
}

extension Lock {
  /// A lock of arbitrary values; without `isFull` it has some of what it may have.
  static func random(_ seed: UInt64, isFull: Bool = false) -> Lock {
    var random = SplitMix(seed: seed)
    func digits(_ count: Int) -> String {
      String((0..<count).map { _ in "0123456789abcdef".randomElement(using: &random) ?? "0" })
    }
    func maybe(_ text: String) -> String? { isFull || Bool.random(using: &random) ? text : nil }
    func number() -> Int { Int.random(in: 0...99, using: &random) }
    func version() -> String {
      let suffix = ["", "", "-rc.1", "+up\(number())", "-alpha.1+x.y"].randomElement(using: &random) ?? ""
      return (Bool.random(using: &random) ? "v" : "") + "\(number()).\(number()).\(number())\(suffix)"
    }
    let web = ["https://charts.example.org", "https://a.example.net:8443/b/c/", "http://10.0.0.1/helm"]
    let registries = ["docker.io/envoyproxy", "registry.example.org:5000/a/b-c_d"]
    return Lock(
      k3s: K3sRelease(
        version: "v1.\(number()).\(number())+k3s\(number())", amd64: digits(64), arm64: digits(64),
        installScript: digits(64), airgapAMD64: maybe(digits(64)), airgapARM64: maybe(digits(64))),
      gatewayAPI: GitTag(
        repository: "https://git.example.org/gateway-api.git", version: version(), commit: maybe(digits(40)))
    ) { chart in
      let places = chart == .argoCD ? web : web + registries
      return (places.randomElement(using: &random) ?? "", version(), maybe(digits(64)))
    }
  }
}
