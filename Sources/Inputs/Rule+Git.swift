import Diagnostics

extension Rule {
  /// https, http, ssh, or git's scp-like `git@host:path`.
  static let gitURL = Rule(
    "the URL of a git repository", pattern: #"^((https?|ssh)://[^\s?#]+|[^\s@/:]+@[^\s@/:]+:[^\s]+)$"#
  ) { text in
    if text.holds("://") {
      guard let url = URLParts(text), ["https", "http", "ssh"].contains(url.scheme), url.path.count > 1 else {
        return .notGit(text)
      }
      guard url.scheme == "ssh" else { return url.userInfo == nil ? nil : .gitUserInfo }
      return url.userInfo?.contains(":") == true ? .gitUserInfo : nil
    }
    // git-clone(1), "GIT URLS": the scp-like form has a user, a host, a colon and no slash before it.
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let login = parts[0].split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, login.count == 2, isHost(String(login[1])), isUser(login[0]),
      !parts[1].isEmpty, parts[1].utf8.allSatisfy({ (0x21...0x7E) ~= $0 && $0 != UInt8(ascii: "@") })
    else {
      return .notGit(text)
    }
    return nil
  }

  /// A branch, tag or commit (git-check-ref-format(1)), or `HEAD`.
  static let gitRevision = matching(
    "a branch, tag or commit of git", pattern: #"^[^\s~^:?*\[\\]+$"#
  ) { text in
    !text.isEmpty && text.utf8.count <= 255
      && text.utf8.allSatisfy { (0x21...0x7E) ~= $0 && !#"~^:?*[\"'"#.utf8.contains($0) }
      && !text.holds("..") && !text.holds("@{") && text != "@"
      && !text.hasPrefix("-") && !text.hasSuffix(".")
      && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && !$0.hasPrefix(".") && !$0.hasSuffix(".lock")
      }
  }

  /// A folder within a repository, as Argo CD takes it.
  static let gitPath = matching(
    "a folder within the repository", pattern: #"^[^/\s][^\s]*$"#,
    help: "write it relative to the repository's root, without \"..\"; the root itself is \".\""
  ) { text in
    !text.isEmpty && !text.hasPrefix("/") && !text.hasPrefix("-")
      && text.utf8.allSatisfy { (0x21...0x7E) ~= $0 && !#"\"'`"#.utf8.contains($0) }
      && !text.split(separator: "/").contains("..")
  }

  static let gitUser = matching(
    "a user name for git", pattern: #"^[^\s"'\\:]+$"#,
    help: "hosts that take a token alone want any name here, such as \"git\" or \"x-access-token\""
  ) { text in isUser(text[...]) }

  private static func isUser(_ text: Substring) -> Bool {
    (1...255).contains(text.utf8.count) && !text.hasPrefix("-")
      && text.utf8.allSatisfy { (0x21...0x7E) ~= $0 && !#""'\:/"#.utf8.contains($0) }
  }
}

extension Rule.Problem {
  fileprivate static func notGit(_ text: String) -> Rule.Problem {
    Rule.Problem(
      "\(text.shown) is not the URL of a git repository",
      help: "write https://host/path.git, ssh://git@host/path.git or git@host:path.git")
  }

  fileprivate static let gitUserInfo = Rule.Problem(
    "holds credentials before the \"@\" of its URL",
    help: "leave them out of the URL and give git_username and git_pat")
}
