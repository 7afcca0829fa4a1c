import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A folder for one verification's sockets, pipes and scripts, and the leash that removes it.
///
/// The folder lies in one of the user's own below the system's folder for temporary files. Whoever works in it holds
/// its lock, so that the next verification can tell what a crash of the whole machine left behind.
struct Scratch: ~Copyable {
  /// Its path.
  let path: String
  private let lock: FileDescriptor

  private init(path: String, lock: FileDescriptor) {
    self.path = path
    self.lock = lock
  }

  /// Removes it, where the leash has not done so: a machine that could not be prepared had none.
  deinit {
    Files.remove(path)
    try? lock.close()
  }

  /// Makes a new one, and removes those that nobody works in any more.
  static func make(below folder: String) throws(Errno) -> Scratch {
    let base = "\(folder)/k3seed-\(getuid())"
    try makeOwnFolder(base)
    sweep(base)
    // mkdtemp replaces the six letters.
    var template = Array("\(base)/verify-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    let path = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
    guard let lock = try Files.lock("\(path)/lock") else { throw .resourceBusy }
    return Scratch(path: path, lock: lock)
  }

  /// Removes what nobody has locked.
  ///
  /// A folder without a lock file may be one that is being made right now: it stays, and is empty anyway.
  private static func sweep(_ base: String) {
    for name in Files.names(in: base) where Files.status("\(base)/\(name)/lock") != nil {
      guard let lock = try? Files.lock("\(base)/\(name)/lock") else { continue }
      Files.remove("\(base)/\(name)")
      try? lock.close()
    }
  }

  /// A folder that is the user's alone, or none: somebody else may have made one of that name first.
  private static func makeOwnFolder(_ path: String) throws(Errno) {
    guard mkdir(path, 0o700) != 0 else { return }
    guard errno == EEXIST else { throw Errno(rawValue: errno) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o077 == 0 else {
      throw .notPermitted
    }
  }
}
