import Diagnostics

/// A virtual machine to be: all that QEMU's command line says, and nothing else.
struct Machine: Hashable, Sendable {
  /// Where the guest finds its user-data. The address lies in QEMU's user network and is no port of the host.
  ///
  /// In a cluster that network must not be one of the nodes' own: those are private ones, between which nobody
  /// translates addresses. So it is one of those that are for documentation (RFC 5737).
  static func seedAddress(inCluster: Bool) -> String { inCluster ? "192.0.2.100" : "10.0.2.100" }
  /// QEMU's own address in that network, by which the guest gets out where it may.
  static func routerAddress(inCluster: Bool) -> String { inCluster ? "192.0.2.2" : "10.0.2.2" }
  /// Where this one finds it.
  var seedAddress: String { Self.seedAddress(inCluster: wire != nil) }

  /// How the disk is used.
  enum Disk: Hashable, Sendable {
    /// Changes go into a temporary file that has no name, so that it goes with QEMU however that ends.
    case discarded(Image)
    /// A qcow2 file of one's own on top of the image; changes stay in it.
    case overlay(String)
    /// As `discarded`, on top of a qcow2 overlay.
    case discardedOverlay(String)
  }

  /// What it starts from.
  var image: Image
  /// The disk.
  var disk: Disk
  /// What runs its instructions.
  var accelerator: Accelerator
  /// Virtual processors.
  var cpus: Int
  /// Memory in MiB.
  var memory: Int
  /// A folder for sockets and scripts.
  var scratch: String
  /// A saved state to go on from, instead of starting.
  var resumesFrom: String?
  /// A second network, which other machines are on.
  var wire: Wire?
  /// What the guest reaches besides its seed and the mirror.
  var network = GuestNetwork.seed

  /// How a machine is on a network with others: one of them has a hub in its QEMU, and the others a socket to it.
  struct Wire: Hashable, Sendable {
    /// The interface's hardware address.
    var hardware: String
    /// The sockets of the others where it has the hub; its own socket otherwise.
    var sockets: [String]
    /// Whether it has the hub.
    var isHub: Bool
  }

  /// The program.
  var program: HostTool { .qemu(image.architecture) }

  /// The arguments of `program`.
  var arguments: [String] {
    // Nothing that the guest does not need, not even firmware for booting from the network.
    var options = ["-nodefaults", "-no-user-config", "-display", "none", "-name", "k3seed-verify"]
    options += sandbox + board
    options += ["-accel", accelerator.option, "-cpu", accelerator.cpu]
    options += ["-smp", String(cpus), "-m", String(memory), "-rtc", "base=utc"]
    options += drive
    options += start
    options += [
      "-netdev",
      "user,id=net\(wire == nil ? "" : ",net=192.0.2.0/24")\(restriction),guestfwd=tcp:\(seedAddress):80-cmd:\(quoted(seedCommand))",
      "-device", "virtio-net-pci,netdev=net,romfile=",
      // Without it the first keys of a guest can wait for minutes.
      "-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random",
      "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
      "-chardev", "socket,id=control,path=\(quoted("\(scratch)/control"))", "-mon",
      "chardev=control,mode=control",
      "-device", "virtio-serial-pci", "-chardev", "socket,id=probe,path=\(quoted("\(scratch)/probe"))",
      "-device", "virtserialport,chardev=probe,name=\(Probe.port)",
    ]
    options += wireOptions
    // `exec:` is the one kind of state file that every QEMU since 2.0 reads.
    if let resumesFrom { options += ["-incoming", "exec:cat \(resumesFrom.shellQuoted)"] }
    return options
  }

  /// QEMU's seccomp filter, which only Linux has. It may start programs: libslirp answers requests for the seed by one,
  /// and a saved state is read by another. `elevateprivileges=deny` would end that program, as it forbids `setsid`
  /// (QEMU's `softmmu/qemu-seccomp.c`); the kernel gives nobody more rights in any case, as a filter by those who are not root
  /// needs `no_new_privs`.
  private var sandbox: [String] {
    #if os(Linux)
      ["-sandbox", "on,obsolete=deny,resourcecontrol=deny"]
    #else
      []
    #endif
  }

  /// `restrict` leaves the guest DHCP, ARP and the addresses of `guestfwd` (libslirp's `ip_input.c`, `tcp_input.c` and
  /// `udp.c`). Not every release of libslirp holds UDP over IPv6 to it, so there is no IPv6.
  private var restriction: String { network == .seed ? ",restrict=on,ipv6=off" : "" }

  /// Answers a request of the guest. libslirp splits it into words by GLib's `g_shell_parse_argv`, whose quotes are the
  /// shell's.
  private var seedCommand: String { "/bin/sh \("\(scratch)/seed.sh".shellQuoted)" }

  /// Every board writes its firmware's messages to the serial console, where they can be evidence.
  private var board: [String] {
    switch image.architecture {
    case .x86_64: ["-machine", "q35,graphics=off"]
    case .aarch64:
      image.boot == .firmware ? ["-machine", "virt", "-bios", "QEMU_EFI.fd"] : ["-machine", "virt"]
    }
  }

  private var drive: [String] {
    let (path, format, discards) =
      switch disk {
      case .discarded(let image): (image.disk, image.format, true)
      case .overlay(let path): (path, .qcow2, false)
      case .discardedOverlay(let path): (path, .qcow2, true)
      }
    // A path that begins with a slash is one for QEMU, and no protocol (`path_has_protocol` in its block.c).
    let place = path.isEmpty ? "" : (try? Files.absolute(path)) ?? path
    // Nobody needs the disk after a power cut of the host, so nothing waits for it. For a QEMU that is killed the kind
    // of cache is no matter: what the guest writes is with the host at once, but where in a qcow2 file it is is
    // written down when the guest flushes, so what went to new places since then is lost (QEMU's block/qcow2-cache.c
    // and bdrv_co_flush in block/io.c; tried with `unsafe`, `writeback` and `none`).
    return [
      "-drive",
      "file=\(quoted(place)),format=\(format.rawValue),if=virtio,cache=unsafe,snapshot=\(discards ? "on" : "off")",
    ]
  }

  /// Source: qemu(1), version 7.2, on `-netdev stream` and `-netdev hubport`.
  private var wireOptions: [String] {
    guard let wire else { return [] }
    var options: [String] = []
    func socket(_ name: String, _ path: String) {
      options += [
        "-netdev",
        "stream,id=\(name),server=\(wire.isHub ? "on" : "off"),addr.type=unix,addr.path=\(quoted(path))",
      ]
    }
    if wire.isHub {
      options += ["-netdev", "hubport,id=wire,hubid=0"]
      for (index, path) in wire.sockets.enumerated() {
        socket("node\(index)", path)
        options += ["-netdev", "hubport,id=port\(index),hubid=0,netdev=node\(index)"]
      }
    } else {
      for path in wire.sockets { socket("wire", path) }
    }
    return options + ["-device", "virtio-net-pci,netdev=wire,mac=\(wire.hardware),romfile="]
  }

  /// Which datasource and where its seed is: in SMBIOS where firmware boots the image, whose kernel command line is
  /// its own; on the kernel command line where QEMU boots it, as without firmware Arm has no SMBIOS.
  private var start: [String] {
    let source = "ds=nocloud-net;s=http://\(seedAddress)/"
    switch image.boot {
    case .firmware: return ["-smbios", "type=1,serial=\(quoted(source))"]
    case .kernel(let kernel, let initrd, let root):
      let console = image.architecture == .x86_64 ? "ttyS0" : "ttyAMA0"
      // loglevel=6 shows the line that proves the accelerator, and not every device.
      return [
        "-kernel", kernel, "-initrd", initrd, "-append",
        "root=\(root) rw console=\(console) loglevel=6 \(source)",
      ]
    }
  }

  /// A value within an option of QEMU, which ends at a comma unless that is doubled.
  private func quoted(_ text: String) -> String {
    text.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }

}
