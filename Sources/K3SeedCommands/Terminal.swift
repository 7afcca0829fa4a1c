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
  static var columns: Int {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
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
