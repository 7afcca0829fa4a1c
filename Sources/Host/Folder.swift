package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A folder that is open: whatever happens to its path from now on, files are read and written in this one.
///
/// Who can write into a folder above (a repository that is checked out, a neighbour in `/tmp`) may put a link where a folder
/// or a file is expected. So each step of the way is opened in the step before it.
package final class Folder: Sendable {
  /// The path, as it was given; empty for the current one.
  let path: String
  let descriptor: CInt

  private init(_ descriptor: CInt, _ path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Opens a folder.
  ///
  /// A link on the way is not followed where it may have come with a repository: below the current folder. Elsewhere
  /// (`/tmp` of macOS is one) it is where the user or the system made it, in a folder where nobody else can.
  ///
  /// - Parameter missing: the permissions with which a missing folder is made, within the user's mask; nil refuses one.
  package static func open(_ path: String, missing: FilePermissions? = nil) throws(FileRefusal) -> Folder {
    let inner = belowCurrent(path)
    let isBelow = !inner.hasPrefix("/")
    let start = isBelow ? "." : "/"
    let descriptor = openat(AT_FDCWD, start, flags)
    guard descriptor >= 0 else { throw FileRefusal(start, .system(Errno(rawValue: errno))) }
    var folder = Folder(descriptor, isBelow ? "" : "/")
    for name in inner.split(separator: "/") where name != "." {
      folder = try folder.folder(String(name), missing: missing, follows: !isBelow)
    }
    let named = openat(folder.descriptor, ".", flags)
    guard named >= 0 else { throw FileRefusal(path, .system(Errno(rawValue: errno))) }
    return Folder(named, path)
  }

  /// Opens a folder of the program's own, such as its store of images: how it is reached is the user's business.
  package static func own(_ path: String) throws(FileRefusal) -> Folder {
    let descriptor = openat(AT_FDCWD, path.isEmpty ? "." : path, flags)
    guard descriptor >= 0 else { throw FileRefusal(path, .system(Errno(rawValue: errno))) }
    return Folder(descriptor, path)
  }

  /// Opens a folder within, never through a link.
  package func folder(_ name: String, missing: FilePermissions? = nil) throws(FileRefusal) -> Folder {
    try folder(name, missing: missing, follows: false)
  }

  private func folder(_ name: String, missing: FilePermissions?, follows: Bool) throws(FileRefusal) -> Folder
  {
    let inner = place(name)
    if let missing, mkdirat(descriptor, name, missing.rawValue) != 0, errno != EEXIST {
      // What is read only (`/`, or a mounted one) may well have the folder.
      let error = Errno(rawValue: errno)
      guard status(name) != nil else { throw FileRefusal(inner, .system(error)) }
    }
    let opened = openat(descriptor, name, Self.flags | O_NOFOLLOW)
    if opened >= 0 { return Folder(opened, inner) }
    let error = Errno(rawValue: errno)
    guard let status = status(name), status.st_mode & S_IFMT == S_IFLNK else {
      throw FileRefusal(inner, .system(error))
    }
    guard follows, try isTrusted(status) else { throw FileRefusal(inner, .link) }
    let followed = openat(descriptor, name, Self.flags)
    guard followed >= 0 else { throw FileRefusal(inner, .system(Errno(rawValue: errno))) }
    return Folder(followed, inner)
  }

  /// The path of something within, for messages.
  package func place(_ name: String) -> String {
    path.isEmpty ? name : path.hasSuffix("/") ? path + name : "\(path)/\(name)"
  }

  /// Refuses a folder in which others can replace what is written: one of another user but the superuser, or one that is
  /// open to everybody and has no sticky bit.
  ///
  /// - Parameter name: what is to be written there, for the message.
  package func requireOwn(for name: String) throws(FileRefusal) {
    let status = try ownStatus()
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw FileRefusal(place(name), .foreignFolder(status.st_uid))
    }
    if Self.isOpen(status) { throw FileRefusal(place(name), .openFolder) }
  }

  /// What has a name in the folder, of a link its own; nil where nothing has it.
  func status(_ name: String) -> stat? {
    var status = stat()
    return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
  }

  func ownStatus() throws(FileRefusal) -> stat {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw FileRefusal(path, .system(Errno(rawValue: errno))) }
    return status
  }

  private func isTrusted(_ link: stat) throws(FileRefusal) -> Bool {
    let here = try ownStatus()
    let trusted = [0, geteuid()]
    return trusted.contains(link.st_uid) && trusted.contains(here.st_uid)
      && (!Self.isOpen(here) || here.st_uid == 0 && link.st_uid == 0)
  }

  private static func isOpen(_ folder: stat) -> Bool {
    folder.st_mode & S_IWOTH != 0 && folder.st_mode & S_ISVTX == 0
  }

  /// The path from the current folder, where it leads below it; else the path.
  private static func belowCurrent(_ path: String) -> String {
    guard path.hasPrefix("/"), let current = getcwd(nil, 0) else { return path }
    defer { free(current) }
    let prefix = String(cString: current) + "/"
    return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
  }

  #if canImport(Darwin)
    private static let flags = O_SEARCH | O_DIRECTORY | O_CLOEXEC
  #else
    // Who may pass through a folder need not be allowed to list it.
    // O_PATH of Linux (open(2)), which the C library shows to its own extensions only: 010000000 on x86-64 and on arm64.
    private static let flags = 0o10_000_000 | O_DIRECTORY | O_CLOEXEC
  #endif
}
