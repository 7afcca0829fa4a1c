import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Folders for one verification's sockets, pipes and scripts, which the leash removes.
///
/// Each lies in one of the user's own below the system's folder for temporary files. Whoever works in it holds its lock,
/// so that the next verification can tell what a crash of the whole machine left behind.
enum Scratch {
  /// Makes a new one, and removes those that nobody works in any more.
  static func make(below folder: String) throws(Errno) -> LockedFolder {
    let base = "\(folder)/k3seed-\(getuid())"
    try makeOwnFolder(base)
    for name in Files.names(in: base) { LockedFolder.sweep("\(base)/\(name)") }
    return try LockedFolder("\(base)/verify-")
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
