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
