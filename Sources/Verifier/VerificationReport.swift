/// All that a verification found, ready to be written as text, JSON, JUnit or HTML.
///
/// It is plain data, and holds no secret: what came from the guest was searched for the payload's secrets before it
/// got here.
public struct VerificationReport: Sendable {
  /// The user-data that was booted.
  public struct Payload: Hashable, Sendable {
    /// What the user called it.
    public var name: String
    /// Its SHA-256, in hexadecimal.
    public var sha256: String
    /// Its size in bytes.
    public var bytes: Int
    /// Whether k3seed made it, so that its promises were checked too.
    public var isOwn: Bool
  }

  /// The virtual machine that it was booted in.
  public struct Host: Hashable, Sendable {
    /// The image: its name in the catalogue, or its path.
    public var image: String
    /// The guest's processor architecture: `x86_64` or `aarch64`.
    public var architecture: String
    /// QEMU's version, as it says it: `7.2.17`.
    public var qemu: String
    /// What ran the guest's instructions: `kvm`, `hvf` or `tcg`.
    public var accelerator: String
    /// Virtual processors.
    public var cpus: Int
    /// Memory in MiB.
    public var memory: Int
    /// Whether the machine was resumed from a snapshot instead of started.
    public var isWarm: Bool
    /// What the guest reached besides its seed.
    public var network: GuestNetwork
    /// How many times slower than the reference every deadline took this host to be; at least 1.
    public var slowness: Double
    /// How many times longer the deadlines of the bootstrap in the guest were made; nil where they are the payload's own.
    public var guestStretch: Double?
  }

  /// A stretch of time in the life of the machine.
  public struct Span: Hashable, Sendable {
    /// What a stretch belongs to.
    public enum Group: String, CaseIterable, Sendable {
      /// From the first instruction to the first process.
      case kernel
      /// systemd before and beside cloud-init.
      case system
      /// A stage of cloud-init.
      case cloudInit = "cloud-init"
      /// A stage of k3seed's bootstrap.
      case bootstrap
      /// The verifier's own work in the guest.
      case checks
    }

    /// What it belongs to.
    public var group: Group
    /// Its name: `init-local`, `download`.
    public var name: String
    /// When it began, in seconds since the verification began.
    public var start: Double
    /// When it ended, in seconds since the verification began; nil where it never did.
    public var end: Double?
    /// Whether it failed.
    public var hasFailed = false
  }

  /// What went wrong, where it was not a check that failed.
  public struct Cause: Hashable, Sendable {
    /// A stable kebab-case name: `guest-panic`, `stage-hung`, `qemu-missing`.
    public var code: String
    /// The stage in which it happened: `firmware`, `kernel`, `cloud-init: modules-final`, `bootstrap: download`.
    public var stage: String
    /// What happened: one sentence in lower case, no full stop.
    public var message: String
    /// What to do about it, in the imperative.
    public var hint: String
  }

  /// A power cut that was made.
  public struct Cut: Hashable, Sendable {
    /// The stage that it was wanted in.
    public var stage: String
    /// How many seconds after the stage's beginning it was wanted.
    public var delay: Double
    /// How it was made.
    public var means: PowerCut.Means
    /// The stage that ran then, as the machine had said: another one where the wanted one was shorter than the delay.
    public var during: String
    /// When, in seconds since the verification began.
    public var at: Double
  }

  /// Something to look at: lines as they were found.
  public struct Evidence: Hashable, Sendable {
    /// What it is: `failed unit k3s.service`, `last lines of the console`.
    public var title: String
    /// The lines, without control characters.
    public var lines: [String]
  }

  /// What a check found in one boot.
  public struct CheckResult: Hashable, Sendable {
    /// How it ended.
    public enum Outcome: String, CaseIterable, Sendable {
      case passed, failed
      /// It does not apply to this user-data; the detail says why.
      case skipped
    }

    /// The check's name: `user-data-identity`.
    public var name: String
    /// What it proves.
    public var proves: String
    /// How it goes about it.
    public var how: String
    /// The boot that it looked at: `boot`, `rerun`, `reboot`.
    public var phase: String
    /// How it ended.
    public var outcome: Outcome
    /// What it found: one line.
    public var detail: String
    /// What to do where it failed.
    public var hint: String?
  }

  /// The verdict.
  public var verdict: Verdict
  /// What went wrong; nil where nothing did, or where checks failed.
  public var cause: Cause?
  /// What was booted.
  public var payload: Payload
  /// What it was booted in; nil where it did not come to that.
  public var host: Host?
  /// What was decided on the way: a fallback to a slower accelerator, edited defaults.
  public var notes: [String] = []
  /// The power cuts that were made, in their order.
  public var cuts: [Cut] = []
  /// What the checks found, in their order, phase after phase.
  public var checks: [CheckResult] = []
  /// Where the time went, in the order of the beginnings.
  public var timeline: [Span] = []
  /// What there is to look at where it failed.
  public var evidence: [Evidence] = []
  /// What the machine wrote to its serial console, without control characters.
  public var console: [String] = []
  /// How long it all took on the host, in seconds.
  public var seconds: Double = 0
}
