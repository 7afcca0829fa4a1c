import Diagnostics
import Inputs
import UserData
import YAML

/// A text within a cloud-config: a command, or what a file holds; and where each of its lines stands.
struct Fragment: Sendable {
  /// How the lines of the text follow from those of the part.
  private enum Form {
    /// The lines below a `|`, indented by so many columns.
    case block(line: Int, indentation: Int)
    /// One line, as it stands.
    case inline(Mark)
    /// Escaped, folded or encoded: only where it begins is known.
    case encoded(Mark)
  }

  /// The text, decoded.
  let text: String
  /// The JSON path of the value.
  let path: String?
  private let part: PartText
  private let form: Form

  /// The text of a scalar as it stands in a part.
  init(_ value: Positioned, in part: PartText) {
    self.init(value.node.scalarText ?? "", value, in: part)
  }

  /// A text that a scalar stands for.
  init(_ text: String, _ value: Positioned, in part: PartText) {
    self.text = text
    self.part = part
    path = value.path
    form =
      value.node.scalarText == text ? Self.form(of: value.node, in: part) : .encoded(value.node.mark)
  }

  /// The whole of a part.
  init(_ part: Part) {
    text = String(decoding: part.content, as: UTF8.self)
    self.part = part.text
    path = nil
    form = .block(line: 0, indentation: 0)
  }

  private static func form(of node: Node, in part: PartText) -> Form {
    let mark = node.mark
    guard mark.line <= part.lines.count else { return .encoded(mark) }
    var column = mark.column
    var rest = part.rest(of: mark.line, from: column)
    // An anchor or a tag goes before the value.
    while let first = rest.first, first == "!" || first == "&" {
      let after = rest.drop { $0 != " " }.drop { $0 == " " }
      column += rest.count - after.count
      rest = after
    }
    switch rest.first {
    case "|":
      let below = part.lines.dropFirst(mark.line)
      let indicator = rest.dropFirst().prefix(2).first { ("1"..."9").contains($0) }
      guard indicator == nil, let first = below.first(where: { $0.contains { $0 != " " } }) else {
        return .encoded(mark)
      }
      return .block(line: mark.line, indentation: first.prefix { $0 == " " }.count)
    case ">": return .encoded(mark)
    case "\"", "'":
      let text = node.scalarText ?? ""
      let isVerbatim = rest.dropFirst().starts(with: text.unicodeScalars)
      return isVerbatim ? .inline(Mark(line: mark.line, column: column + 1)) : .encoded(mark)
    default:
      return rest.starts(with: (node.scalarText ?? "").unicodeScalars)
        ? .inline(Mark(line: mark.line, column: column)) : .encoded(mark)
    }
  }

  /// Where a line and column of the text, from 1, stand in the file.
  func location(line: Int, column: Int) -> Location {
    if let found = origin(line: line, column: column) { return found }
    switch form {
    case .block(let start, let indentation):
      return part.location(Mark(line: start + line, column: column + indentation), path: path)
    case .inline(let mark):
      return part.location(Mark(line: mark.line, column: mark.column + column - 1), path: path)
    case .encoded(let mark):
      // The first line says no more than the place of the value does.
      return line == 1
        ? part.location(mark, path: path)
        : part.encoded(in: part.location(mark, path: path), Mark(line: line, column: column), "text")
    }
  }

  /// The place in another file, as one line alone stands where the value does.
  private func origin(line: Int, column: Int) -> Location? {
    if case .inline = form { return nil }
    guard let origin = part.origin else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count > 2, line <= lines.count, let found = origin(lines[line - 1]) else { return nil }
    let indentation = lines[line - 1].prefix { $0 == " " }.count
    return Location(
      source: found.source, line: found.line, column: (found.column ?? 1) + max(0, column - 1 - indentation))
  }

  /// Where characters of the text stand in the file, in the order given; it counts on from one to the next.
  func locations(_ places: [String.Index]) -> [Location] {
    let scalars = text.unicodeScalars
    var (index, line, column) = (scalars.startIndex, 1, 1)
    return places.map { place in
      if place < index { (index, line, column) = (scalars.startIndex, 1, 1) }
      while index < place {
        (line, column) = scalars[index] == "\n" ? (line + 1, 1) : (line, column + 1)
        scalars.formIndex(after: &index)
      }
      return location(line: line, column: column)
    }
  }
}

/// A file that `write_files` would write.
struct WrittenFile: Sendable {
  /// Its path.
  let path: String
  /// What it holds.
  let content: Fragment
  /// Its permissions; `write_files` makes files that everybody may read where it is told nothing.
  let mode: Int
  /// Its entry.
  let entry: Positioned

  /// Whether everybody on the node may read it.
  var isReadableByAll: Bool { mode & 0o004 != 0 }
  /// Whether k3seed put it where it puts secrets.
  let isOwnSecret: Bool

  /// An entry of `write_files`; nil where it has no path or no content.
  ///
  /// - Parameter budget: how many bytes the payload's compressed files may still expand to.
  init?(_ entry: Positioned, in text: PartText, isOwn: Bool, budget: inout Int) {
    guard let path = entry["path"]?.node.string, let content = entry["content"] else { return nil }
    self.path = path
    self.entry = entry
    // What does not become text holds nothing that the rules could read.
    self.content = Fragment(
      String(validating: entry.node.fileContent(within: &budget), as: UTF8.self) ?? "", content, in: text)
    mode = entry["permissions"]?.node.mode ?? 0o644
    isOwnSecret = isOwn && path.hasPrefix("/var/lib/k3seed/secrets/")
  }
}

/// Something that a shell runs.
struct Script: Sendable {
  /// Its text.
  let fragment: Fragment
  /// The shell that reads it, as its first line says: `sh` or `bash`.
  let shell: String
  /// The script that it is a piece of, if it is one.
  var whole: String?
}

extension Part {
  /// The lists of commands that it has, by their key.
  var commands: [(key: String, list: Positioned)] {
    ["bootcmd", "runcmd"].compactMap { key in root?[key].map { (key, $0) } }
  }

  /// Everything that a shell runs.
  var scripts: [Script] {
    if type == "text/x-shellscript" || type == "text/cloud-boothook" {
      return Script(Fragment(self), orElse: type == "text/cloud-boothook" ? "sh" : nil).map { [$0] } ?? []
    }
    let commands = commands.flatMap { key, list in list.items.map { (list, $0) } }.compactMap {
      list, item -> Script? in
      if item.node.string != nil {
        return Script(fragment: Fragment(item, in: text), shell: "sh", whole: Self.joined(list))
      }
      let words = item.items
      guard words.count > 2, words[1].node.string == "-c",
        let shell = words[0].node.string?.parts(between: "/").last, ["sh", "bash"].contains(shell)
      else { return nil }
      return Script(fragment: Fragment(words[2], in: text), shell: shell)
    }
    return commands + files.compactMap { Script($0.content, orElse: nil) }
  }

  /// The one script that cloud-init makes of a list of commands (22.4, `util.py`, `shellify`): texts as they are, lists
  /// with each word in quotes.
  private static func joined(_ list: Positioned) -> String {
    list.items.map { item in
      item.node.string
        ?? item.items.map { ($0.node.scalarText ?? "").shellQuoted }
        .joined(separator: " ")
    }.map { $0 + "\n" }.joined()
  }

  /// Every text of a command, its words one by one where it is a list.
  var commandTexts: [Fragment] {
    commands.flatMap(\.list.items).flatMap { item in
      item.node.string == nil
        ? item.items.map { Fragment($0, in: text) } : [Fragment(item, in: text)]
    }
  }
}

extension Script {
  /// A text whose first line names a shell; nil where it does not, unless another is assumed.
  fileprivate init?(_ fragment: Fragment, orElse assumed: String?) {
    let line = fragment.text.prefix { !$0.isNewline }
    let words = line.hasPrefix("#!") ? line.dropFirst(2).split { " /".contains($0) } : []
    guard let shell = words.map(String.init).first(where: { ["sh", "bash", "dash"].contains($0) }) ?? assumed
    else { return nil }
    self.init(fragment: fragment, shell: shell == "bash" ? "bash" : "sh")
  }
}

extension Node {
  /// The mode that cloud-init makes of permissions (`cc_write_files.py`, `decode_perms`): a number as it is, which YAML 1.1
  /// reads as octal where it begins with a zero, and a text as an octal number; nil where it takes its default.
  fileprivate var mode: Int? {
    switch value {
    case .number(let digits): digits.hasPrefix("0") ? digits.octal : Int(digits)
    case .string(let text): text.octal
    default: nil
    }
  }
}
