package import Inputs

/// What a node's packet filter lets through and what it refuses, in no tool's language.
package struct Firewall: Sendable {
  /// Where a packet meets a rule.
  package enum Chain: CaseIterable, Sendable {
    /// On the way into the node, before the image turns strangers away.
    case acceptInput
    /// On the way through the node, before the image turns strangers away.
    case acceptForward
    /// On the way into the node, before whatever accepts, and after a Service has become what is behind it.
    case refuseInput
    /// On the way through the node, before whatever accepts, and after a Service has become what is behind it.
    case refuseForward
    /// When it arrives. iptables' place for `refuse` can only drop, and the caller would wait; what is sent elsewhere
    /// here is refused at once.
    case divert
    /// When it leaves.
    case masquerade
  }

  /// Somebody whom a rule is about.
  package enum Party: Sendable {
    /// Everybody.
    case anyone
    /// The cluster's nodes.
    case nodes
    /// The nodes' IPv4 networks, for which the ingress node has an address to lend.
    case privateNodes
    /// The pods.
    case pods
    /// Pods and Services.
    case cluster
    /// What is closed to pods.
    case metadata
  }

  /// What a connection is for.
  package enum Service: Sendable {
    case tcp(ClosedRange<Int>)
    case udp(ClosedRange<Int>)
    /// Every port but this one.
    case tcpBut(Int)
    /// Every port but this one.
    case udpBut(Int)
  }

  /// What a packet is to its connection.
  package enum Connection: Sendable {
    /// It comes from whoever was called.
    case reply
    /// It belongs to a connection that was let through, or is about one.
    case established
  }

  /// What becomes of a packet.
  package enum Verdict: Sendable {
    case accept
    /// It is none of this chain's business.
    case pass
    case refuse
    /// It goes to a port of the node where nobody listens.
    case divert
    case masquerade
  }

  /// Which nodes have a rule.
  package enum Bearer: Sendable {
    case every, server, ingress
  }

  /// One rule.
  package struct Rule: Sendable {
    package let chain: Chain
    let bearer: Bearer
    package let source: Party
    package let destination: Party
    package let service: Service?
    package let connection: Connection?
    /// Whether it leaves by the interface of the default route, which only the node knows.
    package let isOutgoing: Bool
    package let verdict: Verdict

    fileprivate init(
      _ chain: Chain, on bearer: Bearer = .every, from source: Party = .anyone,
      to destination: Party = .anyone, _ service: Service? = nil, if connection: Connection? = nil,
      isOutgoing: Bool = false, then verdict: Verdict
    ) {
      self.chain = chain
      self.bearer = bearer
      self.source = source
      self.destination = destination
      self.service = service
      self.connection = connection
      self.isOutgoing = isOutgoing
      self.verdict = verdict
    }
  }

  /// Every rule. The ports are those of K3s' documentation, "Requirements", "Inbound Rules for K3s Nodes", which also
  /// asks for pods and Services to reach the node.
  private static let table = [
    Rule(.acceptInput, on: .server, .tcp(6443...6443), then: .accept),
    Rule(.acceptInput, on: .server, from: .nodes, .tcp(2379...2380), then: .accept),
    Rule(.acceptInput, from: .nodes, .tcp(10250...10250), then: .accept),
    Rule(.acceptInput, from: .nodes, .udp(8472...8472), then: .accept),
    Rule(.acceptInput, from: .cluster, then: .accept),
    Rule(.acceptInput, on: .ingress, .tcp(80...80), then: .accept),
    Rule(.acceptInput, on: .ingress, .tcp(443...443), then: .accept),
    Rule(.acceptInput, on: .ingress, .udp(443...443), then: .accept),

    Rule(.acceptForward, from: .pods, then: .accept),
    Rule(.acceptForward, to: .pods, then: .accept),
    Rule(.acceptForward, on: .ingress, from: .privateNodes, isOutgoing: true, then: .accept),
    Rule(.acceptForward, on: .ingress, to: .privateNodes, if: .established, then: .accept),

    // A node has the address of its own that is asked here only where it answers for the platform.
    Rule(.refuseInput, if: .reply, then: .pass),
    Rule(.refuseInput, from: .pods, to: .metadata, .tcpBut(53), then: .refuse),
    Rule(.refuseInput, from: .pods, to: .metadata, .udpBut(53), then: .refuse),

    // Whoever it comes from: a pod that calls the port of a Service at another node comes with its own node's address.
    Rule(.refuseForward, if: .reply, then: .pass),
    Rule(.refuseForward, to: .metadata, .tcpBut(53), then: .refuse),
    Rule(.refuseForward, to: .metadata, .udpBut(53), then: .refuse),

    Rule(.divert, from: .pods, to: .metadata, .tcpBut(53), then: .divert),
    Rule(.divert, from: .pods, to: .metadata, .udpBut(53), then: .divert),

    Rule(.masquerade, on: .ingress, to: .privateNodes, then: .pass),
    Rule(.masquerade, on: .ingress, from: .privateNodes, isOutgoing: true, then: .masquerade),
  ]

  private let role: Role
  private let nodes: [Network]
  private let pods: [Network]
  private let services: [Network]
  private let metadata: [Network]

  /// The rules of a node.
  package init(_ plan: ClusterPlan, _ node: ClusterNode) {
    role = node.role.value
    nodes = Network.merged(plan.nodeCIDRs.compactMap { Network($0.value) })
    pods = plan.podNetworks
    services = plan.serviceNetworks
    // Nothing of the cluster has an address of another family.
    let families = Set(pods.map(\.family))
    metadata = (plan.podsReachMetadata.value ? MetadataService.volumes : MetadataService.networks).filter {
      families.contains($0.family)
    }
  }

  /// The rules that a node of this role has in a chain, in their order.
  package func rules(in chain: Chain) -> [Rule] {
    Self.table.filter { rule in
      guard rule.chain == chain else { return false }
      return switch rule.bearer {
      case .every: true
      case .server: role == .server
      case .ingress: role == .ingress
      }
    }
  }

  /// The networks of a party that belong to a family; nil where it is everybody.
  package func networks(of party: Party, _ family: Network.Family) -> [Network]? {
    let all: [Network]
    switch party {
    case .anyone: return nil
    case .nodes: all = nodes
    case .privateNodes: all = nodes.filter { $0.family == .ipv4 }
    case .pods: all = pods
    case .cluster: all = Network.merged(pods + services)
    case .metadata: all = metadata
    }
    return all.filter { $0.family == family }
  }
}

extension ClusterPlan {
  /// The networks of the pods; where nothing is given, those that K3s takes (``defaultNetworks``).
  package var podNetworks: [Network] { Self.networks(clusterCIDR?.value ?? defaultNetworks.pods) }

  /// The networks of the services; where nothing is given, those that K3s takes.
  package var serviceNetworks: [Network] { Self.networks(serviceCIDR?.value ?? defaultNetworks.services) }

  /// K3s' defaults, which follow the first address of the first server (pkg/util/net.go, GetDefaultAddresses). Where it is
  /// not known, K3s takes the one on the default route, which mostly is IPv4.
  private var defaultNetworks: (pods: String, services: String) {
    let address = nodes.first(where: \.isFirstServer)?.privateIP.flatMap { Network($0.value) }
    return address?.family == .ipv6
      ? ("fd00:42::/56", "fd00:43::/112") : ("10.42.0.0/16", "10.43.0.0/16")
  }

  private static func networks(_ text: String) -> [Network] {
    text.split(separator: ",").compactMap { Network(String($0)) }
  }
}
