import Foundation
import TestSupport
import Testing

@testable import Verifier

@Suite("QEMU's command line")
struct MachineTests {
  static let image = Image(
    name: "debian-12", architecture: .x86_64, disk: "/images/a,b.qcow2", format: .qcow2, boot: .firmware)

  static func machine(
    _ image: Image = image, disk: Machine.Disk? = nil, accelerator: Accelerator = .tcg
  ) -> Machine {
    Machine(
      image: image, disk: disk ?? .discarded(image), accelerator: accelerator, cpus: 2, memory: 3072,
      scratch: "/tmp/k3seed-0/verify-aB,c")
  }

  /// The values of an option, in order.
  static func values(_ option: String, of machine: Machine) -> [String] {
    let arguments = machine.arguments
    return arguments.indices.filter { arguments[$0] == option }.map { arguments[$0 + 1] }
  }

  @Test("A comma in a path is doubled, so that QEMU does not end the option there")
  func commas() {
    let machine = Self.machine()
    #expect(
      Self.values("-drive", of: machine) == [
        "file=/images/a,,b.qcow2,format=qcow2,if=virtio,cache=unsafe,snapshot=on"
      ])
    #expect(
      Self.values("-chardev", of: machine).contains("socket,id=probe,path=/tmp/k3seed-0/verify-aB,,c/probe"))
  }

  @Test(
    "The command that answers the guest is the same two words, whatever the folder for temporary files is called",
    arguments: ["/tmp", "/tmp/a b", "/tmp/it's", "/tmp/,a,,b", #"/tmp/"$HOME" \`id` ; & # *"#, "/tmp/\n\t"])
  func seedCommand(folder: String) async throws {
    var machine = Self.machine()
    machine.scratch = folder
    let option = try #require(Self.values("-netdev", of: machine).first)
    let parts = option.split(separator: "-cmd:", maxSplits: 1)
    #expect(
      parts.count == 2 && parts[0] == "user,id=net,restrict=on,ipv6=off,guestfwd=tcp:10.0.2.100:80",
      "\(option)")
    // QEMU takes two commas for one; what would end the option there has only one.
    let command = try #require(parts.last).replacing(",,", with: "\u{0}")
    #expect(!command.contains(","), "\(option)")
    let words = try await Tool.run([
      "sh", "-c", #"printf '%s\0' "# + command.replacing("\u{0}", with: ","),
    ])
    #expect(words.text.split(separator: "\0") == ["/bin/sh", "\(folder)/seed.sh"], "\(option)")
  }

  @Test("The guest reaches its seed and nothing else, alone and in a cluster, unless the network is opened")
  func network() throws {
    for (wire, addresses) in [
      (nil, ""), (Machine.Wire(hardware: "52:54:00:6b:00:00", sockets: [], isHub: true), ",net=192.0.2.0/24"),
    ] {
      var machine = Self.machine()
      machine.wire = wire
      let closed = try #require(Self.values("-netdev", of: machine).first)
      #expect(closed.hasPrefix("user,id=net\(addresses),restrict=on,ipv6=off,guestfwd="), "\(closed)")
      machine.network = .host
      let open = try #require(Self.values("-netdev", of: machine).first)
      #expect(open.hasPrefix("user,id=net\(addresses),guestfwd="), "\(open)")
    }
  }

  #if os(Linux)
    @Test("QEMU runs behind its seccomp filter")
    func sandbox() {
      #expect(Self.values("-sandbox", of: Self.machine()) == ["on,obsolete=deny,resourcecontrol=deny"])
    }
  #endif

  @Test("A path of the user's is never a protocol to QEMU")
  func protocols() throws {
    var image = Self.image
    image.disk = "nbd:unix:/run/x"
    let drive = try #require(Self.values("-drive", of: Self.machine(image)).first)
    #expect(drive.hasPrefix("file=/") && drive.contains("/nbd:unix:/run/x,format=qcow2,"), "\(drive)")
  }

  @Test("What QEMU is started with has nothing of k3seed's environment but what finds programs")
  func environment() async throws {
    setenv("K3SEED_TEST_CANARY", "canary-of-the-environment", 1)
    defer { unsetenv("K3SEED_TEST_CANARY") }
    // It blocks its thread until others have done the work, and of those that run tests there may be one alone.
    let outcome = await withCheckedContinuation { waiting in
      Thread.detachNewThread {
        waiting.resume(returning: Result { try Launcher.finish("/bin/sh", ["-c", "env >&2; exit 1"]) })
      }
    }
    let said = try #require(try outcome.get())
    #expect(!said.contains("canary"), "\(said)")
    #expect(said.contains("PATH=") && said.contains("LC_ALL=C"), "\(said)")
  }

  @Test("An image is never written to: changes are discarded, or go into an overlay")
  func disks() {
    let discarded = Self.values("-drive", of: Self.machine())
    #expect(discarded.count == 1 && discarded[0].hasSuffix("snapshot=on"))
    let overlay = Self.values("-drive", of: Self.machine(disk: .overlay("/keep/disk.qcow2")))
    #expect(overlay == ["file=/keep/disk.qcow2,format=qcow2,if=virtio,cache=unsafe,snapshot=off"])
    let snapshot = Self.values("-drive", of: Self.machine(disk: .discardedOverlay("/warm/disk.qcow2")))
    #expect(snapshot == ["file=/warm/disk.qcow2,format=qcow2,if=virtio,cache=unsafe,snapshot=on"])
  }

  @Test(
    "No port of the host is opened, and nothing of the host is shared", arguments: Architecture.allCases,
    Accelerator.allCases)
  func nothingOpen(architecture: Architecture, accelerator: Accelerator) {
    var image = Self.image
    image.architecture = architecture
    let machine = Self.machine(image, accelerator: accelerator)
    let text = machine.arguments.joined(separator: " ")
    for word in ["hostfwd", "tcp::", "-vnc", "-spice", "virtfs", "vsock", "fat:"] {
      #expect(!text.contains(word), "\(word)")
    }
    #expect(machine.program.name == "qemu-system-\(architecture.rawValue)")
    #expect(Self.values("-cpu", of: machine) == [accelerator == .tcg ? "max" : "host"])
    #expect(machine.arguments.contains("-nodefaults"))
  }

  @Test("Firmware gets the seed's address in SMBIOS; a kernel that QEMU boots gets it on its command line")
  func seedAddress() {
    let firmware = Self.machine()
    #expect(Self.values("-smbios", of: firmware) == ["type=1,serial=ds=nocloud-net;s=http://10.0.2.100/"])
    #expect(Self.values("-append", of: firmware).isEmpty)
    for (architecture, console) in [(Architecture.x86_64, "ttyS0"), (.aarch64, "ttyAMA0")] {
      let image = Image(
        name: "debian-12", architecture: architecture, disk: "/d", format: .raw,
        boot: .kernel(path: "/k", initrd: "/i", root: "/dev/vda"))
      let machine = Self.machine(image)
      #expect(Self.values("-kernel", of: machine) == ["/k"])
      #expect(Self.values("-initrd", of: machine) == ["/i"])
      #expect(
        Self.values("-append", of: machine) == [
          "root=/dev/vda rw console=\(console) loglevel=6 ds=nocloud-net;s=http://10.0.2.100/"
        ])
      #expect(Self.values("-smbios", of: machine).isEmpty)
    }
  }

  @Test("A saved state is read by a command in which its path is one word")
  func resumes() {
    var machine = Self.machine()
    machine.resumesFrom = "/warm/it's here/state"
    #expect(Self.values("-incoming", of: machine) == [#"exec:cat '/warm/it'\''s here/state'"#])
  }

  @Test("Only one's own architecture is accelerated, and only where /dev/kvm opens")
  func candidates() {
    #if os(Linux)
      #expect(Accelerator.candidates(guest: .x86_64, host: .x86_64, hasKVM: true) == [.kvm, .tcg])
      #expect(Accelerator.candidates(guest: .x86_64, host: .x86_64, hasKVM: false) == [.tcg])
    #endif
    #expect(Accelerator.candidates(guest: .aarch64, host: .x86_64, hasKVM: true) == [.tcg])
    #expect(Accelerator.candidates(guest: .x86_64, host: nil, hasKVM: true) == [.tcg])
  }
}
