extension Report {
  /// The report as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"): one run, its rules, its results.
  ///
  /// Files are relative references, which a code host resolves against the repository's root; a finding that has no
  /// place in a file has no location. Columns count Unicode scalars, which is said with `columnKind`.
  public func sarif(by producer: Producer) -> String {
    let codes = producer.rules.map(\.code)
    var others: [String] = []
    for diagnostic in diagnostics where !codes.contains(diagnostic.code) && !others.contains(diagnostic.code)
    {
      others.append(diagnostic.code)
    }
    let all = codes + others
    let rules =
      producer.rules.map(\.sarif) + others.map { JSONText.object([("id", $0.jsonLiteral)]) }
    let results = diagnostics.map { diagnostic in
      diagnostic.sarif(ruleIndex: all.firstIndex(of: diagnostic.code) ?? 0)
    }
    let driver = JSONText.object([
      ("name", producer.name.jsonLiteral), ("version", producer.version.jsonLiteral),
      ("rules", JSONText.list(rules)),
    ])
    let run = JSONText.object([
      ("tool", JSONText.object([("driver", driver)])), ("columnKind", "unicodeCodePoints".jsonLiteral),
      ("results", JSONText.list(results)),
    ])
    return JSONText.object([
      ("$schema", "https://json.schemastore.org/sarif-2.1.0.json".jsonLiteral),
      ("version", "2.1.0".jsonLiteral),
      ("runs", JSONText.list([run])),
    ]) + "\n"
  }
}

extension Report.Rule {
  fileprivate var sarif: String {
    func text(_ text: String) -> String { JSONText.object([("text", text.jsonLiteral)]) }
    return JSONText.object([
      ("id", code.jsonLiteral), ("shortDescription", text(what)), ("fullDescription", text(why)),
      ("help", text(fix)),
    ])
  }
}

extension Diagnostic {
  fileprivate func sarif(ruleIndex: Int) -> String {
    let text = help.map { "\(message); \($0)" } ?? message
    return JSONText.object([
      ("ruleId", code.jsonLiteral), ("ruleIndex", String(ruleIndex)),
      // The words of the format are those of k3seed.
      ("level", severity.rawValue.jsonLiteral), ("message", JSONText.object([("text", text.jsonLiteral)])),
      ("locations", location?.sarif.map { "[\($0)]" }),
    ])
  }
}

extension Location {
  fileprivate var sarif: String? {
    let region = JSONText.object([
      ("startLine", line.map(String.init)), ("startColumn", column.map(String.init)),
    ])
    let physical = JSONText.object([
      ("artifactLocation", JSONText.object([("uri", source.uriReference.jsonLiteral)])),
      ("region", line == nil ? nil : region),
    ])
    let logical = path.map { "[\(JSONText.object([("fullyQualifiedName", $0.jsonLiteral)]))]" }
    return JSONText.object([("physicalLocation", physical), ("logicalLocations", logical)])
  }
}

extension String {
  /// The path as a relative reference (RFC 3986, 4.2): bytes that have a meaning there are written as `%XX`.
  fileprivate var uriReference: String {
    let digits = Array("0123456789ABCDEF")
    return utf8.reduce(into: "") { text, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"), UInt8(ascii: "/"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
      }
    }
  }
}
