import Diagnostics
import Foundation
import TestSupport
import Testing
import Validation

/// A folder of files with what is right to say of each, which `verdict.txt` has:
///
///     file.yaml 2:11 error yaml-tag
///     other.yaml -
///
/// A line a finding, or `-` where there is none. What stands behind `|` is said by the message or the help, and what
/// behind `!|` is not. The verdicts come from cloud-init's own code (22.4 of Debian 12, and 26.2): its
/// `UserDataProcessor`, the renderer of its handler for Jinja, its `load_yaml` and its schema.
struct Case: Sendable, CustomTestStringConvertible {
  struct Finding: Sendable, Hashable {
    let text: String
    let says: String?
    let saysNot: String?
  }

  static let folder = Tool.root.appendingPathComponent("Tests/ValidationTests/Cases")
  let testDescription: String
  /// The findings by file.
  let verdicts: [String: [Finding]]

  /// All folders, sorted.
  static let all: [Case] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap(Case.init)
  }()

  private init?(_ name: String) {
    let file = Self.folder.appendingPathComponent(name).appendingPathComponent("verdict.txt")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
    testDescription = name
    var verdicts: [String: [Finding]] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ", maxSplits: 1).map(String.init)
      guard words.count == 2 else { continue }
      var rest = words[1]
      var (says, saysNot): (String?, String?) = (nil, nil)
      if let range = rest.range(of: " !| ") {
        saysNot = String(rest[range.upperBound...])
        rest = String(rest[..<range.lowerBound])
      }
      if let range = rest.range(of: " | ") {
        says = String(rest[range.upperBound...])
        rest = String(rest[..<range.lowerBound])
      }
      verdicts[words[0], default: []] +=
        rest == "-" ? [] : [Finding(text: rest, says: says, saysNot: saysNot)]
    }
    self.verdicts = verdicts
  }
}

@Suite("Cases, each a kind of user-data that people have") struct CaseTests {
  @Test("each file has the findings that are right, and no other", arguments: Case.all)
  func cases(_ sample: Case) throws {
    #expect(!sample.verdicts.isEmpty)
    for (name, expected) in sample.verdicts.sorted(by: { $0.key < $1.key }) {
      let file = Case.folder.appendingPathComponent(sample.testDescription).appendingPathComponent(name)
      let report = try validate(Array(Data(contentsOf: file)))
      let found = report.diagnostics.map { finding in
        let place = finding.location?.line.map { "\($0):\(finding.location?.column ?? 0)" } ?? "0:0"
        return "\(place) \(finding.severity.rawValue) \(finding.code)"
      }
      #expect(found == expected.map(\.text), "\(name): \(report.text)")
      for (finding, expected) in zip(report.diagnostics, expected) {
        let said = "\(finding.message); \(finding.help ?? "")"
        if let words = expected.says { #expect(said.contains(words), "\(name): \(said)") }
        if let words = expected.saysNot { #expect(!said.contains(words), "\(name): \(said)") }
      }
    }
  }

  @Test("every file of a case has a verdict")
  func complete() throws {
    #expect(Case.all.count > 20)
    for sample in Case.all {
      let files = try FileManager.default.contentsOfDirectory(
        atPath: Case.folder.appendingPathComponent(sample.testDescription).path)
      #expect(
        Set(files).subtracting(["verdict.txt"]) == Set(sample.verdicts.keys), "\(sample.testDescription)")
    }
  }
}
