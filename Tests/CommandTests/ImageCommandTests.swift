import Foundation
import TestSupport
import Testing

@Suite(
  "k3seed image", .enabled(if: Tool.has("curl") && Tool.has("python3"), "curl or python3 is not installed"))
struct ImageCommandTests {
  /// Large enough to be interrupted in the middle.
  static let disk =
    Data("QFI".utf8 + [0xFB]) + Data((0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) })

  @Test("list shows the catalogue for both architectures, and what is here")
  func list() async throws {
    try await withPublisher { publisher in
      let before = try await publisher.k3seed(["image", "list"])
      #expect(before.status == 0 && before.errors.isEmpty)
      #expect(before.text.split(separator: "\n").count == 8)
      #expect(
        before.text.contains(#/(?m)^debian-12     x86_64   -  not here: pull or build$/#), "\(before.text)")
      #expect(before.text.contains(#/(?m)^ubuntu-24.04  aarch64  -  not here: pull$/#), "\(before.text)")
      #expect(try await publisher.pull("whole").status == 0)
      let after = try await publisher.k3seed(["image", "list"])
      #expect(
        after.text.contains(#/(?m)^debian-12     x86_64   4 MiB  http://127.0.0.1:\d+/whole/debian-12-/#),
        "\(after.text)")
      try Data().write(to: publisher.place.appendingPathComponent("disk.qcow2"))
      let damaged = try await publisher.k3seed(["image", "list"])
      #expect(damaged.status == 0)
      #expect(
        damaged.text.contains("damaged  disk.qcow2 has 0 bytes, where 4194308 were put"), "\(damaged.text)")
    }
  }

  @Test("pull downloads, checks and keeps an image, that path then leads to", arguments: ["whole", "plain"])
  func pull(how: String) async throws {
    try await withPublisher { publisher in
      let pulled = try await publisher.pull(how)
      #expect(pulled.status == 0 && pulled.output.isEmpty, "\(pulled.errors)")
      // A line for each thing that is done, and no bar, as this is no terminal.
      #expect(
        pulled.findings.count == 3
          && pulled.findings[0].hasPrefix("downloading debian-12 for x86_64 from http://127")
          && pulled.findings[1].hasPrefix("warning: http:// is neither secret nor checked: ")
          && pulled.findings[2] == "debian-12 is here: 4 MiB", "\(pulled.errors)")
      let path = try await publisher.k3seed(["image", "path", "debian-12", "--arch", "x86_64"])
      #expect(path.status == 0 && path.text == publisher.place.path + "/disk.qcow2\n", "\(path.text)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: String(path.text.dropLast()))) == Self.disk)
      #expect(
        publisher.place.deletingLastPathComponent().names == [
          ".debian-12-x86_64.lock", "debian-12-x86_64",
        ])
    }
  }

  @Test("An image that is the publisher's newest is not downloaded again; an older one is replaced")
  func newest() async throws {
    try await withPublisher { publisher in
      #expect(try await publisher.pull("whole").status == 0)
      #expect(try await publisher.pull("whole").errors == "debian-12 is here: 4 MiB\n")
      #expect(try publisher.requests == ["SHA512SUMS -", "\(publisher.file) -", "SHA512SUMS -"])
      let newer = Self.disk + Data([1])
      try await publisher.publish(newer)
      #expect(try await publisher.pull("whole").status == 0)
      #expect(try Data(contentsOf: publisher.place.appendingPathComponent("disk.qcow2")) == newer)
    }
  }

  @Test("A damaged image is downloaded again")
  func repaired() async throws {
    try await withPublisher { publisher in
      #expect(try await publisher.pull("whole").status == 0)
      let disk = publisher.place.appendingPathComponent("disk.qcow2")
      try FileManager.default.removeItem(at: disk)
      try Data("QFI".utf8).write(to: disk)
      let path = try await publisher.k3seed(["image", "path", "debian-12", "--arch", "x86_64"])
      #expect(path.status == 1 && path.output.isEmpty)
      #expect(
        path.errors.hasPrefix("\(publisher.place.path): error: disk.qcow2 has 3 bytes, where "),
        "\(path.errors)")
      #expect(try await publisher.pull("whole").status == 0)
      #expect(try Data(contentsOf: disk) == Self.disk)
    }
  }

  @Test("An image that is not what its publisher says is refused with both digests, and removed")
  func mismatch() async throws {
    try await withPublisher { publisher in
      var other = Self.disk
      other[100] ^= 1
      try other.write(to: publisher.folder.appendingPathComponent(publisher.file))
      let (found, expected) = try await (publisher.sha512(other), publisher.sha512(Self.disk))
      let refused = try await publisher.pull("whole")
      #expect(refused.status == 1 && refused.output.isEmpty)
      let line = try #require(refused.findings.last)
      #expect(
        line.contains("has the sha512 \(found), where SHA512SUMS has \(expected); it was removed; "),
        "\(line)")
      #expect(line.hasSuffix(" [image-checksum]"))
      #expect(publisher.disks == [])
      #expect(try await publisher.k3seed(["image", "path", "debian-12", "--arch", "x86_64"]).status == 2)
    }
  }

  @Test(
    "A list of checksums that does not name the image, or not with a digest, is refused before the download")
  func unnamed() async throws {
    try await withPublisher { publisher in
      let sums = publisher.folder.appendingPathComponent("SHA512SUMS")
      let digest = try await publisher.sha512(Self.disk)
      for text in [
        "", "\(digest)  other.qcow2\n", "\(digest)  \(publisher.file).sig\n", "abc  \(publisher.file)\n",
      ] {
        try Data(text.utf8).write(to: sums)
        let refused = try await publisher.pull("whole")
        #expect(refused.status == 1)
        #expect(
          refused.errors.contains(
            #/^http:[^ ]*/SHA512SUMS: error: has no sha512 of debian-12-genericcloud-amd64.qcow2; /#),
          "\(refused.errors)")
        #expect(try publisher.requests.allSatisfy { $0.hasPrefix("SHA512SUMS") })
      }
    }
  }

  @Test("What the publisher does not have is the network's fault, and names the address")
  func absent() async throws {
    try await withPublisher { publisher in
      try FileManager.default.removeItem(at: publisher.folder.appendingPathComponent(publisher.file))
      let image = try await publisher.pull("whole")
      #expect(image.status == 69)
      #expect(
        image.errors.contains(
          #/http:[^ ]*amd64.qcow2: error: cannot be downloaded: curl: \(22\).* 404.* \[image-download\]/#),
        "\(image.errors)")
      try FileManager.default.removeItem(at: publisher.folder.appendingPathComponent("SHA512SUMS"))
      let sums = try await publisher.pull("whole")
      #expect(
        sums.status == 69 && sums.errors.contains("/SHA512SUMS: error: cannot be downloaded: "),
        "\(sums.errors)")
    }
  }

  @Test(
    "A download that breaks off is kept, and gone on with where the server knows how",
    arguments: ["whole", "plain"])
  func resumed(how: String) async throws {
    try await withPublisher { publisher in
      let cut = try await publisher.pull("cut")
      #expect(cut.status == 69 && cut.errors.contains("curl: (18)"), "\(cut.errors)")
      #expect(publisher.disks.count == 1)
      #expect(try await publisher.k3seed(["image", "path", "debian-12", "--arch", "x86_64"]).status == 2)
      let rest = try await publisher.pull(how)
      #expect(rest.status == 0, "\(rest.errors)")
      #expect(try Data(contentsOf: publisher.place.appendingPathComponent("disk.qcow2")) == Self.disk)
      let half = (Self.disk.count + 1) / 2
      let ranges = try publisher.requests.filter { !$0.hasPrefix("SHA512SUMS") }.map {
        $0.split(separator: " ")[1]
      }
      #expect(ranges == (how == "whole" ? ["-", "bytes=\(half)-"] : ["-", "bytes=\(half)-", "-"]))
    }
  }

  @Test("A part of another release is not gone on with")
  func otherRelease() async throws {
    try await withPublisher { publisher in
      #expect(try await publisher.pull("cut").status == 69)
      try await publisher.publish(Self.disk + Data([1]))
      #expect(try await publisher.pull("whole").status == 0)
      #expect(try publisher.requests.suffix(2) == ["SHA512SUMS -", "\(publisher.file) -"])
    }
  }

  @Test("Who stops it keeps what is there; the program ends by the signal, and curl with it")
  func stopped() async throws {
    try await withPublisher { publisher in
      let stopped = try await publisher.serving(
        #"""
        "$k3seed" image pull debian-12 --arch x86_64 --from "$1/slow" & pid=$!
        tries=0
        until [ -s "$K3SEED_CACHE"/images/.debian-12-x86_64.unfinished/*.part ]; do
          tries=$((tries + 1)); [ "$tries" -lt 200 ] || exit 99; sleep 0.05
        done
        kill -TERM "$pid"; wait "$pid"; echo "status $?"
        ps -A -o args= | grep -c "[c]url .*$1/slow" || :
        """#)
      #expect(stopped.text == "status 143\n0\n", "\(stopped.text) \(stopped.errors)")
      #expect(publisher.disks.count == 1)
      #expect(try await publisher.pull("whole").status == 0)
      let last = try #require(try publisher.requests.last)
      #expect(last.contains("bytes="), "\(last)")
    }
  }

  @Test("Two at once make one download")
  func together() async throws {
    try await withPublisher { publisher in
      let both = try await publisher.serving(
        #"""
        "$k3seed" image pull debian-12 --arch x86_64 --from "$1/slow" & first=$!
        "$k3seed" image pull debian-12 --arch x86_64 --from "$1/slow" & second=$!
        wait "$first" && wait "$second"
        """#)
      #expect(both.status == 0, "\(both.errors)")
      #expect(try publisher.requests.filter { $0.hasPrefix(publisher.file) }.count == 1)
      #expect(try Data(contentsOf: publisher.place.appendingPathComponent("disk.qcow2")) == Self.disk)
    }
  }

  @Test("Without curl it says how to get it", arguments: ["pull"])
  func noCurl(verb: String) async throws {
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.k3seed(
        ["image", verb, "debian-12"], environment: ["PATH": folder.path, "K3SEED_CACHE": folder.path])
      #expect(outcome.status == 69)
      #expect(
        outcome.errors
          == "error: curl is not on this machine; install it: apt install curl, or brew install curl [tool-missing]\n"
      )
      #expect(folder.names == [])
    }
  }

  @Test("remove takes an image away, and what is left of a download")
  func remove() async throws {
    try await withPublisher { publisher in
      let none = try await publisher.k3seed(["image", "remove", "debian-12", "--arch", "x86_64"])
      #expect(none.status == 0 && none.errors == "debian-12 was not here\n")
      #expect(try await publisher.pull("cut").status == 69)
      let part = try await publisher.k3seed(["image", "remove", "debian-12", "--arch", "x86_64"])
      #expect(part.status == 0 && part.errors == "debian-12 is removed\n")
      #expect(publisher.disks == [])
    }
  }

  @Test(
    "What cannot be asked for is refused",
    arguments: [
      (
        ["pull", "debian-11"], 2,
        "error: \"debian-11\" is not an image of the catalogue; did you mean \"debian-12\"? the catalogue has debian-12, "
          + "debian-13, ubuntu-22.04, ubuntu-24.04 [unknown-image]\n"
      ),
      (
        ["pull", "debian-12", "--from", "/folder"], 2,
        "error: \"/folder\" is no address of a folder; begin it with https:// [image-pull]\n"
      ),
      (
        ["build", "ubuntu-24.04"], 2,
        "error: ubuntu-24.04 cannot be built here: only Debian's images can; run k3seed image pull ubuntu-24.04 "
          + "[image-build]\n"
      ),
    ])
  func refused(arguments: [String], status: Int32, message: String) async throws {
    try await withTemporaryDirectory { folder in
      let outcome = try await Tool.k3seed(["image"] + arguments, environment: ["K3SEED_CACHE": folder.path])
      #expect(
        outcome.status == status && outcome.output.isEmpty && outcome.errors == message, "\(outcome.errors)")
      #expect(folder.names == [])
    }
  }

  @Test(
    "Every verb explains itself and what it takes", arguments: ["list", "pull", "build", "path", "remove"])
  func help(verb: String) async throws {
    let outcome = try await Tool.k3seed(["image", verb, "--help"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.text.hasPrefix("OVERVIEW: "))
    #expect(try await Tool.k3seed(["help", "image", verb]).text == outcome.text)
    if verb != "list" {
      #expect(outcome.text.contains("debian-12, debian-13, ubuntu-22.04,"), "\(outcome.text)")
    }
    #expect(try await Tool.k3seed(["image"]).text.contains("\n  \(verb) "))
  }

  @Test(
    "Wrong usage",
    arguments: [["bogus"], ["pull"], ["pull", "a", "b"], ["path", "debian-12", "--arch", "mips"]])
  func usage(arguments: [String]) async throws {
    let outcome = try await Tool.k3seed(["image"] + arguments)
    #expect(outcome.status == 64 && outcome.output.isEmpty && outcome.errors.contains("Usage: k3seed image"))
  }

  /// Publishes a stand-in for debian-12, and gives a cache of the test's own.
  private func withPublisher(_ body: (Publisher) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let publisher = Publisher(root: folder)
      try FileManager.default.createDirectory(at: publisher.folder, withIntermediateDirectories: true)
      try await publisher.publish(Self.disk)
      try await body(publisher)
    }
  }
}

/// A folder that a web server of the test's own publishes while a command runs.
private struct Publisher {
  var root: URL
  let file = "debian-12-genericcloud-amd64.qcow2"

  var folder: URL { root.appendingPathComponent("published") }
  var cache: URL { root.appendingPathComponent("cache") }
  var place: URL { cache.appendingPathComponent("images/debian-12-x86_64") }

  /// What there is of unfinished downloads.
  var disks: [String] {
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: cache.appendingPathComponent("images/.debian-12-x86_64.unfinished").path)
    return names ?? []
  }

  /// The requests so far: file and range.
  var requests: [String] {
    get throws {
      let log = try String(contentsOf: root.appendingPathComponent("log"), encoding: .utf8)
      return log.split(separator: "\n").map { String($0.split(separator: "/", maxSplits: 1)[1]) }
    }
  }

  func publish(_ disk: Data) async throws {
    try disk.write(to: folder.appendingPathComponent(file))
    let sums = try await "\(sha512(Data()))  other.qcow2\n\(sha512(disk))  \(file)\n"
    try Data(sums.utf8).write(to: folder.appendingPathComponent("SHA512SUMS"))
  }

  func sha512(_ data: Data) async throws -> String {
    let outcome = try await Tool.run(["sha512sum"], input: Array(data))
    return String(try #require(outcome.text.split(separator: " ").first))
  }

  func k3seed(_ arguments: [String]) async throws -> Tool.Outcome {
    try await Tool.k3seed(arguments, environment: ["K3SEED_CACHE": cache.path])
  }

  func pull(_ how: String) async throws -> Tool.Outcome {
    try await serving(#"exec "$k3seed" image pull debian-12 --arch x86_64 --from "$1/"# + how + #"""#)
  }

  /// Runs a command of `sh` that finds the server's address as `$1`.
  func serving(_ command: String) async throws -> Tool.Outcome {
    let script = Tool.root.appendingPathComponent("Tests/VerifierTests/Samples/publisher.py").path
    return try await Tool.run(
      [
        "python3", script, folder.path, root.appendingPathComponent("log").path, "sh", "-c", command, "sh",
        "{}",
      ],
      environment: ["k3seed": Tool.k3seed, "K3SEED_CACHE": cache.path])
  }
}
