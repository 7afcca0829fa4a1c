import Foundation
import TestSupport
import Testing

/// The user-data of every golden case, as the built program renders it.
struct Payload: Sendable, CustomTestStringConvertible {
  /// The case, and the node or role.
  let name: String
  let bytes: [UInt8]

  var testDescription: String { name }

  static let all = Task {
    var payloads: [Payload] = []
    for golden in GoldenCase.all {
      for (name, choice) in golden.payloads {
        let outcome = try await Tool.k3seed(["render"] + golden.arguments + choice)
        try #require(outcome.status == 0, "\(golden.name)/\(name): \(outcome.errors)")
        payloads.append(Payload(name: "\(golden.name)/\(name)", bytes: try await unpacked(outcome.output)))
      }
    }
    return payloads
  }

  /// The files that cloud-init would write, as PyYAML reads them.
  func files() async throws -> [String: [UInt8]] {
    let program = """
      import base64, gzip, json, sys, yaml
      files = yaml.safe_load(sys.stdin.buffer)["write_files"]
      def content(f):
          packed = f.get("encoding") == "gz+b64"
          return gzip.decompress(base64.b64decode(f["content"])) if packed else f["content"].encode()
      json.dump({f["path"]: base64.b64encode(content(f)).decode() for f in files}, sys.stdout)
      """
    let outcome = try await Tool.run(["python3", "-c", program], input: bytes)
    try #require(outcome.status == 0, "\(name): \(outcome.errors)")
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: String] ?? [:]
    return object.mapValues { Array(Data(base64Encoded: $0) ?? Data()) }
  }
}

/// Where CustomResourceDefinitions are kept, if anywhere: `K3SEED_LAB_CACHE/crds`.
let definitions = ProcessInfo.processInfo.environment["K3SEED_LAB_CACHE"].flatMap { cache in
  let folder = "\(cache)/crds"
  return FileManager.default.fileExists(atPath: folder) ? folder : nil
}

/// Whether the project's Python has the packages of scripts/requirements.txt.
let hasPython = FileManager.default.isExecutableFile(
  atPath: Tool.root.appendingPathComponent(".venv/bin/python3").path)
