import Secrets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension ImageStore {
  /// Makes an image of Debian from its packages, for where nothing can be downloaded from a publisher of images.
  ///
  /// It is what Debian's own cloud image is as far as user-data can tell, with these differences: QEMU starts its
  /// kernel itself, so it has no boot loader; the root file system fills the disk from the start; and it makes host keys
  /// of one kind only (see `configuration`). No root is needed: mmdebstrap works in a user namespace, and the file
  /// system is filled under fakeroot.
  ///
  /// - Parameters:
  ///   - item: what to build.
  ///   - mirror: where the packages come from; nil for mmdebstrap's own choice.
  ///   - say: told what is being done, a line at a time.
  /// - Returns: what was made.
  @discardableResult
  public func build(
    _ item: CatalogueImage, mirror: String? = nil, say: @Sendable (String) -> Void
  ) async throws -> ImageRecord {
    guard let suite = item.suite else {
      throw ImageError.request(
        "image-build", "\(item.name) cannot be built here: only Debian's images can",
        help: "run k3seed image pull \(item.name)")
    }
    guard item.architecture == Architecture.host || Self.emulates(item.architecture) else {
      let other = item.architecture.rawValue
      throw ImageError.host(
        "image-build",
        "an image for \(other) cannot be built on \(Architecture.host?.rawValue ?? "this machine")",
        help:
          "run k3seed image pull \(item.name) --arch \(other), or install qemu-user-static, with which programs for \(other) run here"
      )
    }
    let isRoot = geteuid() == 0
    for tool in [.mmdebstrap, .mke2fs, .qemuImg] + (isRoot ? [] : [HostTool.fakeroot]) { try tool.require() }

    return try await locked(item) {
      let folder = unfinished(item)
      // What a build left that was killed, or a download that was given up: neither is of use here.
      Files.remove(folder)
      try attempt { try Files.makeFolder("\(folder)/root") }
      defer { Files.remove(folder) }

      say(
        "building \(item.name) for \(item.architecture.rawValue): packages from \(mirror ?? "the distribution's mirror")"
      )
      let archive = "\(folder)/root.tar"
      let packages = try await HostTool.mmdebstrap.run(
        Self.arguments(suite, item.architecture, archive: archive, mirror: mirror), limit: .seconds(3600))
      guard packages.status == 0 else { throw Self.failure(item, "mmdebstrap", packages) }

      say("building \(item.name): file system")
      let script = ["-c", Self.diskScript, "disk.sh", archive, folder, "\(folder)/root", "10G"]
      let disk =
        isRoot
        ? try await HostTool.shell.run(script, limit: .seconds(600))
        : try await HostTool.fakeroot.run(["--", "sh"] + script, limit: .seconds(600))
      guard disk.status == 0 else { throw Self.failure(item, "making the file system", disk) }
      Files.remove("\(folder)/root")

      let versions = Self.versions(String(decoding: disk.output, as: UTF8.self))
      return try finish(
        item, origin: "mmdebstrap \(suite)", algorithm: .sha256, disk: "disk.qcow2", kernel: "disk.vmlinuz",
        initrd: "disk.initrd", packages: versions)
    }
  }

  /// Whether the kernel hands programs of another architecture to QEMU's user emulation (Linux' binfmt_misc, under the
  /// names of the package qemu-user-static).
  private static func emulates(_ architecture: Architecture) -> Bool {
    access("/proc/sys/fs/binfmt_misc/qemu-\(architecture.rawValue)", F_OK) == 0
  }

  /// What it has, beside what is essential and what these need.
  private static func packages(_ architecture: Architecture) -> [String] {
    [
      // The kernel for virtual machines. Its initial RAM disk stays as the distribution makes it, with the drivers of
      // all of them: one with QEMU's alone would save a second of a boot's fifty under TCG.
      "linux-image-cloud-\(architecture.debianName)", "systemd-sysv", "libpam-systemd", "dbus", "udev",
      "kmod",
      // The network, as cloud-init sets it up in Debian's image.
      "netplan.io", "systemd-resolved", "systemd-timesyncd", "iproute2", "netbase", "iputils-ping",
      "cloud-init", "cloud-guest-utils", "openssh-server", "sudo", "procps", "python3",
      // What user-data for K3s reaches for.
      "ca-certificates", "curl", "iptables", "nftables",
    ]
  }

  /// `mmdebstrap`'s arguments. It chooses its mode itself, and cleans up what it made and what it was told about the
  /// host (resolv.conf, logs, the machine's id).
  static func arguments(
    _ suite: String, _ architecture: Architecture, archive: String, mirror: String?
  ) -> [String] {
    [
      "--variant=minbase", "--format=tar", "--architectures=\(architecture.debianName)",
      "--include=\(packages(architecture).joined(separator: ","))",
      "--customize-hook=\(configuration)", suite, archive,
    ] + [mirror].compactMap { $0 }
  }

  /// What packages do not bring. It runs outside of the new root, with its path as `$1`.
  private static let configuration = #"""
    set -eu
    echo debian >"$1/etc/hostname"
    printf '%s\n' '127.0.0.1 localhost' '::1 localhost ip6-localhost ip6-loopback' >"$1/etc/hosts"
    echo 'LABEL=cloudimg-rootfs / ext4 rw,discard,errors=remount-ro 0 1' >"$1/etc/fstab"
    # Without a locale cloud-init would set one that has to be generated, and fail.
    echo LANG=C.UTF-8 >"$1/etc/default/locale"
    # Host keys are made by cloud-init at the first boot. RSA's take half a minute where QEMU translates every instruction;
    # user-data that asks for them gets them.
    rm -f "$1"/etc/ssh/ssh_host_*
    printf '%s\n' 'ssh_genkeytypes: [ed25519]' >"$1/etc/cloud/cloud.cfg.d/01_host_keys.cfg"
    """#

  /// Making the disk, in a shell so that fakeroot sees all of it.
  private static var diskScript: String {
    EmbeddedFiles.all.first { $0.name == "disk.sh" }?.text ?? "exit 127"
  }

  /// The versions of what decides how user-data is dealt with.
  private static func versions(_ lines: String) -> [String: String] {
    var versions: [String: String] = [:]
    for line in lines.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 2 else { continue }
      if ["cloud-init", "systemd"].contains(words[0]) { versions[words[0]] = words[1] }
      // The package of one kernel, and not the one that stands for the newest.
      if words[0].prefixMatch(of: /linux-image-[0-9]/) != nil { versions["linux"] = words[1] }
    }
    return versions
  }

  /// The last lines say why, and best those that are marked as errors.
  private static func failure(
    _ item: CatalogueImage, _ what: String, _ outcome: HostTool.Outcome
  ) -> ImageError {
    let lines = outcome.errors.map { $0.trimmed }.filter { !$0.isEmpty }
    let marked = lines.filter { $0.hasPrefix("E: ") }.map { String($0.dropFirst(3)) }
    let last = (marked.isEmpty ? lines : marked).suffix(4).joined(separator: " | ")
    return .host(
      "image-build", "\(item.name) could not be built: \(what) ended with \(outcome.status): \(last)")
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
