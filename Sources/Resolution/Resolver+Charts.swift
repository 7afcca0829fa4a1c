import Diagnostics
import Plan
import Secrets
import YAML

extension Resolver {
  // MARK: Repositories with an index

  /// The digests of charts, as the index of their repository has them.
  func index(at address: String, of pins: [Wanted.Pin]) async -> Outcome {
    var outcome = Outcome()
    let names = pins.map(\.chart.name).joined(separator: ", ")
    let text = await outcome.attempt(
      address, "the index with \(names)",
      absent: "give the chart's repository with --repository \(pins[0].chart.name)=URL"
    ) {
      try await fetcher.body(address, atMost: 64 << 20)
    }
    guard let text else { return outcome }
    let index = try? YAML.parse(
      text, source: address, ambiguity: .accepted, maximumNodes: 4_000_000)
    guard let entries = index?.first?["entries"], entries.mapping != nil else {
      outcome.misread(address, "this is no index of charts")
      return outcome
    }
    for pin in pins {
      let releases = entries[pin.chart.name]?.sequence ?? []
      guard let release = releases.first(where: { $0["version"]?.string == pin.chart.version }) else {
        let versions = releases.compactMap { $0["version"]?.string }
        let found =
          releases.isEmpty
          ? "there is no chart \(pin.chart.name)" : "\(pin.chart.name) has no version \(pin.chart.version)"
        let near = pin.chart.version.suggestion(from: versions, within: 1)
        outcome.fail(
          at: address, found,
          help: releases.isEmpty
            ? "give its repository with --repository \(pin.chart.name)=URL"
            : "\(near)the first one listed is \(versions.first ?? "none"); choose with --chart \(pin.chart.name)=VERSION"
        )
        continue
      }
      // Helm's documentation, "The Chart Repository Guide": the digest is that of the archive, and may be left out.
      let digest = release["digest"]?.string?.lowercased()
      let hex = digest.map { $0.hasPrefix("sha256:") ? String($0.dropFirst(7)) : $0 }
      outcome.add(pin, sha256: hex.flatMap { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) ? $0 : nil })
    }
    return outcome
  }

  // MARK: Registries

  /// The digest of a chart's manifest (OCI Distribution Specification 1.1, "Pulling manifests").
  func manifest(of pin: Wanted.Pin) async -> Outcome {
    var outcome = Outcome()
    let parts = "\(pin.chart.repository)/\(pin.chart.name)".split(separator: "/", maxSplits: 1).map(
      String.init)
    // What Docker's clients call docker.io answers under another name.
    let host = parts[0] == "docker.io" ? "registry-1.docker.io" : parts[0]
    let tag = pin.chart.version.split(separator: "+").joined(separator: "_")
    let address = "https://\(host)/v2/\(parts[1])/manifests/\(tag)"
    let accept = "Accept: application/vnd.oci.image.manifest.v1+json"
    let what = "the manifest of \(pin.chart.imageName)"
    let text = await outcome.attempt(
      address, what,
      absent:
        "choose with --chart \(pin.chart.name)=VERSION, or --repository \(pin.chart.name)=REGISTRY/PATH"
    ) {
      let token = try await token(for: address, accept: accept, path: parts[1])
      return try await fetcher.body(
        address, atMost: 4 << 20, headers: [accept] + (token.map { ["Authorization: Bearer \($0)"] } ?? []))
    }
    guard let text else { return outcome }
    let manifest = try? JSON.parse(text, source: address)
    guard manifest?["config"]?["mediaType"]?.string == "application/vnd.cncf.helm.config.v1+json" else {
      outcome.fail(
        at: address, "this is no manifest of a Helm chart",
        help: "choose the registry with --repository \(pin.chart.name)=REGISTRY/PATH")
      return outcome
    }
    outcome.add(pin, sha256: SHA256.hex(text))
    return outcome
  }

  /// A token for a registry; nil where it wants none.
  ///
  /// CNCF Distribution's "Token Authentication Specification": a registry that wants one says who gives it.
  private func token(for address: String, accept: String, path: String) async throws -> String? {
    let (status, fields) = try await fetcher.head(address, headers: [accept])
    guard status == 401 else { return nil }
    // A registry may offer several ways.
    let challenges = fields.filter { $0.name == "www-authenticate" }.map(\.value)
    guard let challenge = challenges.first(where: { $0.lowercased().hasPrefix("bearer ") }) else {
      throw Fetcher.Failure(
        kind: .unreachable, message: "the registry wants a user name and a password; put them into ~/.netrc")
    }
    var values: [String: String] = [:]
    for match in challenge.matches(of: /([A-Za-z_]+)="([^"]*)"/) {
      values[match.output.1.lowercased()] = String(match.output.2)
    }
    guard let realm = values["realm"], realm.hasPrefix("https://") else {
      throw Fetcher.Failure(
        kind: .unreachable, message: "the registry does not say where a token can be had over https")
    }
    let scope = values["scope"] ?? "repository:\(path):pull"
    let query = [("service", values["service"]), ("scope", scope)].compactMap { name, value in
      value.map { "\(name)=\($0.queryEncoded)" }
    }
    let body = try await fetcher.body(
      realm + (realm.contains("?") ? "&" : "?") + query.joined(separator: "&"), atMost: 1 << 20)
    let answer = try? JSON.parse(body, source: "token")
    guard let token = (answer?["token"] ?? answer?["access_token"])?.string,
      token.utf8.allSatisfy({ (0x21...0x7E) ~= $0 })
    else {
      throw Fetcher.Failure(kind: .unreachable, message: "\(realm) gives no token")
    }
    return token
  }
}

extension Outcome {
  /// Adds what is known of a chart.
  fileprivate mutating func add(_ pin: Wanted.Pin, sha256: String?) {
    facts["\(pin.entry).repository"] = pin.chart.repository
    facts["\(pin.entry).version"] = pin.chart.version
    facts["\(pin.entry).sha256"] = sha256
  }
}

extension String {
  /// The text as a value of a URL's query (RFC 3986, section 2.3).
  fileprivate var queryEncoded: String {
    let hex = Array("0123456789ABCDEF")
    return utf8.reduce(into: "") { text, byte in
      let isPlain =
        (0x30...0x39) ~= byte || (0x41...0x5A) ~= byte || (0x61...0x7A) ~= byte
        || "-._~/:".utf8.contains(byte)
      text += isPlain ? String(UnicodeScalar(byte)) : "%\(hex[Int(byte >> 4)])\(hex[Int(byte & 15)])"
    }
  }
}
