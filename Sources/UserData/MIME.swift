import Diagnostics
import Secrets
import YAML

/// MIME messages (RFC 2045, RFC 2046) as Python's `email` package reads them, and cloud-init with it
/// (`cloudinit/user_data.py`): lenient, and otherwise than people expect in places.
enum MIME {
  struct Body {
    /// What the header declares: `text/plain` where it declares nothing, or nothing that has the form of a type.
    var type: String
    var name: String?
    /// Which instances of several it is for, where a header says so.
    var launchIndex: String?
    /// Whether a header says how it is merged with the cloud-configs before it.
    var hasMergeType = false
    var content: [UInt8]
    /// The line of the message, from 1, at which the content begins; nil where it does not stand there as it is.
    var line: Int?
    /// What cloud-init reads otherwise than it stands here.
    var problems: [Inspection.Problem] = []
  }

  /// What was read of a message.
  struct Message {
    /// The bodies that are no multipart themselves, in order; without those that hold nothing.
    var bodies: [Body] = []
    /// What is wrong with the message as a whole; places are lines of the message.
    var problems: [Inspection.Problem] = []
  }

  /// More parts than in any message that is meant.
  private static let mostParts = 1000

  /// Whether cloud-init takes the text for MIME: `mime-version:` in the first 4,096 bytes
  /// (`cloudinit/user_data.py`).
  static func isMessage(_ bytes: [UInt8]) -> Bool {
    String(decoding: bytes.prefix(4096), as: UTF8.self).lowercased().holds("mime-version:")
  }

  /// Whether a text has headers at all: what begins with another line is a body alone.
  static func hasHeaders(_ bytes: [UInt8]) -> Bool { !split(bytes).headers.isEmpty }

  /// Reads a message.
  ///
  /// - Throws: a report where a multipart header names no boundary.
  static func read(_ bytes: [UInt8], source: String) throws(Report) -> Message {
    var message = Message()
    try read(bytes, source: source, line: 1, depth: 0, into: &message)
    return message
  }

  private static func read(
    _ bytes: [UInt8], source: String, line: Int, depth: Int, into message: inout Message
  ) throws(Report) {
    let (headers, content, headerLines) = split(bytes)
    let start = line + headerLines
    let (value, parameters) = parameters(headers["content-type"] ?? "")
    let type = value.utf8.count(where: { $0 == UInt8(ascii: "/") }) == 1 ? value : "text/plain"
    guard type.hasPrefix("multipart/") else {
      let body = body(content, headers, type: type, parameters, line: start)
      if !body.content.isEmpty { message.bodies.append(body) }
      return
    }
    guard let boundary = parameters["boundary"], !boundary.isEmpty, depth < 8 else {
      throw Report([
        .error("user-data-mime", at: Location(source: source), "a multipart header names no boundary")
      ])
    }
    let delimiter = Array("--\(boundary)".utf8)
    var sections: [(line: Int, bytes: Range<Int>)] = []
    var current: (line: Int, start: Int)?
    var isClosed = false
    let lines = Array(lines(content))
    for (index, line) in lines.enumerated() where !isClosed {
      let text = content[line].trimmedEnd
      guard text.starts(with: delimiter) else { continue }
      let rest = text.dropFirst(delimiter.count)
      guard rest.isEmpty || rest.elementsEqual("--".utf8) else { continue }
      // The line break before a delimiter belongs to the delimiter.
      if let current { sections.append((current.line, current.start..<line.lowerBound)) }
      isClosed = !rest.isEmpty
      current = isClosed ? nil : (start + index + 1, line.upperBound)
    }
    if let current { sections.append((current.line, current.start..<content.count)) }
    if sections.isEmpty {
      let other = lines.firstIndex {
        content[$0].starts(with: "--".utf8) && content[$0].trimmedEnd.count > 2
      }
      message.problems.append(
        Inspection.Problem(
          .error, Mark(line: other.map { start + $0 } ?? line, column: 1),
          "no line is the boundary that the header names, so cloud-init reads no part of this message",
          help: "write -- and the header's boundary on the line before each part"))
    } else if !isClosed {
      let last = lines.lastIndex { !content[$0].trimmedEnd.isEmpty } ?? 0
      message.problems.append(
        Inspection.Problem(
          .warning, Mark(line: start + last, column: 1),
          "the multipart message has no closing boundary, so cloud-init reads its last part as far as it goes",
          help: "end it with the boundary between -- and --; look for a cut-off upload"))
    }
    for section in sections {
      try read(
        content[section.bytes].withoutFinalBreak, source: source, line: section.line, depth: depth + 1,
        into: &message)
      guard message.bodies.count <= mostParts else {
        throw Report([
          .error(
            "user-data-mime", at: Location(source: source), "the message has more than \(mostParts) parts")
        ])
      }
    }
  }

  private static func body(
    _ content: [UInt8], _ headers: [String: String], type: String, _ parameters: [String: String], line: Int
  ) -> Body {
    let decoded = decode(content, headers)
    var body = Body(
      type: type,
      name: self.parameters(headers["content-disposition"] ?? "").1["filename"] ?? parameters["name"],
      launchIndex: headers["launch-index"],
      hasMergeType: headers["merge-type"] != nil || headers["x-merge-type"] != nil, content: decoded.bytes,
      line: decoded.bytes == content ? line : nil)
    if let problem = decoded.problem { body.problems.append(problem) }
    return body
  }

  /// A message's headers, names in lower case and folded lines joined; what follows them, after an empty line or at the
  /// first line that is no header, as Python's `email` has it; and how many lines are before that.
  private static func split(_ bytes: [UInt8]) -> (headers: [String: String], content: [UInt8], lines: Int) {
    var headers: [String: String] = [:]
    var last: String?
    var used = 0
    var count = 0
    for line in lines(bytes) {
      let text = String(decoding: bytes[line].withoutFinalBreak, as: UTF8.self)
      guard text.isEmpty || text.isHeader else { break }
      used += line.count
      count += 1
      if text.isEmpty { break }
      if text.first == " " || text.first == "\t" {
        if let last { headers[last]? += " " + text.drop { $0 == " " || $0 == "\t" } }
      } else if let colon = text.firstIndex(of: ":") {
        let name = text[..<colon].lowercased()
        // The first of several counts.
        last = headers[name] == nil ? name : nil
        if last != nil {
          headers[name] = String(text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" })
        }
      }
    }
    return (headers, Array(bytes.dropFirst(used)), count)
  }

  /// `text/x; charset="us-ascii"; name=y` as its value, in lower case, and parameters.
  private static func parameters(_ header: String) -> (String, [String: String]) {
    var parts = [""]
    var isQuoted = false
    for character in header {
      if character == "\"" { isQuoted.toggle() }
      if character == ";", !isQuoted { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    parts = parts.map(\.trimmed)
    var parameters: [String: String] = [:]
    for part in parts.dropFirst() {
      guard let equals = part.firstIndex(of: "=") else { continue }
      var value = String(part[part.index(after: equals)...]).trimmed
      if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
        value = String(value.dropFirst().dropLast())
      }
      parameters[String(part[..<equals]).trimmed.lowercased()] = value
    }
    return (parts[0].lowercased(), parameters)
  }

  // MARK: Decoding

  private static let plainEncodings = ["", "7bit", "8bit", "binary"]

  private static func decode(
    _ content: [UInt8], _ headers: [String: String]
  ) -> (bytes: [UInt8], problem: Inspection.Problem?) {
    let encoding = headers["content-transfer-encoding"]?.lowercased() ?? ""
    switch encoding {
    case "base64":
      guard let decoded = base64(content) else {
        return (
          content,
          Inspection.Problem(
            .error, Mark(line: 1, column: 1),
            "the part is said to be base64 and is not, so cloud-init reads it as it stands",
            help: "encode it again; look for a cut-off upload")
        )
      }
      return (decoded, nil)
    case "quoted-printable": return (quotedPrintable(content), nil)
    default:
      if !plainEncodings.contains(encoding) {
        return (
          content,
          Inspection.Problem(
            .error, Mark(line: 1, column: 1),
            "Python knows no Content-Transfer-Encoding \(encoding.quoted), so cloud-init reads the part as it stands",
            help: "use base64, quoted-printable or 7bit")
        )
      }
      return (content, unencoded(content))
    }
  }

  /// The first character beyond ASCII of a text that has no encoding. Python makes other bytes of it
  /// (`raw-unicode-escape`): one of Latin-1 for those up to U+00FF, and six characters, such as `\u2013`, for others.
  static func unencoded(_ content: [UInt8]) -> Inspection.Problem? {
    guard content.contains(where: { $0 >= 0x80 }) else { return nil }
    var (latin, other, comment): (Mark?, (Mark, Unicode.Scalar)?, (Mark, Unicode.Scalar)?) = (nil, nil, nil)
    for (number, place) in lines(content).enumerated() where content[place].contains(where: { $0 >= 0x80 }) {
      let line = content[place]
      let isComment = line.first { $0 != 0x20 && $0 != 0x09 } == UInt8(ascii: "#")
      for (column, scalar) in String(decoding: line, as: UTF8.self).unicodeScalars.enumerated()
      where !scalar.isASCII {
        let mark = Mark(line: number + 1, column: column + 1)
        if scalar.value < 0x100 {
          latin = latin ?? mark
        } else if isComment {
          comment = comment ?? (mark, scalar)
        } else {
          other = other ?? (mark, scalar)
        }
      }
    }
    let help = "write ASCII, or encode the part in base64 (Content-Transfer-Encoding: base64)"
    if let latin {
      return Inspection.Problem(
        .error, latin,
        "a character beyond ASCII stands in a part without an encoding: Python makes bytes of it that are no UTF-8, so cloud-init reads nothing of the part",
        help: help)
    }
    guard let (mark, scalar) = other ?? comment else { return nil }
    return Inspection.Problem(
      other == nil ? .warning : .error, mark,
      "a character beyond ASCII stands in a part without an encoding: Python makes \(scalar.escaped) of it",
      help: help)
  }

  /// Base64 as Python's `email` takes it: what is no letter of it is passed over, and what is cut off is decoded as far
  /// as it goes.
  private static func base64(_ content: [UInt8]) -> [UInt8]? {
    var letters = content.filter { byte in
      (0x41...0x5A) ~= byte || (0x61...0x7A) ~= byte || (0x30...0x39) ~= byte || byte == 0x2B || byte == 0x2F
    }
    if letters.isEmpty || letters.count % 4 == 1 { return nil }
    // The bits of the last letter that are part of no byte count for nothing.
    let spare = [0, 0, 0xF, 0x3][letters.count % 4]
    if let last = letters.popLast() {
      let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
      letters.append(alphabet.firstIndex(of: last).map { alphabet[$0 & ~spare] } ?? last)
    }
    while letters.count % 4 != 0 { letters.append(UInt8(ascii: "=")) }
    return Base64.decode(letters)
  }

  private static func quotedPrintable(_ content: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for line in lines(content) {
      var text = content[line].trimmedEnd
      let isSoft = text.last == UInt8(ascii: "=")
      if isSoft { text.removeLast() }
      while let byte = text.first {
        let digits = text.dropFirst().prefix(2)
        if byte == UInt8(ascii: "="), digits.count == 2,
          let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
        {
          result.append(value)
          text = text.dropFirst(3)
        } else {
          result.append(byte)
          text = text.dropFirst()
        }
      }
      if !isSoft, content[line].last == 0x0A { result.append(0x0A) }
    }
    return result
  }

  /// Where the lines stand, with their ends: one after the other, as far as they are asked for.
  private static func lines(_ bytes: [UInt8]) -> some Sequence<Range<Int>> {
    sequence(state: 0) { start -> Range<Int>? in
      guard start < bytes.count else { return nil }
      let line = start..<(bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count)
      start = line.upperBound
      return line
    }
  }
}

extension String {
  /// Whether Python's `email` takes a line for a header, or for what goes on with one: a name without a space, and a
  /// colon.
  fileprivate var isHeader: Bool {
    guard let first = utf8.first, first != 0x20, first != 0x09 else { return true }
    let name = utf8.prefix { (0x21...0x7E) ~= $0 && $0 != UInt8(ascii: ":") }
    return name.endIndex < utf8.endIndex && utf8[name.endIndex] == UInt8(ascii: ":") || hasPrefix("From ")
  }

  /// Without white space at either end.
  fileprivate var trimmed: String {
    let text = drop { $0 == " " || $0 == "\t" }
    return String(
      text[..<(text.lastIndex { $0 != " " && $0 != "\t" }.map(text.index(after:)) ?? text.startIndex)])
  }

  /// In quotes, as far as it may be shown.
  fileprivate var quoted: String { "\"\(String(prefix(40)).printable)\"" }
}

extension Unicode.Scalar {
  /// As Python's `raw-unicode-escape` writes it.
  fileprivate var escaped: String {
    let digits = String(value, radix: 16)
    let width = value > 0xFFFF ? 8 : 4
    return (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

extension ArraySlice<UInt8> {
  /// Without white space and line breaks at the end.
  fileprivate var trimmedEnd: ArraySlice<UInt8> {
    self[..<(lastIndex { $0 != 0x0A && $0 != 0x0D && $0 != 0x20 && $0 != 0x09 }.map { $0 + 1 } ?? startIndex)]
  }

  fileprivate var withoutFinalBreak: [UInt8] {
    if suffix(2).elementsEqual([0x0D, 0x0A]) { return Array(dropLast(2)) }
    return Array(last == 0x0A ? dropLast() : self)
  }
}
