import Foundation
import TestSupport
import Testing

extension Machines {
  /// What the host does wrong, and what is left of a verification: nothing. These need QEMU, and no image.
  @Suite(
    "The host and what is left on it", .serialized,
    .enabled(if: Tool.has("qemu-system-x86_64"), "needs qemu-system-x86_64"))
  struct HostTests {
    /// A disk that the firmware boots, whose first sector does something.
    static func disk(_ code: [UInt8], in folder: URL) throws -> String {
      var sector = code + [UInt8](repeating: 0, count: 510 - code.count) + [0x55, 0xAA]
      // One partition, so that it is a disk by any measure: from sector 1, Linux.
      sector.replaceSubrange(446..<462, with: [0x80, 0, 2, 0, 0x83, 0, 3, 0, 1, 0, 0, 0, 0xFF, 7, 0, 0])
      let path = folder.appendingPathComponent("disk.raw").path
      try Data(sector + [UInt8](repeating: 0, count: 1 << 20)).write(to: URL(fileURLWithPath: path))
      return path
    }

    /// Gives control back to the firmware, which finds nothing else: `int 0x18`.
    static let givesUp: [UInt8] = [0xCD, 0x18]
    /// Stands still: `jmp $`.
    static let standsStill: [UInt8] = [0xEB, 0xFE]

    /// The processes and files that belong to a folder for temporary files.
    static func leftovers(_ temporary: URL) async throws -> [String] {
      let processes = try await Tool.run(["ps", "-eo", "pid,args"]).text.split(separator: "\n")
        .filter { $0.contains(temporary.path) && !$0.contains(" ps ") }.map(String.init)
      let files =
        (FileManager.default.enumerator(at: temporary, includingPropertiesForKeys: nil)?.allObjects ?? [])
        .compactMap { ($0 as? URL)?.path }.filter { $0.contains("/verify-") }
      return processes + files
    }

    /// Waits for something that must come, and says whether it did.
    static func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
      for _ in 0..<100 {
        if try await condition() { return true }
        // Nothing tells when a process or a file is gone, so it is looked for, ten seconds at most.
        try await Task.sleep(for: .milliseconds(100))
      }
      return false
    }

    @Test("A disk that nothing can be booted from is INFRA, at once")
    func unbootable() async throws {
      try await withTemporaryDirectory { folder in
        let disk = try Self.disk(Self.givesUp, in: folder)
        let outcome = try await Lab.verify(
          "#cloud-config\n{}\n", as: "unbootable", ["--accel", "tcg", "--memory", "256"], image: disk,
          environment: ["TMPDIR": folder.path])
        #expect(outcome.verdict == "INFRA" && outcome.status == 69, "\(outcome.text)")
        #expect(outcome.cause == "image-unbootable")
        #expect(try await Self.leftovers(folder) == [])
      }
    }

    @Test(
      "A disk with a backing file, which QEMU would open, is refused before anything is started",
      .enabled(if: Tool.has("qemu-img"), "needs qemu-img"))
    func backingFile() async throws {
      try await withTemporaryDirectory { folder in
        let disk = folder.appendingPathComponent("trap.qcow2").path
        let made = try await Tool.run(
          ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", disk, "1M"])
        try #require(made.status == 0, "\(made.errors)")
        let outcome = try await Tool.k3seed(
          ["verify", "-", "--image", disk, "--accel", "tcg"], input: "#cloud-config\n{}\n",
          environment: ["TMPDIR": folder.path])
        #expect(outcome.status == 1, "\(outcome.text)")
        #expect(outcome.errors.contains("\(disk): error: refers to a backing file, which QEMU would open"))
        #expect(try await Self.leftovers(folder) == [])
      }
    }

    @Test("The disk and the console are kept where that is asked for, and the image is as it was")
    func keeps() async throws {
      try await withTemporaryDirectory { folder in
        let disk = try Self.disk(Self.givesUp, in: folder)
        let before = try Data(contentsOf: URL(fileURLWithPath: disk))
        try Data("#cloud-config\n{}\n".utf8).write(to: folder.appendingPathComponent("user-data"))
        // A path that counts from here, not from the folder of what is kept.
        let outcome = try await Tool.run(
          [
            Tool.k3seed, "verify", "user-data", "--image", "./disk.raw", "--accel", "tcg", "--memory", "256",
            "--keep",
            "kept",
          ], environment: ["TMPDIR": folder.path], directory: folder.path)
        #expect(outcome.status == 69, "\(outcome.text)")
        let console = try String(
          contentsOf: folder.appendingPathComponent("kept/console.log"), encoding: .utf8)
        #expect(console.contains("SeaBIOS"))
        let kept = try Data(contentsOf: folder.appendingPathComponent("kept/disk.qcow2"))
        #expect(kept.starts(with: Array("QFI".utf8)))
        #expect(try Data(contentsOf: URL(fileURLWithPath: disk)) == before)
        #expect(try await Self.leftovers(folder) == [])
      }
    }

    @Test("A folder where the disk is to be kept is refused in one line, and nothing is left")
    func unprepared() async throws {
      try await withTemporaryDirectory { folder in
        let disk = try Self.disk(Self.givesUp, in: folder)
        let kept = folder.appendingPathComponent("kept")
        try FileManager.default.createDirectory(
          at: kept.appendingPathComponent("disk.qcow2"), withIntermediateDirectories: true)
        let failure = await #expect(throws: Lab.Failure.self) {
          try await Lab.verify(
            "#cloud-config\n{}\n", as: "unprepared", ["--accel", "tcg", "--keep", kept.path], image: disk,
            environment: ["TMPDIR": folder.path])
        }
        let line = "\(kept.path)/disk.qcow2: error: is a folder; name a file in it [file-place]"
        #expect(failure?.message.contains(line) == true, "\(failure?.message ?? "")")
        #expect(try await Self.leftovers(folder) == [])
      }
    }

    @Test("Without QEMU it is said what to install")
    func withoutQEMU() async throws {
      try await withTemporaryDirectory { folder in
        let disk = try Self.disk(Self.givesUp, in: folder)
        let outcome = try await Lab.verify(
          "#cloud-config\n{}\n", as: "no-qemu", image: disk, environment: ["PATH": "\(folder.path)/bin"])
        #expect(outcome.verdict == "INFRA" && outcome.status == 69)
        #expect(outcome.cause == "qemu-missing")
        #expect(outcome.message == "qemu-system-x86_64 is not on this machine")
      }
    }

    @Test(
      "Nothing is left when the verification is killed or interrupted, and the disk is as it was",
      arguments: [SIGKILL, SIGINT, SIGTERM, SIGHUP])
    func killed(by signal: Int32) async throws {
      try await withTemporaryDirectory { folder in
        let disk = try Self.disk(Self.standsStill, in: folder)
        let before = try Data(contentsOf: URL(fileURLWithPath: disk))
        try Data("#cloud-config\n{}\n".utf8).write(to: folder.appendingPathComponent("user-data"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Tool.k3seed)
        process.arguments = [
          "verify", folder.appendingPathComponent("user-data").path, "--image", disk, "--accel", "tcg",
          "--memory", "256",
        ]
        process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": folder.path]) { $1 }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // QEMU, the leash and the scratch folder are there before it is killed.
        #expect(
          try await Self.eventually {
            let found = try await Self.leftovers(folder)
            return found.contains { $0.contains("qemu-system") } && found.contains { $0.contains("leash.sh") }
          })
        kill(process.processIdentifier, signal)
        process.waitUntilExit()
        #expect(try await Self.eventually { try await Self.leftovers(folder) == [] })
        #expect(try await Self.leftovers(folder) == [])
        #expect(try Data(contentsOf: URL(fileURLWithPath: disk)) == before)
      }
    }

    @Test(
      "What a crash of the whole machine left is removed by the next verification, and what is in use is not")
    func swept() async throws {
      try await withTemporaryDirectory { folder in
        let disk = try Self.disk(Self.givesUp, in: folder)
        let own = folder.appendingPathComponent("k3seed-\(getuid())")
        let dead = own.appendingPathComponent("verify-dead00")
        let used = own.appendingPathComponent("verify-used00")
        for place in [dead, used] {
          try FileManager.default.createDirectory(
            at: place, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
          try Data().write(to: place.appendingPathComponent("lock"))
        }
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: own.path)
        let lock = open(used.appendingPathComponent("lock").path, O_RDWR)
        defer { close(lock) }
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        let outcome = try await Lab.verify(
          "#cloud-config\n{}\n", as: "swept", ["--accel", "tcg", "--memory", "256"], image: disk,
          environment: ["TMPDIR": folder.path])
        #expect(outcome.cause == "image-unbootable")
        #expect(!FileManager.default.fileExists(atPath: dead.path))
        #expect(FileManager.default.fileExists(atPath: used.path))
      }
    }

    @Test("A folder of that name that is not the user's alone is not used")
    func foreignFolder() async throws {
      try await withTemporaryDirectory { folder in
        let disk = try Self.disk(Self.givesUp, in: folder)
        let own = folder.appendingPathComponent("k3seed-\(getuid())")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: own.path)
        let outcome = try await Lab.verify(
          "#cloud-config\n{}\n", as: "foreign-folder", ["--accel", "tcg"], image: disk,
          environment: ["TMPDIR": folder.path])
        #expect(outcome.verdict == "INFRA" && outcome.cause == "host")
      }
    }
  }
}
