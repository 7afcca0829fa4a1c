/// The processor that a guest believes it has.
public enum Architecture: String, CaseIterable, Sendable {
  /// 64-bit x86, which Debian calls amd64.
  case x86_64
  /// 64-bit Arm, which Debian calls arm64.
  case aarch64

  /// What Debian and Ubuntu call it.
  public var debianName: String { self == .x86_64 ? "amd64" : "arm64" }
}

/// A disk image to boot user-data with. It is never written to.
public struct Image: Hashable, Sendable {
  /// The format of its disk.
  public enum Format: String, Sendable {
    case qcow2, raw
  }

  /// How a machine starts from it.
  public enum Boot: Hashable, Sendable {
    /// By the firmware and the boot loader on the disk.
    case firmware
    /// By QEMU itself, from the two files; `root` is the kernel's name of the root file system (`/dev/vda`).
    case kernel(path: String, initrd: String, root: String)
  }

  /// Its name in the catalogue (`debian-12`), or the path that the user gave.
  public var name: String
  /// The architecture that it is for.
  public var architecture: Architecture
  /// The path of its disk.
  public var disk: String
  /// The format of its disk.
  public var format: Format
  /// How a machine starts from it.
  public var boot: Boot
}
