import Diagnostics
package import Subprocess
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A program of the host that is run for its effect, and waited for.
package struct HostTool: Hashable, Sendable {
  /// Its name on `PATH`.
  let name: String
  /// The packages that have it: Debian's and Ubuntu's, and Homebrew's where that has one.
  let apt: String
  let brew: String?

  package static let curl = HostTool(name: "curl", apt: "curl", brew: "curl")
  static let mmdebstrap = HostTool(name: "mmdebstrap", apt: "mmdebstrap", brew: nil)
  static let mke2fs = HostTool(name: "mke2fs", apt: "e2fsprogs", brew: nil)
  static let qemuImg = HostTool(name: "qemu-img", apt: "qemu-utils", brew: "qemu")
  static let fakeroot = HostTool(name: "fakeroot", apt: "fakeroot", brew: nil)
  package static let shell = HostTool(name: "sh", apt: "dash", brew: nil)

  /// The machine for a guest.
  static func qemu(_ guest: Architecture) -> HostTool {
    HostTool(
      name: "qemu-system-\(guest.rawValue)", apt: guest == .x86_64 ? "qemu-system-x86" : "qemu-system-arm",
      brew: "qemu")
  }

  /// How a program ended.
  package struct Outcome: Hashable, Sendable {
    /// The exit code; 128 plus the signal where one ended it.
    package var status: Int32
    /// What it wrote to standard output.
    package var output: [UInt8]
    /// The lines that it wrote to standard error.
    package var errors: [String]
  }

  /// Runs it to its end.
  ///
  /// It gets a process group of its own, which is asked to end, and a minute later killed, where the time is up or the
  /// task is cancelled: what it started does not outlive it. What it writes goes into files and not into pipes, which
  /// a cancelled task closes: a program that tidies up would end at the first word that it says.
  ///
  /// - Parameters:
  ///   - input: what it reads on standard input.
  ///   - limit: how long it may take.
  ///   - outputLimit: how many bytes of its output are wanted.
  ///   - showsErrors: leaves standard error to the terminal, for a program that draws its progress there.
  package func run(
    _ arguments: [String], input: [UInt8] = [], limit: Duration, outputLimit: Int = 1 << 20,
    showsErrors: Bool = false
  ) async throws -> Outcome {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [
      .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(60))
    ]
    let configuration = Configuration(
      executable: .name(name), arguments: Arguments(arguments), environment: Self.environment,
      platformOptions: options)
    let output = try Self.namelessFile()
    defer { try? output.close() }
    let errors = try Self.namelessFile()
    defer { try? errors.close() }
    let status: TerminationStatus
    do {
      status = try await within(limit) {
        try await Subprocess.run(
          configuration, input: ProgramInput(input),
          output: .fileDescriptor(output, closeAfterSpawningProcess: false),
          error: .fileDescriptor(showsErrors ? .standardError : errors, closeAfterSpawningProcess: false)
        ).terminationStatus
      }
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw missing
    } catch let error as SubprocessError {
      throw ImageError.host("tool-failed", "\(name) cannot be run: \(error.reason)")
    } catch is TimeUp {
      throw ImageError.host("tool-timeout", "\(name) was not done after \(limit.components.seconds) seconds")
    }
    // A program that ended because of the cancellation ended in its own way.
    try Task.checkCancellation()
    return Outcome(
      status: status.shellCode, output: try Files.read(output, from: 0, outputLimit),
      errors: try Files.read(errors, from: 0, 16 << 20)
        .split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
        .map { String(decoding: $0, as: UTF8.self) })
  }

  /// Its path; nil where it is not there.
  var location: String? {
    Self.path.split(separator: ":").map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// Throws where it is not there.
  package func require() throws(ImageError) {
    if location == nil { throw missing }
  }

  /// That it is not there, and what to do.
  var missing: ImageError {
    .host(
      "tool-missing", "\(name) is not on this machine",
      help: "install it: apt install \(apt)" + (brew.map { ", or brew install \($0)" } ?? ""))
  }

  /// `mke2fs` lies where Debian looks for the programs of root.
  private static var path: String {
    (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin") + ":/usr/sbin:/sbin"
  }

  /// A new file that is gone when nobody has it open any more.
  private static func namelessFile() throws(ImageError) -> FileDescriptor {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    // mkstemp replaces the six letters.
    var template = Array("\(folder)/k3seed-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    guard file >= 0 else {
      throw .host("no-space", at: folder, "no file can be made there: \(Errno(rawValue: errno))")
    }
    unlink(template)
    return FileDescriptor(rawValue: file)
  }

  /// Its messages are to be read by us.
  private static var environment: Environment { .inherit.updating(["PATH": path, "LC_ALL": "C"]) }
}

/// What a program may read on standard input, and need not: one that ends before, or breaks, says so by its exit code
/// alone. (swift-subprocess's own input makes it an error of which it does not recover.)
package struct ProgramInput: InputProtocol {
  private let bytes: [UInt8]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package func write(with writer: StandardInputWriter) async {
    _ = try? await writer.write(bytes)
  }
}

extension SubprocessError {
  /// Why a program cannot be run: the system's word for it where there is one.
  package var reason: String { underlyingError.map { "\($0)" } ?? description }
}

extension TerminationStatus {
  /// As a shell gives it.
  fileprivate var shellCode: Int32 {
    switch self {
    case .exited(let code): code
    case .signaled(let signal): 128 + signal
    }
  }
}
