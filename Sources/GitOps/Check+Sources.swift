import Diagnostics

extension Check {
  /// Rules about where manifests come from.
  static let sourceRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "unreadable-yaml", what: "a file that is not YAML",
      why: "Argo CD refuses the whole folder that it lies in", fix: "mend the file"
    ) { repository in
      let folders = repository.ownFolders
      return repository.unreadable.flatMap { file, report in
        report.diagnostics.map { diagnostic in
          Finding(
            folders.contains(where: file.isInside) ? .error : .note, diagnostic.location,
            diagnostic.message, help: diagnostic.help ?? "mend the file")
        }
      }
    },
    DocumentedRule(
      "second-kustomization", what: "a second kustomization in one folder",
      why: "kustomize refuses the folder, and Argo CD all that lies in it", fix: "make one of them"
    ) { repository in
      repository.secondKustomizations.map {
        .error($0, "the folder has another kustomization besides", help: "make one of them")
      }
    },
    DocumentedRule(
      "path-missing", what: "a path that is not in the repository",
      why: "the Application cannot be rendered, and nothing of it is applied",
      fix: "mend the path, or add what it names"
    ) { repository in
      repository.contents.flatMap(\.missing).map { missing in
        let noun =
          switch missing.kind {
          case .folder: "a folder"
          case .resource: "a resource"
          case .values: "a file of values"
          }
        let isFromRoot = missing.kind == .folder || missing.path.hasPrefix("$") || missing.path.hasPrefix("/")
        return .error(
          missing.place, "\(noun) that is not in this repository: \(missing.path)",
          help:
            "mend the path, which begins at the \(isFromRoot ? "repository's root" : "folder of the file that names it")"
        )
      }
    },
    DocumentedRule(
      "floating-revision", what: "another repository at a branch, at `HEAD`, or at no revision",
      why: "what is applied changes without a commit here, and cannot be gone back to",
      fix:
        "name a tag or a commit; the repository that holds the Applications themselves may follow its branch"
    ) { repository in
      repository.contents.flatMap(\.remotes).filter { $0.isFloating && !$0.url.isPlaceholder }.map { remote in
        .warning(
          remote.place,
          "\(remote.url) is followed at \(remote.revision.map { $0.isEmpty ? "no revision" : $0 } ?? "no revision"), which moves",
          help: "name a tag or a commit")
      }
    },
    DocumentedRule(
      "placeholder-url", what: "a repository's URL that somebody was to fill in",
      why: "there is no such repository: Argo CD cannot fetch it, and nothing of the Application is applied",
      fix: "give the URL of your repository"
    ) { repository in
      repository.applications.flatMap(\.sources).compactMap { source in
        guard let place = source.place["repoURL"], let url = place.text, url.isPlaceholder else { return nil }
        return .error(
          place, "\(url.printable) is a URL that somebody was to fill in", help: "give your repository's")
      }
    },
    DocumentedRule(
      "unpinned-chart", what: "a chart without an exact version",
      why: "the newest release that fits is installed as soon as it is published, unseen",
      fix: "name one version, such as `1.2.3`"
    ) { repository in
      repository.charts.compactMap { chart in
        guard !chart.isLocked, chart.exactVersion == nil, !chart.repository.hasPrefix("file://"),
          chart.version?.text?.contains("{{") != true, chart.isFetched
        else { return nil }
        let version = chart.version?.text ?? ""
        return .warning(
          chart.version ?? chart.place,
          version.isEmpty
            ? "the chart \(chart.name) has no version"
            : "the chart \(chart.name) has no exact version: \(version)",
          help: "name one version, such as 1.2.3")
      }
    },
    DocumentedRule(
      "gitlab-url", what: "a GitLab URL that does not end in `.git`",
      why: "GitLab answers it with a redirect, which Argo CD does not follow",
      fix: "end it in `.git`, in the Applications and in the repository's Secret alike"
    ) { repository in
      let sources = repository.applications.flatMap(\.sources).filter { $0.chart == nil }.compactMap {
        $0.place["repoURL"]
      }
      let secrets = repository.objects.filter { $0.repositoryLabel == "repository" }.compactMap {
        $0.place.at("stringData", "url") ?? $0.place.at("spec", "target", "template", "data", "url")
      }
      return (sources + secrets).filter { $0.text?.isBareGitLab == true }.map {
        .error($0, "a repository at GitLab whose URL does not end in .git", help: "end the URL in .git")
      }
    },
    DocumentedRule(
      "no-create-namespace", what: "an Application into a namespace that nothing makes",
      why: "the first object of it is refused: the namespace is not there",
      fix: "add the sync option `CreateNamespace=true`"
    ) { repository in
      let made = Set(repository.objects("Namespace", of: "").map(\.name))
        .union(repository.bootstrap.namespaces)
        .union(
          repository.applications.filter { $0.hasOption("CreateNamespace=true") }.compactMap {
            $0.target?.text
          })
      return repository.pairs.compactMap { application, contents in
        guard let place = application.target, let namespace = place.text, !namespace.contains("{{"),
          !made.contains(namespace), !contents.isClusterWide
        else { return nil }
        return .missing(
          place, "nothing makes the namespace \(namespace), into which \(application.name) goes",
          help: "add CreateNamespace=true to its syncPolicy.syncOptions", in: repository)
      }
    },
    DocumentedRule(
      "project-too-broad", what: "an AppProject that allows every repository into every namespace",
      why: "whoever can write an Application can then do anything in the cluster",
      fix: "list the repositories and the namespaces that are needed"
    ) { repository in
      repository.objects("AppProject", of: "argoproj.io").compactMap { project in
        let repositories = project.place.at("spec", "sourceRepos")?.items ?? []
        let destinations = project.place.at("spec", "destinations")?.items ?? []
        guard let place = repositories.first(where: { $0.text == "*" }),
          destinations.contains(where: { $0["namespace"]?.text == "*" })
        else { return nil }
        return .warning(
          place, "the AppProject \(project.name) allows every repository into every namespace",
          help: "list the repositories in sourceRepos and the namespaces in destinations")
      }
    },
  ]
}

extension Repository {
  /// The folders that Applications read from this repository.
  fileprivate var ownFolders: [String] {
    applications.flatMap(\.sources).filter(isOwn).compactMap { $0.path.flatMap(inner) }
  }
}

extension Repository.Remote {
  /// Whether what it is taken at moves.
  fileprivate var isFloating: Bool {
    guard let revision, !revision.isEmpty else { return true }
    if revision.contains("{{") { return false }
    // Names of branches have no digits, but for those of releases; names of tags and commits have some.
    return !revision.contains(where: \.isNumber) || revision.contains { "*~^<>".contains($0) }
  }
}

extension Repository.ChartUse {
  /// Whether the chart comes from elsewhere, and not from the folder `charts` beside it.
  fileprivate var isFetched: Bool { !repository.isEmpty }
}

extension Repository.Contents {
  /// Kinds without a namespace that repositories of manifests have.
  private static let clusterKinds: Set<String> = [
    "Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "ClusterIssuer",
    "ClusterSecretStore", "ClusterExternalSecret", "GatewayClass", "StorageClass", "PriorityClass",
    "IngressClass",
    "PersistentVolume", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ClusterPolicy",
  ]

  /// Whether nothing in it goes into the Application's namespace, as far as can be seen.
  fileprivate var isClusterWide: Bool {
    let bringsOnlyCRDs = remotes.allSatisfy { $0.path.contains("crd") }
    return charts.isEmpty && bringsOnlyCRDs && !(objects.isEmpty && remotes.isEmpty)
      && objects.allSatisfy {
        Self.clusterKinds.contains($0.kind) || $0.place.at("metadata", "namespace") != nil
      }
  }
}

extension Repository.Object {
  /// What Argo CD takes a Secret for, by its label: `repository`, `repo-creds` or `cluster`.
  var repositoryLabel: String? {
    let keys = ["metadata", "labels", "argocd.argoproj.io/secret-type"]
    return place.at(keys)?.text ?? place.at(["spec", "target", "template"] + keys)?.text
  }
}

extension String {
  fileprivate var isBareGitLab: Bool {
    let normal = GitURL.normalised(self)
    let host = normal.prefix { $0 != "/" }
    let isTemplate = contains("{{") || contains("${")
    return host.split(separator: ".").contains { $0.hasPrefix("gitlab") } && !hasSuffix(".git")
      && normal.contains("/")
      && !hasPrefix("oci://") && !isTemplate
  }
}

extension String {
  /// Whether a URL has a part in the place of a person's own: `<your-org>`, `YOUR_USER`, `your-username`.
  fileprivate var isPlaceholder: Bool {
    !contains("{{")
      && contains(
        /<[^<>\/]+>|\byour[-_ ]?(?:git(?:hub|lab)?|org|organi[sz]ation|user|account|repo|name|domain|company|team)/
          .ignoresCase())
  }
}
