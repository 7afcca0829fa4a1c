import Foundation
import TestSupport
import Testing

@testable import Verifier

@Suite("The seed")
struct SeedTests {
  static let seed = Seed(
    userData: Array("#cloud-config\n\0\u{85}".utf8), instance: "k3seed-1",
    vendorData: { Array("#cloud-boothook\n".utf8) }
  )

  static func parts(_ answer: [UInt8]) -> (head: String, body: [UInt8]) {
    let text = String(decoding: answer, as: Unicode.ASCII.self)
    let length = text.components(separatedBy: "\r\n\r\n")[0].utf8.count
    return (
      String(decoding: answer.prefix(length), as: Unicode.ASCII.self), Array(answer.dropFirst(length + 4))
    )
  }

  @Test("The user-data goes out byte for byte, and its length with it")
  func userData() {
    let (head, body) = Self.parts(Self.seed.answer(to: "/user-data"))
    #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(head.contains("Content-Length: \(Self.seed.userData.count)"))
    #expect(body == Self.seed.userData)
  }

  @Test("meta-data names the instance; what there is not is a 404")
  func others() {
    #expect(Self.parts(Self.seed.answer(to: "/meta-data")).body == Array("instance-id: k3seed-1\n".utf8))
    #expect(Self.parts(Self.seed.answer(to: "/vendor-data")).body == Array("#cloud-boothook\n".utf8))
    for path in ["/network-config", "/", "/mirror/k3s", "/../user-data"] {
      #expect(Self.parts(Self.seed.answer(to: path)).head.hasPrefix("HTTP/1.1 404 "), "\(path)")
    }
  }

  @Test("A seed that is held back has the guest ask again, whatever it asks for")
  func heldBack() {
    var seed = Self.seed
    seed.isHeldBack = true
    let (head, body) = Self.parts(seed.answer(to: "/user-data"))
    #expect(head.hasPrefix("HTTP/1.1 503 "))
    #expect(body.isEmpty)
  }

  @Test("A mirror gives its files and nothing beside it")
  func mirror() async throws {
    try await withTemporaryDirectory { folder in
      let inner = folder.appendingPathComponent("mirror/v1+k3s1")
      try FileManager.default.createDirectory(at: inner, withIntermediateDirectories: true)
      try Data("binary".utf8).write(to: inner.appendingPathComponent("k3s"))
      try Data("secret".utf8).write(to: folder.appendingPathComponent("beside"))
      // Links within the folder are a mirror's own; those that lead out of it are nobody's.
      for (name, target) in [
        ("latest", inner.path), ("out", folder.path), ("v1+k3s1/file", "\(folder.path)/beside"),
      ] {
        try FileManager.default.createSymbolicLink(
          atPath: "\(folder.path)/mirror/\(name)", withDestinationPath: target)
      }
      var seed = Self.seed
      seed.mirror = folder.appendingPathComponent("mirror").path
      for path in ["/mirror/v1%2Bk3s1/k3s", "/mirror/v1+k3s1/k3s", "/mirror/latest/k3s"] {
        #expect(Self.parts(seed.answer(to: path)).body == Array("binary".utf8), "\(path)")
      }
      for path in [
        "/mirror/../beside", "/mirror/%2E%2E/beside", "/mirror/v1%2Bk3s1/../../beside", "/mirror/",
        "/mirror/v1%2Bk3s1",
        "/mirror//beside", "/mirror/out/beside", "/mirror/v1+k3s1/file", "/mirror/%", "/mirror/%zz",
        "/mirror/%FF",
      ] {
        #expect(Self.parts(seed.answer(to: path)).head.hasPrefix("HTTP/1.1 404 "), "\(path)")
      }
    }
  }

  @Test("A request is a process, GET and a path; anything else is none")
  func requests() {
    let request = Seed.Request(line: "812 GET /user-data")
    #expect(request?.process == 812 && request?.path == "/user-data")
    for line in [
      "", "812", "812 GET", "812 POST /user-data", "x GET /", "0 GET /", "-1 GET /", "1 GET user-data",
      "1 GET / x",
    ] {
      #expect(Seed.Request(line: line) == nil, "\(line)")
    }
  }

  @Test(
    "The script in between passes on a request and its answer, and leaves no pipe",
    .enabled(if: Tool.has("mkfifo"), "needs mkfifo"))
  func script() async throws {
    try await withTemporaryDirectory { folder in
      let script = try #require(EmbeddedFiles.all.first { $0.name == "seed.sh" })
      try Data(script.text.utf8).write(to: folder.appendingPathComponent("seed.sh"))
      let outcome = try await Tool.run(
        [
          "bash", "-c",
          """
          cd "$1" && mkfifo ask
          printf 'GET /user-data HTTP/1.1\\r\\nHost: 10.0.2.100\\r\\n\\r\\n' | sh seed.sh >out &
          read -r process method path <ask
          printf 'answer to %s %s' "$method" "$path" >"answer.$process"
          wait; cat out
          """, "bash", folder.path,
        ])
      #expect(outcome.text == "answer to GET /user-data")
      let slots = Files.names(in: folder.path).filter { $0.hasPrefix("slot") }
      #expect(slots.isEmpty)
    }
  }

  @Test("No more than eight are at work at a time, and a request of endless length is none")
  func flood() async throws {
    try await withTemporaryDirectory { folder in
      let script = try #require(EmbeddedFiles.all.first { $0.name == "seed.sh" })
      try Data(script.text.utf8).write(to: folder.appendingPathComponent("seed.sh"))
      let outcome = try await Tool.run(
        [
          "bash", "-c",
          """
          cd "$1" && mkfifo ask hold
          exec 3<>hold 4<>ask
          for n in 1 2 3 4 5 6 7 8; do sh seed.sh <hold & pids+=($!); done
          for n in $(seq 100); do set -- slot.*; [ $# = 8 ] && break; sleep 0.1; done
          echo "slots $#"
          printf 'GET / HTTP/1.1\\r\\n\\r\\n' | timeout 10 sh seed.sh; echo "ninth $?"
          kill "${pids[@]}"; wait; rmdir slot.* 2>/dev/null
          { printf 'GET /'; head -c 100000 /dev/zero | tr '\\0' x; printf ' HTTP/1.1\\r\\n\\r\\n'; } | timeout 10 sh seed.sh
          echo "long $?"
          """, "bash", folder.path,
        ])
      #expect(outcome.text == "slots 8\nninth 1\nlong 1\n", "\(outcome.errors)")
    }
  }
}
