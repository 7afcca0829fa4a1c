import Diagnostics
import Inputs
import Plan
import TestSupport
import Testing

@testable import UserData

/// The exact text; that it does what it says is shown in a kernel, by GuestTests.
@Suite("The firewall's rules as nft and iptables read them") struct FirewallTests {
  /// The rules of a node in a cluster with more inputs.
  private static func firewall(_ role: Role, _ more: String = "") throws -> Firewall {
    let text =
      #"{"nodes": {"server": {"role": "server"}, "other": {"role": "\#(role.rawValue)"}}, "first_server": "server", "server_private_ip": "10.0.0.2"\#(more.contains("node_cidrs") ? "" : #", "node_cidrs": ["10.0.0.0/16"]"#)\#(more)}"#
    var report = Report()
    let plan = ClusterPlan(
      Inputs(terraform: try .terraform(Array(text.utf8), source: "inputs"), report: &report), report: &report)
    try report.throwIfErrors()
    return Firewall(plan, try #require(plan.nodes.first { $0.role.value == role }))
  }

  @Test("an agent's are those of every node")
  func agent() throws {
    #expect(
      try Self.firewall(.agent).rules == """
        # What this node accepts and refuses, as k3seed rendered it; k3seed-bootstrap firewall loads it.
        ### nft-table
        table inet k3seed
        delete table inet k3seed
        table inet k3seed {
          chain input {
            type filter hook input priority -10
            ct direction reply accept
            ip saddr 10.42.0.0/16 ip daddr { 169.254.0.0/16, 168.63.129.16 } tcp dport != 53 reject with tcp reset
            ip saddr 10.42.0.0/16 ip daddr { 169.254.0.0/16, 168.63.129.16 } udp dport != 53 reject
          }
          chain forward {
            type filter hook forward priority -10
            ct direction reply accept
            ip daddr { 169.254.0.0/16, 168.63.129.16 } tcp dport != 53 reject with tcp reset
            ip daddr { 169.254.0.0/16, 168.63.129.16 } udp dport != 53 reject
          }
        }
        ### nft-accepts
          chain k3seed_input {
            ip saddr 10.0.0.0/16 tcp dport 10250 accept
            ip saddr 10.0.0.0/16 udp dport 8472 accept
            ip saddr { 10.42.0.0/16, 10.43.0.0/16 } accept
          }
          chain k3seed_forward {
            ip saddr 10.42.0.0/16 accept
            ip daddr 10.42.0.0/16 accept
          }
        ### iptables
        *filter
        :K3SEED-INPUT -
        :K3SEED-FORWARD -
        -A K3SEED-INPUT -4 -s 10.0.0.0/16 -p tcp --dport 10250 -j ACCEPT
        -A K3SEED-INPUT -4 -s 10.0.0.0/16 -p udp --dport 8472 -j ACCEPT
        -A K3SEED-INPUT -4 -s 10.42.0.0/16,10.43.0.0/16 -j ACCEPT
        -A K3SEED-FORWARD -4 -s 10.42.0.0/16 -j ACCEPT
        -A K3SEED-FORWARD -4 -d 10.42.0.0/16 -j ACCEPT
        COMMIT
        *mangle
        :K3SEED-INPUT -
        :K3SEED-FORWARD -
        -A K3SEED-INPUT -m conntrack --ctdir REPLY -j RETURN
        -A K3SEED-INPUT -4 -s 10.42.0.0/16 -d 169.254.0.0/16,168.63.129.16 -p tcp ! --dport 53 -j DROP
        -A K3SEED-INPUT -4 -s 10.42.0.0/16 -d 169.254.0.0/16,168.63.129.16 -p udp ! --dport 53 -j DROP
        -A K3SEED-FORWARD -m conntrack --ctdir REPLY -j RETURN
        -A K3SEED-FORWARD -4 -d 169.254.0.0/16,168.63.129.16 -p tcp ! --dport 53 -j DROP
        -A K3SEED-FORWARD -4 -d 169.254.0.0/16,168.63.129.16 -p udp ! --dport 53 -j DROP
        COMMIT
        *nat
        :K3SEED-PREROUTING -
        :K3SEED-POSTROUTING -
        -A K3SEED-PREROUTING -4 -s 10.42.0.0/16 -d 169.254.0.0/16,168.63.129.16 -p tcp ! --dport 53 -j REDIRECT --to-ports 1
        -A K3SEED-PREROUTING -4 -s 10.42.0.0/16 -d 169.254.0.0/16,168.63.129.16 -p udp ! --dport 53 -j REDIRECT --to-ports 1
        COMMIT

        """)
  }

  @Test("a server opens the API to everybody, and etcd to nodes")
  func server() throws {
    let common = try Self.firewall(.agent)
    let own = try Self.firewall(.server)
    #expect(
      own.nftAccepts
        == common.nftAccepts.replacing(
          "k3seed_input {\n",
          with: """
            k3seed_input {
                tcp dport 6443 accept
                ip saddr 10.0.0.0/16 tcp dport 2379-2380 accept

            """))
    #expect(
      own.iptablesRules
        == common.iptablesRules.replacing(
          "-A K3SEED-INPUT -4 -s 10.0.0.0/16 -p tcp --dport 10250",
          with: """
            -A K3SEED-INPUT -p tcp --dport 6443 -j ACCEPT
            -A K3SEED-INPUT -4 -s 10.0.0.0/16 -p tcp --dport 2379:2380 -j ACCEPT
            -A K3SEED-INPUT -4 -s 10.0.0.0/16 -p tcp --dport 10250
            """))
    #expect(own.nftTable == common.nftTable)
  }

  @Test("ingress opens the web to everybody, and lends private nodes its address on the way out")
  func ingress() throws {
    let common = try Self.firewall(.agent)
    let own = try Self.firewall(.ingress)
    #expect(own.nftTable.hasPrefix(common.nftTable.dropLast(2)))
    #expect(
      own.nftTable.dropFirst(common.nftTable.count - 1) == """
          chain postrouting {
            type nat hook postrouting priority 110
            ip daddr 10.0.0.0/16 accept
            ip saddr 10.0.0.0/16 oifname $out masquerade
          }
        }
        """)
    func added(_ own: String, to common: String) -> [String] {
      let known = common.split(separator: "\n")
      return own.split(separator: "\n").filter { !known.contains($0) }.map {
        String($0.drop { $0 == " " })
      }
    }
    #expect(
      added(own.nftAccepts, to: common.nftAccepts) == [
        "tcp dport 80 accept", "tcp dport 443 accept", "udp dport 443 accept",
        "ip saddr 10.0.0.0/16 oifname $out accept",
        "ip daddr 10.0.0.0/16 ct state established,related accept",
      ])
    #expect(
      added(own.iptablesRules, to: common.iptablesRules) == [
        "-A K3SEED-INPUT -p tcp --dport 80 -j ACCEPT", "-A K3SEED-INPUT -p tcp --dport 443 -j ACCEPT",
        "-A K3SEED-INPUT -p udp --dport 443 -j ACCEPT",
        "-A K3SEED-FORWARD -4 -s 10.0.0.0/16 -o @out -j ACCEPT",
        "-A K3SEED-FORWARD -4 -d 10.0.0.0/16 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A K3SEED-POSTROUTING -4 -d 10.0.0.0/16 -j RETURN",
        "-A K3SEED-POSTROUTING -4 -s 10.0.0.0/16 -o @out -j MASQUERADE",
      ])
  }

  @Test("where pods have IPv6, that is closed, too; a rule names addresses of one family only")
  func dualStack() throws {
    let firewall = try Self.firewall(
      .agent, #", "cluster_cidr": "10.42.0.0/16,fd42::/56", "service_cidr": "10.43.0.0/16,fd43::/112""#)
    let closed = "fd00:c1::a9fe:a9fe, fd00:ec2::254, fd20:ce::254, fd00:a9fe:a9fe::1"
    #expect(
      firewall.nftTable.contains(
        "\n    ip6 saddr fd42::/56 ip6 daddr { \(closed) } tcp dport != 53 reject with tcp reset\n"))
    #expect(firewall.nftTable.contains("\n    ip6 daddr { \(closed) } udp dport != 53 reject\n"))
    #expect(firewall.nftAccepts.contains("\n    ip6 saddr { fd42::/56, fd43::/112 } accept\n"))
    #expect(
      firewall.iptablesRules.contains(
        "\n-A K3SEED-FORWARD -6 -d \(closed.replacing(", ", with: ",")) -p tcp ! --dport 53 -j DROP\n"))
    for line in firewall.rules.split(separator: "\n") {
      #expect(!(line.contains("fd") && line.contains(/1(0|6[89])\./)), "\(line)")
    }
  }

  @Test("where pods may reach the metadata service, only the volumes stay closed")
  func open() throws {
    let rules = try Self.firewall(.agent, #", "pod_metadata_access": "allowed""#).rules
    #expect(rules.contains("\n    ip daddr 169.254.0.0/21 tcp dport != 53 reject with tcp reset\n"))
    #expect(!rules.contains("169.254.0.0/16") && !rules.contains("168.63"))
  }

  @Test("a network within another one is not said, as nft takes no set that overlaps; no network, no rule")
  func networks() throws {
    let inputs = #", "cluster_cidr": "10.42.7.7/16", "node_cidrs": ["10.0.0.0/16", "10.0.7.0/24"]"#
    let firewall = try Self.firewall(.agent, inputs)
    #expect(firewall.nftAccepts.contains("\n    ip saddr 10.0.0.0/16 tcp dport 10250 accept\n"))
    var report = Report()
    let text =
      #"{"server_private_ip": "10.0.0.2", "node_cidrs": []}"#
    let plan = ClusterPlan(
      Inputs(terraform: try .terraform(Array(text.utf8), source: "inputs"), report: &report), report: &report)
    let alone = Firewall(plan, try #require(plan.nodes.first))
    #expect(!alone.rules.contains("10250"))
    #expect(alone.rules.contains("\n    tcp dport 6443 accept\n"))
  }
}
