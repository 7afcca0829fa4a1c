import Diagnostics
import YAML

extension Check {
  /// Rules about how Argo CD is set up.
  static let argoCDRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "chart-setting-ignored", what: "a value that the version of the chart `argo-cd` does not read",
      why: "Helm says nothing about values that no template reads: the setting is as good as not there",
      fix: "move it to where the chart reads it"
    ) { repository in
      repository.ignoredSettings.map { ignored in
        let name = ignored.setting.keys.joined(separator: ".")
        return .error(
          ignored.place,
          "\(name) is not read by the chart argo-cd from \(ignored.setting.since.text) on, and this is \(ignored.version.text)",
          help: "use \(ignored.setting.instead)")
      }
    },
    DocumentedRule(
      "enable-helm",
      what: "`helmCharts` in a kustomization while Argo CD does not run kustomize with `--enable-helm`",
      why: "kustomize refuses such a kustomization unless it is told to run Helm",
      fix:
        "set `kustomize.buildOptions: --enable-helm` in `argocd-cm` (`configs.cm` of the chart), or make the chart a source of the Application"
    ) { repository in
      guard !repository.letsKustomizeRunHelm else { return [] }
      let isSetUp = repository.argoCDSettings != nil
      return repository.contents.flatMap(\.kustomizations).compactMap { kustomization in
        guard let place = kustomization["helmCharts"] ?? kustomization["helmChartInflationGenerator"] else {
          return nil
        }
        let message = "helmCharts need kustomize to run with --enable-helm, and nothing here tells Argo CD so"
        let help =
          "set kustomize.buildOptions: --enable-helm in argocd-cm, or make the chart a source of the Application"
        return isSetUp ? .error(place, message, help: help) : .warning(place, message, help: help)
      }
    },
  ]

  /// Values of the chart argo-cd that a version stopped reading, and what took their place.
  ///
  /// Source: the changelog in the chart's README (argo-helm, charts/argo-cd), at 5.0.0 and 6.0.0.
  fileprivate static let movedSettings: [MovedSetting] = [
    (["server", "config"], Repository.Version(6, 0, 0), "configs.cm"),
    (["server", "rbacConfig"], Repository.Version(6, 0, 0), "configs.rbac"),
    (["server", "logLevel"], Repository.Version(6, 0, 0), "configs.params with server.log.level"),
    (["controller", "logLevel"], Repository.Version(6, 0, 0), "configs.params with controller.log.level"),
    (["repoServer", "logLevel"], Repository.Version(6, 0, 0), "configs.params with reposerver.log.level"),
    (["controller", "args"], Repository.Version(6, 0, 0), "configs.params"),
    (["server", "ingress", "hosts"], Repository.Version(6, 0, 0), "server.ingress.hostname"),
    (["server", "ingress", "paths"], Repository.Version(6, 0, 0), "server.ingress.path"),
    (["server", "additionalApplications"], Repository.Version(5, 0, 0), "the chart argocd-apps"),
    (["server", "additionalProjects"], Repository.Version(5, 0, 0), "the chart argocd-apps"),
    (["configs", "repositoryCredentials"], Repository.Version(5, 0, 0), "configs.credentialTemplates"),
  ]

  fileprivate typealias MovedSetting = (keys: [String], since: Repository.Version, instead: String)
}

extension Repository {
  /// Values of the chart argo-cd that its version does not read.
  fileprivate var ignoredSettings: [(place: Place, setting: Check.MovedSetting, version: Version)] {
    charts.filter { $0.name == "argo-cd" }.flatMap { chart in
      Check.movedSettings.compactMap { setting in
        guard let version = chart.exactVersion, version >= setting.since,
          let place = chart.value(setting.keys)
        else { return nil }
        return (place, setting, version)
      }
    }
  }

  /// Whether Argo CD is told to run kustomize with `--enable-helm`: by `kustomize.buildOptions` of argocd-cm, wherever that is
  /// set (a manifest, a patch, values, a script), by Argo CD's operator, or in a plugin. What stands in a value that its
  /// chart does not read counts for nothing.
  fileprivate var letsKustomizeRunHelm: Bool {
    let ignored = Set(
      ignoredSettings.flatMap(\.place.strings).flatMap { place in
        let first = place.node.mark.line
        let last = first + (place.text ?? "").count { $0 == "\n" } + 1
        return (first...last).map { "\(place.file):\($0)" }
      })
    return files.contains { file, bytes in
      guard !file.hasSuffix(".md") else { return false }
      let text = String(decoding: bytes, as: UTF8.self)
      guard text.holds("--enable-helm") else { return false }
      let isPlugin = text.holds("ConfigManagementPlugin") || text.holds("configManagementPlugins")
      let lines = bytes.lines.map(String.init)
      return lines.indices.contains { index in
        let line = lines[index]
        guard line.holds("--enable-helm"), !line.isComment, !ignored.contains("\(file):\(index + 1)") else {
          return false
        }
        // The key is in the same line, or a few lines above: in a block of text, or a patch of JSON.
        return isPlugin && line.holds("kustomize build")
          || lines[max(0, index - 3)...index].contains { !$0.isComment && $0.namesBuildOptions }
      }
    }
  }
}

extension String {
  /// Whether a line is a comment of YAML.
  var isComment: Bool { drop { $0 == " " }.hasPrefix("#") }

  /// Whether a line names the options with which Argo CD runs kustomize.
  fileprivate var namesBuildOptions: Bool {
    let text = replacingAll("\\", with: "")
    return text.holds("kustomize.buildOptions") || text.holds("kustomizeBuildOptions")
  }
}

extension Repository.Version {
  var text: String { numbers.map(String.init).joined(separator: ".") }
}
