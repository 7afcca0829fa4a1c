import Gzip
import Secrets

/// Scripts for a shell or for Python as they travel in user-data.
///
/// A room of its own, because the embedded ones are made ready when k3seed is built (see EmbedFiles), and a user's own
/// when they are rendered.
public enum Script {
  /// A script without blank lines and lines that are only a comment, but with its `#!`: every byte counts
  /// against a platform's limit. A line that another one continues stays, and a script with a here-document, or with
  /// what may be a Python string of several lines, is left as it is, since such lines may be part of one.
  public static func condensed(_ script: String) -> String {
    if script.contains("\"\"\"") || script.contains("'''") { return script }
    let bytes = Array(script.utf8)
    let here = UInt8(ascii: "<")
    for index in bytes.indices
    where bytes[index] == here && index + 1 < bytes.count && bytes[index + 1] == here {
      let isLonger =
        index > 0 && bytes[index - 1] == here || index + 2 < bytes.count && bytes[index + 2] == here
      if !isLonger { return script }
    }
    var kept: [UInt8] = []
    kept.reserveCapacity(bytes.count)
    var isContinued = false
    var start = 0
    while start <= bytes.count {
      let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
      let line = bytes[start..<end]
      let first = line.first { $0 != 0x20 && $0 != 0x09 }
      let isCode = first != nil && first != UInt8(ascii: "#") || start == 0 && line.starts(with: "#!".utf8)
      if isCode || isContinued {
        isContinued = line.last == UInt8(ascii: "\\")
        kept += line
        kept.append(0x0A)
      }
      start = end + 1
    }
    return String(decoding: kept, as: UTF8.self)
  }

  /// A text compressed and then in base64, as `encoding: gz+b64` of cloud-init's `write_files` has it.
  public static func packed(_ text: String) -> String {
    String(decoding: Base64.encode(Gzip.compress(Array(text.utf8))), as: UTF8.self)
  }
}
