import CProcess
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
  /// Whether something of that name is there, be it a link to nothing.
  static func exists(_ path: String) -> Bool { mode(of: path) != nil }

  /// Whether it is a file that only its owner may read, as those are that ``write(_:to:)`` writes.
  static func isPrivate(_ path: String) -> Bool {
    mode(of: path).map { $0 & S_IFMT == S_IFREG && $0 & 0o077 == 0 } ?? false
  }

  /// Whether it is a regular file.
  static func isFile(_ path: String) -> Bool { mode(of: path).map { $0 & S_IFMT == S_IFREG } ?? false }

  /// The permissions of a regular file, in octal, where others than its owner can read it; nil where they cannot, and of
  /// pipes and the like, which are nobody else's.
  static func readableMode(of file: FileDescriptor) -> String? {
    var status = stat()
    guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_mode & 0o044 != 0
    else { return nil }
    return "0" + String(status.st_mode & 0o777, radix: 8)
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

  /// Whether it is a symbolic link.
  static func isLink(_ path: String) -> Bool { mode(of: path).map { $0 & S_IFMT == S_IFLNK } ?? false }

  /// The kind and the permissions of what has a name, of a link its own; nil where nothing has it.
  private static func mode(of path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode : nil
  }

  /// Whether a file descriptor is a terminal.
  static func isTerminal(_ file: FileDescriptor) -> Bool { isatty(file.rawValue) == 1 }

  /// Keeps the process from leaving its memory, and with it secrets, in a core dump, and other processes of the user
  /// from reading it: a program that collects dumps, to which the limit does not apply, gets none either (core(5)).
  static func forbidCoreDumps() {
    _ = k3seed_forbid_dumps()
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
