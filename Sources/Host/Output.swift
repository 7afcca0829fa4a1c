import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where somebody wants a result: a file that is made or replaced, or a pipe or device of their own.
///
/// All that the program writes by a user's path goes through here.
package struct Output: Sendable {
  private enum Place: Sendable {
    /// A descriptor that the program was started with, such as `/dev/stdout`.
    case descriptor(CInt)
    /// A file, which need not be there yet.
    case file(Folder, String)
    /// A pipe or device that is there, by what tells it from others.
    case special(Folder, String, device: dev_t, number: ino_t)
  }

  private let path: String
  private let place: Place
  private let readers: Folder.Readers

  /// Opens the folder, and finds out what is there. Nothing is changed.
  ///
  /// - Throws: where writing there could be turned against the user: through a link, into what is another user's, or with
  ///   secrets in a folder that is not theirs alone.
  package init(_ path: String, for readers: Folder.Readers) throws(FileRefusal) {
    self.path = path
    self.readers = readers
    if let number = Self.descriptor(path) {
      place = .descriptor(number)
      return
    }
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let name = String(slash.map { path[path.utf8.index(after: $0)...] } ?? path[...])
    guard ![".", "..", ""].contains(name) else { throw FileRefusal(path, .folder) }
    let folder: Folder
    do throws(FileRefusal) {
      folder = try .open(slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "")
    } catch {
      // A missing folder is said of the file; a link, of the link.
      guard case .system = error.reason else { throw error }
      throw FileRefusal(path, error.reason)
    }
    let status = folder.status(name)
    switch status.map({ $0.st_mode & S_IFMT }) {
    case S_IFIFO?, S_IFCHR?:
      guard let status, Self.isOwn(status) else { throw FileRefusal(path, .special) }
      place = .special(folder, name, device: status.st_dev, number: status.st_ino)
    default:
      try folder.require(name, replaceable: status)
      if readers == .owner { try folder.requireOwn(for: name) }
      place = .file(folder, name)
    }
  }

  /// Writes the result: a file whole, or not at all.
  package func write(_ bytes: [UInt8]) throws(FileRefusal) {
    switch place {
    case .file(let folder, let name): try folder.write(bytes, to: name, for: readers)
    case .descriptor(let number):
      try attempt { try FileDescriptor(rawValue: number).writeBytes(bytes) }
    case .special(let folder, let name, let device, let number):
      let opened = openat(folder.descriptor, name, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC)
      guard opened >= 0 else { throw FileRefusal(path, .system(Errno(rawValue: errno))) }
      let file = FileDescriptor(rawValue: opened)
      var status = stat()
      let isSame = fstat(opened, &status) == 0 && status.st_dev == device && status.st_ino == number
      try attempt {
        try file.closeAfter {
          // What has come in its place meanwhile is not what was looked at.
          guard isSame else { throw Errno.staleNFSFileHandle }
          try file.writeBytes(bytes)
        }
      }
    }
  }

  /// Finds out, before work that takes long, whether the result can be written. Nothing stays of it.
  ///
  /// A pipe or device is not tried: who reads it would notice.
  package func tryOut() throws(FileRefusal) {
    if case .file(let folder, let name) = place { _ = try folder.stage([], for: name, readers) }
  }

  private func attempt(_ body: () throws -> Void) throws(FileRefusal) {
    do { try body() } catch { throw FileRefusal(path, .system(error as? Errno ?? .ioError)) }
  }

  /// A pipe of the user's, or a device of theirs or of the system.
  private static func isOwn(_ status: stat) -> Bool {
    status.st_uid == geteuid() || status.st_mode & S_IFMT == S_IFCHR && status.st_uid == 0
  }

  /// The open descriptor that a path stands for, although it looks like a link: `/dev/stdout`, or `/dev/fd/63` of a shell's `>(…)`.
  private static func descriptor(_ path: String) -> CInt? {
    if path == "/dev/stdout" { return 1 }
    if path == "/dev/stderr" { return 2 }
    for prefix in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(prefix) {
      return CInt(path.dropFirst(prefix.count)).flatMap { $0 >= 0 ? $0 : nil }
    }
    return nil
  }
}
