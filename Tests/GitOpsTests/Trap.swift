import Diagnostics
import GitOps
import Testing

/// A small repository with a fault in it, and what it takes to mend that.
struct Trap: Sendable, CustomTestStringConvertible {
  /// The rule that finds it.
  var code: String
  /// What tells it from other traps of the rule.
  var name: String
  /// What is said, in the order of the places that `»` marks in the files.
  var findings: [String]
  /// The files; `»` stands before what the findings point at.
  var files: [String: String]
  /// What is replaced in them, so that nothing is found.
  var mended: KeyValuePairs<String, String>
  /// What the bootstrap makes.
  var bootstrap = Bootstrap([
    Bootstrap.Secret(namespace: "cert-manager", name: "cloudflare-api-token", keys: ["api-token"]),
    Bootstrap.Secret(namespace: "external-dns", name: "cloudflare-api-token", keys: ["api-token"]),
  ])

  var testDescription: String { "\(code): \(name)" }

  /// The places of the marks, by file, line and column.
  var places: [String] {
    files.keys.sorted().flatMap { file in
      (files[file] ?? "").split(separator: "\n", omittingEmptySubsequences: false).enumerated().flatMap {
        index, line in
        var line = String(line)
        var places: [String] = []
        while let mark = line.firstIndex(of: "»") {
          places.append("\(file):\(index + 1):\(line[..<mark].unicodeScalars.count + 1)")
          line.remove(at: mark)
        }
        return places
      }
    }
  }

  /// What is found in the files as they are.
  var broken: Report { check(files) }

  /// What is found once they are mended; a file that is empty then is gone.
  var twin: Report {
    check(
      files.mapValues { text in
        mended.reduce(text.replacing("»", with: "")) { $0.replacing($1.key, with: $1.value) }
      }.filter { !$0.value.isEmpty })
  }

  /// Whether everything that is to be replaced is there.
  var canBeMended: Bool {
    mended.allSatisfy { old, _ in files.values.contains { $0.replacing("»", with: "").contains(old) } }
  }

  private func check(_ files: [String: String]) -> Report {
    Check.report(
      on: Repository(
        files.mapValues { Array($0.replacing("»", with: "").utf8) }, bootstrap: bootstrap))
  }
}

/// An Application without a fault; texts are put in as they are.
func application(
  _ name: String, wave: String? = nil, source: String? = nil, namespace: String = "apps",
  options: String = "[CreateNamespace=true]", retry: String = "retry: {limit: -1, refresh: true}"
) -> String {
  """
  apiVersion: argoproj.io/v1alpha1
  kind: Application
  metadata:
    name: \(name)
    namespace: argocd
  \(wave.map { "  annotations: {argocd.argoproj.io/sync-wave: \($0)}\n" } ?? "")spec:
    project: default
    source: \(source ?? own(name.replacing("»", with: "")))
    destination: {server: 'https://kubernetes.default.svc', namespace: \(namespace)}
    syncPolicy:
      automated: {}
      syncOptions: \(options)
      \(retry)
  ---

  """
}

/// The folder of an Application in its own repository.
func own(_ folder: String) -> String {
  "{repoURL: 'https://git.example.net/own.git', path: \(folder), targetRevision: HEAD}"
}

/// A chart as a source.
func chart(_ name: String, _ version: String, from repository: String, values: String = "{}") -> String {
  "{repoURL: '\(repository)', chart: \(name), targetRevision: \(version), helm: {valuesObject: \(values)}}"
}

/// Something that is no fault in any folder.
let configMap = map("settings")

/// Likewise, under a name of its own.
func map(_ name: String) -> String { "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name)}\n" }
