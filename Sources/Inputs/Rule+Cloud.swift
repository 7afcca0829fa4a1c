import Diagnostics
import Secrets

extension Rule {
  static let platform = oneOf(
    "a platform",
    ["oci", "aws", "gcp", "azure", "hetzner", "digitalocean", "openstack", "linode", "vsphere", "nocloud"])

  static let role = oneOf("a role", ["server", "agent", "ingress"])

  static let access = oneOf("a permission", ["denied", "allowed"])
  static let clusterState = oneOf("a state of the cluster", ["new", "existing"])
  static let hardening = oneOf("a hardening profile", ["none", "cis"])

  static let vaultOCID = ocid(of: "vault", "an OCI vault")

  /// A secret's OCID, with the query of Oracle's `GetSecretBundle` where it is not the current version that is meant.
  static let secretOCID: Rule = {
    let plain = ocid(of: "vaultsecret", "a secret in an OCI vault")
    let stages = ["CURRENT", "PENDING", "LATEST", "PREVIOUS", "DEPRECATED"]
    let query =
      "stage=(\(stages.joined(by: "|")))|versionNumber=[1-9][0-9]*|secretVersionName=[A-Za-z0-9._-]+"
    return Rule(plain.meaning, pattern: "\(plain.pattern.dropLast())([?](\(query)))?$") { text in
      let parts = text.parts(between: "?")
      if let problem = plain.problem(with: parts[0]) { return problem }
      guard parts.count > 1 else { return nil }
      let pair = parts[1].parts(between: "=")
      let isKnown: Bool =
        switch (parts.count, pair.count, pair[0]) {
        case (2, 2, "stage"): stages.contains(pair[1])
        case (2, 2, "versionNumber"):
          pair[1].utf8.allSatisfy(\.isDigit) && !["", "0"].contains(pair[1].prefix(1))
        case (2, 2, "secretVersionName"):
          !pair[1].isEmpty && pair[1].utf8.allSatisfy { $0.isAlphanumeric || "._-".utf8.contains($0) }
        default: false
        }
      return isKnown
        ? nil
        : Problem(
          "has a query that names no version",
          help:
            "write ?stage=PREVIOUS, ?versionNumber=3 or ?secretVersionName=name, or nothing for the current one"
        )
    }
  }()

  /// Oracle's documentation, "Creating a Secret": letters, digits, hyphens, underscores and periods.
  static let vaultSecretName = matching(
    "the name of a secret in OCI Vault: letters, digits, \"-\", \"_\" and \".\", at most 255",
    pattern: "^[A-Za-z0-9._-]{1,255}$"
  ) { text in
    (1...255).contains(text.utf8.count)
      && text.utf8.allSatisfy { $0.isAlphanumeric || "-._".utf8.contains($0) }
  }

  /// The region's whole name: its hosts are named by it, and nothing in the node knows what a code stands for.
  static let region = matching(
    "an OCI region such as us-ashburn-1", pattern: #"^[a-z]+(-[a-z]+)+-[0-9]+$"#,
    help: "give the region's name, not its three-letter code"
  ) { text in
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count >= 3 && parts.dropLast().allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isLower) }
      && parts.last.map { !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) } == true
  }

  static let zoneID = matching(
    "a Cloudflare zone id: 32 hexadecimal digits", pattern: "^[0-9a-fA-F]{32}$",
    help: "copy it from the zone's overview page"
  ) { text in text.utf8.count == 32 && text.utf8.allSatisfy(\.isHexadecimal) }

  package static let sha256 = matching("a SHA-256: 64 hexadecimal digits", pattern: "^[0-9a-fA-F]{64}$") {
    text in
    text.utf8.count == 64 && text.utf8.allSatisfy(\.isHexadecimal)
  }

  /// One line of authorized_keys: `type base64 [comment]`.
  static let sshPublicKey = Rule(
    "an SSH public key", pattern: #"^(ssh|ecdsa|sk)-[^\s]+ [A-Za-z0-9+/=]+( [^\n]*)?$"#
  ) { text in
    if text.holds("PRIVATE KEY") {
      return Problem(
        "is a private key, which must never be in user-data", help: "give the public key (.pub)")
    }
    if text.unicodeScalars.contains("\n") {
      return Problem(
        "holds a line break; a public key is one line",
        help: "use trimspace(), and one item of the list a key")
    }
    let parts = text.parts(between: " ")
    // The key begins with its own type, behind four bytes of length (RFC 4253, section 6.6).
    let type = Array(parts[0].utf8)
    let blob = [0, 0, 0, UInt8(truncatingIfNeeded: type.count)] + type
    let whole = blob.count / 3 * 3
    guard parts.count >= 2, !text.unicodeScalars.contains(where: \.isControl),
      sshKeyTypes.contains(parts[0]),
      parts[1].utf8.starts(with: Base64.encode(Array(blob.prefix(whole)))),
      parts[1].utf8.allSatisfy(\.isBase64)
    else {
      return Problem(
        "\(text.shown) is not an SSH public key", help: "give one line such as \"ssh-ed25519 AAAA… name\"")
    }
    return nil
  }

  private static let sshKeyTypes = [
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
  ]

  /// Oracle's documentation, "Resource Identifiers": ocid1.TYPE.REALM.[REGION][.FUTURE USE].UNIQUE ID.
  ///
  /// What is no OCID is not shown: it may be a secret that was given where its OCID belongs.
  private static func ocid(of type: String, _ what: String) -> Rule {
    Rule("the OCID of \(what)", pattern: #"^ocid1[.]\#(type)[.][a-z0-9]+[.][a-z0-9-]*([.][A-Za-z0-9_-]+)+$"#)
    { text in
      let parts = text.parts(between: ".")
      guard parts.count >= 5, parts[0] == "ocid1",
        !parts[1].isEmpty, parts[1].utf8.allSatisfy({ $0.isLower || $0.isDigit }),
        !parts[2].isEmpty, parts[2].utf8.allSatisfy({ $0.isLower || $0.isDigit }),
        parts[3].utf8.allSatisfy({ $0.isLower || $0.isDigit || $0 == UInt8(ascii: "-") }),
        parts[4...].allSatisfy({ part in
          !part.isEmpty && part.utf8.allSatisfy { $0.isAlphanumeric || $0 == 0x2D || $0 == 0x5F }
        })
      else {
        return Problem("is not an OCID", help: "it has the form ocid1.\(type).oc1.<region>.<unique id>")
      }
      guard parts[1] == type else {
        return Problem(
          "is the OCID of a resource of type \"\(parts[1])\", not of \(what)",
          help: "give one that begins with ocid1.\(type).")
      }
      return nil
    }
  }
}
