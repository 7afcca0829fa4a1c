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

extension HostTool {
  /// Downloads what an address holds, never more of it than a number of bytes: curl's own limit does not hold for what
  /// comes without its length in releases before 8.4, so that it may write no larger file either.
  ///
  /// - Parameters:
  ///   - options: curl's, besides those that every download has.
  ///   - output: how many bytes are wanted as the outcome's output; all of them unless given.
  ///   - headers: fields of the request. They go through a pipe: every user of the machine can read arguments.
  package static func download(
    _ address: String, _ options: [String], bytes most: Int, output: Int? = nil, headers: [String] = [],
    limit: Duration, showsErrors: Bool = false
  ) async throws -> Outcome {
    try await HostTool.shell.run(
      // The limit counts in blocks of 512 bytes.
      ["-c", #"ulimit -f "$1"; shift; exec curl "$@""#, "sh", "\(most / 512 + 2)"]
        + curlOptions(for: address) + ["--max-filesize", "\(most)"] + options
        + ["--header", "@-", "--url", address],
      input: Array(headers.map { $0 + "\r\n" }.joined().utf8), limit: limit, outputLimit: output ?? most + 1,
      showsErrors: showsErrors)
  }
}

extension HostTool.Outcome {
  /// Whether curl gave up (63), or was ended (153), as a download had too many bytes.
  package var isTooLarge: Bool { [63, 153].contains(status) }
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
