/// How long a verification waits for what, in seconds.
///
/// The figures are for a host that runs guests at full speed, and are stretched by how much slower the real one is.
struct Limits: Hashable, Sendable {
  /// From QEMU's start to the first line of the guest's kernel.
  var firstLine = 20.0
  /// From there to the probe's first word: firmware, initial RAM disk, cloud-init's first two stages.
  var boot = 180.0
  /// A stage of cloud-init. Packages that user-data installs are downloaded in one.
  var stage = 900.0
  /// For how long nothing at all may happen: no line, no stage, no processor time, no network traffic.
  var idle = 120.0
  /// For an answer of the probe.
  var answer = 30.0
  /// For the whole; it is the user's, and so not stretched.
  var total: Double?

  /// The same limits for a slower host.
  func stretched(by slowness: Double) -> Limits {
    var limits = self
    limits.firstLine *= slowness
    limits.boot *= slowness
    limits.stage *= slowness
    limits.answer *= slowness
    // What stands still does so everywhere; only the gaps between two signs of life grow, and not by as much.
    limits.idle *= min(slowness, 2)
    return limits
  }
}
