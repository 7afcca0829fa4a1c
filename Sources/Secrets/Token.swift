import CSodium

/// Join tokens for K3s.
public enum Token {
  /// A new token: 256 bits of the system's randomness as 64 hexadecimal digits.
  ///
  /// K3s takes any text as a token in its short form; hexadecimal needs no quoting anywhere.
  public static func generate() -> String {
    Sodium.start()
    var bytes = [UInt8](repeating: 0, count: 32)
    randombytes_buf(&bytes, bytes.count)
    return bytes.hexadecimal
  }
}
