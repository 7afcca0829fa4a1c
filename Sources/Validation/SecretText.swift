package import Diagnostics
import UserData

/// Finds keys and tokens in the text of files, whatever they are part of. No value is ever shown.
package enum SecretText {
  /// What was found, and where.
  package struct Found {
    package let what: String
    package let location: Location
  }

  /// Those that are told beyond doubt.
  private static let shapes = TokenShape.all.compactMap { shape in
    shape.certain.map { (start: shape.start, length: $0, what: shape.what) }
  }

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
    mayHold(String(decoding: bytes, as: UTF8.self))
  }

  private static func mayHold(_ text: String) -> Bool {
    text.holds("PRIVATE KEY-----") || text.holds(EncodedKey.start) || shapes.contains { text.holds($0.start) }
  }

  /// What stands in a line, by its column.
  static func found(in line: Substring, next: Substring) -> [(column: Int, what: String)] {
    let line = String(line)
    guard mayHold(line) else { return [] }
    var found: [(place: String.Index, what: String)] = []
    if let begin = line.firstPlace(of: "-----BEGIN "), let end = line.firstPlace(of: "PRIVATE KEY-----"),
      isKey(line[end.upperBound...]) || isKey(next)
    {
      found.append((begin.lowerBound, "a private key"))
    }
    if let begin = line.firstPlace(of: EncodedKey.start)?.lowerBound,
      EncodedKey.count(at: line[begin...].utf8) ?? 0 >= 80
    {
      found.append((begin, "a private key in base64"))
    }
    for shape in shapes {
      var start = line.startIndex
      while let range = line.firstPlace(of: shape.start, from: start) {
        start = range.upperBound
        if let before = line[..<range.lowerBound].last, before.isLetter || before.isNumber || before == "_" {
          continue
        }
        let run = line[start...].prefix {
          $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
        }
        // What begins within a word is part of it.
        start = run.endIndex
        guard run.count >= shape.length, !isExample(run) else { continue }
        found.append((range.lowerBound, shape.what))
      }
    }
    var (column, index) = (1, line.startIndex)
    return found.map { place, what in
      if place < index { (column, index) = (1, line.startIndex) }
      column += line.unicodeScalars.distance(from: index, to: place)
      index = place
      return (column, what)
    }
  }

  /// Whether a line begins with what keys are written in.
  private static func isKey(_ line: Substring) -> Bool {
    let text = line.drop { $0 == " " || $0 == "\t" || $0 == "\\" || $0 == "n" && line.hasPrefix("\\n") }
    let run = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+/=".contains($0)) }
    return run.count >= 32 && !isExample(run)
  }

  /// Whether a text only shows what a token looks like: it says so, or has hardly any letters.
  private static func isExample(_ text: Substring) -> Bool {
    let lower = text.lowercased()
    return ["example", "your", "here", "changeme", "replace", "xxxx", "dummy"].contains(where: lower.contains)
      || Set(text).count < 6
  }
}
