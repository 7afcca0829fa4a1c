import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The user's terminal.
enum Terminal {
  /// How many columns it has; 80 where it does not say.
  static var columns: Int { columns(of: .standardError) }

  private static func columns(of file: FileDescriptor) -> Int {
    var size = winsize()
    guard ioctl(file.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// How the terminal shows what is written to a file; nil where that is no terminal.
  ///
  /// Colours are left out where `NO_COLOR` is set (https://no-color.org), or the terminal is a dumb one.
  static func style(of file: FileDescriptor) -> TerminalStyle? {
    guard FileSystem.isTerminal(file) else { return nil }
    return TerminalStyle(
      columns: columns(of: file),
      isColoured: FileSystem.environment("NO_COLOR") == nil && FileSystem.environment("TERM") != "dumb")
  }

  /// Hands every key on as it is typed, Ctrl-C too, for the time of a call.
  static func raw<Value>(_ body: () throws -> Value) rethrows -> Value {
    var settings = termios()
    guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return try body() }
    let before = settings
    cfmakeraw(&settings)
    tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    defer {
      var before = before
      tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }
    return try body()
  }
}

extension FileSystem {
  /// Writes to standard error, byte for byte.
  static func pass(_ bytes: [UInt8]) { _ = try? FileDescriptor.standardError.writeAll(bytes) }
}
