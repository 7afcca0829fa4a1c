import Inputs

/// A Secret that the first server seeds: each key either holds a secret input, or a text that is no secret.
public struct SeededSecret: Sendable {
  /// Its name.
  public var name: Sourced<String>
  /// Its Namespace.
  public var namespace: String
  /// Its labels.
  public var labels: [(key: String, value: String)]
  /// The keys that hold secrets, with the inputs.
  public var inputs: [(key: Sourced<String>, input: String)]
  /// The other keys.
  public var literals: [(key: String, value: Sourced<String>)]
}

extension ClusterPlan {
  /// The Secrets that the first server seeds.
  public var seededSecrets: [SeededSecret] {
    func own(_ text: String, _ input: String) -> Sourced<String> {
      Sourced(text, from: source(ofSecret: input)?.origin ?? .fallback(input))
    }
    var secrets = ["cert-manager", "external-dns"].map { namespace in
      SeededSecret(
        name: cloudflareSecretName, namespace: namespace, labels: [],
        inputs: [(cloudflareSecretKey, "cloudflare_api_token")], literals: [])
    }
    if let gitCredentials, let gitURL {
      let common: [(key: String, value: Sourced<String>)] = [
        ("type", gitURL.map { _ in "git" }), ("url", gitURL),
      ]
      let (key, input, more) =
        switch gitCredentials {
        case .token(let username): ("password", "git_pat", [("username", username)])
        case .deployKey: ("sshPrivateKey", "git_ssh_private_key", [])
        }
      // Argo CD's documentation, "Declarative Setup": a Secret with this label is a repository.
      secrets.append(
        SeededSecret(
          name: own("argocd-root-repository", input), namespace: "argocd",
          labels: [("argocd.argoproj.io/secret-type", "repository")], inputs: [(own(key, input), input)],
          literals: common + more))
    }
    // Argo CD's documentation, "argocd-secret.yaml example".
    let argoCD = [
      ("admin.password", "argocd_admin_password_hash"), ("webhook.github.secret", "github_webhook_secret"),
    ].filter { source(ofSecret: $0.1) != nil }
    if let first = argoCD.first {
      secrets.append(
        SeededSecret(
          name: own("argocd-secret", first.1), namespace: "argocd",
          labels: [("app.kubernetes.io/part-of", "argocd")],
          inputs: argoCD.map { (own($0.0, $0.1), $0.1) }, literals: []))
    }
    return secrets
  }

  /// Shell commands that give the Secrets of a live cluster new values, through the user's own kubectl.
  ///
  /// No value is in them: each is typed where it is asked for, or read from a file, and reaches kubectl through a pipe.
  /// Only the key is changed, so that what else the Secret holds, and whoever owns it, stays.
  ///
  /// - Parameter input: the input whose value is new; nil for all.
  public func rotation(of input: String?) -> String {
    var text = "# New values for the Secrets of the cluster \(name.value). Run in bash.\n"
    var inputs: [String] = []
    for secret in seededSecrets {
      for entry in secret.inputs where input == nil || input == entry.input {
        if !inputs.contains(entry.input) { inputs.append(entry.input) }
      }
    }
    for input in inputs {
      text += "\n# \(input)"
      if case .ociVault? = source(ofSecret: input)?.value {
        text += ": store the new version in the vault, then let the first server fetch all it seeds:\n"
        text += "#   sudo k3seed-bootstrap again\n# or, without logging in there:"
      }
      let isFile = input == "git_ssh_private_key"
      text +=
        isFile
        ? "\nread -rp 'File of the new key: ' file\n" : "\nIFS= read -rsp 'New \(input): ' value && echo\n"
      let encoded = isFile ? "base64 <\"$file\"" : "printf %s \"$value\" | base64"
      for secret in seededSecrets {
        for entry in secret.inputs where entry.input == input {
          text += """
            printf '{"data":{"\(entry.key.value)":"%s"}}' "$(\(encoded) | tr -d '\\n')" |
              kubectl patch secret \(secret.name.value) --namespace \(secret.namespace) --field-manager k3seed --patch-file /dev/stdin

            """
        }
      }
      text += isFile ? "unset file\n" : "unset value\n"
      if input == "cloudflare_api_token" {
        text += "# external-dns reads its token only when it starts.\n"
        text += "kubectl rollout restart deployment --namespace external-dns\n"
      }
    }
    return text
  }
}
