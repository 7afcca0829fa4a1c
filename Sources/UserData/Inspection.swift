public import Diagnostics
import Gzip
import Secrets
package import YAML

/// What some user-data is made of, whoever made it: its layers of encoding and its parts.
public struct Inspection: Sendable {
  /// Something that was taken off to get at the parts.
  public enum Layer: Hashable, Sendable {
    /// base64 of `decoded` bytes.
    case base64(decoded: Int)
    /// gzip of `decoded` bytes.
    case gzip(decoded: Int)
    /// A MIME multipart message.
    case mime
    /// A `#cloud-config-archive`: a list of parts in YAML.
    case archive
  }

  /// A file that cloud-init would write.
  public struct File: Hashable, Sendable {
    /// Its path.
    public let path: String
    /// Its permissions, as they are written; `0644` where they are not.
    public let mode: String
    /// Its owner, where one is named.
    public let owner: String?
    /// Its size in bytes, decoded.
    public let bytes: Int

    /// The permissions, where they are a number: anything may stand there by mistake.
    fileprivate var shownMode: String {
      mode.utf8.count <= 6 && mode.utf8.allSatisfy("01234567o".utf8.contains) ? mode : "----"
    }
  }

  /// One part of the user-data.
  public struct Part: Sendable {
    /// Its MIME type, declared or taken from its first line as cloud-init does.
    public let type: String
    /// Its name, where a MIME header gives one.
    public let name: String?
    /// Its size in bytes, decoded.
    public let bytes: Int
    /// The keys of a cloud-config, in order.
    public let keys: [String]
    /// The files of a cloud-config.
    public let files: [File]
    /// Its text, with every value that may be a secret taken out.
    public let redacted: String
  }

  /// The size as given, in bytes.
  public let bytes: Int
  /// What was taken off, outermost first.
  public let layers: [Layer]
  /// The parts, in order.
  public let parts: [Part]
  /// What a reader would want to know.
  public let report: Report

  /// The most that a layer may expand to, in bytes: more than any platform takes.
  package static let limit = 4 << 20

  /// Looks at user-data. A part that cannot be read is an error in ``report``, and the others are looked at.
  ///
  /// - Throws: a report where a layer is damaged.
  public init(_ bytes: [UInt8], source: String) throws(Report) {
    self.bytes = bytes.count
    let opened = try Self.open(bytes, source: source)
    var report = Report(opened.problems.map { $0.diagnostic("user-data-mime", source, from: opened.line) })
    // Each entry is unpacked for its size and for its text.
    var budget = (sizes: Self.limit, texts: Self.limit)
    parts = opened.bodies.map { body in
      for problem in body.problems {
        report.add(problem.diagnostic("user-data-part", source, from: body.line))
      }
      return Part(body, source: source, report: &report, budget: &budget)
    }
    layers = opened.layers
    self.report = report
  }

  /// What cloud-init reads otherwise than it stands there.
  package struct Problem: Sendable {
    /// How much it weighs.
    package let severity: Diagnostic.Severity
    /// Where it stands, in the text that has it.
    package let mark: Mark
    /// What it is.
    package let message: String
    /// What to do.
    package let help: String

    init(_ severity: Diagnostic.Severity, _ mark: Mark, _ message: String, help: String) {
      self.severity = severity
      self.mark = mark
      self.message = message
      self.help = help
    }

    /// The finding, where the text begins at a line of the file, if it does.
    fileprivate func diagnostic(_ code: String, _ source: String, from line: Int?) -> Diagnostic {
      let place = line.map { Location(source: source, line: mark.line + $0 - 1, column: mark.column) }
      return Diagnostic(severity, code, at: place ?? Location(source: source), message, help: help)
    }
  }

  /// User-data under every layer of encoding, secrets included.
  package struct Opened: Sendable {
    /// What was taken off, outermost first.
    package var layers: [Layer] = []
    /// The parts, in order.
    package var bodies: [Body] = []
    /// What is wrong with the message that they are parts of; places are lines of the message.
    package var problems: [Problem] = []
    /// The line at which the message begins in the file; nil where it is encoded there.
    package var line: Int?
  }

  /// A part as cloud-init gets it: decoded, and nothing taken out.
  package struct Body: Sendable {
    /// Its MIME type, declared or taken from its first line.
    package let type: String
    /// Its name, where a MIME header gives one.
    package let name: String?
    /// Its bytes.
    package let content: [UInt8]
    /// The line, from 1, at which it begins in what is under the layers; nil where it does not stand there as it is.
    /// For an item, the line of its archive.
    package let line: Int?
    /// Where it stands, if it is an item of an archive: the archive's text, the value, and its JSON path.
    package let item: (archive: [UInt8], value: Node, path: String)?
    /// Which instances of several it is for, where that is said.
    package var launchIndex: String?
    /// Whether a header says how it is merged with the cloud-configs before it.
    package var hasMergeType = false
    /// What cloud-init reads otherwise than it stands here, by the lines of the content.
    package var problems: [Problem] = []

    init(
      type: String, name: String?, content: [UInt8], line: Int?,
      item: (archive: [UInt8], value: Node, path: String)? = nil
    ) {
      self.type = type
      self.name = name
      self.content = content
      self.line = line
      self.item = item
    }

    /// A whole text, which no header says anything of.
    package init(whole content: [UInt8]) {
      self.init(type: Inspection.type(of: content), name: nil, content: content, line: 1)
    }
  }

  /// Opens user-data.
  ///
  /// - Throws: a report where a layer is damaged.
  package static func open(_ bytes: [UInt8], source: String) throws(Report) -> Opened {
    var opened = Opened()
    let content = try unwrap(bytes, source: source, layers: &opened.layers)
    opened.line = content == bytes ? 1 : nil
    let isMessage = MIME.isMessage(content)
    if isMessage, MIME.hasHeaders(content) {
      opened.layers.append(.mime)
      let message = try MIME.read(content, source: source)
      opened.problems = message.problems
      opened.bodies = message.bodies.flatMap { Body($0).exploded }
    } else {
      // What has no headers is one body, and Python reads it as such.
      var body = Body(whole: content)
      if isMessage, let problem = MIME.unencoded(content) { body.problems.append(problem) }
      opened.bodies = body.exploded
    }
    if opened.bodies.contains(where: { $0.item != nil }) { opened.layers.append(.archive) }
    return opened
  }

  /// The bytes under base64 and gzip.
  ///
  /// - Throws: a report where a layer is damaged.
  package static func unwrapped(_ bytes: [UInt8], source: String) throws(Report) -> [UInt8] {
    var layers: [Layer] = []
    return try unwrap(bytes, source: source, layers: &layers)
  }

  /// What cloud-init takes a part for that no header says more of, by its first line; `unknown` where it knows none.
  package static func type(of content: [UInt8]) -> String { Body.type(of: content) ?? "unknown" }

  /// Whether k3seed made a cloud-config.
  package static func isOwn(_ node: Node) -> Bool { Redactor.isOwn(node) }

  private static func unwrap(
    _ bytes: [UInt8], source: String, layers: inout [Layer]
  ) throws(Report) -> [UInt8] {
    guard !bytes.isEmpty else {
      throw Report([.error("user-data-empty", at: Location(source: source), "the file is empty")])
    }
    var content = bytes
    // Two layers of each kind: base64 of gzip is usual, base64 of base64 a mistake worth showing.
    for _ in 0..<4 {
      if Gzip.isGzip(content) {
        do {
          content = try Gzip.decompress(content, limit: limit)
        } catch {
          throw Report([
            .error(
              "user-data-gzip", at: Location(source: source),
              "the gzip layer cannot be read: \(error.message)")
          ])
        }
        layers.append(.gzip(decoded: content.count))
      } else if let decoded = Base64.decode(content), !decoded.isEmpty, content.count >= 16 {
        content = decoded
        layers.append(.base64(decoded: content.count))
      } else {
        break
      }
    }
    return content
  }
}

extension Inspection.Part {
  private static let unreadable =
    "<not shown: it cannot be read as YAML, so secrets in it cannot be told apart>\n"

  init(
    _ body: Inspection.Body, source: String, report: inout Report, budget: inout (sizes: Int, texts: Int)
  ) {
    let content = body.content
    let type = body.type
    let text = String(decoding: content, as: UTF8.self)
    self.type = type
    name = body.name
    bytes = content.count
    guard type == "text/cloud-config" else {
      if type == "unknown", body.problems.isEmpty {
        report.add(
          .warning(
            "user-data-type", at: Location(source: source, line: 1, column: 1),
            "the first line is none that cloud-init knows, so it ignores the part",
            help: "begin it with #cloud-config or #!"))
      }
      keys = []
      files = []
      redacted = Redactor.part(text, budget: &budget.texts) ?? Self.unreadable
      return
    }
    let parsed = report.collect { () throws(Report) in
      try YAML.parseAsPython(content, source: source)
    }
    if let parsed { report.add(parsed.report) }
    guard let node = parsed?.root else {
      keys = []
      files = []
      redacted = Self.unreadable
      return
    }
    keys = node.mapping?.map(\.key) ?? []
    files = (node["write_files"]?.sequence ?? []).compactMap { file in
      guard let path = file["path"]?.string else { return nil }
      return Inspection.File(
        path: path, mode: file["permissions"]?.scalarText ?? "0644", owner: file["owner"]?.string,
        bytes: file.fileContent(within: &budget.sizes).count)
    }
    redacted =
      "#cloud-config\n"
      + String(decoding: YAML.emit(Redactor.cloudConfig(node, budget: &budget.texts)), as: UTF8.self)
  }
}

extension Node {
  /// The text of a scalar, whatever it was taken for.
  package var scalarText: String? {
    switch value {
    case .string(let text), .number(let text): text
    case .bool(let flag): flag ? "true" : "false"
    default: nil
    }
  }

  /// The bytes of a `write_files` entry, its `encoding` taken off (cloud-init's documentation of the module).
  package var fileContent: [UInt8] {
    var budget = Inspection.limit
    return fileContent(within: &budget)
  }

  /// The bytes of a `write_files` entry, as far as what all entries of a payload may expand to reaches; what is over it
  /// stays compressed, as what is damaged does.
  package func fileContent(within budget: inout Int) -> [UInt8] {
    let text = Array((self["content"]?.scalarText ?? "").utf8)
    var encoding = self["encoding"]?.string?.lowercased() ?? ""
    if self["content"]?.tag == "tag:yaml.org,2002:binary" { encoding = "b64" }
    let isGzip = encoding.hasPrefix("gz")
    let isBase64 = encoding.hasSuffix("b64") || encoding.hasSuffix("base64")
    let decoded = isBase64 ? Base64.decode(text) ?? text : text
    guard isGzip, let unpacked = try? Gzip.decompress(decoded, limit: budget) else { return decoded }
    budget -= unpacked.count
    return unpacked
  }
}

extension Inspection {
  /// The inspection as text.
  ///
  /// - Parameter showsContent: whether the parts' texts follow, without what is recognised as a secret.
  public func text(showsContent: Bool) -> String {
    var text = "\(bytes.grouped) bytes"
    for layer in layers {
      switch layer {
      case .base64(let decoded): text += ", base64 of \(decoded.grouped)"
      case .gzip(let decoded): text += ", gzip of \(decoded.grouped)"
      case .mime: text += ", MIME of \(parts.count) \(parts.count == 1 ? "part" : "parts")"
      case .archive:
        text += ", cloud-config-archive\(layers.contains(.mime) ? "" : " of \(parts.count.counted("part"))")"
      }
    }
    text += "\n"
    for (index, part) in parts.enumerated() {
      text += "\npart \(index + 1): \(part.type.structureName), \(part.bytes.grouped) bytes"
      if let name = part.name { text += ", \(name.structureName)" }
      text += "\n"
      if !part.keys.isEmpty { text += "  keys: \(part.keys.map(\.structureName).joined(separator: ", "))\n" }
      let digits = part.files.map { $0.bytes.grouped.count }.max() ?? 0
      for file in part.files {
        text +=
          "  \(file.shownMode)  \(file.bytes.grouped.padded(left: digits)) B  \(file.path.structureName)"
        text += file.owner.map { "  \($0.structureName)\n" } ?? "\n"
      }
      if showsContent {
        text += "\n\(part.redacted.printableLines)\(part.redacted.hasSuffix("\n") ? "" : "\n")"
      }
    }
    return text + (showsContent ? "\n\(Redactor.caution)\n" : "")
  }
}
