package import Diagnostics

/// Finds keys and tokens in the text of files, whatever they are part of. No value is ever shown.
package enum SecretText {
  /// What was found, and where.
  package struct Found {
    package let what: String
    package let location: Location
  }

  /// A token that is known by how it begins.
  private struct Shape {
    let start: String
    /// How many letters, digits, `-` and `_` follow at least.
    let length: Int
    let what: String
  }

  /// Source: what each service's documentation says of its tokens.
  private static let shapes = [
    Shape(start: "ghp_", length: 36, what: "a token of GitHub"),
    Shape(start: "gho_", length: 36, what: "a token of GitHub"),
    Shape(start: "ghs_", length: 36, what: "a token of GitHub"),
    Shape(start: "github_pat_", length: 60, what: "a token of GitHub"),
    Shape(start: "glpat-", length: 20, what: "a token of GitLab"),
    Shape(start: "cfut_", length: 30, what: "a token of Cloudflare"),
    Shape(start: "cfat_", length: 30, what: "a token of Cloudflare"),
    Shape(start: "cfk_", length: 30, what: "a Global API Key of Cloudflare"),
    Shape(start: "AKIA", length: 16, what: "an access key of AWS"),
    Shape(start: "xoxb-", length: 24, what: "a token of Slack"),
    Shape(start: "xoxp-", length: 24, what: "a token of Slack"),
    Shape(start: "hvs.", length: 24, what: "a token of Vault"),
    Shape(start: "dckr_pat_", length: 27, what: "a token of Docker Hub"),
    Shape(start: "AGE-SECRET-KEY-1", length: 50, what: "a key of age"),
  ]

  /// What stands in the files, in the order of their places.
  package static func findings(in files: [String: [UInt8]]) -> [Found] {
    files.keys.sorted().flatMap { file -> [Found] in
      let bytes = files[file] ?? []
      // What is no text has no lines to point at.
      guard !bytes.prefix(8000).contains(0), mayHold(bytes) else { return [] }
      let lines = bytes.lines
      return lines.indices.flatMap { index in
        found(in: lines[index], next: index + 1 < lines.count ? lines[index + 1] : "").map { column, what in
          Found(what: what, location: Location(source: file, line: index + 1, column: column))
        }
      }
    }
  }

  /// Whether a file can hold anything of the kind: most do not, and are not cut into lines.
  private static func mayHold(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    return text.holds("PRIVATE KEY-----") || shapes.contains { text.contains($0.start) }
  }

  /// What stands in a line, by its column.
  static func found(in line: Substring, next: Substring) -> [(column: Int, what: String)] {
    var found: [(column: Int, what: String)] = []
    if let begin = line.firstRange(of: "-----BEGIN "), let end = line.firstRange(of: "PRIVATE KEY-----"),
      isKey(line[end.upperBound...]) || isKey(next)
    {
      found.append((line[..<begin.lowerBound].unicodeScalars.count + 1, "a private key"))
    }
    for shape in shapes {
      var rest = line[...]
      while let range = rest.firstRange(of: shape.start) {
        let before = line[..<range.lowerBound].last
        let run = rest[range.upperBound...].prefix {
          $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
        }
        rest = rest[range.upperBound...]
        let isWord = before.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
        guard !isWord, run.count >= shape.length, !isExample(run) else { continue }
        found.append((line[..<range.lowerBound].unicodeScalars.count + 1, shape.what))
      }
    }
    return found
  }

  /// Whether a line begins with what keys are written in.
  private static func isKey(_ line: Substring) -> Bool {
    let text = line.drop { $0 == " " || $0 == "\t" || $0 == "\\" || $0 == "n" && line.hasPrefix("\\n") }
    let run = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+/=".contains($0)) }
    return run.count >= 32 && !isExample(run)
  }

  /// Whether a text only shows what a token looks like: it says so, or has hardly any letters.
  private static func isExample(_ text: Substring) -> Bool {
    text.lowercased().contains("example") || Set(text).count < 6
  }
}
