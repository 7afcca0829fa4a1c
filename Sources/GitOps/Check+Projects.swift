import Diagnostics
import YAML

extension Check {
  /// Rules about what Applications may do, and whether two of them want the same.
  static let projectRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "project-scope",
      what: "an AppProject that does not permit a source or the destination of its Application",
      why: "Argo CD refuses to sync the Application, which shows in its conditions only",
      fix:
        "add the source to `sourceRepos` or the destination to `destinations` of the project, or choose another"
    ) { repository in
      let projects = Dictionary(grouping: repository.objects("AppProject", of: "argoproj.io"), by: \.name)
      return repository.applications.flatMap { application -> [Finding] in
        guard let project = application.place.at("spec", "project")?.text, let found = projects[project],
          !found.contains(where: \.isFilledInLater)
        else { return [] }
        var findings: [Finding] = []
        for source in application.sources {
          guard let place = source.place["repoURL"], let url = place.text, !url.isFilledInLater,
            !found.contains(where: { $0.permits(source: url) })
          else { continue }
          findings.append(
            .error(
              place,
              "the AppProject \(project) does not permit \(url.printable), which \(application.name) takes",
              help: "add it to sourceRepos of the project, or choose another project"))
        }
        if let destination = application.place.at("spec", "destination"),
          !destination.strings.contains(where: {
            $0.text?.isFilledInLater == true
          }), !found.contains(where: { $0.permits(destination: destination) })
        {
          let namespace = destination["namespace"]?.text ?? "no namespace"
          findings.append(
            .error(
              destination["namespace"] ?? destination,
              "the AppProject \(project) does not permit \(application.name) to go into \(namespace) of \(application.cluster)",
              help: "add it to destinations of the project, or choose another project"))
        }
        return findings
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
    DocumentedRule(
      "duplicate-application", what: "two Applications of one name in one namespace",
      why: "they are one object in the cluster: the one that is applied last replaces the other",
      fix: "give one of them another name"
    ) { repository in
      var first: [String: Repository.Application] = [:]
      return repository.applications.compactMap { application in
        guard !application.name.isEmpty, !application.name.isFilledInLater else { return nil }
        let key = "\(application.scope)\n\(application.namespace ?? "argocd")/\(application.name)"
        guard let other = first[key] else {
          first[key] = application
          return nil
        }
        guard other.place.key != application.place.key || application.isGenerated else { return nil }
        let message =
          "the Application \(application.name) stands in \(other.place.file) too, line \(other.title.node.mark.line)"
        // What no Application brings may be there for somebody to choose from.
        return application.parent == nil
          ? .warning(application.title, message, help: "give one of them another name")
          : .error(application.title, message, help: "give one of them another name")
      }
    },
    DocumentedRule(
      "shared-object", what: "an object that two Applications bring into one cluster",
      why: "each makes it as it has it, so that it changes back and forth, and both are out of sync",
      fix: "leave it in one of them"
    ) { repository in
      var first: [String: (application: Repository.Application, object: Repository.Object)] = [:]
      return repository.pairs.flatMap { application, contents -> [Finding] in
        guard !contents.changesNames else { return [] }
        return contents.objects.compactMap { object -> Finding? in
          guard !object.name.isEmpty, !object.isFilledInLater,
            object.annotation("argocd.argoproj.io/hook") == nil,
            !application.cluster.isFilledInLater
          else { return nil }
          let namespace = object.isClusterWide ? "" : object.namespace ?? ""
          guard !namespace.isFilledInLater else { return nil }
          let key = "\(application.cluster) \(object.group) \(object.kind) \(namespace)/\(object.name)"
          guard let other = first[key] else {
            first[key] = (application, object)
            return nil
          }
          guard other.application.place.key != application.place.key,
            other.application.name != application.name
          else {
            return nil
          }
          return .warning(
            object.place.at("metadata", "name") ?? object.place,
            "\(object.title) comes from \(other.application.name) (\(other.object.place.file)) and from \(application.name)",
            help: "leave it in one of them")
        }
      }
    },
  ]
}

extension Repository.Contents {
  /// Whether kustomize gives its objects other names than those that stand there.
  fileprivate var changesNames: Bool {
    kustomizations.contains { place in
      ["namePrefix", "nameSuffix", "patches", "patchesJson6902", "replacements", "vars"].contains {
        place[$0] != nil
      }
    }
  }
}

extension Repository.Object {
  /// Whether some tool puts values into it before it is applied.
  fileprivate var isFilledInLater: Bool {
    name.isFilledInLater
      || kind == "AppProject" && place.strings.contains { $0.text?.isFilledInLater == true }
  }

  /// Whether an AppProject permits a repository (Argo CD 3.5.1, app_project_types.go, IsSourcePermitted).
  fileprivate func permits(source url: String) -> Bool {
    let patterns = (place.at("spec", "sourceRepos")?.items ?? []).compactMap(\.text)
    let url = GitURL.normalised(url)
    func fits(_ pattern: String) -> Bool {
      pattern == "*" || url.fits(GitURL.normalised(pattern), separator: "/")
    }
    let refused = patterns.filter { $0.hasPrefix("!") }.map { String($0.dropFirst()) }
    return !refused.contains(where: fits)
      && patterns.contains { !$0.hasPrefix("!") && fits($0) || $0.hasPrefix("!") }
  }

  /// Whether an AppProject permits a destination (likewise, IsDestinationPermitted).
  fileprivate func permits(destination: Repository.Place) -> Bool {
    let namespace = destination["namespace"]?.text ?? ""
    func fits(_ pattern: Repository.Place) -> Bool {
      let cluster = ["server", "name"].map { key in
        (pattern: pattern[key]?.text, own: destination[key]?.text)
      }
      // Which name a server has is known of Argo CD's own cluster alone.
      let isThere =
        cluster.contains { pattern, own in
          guard let pattern else { return false }
          return pattern == "*" || own?.fits(pattern, separator: nil) == true
        }
        || cluster.allSatisfy { $0.pattern == nil || $0.own == nil }
          && !(pattern.isOwnCluster && destination.isElsewhere)
      return isThere && namespace.fits(pattern["namespace"]?.text?.withoutNegation ?? "", separator: nil)
    }
    let patterns = place.at("spec", "destinations")?.items ?? []
    let refused = patterns.filter(\.isNegated)
    return !refused.contains(where: fits) && patterns.contains { !$0.isNegated && fits($0) || $0.isNegated }
  }
}

extension Repository.Place {
  /// Whether a destination of a project is one that is forbidden.
  fileprivate var isNegated: Bool {
    ["server", "name", "namespace"].contains { self[$0]?.text?.hasPrefix("!") == true }
  }

  /// Whether it is Argo CD's own cluster.
  fileprivate var isOwnCluster: Bool {
    self["server"]?.text == "https://kubernetes.default.svc" || self["name"]?.text == "in-cluster"
  }

  /// Whether it is a cluster that is known not to be Argo CD's own.
  fileprivate var isElsewhere: Bool { (self["server"] ?? self["name"]) != nil && !isOwnCluster }
}

extension String {
  fileprivate var withoutNegation: String { hasPrefix("!") ? String(dropFirst()) : self }

  /// Whether some tool puts a value in before it is applied.
  var isFilledInLater: Bool { contains("{{") || contains("${") || contains("$(") || contains("<") }

  /// Whether it matches a pattern in which `*` stands for any text: without a separator in it, where there is one, unless it
  /// is written twice.
  fileprivate func fits(_ pattern: String, separator: Character?) -> Bool {
    let (text, pattern) = (Array(self), Array(pattern))
    var (at, in_) = (0, 0)
    var star: (pattern: Int, text: Int, crosses: Bool)?
    while at < text.count {
      if in_ < pattern.count, pattern[in_] == "*" {
        let crosses = separator == nil || in_ + 1 < pattern.count && pattern[in_ + 1] == "*"
        while in_ < pattern.count, pattern[in_] == "*" { in_ += 1 }
        star = (in_, at, crosses)
      } else if in_ < pattern.count, pattern[in_] == text[at] || pattern[in_] == "?" {
        (at, in_) = (at + 1, in_ + 1)
      } else if let last = star, last.crosses || text[last.text] != separator {
        star = (last.pattern, last.text + 1, last.crosses)
        (at, in_) = (last.text + 1, last.pattern)
      } else {
        return false
      }
    }
    return pattern[in_...].allSatisfy { $0 == "*" }
  }
}
