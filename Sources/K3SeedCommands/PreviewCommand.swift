import ArgumentParser
import Diagnostics
import K3Seed
import SystemPackage
import UserData
import YAML

struct PreviewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview",
    abstract: "Shows what will happen when a node boots, without a secret on the screen.")

  @OptionGroup var input: InputOptions
  @OptionGroup var node: NodeOptions

  @Flag(name: .long, help: "Write the preview as JSON.")
  var json = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Write the preview as a page for a browser, whole in one file and without a secret; \"-\" is standard output.",
      valueName: "file"))
  var html: String?

  func validate() throws {
    if json, html != nil { throw ValidationError("--json and --html are two forms: give one of them") }
  }

  func run() throws {
    let source = input.source
    let rendering = try source.project().render(node.selection, templates: source.templateSet())
    if let html {
      let page = Array(rendering.html.utf8)
      if html == "-" { try FileSystem.print(page) } else { try FileSystem.publish(page, to: html) }
      return
    }
    let preview = rendering.preview
    if json {
      try FileSystem.print(JSON.emit(preview.document(report: rendering.report)) + [UInt8(ascii: "\n")])
      return
    }
    let isStyled = FileSystem.isTerminal(.standardOutput) && FileSystem.environment("NO_COLOR") == nil
    try FileSystem.show(preview.text(report: rendering.report, isStyled: isStyled))
  }
}
