import ArgumentParser
import Diagnostics
import Host
import K3Seed
import Plan
import SystemPackage
import UserData

struct Render: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render",
    abstract: "Renders the user-data of a node, or of all nodes.",
    discussion: "Standard output is the user-data; a file is written for its owner alone.")

  @OptionGroup var input: InputOptions
  @OptionGroup var node: NodeOptions

  @Flag(name: .long, help: "Render every node, each into a file of its own.")
  var all = false

  @Option(
    name: .long,
    help: "How the user-data is handed over; auto is plain where it fits and compressed where only that fits."
  )
  var encoding = Encoding.auto

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The file to write, or with --all the folder.", valueName: "path"))
  var output: String?

  func validate() throws {
    if all, output == nil { throw ValidationError("--all needs a folder: add -o DIR") }
    if all, node.node != nil || node.role != nil {
      throw ValidationError("--all goes without --node and --role")
    }
  }

  func run() throws {
    try RenderJob(
      source: input.source, selection: node.selection, all: all, encoding: encoding, output: output
    ).run()
  }
}

/// What `render` is asked to do.
struct RenderJob {
  var source: InputSource
  var selection: Project.Selection
  var all = false
  var encoding = Encoding.auto
  var output: String?

  func run() throws {
    let project = try source.project()
    let templates = try source.templateSet()
    guard all, let output else {
      let rendering = try project.render(selection, templates: templates, encoding: encoding)
      FileSystem.say(rendering.report)
      if let output {
        try FileSystem.write(rendering.userData.delivered, to: output)
        FileSystem.sayWritten(output, ", \(rendering.userData.delivered.count.counted("byte"))")
      } else if rendering.userData.isText || !FileSystem.isTerminal(.standardOutput) {
        try FileSystem.print(rendering.userData.delivered)
      } else {
        throw Report([
          .error(
            "terminal-output", at: nil, "the user-data is gzip, which a terminal cannot show",
            help: "write it to a file with -o, or look at it with \"k3seed preview\"")
        ])
      }
      return
    }
    let (all, report) = try project.renderAll(templates: templates, encoding: encoding)
    FileSystem.say(report)
    try FileSystem.attempt { () throws(FileRefusal) in
      let folder = try Folder.open(output, missing: .ownerReadWriteExecute)
      var files: [StagedFile] = []
      for userData in all {
        files.append(try folder.stage(userData.delivered, for: userData.fileName, .owner))
      }
      for file in files { try file.commit() }
    }
    FileSystem.say("\(output): written, \(all.count.counted("file"))\n")
    // What is left of another time holds other values, and whoever reads the whole folder takes it for one more node.
    let written = Set(all.map(\.fileName))
    for name in try FileSystem.names(in: output) where !written.contains(name) && UserData.isFileName(name) {
      let path = "\(output)/\(name)"
      guard FileSystem.isPrivate(path) else { continue }
      FileSystem.say("\(path): note: was not rendered now; remove it unless it is wanted\n")
    }
  }
}

extension RenderJob {
  /// The job of arguments that are `render` and nothing but long options, each once and with its value behind it;
  /// nil for any others, which are left to the parser.
  ///
  /// The parser finds out by reflection what there is to read, which takes as long as rendering does.
  init?(plain arguments: [String]) {
    guard arguments.first == "render" else { return nil }
    var source = InputSource()
    var file: String?
    var (name, role): (String?, String?)
    var rest = arguments.dropFirst()
    func take(_ value: String, _ place: inout String?) -> Bool {
      guard place == nil, value == "-" || !value.utf8.starts(with: [UInt8(ascii: "-")]) else { return false }
      place = value
      return true
    }
    while let option = rest.popFirst() {
      guard let value = rest.popFirst() else { return nil }
      let isPlain =
        switch option {
        case "--input": take(value, &file)
        case "--config": take(value, &source.config)
        case "--secrets": take(value, &source.secrets)
        case "--lock": take(value, &source.lock)
        case "--platform": take(value, &source.platform)
        case "--templates": take(value, &source.templates)
        case "--node": take(value, &name)
        case "--role": take(value, &role)
        default: false
        }
      guard isPlain else { return nil }
    }
    if let file { source.input = file }
    self.init(source: source, selection: Project.Selection(nodeFlag: name, roleFlag: role))
  }
}

extension UserData {
  /// Whether what is handed over is a text.
  fileprivate var isText: Bool { !isCompressed || delivered != payload }

  /// The node's name, with what has been done to the cloud-config.
  fileprivate var fileName: String {
    node.title + ".yaml" + (isCompressed ? ".gz" : "") + (delivered == payload ? "" : ".b64")
  }

  /// Whether a file may be a node's by its name.
  fileprivate static func isFileName(_ name: String) -> Bool {
    [".yaml", ".yaml.gz", ".yaml.b64", ".yaml.gz.b64"].contains(where: name.hasSuffix)
  }
}
