import Scripts
import SystemPackage

/// Writes a Swift file that holds the files of a folder as string literals.
///
/// Usage: `EmbedFiles OUTPUT FOLDER FILE...`, each file below the folder. Swift's own resource bundles
/// read an absolute path of the machine that built them, and `.embedInCode` makes byte arrays that take
/// the compiler minutes; a raw string literal costs neither.
///
/// What templates give to `!gzip` is compressed here, once, and not by everybody who renders: the scripts that follow
/// on `content: !gzip`, with and without each that is under a condition. What is not found here is compressed when it
/// is rendered, to the same bytes.
@main
enum EmbedFiles {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let output = arguments.first, let folder = arguments.dropFirst().first else {
      throw UsageError()
    }
    let files = try arguments.dropFirst(2).sorted().map { path in
      (name: String(path.dropFirst(folder.count + 1)), text: try contents(of: FilePath(path)))
    }
    var code = """
      // Made by EmbedFiles from a folder of the package. Do not edit.

      enum EmbeddedFiles {
        static let all: [(name: String, text: String)] = [

      """
    for (name, text) in files { code += "    (\"\(name)\", \(literal(text))),\n" }
    code += """
        ]

        /// What `!gzip` makes of texts, in base64.
        static let packed: [(text: String, packed: String)] = [

      """
    let scripts = files.filter { $0.name.hasSuffix(".sh") || $0.name.hasSuffix(".py") }
      .map { ($0.name, Script.condensed($0.text)) }
    for text in files.flatMap({ compositions(in: $0.text, Dictionary(uniqueKeysWithValues: scripts)) }) {
      code += "    (\(literal(text)), \"\(Script.packed(text))\"),\n"
    }
    code += """
        ]

        /// The scripts as they travel.
        static let condensed: [String: String] = [

      """
    for (name, text) in scripts { code += "    \"\(name)\": \(literal(text)),\n" }
    code += scripts.isEmpty ? "    :\n  ]\n}\n" : "  ]\n}\n"
    let file = try FileDescriptor.open(
      FilePath(output), .writeOnly, options: [.create, .truncate],
      permissions: [.ownerReadWrite, .groupRead, .otherRead])
    _ = try file.closeAfter { try file.writeAll(code.utf8) }
  }

  private static func literal(_ text: String) -> String {
    // The delimiter has more number signs than any run in the text.
    let run = text.split(whereSeparator: { $0 != "#" }).map(\.count).max() ?? 0
    let signs = String(repeating: "#", count: run + 1)
    return "\(signs)\"\"\"\n\(text)\n\"\"\"\(signs)"
  }

  /// The texts that a template may give to `!gzip`.
  private static func compositions(in template: String, _ scripts: [String: String]) -> [String] {
    let lines = template.split(separator: "\n")
    return lines.indices.filter { lines[$0].hasSuffix("content: !gzip") }.flatMap { start -> [String] in
      var texts = [""]
      for line in lines[(start + 1)...] {
        guard let item = line.firstMatch(of: /^ +- (!when \{[a-z._]+: )?!script ([^ }]+)\}?$/) else { break }
        guard let script = scripts[String(item.2)] else { return [] }
        let longer = texts.map { $0 + script }
        texts = item.1 == nil ? longer : texts + longer
      }
      return texts
    }
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
