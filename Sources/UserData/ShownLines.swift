/// The lines of a text that a person may see beside a finding: without what is recognised as a secret, which is a guess.
public struct ShownLines: Sendable {
  private var lines: [Int: String] = [:]

  /// Reads a text, of which the lines with these numbers, from 1, are asked for.
  public init(_ bytes: [UInt8], wanted: Set<Int>) {
    guard let last = wanted.max() else { return }
    let all = bytes.split(separator: 0x0A, maxSplits: last, omittingEmptySubsequences: false)
    var number = 1
    TextRedactor.commands(of: String(decoding: bytes, as: UTF8.self), isOwn: false) { count, shown in
      defer { number += count }
      guard let shown, (number..<number + count).contains(where: wanted.contains) else { return }
      if count == 1 {
        lines[number] = String(decoding: shown, as: UTF8.self)
        return
      }
      // Lines that belong together are shown where nothing of them is left out.
      let whole = all.dropFirst(number - 1).prefix(count)
      guard Self.joined(whole) == shown else { return }
      for (place, line) in whole.enumerated() {
        lines[number + place] = String(decoding: line, as: UTF8.self)
      }
    }
  }

  /// Lines as the redactor hands on a command: those that end in a backslash go on without it.
  private static func joined(_ lines: some Collection<ArraySlice<UInt8>>) -> [UInt8] {
    var text: [UInt8] = []
    for (place, line) in lines.enumerated() {
      let goesOn = line.last == UInt8(ascii: "\\") && place < lines.count - 1
      text += goesOn ? line.dropLast() : line
      if !goesOn, place < lines.count - 1 { text.append(0x0A) }
    }
    return text
  }

  /// A line by its number, from 1; nil where it may not be shown, or is not there.
  public subscript(line: Int) -> String? {
    lines[line].map { $0.hasSuffix("\r") ? String($0.dropLast()) : $0 }
  }
}
