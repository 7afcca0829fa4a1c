import Diagnostics
import Inputs

extension ClusterPlan {
  /// Networks of one kind, and how findings name one of them.
  private struct Range {
    var input: String
    var network: Network
    var origin: Location
    var isGiven: Bool

    var title: String { isGiven ? "\(input) \(network)" : "K3s' default \(input) \(network)" }
  }

  /// An address that a node or the cluster has.
  private struct Address {
    var title: String
    var network: Network
    var origin: Location
    /// Whether a node has it.
    var isNodes: Bool
  }

  /// Finds networks that overlap, and addresses that are not where they must be.
  func checkNetworks(report: inout Report) {
    // What was refused has been reported; without it nothing here is known.
    let names = ["cluster_cidr", "service_cidr", "node_cidrs", "nodes", "server_private_ip"]
    guard !names.contains(where: inputs.isRefused) else { return }
    let pods = ranges("cluster_cidr", clusterCIDR, podNetworks)
    let services = ranges("service_cidr", serviceCIDR, serviceNetworks)
    let addresses = addresses()
    checkOverlaps([pods, services, givenNodeRanges], report: &report)
    checkFamilies(pods, services, addresses, report: &report)
    for address in addresses {
      for range in pods + services where range.network.contains(address.network) {
        report.add(
          .error(
            "network-overlap", at: address.origin,
            "\(address.title) lies in \(range.title): pods, services and nodes need networks of their own",
            help: "give \(range.input) another network, or the node another address"))
      }
      checkPlace(of: address, report: &report)
    }
    checkServerAddress(report: &report)
  }

  private func ranges(_ input: String, _ given: Sourced<String>?, _ networks: [Network]) -> [Range] {
    networks.map {
      Range(
        input: input, network: $0, origin: given?.origin ?? .fallback(input), isGiven: given != nil)
    }
  }

  /// The networks of `node_cidrs` where they were given: its default is every private range there is.
  private var givenNodeRanges: [Range] {
    guard hasNodeCIDRs else { return [] }
    return nodeCIDRs.compactMap { given in
      Network(given.value).map {
        Range(input: "node_cidrs", network: $0, origin: given.origin, isGiven: true)
      }
    }
  }

  private var hasNodeCIDRs: Bool { inputs["node_cidrs"] != nil }

  private func addresses() -> [Address] {
    var addresses = nodes.compactMap { node -> Address? in
      guard let ip = node.privateIP, let network = Network(ip.value) else { return nil }
      let title = inputs["nodes"] == nil ? "server_private_ip" : "the private_ip of the node \(node.title)"
      return Address(title: "\(title), \(network),", network: network, origin: ip.origin, isNodes: true)
    }
    if let ip = inputs.text("server_private_ip"), let network = Network(ip.value),
      !addresses.contains(where: { $0.network == network })
    {
      addresses.append(
        Address(
          title: "server_private_ip, \(network),", network: network, origin: ip.origin, isNodes: false))
    }
    return addresses
  }

  /// Each pair once, at the one that was given; of two that were, at the later.
  private func checkOverlaps(_ groups: [[Range]], report: inout Report) {
    for (place, group) in groups.enumerated() {
      for range in group {
        for other in groups[..<place].joined() where other.network.overlaps(range.network) {
          let at = range.isGiven ? range : other
          let also = range.isGiven ? other : range
          report.add(
            .error(
              "network-overlap", at: at.origin,
              "\(at.title) overlaps \(also.title): pods, services and nodes need networks of their own",
              help: "give \(at.input) or \(also.input) another network"))
        }
      }
    }
  }

  /// K3s refuses to start otherwise (pkg/agent/config and pkg/daemons/agent, "must share the same IP version").
  private func checkFamilies(
    _ pods: [Range], _ services: [Range], _ addresses: [Address], report: inout Report
  ) {
    func families(_ ranges: [Range]) -> Set<Network.Family> { Set(ranges.map(\.network.family)) }
    func text(_ families: Set<Network.Family>) -> String {
      Network.Family.allCases.filter(families.contains).map { $0 == .ipv4 ? "IPv4" : "IPv6" }
        .joined(separator: " and ")
    }
    let wanted = families(pods)
    if wanted != families(services), let range = (services + pods).first(where: \.isGiven) {
      report.add(
        .error(
          "network-family", at: range.origin,
          "the pods' network is \(text(wanted)) and the services' is \(text(families(services))), which K3s refuses",
          help: "give cluster_cidr and service_cidr networks of the same families"))
    }
    for address in addresses where address.isNodes && wanted != [address.network.family] {
      report.add(
        .error(
          "network-family", at: address.origin,
          "\(address.title) is \(text([address.network.family])) and the pods' network is \(text(wanted)), which K3s refuses",
          help: wanted.count > 1
            ? "leave it out, so that K3s takes the addresses that the node has of both"
            : "give it an address of the same family, or cluster_cidr and service_cidr another network"))
    }
  }

  /// Whether the nodes' firewalls know a node by its address.
  private func checkPlace(of address: Address, report: inout Report) {
    let isAlone = nodes.count == 1
    guard address.isNodes, !(isAlone && hasNodeCIDRs && nodeCIDRs.isEmpty),
      !nodeCIDRs.contains(where: { Network($0.value)?.contains(address.network) == true })
    else { return }
    let message =
      hasNodeCIDRs
      ? "\(address.title) lies outside node_cidrs: other nodes turn it away"
      : "\(address.title) is in no private range, and only those are the nodes' where node_cidrs is not given: other nodes turn it away"
    let help = hasNodeCIDRs ? "add its network to node_cidrs" : "give its network in node_cidrs"
    // Nobody is there yet who could turn it away.
    report.add(
      isAlone
        ? .warning("outside-node-cidrs", at: address.origin, message, help: help)
        : .error("outside-node-cidrs", at: address.origin, message, help: help))
  }

  /// Whether other nodes find a server where they are told to join. Of a server without a private_ip it is not known.
  private func checkServerAddress(report: inout Report) {
    guard inputs["nodes"] != nil, let joined = inputs.text("server_private_ip"),
      let address = Network(joined.value)
    else { return }
    func has(_ ip: Sourced<String>?) -> Bool { ip.flatMap { Network($0.value) } == address }
    let servers = nodes.filter { $0.role.value == .server }
    guard !servers.contains(where: { has($0.privateIP) }) else { return }
    if let owner = nodes.first(where: { has($0.privateIP) }) {
      report.add(
        .error(
          "server-address", at: joined.origin,
          "server_private_ip \(address) is the private_ip of the node \(owner.title), whose role is \(owner.role.value.rawValue)",
          help: "give the private_ip of a server"))
      return
    }
    let balancer = inputs.text("load_balancer_ip")
    guard !servers.isEmpty, servers.allSatisfy({ $0.privateIP != nil }), !has(balancer) else { return }
    let message = "server_private_ip \(address) is the private_ip of no server"
    report.add(
      balancer != nil || inputs.isGiven("server_url")
        ? .warning(
          "server-address", at: joined.origin, message,
          help: "give a server's, unless a load balancer has this address")
        : .error(
          "server-address", at: joined.origin, "\(message), and other nodes join there",
          help: "give a server's; where it is a load balancer's, give it as server_url or load_balancer_ip"))
  }
}
