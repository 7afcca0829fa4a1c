package import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Folder {
  /// Who may read a file.
  package enum Readers: Sendable {
    /// Its owner: it holds secrets, or may.
    case owner
    /// Everybody, as far as the user's mask lets them.
    case all

    var mode: mode_t { self == .owner ? 0o600 : 0o644 }
  }

  /// The whole of a regular file within; nil where there is nothing of that name.
  ///
  /// - Throws: where it is anything else, or larger than `limit` bytes.
  package func read(_ name: String, limit: Int) throws(FileRefusal) -> [UInt8]? {
    // A pipe would wait for a writer, unless it is told not to.
    let opened = openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard opened >= 0 else {
      let error = Errno(rawValue: errno)
      if error == .noSuchFileOrDirectory { return nil }
      try require(name, replaceable: status(name))
      throw FileRefusal(place(name), .system(error))
    }
    defer { close(opened) }
    var status = stat()
    guard fstat(opened, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FileRefusal(place(name), status.st_mode & S_IFMT == S_IFDIR ? .folder : .special)
    }
    guard status.st_size <= limit else { throw FileRefusal(place(name), .system(.fileTooLarge)) }
    let size = Int(status.st_size)
    do {
      let file = FileDescriptor(rawValue: opened)
      return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        count = 0
        while count < size {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
          let more = try file.read(into: rest)
          if more == 0 { break }
          count += more
        }
      }
    } catch {
      throw FileRefusal(place(name), .system(error as? Errno ?? .ioError))
    }
  }

  /// Refuses to put a file where something is that is not the user's own regular file.
  package func requireReplaceable(_ name: String) throws(FileRefusal) {
    try require(name, replaceable: status(name))
  }

  func require(_ name: String, replaceable status: stat?) throws(FileRefusal) {
    guard !["", ".", ".."].contains(name), !name.utf8.contains(UInt8(ascii: "/")) else {
      throw FileRefusal(place(name), .folder)
    }
    guard let status else { return }
    switch status.st_mode & S_IFMT {
    case S_IFREG: break
    case S_IFLNK: throw FileRefusal(place(name), .link)
    case S_IFDIR: throw FileRefusal(place(name), .folder)
    default: throw FileRefusal(place(name), .special)
    }
    // In a container the superuser works in folders of the user who started it.
    let user = geteuid()
    let owner = try ownStatus().st_uid
    guard status.st_uid == user || user == 0 && status.st_uid == owner else {
      throw FileRefusal(place(name), .foreign(status.st_uid))
    }
  }

  /// Writes a file in place of the one that has its name: whole, or not at all.
  package func write(_ bytes: [UInt8], to name: String, for readers: Readers) throws(FileRefusal) {
    try stage(bytes, for: name, readers).commit()
  }

  /// Writes a file under a name that nobody can know before, to be put in its place later.
  package func stage(
    _ bytes: [UInt8], for name: String, _ readers: Readers
  ) throws(FileRefusal) -> StagedFile {
    try requireReplaceable(name)
    if readers == .owner { try requireOwn(for: name) }
    let hidden = Self.randomName()
    let opened = openat(
      descriptor, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, readers.mode)
    guard opened >= 0 else { throw FileRefusal(place(name), .system(Errno(rawValue: errno))) }
    let file = StagedFile(self, hidden, name)
    let descriptor = FileDescriptor(rawValue: opened)
    do {
      try descriptor.closeAfter {
        // The mask may have taken more than it should.
        if readers == .owner, fchmod(opened, readers.mode) != 0 { throw Errno(rawValue: errno) }
        try descriptor.writeBytes(bytes)
      }
    } catch {
      // What was made of it goes with `file`.
      throw FileRefusal(place(name), .system(error as? Errno ?? .ioError))
    }
    return file
  }

  /// Removes a file; that it is not there is fine.
  package func remove(_ name: String) throws(FileRefusal) {
    try requireReplaceable(name)
    guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
      throw FileRefusal(place(name), .system(Errno(rawValue: errno)))
    }
  }

  /// Removes a folder within, where it is empty. Returns whether it was.
  package func removeEmptyFolder(_ name: String) -> Bool { unlinkat(descriptor, name, AT_REMOVEDIR) == 0 }

  private static func randomName() -> String {
    var generator = SystemRandomNumberGenerator()
    return ".k3seed-\(String(generator.next(), radix: 16))\(String(generator.next(), radix: 16))"
  }
}

/// A file that is complete, and not yet in its place. It is removed where it never gets there.
package final class StagedFile: Sendable {
  private let folder: Folder
  private let hidden: String
  private let name: String

  fileprivate init(_ folder: Folder, _ hidden: String, _ name: String) {
    self.folder = folder
    self.hidden = hidden
    self.name = name
  }

  // Once it is in its place, nothing has the name.
  deinit { unlinkat(folder.descriptor, hidden, 0) }

  /// Puts it in its place.
  package func commit() throws(FileRefusal) {
    guard renameat(folder.descriptor, hidden, folder.descriptor, name) == 0 else {
      throw FileRefusal(folder.place(name), .system(Errno(rawValue: errno)))
    }
  }
}

extension FileDescriptor {
  /// `writeAll` of swift-system is generic, and making it fit these types at run time costs more than the call.
  package func writeBytes(_ bytes: [UInt8]) throws {
    var written = 0
    while written < bytes.count {
      written += try bytes.withUnsafeBytes { try write(UnsafeRawBufferPointer(rebasing: $0[written...])) }
    }
  }
}
