import Testing

@testable import Inputs

@Suite("Networks") struct NetworkTests {
  @Test(
    "a network is written in its shortest form, without the bits that do not count",
    arguments: [
      ("10.42.0.0/16", "10.42.0.0/16"), ("10.42.7.9/16", "10.42.0.0/16"), ("10.0.0.129/25", "10.0.0.128/25"),
      ("0.0.0.0/0", "0.0.0.0/0"), ("192.0.2.1", "192.0.2.1"), ("192.0.2.1/32", "192.0.2.1"),
      ("FD00:0:0:0::1/7", "fc00::/7"), ("::/0", "::/0"), ("fd00:c1:0:0:0:0:a9fe:a9fe", "fd00:c1::a9fe:a9fe"),
    ])
  func written(text: String, shown: String) {
    #expect(Network(text)?.description == shown)
  }

  @Test(
    "what is neither a network nor an address is refused",
    arguments: [
      "", "/", "10.0.0.0/", "10.0.0.0/33", "fd00::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
      "10.0.0/8", "10.0.0.0/8/8", " 10.0.0.0/8", "10.0.0.0/8 ", "10.0.0.0\u{0}/8", "example.org",
      "fd00::%eth0/64",
    ])
  func refused(text: String) {
    #expect(Network(text) == nil)
  }

  @Test(
    "two networks overlap where one is part of the other, and never across families",
    arguments: [
      ("10.0.0.0/8", "10.42.0.0/16", true), ("10.42.0.0/16", "10.42.255.255", true),
      ("10.42.0.0/16", "10.43.0.0/16", false), ("10.42.0.0/15", "10.43.0.0/16", true),
      ("0.0.0.0/0", "192.0.2.1", true), ("0.0.0.0/0", "::/0", false),
      ("fd42::/56", "fd42:0:0:100::/56", false),
      ("fd42::/56", "fd42:0:0:ff::1", true), ("::a00:0/104", "10.0.0.0/8", false),
    ])
  func overlapping(one: String, other: String, do overlap: Bool) throws {
    let one = try #require(Network(one))
    let other = try #require(Network(other))
    #expect(one.overlaps(other) == overlap && other.overlaps(one) == overlap)
    #expect(one.contains(other) == (overlap && one.prefix <= other.prefix))
    #expect(one.contains(one) && one.overlaps(one))
  }

  @Test("networks are merged into those that hold them, in their order")
  func merged() {
    let networks = ["10.1.0.0/16", "fd00::/8", "10.0.0.0/8", "10.2.0.0/16", "192.168.0.0/16", "fd00::/8"]
    #expect(
      Network.merged(networks.compactMap(Network.init)).map(\.description) == [
        "fd00::/8", "10.0.0.0/8", "192.168.0.0/16",
      ])
  }
}
