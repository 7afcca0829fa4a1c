/// A key that only those have who have a strong secret of the project, such as its join token.
///
/// Whatever is derived from secrets and may be seen (the fingerprints of a preview, the salt of a hash) comes from here:
/// under a key that could be guessed, each of them would confirm guesses of the secret behind it.
public struct ProjectKey: Sendable {
  private let key: [UInt8]
  private let secret: Secret

  /// Derives the key.
  ///
  /// - Parameters:
  ///   - project: what names the project, the same in every run; equal secrets of two projects give different keys.
  ///   - secret: a secret of the project that seldom changes.
  /// - Returns: nil where there is none, or one that could be guessed (``Secret/isStrong``).
  public init?(project: [String], secret: Secret?) {
    guard let secret, secret.isStrong else { return nil }
    // Each part goes in with its length, so that moving a boundary changes the key.
    let names = project.flatMap { Array("\($0.utf8.count):\($0)".utf8) }
    let outer = names.withUnsafeBytes { Sodium.blake2b($0, key: Array("k3seed project".utf8), count: 32) }
    key = secret.withBytes { Sodium.blake2b($0, key: outer, count: 32) }
    self.secret = secret
  }

  /// Bytes for one purpose, the same in every run.
  func derived(for purpose: String, count: Int) -> [UInt8] {
    Array(purpose.utf8).withUnsafeBytes { Sodium.blake2b($0, key: key, count: count) }
  }

  /// Six hexadecimal digits that differ where the value does: enough to see that two previews of one project hold the
  /// same value, useless for anything else. Nil for the secret that the key itself is made of, of which they would
  /// confirm a guess.
  fileprivate func digits(of secret: Secret) -> String? {
    guard secret != self.secret else { return nil }
    let inner = derived(for: "fingerprint", count: 32)
    return secret.withBytes { Sodium.blake2b($0, key: inner, count: 32) }.prefix(3).hexadecimal
  }
}

extension Secret {
  /// What a person sees instead of the secret: `secret:cloudflare_api_token#7f3a91`, or the name alone where no digits
  /// can be shown that confirm no guess.
  public func label(_ name: String, _ key: ProjectKey?) -> String {
    "secret:\(name)" + (key?.digits(of: self).map { "#\($0)" } ?? "")
  }
}
