import Secrets

/// How fast this host is, beside the one that the limits were set for.
enum Calibration {
  /// How long a guest takes from its first instruction to the probe's first word where it runs at full speed: cloud
  /// images reach cloud-init's network stage within this many seconds under KVM.
  static let bootSeconds = 10.0

  /// How long the same processors take for a fixed piece of work: 32 MiB through SHA-256.
  private static let hashSeconds = 0.15

  /// How many times slower this host is now than the one that the limits were set for; at least 1. A host that is busy
  /// with other work is slow, too.
  static func slowness() -> Double {
    let clock = ContinuousClock()
    let block = [UInt8](repeating: 0x5A, count: 32 << 20)
    let time = clock.measure { _ = SHA256.hex(block) }
    return max(1, Double(time / .milliseconds(1)) / 1000 / hashSeconds)
  }
}
