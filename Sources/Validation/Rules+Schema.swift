import Diagnostics
import Inputs
import UserData
import YAML

extension Validation {
  /// What the modules that k3seed uses, and the types of all top-level keys, ask for.
  static let schemaRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "key-type", what: "a value of a kind that the module does not take",
      why: "the module fails or does nothing, and the boot goes on",
      fix: "give the kind that the message names",
      find: { payload in payload.parts.flatMap { $0.wrongKinds } }),
    DocumentedRule(
      "write-files", what: "an entry of `write_files` that cloud-init refuses or reads otherwise",
      why: "the file is missing, empty, or another's or readable by others than was meant",
      fix:
        "give `path`, and only keys that the module knows; permissions in quotes, such as `'0600'`; `defer: true` where cloud-init makes the owner",
      find: { payload in payload.parts.flatMap { $0.wrongFiles } }),
    DocumentedRule(
      "command-form", what: "a command of `runcmd` or `bootcmd` in a form that no shell sees",
      why: "a list is run without a shell, so `|` and `&&` are arguments like any others",
      fix: "write the command as one string, or as `[sh, -c, '…']`",
      find: { payload in payload.parts.flatMap { $0.wrongCommands } }),
    DocumentedRule(
      "ssh-key", what: "an entry of `ssh_authorized_keys`, also of a user's, that is no public key",
      why: "sshd passes over it, and nobody can log in", fix: "give the text of a `.pub` file",
      find: { payload in
        payload.parts.flatMap { part in
          part.publicKeys.compactMap { item in
            let text = item.node.string ?? ""
            let words = text.split(separator: " ")
            let isKey = words.contains { word in ["ssh-", "ecdsa-", "sk-"].contains { word.hasPrefix($0) } }
            if isKey && words.count > 1 || text.contains("${") || text.contains("{{") { return nil }
            // It may be a private key put in the wrong place, so it is not shown.
            return Finding(
              .error, part.location(item), "this entry of ssh_authorized_keys is no public key",
              help: "give the text of a .pub file, such as ssh-ed25519 AAAA…")
          }
        }
      }),
  ]
}

extension Part {
  /// What is given as public keys: to the default user, and to others, where cloud-init takes one alone and `-` for `_`.
  fileprivate var publicKeys: [Positioned] {
    let users = root?["users"]?.items ?? []
    let lists = users.flatMap { user in
      ["ssh_authorized_keys", "ssh-authorized-keys"].compactMap { user[$0] }
    }
    return (root?["ssh_authorized_keys"]?.items ?? [])
      + lists.flatMap { $0.node.string == nil ? $0.items : [$0] }.filter { $0.node.value != .null }
  }

  fileprivate var wrongKinds: [Finding] {
    func finding(_ value: Positioned, _ name: String, _ words: String) -> Finding {
      Finding(
        .error, location(value), "\(name) is \(value.node.kind), and cloud-init takes \(words) there",
        help: "give \(words)")
    }
    func wrong(_ value: Positioned, _ name: String, _ kinds: TopLevel.Kinds) -> Finding? {
      guard let found = value.node.kinds, kinds.isDisjoint(with: found) else { return nil }
      // YAML 1.1, which cloud-init reads, has more words for true and false.
      if kinds.contains(.flag), let text = value.node.string?.lowercased(),
        ["yes", "no", "on", "off", "y", "n"].contains(text)
      {
        return nil
      }
      return finding(value, name, kinds.words)
    }
    var findings = (root?.entries ?? []).compactMap { entry in
      TopLevel.kinds[entry.key].flatMap { wrong(entry.value, entry.key, $0) }
    }
    if let certificates = root?["ca_certs"] ?? root?["ca-certs"] {
      for entry in certificates.entries {
        switch entry.key {
        case "trusted":
          findings += wrong(entry.value, "ca_certs.trusted", .list).map { [$0] } ?? []
          findings += entry.value.items.compactMap { wrong($0, "a certificate", .text) }
        case "remove_defaults", "remove-defaults":
          findings += wrong(entry.value, "ca_certs.\(entry.key)", .flag).map { [$0] } ?? []
        default:
          findings.append(
            Finding(
              .error, location(key: entry.keyLocation, entry.value), "ca_certs has no key \"\(entry.key)\"",
              help: "its keys are remove_defaults and trusted"))
        }
      }
    }
    for item in root?["ssh_authorized_keys"]?.items ?? [] {
      findings += wrong(item, "an entry of ssh_authorized_keys", .text).map { [$0] } ?? []
    }
    for (key, list) in commands {
      for item in list.items {
        findings += wrong(item, "a command of \(key)", [.text, .list]).map { [$0] } ?? []
        findings += item.items.compactMap { wrong($0, "a word of a command", [.text, .number]) }
      }
    }
    return findings
  }

  /// The keys of an entry of `write_files` (cloud-init's documentation of the module).
  private static let fileKeys = [
    "append", "content", "defer", "encoding", "owner", "path", "permissions", "source",
  ]
  private static let encodings = [
    "gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64", "b64", "base64", "text/plain",
  ]

  fileprivate var wrongFiles: [Finding] {
    (root?["write_files"]?.items ?? []).flatMap { file -> [Finding] in
      func error(_ place: Location, _ message: String, _ help: String) -> Finding {
        Finding(.error, place, message, help: help)
      }
      guard file.node.mapping != nil else {
        return [
          error(location(file), "an entry of write_files is \(file.node.kind)", "give path and content")
        ]
      }
      var findings = file.entries.filter { !Self.fileKeys.contains($0.key) }.map { entry in
        error(
          location(key: entry.keyLocation, entry.value), "write_files has no key \"\(entry.key)\"",
          entry.key.suggestion(from: Self.fileKeys, within: 3)
            + "its keys are \(Self.fileKeys.joined(separator: ", "))")
      }
      if let path = file["path"]?.node.string {
        if !path.hasPrefix("/") {
          findings +=
            file["path"].map {
              [error(location($0), "the path of a file is not absolute", "begin it with /")]
            } ?? []
        }
      } else {
        findings.append(error(location(file), "an entry of write_files has no path", "give one"))
      }
      if let encoding = file["encoding"], let text = encoding.node.scalarText,
        !Self.encodings.contains(text.lowercased())
      {
        findings.append(
          error(
            location(encoding),
            "cloud-init knows no encoding \"\(text)\", and writes the content as it stands",
            "use one of \(Self.encodings.joined(separator: ", "))"))
      }
      if let content = file["content"], let kinds = content.node.kinds, kinds != .text {
        findings.append(
          error(
            location(content), "the content of a file is \(content.node.kind), not text",
            "put it in quotes, or below a |"))
      }
      findings += file["permissions"].flatMap(wrongMode).map { [$0] } ?? []
      findings += earlyOwner(of: file).map { [$0] } ?? []
      return findings
    }
  }

  /// The users that cloud images have cloud-init make at the first boot.
  private static let defaultUsers: Set = [
    "almalinux", "azureuser", "centos", "cloud-user", "debian", "ec2-user", "fedora", "opc", "rocky",
    "ubuntu",
  ]

  /// An owner that is not there yet: cloud-init runs `write_files` before `users` (its `cloud.cfg`, `cloud_init_modules`).
  private func earlyOwner(of file: Positioned) -> Finding? {
    guard let owner = file["owner"], let text = owner.node.string, file["path"] != nil,
      !["true", "yes", "on", "1"].contains(file["defer"]?.node.scalarText?.lowercased())
    else { return nil }
    let users = root?["users"]?.items
    let named = users?.compactMap { $0.node.string ?? $0["name"]?.node.string }
    let isDefault = named?.contains("default") ?? true
    guard let name = text.parts(between: ":").first(where: { !$0.isEmpty }), name != "root",
      name != "default",
      named?.contains(name) == true || isDefault && Self.defaultUsers.contains(name)
    else { return nil }
    return Finding(
      named?.contains(name) == true ? .error : .warning, location(owner),
      "cloud-init makes the user \(name) after write_files, which fails here: no file behind this one is written",
      help: "give it defer: true")
  }

  private func wrongMode(_ mode: Positioned) -> Finding? {
    let text = mode.node.scalarText ?? ""
    let isOctal = text.octal.map { text.utf8.count >= 3 && (0...0o7777).contains($0) } ?? false
    // A number without a leading zero is decimal: 644 is 1204 in octal.
    if case .number = mode.node.value, !text.hasPrefix("0") {
      return Finding(
        .error, location(mode), "the permissions \(text) are a decimal number, which means others in octal",
        help: "put them in quotes: '0\(text)'")
    }
    if isOctal { return nil }
    return Finding(
      .error, location(mode), "the permissions are no octal number of three or four digits",
      help: "write them in quotes, such as '0600'")
  }

  fileprivate var wrongCommands: [Finding] {
    let operators = ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>", "2>&1"]
    return commands.flatMap { key, list in
      list.items.compactMap { item in
        guard let word = item.items.dropFirst().first(where: { operators.contains($0.node.string ?? "") })
        else { return nil }
        return Finding(
          .error, location(word),
          "\"\(word.node.string ?? "")\" is an argument here: a list of \(key) is run without a shell",
          help: "write the command as one string, or as [sh, -c, '…']")
      }
    }
  }
}
