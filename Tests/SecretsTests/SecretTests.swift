import Foundation
import Secrets
import TestSupport
import Testing

@Suite("Secret") struct SecretTests {
  let canary = "canary-\u{7F}-\"token\""

  @Test("never prints, however it is asked")
  func neverPrints() {
    let secret = Secret(canary.utf8)
    var dumped = ""
    dump(secret, to: &dumped)
    var nested = ""
    dump(["k": [secret]], to: &nested)
    for text in ["\(secret)", String(describing: secret), String(reflecting: secret), dumped, nested] {
      #expect(!text.contains("canary"))
    }
    #expect("\(secret)" == "<secret>")
  }

  @Test("gives back its bytes", arguments: [0, 1, 72, 4096, 65536])
  func bytes(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let secret = Secret(bytes)
    #expect(secret.count == count)
    #expect(secret.withBytes { Array($0) } == bytes)
  }

  @Test("compares by value")
  func equality() {
    #expect(Secret("a".utf8) == Secret("a".utf8))
    #expect(Secret("a".utf8) != Secret("b".utf8))
    #expect(Secret("a".utf8) != Secret("aa".utf8))
    #expect(Secret([]) == Secret([]))
  }

  @Test("is locked in memory: the kernel counts its pages as locked")
  func locked() throws {
    func lockedKilobytes() throws -> Int {
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmLck:") })
      return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) })
    }
    // Other tests make and drop secrets at the same time, so the page must be larger than their sum.
    let before = try lockedKilobytes()
    let secret = Secret([UInt8](repeating: 7, count: 1 << 20))
    #expect(try lockedKilobytes() >= before + 900)
    #expect(secret.count == 1 << 20)
  }
}

@Suite("ProjectKey") struct ProjectKeyTests {
  static let token = Secret("2f6e1c9a7b5d4083e1f2a3b4c5d6e7f8".utf8)
  let secret = Secret("value".utf8)

  @Test("a fingerprint has the documented form, and is the same on every run and machine")
  func form() async throws {
    let script = """
      import hashlib
      def b(m, k): return hashlib.blake2b(m, key=k, digest_size=32).digest()
      outer = b(b"3:k3s25:https://example.org/x.git", b"k3seed project")
      key = b(b"fingerprint", b(b"\(Self.token.revealed())", outer))
      print(b(b"value", key).hex()[:6])
      """
    let expected = try await Tool.run(["python3", "-c", script]).text.dropLast()
    let key = try #require(ProjectKey(project: ["k3s", "https://example.org/x.git"], secret: Self.token))
    #expect(secret.label("git_pat", key) == "secret:git_pat#\(expected)" && expected.count == 6)
  }

  @Test("it differs by project, by the project's secret and by value, not by name")
  func differs() throws {
    let other = Secret("3f6e1c9a7b5d4083e1f2a3b4c5d6e7f8".utf8)
    let keys = try [
      #require(ProjectKey(project: ["a", "b"], secret: Self.token)),
      #require(ProjectKey(project: ["ab", ""], secret: Self.token)),
      #require(ProjectKey(project: ["a", "b"], secret: other)),
    ]
    let labels = keys.map { secret.label("n", $0) }
    #expect(Set(labels).count == keys.count && labels.allSatisfy { $0.contains("#") })
    #expect(Secret("w".utf8).label("n", keys[0]) != labels[0])
    #expect(secret.label("m", keys[0]).suffix(6) == labels[0].suffix(6))
  }

  @Test("what could be guessed makes no key, and without a key there is no fingerprint")
  func weak() {
    #expect(ProjectKey(project: ["a"], secret: nil) == nil)
    #expect(ProjectKey(project: ["a"], secret: Secret("summer2026!".utf8)) == nil)
    #expect(secret.label("git_pat", nil) == "secret:git_pat")
  }

  @Test("the secret that the key is made of has no fingerprint, which would confirm a guess of it")
  func ownSecret() throws {
    let key = try #require(ProjectKey(project: ["a"], secret: Self.token))
    #expect(Secret(Self.token.revealed().utf8).label("k3s_token", key) == "secret:k3s_token")
  }
}

@Suite("Strength of secrets") struct StrengthTests {
  @Test(
    "what is drawn at random is strong",
    arguments: [
      Token.generate(), "4f8a2c91d07be36a55f1", "Zt7Qm2LxV9rKp4Wc", "aX9#kP2$mQ7!vL4@",
      "hT4vR8nQ2wLz7KdYc3Bm",
      "xk7fqz2mwp9rt4hvb3nd", "cfut_Hq3Lx8Tz5Wm1Rv7Ky2Np9Bd4",
    ])
  func strong(value: String) {
    #expect(Secret(value.utf8).isStrong, "\(Secret(value.utf8).estimatedBits)")
  }

  @Test(
    "what a person makes up is not, however long it may be",
    arguments: [
      "", "a", "summer2026!", "Summer2026!Summer2026!Summer2026!", "password1234567890",
      "correct horse battery", "correcthorsebatterystaple", "MyClusterTokenForK3s",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "abcdefghijklmnopqrstuvwxyz0123456789", "0123456789012345678901234", "deadbeefdeadbeefdeadbeefdeadbeef",
      "K3s-Production-2026", "changeme-changeme-please", "EXAMPLE-k3s-token", "7c1e9b04d2f5a863",
    ])
  func weak(value: String) {
    #expect(!Secret(value.utf8).isStrong, "\(Secret(value.utf8).estimatedBits)")
  }

  @Test("only the first bytes of a very long value are looked at")
  func long() {
    #expect(Secret([UInt8](repeating: 7, count: 1 << 20)).estimatedBits < Secret.enoughBits)
  }
}

@Suite("Token") struct TokenTests {
  @Test("is 64 hexadecimal digits, and another one each time")
  func form() {
    let tokens = (0..<50).map { _ in Token.generate() }
    #expect(Set(tokens).count == 50)
    #expect(tokens.allSatisfy { $0.count == 64 && $0.allSatisfy { "0123456789abcdef".contains($0) } })
  }
}

@Suite("SHA256 and Base64") struct EncodingTests {
  @Test("SHA-256 agrees with sha256sum", arguments: [0, 1, 63, 64, 1000])
  func sha256(count: Int) async throws {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    let real = try await Tool.run(["sha256sum"], input: bytes)
    #expect(real.text.hasPrefix(SHA256.hex(bytes) + " "))
  }

  @Test("base64 agrees with Foundation's, both ways", arguments: 0..<70)
  func base64(count: Int) {
    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let text = Array(Data(bytes).base64EncodedString().utf8)
    #expect(Base64.encode(bytes) == text)
    #expect(Base64.decode(text) == bytes)
    let wrapped = Array(Data(bytes).base64EncodedString(options: .lineLength64Characters).utf8)
    #expect(Base64.decode(wrapped + [0x0A]) == bytes)
  }

  @Test("what is not base64 is not decoded", arguments: ["a", "ab=", "ab==x", "#cloud-config", "a\u{0}b="])
  func notBase64(text: String) {
    #expect(Base64.decode(Array(text.utf8)) == nil)
  }
}

@Suite("Bcrypt") struct BcryptTests {
  private static func key(_ project: String, _ token: Secret = ProjectKeyTests.token) throws -> ProjectKey {
    try #require(ProjectKey(project: [project], secret: token))
  }

  /// Version, cost and salt: all of a hash that is not the result.
  private static func salt(of hash: Secret?) throws -> Substring { try #require(hash).revealed().prefix(29) }

  @Test(
    "the hash is the one that another bcrypt makes of the password",
    arguments: ["hunter22", "pässwörd", "quote\"'$`", String(repeating: "x", count: 72)])
  func agrees(password: String) async throws {
    let secret = Secret(password.utf8)
    let hash = try #require(Bcrypt.hash(secret, key: try Self.key("k3s"))).revealed()
    #expect(hash.hasPrefix("$2a$10$"))
    #expect(hash.utf8.count == 60)
    // Perl's crypt is the C library's: an independent caller, though the same algorithm underneath.
    let other = try await Tool.run(
      ["perl", "-e", "chomp(my $h = <STDIN>); local $/; my $p = <STDIN>; print crypt($p, $h);"],
      input: Array((hash + "\n" + password).utf8))
    #expect(other.text == hash)
  }

  @Test("same password and key, same hash; another project or token, another salt")
  func deterministic() throws {
    let one = Secret("one".utf8)
    let hash = Bcrypt.hash(one, key: try Self.key("p"))
    #expect(hash == Bcrypt.hash(one, key: try Self.key("p")))
    let other = Secret("3f6e1c9a7b5d4083e1f2a3b4c5d6e7f8".utf8)
    for key in [try Self.key("q"), try Self.key("p", other)] {
      #expect(try Self.salt(of: Bcrypt.hash(one, key: key)) != Self.salt(of: hash))
    }
  }

  @Test("nothing of the password is in the salt, so that only bcrypt tests a guess")
  func salt() throws {
    let hashes = try ["one", "two", "a far longer password"].map {
      Bcrypt.hash(Secret($0.utf8), key: try Self.key("p"))
    }
    #expect(Set(try hashes.map { try Self.salt(of: $0) }).count == 1)
    #expect(Set(try hashes.map { try #require($0).revealed() }).count == hashes.count)
  }

  @Test(
    "whoever lacks the token cannot make the salt of the cluster's name and the password, as was possible once"
  )
  func formerSalt() async throws {
    let hash = try #require(Bcrypt.hash(Secret("hunter2".utf8), key: try Self.key("k3s"))).revealed()
    // How it was derived before: with all of this known to an attacker but the password, one BLAKE2b tested a guess.
    let script = """
      import hashlib
      def b(m, k, n): return hashlib.blake2b(m, key=k, digest_size=n).digest()
      raw = b(b"hunter2", b(b"k3s", b"k3seed bcrypt salt", 32), 16)
      digits = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
      number = int.from_bytes(raw, "big") << 4
      print("".join(digits[number >> 6 * i & 63] for i in reversed(range(22))))
      """
    let former = try await Tool.run(["python3", "-c", script]).text.dropLast()
    #expect(former.count == 22 && !hash.contains(former.dropLast()))
  }

  @Test(
    "a password that bcrypt would cut is refused", arguments: [String(repeating: "x", count: 73), "a\u{0}b"])
  func refused(password: String) throws {
    #expect(Bcrypt.hash(Secret(password.utf8), key: try Self.key("p")) == nil)
  }
}
