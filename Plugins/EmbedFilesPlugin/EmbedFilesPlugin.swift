import Foundation
import PackagePlugin

/// Embeds files into the target that uses the plugin, as `EmbeddedFiles.all`: those of its own folder `Embedded`, or
/// for Templates the package's folder `templates/`, which users read and copy from.
@main
struct EmbedFilesPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let folder =
      target.name == "Templates"
      ? context.package.directoryURL.appending(path: "templates")
      : target.directoryURL.appending(path: "Embedded")
    let keys: [URLResourceKey] = [.isRegularFileKey]
    let files =
      (FileManager.default.enumerator(at: folder, includingPropertiesForKeys: keys)?.allObjects ?? [])
      .compactMap { $0 as? URL }
      .filter { (try? $0.resourceValues(forKeys: Set(keys)).isRegularFile) == true }
      .filter { !$0.lastPathComponent.hasPrefix(".") }
      .sorted { $0.path() < $1.path() }
    let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedFiles.swift")
    return [
      .buildCommand(
        displayName: "Embedding the files of \(target.name)",
        executable: try context.tool(named: "EmbedFiles").url,
        arguments: [output.path(), folder.path()] + files.map { $0.path() },
        inputFiles: files, outputFiles: [output])
    ]
  }
}
