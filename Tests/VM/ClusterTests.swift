import Foundation
import TestSupport
import Testing

extension Machines {
  /// A server, an agent and an ingress node, each in a machine of its own, on one network that only they are on. What goes
  /// wrong in a cluster is shown in containers; see Tests/VM/nodes.
  @Suite(
    "A whole cluster", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct ClusterTests {
    static let outputs = """
      {
        "cluster_name": "lab",
        "nodes": {
          "server": {"role": "server", "private_ip": "10.20.1.11"},
          "worker": {"role": "agent", "private_ip": "10.20.1.12", "labels": {"tier": "work"}},
          "edge": {"role": "ingress", "private_ip": "10.20.1.10"}
        },
        "k3s_token": "EXAMPLE-this-is-not-a-join-token-00000",
        "cloudflare_api_token": "EXAMPLE-this-is-not-a-cloudflare-token-0",
        "git_repo_url": "https://git.example/cluster.git"
      }
      """

    /// Verifies the cluster; what the program came to, and each node's report by name.
    static func verify(
      as name: String
    ) async throws -> (status: Int32, text: String, nodes: [String: Lab.Outcome]) {
      try await withTemporaryDirectory { folder in
        let config = try String(contentsOfFile: "\(Lab.folder ?? "")/k3seed.yaml", encoding: .utf8)
          .replacingOccurrences(of: "server_private_ip: 10.0.2.15", with: "server_private_ip: 10.20.1.11")
          .replacingOccurrences(of: "http://10.0.2.100/", with: "http://192.0.2.100/")
        try Data(config.utf8).write(to: folder.appendingPathComponent("k3seed.yaml"))
        try Data(outputs.utf8).write(to: folder.appendingPathComponent("outputs.json"))
        let cluster = folder.appendingPathComponent("cluster")
        let rendered = try await Tool.k3seed([
          "render", "--all", "--input", "\(folder.path)/outputs.json", "--config",
          "\(folder.path)/k3seed.yaml",
          "-o", cluster.path,
        ])
        guard rendered.status == 0 else { throw Lab.Failure(message: rendered.errors) }
        let outcome = try await Tool.k3seed(
          [
            "verify", "--cluster", cluster.path, "--image", "debian-12", "--report",
            "json=\(Lab.reports.path)/\(name).json",
          ] + Lab.mirror)
        var nodes: [String: Lab.Outcome] = [:]
        for node in ["server", "worker", "edge"] {
          let data = try Data(contentsOf: Lab.reports.appendingPathComponent("\(name)-\(node).json"))
          let report = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
          nodes[node] = Lab.Outcome(status: outcome.status, report: report, text: outcome.text)
        }
        return (outcome.status, outcome.text, nodes)
      }
    }

    @Test("Server, agent and ingress boot together, join, and the ingress forwards and NATs for the others")
    func together() async throws {
      let cluster = try await Self.verify(as: "cluster")
      #expect(cluster.status == 0, "\(cluster.text)")
      for (name, node) in cluster.nodes {
        #expect(node.verdict == "PASS", "\(name): \(node.text)")
        #expect(node.names("passed").contains("node-ready"), "\(name)")
        #expect(node.names("passed").contains("no-secret-exposed"), "\(name)")
      }
      for name in ["server", "worker"] {
        #expect(cluster.nodes[name]?.names("passed").contains("ingress-forwards") == true, "\(name)")
      }
    }
  }
}
