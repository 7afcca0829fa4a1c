import CSodium
import Synchronization

/// A value that never prints.
///
/// Its bytes live in memory that libsodium guards, locks against swapping and zeroes when the last
/// reference goes; they are never a string, and every description of it says only that it is a secret.
/// Two secrets compare in constant time.
///
/// What cannot be had: the text that the secret was read from, and a rendered payload that carries it,
/// are ordinary memory. The command line tool forbids dumps of its memory for that reason.
public final class Secret: Sendable {
  /// The number of bytes.
  public let count: Int
  private static let isAnyUnlocked = Atomic(false)
  /// Whether all secrets so far are locked in memory. The system may allow less of it than they need (`ulimit -l`), and
  /// then they may be written to swap.
  public static var areLocked: Bool { !isAnyUnlocked.load(ordering: .relaxed) }

  // Unsafe only to the compiler: written in init, freed in deinit, and read-only between.
  private nonisolated(unsafe) let storage: UnsafeMutableRawPointer

  /// A copy of some bytes in guarded memory.
  public init(_ bytes: some Collection<UInt8>) {
    Sodium.start()
    count = bytes.count
    guard let memory = sodium_malloc(max(count, 1)) else {
      preconditionFailure("out of memory for a secret of \(bytes.count) bytes")
    }
    // sodium_malloc has tried, and does not say what came of it.
    if sodium_mlock(memory, max(count, 1)) != 0 { Self.isAnyUnlocked.store(true, ordering: .relaxed) }
    storage = memory
    UnsafeMutableRawBufferPointer(start: memory, count: count).copyBytes(from: bytes)
    sodium_mprotect_readonly(memory)
  }

  deinit { sodium_free(storage) }

  /// Lends the bytes for the time of a call. They must not be kept.
  public func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
    try body(UnsafeRawBufferPointer(start: storage, count: count))
  }

  /// The secret's text, for the one place that must put it into the payload.
  ///
  /// Bytes that are not UTF-8 cannot occur: every secret is read from JSON or YAML text.
  public func revealed() -> String {
    withBytes { String(decoding: $0, as: UTF8.self) }
  }
}

extension Secret: Equatable {
  /// Compares in constant time; lengths are not hidden.
  public static func == (left: Secret, right: Secret) -> Bool {
    left.count == right.count
      && left.withBytes { a in
        right.withBytes { b in sodium_memcmp(a.baseAddress, b.baseAddress, a.count) == 0 }
      }
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Says that it is a secret, and nothing else.
  public var description: String { "<secret>" }
  /// Says that it is a secret, and nothing else.
  public var debugDescription: String { description }
  /// A mirror without children, so that `dump` shows nothing.
  public var customMirror: Mirror { Mirror(self, children: [:]) }
}

extension Secret {
  /// BLAKE2b-256 of the value under a key, in hexadecimal: whoever has the key and the value gets the same, so that
  /// two sides can compare what neither shows. Python has it as `hashlib.blake2b(value, key=key, digest_size=32)`.
  ///
  /// - Parameter key: a text of at most 64 bytes that nobody else knows.
  public func hash(key: String) -> String {
    withBytes { Sodium.blake2b($0, key: Array(key.utf8), count: 32) }.hexadecimal
  }
}
