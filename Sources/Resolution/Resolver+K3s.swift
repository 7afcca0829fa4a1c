import Diagnostics
import Plan
import Secrets
import Verifier
import YAML

extension Resolver {
  /// The release of a version or a channel.
  func k3s(_ version: String) async -> Outcome {
    var outcome = Outcome()
    guard let version = version.holds("+") ? version : await release(of: version, &outcome) else {
      return outcome
    }
    outcome.facts["k3s.version"] = version
    let release = K3sRelease(version: version)
    let mirror = k3sMirror.map {
      ($0.hasSuffix("/") ? String($0.dropLast()) : $0) + "/" + release.encodedVersion
    }
    let folder = mirror ?? release.officialBinaries
    for (architecture, binary) in [("amd64", "k3s"), ("arm64", "k3s-arm64")] {
      await checksums(
        architecture, of: binary, at: "\(folder)/sha256sum-\(architecture).txt", version, &outcome)
    }
    let script = mirror.map { $0 + "/install.sh" } ?? release.officialInstallScript
    let text = await outcome.attempt(
      script, "the install script of \(version)", absent: Self.versionHelp
    ) {
      try await fetcher.body(script, atMost: 1 << 20)
    }
    guard let text else { return outcome }
    guard text.starts(with: "#!/bin/sh\n".utf8), text.last == UInt8(ascii: "\n") else {
      outcome.misread(
        script, "this is no install script: it does not begin with #!/bin/sh, or does not end with a line")
      return outcome
    }
    outcome.facts["k3s.install_script"] = SHA256.hex(text)
    return outcome
  }

  private static let versionHelp =
    "look at https://github.com/k3s-io/k3s/releases for versions that there are"

  /// The digests of an architecture, as the release lists them.
  private func checksums(
    _ architecture: String, of binary: String, at address: String, _ version: String, _ outcome: inout Outcome
  ) async {
    let text = await outcome.attempt(
      address, "the list of checksums of \(version) for \(architecture)",
      absent: k3sMirror == nil
        ? Self.versionHelp : "put the release's own list beside the binaries of the mirror"
    ) {
      try await fetcher.body(address, atMost: 1 << 20)
    }
    guard let text else { return }
    let list = Checksums(text)
    guard let digest = list.digest(of: binary, digits: 64) else {
      outcome.misread(address, "this is no list of checksums with a SHA-256 of \(binary)")
      return
    }
    outcome.facts["k3s.\(architecture)"] = digest
    outcome.facts["k3s.airgap_\(architecture)"] = list.digest(
      of: "k3s-airgap-images-\(architecture).tar.zst", digits: 64)
  }

  /// The version that a channel leads to now.
  private func release(of channel: String, _ outcome: inout Outcome) async -> String? {
    let text = await outcome.attempt(
      channels, "the list of channels", absent: "give the address of the channel server with --channels"
    ) {
      try await fetcher.body(channels, atMost: 1 << 20)
    }
    guard let text else { return nil }
    let items = (try? JSON.parse(text, source: channels))?["data"]?.sequence ?? []
    let found = items.compactMap { item -> (name: String, latest: String)? in
      // A channel may be empty.
      guard let name = item["id"]?.string, let latest = item["latest"]?.string, latest.holds("+k3s") else {
        return nil
      }
      return (name, latest)
    }
    guard !found.isEmpty else {
      outcome.misread(channels, "this is no list of channels")
      return nil
    }
    let wanted = channel.utf8.first.map { (0x30...0x39) ~= $0 } == true ? "v" + channel : channel
    guard let version = found.first(where: { $0.name == wanted })?.latest else {
      let names = found.map(\.name)
      outcome.fail(
        at: channels, "there is no release in a channel \"\(channel)\"",
        help:
          "\(channel.suggestion(from: names, within: 1))use a version, or one of \(names.joined(separator: ", "))"
      )
      return nil
    }
    return version
  }
}
