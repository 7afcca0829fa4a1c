import Diagnostics
import YAML

/// QEMU's control channel (QMP): JSON lines in both directions, events among the answers.
///
/// Source: QEMU's `docs/interop/qmp-spec` and `qapi/run-state.json`, version 7.2.
enum Control {
  /// What QEMU says by itself, as far as it means something here.
  enum Event: Hashable, Sendable {
    /// The greeting: the version, as `7.2.17`.
    case greeting(version: String)
    /// The guest ended the machine; `reason` is QEMU's own word (`guest-shutdown`, `guest-panic`, `host-signal`).
    case shutdown(reason: String)
    /// The machine was reset: by the guest itself, or as QEMU was told to.
    case reset(byGuest: Bool)
    /// QEMU stopped the machine.
    case stopped
    /// QEMU could not write to the disk; whether for want of room.
    case diskError(isFull: Bool)
    /// How the saving of the state goes: QEMU's own word (`active`, `completed`, `failed`).
    case migration(status: String)
    /// What the machine is doing, QEMU's own word (`running`, `paused`, `io-error`, `internal-error`).
    case status(String)

    init?(line: [UInt8]) {
      guard let message = try? JSON.parse(line, source: "QMP") else { return nil }
      if let version = message["QMP"]?["version"]?["qemu"] {
        let parts = ["major", "minor", "micro"].compactMap { version[$0]?.number }
        self = .greeting(version: parts.joined(separator: "."))
        return
      }
      if let result = message["return"] {
        guard let status = result["status"]?.string else { return nil }
        // Both `query-status` and `query-migrate` answer with a status; only the former says whether it runs.
        self = result["running"] == nil ? .migration(status: status) : .status(status)
        return
      }
      let data = message["data"]
      switch message["event"]?.string {
      case "SHUTDOWN": self = .shutdown(reason: data?["reason"]?.string ?? "unknown")
      case "RESET": self = .reset(byGuest: data?["guest"]?.value == .bool(true))
      case "STOP": self = .stopped
      case "BLOCK_IO_ERROR": self = .diskError(isFull: data?["nospace"]?.value == .bool(true))
      case "MIGRATION":
        guard let status = data?["status"]?.string else { return nil }
        self = .migration(status: status)
      default: return nil
      }
    }
  }

  /// A command without arguments, or with texts as arguments.
  static func command(_ name: String, _ arguments: KeyValuePairs<String, Node> = [:]) -> [UInt8] {
    var command = Node.mapping(["execute": Node(.string(name))])
    if !arguments.isEmpty {
      command = .mapping(["execute": Node(.string(name)), "arguments": .mapping(arguments)])
    }
    return JSON.emit(command) + [UInt8(ascii: "\n")]
  }
}

extension Node {
  /// The digits of a number.
  fileprivate var number: String? {
    if case .number(let digits) = value { digits } else { nil }
  }
}
