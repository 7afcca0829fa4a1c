import Inputs
package import Plan

/// The rules as nft and iptables read them: one literal rule a line. Only the interface of the default route is left to
/// the node: nft's `$out`, and `@out` for iptables.
extension Firewall {
  /// The node's `/etc/k3seed/firewall.rules`, of which `templates/guest/firewall.sh` takes what the image's tools read.
  /// One file, because three would not fit into a payload beside everything else.
  package var rules: String {
    """
    # What this node accepts and refuses, as k3seed rendered it; k3seed-bootstrap firewall loads it.
    ### nft-table
    \(nftTable)
    ### nft-accepts
    \(nftAccepts)
    ### iptables
    \(iptablesRules)

    """
  }

  /// nft's table of our own: what is refused, whatever others accept, and NAT.
  package var nftTable: String {
    let chains =
      [
        (.refuseInput, "input", "filter hook input priority -10"),
        (.refuseForward, "forward", "filter hook forward priority -10"),
        (.masquerade, "postrouting", "nat hook postrouting priority 110"),
      ] as [(Chain, String, String)]
    let texts = chains.compactMap { chain, name, head in
      let lines = nft(chain)
      return lines.isEmpty ? nil : Self.nftChain(name, ["type \(head)"] + lines)
    }
    // To delete a table it must be there.
    return (["table inet k3seed", "delete table inet k3seed", "table inet k3seed {"] + texts + ["}"])
      .joined(separator: "\n")
  }

  /// nft's chains for the tables of others who turn strangers away: what is accepted before they do.
  package var nftAccepts: String {
    Self.nftChain("k3seed_input", nft(.acceptInput)) + "\n"
      + Self.nftChain("k3seed_forward", nft(.acceptForward))
  }

  /// For `iptables-restore` and `ip6tables-restore`, which leave out lines of the other's family. `mangle` and `nat` are
  /// what nft's own table is, for images without nft.
  package var iptablesRules: String {
    let tables =
      [
        ("filter", [(.acceptInput, "INPUT"), (.acceptForward, "FORWARD")]),
        ("mangle", [(.refuseInput, "INPUT"), (.refuseForward, "FORWARD")]),
        ("nat", [(.divert, "PREROUTING"), (.masquerade, "POSTROUTING")]),
      ] as [(String, [(Chain, String)])]
    return tables.map { table, chains in
      let heads = chains.map { ":K3SEED-\($0.1) -" }
      let rules = chains.flatMap { chain, name in iptables(chain).map { "-A K3SEED-\(name) \($0)" } }
      return (["*\(table)"] + heads + rules + ["COMMIT"]).joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private static func nftChain(_ name: String, _ lines: [String]) -> String {
    (["  chain \(name) {"] + lines.map { "    \($0)" } + ["  }"]).joined(separator: "\n")
  }

  // MARK: nft

  private func nft(_ chain: Chain) -> [String] {
    lines(chain) { rule, family in
      var words: [String] = []
      let protocolName = family == .ipv6 ? "ip6" : "ip"
      for (party, word) in [(rule.source, "saddr"), (rule.destination, "daddr")] {
        if let networks = family.flatMap({ networks(of: party, $0) }) {
          let list = networks.map(\.description)
          words += [protocolName, word, list.count == 1 ? list[0] : "{ \(list.joined(separator: ", ")) }"]
        }
      }
      if rule.isOutgoing { words.append("oifname $out") }
      switch rule.service {
      case .tcp(let ports): words.append("tcp dport \(ports.text("-"))")
      case .udp(let ports): words.append("udp dport \(ports.text("-"))")
      case .tcpBut(let port): words.append("tcp dport != \(port)")
      case .udpBut(let port): words.append("udp dport != \(port)")
      case nil: break
      }
      switch rule.connection {
      case .reply: words.append("ct direction reply")
      case .established: words.append("ct state established,related")
      case nil: break
      }
      switch rule.verdict {
      // In a chain of our own, which nothing follows, that passes a packet on to others' chains.
      case .accept, .pass: words.append("accept")
      case .refuse:
        if case .tcpBut = rule.service {
          words.append("reject with tcp reset")
        } else {
          words.append("reject")
        }
      case .masquerade: words.append("masquerade")
      case .divert: break
      }
      return words
    }
  }

  // MARK: iptables

  private func iptables(_ chain: Chain) -> [String] {
    lines(chain) { rule, family in
      var words: [String] = []
      if let family { words.append(family == .ipv4 ? "-4" : "-6") }
      for (party, flag) in [(rule.source, "-s"), (rule.destination, "-d")] {
        if let networks = family.flatMap({ networks(of: party, $0) }) {
          words += [flag, networks.map(\.description).joined(separator: ",")]
        }
      }
      if rule.isOutgoing { words.append("-o @out") }
      switch rule.service {
      case .tcp(let ports): words.append("-p tcp --dport \(ports.text(":"))")
      case .udp(let ports): words.append("-p udp --dport \(ports.text(":"))")
      case .tcpBut(let port): words.append("-p tcp ! --dport \(port)")
      case .udpBut(let port): words.append("-p udp ! --dport \(port)")
      case nil: break
      }
      switch rule.connection {
      case .reply: words.append("-m conntrack --ctdir REPLY")
      case .established: words.append("-m conntrack --ctstate RELATED,ESTABLISHED")
      case nil: break
      }
      switch rule.verdict {
      case .accept: words.append("-j ACCEPT")
      case .pass: words.append("-j RETURN")
      case .refuse: words.append("-j DROP")
      case .divert: words.append("-j REDIRECT --to-ports 1")
      case .masquerade: words.append("-j MASQUERADE")
      }
      return words
    }
  }

  /// A line for each family that a rule is about, or one where it names no address.
  private func lines(_ chain: Chain, _ words: (Rule, Network.Family?) -> [String]) -> [String] {
    rules(in: chain).flatMap { rule in
      let parties = [rule.source, rule.destination]
      guard parties.contains(where: { networks(of: $0, .ipv4) != nil }) else { return [words(rule, nil)] }
      return Network.Family.allCases.filter { family in
        parties.allSatisfy { networks(of: $0, family)?.isEmpty != true }
      }.map { words(rule, $0) }
    }.map { $0.joined(separator: " ") }
  }
}

extension ClosedRange<Int> {
  fileprivate func text(_ dash: String) -> String {
    lowerBound == upperBound ? "\(lowerBound)" : "\(lowerBound)\(dash)\(upperBound)"
  }
}
