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

  func run() throws {
    let source = input.source
    let rendering = try source.project().render(node.selection, templates: source.templateSet())
    let preview = Preview(rendering.userData, plan: rendering.plan)
    if json {
      try FileSystem.print(JSON.emit(preview.document(report: rendering.report)) + [UInt8(ascii: "\n")])
      return
    }
    let isStyled = FileSystem.isTerminal(.standardOutput) && FileSystem.environment("NO_COLOR") == nil
    try FileSystem.print(Array(preview.text(report: rendering.report, isStyled: isStyled).utf8))
  }
}
