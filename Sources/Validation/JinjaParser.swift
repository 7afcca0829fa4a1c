/// Reads the expressions and statements of a Jinja template as Jinja 3 does (its `parser.py`): what it refuses, which
/// names it looks up, and which text it gives out in any case.
struct JinjaParser {
  typealias Failure = JinjaLexer.Failure
  typealias Token = JinjaLexer.Token

  /// A name that the template does not bind itself.
  struct Lookup {
    let name: String
    let offset: Int
    /// The attribute that is asked of it, if it is.
    let attribute: String?
    /// Whether the name alone is looked at, by a test or a filter that takes what is not there.
    let isCareful: Bool
  }

  let tokens: [JinjaLexer.Token]
  var next = 0
  var scopes: [Set<String>] = [["range", "dict", "lipsum", "cycler", "joiner", "namespace"]]
  /// Whether an expression is only a condition, which takes what is not there.
  var isCondition = false
  var conditions = 0
  var depth = 0
  /// As deep as Jinja itself goes before Python's stack ends, about.
  static let deepest = 100
  var lookups: [Lookup] = []
  /// What stands in no branch that is taken, or gives out nothing where it stands.
  var silent: [Range<Int>] = []
  /// What gives out something unknown.
  var values: [Range<Int>] = []
  /// Filters and tests that Jinja does not have.
  var unknown: [(offset: Int, what: String, isCertain: Bool)] = []

  init(_ tokens: [JinjaLexer.Token]) { self.tokens = tokens }

  mutating func run() throws(Failure) {
    try body(until: [])
  }

  // MARK: Tokens

  var current: Token { tokens[next] }

  mutating func take() -> Token {
    defer { if next < tokens.count - 1 { next += 1 } }
    return tokens[next]
  }

  func isAt(_ kind: JinjaLexer.Kind, _ text: String) -> Bool {
    current.kind == kind && current.text == text
  }

  mutating func skip(_ kind: JinjaLexer.Kind, _ text: String) -> Bool {
    guard isAt(kind, text) else { return false }
    next += 1
    return true
  }

  func unexpected() -> Failure {
    let what = current.kind == .end ? "the end of the template" : current.text.debugDescription
    return Failure(offset: current.range.lowerBound, message: "unexpected \(what)")
  }

  mutating func expect(_ kind: JinjaLexer.Kind, _ text: String? = nil) throws(Failure) -> Token {
    guard current.kind == kind, text == nil || current.text == text else { throw unexpected() }
    return take()
  }

  // MARK: Statements

  /// Reads text and tags up to one of the words given, whose tag is left open behind the word.
  @discardableResult
  mutating func body(until words: Set<String>) throws(Failure) -> String {
    while true {
      switch current.kind {
      case .data: next += 1
      case .end:
        if words.isEmpty { return "" }
        throw Failure(
          offset: current.range.lowerBound,
          message: "the template ends without {% \(words.sorted().joined(separator: " %} or {% ")) %}")
      case .openValue:
        let start = take().range.lowerBound
        _ = try tuple()
        values.append(start..<(try expect(.closeValue)).range.upperBound)
      case .openBlock:
        let start = current.range.lowerBound
        next += 1
        let word = current
        guard word.kind == .name else { throw unexpected() }
        next += 1
        // The text within {% raw %}.
        if word.range.isEmpty { continue }
        if words.contains(word.text) { return word.text }
        try statement(word, from: start)
      default: throw unexpected()
      }
    }
  }

  mutating func close() throws(Failure) { _ = try expect(.closeBlock) }

  var end: Int { tokens[max(0, next - 1)].range.upperBound }

  mutating func scoped(
    _ names: Set<String> = [], _ read: (inout JinjaParser) throws(Failure) -> Void
  ) throws(Failure) {
    scopes.append(names)
    try read(&self)
    scopes.removeLast()
  }

  mutating func statement(_ word: Token, from start: Int) throws(Failure) {
    try descend()
    defer { depth -= 1 }
    switch word.text {
    case "if": try conditional()
    case "for": try loop()
    case "set": try assignment(from: start)
    case "with":
      var names: Set<String> = []
      while current.kind != .closeBlock {
        let target = try targets()
        _ = try expect(.sign, "=")
        try expression()
        names.formUnion(target)
        if !skip(.sign, ",") { break }
      }
      try close()
      try scoped(names) { parser throws(Failure) in try parser.body(until: ["endwith"]) }
      try close()
    case "macro":
      scopes[scopes.count - 1].insert(try expect(.name).text)
      let names = try signature()
      try close()
      try scoped(names.union(["caller", "varargs", "kwargs"])) { parser throws(Failure) in
        try parser.body(until: ["endmacro"])
      }
      try close()
      silent.append(start..<end)
    case "call":
      let names = isAt(.sign, "(") ? try signature() : []
      try expression()
      try close()
      try scoped(names) { parser throws(Failure) in try parser.body(until: ["endcall"]) }
      try close()
      values.append(start..<end)
    case "filter":
      try filter()
      while skip(.sign, "|") { try filter() }
      try close()
      try body(until: ["endfilter"])
      try close()
    case "block":
      _ = try expect(.name)
      while skip(.name, "scoped") || skip(.name, "required") {}
      try close()
      try scoped(["self", "super"]) { parser throws(Failure) in try parser.body(until: ["endblock"]) }
      if current.kind == .name { next += 1 }
      try close()
    case "autoescape":
      try expression()
      try close()
      try body(until: ["endautoescape"])
      try close()
    case "print":
      _ = try tuple()
      try close()
      values.append(start..<end)
    case "do":
      _ = try tuple()
      try close()
    case "include", "extends", "import", "from":
      throw Failure(
        offset: start, message: "{% \(word.text) %} needs other files, and cloud-init gives Jinja none")
    default:
      throw Failure(offset: word.range.lowerBound, message: "Jinja knows no tag {% \(word.text) %}")
    }
  }

  mutating func conditional() throws(Failure) {
    conditions += 1
    defer { conditions -= 1 }
    try condition()
    try close()
    var word = try body(until: ["elif", "else", "endif"])
    let skipped = tokens[max(0, next - 1)].range.lowerBound
    while word == "elif" {
      try condition()
      try close()
      word = try body(until: ["elif", "else", "endif"])
    }
    if word == "else" {
      try close()
      word = try body(until: ["endif"])
    }
    try close()
    // The first branch stands for all: two of them would say the same thing twice.
    silent.append(skipped..<end)
  }

  mutating func condition() throws(Failure) {
    isCondition = true
    _ = try tuple()
    isCondition = false
  }

  mutating func loop() throws(Failure) {
    let names = try targets(until: "in")
    _ = try expect(.name, "in")
    isCondition = true
    _ = try tuple(hasConditions: false)
    isCondition = false
    scopes.append(names.union(["loop"]))
    if skip(.name, "if") { try condition() }
    _ = skip(.name, "recursive")
    try close()
    let word = try body(until: ["else", "endfor"])
    scopes.removeLast()
    if word == "else" {
      let start = tokens[max(0, next - 1)].range.lowerBound
      try close()
      try body(until: ["endfor"])
      silent.append(start..<end)
    }
    try close()
  }

  mutating func assignment(from start: Int) throws(Failure) {
    var names = try targets()
    if skip(.sign, ".") {
      _ = try expect(.name)
      names = []
    }
    if skip(.sign, "=") {
      _ = try tuple()
      try close()
    } else {
      while skip(.sign, "|") { try filter() }
      try close()
      try scoped { parser throws(Failure) in try parser.body(until: ["endset"]) }
      try close()
      silent.append(start..<end)
    }
    scopes[scopes.count - 1].formUnion(names)
  }

  /// Names that a value is given to: `a`, `a, b` or `(a, b)`.
  mutating func targets(until word: String? = nil) throws(Failure) -> Set<String> {
    var names: Set<String> = []
    repeat {
      if skip(.sign, "(") {
        names.formUnion(try targets())
        _ = try expect(.sign, ")")
      } else if current.kind == .name, current.text != word {
        names.insert(take().text)
      } else if names.isEmpty {
        throw unexpected()
      }
    } while skip(.sign, ",")
    return names
  }

  mutating func signature() throws(Failure) -> Set<String> {
    var names: Set<String> = []
    _ = try expect(.sign, "(")
    while !isAt(.sign, ")") {
      names.insert(try expect(.name).text)
      if skip(.sign, "=") { try expression() }
      if !skip(.sign, ",") { break }
    }
    _ = try expect(.sign, ")")
    return names
  }
}
