import CSodium

/// libsodium, initialised once. Every call of this room that needs it goes through here.
enum Sodium {
  /// Initialises libsodium; safe to call from any thread, and cheap after the first time.
  static func start() {
    // It fails only where the system has no source of randomness: nothing secret may be made then.
    precondition(sodium_init() >= 0, "libsodium could not be initialised: the system has no randomness")
  }

  /// BLAKE2b of a message, of 16 to 64 bytes, under a key of at most 64 bytes (an empty key is none).
  static func blake2b(_ message: UnsafeRawBufferPointer, key: [UInt8], count: Int) -> [UInt8] {
    start()
    var digest = [UInt8](repeating: 0, count: count)
    crypto_generichash(
      &digest, count, message.bindMemory(to: UInt8.self).baseAddress, UInt64(message.count), key, key.count)
    return digest
  }
}

/// SHA-256 (FIPS 180-4).
public enum SHA256 {
  /// The digest as 64 lower-case hexadecimal digits, the form that `sha256sum` prints.
  public static func hex(_ bytes: [UInt8]) -> String {
    Sodium.start()
    var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
    crypto_hash_sha256(&digest, bytes, UInt64(bytes.count))
    return digest.hexadecimal
  }
}

/// Base64 (RFC 4648, section 4), with padding and without line breaks.
public enum Base64 {
  /// The text of some bytes.
  public static func encode(_ bytes: [UInt8]) -> [UInt8] {
    var text = [CChar](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
    sodium_bin2base64(&text, text.count, bytes, bytes.count, sodium_base64_VARIANT_ORIGINAL)
    return text.withUnsafeBytes { Array($0.dropLast()) }
  }

  /// The bytes of a text, white space in it skipped; nil where it is not base64 to its end.
  public static func decode(_ text: [UInt8]) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: text.count / 4 * 3 + 3)
    var count = 0
    let status = text.withUnsafeBytes { raw in
      sodium_base642bin(
        &bytes, bytes.count, raw.bindMemory(to: CChar.self).baseAddress, raw.count, " \t\r\n", &count, nil,
        sodium_base64_VARIANT_ORIGINAL)
    }
    guard status == 0 else { return nil }
    bytes.removeLast(bytes.count - count)
    return bytes
  }
}

extension Collection where Element == UInt8 {
  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
