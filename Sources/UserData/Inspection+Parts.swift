import Diagnostics
import Gzip
import YAML

/// What cloud-init takes a part for (`cloudinit/user_data.py`, `_process_msg` and `_explode_archive`, and
/// `cloudinit/handlers/__init__.py`, of 22.4 and, the same, of 26.2).
extension Inspection.Body {
  /// What a first line says that a part is, in letters of either case and after any white space
  /// (`INCLUSION_TYPES_MAP` and `type_from_starts_with`).
  private static let firstLines: [(prefix: String, type: String)] = [
    ("#include-once", "text/x-include-once-url"), ("#include", "text/x-include-url"),
    ("#cloud-config-archive", "text/cloud-config-archive"),
    ("#cloud-config-jsonp", "text/cloud-config-jsonp"),
    ("#cloud-config", "text/cloud-config"), ("#cloud-boothook", "text/cloud-boothook"),
    ("#part-handler", "text/part-handler"), ("## template: jinja", "text/jinja2"),
    ("#!", "text/x-shellscript"),
  ]

  /// The types that cloud-init has handlers for; a `part-handler` may bring others.
  package static let handled: Set = Set(
    firstLines.map(\.type) + [
      "text/x-shellscript-per-boot", "text/x-shellscript-per-instance", "text/x-shellscript-per-once",
    ])

  /// Types of which the first line decides, and none other (`TYPE_NEEDED`).
  private static let undecided: Set = ["text/plain", "text/x-not-multipart", "text/x-shellscript"]

  /// Types in which cloud-init takes gzip off (`DECOMP_TYPES`).
  private static let compressed: Set = [
    "application/gzip", "application/gzip-compressed", "application/gzipped", "application/x-compress",
    "application/x-compressed", "application/x-gunzip", "application/x-gzip",
    "application/x-gzip-compressed",
  ]

  /// What the first line says; nil where cloud-init knows none that begins so.
  static func type(of content: [UInt8]) -> String? {
    let text = content.drop { $0 == 0x20 || (0x09...0x0D) ~= $0 || (0x1C...0x1F) ~= $0 }
    let start = String(decoding: text.prefix(32), as: UTF8.self).lowercased()
    return firstLines.first { start.hasPrefix($0.prefix) }?.type
  }

  /// A part of a message, under gzip if cloud-init takes that off.
  init(_ body: MIME.Body) {
    var (content, line, problems) = (body.content, body.line, body.problems)
    var type = body.type
    func problem(_ message: String, _ help: String) -> Inspection.Problem {
      Inspection.Problem(.error, Mark(line: 1, column: 1), message, help: help)
    }
    if Self.compressed.contains(type) {
      if let unpacked = try? Gzip.decompress(content, limit: Inspection.limit) {
        (content, line, type) = (unpacked, nil, "text/plain")
      } else {
        problems.append(
          problem(
            "the part is said to be gzip and cannot be unpacked, for which cloud-init reads nothing of the message",
            "compress it again, or give it the type of what it holds"))
      }
    } else if Gzip.isGzip(content) {
      problems.append(
        problem(
          "cloud-init takes no gzip off a part of type \(type.printable), and reads nothing of it",
          "declare Content-Type: application/gzip, or compress the whole message"))
      // It is looked at as what it was meant as.
      if let unpacked = try? Gzip.decompress(content, limit: Inspection.limit) {
        (content, line) = (unpacked, nil)
        if type == "application/octet-stream" { type = "text/plain" }
      }
    }
    let found = Self.undecided.contains(type) ? Self.type(of: content) : nil
    self.init(
      type: found ?? (type == "text/plain" ? "unknown" : type), name: body.name, content: content, line: line)
    launchIndex = body.launchIndex
    hasMergeType = body.hasMergeType
    self.problems = problems
  }

  /// The items of an archive as cloud-init takes them: texts, and mappings with `content`; what declares no type and
  /// begins with nothing that it knows counts as a cloud-config. Else the part itself.
  var exploded: [Inspection.Body] {
    guard type == "text/cloud-config-archive" else { return [self] }
    var whole = self
    func fail(_ mark: Mark, _ message: String, _ help: String) -> [Inspection.Body] {
      whole.problems.append(Inspection.Problem(.error, mark, message, help: help))
      return [whole]
    }
    let list = "write a list: - type: text/cloud-config, with content below"
    let root: Node?
    do throws(Report) {
      let (node, report) = try YAML.parseAsPython(content, source: "")
      if let first = report.diagnostics.first(where: { $0.severity == .error && $0.code != "duplicate-key" })
      {
        return fail(
          first.mark, "cloud-init reads no part of this archive: \(first.message)", first.help ?? list)
      }
      root = node
    } catch {
      let first = error.diagnostics.first
      return fail(
        first?.mark ?? Mark(line: 1, column: 1),
        "the archive is not YAML, so cloud-init reads no part of it: \(first?.message ?? "")",
        first?.help ?? "mend it where this points")
    }
    guard let root, root.value != .null else { return [] }
    guard let items = root.sequence else {
      return fail(
        root.mark, "the archive is \(root.kind) and no list, so cloud-init reads no part of it", list)
    }
    return items.enumerated().map { index, item in body(of: item, at: index) }
  }

  private func body(of item: Node, at index: Int) -> Inspection.Body {
    let isText = item.string != nil
    let value = isText ? item : item["content"] ?? Node(.string(""), at: item.mark)
    let bytes = Array((value.scalarText ?? "").utf8)
    let declared = item["type"]?.string.flatMap { $0.isEmpty ? nil : $0 }
    var body = Inspection.Body(
      type: declared ?? Self.type(of: bytes) ?? "text/cloud-config", name: item["filename"]?.string,
      content: bytes, line: line,
      item: (content, value, "$[\(index)]" + (isText || item["content"] == nil ? "" : ".content")))
    body.launchIndex = item["launch-index"]?.scalarText
    body.hasMergeType = item["Merge-Type"] != nil || item["X-Merge-Type"] != nil
    func problem(_ message: String, _ help: String) {
      body.problems.append(Inspection.Problem(.error, Mark(line: 1, column: 1), message, help: help))
    }
    if !isText, item.mapping == nil {
      problem("cloud-init passes over an item that is \(item.kind)", "write type and content")
    } else if value.string == nil {
      problem(
        "the content of an item is \(value.kind), for which cloud-init reads nothing of the whole archive",
        "put it in quotes, or below a |")
    } else if let declared, declared.utf8.count(where: { $0 == UInt8(ascii: "/") }) != 1 {
      problem(
        "an item's type has no slash in it, for which cloud-init reads nothing of the whole archive",
        "write a type such as text/cloud-config")
    }
    return body
  }
}

extension Diagnostic {
  fileprivate var mark: Mark { Mark(line: location?.line ?? 1, column: location?.column ?? 1) }
}
