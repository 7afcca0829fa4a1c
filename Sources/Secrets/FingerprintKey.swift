/// The key under which a project's secrets are fingerprinted.
///
/// A fingerprint is BLAKE2b under this key, cut to six hexadecimal digits: enough to see that two previews
/// of one project hold the same value, useless for anything else. The key is derived from what names the
/// project and from its join token where that is at hand, so that whoever lacks the token cannot even test
/// a guess, and equal values in two projects show different fingerprints.
public struct FingerprintKey: Sendable {
  private let key: [UInt8]

  /// Derives the key.
  ///
  /// - Parameters:
  ///   - project: what names the project, the same in every run.
  ///   - secret: a secret of the project that seldom changes, where there is one.
  public init(project: [String], secret: Secret?) {
    // Each part goes in with its length, so that moving a boundary changes the key.
    let names = project.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
    let outer = names.withUnsafeBytes { Sodium.blake2b($0, key: Array("k3seed fingerprint".utf8), count: 32) }
    key = secret?.withBytes { Sodium.blake2b($0, key: outer, count: 32) } ?? outer
  }

  /// What a person sees instead of the secret: `secret:cloudflare_api_token#7f3a91`.
  public func fingerprint(of secret: Secret, named name: String) -> String {
    let digest = secret.withBytes { Sodium.blake2b($0, key: key, count: 32) }
    return "secret:\(name)#\(digest.prefix(3).hexadecimal)"
  }
}
