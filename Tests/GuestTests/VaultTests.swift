import Foundation
import TestSupport
import Testing

@Suite(
  "Secrets from OCI Vault",
  .enabled(
    if: VaultNode.works,
    "needs bwrap with user namespaces, openssl, iproute2, and .venv of scripts/setup"))
struct VaultTests {
  static let auth = "auth.eu-frankfurt-1.oraclecloud.com"
  static let vault = "secrets.vaults.eu-frankfurt-1.oci.oraclecloud.com"
  static let metadata = "169.254.169.254"
  static let start = "fetching secrets from OCI Vault"
  static let hash = "$2a$10$" + String(repeating: "./Ab9", count: 10) + "xyz"
  static let key =
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n"
  static let token = VaultNode.Secret("k3s_token", "K10-canary-token")

  static func node(_ secrets: VaultNode.Secret..., plan: [String: Any] = [:], tries: Int = 1) -> VaultNode {
    VaultNode(plan: plan, secrets: secrets.isEmpty ? [token] : secrets, tries: tries)
  }

  // MARK: What goes well

  @Test("Every byte of each secret arrives, of the chosen version or stage, by one token")
  func values() async throws {
    var node = Self.node(
      .init("k3s_token", "older", number: 1, stages: ["PREVIOUS"]),
      .init("k3s_token", "K10::\"'$(id)`\\ {{ x }} %{y} ÄÖ \u{1F511}", number: 2),
      .init("k3s_agent_token", "before", query: "?stage=PREVIOUS", number: 1, stages: ["PREVIOUS"]),
      .init("k3s_agent_token", "after", query: "?stage=PREVIOUS", number: 2),
      .init("cloudflare_api_token", "cfut_one", query: "?versionNumber=1", number: 1, stages: ["DEPRECATED"]),
      .init("cloudflare_api_token", "cfut_two", query: "?versionNumber=1", number: 2),
      .init(
        "git_pat", "blue-token", query: "?secretVersionName=blue", number: 1, versionName: "blue",
        stages: ["PENDING"]),
      .init("git_pat", "green-token", query: "?secretVersionName=blue", number: 2, versionName: "green"),
      .init("git_ssh_private_key", Self.key),
      .init("argocd_admin_password_hash", Self.hash),
      // The Vault's limit for one secret.
      .init("longest", String(repeating: "0123456789abcdef", count: 1600)))
    // Words, each once.
    node.variables["K3SEED_VAULT"] =
      Dictionary(node.secrets.map { ($0.name, "\($0.name)=\($0.ocid)\($0.query)") }, uniquingKeysWith: { $1 })
      .values.joined(separator: " ")
    try await node.run { outcome, _ in
      #expect(outcome.status == 0)
      #expect(outcome.log == [Self.start])
      for (name, number) in [
        "k3s_token": 2, "k3s_agent_token": 1, "cloudflare_api_token": 1, "git_pat": 1,
        "git_ssh_private_key": 1,
        "argocd_admin_password_hash": 1, "longest": 1,
      ] {
        let secret = try #require(node.secrets.first { $0.name == name && $0.number == number })
        #expect(outcome.value(name) == secret.value, "\(name)")
        let file = outcome.root.appendingPathComponent("run/k3seed/seed/\(name)").path
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
      }
      #expect(outcome.files.count == 7, "nothing but whole files: \(outcome.files)")
      #expect(outcome.requests(at: "federation").count == 1)
      #expect(outcome.requests(at: "secrets").map(\.status) == Array(repeating: 200, count: 7))
      #expect(Set(outcome.requests(at: "secrets").compactMap(\.host)) == [Self.vault])
    }
  }

  @Test(
    "In another realm the names are those of that realm; the vault's region may be another one than the node's"
  )
  func realm() async throws {
    var node = Self.node(
      plan: [
        "region": "eu-dcc-milan-1", "region_key": "BGY", "realm": "oc19", "domain": "oraclecloud.eu",
        "names": ["secrets.vaults.eu-dcc-rome-1.oci.oraclecloud.eu"],
      ])
    node.variables["K3SEED_OCI_REGION"] = "eu-dcc-rome-1"
    node.names = [
      "federation auth.eu-dcc-milan-1.oraclecloud.eu",
      "secrets secrets.vaults.eu-dcc-rome-1.oci.oraclecloud.eu",
    ]
    try await node.run { outcome, _ in
      #expect(outcome.status == 0, "\(outcome.log)")
      #expect(outcome.value("k3s_token") == Self.token.value)
      #expect(outcome.requests(at: "federation").map(\.host) == ["auth.eu-dcc-milan-1.oraclecloud.eu"])
    }
  }

  @Test("Private endpoints take the place of the usual ones")
  func endpoints() async throws {
    var node = Self.node(plan: ["names": ["auth.example.net", "vault.example.net"]])
    node.names = ["metadata imds.example.net", "federation auth.example.net", "secrets vault.example.net"]
    node.variables = [
      "K3SEED_OCI_METADATA_URL": "http://imds.example.net/opc/v2",
      "K3SEED_OCI_FEDERATION_URL": "https://auth.example.net:443",
      "K3SEED_OCI_SECRETS_URL": "https://vault.example.net",
    ]
    try await node.run { outcome, _ in
      #expect(outcome.status == 0, "\(outcome.log)")
      #expect(outcome.value("k3s_token") == Self.token.value)
      #expect(
        Set(outcome.requests.compactMap(\.host)) == [
          "imds.example.net", "auth.example.net:443", "vault.example.net",
        ])
    }
  }

  @Test("Without IPv4 the metadata service is asked by IPv6")
  func ipv6() async throws {
    var node = Self.node()
    node.hasIPv4 = false
    try await node.run { outcome, _ in
      #expect(outcome.status == 0, "\(outcome.log)")
      #expect(outcome.value("k3s_token") == Self.token.value)
      #expect(Set(outcome.requests(at: "metadata").map(\.host)) == ["[fd00:c1::a9fe:a9fe]"])
    }
  }

  @Test("A proxy is for the services, and never for the metadata; no_proxy names what is asked without it")
  func proxy() async throws {
    var node = Self.node()
    // Only the proxy knows where the services are.
    node.names = []
    node.hasProxy = true
    for (proxy, credentials) in [
      ("http://10.0.0.9:3128", ""), ("10.0.0.9:3128", ""), ("http://user:p%40ss@10.0.0.9:3128/", "user:p@ss"),
    ] {
      node.environment = ["https_proxy=\(proxy)", "http_proxy=http://127.0.0.1:9"]
      try await node.run { outcome, _ in
        #expect(outcome.status == 0, "\(outcome.log)")
        #expect(outcome.value("k3s_token") == Self.token.value)
        #expect(
          outcome.lines("var/lab/proxied") == [
            "\(Self.auth):443 \(credentials)", "\(Self.vault):443 \(credentials)",
          ])
        #expect(outcome.requests(at: "metadata").count == 4)
      }
    }
    node.environment = ["https_proxy=http://10.0.0.9:3128"]
    node.variables["K3SEED_OCI_FEDERATION_URL"] = "https://elsewhere.example.net"
    try await node.run { outcome, _ in
      #expect(outcome.status == 1)
      #expect(
        outcome.log.last
          == "elsewhere.example.net: Tunnel connection failed: 403 Forbidden; check network, DNS and proxy")
    }
    node.environment = ["https_proxy=http:/user:canary@10.0.0.9:3128"]
    try await node.run { outcome, _ in
      #expect(outcome.status == 1)
      #expect(outcome.log == [Self.start, "unexpected ValueError in _parse_proxy; check the settings"])
    }
    node = Self.node()
    for (variable, host) in [("oraclecloud.com", nil), (Self.vault, Self.auth), ("*", nil)] {
      node.environment = ["https_proxy=http://127.0.0.1:9", "no_proxy=\(variable)"]
      try await node.run { outcome, _ in
        guard let host else { return #expect(outcome.status == 0, "\(outcome.log)") }
        #expect(outcome.log.last == "\(host): Connection refused; check network, DNS and proxy")
        #expect(outcome.requests(at: "metadata").count == 4 && outcome.requests(at: "federation").isEmpty)
      }
    }
  }

  @Test("JSON is read as JSON, whatever of it is in escapes and however it is spaced")
  func escapes() async throws {
    let plan = [
      "faults": ["metadata", "federation", "secrets"].map { service in
        ["at": service, "path": service == "metadata" ? "regionInfo" : "/", "do": "escape"]
      }
    ]
    let node = Self.node(
      .init("git_pat", #"???>>>~~~ÿ/+"\u0041 "secretBundleContent":{"content":"AAAA"}"#), plan: plan)
    try await node.run { outcome, _ in
      #expect(outcome.status == 0, "\(outcome.log)")
      #expect(outcome.value("git_pat") == node.secrets[0].value)
    }
  }

  @Test("What is there already is left alone")
  func present() async throws {
    var node = Self.node(Self.token, .init("git_pat", "pat-canary"))
    node.present = ["git_pat": "another"]
    try await node.run { outcome, _ in
      #expect(outcome.status == 0)
      #expect(outcome.value("git_pat") == Array("another".utf8))
      #expect(outcome.value("k3s_token") == Self.token.value)
      #expect(outcome.requests(at: "secrets").count == 1)
    }
    node.present["k3s_token"] = "another, too"
    try await node.run { outcome, _ in
      #expect(outcome.status == 0)
      #expect(outcome.log.isEmpty && outcome.requests.isEmpty)
    }
  }

  @Test("What an interrupted run has left is replaced")
  func leftovers() async throws {
    var node = Self.node()
    node.present = [".k3s_token": "half a valu"]
    try await node.run { outcome, _ in
      #expect(outcome.status == 0, "\(outcome.log)")
      #expect(outcome.value("k3s_token") == Self.token.value && outcome.files == ["k3s_token"])
    }
  }

  // MARK: What is survived

  struct Fault: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// Of the emulator's plan, as JSON.
    var plan: String
    /// What each try but the last says, as a regular expression.
    var saying: String
    /// How many such tries there are; nil for some, by the clock.
    var failures: Int? = 1
    /// What the pauses after them are.
    var pauses = ["0"]

    var node: VaultNode {
      get throws {
        let plan = try JSONSerialization.jsonObject(with: Data(plan.utf8)) as? [String: Any]
        return VaultTests.node(
          VaultTests.token, .init("git_pat", "pat-canary"), plan: plan ?? [:],
          tries: failures.map { $0 + 1 } ?? 300)
      }
    }
  }

  static let serverError = "answers 500, InternalServerError, An internal error occurred"
  static let unauthenticated =
    "answers 401, NotAuthenticated, The required information to complete authentication was not provided or was "
    + "incorrect"
  static let notFound =
    "answers 404, NotAuthorizedOrNotFound, Authorization failed or requested resource not found; let the node's "
    + "dynamic group read secret-bundles, and check OCID and version"

  static let survived: [Fault] = [
    .init(
      testDescription: "the metadata service comes late", plan: #"{"late": {"metadata": "/var/lab/pauses"}}"#,
      saying: #"\#(metadata): Connection refused; is this an instance of OCI[?]"#, failures: nil),
    .init(
      testDescription: "the metadata service says 404 at first",
      plan: #"{"faults": [{"at": "metadata", "times": 2, "do": {"status": 404, "message": "Not Found"}}]}"#,
      saying: #"\#(metadata) answers 404, .*; is this an instance of OCI[?]"#, failures: 2,
      pauses: ["0", "0"]),
    .init(
      testDescription: "the metadata service hangs up",
      plan: #"{"faults": [{"at": "metadata", "path": "key.pem", "times": 1, "do": "drop"}]}"#,
      saying: #"\#(metadata): Remote end closed .*; is this an instance of OCI[?]"#),
    .init(
      testDescription: "the metadata service breaks off in the key",
      plan: #"{"faults": [{"at": "metadata", "path": "key.pem", "times": 1, "do": "truncate"}]}"#,
      saying: #"\#(metadata): the answer broke off; is this an instance of OCI[?]"#),
    .init(
      testDescription: "half a key looks whole",
      plan: #"{"faults": [{"at": "metadata", "path": "key.pem", "times": 1, "do": "half"}]}"#,
      saying: "\(metadata) answers without a whole private key"),
    .init(
      testDescription: "half a certificate looks whole",
      plan: #"{"faults": [{"at": "metadata", "path": "cert.pem", "times": 1, "do": "half"}]}"#,
      saying: "\(metadata) answers without a whole certificate"),
    .init(
      testDescription: "somebody else answers for the metadata service",
      plan: #"{"faults": [{"at": "metadata", "times": 1, "do": "page"}]}"#,
      saying: "\(metadata) answers without a valid regionIdentifier"),
    .init(
      testDescription: "half a region looks whole",
      plan: #"{"faults": [{"at": "metadata", "path": "regionInfo", "times": 1, "do": "half"}]}"#,
      saying: "\(metadata) answers without a valid regionIdentifier"),
    .init(
      testDescription: "the identity is rotated between the reads of its key and certificate",
      plan: #"{"rotations": 1}"#,
      saying:
        #"\#(auth) answers 401, NotAuthenticated, Failed to verify the HTTP\(S\) Signature"#),
    .init(
      testDescription: "federation fails",
      plan: #"{"faults": [{"at": "federation", "times": 1, "do": {"status": 500}}]}"#,
      saying: "\(auth) \(serverError)"),
    .init(
      testDescription: "federation throttles",
      plan: #"{"faults": [{"at": "federation", "times": 1, "do": {"status": 429, "retry_after": 7}}]}"#,
      saying: "\(auth) answers 429, TooManyRequests, Tenancy request-rate limit exceeded",
      pauses: ["7"]),
    .init(
      testDescription: "federation breaks off",
      plan: #"{"faults": [{"at": "federation", "times": 1, "do": "truncate"}]}"#,
      saying: #"\#(auth): the answer broke off; check network, DNS and proxy"#),
    .init(
      testDescription: "half a token looks whole",
      plan: #"{"faults": [{"at": "federation", "times": 1, "do": "half"}]}"#,
      saying: "\(auth) answers without a valid token"),
    .init(
      testDescription: "the dynamic group comes late", plan: #"{"group_after": {"tokens": 2}}"#,
      saying: "secret k3s_token: \(vault) \(notFound)", failures: 2, pauses: ["0", "0"]),
    .init(
      testDescription: "the token has expired", plan: #"{"tokens": [{"life": 0}]}"#,
      saying: "secret k3s_token: \(vault) \(unauthenticated)"),
    .init(
      testDescription: "the token expires between two secrets", plan: #"{"tokens": [{"uses": 1}]}"#,
      saying: "secret git_pat: \(vault) \(unauthenticated)"),
    .init(
      testDescription: "the Vault fails twice",
      plan: #"{"faults": [{"at": "secrets", "times": 2, "do": {"status": 500}}]}"#,
      saying: "secret k3s_token: \(vault) \(serverError)", failures: 2, pauses: ["0", "0"]),
    .init(
      testDescription: "the Vault throttles for longer than anybody should wait",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": {"status": 429, "retry_after": 3600}}]}"#,
      saying: "secret k3s_token: \(vault) answers 429, TooManyRequests, .*", pauses: ["60"]),
    .init(
      testDescription: "the Vault throttles, and does not say for how long",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": {"status": 429}}]}"#,
      saying: "secret k3s_token: \(vault) answers 429, TooManyRequests, .*"),
    .init(
      testDescription: "the Vault breaks off",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "truncate"}]}"#,
      saying: #"secret k3s_token: \#(vault): the answer broke off; check network, DNS and proxy"#),
    .init(
      testDescription: "half a secret looks whole",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "half"}]}"#,
      saying: "secret k3s_token: \(vault) answers without a valid content"),
    .init(
      testDescription: "the Vault hangs up",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "drop"}]}"#,
      saying: #"secret k3s_token: \#(vault): Remote end closed .*; check network, DNS and proxy"#),
    .init(
      testDescription: "the metadata service drips",
      plan: #"{"faults": [{"at": "metadata", "path": "key.pem", "times": 1, "do": "drip"}]}"#,
      saying: #"\#(metadata): no answer within 20 s; is this an instance of OCI[?]"#),
    .init(
      testDescription: "federation drips",
      plan: #"{"faults": [{"at": "federation", "times": 1, "do": "drip"}]}"#,
      saying: "\(auth): no answer within 20 s; check network, DNS and proxy"),
    .init(
      testDescription: "the Vault drips", plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "drip"}]}"#,
      saying: "secret k3s_token: \(vault): no answer within 20 s; check network, DNS and proxy"),
    .init(
      testDescription: "the Vault says nothing at all",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "hang"}]}"#,
      saying: "secret k3s_token: \(vault): .*timed out; check network, DNS and proxy"),
    .init(
      testDescription: "the metadata service does not end its answer",
      plan: #"{"faults": [{"at": "metadata", "times": 1, "do": "oversized"}]}"#,
      saying: #"\#(metadata): an answer of more than 65536 bytes; is this an instance of OCI[?]"#),
    .init(
      testDescription: "federation does not end its answer",
      plan: #"{"faults": [{"at": "federation", "times": 1, "do": "oversized"}]}"#,
      saying: "\(auth): an answer of more than 65536 bytes; check network, DNS and proxy"),
    .init(
      testDescription: "the Vault does not end its answer",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "oversized"}]}"#,
      saying: "secret k3s_token: \(vault): an answer of more than 65536 bytes; check network, DNS and proxy"),
    .init(
      testDescription: "the metadata service redirects",
      plan: #"{"faults": [{"at": "metadata", "times": 1, "do": "redirect"}]}"#,
      saying: #"\#(metadata) answers 302; is this an instance of OCI[?]"#),
    .init(
      testDescription: "federation redirects",
      plan: #"{"faults": [{"at": "federation", "times": 1, "do": "redirect"}]}"#,
      saying: "\(auth) answers 302; check network, DNS and proxy"),
    .init(
      testDescription: "the Vault redirects",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "redirect"}]}"#,
      saying: "secret k3s_token: \(vault) answers 302; check network, DNS and proxy"),
    .init(
      testDescription: "somebody else answers for the Vault",
      plan: #"{"faults": [{"at": "secrets", "times": 1, "do": "page"}]}"#,
      saying: "secret k3s_token: \(vault) answers without a valid content"),
  ]

  @Test("It is survived, and said, when", arguments: survived)
  func survives(fault: Fault) async throws {
    try await fault.node.run { outcome, _ in
      #expect(outcome.status == 0)
      #expect(outcome.value("k3s_token") == Self.token.value)
      #expect(outcome.value("git_pat") == Array("pat-canary".utf8))
      #expect(outcome.files == ["git_pat", "k3s_token"])
      let said = outcome.log.filter { $0 != Self.start }
      #expect(
        said.count == outcome.log.count - said.count - 1, "a line for each try that failed: \(outcome.log)")
      #expect(!said.isEmpty && (fault.failures == nil || said.count == fault.failures), "\(said)")
      let pattern = try Regex(fault.saying)
      for line in said { #expect(line.wholeMatch(of: pattern) != nil, "\(line)") }
      if fault.failures != nil { #expect(outcome.lines("var/lab/pauses") == fault.pauses) }
      // Each try has a session key and a token of its own.
      let sessions = outcome.requests(at: "federation").compactMap(\.session)
      #expect(Set(sessions).count == sessions.count)
      let read = outcome.requests(at: "metadata").filter { $0.target?.hasSuffix("key.pem") == true }
      #expect(read.count >= sessions.count)
      #expect(outcome.requests(at: "secrets").filter { $0.status == 200 && $0.why.isEmpty }.count == 2)
    }
  }

  // MARK: What is explained

  static let skew = #"; this clock is [0-9]+ s (ahead of|behind) OCI's, set it"#

  static let explained: [Fault] = [
    .init(
      testDescription: "the OCID is wrong", plan: #"{"secrets": {}}"#,
      saying: "secret k3s_token: \(vault) \(notFound)"),
    .init(
      testDescription: "the secret is to be deleted",
      plan:
        #"{"secrets": {"\#(VaultNode.ocid("k3s_token"))": {"state": "PENDING_DELETION", "versions": []}}}"#,
      saying: "secret k3s_token: \(vault) \(notFound)"),
    .init(
      testDescription: "it has no such version",
      plan: #"{"secrets": {"\#(VaultNode.ocid("k3s_token"))": {"versions": []}}}"#,
      saying: "secret k3s_token: \(vault) \(notFound)"),
    .init(
      testDescription: "this is no instance of OCI", plan: #"{"late": {"metadata": 3600}}"#,
      saying: #"\#(metadata): Connection refused; is this an instance of OCI[?]"#),
    .init(
      testDescription: "the clock is behind", plan: #"{"clock": 400}"#,
      saying:
        #"\#(auth) answers 401, NotAuthenticated, Date '.*; this clock is (39[5-9]|400) s behind OCI's, set it"#
    ),
    .init(
      testDescription: "the clock is ahead", plan: #"{"clock": -4000}"#,
      saying:
        #"\#(auth) answers 401, NotAuthenticated, Date '.*; this clock is 400[0-5] s ahead of OCI's, set it"#
    ),
    .init(
      testDescription: "the clock is years behind", plan: #"{"clock": 315360000}"#,
      saying:
        #"\#(auth): certificate is not yet valid; check its certificate, and the clock; this clock is 3153\d{5} s behind OCI's, set it"#
    ),
    .init(
      testDescription: "federation has somebody else's certificate",
      plan: #"{"tls": {"federation": "untrusted"}}"#,
      saying: "\(auth): self.signed certificate in certificate chain; check its certificate, and the clock"),
    .init(
      testDescription: "the Vault has somebody else's certificate",
      plan: #"{"tls": {"secrets": "untrusted"}}"#,
      saying:
        "secret k3s_token: \(vault): self.signed certificate in certificate chain; check its certificate, and the clock"
    ),
    .init(
      testDescription: "the certificate has expired", plan: #"{"tls": {"secrets": "expired"}}"#,
      saying: "secret k3s_token: \(vault): certificate has expired; check its certificate, and the clock"),
    .init(
      testDescription: "the certificate is for another name", plan: #"{"tls": {"federation": "wrong-name"}}"#,
      saying: #"\#(auth): Hostname mismatch, .*; check its certificate, and the clock"#),
    .init(
      testDescription: "an answer has what is no base64",
      plan:
        #"{"secrets": {"\#(VaultNode.ocid("k3s_token"))": {"versions": [{"number": 1, "stages": ["CURRENT"], "base64": "AA=A"}]}}}"#,
      saying: "secret k3s_token: \(vault) answers without valid base64"),
  ]

  @Test("It is explained, and nothing is taken for a value, when", arguments: explained)
  func explains(fault: Fault) async throws {
    try await fault.node.run { outcome, _ in
      #expect(outcome.status == 1, "it may heal, so it is tried again")
      #expect(outcome.value("k3s_token") == nil)
      let line = try #require(outcome.log.last)
      #expect(line.wholeMatch(of: try Regex(fault.saying)) != nil, "\(line)")
      if !fault.plan.contains("clock") { #expect(line.firstMatch(of: try Regex(Self.skew)) == nil) }
    }
  }

  @Test("A name that DNS does not know is said")
  func resolves() async throws {
    var node = Self.node()
    node.names = []
    try await node.run { outcome, _ in
      #expect(outcome.status == 1)
      #expect(
        outcome.log.last
          == "\(Self.auth): Name or service not known; check network, DNS and proxy")
    }
  }

  // MARK: What no waiting heals

  @Test(
    "A reference that is none is refused before anything is asked",
    arguments: [
      "k3s_token", "k3s_token=", "k3s_token=K10-canary-token", "=ocid1.vaultsecret.oc1.fra.a",
      "../k3s_token=ocid1.vaultsecret.oc1.fra.a", "k3s_token=ocid1.vault.oc1.fra.a",
      "k3s_token=ocid1.vaultsecret.oc1.fra.a/b", "k3s_token=ocid1.vaultsecret.oc1.fra.a?",
      "k3s_token=ocid1.vaultsecret.oc1.fra.a?stage=A?b", "k3s_token=ocid1.vaultsecret.oc1.fra.a#b",
      "git_pat=ocid1.vaultsecret.oc1.fra.a k3s_token=x",
    ])
  func references(words: String) async throws {
    var node = Self.node()
    node.variables["K3SEED_VAULT"] = words
    try await node.run { outcome, _ in
      #expect(outcome.status == 3)
      #expect(outcome.log == ["K3SEED_VAULT is not a list of name=ocid1.vaultsecret...; render again"])
      #expect(outcome.requests.isEmpty)
    }
  }

  @Test("A stage that there is not ends it at once")
  func stage() async throws {
    var node = Self.node(.init("k3s_token", "K10-canary-token", query: "?stage=NEWEST"))
    node.tries = 5
    try await node.run { outcome, _ in
      #expect(outcome.status == 3)
      #expect(outcome.log.count == 2 && outcome.requests(at: "federation").count == 1)
      let line = try #require(outcome.log.last)
      #expect(
        line.hasPrefix("secret k3s_token: \(Self.vault) answers 400, InvalidParameter, query param stage "))
      #expect(line.hasSuffix("; check the reference"))
    }
  }

  static let control =
    "has a line break or other control character, or white space at an end"
  static let globalKey =
    "is a Global API Key; create an API token with Zone-DNS-Edit and Zone-Zone-Read"
  static let noKey = "is not a private key with all its line breaks"
  static let bootstrapToken =
    "has the form of a bootstrap token (abcdef.0123456789abcdef), which K3s servers refuse; use another"

  @Test(
    "A value that would do harm later is refused, and not shown",
    arguments: [
      ("k3s_token", "", "is empty"), ("k3s_token", "K10-canary\n", control),
      ("k3s_token", "K10-canary\r\n", control), ("k3s_token", "K10\0canary", control),
      ("git_pat", " canary", control), ("git_pat", "canary ", control), ("git_pat", "can\tary", control),
      ("cloudflare_api_token", "cfk_canary", globalKey),
      (
        "cloudflare_api_token", String(repeating: "0123456789abcdef", count: 3).prefix(37).description,
        globalKey
      ),
      ("argocd_admin_password_hash", "canary-password", "is not a bcrypt hash"),
      ("git_ssh_private_key", String(key.dropLast()), noKey), ("git_ssh_private_key", "", noKey),
      ("git_ssh_private_key", key.replacing("\n", with: "\r\n"), noKey),
      ("git_ssh_private_key", "canary", noKey), ("k3s_token", "canary.0123456789canary", bootstrapToken),
      ("k3s_agent_token", "abcdef.0123456789abcdef", bootstrapToken),
    ])
  func values(name: String, value: String, why: String) async throws {
    var node = Self.node(.init(name, value))
    node.tries = 5
    try await node.run { outcome, _ in
      #expect(outcome.status == 3)
      #expect(outcome.log == [Self.start, "secret \(name) in OCI Vault \(why)"])
      #expect(outcome.files.isEmpty, "\(outcome.files)")
    }
  }

  @Test(
    "A value that only looks like one of those is taken",
    arguments: [
      ("cloudflare_api_token", String(repeating: "0123456789abcdef", count: 3).prefix(36).description),
      ("cloudflare_api_token", String(repeating: "0123456789ABCDEF", count: 3).prefix(37).description),
      ("k3s_token", "cfk_canary"), ("git_pat", "two words"), ("git_pat", "canary.0123456789canary"),
      ("k3s_token", "canary.0123456789canary0"), ("k3s_agent_token", "Canary.0123456789canary"),
      ("k3s_token", "decoy\",\"content\":\"AAAA"),
    ])
  func values(name: String, value: String) async throws {
    try await Self.node(.init(name, value)).run { outcome, _ in
      #expect(outcome.status == 0, "\(outcome.log)")
      #expect(outcome.value(name) == Array(value.utf8))
    }
  }

  // MARK: What nobody sees

  @Test(
    "No key, token or value is in an argument, the environment, the log or a file, but for the values in their folder",
    .enabled(if: Tool.has("strace"), "strace is not installed"))
  func canaries() async throws {
    var node = Self.node(
      Self.token, .init("cloudflare_api_token", "cfut_canary-of-cloudflare"),
      .init("git_ssh_private_key", Self.key),
      .init("longest", String(repeating: "canary-0123456789", count: 1500)),
      plan: [
        "group_after": ["tokens": 1], "rotations": 1,
        "faults": [
          ["at": "secrets", "path": "longest", "times": 1, "do": "truncate"],
          ["at": "secrets", "path": "cloudflare", "times": 1, "do": "half"],
        ],
      ], tries: 6)
    node.isTraced = true
    try await node.run { outcome, _ in
      #expect(outcome.status == 0)
      #expect(outcome.log.count == 9, "\(outcome.log)")
      let canaries = outcome.lines("var/lab/oci/canaries")
      // Values raw and encoded, the leaf keys' lines, the tokens.
      #expect(canaries.count > 40 && canaries.contains("K10-canary-token"))
      #expect(canaries.contains { $0.hasPrefix("ey") })
      let seen = outcome.lines("var/lab/strace").filter { $0.contains("execve(") }.flatMap(\.utf8)
      let log = try #require(outcome.bytes("var/lab/log"))
      for what in ["k3seed-vault", "-sign", "genrsa", "ocid1.vaultsecret.", "LC_ALL=C"] {
        #expect(seen.firstRange(of: Array(what.utf8)) != nil, "strace saw no \(what)")
      }
      // The session key is made in the node; the first bytes of any key in base64, and its armour.
      for canary in canaries + ["PRIVATE KEY", "MIIE"] {
        #expect(
          seen.firstRange(of: Array(canary.utf8)) == nil, "an argument or the environment has \(canary)")
        #expect(log.firstRange(of: Array(canary.utf8)) == nil, "the log has \(canary)")
      }
      #expect(outcome.lines("var/lab/written") == [])
      let opened = outcome.lines("var/lab/strace").filter {
        $0.contains("O_WRONLY") || $0.contains("O_RDWR") || $0.contains("O_CREAT")
          || $0.contains("memfd_create(")
      }
      let paths = Set(opened.compactMap { $0.firstMatch(of: /"([^"]*)"/).map { String($0.output.1) } })
      #expect(
        paths.subtracting(["/dev/null"])
          == Set(node.secrets.map { "/run/k3seed/seed/.\($0.name)" }), "\(paths)")
    }
  }

  // MARK: Limits

  @Test("The whole run has a limit, too")
  func limit() async throws {
    var node = Self.node(plan: ["faults": [["at": "metadata", "do": "hang"]]])
    node.environment = ["LAB_RUN_LIMIT=1"]
    try await node.run { outcome, _ in
      #expect(outcome.status == 1)
      #expect(outcome.log.last == "not done within 1 s; check network, DNS and proxy")
      #expect(outcome.files.isEmpty)
    }
  }
}

/// The emulator before its own witness: what Oracle's SDK does with it, it would do with OCI.
@Suite(
  "OCI's own SDK and the emulator",
  .enabled(
    if: VaultNode.works,
    "needs bwrap with user namespaces, openssl, iproute2, and .venv of scripts/setup"))
struct VaultContractTests {
  static func expect(
    _ fault: String, plan: [String: Any] = [:], prints lines: [String],
    sourceLocation: SourceLocation = #_sourceLocation, also: (VaultNode.Outcome) throws -> Void
  ) async throws {
    let node = VaultTests.node(plan: plan)
    try await node.run(sdk: [VaultTests.token.ocid, fault]) { outcome, result in
      #expect(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
      #expect(
        result.text.split(separator: "\n").map(String.init) == lines, "\(result.errors)",
        sourceLocation: sourceLocation)
      try also(outcome)
    }
  }

  static let value = Data(VaultTests.token.value).base64EncodedString()
  static let hidden = "404 NotAuthorizedOrNotFound"

  @Test("The SDK finds region, certificates, token and secret by itself")
  func good() async throws {
    try await Self.expect("", prints: [Self.value]) { outcome in
      #expect(outcome.requests(at: "federation").map(\.status) == [200])
      #expect(outcome.requests(at: "federation").map(\.host) == [VaultTests.auth])
      #expect(outcome.requests(at: "secrets").map(\.host) == [VaultTests.vault])
    }
  }

  @Test("A token from before the dynamic group stays worthless; a new one is not")
  func group() async throws {
    let plan = ["group_after": ["tokens": 1]]
    try await Self.expect("stale", plan: plan, prints: [Self.hidden, Self.hidden]) { outcome in
      #expect(outcome.requests(at: "secrets").map(\.token) == [1, 1])
    }
    try await Self.expect("anew", plan: plan, prints: [Self.hidden, Self.value]) { outcome in
      #expect(outcome.requests(at: "secrets").map(\.token) == [1, 2])
    }
  }

  @Test(
    "What is signed with another key is refused",
    arguments: [("wrong-leaf", "federation"), ("wrong-key", "secrets")])
  func signature(fault: String, service: String) async throws {
    try await Self.expect(fault, prints: ["401 NotAuthenticated"]) { outcome in
      let refused = outcome.requests(at: service)
      #expect(!refused.isEmpty && refused.allSatisfy { $0.status == 401 && $0.why == "wrong signature" })
    }
  }

  @Test("The SDK is told about a clock that is wrong")
  func clock() async throws {
    try await Self.expect("", plan: ["clock": 400], prints: ["401 NotAuthenticated"]) { outcome in
      #expect(outcome.requests(at: "federation").allSatisfy { $0.why == "clock skew" })
    }
  }
}
