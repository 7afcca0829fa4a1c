/// How PyYAML's safe loader reads scalars, keys and tags (PyYAML 6, `resolver.py` and `constructor.py`).
extension Composer {
  /// What a scalar is: its tag decides, or its form where it is plain and has none.
  func pythonScalar(_ text: String, _ style: Event.Style, _ event: Event) -> Node.Value {
    guard let tag = event.tag, tag != "!" else {
      return style == .plain && event.tag == nil ? PythonScalar(text).value(text) : .string(text)
    }
    let isResolved = ["null", "bool", "int", "float"].contains { tag == Self.ownTag + $0 }
    return isResolved ? PythonScalar(text).value(text) : .string(text)
  }

  /// The text of a key that is a scalar, or an alias of one; nil where it is neither, or null.
  func pythonKey(_ event: Event) -> String? {
    switch event.kind {
    case .scalar(let text, let style):
      let isNull = style == .plain && event.tag == nil && PythonScalar(text) == .null
      return isNull || event.tag.map { !$0.hasPrefix(Self.ownTag) } == true ? nil : text
    case .alias(let name):
      return switch anchors[name]?.node.value {
      case .string(let text), .number(let text): text
      case .bool(let flag): flag ? "true" : "false"
      default: nil
      }
    default: return nil
    }
  }

  /// The tags for which PyYAML's safe loader has a constructor, and cloud-init's own besides.
  private static let pythonTags: Set = [
    "null", "bool", "int", "float", "binary", "timestamp", "omap", "pairs", "set", "str", "seq", "map",
    "python/unicode",
  ]

  /// The tag that a value keeps: that of a date or of bytes, as others have done their work.
  mutating func pythonTag(of value: Node.Value, _ event: Event) -> String? {
    guard let tag = event.tag, tag != "!" else {
      guard event.tag == nil, case .scalar(let text, .plain) = event.kind else { return nil }
      switch PythonScalar(text) {
      case .date(let isValid):
        if !isValid {
          add(
            "yaml-tag", event.mark, "PyYAML takes this for a date, and there is no such day or time",
            help: "put it in quotes")
        }
        return Self.ownTag + "timestamp"
      case .sign:
        add(
          "yaml-tag", event.mark, "PyYAML cannot read a plain \(text) as a value", help: "put it in quotes")
        return nil
      default: return nil
      }
    }
    guard tag.hasPrefix(Self.ownTag), Self.pythonTags.contains(String(tag.dropFirst(Self.ownTag.count)))
    else {
      // Where nothing follows, it is a value that begins with an exclamation mark, and may be a password.
      if case .scalar("", .plain) = event.kind {
        add(
          "yaml-tag", event.mark,
          "PyYAML's safe loader, with which cloud-init reads, takes this for a tag, and knows none of that name",
          help: "put a value that begins with ! in quotes")
        return tag
      }
      let name = tag.hasPrefix(Self.ownTag) ? "!!" + tag.dropFirst(Self.ownTag.count) : tag
      add(
        "yaml-tag", event.mark, "PyYAML's safe loader, with which cloud-init reads, knows no tag \(name)",
        help: "render the file with the tool whose tag it is, or write the value itself")
      return tag
    }
    let name = tag.dropFirst(Self.ownTag.count)
    let fits =
      switch (name, value) {
      case ("null", .null), ("bool", .bool), ("int", .number), ("float", .number), ("seq", .sequence),
        ("map", .mapping), ("set", .mapping), ("omap", .sequence), ("pairs", .sequence):
        true
      case ("bool", .string(let text)):
        ["yes", "no", "on", "off", "true", "false"].contains(text.lowercased())
      case ("null", .string), ("str", .string), ("python/unicode", .string), ("binary", .string): true
      case ("timestamp", .string(let text)): PythonScalar(text) == .date(isValid: true)
      default: false
      }
    if !fits { add("yaml-tag", event.mark, "the value is not what its tag !!\(name) says") }
    return ["timestamp", "binary"].contains(name) ? tag : nil
  }
}
