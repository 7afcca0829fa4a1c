/// What runs the guest's instructions.
///
/// An accelerator is proven by use: that `/dev/kvm` can be opened does not mean that a guest runs in it.
public enum Accelerator: String, CaseIterable, Sendable {
  /// Linux' virtualisation.
  case kvm
  /// macOS' virtualisation.
  case hvf
  /// QEMU's own translation, which works everywhere and takes about ten times as long.
  case tcg

  /// Those worth trying for a guest, the fastest first.
  ///
  /// - Parameters:
  ///   - guest: the guest's architecture; only one's own can be accelerated.
  ///   - host: this machine's architecture.
  ///   - hasKVM: whether `/dev/kvm` can be opened for reading and writing.
  static func candidates(guest: Architecture, host: Architecture?, hasKVM: Bool) -> [Accelerator] {
    guard guest == host else { return [.tcg] }
    #if os(macOS)
      return [.hvf, .tcg]
    #else
      return hasKVM ? [.kvm, .tcg] : [.tcg]
    #endif
  }

  /// QEMU's value for `-accel`. A larger translation buffer keeps a whole boot without translating anything twice.
  var option: String { self == .tcg ? "tcg,tb-size=512" : rawValue }

  /// QEMU's value for `-cpu`: all that the host has, or all that QEMU can translate.
  var cpu: String { self == .tcg ? "max" : "host" }
}
