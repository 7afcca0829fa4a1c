import Host
import Secrets
package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Files and folders, by the calls that swift-system does not have.
package enum Files {
  /// What a file is known by without reading it.
  struct Status: Hashable, Sendable {
    /// Its size in bytes.
    var bytes: Int
    /// When its content was last changed, in seconds since 1970.
    var modified: Int
    /// Whether it is a regular file.
    var isRegular: Bool
  }

  /// Nil where there is no such file.
  static func status(_ path: String) -> Status? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    #if canImport(Darwin)
      let modified = status.st_mtimespec.tv_sec
    #else
      let modified = status.st_mtim.tv_sec
    #endif
    return Status(
      bytes: Int(status.st_size), modified: modified, isRegular: status.st_mode & S_IFMT == S_IFREG)
  }

  /// Makes a folder, and those above it that are missing, each for its owner alone.
  static func makeFolder(_ path: String) throws(Errno) {
    if mkdir(path, 0o700) == 0 { return }
    let error = Errno(rawValue: errno)
    switch error {
    case .fileExists where status(path)?.isRegular == false: return
    case .noSuchFileOrDirectory:
      guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw error }
      try makeFolder(String(path[..<slash]))
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Errno(rawValue: errno) }
    default: throw error
    }
  }

  /// The folder that relative paths count from.
  private static func currentFolder() throws(Errno) -> String {
    guard let path = getcwd(nil, 0) else { throw Errno(rawValue: errno) }
    defer { free(path) }
    return String(cString: path)
  }

  /// A path that counts from nowhere.
  static func absolute(_ path: String) throws(Errno) -> String {
    path.hasPrefix("/") ? path : "\(try currentFolder())/\(path)"
  }

  /// Where a path leads, all links followed; nil where it leads nowhere.
  static func real(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The names in a folder, sorted; none where there is no such folder.
  static func names(in folder: String) -> [String] { (try? entries(of: folder)) ?? [] }

  /// The names in a folder, sorted.
  package static func entries(of folder: String) throws(Errno) -> [String] {
    guard let stream = opendir(folder) else { throw Errno(rawValue: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file or a folder with all that is in it; nothing is followed that leads elsewhere.
  static func remove(_ path: String) {
    if unlink(path) == 0 || errno == ENOENT { return }
    for name in names(in: path) { remove("\(path)/\(name)") }
    rmdir(path)
  }

  /// Gives a file or a folder another name; a file that has it goes.
  static func rename(_ old: String, to new: String) throws(Errno) {
    // The C function, which the one of this type hides.
    guard renameat(AT_FDCWD, old, AT_FDCWD, new) == 0 else { throw Errno(rawValue: errno) }
  }

  /// The bytes of a file from `offset`, at most `count`.
  static func read(_ path: String, from offset: Int = 0, atMost count: Int = 1 << 20) throws(Errno) -> [UInt8]
  {
    try opened(path) { file throws(Errno) in
      try read(file, from: offset, count)
    }
  }

  /// Makes a new file that only its owner may read, in place of one that has its name: others may have that one open.
  static func create(_ path: String) throws(Errno) -> FileDescriptor {
    unlink(path)
    do {
      return try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
        permissions: .ownerReadWrite)
    } catch {
      throw error as? Errno ?? .ioError
    }
  }

  /// Writes a file that only its owner may read; it has all of the bytes as soon as it has its name.
  static func write(_ bytes: [UInt8], to path: String) throws(Errno) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let folder = parts.count == 1 ? "." : "\(parts.dropLast().joined(separator: "/"))/"
    do throws(FileRefusal) {
      try Folder.own(folder).write(bytes, to: String(parts.last ?? ""), for: .owner)
    } catch {
      throw error.errno
    }
  }

  /// The digest of a file.
  static func digest(_ path: String, _ algorithm: RunningDigest.Algorithm) throws -> String {
    try opened(path) { file throws(Errno) in
      var digest = RunningDigest(algorithm)
      var offset = 0
      while true {
        let bytes = try read(file, from: offset, 1 << 20)
        if bytes.isEmpty { return digest.hex() }
        bytes.withUnsafeBytes { digest.update($0) }
        offset += bytes.count
      }
    }
  }

  /// Opens a file that nobody else has locked, and locks it; nil where somebody has. Closing it is unlocking it.
  static func lock(_ path: String) throws(Errno) -> FileDescriptor? {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .readWrite, options: [.create, .closeOnExec], permissions: .ownerReadWrite)
      if flock(file.rawValue, LOCK_EX | LOCK_NB) == 0 { return file }
      let error = Errno(rawValue: errno)
      try? file.close()
      if error == .wouldBlock { return nil }
      throw error
    } catch {
      throw error as? Errno ?? .ioError
    }
  }

  private static func opened<Value>(
    _ path: String, _ body: (FileDescriptor) throws(Errno) -> Value
  ) throws(Errno) -> Value {
    do {
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      return try file.closeAfter { try body(file) }
    } catch {
      throw error as? Errno ?? .ioError
    }
  }

  /// The bytes of an open file from `offset`, at most `count`.
  static func read(_ file: FileDescriptor, from offset: Int, _ count: Int) throws(Errno) -> [UInt8] {
    do {
      return try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
        filled = 0
        while filled < count {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
          let more = try file.read(fromAbsoluteOffset: Int64(offset + filled), into: rest)
          if more == 0 { break }
          filled += more
        }
      }
    } catch {
      throw error as? Errno ?? .ioError
    }
  }
}
