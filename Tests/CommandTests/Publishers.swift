import Foundation
import TestSupport
import Testing

/// The stand-in for the publishers that `k3seed lock` asks (`Locks/publishers.py`), and the project that asks.
struct Publishers {
  /// Whether it can be run here.
  static let isHere = ["openssl", "curl", "python3", "git", "sha256sum"].allSatisfy(Tool.has)

  /// What is served, by host and path.
  let folder: URL
  /// Where k3seed runs.
  let project: URL
  private let port: Int

  static let version = "v1.35.1+k3s2"
  static let release = "github.com/k3s-io/k3s/releases/download/v1.35.1%2Bk3s2"
  static let script = "raw.githubusercontent.com/k3s-io/k3s/v1.35.1%2Bk3s2/install.sh"
  static let channels = "update.k3s.io/v1-release/channels"
  static let gateway = "registry-1.docker.io/v2/envoyproxy/gateway-helm/manifests/v1.9.0"
  static let gatewayAPI = "github.com/kubernetes-sigs/gateway-api.git"
  static let jetstack = "charts.jetstack.io/index.yaml"

  /// What the environment of k3seed is.
  var environment: [String: String] {
    let proxy = "http://127.0.0.1:\(port)"
    return [
      "HTTPS_PROXY": proxy, "https_proxy": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": "",
      "CURL_CA_BUNDLE": folder["certificate"].path, "HOME": folder.path,
    ]
  }

  /// Runs `k3seed lock` there.
  func lock(_ arguments: [String], environment: [String: String] = [:]) async throws -> Tool.Outcome {
    try await Tool.k3seed(
      ["lock"] + arguments, environment: self.environment.merging(environment) { $1 }, directory: project.path
    )
  }

  /// Locks a release that everything is published of, which must succeed.
  @discardableResult
  func lockAll(_ arguments: [String] = []) async throws -> String {
    let outcome = try await lock(["--k3s", Self.version] + arguments)
    try #require(outcome.status == 0, "\(outcome.errors)")
    return try text
  }

  /// The lock that is there.
  var text: String { get throws { try String(contentsOf: project["k3seed.lock"], encoding: .utf8) } }

  /// Serves a text.
  func publish(_ place: String, _ text: String) throws {
    let file = folder[place]
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
  }

  /// Lets things go wrong, by host and path.
  func fail(_ faults: [String: [String: Any]]) throws { try publish("faults.json", json(faults)) }

  /// The requests so far: method, host, path, authorization.
  var requests: [[String]] {
    let log = (try? String(contentsOf: folder["requests.log"], encoding: .utf8)) ?? ""
    return log.split(separator: "\n").map { $0.split(separator: " ", maxSplits: 3).map(String.init) }
  }

  func sha256(_ place: String) async throws -> String {
    String(try await Tool.run(["sha256sum", folder[place].path]).text.prefix(64))
  }

  /// Runs a body with the publishers of everything that a lock holds.
  static func run(_ body: (Publishers) async throws -> Void) async throws {
    try await withTemporaryDirectory { root in
      let folder = root.appendingPathComponent("published")
      let project = root.appendingPathComponent("project")
      for place in [folder, project] {
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      }
      let names = [
        "github.com", "release-assets.githubusercontent.com", "raw.githubusercontent.com", "update.k3s.io",
        "argoproj.github.io", "charts.jetstack.io", "kubernetes-sigs.github.io", "charts.external-secrets.io",
        "registry-1.docker.io", "auth.docker.io", "registry.example.net", "charts.example.net",
      ].map { "DNS:\($0)" }.joined(separator: ",")
      let made = try await Tool.run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-days", "2", "-subj", "/CN=publishers", "-addext", "subjectAltName=\(names)",
        "-keyout", folder["key"].path, "-out", folder["certificate"].path,
      ])
      try #require(made.status == 0, "\(made.errors)")
      // It ends when its standard input does, at the latest with the tests.
      let process = Process()
      let (input, output) = (Pipe(), Pipe())
      process.executableURL = URL(fileURLWithPath: try #require(Tool.find("python3")))
      process.arguments = [
        Tool.root.appendingPathComponent("Tests/CommandTests/Locks/publishers.py").path, folder.path,
        folder["certificate"].path, folder["key"].path,
      ]
      process.standardInput = input
      process.standardOutput = output
      try process.run()
      defer { try? input.fileHandleForWriting.close() }
      let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
      let port = try #require(Int(line.trimmingCharacters(in: .newlines)))
      let publishers = Publishers(folder: folder, project: project, port: port)
      try await publishers.publishAll()
      try await body(publishers)
    }
  }

  /// Digits that stand for a digest in what is published.
  static func digits(_ name: String) -> String {
    String(
      name.utf8.map { String($0, radix: 16) }.joined().appending(String(repeating: "0", count: 64)).prefix(64)
    )
  }

  private func publishAll() async throws {
    for (architecture, suffix) in [("amd64", ""), ("arm64", "-arm64")] {
      // In the order and with the company of a real release's.
      let names = [
        "k3s-airgap-images-\(architecture).tar", "k3s-airgap-images-\(architecture).tar.zst", "k3s\(suffix)",
      ]
      try publish(
        "\(Self.release)/sha256sum-\(architecture).txt",
        names.map { "\(Self.digits($0))  \($0)\n" }.joined())
    }
    try publish(Self.script, "#!/bin/sh\nset -e\necho stand-in\n")
    let channels: [[String: String]] = [
      ["id": "stable", "type": "channel", "name": "stable", "latest": Self.version],
      ["id": "latest", "type": "channel", "name": "latest", "latest": "v1.36.9+k3s1"],
      ["id": "v1.35", "type": "channel", "name": "v1.35", "latest": Self.version],
      ["id": "v1.37", "type": "channel", "name": "v1.37", "latest": ""],
    ]
    try publish(Self.channels, json(["type": "collection", "resourceType": "channels", "data": channels]))
    try publish("argoproj.github.io/argo-helm/index.yaml", Self.index(["argo-cd": ["10.9.6", "10.9.5"]]))
    try publish(
      Self.jetstack, Self.index(["cert-manager": ["v1.21.2", "v1.21.1"], "trust-manager": ["v0.1.0"]]))
    try publish(
      "kubernetes-sigs.github.io/external-dns/index.yaml", Self.index(["external-dns": ["1.21.1"]]))
    try publish("charts.external-secrets.io/index.yaml", Self.index(["external-secrets": ["2.8.0"]]))
    for chart in ["gateway-helm", "gateway-crds-helm"] {
      try publish("registry-1.docker.io/v2/envoyproxy/\(chart)/manifests/v1.9.0", Self.manifest(chart))
    }
    // A tag that is an object of its own, as the Gateway API's are, made the same in every run.
    let made = try await Tool.run(
      [
        "sh", "-c",
        """
        set -e
        git init -q --bare "$1"
        commit=$(git -C "$1" commit-tree -m stand-in "$(git -C "$1" hash-object -t tree -w /dev/null)")
        git -C "$1" update-ref refs/heads/main "$commit"
        git -C "$1" tag -a -m stand-in v1.6.1 "$commit"
        git -C "$1" tag v1.6.0 "$commit"
        """, "sh", folder[Self.gatewayAPI].path,
      ],
      environment: [
        "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.net",
        "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
        "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.net",
        "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z", "GIT_CONFIG_GLOBAL": "/dev/null",
      ])
    try #require(made.status == 0, "\(made.errors)")
  }

  /// An index as `helm repo index` writes it.
  static func index(_ charts: [String: [String]], digest: (String) -> String = digits) -> String {
    var text = "apiVersion: v1\nentries:\n"
    for (name, versions) in charts.sorted(by: { $0.key < $1.key }) {
      text += "  \(name):\n"
      for version in versions {
        text += """
            - apiVersion: v2
              appVersion: "1.0"
              created: "2026-09-01T12:00:00.123456789Z"
              description: "A stand-in: no chart"
              digest: \(digest("\(name)-\(version)"))
              name: \(name)
              urls:
              - https://charts.example.net/\(name)-\(version).tgz
              version: \(version)

          """
      }
    }
    return text + "generated: \"2026-09-01T12:00:00Z\"\n"
  }

  /// A manifest as Helm pushes it.
  static func manifest(_ chart: String) -> String {
    """
    {"schemaVersion": 2, "config": {"mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": "sha256:\(digits(chart))", "size": 117},
     "layers": [{"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip", "digest": "sha256:\(digits("layer"))", "size": 2487}]}
    """
  }
}
