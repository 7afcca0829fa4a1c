import Diagnostics
import Foundation
import Inputs
import TestSupport
import Testing
import YAML

/// The rules beside the programs that will judge the same values later.
@Suite("The rules and their real judges") struct JudgeTests {
  private func accepts(_ input: String, _ value: Node) throws -> Bool {
    try Reading(Node(.mapping([Node.Entry(input, value)])).json).report.hasErrors == false
  }

  private func accepts(_ input: String, _ text: String) throws -> Bool {
    try accepts(input, Node(.string(text)))
  }

  /// Seeds, and texts made of them by up to three random edits; without duplicates.
  private func corpus(_ seeds: [String], mutants: Int, alphabet: String) -> [String] {
    var generator = SplitMix(seed: 0x5EED)
    var texts = seeds
    for seed in seeds {
      for _ in 0..<mutants { texts.append(seed.mutated(from: alphabet, using: &generator)) }
    }
    var seen: Set<[UInt8]> = []
    return texts.filter { seen.insert(Array($0.utf8)).inserted }
  }

  /// Runs a shell script that reads lines and writes a verdict for each.
  private func verdicts(_ script: String, _ texts: [String]) async throws -> [String] {
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.run(
        ["sh", "-c", "while IFS= read -r line; do \(script); done"],
        input: Array(texts.map { $0 + "\n" }.joined().utf8),
        environment: ["HOME": folder.path, "KUBECONFIG": "/dev/null", "GIT_CEILING_DIRECTORIES": "/"],
        directory: folder.path)
      let lines = outcome.text.split(separator: "\n").map(String.init)
      #expect(lines.count == texts.count, "\(outcome.errors)")
      return lines
    }
  }

  @Test(
    "what is taken as a git revision, git itself takes", .enabled(if: Tool.has("git"), "git is not installed")
  )
  func git() async throws {
    let texts = corpus(
      ["main", "HEAD", "feature/a.b", "v1.0.0", "refs/heads/x", "a@b", "release-1.x+build", "a.lock", "@"],
      mutants: 60, alphabet: "a/.@{}-~^:?*[\\ lock\u{7F}\té\"'$`!(;|&<>"
    )
    .filter { !$0.contains("\n") }
    let judged = try await verdicts(
      "if git check-ref-format --branch \"$line\" >/dev/null 2>&1; then echo yes; else echo no; fi", texts)
    var taken = 0
    for (text, verdict) in zip(texts, judged) where try accepts("git_revision", text) {
      taken += 1
      // HEAD is no branch, but what Argo CD calls the default one.
      #expect(verdict == "yes" || text == "HEAD", "\(text.debugDescription)")
    }
    #expect(taken > 100)
    #expect(judged.filter { $0 == "no" }.count > 100)
  }

  @Test(
    "addresses and networks are taken exactly where Python's ipaddress takes them",
    .enabled(if: Tool.has("python3"), "python3 is not installed"))
  func python() async throws {
    let texts = corpus(
      [
        "10.0.0.1", "192.168.255.10", "0.0.0.0", "255.255.255.255", "fd00::1", "::", "::1", "::ffff:10.0.0.1",
        "2001:db8:0:0:1:2:3:4", "fe80::1", "10.0.0.0/8", "10.42.0.0/16", "0.0.0.0/0", "fd00::/48", "::/0",
        "2001:db8::/128", "10.0.0.1/24",
      ], mutants: 60, alphabet: "0123456789abcdefgF.:/ -x\u{0}٣")
    let script = """
      import ipaddress, json, sys
      def takes(read, text):
          try: return bool(read(text) or True)
          except ValueError: return False
      texts = json.load(sys.stdin)
      json.dump([[takes(ipaddress.ip_address, t),
                  takes(lambda t: ipaddress.ip_network(t, strict=False), t)] for t in texts], sys.stdout)
      """
    let outcome = try await Tool.run(
      ["python3", "-c", script], input: JSON.emit(Node(.sequence(texts.map { Node(.string($0)) }))))
    #expect(outcome.status == 0, "\(outcome.errors)")
    let judged = try JSONDecoder().decode([[Bool]].self, from: Data(outcome.output))
    var taken = [0, 0]
    for (text, verdict) in zip(texts, judged) {
      #expect(try accepts("server_private_ip", text) == verdict[0], "\(text.debugDescription)")
      // Python also takes an address alone, a mask in place of the length, and a length with zeros before it.
      let length = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().first.map(
        String.init)
      let isPlain = length.map { String(Int($0) ?? -1) == $0 } == true
      #expect(try accepts("cluster_cidr", text) == (verdict[1] && isPlain), "\(text.debugDescription)")
      if verdict[0] { taken[0] += 1 }
      if verdict[1] && isPlain { taken[1] += 1 }
    }
    #expect(taken[0] > 50 && taken[1] > 50)
  }

  private static let names = [
    "a", "role", "A-1_b.c", "0", String(repeating: "a", count: 63), String(repeating: "a", count: 64), "a-",
    "_a", ".a",
    "a b", "é", "a.b.c-d",
  ]
  private static let prefixes = [
    "example.org", "a", "a-b.c", "0.1", "A.b", "a_b", "-a", "a-", "a..b", ".a", "é.org",
    String(repeating: "a", count: 253), String(repeating: "a", count: 254),
    String(repeating: "a", count: 64) + ".b",
  ]

  /// What kubectl says of a taint before it asks any server: there is none at that address.
  private func kubectl(_ taints: [String]) async throws -> [Bool] {
    try await verdicts(
      "kubectl taint --server http://127.0.0.1:1 node n -- \"$line\" 2>&1 </dev/null | tr '\\n' ' '; echo",
      taints
    ).enumerated().map { index, text in
      let isRefused = text.contains("invalid taint") || text.contains("taint update is required")
      let isTaken = text.contains("127.0.0.1:1 was refused") || text.contains("connection refused")
      #expect(isRefused != isTaken, "no verdict on \(taints[index].debugDescription): \(text)")
      return isTaken && !isRefused
    }
  }

  @Test(
    "label keys, label values, taints and names are taken exactly where kubectl takes them",
    .enabled(if: Tool.has("kubectl"), "kubectl is not installed"), .timeLimit(.minutes(30)))
  func labels() async throws {
    let keys = Self.names + Self.prefixes.map { "\($0)/a" } + ["a/b/c", "/a", "a/"]
    for (key, isTaken) in zip(keys, try await kubectl(keys.map { "\($0)=v:NoSchedule" })) {
      let value = Node(.mapping([Node.Entry(key, Node(.string("v")))]))
      #expect(try accepts("node_labels", value) == isTaken, "key \(key.debugDescription)")
    }
    let values = Self.names + [""]
    for (value, isTaken) in zip(values, try await kubectl(values.map { "k=\($0):NoSchedule" })) {
      let label = Node(.mapping([Node.Entry("k", Node(.string(value)))]))
      #expect(try accepts("node_labels", label) == isTaken, "value \(value.debugDescription)")
    }
    for (name, isTaken) in zip(Self.prefixes, try await kubectl(Self.prefixes.map { "\($0)/a=v:NoSchedule" }))
    {
      #expect(try accepts("cloudflare_secret_name", name) == isTaken, "name \(name.debugDescription)")
    }
    let taints = [
      "k=v:NoSchedule", "k:NoExecute", "k=:PreferNoSchedule", "a.b/k=v:NoExecute", "k=v:Never", "k=v", "k",
      "k=v:",
      "k=a=b:NoSchedule", "k:v:NoSchedule", "A.b/k:NoSchedule", "k=v_:NoSchedule", "=v:NoSchedule",
      ":NoSchedule",
      "k=v:noschedule",
    ]
    for (taint, isTaken) in zip(taints, try await kubectl(taints)) {
      let node = Node.mapping([
        "n": .mapping(["role": "agent", "taints": Node(.sequence([Node(.string(taint))]))])
      ])
      #expect(try accepts("nodes", node) == isTaken, "taint \(taint.debugDescription)")
    }
  }

  @Test(
    "keys of a Secret are taken exactly where kubectl takes them",
    .enabled(if: Tool.has("kubectl"), "kubectl is not installed"), .timeLimit(.minutes(30)))
  func secretKeys() async throws {
    let keys = [
      "api-token", "a.b_C-1", "-", "_", ".a", "a.", ".", "..", "..a", "a b", "a/b", "é", "a:b",
      String(repeating: "k", count: 253), String(repeating: "k", count: 254),
    ]
    let judged = try await verdicts(
      "if kubectl create secret generic s --dry-run=client --from-literal=\"$line=v\" >/dev/null 2>&1 </dev/null; then echo yes; else echo no; fi",
      keys)
    for (key, verdict) in zip(keys, judged) {
      #expect(try accepts("cloudflare_secret_key", key) == (verdict == "yes"), "\(key.debugDescription)")
    }
    #expect(judged.filter { $0 == "yes" }.count > 5)
  }

  /// The kinds of key that ssh-keygen makes, as its arguments.
  static let kinds = [
    ["-t", "ed25519"], ["-t", "rsa", "-b", "2048"], ["-t", "rsa", "-b", "2048", "-m", "PEM"],
    ["-t", "ecdsa", "-b", "256"], ["-t", "ecdsa", "-b", "384"], ["-t", "ecdsa", "-b", "521"],
    ["-t", "ecdsa", "-b", "256", "-m", "PEM"], ["-t", "rsa", "-b", "2048", "-m", "PKCS8"],
  ]

  @Test(
    "real SSH keys: public ones and unprotected private ones are taken, others are refused for what they are",
    .enabled(if: Tool.has("ssh-keygen"), "ssh-keygen is not installed"), arguments: kinds)
  func ssh(kind: [String]) async throws {
    try await withTemporaryDirectory { folder in
      func make(_ name: String, passphrase: String) async throws -> String {
        let outcome = try await Tool.run(
          ["ssh-keygen", "-q"] + kind + ["-N", passphrase, "-C", "two words", "-f", name],
          directory: folder.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        return try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      }
      func findings(_ input: String, _ value: Node) throws -> [String] {
        try Reading(Node(.mapping([Node.Entry(input, value)])).json).report.diagnostics.map(\.message)
      }
      let key = try await make("key", passphrase: "")
      let locked = try await make("locked", passphrase: "passphrase")
      let published = try String(contentsOf: folder.appendingPathComponent("key.pub"), encoding: .utf8)
      let line = published.trimmingCharacters(in: .newlines)
      let name = "git_ssh_private_key"
      #expect(try findings(name, Node(.string(key))) == [])
      #expect(try findings("ssh_authorized_keys", Node(.sequence([Node(.string(line))]))) == [])
      #expect(
        try findings("ssh_authorized_keys", Node(.sequence([Node(.string(published))]))) == [
          "ssh_authorized_keys[0] holds a line break; a public key is one line"
        ])
      #expect(
        try findings("ssh_authorized_keys", Node(.sequence([Node(.string(key))]))) == [
          "ssh_authorized_keys[0] is a private key, which must never be in user-data"
        ])
      #expect(
        try findings(name, Node(.string(locked))) == [
          "\(name) is protected by a passphrase, which Argo CD cannot ask for"
        ])
      #expect(
        try findings(name, Node(.string(key.trimmingCharacters(in: .newlines)))) == [
          "\(name) does not end with its -----END line and one line break, without which OpenSSH refuses to read it"
        ])
      #expect(
        try findings(name, Node(.string(key.replacingOccurrences(of: "\n", with: "\r\n")))) == [
          "\(name) has Windows line endings"
        ])
      #expect(
        try findings(name, Node(.string(published))) == [
          "\(name) is not a private key in PEM or OpenSSH form"
        ])
      // OpenSSH reads what is taken.
      let read = try await Tool.run(["ssh-keygen", "-y", "-P", "", "-f", "key"], directory: folder.path)
      #expect(read.status == 0, "\(read.errors)")
      let shown = try await Tool.run(["ssh-keygen", "-l", "-f", "-"], input: Array(line.utf8) + [0x0A])
      #expect(shown.status == 0, "\(shown.errors)")
    }
  }

  @Test(
    "keys of openssl in PKCS #8 are taken, protected ones refused",
    .enabled(if: Tool.has("openssl"), "openssl is not installed"),
    arguments: [
      ["ed25519"], ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ])
  func openssl(kind: [String]) async throws {
    let make = ["openssl", "genpkey", "-algorithm"] + kind
    let key = try await Tool.run(make)
    #expect(key.status == 0, "\(key.errors)")
    #expect(key.text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
    #expect(try accepts("git_ssh_private_key", key.text))
    let locked = try await Tool.run(make + ["-aes256", "-pass", "pass:passphrase"])
    #expect(locked.text.hasPrefix("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"))
    #expect(!(try accepts("git_ssh_private_key", locked.text)))
  }

  @Test(
    "public keys that live in hardware are taken as ssh-keygen takes them",
    .enabled(if: Tool.has("ssh-keygen"), "ssh-keygen is not installed"))
  func securityKeys() async throws {
    // No such device is at hand, so the keys are put together as PROTOCOL.u2f says; ssh-keygen reads them.
    func blob(_ parts: [[UInt8]]) -> String {
      Data(parts.flatMap { [0, 0, UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }).base64EncodedString()
    }
    // The generator of NIST P-256: a point on the curve.
    let point: [UInt8] = [
      0x04, 0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2,
      0x77, 0x03,
      0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96, 0x4F, 0xE3, 0x42,
      0xE2, 0xFE,
      0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16, 0x2B, 0xCE, 0x33, 0x57, 0x6B, 0x31,
      0x5E, 0xCE,
      0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5,
    ]
    for (type, parts) in [
      ("sk-ssh-ed25519@openssh.com", [[UInt8](repeating: 7, count: 32)]),
      ("sk-ecdsa-sha2-nistp256@openssh.com", [Array("nistp256".utf8), point]),
    ] {
      let line = "\(type) \(blob([Array(type.utf8)] + parts + [Array("ssh:".utf8)])) two words"
      let shown = try await Tool.run(["ssh-keygen", "-l", "-f", "-"], input: Array(line.utf8) + [0x0A])
      #expect(shown.status == 0, "\(shown.errors)")
      #expect(try accepts("ssh_authorized_keys", Node(.sequence([Node(.string(line))]))))
    }
  }
}
