import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Verifier

@Suite("Pipes and sockets")
struct SwitchboardTests {
  /// Waits until a line has brought so many bytes, or ended.
  static func read(_ switchboard: inout Switchboard, _ line: Switchboard.Line, atLeast count: Int) -> [UInt8]
  {
    var bytes: [UInt8] = []
    for _ in 0..<200 {
      for (from, piece) in switchboard.next(milliseconds: 50) where from == line {
        if piece.isEmpty { return bytes }
        bytes += piece
      }
      if bytes.count >= count { break }
    }
    return bytes
  }

  @Test("A pipe's bytes come as they are written, and its end is an empty piece")
  func pipe() throws {
    var switchboard = Switchboard()
    let writing = try switchboard.pipe(.console)
    let nothing = switchboard.next(milliseconds: 0)
    #expect(nothing.isEmpty)
    try writing.writeAll("hello".utf8)
    let hello = Self.read(&switchboard, .console, atLeast: 5)
    #expect(hello == Array("hello".utf8))
    try writing.close()
    let last = switchboard.next(milliseconds: 1000)
    #expect(last.count == 1 && last[0].line == .console && last[0].bytes.isEmpty)
    let after = switchboard.next(milliseconds: 0)
    #expect(after.isEmpty, "an end is told once")
  }

  @Test("A socket takes one guest in, whose bytes come and who gets what is sent")
  func socket() async throws {
    try await withTemporaryDirectory { folder in
      let path = folder.appendingPathComponent("probe").path
      var switchboard = Switchboard()
      try switchboard.listen(at: path, as: .probe)
      let early = switchboard.isConnected(.probe)
      #expect(!early)
      switchboard.send("lost".utf8, on: .probe)
      let client = Process()
      client.executableURL = URL(fileURLWithPath: try #require(Tool.find("python3")))
      client.arguments = [
        "-c",
        """
        import socket, sys
        s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(b"hello\\n")
        got = b""
        while len(got) < 300000: got += s.recv(65536)
        s.sendall(b"%d" % len(got))
        """, path,
      ]
      try client.run()
      let hello = Self.read(&switchboard, .probe, atLeast: 6)
      let isConnected = switchboard.isConnected(.probe)
      #expect(hello == Array("hello\n".utf8))
      #expect(isConnected)
      // More than any buffer of the system holds.
      switchboard.send([UInt8](repeating: 0x61, count: 300_000), on: .probe)
      let count = Self.read(&switchboard, .probe, atLeast: 6)
      #expect(count == Array("300000".utf8))
      client.waitUntilExit()
    }
  }

  @Test("A path that is longer than a socket's name may be is refused")
  func longPath() {
    var switchboard = Switchboard()
    var error: Errno?
    do {
      try switchboard.listen(at: "/tmp/" + String(repeating: "x", count: 200), as: .probe)
    } catch let failure {
      error = failure
    }
    #expect(error == .fileNameTooLong)
  }

  @Test("An answer waits for its reader, goes out whole, and its pipe is gone then")
  func answer() async throws {
    try await withTemporaryDirectory { folder in
      let path = folder.appendingPathComponent("answer.1").path
      #expect(mkfifo(path, 0o600) == 0)
      let bytes = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      var switchboard = Switchboard()
      switchboard.answer(bytes, at: path)
      for _ in 0..<3 { _ = switchboard.next(milliseconds: 10) }
      let out = folder.appendingPathComponent("out")
      let reader = Process()
      reader.executableURL = URL(fileURLWithPath: "/bin/sh")
      reader.arguments = ["-c", "cat \"$1\" >\"$2\"", "sh", path, out.path]
      try reader.run()
      for _ in 0..<500 where reader.isRunning { _ = switchboard.next(milliseconds: 10) }
      #expect(!reader.isRunning)
      #expect(try Data(contentsOf: out) == Data(bytes))
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }
}
