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
      Reads a query from standard input: inputs by name, and beside them node, role, encoding, config and lock (paths) \
      and outputs (jsonencode of "terraform output -json" or of a plain object). Writes user_data, user_data_base64, \
      sha256, bytes, platform and budget_bytes, all strings.
      """)

  /// Keys of the query that are settings of the command.
  private static let controls = ["node", "role", "encoding", "config", "lock"]

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
    let (document, controls) = try InputDocument.query(bytes, source: "<stdin>", controls: Self.controls)
    func control(_ name: String) -> Sourced<String>? {
      controls[name].flatMap { setting in setting.node.string.map { Sourced($0, from: setting.location) } }
    }
    var report = Report()
    let encoding = control("encoding").map { Encoding(rawValue: $0.value) } ?? .auto
    if encoding == nil, let word = control("encoding") {
      report.add(
        .error(
          "unknown-encoding", at: word.origin, "\"\(word.value)\" is not an encoding",
          help: "use one of \(Encoding.allCases.map(\.rawValue).joined(separator: ", "))"))
    }
    let config = report.collect { () throws(Report) in try ConfigFile.load(control("config")?.value) }
    let lock = report.collect { () throws(Report) in
      try Lock.load(control("lock")?.value, config: config, at: control("config")?.value)
    }
    guard let lock else { throw report }
    let project = Project(terraform: document, config: config ?? ConfigFile(), lock: lock)
    let rendering = report.collect { () throws(Report) in
      try project.render(
        Project.Selection(node: control("node"), role: control("role")), encoding: encoding ?? .auto)
    }
    try report.throwIfErrors()
    guard let rendering else { return }
    FileSystem.say(rendering.report.text)
    try FileSystem.print(JSON.emit(rendering.userData.externalResult) + [UInt8(ascii: "\n")])
  }
}

extension UserData {
  /// The result of the external data source. `user_data` is empty where what is handed over is no text.
  fileprivate var externalResult: Node {
    .mapping([
      "user_data": Node(
        .string(delivered == payload && isCompressed ? "" : String(decoding: delivered, as: UTF8.self))),
      "user_data_base64": Node(.string(String(decoding: Base64.encode(payload), as: UTF8.self))),
      "sha256": Node(.string(SHA256.hex(payload))),
      "bytes": Node(.string(String(payload.count))),
      "platform": Node(.string(platform.rawValue)),
      "budget_bytes": Node(.string(String(budgetBytes))),
    ])
  }
}
