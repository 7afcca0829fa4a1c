import Subprocess
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

  /// Makes a new one, and removes those that nobody works in any more.
  static func make(below folder: String) throws(Errno) -> Scratch {
    let base = "\(folder)/k3seed-\(getuid())"
    try makeOwnFolder(base)
    sweep(base)
    var template = Array("\(base)/verify-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    let path = template.withUnsafeBytes { String(decoding: $0.dropLast(), as: UTF8.self) }
    return Scratch(path: path, lock: try lockFile("\(path)/lock"))
  }

  deinit { try? lock.close() }

  /// Removes what nobody has locked.
  ///
  /// A folder without a lock file may be one that is being made right now: it stays, and is empty anyway.
  private static func sweep(_ base: String) {
    guard let stream = opendir(base) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard name.hasPrefix("verify-") else { continue }
      let folder = "\(base)/\(name)"
      guard let file = try? FileDescriptor.open("\(folder)/lock", .readWrite, options: .closeOnExec) else {
        continue
      }
      defer { try? file.close() }
      if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { removeTree(folder) }
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

  private static func lockFile(_ path: String) throws(Errno) -> FileDescriptor {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .readWrite, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: [.ownerReadWrite])
      guard flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 else { throw Errno(rawValue: errno) }
      return file
    } catch let error as Errno {
      throw error
    } catch {
      throw .ioError
    }
  }

  /// Removes a folder of one level, which is all that a verification makes.
  private static func removeTree(_ folder: String) {
    guard let stream = opendir(folder) else { return }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { unlink("\(folder)/\(name)") }
    }
    closedir(stream)
    rmdir(folder)
  }

  /// Writes a file that only its owner may read.
  func write(_ text: String, to name: String) throws {
    let file = try FileDescriptor.open(
      FilePath("\(path)/\(name)"), .writeOnly, options: [.create, .truncate, .closeOnExec],
      permissions: [.ownerReadWrite])
    _ = try file.closeAfter { try file.writeAll(text.utf8) }
  }
}
