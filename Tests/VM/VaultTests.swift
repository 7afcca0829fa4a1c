import Foundation
import TestSupport
import Testing

extension Machines {
  /// Servers whose secrets are in OCI Vault, for which the emulator of the guest's tests stands in: on the host, where the
  /// guest reaches it at an address of its network, with names and certificates of OCI's services. Its other faults are
  /// shown in containers; see Tests/VM/nodes.
  @Suite(
    "Secrets from OCI Vault, in a machine", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct VaultTests {
    static let region = "eu-frankfurt-1.oraclecloud.com"
    static let auth = "auth.\(region)"
    static let vault = "secrets.vaults.eu-frankfurt-1.oci.oraclecloud.com"

    /// What the Vault holds for `examples/oci-vault`, of which nothing may be seen anywhere.
    static let values = [
      "argocd_admin_password_hash": "$2a$10$" + String(repeating: "./Ab9", count: 10) + "xyz",
      "cloudflare_api_token": "cfut_EXAMPLE-canary-of-the-vault-0123456789",
      "git_pat": "EXAMPLE-canary/of:the+vault 'git' \"pat\" \\ ${x}",
      "k3s_agent_token": "EXAMPLE-canary-agent-token-4567890123456789",
      "k3s_token": "EXAMPLE-canary-server-token-0123456789456789",
    ]

    /// Boots such a server.
    ///
    /// - Parameters:
    ///   - plan: the emulator's, beside the secrets; see Tests/GuestTests/StandIns/oci_emulator.py.
    ///   - adapt: changes the payload.
    ///   - check: gets what became of it, each request to the emulator, and the folder of the machine's disk.
    private static func verify(
      as name: String, plan: [String: Any] = [:], keeps: Bool = false, faults: [Lab.Fault] = [],
      adapt: (String) async throws -> String,
      _ check: (Lab.Outcome, [Request], URL) async throws -> Void
    ) async throws {
      let outputs = Tool.root.appendingPathComponent("examples/oci-vault/outputs.json")
      let document =
        try JSONSerialization.jsonObject(with: Data(contentsOf: outputs)) as? [String: [String: Any]]
      let references = try #require(document?["secret_ocids"]?["value"] as? [String: String])
      var plan = plan
      plan["secrets"] = Dictionary(
        uniqueKeysWithValues: references.compactMap { name, ocid in
          values[name].map { value in
            let version: [String: Any] = [
              "number": 1, "stages": ["CURRENT", "LATEST"], "base64": Data(value.utf8).base64EncodedString(),
            ]
            return (ocid, ["versions": [version]])
          }
        })
      let text = String(decoding: try JSONSerialization.data(withJSONObject: plan), as: UTF8.self)
      let emulator = Tool.root.appendingPathComponent("Tests/GuestTests/StandIns/oci_emulator.py").path
      try await withTemporaryDirectory { folder in
        let services = ["metadata", "federation", "secrets"]
        let cloud = folder.appendingPathComponent("oci")
        try await Lab.serving(
          [emulator, text, cloud.path] + services.flatMap { ["--\($0)", "127.0.0.1:0"] }
        ) { _ in
          let listening = cloud.appendingPathComponent("listening.json")
          for _ in 0..<200 where !FileManager.default.fileExists(atPath: listening.path) {
            // It makes its keys first, and says that it listens by this file alone: looked for, twenty seconds at most.
            try await Task.sleep(for: .milliseconds(100))
          }
          let addresses = try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: listening))
          let ports = addresses.compactMapValues { $0.first?.split(separator: ":").last }
          let payload = try await payload(ports: ports, authority: cloud.appendingPathComponent("ca.pem"))
          let known = folder.appendingPathComponent("values.json")
          try JSONEncoder().encode(values).write(to: known)
          let kept = folder.appendingPathComponent("kept")
          let outcome = try await Lab.verify(
            try await adapt(payload), as: name,
            Lab.mirror + ["--warm", "--network", "--vault", known.path]
              + (keeps ? ["--keep", kept.path] : []),
            faults: faults)
          let requests = try String(
            contentsOf: cloud.appendingPathComponent("requests.jsonl"), encoding: .utf8
          )
          .split(separator: "\n").map { try JSONDecoder().decode(Request.self, from: Data($0.utf8)) }
          try expectNoCanary(in: payload, outcome, cloud)
          try await check(outcome, requests, folder)
        }
      }
    }

    struct Request: Decodable {
      var at: String
      var method: String?
      var status: Int
      var why: String
    }

    /// The payload of `examples/oci-vault`, with the emulator's addresses for OCI's.
    private static func payload(ports: [String: Substring], authority: URL) async throws -> String {
      let lines = try String(contentsOf: authority, encoding: .utf8).split(separator: "\n").map {
        "    \($0)\n"
      }
      let settings = [
        ("METADATA", "http://10.0.2.2:\(ports["metadata"] ?? "")/opc/v2"),
        ("FEDERATION", "https://\(auth):\(ports["federation"] ?? "")"),
        ("SECRETS", "https://\(vault):\(ports["secrets"] ?? "")"),
      ].map { "K3SEED_OCI_\($0.0)_URL='\($0.1)'\n    " }
      return try await Lab.payload(
        Lab.payload(of: "oci-vault", more: "ca_certificates:\n- |\n\(lines.joined())"),
        replacing: ["K3SEED_VAULT='": settings.joined() + "K3SEED_VAULT='"],
        files: [
          "- path: /etc/hosts\n  append: true\n  content: |\n    10.0.2.2 \(auth) \(vault)\n"
        ])
    }

    /// Nothing of the Vault may be in what was made of it outside of the guest; nor a token or key of the emulator.
    private static func expectNoCanary(in payload: String, _ outcome: Lab.Outcome, _ cloud: URL) throws {
      let canaries = try canaries(cloud)
      #expect(canaries.count > 10)
      for text in [payload, String(describing: outcome.report), outcome.text] {
        for canary in canaries where text.contains(canary) { Issue.record("a canary was seen") }
      }
    }

    /// What the emulator gave away: values, tokens and keys.
    private static func canaries(_ cloud: URL) throws -> [String] {
      try String(contentsOf: cloud.appendingPathComponent("canaries"), encoding: .isoLatin1).split(
        separator: "\n"
      )
      .map(String.init)
    }

    /// Expects that a verification holds the Secrets to the Vault's values, and has searched for them.
    private static func expectSuccess(_ outcome: Lab.Outcome) throws {
      #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
      let details = Dictionary(
        outcome.checks.map { ($0["name"] as? String ?? "", $0["detail"] as? String ?? "") },
        uniquingKeysWith: { $1 })
      #expect(
        details["cloudflare-secrets"]
          == "cert-manager/cloudflare-api-token (api-token), external-dns/cloudflare-api-token (api-token): as promised"
      )
      #expect(details["repository-secret"]?.contains("password") == true)
      #expect(details["other-secrets"] == "argocd/argocd-secret (admin.password): as promised")
      #expect(details["no-secret-exposed"]?.hasPrefix("5 secrets in none of ") == true)
      #expect(outcome.lines("k3seed: secrets: ok (").count == 1)
    }

    /// Which of some texts stand somewhere in a file, as they are or as base64 at any place of a longer text.
    private static func found(_ texts: [String], in file: URL) async throws -> Set<String> {
      var patterns: [String: String] = [:]
      for text in texts {
        patterns[text] = text
        for before in 0..<3 {
          // What the neighbours have a part in is left out, as far as six bits have two of them.
          let encoded = Data([UInt8](repeating: 0, count: before) + Array(text.utf8)).base64EncodedString()
          let end = encoded.prefix { $0 != "=" }.dropLast((before + text.utf8.count) % 3 == 0 ? 0 : 1)
          patterns[String(end.dropFirst([0, 2, 3][before]))] = text
        }
      }
      let outcome = try await Tool.run(
        ["env", "LC_ALL=C", "grep", "-aoF", "-f", "-", file.path],
        input: Array(patterns.keys.joined(separator: "\n").utf8))
      return Set(outcome.text.split(separator: "\n").compactMap { patterns[String($0)] })
    }

    @Test(
      "Both Secrets hold the Vault's bytes, and of them, of tokens and of keys nothing has ever been on the disk"
    )
    func late() async throws {
      try await Self.verify(
        as: "vault-late",
        plan: [
          "faults": [
            ["at": "metadata", "seconds": 4, "do": "drop"],
            ["at": "federation", "times": 1, "do": ["status": 429, "retry_after": 3]],
          ] as [[String: Any]],
          "group_after": ["tokens": 1], "tokens": [[:], ["uses": 2]],
        ],
        keeps: true,
        faults: [
          Lab.Fault("the metadata service is late", at: "the emulator of OCI", "tried again"),
          Lab.Fault(
            "federation throttles (429, `Retry-After`)", at: "the emulator of OCI", "waits as long as it says"
          ),
          Lab.Fault(
            "the dynamic group is late: a token without it, then one with it", at: "the emulator of OCI",
            "federates anew"),
          Lab.Fault(
            "the token expires after two secrets", at: "the emulator of OCI", "federates anew for the rest"),
        ],
        adapt: { try await Lab.payload($0, deadlines: ["secrets": 600], after: Lab.shown) }
      ) { outcome, requests, folder in
        try Self.expectSuccess(outcome)
        let why = requests.map(\.why)
        for fault in [
          "fault: drop", "'status': 429", "the token is from before the dynamic group",
          "the token has",
        ] {
          #expect(why.contains { $0.contains(fault) }, "\(why)")
        }
        #expect(requests.count { $0.at == "secrets" && $0.status == 200 } == 5)
        // Every block that the guest has written since its start, files that were removed included. K3s itself needs its
        // tokens; that these are found shows that the search finds.
        let disk = folder.appendingPathComponent("kept/disk.qcow2")
        let needed = ["k3s_token", "k3s_agent_token"].compactMap { Self.values[$0] }
        let canaries = try Self.canaries(folder.appendingPathComponent("oci"))
        let secret = canaries.filter { line in
          !needed.contains { line == $0 || line == Data($0.utf8).base64EncodedString() }
        }
        #expect(try await Self.found(needed, in: disk) == Set(needed))
        #expect(try await Self.found(secret, in: disk).count == 0, "of \(secret.count)")
      }
    }

    @Test(
      "A clock that is years ahead is explained within the stage's deadline, and a secret that leaks is found"
    )
    func clockAhead() async throws {
      try await Self.verify(
        as: "vault-clock-ahead",
        faults: [
          Lab.Fault(
            "the clock is nine years ahead", at: "`date -s` in `bootcmd`",
            "`secrets` fails within its deadline, and says why")
        ],
        adapt: { payload in
          try await Lab.payload(
            payload, deadlines: ["secrets": 40],
            files: [Lab.file("/var/log/leak", "it is \(Self.values["k3s_token"] ?? "")")],
            boot: ["date -s '9 years'"], after: Lab.shown)
        }
      ) { outcome, requests, _ in
        Lab.expectFailure(
          outcome, in: "secrets",
          [
            "\(Self.auth)", "check its certificate, and the clock; this clock is 28",
            " s ahead of OCI's, set it",
          ], deadline: 40)
        #expect(!requests.isEmpty)
        #expect(
          outcome.detail("no-secret-exposed")
            == "expected no secret, found /var/lib/k3seed/secrets/k3s_token in /var/log/leak (0644)")
        #expect(outcome.names("failed").contains("cloudflare-secrets"))
      }
    }
  }
}
