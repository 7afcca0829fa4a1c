import Diagnostics

/// Makes nodes of events: resolves anchors and tags, refuses duplicate keys and ambiguous scalars.
struct Composer {
  private static let maximumDepth = 100
  /// How much text aliases may add to a document, in bytes: more than any platform takes as user-data.
  private static let maximumCopied = 1 << 20
  /// The prefix of YAML's own tags (`!!str`).
  static let ownTag = "tag:yaml.org,2002:"

  /// A finished node that an alias may name, with what a copy of it adds to the document.
  struct Anchored {
    var node: Node
    var size: Int
    var bytes: Int
    var height: Int
  }

  /// Tells as events are read when the composer will refuse them: what follows need not be read, which costs libyaml
  /// the square of the depth.
  struct Bounds {
    private let maximumEvents: Int
    private let maximumTotal: Int
    private var events = 0
    private var total = 0
    private var depth = 0

    init(maximumNodes: Int) {
      // A node has three at most: its key, its start and its end. Three more are the document's own two, and a key of
      // which the node is still to come.
      maximumEvents = 3 * maximumNodes + 3
      // A document of one node has three.
      maximumTotal = 3 * Composer.maximumTotal(maximumNodes) + 3
    }

    mutating func hold(after event: Event) -> Bool {
      events += 1
      total += 1
      switch event.kind {
      case .documentStart: events = 1
      case .sequenceStart, .mappingStart: depth += 1
      case .sequenceEnd, .mappingEnd: depth -= 1
      case .documentEnd, .alias, .scalar: break
      }
      return depth <= Composer.maximumDepth && events <= maximumEvents && total <= maximumTotal
    }
  }

  /// How many nodes the documents of a stream may have together.
  private static func maximumTotal(_ maximumNodes: Int) -> Int { 4 * maximumNodes }

  private let events: [Event]
  private let source: String
  private let ambiguity: YAML.Ambiguity
  private let maximumNodes: Int
  private var next = 0
  private var path = Path()
  private(set) var anchors: [String: Anchored] = [:]
  private var nodes = 0
  /// Those that stand in the text, of all documents.
  private var total = 0
  private var deepest = 0
  /// The bytes of all texts, and of those that aliases added.
  private var bytes = 0
  private var copied = 0
  private var report = Report()
  /// The keys that are given again, where that is allowed: then the last counts.
  var repeated: [YAML.RepeatedKey]?

  init(events: [Event], source: String, ambiguity: YAML.Ambiguity, maximumNodes: Int) {
    self.events = events
    self.source = source
    self.ambiguity = ambiguity
    self.maximumNodes = maximumNodes
  }

  mutating func documents() throws(Report) -> [Node] {
    let documents = try allDocuments()
    try report.throwIfErrors()
    return documents
  }

  /// All documents, with what is wrong in them as far as reading can go on.
  mutating func documentsWithReport() throws(Report) -> (documents: [Node], report: Report) {
    (try allDocuments(), report)
  }

  private mutating func allDocuments() throws(Report) -> [Node] {
    var documents: [Node] = []
    while next < events.count {
      guard case .documentStart = take().kind else { continue }
      // Each document has its own anchors, and its own size: a stream may hold many.
      anchors = [:]
      nodes = 0
      copied = 0
      documents.append(try node())
    }
    return documents
  }

  private mutating func take() -> Event {
    defer { next += 1 }
    return events[next]
  }

  mutating func add(_ code: String, _ mark: Mark, _ message: String, help: String? = nil) {
    report.add(.error(code, at: Location(source: source, at: mark, path: path.text), message, help: help))
  }

  /// Everything found so far, with what makes it pointless to go on.
  private func stopped(_ code: String, _ mark: Mark, _ message: String, help: String? = nil) -> Report {
    var copy = self
    copy.add(code, mark, message, help: help)
    return copy.report
  }

  /// Counts nodes that stand at the path or up to `height` levels below it.
  private mutating func admit(_ count: Int, height: Int, at mark: Mark) throws(Report) {
    nodes += count
    deepest = max(deepest, path.depth + height)
    guard deepest < Self.maximumDepth else {
      throw stopped("yaml-depth", mark, "nested more than \(Self.maximumDepth) levels deep")
    }
    guard nodes <= maximumNodes else {
      throw stopped(
        "yaml-size", mark,
        "the document has more than \(maximumNodes) nodes once its aliases are expanded")
    }
  }

  private mutating func node() throws(Report) -> Node {
    let event = take()
    if case .alias(let name) = event.kind {
      guard let target = anchors[name] else {
        // A value that begins with an asterisk may be a secret, so its name is not shown.
        throw stopped(
          "yaml-alias", event.mark, "an alias names no finished anchor",
          help: "correct its name, or put text that begins with * in quotes")
      }
      try admit(target.size, height: target.height, at: event.mark)
      bytes += target.bytes
      copied += target.bytes
      guard copied <= Self.maximumCopied else {
        throw stopped("yaml-size", event.mark, "the document's aliases add more than 1 MiB of text to it")
      }
      return target.node
    }
    let before = (nodes: nodes, bytes: bytes, deepest: deepest)
    deepest = path.depth
    total += 1
    guard total <= Self.maximumTotal(maximumNodes) else {
      throw stopped(
        "yaml-size", event.mark,
        "the text has more than \(Self.maximumTotal(maximumNodes)) nodes in all its documents together")
    }
    try admit(1, height: 0, at: event.mark)
    let value: Node.Value =
      switch event.kind {
      case .scalar(let text, let style): scalar(text, style, event)
      case .sequenceStart: .sequence(try items())
      default: .mapping(try entries())
      }
    let node = Node(value, tag: tag(of: value, event), at: event.mark)
    if let anchor = event.anchor {
      if ambiguity == .python, anchors[anchor] != nil {
        add(
          "yaml-alias", event.mark, "PyYAML refuses an anchor whose name was given before in the document",
          help: "rename one of the two anchors")
      }
      anchors[anchor] = Anchored(
        node: node, size: nodes - before.nodes, bytes: bytes - before.bytes, height: deepest - path.depth)
    }
    deepest = max(deepest, before.deepest)
    return node
  }

  private mutating func items() throws(Report) -> [Node] {
    var items: [Node] = []
    while true {
      if case .sequenceEnd = events[next].kind {
        next += 1
        return items
      }
      path.enter(items.count)
      items.append(try node())
      path.leave()
    }
  }

  private mutating func entries() throws(Report) -> [Node.Entry] {
    var entries: [Node.Entry] = []
    var merged: [Node.Entry] = []
    var finder = KeyFinder()
    while true {
      let event = take()
      if case .mappingEnd = event.kind {
        for entry in merged where finder.index(of: entry.key, in: entries) == nil { entries.append(entry) }
        return entries
      }
      let key = try key(event)
      path.enter(key)
      if case .scalar(_, .plain) = event.kind { refuseAmbiguous(key, event.mark) }
      let value = try node()
      if ambiguity != .refused, key == "<<", case .scalar(_, .plain) = event.kind, let more = value.merged {
        merged += more
      } else if let first = finder.index(of: key, in: entries) {
        let firstMark = entries[first].keyMark
        if repeated == nil {
          report.add(.duplicateKey(source: source, mark: event.mark, path: path.text, first: firstMark))
        } else {
          repeated?.append(YAML.RepeatedKey(key: key, mark: event.mark, first: firstMark, path: path.text))
        }
        // So PyYAML, cloud-init, Kubernetes and Helm go on.
        if ambiguity == .python || repeated != nil { entries[first] = Node.Entry(key, at: event.mark, value) }
      } else {
        entries.append(Node.Entry(key, at: event.mark, value))
      }
      path.leave()
    }
  }

  /// The text of a key: numbers and booleans become strings, as Kubernetes makes of them; null does not.
  private mutating func key(_ event: Event) throws(Report) -> String {
    if ambiguity == .python, let key = pythonKey(event) {
      bytes += key.utf8.count
      if let anchor = event.anchor {
        anchors[anchor] = Anchored(
          node: Node(.string(key), at: event.mark), size: 1, bytes: key.utf8.count, height: 0)
      }
      return key
    }
    guard case .scalar(let text, let style) = event.kind, event.tag == nil, event.anchor == nil else {
      throw stopped(
        "yaml-key", event.mark, "a key is a list, a mapping or an alias, or has a tag or an anchor",
        help: "use plain text as the key")
    }
    if style == .plain, PlainScalar.resolve(text) == .null {
      throw stopped(
        "yaml-key", event.mark, "a key is empty or null",
        help: "name the key, in quotes where it is meant to be that text")
    }
    bytes += text.utf8.count
    return text
  }

  /// Only an untagged plain scalar, or one that a tag of the core schema calls other than a string, is
  /// resolved: every other tag says itself how its text is to be read.
  private mutating func scalar(_ text: String, _ style: Event.Style, _ event: Event) -> Node.Value {
    bytes += text.utf8.count
    if ambiguity == .python { return pythonScalar(text, style, event) }
    guard let tag = event.tag else {
      guard style == .plain else { return .string(text) }
      refuseAmbiguous(text, event.mark)
      return PlainScalar.resolve(text)
    }
    let isResolved = ["null", "bool", "int", "float"].contains { tag == Self.ownTag + $0 }
    return isResolved ? PlainScalar.resolve(text) : .string(text)
  }

  private mutating func refuseAmbiguous(_ text: String, _ mark: Mark) {
    guard ambiguity == .refused, let kind = PlainScalar.ambiguity(text) else { return }
    // The text may be a secret (a password of digits), so only its kind is shown.
    add(
      "yaml-ambiguous", mark, "unless it is in quotes, some readers of YAML take this for \(kind)",
      help: "put it in quotes, or write true, false or a plain decimal number")
  }

  /// The tag that a node keeps: one of the core schema has done its work once the value fits it.
  private mutating func tag(of value: Node.Value, _ event: Event) -> String? {
    if ambiguity == .python { return pythonTag(of: value, event) }
    guard let tag = event.tag, tag.hasPrefix(Self.ownTag) else { return event.tag }
    let name = tag.dropFirst(Self.ownTag.count)
    let fits: Bool
    switch (name, value) {
    case ("null", _): fits = value == .null
    case ("bool", .bool), ("float", .number), ("str", .string), ("seq", .sequence), ("map", .mapping):
      fits = true
    case ("int", .number(let digits)): fits = !digits.contains(".")
    case ("bool", _), ("float", _), ("str", _), ("seq", _), ("map", _), ("int", _): fits = false
    default: return tag
    }
    if !fits { add("yaml-tag", event.mark, "the value is not what its tag !!\(name) says") }
    return nil
  }
}

extension Node {
  /// What the merge key `<<` of YAML 1.1 takes over from a mapping, or from a list of them, of which the first that has a
  /// key counts; nil where it is neither. So PyYAML and go-yaml read it.
  fileprivate var merged: [Entry]? {
    if let mapping { return mapping }
    guard let sequence, sequence.allSatisfy({ $0.mapping != nil }) else { return nil }
    return sequence.flatMap { $0.mapping ?? [] }
  }
}
