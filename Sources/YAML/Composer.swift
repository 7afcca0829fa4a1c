import Diagnostics

/// Makes nodes of events: resolves anchors and tags, refuses duplicate keys and ambiguous scalars.
struct Composer {
  private static let maximumNodes = 100_000
  private static let maximumDepth = 100

  private let events: [Event]
  private let source: String
  private let ambiguity: YAML.Ambiguity
  private var next = 0
  private var anchors: [String: (node: Node, size: Int)] = [:]
  private var nodes = 0
  private var report = Report()

  init(events: [Event], source: String, ambiguity: YAML.Ambiguity) {
    self.events = events
    self.source = source
    self.ambiguity = ambiguity
  }

  mutating func documents() throws(Report) -> [Node] {
    var documents: [Node] = []
    while next < events.count {
      guard case .documentStart = take().kind else { continue }
      anchors = [:]
      documents.append(try node(path: "$", depth: 0))
    }
    try report.throwIfErrors()
    return documents
  }

  private mutating func take() -> Event {
    defer { next += 1 }
    return events[next]
  }

  private func location(_ mark: Mark, _ path: String) -> Location {
    Location(source: source, line: mark.line, column: mark.column, path: path)
  }

  private mutating func node(path: String, depth: Int) throws(Report) -> Node {
    let event = take()
    guard depth < Self.maximumDepth else {
      throw Report([
        .error(
          "yaml-depth", at: location(event.mark, path), "nested more than \(Self.maximumDepth) levels deep")
      ])
    }
    let before = nodes
    try count(1, event.mark, path)
    let tag = event.tag.flatMap { $0.hasPrefix(coreTag) ? nil : $0 }
    let value: Node.Value
    switch event.kind {
    case .alias(let name):
      guard let target = anchors[name] else {
        throw Report([
          .error("yaml-alias", at: location(event.mark, path), "the alias *\(name) names no finished anchor")
        ])
      }
      try count(target.size, event.mark, path)
      return target.node
    case .scalar(let text, let style): value = scalar(text, style, event, path)
    case .sequenceStart:
      var items: [Node] = []
      while true {
        if case .sequenceEnd = events[next].kind { break }
        items.append(try node(path: "\(path)[\(items.count)]", depth: depth + 1))
      }
      next += 1
      value = .sequence(items)
    case .mappingStart: value = .mapping(try entries(path: path, depth: depth))
    case .documentStart, .documentEnd, .sequenceEnd, .mappingEnd: value = .null
    }
    let node = Node(value, tag: tag, at: event.mark)
    if let anchor = event.anchor { anchors[anchor] = (node, nodes - before) }
    return node
  }

  private mutating func entries(path: String, depth: Int) throws(Report) -> [Node.Entry] {
    var entries: [Node.Entry] = []
    var places: [String: Mark] = [:]
    while true {
      let event = events[next]
      if case .mappingEnd = event.kind {
        next += 1
        return entries
      }
      guard case .scalar(let key, let style) = event.kind, event.tag == nil else {
        throw Report([
          .error(
            "yaml-key", at: location(event.mark, path),
            "a key of a mapping is a list, a mapping, an alias or tagged",
            help: "use plain text as the key")
        ])
      }
      next += 1
      let keyPath = path.jsonPath(appending: key)
      refuseAmbiguous(key, style, event.mark, keyPath)
      let value = try node(path: keyPath, depth: depth + 1)
      if let first = places[key] {
        report.add(.duplicateKey(source: source, mark: event.mark, path: keyPath, first: first))
      } else {
        places[key] = event.mark
        entries.append(Node.Entry(key, at: event.mark, value))
      }
    }
  }

  private mutating func scalar(
    _ text: String, _ style: Event.Style, _ event: Event, _ path: String
  ) -> Node.Value {
    // An explicit tag, of the core schema or of a template, says itself how the text is to be read.
    guard style == .plain, event.tag == nil else {
      if let tag = event.tag, tag.hasPrefix(coreTag), tag != coreTag + "str", tag != coreTag + "binary" {
        return PlainScalar.resolve(text)
      }
      return .string(text)
    }
    refuseAmbiguous(text, style, event.mark, path)
    return PlainScalar.resolve(text)
  }

  private mutating func refuseAmbiguous(_ text: String, _ style: Event.Style, _ mark: Mark, _ path: String) {
    guard ambiguity == .refused, style == .plain, PlainScalar.isAmbiguous(text) else { return }
    report.add(
      .error(
        "yaml-ambiguous", at: location(mark, path),
        "\(text) is read differently by YAML 1.1 and YAML 1.2 (as a boolean, number, date or special key)",
        help: "put it in quotes"))
  }

  private mutating func count(_ more: Int, _ mark: Mark, _ path: String) throws(Report) {
    nodes += more
    guard nodes <= Self.maximumNodes else {
      throw Report([
        .error(
          "yaml-size", at: location(mark, path),
          "the document has more than \(Self.maximumNodes) nodes once its aliases are expanded")
      ])
    }
  }
}

/// The prefix of YAML's own tags (`!!str`).
private let coreTag = "tag:yaml.org,2002:"
