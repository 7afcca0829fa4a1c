import Diagnostics
import Foundation
import GitOps
import TestSupport
import Testing

@Suite("gitops check") struct CheckTests {
  @Test("A trap is found where it is, and nothing else is", arguments: Trap.all)
  func traps(trap: Trap) {
    let found = trap.broken.diagnostics
    #expect(found.map { "\($0.location.map(\.description) ?? "-")" } == trap.places, "\(trap.broken.text)")
    #expect(found.map { "\($0.message); \($0.help ?? "")" } == trap.findings)
    #expect(found.contains { $0.code == trap.code })
  }

  @Test("Its mended twin has no findings", arguments: Trap.all)
  func twins(trap: Trap) {
    #expect(trap.canBeMended)
    #expect(trap.twin.text == "")
  }

  @Test("Every rule has a trap, and every code is a rule's own")
  func coverage() {
    let codes = Check.rules.map(\.documentation.code)
    #expect(Set(codes).count == codes.count)
    #expect(Set(codes) == Set(Trap.all.map(\.code)))
  }

  @Test("A finding says what to do, in lower case and on one line", arguments: Trap.all)
  func wording(trap: Trap) {
    for finding in trap.broken.diagnostics {
      #expect(finding.help?.isEmpty == false)
      #expect(finding.line == finding.line.printable)
      #expect(!finding.message.hasSuffix("."))
    }
  }

  @Test("No finding shows the value of a secret")
  func secrecy() {
    for trap in Trap.secrets where trap.code == "committed-secret" {
      for value in ["aHVudGVyMg", "hunter2", "0123456789", "b3BlbnNz"] {
        #expect(!trap.broken.text.contains(value))
      }
    }
  }

  @Test(
    "Whatever the files hold, the check ends and says nothing about what it cannot read",
    arguments: [
      "", "\u{0}\u{1}", "{{ if .Values.x }}\na: b\n{{ end }}\n", "{% for x in y %}\n",
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: !value a}\nspec: {}\n",
      "- a\n- b\n",
      "a: &a [*a]\n",
      "apiVersion: v1\n", "apiVersion: [v1]\nkind: {}\n",
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\n",
      "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: [a]\nmetadata: b\n",
      "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec: {generators: [{matrix: {}}], template: a}\n",
      "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nspec: {parentRefs: a, rules: [b]}\n",
      "apiVersion: v1\nkind: List\nitems: [a, {kind: List, items: []}]\n",
    ])
  func oddities(text: String) {
    let files = [
      "apps.yaml": application("a") + application("b", source: own("charts/b")), "a/a.yaml": configMap,
      "charts/b/Chart.yaml": "name: b\n", "charts/b/templates/a.yaml": text, "c/x.yml": text,
      "c/binary.bin": text,
    ].mapValues { Array($0.utf8) }
    let report = Check.report(on: Repository(files))
    // A file in no Application's folder cannot keep one from syncing.
    #expect(
      !report.diagnostics.contains {
        $0.severity == .error && $0.location?.source.hasPrefix("charts/b/templates") == true
      }, "\(report.text)")
    #expect(!report.diagnostics.contains { $0.location?.source == "c/binary.bin" })
  }

  @Test("It does not matter whether the whole repository is read, or a folder of it")
  func folders() {
    let inner = [
      "apps.yaml": application("a", source: own("argocd/a"))
        + application("b", source: own("argocd/missing")),
      "a/a.yaml": configMap,
    ]
    let outer = Dictionary(uniqueKeysWithValues: inner.map { ("argocd/\($0)", $1) })
    let reports = [inner, outer].map { Check.report(on: Repository($0.mapValues { Array($0.utf8) })) }
    #expect(reports[0].diagnostics.map(\.code) == ["path-missing"])
    #expect(reports[0].diagnostics.map(\.message) == reports[1].diagnostics.map(\.message))
    #expect(reports[1].diagnostics.first?.location?.source == "argocd/apps.yaml")
  }

  @Test("The repository's own URL is the same in every spelling")
  func urls() {
    let files = [
      "apps.yaml": application("a")
        + application("b", source: "{repoURL: 'git@git.example.net:own.git', path: b, targetRevision: main}")
        + application(
          "c", source: "{repoURL: 'ssh://git@GIT.example.net/own', path: c, targetRevision: HEAD}"),
      "a/a.yaml": configMap, "b/a.yaml": map("b"), "c/a.yaml": map("c"),
    ].mapValues { Array($0.utf8) }
    #expect(Check.report(on: Repository(files)).text == "")
    let other = Check.report(on: Repository(files, url: "https://github.com/another/one"))
    #expect(other.diagnostics.map(\.code) == ["floating-revision", "floating-revision", "floating-revision"])
  }

  @Test(
    "Credentials in a URL of the repository are in no finding",
    arguments: [
      "https://ada:c4n4ry@git.example.org/b.git", "https://c4n4ry@git.example.org/b.git",
      "https://git.example.org/b.git?token=c4n4ry",
      "https://git.example.org/b.git?a=b&private_token=c4n4ry#c",
      "ssh://ada:c4n4ry@git.example.org/b.git",
    ])
  func credentials(url: String) {
    let files = [
      "apps.yaml": application("a")
        + application("b", source: "{repoURL: '\(url)', path: b, targetRevision: main}"),
      "a/a.yaml": configMap,
    ].mapValues { Array($0.utf8) }
    let text = Check.report(on: Repository(files)).text
    #expect(text.contains("git.example.org/b.git") && !text.contains("c4n4ry"), "\(text)")
  }

  @Test("The documentation's table of rules is the one of the code")
  func documentation() throws {
    let url = Tool.root.appendingPathComponent("Sources/K3Seed/K3Seed.docc/GitOpsCheck.md")
    let text = try String(contentsOf: url, encoding: .utf8)
    let start = try #require(text.range(of: "<!-- rules -->\n"))
    let end = try #require(text[start.upperBound...].range(of: "\n<!-- /rules -->"))
    guard text[start.upperBound..<end.lowerBound] != Check.rules.map(\.documentation).table else { return }
    if ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "1" {
      let new = text[..<start.upperBound] + Check.rules.map(\.documentation).table + text[end.lowerBound...]
      try String(new).write(to: url, atomically: true, encoding: .utf8)
    }
    Issue.record("the rules of GitOpsCheck.md are not those of the code; K3SEED_RECORD=1 writes them")
  }
}
