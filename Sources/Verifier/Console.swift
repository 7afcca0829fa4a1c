import Diagnostics

/// What the serial console says, line by line, and which lines mean that the machine will not come up.
struct Console: Sendable {
  /// What lines mean after which there is nothing more to wait for.
  struct Fatal: Sendable {
    /// What stands in such a line, byte for byte: one of these.
    let texts: [StaticString]
    /// The code of the cause.
    let code: String
    /// What it means.
    let message: String
    /// What to do about it.
    let hint: String
    /// Whose fault it is.
    let verdict: Verdict
  }

  /// Sources: Linux' `kernel/panic.c` and `mm/oom_kill.c`, systemd's `emergency.service` and `sulogin`, initramfs-tools'
  /// `scripts/functions` and `scripts/local`, dracut's `emergency_shell`, SeaBIOS' `boot.c`, EDK II's `BdsDxe`, GRUB's
  /// rescue prompt.
  static let fatal: [Fatal] = [
    Fatal(
      texts: ["Unable to mount root fs"], code: "image-unbootable",
      message: "the image's kernel finds no root file system", hint: "use another image", verdict: .infra),
    Fatal(
      texts: ["Kernel panic - not syncing"], code: "guest-panic", message: "the guest's kernel panicked",
      hint: "read the lines before the panic on the console", verdict: .fail),
    Fatal(
      texts: ["You are in emergency mode"], code: "guest-emergency",
      message: "systemd went into emergency mode, so nothing after it runs",
      hint: "look for the failed mount or unit on the console", verdict: .fail),
    Fatal(
      texts: ["Out of memory: Killed process"], code: "guest-out-of-memory",
      message: "the guest ran out of memory and its kernel killed a process",
      hint: "give the machine more with --memory, as much as the node will have", verdict: .fail),
    Fatal(
      texts: [
        "Dropping to a shell!", "(initramfs)", "Entering emergency mode. Exit the shell to continue",
        "grub rescue>",
      ], code: "image-unbootable", message: "the image's boot loader or initial RAM disk gave up",
      hint: "read the console for what it misses, and use another image", verdict: .infra),
    Fatal(
      texts: [
        "No bootable device", "Boot failed: not a bootable disk",
        "BdsDxe: No bootable option or device was found",
      ], code: "image-unbootable", message: "the firmware finds nothing to boot on the image",
      hint: "give --image a disk with a boot loader, or one that `k3seed image build` made", verdict: .infra),
  ]

  /// Every line so far, without control characters; the oldest go once there are too many.
  private(set) var lines: [String] = []
  /// How many lines went.
  private(set) var dropped = 0
  /// The line that has not ended yet.
  private var open: [UInt8] = []

  /// More than this is kept of no machine: enough for two verbose boots.
  private static let limit = 20_000
  private static let byteLimit = 8 << 20
  private var bytes = 0
  /// A longer line is cut there.
  private static let widest = 4_096

  /// Takes what came, and gives the lines that it completed.
  mutating func take(_ bytes: some Sequence<UInt8>) -> [String] {
    var completed: [String] = []
    for byte in bytes {
      if byte == UInt8(ascii: "\n") || open.count == Self.widest {
        completed.append(Self.clean(open))
        open.removeAll(keepingCapacity: true)
      }
      if byte != UInt8(ascii: "\n") { open.append(byte) }
    }
    lines += completed
    self.bytes += completed.reduce(0) { $0 + $1.utf8.count }
    var gone = max(0, lines.count - Self.limit)
    self.bytes -= lines[..<gone].reduce(0) { $0 + $1.utf8.count }
    while self.bytes > Self.byteLimit, gone < lines.count {
      self.bytes -= lines[gone].utf8.count
      gone += 1
    }
    dropped += gone
    lines.removeFirst(gone)
    return completed
  }

  /// The line that has not ended yet: a prompt never does.
  var prompt: String { Self.clean(open) }

  /// All that is known of it, in order, the line that has not ended last.
  var transcript: [String] {
    let gap = dropped == 0 ? [] : [Self.mark("\(dropped.counted("earlier line")) \(dropped.were) left out")]
    return gap + lines + (prompt.isEmpty ? [] : [prompt])
  }

  /// A line among the machine's own that says what was done to it.
  static func mark(_ text: String) -> String { "--- k3seed verify: \(text) ---" }

  /// What a line means, where it is a fatal one.
  ///
  /// A service's own words stand behind its name and number (`cloud-init[812]: `), so that user-data which prints such
  /// a text does not end the verification; the kernel and the firmware have no such prefix.
  static func fatal(in line: String) -> Fatal? {
    fatal.first { fatal in
      fatal.texts.contains { text in
        line.firstPlace(of: text).map { !isServiceLine(line[..<$0.lowerBound].utf8) } ?? false
      }
    }
  }

  private static func isServiceLine(_ prefix: Substring.UTF8View) -> Bool {
    var isNumber = false
    for byte in prefix.reversed() {
      switch byte {
      case UInt8(ascii: "]"): isNumber = true
      case UInt8(ascii: "["): if isNumber { return true }
      case UInt8(ascii: "0")...UInt8(ascii: "9"): continue
      default: isNumber = false
      }
    }
    return false
  }

  /// Several lines, each as `clean` gives it.
  static func cleanText(_ bytes: [UInt8]) -> String {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { clean(Array($0)) }
      .joined(separator: "\n")
  }

  /// A line without carriage returns, terminal control sequences (ECMA-48: `ESC [ … final`, `ESC x`) and control
  /// characters. What stood before a lone carriage return was overwritten on a screen and is kept.
  static func clean(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == 0x1B {
        guard position < bytes.count else { break }
        let introducer = bytes[position]
        position += 1
        guard introducer == UInt8(ascii: "[") else { continue }
        while position < bytes.count, !(0x40...0x7E).contains(bytes[position]) { position += 1 }
        position += 1
      } else if byte == UInt8(ascii: "\t") {
        text.append(UInt8(ascii: " "))
      } else if byte >= 0x20, byte != 0x7F {
        text.append(byte)
      }
    }
    return String(decoding: text, as: UTF8.self).printable
  }
}

extension Int {
  /// The verb that goes with so many.
  var were: String { self == 1 ? "was" : "were" }
}
