import Diagnostics
import Foundation
import TestSupport
import Testing
import YAML

@testable import Verifier

@Suite("A cluster of machines")
struct ClusterTests {
  static func links(
    _ addresses: [String?], joinedAt server: String? = "10.20.1.11"
  ) throws(Report) -> [ClusterNetwork.Link] {
    try ClusterNetwork(
      addresses.enumerated().map { ("node-\($0.offset)", $0.element) }, joinedAt: server
    ).links
  }

  @Test("Nodes have their private addresses, in the smallest network of a /24 or more that holds them all")
  func addresses() throws {
    let links = try Self.links(["10.20.1.11", "10.20.1.12", "10.20.0.10"])
    #expect(links.map(\.address) == ["10.20.1.11", "10.20.1.12", "10.20.0.10"])
    #expect(links.allSatisfy { $0.prefix == 23 })
    #expect(Set(links.map(\.hardware)).count == 3 && links.allSatisfy { $0.hardware.hasPrefix("52:54:00:") })
    #expect(try Self.links(["10.20.1.11", "10.20.1.12"]).allSatisfy { $0.prefix == 24 })
    #expect(try Self.links(["10.20.1.11,fd00::11"]).map(\.address) == ["10.20.1.11"])
  }

  @Test("Who has no address gets one beside the server, and the server has the one that others join")
  func given() throws {
    #expect(
      try Self.links([nil, "10.20.1.1", nil]).map(\.address) == ["10.20.1.11", "10.20.1.1", "10.20.1.2"])
  }

  @Test(
    "What cannot be one network is refused, with the node and what to do",
    arguments: [
      (
        ["10.20.1.12", "10.20.1.13"], "10.20.1.11",
        "the nodes join 10.20.1.11, and node-0 has the address 10.20.1.12"
      ),
      (["10.20.1.11", "10.20.1.11"], "10.20.1.11", "two nodes have the same address"),
      (["10.20.1.11", "192.168.1.1"], "10.20.1.11", "the nodes' addresses are in no common network"),
      (
        ["10.20.1.11", "10.20.1.300"], "10.20.1.11",
        "node-1 has the address 10.20.1.300, which is no IPv4 address"
      ),
      ([nil, "10.20.1.12"], "api.example.org", "the nodes join api.example.org, which is no IPv4 address"),
    ] as [([String?], String?, String)])
  func refused(addresses: [String?], server: String?, message: String) {
    let report = #expect(throws: Report.self) { try Self.links(addresses, joinedAt: server) }
    #expect(report?.text.contains(message) == true, "\(report?.text ?? "")")
    #expect(report?.text.contains("private_ip") == true)
  }

  @Test("One machine has a hub with a socket for each other, and no port of the host is open")
  func wires() {
    var hub = MachineTests.machine()
    hub.wire = Machine.Wire(hardware: "52:54:00:6b:00:00", sockets: ["/s,/node1", "/s,/node2"], isHub: true)
    let netdevs = MachineTests.values("-netdev", of: hub).dropFirst()
    #expect(
      MachineTests.values("-netdev", of: hub)[0].hasPrefix(
        "user,id=net,net=192.0.2.0/24,restrict=on,ipv6=off,guestfwd=tcp:192.0.2.100:80-"))
    #expect(MachineTests.values("-smbios", of: hub) == ["type=1,serial=ds=nocloud-net;s=http://192.0.2.100/"])
    #expect(
      Array(netdevs) == [
        "hubport,id=wire,hubid=0", "stream,id=node0,server=on,addr.type=unix,addr.path=/s,,/node1",
        "hubport,id=port0,hubid=0,netdev=node0",
        "stream,id=node1,server=on,addr.type=unix,addr.path=/s,,/node2",
        "hubport,id=port1,hubid=0,netdev=node1",
      ])
    #expect(
      MachineTests.values("-device", of: hub).last
        == "virtio-net-pci,netdev=wire,mac=52:54:00:6b:00:00,romfile=")
    var other = MachineTests.machine()
    other.wire = Machine.Wire(hardware: "52:54:00:6b:00:01", sockets: ["/s/node1"], isHub: false)
    #expect(
      Array(MachineTests.values("-netdev", of: other).dropFirst()) == [
        "stream,id=wire,server=off,addr.type=unix,addr.path=/s/node1"
      ])
  }

  @Test("The probe gives the interface its address before anything else, and asks the agent's own kubeconfig")
  func probe() throws {
    var probe = Probe(nonce: "n", key: "k")
    probe.link = ClusterNetwork.Link(hardware: "52:54:00:6b:00:01", address: "10.20.1.12", prefix: 24)
    probe.gateway = Probe.Gateway(address: "10.20.0.10", instance: "k3seed-1")
    let promises = try PromisesTests.golden("high-availability/edge")
    let text = String(decoding: probe.vendorData(for: promises), as: UTF8.self)
    let place = try #require(text.range(of: "ip address replace 10.20.1.12/24"))
    #expect(place.lowerBound < (try #require(text.range(of: "base64 -d"))).lowerBound)
    let configuration = probe.configuration(for: promises)
    #expect(configuration["gateway"]?["address"]?.string == "10.20.0.10")
    #expect(
      configuration["kubernetes"]?["kubeconfig"]?.string == "/var/lib/rancher/k3s/agent/kubelet.kubeconfig")
    #expect(
      probe.configuration(for: try PromisesTests.golden("literal/server"))["kubernetes"]?["namespaces"] != nil
    )
  }

  /// A node's watch and its part in the gathering.
  struct Node {
    var watch: Watch
    var member: Gathering.Member

    init(_ gathering: Gathering, _ index: Int) throws {
      watch = try WatchTests.started(
        Watch(
          phases: [.boot], promises: Promises(userData: Array("#cloud-config\n{}\n".utf8)),
          limits: WatchTests.limits, accelerator: .kvm, slowness: 1, awaitsOthers: true))
      member = Gathering.Member(
        gathering, index: index,
        link: ClusterNetwork.Link(hardware: "", address: "", prefix: 24), gateway: nil)
    }

    mutating func take(_ sign: Watch.Sign, at now: Double) -> [Session.Action] {
      member.follow(&watch, watch.take(sign, at: now), at: now)
    }

    mutating func settle(at now: Double, isComplete: Bool = true) throws -> [Session.Action] {
      _ = take(try WatchTests.event("settled"), at: now)
      let complete = isComplete ? #""v1""# : "null"
      return take(
        try WatchTests.event("facts", #"{"why": "settled", "bootstrap": {"complete": \#(complete)}}"#),
        at: now)
    }

    mutating func report(at now: Double) throws -> [Session.Action] {
      take(try WatchTests.event("facts", #"{"why": "asked"}"#), at: now)
    }
  }

  @Test("Nodes are judged when all are there, and the last one's end is everybody's")
  func together() throws {
    let gathering = Gathering(of: 2)
    var (server, agent) = (try Node(gathering, 0), try Node(gathering, 1))
    #expect(try server.settle(at: 40).isEmpty)
    #expect(server.watch.awaiting == "the cluster's other nodes")
    #expect(server.take(.tick, at: 4000).isEmpty, "the agent has deadlines of its own")
    #expect(try agent.settle(at: 80) == [.ask("facts")])
    #expect(server.take(.tick, at: 4001) == [.ask("facts")])
    #expect(try server.report(at: 4002).isEmpty, "the agent may need it")
    #expect(try agent.report(at: 82) == [.end])
    #expect(server.take(.tick, at: 4003) == [.end])
    #expect(server.watch.cause == nil && agent.watch.cause == nil)
  }

  @Test("Who waits for a server that failed is told so, and the others are not waited for in vain")
  func broken() throws {
    let gathering = Gathering(of: 2)
    var (server, agent) = (try Node(gathering, 0), try Node(gathering, 1))
    #expect(try server.settle(at: 40, isComplete: false).isEmpty)
    #expect(agent.take(.tick, at: 41) == [.ask("facts")])
    #expect(agent.watch.cause?.verdict == .inconclusive && agent.watch.cause?.cause.code == "server-failed")
    #expect(try agent.report(at: 42).isEmpty)
    #expect(server.take(.tick, at: 43) == [.ask("facts")])
    #expect(try server.report(at: 44) == [.end])
    #expect(agent.take(.tick, at: 45) == [.end])
  }

  @Test("A node that fails by itself does not keep the others waiting")
  func failing() throws {
    let gathering = Gathering(of: 2)
    var (server, agent) = (try Node(gathering, 0), try Node(gathering, 1))
    #expect(try server.settle(at: 40).isEmpty)
    _ = agent.take(.exited(status: "ended exit code 1", complaints: ""), at: 41)
    #expect(server.take(.tick, at: 42) == [.ask("facts")])
    #expect(try server.report(at: 43) == [.end])
    #expect(agent.watch.cause?.cause.code == "qemu-failed" && server.watch.cause == nil)
  }

  @Test("Only a whole cluster of k3seed's can be booted as one")
  func wholes() throws {
    let options = Verification.Options(image: MachineTests.image)
    let server = try PromisesTests.golden("high-availability/cp-2").bytes
    let joining = try PromisesTests.golden("high-availability/cp-1").bytes
    let other = Array("#cloud-config\n{}\n".utf8)
    for (nodes, message) in [
      ([("cp-1", joining)], "there are 0 first servers among 1 nodes"),
      ([("a", server), ("b", server)], "there are 2 first servers among 2 nodes"),
      ([("a", server), ("b", other)], "b is no user-data of k3seed"),
    ] {
      let report = #expect(throws: Report.self) {
        try ClusterVerification(nodes.map { (name: $0.0, userData: $0.1) }, options: options)
      }
      #expect(report?.text.contains(message) == true, "\(report?.text ?? "")")
    }
    _ = try ClusterVerification([("cp-1", joining), ("cp-2", server)], options: options)
  }

  @Test("The cluster's verdict is that of its worst node, and the host's faults come before what they cause")
  func verdicts() {
    func verdict(_ verdicts: Verdict...) -> Verdict {
      ClusterVerification.verdict(
        of: verdicts.map {
          var report = ReportSamples.hostless
          report.verdict = $0
          return report
        })
    }
    #expect(verdict(.pass, .pass) == .pass)
    #expect(verdict(.pass, .inconclusive) == .inconclusive)
    #expect(verdict(.inconclusive, .fail, .pass) == .fail)
    #expect(verdict(.fail, .infra) == .infra)
  }
}
