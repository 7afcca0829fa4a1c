import Diagnostics
import SystemPackage

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

  static func remove(_ path: String) { unlink(path) }

  /// Makes a folder that only its owner may enter, unless there is one.
  static func makeFolder(_ path: String) throws(Report) {
    guard mkdir(path, 0o700) != 0 else { return }
    let error = Errno(rawValue: errno)
    var status = stat()
    if error == .fileExists, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
    throw Report([.error("file", at: Location(source: path), "the folder cannot be made: \(error)")])
  }

  /// Every regular file below a folder by its path within it; names that begin with a dot are left out.
  static func tree(_ folder: String) throws(Report) -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    var pending = [""]
    while let inner = pending.popLast() {
      let path = inner.isEmpty ? folder : "\(folder)/\(inner)"
      guard let stream = opendir(path) else {
        let error = Errno(rawValue: errno)
        throw Report([.error("file", at: Location(source: path), "the folder cannot be read: \(error)")])
      }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name.hasPrefix(".") { continue }
        let relative = inner.isEmpty ? name : "\(inner)/\(name)"
        var status = stat()
        guard stat("\(folder)/\(relative)", &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
          pending.append(relative)
        } else {
          files[relative] = try read("\(folder)/\(relative)")
        }
      }
    }
    return files
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
