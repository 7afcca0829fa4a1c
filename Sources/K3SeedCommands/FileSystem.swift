import Diagnostics
import Host
import SystemPackage

/// Reading and writing at the edge of the program. Every failure is a finding that names the file.
enum FileSystem {
  /// How much is read of a file: what is larger is the wrong one, or somebody's attempt.
  struct Limit: Sendable {
    var bytes: Int
    /// Why nobody has more, as a message goes on after the size.
    var reason: String

    /// User-data in any encoding: 1 MiB is NoCloud's, of which base64 takes a third more.
    static let userData = Limit(bytes: 2 << 20, reason: "no platform takes more than 1 MiB of user-data")
    /// Outputs of Terraform, also with `terraform show -json` of a project that is not small.
    static let outputs = Limit(
      bytes: 8 << 20, reason: "Terraform's outputs are smaller: give those, not the whole state")
    /// What people write: settings, locks, templates.
    static let settings = Limit(bytes: 1 << 20, reason: "nobody writes so much by hand")
    /// A file of a repository.
    static let manifest = Limit(bytes: 8 << 20, reason: "no manifest is so large")
  }

  /// The whole of a file, or of standard input for `-`.
  static func read(_ path: String, _ limit: Limit) throws(Report) -> [UInt8] {
    do {
      if path == "-" { return try read(.standardInput, limit) }
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      return try file.closeAfter { try read(file, limit) }
    } catch let error as Errno {
      throw failure("cannot be read", path, error)
    } catch {
      throw Report([tooLarge(name(path), limit)])
    }
  }

  /// The whole of a file of secrets: standard input, a pipe, or a file that nobody else can read.
  static func readSecrets(_ path: String) throws(Report) -> [UInt8] {
    if path == "-" { return try read(path, .settings) }
    do {
      let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
      return try file.closeAfter {
        // Of the open file, as the name may soon be another's.
        if let mode = readableMode(of: file) {
          throw Report([
            .error(
              "secrets-mode", at: location(path), "other users can read it (mode \(mode))",
              help: "take their rights away, with chmod 600")
          ])
        }
        return try read(file, .settings)
      }
    } catch let error as Errno {
      throw failure("cannot be read", path, error)
    } catch let report as Report {
      throw report
    } catch {
      throw Report([tooLarge(name(path), .settings)])
    }
  }

  static func tooLarge(_ name: String, _ limit: Limit) -> Diagnostic {
    .error(
      "file-size", at: Location(source: name), "holds more than \(limit.bytes >> 20) MiB, and \(limit.reason)"
    )
  }

  /// The whole of a file; nil where there is none.
  static func readIfAny(_ path: String, _ limit: Limit) throws(Report) -> [UInt8]? {
    exists(path) ? try read(path, limit) : nil
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

  /// Says that a file was written, with what there is to say of it; not of pipes and devices, which are no files.
  static func sayWritten(_ path: String, _ what: String) {
    if isFile(path) { say("\(path): written\(what)\n") }
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

  /// Writes a report to standard output; at a terminal with the lines that it is about, where those may be shown.
  static func show(
    _ report: Report, as format: Report.Format, by producer: Report.Producer,
    source: (Location) -> String? = { _ in nil }
  ) throws(Report) {
    if format == .text, let style = Terminal.style(of: .standardOutput) {
      return try print(Array(report.text(for: style, source: source).withoutCommands.utf8))
    }
    let written = report.written(as: format, by: producer)
    if format == .text { try show(written) } else { try print(Array(written.utf8)) }
  }

  /// Writes findings to standard error.
  static func say(_ report: Report) {
    guard let style = Terminal.style(of: .standardError) else { return say(report.text) }
    pass(Array(report.text(for: style).withoutCommands.utf8))
  }

  /// Writes text for people to standard error; that it cannot be written can be told to nobody.
  static func say(_ text: String) {
    try? FileDescriptor.standardError.writeBytes(Array(text.printableLines.withoutCommands.utf8))
  }

  private static func read(_ file: FileDescriptor, _ limit: Limit) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while true {
      // Memory that is not written is never touched: at this program's size, every page counts.
      let chunk = try [UInt8](unsafeUninitializedCapacity: max(1 << 16, bytes.count)) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      if chunk.isEmpty { return bytes }
      bytes = bytes.isEmpty ? chunk : bytes + chunk
      if bytes.count > limit.bytes { throw TooLarge() }
    }
  }

  private struct TooLarge: Error {}

  static func failure(_ what: String, _ path: String, _ error: Errno) -> Report {
    Report([.error("file", at: location(path), "\(what): \(error)")])
  }

  private static func location(_ path: String) -> Location { Location(source: name(path)) }
}
