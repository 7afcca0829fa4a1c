import Subprocess
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Starts programs for somebody who waits at a pipe rather than in Swift's concurrency.
///
/// Their start and their end are lines on that pipe: `started 812`, then `ended exit code 1`; or `failed` and why.
enum Launcher {
  /// Starts a program in a process group: its own, or another's.
  ///
  /// - Parameters:
  ///   - group: the process group to join; 0 makes one of its own.
  ///   - news: where its start and end are told. It is closed after the end, as all the others are after the start.
  static func start(
    _ program: String, _ arguments: [String], group: Int32, input: FileDescriptor, output: FileDescriptor,
    complaints: FileDescriptor, news: FileDescriptor
  ) {
    var options = PlatformOptions()
    options.processGroupID = group
    let configuration = Configuration(
      executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
      arguments: Arguments(arguments), environment: environment, platformOptions: options)
    Task {
      func tell(_ line: String) { _ = try? news.writeAll(Array("\(line)\n".utf8)) }
      do {
        let result = try await Subprocess.run(
          configuration, input: .fileDescriptor(input, closeAfterSpawningProcess: true),
          output: .fileDescriptor(output, closeAfterSpawningProcess: true),
          error: .fileDescriptor(complaints, closeAfterSpawningProcess: true)
        ) { execution in tell("started \(execution.processIdentifier.value)") }
        switch result.terminationStatus {
        case .exited(let code): tell("ended exit code \(code)")
        case .signaled(let signal): tell("ended signal \(signal)")
        }
      } catch {
        tell("failed \(error)".split(separator: "\n").joined(separator: " "))
      }
      try? news.close()
    }
  }

  /// What a program needs to be found and to make a temporary file. What else is in the environment of k3seed, a CI
  /// system's tokens perhaps, is nothing that a QEMU whose guest broke out should hold.
  private static let environment: Environment = {
    var variables: [Environment.Key: String] = ["LC_ALL": "C"]
    for name in ["PATH", "TMPDIR", "LD_LIBRARY_PATH"] {
      guard let key = Environment.Key(rawValue: name), let value = getenv(name) else { continue }
      variables[key] = String(cString: value)
    }
    return .custom(variables)
  }()

  /// Runs a program to its end, and gives what it wrote to its standard error where it failed.
  static func finish(_ program: String, _ arguments: [String]) throws(Errno) -> String? {
    var switchboard = Switchboard()
    let null: FileDescriptor
    let other: FileDescriptor
    do {
      null = try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec)
      other = try null.duplicate()
    } catch {
      throw error as? Errno ?? .ioError
    }
    start(
      program, arguments, group: 0, input: null, output: other, complaints: try switchboard.pipe(.complaints),
      news: try switchboard.pipe(.machine))
    var (news, complaints): ([UInt8], [UInt8]) = ([], [])
    while true {
      for (line, bytes) in switchboard.next(milliseconds: 1000) {
        if line == .complaints { complaints += bytes }
        guard line == .machine else { continue }
        news += bytes
        guard bytes.isEmpty else { continue }
        let last = String(decoding: news, as: UTF8.self).split(separator: "\n").last ?? ""
        if last == "ended exit code 0" { return nil }
        return "\(program): \(last) \(Console.cleanText(complaints))"
      }
    }
  }
}
