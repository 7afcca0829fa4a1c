import Foundation
import TestSupport
import Testing

/// What kubectl and a real API server make of the GitOps trees.
@Suite("The GitOps tree and the programs that read it") struct TreeTests {
  /// Renders a case; gives every folder of it that kustomize builds.
  private static func withTree<Value>(
    _ golden: TreeCase, _ body: (URL, [String]) async throws -> Value
  ) async throws -> Value {
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.k3seed(["gitops", "render"] + golden.arguments + ["--out", folder.path])
      try #require(outcome.status == 0, "\(outcome.errors)")
      let folders = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
        .filter { $0.hasSuffix("kustomization.yaml") }
        .map { String($0.dropLast("kustomization.yaml".count)) }.sorted()
      return try await body(folder, folders)
    }
  }

  @Test(
    "kubectl kustomize builds every folder, and every manifest is in one",
    .enabled(if: Tool.has("kubectl") && hasPython, "kubectl or .venv is not here"), arguments: TreeCase.all)
  func kustomize(golden: TreeCase) async throws {
    try await Self.withTree(golden) { folder, folders in
      var built = 0
      for path in folders {
        let outcome = try await Tool.run(
          ["kubectl", "kustomize", folder.appendingPathComponent(path).path],
          environment: ["HOME": folder.path])
        #expect(outcome.status == 0, "\(path): \(outcome.errors)")
        built += try await documents(outcome.output).count
      }
      var written = 0
      for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path)
      where path.hasSuffix(".yaml") && !path.hasSuffix("values.yaml") && !path.hasSuffix("kustomization.yaml")
      {
        written += try await documents(Array(Data(contentsOf: folder.appendingPathComponent(path)))).count
      }
      #expect(built == written && built > 3)
    }
  }

  @Test("gitops check finds nothing in any of them", arguments: TreeCase.all)
  func check(golden: TreeCase) async throws {
    try await Self.withTree(golden) { folder, _ in
      let outcome = try await Tool.k3seed(
        ["gitops", "check", folder.path, "--strict", "--input", golden.input.path]
          + (golden.config.map { ["--config", $0.path] } ?? []))
      #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }
  }

  @Test(
    "A real API server takes every object, strictly, and adds no default to a list, where Argo CD would see a difference",
    .enabled(
      if: ApiServer.isHere && hasPython && definitions != nil,
      "needs K3SEED_LAB, K3SEED_LAB_CACHE with the CRDs, and .venv"))
  func apiServer() async throws {
    let definitions = URL(fileURLWithPath: try #require(definitions))
    try await withCRDs(of: definitions) { server in
      for namespace in ["argocd", "cert-manager", "external-dns", "external-secrets", "envoy-gateway-system"]
      {
        let made = try await server.kubectl(["create", "namespace", namespace])
        try #require(made.status == 0, "\(made.errors)")
      }
      for golden in TreeCase.all {
        try await Self.withTree(golden) { folder, folders in
          for path in folders {
            let built = try await Tool.run(
              ["kubectl", "kustomize", folder.appendingPathComponent(path).path],
              environment: ["HOME": folder.path])
            try #require(built.status == 0, "\(built.errors)")
            #expect(try await Self.findings(built.output, server) == [], "\(golden)/\(path)")
          }
        }
      }
      // It does find something: a field that there is not, and a default that is not written.
      try await Self.withTree(TreeCase.all[0]) { folder, _ in
        for (file, old, new, finding) in [
          ("applications.yaml", "project:", "unknown: 1\n  project:", "unknown"),
          (
            "infrastructure/envoy-gateway/gateway.yaml", "gatewayClassName:",
            "unknown: 1\n  gatewayClassName:", "unknown"
          ),
          (
            "infrastructure/envoy-gateway/gateway-class.yaml", "provider:", "unknown: 1\n  provider:",
            "unknown"
          ),
          (
            "infrastructure/managed-secrets/external-secrets.yaml", "target:", "unknown: 1\n  target:",
            "unknown"
          ),
          ("infrastructure/cert-manager/cluster-issuers.yaml", "acme:", "unknown: 1\n  acme:", "unknown"),
          ("apps/docs/routes.yaml", "      weight: 1\n", "", "spec.rules[0].backendRefs[0].weight is added"),
        ] {
          let whole = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
          let spoilt = whole.replacing(old, with: new)
          #expect(spoilt != whole)
          let found = try await Self.findings(Array(spoilt.utf8), server)
          #expect(found.contains { $0.contains(finding) }, "\(file): \(found)")
        }
      }
    }
  }

  /// What an API server says of objects, or does to those whose defaults Argo CD does not know.
  private static func findings(_ yaml: [UInt8], _ server: ApiServer) async throws -> [String] {
    let written = try await documents(yaml).compactMap { naming($0) as? [String: Any] }
    let list: [String: Any] = ["apiVersion": "v1", "kind": "List", "items": written]
    let outcome = try await server.kubectl(
      ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-"],
      input: Array(JSONSerialization.data(withJSONObject: list)))
    guard outcome.status == 0 else { return [outcome.errors] }
    let stored = try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any] ?? [:]
    let items = stored["items"] as? [[String: Any]] ?? [stored]
    guard items.count == written.count else { return ["\(items.count) objects came back"] }
    return zip(written, items).flatMap { object, item in
      isOfKubernetes(object)
        ? [] : differences(object["spec"] ?? [String: Any](), item["spec"] ?? [String: Any](), "spec")
    }
  }

  /// An object as an API server as old as the lab's takes it: to that, an empty text is no text, and Kubernetes' own API
  /// group has no other name. That it may be empty is said by the definitions themselves.
  private static func naming(_ value: Any) -> Any {
    if let list = value as? [Any] { return list.map(naming) }
    guard let object = value as? [String: Any] else { return value }
    return Dictionary(
      uniqueKeysWithValues: object.map { key, value in
        (key, key == "group" && value as? String == "" ? "core" : naming(value))
      })
  }

  /// Whether an object is of a kind that Argo CD knows by itself, with its defaults.
  private static func isOfKubernetes(_ object: [String: Any]) -> Bool {
    ["v1", "apps/v1"].contains(object["apiVersion"] as? String)
  }

  /// Where what is stored is not what was written: another value, or anything more within a list, whose items Argo CD
  /// compares whole. What is more in a map beside is no difference to it.
  private static func differences(
    _ written: Any, _ stored: Any, _ path: String, inList: Bool = false
  ) -> [String] {
    if let written = written as? [String: Any], let stored = stored as? [String: Any] {
      let more =
        inList ? Set(stored.keys).subtracting(written.keys).sorted().map { "\(path).\($0) is added" } : []
      return more
        + written.keys.sorted().flatMap { key in
          differences(written[key] as Any, stored[key] as Any, "\(path).\(key)", inList: inList)
        }
    }
    if let written = written as? [Any], let stored = stored as? [Any] {
      guard written.count == stored.count else { return ["\(path) has \(stored.count) items"] }
      return zip(written, stored).enumerated().flatMap { index, pair in
        differences(pair.0, pair.1, "\(path)[\(index)]", inList: true)
      }
    }
    return "\(written)" == "\(stored)" ? [] : ["\(path) is \(stored)"]
  }
}

/// Runs a body with an API server that has all these CRDs.
private func withCRDs(of folder: URL, _ body: (ApiServer) async throws -> Void) async throws {
  try await withTemporaryDirectory { copies in
    var crds: [URL] = []
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
    where path.hasSuffix(".yaml") {
      let text = try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
      let copy = copies.appendingPathComponent(path.replacing("/", with: "-"))
      // An API server as old as the lab's takes an empty default for null, and refuses the definition for it; but a
      // list's key must have one.
      try text.replacing(/(\n *name:\n *default: )""/) { "\($0.output.1)none" }
        .replacing(/\n *default: ""(?=\n)/, with: "")
        .write(to: copy, atomically: true, encoding: .utf8)
      crds.append(copy)
    }
    try await withApiServer(crds: crds, body)
  }
}

/// The documents of a YAML stream, as PyYAML reads them.
private func documents(_ yaml: [UInt8]) async throws -> [[String: Any]] {
  let program = """
    import json, sys, yaml
    json.dump([d for d in yaml.safe_load_all(sys.stdin.buffer) if d], sys.stdout)
    """
  let outcome = try await Tool.run(["python3", "-c", program], input: yaml)
  try #require(outcome.status == 0, "\(outcome.errors)")
  return try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [[String: Any]] ?? []
}
