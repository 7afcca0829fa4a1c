import Diagnostics
import YAML

/// One thing that the probe said.
struct Event: Sendable {
  /// What it said.
  enum Kind: Sendable {
    /// It is there, and so is the guest.
    case hello
    /// A stage began or ended.
    case stage(Stage)
    /// The guest is at work, or not.
    case beat(Beat)
    /// cloud-init has finished, and systemd's first jobs and the bootstrap are done.
    case settled
    /// All that it found; `why` is `settled`, `asked` or `rerun`.
    case facts(Facts, why: String)
    /// It cannot read the payload's secrets, so that it may say nothing else; the kind of problem.
    case blind(String)
  }

  /// A stage of cloud-init or the bootstrap.
  struct Stage: Hashable, Sendable {
    enum State: String, Sendable { case started, finished, failed }
    /// `cloud-init: init-network`, `bootstrap: download`.
    var name: String
    var state: State
    /// The last line of its log, where it has one.
    var line: String?
    /// What it says went wrong.
    var errors: [String]
  }

  /// What tells slow from hung.
  struct Beat: Hashable, Sendable {
    /// Seconds that the guest's processors worked for anything but the probe, since it booted.
    var cpu: Double?
    /// Bytes sent and received.
    var network: Double?
    /// The stage at work, and the last line of its log.
    var stage, line: String?
    /// The name of the command that cloud-init or the bootstrap waits for, and its process.
    var command: String?
    var process: Int?
  }

  /// Names the boot: a new one after every start of the kernel.
  var boot: String
  /// Counts the probe's lines of a boot, from 0.
  var seq: Int
  /// Seconds of the guest's monotonic clock.
  var at: Double
  /// What was said.
  var kind: Kind

  /// Why a line was not taken, in words that go on from "lines were not taken: 3".
  enum Refusal: String, Hashable, Sendable {
    /// It is longer than any line of the probe.
    case tooLong = "too long"
    /// It is not a JSON object with the members of an event.
    case malformed
    /// It does not carry this verification's nonce.
    case stranger = "without the probe's nonce"
    /// Its number is not greater than the last one's of the same boot.
    case replayed
    /// It is of a boot that another one has followed.
    case pastBoot = "of a past boot"
    /// It is of another boot than the one before, and nothing restarted the machine.
    case unexpectedBoot = "of an unexpected boot"
    /// More came before it than any probe says.
    case tooMany = "beyond what a probe says"
  }

  /// Reads a line.
  init(line: some Sequence<UInt8>, nonce: String) throws(Refused) {
    guard let node = try? JSON.parse(Array(line), source: ""), let said = node["nonce"]?.string else {
      throw Refused(reason: .malformed)
    }
    guard said.utf8.elementsEqual(nonce.utf8) else { throw Refused(reason: .stranger) }
    guard let boot = node["boot"]?.string, boot.utf8.count <= 64, let seq = node["seq"]?.integer, seq >= 0,
      let at = node["at"]?.double, at.isFinite, at >= 0, let name = node["event"]?.string,
      let data = node["data"], let kind = Kind(name, data, boot: boot, at: at)
    else { throw Refused(reason: .malformed) }
    self.boot = boot
    self.seq = seq
    self.at = at
    self.kind = kind
  }

  /// A line that was not taken.
  struct Refused: Error, Hashable, Sendable { var reason: Refusal }
}

extension Event.Kind {
  fileprivate init?(_ name: String, _ data: Node, boot: String, at: Double) {
    switch name {
    case "hello": self = .hello
    case "stage":
      guard let stage = data["name"]?.string, stage.utf8.count <= EventDecoder.longestName,
        let state = data["state"]?.string.flatMap(Event.Stage.State.init)
      else { return nil }
      self = .stage(
        Event.Stage(
          name: stage.printable, state: state, line: data["line"]?.shortText,
          errors: (data["errors"]?.sequence ?? []).prefix(20).compactMap(\.shortText)))
    case "beat":
      self = .beat(
        Event.Beat(
          cpu: data["cpu"]?.double, network: data["network"]?.double,
          stage: data["stage"]?.shortText, line: data["line"]?.shortText,
          command: data["running"]?["command"]?.shortText,
          process: data["running"]?["pid"]?.integer))
    case "settled": self = .settled
    case "facts":
      self = .facts(Facts(document: data, boot: boot, at: at), why: data["why"]?.string?.printable ?? "")
    case "blind": self = .blind(data["problem"]?.shortText ?? "unknown")
    default: return nil
    }
  }
}

extension Node {
  /// The texts of a list, each on one line whatever the guest put into it.
  var texts: [String] { (sequence ?? []).compactMap { $0.string?.printable } }

  /// A text that is not longer than the probe makes it; more is cut off.
  fileprivate var shortText: String? {
    string.map { String(decoding: $0.utf8.prefix(EventDecoder.longestText), as: UTF8.self).printable }
  }
}

/// Makes events of the bytes that come out of the probe's port, whatever comes.
struct EventDecoder: Sendable {
  /// Facts are a few hundred kilobytes; nothing that the probe says comes near this. Read as JSON, a line may take a
  /// hundred times as much memory.
  static let longestLine = 2 << 20
  /// So many bytes and lines are taken in all: a probe that beats for a day says less.
  static let mostBytes = 64 << 20
  static let mostLines = 100_000
  /// A name has no more bytes than this, and a text that goes with it no more than that.
  static let longestName = 100
  static let longestText = 1_000

  private let nonce: String
  private var rest: [UInt8] = []
  private var isTooLong = false
  private var boots: [String] = []
  /// Whether the next boot may begin.
  private var isRestarting = true
  private var last = -1
  private var bytes = 0
  private var lines = 0
  /// Whether more came than any probe says; nothing is taken any more.
  var isFlooded: Bool { bytes > Self.mostBytes || lines > Self.mostLines }
  /// How many lines were not taken, and why.
  private(set) var refused: [Event.Refusal: Int] = [:]

  init(nonce: String) { self.nonce = nonce }

  /// The machine starts anew: what is left of a line never ends, and the next events are of another boot.
  mutating func restart() {
    rest = []
    isTooLong = false
    isRestarting = true
  }

  /// The events that some more bytes complete.
  mutating func events(of bytes: some Sequence<UInt8>) -> [Event] {
    var events: [Event] = []
    for byte in bytes {
      self.bytes += 1
      if byte == 0x0A { lines += 1 }
      guard !isFlooded else {
        rest = []
        if byte == 0x0A { refused[.tooMany, default: 0] += 1 }
        continue
      }
      if byte != 0x0A {
        if rest.count < Self.longestLine { rest.append(byte) } else { isTooLong = true }
        continue
      }
      let line = rest
      let wasTooLong = isTooLong
      rest.removeAll(keepingCapacity: true)
      isTooLong = false
      if wasTooLong {
        refused[.tooLong, default: 0] += 1
      } else if let event = event(line) {
        events.append(event)
      }
    }
    return events
  }

  private mutating func event(_ line: [UInt8]) -> Event? {
    do {
      let event = try Event(line: line, nonce: nonce)
      if isRestarting || event.boot != boots.last {
        guard !boots.contains(event.boot) else { throw Event.Refused(reason: .pastBoot) }
        guard isRestarting else { throw Event.Refused(reason: .unexpectedBoot) }
        boots.append(event.boot)
        isRestarting = false
        last = -1
      }
      guard event.seq > last else { throw Event.Refused(reason: .replayed) }
      last = event.seq
      return event
    } catch let refusal as Event.Refused {
      refused[refusal.reason, default: 0] += 1
    } catch {
      refused[.malformed, default: 0] += 1
    }
    return nil
  }
}
