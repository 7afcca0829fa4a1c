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
      try await Lab.payload(
        Lab.payload()
          .replacing(/K3S_BINARY_URLS='[^']*'/, with: "K3S_BINARY_URLS='\(binaries.joined(separator: " "))'")
          .replacing(/K3S_INSTALL_URLS='[^']*'/, with: "K3S_INSTALL_URLS='\(script)'"),
        deadlines: deadlines, after: Lab.shown)
    }

    @Test(
      "One source after another fails in its own way, the network is gone for a minute, and the node comes up"
    )
    func everyFault() async throws {
      let mirror = Tool.root.appendingPathComponent("Tests/VM/lab/faulty_mirror.py").path
      try await withTemporaryDirectory { folder in
        let log = folder.appendingPathComponent("log")
        try await Lab.serving([mirror, "\(Lab.folder ?? "")/mirror", log.path]) { output in
          let line = String(decoding: output.availableData, as: UTF8.self)
          // The host's loopback, as the guest sees it.
          let host = "http://10.0.2.2:\(line.filter(\.isNumber))"
          let faults = ["dripping", "wrong", "corrupt", "truncated", "lost"]
          let outcome = try await Lab.verify(
            try await Self.payload(
              binaries: ["https://no-such-mirror.invalid", "http://10.0.2.2:1"]
                + faults.map { "\(host)/\($0)/\(Self.version)" },
              script: "\(host)/lost/\(Self.version)/install.sh"),
            as: "download-faults", ["--warm"], faults: Self.faults)
          #expect(outcome.verdict == "PASS" && outcome.status == 0, "\(outcome.text)")
          #expect(outcome.names("passed").contains("k3s-binary"))
          // What nobody had verified would have made the last command fail.
          #expect(outcome.names("passed").contains("cloud-init-clean"))
          #expect(outcome.lines("status: download: ok (").count == 1, "\(outcome.lines("status: "))")
          let requests = try String(contentsOf: log, encoding: .utf8).split(separator: "\n").map(String.init)
          for fault in faults.dropLast() {
            #expect(requests.contains { $0.hasPrefix("\(fault) v1.36.4+k3s1/k3s ") }, "\(requests)")
          }
          // Half of K3s came; then whoever asked was cut for a minute, and all of it came at last.
          let k3s = requests.filter { $0.hasPrefix("lost v1.36.4+k3s1/k3s ") }
          #expect(
            k3s.first?.hasSuffix("cut") == true && k3s.count { $0.hasSuffix("sent") } == 1, "\(requests)")
          #expect(requests.count { $0.hasSuffix(" cut") } > 2, "\(requests)")
          #expect(requests.last == "lost v1.36.4+k3s1/install.sh sent", "\(requests)")
        }
      }
    }

    private static let faults = [
      Lab.Fault("a mirror without a name in the DNS", at: "K3s' first source", "the next source is used"),
      Lab.Fault("a mirror that is down", at: "the next source: nobody listens", "the next source is used"),
      Lab.Fault(
        "a mirror that drips ten bytes a second", at: "the next source",
        "given up after 30 s, the next is used"),
      Lab.Fault(
        "another program, with another hash", at: "the next source", "never executed, the next is used"),
      Lab.Fault("one byte is another", at: "the next source", "never executed, the next is used"),
      Lab.Fault("the last byte is missing", at: "the next source", "never executed, the next is used"),
      Lab.Fault(
        "the network is lost for a minute, half of K3s having arrived",
        at: "the last source, and then all of them",
        "tried again until it is back"),
    ]

    @Test("Without DNS the console says so, within the stage's deadline")
    func deadDNS() async throws {
      let outcome = try await Lab.verify(
        try await Self.payload(
          binaries: ["https://no-such-mirror.invalid"], script: "https://no-such-mirror.invalid/install.sh",
          deadlines: ["download": 40]),
        as: "dead-dns", ["--warm"],
        faults: [
          Lab.Fault(
            "DNS is dead", at: "every source", "`download` fails within its deadline, and says to check DNS")
        ])
      Lab.expectFailure(
        outcome, in: "download", ["not done within 40 s", "no-such-mirror.invalid", "check DNS"], deadline: 40
      )
      #expect(outcome.names("failed").contains("k3s-binary"))
    }
  }
}
