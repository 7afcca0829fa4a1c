public import Diagnostics

/// Why an image cannot be had.
public struct ImageError: Error, Hashable, Sendable {
  /// Whose fault it is.
  public enum Blame: Hashable, Sendable {
    /// What was asked for: a name that is not in the catalogue, a file that is no disk.
    case request
    /// What was to be used is not what it should be: a wrong checksum, a damaged cache.
    case image
    /// The host, or the network: a missing program, an address that does not answer.
    case host
  }

  /// Whose fault it is.
  public var blame: Blame
  /// What was found, and what to do.
  public var diagnostic: Diagnostic

  /// The program's exit code.
  public var exitCode: Int32 {
    switch blame {
    case .request: 2
    case .image: 1
    case .host: 69
    }
  }

  static func request(
    _ code: String, at source: String? = nil, _ message: String, help: String? = nil
  ) -> ImageError {
    ImageError(blame: .request, code, source, message, help)
  }

  static func image(
    _ code: String, at source: String? = nil, _ message: String, help: String? = nil
  ) -> ImageError {
    ImageError(blame: .image, code, source, message, help)
  }

  static func host(
    _ code: String, at source: String? = nil, _ message: String, help: String? = nil
  ) -> ImageError {
    ImageError(blame: .host, code, source, message, help)
  }

  private init(blame: Blame, _ code: String, _ source: String?, _ message: String, _ help: String?) {
    self.blame = blame
    diagnostic = .error(code, at: source.map { Location(source: $0) }, message, help: help)
  }
}
