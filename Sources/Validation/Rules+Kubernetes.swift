import Diagnostics
import Inputs
import UserData
import YAML

extension Validation {
  /// Kubernetes objects that files hold.
  static let kubernetesRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "kubernetes-object", what: "a Kubernetes object that the API server would refuse",
      why: "K3s tries it again at every scan and says so only in its log",
      fix: "give `apiVersion`, `kind` and a valid `metadata.name`",
      find: { payload in payload.parts.flatMap { $0.wrongObjects } }),
    DocumentedRule(
      "kubernetes-secret", what: "a Secret with its values among the files of user-data",
      why:
        "the value travels in user-data, and K3s puts it back at every start where the file lies among its manifests",
      fix: "let the node fetch it, or use External Secrets",
      find: { payload in payload.parts.flatMap { $0.secretObjects } }),
  ]
}

extension Part {
  /// A document of a file.
  private struct Object {
    let file: WrittenFile
    let value: Node

    /// Whether K3s applies the file.
    var isApplied: Bool { file.path.contains("/server/manifests/") }

    func location(_ mark: Mark) -> Location { file.content.location(line: mark.line, column: mark.column) }
  }

  /// Groups whose objects are configurations of programs, without a name.
  private static let configurations = [
    "kubelet.config.k8s.io", "apiserver.config.k8s.io", "audit.k8s.io", "kubeadm.k8s.io",
    "kustomize.config.k8s.io",
    "kubeproxy.config.k8s.io", "kubescheduler.config.k8s.io", "pod-security.admission.config.k8s.io",
    "client.authentication.k8s.io",
  ]

  private var objects: [Object] {
    files.flatMap { file -> [Object] in
      let isMeant =
        file.path.contains("/manifests/") && (file.path.hasSuffix(".yaml") || file.path.hasSuffix(".yml"))
      let text = file.content.text
      // What a template gives is not known.
      if TemplateText.isUnknown(text), !(text.contains("apiVersion:") && text.contains("kind:")) { return [] }
      guard isMeant || text.contains("apiVersion:"), !text.hasPrefix("#!"),
        let documents = try? YAML.parse(Array(text.utf8), source: "", ambiguity: .accepted)
      else { return [] }
      let all = documents.flatMap {
        $0["kind"]?.string?.hasSuffix("List") == true ? $0["items"]?.sequence ?? [] : [$0]
      }
      return all.filter { isMeant && $0.value != .null || $0["apiVersion"] != nil && $0["kind"] != nil }
        .map { Object(file: file, value: $0) }
    }
  }

  fileprivate var wrongObjects: [Finding] {
    let unreadable = files.filter { $0.path.contains("/server/manifests/") && $0.path.hasSuffix(".yaml") }
      .flatMap { file -> [Finding] in
        if TemplateText.isUnknown(file.content.text) { return [] }
        do throws(Report) {
          _ = try YAML.parse(Array(file.content.text.utf8), source: "", ambiguity: .accepted)
          return []
        } catch {
          return error.diagnostics.map { diagnostic in
            Finding(
              .error,
              file.content.location(
                line: diagnostic.location?.line ?? 1, column: diagnostic.location?.column ?? 1),
              "K3s cannot read this manifest: \(diagnostic.message)", help: diagnostic.help ?? "mend it")
          }
        }
      }
    return unreadable
      + objects.flatMap { object -> [Finding] in
        func error(_ mark: Mark, _ message: String, _ help: String) -> Finding {
          Finding(.error, object.location(mark), message, help: help)
        }
        let value = object.value
        if value.string.map(TemplateText.isUnknown) == true { return [] }
        let missing = ["apiVersion", "kind"].filter { value[$0]?.string == nil }
        if !missing.isEmpty {
          return [
            error(
              value.mark, "an object of this manifest has no \(missing.joined(separator: " and no "))",
              "give both apiVersion and kind")
          ]
        }
        let kind = value["kind"]?.string ?? ""
        let group = value["apiVersion"]?.string?.parts(between: "/").first ?? ""
        guard !Self.configurations.contains(group), !["Config", "Kustomization"].contains(kind),
          object.isApplied || value["metadata"] != nil
        else { return [] }
        guard let metadata = value["metadata"] else {
          return [error(value.mark, "\(kind) has no metadata", "give it a name: metadata.name")]
        }
        guard let name = metadata["name"]?.string else {
          if metadata["generateName"] != nil { return [] }
          return [
            error(metadata.mark, "\(kind) has no metadata.name", "name it, in quotes where it is a number")
          ]
        }
        guard let problem = Self.problem(with: name, kind: kind, group: group) else { return [] }
        return [
          error(metadata["name"]?.mark ?? metadata.mark, "the name of \(kind) \(problem)", "correct the name")
        ]
      }
  }

  /// Why Kubernetes refuses a name (its documentation, "Object Names and IDs"); nil where it takes it.
  private static func problem(with name: String, kind: String, group: String) -> String? {
    if group == "rbac.authorization.k8s.io" {
      return name.contains { "/%".contains($0) } || [".", ".."].contains(name) ? "holds / or %" : nil
    }
    let isLabel = ["Namespace", "Service"].contains(kind)
    let limit = isLabel ? 63 : 253
    if TemplateText.isUnknown(name) { return nil }
    if name.utf8.count > limit { return "is longer than \(limit) characters" }
    let pattern = isLabel ? /[a-z0-9](?:[a-z0-9-]*[a-z0-9])?/ : /[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/
    return name.wholeMatch(of: pattern) == nil
      ? "is not made of lower-case letters, digits\(isLabel ? " and -" : ", - and .")" : nil
  }

  fileprivate var secretObjects: [Finding] {
    objects.compactMap { object in
      guard object.value["kind"]?.string == "Secret", object.value["apiVersion"]?.string == "v1" else {
        return nil
      }
      let values = ["data", "stringData"].compactMap { object.value[$0] }
      guard let first = values.first(where: { $0.mapping?.contains { $0.value.value != .null } == true })
      else {
        return nil
      }
      return Finding(
        .warning, object.location(first.mark), "a Secret with its values stands in user-data",
        help: "let the node fetch it, or use External Secrets")
    }
  }
}
