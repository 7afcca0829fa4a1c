extension JinjaParser {
  mutating func tuple(hasConditions: Bool = true) throws(Failure) {
    while true {
      if hasConditions { try expression() } else { try or() }
      guard skip(.sign, ",") else { return }
      if [.closeValue, .closeBlock].contains(current.kind) || isAt(.sign, ")") { return }
    }
  }

  mutating func expression() throws(Failure) {
    try or()
    while skip(.name, "if") {
      let outer = isCondition
      isCondition = true
      try or()
      isCondition = outer
      if skip(.name, "else") { try expression() }
    }
  }

  mutating func or() throws(Failure) {
    repeat {
      repeat { try not() } while skip(.name, "and")
    } while skip(.name, "or")
  }

  static let comparisons: Set = ["==", "!=", "<", "<=", ">", ">="]
  static let operators: Set = ["+", "-", "~", "*", "/", "//", "%", "**"]

  mutating func not() throws(Failure) {
    while skip(.name, "not") {}
    try sum()
    while true {
      if current.kind == .sign, Self.comparisons.contains(current.text) {
        next += 1
      } else if isAt(.name, "in") {
        next += 1
      } else if isAt(.name, "not"), next + 1 < tokens.count, tokens[next + 1].text == "in" {
        next += 2
      } else {
        return
      }
      try sum()
    }
  }

  mutating func sum() throws(Failure) {
    try unary()
    while current.kind == .sign, Self.operators.contains(current.text) {
      next += 1
      try unary()
    }
  }

  mutating func descend() throws(Failure) {
    depth += 1
    if depth > Self.deepest { throw Failure(offset: current.range.lowerBound, message: "nested too deep") }
  }

  mutating func unary() throws(Failure) {
    try descend()
    defer { depth -= 1 }
    while skip(.sign, "-") || skip(.sign, "+") {}
    let start = current
    let isName = try primary()
    // Where the name is asked for an attribute, or used by itself.
    var attribute: String?
    var isBare = isName
    while true {
      if skip(.sign, ".") {
        guard current.kind == .name || current.kind == .number else { throw unexpected() }
        if isBare { attribute = current.text }
        next += 1
      } else if skip(.sign, "[") {
        if isBare, current.kind == .string { attribute = String(current.text.dropFirst().dropLast()) }
        if isBare, current.kind != .string { attribute = "" }
        try subscripts()
      } else if isAt(.sign, "(") {
        if isBare { attribute = "" }
        try arguments()
      } else {
        break
      }
      isBare = false
    }
    var isCareful = isName && isBare && isCondition
    if isName && isBare {
      if isAt(.sign, "|"), ["default", "d"].contains(tokens[min(next + 1, tokens.count - 1)].text) {
        isCareful = true
      }
      if isAt(.name, "is") { isCareful = true }
    }
    if isName, !scopes.contains(where: { $0.contains(start.text) }) {
      lookups.append(
        Lookup(
          name: start.text, offset: start.range.lowerBound, attribute: attribute, isCareful: isCareful))
    }
    try filtersAndTests()
  }

  mutating func filtersAndTests() throws(Failure) {
    while true {
      if skip(.sign, "|") {
        try filter()
      } else if skip(.name, "is") {
        try test()
      } else if isAt(.sign, "(") {
        try arguments()
      } else {
        return
      }
    }
  }

  mutating func dotted() throws(Failure) -> Token {
    let first = try expect(.name)
    while skip(.sign, ".") { _ = try expect(.name) }
    return first
  }

  mutating func filter() throws(Failure) {
    let name = try dotted()
    if !Self.filters.contains(name.text) {
      unknown.append((name.range.lowerBound, "filter \(name.text)", conditions == 0))
    }
    if isAt(.sign, "(") { try arguments() }
  }

  mutating func test() throws(Failure) {
    _ = skip(.name, "not")
    let name = try dotted()
    if !Self.tests.contains(name.text) {
      unknown.append((name.range.lowerBound, "test \(name.text)", conditions == 0))
    }
    if isAt(.sign, "(") {
      try arguments()
    } else if [.string, .number].contains(current.kind) || isAt(.sign, "[") || isAt(.sign, "{")
      || current.kind == .name && !["else", "or", "and", "is", "if"].contains(current.text)
    {
      try unary()
    }
  }

  /// Reads a value; whether it is a name that is looked up.
  mutating func primary() throws(Failure) -> Bool {
    let place = next
    let token = take()
    switch (token.kind, token.text) {
    case (.name, let text):
      return !["true", "True", "false", "False", "none", "None"].contains(text)
    case (.number, _): return false
    case (.string, _):
      while current.kind == .string { next += 1 }
      return false
    case (.sign, "("):
      if !isAt(.sign, ")") { try tuple() }
      _ = try expect(.sign, ")")
      return false
    case (.sign, "["):
      try list(until: "]")
      return false
    case (.sign, "{"):
      while !isAt(.sign, "}") {
        try expression()
        _ = try expect(.sign, ":")
        try expression()
        if !skip(.sign, ",") { break }
      }
      _ = try expect(.sign, "}")
      return false
    default:
      next = place
      throw unexpected()
    }
  }

  mutating func list(until end: String) throws(Failure) {
    while !isAt(.sign, end) {
      try expression()
      if !skip(.sign, ",") { break }
    }
    _ = try expect(.sign, end)
  }

  mutating func subscripts() throws(Failure) {
    while !isAt(.sign, "]") {
      if !skip(.sign, ":"), !skip(.sign, ",") { try expression() }
    }
    next += 1
  }

  mutating func arguments() throws(Failure) {
    let outer = isCondition
    isCondition = false
    defer { isCondition = outer }
    _ = try expect(.sign, "(")
    while !isAt(.sign, ")") {
      if skip(.sign, "*") || skip(.sign, "**") {
        try expression()
      } else if current.kind == .name, next + 1 < tokens.count, tokens[next + 1].text == "=",
        tokens[next + 1].kind == .sign
      {
        next += 2
        try expression()
      } else {
        try expression()
      }
      if !skip(.sign, ",") { break }
    }
    _ = try expect(.sign, ")")
  }

  /// Jinja's own filters (3.1, `jinja2.filters.FILTERS`).
  static let filters: Set = [
    "abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape",
    "filesizeformat", "first", "float", "forceescape", "format", "groupby", "indent", "int", "items", "join",
    "last", "length", "list", "lower", "map", "max", "min", "pprint", "random", "reject", "rejectattr",
    "replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "striptags",
    "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "urlize", "wordcount",
    "wordwrap", "xmlattr",
  ]

  /// Jinja's own tests (3.1, `jinja2.tests.TESTS`).
  static let tests: Set = [
    "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "escaped", "even", "false", "filter",
    "float", "ge", "greaterthan", "gt", "in", "integer", "iterable", "le", "lessthan", "lower", "lt",
    "mapping", "ne", "none", "number", "odd", "sameas", "sequence", "string", "test", "true", "undefined",
    "upper",
  ]
}
