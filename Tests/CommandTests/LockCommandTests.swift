import Foundation
import TestSupport
import Testing

/// `k3seed lock` against stand-ins for its publishers, at their real addresses.
@Suite(
  "lock", .enabled(if: Publishers.isHere, "openssl, curl, python3, git or sha256sum is not installed"),
  .serialized)
struct LockCommandTests {
  @Test("everything is resolved as its publisher has it; a second run changes nothing")
  func resolved() async throws {
    try await Publishers.run { publishers in
      let outcome = try await publishers.lock(["--k3s", Publishers.version])
      #expect(outcome.status == 0 && outcome.output.isEmpty)
      #expect(outcome.findings.last == "k3seed.lock: written; review it, and commit it")
      #expect(outcome.findings.first == "k3s.version: v1.36.4+k3s1 -> v1.35.1+k3s2")
      let text = try publishers.text
      // What sha256sum and git say of the same files.
      let script = try await publishers.sha256(Publishers.script)
      let manifest = try await publishers.sha256(Publishers.gateway)
      let commit = try await Tool.run([
        "git", "-C", publishers.folder[Publishers.gatewayAPI].path, "rev-parse", "v1.6.1^{commit}",
      ])
      for (key, value) in [
        ("amd64", Publishers.digits("k3s")), ("arm64", Publishers.digits("k3s-arm64")),
        ("airgap_amd64", Publishers.digits("k3s-airgap-images-amd64.tar.zst")), ("install_script", script),
        ("sha256", Publishers.digits("cert-manager-v1.21.2")), ("sha256", manifest),
        ("commit", commit.text.trimmingCharacters(in: .newlines)),
      ] {
        #expect(text.contains(" \(key): \(value)\n") || text.contains(" \(key): '\(value)'\n"), "\(key)")
      }
      try expectRecorded(text)
      #expect(publishers.project.names == ["k3seed.lock"])
      #expect(publishers.project["k3seed.lock"].mode == "0644")

      let again = try await publishers.lock([])
      #expect(again.status == 0 && again.findings == ["k3seed.lock: unchanged"])
      let check = try await publishers.lock(["--check"])
      #expect(check.status == 0 && check.findings == ["k3seed.lock: as published"])
      #expect(try publishers.text == text)

      let rendered = try await Tool.k3seed(
        ["render", "--lock", "k3seed.lock"], input: json(project), directory: publishers.project.path)
      #expect(rendered.status == 0 && rendered.text.contains(Publishers.digits("k3s-arm64")))
    }
  }

  /// Compares a lock with the recorded one; K3SEED_RECORD=1 writes that, and still fails.
  private func expectRecorded(_ text: String) throws {
    let place = Tool.root.appendingPathComponent("Tests/CommandTests/Locks/resolved.lock")
    let recorded = try? String(contentsOf: place, encoding: .utf8)
    if ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "1", recorded != text {
      try text.write(to: place, atomically: true, encoding: .utf8)
    }
    #expect(recorded == text)
  }

  @Test("a token goes to the registry that wants one, and nowhere else; only what is needed is asked for")
  func requests() async throws {
    try await Publishers.run { publishers in
      try await publishers.lockAll()
      let requests = publishers.requests
      for request in requests where request[3] != "-" {
        #expect(request[1] == "registry-1.docker.io" && request[3].hasPrefix("Bearer "))
      }
      #expect(requests.count { $0[1] == "auth.docker.io" } == 2)
      #expect(requests.count { $0[2].contains("sha256sum") && $0[1] == "github.com" } == 2)
      #expect(!requests.contains { $0[1] == "update.k3s.io" })
      #expect(requests.count { $0[1] == "charts.jetstack.io" } == 1)
      // 2 lists, each redirected; the script; 4 indices; 2 manifests: asked, token, got; the tags.
      #expect(requests.count == 16)
    }
  }

  @Test("a channel is resolved to the version that it leads to", arguments: ["stable", "v1.35", "1.35"])
  func channel(name: String) async throws {
    try await Publishers.run { publishers in
      let outcome = try await publishers.lock(["--k3s", name])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try publishers.text.contains("  version: v1.35.1+k3s2\n"))
    }
  }

  @Test(
    "a channel that there is not, or that is empty, is refused",
    arguments: [
      ("stabel", "did you mean \"stable\"? use a version, or one of stable, latest, v1.35"),
      // It is there, and empty.
      ("v1.37", "did you mean \"v1.35\"? use a version, or one of stable, latest, v1.35"),
      ("v1.12", "use a version, or one of stable, latest, v1.35"),
    ])
  func noChannel(name: String, help: String) async throws {
    try await Publishers.run { publishers in
      let outcome = try await publishers.lock(["--k3s", name])
      #expect(outcome.status == 2)
      #expect(
        outcome.findings == [
          "https://update.k3s.io/v1-release/channels: error: there is no release in a channel \"\(name)\"; \(help) [lock-unresolved]"
        ])
      #expect(publishers.project.names == [])
    }
  }

  // MARK: What goes wrong

  /// A fault at an address, and what is said of it.
  struct Fault: Sendable, CustomStringConvertible {
    var place: String
    var fault: String
    var status: Int32
    var message: String
    var description: String { "\(place): \(fault)" }
  }

  static let list = "\(Publishers.release)/sha256sum-arm64.txt"
  private static let look = "; look at the network, its proxy and its certificates, and run the command again"
  private static let proxy = "; look at what the address answers; a proxy may answer in its place"

  static let faults = [
    Fault(
      place: list, fault: #"{"kind": "status", "status": 404}"#, status: 2,
      message:
        "the list of checksums of v1.35.1+k3s2 for arm64 is not there: curl: (22) The requested URL returned error: 404; look at https://github.com/k3s-io/k3s/releases for versions that there are"
    ),
    Fault(
      place: list, fault: #"{"kind": "body", "body": "<html>sign in</html>"}"#, status: 2,
      message: "this is no list of checksums with a SHA-256 of k3s-arm64" + proxy),
    Fault(
      place: list, fault: #"{"kind": "body", "body": "abc  k3s-arm64\n"}"#, status: 2,
      message: "this is no list of checksums with a SHA-256 of k3s-arm64" + proxy),
    Fault(
      place: list, fault: #"{"kind": "announced"}"#, status: 69,
      message:
        "the list of checksums of v1.35.1+k3s2 for arm64 cannot be had: it has more than 1048576 bytes, which no such file has"
        + look),
    Fault(
      place: list, fault: #"{"kind": "endless"}"#, status: 69,
      message:
        "the list of checksums of v1.35.1+k3s2 for arm64 cannot be had: it has more than 1048576 bytes, which no such file has"
        + look),
    Fault(
      place: list, fault: #"{"kind": "redirect", "to": "http://github.com/list"}"#, status: 69,
      message: "the list of checksums of v1.35.1+k3s2 for arm64 cannot be had: curl: (1) Protocol \"http\""),
    Fault(
      place: Publishers.script, fault: #"{"kind": "truncated"}"#, status: 69,
      message: "the install script of v1.35.1+k3s2 cannot be had: curl: (18) transfer closed with 990 bytes"),
    Fault(
      place: Publishers.script, fault: #"{"kind": "body", "body": "<html>sign in</html>\n"}"#, status: 2,
      message: "this is no install script: it does not begin with #!/bin/sh, or does not end with a line"
        + proxy),
    Fault(
      place: Publishers.script, fault: #"{"kind": "close"}"#, status: 69,
      message: "the install script of v1.35.1+k3s2 cannot be had: curl: ("),
    Fault(
      place: Publishers.jetstack, fault: #"{"kind": "status", "status": 403}"#, status: 69,
      message:
        "the index with cert-manager cannot be had: curl: (22) The requested URL returned error: 403" + look),
    Fault(
      place: Publishers.jetstack,
      fault: #"{"kind": "redirect", "to": "https://charts.jetstack.io/index.yaml"}"#,
      status: 69,
      message: "the index with cert-manager cannot be had: curl: (47) Maximum (5) redirects followed" + look),
    Fault(
      place: Publishers.jetstack, fault: #"{"kind": "body", "body": "a: [\n"}"#, status: 2,
      message: "this is no index of charts" + proxy),
    Fault(
      place: Publishers.jetstack, fault: #"{"kind": "body", "body": "entries: {}\n"}"#, status: 2,
      message: "there is no chart cert-manager; give its repository with --repository cert-manager=URL"),
    Fault(
      place: Publishers.jetstack,
      fault:
        #"{"kind": "body", "body": "entries: {cert-manager: [{version: v1.21.3}, {version: 1.21.2}]}\n"}"#,
      status: 2,
      message:
        "cert-manager has no version v1.21.2; did you mean \"v1.21.3\"? the first one listed is v1.21.3; choose with --chart cert-manager=VERSION"
    ),
    Fault(
      place: Publishers.gateway, fault: #"{"kind": "status", "status": 404}"#, status: 2,
      message:
        "the manifest of oci://docker.io/envoyproxy/gateway-helm:v1.9.0 is not there: curl: (22) The requested URL returned error: 404; choose with --chart gateway-helm=VERSION, or --repository gateway-helm=REGISTRY/PATH"
    ),
    Fault(
      place: Publishers.gateway,
      fault: #"{"kind": "status", "status": 401, "headers": {"WWW-Authenticate": "Basic realm=\"x\""}}"#,
      status: 69,
      message:
        "the manifest of oci://docker.io/envoyproxy/gateway-helm:v1.9.0 cannot be had: the registry wants a user name and a password; put them into ~/.netrc"
        + look),
    Fault(
      place: Publishers.gateway,
      fault:
        #"{"kind": "status", "status": 401, "headers": {"WWW-Authenticate": "Bearer realm=\"http://auth.docker.io/token\""}}"#,
      status: 69,
      message:
        "the manifest of oci://docker.io/envoyproxy/gateway-helm:v1.9.0 cannot be had: the registry does not say where a token can be had over https"
        + look),
    Fault(
      place: "auth.docker.io/token", fault: #"{"kind": "body", "body": "{}"}"#, status: 69,
      message:
        "the manifest of oci://docker.io/envoyproxy/gateway-helm:v1.9.0 cannot be had: https://auth.docker.io/token gives no token"
        + look),
    Fault(
      place: Publishers.gateway,
      fault:
        #"{"kind": "body", "body": "{\"config\": {\"mediaType\": \"application/vnd.oci.image.config.v1+json\"}}"}"#,
      status: 2,
      message:
        "this is no manifest of a Helm chart; choose the registry with --repository gateway-helm=REGISTRY/PATH"
    ),
    Fault(
      place: "\(Publishers.gatewayAPI)/info/refs", fault: #"{"kind": "status", "status": 401}"#, status: 69,
      message: "the list of tags cannot be had: curl: (22) The requested URL returned error: 401" + look),
    Fault(
      place: "\(Publishers.gatewayAPI)/info/refs",
      fault: #"{"kind": "body", "body": "001e# service=git-upload-pack\n0000ffff"}"#, status: 2,
      message: "this is no list of a git repository's tags" + proxy),
  ]

  @Test("what goes wrong at an address is one line, and nothing is written", arguments: faults)
  func fault(_ fault: Fault) async throws {
    try await Publishers.run { publishers in
      let object = try #require(
        JSONSerialization.jsonObject(with: Data(fault.fault.utf8)) as? [String: Any])
      try publishers.fail([fault.place: object])
      let outcome = try await publishers.lock(["--k3s", Publishers.version, "--timeout", "20"])
      #expect(outcome.status == fault.status && outcome.output.isEmpty)
      // Both charts of Envoy Gateway need the token.
      let lines = outcome.findings.filter { !$0.contains("gateway-crds-helm") }
      let place = fault.place.hasPrefix("auth.") ? Publishers.gateway : fault.place
      let query = place.hasSuffix("/info/refs") ? "?service=git-upload-pack" : ""
      #expect(lines.count == 1, "\(outcome.errors)")
      #expect(
        lines.first?.hasPrefix("https://\(place)\(query): error: \(fault.message)") == true,
        "\(outcome.errors)")
      #expect(lines.first?.hasSuffix(" [lock-unresolved]") == true)
      #expect(publishers.project.names == [])
    }
  }

  @Test("everything that cannot be resolved is told at once, and a lock that is there stays as it is")
  func together() async throws {
    try await Publishers.run { publishers in
      let text = try await publishers.lockAll()
      try publishers.fail([
        Self.list: ["kind": "status", "status": 404], Publishers.script: ["kind": "truncated"],
        Publishers.jetstack: ["kind": "body", "body": "no"],
      ])
      let outcome = try await publishers.lock(["--gateway-api", "v1.6.2", "--chart", "gateway-helm=v1.9.9"])
      #expect(outcome.status == 69)
      #expect(
        outcome.findings.map { $0.split(separator: ": ").first ?? "" } == [
          "https://\(Self.list)", "https://\(Publishers.script)",
          "https://registry-1.docker.io/v2/envoyproxy/gateway-helm/manifests/v1.9.9",
          "https://\(Publishers.jetstack)",
          "https://\(Publishers.gatewayAPI)/info/refs?service=git-upload-pack",
        ], "\(outcome.errors)")
      #expect(
        outcome.findings.last?.contains(
          "there is no tag v1.6.2; did you mean \"v1.6.0\"? choose with --gateway-api VERSION") == true)
      #expect(try publishers.text == text)
      #expect(publishers.project.names == ["k3seed.lock"])
    }
  }

  @Test("a download that drips is given up when its time is over")
  func drip() async throws {
    try await Publishers.run { publishers in
      try publishers.fail([Publishers.script: ["kind": "drip"]])
      let start = ContinuousClock.now
      let outcome = try await publishers.lock(["--k3s", Publishers.version, "--timeout", "3"])
      #expect(outcome.status == 69)
      #expect(outcome.findings.first?.contains("curl: (28) Operation timed out after 30") == true)
      // It would drip for a minute; the rest is what a busy machine takes.
      #expect(ContinuousClock.now - start < .seconds(40))
    }
  }

  @Test("a server that is busy for a moment is asked again")
  func again() async throws {
    try await Publishers.run { publishers in
      try publishers.fail([Publishers.jetstack: ["kind": "status", "status": 503, "times": 1]])
      let text = try await publishers.lockAll()
      #expect(text.contains(Publishers.digits("cert-manager-v1.21.2")))
    }
  }

  @Test("an interrupt ends it by that signal, and nothing is written")
  func interrupted() async throws {
    try await Publishers.run { publishers in
      try publishers.fail([Publishers.script: ["kind": "drip"]])
      let outcome = try await Tool.run(
        // timeout gives 124 where it ended a program, and that is what the signal did.
        [
          "timeout", "--signal=INT", "--kill-after=30", "4", Tool.k3seed, "lock", "--k3s", Publishers.version,
        ],
        environment: publishers.environment, directory: publishers.project.path)
      #expect(outcome.status == 124, "\(outcome.errors)")
      #expect(publishers.project.names == [])
    }
  }

  // MARK: What is locked already

  @Test("a file that was exchanged stops it, unless it is forced")
  func exchanged() async throws {
    try await Publishers.run { publishers in
      let text = try await publishers.lockAll()
      let (script, old) = (
        try await publishers.sha256(Publishers.script), Publishers.digits("cert-manager-v1.21.2")
      )
      try publishers.publish(Publishers.script, "#!/bin/sh\necho exchanged\n")
      try publishers.publish(
        Publishers.jetstack,
        Publishers.index(["cert-manager": ["v1.21.2"]]) { Publishers.digits("other-\($0)") })
      let (newScript, new) = (
        try await publishers.sha256(Publishers.script), Publishers.digits("other-cert-manager-v1.21.2")
      )
      func lines(_ severity: String) -> [String] {
        [("charts.cert-manager.sha256", old, new), ("k3s.install_script", script, newScript)].map {
          "k3seed.lock: \(severity): \($0) was \($1), and is \($2) now, for the same version; ask its publisher why; what was exchanged may be an attack [lock-changed]"
        }
      }
      let refused = try await publishers.lock([])
      #expect(refused.status == 1 && refused.findings == lines("error"))
      #expect(try publishers.text == text)
      let check = try await publishers.lock(["--check"])
      #expect(check.status == 1)
      #expect(check.findings == lines("error") + ["k3seed.lock: not what would be locked now"])
      let forced = try await publishers.lock(["--force"])
      #expect(forced.status == 0)
      #expect(forced.findings == lines("warning") + ["k3seed.lock: written; review it, and commit it"])
      #expect(try publishers.text.contains(newScript) && publishers.text != text)
    }
  }

  @Test("what is built in is known, too: another script of that release is refused")
  func builtIn() async throws {
    try await Publishers.run { publishers in
      let pins = try String(
        contentsOf: Tool.root.appendingPathComponent("Sources/Plan/k3seed.lock"), encoding: .utf8)
      let hashes = pins.matches(of: #/(?m)^  (amd64|arm64): '?([0-9a-f]{64})/#).map { String($0.output.2) }
      let folder = "github.com/k3s-io/k3s/releases/download/v1.36.4%2Bk3s1"
      try publishers.publish("\(folder)/sha256sum-amd64.txt", "\(hashes[0])  k3s\n")
      try publishers.publish("\(folder)/sha256sum-arm64.txt", "\(hashes[1]) *k3s-arm64\n")
      try publishers.publish("raw.githubusercontent.com/k3s-io/k3s/v1.36.4%2Bk3s1/install.sh", "#!/bin/sh\n")
      let outcome = try await publishers.lock([])
      #expect(outcome.status == 1)
      #expect(
        outcome.findings.first?.hasPrefix(
          "built-in: error: k3s.install_script was 46177d4c99440b4c0311b67233823a8e8a2fc09693f6c89af1a7161e152fbfad, and is "
        ) == true, "\(outcome.errors)")
      #expect(publishers.project.names == [])
    }
  }

  @Test("a version that somebody wrote in is resolved, and no digest beside it is believed")
  func edited() async throws {
    try await Publishers.run { publishers in
      let text = try await publishers.lockAll(["--chart", "cert-manager=v1.21.1"])
      let edited = text.replacing("version: v1.21.1", with: "version: v1.21.2")
      #expect(edited != text)
      _ = try publishers.project["k3seed.lock"].holding(edited)
      let check = try await publishers.lock(["--check"])
      #expect(check.status == 2 && check.findings.first?.hasSuffix("[lock-altered]") == true)
      let outcome = try await publishers.lock([])
      #expect(outcome.status == 0)
      #expect(
        outcome.findings.first?.contains(
          "warning: charts.cert-manager.version is not what was locked (at $.charts[\"cert-manager\"].version)"
        )
          == true, "\(outcome.errors)")
      #expect(try publishers.text.contains(Publishers.digits("cert-manager-v1.21.2")))
      #expect(try await publishers.lock(["--check"]).status == 0)
    }
  }

  @Test("--check says what would be locked otherwise, and writes nothing")
  func check() async throws {
    try await Publishers.run { publishers in
      let text = try await publishers.lockAll(["--chart=argo-cd=10.9.5"])
      let outcome = try await publishers.lock(["--check", "--chart", "argo-cd=10.9.6"])
      #expect(outcome.status == 1)
      #expect(
        outcome.findings == [
          "charts.argo-cd.version: 10.9.5 -> 10.9.6",
          "charts.argo-cd.sha256: \(Publishers.digits("argo-cd-10.9.5")) -> \(Publishers.digits("argo-cd-10.9.6"))",
          "k3seed.lock: not what would be locked now",
        ])
      #expect(try publishers.text == text)
      #expect(try await publishers.lock(["--check", "--k3s", "stable"]).status == 0)
    }
  }

  @Test("--show prints the lock, or the one built in, and goes nowhere")
  func show() async throws {
    try await Publishers.run { publishers in
      let nowhere = ["HTTPS_PROXY": "http://127.0.0.1:1", "PATH": ""]
      let builtIn = try await publishers.lock(["--show"], environment: nowhere)
      let pins = Tool.root.appendingPathComponent("Sources/Plan/k3seed.lock")
      #expect(try builtIn.output == Array(Data(contentsOf: pins)) && builtIn.errors.isEmpty)
      let text = try await publishers.lockAll()
      let own = try await publishers.lock(["--show"], environment: nowhere)
      #expect(own.text == text)
      _ = try publishers.project["k3seed.lock"].holding(text.replacing("v1.35.1", with: "v1.35.2"))
      let altered = try await publishers.lock(["--show"], environment: nowhere)
      #expect(altered.status == 2 && altered.output.isEmpty)
    }
  }

  // MARK: Where it is asked for

  @Test("a mirror is asked in place of the release, over http where it says so")
  func mirror() async throws {
    try await Publishers.run { publishers in
      let manager = FileManager.default
      try manager.createDirectory(
        at: publishers.folder["mirror.example.net/k3s"], withIntermediateDirectories: true)
      try manager.moveItem(
        at: publishers.folder[Publishers.release],
        to: publishers.folder["mirror.example.net/k3s/v1.35.1%2Bk3s2"])
      try manager.moveItem(
        at: publishers.folder[Publishers.script],
        to: publishers.folder["mirror.example.net/k3s/v1.35.1%2Bk3s2/install.sh"])
      try publishers.publish(
        "charts.example.net/k3s", json(["data": [["id": "stable", "latest": Publishers.version]]]))
      let text = try await publishers.lock([
        "--k3s", "stable", "--channels", "https://charts.example.net/k3s", "--k3s-mirror",
        "http://mirror.example.net/k3s/",
      ])
      #expect(text.status == 0, "\(text.errors)")
      // Nothing in an answer over http is to be relied on.
      #expect(
        text.findings.filter { $0.contains(": warning: ") } == [
          "--k3s-mirror: warning: what http://mirror.example.net/k3s/ says can be changed by anybody on the way to it; use https, or compare the digests with those of their publishers [lock-clear-text]"
        ])
      #expect(try publishers.text.contains("version: v1.35.1+k3s2"))
      let hosts = Set(publishers.requests.filter { $0[2].contains("k3s") }.map { $0[1] })
      #expect(hosts == ["mirror.example.net", "charts.example.net"])
      // Without its lists of checksums it is of no use.
      try manager.removeItem(
        at: publishers.folder["mirror.example.net/k3s/v1.35.1%2Bk3s2/sha256sum-amd64.txt"])
      let bare = try await publishers.lock(["--k3s-mirror", "http://mirror.example.net/k3s"])
      #expect(bare.status == 2)
      #expect(bare.errors.contains("; put the release's own list beside the binaries of the mirror ["))
    }
  }

  @Test("a chart may come from elsewhere from now on, a registry without tokens among them")
  func repositories() async throws {
    try await Publishers.run { publishers in
      try publishers.publish(
        "registry.example.net/v2/helm/cert-manager/manifests/v1.21.2", Publishers.manifest("cert-manager"))
      try publishers.publish(
        "charts.example.net/all/index.yaml",
        Publishers.index(["argo-cd": ["10.9.6"], "external-dns": ["1.21.1"]]))
      let text = try await publishers.lockAll([
        "--repository", "cert-manager=registry.example.net/helm", "--repository",
        "argo-cd=https://charts.example.net/all", "--repository",
        "external-dns=https://charts.example.net/all",
      ])
      #expect(text.contains("    repository: registry.example.net/helm\n"))
      #expect(text.contains("    # the manifest of oci://registry.example.net/helm/cert-manager:v1.21.2\n"))
      #expect(publishers.requests.count { $0[1] == "charts.example.net" } == 1)
      #expect(!publishers.requests.contains { $0[1] == "charts.jetstack.io" })
      let check = try await publishers.lock(["--check"])
      #expect(check.findings == ["k3seed.lock: as published"])
    }
  }

  @Test("an index without digests gives none; those that were known are missed")
  func undigested() async throws {
    try await Publishers.run { publishers in
      let index = Publishers.index(["cert-manager": ["v1.21.2"]])
      try publishers.publish(Publishers.jetstack, index.replacing(#/(?m)^ *digest:.*\n/#, with: ""))
      let text = try await publishers.lockAll()
      #expect(
        text.contains(
          "  cert-manager:\n    repository: https://charts.jetstack.io\n    version: v1.21.2\n    seal:"))
      try publishers.publish(Publishers.jetstack, index)
      #expect(try await publishers.lock(["--check"]).status == 0)
      try await publishers.lockAll()
      try publishers.publish(Publishers.jetstack, index.replacing(#/(?m)^ *digest:.*\n/#, with: ""))
      let gone = try await publishers.lock([])
      #expect(gone.status == 1 && gone.errors.contains(", and is published no longer, for the same version;"))
    }
  }

  // MARK: Options

  @Test("options are judged at once, before anything is asked")
  func options() async throws {
    try await Publishers.run { publishers in
      let outcome = try await publishers.lock([
        "--k3s", "v1.36.4-k3s1", "--chart", "cert-manger=v1.0.0", "--chart", "cert-manager", "--chart",
        "argo-cd=latest", "--gateway-api", "1.6", "--repository", "argo-cd=docker.io/argo", "--repository",
        "gateway-helm=https://u:hunter2@a.example.net",
      ])
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(
        outcome.findings == [
          "--k3s: error: \"v1.36.4-k3s1\" is not a K3s version: releases are tagged with \"+k3s\", and \"-k3s\" is only how container images spell it; write v1.36.4+k3s1 [lock-option]",
          "--chart: error: \"cert-manger\" is not a name that a lock has; did you mean \"cert-manager\"? use one of argo-cd, cert-manager, external-dns, external-secrets, gateway-helm, gateway-crds-helm [lock-option]",
          "--chart: error: an argument is not of the form NAME=VALUE; for example argo-cd=… [lock-option]",
          "--chart: error: argo-cd: \"latest\" is not an exact version such as 1.2.3 or v1.2.3 [lock-option]",
          "--gateway-api: error: \"1.6\" is not an exact version such as 1.2.3 or v1.2.3 [lock-option]",
          "--repository: error: argo-cd: \"docker.io/argo\" is not an http or https URL; write https://, the host, and the path where there is one, without a query [lock-option]",
          "--repository: error: gateway-helm: holds a user name or password before the \"@\" of its URL; leave it out: credentials are inputs of their own, and a URL is shown in many places [lock-option]",
        ])
      let mirror = try await publishers.lock(["--k3s-mirror", "ftp://a", "--channels", "x"])
      #expect(mirror.status == 2 && mirror.findings.count == 2)
      #expect(publishers.requests.isEmpty)
      for arguments in [["--check", "--force"], ["--show", "--k3s", "stable"], ["--timeout", "0"]] {
        #expect(try await publishers.lock(arguments).status == 64, "\(arguments)")
      }
    }
  }

  @Test("without curl, without a place to write, and with a certificate that nobody trusts it says so")
  func environment() async throws {
    try await Publishers.run { publishers in
      let none = try await publishers.lock([], environment: ["PATH": publishers.project.path])
      #expect(none.status == 69)
      #expect(
        none.findings == [
          "error: curl is not on this machine; install it: apt install curl, or brew install curl [tool-missing]"
        ])
      _ = try publishers.project["file"].holding("")
      let unwritable = try await publishers.lock(["--k3s", Publishers.version, "--lock", "file/x.lock"])
      #expect(unwritable.status == 2 && unwritable.errors.contains("file"))
      #expect(publishers.project.names == ["file"])
      let other = try await publishers.lock(
        ["--k3s", Publishers.version], environment: ["CURL_CA_BUNDLE": "/dev/null"])
      #expect(other.status == 69)
      #expect(
        other.findings.allSatisfy {
          $0.contains("cannot be had: curl: (") && $0.hasSuffix("[lock-unresolved]")
        })
    }
  }
}
