import Verifier

/// Downloads into memory through curl, which knows the host's certificates, its proxies and `~/.netrc`.
struct Fetcher: Sendable {
  /// How long one download may take, redirects and repetitions included, in seconds.
  var timeout: Int

  /// Why something was not downloaded.
  struct Failure: Error {
    /// What the address says of it.
    enum Kind {
      /// There is no such thing.
      case absent
      /// It was not reached, or does not answer as it should.
      case unreachable
    }

    var kind: Kind
    var message: String
  }

  /// What an address holds.
  ///
  /// - Parameters:
  ///   - limit: how many bytes it may have.
  ///   - headers: fields of the request. They go through a pipe: every user of the machine can read arguments.
  func body(_ address: String, atMost limit: Int, headers: [String] = []) async throws -> [UInt8] {
    let outcome = try await run(address, limit, [], headers)
    if outcome.isTooLarge || outcome.output.count > limit { throw tooLarge(limit) }
    guard outcome.status == 0 else { throw failure(outcome) }
    return outcome.output
  }

  /// The status of an address, and its header fields, their names in lower case, whatever the status is.
  func head(
    _ address: String, headers: [String] = []
  ) async throws -> (status: Int, fields: [(name: String, value: String)]) {
    let outcome = try await run(
      address, 4 << 20, ["--head", "--no-fail", "--suppress-connect-headers"], headers)
    guard outcome.status == 0 else { throw failure(outcome) }
    // Every redirect has a head of its own; the last is that of the answer.
    let lines = String(decoding: outcome.output, as: UTF8.self).split(whereSeparator: \.isNewline)
    guard let start = lines.lastIndex(where: { $0.hasPrefix("HTTP/") }),
      let status = lines[start].split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { throw Failure(kind: .unreachable, message: "the answer is no HTTP") }
    let fields = lines[(start + 1)...].compactMap { line -> (name: String, value: String)? in
      let parts = line.split(separator: ":", maxSplits: 1)
      return parts.count == 2 ? (parts[0].lowercased(), String(parts[1].drop { $0 == " " })) : nil
    }
    return (status, fields)
  }

  private func run(
    _ address: String, _ limit: Int, _ options: [String], _ headers: [String]
  ) async throws -> HostTool.Outcome {
    try await HostTool.download(
      address,
      [
        "--silent", "--show-error", "--netrc-optional", "--max-redirs", "5", "--max-time", "\(timeout)",
        "--retry-max-time", "\(timeout)",
      ] + options, bytes: limit, headers: headers,
      // The last repetition may begin when its time is nearly up.
      limit: .seconds(2 * timeout + 10))
  }

  private func tooLarge(_ limit: Int) -> Failure {
    Failure(kind: .unreachable, message: "it has more than \(limit) bytes, which no such file has")
  }

  /// curl's own words: `curl: (22) The requested URL returned error: 404`.
  private func failure(_ outcome: HostTool.Outcome) -> Failure {
    let words = outcome.errors.last ?? "curl ended with \(outcome.status)"
    let isAbsent = outcome.status == 22 && (words.hasSuffix(" 404") || words.hasSuffix(" 410"))
    return Failure(kind: isAbsent ? .absent : .unreachable, message: words)
  }
}
