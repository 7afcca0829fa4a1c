extension Diagnostic {
  /// The finding on one line: `file:line:column: error: message (path); help [code]`.
  public var line: String {
    var text = ""
    if let location { text += "\(location): " }
    text += "\(severity.rawValue): \(message)"
    if let path = location?.path { text += " (at \(path))" }
    if let help { text += "; \(help)" }
    text += " [\(code)]"
    return text.printable
  }
}

extension Report {
  /// One line a finding, each ended by a line feed; empty where there is none.
  public var text: String {
    diagnostics.reduce(into: "") { $0 += $1.line + "\n" }
  }
}

extension String {
  /// The text with everything that could break a line or drive a terminal written as an escape, so that
  /// a name taken from an input can be shown: C0 and C1 controls, line separators, directional overrides.
  public var printable: String {
    guard unicodeScalars.contains(where: \.isUnprintable) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.isUnprintable {
        result += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  fileprivate var isUnprintable: Bool {
    switch value {
    case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
    default: false
    }
  }
}
