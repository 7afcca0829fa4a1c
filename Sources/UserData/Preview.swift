public import Diagnostics
import Inputs
public import Plan
import Secrets
import Templates
public import YAML

/// What will happen when a node boots with some user-data: for people, without a secret in it.
public struct Preview: Sendable {
  /// One thing that happens at boot.
  public struct Step: Hashable, Sendable {
    /// Who does it: a module of cloud-init, or a stage of the bootstrap.
    public let name: String
    /// What it does.
    public let text: String
    /// Whether it is a stage of the bootstrap.
    public let isStage: Bool
    /// What the bootstrap promises of a stage; nil where it says nothing of it.
    public let promise: Promise?

    fileprivate init(_ name: String, _ text: String) {
      self.name = name
      self.text = text
      isStage = false
      promise = nil
    }

    fileprivate init(stage name: String, _ text: String, _ promise: Promise?) {
      self.name = name
      self.text = text
      isStage = true
      self.promise = promise
    }
  }

  /// What the bootstrap promises of a stage.
  public struct Promise: Hashable, Sendable {
    /// The most that it takes, in seconds: after that it has failed.
    public let deadline: Int
    /// Whether its work is kept on the disk, and not done again after a power cut.
    public let isKept: Bool
    /// The exit code of the bootstrap where the stage was not done within its deadline, and is tried again.
    public let temporaryExitCode: Int
    /// The exit code where waiting cannot help.
    public let permanentExitCode: Int
  }

  /// A file that is written before anything runs.
  public struct File: Hashable, Sendable {
    /// Its path on the node.
    public let path: String
    /// Its permissions in octal, four digits.
    public let mode: String
    /// Its size in bytes.
    public let bytes: Int
    /// Its content, secrets as fingerprints; what travels compressed or in base64 is decoded.
    public let content: String
    /// Who reads it: a stage of the bootstrap, `bootstrap` for all of them, `record` for people only, or `write_files`
    /// where the bootstrap knows nothing of it.
    public let reader: String
  }

  /// A secret that the node gets.
  public struct SecretUse: Hashable, Sendable {
    /// The input.
    public let name: String
    /// A fingerprint of a literal, its name alone where one would confirm guesses, or the OCID of one in OCI Vault.
    public let shown: String
    /// Whether the value itself travels in user-data.
    public let isLiteral: Bool
  }

  /// What a platform would make of the user-data's size.
  public struct Size: Hashable, Sendable {
    /// The platform.
    public let platform: Platform
    /// The bytes that it counts.
    public let counted: Int
    /// Its limit in those bytes.
    public let limit: Int

    /// How many bytes it is over the limit; negative where it fits.
    var over: Int { counted - limit }

    /// A bar with the numbers, and how the platform counts.
    fileprivate func text(_ style: TerminalStyle, titleWidth: Int) -> String {
      let filled = min(24, (counted * 24 + limit - 1) / limit)
      let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 24 - filled)
      let line =
        "  \(platform.rawValue.padded(right: titleWidth))  [\(bar)] \(counted.grouped.padded(left: 7)) of \(limit.grouped)"
        + (over > 0 ? ", \(over.grouped) over" : "")
      let arithmetic = platform.budget.arithmetic
      let fits = line.count + 2 + arithmetic.count <= style.columns
      let text =
        fits
        ? "\(line)  \(arithmetic)"
        : ([line]
          + style.wrapped(arithmetic, label: "    ", indent: 4).enumerated().map {
            ($0 == 0 ? "    " : "") + $1
          })
          .joined(separator: "\n")
      return (over > 0 ? style.coloured(text, .bad) : text) + "\n"
    }
  }

  /// The node's name or role.
  public let title: String
  /// Its role.
  public let role: Role
  /// The cluster's name.
  public let cluster: String
  /// Where it is delivered.
  public let platform: Platform
  /// The release of K3s.
  public let k3sVersion: String
  /// What happens, in order.
  public let steps: [Step]
  /// What is written.
  public let files: [File]
  /// What secrets it gets.
  public let secrets: [SecretUse]
  /// What each platform counts; its own first.
  public let sizes: [Size]
  /// How the platform counts, in words.
  public let arithmetic: String
  /// Bytes of the cloud-config, and of what cloud-init gets.
  public let bytes: (plain: Int, payload: Int)

  /// The SHA-256 of what cloud-init gets, in hexadecimal; nil where a secret is in it, of which the hash would confirm a
  /// guess.
  public let sha256: String?

  /// Looks at the user-data of a node.
  public init(_ userData: UserData, plan: ClusterPlan) {
    let node = userData.node
    let key = plan.key
    title = node.title
    role = node.role.value
    cluster = plan.name.value
    platform = userData.platform
    k3sVersion = plan.k3s.value.version
    files = Self.files(userData.document, key, foreign: plan.extraManifests.map(\.text.value))
    secrets = plan.secretNames(of: node).compactMap { name in
      switch plan.source(ofSecret: name)?.value {
      case .literal(let secret)?:
        SecretUse(name: name, shown: secret.label(name, key), isLiteral: true)
      case .ociVault(let ocid)?: SecretUse(name: name, shown: ocid, isLiteral: false)
      case nil: nil
      }
    }
    let keys = plan.sshKeys.map(\.value)
    sizes = ([platform] + Platform.allCases.filter { $0 != userData.platform }).map { platform in
      let counted = platform.budget.counted(
        platform == userData.platform ? userData.countedPayload : userData.bytes(for: platform),
        other: platform.sharedBytes(sshKeys: keys))
      return Size(platform: platform, counted: counted, limit: platform.budget.limit)
    }
    arithmetic = platform.budget.arithmetic
    bytes = (userData.plain.count, userData.payload.count)
    sha256 = secrets.contains(where: \.isLiteral) ? nil : SHA256.hex(userData.payload)
    steps = Self.steps(userData, files: files, secrets: secrets, plan: plan)
  }

  /// - Parameter foreign: texts that users wrote, in which there may be secrets that nobody knows of.
  private static func files(_ document: Field, _ key: ProjectKey?, foreign: [String]) -> [File] {
    zip(document["write_files"]?.items ?? [], document.node(.redacted(key))["write_files"]?.sequence ?? [])
      .compactMap { field, shown -> File? in
        guard let path = field["path"]?.text else { return nil }
        let content = shown.fileContent
        let text = String(validating: content, as: UTF8.self) ?? "<\(content.count) bytes that are no text>"
        let isForeign = foreign.contains { !$0.isEmpty && text.contains($0) }
        return File(
          path: path, mode: field["permissions"]?.text ?? "0644",
          bytes: field.node(.revealed).fileContent.count,
          content: isForeign
            ? "<\(content.count) bytes of extra_manifests, not shown: Secrets may be in them>\n" : text,
          reader: Stages.of(path))
      }
  }

  private static func steps(
    _ userData: UserData, files: [File], secrets: [SecretUse], plan: ClusterPlan
  ) -> [Step] {
    let node = userData.node
    let bootstrap = files.last { $0.path == BootstrapStage.path }
    func commands(_ key: String, _ when: String) -> [Step] {
      (userData.document[key]?.items ?? []).map { command in
        let words = command.text?.summary ?? command.items.compactMap(\.word).joined(separator: " ")
        return Step(key, "\(words) (\(when))")
      }
    }
    // The order of cloud-init's modules (config/cloud.cfg.tmpl).
    var steps = commands("bootcmd", "before the files")
    steps.append(Step("write_files", "write \(files.count.counted("file"))"))
    if let certificates = userData.document["ca_certs"]?["trusted"]?.items.count {
      steps.append(Step("ca_certs", "trust \(certificates.counted("certificate"))"))
    }
    if let keys = userData.document["ssh_authorized_keys"]?.items.count {
      steps.append(Step("ssh", "authorise \(keys.counted("key")) for the default user"))
    }
    let told = ["bootcmd", "write_files", "ca_certs", "ssh_authorized_keys", "runcmd"]
    if case .mapping(let entries) = userData.document.content {
      steps += entries.map(\.key).filter { !told.contains($0) }.map { Step($0, "as the cloud-config has it") }
    }
    steps += commands("runcmd", "after them")
    guard let bootstrap else { return steps }
    return steps
      + Guest.stages(node, plan: plan, secrets: secrets, table: BootstrapStage.all(in: bootstrap.content))
  }
}

/// What the bootstrap in the guest does: its stages, for people. `templates/guest/bootstrap.sh` has the same names in
/// the same order, and a test holds the two together.
enum Guest {
  static func stages(
    _ node: ClusterNode, plan: ClusterPlan, secrets: [Preview.SecretUse], table: [BootstrapStage]
  ) -> [Preview.Step] {
    let references = secrets.filter { !$0.isLiteral }.map(\.name)
    let version = plan.k3s.value.version
    let join = node.isFirstServer ? nil : plan.joinURL?.value
    let server = node.role.value == .server
    let sources = plan.binaryURLs.count
    let stages: [(String, String)?] = [
      ("preflight", "check architecture, settings, clock and default route"),
      (
        "firewall",
        node.role.value == .ingress
          ? "open what this role needs, keep pods from the metadata address, forward and NAT for private nodes"
          : "open what this role needs, keep pods from the metadata address"
      ),
      (
        "download",
        "fetch K3s \(version) and its install script from \(sources) \(sources == 1 ? "source" : "sources"), refuse any other SHA-256"
      ),
      (
        "secrets",
        references.isEmpty
          ? "read the secrets into memory"
          : "fetch \(references.joined(separator: ", ")) from OCI Vault, as the instance that it is"
      ),
      (
        "install",
        "install K3s as \(server ? "server" : "agent") with /etc/rancher/k3s/config.yaml"
          + (plan.founding(node).map { "; \($0)" } ?? "")
      ),
      (
        "ready",
        (join.map { "start K3s, which joins \($0), and wait for " } ?? "start K3s and wait for ")
          + (server ? "the API, this Node and the controllers" : "this Node to be Ready")
      ),
      node.isFirstServer
        ? (
          "seed",
          "apply Namespaces and Secrets (\(plan.cloudflareSecretName.value) in cert-manager and external-dns), then remove the files"
        ) : nil,
      node.isFirstServer
        ? (
          "gitops",
          "install Argo CD (chart \(plan.lock[.argoCD].version)), then apply argocd-root: \(plan.gitPath.value) of \(plan.gitURL?.value ?? "") at \(plan.gitRevision.value)"
        ) : nil,
      ("scrub", "remove every secret file"),
      ("complete", "record it; the unit never runs again"),
    ]
    return stages.compactMap { $0 }.map { name, text in
      let promise = table.first { $0.name == name }.map {
        Preview.Promise(
          deadline: $0.deadline, isKept: $0.isKept, temporaryExitCode: $0.temporaryExitCode,
          permanentExitCode: $0.permanentExitCode)
      }
      return Preview.Step(stage: name, text, promise)
    }
  }
}

extension ClusterPlan {
  /// Whether this node founds the cluster, in words; nil where it is no first server.
  fileprivate func founding(_ node: ClusterNode) -> String? {
    guard node.isFirstServer else { return nil }
    let peers = firstServerPeers.map(\.value).joined(separator: ", ")
    if peers.isEmpty { return "found a new cluster" }
    return clusterExists
      ? "join the cluster at \(peers)"
      : "join the cluster where a server answers at \(peers), otherwise found a new one"
  }
}

extension Preview {
  /// The preview as text.
  ///
  /// - Parameters:
  ///   - report: findings to show at the end.
  ///   - style: the terminal that it is for; lines are whole where it is for none.
  ///   - allPlatforms: whether the size is drawn for every platform, not only its own.
  public func text(report: Report, style: TerminalStyle = .none, allPlatforms: Bool = false) -> String {
    func heading(_ text: String) -> String { "\n\(style.coloured(text, .strong))\n" }
    func lines(_ label: String, _ text: String) -> String {
      style.wrapped(text.printable, label: label, indent: label.count).enumerated()
        .map { ($0 == 0 ? label : "") + $1 + "\n" }.joined()
    }
    let name = title == role.rawValue ? title : "\(title) (\(role.rawValue))"
    // Names, paths and commands are from inputs and templates.
    var text = "\(name) of cluster \(cluster) on \(platform.rawValue), K3s \(k3sVersion)".printable + "\n"
    text += heading("At boot, in order")
    let width = steps.map(\.name.count).max() ?? 0
    for (index, step) in steps.enumerated() {
      text += lines(
        "  \("\(index + 1)".padded(left: 2))  \(step.name.printable.padded(right: width))  ", step.text)
    }
    text += heading("Files")
    let digits = files.map { $0.bytes.grouped.count }.max() ?? 0
    for file in files {
      text += lines("  \(file.mode.printable)  \(file.bytes.grouped.padded(left: digits)) B  ", file.path)
    }
    text += heading("Secrets")
    for secret in secrets {
      text += lines(
        secret.isLiteral ? "  in user-data   " : "  in OCI Vault   ",
        (secret.isLiteral ? "" : secret.name + " ") + secret.shown)
    }
    if secrets.isEmpty { text += "  none\n" }
    let sizeText = bytes.plain == bytes.payload ? "" : " (gzip of \(bytes.plain.grouped))"
    text += heading("Size: \(bytes.payload.grouped) bytes\(sizeText)")
    let platforms = allPlatforms ? sizes.map(\.platform.rawValue.count).max() ?? 0 : platform.rawValue.count
    for size in allPlatforms ? sizes[...] : sizes.prefix(1) {
      text += size.text(style, titleWidth: platforms)
    }
    if !allPlatforms { text += lines("  ", others) }
    guard !report.diagnostics.isEmpty else { return text }
    text += heading("Findings")
    return text
      + (style.isTerminal ? report.text(for: style) : report.diagnostics.map { "  \($0.line)\n" }.joined())
  }

  /// Where else the same user-data would be taken, and where not.
  private var others: String {
    let others = sizes.dropFirst()
    let fitting = others.filter { $0.over <= 0 }.map(\.platform.rawValue)
    let rest = others.filter { $0.over > 0 }.map { "\($0.platform.rawValue) (\($0.over.grouped) over)" }
    let takers =
      fitting.isEmpty ? "no other platform would take it" : "also fits \(fitting.joined(separator: ", "))"
    return rest.isEmpty || fitting.isEmpty ? takers : "\(takers); not \(rest.joined(separator: ", "))"
  }

  /// The preview as a document, for programs.
  public func document(report: Report) -> Node {
    func list<Item>(_ items: [Item], _ node: (Item) -> Node) -> Node { Node(.sequence(items.map(node))) }
    func text(_ text: String) -> Node { Node(.string(text)) }
    func number(_ number: Int) -> Node { Node(.number(String(number))) }
    return .mapping([
      "node": text(title), "role": text(role.rawValue), "cluster": text(cluster),
      "platform": text(platform.rawValue), "k3s_version": text(k3sVersion),
      "bytes": number(bytes.payload), "plain_bytes": number(bytes.plain),
      "steps": list(steps) { step in
        let promise: [(String, Node)] =
          step.promise.map {
            [
              ("deadline_seconds", number($0.deadline)), ("kept", Node(.bool($0.isKept))),
              ("exit_code", number($0.temporaryExitCode)),
              ("permanent_exit_code", number($0.permanentExitCode)),
            ]
          } ?? []
        return Node(
          .mapping(
            ([("name", text(step.name)), ("text", text(step.text))] + promise).map { Node.Entry($0.0, $0.1) })
        )
      },
      "files": list(files) {
        .mapping([
          "path": text($0.path), "mode": text($0.mode), "bytes": number($0.bytes),
          "content": text($0.content),
        ])
      },
      "secrets": list(secrets) {
        .mapping([
          "name": text($0.name), "source": text($0.isLiteral ? "literal" : "oci-vault"),
          "shown": text($0.shown),
        ])
      },
      "sizes": list(sizes) {
        .mapping([
          "platform": text($0.platform.rawValue), "counted": number($0.counted), "limit": number($0.limit),
          "arithmetic": text($0.platform.budget.arithmetic),
        ])
      },
      "findings": list(report.diagnostics) {
        .mapping([
          "severity": text($0.severity.rawValue), "code": text($0.code), "text": text($0.line),
        ])
      },
    ])
  }
}

extension Field {
  /// A word of a command; nil where it is a secret or no scalar.
  fileprivate var word: String? {
    switch content {
    case .text(let text), .number(let text): text
    case .flag(let flag): flag ? "true" : "false"
    default: nil
    }
  }
}

extension String {
  /// A shell script on one line: what its first comment says of it, or else its first line.
  fileprivate var summary: String {
    let lines = split(separator: "\n")
    guard let first = lines.first, lines.count > 1 || first.hasPrefix("# ") else { return self }
    return first.hasPrefix("# ") ? String(first.dropFirst(2)) : "\(first) …"
  }
}
