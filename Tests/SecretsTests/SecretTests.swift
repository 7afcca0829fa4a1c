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

@Suite("FingerprintKey") struct FingerprintKeyTests {
  let secret = Secret("value".utf8)

  @Test("has the documented form, and is the same on every run and machine")
  func form() {
    // The expected value was computed with Python's hashlib.
    let key = FingerprintKey(project: ["k3s", "https://example.org/x.git"], secret: nil)
    #expect(key.fingerprint(of: secret, named: "git_pat") == "secret:git_pat#3c7869")
  }

  @Test("differs by project, by the project's secret and by value, not by name")
  func differs() {
    let keys = [
      FingerprintKey(project: ["a", "b"], secret: nil),
      FingerprintKey(project: ["ab", ""], secret: nil),
      FingerprintKey(project: ["a", "b"], secret: Secret("t".utf8)),
      FingerprintKey(project: ["a", "b"], secret: Secret("u".utf8)),
    ]
    let prints = Set(keys.map { $0.fingerprint(of: secret, named: "n") })
    #expect(prints.count == keys.count)
    #expect(
      keys[0].fingerprint(of: secret, named: "n") != keys[0].fingerprint(of: Secret("w".utf8), named: "n"))
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
  @Test(
    "the hash is the one that another bcrypt makes of the password",
    arguments: ["hunter22", "pässwörd", "quote\"'$`", String(repeating: "x", count: 72)])
  func agrees(password: String) async throws {
    let secret = Secret(password.utf8)
    let hash = try #require(Bcrypt.hash(secret, project: "k3s")).revealed()
    #expect(hash.hasPrefix("$2a$10$"))
    #expect(hash.utf8.count == 60)
    // Perl's crypt is the C library's: an independent caller, though the same algorithm underneath.
    let other = try await Tool.run(
      ["perl", "-e", "chomp(my $h = <STDIN>); local $/; my $p = <STDIN>; print crypt($p, $h);"],
      input: Array((hash + "\n" + password).utf8))
    #expect(other.text == hash)
  }

  @Test("same password and project, same hash; another of either, another salt")
  func deterministic() {
    let a = Bcrypt.hash(Secret("one".utf8), project: "p")
    #expect(a == Bcrypt.hash(Secret("one".utf8), project: "p"))
    #expect(a != Bcrypt.hash(Secret("one".utf8), project: "q"))
    #expect(a?.revealed().prefix(29) != Bcrypt.hash(Secret("two".utf8), project: "p")?.revealed().prefix(29))
  }

  @Test(
    "a password that bcrypt would cut is refused", arguments: [String(repeating: "x", count: 73), "a\u{0}b"])
  func refused(password: String) {
    #expect(Bcrypt.hash(Secret(password.utf8), project: "p") == nil)
  }
}
