import Diagnostics
import Secrets
import Validation
import YAML

extension Check {
  /// Rules about Secrets: those that must be there, those that External Secrets makes, and those that must not be in git.
  static let secretRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "secret-not-created",
      what: "Cloudflare's token taken from a Secret, key or namespace that nothing makes",
      why: "no certificate is issued and no DNS record is written, and neither says so at the Application",
      fix:
        "use the name, the key and the namespace that the bootstrap has, or say with `--secret` what else is there"
    ) { repository in
      let made = Dictionary(grouping: repository.secrets, by: \.name)
      return repository.secretNeeds.compactMap { need in
        let namespace = need.namespace ?? "its namespace"
        let named = made[need.name] ?? []
        let there = named.filter { $0.matches(namespace: need.namespace) }
        if let first = there.first {
          guard let key = need.key, let text = key.text,
            there.allSatisfy({ $0.keys.map { !$0.contains(text) } ?? false })
          else { return nil }
          let keys = (first.keys ?? []).sorted().joined(separator: ", ")
          return .missing(
            key,
            "\(need.title) takes the key \(text) of the Secret \(need.name) in \(namespace), which has \(keys)",
            help: "use one of its keys, or give the bootstrap this one (cloudflare_secret_key)",
            in: repository,
            mayBeThere: there.contains { $0.application == nil })
        }
        if let other = named.compactMap(\.namespace).first {
          return .missing(
            need.place,
            "\(need.title) takes the Secret \(need.name) in \(namespace), and it is made in \(other) only",
            help: "make it in \(namespace) as well, or use one that is there", in: repository,
            mayBeThere: true)
        }
        guard repository.bootstrap.isKnown else {
          return .warning(
            need.place,
            "\(need.title) takes the Secret \(need.name) in \(namespace), which no manifest here makes",
            help: "name it with --secret if the bootstrap does, or add what makes it")
        }
        let near = repository.bootstrap.secrets.first {
          need.namespace == nil || $0.namespace == need.namespace
        }
        let instead = near.map { "use \($0.name), which the bootstrap makes there, or " } ?? ""
        return .missing(
          need.place, "\(need.title) takes the Secret \(need.name) in \(namespace), which nothing makes",
          help: "\(instead)say with --secret that it is there", in: repository, mayBeThere: true)
      }
    },
    DocumentedRule(
      "externalsecret-store", what: "an ExternalSecret without a store, or with one that is not there",
      why: "External Secrets has nowhere to take the values from, and the Secret is never made",
      fix: "name a SecretStore or ClusterSecretStore in `spec.secretStoreRef`"
    ) { repository in
      let stores = repository.objects.filter { ["SecretStore", "ClusterSecretStore"].contains($0.kind) }
      let names = stores.map { "\($0.kind) \($0.name)" }
      let byName = Dictionary(grouping: stores, by: \.title)
      return repository.externalSecrets.flatMap { secret -> [Finding] in
        let spec = secret.place["spec"] ?? secret.place
        if secret.storeReferences.isEmpty && !secret.isGenerator {
          return [
            .error(
              spec, "the ExternalSecret \(secret.name) names no store",
              help: "name a SecretStore or ClusterSecretStore in spec.secretStoreRef")
          ]
        }
        guard !stores.isEmpty else { return [] }
        return secret.storeReferences.compactMap { reference in
          guard let place = reference["name"], let name = place.text, !name.contains("{{") else { return nil }
          let kind = reference["kind"]?.text ?? "SecretStore"
          let isThere = (byName["\(kind) \(name)"] ?? []).contains {
            kind == "ClusterSecretStore" || $0.namespace == nil || secret.namespace == nil
              || $0.namespace == secret.namespace
          }
          guard !isThere else { return nil }
          let shown = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " …" : "")
          return .missing(
            place,
            "the ExternalSecret \(secret.name) takes from the \(kind) \(name), and this repository has \(shown)",
            help: "name one that is there, with its kind", in: repository)
        }
      }
    },
    DocumentedRule(
      "externalsecret-data",
      what: "an ExternalSecret that fetches nothing, or whose template uses what it does not fetch",
      why: "the template fails, and the Secret is never made",
      fix: "list every key of the template under `spec.data`"
    ) { repository in
      repository.externalSecrets.flatMap { secret -> [Finding] in
        guard let fetched = secret.fetchedKeys else { return [] }
        guard !fetched.isEmpty else {
          return [
            .error(
              secret.place["spec"] ?? secret.place, "the ExternalSecret \(secret.name) fetches nothing",
              help: "list what it fetches under spec.data or spec.dataFrom")
          ]
        }
        let template = secret.place.at("spec", "target", "template")
        guard template?["engineVersion"]?.text != "v1" else { return [] }
        return (template?["data"]?.strings ?? []).flatMap { place in
          (place.text ?? "").templateFields.filter { !fetched.contains($0) }.map { field in
            .error(
              place,
              "the template of the ExternalSecret \(secret.name) uses \(field), which it does not fetch",
              help: "add \(field) to spec.data, or use one of \(fetched.sorted().joined(separator: ", "))")
          }
        }
      }
    },
    DocumentedRule(
      "externalsecret-template",
      what: "a Secret for Argo CD or for images without the label or type that makes it one",
      why:
        "Argo CD finds repositories by the label `argocd.argoproj.io/secret-type` alone, the kubelet registry credentials by their type",
      fix: "put the label or the type into `spec.target.template`"
    ) { repository in
      repository.externalSecrets.flatMap { secret -> [Finding] in
        let template = secret.place.at("spec", "target", "template")
        let keys = Set(template?["data"]?.entries.map(\.key) ?? []).union(secret.fetchedKeys ?? [])
        let place = template ?? secret.place.at("spec", "target") ?? secret.place["spec"] ?? secret.place
        var findings: [Finding] = []
        let credentials = ["password", "sshPrivateKey", "githubAppPrivateKey", "bearerToken"]
        if keys.contains("url"), credentials.contains(where: keys.contains), secret.repositoryLabel == nil,
          secret.namespace == nil || repository.argoCDNamespaces.contains(secret.namespace ?? "")
        {
          findings.append(
            .error(
              place,
              "the ExternalSecret \(secret.name) makes a repository's Secret without the label that Argo CD looks for",
              help: "add argocd.argoproj.io/secret-type: repository to spec.target.template.metadata.labels"))
        }
        if keys.contains(".dockerconfigjson"), template?["type"]?.text != "kubernetes.io/dockerconfigjson" {
          findings.append(
            .error(
              place, "the ExternalSecret \(secret.name) makes registry credentials without their type",
              help: "set spec.target.template.type to kubernetes.io/dockerconfigjson"))
        }
        return findings
      }
    },
    DocumentedRule(
      "externalsecret-policy",
      what: "an ExternalSecret that takes over `argocd-secret`, or policies that exclude each other",
      why:
        "with the policy Owner the Secret has no other key than those fetched, and Argo CD loses its own (`server.secretkey`); some pairs of policies are refused",
      fix: "set `creationPolicy: Merge` for `argocd-secret`, and `deletionPolicy: Retain` with Merge or None"
    ) { repository in
      repository.externalSecrets.flatMap { secret -> [Finding] in
        let target = secret.place.at("spec", "target")
        let creation = target?["creationPolicy"]
        let deletion = target?["deletionPolicy"]
        var findings: [Finding] = []
        if secret.madeSecret?.name == "argocd-secret",
          ["Owner", "Orphan"].contains(creation?.text ?? "Owner")
        {
          findings.append(
            .error(
              creation ?? target?["name"] ?? secret.place.at("metadata", "name") ?? secret.place,
              "the ExternalSecret \(secret.name) replaces all of argocd-secret, in which Argo CD keeps its own keys",
              help: "set spec.target.creationPolicy to Merge"))
        }
        let refused = [
          "Delete": ["Merge", "CreateOrMerge", "None"], "Merge": ["None"],
        ]
        if let deletion, let creation, let word = creation.text,
          refused[deletion.text ?? ""]?.contains(word) == true
        {
          findings.append(
            .error(
              deletion, "deletionPolicy \(deletion.text ?? "") does not go with creationPolicy \(word)",
              help: "use deletionPolicy Retain"))
        }
        return findings
      }
    },
    DocumentedRule(
      "externalsecret-target", what: "two objects that make the same Secret",
      why:
        "External Secrets refuses a Secret that another one owns, and otherwise each undoes what the other wrote",
      fix: "give one of them another name, or make the ExternalSecrets merge (`creationPolicy: Merge`)"
    ) { repository in
      var first: [String: Repository.Object] = [:]
      let makers = repository.objects.filter { object in
        guard object.kind == "Secret" && object.group.isEmpty || object.kind == "ExternalSecret" else {
          return false
        }
        return !["Merge", "CreateOrMerge", "None"].contains(
          object.place.at("spec", "target", "creationPolicy")?.text)
      }
      return makers.compactMap { object in
        guard let made = object.madeSecret, let namespace = made.namespace, !made.name.contains("{{") else {
          return nil
        }
        guard let other = first.updateValue(object, forKey: "\(namespace)/\(made.name)") else { return nil }
        // Of a base and its overlays, or of two clusters, only one is applied.
        guard other.application == object.application,
          other.place.file == object.place.file || object.application != nil,
          [other, object].contains(where: { $0.kind == "ExternalSecret" })
        else { return nil }
        return .error(
          object.place.at("metadata", "name") ?? object.place,
          "\(object.title) and \(other.title) both make the Secret \(made.name) in \(namespace)",
          help: "give one of them another name, or set creationPolicy Merge")
      }
    },
    DocumentedRule(
      "committed-secret", what: "a Secret, a private key or a token in the repository",
      why: "whoever can read the repository, now or from its history, has it",
      fix:
        "revoke it, and take it from a store (External Secrets), the bootstrap, or a sealed or encrypted form"
    ) { repository in
      let help = "revoke it, and take it from a store or from the bootstrap"
      var findings = repository.objects("Secret", of: "").compactMap { secret -> Finding? in
        let values = secret.committedKeys
        if let place = values.first(where: { !$0.isFiller }) {
          return .error(place, "the Secret \(secret.name) is in the repository with its values", help: help)
        }
        // What no Application applies may well be an example.
        guard let place = values.first, secret.application != nil else { return nil }
        return .warning(
          place, "the Secret \(secret.name) holds a placeholder, and is applied with it",
          help: "let a store or the bootstrap make it: with its value it must not be in the repository")
      }
      findings += repository.charts.flatMap { $0.value("env")?.items ?? [] }
        .filter {
          $0.isCloudflareVariable
            && $0["value"].map { $0.text?.isPlaceholder == false && !$0.isFiller } == true
        }
        .compactMap { $0["value"] }.map {
          .error($0, "Cloudflare's token is in the repository as a value of external-dns", help: help)
        }
      let known = Set(findings.compactMap(\.location))
      return findings
        + SecretText.findings(in: repository.files).filter { finding in
          !known.contains { $0.source == finding.location.source && $0.line == finding.location.line }
        }.map {
          Finding(
            .error, $0.location, "\($0.what) is in the repository", help: help)
        }
    },
  ]
}

extension Repository {
  fileprivate var externalSecrets: [Object] { objects("ExternalSecret", of: "external-secrets.io") }

  /// The namespaces in which Applications lie, and so Argo CD's Secrets.
  fileprivate var argoCDNamespaces: Set<String> {
    Set(applications.compactMap(\.namespace)).union(["argocd"])
  }
}

extension Repository.Object {
  /// Whether it takes values from generators alone, which need no store.
  fileprivate var isGenerator: Bool {
    let from = place.at("spec", "dataFrom")?.items ?? []
    return !from.isEmpty && from.allSatisfy { $0.at("sourceRef", "generatorRef") != nil }
      && place.at("spec", "data") == nil
  }

  /// Keys of Argo CD's and Kargo's Secrets that are no secret.
  private static let harmless: Set<String> = [
    "type", "url", "name", "project", "username", "enableLfs", "enableOCI", "insecure", "server",
    "githubAppID", "githubAppInstallationID", "repoURL", "repoURLIsRegex",
  ]

  /// The values of a Secret that are in the repository as they are: not encrypted, and no placeholder.
  fileprivate var committedKeys: [Repository.Place] {
    guard place["sops"] == nil, place["type"]?.text != "kubernetes.io/service-account-token" else {
      return []
    }
    return ["data", "stringData"].flatMap { place[$0]?.entries ?? [] }.filter { key, value in
      !Self.harmless.contains(key) && value.text?.isPlaceholder == false
    }.map(\.value)
  }
}

extension Repository.Place {
  /// Whether a value of a Secret only says that one is to be filled in, as it is or in base64.
  fileprivate var isFiller: Bool {
    guard let text else { return false }
    return text.isFiller
      || Base64.decode(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self).isFiller } == true
  }
}

extension String {
  /// Whether a text says that it is to be replaced.
  fileprivate var isFiller: Bool {
    let text = lowercased()
    if text.wholeMatch(of: /x{3,}\s*/) != nil { return true }
    return [
      "changeme", "change-me", "change_me", "change me", "replace-me", "replace_me", "replaceme",
      "replace with",
      "replace_with", "replace-with", "to-be-replaced", "your-", "your_", "your ", "-here", "_here", "xxxx",
      "dummy",
      "placeholder", "example", "fixme", "todo", "insert-",
    ].contains(where: text.contains)
  }

  /// Whether a text stands for a value that is put in later: empty, encrypted, or in brackets of some tool.
  fileprivate var isPlaceholder: Bool {
    let text = trimmed
    if text.isEmpty || text.hasPrefix("ENC[") || text.contains("{{") { return true }
    // A variable for envsubst.
    if text.wholeMatch(of: /\$[A-Z_][A-Z0-9_]*/) != nil { return true }
    return [("<", ">"), ("${", "}"), ("$(", ")"), ("ref+", "")].contains {
      text.hasPrefix($0.0) && text.hasSuffix($0.1)
    }
  }

  private var trimmed: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }

  /// The fields that a Go template takes from what it is given: `.name` and `index . "name"` within `{{ }}`. Templates
  /// with variables or blocks, in which the dot is something else, have none.
  var templateFields: [String] {
    var fields: [String] = []
    var rest = self[...]
    while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
      let action = rest[open.upperBound..<close.lowerBound]
      rest = rest[close.upperBound...]
      if ["range", "with", "define", "block", "$"].contains(where: { action.contains($0) }) { return [] }
      fields += Self.fields(of: action)
    }
    return fields
  }

  private static func fields(of action: Substring) -> [String] {
    var fields: [String] = []
    var characters = action[...]
    var previous: Character = " "
    while let character = characters.popFirst() {
      if character == "\"" || character == "`" {
        let text = characters.prefix { $0 != character }
        characters = characters.dropFirst(text.count + 1)
        if action.hasIndexOfDot(before: text) { fields.append(String(text)) }
      } else if character == ".", previous == " " || previous == "(" || previous == "-" || previous == "|" {
        let name = characters.prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        if !name.isEmpty { fields.append(String(name)) }
        characters = characters.dropFirst(name.count)
      }
      previous = character
    }
    return fields
  }
}

extension Substring {
  /// Whether a quoted text is what `index .` looks up.
  fileprivate func hasIndexOfDot(before text: Substring) -> Bool {
    self[..<text.startIndex].split(separator: " ").suffix(3).elementsEqual(["index", ".", "\""])
      || self[..<text.startIndex].split(separator: " ").suffix(3).elementsEqual(["(index", ".", "\""])
  }
}
