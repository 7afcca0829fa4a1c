import CCrypt
import CSodium

/// The bcrypt hash in which Argo CD keeps its admin password.
public enum Bcrypt {
  /// The work factor: 2 to this power rounds. Argo CD's own `argocd account bcrypt` uses 10 (Go's default).
  public static let cost = 10

  /// Bcrypt reads no more than this many bytes of a password; a longer one is refused, not cut.
  public static let maximumPasswordBytes = 72

  /// The hash of a password, in the `$2a$` form of Argo CD's documentation.
  ///
  /// The salt stands in the hash for all to read. It is not random: the same inputs give the same user-data, and
  /// Terraform sees no change. Nothing of the password is in it, so that guesses cost as much as bcrypt does; and as it
  /// is derived from a secret of the project, nobody can hash guesses for it beforehand. What it costs: another password
  /// of the same project has the same salt.
  ///
  /// - Parameters:
  ///   - password: at most ``maximumPasswordBytes`` bytes, without NUL.
  ///   - key: the project's.
  /// - Returns: nil where the password breaks a rule, or where the system's libcrypt knows no bcrypt.
  public static func hash(_ password: Secret, key: ProjectKey) -> Secret? {
    guard password.count <= maximumPasswordBytes, !password.withBytes({ $0.contains(0) }) else { return nil }
    let salt = key.derived(for: "bcrypt salt", count: 16)
    var setting = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
    guard
      salt.withUnsafeBytes({ raw in
        crypt_gensalt_rn(
          "$2a$", UInt(cost), raw.bindMemory(to: CChar.self).baseAddress, Int32(raw.count), &setting,
          Int32(setting.count))
      }) != nil
    else { return nil }
    // libcrypt wants a C string, and its scratch memory keeps the password: both are zeroed.
    var text = password.withBytes { Array($0) + [0] }
    var scratch = crypt_data()
    defer {
      sodium_memzero(&text, text.count)
      sodium_memzero(&scratch, MemoryLayout<crypt_data>.size)
    }
    return text.withUnsafeBytes { raw in
      guard let result = crypt_r(raw.bindMemory(to: CChar.self).baseAddress, setting, &scratch),
        result[0] == CChar(UInt8(ascii: "$"))
      else { return nil }
      return Secret(String(cString: result).utf8)
    }
  }
}
