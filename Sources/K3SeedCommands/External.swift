import ArgumentParser
import Diagnostics
import Inputs
import K3Seed
import Plan
import Secrets
import UserData
import YAML

struct External: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "external",
    abstract: "Answers Terraform's external data source.",
    discussion: """
      Reads a query from standard input: an object of strings, with inputs by name (lists and maps through jsonencode), and \
      beside them:

      node, role: what is rendered, where that is one node.
      payloads: what is rendered, where that is several: jsonencode of an object whose values are {node = NAME} or \
      {role = ROLE}.
      encoding, config, secrets, lock: as the options of "k3seed render".
      outputs: jsonencode of "terraform output -json" or of a plain object. Only there is an unknown name no error.
      minimum_version: the oldest k3seed that may answer.

      Writes user_data, user_data_base64, sha256, bytes and budget_bytes, or with payloads these for each of its names as \
      JSON in payloads; platform; and warnings, a list of sentences as JSON.
      """)

  func run() throws {
    let bytes = try FileSystem.read("-", .outputs)
    guard !bytes.isEmpty else {
      throw Report([
        .error(
          "no-input", at: Location(source: "<stdin>"), "the query is empty",
          help: "this command is run by Terraform's external data source; at a terminal use render or preview"
        )
      ])
    }
    let query = try ExternalQuery(bytes, source: "<stdin>", settings: Setting.allCases.map(\.rawValue))
    var report = Report()
    _ = report.collect { () throws(Report) in try query.requireVersion() }
    let encoding = report.collect { () throws(Report) in try query.encoding() }
    let selections = report.collect { () throws(Report) in try query.selections() }
    let config = report.collect { () throws(Report) in try ConfigFile.load(query[.config]?.value) }
    let secrets = report.collect { () throws(Report) in try SecretsFile.load(query[.secrets]?.value) }
    if let config { report.add(query.unknownKeys(config)) }
    let lock = report.collect { () throws(Report) in
      try Lock.load(query[.lock]?.value, config: config, at: query[.config]?.value)
    }
    guard let selections, let secrets, let lock else { throw report }
    let project = Project(
      terraform: query.document, config: config ?? ConfigFile(), secrets: secrets, lock: lock)
    let rendered = report.collect { () throws(Report) in
      try project.render(selections.map(\.node), encoding: encoding ?? .auto)
    }
    try report.throwIfErrors()
    guard let (all, findings) = rendered, let platform = all.first?.platform else { return }
    report.add(findings)
    FileSystem.say(report)
    var result = query[.payloads] == nil ? all.first?.externalResult.mapValues(\.asString) ?? [:] : [:]
    if query[.payloads] != nil {
      let payloads = zip(selections, all).map { Node.Entry($0.name, .sorted($1.externalResult)) }
      result["payloads"] = .json(Node(.mapping(payloads)))
    }
    result["platform"] = Node(.string(platform.rawValue))
    let warnings = report.diagnostics.filter { $0.severity == .warning }.map { Node(.string($0.sentence)) }
    result["warnings"] = .json(Node(.sequence(warnings)))
    try FileSystem.print(JSON.emit(.sorted(result)) + [UInt8(ascii: "\n")])
  }
}

/// A key of the query that is a setting of the command.
private enum Setting: String, CaseIterable {
  case node
  case role
  case payloads
  case encoding
  case config
  case secrets
  case lock
  case minimumVersion = "minimum_version"
}

extension ExternalQuery {
  fileprivate subscript(setting: Setting) -> Sourced<String>? {
    settings[setting.rawValue].flatMap(\.sourced)
  }

  /// Makes sure that this program knows what the query may ask.
  fileprivate func requireVersion() throws(Report) {
    guard let wanted = self[.minimumVersion] else { return }
    guard let least = Version(wanted.value), let own = Version(Pins.k3seed) else {
      throw Report([
        .error(
          "input-value", at: wanted.origin, "minimum_version is no version",
          help: "write three numbers, such as \(Pins.k3seed)")
      ])
    }
    guard own < least else { return }
    throw Report([
      .error(
        "old-version", at: wanted.origin,
        "this is k3seed \(Pins.k3seed), and the query needs \(wanted.value) or a later one",
        help: "install that version where Terraform runs")
    ])
  }

  fileprivate func encoding() throws(Report) -> Encoding {
    guard let word = self[.encoding] else { return .auto }
    if let encoding = Encoding(rawValue: word.value) { return encoding }
    let all = Encoding.allCases.map(\.rawValue)
    throw Report([
      .error(
        "unknown-encoding", at: word.origin, "\(word.value.shown) is not an encoding",
        help: "\(word.value.suggestion(from: all, within: 2))use one of \(all.joined(separator: ", "))")
    ])
  }

  /// What is to be rendered, by the names that the result has for it.
  fileprivate func selections() throws(Report) -> [(name: String, node: Project.Selection)] {
    guard let payloads = settings[Setting.payloads.rawValue] else {
      return [("", Project.Selection(node: self[.node], role: self[.role]))]
    }
    let decoded = try payloads.decodingJSON()
    var report = Report()
    for setting in [Setting.node, .role] {
      guard let also = self[setting] else { continue }
      report.add(
        .error(
          "payload-shape", at: also.origin, "the query has both \(setting.rawValue) and payloads",
          help: "leave \(setting.rawValue) out, and name the node or role within payloads"))
    }
    let selections = decoded.entries.compactMap { entry -> (name: String, node: Project.Selection)? in
      let (node, role) = (entry.value["node"]?.sourced, entry.value["role"]?.sourced)
      guard node != nil || role != nil, entry.value.entries.allSatisfy({ ["node", "role"].contains($0.key) })
      else {
        report.add(
          .error(
            "payload-shape", at: entry.value.location,
            "payloads.\(entry.key.shownName) is neither a node nor a role",
            help: "give it as {node = NAME} or {role = ROLE}"))
        return nil
      }
      return (entry.key, Project.Selection(node: node, role: role))
    }
    if decoded.entries.isEmpty {
      report.add(
        .error(
          "payload-shape", at: decoded.location,
          "payloads is \(decoded.node.mapping == nil ? decoded.node.kind : "empty")",
          help: "give a map of names to {node = NAME} or {role = ROLE}"))
    }
    try report.throwIfErrors()
    return selections
  }
}

/// Three numbers, as semantic versioning orders them.
private struct Version: Comparable {
  private let numbers: [Int]

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    numbers = parts.compactMap { part in
      part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(part) : nil
    }
    guard parts.count == 3, numbers.count == 3 else { return nil }
  }

  static func < (one: Version, other: Version) -> Bool {
    one.numbers.lexicographicallyPrecedes(other.numbers)
  }
}

extension Positioned {
  fileprivate var sourced: Sourced<String>? { node.string.map { Sourced($0, from: location) } }
}

extension Node {
  /// JSON within a string, as everything is that is no text in the result of the external data source.
  fileprivate static func json(_ node: Node) -> Node {
    Node(.string(String(decoding: JSON.emit(node), as: UTF8.self)))
  }

  fileprivate static func sorted(_ values: [String: Node]) -> Node {
    Node(.mapping(values.sorted { $0.key < $1.key }.map { Entry($0.key, $0.value) }))
  }

  fileprivate var asString: Node {
    if case .number(let digits) = value { Node(.string(digits)) } else { self }
  }
}

extension UserData {
  /// What the external data source gives of one payload. `user_data` is empty where what is handed over is no text.
  fileprivate var externalResult: [String: Node] {
    [
      "user_data": Node(
        .string(delivered == payload && isCompressed ? "" : String(decoding: delivered, as: UTF8.self))),
      "user_data_base64": Node(.string(String(decoding: Base64.encode(payload), as: UTF8.self))),
      "sha256": Node(.string(SHA256.hex(payload))),
      "bytes": Node(.number(String(payload.count))),
      "budget_bytes": Node(.number(String(budgetBytes))),
    ]
  }
}
