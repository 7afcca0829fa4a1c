import Diagnostics
import Foundation
import Inputs
import Plan
import Templates
import TestSupport
import Testing
import UserData
import Validation

@testable import K3Seed

@Suite("The preview as a page") struct PreviewPageTests {
  /// A rendering of a node of an example.
  static func rendering(
    _ example: String, _ role: Role = .server, templates: TemplateSet = TemplateSet()
  ) throws -> Project.Rendering {
    let folder = Tool.root.appendingPathComponent("examples/\(example)")
    func bytes(_ name: String) throws -> [UInt8] {
      Array(try Data(contentsOf: folder.appendingPathComponent(name)))
    }
    let config = folder.appendingPathComponent("k3seed.yaml")
    let project = Project(
      terraform: try .terraform(try bytes("outputs.json"), source: "outputs.json"),
      config: FileManager.default.fileExists(atPath: config.path)
        ? try ConfigFile(try bytes("k3seed.yaml"), source: "k3seed.yaml") : ConfigFile())
    let place = Location(source: "--role")
    // Roles of which there are several nodes are met by their first.
    let node = role == .agent && example == "oci-vault" ? Sourced("worker-1", from: place) : nil
    return try project.render(
      Project.Selection(node: node, role: node == nil ? Sourced(role.rawValue, from: place) : nil),
      templates: templates)
  }

  /// A rendering of made-up outputs.
  static func rendering(
    outputs: [String: String], templates: TemplateSet = TemplateSet()
  ) throws -> Project.Rendering {
    let bytes = Array(try JSONSerialization.data(withJSONObject: outputs))
    return try Project(terraform: try .terraform(bytes, source: "outputs.json")).render(templates: templates)
  }

  static let least = [
    "cloudflare_api_token": "EXAMPLE-cloudflare-token", "k3s_token": "EXAMPLE-4b8e0c72d9f1a6358e2d7c40",
    "git_repo_url": "https://git.example.net/cluster.git", "platform": "nocloud",
  ]

  /// The text of a page's rows that have some class, without tags.
  private static func cells(_ page: String, _ column: String) -> [String] {
    page.components(separatedBy: "<td class=\"\(column)\" role=\"cell\">").dropFirst()
      .map { ($0.components(separatedBy: "</td>").first ?? "").withoutTags }
  }

  // MARK: What it shows

  /// The bootstrap's own table, read in another way than the program does.
  static func table() throws -> [(name: String, deadline: Int, isFirst: Bool, isKept: Bool)] {
    let script = try String(
      contentsOf: Tool.root.appendingPathComponent("templates/guest/bootstrap.sh"), encoding: .utf8)
    let names = try #require(script.firstMatch(of: /stages=\(([^)]*)\)/)).output.1.split(separator: " ")
    let firsts = try #require(script.firstMatch(of: /first_server_stages='([^']*)'/)).output.1
      .split(separator: " ")
    let kept = try #require(script.firstMatch(of: /kept_stages='([^']*)'/)).output.1.split(separator: " ")
    return try names.map { name in
      let deadline = try #require(
        script.firstMatch(of: try Regex("\\[\(name)\\]=([0-9]+)"))?.output[1].substring)
      return (String(name), try #require(Int(deadline)), firsts.contains(name), kept.contains(name))
    }
  }

  @Test(
    "every stage has the deadline, the exit code and the fate after a power cut that the bootstrap gives it",
    arguments: [Role.server, .agent, .ingress])
  func stages(role: Role) throws {
    let rendering = try Self.rendering("oci-vault", role)
    let table = try Self.table()
    #expect(table.count == 10 && table.contains { $0.isKept } && table.contains { !$0.isKept })
    let stages = rendering.preview.steps.filter(\.isStage)
    let expected = table.enumerated().filter { role == .server || !$0.element.isFirst }
    #expect(stages.map(\.name) == expected.map(\.element.name))
    #expect(stages.map(\.promise?.deadline) == expected.map(\.element.deadline))
    #expect(stages.map(\.promise?.isKept) == expected.map(\.element.isKept))
    #expect(stages.map(\.promise?.temporaryExitCode) == expected.map { 10 + $0.offset })
    #expect(stages.map(\.promise?.permanentExitCode) == expected.map { 30 + $0.offset })
    let page = rendering.html
    let times = [
      60: "1 min", 120: "2 min", 180: "3 min", 900: "15 min", 1200: "20 min", 1500: "25 min", 30: "30 s",
    ]
    #expect(Self.cells(page, "within") == expected.map { "within \(times[$0.element.deadline] ?? "?")" })
    #expect(Self.cells(page, "exit") == expected.map { "exit code \(10 + $0.offset) or \(30 + $0.offset)" })
    #expect(
      Self.cells(page, "again")
        == expected.map { "after a power cut \($0.element.isKept ? "kept" : "done again")" })
    // What cloud-init does comes first, and has none of that.
    #expect(Array(Self.cells(page, "does").prefix(4)) == rendering.preview.steps.prefix(4).map(\.text))
    #expect(page.contains("within 1 h 30 min") == (role == .server))
  }

  @Test("a bootstrap without a table promises nothing, and is shown all the same")
  func noTable() throws {
    let templates = TemplateSet(
      overrides: [
        "cloud-init/server.yaml": Array(
          "write_files: [{path: /usr/local/sbin/k3seed-bootstrap, content: 'readonly stages=(a'}]\npackages: [jq]"
            .utf8)
      ], folder: "mine")
    let rendering = try Self.rendering(outputs: Self.least, templates: templates)
    let stages = rendering.preview.steps.filter(\.isStage)
    #expect(stages.count == 10 && stages.allSatisfy { $0.promise == nil })
    #expect(rendering.preview.steps.filter { !$0.isStage }.map(\.name) == ["write_files", "packages"])
    let page = rendering.html
    #expect(Self.cells(page, "exit").isEmpty && !page.contains("the bootstrap ends within"))
    #expect(page.contains("<code>gitops</code>") && page.contains("<code>packages</code>"))
  }

  @Test("every file is in the tree once, with mode, size and what it holds, scripts as they were written")
  func files() throws {
    let rendering = try Self.rendering("oci-vault")
    let page = rendering.html
    let files = rendering.preview.files
    #expect(page.components(separatedBy: "<details").count == files.count + 2)
    for file in files {
      let name = try #require(file.path.split(separator: "/").last)
      let entry = try #require(
        page.components(separatedBy: "<details").first { $0.contains("<code>\(name)</code>") })
      #expect(entry.contains("<span>\(file.mode)</span>"))
      #expect(
        entry.contains(
          "<span>\(file.bytes.formatted(.number.locale(.init(identifier: "en_US")))) bytes</span>"))
      #expect(entry.withoutTags.contains(file.content.trimmingCharacters(in: .newlines)), "\(file.path)")
    }
    let bootstrap = try #require(files.first { $0.path == "/usr/local/sbin/k3seed-bootstrap" })
    #expect(bootstrap.content.hasPrefix("#!/bin/bash\n") && bootstrap.content.contains("stage_download() {"))
    #expect(bootstrap.bytes == bootstrap.content.utf8.count)
    for folder in ["/etc/", "k3seed/", "rancher/k3s/", "/usr/local/sbin/", "/var/lib/k3seed/", "manifests/"] {
      #expect(page.contains("<code>\(folder)</code>"), "\(folder)")
    }
  }

  @Test("a secret in user-data is a fingerprint and marked, one in OCI Vault is its OCID")
  func secrets() throws {
    let literal = try Self.rendering("literal")
    let page = literal.html
    let shown = literal.preview.secrets.map(\.shown)
    #expect(shown.count == 2 && shown.allSatisfy { $0.hasPrefix("secret:") })
    for fingerprint in shown {
      #expect(page.contains("<td role=\"cell\"><code>\(fingerprint)</code>"))
      #expect(page.contains("<b class=\"secret\">&lt;\(fingerprint)&gt;</b>"))
    }
    #expect(page.contains("2 in user-data") && page.contains("metadata service"))
    let vault = try Self.rendering("oci-vault").html
    #expect(vault.contains("5 in OCI Vault") && vault.contains("<code>ocid1.vaultsecret."))
    #expect(!vault.contains("class=\"secret\"") && !vault.contains("metadata service"))
  }

  @Test("every platform's budget is there, the own one first; what is over is said")
  func sizes() throws {
    let rendering = try Self.rendering("oci-vault")
    let page = rendering.html
    let sizes = rendering.preview.sizes
    let format = IntegerFormatStyle<Int>.number.locale(.init(identifier: "en_US"))
    #expect(Self.cells(page, "counted") == sizes.map { $0.counted.formatted(format) })
    #expect(Self.cells(page, "limit") == sizes.map { " of \($0.limit.formatted(format))" })
    #expect(
      sizes.count == Platform.allCases.count
        && page.contains("<tr class=\"own\" role=\"row\"><th scope=\"row\" role=\"rowheader\">oci "))
    for size in sizes where size.counted > size.limit {
      #expect(page.contains("\((size.counted - size.limit).formatted(format)) over</span>"))
    }
    #expect(page.components(separatedBy: " over</span>").count - 1 == sizes.count { $0.counted > $0.limit })
  }

  @Test(
    "the first server's page has the graph of its tree, or says what the tree needs; other nodes have none")
  func gitOps() throws {
    let page = try Self.rendering("oci-vault").html
    #expect(page.contains("<svg class=\"graph\"") && page.contains("<h2 id=\"gitops-title\">GitOps</h2>"))
    for name in ["gateway-api-crds", "argocd-self-managed", "docs-app"] {
      #expect(page.contains("<li><code>\(name)</code>"))
    }
    #expect(page.contains("<code>cert-manager</code> (the listeners&#39; certificates)"))
    let lacking = try Self.rendering(outputs: Self.least).html
    #expect(!lacking.contains("<svg class=\"graph\"") && lacking.contains("needs more inputs"))
    for input in ["domain_name", "cloudflare_zone_id", "acme_email"] {
      #expect(lacking.contains("<li>\(input)"), "\(input)")
    }
    for role in [Role.agent, .ingress] {
      #expect(!(try Self.rendering("oci-vault", role).html.contains("id=\"gitops\"")))
    }
  }

  @Test("findings come first, with place, reason and remedy; those of the user-data itself are among them")
  func findings() throws {
    let clean = try Self.rendering("oci-vault")
    #expect(clean.findings.diagnostics.isEmpty && clean.html.contains("Nothing was found."))
    #expect(
      clean.html.contains("<section id=\"boot\"") && clean.html.ranges(of: "class=\"panel finding").isEmpty)
    let templates = TemplateSet(
      overrides: [
        "cloud-init/server.yaml": Array("runcmd:\n  - curl -sfL https://get.example.net | sh -\n".utf8)
      ], folder: "mine")
    let rendering = try Self.rendering(outputs: Self.least, templates: templates)
    let codes = rendering.findings.diagnostics.map(\.code)
    #expect(codes.contains("literal-secrets") && codes.count >= 2)
    let page = rendering.html
    let first = try #require(page.range(of: "<section id="))
    #expect(page[first.lowerBound...].hasPrefix("<section id=\"findings\""))
    for diagnostic in rendering.findings.diagnostics {
      #expect(page.contains("<dt>Code</dt><dd><code>\(diagnostic.code)</code></dd>"))
      let rules = Validation.rules + Explanations.all
      let rule = try #require(rules.first { $0.code == diagnostic.code }, "\(diagnostic.code)")
      #expect(page.withoutTags.contains(rule.why), "\(rule.code)")
    }
    // A finding about the result points at the template that wrote it.
    #expect(page.contains("<dd class=\"mono\">mine/cloud-init/server.yaml:2:"))
  }

  @Test("it is the same in every run", arguments: ["literal", "oci-vault"])
  func determinism(example: String) throws {
    #expect(try Self.rendering(example).html == Self.rendering(example).html)
  }

  @Test("it refers to nothing but itself, has no script, and a policy that lets none run")
  func references() throws {
    for page in [try Self.rendering("oci-vault").html, try Self.rendering("literal", .agent).html] {
      let addresses = page.matches(of: /\s(?:href|src|action|srcset)="([^"]*)"/).map { String($0.output.1) }
      let ids = Set(page.matches(of: /\sid="([^"]*)"/).map { "#\($0.output.1)" })
      #expect(!addresses.isEmpty && addresses.filter { !ids.contains($0) } == [])
      #expect(page.matches(of: /\sid="/).count == ids.count)
      #expect(!page.contains("<script") && !page.contains("@import") && !page.contains("url(http"))
      #expect(
        page.contains(
          "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""))
    }
  }

  // MARK: Whatever the values

  /// Texts that would break out of a page that let them.
  static let hostile = [
    "</pre></details><script>document.title='broken'</script>", "<img src=x onerror=alert(1)>",
    "\" onload=\"x",
    "' style='x", "<!-- -->", "]]>", "&amp;&lt;", "</style><b>", "é 🥝", "a\tb", "${x}", "<secret:a#000000>",
    "\\", String(repeating: "w", count: 3000), "#", "|", "%{x}{{y}}",
  ]

  /// User-data of which every text is hostile.
  static func hostileRendering(_ texts: [String]) throws -> Project.Rendering {
    func json(_ value: Any) throws -> String {
      String(
        decoding: try JSONSerialization.data(withJSONObject: value, options: .fragmentsAllowed), as: UTF8.self
      )
    }
    let files = try texts.enumerated().map { index, text in
      let suffix = ["", ".yaml", ".json", ".sh", ".env"][index % 5]
      let path = try json("/etc/\(text.prefix(200))/\(index)\(suffix)")
      return
        "  - {path: \(path), permissions: \(try json(text)), content: \(try json("\(text)\n\(texts.joined(separator: " "))"))}\n"
    }
    let template = """
      bootcmd: [\(try texts.map(json).joined(separator: ", "))]
      write_files:
      \(files.joined())runcmd: [\(try texts.map { "[echo, \(try json($0))]" }.joined(separator: ", "))]
      """
    var outputs = least
    outputs["git_path"] = "a/b"
    return try rendering(
      outputs: outputs,
      templates: TemplateSet(overrides: ["cloud-init/server.yaml": Array(template.utf8)], folder: "m<b>\"'&"))
  }

  @Test("no value breaks out of its place: the page's tags are its own")
  func escapes() throws {
    var random = SplitMix(seed: 11)
    for _ in 0..<8 {
      let texts = Self.hostile.shuffled(using: &random)
      let page = try Self.hostileRendering(texts).html
      for broken in ["<script", "<img", "</style><b>", "<!-- -->", "\" onload=\"x", "onerror=alert(1)>"] {
        #expect(!page.contains(broken), "\(broken)")
      }
      #expect(
        page.unicodeScalars.allSatisfy {
          $0 == "\n" || $0 == "\t" || $0.properties.generalCategory != .control
        })
      // Every element that is opened is closed, and in order.
      #expect(page.unbalancedTag == nil)
      for attribute in page.matches(of: /<[a-z0-9]+ ([^>]*)>/).map(\.output.1) where attribute.contains("=") {
        #expect(
          attribute.wholeMatch(of: /(?:\s*[a-zA-Z:-]+(?:="[^"<>]*")?)+\s*\/?/) != nil,
          "\(attribute.prefix(200))")
      }
    }
    #expect(try Self.rendering("oci-vault").html.unbalancedTag == nil)
  }

  @Test("files go into the tree by their folders, whatever their paths")
  func tree() throws {
    let paths = ["/a/b/c/1", "/a/b/c/2", "/a/b/0", "relative", "/", "//x//y", "/a/b/c/1", "/z/only/one/deep"]
    let template =
      "write_files:\n" + paths.map { "  - {path: \($0), content: x}\n" }.joined()
    let files = try Self.rendering(
      outputs: Self.least,
      templates: TemplateSet(overrides: ["cloud-init/server.yaml": Array(template.utf8)], folder: "m")
    ).preview.files
    func shown(_ tree: FileTree) -> [String] {
      tree.folders.flatMap { folder in ["\(folder.name)/"] + shown(folder.tree).map { "  \($0)" } }
        + tree.files.map(\.name)
    }
    #expect(
      shown(FileTree(files)) == [
        "/a/b/", "  c/", "    1", "    1", "    2", "  0", "/x/", "  y", "/z/only/one/", "  deep", "/",
        "relative",
      ])
  }

  // MARK: In a browser

  @Test(
    "a browser shows all of it at any width, light and dark, to people and screen readers, and asks for nothing",
    .enabled(if: Browser.isThere, Browser.isMissing),
    arguments: [("oci-vault", Role.server), ("literal", .server), ("oci-vault", .ingress)])
  func browser(example: String, role: Role) async throws {
    let rendering = try Self.rendering(example, role)
    let preview = rendering.preview
    let sights = try await Browser.look(
      at: Array(rendering.html.utf8), named: "preview-\(example)-\(role.rawValue)",
      [(360, "light"), (1440, "dark"), (360, "dark"), (1440, "light")].map {
        Browser.Job(
          width: $0.0, scheme: $0.1, audit: true,
          steps: [.evaluate("document.documentElement.scrollWidth - innerWidth")])
      })
    for sight in sights {
      // Nothing is wider than the window.
      #expect(sight.results == ["0"])
      #expect(sight.names(of: "heading").first?.hasSuffix("\(role.rawValue) of \(preview.cluster)") == true)
      for role in ["banner", "main", "contentinfo", "navigation"] {
        #expect(sight.names(of: role).count == 1)
      }
      let headers = sight.names(of: "rowheader")
      for (index, step) in preview.steps.enumerated() {
        #expect(headers.contains("\(index + 1) \(step.name)"), "\(step.name)")
      }
      for secret in preview.secrets { #expect(headers.contains(secret.name)) }
      for size in preview.sizes { #expect(headers.contains { $0.hasPrefix(size.platform.rawValue) }) }
      let cells = sight.names(of: "cell") + sight.names(of: "gridcell")
      for step in preview.steps { #expect(cells.contains(step.text), "\(step.text)") }
      #expect(sight.names(of: "DisclosureTriangle").count >= preview.files.count)
      #expect(
        sight.names(of: "region").contains("The Applications as a picture")
          == preview.steps.contains { $0.name == "gitops" } && example == "oci-vault"
          || example != "oci-vault")
    }
  }

  @Test(
    "the bars of the stages follow each other, and those of the platforms are as long as the share",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func bars() async throws {
    func places(_ table: String) -> Browser.Job.Step {
      .evaluate(
        """
        [...document.querySelectorAll("\(table) rect:not(.over)")].map((bar) => {
          const place = bar.getBoundingClientRect(), all = bar.parentElement.getBoundingClientRect();
          return [(place.left - all.left) / all.width, (place.right - all.left) / all.width];
        })
        """)
    }
    let rendering = try Self.rendering("oci-vault")
    let sights = try await Browser.look(
      at: Array(rendering.html.utf8), named: "preview-bars",
      [360, 1440].map { Browser.Job(width: $0, tree: false, steps: [places(".timeline"), places(".sizes")]) })
    for sight in sights {
      let lists = try sight.results.map { try JSONDecoder().decode([[Double]].self, from: Data($0.utf8)) }
      var start = 0.0
      let stages = rendering.preview.steps.compactMap(\.promise)
      #expect(lists[0].count == stages.count)
      for (bar, stage) in zip(lists[0], stages) {
        // The axis ends at 100 minutes; a hundredth of it is the outline of a bar.
        let end = start + Double(stage.deadline) / 6000
        #expect(abs(bar[0] - start) < 0.012 && abs(bar[1] - end) < 0.012)
        start = end
      }
      #expect(lists[1].count == rendering.preview.sizes.count)
      for (bar, size) in zip(lists[1], rendering.preview.sizes) {
        #expect(abs(bar[1] - min(1, Double(size.counted) / Double(size.limit))) < 0.012, "\(size)")
      }
    }
  }

  @Test(
    "it can be used by keyboard alone, a link into a closed file opens it, and it moves only for whom does not mind",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func otherWays() async throws {
    let focus = Browser.Job.Step.evaluate("document.activeElement.textContent.trim()")
    let motion = Browser.Job.Step.evaluate("getComputedStyle(document.documentElement).scrollBehavior")
    let shown = Browser.Job.Step.evaluate(
      "[...document.querySelectorAll('details pre')].filter((one) => one.checkVisibility()).length")
    let rendering = try Self.rendering("oci-vault")
    let sights = try await Browser.look(
      at: Array(rendering.html.utf8), named: "preview-other-ways",
      [
        Browser.Job(script: false),
        Browser.Job(steps: [motion, .press("Tab"), focus, .press("Tab"), focus, shown]),
        Browser.Job(motion: "reduce", steps: [motion]),
        Browser.Job(width: 800, media: "print", steps: [shown]),
      ])
    // Without scripts it says the same: there are none.
    #expect(sights[0].tree == sights[1].tree)
    #expect(sights[1].results == ["\"smooth\"", "\"To the content\"", "\"Boot\"", "1"])
    #expect(sights[2].results == ["\"auto\""])
    // On paper every file is unfolded, and there is no navigation.
    #expect(sights[3].results == ["\(rendering.preview.files.count)"])
    #expect(sights.map { $0.names(of: "navigation").count } == [1, 1, 1, 0])
  }

  @Test("the documentation has a picture of it", .enabled(if: Browser.isThere, Browser.isMissing))
  func pictureTests() async throws {
    try await Picture.hold(Array(try Self.rendering("oci-vault").html.utf8), "preview", height: 1380)
  }

  @Test(
    "hostile values do a browser no harm",
    .enabled(if: Browser.isThere, Browser.isMissing))
  func hostile() async throws {
    let rendering = try Self.hostileRendering(Self.hostile)
    let sights = try await Browser.look(
      at: Array(rendering.html.utf8), named: "preview-hostile",
      [360, 1440].map {
        Browser.Job(
          width: $0, tree: false,
          steps: [
            .evaluate("document.documentElement.scrollWidth - innerWidth"),
            .evaluate(
              "document.querySelectorAll('script, img, iframe, textarea, [onload], [onerror]').length"),
            .evaluate("document.title"), .evaluate("document.querySelectorAll('.tree details').length"),
            .evaluate("document.body.lastElementChild.localName"),
          ])
      })
    for sight in sights {
      #expect(
        sight.results == [
          "0", "0", "\"server \\u00b7 k3s \\u00b7 k3seed preview\"", "\(Self.hostile.count)", "\"footer\"",
        ])
    }
  }
}

extension String {
  /// The text that a browser would show of a page.
  fileprivate var withoutTags: String {
    replacing(/<[^>]*>/, with: "").replacing("&lt;", with: "<").replacing("&gt;", with: ">")
      .replacing("&quot;", with: "\"").replacing("&#39;", with: "'").replacing("&amp;", with: "&")
  }

  /// The first tag of HTML that closes something else than what was opened last; nil where there is none.
  fileprivate var unbalancedTag: String? {
    let void = ["meta", "link", "path", "rect", "use", "!doctype", "br"]
    var open: [Substring] = []
    for match in matches(of: /<(\/?)([a-zA-Z!0-9]+)([^>]*)>/) {
      let (tag, isEnd, name, rest) = match.output
      if void.contains(String(name)) || rest.hasSuffix("/") { continue }
      if isEnd.isEmpty {
        open.append(name)
      } else if open.popLast() != name {
        return String(tag)
      }
    }
    return open.last.map(String.init)
  }
}
