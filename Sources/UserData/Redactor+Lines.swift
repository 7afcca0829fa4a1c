import Diagnostics
import YAML

extension Redactor {
  /// The lines of a text as they may be shown, each at its number: what its structure says is a secret, and what has the
  /// form of one, is taken out. Nil where too much of it is one.
  static func lines(of text: String, budget: inout Int) -> [String]? {
    var lines = TextRedactor.lines(of: text, isOwn: false).map { $0.printable }
    guard !text.hasPrefix("#!"),
      let documents = try? YAML.parse(Array(text.utf8), source: "", ambiguity: .accepted),
      documents.contains(where: { $0.mapping != nil || $0.sequence != nil })
    else { return lines }
    var hidden: Set<String> = []
    for document in documents {
      collect(document, cloudConfig(document, budget: &budget), into: &hidden)
    }
    guard hidden.count * text.utf8.count < 100_000_000 else { return nil }
    for index in lines.indices {
      for fragment in hidden where lines[index].contains(fragment) {
        lines[index] = lines[index].replacing(fragment, with: mark)
      }
    }
    return lines
  }

  /// The lines of every text that is not shown as it is.
  private static func collect(_ value: Node, _ shown: Node, into hidden: inout Set<String>) {
    switch value.value {
    case .mapping(let entries):
      for entry in entries { collect(entry.value, shown[entry.key] ?? Node(.null), into: &hidden) }
    case .sequence(let items):
      let others = shown.sequence ?? []
      for (index, item) in items.enumerated() {
        collect(item, index < others.count ? others[index] : Node(.null), into: &hidden)
      }
    case .string(let text), .number(let text):
      let same = Set((shown.scalarText ?? "").parts(between: "\n").map(\.trimmedSpace))
      for line in text.parts(between: "\n").map(\.trimmedSpace)
      where line.utf8.count > 1 && !same.contains(line) {
        hidden.insert(line.printable)
      }
    case .null, .bool: break
    }
  }
}

extension TextRedactor {
  /// The lines of a text as they may be shown: as many as the text has.
  static func lines(of text: String, isOwn: Bool) -> [String] {
    var lines: [String] = []
    commands(of: text, isOwn: isOwn) { count, found in
      guard let found else {
        lines += [String](repeating: Redactor.mark, count: count)
        return
      }
      let shown = found.split(separator: 0x0A, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
      }
      // Of a command of several lines that holds a secret, one line is shown.
      lines +=
        shown.count == count ? shown : shown + [String](repeating: Redactor.mark, count: count - shown.count)
    }
    return lines
  }
}

extension String {
  fileprivate var trimmedSpace: String {
    let text = drop { $0 == " " || $0 == "\t" }
    return String(text.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }.reversed())
  }
}
