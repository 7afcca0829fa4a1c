import Diagnostics
import Host
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

  /// Writes a result by the path that the user gave: a file that only its owner may read, or a pipe or device.
  static func write(_ bytes: [UInt8], to path: String) throws(Report) {
    try attempt { () throws(FileRefusal) in try Output(path, for: .owner).write(bytes) }
  }

  /// Writes a file that holds no secret, for all to read.
  static func publish(_ bytes: [UInt8], to path: String) throws(Report) {
    try attempt { () throws(FileRefusal) in try Output(path, for: .all).write(bytes) }
  }

  /// Finds out, before work that takes long, whether its result can be written there. Nothing is changed.
  static func expectWritable(_ path: String, for readers: Folder.Readers = .owner) throws(Report) {
    try attempt { () throws(FileRefusal) in try Output(path, for: readers).tryOut() }
  }

  /// Turns what is left alone into a finding at its path.
  static func attempt<Value>(_ body: () throws(FileRefusal) -> Value) throws(Report) -> Value {
    do {
      return try body()
    } catch {
      throw Report([finding(error)])
    }
  }

  static func finding(_ refusal: FileRefusal) -> Diagnostic {
    if case .system = refusal.reason { return .error("file", at: location(refusal.path), refusal.message) }
    return .error("file-place", at: location(refusal.path), refusal.message, help: refusal.help)
  }

  /// The folder of a path, with the slash at its end; empty where it names none.
  static func folder(of path: String) -> String {
    path.parts(between: "/").dropLast().map { $0 + "/" }.joined(by: "")
  }

  /// Writes to standard output.
  static func print(_ bytes: [UInt8]) throws(Report) {
    do {
      try FileDescriptor.standardOutput.writeBytes(bytes)
    } catch {
      throw failure("cannot be written", "<stdout>", error as? Errno ?? .ioError)
    }
  }

  /// Writes text for people to standard output; what of it is from elsewhere has been made printable.
  static func show(_ text: String) throws(Report) { try print(Array(text.withoutCommands.utf8)) }

  /// Writes a report to standard output.
  static func show(_ report: Report, as format: Report.Format, by producer: Report.Producer) throws(Report) {
    let written = report.written(as: format, by: producer)
    if format == .text { try show(written) } else { try print(Array(written.utf8)) }
  }

  /// Writes text for people to standard error; that it cannot be written can be told to nobody.
  static func say(_ text: String) {
    try? FileDescriptor.standardError.writeBytes(Array(text.printableLines.withoutCommands.utf8))
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

  private struct TooLarge: Error {}

  static func failure(_ what: String, _ path: String, _ error: Errno) -> Report {
    Report([.error("file", at: location(path), "\(what): \(error)")])
  }

  private static func location(_ path: String) -> Location { Location(source: name(path)) }
}
