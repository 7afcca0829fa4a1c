/// What libyaml reads and writes: one step through a document.
struct Event {
  enum Style {
    case plain, singleQuoted, doubleQuoted, literal, folded
  }

  enum Kind {
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(String, Style)
    case sequenceStart
    case sequenceEnd
    case mappingStart
    case mappingEnd
  }

  var kind: Kind
  var anchor: String?
  var tag: String?
  var mark: Mark

  init(_ kind: Kind, anchor: String? = nil, tag: String? = nil, at mark: Mark) {
    self.kind = kind
    self.anchor = anchor
    self.tag = tag
    self.mark = mark
  }
}

/// Why libyaml could not read a text, and where.
struct ParseProblem: Error {
  /// What was found and while reading what, in libyaml's words.
  var problem: String
  var mark: Mark
  /// What to do about it, where that is known.
  var help: String?
}
