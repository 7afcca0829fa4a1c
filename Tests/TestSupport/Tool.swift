public import Foundation
import Subprocess
import SystemPackage

/// Runs the real external programs that the tests compare k3seed with.
public enum Tool {
  /// What a program did.
  public struct Outcome: Sendable {
    /// The exit code; 128 plus the signal where one ended the program.
    public var status: Int32
    /// Everything it wrote to standard output.
    public var output: [UInt8]
    /// Everything it wrote to standard error, as text.
    public var errors: String

    /// Standard output as text.
    public var text: String { String(decoding: output, as: UTF8.self) }
  }

  /// The repository's root, found from this file.
  public static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Looks a program up in the project's virtual environment (`.venv`, made by scripts/setup), then on PATH.
  public static func find(_ name: String) -> String? {
    let venv = root.appendingPathComponent(".venv/bin").path
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return ([venv] + path.split(separator: ":").map(String.init))
      .map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether a program is there; for `.enabled(if:)`.
  public static func has(_ name: String) -> Bool { find(name) != nil }

  /// Runs a program to its end and gives what it wrote.
  ///
  /// Programs take turns, so a test's time limit is for one that hangs: it counts the wait for the others, too.
  ///
  /// - Parameters:
  ///   - command: a name for ``find(_:)``, or a path; then its arguments.
  ///   - input: what it reads on standard input.
  ///   - environment: variables added to, or replacing, those of the tests.
  ///   - directory: its working directory.
  public static func run(
    _ command: [String], input: [UInt8] = [], environment: [String: String] = [:], directory: String? = nil
  ) async throws -> Outcome {
    let name = command[0]
    let path = name.contains("/") ? name : find(name) ?? name
    await gate.enter()
    defer { Task { await gate.leave() } }
    let result = try await Subprocess.run(
      .path(FilePath(path)), arguments: Arguments(Array(command.dropFirst())),
      environment: .inherit.updating(
        Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })),
      workingDirectory: directory.map { FilePath($0) },
      input: Input(bytes: input), output: .bytes(limit: 64 << 20), error: .string(limit: 16 << 20))
    let status: Int32 =
      switch result.terminationStatus {
      case .exited(let code): code
      case .signaled(let signal): 128 + signal
      }
    return Outcome(status: status, output: result.standardOutput, errors: result.standardError)
  }
}

/// What a program may read, and need not: swift-subprocess's own input ends the whole process where a program ends before
/// it has read everything.
private struct Input: InputProtocol {
  let bytes: [UInt8]

  func write(with writer: StandardInputWriter) async {
    _ = try? await writer.write(bytes)
  }
}

/// Lets so many in at a time, in the order in which they come.
private actor Gate {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ places: Int) { free = places }

  func enter() async {
    if free > 0 {
      free -= 1
    } else {
      await withCheckedContinuation { waiting.append($0) }
    }
  }

  func leave() {
    if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
  }
}

/// The tests run side by side, hundreds of them with programs of their own: all at once would be more open files
/// than a system allows.
private let gate = Gate(16)

/// Makes a new empty folder for one test, and removes it afterwards.
public func withTemporaryDirectory<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("k3seed-test-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try await body(folder)
}

/// User-data without its compression, which it has where it would be over the platform's limit.
public func unpacked(_ payload: [UInt8]) async throws -> [UInt8] {
  guard payload.starts(with: [0x1F, 0x8B]) else { return payload }
  return try await Tool.run(["gzip", "-dc"], input: payload).output
}
