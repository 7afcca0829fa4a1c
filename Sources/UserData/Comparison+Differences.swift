import Diagnostics
import YAML

extension Comparison {
  /// Where two payloads differ, in the order of the new one, then what is there no more.
  static func sections(_ before: Places, _ after: Places) -> [Section] {
    var sections: [Section] = []
    let known = Dictionary(before.all.map { ($0.name, $0) }) { first, _ in first }
    let left = Set(after.all.map(\.name))
    for place in after.all {
      guard let old = known[place.name] else {
        sections.append(section(place, isAdded: true, changes: []))
        continue
      }
      var changes: [Change] = []
      var isComment = false
      compare(old.content, place.content, into: &changes, isComment: &isComment)
      if changes.isEmpty { continue }
      var found = section(place, isAdded: nil, changes: changes)
      found.reason = place.reason ?? old.reason
      if isComment { found.effect = .cosmetic }
      if let stage = Stages.of(changes, in: place.name) { found.stage = stage }
      sections.append(found)
    }
    for place in before.all where !left.contains(place.name) {
      sections.append(section(place, isAdded: false, changes: []))
    }
    return sections
  }

  private static func section(_ place: Place, isAdded: Bool?, changes: [Change]) -> Section {
    Section(
      place: place.name, stage: place.stage, effect: place.stage == Stages.record ? .cosmetic : .newNodes,
      isAdded: isAdded, changes: changes)
  }

  private static func compare(
    _ old: Content, _ new: Content, into changes: inout [Change], isComment: inout Bool
  ) {
    switch (old, new) {
    case (.file(let a, let old), .file(let b, let new)):
      compare(a, b, at: "", into: &changes)
      let count = changes.count
      compare(old, new, into: &changes, isComment: &isComment)
      if count > 0 { isComment = false }
    case (.tree(let old), .tree(let new)):
      compare(old, new, at: "$", into: &changes)
    case (.text(let a, let old), .text(let b, let new)):
      guard a != b else { return }
      guard let old, let new else {
        changes.append(
          Change(path: "content", old: "<\(a.count) bytes not shown>", new: "<\(b.count) bytes not shown>"))
        return
      }
      compare(old, new, into: &changes)
      // What differs only in what is not shown is there nevertheless.
      if changes.isEmpty { changes.append(Change(path: "content", old: Redactor.mark, new: Redactor.mark)) }
      isComment =
        hasComments(a) && hasComments(b) && changes.allSatisfy { $0.old.isComment && $0.new.isComment }
    default:
      changes.append(Change(path: "content", old: old.summary, new: new.summary))
    }
  }

  /// Whether lines that begin with `#` are comments beyond doubt: those of a script without a here-document.
  private static func hasComments(_ text: [UInt8]) -> Bool {
    text.starts(with: "#!".utf8) && !String(decoding: text, as: UTF8.self).holds("<<")
  }

  private static func compare(
    _ old: [String], _ new: [String], at place: String = "", into changes: inout [Change]
  ) {
    let (removed, inserted) = difference(old, new)
    let found: [(line: Int, isNew: Bool, change: Change)] =
      removed.map { ($0, false, Change(path: "\(place)line \($0 + 1)", old: old[$0], new: nil)) }
      + inserted.map { ($0, true, Change(path: "\(place)line \($0 + 1)", old: nil, new: new[$0])) }
    changes += found.sorted { ($0.line, $0.isNew ? 1 : 0) < ($1.line, $1.isNew ? 1 : 0) }.map(\.change)
  }

  /// What is in the old one alone, and what in the new one alone, by their places.
  ///
  /// The shortest difference takes the product of the length and of how much differs. Where that is too much, everything
  /// between what both begin and end with differs.
  private static func difference<Item: Equatable>(
    _ old: [Item], _ new: [Item]
  ) -> (removed: [Int], inserted: [Int]) {
    let head = zip(old, new).prefix { $0 == $1 }.count
    let most = min(old.count, new.count) - head
    let tail = zip(old.reversed(), new.reversed()).prefix(most).prefix { $0 == $1 }.count
    let (a, b) = (old[head..<(old.count - tail)], new[head..<(new.count - tail)])
    guard a.count + b.count <= mostCompared else { return (Array(a.indices), Array(b.indices)) }
    var places: (removed: [Int], inserted: [Int]) = ([], [])
    for step in Array(b).difference(from: Array(a)) {
      switch step {
      case .remove(let place, _, _): places.removed.append(head + place)
      case .insert(let place, _, _): places.inserted.append(head + place)
      }
    }
    return (places.removed.sorted(), places.inserted.sorted())
  }

  /// Lines or items of both sides together, between what they begin and end with.
  private static let mostCompared = 4000

  /// Texts in a list that others are looked for among: as every one is read with every other, few.
  private static let mostBlocks = 32

  private static func compare(_ old: Pair, _ new: Pair, at path: String, into changes: inout [Change]) {
    guard !old.value.isSame(as: new.value) else { return }
    if let a = old.value.mapping, let b = new.value.mapping {
      let (before, after) = (Table(old.value), Table(new.value))
      let shown = (old: Table(old.shown), new: Table(new.shown))
      let hidden = Node(.string(Redactor.mark))
      for entry in b {
        let path = path.isEmpty ? entry.key : path.jsonPath(appending: entry.key)
        let now = shown.new[entry.key] ?? hidden
        if let was = before[entry.key] {
          compare(
            Pair(value: was, shown: shown.old[entry.key] ?? hidden), Pair(value: entry.value, shown: now),
            at: path,
            into: &changes)
        } else {
          changes.append(Change(path: path, old: nil, new: now.line))
        }
      }
      for entry in a where after[entry.key] == nil {
        let path = path.isEmpty ? entry.key : path.jsonPath(appending: entry.key)
        changes.append(Change(path: path, old: (shown.old[entry.key] ?? hidden).line, new: nil))
      }
    } else if let a = old.value.items(shown: old.shown), let b = new.value.items(shown: new.shown) {
      compareItems(a, b, at: path, into: &changes)
    } else if let a = old.value.string, let b = new.value.string, a.contains("\n"), b.contains("\n"),
      let one = old.shown.string, let two = new.shown.string
    {
      let count = changes.count
      compare(one.linesWithoutEnd, two.linesWithoutEnd, at: path.isEmpty ? "" : path + " ", into: &changes)
      // What differs only in what is not shown is there nevertheless.
      if changes.count == count {
        changes.append(Change(path: path, old: Redactor.mark, new: Redactor.mark))
      }
    } else {
      changes.append(Change(path: path, old: old.shown.line, new: new.shown.line))
    }
  }

  /// Lists: items that have a name are compared with their namesakes, others are there or are not.
  private static func compareItems(
    _ old: [Pair], _ new: [Pair], at path: String, into changes: inout [Change]
  ) {
    let (removed, inserted) = difference(old.map { Bare($0.value) }, new.map { Bare($0.value) })
    // The first that has a name is the one that is meant, then the next.
    var named: [String: [Int]] = [:]
    for place in removed.reversed() {
      if let name = old[place].value.itemName { named[name, default: []].append(place) }
    }
    // Texts have no names: each is looked for among the first of the others, at its own place before elsewhere.
    var blocks = Array(
      removed.lazy.compactMap { place in old[place].value.linesOfBlock.map { (place: place, lines: $0) } }
        .prefix(mostBlocks))
    var matched: Set<Int> = []
    for place in inserted {
      let item = new[place]
      let lines = blocks.isEmpty ? nil : item.value.linesOfBlock
      let near = blocks.indices.filter { lines?.isMostly(blocks[$0].lines) ?? false }
      if let index = near.first(where: { blocks[$0].place == place }) ?? near.first {
        let match = blocks.remove(at: index).place
        matched.insert(match)
        compare(old[match], item, at: "\(path)[\(place)]", into: &changes)
      } else if let name = item.value.itemName, let match = named[name]?.popLast() {
        matched.insert(match)
        compare(old[match], item, at: "\(path)[\(name)]", into: &changes)
      } else {
        changes.append(Change(path: "\(path)[\(place)]", old: nil, new: item.shown.line))
      }
    }
    for place in removed where !matched.contains(place) {
      changes.append(Change(path: "\(path)[\(place)]", old: old[place].shown.line, new: nil))
    }
  }
}

/// The values of a mapping by their keys: most are so small that looking for a key costs less than a table of them.
private struct Table {
  private let node: Node
  private let values: [[UInt8]: Node]

  init(_ node: Node) {
    self.node = node
    let entries = node.mapping ?? []
    values =
      entries.count <= 16
      ? [:] : Dictionary(entries.map { (Array($0.key.utf8), $0.value) }) { first, _ in first }
  }

  subscript(key: String) -> Node? { values.isEmpty ? node[key] : values[Array(key.utf8)] }

  /// Whether it has each of some values under its key.
  func holds(_ entries: [Node.Entry]) -> Bool {
    entries.allSatisfy { entry in self[entry.key].map(entry.value.isSame) ?? false }
  }
}

/// A node without the marks of where it stands.
private struct Bare: Equatable {
  let node: Node
  init(_ node: Node) { self.node = node }
  static func == (one: Bare, other: Bare) -> Bool { one.node.isSame(as: other.node) }
}

extension Node {
  /// Whether another node means the same, wherever it stands, in whatever order its keys are.
  fileprivate func isSame(as other: Node) -> Bool {
    switch (value, other.value) {
    case (.mapping(let a), .mapping(let b)):
      a.count == b.count && Table(other).holds(a)
    case (.sequence(let a), .sequence(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
    default: value == other.value && tag == other.tag
    }
  }

  /// The lines of a text of several; nil of anything else.
  fileprivate var linesOfBlock: Set<String>? {
    guard let lines = string?.linesWithoutEnd, lines.count > 1 else { return nil }
    return Set(lines)
  }

  /// The items of a list, each with what of it may be shown.
  fileprivate func items(shown: Node) -> [Comparison.Pair]? {
    guard let sequence else { return nil }
    let texts = shown.sequence ?? []
    return sequence.enumerated().map { index, item in
      Comparison.Pair(value: item, shown: index < texts.count ? texts[index] : Node(.string(Redactor.mark)))
    }
  }

  /// By what an item of a list is told from others.
  fileprivate var itemName: String? {
    ["name", "path", "username"].lazy.compactMap { self[$0]?.string }.first.map { name in
      // Kubernetes' names are unique in a namespace only.
      self["namespace"]?.string.map { "\($0)/\(name)" } ?? name
    }
  }

  /// On one line.
  fileprivate var line: String {
    switch value {
    case .string(let text): text.printable
    default: String(decoding: JSON.emit(self), as: UTF8.self)
    }
  }
}

extension Set<String> {
  /// Whether at least half of the lines are the same, so that one text is what became of the other.
  fileprivate func isMostly(_ other: Set<String>) -> Bool {
    2 * intersection(other).count >= Swift.min(count, other.count)
  }
}

extension Comparison.Content {
  /// What it is, where it cannot be compared with the other.
  fileprivate var summary: String {
    switch self {
    case .tree(let pair): pair.value.kind
    case .text(let bytes, _): "a text of \(bytes.count) bytes"
    case .file(_, let content): content.summary
    }
  }
}

extension String {
  /// Its lines; the line feed that ends the last makes no line.
  var linesWithoutEnd: [String] { parts(between: "\n").withoutEmptyEnd }
}

extension [String] {
  /// Without what follows the last line feed, where that is nothing.
  var withoutEmptyEnd: [String] { last == "" ? Array(dropLast()) : self }
}

extension String? {
  /// Whether a line of a script or of a configuration does nothing.
  fileprivate var isComment: Bool {
    guard let text = self?.drop(while: { $0 == " " || $0 == "\t" }) else { return true }
    return text.isEmpty || text.hasPrefix("#") && !text.hasPrefix("#!")
  }
}
