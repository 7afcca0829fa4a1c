import Testing

@testable import Plan

/// Networks and addresses that cannot be together, and beside them those that can.
@Suite("Networks across inputs") struct NetworkTests {
  typealias Case = RuleTests.Case

  @Test(
    "pods, services and nodes have networks of their own",
    arguments: [
      Case("nothing given", "{}"),
      Case(
        "three networks",
        #"{"cluster_cidr": "10.52.0.0/16", "service_cidr": "10.53.0.0/16", "node_cidrs": ["10.0.0.0/16"]}"#),
      Case(
        "services within pods, both given",
        #"{"cluster_cidr": "10.52.0.0/16", "service_cidr": 📍"10.52.128.0/17"}"#,
        "📍: error: service_cidr 10.52.128.0/17 overlaps cluster_cidr 10.52.0.0/16: pods, services and nodes need networks of their own (at $.service_cidr); give service_cidr or cluster_cidr another network [network-overlap]"
      ),
      Case(
        "pods that K3s' own services are part of", #"{"cluster_cidr": 📍"10.42.0.0/15"}"#,
        "📍: error: cluster_cidr 10.42.0.0/15 overlaps K3s' default service_cidr 10.43.0.0/16: pods, services and nodes need networks of their own (at $.cluster_cidr); give cluster_cidr or service_cidr another network [network-overlap]"
      ),
      Case(
        "services in K3s' own pods", #"{"service_cidr": 📍"10.42.0.0/24"}"#,
        "📍: error: service_cidr 10.42.0.0/24 overlaps K3s' default cluster_cidr 10.42.0.0/16: pods, services and nodes need networks of their own (at $.service_cidr); give service_cidr or cluster_cidr another network [network-overlap]"
      ),
      Case(
        "nodes around pods and services", #"{"node_cidrs": ["192.168.0.0/16", 📍"10.0.0.0/8"]}"#,
        "📍: error: node_cidrs 10.0.0.0/8 overlaps K3s' default cluster_cidr 10.42.0.0/16: pods, services and nodes need networks of their own (at $.node_cidrs[1]); give node_cidrs or cluster_cidr another network [network-overlap]",
        "📍: error: node_cidrs 10.0.0.0/8 overlaps K3s' default service_cidr 10.43.0.0/16: pods, services and nodes need networks of their own (at $.node_cidrs[1]); give node_cidrs or service_cidr another network [network-overlap]"
      ),
      Case(
        "IPv6 of both families",
        #"{"cluster_cidr": "10.42.0.0/16,fd42::/56", "service_cidr": 📍"10.43.0.0/16,fd42:0:0:80::/112"}"#,
        "📍: error: service_cidr fd42:0:0:80::/112 overlaps cluster_cidr fd42::/56: pods, services and nodes need networks of their own (at $.service_cidr); give service_cidr or cluster_cidr another network [network-overlap]"
      ),
      Case(
        "two families",
        #"{"cluster_cidr": "10.42.0.0/16,fd42::/56", "service_cidr": "10.43.0.0/16,fd43::/112"}"#),
      Case(
        "a refused network is not the default one",
        #"{"service_cidr": "10.42.0.0/24", "cluster_cidr": 📍"10.42"}"#,
        "📍: error: cluster_cidr: \"10.42\" is not a network in CIDR notation such as 10.42.0.0/16 (at $.cluster_cidr) [input-value]"
      ),
    ])
  func overlaps(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "no node has an address of pods or services",
    arguments: [
      Case(
        "a node in K3s' own pods",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}, "b": {"role": "agent", "private_ip": 📍"10.42.0.9"}}}"#,
        "📍: error: the private_ip of the node b, 10.42.0.9, lies in K3s' default cluster_cidr 10.42.0.0/16: pods, services and nodes need networks of their own (at $.nodes.b.private_ip); give cluster_cidr another network, or the node another address [network-overlap]"
      ),
      Case(
        "the address to join in the services",
        #"{"service_cidr": "10.0.0.0/24", "server_private_ip": 📍"10.0.0.1"}"#,
        "📍: error: server_private_ip, 10.0.0.1, lies in service_cidr 10.0.0.0/24: pods, services and nodes need networks of their own (at $.server_private_ip); give service_cidr another network, or the node another address [network-overlap]"
      ),
      Case(
        "said once of a server that is joined",
        #"{"nodes": {"a": {"role": "server", "private_ip": 📍"10.43.0.1"}, "b": {"role": "agent"}}, "server_private_ip": "10.43.0.1"}"#,
        "📍: error: the private_ip of the node a, 10.43.0.1, lies in K3s' default service_cidr 10.43.0.0/16: pods, services and nodes need networks of their own (at $.nodes.a.private_ip); give service_cidr another network, or the node another address [network-overlap]"
      ),
      Case(
        "the neighbour of pods",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.41.255.255"}, "b": {"role": "agent", "private_ip": "10.44.0.0"}}}"#
      ),
    ])
  func addresses(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "nodes have addresses of node_cidrs",
    arguments: [
      Case(
        "outside of what was given",
        #"{"node_cidrs": ["10.0.0.0/24", "10.0.2.0/24"], "nodes": {"a": {"role": "server", "private_ip": "10.0.2.1"}, "b": {"role": "agent", "private_ip": 📍"10.0.1.1"}}}"#,
        "📍: error: the private_ip of the node b, 10.0.1.1, lies outside node_cidrs: other nodes turn it away (at $.nodes.b.private_ip); add its network to node_cidrs [outside-node-cidrs]"
      ),
      Case(
        "public, where none was given",
        #"{"nodes": {"a": {"role": "server", "private_ip": 📍"203.0.113.1"}, "b": {"role": "agent", "private_ip": "100.64.0.1"}}}"#,
        "📍: error: the private_ip of the node a, 203.0.113.1, is in no private range, and only those are the nodes' where node_cidrs is not given: other nodes turn it away (at $.nodes.a.private_ip); give its network in node_cidrs [outside-node-cidrs]"
      ),
      Case(
        "public, and said so",
        #"{"node_cidrs": ["203.0.113.0/24"], "nodes": {"a": {"role": "server", "private_ip": "203.0.113.1"}, "b": {"role": "agent", "private_ip": "203.0.113.2"}}}"#
      ),
      Case(
        "a lone server, whom nobody turns away yet", #"{"server_private_ip": 📍"203.0.113.1"}"#,
        "📍: warning: server_private_ip, 203.0.113.1, is in no private range, and only those are the nodes' where node_cidrs is not given: other nodes turn it away (at $.server_private_ip); give its network in node_cidrs [outside-node-cidrs]"
      ),
      Case("a lone server and no other nodes", #"{"server_private_ip": "203.0.113.1", "node_cidrs": []}"#),
      Case(
        "an address that is no node's",
        #"{"nodes": {"a": {"role": "server"}}, "server_private_ip": "203.0.113.1"}"#),
      Case(
        "a refused list is not the default one",
        #"{"node_cidrs": [📍"203.0.113"], "server_private_ip": "203.0.113.1"}"#,
        "📍: error: node_cidrs[0]: \"203.0.113\" is not a network in CIDR notation such as 10.42.0.0/16 (at $.node_cidrs[0]) [input-value]"
      ),
    ])
  func places(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "what others join is a server's, or a load balancer's",
    arguments: [
      Case(
        "nobody's",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}, "b": {"role": "agent", "private_ip": "10.0.0.2"}}, "server_private_ip": 📍"10.0.0.3"}"#,
        "📍: error: server_private_ip 10.0.0.3 is the private_ip of no server, and other nodes join there (at $.server_private_ip); give a server's; where it is a load balancer's, give it as server_url or load_balancer_ip [server-address]"
      ),
      Case(
        "an agent's",
        #"{"nodes": {"a": {"role": "server"}, "b": {"role": "agent", "private_ip": "10.0.0.2"}}, "server_private_ip": 📍"10.0.0.2"}"#,
        "📍: error: server_private_ip 10.0.0.2 is the private_ip of the node b, whose role is agent (at $.server_private_ip); give the private_ip of a server [server-address]"
      ),
      Case(
        "nobody's, beside a load balancer",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}}, "server_private_ip": 📍"10.0.0.3", "load_balancer_ip": "192.0.2.1"}"#,
        "📍: warning: server_private_ip 10.0.0.3 is the private_ip of no server (at $.server_private_ip); give a server's, unless a load balancer has this address [server-address]"
      ),
      Case(
        "nobody's, where a URL is joined",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}}, "server_private_ip": 📍"10.0.0.3", "server_url": "https://k3s.example.net:6443"}"#,
        "📍: warning: server_private_ip 10.0.0.3 is the private_ip of no server (at $.server_private_ip); give a server's, unless a load balancer has this address [server-address]"
      ),
      Case(
        "the load balancer's",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}}, "server_private_ip": "10.0.0.3", "load_balancer_ip": "10.0.0.3"}"#
      ),
      Case(
        "a server's, written otherwise",
        #"{"cluster_cidr": "fd42::/56", "service_cidr": "fd43::/112", "nodes": {"a": {"role": "server", "private_ip": "fd00::1"}}, "server_private_ip": "fd00:0::1"}"#
      ),
      Case(
        "perhaps that of a server whose address nobody gave",
        #"{"nodes": {"a": {"role": "server"}, "b": {"role": "agent", "private_ip": "10.0.0.2"}}, "server_private_ip": "10.0.0.3"}"#
      ),
      Case(
        "agents alone, which join another project's server",
        #"{"nodes": {"b": {"role": "agent", "private_ip": "10.0.0.2"}}, "server_private_ip": "10.0.0.3"}"#),
    ])
  func joined(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }

  @Test(
    "pods, services and nodes have the same families, as K3s wants",
    arguments: [
      Case(
        "services of one family",
        #"{"cluster_cidr": "10.42.0.0/16,fd42::/56", "service_cidr": 📍"fd43::/112"}"#,
        "📍: error: the pods' network is IPv4 and IPv6 and the services' is IPv6, which K3s refuses (at $.service_cidr); give cluster_cidr and service_cidr networks of the same families [network-family]"
      ),
      Case(
        "pods of another family than K3s' own services", #"{"cluster_cidr": 📍"fd42::/56"}"#,
        "📍: error: the pods' network is IPv6 and the services' is IPv4, which K3s refuses (at $.cluster_cidr); give cluster_cidr and service_cidr networks of the same families [network-family]"
      ),
      Case(
        "a node with one address for two families",
        #"{"cluster_cidr": "10.42.0.0/16,fd42::/56", "service_cidr": "10.43.0.0/16,fd43::/112", "nodes": {"a": {"role": "server", "private_ip": 📍"10.0.0.1"}}}"#,
        "📍: error: the private_ip of the node a, 10.0.0.1, is IPv4 and the pods' network is IPv4 and IPv6, which K3s refuses (at $.nodes.a.private_ip); leave it out, so that K3s takes the addresses that the node has of both [network-family]"
      ),
      Case(
        "a node of another family",
        #"{"nodes": {"a": {"role": "server", "private_ip": "10.0.0.1"}, "b": {"role": "agent", "private_ip": 📍"fd00::1"}}}"#,
        "📍: error: the private_ip of the node b, fd00::1, is IPv6 and the pods' network is IPv4, which K3s refuses (at $.nodes.b.private_ip); give it an address of the same family, or cluster_cidr and service_cidr another network [network-family]"
      ),
      Case("a server of IPv6, whose pods K3s gives IPv6", #"{"server_private_ip": "fd00::1"}"#),
      Case(
        "a server of IPv6 among K3s' own pods", #"{"server_private_ip": 📍"fd00:42::1"}"#,
        "📍: error: server_private_ip, fd00:42::1, lies in K3s' default cluster_cidr fd00:42::/56: pods, services and nodes need networks of their own (at $.server_private_ip); give cluster_cidr another network, or the node another address [network-overlap]"
      ),
      Case(
        "a node without an address that is known",
        #"{"cluster_cidr": "10.42.0.0/16,fd42::/56", "service_cidr": "10.43.0.0/16,fd43::/112", "nodes": {"a": {"role": "server"}}, "server_private_ip": "10.0.0.1"}"#
      ),
      Case(
        "IPv6 alone",
        #"{"cluster_cidr": "fd42::/56", "service_cidr": "fd43::/112", "server_private_ip": "fd00::1"}"#),
    ])
  func families(_ example: Case) throws {
    #expect(try Planning(example.outputs).findings == example.findings)
  }
}
