#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A network of IPv4 or IPv6 addresses; an address alone is a network of one.
public struct Network: Hashable, Sendable {
  /// The protocol that its addresses belong to.
  public enum Family: CaseIterable, Sendable {
    /// Addresses of 32 bits.
    case ipv4
    /// Addresses of 128 bits.
    case ipv6
  }

  /// The first address: 4 or 16 bytes, of which the bits after the prefix are zero.
  private let bytes: [UInt8]
  /// How many bits its addresses have in common.
  public let prefix: Int

  /// Reads a network in CIDR notation, such as `10.42.0.0/16`, or an address; nil where the text is neither.
  ///
  /// Bits after the prefix do not count: `10.42.7.1/16` is `10.42.0.0/16`.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard var bytes = Self.bytes(of: String(parts[0])) else { return nil }
    var prefix = bytes.count * 8
    if parts.count == 2 {
      guard let bits = Int(parts[1]), String(bits) == parts[1], (0...prefix).contains(bits) else {
        return nil
      }
      prefix = bits
    }
    for index in bytes.indices { bytes[index] &= Self.mask(ofByte: index, prefix) }
    self.bytes = bytes
    self.prefix = prefix
  }

  /// The protocol that its addresses belong to.
  public var family: Family { bytes.count == 4 ? .ipv4 : .ipv6 }

  /// Whether every address of the other network is one of this.
  public func contains(_ other: Network) -> Bool {
    bytes.count == other.bytes.count && prefix <= other.prefix
      && bytes.indices.allSatisfy { bytes[$0] == other.bytes[$0] & Self.mask(ofByte: $0, prefix) }
  }

  /// Whether the two have an address in common. Networks do so only where one is part of the other.
  public func overlaps(_ other: Network) -> Bool { contains(other) || other.contains(self) }

  /// Networks without those that are part of others, in the order in which they were given.
  public static func merged(_ networks: [Network]) -> [Network] {
    var kept: [Network] = []
    for network in networks where !kept.contains(where: { $0.contains(network) }) {
      kept.removeAll { network.contains($0) }
      kept.append(network)
    }
    return kept
  }

  /// The bits of a byte that belong to a prefix.
  private static func mask(ofByte index: Int, _ prefix: Int) -> UInt8 {
    let bits = min(max(prefix - index * 8, 0), 8)
    return UInt8(truncatingIfNeeded: 0xFF00 >> bits)
  }

  /// The bytes of an address, 4 or 16; nil where the text is none.
  private static func bytes(of text: String) -> [UInt8]? {
    // A NUL would end the text for C.
    guard !text.utf8.contains(0) else { return nil }
    var buffer = in6_addr()
    let count =
      inet_pton(AF_INET, text, &buffer) == 1 ? 4 : inet_pton(AF_INET6, text, &buffer) == 1 ? 16 : 0
    return count == 0 ? nil : withUnsafeBytes(of: buffer) { Array($0.prefix(count)) }
  }
}

extension Network: CustomStringConvertible {
  /// The network in CIDR notation, or the address alone where it is one.
  public var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
    let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return prefix == bytes.count * 8 ? address : "\(address)/\(prefix)"
  }
}
