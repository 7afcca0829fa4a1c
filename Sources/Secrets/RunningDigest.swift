import CSodium

/// A digest of bytes that come piece by piece, for files that are too large for memory.
public struct RunningDigest: ~Copyable {
  /// The algorithms of FIPS 180-4 that publishers of images use.
  public enum Algorithm: String, CaseIterable, Sendable {
    case sha256, sha512
  }

  private enum State {
    case sha256(crypto_hash_sha256_state)
    case sha512(crypto_hash_sha512_state)
  }

  private var state: State

  /// The digest of nothing yet.
  public init(_ algorithm: Algorithm) {
    Sodium.start()
    switch algorithm {
    case .sha256:
      var state = crypto_hash_sha256_state()
      crypto_hash_sha256_init(&state)
      self.state = .sha256(state)
    case .sha512:
      var state = crypto_hash_sha512_state()
      crypto_hash_sha512_init(&state)
      self.state = .sha512(state)
    }
  }

  /// Adds the next bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let start = bytes.bindMemory(to: UInt8.self).baseAddress
    let count = UInt64(bytes.count)
    switch state {
    case .sha256(var inner):
      crypto_hash_sha256_update(&inner, start, count)
      state = .sha256(inner)
    case .sha512(var inner):
      crypto_hash_sha512_update(&inner, start, count)
      state = .sha512(inner)
    }
  }

  /// The digest of all bytes in lower-case hexadecimal digits, the form that `sha256sum` prints.
  public consuming func hex() -> String {
    switch state {
    case .sha256(var inner):
      var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
      crypto_hash_sha256_final(&inner, &digest)
      return digest.hexadecimal
    case .sha512(var inner):
      var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha512_BYTES))
      crypto_hash_sha512_final(&inner, &digest)
      return digest.hexadecimal
    }
  }
}
