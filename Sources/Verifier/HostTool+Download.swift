extension HostTool {
  /// What every download has: curl gives up where nothing comes for a minute, and an address that is secured stays so
  /// wherever it is redirected to.
  package static func curlOptions(for address: String) -> [String] {
    let protocols = address.hasPrefix("https://") ? "=https" : "=http,https"
    return [
      "--fail", "--location", "--proto", protocols, "--proto-redir", protocols, "--connect-timeout", "20",
      "--retry", "2",
      "--speed-limit", "1000", "--speed-time", "60",
    ]
  }
}

/// A list of digests as sha256sum and sha512sum write it.
package struct Checksums {
  private let lines: [Substring]

  package init(_ bytes: [UInt8]) {
    lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
  }

  /// The digest of a file in lower-case hexadecimal; nil where the list has none of it, or no digest of that length.
  package func digest(of file: String, digits: Int) -> String? {
    for line in lines {
      // Digest, space, space or asterisk, name.
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[1].drop(while: { $0 == " " || $0 == "*" }) == file else { continue }
      let digest = parts[0].lowercased()
      return digest.utf8.count == digits && digest.allSatisfy(\.isHexDigit) ? digest : nil
    }
    return nil
  }
}
