import Diagnostics
import Inputs
import UserData
import YAML

/// Holds values of a cloud-config to their types. No value is ever shown.
struct ValueCheck {
  struct Problem {
    enum Place {
      case value(Positioned)
      case key(Location, Positioned)
    }

    var severity: Diagnostic.Severity
    let place: Place
    /// Whether it is a key that the mapping does not have.
    let isKey: Bool
    let message: String
    let help: String
    /// Whether something is not there.
    let isMissing: Bool
    /// The words of which it should be one.
    fileprivate let words: [String]

    fileprivate init(
      _ severity: Diagnostic.Severity, _ place: Place, _ message: String, help: String, isKey: Bool = false,
      isMissing: Bool = false, words: [String] = []
    ) {
      (self.severity, self.place, self.message, self.help) = (severity, place, message, help)
      (self.isKey, self.isMissing, self.words) = (isKey, isMissing, words)
    }

    /// Whether cloud-init does what is meant though its schema refuses it: `user` without a name is the default user
    /// (`distros/ug_util.py`), and a partition has a number (`cc_disk_setup.py`).
    fileprivate var isHarmless: Bool {
      guard case .value(let value) = place else { return false }
      return value.path == "$.user" && value.node.mapping != nil
        || value.node.isInteger && value.path.wholeMatch(of: /\$\.fs_setup\[\d+\]\.partition/) != nil
    }

    /// The JSON path of what it is about.
    var path: String {
      switch place {
      case .value(let value), .key(_, let value): value.path
      }
    }
  }

  private var patterns: [String: Regex<AnyRegexOutput>] = [:]

  /// What is wrong with the value of a top-level key. What only the older schema accepts is a warning.
  static func problems(with value: Positioned, of key: String) -> [Problem] {
    guard let type = ValueType.of(key) else { return [] }
    var check = ValueCheck()
    var found = check.problems(with: value, type)
    for index in found.indices where found[index].isHarmless { found[index].severity = .warning }
    guard !found.isEmpty, let older = ValueType.older(key) else { return found }
    let known = check.problems(with: value, older).map(\.path)
    for index in found.indices where !known.contains(where: { found[index].path.hasPrefix($0) }) {
      found[index].severity = .warning
    }
    return found
  }

  // MARK: Types

  private mutating func problems(with value: Positioned, _ type: ValueType) -> [Problem] {
    // What a template gives is not known, nor what a tag that PyYAML does not know was meant for.
    if value.node.tag?.hasPrefix("!") == true || value.node.string.map(TemplateText.isUnknown) == true {
      return []
    }
    let types = if case .either(let types) = type { types } else { [type] }
    let fitting = types.filter { $0.takes(value.node) }
    guard !fitting.isEmpty else { return [wrongKind(value, types)] }
    var candidates: [[Problem]] = []
    for type in fitting {
      let found = problems(within: value, type)
      if found.isEmpty { return [] }
      candidates.append(found)
    }
    let words = types.flatMap(\.words)
    if value.node.string != nil, !words.isEmpty { return [unknownWord(value, words, types)] }
    // Mappings of several kinds say by a word which they are: that of the word that stands here is meant.
    let named = candidates.filter { !$0.contains { !$0.words.isEmpty } }
    let best = (named.isEmpty ? candidates : named).min { $0.count < $1.count } ?? []
    guard named.isEmpty, candidates.count > 1 else { return best }
    return best.map { problem in
      let words = candidates.joined().filter { $0.path == problem.path }.flatMap(\.words)
      guard case .value(let value) = problem.place, !problem.words.isEmpty else { return problem }
      return unknownWord(value, words, [])
    }
  }

  private func unknownWord(_ value: Positioned, _ words: [String], _ types: [ValueType]) -> Problem {
    let near = value.node.string?.suggestion(from: words) ?? ""
    // Besides words there may be numbers, or texts of a form.
    let others = types.flatMap(\.others)
    let isOne = words.count == 1 && others.isEmpty
    return Problem(
      .error, .value(value),
      others.isEmpty
        ? "\(value.name) is none of the words that cloud-init takes there"
        : "\(value.name) is nothing that cloud-init takes there",
      help: near + (isOne ? "write " : others.isEmpty ? "use one of " : "give ")
        + (words + others).joined(separator: others.isEmpty ? ", " : " or "), words: words)
  }

  /// What is wrong with a value of a kind that is right.
  private mutating func problems(within value: Positioned, _ type: ValueType) -> [Problem] {
    switch type {
    case .any, .text, .integer, .number, .flag, .null: return []
    case .either: return problems(with: value, type)
    case .exactly(let flag):
      return value.node.value == .bool(flag)
        ? [] : [wrong(value, "is \(!flag)", help: "cloud-init takes \(flag) there")]
    case .word(let word):
      return value.node.string == word ? [] : [unknownWord(value, [word], [])]
    case .date:
      let isDate = value.node.string?.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil
      return isDate ? [] : [wrong(value, "is no date", help: "write it as in '2030-01-31', in quotes")]
    case .pattern(let pattern):
      return matches(value.node.string ?? "", pattern)
        ? [] : [wrong(value, "is not of the form that cloud-init takes", help: "it must match \(pattern)")]
    case .atLeast(let least, _):
      guard case .number(let digits) = value.node.value, let number = Double(digits), number < least else {
        return []
      }
      return [wrong(value, "is too small", help: "give at least \(Int(least))")]
    case .list(let item, let least, let most, let isUnique):
      return problems(within: value, of: item, least: least, most: most, isUnique: isUnique)
    case .map(let map): return problems(within: value, map)
    }
  }

  private func wrong(_ value: Positioned, _ what: String, help: String) -> Problem {
    Problem(.error, .value(value), "\(value.name) \(what)", help: help)
  }

  private func wrongKind(_ value: Positioned, _ types: [ValueType]) -> Problem {
    let words = types.kinds
    if value.node.value == .null {
      return Problem(
        .warning, .value(value), "\(value.name) has no value, and cloud-init takes \(words) there",
        help: "give \(words), or leave the key out", isMissing: true)
    }
    if value.isTaken(for: types) {
      return Problem(
        .warning, .value(value),
        "\(value.name) is a string: cloud-init takes it, but its schema asks for \(words)",
        help:
          "write \(types.contains { $0.takes(Node(.bool(true))) } ? "true or false, without quotes" : words)")
    }
    let takesText = types.contains { $0.takes(Node(.string(""))) }
    let help =
      switch value.node.value {
      case .bool where takesText:
        "put it in quotes: PyYAML, with which cloud-init reads, takes yes, no, on and off for true or false"
      case .number(let digits) where takesText && digits.contains(":"):
        "put it in quotes: PyYAML, with which cloud-init reads, takes it for a number to the base 60"
      case .number where takesText: "put it in quotes"
      case .string where value.node.isDate:
        "put it in quotes: PyYAML, with which cloud-init reads, takes it for a date"
      case .string where types.contains { $0.takes(Node(.bool(true))) }: "write true or false, without quotes"
      default: "give \(words)"
      }
    return Problem(
      value.isSameInWords ? .warning : .error, .value(value),
      "\(value.name) is \(value.node.isDate ? "a date" : value.node.kind), and cloud-init takes \(words) there",
      help: help)
  }

  // MARK: Lists and mappings

  private mutating func problems(
    within value: Positioned, of type: ValueType, least: Int, most: Int?, isUnique: Bool
  ) -> [Problem] {
    let items = value.items
    var found = items.flatMap { problems(with: $0, type) }
    let isKnown = !items.contains { $0.node.string.map(TemplateText.isUnknown) ?? false }
    if items.isEmpty, least > 0 {
      found.append(
        Problem(
          .warning, .value(value), "\(value.name) is empty, and cloud-init takes at least \(least) there",
          help: "give one, or leave the key out", isMissing: true))
    } else if isKnown, items.count < least || items.count > most ?? .max {
      let wanted = most == least ? "\(least)" : most.map { "\(least) to \($0)" } ?? "at least \(least)"
      found.append(
        Problem(
          .error, .value(value),
          "\(value.name) has \(items.count) items, and cloud-init takes \(wanted) there",
          help: "give \(wanted)", isMissing: items.count < least))
    }
    if isUnique {
      var seen: Set<String> = []
      for item in items {
        guard let text = item.node.scalarText, !seen.insert(text).inserted else { continue }
        found.append(
          wrong(item, "is there twice, and cloud-init takes it once", help: "take one of the two out"))
      }
    }
    return found
  }

  private mutating func problems(within value: Positioned, _ map: ValueType.Map) -> [Problem] {
    let entries = value.entries
    let owner = value.owner
    var found: [Problem] = []
    for entry in entries {
      let types =
        map.fields.filter { $0.name == entry.key }.map(\.type)
        + map.patterns.filter { matches(entry.key, $0.pattern) }.map(\.type)
      for type in types { found += problems(with: entry.value, type) }
      guard types.isEmpty else { continue }
      if let rest = map.rest, !entry.key.isEmpty || rest.isAny {
        found += problems(with: entry.value, rest)
      } else if !TemplateText.isUnknown(entry.key) {
        found.append(unknown(entry.key, at: entry.keyLocation, entry.value, in: owner, map))
      }
    }
    let keys = Set(entries.map(\.key))
    guard !keys.contains(where: TemplateText.isUnknown) else { return found }
    if keys.isEmpty, map.least > 0 {
      found.append(
        Problem(
          .warning, .value(value), "\(value.name) is empty, and cloud-init takes at least one key there",
          help: "give one, or leave it out", isMissing: true))
    }
    let what = value.isItem ? "an entry of \(owner)" : owner
    for field in map.fields where field.isNeeded && !keys.contains(field.name) {
      found.append(
        Problem(.error, .value(value), "\(what) has no \(field.name)", help: "give one", isMissing: true))
    }
    for (sets, isExclusive) in map.choices {
      let count = sets.count { keys.isSuperset(of: $0) }
      guard isExclusive ? count != 1 : count < 1 else { continue }
      let names = sets.map { $0.joined(separator: " and ") }.joined(separator: " or ")
      found.append(
        Problem(
          .error, .value(value), "\(what) \(count == 0 ? "has no" : "has both") \(names)",
          help: "give \(isExclusive ? "one of the two" : "one of them")", isMissing: count == 0))
    }
    for conflict in map.conflicts where keys.isSuperset(of: conflict) {
      found.append(
        Problem(
          .error, .value(value), "\(what) has both \(conflict.joined(separator: " and "))",
          help: "give one of the two"))
    }
    return found
  }

  private func unknown(
    _ key: String, at place: Location, _ value: Positioned, in owner: String, _ map: ValueType.Map
  ) -> Problem {
    let names = map.fields.map(\.name).sorted()
    let help: String
    if TopLevel.names.contains(key), key.suggestion(from: names).isEmpty {
      help = "it is a key of its own: write it at the top level of the cloud-config"
    } else {
      let list =
        names.count > 16 ? "see the module's documentation" : "its keys are \(names.joined(separator: ", "))"
      help = key.suggestion(from: names) + (names.isEmpty ? "take it out" : list)
    }
    return Problem(
      .error, .key(place, value), "\(owner) has no key \(key.printable.debugDescription)", help: help,
      isKey: true)
  }

  private mutating func matches(_ text: String, _ pattern: String) -> Bool {
    if let known = patterns[pattern] { return text.contains(known) }
    guard let regex = try? Regex(pattern) else { return true }
    patterns[pattern] = regex
    return text.contains(regex)
  }
}

extension ValueType {
  /// Whether a value of this kind may be one of the type.
  fileprivate func takes(_ node: Node) -> Bool {
    switch (self, node.value) {
    case (.any, _), (.null, .null), (.list, .sequence), (.map, .mapping), (.flag, .bool), (.exactly, .bool):
      true
    case (.text, .string), (.date, .string), (.word, .string), (.pattern, .string): !node.isDate
    case (.integer, .number), (.atLeast(_, isInteger: true), .number): node.isInteger
    case (.number, .number), (.atLeast, .number): true
    case (.either(let types), _): types.contains { $0.takes(node) }
    default: false
    }
  }

  fileprivate var isAny: Bool { if case .any = self { true } else { false } }

  /// The words that it takes.
  fileprivate var words: [String] {
    switch self {
    case .word(let word): [word]
    case .either(let types): types.flatMap(\.words)
    default: []
    }
  }

  /// What it takes besides words, as a message calls it.
  fileprivate var others: [String] {
    switch self {
    case .either(let types): types.flatMap(\.others)
    case .word, .null: []
    case .pattern(let pattern): ["a string that matches \(pattern)"]
    default: [kind]
    }
  }

  /// As an error message calls it.
  fileprivate var kind: String {
    switch self {
    case .any: "anything"
    case .text, .pattern, .word: "a string"
    case .date: "a date in quotes"
    case .integer, .atLeast(_, isInteger: true): "a whole number"
    case .number, .atLeast: "a number"
    case .flag, .exactly: "true or false"
    case .null: "nothing"
    case .list: "a list"
    case .map: "a mapping"
    case .either(let types): types.kinds
    }
  }
}

extension [ValueType] {
  /// As an error message calls them: `a list or a mapping`.
  fileprivate var kinds: String {
    var kinds: [String] = []
    for kind in map(\.kind) where !kinds.contains(kind) && kind != "nothing" { kinds.append(kind) }
    return kinds.joined(separator: " or ")
  }
}

extension Positioned {
  /// The path, as a message calls the value.
  fileprivate var name: String { path.hasPrefix("$.") ? String(path.dropFirst(2)) : path }

  /// Whether it is an item of a list.
  fileprivate var isItem: Bool { path.hasSuffix("]") && !path.hasSuffix("\"]") }

  /// The name without indices: what has keys of one kind.
  fileprivate var owner: String { name.replacing(/\[\d+\]/, with: "") }

  /// Lists of which cloud-init takes one string alone as well (`get_cfg_option_list` in its `util.py`; for the keys of
  /// users `distros/__init__.py` and `cc_ssh_import_id.py`, where `-` is `_`).
  private static let lists: Set = [
    "packages", "ssh_import_id", "ssh_genkeytypes", "ssh_fp_console_blacklist", "ssh_key_console_blacklist",
    "growpart.devices", "ca_certs.trusted", "ca-certs.trusted", "chef.directories",
    "users[].ssh_authorized_keys", "users[][\"ssh-authorized-keys\"]", "users[].ssh_import_id",
    "users[][\"ssh-import-id\"]",
  ]

  /// Values that cloud-init takes for true by the word, in quotes as well (`get_cfg_option_bool` in its `util.py`).
  private static let flags: Set = [
    "disable_ec2_metadata", "package_update", "package_upgrade", "package_reboot_if_required", "apt_update",
    "apt_upgrade", "apt_reboot_if_required", "manage_resolv_conf", "preserve_hostname",
    "prefer_fqdn_over_hostname", "create_hostname_file", "disable_root", "allow_public_ssh_keys",
    "ssh_quiet_keygen", "chpasswd.expire", "write_files[].append", "write_files[].defer",
  ]

  /// Whether cloud-init takes a string for what its schema wants to be a list, or true or false.
  fileprivate func isTaken(for types: [ValueType]) -> Bool {
    guard let text = node.string else { return false }
    let place = name.replacing(/\[\d+\]/, with: "[]")
    return Self.lists.contains(place) && types.contains { $0.takes(Node(.sequence([]))) }
      || Self.flags.contains(place)
        && ["true", "false", "yes", "no", "on", "off", "1", "0"].contains(text.lowercased())
  }

  /// Whether a number is a word of a command, which becomes the text that stands here (`util.py`, `shellify`).
  fileprivate var isSameInWords: Bool {
    guard case .number(let digits) = node.value else { return false }
    return path.wholeMatch(of: /\$\.(?:runcmd|bootcmd)\[\d+\]\[\d+\]/) != nil
      && digits.wholeMatch(of: /-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?/) != nil
  }
}

extension String {
  /// What a name may have been meant as, as far as a typing error or two goes: the shorter it is, the fewer.
  func suggestion(from names: [String]) -> String {
    let near = nearMiss(in: names) ?? (utf8.count > 3 ? names.first { $0.hasPrefix(self) } : nil)
    return near.map { "did you mean \"\($0)\"? " } ?? ""
  }

  /// The name that this one is a slip of.
  func nearMiss(in names: [String]) -> String? {
    let limit = utf8.count < 4 ? 0 : utf8.count < 6 ? 1 : 2
    return limit == 0 ? nil : nearest(in: names, within: limit)
  }
}
