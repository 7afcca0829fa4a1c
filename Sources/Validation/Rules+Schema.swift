import Diagnostics
import Inputs
import UserData
import YAML

extension Validation {
  /// What the modules that k3seed uses, and the types of all top-level keys, ask for.
  static let schemaRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "key-type", what: "a value of a kind that the module does not take, or one that lacks something",
      why: "the module fails or does nothing, and the boot goes on",
      fix: "give the kind that the message names",
      find: { payload in payload.parts.flatMap { $0.wrongValues { !$0.isKey && !$0.isOfFile } } }),
    DocumentedRule(
      "module-key", what: "a key that the module does not have", why: "cloud-init passes over it",
      fix: "correct its name, or move it to where it belongs",
      find: { payload in payload.parts.flatMap { $0.wrongValues { $0.isKey && !$0.isOfFile } } }),
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
            if isKey && words.count > 1 || TemplateText.isUnknown(text) { return nil }
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

  /// What the schema refuses, as far as it is asked for.
  fileprivate func wrongValues(_ isWanted: (ValueCheck.Problem) -> Bool) -> [Finding] {
    (root?.entries ?? []).flatMap { ValueCheck.problems(with: $0.value, of: $0.key) }.filter {
      isWanted($0) && !(hidesLines && $0.isMissing)
    }.map {
      let place =
        switch $0.place {
        case .value(let value): location(value)
        case .key(let key, let value): location(key: key, value)
        }
      return Finding($0.severity, place, $0.message, help: $0.help)
    }
  }

  private static let encodings = [
    "gz", "gzip", "gz+base64", "gzip+base64", "gz+b64", "gzip+b64", "b64", "base64", "text/plain",
  ]

  fileprivate var wrongFiles: [Finding] {
    // Nothing behind the first file without its owner is written, so that what follows is of one cause.
    var isStopped = false
    // Encodings and permissions have rules of their own.
    return wrongValues { problem in
      problem.isOfFile && !["encoding", "permissions"].contains { problem.path.hasSuffix("].\($0)") }
    }
      + (root?["write_files"]?.items ?? []).flatMap { file -> [Finding] in
        func error(_ place: Positioned, _ message: String, _ help: String) -> Finding {
          Finding(.error, location(place), message, help: help)
        }
        var findings: [Finding] = []
        if let path = file["path"], let text = path.node.string, !text.hasPrefix("/"),
          !TemplateText.isUnknown(text)
        {
          findings.append(error(path, "the path of a file is not absolute", "begin it with /"))
        }
        if let encoding = file["encoding"], let text = encoding.node.scalarText,
          !Self.encodings.contains(text.lowercased()), !TemplateText.isUnknown(text)
        {
          findings.append(
            error(
              encoding,
              "cloud-init knows no encoding \"\(text.printable)\", and writes the content as it stands",
              "use one of \(Self.encodings.joined(separator: ", "))"))
        }
        findings += file["permissions"].flatMap(wrongMode).map { [$0] } ?? []
        if !isStopped, let owner = earlyOwner(of: file) {
          findings.append(owner.finding)
          isStopped = owner.isCertain
        }
        return findings
      }
  }

  /// The users that cloud images have cloud-init make at the first boot.
  private static let defaultUsers: Set = [
    "almalinux", "azureuser", "centos", "cloud-user", "debian", "ec2-user", "fedora", "opc", "rocky",
    "ubuntu",
  ]

  /// The groups that cloud-init makes: those of `groups`, and those of users, with the user's own.
  private var madeGroups: Set<String> {
    var names: Set<String> = []
    func add(_ value: Positioned?) {
      guard let value else { return }
      if let text = value.node.string {
        names.formUnion(text.split { $0 == "," || $0.isWhitespace }.map(String.init))
      }
      for item in value.items { add(item) }
      names.formUnion(value.entries.map(\.key))
    }
    add(root?["groups"])
    for user in root?["users"]?.items ?? [] {
      if let name = user["name"]?.node.string, user["no_user_group"]?.node.value != .bool(true) {
        names.insert(name)
      }
    }
    return names
  }

  /// An owner that is not there yet: cloud-init runs `write_files` before `users` (its `cloud.cfg`, `cloud_init_modules`).
  private func earlyOwner(of file: Positioned) -> (finding: Finding, isCertain: Bool)? {
    guard let owner = file["owner"], let text = owner.node.string, file["path"] != nil,
      !["true", "yes", "on", "1"].contains(file["defer"]?.node.scalarText?.lowercased())
    else { return nil }
    let users = root?["users"]?.items
    let named = users?.compactMap { $0.node.string ?? $0["name"]?.node.string }
    let isDefault = named?.contains("default") ?? true
    let parts = text.parts(between: ":").map { $0.trimmingSpace }
    func finding(_ what: String, isCertain: Bool) -> (finding: Finding, isCertain: Bool) {
      let finding = Finding(
        isCertain ? .error : .warning, location(owner),
        "cloud-init makes the \(what) after write_files, which fails here: no file behind this one is written",
        help: "give it defer: true")
      return (finding, isCertain)
    }
    let user = parts[0]
    if !["", "root", "default"].contains(user) {
      if named?.contains(user) == true { return finding("user \(user.printable)", isCertain: true) }
      if isDefault, Self.defaultUsers.contains(user) { return finding("user \(user)", isCertain: false) }
    }
    guard parts.count > 1, !["", "root", "adm", "sudo", "users", "wheel", "staff"].contains(parts[1]),
      madeGroups.contains(parts[1])
    else { return nil }
    // A package or the image may bring the group as well.
    return finding("group \(parts[1].printable)", isCertain: named?.contains(parts[1]) == true)
  }

  /// Modes that files have: a decimal number that is one of them was computed from it.
  private static let ordinaryModes: Set = [
    0o400, 0o440, 0o444, 0o500, 0o550, 0o555, 0o600, 0o620, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o711,
    0o750, 0o755, 0o770, 0o775, 0o777, 0o1777, 0o2755, 0o2775, 0o4755,
  ]

  private func wrongMode(_ mode: Positioned) -> Finding? {
    let text = mode.node.scalarText ?? ""
    guard mode.node.value != .null, !TemplateText.isUnknown(text) else { return nil }
    guard case .number = mode.node.value else {
      let isMode = text.octal.map { text.utf8.count >= 3 && (0...0o7777).contains($0) } ?? false
      if isMode { return nil }
      return Finding(
        .error, location(mode), "the permissions are no octal number of three or four digits",
        help: "write them in quotes, such as '0600'")
    }
    let digits = text.drop { $0 == "0" }
    let asWritten = "'0\(digits)'"
    // With a leading zero YAML 1.1 reads it as an octal number, as it is meant.
    if text.hasPrefix("0"), text.octal != nil {
      return Finding(
        .warning, location(mode),
        "the permissions are a number: cloud-init sets this mode, but its schema asks for a string",
        help: "put them in quotes: \(asWritten)")
    }
    let value = Int(text)
    if let value, Self.ordinaryModes.contains(value) {
      let octal = "'0\(String(value, radix: 8))'"
      // 400 may be meant as 0400.
      let isOther = text.octal.map(Self.ordinaryModes.contains) ?? false
      return Finding(
        isOther ? .error : .warning, location(mode),
        "the permissions \(text) are a decimal number, which is the mode \(octal)",
        help: "write \(octal), in quotes" + (isOther ? ", or \(asWritten) if that is meant" : ""))
    }
    let isOctal = text.octal.map { (0...0o7777).contains($0) } ?? false
    let actual = value.map { ": as a mode it is 0\(String($0, radix: 8))" } ?? ""
    return Finding(
      .error, location(mode),
      "the permissions \(text.printable) are a decimal number, which means others in octal\(actual)",
      help: isOctal ? "put them in quotes: \(asWritten)" : "write them in quotes, such as '0600'")
  }

  /// Commands that take such words as arguments of their own, by the words.
  private static let takers: [(words: Set<String>, commands: Set<String>)] = [
    ([";"], ["find", "gfind", "fd", "fdfind", "nft", "tmux", "bpftrace"]),
    (["<", ">", "|", "&", "||", "&&"], ["test", "[", "expr", "let", "bc", "nft", "jq", "yq"]),
  ]

  fileprivate var wrongCommands: [Finding] {
    let operators = ["|", "||", "&&", "&", ";", ">", ">>", "<", "2>", "2>&1"]
    return commands.flatMap { key, list in
      list.items.compactMap { item in
        let words = item.items.map { $0.node.string ?? "" }
        guard let place = words.indices.dropFirst().first(where: { operators.contains(words[$0]) }),
          !Self.takers.contains(where: { taker in
            taker.words.contains(words[place])
              && words[..<place].contains { taker.commands.contains($0.parts(between: "/").last ?? "") }
          })
        else { return nil }
        let word = item.items[place]
        return Finding(
          .error, location(word),
          "\"\(words[place])\" is an argument here: a list of \(key) is run without a shell",
          help: "write the command as one string, or as [sh, -c, '…']")
      }
    }
  }
}

extension ValueCheck.Problem {
  /// Whether it is about an entry of `write_files`, whose findings have a code of their own.
  fileprivate var isOfFile: Bool { path.hasPrefix("$.write_files[") }
}

extension String {
  fileprivate var trimmingSpace: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
