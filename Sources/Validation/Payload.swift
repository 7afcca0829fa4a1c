public import Diagnostics
import Inputs
public import Plan
import UserData
import YAML

/// User-data that anybody made, opened so that rules can look at it.
public struct Payload: Sendable {
  /// What findings call the file.
  package let source: String
  /// The bytes as given.
  let bytes: [UInt8]
  /// The bytes without base64 and gzip.
  let content: [UInt8]
  /// What was taken off, outermost first.
  let layers: [Inspection.Layer]
  /// The parts, in the order in which cloud-init reads them.
  let parts: [Part]
  /// Where it is delivered, as far as that is known.
  let platform: Platform?
  /// What is wrong with the message that the parts are of.
  let messageProblems: [Inspection.Problem]

  /// Opens user-data.
  ///
  /// - Parameters:
  ///   - bytes: the user-data as it would be handed over: plain, gzip, base64 or MIME.
  ///   - source: what findings call it.
  ///   - platform: where it is delivered; a payload of k3seed's own says so itself.
  ///   - origin: where a line of a text in it stands in the templates that it was rendered from.
  /// - Throws: a report where a layer is damaged.
  public init(
    _ bytes: [UInt8], source: String, platform: Platform? = nil,
    origin: (@Sendable (Substring) -> Location?)? = nil
  ) throws(Report) {
    self.bytes = bytes
    self.source = source
    content = try Inspection.unwrapped(bytes, source: source)
    let opened = try Inspection.open(bytes, source: source)
    layers = opened.layers
    messageProblems = opened.problems
    let bodies = opened.bodies
    let isPlain = content == bytes
    var budget = Inspection.limit
    // The items of an archive stand in one text, which is cut into lines once.
    var archive: (bytes: [UInt8], text: PartText)?
    parts = bodies.enumerated().map { index, body in
      let name = bodies.count > 1 ? "part \(index + 1)" : "decoded"
      func text(_ content: [UInt8]) -> PartText {
        let line = isPlain ? body.line : nil
        return PartText(
          source: source, place: line.map { .lines(from: $0) } ?? .decoded(name), content: content,
          origin: origin)
      }
      guard let item = body.item else { return Part(body, text(body.content), budget: &budget) }
      let whole = archive.flatMap { $0.bytes == item.archive ? $0.text : nil } ?? text(item.archive)
      archive = (item.archive, whole)
      let fragment = Fragment(Positioned(item.value, source: source, path: item.path), in: whole)
      return Part(
        body,
        PartText(source: source, place: .within(fragment), content: body.content, origin: origin),
        budget: &budget)
    }
    self.platform = platform ?? parts.lazy.compactMap(\.ownPlatform).first
  }

  /// Whether it says `mime-version:` near its beginning and has no headers: cloud-init takes it for MIME.
  var isTrapped: Bool {
    content.first == UInt8(ascii: "#")
      && String(decoding: content.prefix(4096), as: UTF8.self).lowercased().holds("mime-version:")
  }

  /// A place in the message under the layers as a place in the file.
  func location(_ mark: Mark) -> Location {
    content == bytes
      ? Location(source: source, line: mark.line, column: mark.column)
      : Location(source: source, path: "decoded:\(mark.line):\(mark.column)")
  }
}

/// One part of user-data, such as a cloud-config or a script.
struct Part: Sendable {
  /// Its MIME type; of a template the type of what comes out.
  let type: String
  /// Its bytes.
  let content: [UInt8]
  /// What is known of it where cloud-init renders it first.
  let template: JinjaTemplate?
  /// Which instances it is for, if not for all.
  let launchIndex: String?
  /// Whether a header says how it is merged.
  let hasMergeType: Bool
  /// What cloud-init reads otherwise than it stands here.
  let bodyProblems: [Inspection.Problem]
  /// Its lines, and where they stand.
  let text: PartText
  /// A cloud-config as a tree; nil where it is none, or cannot be read.
  let root: Positioned?
  /// Whether a template that nothing has rendered has lines that may become keys or items of the tree.
  let hidesLines: Bool
  /// Why a cloud-config cannot be read.
  let problems: Report
  /// Whether k3seed made it.
  let isOwn: Bool
  /// What `write_files` writes, as far as it is text.
  let files: [WrittenFile]

  /// Whether cloud-init renders it as a template first.
  var isTemplate: Bool { template != nil }

  init(_ body: Inspection.Body, _ text: PartText, budget: inout Int) {
    let source = text.source
    self.text = text
    content = body.content
    launchIndex = body.launchIndex
    hasMergeType = body.hasMergeType
    bodyProblems = body.problems
    let template =
      body.type == "text/jinja2" ? JinjaTemplate(String(decoding: body.content, as: UTF8.self)) : nil
    self.template = template
    type = template.map { Inspection.type(of: Array($0.output.utf8)) } ?? body.type
    var problems = Report()
    var root: Node?
    if type == "text/cloud-config" {
      root = Self.read(template.map { Array($0.output.utf8) } ?? body.content, source, &problems)
    }
    let isOwn = root.map(Inspection.isOwn) ?? false
    self.isOwn = isOwn
    let unrendered = Report(problems.diagnostics.map { text.unrendered($0) ?? $0 })
    var hidesLines = false
    // What another program was to render is looked at as far as it can be.
    if root == nil, template == nil, unrendered != problems {
      let masked = TemplateText.masked(String(decoding: body.content, as: UTF8.self))
      root = try? YAML.parseAsPython(Array(masked.text.utf8), source: source).root
      hidesLines = masked.hidesLines
    }
    self.hidesLines = hidesLines
    self.root = root.map { Positioned($0, source: source) }
    files = (self.root?["write_files"]?.items ?? []).compactMap {
      WrittenFile($0, in: text, isOwn: isOwn, budget: &budget)
    }
    // What a template becomes is not known here.
    self.problems = template == nil ? unrendered : Report()
  }

  /// A cloud-config as cloud-init reads it; nil where it cannot be read.
  private static func read(_ content: [UInt8], _ source: String, _ problems: inout Report) -> Node? {
    let read = problems.collect { () throws(Report) in try YAML.parseAsPython(content, source: source) }
    guard let (root, report) = read else { return nil }
    problems.add(report)
    if root == nil, !content.isEmpty {
      problems.add(
        .warning(
          "yaml-empty", at: Location(source: source, line: 1, column: 1), "the cloud-config holds nothing",
          help: "write keys with values, or leave it out"))
    }
    return root
  }

  /// A place in the part's text as a place in the file.
  func location(_ mark: Mark, path: String? = nil) -> Location { text.location(mark, path: path) }

  /// Where a value stands in the file.
  func location(_ value: Positioned) -> Location { location(value.node.mark, path: value.path) }

  /// Where a key stands in the file.
  func location(key: Location, _ value: Positioned) -> Location {
    location(Mark(line: key.line ?? 1, column: key.column ?? 1), path: value.path)
  }

  /// The findings of somebody who knows only the part, with their places in the file.
  func placed(_ report: Report) -> [Diagnostic] {
    report.diagnostics.map { diagnostic in
      var diagnostic = diagnostic
      if let found = diagnostic.location {
        diagnostic.location = location(
          Mark(line: found.line ?? 1, column: found.column ?? 1), path: found.path)
      }
      return diagnostic
    }
  }

  /// The platform that a payload of k3seed's own is for.
  var ownPlatform: Platform? {
    guard isOwn, let plan = files.first(where: { $0.path == "/etc/k3seed/plan.json" }),
      let node = try? JSON.parse(Array(plan.content.text.utf8), source: plan.path)
    else { return nil }
    return node["platform"]?.string.flatMap(Platform.init(rawValue:))
  }
}

/// The lines of a part, and where they stand.
struct PartText: Sendable {
  /// Where its first line stands.
  indirect enum Place: Sendable {
    /// At a line of the file.
    case lines(from: Int)
    /// In a text that is encoded in the file, or taken apart, called so: `part 2`.
    case decoded(String)
    /// In a text within another part, such as the item of an archive.
    case within(Fragment)
  }

  /// What findings call the file.
  let source: String
  /// Where it stands.
  let place: Place
  /// Its lines, without their ends.
  let lines: [Substring]
  /// Where a line of a text in it comes from, if that is another file.
  let origin: (@Sendable (Substring) -> Location?)?
  /// Every so many characters of the lines that have more, by their index: a column is found without counting from the
  /// start of a line, which may hold thousands of values.
  private let landmarks: [Int: [String.Index]]
  private static let stride = 256

  init(source: String, place: Place, content: [UInt8], origin: (@Sendable (Substring) -> Location?)?) {
    self.source = source
    self.place = place
    self.origin = origin
    lines = content.lines
    var landmarks: [Int: [String.Index]] = [:]
    for (index, line) in lines.enumerated() where line.utf8.count > Self.stride {
      let scalars = line.unicodeScalars
      landmarks[index] = Array(
        sequence(first: scalars.startIndex) {
          scalars.index($0, offsetBy: Self.stride, limitedBy: scalars.endIndex)
        })
    }
    self.landmarks = landmarks
  }

  /// What stands in a line from a column on, both from 1.
  func rest(of line: Int, from column: Int) -> Substring.UnicodeScalarView {
    let scalars = lines[line - 1].unicodeScalars
    let (mark, rest) = (column - 1).quotientAndRemainder(dividingBy: Self.stride)
    guard let marks = landmarks[line - 1] else { return scalars.dropFirst(column - 1) }
    return mark < marks.count ? scalars[marks[mark]...].dropFirst(rest) : scalars[scalars.endIndex...]
  }

  /// A place in the part's text as a place in the file.
  func location(_ mark: Mark, path: String? = nil) -> Location {
    switch place {
    case .lines(let first):
      return Location(source: source, line: mark.line + first - 1, column: mark.column, path: path)
    case .decoded(let name): return encoded(in: Location(source: source, path: path), mark, name)
    case .within(let fragment):
      var location = fragment.location(line: mark.line, column: mark.column)
      if let path { location.path = location.path.map { "\($0), \(path)" } ?? path }
      return location
    }
  }

  static let unrenderedMessage = "not YAML: this is a tag of a template that nothing has rendered"

  /// The finding of a reader of YAML, where a line of a template is what it stumbled upon.
  func unrendered(_ diagnostic: Diagnostic) -> Diagnostic? {
    guard ["yaml-syntax", "yaml-key"].contains(diagnostic.code), let found = diagnostic.location?.line else {
      return nil
    }
    // The line itself, or the one before, which it was to go on with.
    let near = lines.indices.prefix(found).reversed().lazy.filter { !lines[$0].allSatisfy(\.isWhitespace) }
    let tags = ["{{", "{%", "{#", "%{", "${", "<%"]
    var place: (line: Int, column: Int)?
    for line in near.prefix(2) where place == nil {
      let start = lines[line].drop { " -".contains($0) }
      if tags.contains(where: { start.hasPrefix($0) }) { place = (line, lines[line].count - start.count) }
    }
    // Where it stumbled, or where the list or mapping of one line begins that it read last.
    if place == nil, found <= lines.count {
      let line = lines[found - 1].unicodeScalars
      var columns = [diagnostic.location?.column ?? 1]
      if let match = diagnostic.message.firstMatch(of: /starts at line (\d+), column (\d+)/),
        Int(match.output.1) == found, let column = Int(match.output.2)
      {
        columns.append(column)
      }
      let indices = columns.flatMap { [$0 - 2, $0 - 1] }.filter { $0 >= 0 }
      place = indices.first { index in
        let rest = Substring(line.dropFirst(index))
        return tags.contains { rest.hasPrefix($0) }
      }.map { (found - 1, $0) }
    }
    // A value: {{ name }} begins a mapping whose key is a mapping.
    if diagnostic.code == "yaml-key", found <= lines.count, let tag = lines[found - 1].firstRange(of: "{{") {
      place = (found - 1, lines[found - 1][..<tag.lowerBound].count)
    }
    guard let place else { return nil }
    var diagnostic = diagnostic
    diagnostic.location = Location(source: source, line: place.line + 1, column: place.column + 1)
    diagnostic.message = Self.unrenderedMessage
    diagnostic.help = "render the template, and validate what it becomes"
    return diagnostic
  }

  /// A place in a text of which only the beginning is known.
  func encoded(in whole: Location, _ mark: Mark, _ name: String) -> Location {
    let place = "\(name):\(mark.line):\(mark.column)"
    return Location(
      source: whole.source, line: whole.line, column: whole.column,
      path: whole.path.map { "\($0), \(place)" } ?? place)
  }
}

extension [UInt8] {
  /// The lines of a text, without their ends.
  var lines: [Substring] {
    String(decoding: self, as: UTF8.self).split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }
}
