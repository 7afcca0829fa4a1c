import Diagnostics

/// The addresses of a cluster's nodes on the network that they share.
///
/// It is a network of their own beside each machine's way to its seed. A cloud would give the addresses by DHCP; here
/// the probe's boothook does, as cloud-init's NoCloud reads no network settings over HTTP in the releases that are in
/// use (`DataSourceNoCloud.py` of cloud-init 22.4).
struct ClusterNetwork: Hashable, Sendable {
  /// An interface on it.
  struct Link: Hashable, Sendable {
    /// The hardware address: one of QEMU's own range, `52:54:00`.
    var hardware: String
    /// The IPv4 address, and how many bits of it are the network's.
    var address: String
    var prefix: Int
  }

  /// The interfaces, in the order of the nodes.
  let links: [Link]

  /// The network of some nodes; each comes with its `private_ip`, and the first also with the address that others join
  /// it at. Who has none gets one beside the first node's.
  init(_ nodes: [(name: String, address: String?)], joinedAt server: String?) throws(Report) {
    var addresses: [UInt32?] = []
    for node in nodes {
      // Two addresses are one of each family.
      let text = node.address?.split(separator: ",").map(String.init).first { !$0.contains(":") }
      let address = text.flatMap(Self.parse)
      if text != nil, address == nil {
        throw Self.problem("\(node.name) has the address \(text ?? ""), which is no IPv4 address")
      }
      addresses.append(address)
    }
    if let server {
      guard let address = Self.parse(server) else {
        throw Self.problem(
          "the nodes join \(server), which is no IPv4 address; give `server_private_ip`, and no `server_url`")
      }
      if let own = addresses[0], own != address {
        throw Self.problem(
          "the nodes join \(server), and \(nodes[0].name) has the address \(Self.text(own)); give it that `private_ip`"
        )
      }
      addresses[0] = address
    }
    let first = addresses[0] ?? 0x0A14_010B
    addresses[0] = first
    for index in addresses.indices where addresses[index] == nil {
      addresses[index] = (1..<255).lazy.map { first & 0xFFFF_FF00 | $0 }.first { !addresses.contains($0) }
    }
    let known = addresses.compactMap(\.self)
    guard Set(known).count == nodes.count else { throw Self.problem("two nodes have the same address") }
    // A network has room for a broadcast address, and clouds' subnets are rarely smaller than this.
    let different = known.reduce(0) { $0 | ($1 ^ first) }
    let prefix = min(24, different.leadingZeroBitCount)
    guard prefix >= 8 else { throw Self.problem("the nodes' addresses are in no common network") }
    links = known.enumerated().map { index, address in
      let tail = [index >> 8, index & 0xFF].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      return Link(
        hardware: "52:54:00:6b:\(tail.joined(separator: ":"))", address: Self.text(address), prefix: prefix)
    }
  }

  private static func problem(_ message: String) -> Report {
    Report([
      .error(
        "cluster-network", at: nil, message,
        help: "give every node a `private_ip` of one network, as in the cloud, and render again")
    ])
  }

  private static func parse(_ text: String) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard parts.count == 4 else { return nil }
    return parts.reduce(0) { address, part in part.flatMap { part in address.map { $0 << 8 | UInt32(part) } }
    }
  }

  private static func text(_ address: UInt32) -> String {
    [24, 16, 8, 0].map { String(address >> $0 & 0xFF) }.joined(separator: ".")
  }
}
