import Subprocess
import SystemPackage

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
      arguments: Arguments(arguments), platformOptions: options)
    Task {
      func tell(_ line: String) { _ = try? news.writeAll(Array("\(line)\n".utf8)) }
      do {
        let result = try await run(
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
}
