import Diagnostics
import UserData

extension PlainSecretText {
  private typealias Pattern = Regex<(Substring, Substring)>

  /// A command that takes a secret where no name says so. The pattern begins with the command and captures the secret.
  ///
  /// A `Regex` is not Sendable as it may hold a closure; none of these does. They are kept, as each is compiled once.
  private struct Command: @unchecked Sendable {
    let starts: [StaticString]
    let pattern: Pattern

    init(_ starts: StaticString..., pattern: () -> Pattern) {
      self.starts = starts
      self.pattern = pattern()
    }
  }

  private static let commands: [Command] = [
    Command("curl") { /curl\b[^|;&]*?\s(?:-u|--user|--proxy-user|-U)[ =]*["']?[^\s"':$]+:([^\s"'@|;]+)/ },
    Command("mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mariadb-admin") {
      /[a-z\-]+\b[^|;&]*?\s-p["']?([^\s"'|;]+)/
    },
    Command("mysqladmin", "mariadb-admin") { /[a-z\-]+\b[^|;&]*?\spassword\s+["']?([^\s"'|;]+)/ },
    Command("sshpass") { /sshpass\s+-p\s*["']?([^\s"'|;]+)/ },
    Command("docker", "podman", "helm", "oc", "az", "skopeo", "buildah", "nerdctl", "crane") {
      /[a-z]+\b[^|;&]*?\blogin\b[^|;&]*?\s-p\s+["']?([^\s"'|;]+)/
    },
    Command("redis-cli") { /redis-cli\b[^|;&]*?\s-a\s*["']?([^\s"'|;]+)/ },
    Command("ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldappasswd") {
      /[a-z]+\b[^|;&]*?\s-w\s*["']?([^\s"'|;]+)/
    },
    Command("mongo", "mongosh", "mongodump", "mongorestore") {
      /[a-z]+\b[^|;&]*?\s-p\s*["']?([^\s"'|;]+)/
    },
    Command("smbclient") { /smbclient\b[^|;&]*?\s-U\s*["']?[^\s"'%]+%([^\s"'|;]+)/ },
    Command("nmcli") { /nmcli\b[^|;&]*?\spassword\s+["']?([^\s"'|;]+)/ },
    Command("useradd", "usermod") { /user(?:add|mod)\b[^|;&]*?\s-[A-Za-z]*p\s*["']?([^\s"'|;]+)/ },
    Command("openssl") {
      /openssl\s+passwd\b(?:\s+-(?:salt\s+\S+|\w+))*\s+["']?([^\s"'|;\)\-][^\s"'|;\)]*)/
    },
    Command("openssl") { /openssl\b[^|;&]*?\s-pass(?:in|out)?\s+["']?pass:([^\s"'|;]+)/ },
    Command("echo", "printf") {
      /[a-z]+(?:\s+-\w+)*\s+["']?(?:%s(?:\\n)?["']?\s+["']?)?([^\s"'|\\]+)[^|]*\|\s*(?:sudo\s+)?(?:passwd|smbpasswd)\b/
    },
    Command("echo", "printf") {
      /[a-z]+(?:\s+-\w+)*\s+["']?[^\s"':|]+:([^\s"'|\\]+)[^|]*\|\s*(?:sudo\s+)?chpasswd\b/
    },
    Command("chpasswd") { /chpasswd\b[^|;]*?<<<\s*["']?[^\s"':|]+:([^\s"'|\\]+)/ },
    Command("echo", "printf") {
      /[a-z]+(?:\s+-\w+)*\s+["']?([^\s"'|\\]+)["']?\s*\|\s*sudo\s+(?:-\S+\s+)*-S\b/
    },
    Command("echo", "printf") {
      /[a-z]+(?:\s+-\w+)*\s+["']?(?:%s["']?\s+["']?)?([^\s"'|\\]+)["']?\s*\|[^|]*(?:--(?:password-)?stdin|\bcryptsetup)\b/
    },
    Command("htpasswd") {
      /htpasswd\s+(?:-\w*b\w*|-\w+\s+-\w*b\w*)(?:\s+-\S+)*\s+\S+\s+\S+\s+["']?([^\s"'|;]+)/
    },
    Command("identified") { /(?i:identified\s+(?:with\s+\S+\s+)?by)\s+["'\\]*([^\s"'|;\\]+)/ },
    Command("with password", "encrypted password", "set password") {
      /(?i:[a-z]+\s+password)\s*=?\s*["'\\]+([^"'|;\\]+)/
    },
    Command("rabbitmqctl") {
      /rabbitmqctl\b[^|;&]*?\b(?:add_user|change_password)\s+\S+\s+["']?([^\s"'|;]+)/
    },
    Command("aws") {
      /aws\s+configure\s+set\s+aws_(?:secret_access_key|session_token)\s+["']?([^\s"'|;]+)/
    },
    Command("vault") { /vault\s+login\s+(?:-\S+\s+)*(?:token=)?["']?([^\s"'|;=\-][^\s"'|;=]*)/ },
    Command("vault") {
      /vault\s+(?:kv\s+(?:put|patch)|write)\s+\S+\s+(?i:[^\s=]*(?:pass|token|secret|key)[^\s=]*)=["']?([^\s"'|;@]+)/
    },
    Command("wpa_passphrase") { /wpa_passphrase\s+(?:"[^"]*"|'[^']*'|\S+)\s+["']?([^\s"'|;>]+)/ },
    Command("cloudflared") { /cloudflared\b[^|;&]*?\bservice\s+install\s+["']?([^\s"'|;\-]\S*)/ },
    Command("microk8s") { /microk8s(?:\.|\s+)join\s+[^\s\/]+:\d+\/([^\s"'|;]+)/ },
    Command("kubectl") { /kubectl\b[^|;&]*?--from-literal[ =]["']?[^\s=]+=["']?([^\s"'|;]+)/ },
    Command("stats auth") { /stats\s+auth\s+[^\s:]+:(\S+)/ },
    Command("auth_pass") { /auth_pass\s+(\S+)/ },
    Command("requirepass") { /requirepass\s+["']?([^\s"']+)/ },
    Command("masterauth") { /masterauth\s+["']?([^\s"']+)/ },
    Command("machine") { /machine\s+\S+.*?\bpassword\s+(\S+)/ },
  ]

  mutating func lookForCommands(_ line: Substring, _ number: Int) {
    let lower = line.lowercased()
    for command in Self.commands {
      for start in command.starts where lower.utf8.count > start.utf8CodeUnitCount && lower.holds(start) {
        for place in Self.places(of: start.description, in: line).prefix(8) {
          guard let match = line[place...].prefixMatch(of: command.pattern) else { continue }
          let value = match.output.1
          let text = String(value)
          if Self.isComputed(text) || Self.isHash(text) || text.hasPrefix("-")
            || SecretName.isNoSecret(text, isOwn: isOwn)
          {
            continue
          }
          add(line, number, at: value.startIndex, "a password or token")
        }
      }
    }
  }

  static func isPartOfName(_ byte: UInt8) -> Bool {
    (0x61...0x7A) ~= byte || (0x41...0x5A) ~= byte || (0x30...0x39) ~= byte || "_-".utf8.contains(byte)
  }

  /// Where a word stands in a line, in letters of either case.
  private static func places(of word: String, in line: Substring) -> [Substring.Index] {
    let wanted = Array(word.utf8)
    let bytes = line.utf8
    var places: [Substring.Index] = []
    var before: UInt8 = 0x20
    var index = bytes.startIndex
    while index < bytes.endIndex {
      if !isPartOfName(before),
        bytes[index...].lazy.map({ (0x41...0x5A) ~= $0 ? $0 | 0x20 : $0 }).starts(with: wanted)
      {
        places.append(index)
      }
      before = bytes[index]
      bytes.formIndex(after: &index)
    }
    return places
  }

  /// Passwords in the here-document of `chpasswd`; returns how many lines were looked at.
  mutating func lookBelow(_ lines: ArraySlice<Substring>, number: Int) -> Int {
    guard let line = lines.first, line.contains("chpasswd"),
      let match = line.firstMatch(of: Form.hereDocument)
    else { return 0 }
    // Nobody sets more passwords at once; what has no end is no here-document.
    let below = lines.dropFirst().prefix(500)
    guard let end = below.firstIndex(where: { $0.drop(while: \.isWhitespace) == match.output.1 }) else {
      return 0
    }
    for (count, line) in below[..<end].enumerated() {
      guard let pair = line.drop(while: \.isWhitespace).wholeMatch(of: Form.login) else { continue }
      let text = String(pair.output.1)
      if !Self.isComputed(text), !Self.isHash(text) {
        add(line, number + count + 1, at: pair.output.1.startIndex, "a password")
      }
    }
    return end - lines.startIndex
  }
}
