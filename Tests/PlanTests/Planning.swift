import Diagnostics
import Inputs
import Plan

/// The plan of some outputs, and what was found on the way.
struct Planning {
  /// The file that findings name.
  static let source = "outputs.json"

  let plan: ClusterPlan
  var report: Report
  private let places: [Character: String]

  /// Plans a plain object of outputs, in which 📍 and 📌 mark the places that findings must name.
  init(_ marked: String, config: String = "{}") throws {
    var text = ""
    var places: [Character: String] = [:]
    var line = 1
    var column = 1
    for character in marked {
      if "📍📌".contains(character) {
        places[character] = "\(Self.source):\(line):\(column)"
        continue
      }
      text.append(character)
      column = character == "\n" ? 1 : column + character.unicodeScalars.count
      line += character == "\n" ? 1 : 0
    }
    self.places = places
    report = Report()
    let inputs = Inputs(
      terraform: try .terraform(Array(text.utf8), source: Self.source),
      config: try ConfigFile(Array(config.utf8), source: "k3seed.yaml"), report: &report)
    plan = ClusterPlan(inputs, report: &report)
  }

  /// The findings, places written as the marks of the text.
  var findings: [String] { Self.lines(report, places) }

  /// What one more step finds.
  func finding(_ step: (inout Report) -> Void) -> [String] {
    var report = Report()
    step(&report)
    return Self.lines(report, places)
  }

  /// What a node is missing.
  func missing(_ node: ClusterNode) -> [String] { finding { plan.require(for: node, report: &$0) } }

  /// The node of a name; the plan has it.
  func node(_ name: String) throws -> ClusterNode {
    var report = Report()
    let location = Location(source: "--node")
    guard let node = plan.select(name: Sourced(name, from: location), role: nil, report: &report) else {
      throw report
    }
    return node
  }

  /// A machine that has a role and no name.
  func node(_ role: Role) throws -> ClusterNode {
    var report = Report()
    let location = Location(source: "--role")
    guard let node = plan.select(name: nil, role: Sourced(role, from: location), report: &report) else {
      throw report
    }
    return node
  }

  private static func lines(_ report: Report, _ places: [Character: String]) -> [String] {
    report.diagnostics.map { finding in
      let line = finding.line
      guard let mark = places.first(where: { line.hasPrefix("\($0.value):") }) else { return line }
      return "\(mark.key)\(line.dropFirst(mark.value.count))"
    }
  }
}

/// Values that the rules of inputs accept; none is a secret of anybody.
enum Sample {
  static let bcrypt = "$2a$10$" + String(repeating: "u", count: 53)
  /// A token that cannot be guessed.
  static let token = "EXAMPLE-5d0c3f9b7e1a48628d4f0b6c"
  static let ocid = "ocid1.vaultsecret.oc1.eu-frankfurt-1.example"
  static let hash = String(repeating: "0123456789abcdef", count: 4)
  /// A private key's frame, as JSON writes it.
  static let sshKey =
    #"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUA\n-----END OPENSSH PRIVATE KEY-----\n"#
}
