import SystemPackage

/// Writes a Swift file that holds the files of a folder as string literals.
///
/// Usage: `EmbedFiles OUTPUT FOLDER FILE...`, each file below the folder. Swift's own resource bundles
/// read an absolute path of the machine that built them, and `.embedInCode` makes byte arrays that take
/// the compiler minutes; a raw string literal costs neither.
@main
enum EmbedFiles {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let output = arguments.first, let folder = arguments.dropFirst().first else {
      throw UsageError()
    }
    let files = arguments.dropFirst(2).sorted().map { ($0.dropFirst(folder.count + 1), FilePath($0)) }
    var code = """
      // Made by EmbedFiles from a folder of the package. Do not edit.

      enum EmbeddedFiles {
        static let all: [(name: String, text: String)] = [

      """
    for (name, path) in files {
      let text = try contents(of: path)
      // The delimiter has more number signs than any run in the text.
      let run = text.split(whereSeparator: { $0 != "#" }).map(\.count).max() ?? 0
      let signs = String(repeating: "#", count: run + 1)
      code += "    (\"\(name)\", \(signs)\"\"\"\n\(text)\n\"\"\"\(signs)),\n"
    }
    code += "  ]\n}\n"
    let file = try FileDescriptor.open(
      FilePath(output), .writeOnly, options: [.create, .truncate],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    _ = try file.closeAfter { try file.writeAll(code.utf8) }
  }

  private static func contents(of path: FilePath) throws -> String {
    let file = try FileDescriptor.open(path, .readOnly)
    return try file.closeAfter {
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = try chunk.withUnsafeMutableBytes { try file.read(into: $0) }
        if count == 0 { break }
        bytes += chunk.prefix(count)
      }
      guard let text = String(validating: bytes, as: UTF8.self) else { throw UsageError() }
      return text
    }
  }

  private struct UsageError: Error, CustomStringConvertible {
    var description: String { "usage: EmbedFiles OUTPUT FOLDER FILE..., UTF-8 files below the folder" }
  }
}
