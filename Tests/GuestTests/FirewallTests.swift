import Diagnostics
import Foundation
import Inputs
import Plan
import TestSupport
import Testing
import UserData

/// A node between namespaces that stand for its neighbours, its pods and its cloud; see StandIns/network.sh. The packet
/// filter is the kernel's, driven by the real iptables and nft.
enum Network {
  static let script = Node.standIns.appendingPathComponent("network.sh").path
  static let firewall = Tool.root.appendingPathComponent("templates/guest/firewall.sh").path
  /// The rules that Oracle's Ubuntu images come with.
  static let oci = Tool.root.appendingPathComponent("Tests/VM/lab/oci-rules.v4").path
  private static let isolation = ["unshare", "-rmn", "--pid", "--fork", "--kill-child"]

  /// Whether this machine lets us have such a network.
  static let works: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      isolation + [
        "sh", "-c",
        """
        PATH=/usr/sbin:/usr/bin:/sbin:/bin; mount -t tmpfs tmpfs /run && ip netns add a &&
        ip link add v0 type veth peer name v1 && iptables -w -t nat -S && iptables-legacy -w -S && ip6tables -w -S &&
        nft list ruleset && python3 -V && awk 1 /dev/null
        """,
      ]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  /// What the commands print, a line each. The node begins with the rules of a role; `use` gives it others.
  static func run(
    _ commands: String, role: String = "server", sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [String] {
    try await withTemporaryDirectory { folder in
      for role in Role.allCases {
        for (suffix, access) in [("", "denied"), ("-open", "allowed")] {
          try Data(rules(role, metadata: access).utf8).write(
            to: folder.appendingPathComponent(role.rawValue + suffix))
        }
      }
      let result = try await Tool.run(
        isolation + ["timeout", "-s", "KILL", "120", "bash", script, firewall, folder.path, commands],
        environment: ["oci": oci, "role": role])
      #expect(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
      return result.text.split(separator: "\n").map(String.init)
    }
  }

  /// The rules that k3seed renders for a role, in a cluster of IPv4 and IPv6.
  static func rules(_ role: Role, metadata access: String) throws -> String {
    let inputs = """
      {"nodes": {"server": {"role": "server"}, "agent": {"role": "agent"}, "ingress": {"role": "ingress"}},
       "cluster_cidr": "10.42.0.0/16,fd42::/56", "service_cidr": "10.43.0.0/16,fd43::/112",
       "server_private_ip": "10.0.0.2", "pod_metadata_access": "\(access)"}
      """
    var report = Report()
    let plan = ClusterPlan(
      Inputs(terraform: try .terraform(Array(inputs.utf8), source: "rules"), report: &report), report: &report
    )
    try report.throwIfErrors()
    let node = try #require(plan.nodes.first { $0.role.value == role })
    return Firewall(plan, node).rules
  }
}

/// What an image's own filter may be.
struct Filter: CustomTestStringConvertible, Sendable {
  var testDescription: String
  /// Makes it so.
  var commands: String
  /// What becomes of a packet that is turned away at the node.
  var refusal = "no route to host"
  /// What becomes of a packet to a Service that is the metadata service: iptables can only drop it.
  var closed = "refused"

  static let oci = Filter(
    testDescription: "OCI's rules by iptables, nft beside it", commands: #"iptables-restore <"$oci""#)
  static let withoutNft = Filter(
    testDescription: "OCI's rules by iptables, and no nft",
    commands: #"without nft; iptables-restore <"$oci""#, closed: "no answer")
  static let legacy = Filter(
    testDescription: "OCI's rules by iptables-legacy, which iptables stands for",
    commands: #"""
      without nft {ip,ip6}tables{,-save,-restore}
      for end in '' -save -restore; do
        for family in ip ip6; do ln -s /usr/sbin/${family}tables-legacy$end /run/bin/${family}tables$end; done
      done
      iptables-restore <"$oci"
      """#, closed: "no answer")
  static let policy = Filter(
    testDescription: "iptables whose policy drops",
    commands: """
      iptables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
      iptables -A INPUT -m state --state INVALID -j DROP
      iptables -P INPUT DROP
      iptables -P FORWARD DROP
      """, refusal: "no answer")
  static let nft = Filter(
    testDescription: "nft's own chains, and no iptables",
    commands: """
      without {ip,ip6}tables{,-nft,-legacy}
      nft 'table inet filter {
        chain input { type filter hook input priority 0; ct state vmap { established : accept, invalid : drop }
          iif lo accept; meta l4proto ipv6-icmp accept; tcp dport 22 accept; counter reject with icmpx admin-prohibited; }
        chain forward { type filter hook forward priority 0; policy drop; }
      }'
      """)
  static let nftBeside = Filter(
    testDescription: "nft's own chains for each family, and iptables beside them",
    commands: """
      nft 'table ip mine {
        chain in { type filter hook input priority 10; policy drop; ct state established accept; }
        chain on { type filter hook forward priority 10; reject with icmp admin-prohibited; }
      }
      table ip6 mine { chain on { type filter hook forward priority 10; policy drop; }; }'
      """, refusal: "no answer")

  static let all = [oci, withoutNft, legacy, policy, nft, nftBeside]
}

@Suite(
  "The firewall, on a real kernel",
  .enabled(
    if: Network.works, "needs unshare with user namespaces, iptables, nftables, iproute2, awk and python3"))
struct FirewallTests {
  /// What is refused before the stage, and what is not after it, on a node that forwards as K3s makes it.
  static let calls = """
    echo 1 >/proc/sys/net/ipv4/ip_forward
    calls() {
      call cloud tcp 10.0.0.2 6443 198.51.100.7
      call cloud tcp 10.0.0.2 10250
      call cloud tcp 10.0.0.2 10250 198.51.100.7
      call cloud udp 10.0.0.2 8472
      call cloud udp 10.0.0.2 8472 198.51.100.7
      call cloud tcp 10.0.0.2 2379
      call cloud tcp 10.0.0.2 2379 198.51.100.7
      call cloud tcp 10.0.0.2 80 198.51.100.7
      call cloud udp 10.0.0.2 443 198.51.100.7
      call cloud tcp 10.0.0.2 8080
      call pod tcp 10.0.0.2 8080
    }
    calls >/run/before
    stage
    calls | paste -d = /run/before - | sed 's/.*: \\(.*\\)=\\(.*\\): \\(.*\\)/\\2: \\1, then \\3/'
    """

  @Test(
    "Each role's ports open to whom they are for, and stay shut to others", arguments: Filter.all,
    ["server", "agent", "ingress"])
  func ports(_ filter: Filter, role: String) async throws {
    let lines = try await Network.run(filter.commands + "\n" + Self.calls, role: role)
    let shut = filter.refusal
    func opened(_ roles: String..., to peer: String) -> String {
      roles.contains(role) ? "seen as \(peer)" : shut
    }
    #expect(
      lines == [
        "cloud tcp 10.0.0.2 6443: \(shut), then \(opened("server", to: "198.51.100.7"))",
        "cloud tcp 10.0.0.2 10250: \(shut), then seen as 10.0.0.1",
        "cloud tcp 10.0.0.2 10250: \(shut), then \(shut)",
        "cloud udp 10.0.0.2 8472: \(shut), then seen as 10.0.0.1",
        "cloud udp 10.0.0.2 8472: \(shut), then \(shut)",
        "cloud tcp 10.0.0.2 2379: \(shut), then \(opened("server", to: "10.0.0.1"))",
        "cloud tcp 10.0.0.2 2379: \(shut), then \(shut)",
        "cloud tcp 10.0.0.2 80: \(shut), then \(opened("ingress", to: "198.51.100.7"))",
        "cloud udp 10.0.0.2 443: \(shut), then \(opened("ingress", to: "198.51.100.7"))",
        "cloud tcp 10.0.0.2 8080: \(shut), then \(shut)",
        "pod tcp 10.0.0.2 8080: \(shut), then seen as 10.42.0.5",
      ])
  }

  @Test(
    "Pods reach others and are reached, but not the metadata service or the boot volume",
    arguments: Filter.all)
  func pods(_ filter: Filter) async throws {
    let lines = try await Network.run(
      filter.commands + """

        echo 1 >/proc/sys/net/ipv4/ip_forward
        calls() {
          call cloud tcp 10.42.0.5 8080
          call pod tcp 198.51.100.7 80
          call pod udp 169.254.169.254 53
          call pod tcp 169.254.169.254 80
          call pod udp 169.254.169.254 80
          call pod tcp 169.254.0.2 3260
          call pod tcp fd00:c1::a9fe:a9fe 80
          call pod udp fd00:c1::a9fe:a9fe 53
          call node tcp 169.254.169.254 80
          call node tcp fd00:c1::a9fe:a9fe 80
        }
        stage
        calls
        use server-open
        stage
        calls
        """)
    func expected(_ metadata: [String]) -> [String] {
      [
        "cloud tcp 10.42.0.5 8080: seen as 10.0.0.1",
        "pod tcp 198.51.100.7 80: seen as 10.42.0.5",
        "pod udp 169.254.169.254 53: seen as 10.42.0.5",
        "pod tcp 169.254.169.254 80: \(metadata[0])",
        "pod udp 169.254.169.254 80: \(metadata[0])",
        "pod tcp 169.254.0.2 3260: refused",
        "pod tcp fd00:c1::a9fe:a9fe 80: \(metadata[1])",
        "pod udp fd00:c1::a9fe:a9fe 53: seen as fd42::5",
        "node tcp 169.254.169.254 80: seen as 10.0.0.2",
        "node tcp fd00:c1::a9fe:a9fe 80: seen as fd00:c1::2",
      ]
    }
    #expect(
      lines == expected(["refused", "refused"]) + expected(["seen as 10.42.0.5", "seen as fd42::5"]))
  }

  /// Calls to a Service of a pod's cluster, and to its port at the node, that leads to a platform's metadata service.
  private static let services = """

    echo 1 >/proc/sys/net/ipv4/ip_forward
    calls() {
      call pod tcp 10.43.0.99 80
      call pod tcp fd43::99 80
      call private tcp 10.0.9.1 30080
      call private tcp fd09::1 30080
    }
    service 10.43.0.99 80 168.63.129.16 80
    service fd43::99 80 fd00:c1::a9fe:a9fe 80
    service 10.0.9.1 30080 169.254.169.254 80
    service fd09::1 30080 fd20:ce::254 80
    """

  @Test(
    "A Service that leads to the metadata service reaches it neither from a pod nor by a port of the node",
    arguments: Filter.all)
  func services(_ filter: Filter) async throws {
    let calls = [
      "pod tcp 10.43.0.99 80", "pod tcp fd43::99 80", "private tcp 10.0.9.1 30080",
      "private tcp fd09::1 30080",
    ]
    // Where nothing closes it, it is there.
    #expect(
      try await Network.run(Self.services + "\ncalls")
        == zip(calls, ["10.42.0.5", "fd42::5", "10.0.9.5", "fd09::5"]).map { "\($0): seen as \($1)" })
    #expect(
      try await Network.run(
        filter.commands + Self.services + """

          stage
          if type iptables >/dev/null; then
            for tool in iptables ip6tables; do $tool -I INPUT -j ACCEPT; $tool -I FORWARD -j ACCEPT; done
          fi
          calls
          """) == calls.map { "\($0): \(filter.closed)" })
  }

  @Test(
    "Every platform's metadata service is closed to pods but for DNS, and open to the node",
    arguments: [Filter.oci, .withoutNft, .nft],
    [
      "169.254.169.254", "168.63.129.16", "fd00:c1::a9fe:a9fe", "fd00:ec2::254", "fd20:ce::254",
      "fd00:a9fe:a9fe::1",
    ])
  func platforms(_ filter: Filter, address: String) async throws {
    let isIPv6 = address.contains(":")
    #expect(
      try await Network.run(
        filter.commands + """

          echo 1 >/proc/sys/net/ipv4/ip_forward
          calls() {
            call pod tcp \(address) 80
            call pod udp \(address) 80
            call pod tcp \(address) 53
            call pod udp \(address) 53
            call node tcp \(address) 80
          }
          stage
          calls
          """) == [
          "pod tcp \(address) 80: refused", "pod udp \(address) 80: refused",
          "pod tcp \(address) 53: seen as \(isIPv6 ? "fd42::5" : "10.42.0.5")",
          "pod udp \(address) 53: seen as \(isIPv6 ? "fd42::5" : "10.42.0.5")",
          "node tcp \(address) 80: seen as \(isIPv6 ? "fd00:c1::2" : "10.0.0.2")",
        ])
  }

  @Test("A pod answers the load balancer that probes it from a metadata address", arguments: Filter.all)
  func probed(_ filter: Filter) async throws {
    #expect(
      try await Network.run(
        filter.commands + """

          echo 1 >/proc/sys/net/ipv4/ip_forward
          stage
          call cloud tcp 10.42.0.5 8080 168.63.129.16
          """) == ["cloud tcp 10.42.0.5 8080: seen as 168.63.129.16"])
  }

  @Test(
    "Without the stage pods reach both: on an image without a filter, and by what K3s puts in front of OCI's")
  func unguarded() async throws {
    #expect(
      try await Network.run(
        """
        echo 1 >/proc/sys/net/ipv4/ip_forward
        call pod tcp 169.254.169.254 80
        call pod tcp fd00:c1::a9fe:a9fe 80
        iptables-restore <"$oci"
        call pod tcp 169.254.0.2 3260
        iptables -I FORWARD -j ACCEPT
        call pod tcp 169.254.0.2 3260
        """) == [
          "pod tcp 169.254.169.254 80: seen as 10.42.0.5", "pod tcp fd00:c1::a9fe:a9fe 80: seen as fd42::5",
          "pod tcp 169.254.0.2 3260: no route to host", "pod tcp 169.254.0.2 3260: seen as 10.42.0.5",
        ])
  }

  @Test(
    "Neither an accept that comes first, nor the metadata address on the node itself, lets a pod through",
    arguments: [Filter.oci, .withoutNft, .nft])
  func accepted(_ filter: Filter) async throws {
    #expect(
      try await Network.run(
        filter.commands + """

          echo 1 >/proc/sys/net/ipv4/ip_forward
          stage
          if type iptables >/dev/null; then
            iptables -I INPUT -j ACCEPT
            iptables -I FORWARD -j ACCEPT
            iptables -F InstanceServices
          else
            nft insert rule inet filter input accept
            nft insert rule inet filter forward accept
          fi
          call pod tcp 169.254.169.254 80
          ip -n cloud address del 169.254.169.254/32 dev inner
          ip address add 169.254.169.254/32 dev lo
          call pod tcp 169.254.169.254 80
          call node tcp 169.254.169.254 80
          """) == [
          "pod tcp 169.254.169.254 80: refused", "pod tcp 169.254.169.254 80: refused",
          "node tcp 169.254.169.254 80: seen as 169.254.169.254",
        ])
  }

  @Test(
    "Ingress lends a private node its address on the way out, and keeps out of what stays inside",
    arguments: Filter.all)
  func nat(_ filter: Filter) async throws {
    let calls = """

      call private tcp 198.51.100.7 80
      call private tcp 10.0.0.1 80
      """
    let lines = try await Network.run(
      filter.commands + "\nuse agent\nstage" + calls + "\nuse ingress\nstage" + calls + """

        cat /proc/sys/net/ipv4/{ip_forward,conf/{all,eth0}/send_redirects}
        """)
    #expect(lines.count == 7)
    #expect(lines.prefix(2).allSatisfy { !$0.contains("seen as") }, "\(lines)")
    #expect(
      lines.dropFirst(2) == [
        "private tcp 198.51.100.7 80: seen as 10.0.0.2", "private tcp 10.0.0.1 80: seen as 10.0.9.5",
        "1", "0", "0",
      ])
  }

  @Test(
    "A second run changes nothing, and what a reload of the image's rules loses comes back",
    arguments: Filter.all)
  func again(_ filter: Filter) async throws {
    #expect(
      try await Network.run(
        filter.commands + """

          rules | grep InstanceServices >/run/oci || :
          stage
          rules >/run/first
          stage
          rules | cmp /run/first - && echo same
          { rules | grep InstanceServices || :; } | cmp /run/oci - && echo kept
          call cloud tcp 10.0.0.2 6443
          """) == ["same", "kept", "cloud tcp 10.0.0.2 6443: seen as 10.0.0.1"])
    guard let reload = filter.commands.firstMatch(of: /iptables\S*-restore <"\$oci"/)?.output else { return }
    #expect(
      try await Network.run(
        filter.commands + """

          stage
          rules >/run/first
          \(reload)
          call cloud tcp 10.0.0.2 6443
          stage
          rules | cmp /run/first - && echo same
          call cloud tcp 10.0.0.2 6443
          """) == [
          "cloud tcp 10.0.0.2 6443: no route to host", "same",
          "cloud tcp 10.0.0.2 6443: seen as 10.0.0.1",
        ])
  }

  @Test("The accepts stand right before OCI's REJECT, and everything that is new is called k3seed")
  func places() async throws {
    let lines = try await Network.run(#"iptables-restore <"$oci"; iptables -S >/run/old; stage; iptables -S"#)
    for chain in ["INPUT", "FORWARD"] {
      let rules = lines.filter { $0.hasPrefix("-A \(chain) ") }
      #expect(
        rules.suffix(2) == [
          "-A \(chain) -m comment --comment k3seed -j K3SEED-\(chain)",
          "-A \(chain) -j REJECT --reject-with icmp-host-prohibited",
        ])
    }
    #expect(
      lines.contains("-A K3SEED-INPUT -p tcp -m tcp --dport 6443 -j ACCEPT"))
    let old = try await Network.run(#"iptables-restore <"$oci"; iptables -S"#)
    let new = lines.filter { !old.contains($0) }
    #expect(
      new.count > 10 && new.allSatisfy { $0.lowercased().contains("k3seed") }, "\(new)")
    #expect(lines.filter { old.contains($0) } == old)
  }

  @Test("A refusal of particular callers stays before the accepts")
  func denied() async throws {
    #expect(
      try await Network.run(
        """
        iptables-restore <"$oci"
        iptables -I INPUT -s 198.51.100.7 -j REJECT --reject-with icmp-admin-prohibited
        stage
        call cloud tcp 10.0.0.2 6443
        call cloud tcp 10.0.0.2 6443 198.51.100.7
        """) == ["cloud tcp 10.0.0.2 6443: seen as 10.0.0.1", "cloud tcp 10.0.0.2 6443: no route to host"])
  }

  @Test("ip6tables that reject are opened in the same way")
  func ipv6() async throws {
    let lines = try await Network.run(
      """
      ip6tables -A INPUT -p ipv6-icmp -j ACCEPT
      ip6tables -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
      ip6tables -A INPUT -j REJECT --reject-with icmp6-adm-prohibited
      call cloud tcp fd00:c1::2 6443
      stage
      call cloud tcp fd00:c1::2 6443
      call cloud tcp fd00:c1::2 10250
      call cloud tcp fd00:c1::2 8080
      """)
    // TCP over IPv6 asks twice before it believes that.
    #expect(
      lines.map { $0.replacing(", slowly", with: "") } == [
        "cloud tcp fd00:c1::2 6443: Permission denied",
        "cloud tcp fd00:c1::2 6443: seen as fd00:c1::a9fe:a9fe",
        "cloud tcp fd00:c1::2 10250: seen as fd00:c1::a9fe:a9fe",
        "cloud tcp fd00:c1::2 8080: Permission denied",
      ])
  }

  @Test("Where there is no filter there is only the table for pods")
  func unfiltered() async throws {
    let lines = try await Network.run("stage; rules")
    #expect(lines.filter { $0.contains("table") } == ["table inet k3seed {"])
    #expect(!lines.contains { $0.contains("masquerade") || $0.contains("K3SEED") })
  }

  @Test(
    "What would undo the rules, or is missing, ends the stage with what to do",
    arguments: [
      ("active=firewalld", "ufw or firewalld would undo these rules; disable it, as K3s advises"),
      (
        "mkdir -p /etc/ufw; echo ENABLED=yes >/etc/ufw/ufw.conf",
        "ufw or firewalld would undo these rules; disable it, as K3s advises"
      ),
      (
        "rm /etc/k3seed/firewall.rules",
        "/etc/k3seed/firewall.rules is missing, so no rule was changed; render again"
      ),
      (
        "without iptables nft",
        "neither nft nor iptables is here; add the package nftables to the image"
      ),
      (
        "use ingress; ip route del default",
        "NAT needs an IPv4 default route; give the node a gateway"
      ),
    ])
  func refused(_ commands: String, saying message: String) async throws {
    #expect(try await Network.run("\(commands)\nstage\n/usr/sbin/nft list ruleset") == ["failed: \(message)"])
  }

  @Test(
    "Where /etc/k3seed is gone, the command of K3s' unit says so, fails, and changes no rule",
    .enabled(if: Node.works, "needs bwrap"))
  func rulesGone() async throws {
    var node = try Node()
    node.arguments = ["firewall"]
    node.variables = node.variables.mapValues { _ in nil }
    node.files["/etc/k3seed/firewall.rules"] = nil
    node.files["/var/lab/afterwards"] = "nft list ruleset >/var/lab/rules\n"
    try await node.boot { outcome in
      #expect(outcome.status == 3)
      #expect(
        outcome.console == [
          "/etc/k3seed/firewall.rules is missing, so no rule was changed; render again"
        ])
      #expect(outcome.text("/var/lab/rules") == "")
    }
  }

  @Test("A node that has come up is not kept from K3s by who enables ufw or firewalld later")
  func enabledLater() async throws {
    #expect(
      try await Network.run("finished=install active=firewalld; stage; rules").contains {
        $0.contains("k3seed")
      })
  }

  @Test("ufw that is installed but not active is no obstacle")
  func inactive() async throws {
    #expect(
      try await Network.run("mkdir -p /etc/ufw; echo ENABLED=no >/etc/ufw/ufw.conf; stage; rules")
        .contains { $0.contains("k3seed") })
  }

  @Test(
    "The network that K3s would fail of gets its answer before",
    arguments: [
      ("", []),
      (
        "ip route del default",
        ["failed: no default route; K3s needs one: give the node a gateway"]
      ),
      (
        "ip route del default; ip -6 route add default via fd00:c1::a9fe:a9fe",
        [
          "failed: only IPv6 has a default route; give IPv6 cluster_cidr and service_cidr, or an IPv4 gateway"
        ]
      ),
      (
        """
        ip route del default; ip -6 route add default via fd00:c1::a9fe:a9fe
        K3SEED_IPV4=no
        """, []
      ),
      (
        "export HTTPS_PROXY=http://user:word@10.0.0.9:3128",
        ["failed: a proxy but no NO_PROXY; it must hold the node networks and 169.254.169.254"]
      ),
      ("export https_proxy=http://10.0.0.9:3128 no_proxy=10.0.0.0/8,169.254.169.254", []),
    ])
  func network(_ commands: String, answer: [String]) async throws {
    #expect(
      try await Network.run(
        "unset {http,https,no}_proxy {HTTP,HTTPS,NO}_PROXY\n\(commands)\nstage check_network\ncat /run/stage.log"
      ) == answer + answer.map { $0.replacing("failed: ", with: "") })
  }
}
