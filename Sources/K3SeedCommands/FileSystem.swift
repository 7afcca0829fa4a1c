import Diagnostics
import GitOps
import SystemPackage

/// Reading and writing at the edge of the program. Every failure is a finding that names the file.
enum FileSystem {
  /// More than this is not read: no Terraform output or template comes near it.
  private static let limit = 64 << 20

  /// The whole of a file, or of standard input for `-`.
  static func read(_ path: String) throws(Report) -> [UInt8] {
    do {
      if path == "-" { return try read(.standardInput) }
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      return try file.closeAfter { try read(file) }
    } catch let error as Errno {
      throw failure("cannot be read", path, error)
    } catch {
      throw Report([
        .error(
          "file-size", at: location(path), "holds more than \(limit >> 20) MiB, which no input of k3seed does"
        )
      ])
    }
  }

  /// The whole of a file; nil where there is none.
  static func readIfAny(_ path: String) throws(Report) -> [UInt8]? {
    exists(path) ? try read(path) : nil
  }

  /// What findings call the file.
  static func name(_ path: String) -> String { path == "-" ? "<stdin>" : path }

  /// Writes a file that only its owner may read.
  ///
  /// The bytes are complete before the file is touched, and go into it directly: a secret is never in a
  /// temporary file. A file that could not be written whole is removed.
  static func write(_ bytes: [UInt8], to path: String) throws(Report) {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .closeOnExec], permissions: [.ownerReadWrite])
      try file.closeAfter {
        let isRegular = try restrict(file)
        do {
          try write(bytes, into: file)
        } catch {
          if isRegular { remove(path) }
          throw error
        }
      }
    } catch let error as Errno {
      throw failure("cannot be written", path, error)
    } catch {
      throw failure("cannot be written", path, .ioError)
    }
  }

  /// Changes files of a folder that hold no secret: all of them, or none.
  ///
  /// Everything is written beside its place before anything is put there; should that fail half-way, what was there
  /// before is put back.
  ///
  /// - Parameters:
  ///   - folder: the folder, which is made where there is none.
  ///   - writes: the files to write, by their path within.
  ///   - removals: the paths of files to remove.
  ///   - before: what is there now.
  /// - Throws: what cannot be done; also where a folder on the way is a link, as what it leads to is none of ours.
  static func change(
    _ folder: String, writing writes: [(path: String, bytes: [UInt8])], removing removals: [String],
    knowing before: [String: [UInt8]]
  ) throws(Report) {
    try refuseLinks(on: writes.map(\.path) + removals, in: folder)
    var staged: [String] = []
    var changed: [String] = []
    do throws(Report) {
      for (path, bytes) in writes {
        let place = "\(folder)/\(path)"
        try makeFolders(above: place)
        staged.append(place + stagedSuffix)
        try writePublic(bytes, to: place + stagedSuffix)
      }
      for (path, _) in writes {
        try move("\(folder)/\(path)\(stagedSuffix)", to: "\(folder)/\(path)")
        changed.append(path)
      }
      for path in removals {
        try unlinkFile("\(folder)/\(path)")
        changed.append(path)
      }
      for path in removals { removeEmptyFolders(above: path, in: folder) }
    } catch {
      for path in staged { remove(path) }
      for path in changed {
        if let bytes = before[path] {
          try? writePublic(bytes, to: "\(folder)/\(path)")
        } else {
          remove("\(folder)/\(path)")
        }
      }
      throw error
    }
  }

  /// Refuses paths that lead through a link.
  private static func refuseLinks(on paths: [String], in folder: String) throws(Report) {
    let folders = Set(paths.flatMap(\.foldersAbove)).sorted().map { "\(folder)/\($0)" }
    try Report(
      folders.filter(isLink).map {
        .error(
          "tree-link", at: Location(source: $0),
          "is a link, and what it leads to is not touched", help: "put a folder in its place")
      }
    ).throwIfErrors()
  }

  /// The folder of a path, with the slash at its end; empty where it names none.
  static func folder(of path: String) -> String {
    path.parts(between: "/").dropLast().map { $0 + "/" }.joined(by: "")
  }

  /// Writes a file that holds no secret: whole, or not at all.
  static func publish(_ bytes: [UInt8], to path: String) throws(Report) {
    // A pipe or a device stays what it is.
    guard isReplaceable(path) else { return try writePublic(bytes, to: path) }
    do throws(Report) {
      try writePublic(bytes, to: path + stagedSuffix)
      try move(path + stagedSuffix, to: path)
    } catch {
      remove(path + stagedSuffix)
      throw error
    }
  }

  /// What the names of files end in until all are complete.
  private static let stagedSuffix = ".k3seed-new"

  /// Writes a file that anybody may read, as far as the user's mask lets them.
  private static func writePublic(_ bytes: [UInt8], to path: String) throws(Report) {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupRead, .otherRead])
      try file.closeAfter { try write(bytes, into: file) }
    } catch let error as Errno {
      throw failure("cannot be written", path, error)
    } catch {
      throw failure("cannot be written", path, .ioError)
    }
  }

  /// Writes to standard output.
  static func print(_ bytes: [UInt8]) throws(Report) {
    do {
      try write(bytes, into: .standardOutput)
    } catch {
      throw failure("cannot be written", "<stdout>", error as? Errno ?? .ioError)
    }
  }

  /// Writes to standard error; that it cannot be written can be told to nobody.
  static func say(_ text: String) {
    try? write(Array(text.utf8), into: .standardError)
  }

  private static func read(_ file: FileDescriptor) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      // Memory that is not written is never touched: at this program's size, every page counts.
      let chunk = try [UInt8](unsafeUninitializedCapacity: max(1 << 16, bytes.count)) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if chunk.isEmpty { return bytes }
      bytes = bytes.isEmpty ? chunk : bytes + chunk
      if bytes.count > limit { throw TooLarge() }
    }
  }

  /// `writeAll` of swift-system is generic, and making it fit these types at run time costs more than the call.
  private static func write(_ bytes: [UInt8], into file: FileDescriptor) throws {
    var written = 0
    while written < bytes.count {
      written += try bytes.withUnsafeBytes { bytes in
        try file.write(UnsafeRawBufferPointer(rebasing: bytes[written...]))
      }
    }
  }

  private struct TooLarge: Error {}

  static func failure(_ what: String, _ path: String, _ error: Errno) -> Report {
    Report([.error("file", at: location(path), "\(what): \(error)")])
  }

  private static func location(_ path: String) -> Location { Location(source: name(path)) }
}
