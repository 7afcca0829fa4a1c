import Foundation
import TestSupport
import Testing

/// What the command does around the machine. In QEMU's place is a script of the test's own, so nothing is booted: it writes
/// to its console, and ends or stands still.
@Suite("k3seed verify around the machine", .enabled(if: Tool.has("qemu-img"), "qemu-img is not installed"))
struct VerifyCommandTests {
  /// Ends at once, and says that it was there.
  static let ends = "echo 'SeaBIOS, or so'; touch started; exit 3"

  @Test(
    "The disk and the console that are kept are for nobody else, in a folder that was there, from their first byte",
    arguments: [false, true])
  func keeps(isAgain: Bool) async throws {
    try await withHost(Self.ends) { host in
      let kept = host["kept"]
      try FileManager.default.createDirectory(at: kept, withIntermediateDirectories: false)
      for name in isAgain ? ["disk.qcow2", "console.log", "console.log.partial"] : [] {
        _ = try kept[name].holding("of another time")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: kept[name].path)
      }
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: kept.path)
      let outcome = try await Self.verify(host, ["--keep", "kept"])
      #expect(outcome.status == 69 && outcome.text.contains("[qemu-failed]"), "\(outcome.text)")
      #expect(kept.names == ["console.log", "disk.qcow2"])
      for name in kept.names ?? [] { #expect(kept[name].mode == "0600", "\(name)") }
      #expect(kept["disk.qcow2"].bytes?.starts(with: Array("QFI".utf8)) == true)
      #expect(kept["console.log"].bytes.map { String(decoding: $0, as: UTF8.self) } == "SeaBIOS, or so\n\n")
      // How it was when qemu-img began.
      #expect(host["seen"].bytes.map { String(decoding: $0.prefix(10), as: UTF8.self) } == "-rw-------")
      #expect(kept.mode == "0755", "the folder is the user's")
    }
  }

  @Test("A disk that cannot be made is the host's fault, and said in one line")
  func noDisk() async throws {
    try await withHost(Self.ends) { host in
      try FileManager.default.createDirectory(
        at: host["kept"]["disk.qcow2"], withIntermediateDirectories: true)
      let outcome = try await Self.verify(host, ["--keep", "kept", "--report", "json=r.json"])
      #expect(outcome.status == 69)
      let cause = try Self.cause(host["r.json"])
      #expect(cause["code"] == "overlay")
      #expect(cause["message"] == "kept/disk.qcow2 cannot be made: File exists")
      #expect(!FileManager.default.fileExists(atPath: host["started"].path))
    }
  }

  // MARK: - The host

  static let machine = ["--image", "./disk.raw", "--arch", "x86_64", "--accel", "tcg"]

  /// A folder with user-data, a disk, and a stand-in for QEMU.
  private func withHost(_ qemu: String, _ body: (URL) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let host = folder.resolvingSymlinksInPath()
      let bin = host["bin"]
      try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: false)
      let image = try #require(Tool.find("qemu-img"))
      let programs = [
        "qemu-system-x86_64": qemu,
        "qemu-img": #"for last; do :; done; ls -ln "$last" >seen; exec \#(image) "$@""#,
      ]
      for (name, text) in programs {
        _ = try bin[name].holding("#!/bin/sh\n\(text)\n")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: bin[name].path)
      }
      _ = try host["user-data"].holding("#cloud-config\n{}\n")
      // A disk by any measure: the end of its first sector says so.
      try Data([UInt8](repeating: 0, count: 510) + [0x55, 0xAA] + [UInt8](repeating: 0, count: 1 << 20))
        .write(to: host["disk.raw"])
      try await body(host)
    }
  }

  private static func environment(_ host: URL) -> [String: String] {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return [
      "PATH": "\(host["bin"].path):\(path)", "TMPDIR": host.path, "K3SEED_CACHE": host["cache"].path,
      "k3seed": Tool.k3seed,
    ]
  }

  /// Runs the command in the host's folder, with a mask that lets everybody read.
  private static func verify(
    _ host: URL, _ arguments: [String], file: [String] = ["user-data"], before: String = "", after: String = ""
  ) async throws -> Tool.Outcome {
    try await Tool.run(
      ["/bin/sh", "-c", #"umask 022; \#(before) "$k3seed" verify "$@" \#(after)"#, "sh"] + file + machine
        + arguments,
      environment: environment(host), directory: host.path)
  }

  private static func cause(_ report: URL) throws -> [String: String] {
    let document = try JSONSerialization.jsonObject(with: Data(contentsOf: report)) as? [String: Any]
    return try #require(document?["cause"] as? [String: String])
  }

  /// Waits for something that must come, and says whether it did.
  private static func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
    for _ in 0..<200 {
      if try await condition() { return true }
      // Nothing tells when a process or a file is there or gone, so it is looked for, twenty seconds at most.
      try await Task.sleep(for: .milliseconds(100))
    }
    return false
  }
}
