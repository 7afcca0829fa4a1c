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
      for name in isAgain ? ["disk.qcow2", "console.log"] : [] {
        _ = try kept[name].holding("of another time")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: kept[name].path)
      }
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: kept.path)
      let outcome = try await Self.verify(host, ["--keep", "kept"])
      #expect(outcome.status == 69 && outcome.text.contains("[qemu-failed]"), "\(outcome.text)")
      #expect(kept.names == ["console.log", "disk.qcow2"])
      for name in kept.names ?? [] { #expect(kept[name].mode == "0600", "\(name)") }
      #expect(kept["disk.qcow2"].bytes?.starts(with: Array("QFI".utf8)) == true)
      #expect(kept["console.log"].bytes.map { String(decoding: $0, as: UTF8.self) } == "SeaBIOS, or so\n")
      // How it was when qemu-img began.
      #expect(host["seen"].bytes.map { String(decoding: $0.prefix(10), as: UTF8.self) } == "-rw-------")
      #expect(kept.mode == "0755", "the folder is the user's")
    }
  }

  @Test("A disk that cannot be made is said in one line, before anything is booted")
  func noDisk() async throws {
    try await withHost(Self.ends) { host in
      try FileManager.default.createDirectory(
        at: host["kept"]["disk.qcow2"], withIntermediateDirectories: true)
      let outcome = try await Self.verify(host, ["--keep", "kept", "--report", "json=r.json"])
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(
        outcome.errors == "kept/disk.qcow2: error: is a folder; name a file in it [file-place]\n",
        "\(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: host["started"].path))
    }
  }

  @Test("A report that cannot be written is said before anything is booted, and nothing else is touched")
  func targets() async throws {
    try await withHost(Self.ends) { host in
      _ = try host["old.json"].holding("old")
      let outcome = try await Self.verify(
        host, ["--report", "json=old.json", "--report", "html=new.html", "--report", "junit=none/x.xml"])
      #expect(outcome.status == 2 && outcome.output.isEmpty)
      #expect(
        outcome.errors == "none/x.xml: error: cannot be written: No such file or directory [file]\n",
        "\(outcome.errors)")
      #expect(host["old.json"].bytes == Array("old".utf8) && host.names?.contains("new.html") == false)
      #expect(host.names?.contains("started") == false)
      let folder = try await Self.verify(host, ["--report", "json=."])
      #expect(folder.errors == ".: error: is a folder; name a file in it [file-place]\n", "\(folder.errors)")
      // Whoever reads a pipe gets the report, and not its end before.
      let pipe = try await Self.verify(
        host, ["--report", "json=pipe"], before: "mkfifo pipe; cat pipe >piped & trap wait EXIT;")
      #expect(pipe.status == 69)
      #expect(try Self.cause(host["piped"])["code"] == "qemu-failed")
    }
  }

  @Test("What was found is printed and written wherever it can be, whatever went away meanwhile")
  func delivers() async throws {
    try await withHost("rm -r reports; exit 3") { host in
      let arguments = ["--report", "junit=reports/x.xml", "--report", "json=r.json"]
      for (redirection, isShown) in [("", true), (">/dev/full", false)] {
        try FileManager.default.createDirectory(at: host["reports"], withIntermediateDirectories: false)
        let outcome = try await Self.verify(host, arguments, after: redirection)
        #expect(outcome.status == 69)
        #expect(outcome.text.hasPrefix("INFRA user-data: ") == isShown, "\(outcome.text)")
        #expect(try Self.cause(host["r.json"])["code"] == "qemu-failed")
        let lost = "error: cannot be written: No space left on device [file]\n"
        #expect(outcome.errors.contains(lost) != isShown, "\(outcome.errors)")
        #expect(
          outcome.errors.hasSuffix(
            "reports/x.xml: error: cannot be written: No such file or directory [file]\n"),
          "\(outcome.errors)")
        try FileManager.default.removeItem(at: host["r.json"])
      }
    }
  }

  @Test("In a cluster one node's report that cannot be written takes no other with it")
  func cluster() async throws {
    try await withHost("sleep 1; rm -rf reports; exit 3") { host in
      let nodes = ["a": ["role": "server", "private_ip": "10.0.0.1"], "w": ["role": "agent"]]
      let input = adding("nodes", nodes).merging(["server_private_ip": "10.0.0.1"]) { $1 }
      let rendered = try await Tool.k3seed(
        ["render", "--all", "-o", "nodes"], input: json(input), directory: host.path)
      #expect(rendered.status == 0, "\(rendered.errors)")
      try FileManager.default.createDirectory(at: host["reports"], withIntermediateDirectories: false)
      let arguments = ["--cluster", "nodes", "--report", "junit=reports/x.xml", "--report", "json=r.json"]
      let outcome = try await Self.verify(host, arguments, file: [])
      #expect(outcome.status == 69)
      #expect(outcome.text.contains("INFRA a: ") && outcome.text.contains("INFRA w: "), "\(outcome.text)")
      #expect(outcome.text.hasSuffix("\nINFRA nodes: a cluster of 2 nodes\n"))
      for node in ["a", "w"] {
        #expect(outcome.errors.contains("reports/x-\(node).xml: error: cannot be written: "), "\(node)")
        #expect(try !#require(Self.cause(host["r-\(node).json"])["code"]).contains(" "))
      }
      #expect(outcome.findings.count { $0.hasSuffix(" [file]") } == 2, "\(outcome.errors)")
      let before = try await Self.verify(host, arguments, file: [])
      #expect(before.status == 2 && before.output.isEmpty)
      #expect(before.errors.hasPrefix("reports/x-a.xml: error: "), "\(before.errors)")
    }
  }

  @Test(
    "A snapshot that is not finished goes with the command, however that ends",
    arguments: [SIGKILL, SIGINT, SIGTERM])
  func snapshot(signal: Int32) async throws {
    try await withHost("touch started; exec sleep 600") { host in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: Tool.k3seed)
      process.arguments = ["verify", "user-data", "--warm"] + Self.machine
      process.currentDirectoryURL = host
      process.environment = ProcessInfo.processInfo.environment.merging(Self.environment(host)) { $1 }
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      let snapshots = host["cache"]["snapshots"]
      // The disk is made before the leash starts, and the leash before QEMU.
      #expect(try await Self.eventually { host.names?.contains("started") == true })
      let folder = try #require(snapshots.names?.first)
      #expect(snapshots[folder].mode == "0700" && snapshots[folder]["disk.qcow2"].mode == "0600")
      let names = { (try? FileManager.default.subpathsOfDirectory(atPath: host.path)) ?? [] }
      #expect(names().contains { $0.hasSuffix("/leash.sh") })
      kill(process.processIdentifier, signal)
      process.waitUntilExit()
      #expect(try await Self.eventually { snapshots.names == [] }, "\(snapshots.names ?? [])")
      #expect(try await Self.eventually { !names().contains { $0.contains("verify-") } })
    }
  }

  /// Asks for its seed as a guest would, has its state saved, or says that the saving failed; where it goes on from a
  /// state it ends.
  static func freezing(saves: Bool) -> String {
    """
    exec python3 - "$@" <<'END'
    import json, socket, subprocess, sys
    if "-incoming" in sys.argv:
        print("resumed by", sys.argv[sys.argv.index("-incoming") + 1])
        sys.exit(3)
    options = " ".join(sys.argv[1:])
    folder = options.split("id=control,path=")[1].split("/control")[0]
    control = socket.socket(socket.AF_UNIX)
    control.connect(folder + "/control")
    say = lambda **line: control.sendall(json.dumps(line).encode() + b"\\n")
    say(QMP={"version": {"qemu": {"major": 0, "minor": 0, "micro": 1}}})
    print("[    0.000000] Linux version 0", flush=True)
    with open(folder + "/ask", "w") as ask: ask.write("1 GET /meta-data\\n")
    for line in control.makefile():
        if '"migrate"' in line:
            kind, _, command = json.loads(line)["arguments"]["uri"].partition(":")
            assert kind == "exec"
            if \(saves ? 1 : 0): subprocess.run(["sh", "-c", command], input=b"state", check=True)
            say(event="MIGRATION", data={"status": "\(saves ? "completed" : "failed")"})
        if '"quit"' in line: break
    END
    """
  }

  @Test("What was saved is what the next warm start goes on from, and is for nobody else")
  func saved() async throws {
    try await withHost(Self.freezing(saves: true)) { host in
      let snapshots = host["cache"]["snapshots"]
      for isFirst in [true, false] {
        let outcome = try await Self.verify(host, ["--warm", "--report", "json=r.json"])
        #expect(try Self.cause(host["r.json"])["code"] == "qemu-failed", "\(outcome.text)")
        #expect(outcome.errors.contains("there is no snapshot of this image yet") == isFirst)
        let names = try #require(snapshots.names)
        try #require(names.count == 1)
        let snapshot = snapshots[names[0]]
        #expect(snapshot.names == ["disk.qcow2", "grounds", "state"])
        #expect(snapshot.mode == "0700")
        for name in snapshot.names ?? [] { #expect(snapshot[name].mode == "0600", "\(name)") }
        #expect(snapshot["state"].bytes == Array("state".utf8))
        #expect(outcome.text.contains("resumed by exec:cat '"), "\(outcome.text)")
        #expect(outcome.text.contains("/snapshots/\(names[0])/state'"))
      }
    }
  }

  @Test("A state that is not saved is no snapshot, and no success")
  func unsaved() async throws {
    try await withHost(Self.freezing(saves: false)) { host in
      let outcome = try await Self.verify(host, ["--warm", "--report", "json=r.json"])
      #expect(outcome.status == 69, "\(outcome.text) \(outcome.errors)")
      let cause = try Self.cause(host["r.json"])
      #expect(cause["code"] == "snapshot" && cause["stage"] == "preparation")
      #expect(cause["message"]?.hasPrefix("the machine's state could not be saved in ") == true)
      #expect(host["cache"]["snapshots"].names == [])
    }
  }

  @Test("Lines of the console that were too many, and lines that no probe sent, are said to be missing")
  func leftOut() async throws {
    let script = """
      exec python3 - "$@" <<'END'
      import socket, sys
      options = " ".join(sys.argv[1:])
      probe = socket.socket(socket.AF_UNIX)
      probe.connect(options.split("id=probe,path=")[1].split("/probe")[0] + "/probe")
      probe.sendall(b'garbage\\n' * 3 + b'{"nonce": "another"}\\n')
      for number in range(20001): print("line", number)
      sys.exit(3)
      END
      """
    try await withHost(script) { host in
      let outcome = try await Self.verify(host, ["--keep", "kept", "--report", "json=r.json"])
      #expect(
        outcome.text.contains(
          """
          what is not in this report
            1 earlier line of the console was left out
            4 lines on the probe's channel were not taken: 3 malformed, 1 without the probe's nonce

          """), "\(outcome.text)")
      let document = try JSONSerialization.jsonObject(with: Data(contentsOf: host["r.json"]))
      let console = try #require((document as? [String: Any])?["console"] as? [String])
      #expect(console.count == 20_001)
      #expect(console.prefix(2) == ["--- k3seed verify: 1 earlier line was left out ---", "line 1"])
      let log = String(decoding: host["kept"]["console.log"].bytes ?? [], as: UTF8.self)
      #expect(log == console.map { "\($0)\n" }.joined())
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
    _ host: URL, _ arguments: [String], file: [String] = ["user-data"], before: String = "",
    after: String = ""
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
