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

  @Flag(name: .long, help: "Draw the size for every platform, not only for the one it is delivered on.")
  var allPlatforms = false

  func validate() throws {
    if json, html != nil { throw ValidationError("--json and --html are two forms: give one of them") }
  }

  func run() throws {
    let source = input.source
    let rendering = try source.project().render(node.selection, templates: source.templateSet())
    if let html {
      let page = Array(rendering.html.utf8)
      if html == "-" { return try FileSystem.print(page) }
      try FileSystem.publish(page, to: html)
      FileSystem.sayWritten(html, "; open it in a browser")
      return
    }
    let preview = rendering.preview
    if json {
      try FileSystem.print(JSON.emit(preview.document(report: rendering.report)) + [UInt8(ascii: "\n")])
      return
    }
    let style = Terminal.style(of: .standardOutput) ?? .none
    let text = preview.text(report: rendering.report, style: style, allPlatforms: allPlatforms)
    try FileSystem.print(Array(text.withoutCommands.utf8))
  }
}
