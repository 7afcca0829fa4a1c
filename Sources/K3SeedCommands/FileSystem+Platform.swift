import Diagnostics
import SystemPackage
import Verifier

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The system calls that swift-system does not have.
extension FileSystem {
  /// Empties an open file and takes it from everybody but its owner; leaves what is no regular file
  /// (`/dev/null`, a pipe) as it is, and says which of the two it was.
  static func restrict(_ file: FileDescriptor) throws(Errno) -> Bool {
    var status = stat()
    guard fstat(file.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { return false }
    guard fchmod(file.rawValue, 0o600) == 0, ftruncate(file.rawValue, 0) == 0 else {
      throw Errno(rawValue: errno)
    }
    return true
  }

  /// Removes a file as far as that can be done: there is nobody to tell.
  static func remove(_ path: String) { unlink(path) }

  /// Removes a file.
  static func unlinkFile(_ path: String) throws(Report) {
    guard unlink(path) == 0 else { throw failure("cannot be removed", path, Errno(rawValue: errno)) }
  }

  /// Whether something of that name is there, be it a link to nothing.
  static func exists(_ path: String) -> Bool { mode(of: path) != nil }

  /// Whether it is a file that only its owner may read, as those are that ``write(_:to:)`` writes.
  static func isPrivate(_ path: String) -> Bool {
    mode(of: path).map { $0 & S_IFMT == S_IFREG && $0 & 0o077 == 0 } ?? false
  }

  /// Whether another file may take its place: it is a regular one, or nothing is there.
  static func isReplaceable(_ path: String) -> Bool {
    mode(of: path).map { $0 & S_IFMT == S_IFREG } ?? true
  }

  /// Finds out, before work that takes long, whether its result can be written there. Nothing is changed.
  ///
  /// What is neither a file nor a folder is not tried: who reads a pipe would notice.
  static func expectWritable(_ path: String) throws(Report) {
    var status = stat()
    let isThere = stat(path, &status) == 0
    guard isThere ? [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) : !exists(path) else { return }
    let options: FileDescriptor.OpenOptions =
      isThere ? .closeOnExec : [.create, .exclusiveCreate, .closeOnExec]
    do {
      try FileDescriptor.open(FilePath(path), .writeOnly, options: options, permissions: .ownerReadWrite)
        .close()
    } catch {
      throw failure("cannot be written", path, error as? Errno ?? .ioError)
    }
    if !isThere { remove(path) }
  }

  /// Puts a file in the place of another, at once.
  static func move(_ path: String, to place: String) throws(Report) {
    guard rename(path, place) == 0 else {
      throw failure("cannot be written", place, Errno(rawValue: errno))
    }
  }

  /// Makes the folders that a path leads through, as far as they are not there.
  static func makeFolders(above path: String) throws(Report) {
    var end = path.startIndex
    while let slash = path[end...].firstIndex(of: "/") {
      end = path.index(after: slash)
      let folder = String(path[..<slash])
      guard !folder.isEmpty, mkdir(folder, 0o777) != 0, errno != EEXIST else { continue }
      throw Report([
        .error("file", at: Location(source: folder), "the folder cannot be made: \(Errno(rawValue: errno))")
      ])
    }
  }

  /// Removes the folders above a removed file that hold nothing more, up to `root`.
  static func removeEmptyFolders(above path: String, in root: String) {
    var inner = path[...]
    while let slash = inner.lastIndex(of: "/") {
      inner = inner[..<slash]
      guard rmdir("\(root)/\(inner)") == 0 else { return }
    }
  }

  /// Makes a folder that only its owner may enter, unless there is one.
  static func makeFolder(_ path: String) throws(Report) {
    guard mkdir(path, 0o700) != 0 else { return }
    let error = Errno(rawValue: errno)
    var status = stat()
    if error == .fileExists, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw Report([.error("file", at: Location(source: path), "the folder cannot be made: \(error)")])
  }

  /// The names in a folder, in their order.
  static func names(in folder: String) throws(Report) -> [String] {
    do throws(Errno) {
      return try Files.entries(of: folder)
    } catch {
      throw Report([
        .error("file", at: Location(source: folder), "the folder cannot be read: \(error)")
      ])
    }
  }

  /// Which files of a folder are read.
  struct Choice: Sendable {
    /// Whether a file or folder of that name is looked at.
    var takes: @Sendable (String) -> Bool
    /// Larger files are left out, in bytes.
    var largest: Int
    /// Whether a link to a folder is followed.
    var followsFolders: Bool

    /// Everything but names that begin with a dot.
    static let visible = Choice(takes: { !$0.hasPrefix(".") }, largest: .max, followsFolders: true)

    /// What people wrote: not what git, Terraform and package managers keep, and no file that is too large to be a
    /// manifest. Links to folders may lead in a circle, and Argo CD does not follow them either.
    static let written = Choice(
      takes: { ![".build", ".git", ".terraform", ".venv", "node_modules"].contains($0) }, largest: 8 << 20,
      followsFolders: false)
  }

  /// Every regular file below a folder by its path within it.
  static func tree(_ folder: String, _ choice: Choice = .visible) throws(Report) -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    var pending = [""]
    while let inner = pending.popLast() {
      let path = inner.isEmpty ? folder : "\(folder)/\(inner)"
      for name in try names(in: path) where choice.takes(name) {
        let relative = inner.isEmpty ? name : "\(inner)/\(name)"
        var status = stat()
        guard stat("\(folder)/\(relative)", &status) == 0 else { continue }
        switch status.st_mode & S_IFMT {
        case S_IFDIR where choice.followsFolders || !isLink("\(folder)/\(relative)"): pending.append(relative)
        case S_IFREG where status.st_size <= choice.largest:
          files[relative] = try read("\(folder)/\(relative)")
        default: break
        }
      }
    }
    return files
  }

  /// Whether it is a symbolic link.
  static func isLink(_ path: String) -> Bool { mode(of: path).map { $0 & S_IFMT == S_IFLNK } ?? false }

  /// The kind and the permissions of what has a name, of a link its own; nil where nothing has it.
  private static func mode(of path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode : nil
  }

  /// Whether a file descriptor is a terminal.
  static func isTerminal(_ file: FileDescriptor) -> Bool { isatty(file.rawValue) == 1 }

  /// Keeps the process from leaving its memory, and with it secrets, in a core dump.
  static func forbidCoreDumps() {
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    #if canImport(Glibc)
      setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    #else
      setrlimit(RLIMIT_CORE, &none)
    #endif
  }

  /// A variable of the environment; nil where it is unset or empty.
  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }
}
