import Inputs
import Testing

/// Outputs as public projects name them, and what becomes of them.
@Suite("Inputs guessed from other names") struct OutputMappingTests {
  private func mapping(_ json: String) throws -> OutputMapping {
    OutputMapping(try .terraform(Array(json.utf8), source: "in.json"))
  }

  @Test(
    "an output is the input that its words say, where its value has that form",
    arguments: [
      (#"{"cluster_token": "x"}"#, "k3s_token: cluster_token"),
      (
        #"{"k3s_join_token": "x", "agent_token": "y"}"#,
        "k3s_agent_token: agent_token, k3s_token: k3s_join_token"
      ),
      (#"{"ingress_public_ipv4": "192.0.2.1"}"#, "ingress_public_ip: ingress_public_ipv4"),
      (#"{"nlb_public_ip": "192.0.2.1", "lb_private_ip": "10.0.0.9"}"#, "load_balancer_ip: nlb_public_ip"),
      (#"{"control_plane_private_ips": ["10.0.0.1"]}"#, "server_private_ip: control_plane_private_ips[0]"),
      (
        #"{"masters": [{"name": "a.b_c", "network": {"private_ipv4_address": "10.0.0.1"}}]}"#,
        "server_private_ip: masters[0].network.private_ipv4_address"
      ),
      (#"{"k3s_endpoint": "https://10.0.0.1:6443"}"#, "server_url: k3s_endpoint"),
      (#"{"vcn_cidr": ["10.0.0.0/16"]}"#, "node_cidrs: vcn_cidr"),
      (#"{"gitops_repository": "https://git.example.org/a.git"}"#, "git_repo_url: gitops_repository"),
      (#"{"vault_id": "ocid1.vault.oc1.iad.aaaa"}"#, "vault_ocid: vault_id"),
      // The words are right, and the value is not.
      (#"{"cluster_token": 7, "vcn_cidr": "x", "k3s_endpoint": "10.0.0.1", "vault_id": "v-1"}"#, ""),
      // Given already, under its own name.
      (#"{"cluster_token": "x", "k3s_token": "y"}"#, ""),
      (#"{"kubeconfig": "x", "ssh_key_id": "1", "network_id": "2"}"#, ""),
    ])
  func paths(json: String, expected: String) throws {
    let found = try mapping(json).paths.map { "\($0.input): \($0.path)" }.joined(separator: ", ")
    #expect(found == expected)
  }

  @Test("nodes are those that have a name and a private address, with the role that the output's name says")
  func nodes() throws {
    let found = try mapping(
      #"""
      {"control_plane_nodes": [{"name": "cp-1", "private_ip": "10.0.0.1"}, {"name": "cp-2", "private_ip": "10.0.0.2"}],
       "worker_private_ips": {"w-1": "10.0.1.1"},
       "ingress": {"edge": {"addresses": {"internal_ip": "10.0.2.1"}}},
       "volumes": [{"name": "v", "size": 1}]}
      """#)
    #expect(
      found.nodes.map { "\($0.name) \($0.role) \($0.address)" } == [
        "cp-1 server 10.0.0.1", "cp-2 server 10.0.0.2", "w-1 agent 10.0.1.1", "edge ingress 10.0.2.1",
      ])
    #expect(found.unused == ["volumes"])
  }
}
