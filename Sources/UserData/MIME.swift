import Diagnostics
import Secrets

/// MIME multipart messages (RFC 2045, RFC 2046), as far as user-data uses them.
enum MIME {
  struct Body {
    var type: String?
    var name: String?
    var content: [UInt8]
    /// The line of the message, from 1, at which the content begins; nil where it does not stand there as it is.
    var line: Int?
  }

  /// Whether cloud-init takes the text for MIME: `mime-version:` in the first 4,096 bytes
  /// (`cloudinit/user_data.py`).
  static func isMessage(_ bytes: [UInt8]) -> Bool {
    String(decoding: bytes.prefix(4096), as: UTF8.self).lowercased().holds("mime-version:")
  }

  /// Whether a multipart message ends without its closing boundary. Python's `email`, with which cloud-init reads it,
  /// takes the end of the text for that of the last part.
  static func lacksEnd(_ bytes: [UInt8]) -> Bool {
    let (headers, content, _) = split(bytes)
    let (type, parameters) = parameters(headers["content-type"] ?? "")
    guard type.hasPrefix("multipart/"), let boundary = parameters["boundary"] else { return false }
    let last = Array("--\(boundary)--".utf8)
    return !lines(content).contains { $0.trimmedEnd == last }
  }

  /// The bodies of a message that are no multipart themselves, in order; without those that hold nothing.
  ///
  /// - Parameter line: the line at which the message begins.
  static func bodies(
    of bytes: [UInt8], source: String, line: Int = 1, depth: Int = 0
  ) throws(Report) -> [Body] {
    let (headers, content, headerLines) = split(bytes)
    let start = line + headerLines
    let (type, parameters) = parameters(headers["content-type"] ?? "")
    let name = self.parameters(headers["content-disposition"] ?? "").1["filename"] ?? parameters["name"]
    guard type.hasPrefix("multipart/") else {
      let decoded = decode(content, headers)
      return [
        Body(
          type: type.isEmpty ? nil : type, name: name, content: decoded,
          line: decoded == content ? start : nil)
      ]
    }
    guard let boundary = parameters["boundary"], !boundary.isEmpty, depth < 8 else {
      throw Report([
        .error("user-data-mime", at: Location(source: source), "a multipart header names no boundary")
      ])
    }
    let delimiter = Array("--\(boundary)".utf8)
    var sections: [(line: Int, bytes: [UInt8])] = []
    var current: (line: Int, bytes: [UInt8])?
    var isClosed = false
    for (index, line) in lines(content).enumerated() where !isClosed {
      let text = line.trimmedEnd
      guard text.starts(with: delimiter),
        [[], Array("--".utf8)].contains(Array(text.dropFirst(delimiter.count)))
      else {
        current?.bytes += line
        continue
      }
      // The line break before a delimiter belongs to the delimiter.
      if let section = current { sections.append((section.line, section.bytes.withoutFinalBreak)) }
      current = (start + index + 1, [])
      isClosed = text.count > delimiter.count
    }
    if !isClosed, let section = current {
      sections.append((section.line, section.bytes.withoutFinalBreak))
    }
    var bodies: [Body] = []
    for section in sections {
      bodies += try self.bodies(of: section.bytes, source: source, line: section.line, depth: depth + 1)
    }
    return bodies.filter { !$0.content.isEmpty }
  }

  /// A message's headers, names in lower case and folded lines joined; what follows them, after an empty line or at the
  /// first line that is no header, as Python's `email` has it; and how many lines are before that.
  private static func split(_ bytes: [UInt8]) -> ([String: String], [UInt8], Int) {
    var headers: [String: String] = [:]
    var last: String?
    var used = 0
    var count = 0
    for line in lines(bytes) {
      let text = String(decoding: line.trimmedEnd, as: UTF8.self)
      guard text.isEmpty || text.isHeader else { break }
      used += line.count
      count += 1
      if text.isEmpty { break }
      if text.first == " " || text.first == "\t" {
        if let last { headers[last]? += " " + text.drop { $0 == " " || $0 == "\t" } }
      } else if let colon = text.firstIndex(of: ":") {
        let name = text[..<colon].lowercased()
        headers[name] = String(text[text.index(after: colon)...].drop { $0 == " " })
        last = name
      }
    }
    return (headers, Array(bytes.dropFirst(used)), count)
  }

  /// `text/x; charset="us-ascii"; name=y` as its type and parameters.
  private static func parameters(_ header: String) -> (String, [String: String]) {
    let parts = header.split(separator: ";").map { part in
      String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    var parameters: [String: String] = [:]
    for part in parts.dropFirst() {
      guard let equals = part.firstIndex(of: "=") else { continue }
      var value = String(part[part.index(after: equals)...])
      if value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") {
        value = String(value.dropFirst().dropLast())
      }
      parameters[part[..<equals].lowercased()] = value
    }
    return (parts.first?.lowercased() ?? "", parameters)
  }

  private static func decode(_ content: [UInt8], _ headers: [String: String]) -> [UInt8] {
    switch headers["content-transfer-encoding"]?.lowercased() {
    case "base64":
      // What is cut off is decoded as far as it goes.
      let letters = content.filter { ![0x0A, 0x0D, 0x20, 0x09].contains($0) }
      let whole = Array(letters.dropLast(letters.count % 4))
      return Base64.decode(content) ?? (whole.isEmpty ? nil : Base64.decode(whole)) ?? content
    case "quoted-printable": return quotedPrintable(content)
    default: return content
    }
  }

  private static func quotedPrintable(_ content: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    for line in lines(content) {
      var text = line.trimmedEnd[...]
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
      if !isSoft, line.last == 0x0A { result.append(0x0A) }
    }
    return result
  }

  /// The lines with their ends.
  private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var start = 0
    for index in bytes.indices where bytes[index] == 0x0A {
      lines.append(Array(bytes[start...index]))
      start = index + 1
    }
    if start < bytes.count { lines.append(Array(bytes[start...])) }
    return lines
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
}

extension [UInt8] {
  /// Without white space and line breaks at the end.
  fileprivate var trimmedEnd: [UInt8] {
    Array(self[..<((lastIndex { $0 != 0x0A && $0 != 0x0D && $0 != 0x20 && $0 != 0x09 } ?? -1) + 1)])
  }

  fileprivate var withoutFinalBreak: [UInt8] {
    if suffix(2).elementsEqual([0x0D, 0x0A]) { return Array(dropLast(2)) }
    return last == 0x0A ? Array(dropLast()) : self
  }
}
