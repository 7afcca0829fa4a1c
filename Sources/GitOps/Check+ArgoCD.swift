import Diagnostics

extension Check {
  /// Rules about how Argo CD is set up.
  static let argoCDRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "chart-setting-ignored", what: "a value that the version of the chart `argo-cd` does not read",
      why: "Helm says nothing about values that no template reads: the setting is as good as not there",
      fix: "move it to where the chart reads it"
    ) { repository in
      repository.charts.filter { $0.name == "argo-cd" }.flatMap { chart in
        guard let version = chart.exactVersion else { return [] as [Finding] }
        return movedSettings.compactMap { setting in
          guard version >= setting.since, let place = chart.value(setting.keys) else { return nil }
          let name = setting.keys.joined(separator: ".")
          return Finding.error(
            place,
            "\(name) is not read by the chart argo-cd from \(setting.since.text) on, and this is \(version.text)",
            help: "use \(setting.instead)")
        }
      }
    },
    DocumentedRule(
      "enable-helm",
      what: "`helmCharts` in a kustomization while Argo CD does not run kustomize with `--enable-helm`",
      why: "kustomize refuses such a kustomization unless it is told to run Helm",
      fix:
        "set `kustomize.buildOptions: --enable-helm` in `argocd-cm` (`configs.cm` of the chart), or make the chart a source of the Application"
    ) { repository in
      guard !repository.holds("--enable-helm") else { return [] }
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
  private static let movedSettings: [(keys: [String], since: Repository.Version, instead: String)] = [
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
}

extension Repository.Version {
  var text: String { numbers.map(String.init).joined(separator: ".") }
}
