import Foundation
import PackagePlugin

/// Embeds the package's folder `templates/` into the target that uses the plugin.
@main
struct EmbedTemplatesPlugin: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let folder = context.package.directoryURL.appending(path: "templates")
    let keys: [URLResourceKey] = [.isRegularFileKey]
    let files =
      (FileManager.default.enumerator(at: folder, includingPropertiesForKeys: keys)?.allObjects ?? [])
      .compactMap { $0 as? URL }
      .filter { (try? $0.resourceValues(forKeys: Set(keys)).isRegularFile) == true }
      .filter { !$0.lastPathComponent.hasPrefix(".") }
      .sorted { $0.path() < $1.path() }
    let output = context.pluginWorkDirectoryURL.appending(path: "EmbeddedTemplates.swift")
    return [
      .buildCommand(
        displayName: "Embedding templates/", executable: try context.tool(named: "EmbedTemplates").url,
        arguments: [output.path(), folder.path()] + files.map { $0.path() },
        inputFiles: files, outputFiles: [output])
    ]
  }
}
