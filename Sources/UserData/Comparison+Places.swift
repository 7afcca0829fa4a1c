import Diagnostics
import Plan
import YAML

extension Comparison {
  /// What some user-data consists of, each thing with the place by which it is found in the other.
  static func places(
    _ bytes: [UInt8], _ source: String, asText: Bool = false
  ) throws(Report) -> Places {
    var places = Places()
    var written: [String: Int] = [:]
    var replaced: Set<Int> = []
    let bodies = try Inspection.open(bytes, source: source).bodies
    var budget = Inspection.limit
    for (index, body) in bodies.enumerated() {
      // Parts are told apart by their names, or else by their order.
      let prefix = bodies.count == 1 ? "" : "\(body.name?.printable ?? "part \(index + 1)"): "
      let isConfig = body.type == "text/cloud-config"
      guard isConfig, !asText, let node = Self.read(body.content), let entries = node.mapping else {
        let shown = Redactor.lines(of: String(decoding: body.content, as: UTF8.self), budget: &budget)
        places.all.append(
          Place(
            name: prefix + body.type.printable, stage: "cloud-init",
            content: .text(body.content, shown: shown?.withoutEmptyEnd),
            reason: isConfig ? Self.reason(body.content) : nil))
        continue
      }
      let shown = Redactor.cloudConfig(node, budget: &budget)
      let isOwn = Redactor.isOwn(node)
      for entry in entries {
        let pair = Pair(value: entry.value, shown: shown[entry.key] ?? Node(.string(Redactor.mark)))
        guard entry.key == "write_files", let files = entry.value.sequence else {
          places.all.append(
            Place(name: prefix + entry.key.printable, stage: entry.key.printable, content: .tree(pair)))
          continue
        }
        for (file, shown) in zip(files, pair.shown.sequence ?? []) {
          let path = file["path"]?.string ?? ""
          let place = Place(
            name: prefix + path.printable, stage: isOwn ? Stages.of(path) : "write_files",
            content: content(of: file, shown: shown))
          // cloud-init writes the later one over the earlier.
          if let earlier = written.updateValue(places.all.count, forKey: place.name) {
            replaced.insert(earlier)
          }
          places.all.append(place)
          if isOwn, path == "/etc/k3seed/plan.json",
            let plan = try? JSON.parse(file.fileContent, source: source)
          {
            places.platform = plan["platform"]?.string.flatMap(Platform.init)
          }
        }
      }
    }
    places.all = places.all.indices.filter { !replaced.contains($0) }.map { places.all[$0] }
    return places
  }

  /// A cloud-config as cloud-init reads it; nil where it reads nothing of it.
  private static func read(_ content: [UInt8]) -> Node? {
    guard let (root, report) = try? YAML.parseAsPython(content, source: ""),
      // Of a key that is given twice the last one counts.
      report.diagnostics.allSatisfy({ $0.severity != .error || $0.code == "duplicate-key" })
    else { return nil }
    return root
  }

  /// Why a cloud-config cannot be read.
  private static func reason(_ content: [UInt8]) -> String? {
    var report = Report()
    let read = report.collect { () throws(Report) in try YAML.parseAsPython(content, source: "") }
    if let read { report.add(read.report) }
    guard
      let first = report.diagnostics.first(where: { $0.severity == .error && $0.code != "duplicate-key" }),
      let line = first.location?.line
    else { return nil }
    let lines = String(decoding: content, as: UTF8.self).linesWithoutEnd
    // The line itself, or the one before, which it was to go on with.
    let near = lines.prefix(line).enumerated().suffix(2).reversed().first { _, text in
      let start = text.drop { " -".contains($0) }
      return ["{{", "{%", "{#", "%{", "${", "<%"].contains { start.hasPrefix($0) } || text.contains(": {{")
    }
    let cause =
      near.map { "line \($0.offset + 1) is a tag of a template" } ?? "line \(line): \(first.message)"
    return
      "cannot be read as YAML (\(cause)), so it is compared line by line; render both to compare what they do"
  }

  private static func content(of file: Node, shown: Node) -> Content {
    func attributes(_ node: Node) -> Node {
      Node(
        .mapping(
          (node.mapping ?? []).filter { !["path", "content", "encoding"].contains($0.key) }))
    }
    let bytes = file.fileContent
    let text = shown["content"]?.string ?? ""
    let isHidden = text == Redactor.hiddenContent(bytes)
    var content = Content.text(bytes, shown: isHidden ? nil : text.linesWithoutEnd)
    if !isHidden, !bytes.starts(with: "#!".utf8), let value = document(bytes),
      let shown = document(Array(text.utf8))
    {
      content = .tree(Pair(value: value, shown: shown))
    }
    return .file(attributes: Pair(value: attributes(file), shown: attributes(shown)), content: content)
  }

  /// A text that is YAML or JSON, or variables of a shell; nil where it is neither.
  private static func document(_ bytes: [UInt8]) -> Node? {
    if let variables = variables(bytes) { return variables }
    guard let documents = try? YAML.parse(bytes, source: "", ambiguity: .accepted),
      documents.contains(where: { $0.mapping != nil || $0.sequence != nil })
    else { return nil }
    return documents.count == 1 ? documents[0] : Node(.sequence(documents))
  }

  /// A file of `NAME=value` lines, as a mapping; nil also where their order may count.
  private static func variables(_ bytes: [UInt8]) -> Node? {
    let lines = String(decoding: bytes, as: UTF8.self).linesWithoutEnd
    var entries: [Node.Entry] = []
    for line in lines where !line.isEmpty && !line.hasPrefix("#") {
      guard let sign = line.firstIndex(of: "="), sign > line.startIndex,
        line[..<sign].utf8.allSatisfy({ $0 == 0x5F || (0x30...0x39) ~= $0 || (0x41...0x5A) ~= $0 })
      else { return nil }
      let (name, value) = (String(line[..<sign]), String(line[line.index(after: sign)...]))
      if value.holds("$") || entries.contains(where: { $0.key == name }) { return nil }
      entries.append(Node.Entry(name, Node(.string(value))))
    }
    return entries.isEmpty ? nil : Node(.mapping(entries))
  }
}
