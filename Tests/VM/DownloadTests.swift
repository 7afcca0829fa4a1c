import Foundation
import TestSupport
import Testing

extension Machines {
  /// Downloads that go wrong, in a machine with a network of its own and a real curl.
  @Suite(
    "Downloads", .serialized,
    .enabled(if: Lab.isWhole, "needs K3SEED_VM=matrix and K3SEED_LAB, which make test-matrix sets"))
  struct DownloadTests {
    static let version = "v1.36.4%2Bk3s1"

    /// The payload with other sources of K3s, and a last command that fails if a wrong one has ever run.
    private static func payload(
      binaries: [String], script: String, deadlines: [String: Int] = [:]
    ) async throws -> String {
      try await Lab.payload(deadlines: deadlines)
        .replacing(/K3S_BINARY_URLS='[^']*'/, with: "K3S_BINARY_URLS='\(binaries.joined(separator: " "))'")
        .replacing(/K3S_INSTALL_URLS='[^']*'/, with: "K3S_INSTALL_URLS='\(script)'")
        .replacing(
          "  - k3seed-bootstrap.service\n",
          with:
            "  - k3seed-bootstrap.service\n- systemctl is-active k3seed-bootstrap && ! test -e /etc/k3seed-lab/ran-unverified\n"
        )
    }

    @Test(
      "One source after another fails in its own way, the network is gone for a minute, and the node comes up"
    )
    func everyFault() async throws {
      try await withTemporaryDirectory { folder in
        let log = folder.appendingPathComponent("log")
        let server = Process()
        let (input, output) = (Pipe(), Pipe())
        server.executableURL = URL(fileURLWithPath: try #require(Tool.find("python3")))
        server.arguments = [
          "-I", Tool.root.appendingPathComponent("Tests/VM/lab/faulty_mirror.py").path,
          "\(Lab.folder ?? "")/mirror", log.path,
        ]
        server.standardInput = input
        server.standardOutput = output
        try server.run()
        defer { try? input.fileHandleForWriting.close() }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        // The host's loopback, as the guest sees it.
        let host = "http://10.0.2.2:\(line.filter(\.isNumber))"
        let faults = ["wrong", "corrupt", "truncated", "dripping", "lost"]
        let outcome = try await Lab.verify(
          try await Self.payload(
            binaries: ["https://no-such-mirror.invalid", "http://10.0.2.2:1"]
              + faults.map { "\(host)/\($0)/\(Self.version)" },
            script: "\(host)/lost/\(Self.version)/install.sh"),
          as: "download-faults", ["--warm"])
        #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
        #expect(outcome.names("passed").contains("k3s-binary"))
        let requests = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init)
        for fault in faults.dropLast() {
          #expect(requests.contains { $0.hasPrefix("\(fault) v1.36.4+k3s1/k3s ") }, "\(requests)")
        }
        for file in ["k3s", "install.sh"] {
          let tries = requests.filter { $0.hasPrefix("lost v1.36.4+k3s1/\(file) ") }
          #expect(
            tries.first?.hasSuffix("cut") == true && tries.last?.hasSuffix("sent") == true, "\(requests)")
          #expect(tries.count { $0.hasSuffix("sent") } == 1, "\(requests)")
        }
      }
    }

    @Test("Without DNS the console says so, within the stage's deadline")
    func deadDNS() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(
          binaries: ["https://no-such-mirror.invalid"], script: "https://no-such-mirror.invalid/install.sh",
          deadlines: ["download": 60]),
        as: "dead-dns", ["--warm"])
      #expect(outcome.verdict == "FAIL" && outcome.status == 1, "\(outcome.text)")
      let said = outcome.detail("bootstrap-complete")
      #expect(said.contains("download: FAILED") && said.contains("check DNS"), "\(said)")
      let names = outcome.names("failed")
      #expect(names.contains("cloud-init-clean") && names.contains("k3s-binary"), "\(names)")
    }
  }
}
