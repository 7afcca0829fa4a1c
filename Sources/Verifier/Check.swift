import Diagnostics

/// One thing that a verification proves.
///
/// Checks are values and work on what the probe reported, so each can be tried without a machine.
public struct Check: Sendable {
  /// When a check is made.
  public enum Phase: String, CaseIterable, Sendable {
    /// After the first boot.
    case boot
    /// After the bootstrap was started once more.
    case rerun
    /// After a restart of the machine.
    case reboot
  }

  /// How a check ended.
  public enum Outcome: Hashable, Sendable {
    /// It holds; what was seen.
    case passed(String)
    /// It does not hold; what was seen.
    case failed(String)
    /// It does not apply here; why.
    case skipped(String)
  }

  /// What a check looks at.
  struct Scene: Sendable {
    /// What the user-data promises.
    let promises: Promises
    /// What was found in the guest.
    let facts: Facts
    /// What was found before; nil after the first boot.
    let earlier: Facts?
    /// The architecture of the guest.
    let architecture: Architecture
    /// Whether the machine's power was cut before.
    let hadCuts: Bool
    /// The address that the node has on the cluster's network; nil for a machine that is alone.
    let address: String?
    /// What the guest reached besides its seed.
    let network: GuestNetwork
    /// The node that lets this one out; nil where there is none.
    let gateway: Probe.Gateway?
    /// The key under which the probe hashed values of Secrets; see ``Probe/key``.
    let hashKey: String?
  }

  /// A stable kebab-case name: `user-data-identity`.
  public let name: String
  /// What it proves, as a sentence: `the guest got the bytes of the file, and no others`.
  public let proves: String
  /// How it goes about it: `sha256 of /var/lib/cloud/instance/user-data.txt in the guest`.
  public let how: String
  /// What to do where it does not hold, in the imperative.
  public let hint: String
  /// When it is made.
  var phases: [Phase] = Phase.allCases
  /// Looks at what was promised and at what was found.
  let judge: @Sendable (Scene) -> Outcome

  /// Makes every check of a phase.
  static func results(
    of promises: Promises, _ facts: Facts, earlier: Facts? = nil, phase: Phase, architecture: Architecture,
    probe: Probe, hadCuts: Bool = false
  ) -> [VerificationReport.CheckResult] {
    let scene = Scene(
      promises: promises, facts: facts, earlier: earlier, architecture: architecture, hadCuts: hadCuts,
      address: probe.link?.address, network: probe.network, gateway: probe.gateway,
      hashKey: probe.key)
    return all.filter { $0.phases.contains(phase) }.map { check in
      let outcome = check.judge(scene)
      let (word, detail): (VerificationReport.CheckResult.Outcome, String) =
        switch outcome {
        case .passed(let detail): (.passed, detail)
        case .failed(let detail): (.failed, detail)
        case .skipped(let detail): (.skipped, detail)
        }
      return VerificationReport.CheckResult(
        name: check.name, proves: check.proves, how: check.how, phase: phase.rawValue, outcome: word,
        detail: detail.printable, hint: word == .failed ? check.hint : nil)
    }
  }
}
