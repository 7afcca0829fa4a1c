import Diagnostics
import TestSupport
import Testing
import YAML

@Suite("YAML as PyYAML's safe loader reads it") struct PythonTests {
  /// The kind of each value of a list.
  private func kinds(_ items: [String]) throws -> [String] {
    let text = "[\(items.joined(separator: ", "))]\n"
    let (root, report) = try YAML.parseAsPython(Array(text.utf8), source: "t.yaml")
    #expect(report.diagnostics.isEmpty, "\(report.text)")
    return (root?.sequence ?? []).map { node in
      switch node.value {
      case .null: "null"
      case .bool: "bool"
      case .number: node.isInteger ? "int" : "float"
      case .string: node.isDate ? "date" : "str"
      case .sequence, .mapping: "other"
      }
    }
  }

  static let scalars = [
    "on", "Off", "YES", "no", "y", "n", "oN", "true", "~", "null", "nUll", "012", "089", "0x1F", "0b101",
    "0o17", "1_000",
    "12:30", "5:20.10", "190:20:30", "1:99", "1.5", "1.", ".5", "1e3", "1.0e+3", "1.0e3", ".inf", "-.INF",
    ".nan", "+12",
    "2024-01-01", "2024-1-1", "2024-01-01 10:20:30", "2024-01-01T10:20:30Z", "2024-01-01T10:20:30.5 +02:00",
    "20240101",
    "0", "-0", "00", "0_", "1_", "-", "a", "'on'", "\"12\"",
  ]

  @Test(
    "each scalar is of the kind that PyYAML says",
    .enabled(if: Tool.has("python3"), "needs python3 with PyYAML"))
  func scalars() async throws {
    let script = """
      import sys, yaml, datetime
      kinds = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str", datetime.date: "date",
               datetime.datetime: "date"}
      print(" ".join(kinds[type(value)] for value in yaml.safe_load(sys.stdin)))
      """
    let text = "[\(Self.scalars.joined(separator: ", "))]\n"
    let outcome = try await Tool.run(["python3", "-c", script], input: Array(text.utf8))
    try #require(outcome.status == 0, "\(outcome.errors)")
    let expected = outcome.text.split { $0 == " " || $0 == "\n" }.map(String.init)
    let found = try kinds(Self.scalars)
    for (scalar, (one, other)) in zip(Self.scalars, zip(found, expected)) {
      #expect(one == other, "\(scalar)")
    }
    #expect(found.count == expected.count)
  }

  @Test(
    "what PyYAML refuses is an error at its place",
    arguments: [
      ("a: !Ref b\n", "1:4 yaml-tag"), ("a: !!python/tuple [b]\n", "1:4 yaml-tag"),
      ("a: =\n", "1:4 yaml-tag"),
      ("a: [&x b, &x c]\n", "1:11 yaml-alias"), ("a: 2024-13-01\n", "1:4 yaml-tag"),
      ("a: 2023-02-29\n", "1:4 yaml-tag"),
      ("a: !!int b\n", "1:4 yaml-tag"), ("a: b\nc: d\na: e\n", "3:1 duplicate-key"),
      ("a: b\n---\nc: d\n", "3:1 yaml-documents"),
    ])
  func refused(text: String, finding: String) throws {
    let (_, report) = try YAML.parseAsPython(Array(text.utf8), source: "t.yaml")
    #expect(
      report.diagnostics.map { "\($0.location?.line ?? 0):\($0.location?.column ?? 0) \($0.code)" } == [
        finding
      ],
      "\(report.text)")
  }

  @Test(
    "what PyYAML takes is none",
    arguments: [
      "a: !!binary YQ==\n", "a: !!str 12\n", "a: !!set {b, c}\n", "a: ! b\n", "a: !!timestamp 2024-01-01\n",
      "&k a: *k\n",
      "? a\n: b\n", "a: !!python/unicode b\n", "a: !!bool yes\n", "a: 2024-02-29\n", "!!str a: b\n",
      "a: &x b\n*x : c\n",
    ])
  func taken(text: String) throws {
    let (root, report) = try YAML.parseAsPython(Array(text.utf8), source: "t.yaml")
    #expect(report.diagnostics.isEmpty && root?.mapping != nil, "\(report.text)")
  }

  @Test("of a key that is given twice the last value counts, in a mapping of any size")
  func twice() throws {
    let many = (0..<40).map { "k\($0): \($0)\n" }.joined()
    let (root, report) = try YAML.parseAsPython(Array("\(many)k3: a\nk3: b\n".utf8), source: "t.yaml")
    #expect(root?["k3"]?.string == "b" && root?.mapping?.count == 40)
    #expect(report.diagnostics.map(\.code) == ["duplicate-key", "duplicate-key"])
  }
}
