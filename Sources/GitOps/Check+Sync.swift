import Diagnostics
import YAML

extension Check {
  /// Rules about how Applications are synced.
  static let syncRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "sync-option", what: "a sync option that Argo CD does not know",
      why:
        "Argo CD compares options as text: one that is spelled otherwise, also in its case, is ignored without a word",
      fix: "spell it as the documentation does (\"Sync Options\")"
    ) { repository in
      let whole = repository.applications.flatMap { $0.policy?["syncOptions"]?.items ?? [] }.compactMap {
        place in
        place.text.flatMap { SyncOption.problem($0, SyncOption.ofApplications, SyncOption.ofObjects) }.map {
          (place, $0)
        }
      }
      let single = repository.objects.compactMap { $0.annotation("argocd.argoproj.io/sync-options") }.flatMap
      { place in
        (place.text ?? "").words.compactMap { text in
          SyncOption.problem(text, SyncOption.ofObjects, SyncOption.ofApplications).map { (place, $0) }
        }
      }
      return whole.map { .warning($0, "\($1.what), which Argo CD ignores in an Application", help: $1.help) }
        + single.map { .warning($0, "\($1.what), which Argo CD ignores at an object", help: $1.help) }
    },
    DocumentedRule(
      "resource-hook", what: "a hook or a hook's deletion policy that Argo CD does not know",
      why:
        "Argo CD takes the object out of the sync: with an unknown hook it never runs, and with an unknown policy it is replaced when the hook runs again",
      fix: "spell it as the documentation does (\"Sync Phases and Waves\")"
    ) { repository in
      repository.objects.flatMap { object in
        hookAnnotations.flatMap { annotation in
          (object.annotation(annotation.name).map { [$0] } ?? []).flatMap { place in
            (place.text ?? "").words.filter { !annotation.values.contains($0) && !$0.contains("{{") }.map {
              text in
              Finding.warning(
                place, "\(text.printable) is no \(annotation.noun), \(annotation.effect) \(object.title)",
                help: "\(text.suggestion(from: annotation.values, within: 3))use \(annotation.values.either)")
            }
          }
        }
      }
    },
    DocumentedRule(
      "retry-refresh", what: "a retry without `refresh: true`",
      why:
        "a sync that is tried again keeps the commit that it began with: a fix that is pushed meanwhile does not reach it (argo-cd#11494)",
      fix: "set `syncPolicy.retry.refresh: true` (Argo CD 3.2 and later)"
    ) { repository in
      guard !repository.hasOldArgoCD else { return [] }
      return repository.applications.compactMap { application in
        guard application.isAutomated, let retry = application.policy?["retry"],
          let retries = application.retries,
          retries != 0, retry["refresh"]?.isTrue != true
        else { return nil }
        let place = retry["limit"] ?? retry
        let help = "set syncPolicy.retry.refresh to true"
        return retries < 0
          ? .warning(
            place,
            "\(application.name) retries forever with the commit that its sync began with, and never picks up a newer one",
            help: help)
          : .note(
            place,
            "\(application.name) retries \(retries.counted("time")) with the commit that a sync began with, and sees no later one before",
            help: help)
      }
    },
    DocumentedRule(
      "ignored-field", what: "an entry of `ignoreDifferences` that fits nothing",
      why:
        "a JSON pointer begins with a slash, a path of jq with a dot, and a group has no version: otherwise nothing is ignored, or the Application cannot be compared",
      fix:
        "write `/spec/replicas` under `jsonPointers`, `.spec.replicas` under `jqPathExpressions`, `apps` as `group`"
    ) { repository in
      repository.applications.flatMap { $0.ignored }.flatMap { entry -> [Finding] in
        let pointers = (entry["jsonPointers"]?.items ?? []).filter {
          $0.text?.first.map { $0 != "/" } == true
        }
        let paths = (entry["jqPathExpressions"]?.items ?? []).filter { $0.text?.isNoPath == true }
        let groups = [entry["group"]].compactMap(\.self).filter { $0.text?.contains("/") == true }
        return pointers.map {
          .warning(
            $0, "\(($0.text ?? "").printable) is not a JSON pointer, so it matches nothing",
            help: "begin it with a slash, and put slashes between its parts")
        }
          + paths.map {
            .error(
              $0, "\(($0.text ?? "").printable) is not a jq path, so Argo CD cannot compare the Application",
              help: "begin it with a dot; a path with slashes belongs under jsonPointers")
          }
          + groups.map {
            .warning(
              $0, "the group \(($0.text ?? "").printable) has a version, so that it fits nothing",
              help: "leave out the version")
          }
      }
    },
    DocumentedRule(
      "selfheal-replicas", what: "`selfHeal` against what else changes the replicas of a workload",
      why: "Argo CD sets the number in git again as soon as an autoscaler has changed it, and so on",
      fix:
        "leave `replicas` out of the manifest, or ignore `/spec/replicas` and set the sync option `RespectIgnoreDifferences=true`"
    ) { repository in
      let scalers = repository.scalers
      return repository.pairs.flatMap { application, contents -> [Finding] in
        guard application.isAutomated, application.policy?.at("automated", "selfHeal")?.isTrue == true else {
          return []
        }
        return contents.objects.compactMap { object in
          guard let place = object.place.at("spec", "replicas"),
            let scaler = scalers[object.scalingKey(in: application)] ?? object.schedule
          else { return nil }
          if !application.ignores("/spec/replicas", of: object), !repository.ignoresEverywhere(object) {
            return .warning(
              place,
              "\(object.title) has its replicas here, \(scaler) changes them, and selfHeal of \(application.name) sets them back",
              help:
                "leave replicas out, or ignore /spec/replicas with the sync option RespectIgnoreDifferences=true"
            )
          }
          guard !application.hasOption("RespectIgnoreDifferences=true") else { return nil }
          return .warning(
            place,
            "\(object.title) has its replicas here, \(scaler) changes them, and each sync of \(application.name) sets them back",
            help:
              "add the sync option RespectIgnoreDifferences=true: ignoreDifferences alone is for comparisons")
        }
      }
    },
    DocumentedRule(
      "written-back", what: "a field that a controller writes, in git as well and not ignored",
      why:
        "the Application is never in sync, and with `selfHeal` Argo CD and the controller overwrite each other forever",
      fix: "leave the field out of the manifest, or list it under `ignoreDifferences`"
    ) { repository in
      repository.pairs.flatMap { application, contents -> [Finding] in
        contents.objects.flatMap { object in
          object.writtenBack.filter { field in
            !application.ignores(field.pointer, of: object) && !repository.ignoresEverywhere(object)
          }.map { field in
            .warning(
              field.place, "\(object.title) has a value here that \(field.writer) writes over",
              help: "leave it out, or ignore it in the ignoreDifferences of \(application.name)")
          }
        }
      }
    },
    DocumentedRule(
      "validation-off", what: "the sync option `Validate=false`",
      why:
        "the API server does not say what is wrong with a manifest, and drops fields that it does not know",
      fix: "leave it out, unless a CRD is known to refuse what is right"
    ) { repository in
      let whole = repository.applications.flatMap { $0.policy?["syncOptions"]?.items ?? [] }.filter {
        $0.text == "Validate=false"
      }
      let single = repository.objects.compactMap { $0.annotation("argocd.argoproj.io/sync-options") }.filter {
        ($0.text ?? "").words.contains("Validate=false")
      }
      return (whole + single).map {
        .note($0, "Validate=false lets wrong manifests through", help: "leave it out unless a CRD needs it")
      }
    },
  ]

  /// The annotations with hooks, and what they may say (Argo CD 3.5, docs/user-guide/sync-waves.md).
  private static let hookAnnotations = [
    (
      name: "argocd.argoproj.io/hook", noun: "hook", effect: "so that Argo CD never applies",
      values: ["PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"]
    ),
    (
      name: "argocd.argoproj.io/hook-delete-policy", noun: "policy",
      effect: "and says nothing about when to delete",
      values: ["HookSucceeded", "HookFailed", "BeforeHookCreation"]
    ),
  ]
}

/// The sync options that Argo CD reads (3.5.1, controller/sync.go and gitops-engine/pkg/sync).
private enum SyncOption {
  private static let flag = ["true", "false"]

  /// Those of an Application's `syncPolicy.syncOptions`, with their values.
  static let ofApplications: KeyValuePairs = [
    "CreateNamespace": flag, "ServerSideApply": flag, "RespectIgnoreDifferences": flag,
    "ApplyOutOfSyncOnly": flag,
    "PruneLast": flag, "Replace": flag, "Validate": flag, "SkipDryRunOnMissingResource": flag,
    "FailOnSharedResource": flag, "ClientSideApplyMigration": flag,
    "PrunePropagationPolicy": ["foreground", "background", "orphan"],
    "Prune": flag + ["confirm"], "Delete": flag + ["confirm"],
  ]

  /// Those of an object's annotation.
  static let ofObjects: KeyValuePairs = [
    "Prune": flag + ["confirm"], "Delete": flag + ["confirm"], "ServerSideApply": flag, "Replace": flag,
    "Force": flag,
    "PruneLast": flag, "Validate": flag, "SkipDryRunOnMissingResource": flag,
  ]

  /// What is wrong with an option where those of one table count; nil where nothing is.
  static func problem(
    _ text: String, _ table: KeyValuePairs<String, [String]>, _ other: KeyValuePairs<String, [String]>
  ) -> (what: String, help: String)? {
    guard !text.contains("{{"), !text.contains("${") else { return nil }
    let name = String(text.prefix { $0 != "=" })
    let shown = text.printable
    if let values = table.first(where: { $0.key == name })?.value {
      guard !values.contains(where: { text == "\(name)=\($0)" }) else { return nil }
      return (
        "the sync option \(name) with another value: \(shown)", "use \(values.map { "\(name)=\($0)" }.either)"
      )
    }
    let near = name.suggestion(from: table.map(\.key), within: 3)
    if near.isEmpty, other.contains(where: { $0.key == name }) {
      return ("the sync option \(shown)", "take it out: it has a meaning elsewhere only")
    }
    return (
      "an unknown sync option: \(shown)", "\(near)the options are \(table.map(\.key).joined(separator: ", "))"
    )
  }
}

extension Repository {
  /// Whether the Argo CD that is set up here is known to have no `retry.refresh`, which 3.2.0 brought; chart 9.1.0 has that.
  fileprivate var hasOldArgoCD: Bool {
    let charts = charts.filter { $0.name == "argo-cd" }.compactMap(\.exactVersion)
    let remotes = contents.flatMap(\.remotes).filter { $0.provides == ["argoproj.io"] }.compactMap {
      $0.revision.flatMap { Version($0) }
    }
    return charts.contains { $0 < Version(9, 1, 0) } || remotes.contains { $0 < Version(3, 2, 0) }
  }

  /// What changes replicas, by the workload.
  fileprivate var scalers: [String: String] {
    var scalers: [String: String] = [:]
    for (application, contents) in pairs {
      for object in contents.objects {
        guard ["HorizontalPodAutoscaler", "ScaledObject", "HTTPScaledObject"].contains(object.kind),
          let target = object.place.at("spec", "scaleTargetRef"), let name = target["name"]?.text
        else { continue }
        let kind = target["kind"]?.text ?? "Deployment"
        scalers["\(application.cluster) \(object.namespace ?? "") \(kind) \(name)"] = object.title
      }
    }
    return scalers
  }

  /// Whether argocd-cm says that differences of an object's kind, or of all, are ignored.
  fileprivate func ignoresEverywhere(_ object: Object) -> Bool {
    let kind = object.group.isEmpty ? object.kind : "\(object.group)_\(object.kind)"
    return settings.contains { key in
      ["all", kind].contains { key == "resource.customizations.ignoreDifferences.\($0)" }
    }
  }

  /// The keys of argocd-cm that the repository sets.
  private var settings: Set<String> {
    let maps = objects.filter { $0.kind == "ConfigMap" && $0.name == "argocd-cm" }.compactMap {
      $0.place["data"]
    }
    let values = charts.filter { $0.name == "argo-cd" }.compactMap { $0.value("configs", "cm") }
    return Set((maps + values).flatMap { $0.entries.map(\.key) })
  }
}

extension Repository.Application {
  /// The cluster that it goes to, as it names it.
  var cluster: String {
    let destination = place.at("spec", "destination")
    let name = destination?["server"]?.text ?? destination?["name"]?.text ?? ""
    return ["https://kubernetes.default.svc", "in-cluster", ""].contains(name) ? "in-cluster" : name
  }

  /// What it ignores in comparisons.
  fileprivate var ignored: [Repository.Place] { place.at("spec", "ignoreDifferences")?.items ?? [] }

  /// Whether a field of an object, by its JSON pointer, is ignored in comparisons.
  fileprivate func ignores(_ pointer: String, of object: Repository.Object) -> Bool {
    func fits(_ place: Repository.Place?, _ text: String) -> Bool {
      place?.text == text || place?.text == "*"
    }
    let path = pointer.replacingAll("/", with: ".")
    return ignored.contains { entry in
      guard fits(entry["kind"], object.kind),
        entry["group"] == nil ? object.group.isEmpty : fits(entry["group"], object.group),
        entry["name"] == nil || fits(entry["name"], object.name),
        entry["namespace"] == nil || entry["namespace"]?.text == object.namespace
      else { return false }
      let pointers = (entry["jsonPointers"]?.items ?? []).compactMap(\.text)
      let paths = (entry["jqPathExpressions"]?.items ?? []).compactMap(\.text)
      return !(entry["managedFieldsManagers"]?.items ?? []).isEmpty
        || pointers.contains { pointer == $0 || pointer.hasPrefix($0 + "/") || $0.hasPrefix(pointer + "/") }
        // A path of jq is taken for the field where the names of the field stand in it in their order.
        || paths.contains { text in
          var rest = text[...]
          return path.parts(between: ".").filter { !$0.isEmpty && !$0.allSatisfy(\.isNumber) }.allSatisfy {
            name in
            guard let range = rest.firstRange(of: name) else { return false }
            rest = rest[range.upperBound...]
            return true
          }
        }
    }
  }
}

extension Repository.Object {
  /// What tells a workload from others in all clusters.
  fileprivate func scalingKey(in application: Repository.Application) -> String {
    "\(application.cluster) \(namespace ?? "") \(kind) \(name)"
  }

  /// kube-downscaler's annotation, which has the replicas changed by the clock.
  fileprivate var schedule: String? {
    let keys = place.at("metadata", "annotations")?.entries.map(\.key) ?? []
    return keys.contains { $0.hasPrefix("downscaler/") } ? "kube-downscaler" : nil
  }

  /// The fields that a controller is known to write, though they stand in the manifest.
  ///
  /// Source: cert-manager's documentation ("CA Injector"), Kubernetes' ("Aggregated ClusterRoles").
  fileprivate var writtenBack: [(place: Repository.Place, pointer: String, writer: String)] {
    if group == "rbac.authorization.k8s.io", place["aggregationRule"] != nil, let rules = place["rules"],
      !rules.items.isEmpty
    {
      return [(rules, "/rules", "Kubernetes, which aggregates them,")]
    }
    let injecting = [
      "inject-ca-from", "inject-ca-from-secret", "inject-apiserver-ca",
    ].contains { annotation("cert-manager.io/\($0)") != nil }
    let configurations: [(place: Repository.Place?, pointer: String)] =
      switch kind {
      case "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration":
        (place["webhooks"]?.items ?? []).enumerated().map {
          ($1["clientConfig"], "/webhooks/\($0)/clientConfig/caBundle")
        }
      case "APIService": [(place["spec"], "/spec/caBundle")]
      case "CustomResourceDefinition":
        [
          (
            place.at("spec", "conversion", "webhook", "clientConfig"),
            "/spec/conversion/webhook/clientConfig/caBundle"
          )
        ]
      default: []
      }
    return configurations.compactMap { configuration, pointer in
      // "Cg==" is a line break, which generators put in as a placeholder.
      guard let bundle = configuration?["caBundle"], injecting || ["", "Cg=="].contains(bundle.text) else {
        return nil
      }
      return (bundle, pointer, injecting ? "cert-manager's CA injector" : "its controller")
    }
  }
}

extension String {
  /// The words between commas, without spaces around them.
  fileprivate var words: [String] {
    parts(between: ",").map { word in
      String(word.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }.filter { !$0.isEmpty }
  }

  /// Whether it cannot be a path of jq: it begins with a slash, or with a name that calls no function.
  fileprivate var isNoPath: Bool {
    guard let first else { return false }
    return first == "/" || first.isLetter && !contains { "( |".contains($0) }
  }
}

extension [String] {
  /// `a`, `a or b`, `a, b or c`.
  var either: String {
    guard let last, count > 1 else { return first ?? "" }
    return "\(dropLast().joined(separator: ", ")) or \(last)"
  }
}
