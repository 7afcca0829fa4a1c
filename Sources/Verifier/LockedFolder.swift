import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A new folder whose maker holds its lock, so that others can tell when nobody works in it any more.
final class LockedFolder: Sendable {
  /// Its path.
  let path: String
  private let lock: FileDescriptor

  /// Makes one for its owner alone.
  ///
  /// - Parameter prefix: what its path begins with; six random letters follow.
  init(_ prefix: String) throws(Errno) {
    // Who sweeps may come between the making of the lock and its locking; then there is another name.
    for _ in 0..<8 {
      // mkdtemp replaces the six letters.
      var template = Array("\(prefix)XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
      let path = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
      guard let lock = try Files.lock("\(path)/lock") else { continue }
      guard Files.status("\(path)/lock") != nil else {
        try? lock.close()
        continue
      }
      self.path = path
      self.lock = lock
      return
    }
    throw .resourceBusy
  }

  /// Removes it, unless it has got another name.
  deinit {
    Files.remove(path)
    try? lock.close()
  }

  /// Removes a folder that nobody has locked.
  ///
  /// An empty one may be one that is being made right now, as its lock is the first thing in it: it stays.
  static func sweep(_ path: String) {
    let names = Files.names(in: path)
    guard names.contains("lock") else { return names.isEmpty ? () : Files.remove(path) }
    guard let lock = try? Files.lock("\(path)/lock") else { return }
    Files.remove(path)
    try? lock.close()
  }
}
