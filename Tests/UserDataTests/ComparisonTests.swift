import Diagnostics
import Foundation
import Gzip
import Plan
import Secrets
import TestSupport
import Testing
import YAML

@testable import UserData

@Suite("The difference of two pieces of user-data")
struct ComparisonTests {
  static func compare(_ old: String, _ new: String, platform: Platform? = nil) throws -> Comparison {
    try Comparison((Array(old.utf8), "old"), (Array(new.utf8), "new"), platform: platform)
  }

  /// A cloud-config with one file.
  static func file(_ content: String, path: String = "/etc/x", more: String = "") -> String {
    let lines = content.split(separator: "\n", omittingEmptySubsequences: false).map { "      \($0)\n" }
    return "#cloud-config\nwrite_files:\n  - path: \(path)\n\(more)    content: |\n\(lines.joined())"
  }

  /// Like k3seed's own, which is known by its plan.
  static func own(_ files: String) -> String {
    """
    #cloud-config
    write_files:
      - path: /etc/k3seed/plan.json
        content: '{"platform":"oci","node":"server"}'
    \(files)
    """
  }

  static func env(_ lines: String...) -> String {
    own("  - path: /etc/k3seed/bootstrap.env\n    content: |\n" + lines.map { "      \($0)\n" }.joined())
  }

  @Test("The same bytes are the same, and say nothing of platforms")
  func same() throws {
    let comparison = try Self.compare(Self.file("a"), Self.file("a"), platform: .oci)
    #expect(comparison.isSame && comparison.sections.isEmpty)
    #expect(comparison.text(showsContent: true) == "the same bytes\n")
  }

  @Test("Another encoding, comments and the order of keys are cosmetic")
  func cosmetic() throws {
    let plain = "#cloud-config\npackages: [a, b]\nruncmd: [x]\n"
    let twins: [[UInt8]] = [
      Base64.encode(Array(plain.utf8)), Gzip.compress(Array(plain.utf8)),
      Array("#cloud-config\n# why\nruncmd:\n  - x\npackages:\n  - a\n  - b\n".utf8),
    ]
    for twin in twins {
      let comparison = try Comparison((Array(plain.utf8), "old"), (twin, "new"), platform: .hetzner)
      #expect(!comparison.isSame && comparison.sections.isEmpty && comparison.effect == .cosmetic)
      #expect(
        comparison.text(showsContent: false)
          == "cosmetic: other bytes, but nodes do the same; on hetzner Terraform replaces the instance, unless ignore_changes names user_data\n"
      )
    }
  }

  @Test("A file in another encoding is the same file; its mode counts")
  func files() throws {
    let encoded = Self.file("YQo=", more: "    encoding: b64\n").replacing(
      "content: |\n      ", with: "content: ")
    #expect(try Self.compare(Self.file("a\n").replacing("\n      \n", with: "\n"), encoded).sections.isEmpty)
    let mode = try Self.compare(Self.file("a"), Self.file("a", more: "    permissions: '0755'\n"))
    #expect(mode.sections.map(\.place) == ["/etc/x"])
    #expect(mode.sections[0].changes == [.init(path: "permissions", old: nil, new: "0755")])
    #expect(mode.effect == .newNodes)
  }

  @Test("Variables, JSON and YAML in files differ value by value")
  func documents() throws {
    let yaml = try Self.compare(
      Self.file("tls-san:\n- a\n- b\nname: x"), Self.file("name: y\ntls-san:\n- b\n- c\nnew: 1"))
    #expect(
      yaml.sections.flatMap(\.changes) == [
        .init(path: "$.name", old: "x", new: "y"),
        .init(path: #"$["tls-san"][1]"#, old: nil, new: "c"),
        .init(path: #"$["tls-san"][0]"#, old: "a", new: nil), .init(path: "$.new", old: nil, new: "1"),
      ])
    let env = try Self.compare(
      Self.env("K3S_VERSION='1'", "K3S_BINARY_URLS='a'"), Self.env("K3S_VERSION='2'", "K3S_BINARY_URLS='a'"))
    #expect(env.sections.map(\.stage) == ["download"] && env.platform == .oci)
    #expect(env.sections[0].changes == [.init(path: "$.K3S_VERSION", old: "'1'", new: "'2'")])
    let mixed = try Self.compare(
      Self.env("K3S_VERSION='1'", "K3SEED_NAT='no'"), Self.env("K3S_VERSION='2'", "K3SEED_NAT='yes'"))
    #expect(mixed.sections.map(\.stage) == ["bootstrap"])
  }

  @Test("Items of a list are told apart by their names")
  func named() throws {
    let comparison = try Self.compare(
      "#cloud-config\nusers:\n- {name: a, shell: sh}\n- {name: b}\n",
      "#cloud-config\nusers:\n- {name: b}\n- {name: a, shell: bash}\n")
    #expect(comparison.sections.map(\.stage) == ["users"])
    #expect(comparison.sections[0].changes == [.init(path: "$[a].shell", old: "sh", new: "bash")])
  }

  @Test(
    "What looks like a comment or like an order of no account, and is none, is told to new nodes",
    arguments: [
      ("#!/bin/sh\n# a\nid\n", "#!/bin/sh\n# b\nid\n", true),
      ("#!/bin/sh\ncat >/etc/x <<EOF\n# a\nEOF\n", "#!/bin/sh\ncat >/etc/x <<EOF\n# b\nEOF\n", false),
      ("a line\n# a\n", "a line\n# b\n", false),
      ("A=1\nB=2\n", "B=2\nA=1\n", true),
      ("A=1\nA=1\n", "A=1\nA=2\n", false),
      ("A=1\nB=$A\n", "B=$A\nA=1\n", false),
    ])
  func order(old: String, new: String, isCosmetic: Bool) throws {
    func payload(_ text: String) -> String {
      "#cloud-config\nwrite_files:\n- path: /x\n  content: |\n"
        + text.split(separator: "\n").map { "    \($0)\n" }.joined()
    }
    let comparison = try Self.compare(payload(old), payload(new))
    #expect(comparison.effect == (isCosmetic ? .cosmetic : .newNodes))
  }

  @Test("A script differs line by line; comments alone are cosmetic")
  func scripts() throws {
    let comment = try Self.compare(Self.file("#!/bin/sh\n# a\nx"), Self.file("#!/bin/sh\n# b\n\nx"))
    #expect(comment.sections.map(\.effect) == [.cosmetic] && comment.effect == .cosmetic)
    let line = try Self.compare(Self.file("#!/bin/sh\nx 1"), Self.file("#!/bin/sh\nx 2"))
    #expect(
      line.sections[0].changes == [
        .init(path: "line 2", old: "x 1", new: nil), .init(path: "line 2", old: nil, new: "x 2"),
      ])
    #expect(line.effect == .newNodes)
    #expect(try Self.compare("#!/bin/sh\nx\n", "#!/bin/bash\nx\n").effect == .newNodes)
  }

  @Test("Files and modules that come and go are said, and the plan is only a record")
  func places() throws {
    let comparison = try Self.compare(
      Self.own("  - {path: /var/lib/k3seed/manifests/argocd.yaml, content: a}"),
      Self.own("  - {path: /etc/rancher/k3s/registries.yaml, content: b}\npackages: [c]"))
    #expect(
      comparison.sections.map { [$0.place, $0.stage, "\($0.isAdded.map(String.init) ?? "-")"] } == [
        ["/etc/rancher/k3s/registries.yaml", "install", "true"], ["packages", "packages", "true"],
        ["/var/lib/k3seed/manifests/argocd.yaml", "gitops", "false"],
      ])
    let plan = try Self.compare(Self.own(""), Self.own("").replacing("server", with: "alpha"))
    #expect(plan.sections.map(\.stage) == ["record"] && plan.effect == .cosmetic)
  }

  @Test("Parts of a message are compared with their namesakes")
  func parts() throws {
    func message(_ word: String) -> String {
      """
      MIME-Version: 1.0
      Content-Type: multipart/mixed; boundary="b"

      --b
      Content-Type: text/x-shellscript
      Content-Disposition: attachment; filename="one.sh"

      #!/bin/sh
      echo \(word)
      --b
      Content-Type: text/cloud-config

      #cloud-config
      packages: [a]
      --b--

      """
    }
    let comparison = try Self.compare(message("x"), message("y"))
    #expect(comparison.sections.map(\.place) == ["one.sh: text/x-shellscript"])
    #expect(comparison.sections[0].changes.map(\.path) == ["line 2", "line 2"])
  }

  @Test("A secret that differs is said to differ, and never shown")
  func secrets() throws {
    let pairs: [(String, String)] = [
      (
        Self.own("  - {path: /var/lib/k3seed/secrets/git_pat, permissions: '0600', content: canary-a}"),
        Self.own("  - {path: /var/lib/k3seed/secrets/git_pat, permissions: '0600', content: canary-bc}")
      ),
      (Self.file("password: canary-a"), Self.file("password: canary-b")),
      ("#cloud-config\nchpasswd: {password: canary-a}\n", "#cloud-config\nchpasswd: {password: canary-b}\n"),
      (Self.file("#!/bin/sh\nlogin --token canary-a"), Self.file("#!/bin/sh\nlogin --token canary-b")),
      ("#!/bin/sh\nexport TOKEN=canary-a\n", "#!/bin/sh\nexport TOKEN=canary-b\n"),
    ]
    for (old, new) in pairs {
      let comparison = try Self.compare(old, new)
      #expect(comparison.sections.count == 1 && comparison.effect == .newNodes, "\(new)")
      #expect(!comparison.sections[0].changes.isEmpty, "\(new)")
      for showsContent in [false, true] {
        for shown in [
          comparison.text(showsContent: showsContent), comparison.markdown(showsContent: showsContent),
          "\(comparison.document(showsContent: showsContent))", "\(comparison)",
        ] {
          #expect(!shown.contains("canary"), "\(new)")
        }
      }
    }
  }

  @Test("What may not be compared is refused with its name, both at once")
  func refuses() {
    #expect {
      try Self.compare("", "MIME-Version: 1.0\nContent-Type: multipart/mixed\n\n")
    } throws: { error in
      (error as? Report)?.diagnostics.map { "\($0.location?.source ?? ""): \($0.code)" } == [
        "old: user-data-empty", "new: user-data-mime",
      ]
    }
  }

  @Test("A name with control characters or with HTML reaches neither a terminal nor a page as such")
  func names() throws {
    let comparison = try Self.compare(
      "#cloud-config\n\"\\e[2Jx | <b>hi</b>\": {\"\\e[1m\": 1}\n",
      "#cloud-config\n\"\\e[2Jx | <b>hi</b>\": {\"\\e[1m\": 2}\n")
    #expect(comparison.effect == .newNodes)
    for showsContent in [false, true] {
      let markdown = comparison.markdown(showsContent: showsContent)
      #expect(!markdown.contains("\u{1B}") && !markdown.contains("<b>"), "\(markdown)")
      let text = comparison.text(showsContent: showsContent)
      #expect(!text.contains("\u{1B}") && text.contains("\\u{1b}[2Jx"), "\(text)")
    }
    let rows = comparison.markdown(showsContent: false).split(separator: "\n")
    let row = try #require(rows.first { $0.hasPrefix("| changed") })
    let name = "<code>&#92;u&#123;1b&#125;&#91;2Jx &#124; &#60;b&#62;hi&#60;&#47;b&#62;</code>"
    #expect(row == "| changed | \(name) | \(name) |")
  }

  @Test(
    "Neither an image, a link nor a name that GitHub notifies comes into a comment from a key, a path or a value"
  )
  func mentions() throws {
    let keys = [
      "![x](https://example.org/i.png)", "@org/team", "www.example.org", "<img src=x>", "`a` **b**",
    ]
    for key in keys {
      let comparison = try Self.compare(
        "#cloud-config\n'\(key)': {a: 1}\nwrite_files: [{path: '/\(key)', content: a}]\n",
        "#cloud-config\n'\(key)': {a: '\(key)'}\nwrite_files: [{path: '/\(key)', content: '\(key)'}]\n")
      for showsContent in [false, true] {
        // What stands between fences is text to GitHub.
        var isFenced = false
        for line in comparison.markdown(showsContent: showsContent).split(separator: "\n") {
          if line.hasPrefix("```") { isFenced.toggle() }
          if !isFenced { #expect(!line.contains(key), "\(line)") }
        }
        #expect(!isFenced)
      }
    }
  }

  @Test("Without content, nothing but names, sizes, modes and the numbers of lines is shown")
  func structure() throws {
    let script = try Self.compare(
      Self.file("#!/bin/sh\none\ntwo\nthree\nfour\nfive"),
      Self.file("#!/bin/sh\none\nTWO\nTHREE\nfour\nfive\nsix"))
    #expect(
      script.text(showsContent: false) == """
        changed /etc/x  (write_files)
            - lines 3-4
            + lines 3-4, 7

        1 place differs, for nodes that boot with it: what runs already is not changed

        """)
    let values = try Self.compare(
      "#cloud-config\nuser: {name: a, gone: b}\n", "#cloud-config\nuser: {name: c, came: d}\n")
    #expect(
      values.text(showsContent: false).hasPrefix(
        "changed user  (user)\n    $.name  changed\n    $.came  added\n    $.gone  removed\n\n"))
    let mode = try Self.compare(
      Self.file("secret one", more: "    permissions: '0644'\n"),
      Self.file("secret two", more: "    permissions: '0600'\n"))
    let text = mode.text(showsContent: false)
    #expect(text.contains("permissions  0644 -> 0600") && !text.contains("secret"), "\(text)")
    let json = "\(mode.document(showsContent: false))"
    #expect(json.contains("structure") && !json.contains("secret one"), "\(json)")
    #expect(mode.text(showsContent: true).hasSuffix("\(Redactor.caution)\n"))
    // A name that is a secret by its form is none of those.
    let token = "ghp_0123456789abcdefghijklmnopqrstuvwxyz"
    let name = try Self.compare("#cloud-config\na: {\(token): 1}\n", "#cloud-config\na: {\(token): 2}\n")
    #expect(
      !name.text(showsContent: false).contains(token) && !name.markdown(showsContent: false).contains(token))
  }

  @Test("A long text keeps a comment short, and backticks in it do not end the block")
  func markdown() throws {
    let old = (0..<100).map { "line \($0)" }.joined(separator: "\n")
    let comparison = try Self.compare("#!/bin/sh\n\(old)\n", "#!/bin/sh\necho ```\n")
    let markdown = comparison.markdown(showsContent: true)
    #expect(markdown.contains("\n````diff\n"))
    #expect(markdown.contains("… 61 more; --format json has all"))
    #expect(comparison.sections[0].changes.count == 101)
  }

  @Test("Where everything differs, everything is said to differ, and no shortest way is looked for")
  func large() throws {
    let old = (0..<5000).map { "old \($0)" }
    let new = (0..<5000).map { "new \($0)" }
    let script = { (lines: [String]) in "#!/bin/sh\nfirst\n\(lines.joined(separator: "\n"))\nlast\n" }
    let lines = try Self.compare(script(old), script(new))
    #expect(lines.sections.flatMap(\.changes).count == 10_000)
    #expect(lines.text(showsContent: false).contains("    - lines 3-5002\n    + lines 3-5002\n"))
    let list = { (items: [String]) in "#cloud-config\npackages: [\(items.joined(separator: ", "))]\n" }
    #expect(try Self.compare(list(old), list(new)).sections.flatMap(\.changes).count == 10_000)
    let named = { (value: Int) in
      "#cloud-config\nusers: [\((0..<5000).map { "{name: u\($0), uid: \($0 + value)}" }.joined(separator: ", "))]\n"
    }
    let users = try Self.compare(named(0), named(1)).sections.flatMap(\.changes)
    #expect(users.count == 5000 && users.first == .init(path: "$[u0].uid", old: "0", new: "1"))
    let keys = { (value: Int) in
      "#cloud-config\nx: {\((0..<20_000).map { "k\($0): \($0 + value)" }.joined(separator: ", "))}\n"
    }
    #expect(try Self.compare(keys(0), keys(1)).sections.flatMap(\.changes).count == 20_000)
  }

  @Test("Every platform says what other bytes do", arguments: Platform.allCases)
  func platforms(platform: Platform) throws {
    let comparison = try Self.compare(Self.file("a"), Self.file("b"), platform: platform)
    #expect(comparison.summary.hasSuffix("on \(platform.rawValue) \(platform.change.text)"))
    #expect(platform.change.replaces == platform.change.text.contains("replaces the instance, unless"))
  }

  // MARK: What people compare

  @Test("Of a block in a list the lines that changed are shown")
  func block() throws {
    let text = "#cloud-config\nruncmd:\n  - |\n    set -e\n    one\n    two\n    three\n    four\n    five\n"
    let changes = try Self.compare(text, text.replacingOccurrences(of: "three", with: "THREE")).sections
      .flatMap(\.changes)
    #expect(
      changes == [
        .init(path: "$[0] line 4", old: "three", new: nil),
        .init(path: "$[0] line 4", old: nil, new: "THREE"),
      ])
  }

  @Test("Blocks that have hardly anything in common are another one")
  func otherBlock() throws {
    let comparison = try Self.compare(
      "#cloud-config\nruncmd:\n  - |\n    one\n    two\n",
      "#cloud-config\nruncmd:\n  - |\n    three\n    four\n")
    #expect(comparison.sections.flatMap(\.changes).map(\.path) == ["$[0]", "$[0]"])
  }

  @Test("A template that nothing has rendered is compared line by line, with the reason and what to do")
  func template() throws {
    let old =
      "#cloud-config\npackages: [vim]\n%{ if extra ~}\nruncmd: [a]\npassword: horse-battery\n%{ endif ~}\n"
    let new = old.replacingOccurrences(of: "[vim]", with: "[vim, jq]").replacingOccurrences(
      of: "horse", with: "house")
    let comparison = try Self.compare(old, new)
    #expect(
      comparison.text(showsContent: true) == """
        changed text/cloud-config  (cloud-init)
            cannot be read as YAML (line 3 is a tag of a template), so it is compared line by line; render both to compare what they do
            line 2  - packages: [vim]
            line 2  + packages: [vim, jq]

        1 place differs, for nodes that boot with it: what runs already is not changed
        \(Redactor.caution)

        """)
    #expect(comparison.markdown(showsContent: false).contains("render both to compare what they do"))
    // What can be read on one side only is compared in the same way.
    let rendered = try Self.compare(old, "#cloud-config\npackages: [vim]\n")
    #expect(rendered.sections.map(\.place) == ["text/cloud-config"])
  }

  @Test(
    "Lines are those of the files that were given",
    arguments: [
      (
        "packages:\n  - vim\nsnap:\n  commands:\n  - [install, docker]\n  - [install, go]\n  - [install, pandoc]\n",
        "packages:\n  - vim\nsnap:\n  commands:\n  - [install, docker]\n  - [install, go]\n", ["line 7"]
      ),
      (
        "## template: jinja\n#cloud-config\nhostname: a\nruncmd: [x]\n",
        "## template: jinja\n#cloud-config\nhostname: a\nruncmd: [y]\n", ["line 4", "line 4"]
      ),
    ])
  func lines(old: String, new: String, paths: [String]) throws {
    #expect(try Self.compare(old, new).sections.flatMap(\.changes).map(\.path) == paths)
  }

  @Test("What YAML 1.1 takes for a boolean is another value than the word in quotes")
  func words() throws {
    let comparison = try Self.compare(
      "#cloud-config\nhostname: on\nwrite_files:\n  - path: /etc/a\n    content: off\n",
      "#cloud-config\nhostname: \"on\"\nwrite_files:\n  - path: /etc/a\n    content: \"off\"\n")
    #expect(comparison.sections.map(\.place) == ["hostname", "/etc/a"] && comparison.effect == .newNodes)
  }

  @Test("Of a key that is given twice the last one counts, as for cloud-init")
  func twice() throws {
    let comparison = try Self.compare(
      "#cloud-config\npackages: [a]\npackages: [b]\n", "#cloud-config\npackages: [b, c]\n")
    #expect(comparison.sections.map(\.place) == ["packages"])
    #expect(comparison.sections.flatMap(\.changes) == [.init(path: "$[1]", old: nil, new: "c")])
  }

  @Test("A secret that only structure tells is not shown in a line of a text, either")
  func lineSecrets() throws {
    let text =
      "## template: jinja\n#cloud-config\nhostname: {{ v1.region }}\nwrite_files:\n  - path: /a\n    content: |\n      kind: Secret\n      stringData: {color: horse-battery}\n"
    let old = text.replacingOccurrences(of: "{{ v1.region }}", with: "a")
    let comparison = try Self.compare(old, old.replacingOccurrences(of: "horse", with: "house"))
    #expect(
      !comparison.text(showsContent: true).contains("battery"), "\(comparison.text(showsContent: true))")
    #expect(!comparison.sections.isEmpty)
  }
}
