import Foundation
import TestSupport
import Testing

/// Building with all but the distribution: a stand-in on `PATH` gives the root file system that mmdebstrap would.
@Suite(
  "k3seed image build", .enabled(if: BuildHost.isAble, "mke2fs, qemu-img or dpkg-query is not installed"))
struct ImageBuildTests {
  @Test("A root file system becomes a disk that starts, with a record of what is in it")
  func built() async throws {
    try await withHost { host in
      try host.standIn(
        #"""
        printf '%s\n' "$@" >"$K3SEED_CACHE/arguments"
        for archive; do :; done
        root=$(mktemp -d)
        mkdir -p "$root/boot" "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/home/debian"
        echo kernel >"$root/boot/vmlinuz-6.1.0-9-cloud"
        echo initrd >"$root/boot/initrd.img-6.1.0-9-cloud"
        for package in 'cloud-init 22.4.2-1' 'linux-image-6.1.0-9-cloud-amd64 6.1.99-1' \
          'linux-image-cloud-amd64 6.1.100-1' 'systemd 252.1' 'bash 5.2'; do
          printf 'Package: %s\nStatus: install ok installed\nVersion: %s\nArchitecture: amd64\nMaintainer: x\nDescription: x\n\n' \
            "${package% *}" "${package#* }"
        done >"$root/var/lib/dpkg/status"
        echo mine >"$root/home/debian/file"
        chmod 4750 "$root/home/debian/file"
        tar -C "$root" --owner=1234 --group=99 --numeric-owner -cf "$archive" .
        rm -r "$root"
        """#)
      let outcome = try await host.build()
      #expect(outcome.status == 0 && outcome.output.isEmpty, "\(outcome.errors)")
      #expect(
        outcome.findings.count == 3 && outcome.findings[2].hasPrefix("debian-12 is here: "),
        "\(outcome.errors)")
      #expect(host.images == [".debian-12-\(host.architecture).lock", "debian-12-\(host.architecture)"])
      #expect(host.place.names == ["disk.initrd", "disk.qcow2", "disk.vmlinuz", "image.json"])
      #expect(
        try String(contentsOf: host.place.appendingPathComponent("disk.vmlinuz"), encoding: .utf8)
          == "kernel\n")
      #expect(
        try String(contentsOf: host.place.appendingPathComponent("disk.initrd"), encoding: .utf8)
          == "initrd\n")

      let list = try await host.k3seed(["image", "list"]).text
      #expect(
        list.contains("mmdebstrap bookworm, cloud-init 22.4.2-1, linux 6.1.99-1, systemd 252.1\n"), "\(list)")

      // What a guest will see: room, the label that fstab names, and owners and modes as they were.
      let raw = host.root.appendingPathComponent("disk.raw").path
      let disk = host.place.appendingPathComponent("disk.qcow2").path
      let seen = try await Tool.run(
        [
          "sh", "-c",
          #"""
          PATH="$PATH:/usr/sbin:/sbin"
          qemu-img convert -O raw "$1" "$2" && e2label "$2" && stat -c %s "$2" && e2fsck -fn "$2" >/dev/null 2>&1 &&
            debugfs -R 'stat /home/debian/file' "$2" 2>/dev/null
          """#, "sh", disk, raw,
        ])
      #expect(seen.status == 0, "\(seen.errors)")
      #expect(seen.text.hasPrefix("cloudimg-rootfs\n\(10 << 30)\n"), "\(seen.text)")
      #expect(
        seen.text.contains(#/Mode:  04750/#) && seen.text.contains(#/User: +1234 +Group: +99/#),
        "\(seen.text)")

      let arguments = try String(contentsOf: host.cache.appendingPathComponent("arguments"), encoding: .utf8)
      #expect(arguments.contains("\n--format=tar\n") && arguments.contains("\nbookworm\n"))
    }
  }

  @Test("What is there already stays where a build fails")
  func kept() async throws {
    try await withHost { host in
      try host.standIn("exit 25")
      try FileManager.default.createDirectory(at: host.place, withIntermediateDirectories: true)
      try Data("old".utf8).write(to: host.place.appendingPathComponent("mark"))
      #expect(try await host.build().status == 69)
      #expect(host.place.names == ["mark"])
    }
  }

  @Test("Why mmdebstrap failed is said, and nothing is left")
  func failed() async throws {
    try await withHost { host in
      try host.standIn(
        #"""
        echo 'I: automatically chosen mode: root' >&2
        echo 'E: Release file for sid is expired' >&2
        echo 'I: removing tempdir' >&2
        for archive; do :; done
        echo part >"$archive"
        exit 25
        """#)
      let outcome = try await host.build()
      #expect(outcome.status == 69)
      #expect(
        outcome.findings.last
          == "error: debian-12 could not be built: mmdebstrap ended with 25: Release file for sid is expired [image-build]"
      )
      #expect(host.images == [".debian-12-\(host.architecture).lock"])
    }
  }

  @Test("A root file system that is none is refused, and nothing is left")
  func noRoot() async throws {
    try await withHost { host in
      try host.standIn(#"for archive; do :; done; echo 'no archive' >"$archive""#)
      let outcome = try await host.build()
      #expect(outcome.status == 69)
      #expect(
        outcome.findings.last?.hasPrefix(
          "error: debian-12 could not be built: making the file system ended with 2: tar: ")
          == true, "\(outcome.errors)")
      #expect(host.images == [".debian-12-\(host.architecture).lock"])
    }
  }

  @Test(
    "Who stops it has mmdebstrap tidy up, and then goes by the signal", arguments: ["INT", "TERM", "HUP"])
  func stopped(signal: String) async throws {
    try await withHost { host in
      // As mmdebstrap does, it says something when it is stopped, and takes a while.
      try host.standIn(
        #"""
        trap 'echo "I: received signal" >&2; sleep 0.5; rm "$K3SEED_CACHE/tree"; exit 1' TERM
        echo tree >"$K3SEED_CACHE/tree"
        while :; do sleep 0.1; done
        """#)
      // A shell starts what runs in the background with interrupts ignored, which python does not.
      let outcome = try await Tool.run(
        [
          "python3", "-c",
          """
          import os, signal, subprocess, sys, time
          program = subprocess.Popen(sys.argv[2:])
          while not os.path.exists(os.path.join(os.environ["K3SEED_CACHE"], "tree")): time.sleep(0.05)
          program.send_signal(getattr(signal, "SIG" + sys.argv[1]))
          print(signal.Signals(-program.wait(timeout=30)).name)
          """, signal, Tool.k3seed, "image", "build", "debian-12",
        ], environment: host.environment)
      #expect(outcome.text == "SIG\(signal)\n", "\(outcome.errors)")
      #expect(host.cache.names == ["images"], "what mmdebstrap made is there still")
      #expect(host.images == [".debian-12-\(host.architecture).lock"])
    }
  }

  @Test("Without mmdebstrap it says how to get it, and makes nothing")
  func missing() async throws {
    try await withHost { host in
      let outcome = try await Tool.k3seed(
        ["image", "build", "debian-12"],
        environment: ["PATH": host.root.path, "K3SEED_CACHE": host.cache.path])
      #expect(outcome.status == 69)
      #expect(
        outcome.errors
          == "error: mmdebstrap is not on this machine; install it: apt install mmdebstrap [tool-missing]\n")
      #expect(host.cache.names == [])
    }
  }

  @Test(
    "An image for an architecture whose programs do not run here is refused with what to do",
    .enabled(if: !BuildHost.emulatesOther, "this kernel runs programs of the other architecture, too"))
  func foreign() async throws {
    try await withHost { host in
      let other = BuildHost.other
      let outcome = try await Tool.k3seed(
        ["image", "build", "debian-13", "--arch", other], environment: ["K3SEED_CACHE": host.cache.path])
      #expect(outcome.status == 69)
      #expect(
        outcome.errors
          == "error: an image for \(other) cannot be built on \(host.architecture); run k3seed image pull debian-13 "
          + "--arch \(other), or install qemu-user-static, with which programs for \(other) run here [image-build]\n"
      )
    }
  }

  /// The real thing, from the distribution's packages: minutes, and half a gigabyte.
  @Test(
    "Debian's packages become an image",
    .enabled(if: BuildHost.buildsForReal, "K3SEED_BUILD_IMAGES is not set"), .timeLimit(.minutes(30)),
    arguments: ["debian-12", "debian-13"])
  func real(name: String) async throws {
    try await withHost { host in
      let outcome = try await Tool.k3seed(
        ["image", "build", name], environment: ["K3SEED_CACHE": host.cache.path])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let list = try await host.k3seed(["image", "list"]).text
      #expect(
        list.contains(try Regex(#"(?m)^\#(name) .* MiB  mmdebstrap .*cloud-init \d.*linux \d.*systemd \d"#)),
        "\(list)")
    }
  }

  private func withHost(_ body: (BuildHost) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      let host = BuildHost(root: folder)
      try FileManager.default.createDirectory(at: host.cache, withIntermediateDirectories: true)
      try await body(host)
    }
  }
}

/// A machine whose mmdebstrap is a script of the test's.
private struct BuildHost {
  var root: URL

  static let isAble = ["mke2fs", "qemu-img", "dpkg-query"].allSatisfy { name in
    Tool.has(name) || FileManager.default.isExecutableFile(atPath: "/usr/sbin/\(name)")
  }
  static let buildsForReal = ProcessInfo.processInfo.environment["K3SEED_BUILD_IMAGES"] != nil

  var cache: URL { root.appendingPathComponent("cache") }
  var place: URL { cache.appendingPathComponent("images/debian-12-\(architecture)") }
  var images: [String]? { cache.appendingPathComponent("images").names }

  static let architecture: String = {
    #if arch(x86_64)
      "x86_64"
    #else
      "aarch64"
    #endif
  }()
  static let other = architecture == "x86_64" ? "aarch64" : "x86_64"
  /// Whether programs of the other architecture run here, too.
  static let emulatesOther = FileManager.default.fileExists(
    atPath: "/proc/sys/fs/binfmt_misc/qemu-\(other)")

  var architecture: String { Self.architecture }

  var environment: [String: String] {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return ["PATH": "\(root.path)/bin:\(path)", "K3SEED_CACHE": cache.path]
  }

  /// mmdebstrap's arguments end with the suite and the archive.
  func standIn(_ script: String) throws {
    let bin = root.appendingPathComponent("bin")
    try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
    let url = bin.appendingPathComponent("mmdebstrap")
    try Data("#!/bin/sh\n# A stand-in for mmdebstrap.\nset -eu\n\(script)\n".utf8).write(to: url)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: url.path)
  }

  func build() async throws -> Tool.Outcome { try await k3seed(["image", "build", "debian-12"]) }

  func k3seed(_ arguments: [String]) async throws -> Tool.Outcome {
    try await Tool.k3seed(arguments, environment: environment)
  }
}
