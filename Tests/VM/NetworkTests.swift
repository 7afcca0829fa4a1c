import Foundation
import TestSupport
import Testing

extension Machines {
  /// What a guest reaches, as a hostile one would try it.
  @Suite("What the guest reaches", .serialized, .enabled(if: Lab.isHere, Comment(rawValue: Lab.whySkipped)))
  struct NetworkTests {
    /// A server of the host, which logs whoever comes. Its answers are read by nobody but the guest.
    static let server = """
      import socket, sys, threading
      tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      tcp.bind(("0.0.0.0", 0)); tcp.listen(); udp.bind(tcp.getsockname())
      log = open(sys.argv[1], "w", buffering=1)
      probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); probe.connect(("192.0.2.1", 9))
      print(tcp.getsockname()[1], probe.getsockname()[0], flush=True)
      def datagrams():
          while True: log.write("udp %s\\n" % udp.recv(99).decode())
      threading.Thread(target=datagrams, daemon=True).start()
      while True:
          connection, _ = tcp.accept()
          log.write("tcp %s\\n" % connection.recv(99).decode())
          connection.sendall(b"reached"); connection.close()
      """

    /// Tries everything, and says on the console what came of it.
    static func userData(port: Substring, lan: Substring) -> String {
      """
      #cloud-config
      write_files:
      - path: /root/try.py
        content: |
          import socket, urllib.request
          def say(what, how):
              with open("/dev/console", "w") as console: console.write("\\ntried %s: %s\\n" % (what, how))
          for what, address, port in (
              ("loopback", "10.0.2.2", \(port)), ("lan", "\(lan)", \(port)), ("metadata", "169.254.169.254", 80)):
              try:
                  with socket.create_connection((address, port), 4) as connection:
                      connection.sendall(what.encode())
                      say(what, connection.recv(99).decode())
              except OSError as error: say(what, "nothing, " + str(error))
              try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(what.encode(), (address, port))
              except OSError: pass
          for what, address in (("ipv6", "fec0::2"), ("ipv6 name server", "fec0::3")):
              try: say(what, socket.create_connection((address, \(port)), 4).recv(99).decode())
              except OSError as error: say(what, "nothing, " + str(error))
          try: say("seed", urllib.request.urlopen("http://10.0.2.100/meta-data", timeout=60).read().decode().strip())
          except OSError as error: say("seed", "nothing, " + str(error))
          routes = open("/proc/net/route").read().split("\\n")
          say("route", "default" if any(line.split()[1:2] == ["00000000"] for line in routes) else "none")
      runcmd:
      - [python3, /root/try.py]

      """
    }

    /// Boots it, and gives what it says it reached, and what the host has seen of it.
    static func reached(
      _ arguments: [String], as name: String
    ) async throws -> (Lab.Outcome, [String: String], String) {
      try await withTemporaryDirectory { folder in
        let (program, log) = (
          folder.appendingPathComponent("server.py"), folder.appendingPathComponent("log")
        )
        try Data(Self.server.utf8).write(to: program)
        return try await Lab.serving([program.path, log.path]) { output in
          let words = String(decoding: output.availableData, as: UTF8.self).split(
            whereSeparator: \.isWhitespace)
          try #require(words.count == 2)
          let outcome = try await Lab.verify(
            Self.userData(port: words[0], lan: words[1]), as: name, ["--warm"] + arguments)
          let said = outcome.lines("tried ").compactMap { $0.firstMatch(of: /tried ([a-z0-9 ]+): (.*)$/) }
          let seen = try String(contentsOf: log, encoding: .utf8)
          return (
            outcome, Dictionary(said.map { (String($0.1), String($0.2)) }, uniquingKeysWith: { $1 }), seen
          )
        }
      }
    }

    @Test("It reaches its seed, and neither the host's loopback, nor its LAN, nor the metadata address")
    func closed() async throws {
      let (outcome, said, seen) = try await Self.reached([], as: "network-closed")
      #expect(outcome.verdict == "PASS", "\(outcome.text)")
      #expect((outcome.report["host"] as? [String: Any])?["network"] as? String == "seed")
      #expect(outcome.text.contains("no network but its seed"))
      for what in ["loopback", "lan", "metadata", "ipv6", "ipv6 name server"] {
        #expect(said[what]?.hasPrefix("nothing, ") == true, "\(what): \(said[what] ?? "not said")")
      }
      #expect(
        said["seed"]?.hasPrefix("instance-id: k3seed-") == true && said["route"] == "default", "\(said)")
      #expect(seen == "")
    }

    @Test(
      "With --network it reaches them, which shows that the other test would have seen it",
      .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix, which make test-matrix sets"))
    func open() async throws {
      let (outcome, said, seen) = try await Self.reached(["--network"], as: "network-open")
      #expect(outcome.verdict == "PASS", "\(outcome.text)")
      #expect((outcome.report["host"] as? [String: Any])?["network"] as? String == "host")
      #expect(said["loopback"] == "reached" && said["lan"] == "reached", "\(said)")
      for line in ["tcp loopback", "udp loopback", "tcp lan", "udp lan"] {
        #expect(seen.contains(line), "\(seen)")
      }
    }
  }
}
