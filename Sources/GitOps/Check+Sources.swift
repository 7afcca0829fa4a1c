import Diagnostics
import YAML

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
            file.isInside(folders) ? .error : .note, diagnostic.location,
            diagnostic.message, help: diagnostic.help ?? "mend the file")
        }
      }
    },
    DocumentedRule(
      "duplicate-key", what: "a key that is given twice in a mapping",
      why:
        "kustomize refuses the file; Argo CD itself and Helm take the last and say nothing, so what the first holds is lost",
      fix: "keep one of the two"
    ) { repository in
      let folders = repository.ownFolders
      let applications = Set(repository.applications.map(\.place.file))
      let values = Set(repository.charts.flatMap(\.values).map(\.file))
      return repository.repeated.flatMap { file, keys in
        Set(keys).map { key -> Finding in
          let location = Location(
            source: file, line: key.mark.line, column: key.mark.column, path: key.path)
          if repository.kustomized.contains(file) {
            return Finding(
              .error, location,
              "the key \(key.key) is given twice, first in line \(key.first.line), which kustomize refuses",
              help: "keep one of the two")
          }
          let isUsed =
            file.isInside(folders) || applications.contains(file) || values.contains(file)
          return Finding(
            isUsed ? .warning : .note, location,
            "the key \(key.key) is given twice; Argo CD takes the last, and not that in line \(key.first.line)",
            help: "keep one of the two")
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
        let noun: String
        switch missing.kind {
        case .folder: noun = "a folder"
        case .resource: noun = "a resource"
        case .values: noun = "a file of values"
        case .reference:
          return .error(
            missing.place,
            "a file of values is taken from $\(missing.path), and no source has ref: \(missing.path)",
            help:
              "add ref: \(missing.path) to the source, among several under spec.sources, whose repository holds it"
          )
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
      let remotes = repository.contents.flatMap(\.remotes).filter { $0.isFloating && !$0.url.isPlaceholder }
      // A branch of its own is what App-of-Apps is; of a range, some tag is taken, which need not be the newest commit.
      let ranges = repository.applications.flatMap(\.sources).filter(repository.isOwn).compactMap {
        $0.place["targetRevision"]
      }.filter { ($0.text ?? "").isRange }
      return remotes.map { remote in
        .warning(
          remote.place,
          "\(remote.url) is followed at \(remote.revision.map { $0.isEmpty ? "no revision" : $0 } ?? "no revision"), which moves",
          help: "name a tag or a commit")
      }
        + ranges.map {
          .warning(
            $0,
            "this repository is followed at the range \($0.text ?? ""), of which the highest tag is taken",
            help: "name a branch, a tag or a commit")
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
      let known = repository.bootstrap.namespaces
      let made = Set(repository.objects("Namespace", of: "").map(\.name)).union(known)
        .union(
          repository.applications.filter { $0.hasOption("CreateNamespace=true") }.compactMap {
            $0.target?.text
          })
      return repository.pairs.compactMap { application, contents in
        guard let place = application.target, let namespace = place.text, namespace.isName,
          !made.contains(namespace), !contents.isClusterWide
        else { return nil }
        return .missing(
          place, "nothing here makes the namespace \(namespace), into which \(application.name) goes",
          help: "add CreateNamespace=true to its syncPolicy.syncOptions", in: repository, mayBeThere: true)
      }
    },
  ]
}

extension Repository {
  /// The folders that Applications read from this repository.
  fileprivate var ownFolders: Set<String> {
    Set(applications.flatMap(\.sources).filter(isOwn).compactMap { $0.path.flatMap(inner) })
  }
}

extension Repository.Remote {
  /// Whether what it is taken at moves.
  fileprivate var isFloating: Bool {
    guard let revision, !revision.isEmpty else { return true }
    if revision.contains("{{") { return false }
    // Names of branches have no digits, but for those of releases; names of tags and commits have some.
    return !revision.contains(where: \.isNumber) || revision.isRange
  }
}

extension String {
  /// Whether a revision is a range of versions, of which the highest is taken.
  fileprivate var isRange: Bool { !contains("{{") && contains { "*~^<>".contains($0) } }

  /// Whether it can be the name of a namespace: not a pattern, and nothing that is filled in later.
  fileprivate var isName: Bool {
    !isEmpty && utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x7A) ~= $0 || $0 == UInt8(ascii: "-") }
  }

  /// Whether a file lies in one of these folders, or below it.
  fileprivate func isInside(_ folders: Set<String>) -> Bool {
    folders.contains("") || foldersAbove.contains(where: folders.contains)
  }
}

extension Repository.ChartUse {
  /// Whether the chart comes from elsewhere, and not from the folder `charts` beside it.
  fileprivate var isFetched: Bool { !repository.isEmpty }
}

extension Repository.Contents {
  /// Whether nothing in it goes into the Application's namespace, as far as can be seen.
  fileprivate var isClusterWide: Bool {
    let bringsOnlyCRDs = remotes.allSatisfy { $0.path.contains("crd") }
    return charts.isEmpty && bringsOnlyCRDs && !(objects.isEmpty && remotes.isEmpty)
      && objects.allSatisfy {
        $0.isClusterWide || $0.place.at("metadata", "namespace") != nil
      }
  }
}

extension Repository.Object {
  /// Kinds without a namespace that repositories of manifests have.
  private static let clusterKinds: Set<String> = [
    "Namespace", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "ClusterIssuer",
    "ClusterSecretStore", "ClusterExternalSecret", "GatewayClass", "StorageClass", "PriorityClass",
    "IngressClass",
    "PersistentVolume", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ClusterPolicy",
  ]

  /// Whether it has no namespace.
  var isClusterWide: Bool { Self.clusterKinds.contains(kind) }

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
