public import Diagnostics

/// YAML, read and written through the system's libyaml.
public enum YAML {
  /// Whether a plain scalar that YAML 1.1 and 1.2 read differently is refused.
  public enum Ambiguity: Sendable {
    /// It is an error: for what people write for k3seed, where quoting is the cure.
    case refused
    /// It is a string, unless YAML 1.2's core schema says otherwise: for looking at what others wrote.
    case accepted
    /// It is what PyYAML's safe loader takes it for, the reader of cloud-init: see ``YAML/parseAsPython(_:source:)``.
    case python
  }

  /// Reads all documents of a stream.
  ///
  /// Anchors are resolved, tags of YAML's own core schema applied, mapping keys made strings. More than
  /// `maximumNodes` nodes and more than 100 levels (aliases expanded) are refused, and aliases that add more than
  /// 1 MiB of text; in all documents of a stream together, four times as many nodes.
  ///
  /// - Parameters:
  ///   - bytes: the text, in UTF-8; a leading byte order mark is skipped.
  ///   - source: the name of the text in findings.
  ///   - ambiguity: what to do with scalars such as `yes` and `0777`.
  ///   - maximumNodes: as many as no configuration has, unless said otherwise.
  /// - Throws: a report with the syntax error, or with every duplicate key and every ambiguous scalar.
  public static func parse(
    _ bytes: [UInt8], source: String, ambiguity: Ambiguity = .refused, maximumNodes: Int = 100_000
  ) throws(Report) -> [Node] {
    var composer = try composer(bytes, source: source, ambiguity: ambiguity, maximumNodes: maximumNodes)
    return try composer.documents()
  }

  /// Reads a text of one document as PyYAML's safe loader does, with which cloud-init reads: YAML 1.1.
  ///
  /// `on` is a boolean, `012` and `12:30` are numbers (as they are written), `2024-01-01` is a string with the tag
  /// `timestamp`. What PyYAML refuses though it is YAML (a tag of somebody's own, an anchor given twice, a date that is
  /// none) is an error. Of a key that is given twice the last value counts, as it does for PyYAML.
  ///
  /// - Returns: the document, nil where there is none; and what is wrong in it.
  /// - Throws: a report where the text is no YAML.
  public static func parseAsPython(
    _ bytes: [UInt8], source: String
  ) throws(Report) -> (root: Node?, report: Report) {
    var composer = try composer(bytes, source: source, ambiguity: .python, maximumNodes: 100_000)
    var (documents, report) = try composer.documentsWithReport()
    if documents.count > 1 { report.add(secondDocument(at: documents[1].mark, source)) }
    return (documents.first, report)
  }

  /// A key that stands in a mapping again.
  public struct RepeatedKey: Hashable, Sendable {
    /// The key.
    public var key: String
    /// Where it stands again.
    public var mark: Mark
    /// Where it stood before.
    public var first: Mark
    /// Its JSON path.
    public var path: String
  }

  /// Reads all documents of a stream as Kubernetes' decoders and Helm do: of a key that is given twice the last counts.
  ///
  /// - Returns: the documents, and the keys that are given again.
  /// - Throws: a report with the syntax error.
  public static func parseLastWins(
    _ bytes: [UInt8], source: String
  ) throws(Report) -> (documents: [Node], repeated: [RepeatedKey]) {
    var composer = try composer(bytes, source: source, ambiguity: .accepted, maximumNodes: 100_000)
    composer.repeated = []
    return (try composer.documents(), composer.repeated ?? [])
  }

  private static func composer(
    _ bytes: [UInt8], source: String, ambiguity: Ambiguity, maximumNodes: Int
  ) throws(Report) -> Composer {
    // libyaml would count the mark as a column.
    let bytes = bytes.starts(with: byteOrderMark) ? Array(bytes.dropFirst(byteOrderMark.count)) : bytes
    if ambiguity == .refused { try refuseOddLineBreaks(bytes, source: source) }
    var events: [Event] = []
    var bounds = Composer.Bounds(maximumNodes: maximumNodes)
    do {
      try Libyaml.parse(bytes) { event in
        events.append(event)
        return bounds.hold(after: event)
      }
    } catch {
      throw Report([
        .error(
          "yaml-syntax", at: Location(source: source, at: error.mark), "not YAML: \(error.problem)",
          help: error.help)
      ])
    }
    return Composer(events: events, source: source, ambiguity: ambiguity, maximumNodes: maximumNodes)
  }

  /// Refuses the three characters that end a line in YAML 1.1 (U+0085, U+2028, U+2029) but not in YAML 1.2
  /// and not in an editor: libyaml would join, split or replace text there, and count lines otherwise.
  private static func refuseOddLineBreaks(_ bytes: [UInt8], source: String) throws(Report) {
    var report = Report()
    var mark = Mark(line: 1, column: 1)
    for offset in bytes.indices {
      let byte = bytes[offset]
      if byte == 0xC2 || byte == 0xE2 {
        for (escape, character) in [(#"\N"#, "\u{85}"), (#"\L"#, "\u{2028}"), (#"\P"#, "\u{2029}")]
        where bytes[offset...].starts(with: character.utf8) {
          report.add(
            .error(
              "yaml-ambiguous", at: Location(source: source, at: mark),
              "a character that ends a line in YAML 1.1 and not in YAML 1.2",
              help: "write it as \(escape) in double quotes"))
        }
        // As many as a person mends by hand.
        if report.diagnostics.count == 100 { break }
      }
      if byte == 0x0A {
        mark = Mark(line: mark.line + 1, column: 1)
      } else if !UTF8.isContinuation(byte) {
        mark.column += 1
      }
    }
    try report.throwIfErrors()
  }

  /// Where tabs stand between the words of a text, which libyaml and go-yaml take for white space. PyYAML's own scanner,
  /// with which cloud-init reads, refuses the text for the first of them (`scanner.py`, `scan_to_next_token`).
  ///
  /// Tabs within quotes, blocks and comments are text. A text that cannot be read has none.
  public static func separatingTabs(in bytes: [UInt8]) -> [Mark] {
    guard bytes.contains(0x09), let scalars = try? Libyaml.scalars(bytes) else { return [] }
    var marks: [Mark] = []
    var next = scalars.startIndex
    var mark = Mark(line: 1, column: 1)
    var isComment = false
    var isBelow = false
    var before: Unicode.Scalar = "\n"
    for (offset, character) in String(decoding: bytes, as: UTF8.self).unicodeScalars.enumerated() {
      while next < scalars.endIndex, scalars[next].range.upperBound <= offset {
        next += 1
        isBelow = false
      }
      let isText =
        if next < scalars.endIndex, scalars[next].range.contains(offset) {
          switch scalars[next].style {
          case .plain: false
          case .singleQuoted, .doubleQuoted: true
          // What stands behind the sign of a block is not its text yet.
          case .literal, .folded: isBelow
          }
        } else {
          false
        }
      if character == "#", !isText, " \t\n".unicodeScalars.contains(before) { isComment = true }
      if character == "\t", !isText, !isComment { marks.append(mark) }
      before = character
      mark.column += 1
      if character == "\n" {
        mark = Mark(line: mark.line + 1, column: 1)
        isComment = false
        isBelow = true
      }
    }
    return marks
  }

  /// Reads a stream of exactly one document.
  public static func parseOne(
    _ bytes: [UInt8], source: String, ambiguity: Ambiguity = .refused
  ) throws(Report) -> Node {
    let documents = try parse(bytes, source: source, ambiguity: ambiguity)
    switch documents.count {
    case 1: return documents[0]
    case 0:
      throw Report([
        .error("yaml-empty", at: Location(source: source, line: 1, column: 1), "the text holds no document")
      ])
    default:
      throw Report([secondDocument(at: documents[1].mark, source)])
    }
  }

  private static func secondDocument(at mark: Mark, _ source: String) -> Diagnostic {
    .error(
      "yaml-documents", at: Location(source: source, at: mark),
      "a second document starts here; only one is allowed")
  }

  /// Writes a document: block style, ASCII only, keys in the node's own order, tags left out.
  ///
  /// Every string reads back as that string in YAML 1.1 (PyYAML) and YAML 1.2: it is quoted unless it is
  /// certain to be taken for nothing else, and text of several lines is a literal block where that is exact.
  /// Numbers keep their digits; one with an exponent is respelt where YAML 1.1 would take it for a string.
  public static func emit(_ node: Node) -> [UInt8] {
    Libyaml.emit { send(node, to: $0) }
  }

  private static func send(_ node: Node, to emitter: (Event.Kind) -> Void) {
    switch node.value {
    case .null: emitter(.scalar("null", .plain))
    case .bool(let flag): emitter(.scalar(flag ? "true" : "false", .plain))
    case .number(let digits): emitter(.scalar(PlainScalar.spelling(ofNumber: digits), .plain))
    case .string(let text): emitter(.scalar(text, style(for: text)))
    case .sequence(let items):
      emitter(.sequenceStart)
      for item in items { send(item, to: emitter) }
      emitter(.sequenceEnd)
    case .mapping(let entries):
      emitter(.mappingStart)
      for entry in entries {
        emitter(.scalar(entry.key, PlainScalar.isSafe(entry.key) ? .plain : quoted(entry.key)))
        send(entry.value, to: emitter)
      }
      emitter(.mappingEnd)
    }
  }

  private static func style(for text: String) -> Event.Style {
    if PlainScalar.isSafe(text) { return .plain }
    return isLiteral(text) ? .literal : quoted(text)
  }

  /// A text that a literal block holds exactly, whoever reads it: more than one line of printable ASCII, the
  /// first neither empty nor indented (which would need an indentation indicator), no line ended by a space,
  /// no tab (forbidden as indentation, and readers differ on where that ends), one line feed or none at the
  /// end.
  private static func isLiteral(_ text: String) -> Bool {
    var text = text
    return text.withUTF8(isLiteral)
  }

  private static func isLiteral(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var previous: UInt8 = 0x0A
    var lines = 0
    for byte in bytes {
      switch byte {
      case 0x0A:
        if previous == 0x20 || (lines == 0 && previous == 0x0A) { return false }
        lines += 1
      case 0x20: if lines == 0 && previous == 0x0A { return false }
      case 0x21...0x7E: break
      default: return false
      }
      previous = byte
    }
    return lines > 0 && previous != 0x20 && !bytes.suffix(2).elementsEqual([0x0A, 0x0A])
  }

  /// Single quotes keep quotes and backslashes as they are; what is not printable ASCII needs the escapes of
  /// double quotes.
  private static func quoted(_ text: String) -> Event.Style {
    text.utf8.allSatisfy { (0x20...0x7E) ~= $0 } ? .singleQuoted : .doubleQuoted
  }
}
