import CYAML

/// The only code that touches libyaml: pointers never leave it.
enum Libyaml {
  /// Reads a text as events, stream start and end left out, for as long as the reader of the events goes on.
  static func parse(_ bytes: [UInt8], _ goesOn: (Event) -> Bool) throws(ParseProblem) {
    try run(bytes) { raw in Event(raw).map(goesOn) ?? true }
  }

  /// The scalars of a text: from where to where they stand, in characters, and how they are written.
  static func scalars(_ bytes: [UInt8]) throws(ParseProblem) -> [(range: Range<Int>, style: Event.Style)] {
    var scalars: [(range: Range<Int>, style: Event.Style)] = []
    try run(bytes) { raw in
      if case .scalar(_, let style)? = Event(raw)?.kind, raw.start_mark.index < raw.end_mark.index {
        scalars.append((Int(raw.start_mark.index)..<Int(raw.end_mark.index), style))
      }
      return true
    }
    return scalars
  }

  /// Hands on libyaml's own events, each as long as it lives, for as long as their reader goes on.
  private static func run(_ bytes: [UInt8], _ goesOn: (yaml_event_t) -> Bool) throws(ParseProblem) {
    var parser = yaml_parser_t()
    guard yaml_parser_initialize(&parser) == 1 else { throw ParseProblem.outOfMemory }
    defer { yaml_parser_delete(&parser) }
    let problem: ParseProblem? = bytes.withUnsafeBufferPointer { buffer in
      yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(&parser, buffer.baseAddress, buffer.count)
      while true {
        var raw = yaml_event_t()
        guard yaml_parser_parse(&parser, &raw) == 1 else { return ParseProblem(parser, bytes) }
        defer { yaml_event_delete(&raw) }
        if raw.type == YAML_STREAM_END_EVENT { return nil }
        if !goesOn(raw) { return nil }
      }
    }
    if let problem { throw problem }
  }

  /// Writes one document, of the events that `document` sends.
  static func emit(_ document: ((Event.Kind) -> Void) -> Void) -> [UInt8] {
    var emitter = yaml_emitter_t()
    // Both fail only when memory is exhausted, where Swift itself stops the program.
    precondition(yaml_emitter_initialize(&emitter) == 1, "libyaml is out of memory")
    defer { yaml_emitter_delete(&emitter) }
    var output: [UInt8] = []
    withUnsafeMutablePointer(to: &output) { target in
      yaml_emitter_set_output(
        &emitter,
        { target, bytes, count in
          let output = target?.assumingMemoryBound(to: [UInt8].self)
          output?.pointee.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
          return 1
        }, target)
      yaml_emitter_set_unicode(&emitter, 0)
      yaml_emitter_set_width(&emitter, -1)
      yaml_emitter_set_indent(&emitter, 2)
      yaml_emitter_set_break(&emitter, YAML_LN_BREAK)
      func send(_ make: (inout yaml_event_t) -> Int32) {
        var raw = yaml_event_t()
        let sent = make(&raw) == 1 && yaml_emitter_emit(&emitter, &raw) == 1
        precondition(
          sent, "libyaml refused an event: \(emitter.problem.map { String(cString: $0) } ?? "memory")")
      }
      send { yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
      send { yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
      document { event in send { event.fill(&$0) } }
      send { yaml_document_end_event_initialize(&$0, 1) }
      send { yaml_stream_end_event_initialize(&$0) }
    }
    return output
  }
}

extension Event {
  fileprivate init?(_ raw: yaml_event_t) {
    let mark = Mark(raw.start_mark)
    switch raw.type {
    case YAML_DOCUMENT_START_EVENT: self.init(.documentStart, at: mark)
    case YAML_DOCUMENT_END_EVENT: self.init(.documentEnd, at: mark)
    case YAML_ALIAS_EVENT: self.init(.alias(text(raw.data.alias.anchor) ?? ""), at: mark)
    case YAML_SCALAR_EVENT:
      let scalar = raw.data.scalar
      let style: Style =
        switch scalar.style {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
      let value = String(
        decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      self.init(.scalar(value, style), anchor: text(scalar.anchor), tag: text(scalar.tag), at: mark)
    case YAML_SEQUENCE_START_EVENT:
      let start = raw.data.sequence_start
      self.init(.sequenceStart, anchor: text(start.anchor), tag: text(start.tag), at: mark)
    case YAML_SEQUENCE_END_EVENT: self.init(.sequenceEnd, at: mark)
    case YAML_MAPPING_START_EVENT:
      let start = raw.data.mapping_start
      self.init(.mappingStart, anchor: text(start.anchor), tag: text(start.tag), at: mark)
    case YAML_MAPPING_END_EVENT: self.init(.mappingEnd, at: mark)
    default: return nil
    }
  }

}

extension Event.Kind {
  /// Makes libyaml's own event, of which libyaml copies the text and takes ownership.
  fileprivate func fill(_ raw: inout yaml_event_t) -> Int32 {
    switch self {
    case .documentStart, .documentEnd, .alias: return 0  // never sent: documents are framed by `emit`
    case .sequenceStart:
      return yaml_sequence_start_event_initialize(&raw, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE)
    case .sequenceEnd: return yaml_sequence_end_event_initialize(&raw)
    case .mappingStart:
      return yaml_mapping_start_event_initialize(&raw, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE)
    case .mappingEnd: return yaml_mapping_end_event_initialize(&raw)
    case .scalar(let text, let style):
      let rawStyle =
        switch style {
        case .plain: YAML_PLAIN_SCALAR_STYLE
        case .singleQuoted: YAML_SINGLE_QUOTED_SCALAR_STYLE
        case .doubleQuoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
        case .literal: YAML_LITERAL_SCALAR_STYLE
        case .folded: YAML_FOLDED_SCALAR_STYLE
        }
      var text = text
      return text.withUTF8 { bytes in
        yaml_scalar_event_initialize(&raw, nil, nil, bytes.baseAddress, Int32(bytes.count), 1, 1, rawStyle)
      }
    }
  }
}

private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
  pointer.map { String(cString: $0) }
}

extension Mark {
  fileprivate init(_ mark: yaml_mark_t) {
    self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }
}

extension ParseProblem {
  fileprivate static let outOfMemory = ParseProblem(problem: "out of memory", mark: Mark(line: 1, column: 1))

  fileprivate init(_ parser: yaml_parser_t, _ bytes: [UInt8]) {
    let found = parser.problem.map { String(cString: $0) } ?? "unreadable"
    problem = found
    help = Self.cures.first { found.contains($0.key) }?.value
    guard parser.error != YAML_READER_ERROR else {
      // The reader knows only an offset, in bytes.
      mark = Mark(of: parser.problem_offset, in: bytes)
      return
    }
    mark = Mark(parser.problem_mark)
    if let context = parser.context {
      problem += " \(String(cString: context))"
      let start = Mark(parser.context_mark)
      if start != mark { problem += " that starts at line \(start.line), column \(start.column)" }
    }
  }

  /// What to do about the commonest mistakes, by libyaml's words for them.
  private static let cures: KeyValuePairs = [
    "tab character": "indent with spaces",
    "cannot start any token": "indent with spaces, and put text that begins with @, % or ` in quotes",
    "mapping values are not allowed":
      "mend the indentation, or put text that holds a colon and a space in quotes",
    "could not find expected ':'": "write it as a key with a value, or indent it below what it belongs to",
    "did not find expected key": "mend the indentation here, or of the line above",
    "did not find expected '-'": "mend the indentation here, or of the line above",
  ]
}
