public import Plan

/// How a platform counts user-data, and how much of it it takes.
public struct Budget: Sendable {
  /// What a platform counts.
  public enum Measure: Sendable {
    /// The bytes that cloud-init gets.
    case raw
    /// Their base64: four characters for every three bytes begun.
    case base64
  }

  /// What a platform carries to cloud-init unchanged.
  public enum Carrier: Sendable {
    /// Any bytes, gzip among them.
    case bytes
    /// A text, of which cloud-init decodes base64; what is counted is the text as sent.
    case decodedText
    /// A text, as it is.
    case plainText
  }

  /// The limit, in bytes of what is counted.
  public let limit: Int
  /// What is counted.
  public let measure: Measure
  /// What arrives unchanged.
  public let carrier: Carrier
  /// How the platform counts, in words.
  public let arithmetic: String

  /// The bytes counted for a payload of `bytes` beside `other` bytes that share the limit.
  public func counted(_ bytes: Int, other: Int) -> Int {
    switch measure {
    case .raw: bytes + other
    case .base64: (bytes + 2) / 3 * 4 + other
    }
  }

  /// The largest payload, in bytes, that fits beside `other` bytes.
  public func largest(beside other: Int) -> Int {
    let left = max(0, limit - other)
    return switch measure {
    case .raw: left
    case .base64: left / 4 * 3
    }
  }
}

extension Platform {
  /// The platform's limit. Each is from the provider's own documentation of 2026, except where said.
  public var budget: Budget {
    switch self {
    case .oci:
      Budget(
        limit: 32_000, measure: .base64, carrier: .bytes,
        arithmetic: "base64 of user-data, with ssh keys and all other metadata")
    case .aws: Budget(limit: 16_384, measure: .raw, carrier: .bytes, arithmetic: "raw, before base64")
    case .gcp:
      Budget(limit: 262_144, measure: .raw, carrier: .decodedText, arithmetic: "the metadata value, a text")
    case .azure: Budget(limit: 65_535, measure: .raw, carrier: .bytes, arithmetic: "decoded customData")
    case .hetzner:
      Budget(limit: 32_768, measure: .raw, carrier: .decodedText, arithmetic: "the string as sent")
    case .digitalocean:
      Budget(
        limit: 65_536, measure: .raw, carrier: .plainText, arithmetic: "plain text; base64 is ignored there")
    case .openstack: Budget(limit: 65_535, measure: .base64, carrier: .bytes, arithmetic: "base64")
    // Not on an official page; what its API was seen to take.
    case .linode: Budget(limit: 16_384, measure: .raw, carrier: .bytes, arithmetic: "decoded")
    case .vsphere: Budget(limit: 524_288, measure: .raw, carrier: .bytes, arithmetic: "the guestinfo value")
    // cloud-init reads a seed of any size; what does not fit a small disk image is a mistake all the same.
    case .nocloud: Budget(limit: 1_048_576, measure: .raw, carrier: .bytes, arithmetic: "k3seed's own limit")
    }
  }

  /// The bytes that share the limit with user-data: on OCI the other metadata, of which k3seed knows the keys
  /// `user_data` and `ssh_authorized_keys` and the value of the latter.
  package func sharedBytes(sshKeys: [String]) -> Int {
    guard self == .oci else { return 0 }
    let keys =
      sshKeys.isEmpty ? 0 : "ssh_authorized_keys".utf8.count + sshKeys.reduce(-1) { $0 + $1.utf8.count + 1 }
    return "user_data".utf8.count + keys
  }
}
