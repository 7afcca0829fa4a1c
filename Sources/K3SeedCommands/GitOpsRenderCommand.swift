import ArgumentParser
import Diagnostics
import GitOps
import K3Seed

struct GitOpsRenderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render",
    abstract: "Writes the App-of-Apps tree that argocd-root follows.",
    discussion: """
      No secret is in it, so it may lie in a public repository. What somebody changed in it, or put there, stops the \
      rendering before anything is written, unless --keep or --force says what becomes of it.
      """)

  @OptionGroup var input: InputOptions

  @Option(
    name: .long, help: ArgumentHelp("The folder to write: git_path of the repository.", valueName: "folder"))
  var out: String

  @Flag(name: .long, help: "Leave files that somebody changed as they are, and write the others.")
  var keep = false

  @Flag(name: .long, help: "Overwrite files that somebody changed.")
  var force = false

  func validate() throws {
    if keep, force { throw ValidationError("--keep and --force exclude each other") }
  }

  func run() throws {
    let (tree, findings) = try input.source.project().gitOpsTree(templates: input.source.templateSet())
    FileSystem.say(findings)
    let folder = TreeFolder(path: out)
    let record = try folder.contents(of: [TreeUpdate.recordPath])[TreeUpdate.recordPath]
    let existing = try folder.contents(of: TreeUpdate.paths(of: tree, record: record, folder: out))
    let update = try TreeUpdate(
      tree, existing: existing, record: record, folder: out,
      policy: force ? .overwrite : keep ? .keep : .refuse)
    FileSystem.say(update.report)
    try folder.change(
      writing: update.writes.map { ($0.path, $0.bytes) }, removing: update.removals, knowing: existing)
    let written = update.writes.count { $0.path != TreeUpdate.recordPath }
    FileSystem.say(
      "\(out): \(written) written, \(update.removals.count) removed, \(update.unchanged) unchanged\n")
  }
}
