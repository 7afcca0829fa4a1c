import TestSupport
import Testing
import YAML

@testable import Verifier

@Suite("Events of the probe")
struct EventTests {
  static func line(
    nonce: String = "n", boot: String = "b1", seq: Int = 0, event: String = "settled",
    data: String = #"{"state":"running"}"#
  ) -> String {
    #"{"nonce":"\#(nonce)","boot":"\#(boot)","seq":\#(seq),"at":1.5,"event":"\#(event)","data":\#(data)}"#
      + "\n"
  }

  @Test("Lines become events, however their bytes are cut")
  func whole() {
    let text =
      Self.line(seq: 0, event: "hello", data: "{}")
      + Self.line(
        seq: 1, event: "stage",
        data: #"{"name":"bootstrap: seed","state":"failed","line":"why","errors":["e"]}"#)
      + Self.line(
        seq: 2, event: "beat",
        data:
          #"{"cpu":1.5,"network":9,"stage":"s","running":{"command":"sleep","pid":7,"unit":"u"}}"#
      )
      + Self.line(seq: 4)
    let next = Self.line(boot: "b2", seq: 0, event: "facts", data: #"{"why":"settled","a":{"b":[1]}}"#)
    for size in [1, 7, 4096] {
      var decoder = EventDecoder(nonce: "n")
      var events: [Event] = []
      for text in [text, next] {
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
          events += decoder.events(of: bytes[start..<min(start + size, bytes.count)])
        }
        decoder.restart()
      }
      #expect(events.map(\.seq) == [0, 1, 2, 4, 0] && events.allSatisfy { $0.at == 1.5 })
      #expect(decoder.refused.isEmpty)
      guard case .hello = events[0].kind, case .stage(let stage) = events[1].kind,
        case .beat(let beat) = events[2].kind, case .settled = events[3].kind,
        case .facts(let facts, "settled") = events[4].kind
      else {
        Issue.record("\(events)")
        return
      }
      #expect(stage == Event.Stage(name: "bootstrap: seed", state: .failed, line: "why", errors: ["e"]))
      #expect(beat.cpu == 1.5 && beat.network == 9 && beat.command == "sleep" && beat.process == 7)
      #expect(facts.boot == "b2" && facts["a", "b"]?.sequence?.count == 1 && facts["a", "c"] == nil)
    }
  }

  /// Lines that no probe would send after the first, with why they are refused.
  static let hostile: [(String, Event.Refusal)] = [
    ("\n", .malformed), ("garbage\n", .malformed), ("[1,2]\n", .malformed), ("\u{0}\u{1B}[2J\n", .malformed),
    (String(repeating: "[", count: 100_000) + "\n", .malformed),
    (line(seq: 7).replacing("1.5", with: "\"x\""), .malformed),
    (line(seq: 7).replacing("1.5", with: "-1"), .malformed),
    (line(seq: 7).replacing("1.5", with: "1e999"), .malformed), (line(seq: -1), .malformed),
    (line(seq: 7, event: "nothing"), .malformed),
    (line(seq: 7, event: "stage", data: #"{"name":"x"}"#), .malformed),
    (line(seq: 7, event: "stage", data: #"{"name":"x","state":"odd"}"#), .malformed),
    (line(boot: String(repeating: "b", count: 65), seq: 7), .malformed),
    (line(seq: 7).replacing(#","data":{"state":"running"}"#, with: ""), .malformed),
    (line(seq: 7).replacing(#""seq":7"#, with: #""seq":99999999999999999999"#), .malformed),
    (line(seq: 7).replacing(#""seq":7"#, with: #""seq":1.5"#), .malformed),
    (line(nonce: "m", seq: 7), .stranger), (line(nonce: "", seq: 7), .stranger),
    (line(nonce: "n\\u0000", seq: 7), .stranger),
    (line(seq: 5), .replayed), (line(seq: 0), .replayed), (line(boot: "b0", seq: 9), .pastBoot),
    (line(boot: "b2"), .unexpectedBoot),
    (String(repeating: "x", count: EventDecoder.longestLine + 1) + "\n", .tooLong),
  ]

  @Test("What no probe of this verification says is counted and ignored", arguments: hostile.indices)
  func refused(index: Int) {
    let (line, reason) = Self.hostile[index]
    var decoder = EventDecoder(nonce: "n")
    #expect(decoder.events(of: Self.line(boot: "b0").utf8).count == 1)
    decoder.restart()
    #expect(decoder.events(of: Self.line(seq: 5).utf8).count == 1)
    #expect(decoder.events(of: line.utf8).isEmpty)
    #expect(decoder.refused == [reason: 1])
    // And it does no harm to what follows.
    #expect(decoder.events(of: Self.line(seq: 8).utf8).map(\.seq) == [8])
  }

  @Test("More than any probe says is not read, is counted, and takes no memory")
  func flood() {
    var decoder = EventDecoder(nonce: "n")
    let line = Self.line(seq: 1).utf8
    var count = 0
    for _ in 0..<(EventDecoder.mostLines + 10) { count += decoder.events(of: line).count }
    #expect(count == 1 && decoder.isFlooded)
    #expect(decoder.refused[.tooMany] == 10)
    #expect(decoder.events(of: Self.line(seq: 99).utf8).isEmpty)
    var bytes = EventDecoder(nonce: "n")
    let block = [UInt8](repeating: 0x78, count: 1 << 20)
    for _ in 0...(EventDecoder.mostBytes >> 20) { #expect(bytes.events(of: block).isEmpty) }
    #expect(bytes.isFlooded)
  }

  @Test("A stage's name that no stage has is refused, and a long text is cut")
  func longNames() throws {
    var decoder = EventDecoder(nonce: "n")
    let (name, text) = (String(repeating: "n", count: 101), String(repeating: "t", count: 5_000))
    #expect(
      decoder.events(of: Self.line(event: "stage", data: #"{"name":"\#(name)","state":"started"}"#).utf8)
        .isEmpty)
    let errors = Array(repeating: "\"\(text)\"", count: 50).joined(separator: ",")
    let data = #"{"name":"n","state":"failed","line":"\#(text)","errors":[\#(errors)]}"#
    let event = try #require(decoder.events(of: Self.line(seq: 1, event: "stage", data: data).utf8).first)
    guard case .stage(let stage) = event.kind else {
      Issue.record("\(event)")
      return
    }
    #expect(stage.line?.utf8.count == 1_000 && stage.errors.count == 20)
    #expect(stage.errors.allSatisfy { $0.utf8.count == 1_000 })
  }

  @Test("After a restart the boot before says nothing more, and half a line of it never ends")
  func restarted() {
    var decoder = EventDecoder(nonce: "n")
    #expect(decoder.events(of: (Self.line(seq: 1) + "{\"nonce\":").utf8).count == 1)
    decoder.restart()
    #expect(decoder.events(of: Self.line(seq: 2).utf8).isEmpty)
    #expect(decoder.events(of: Self.line(boot: "b2").utf8).count == 1)
    #expect(decoder.refused == [.pastBoot: 1])
  }

  @Test("Random bytes never become an event, and never end the program", arguments: 0..<8 as Range<UInt64>)
  func noise(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var decoder = EventDecoder(nonce: "n")
    let bytes = (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    #expect(decoder.events(of: bytes).isEmpty)
    #expect(decoder.refused[.malformed] == bytes.count { $0 == 0x0A })
    // A line with every byte changed, one after the other.
    let line = Array(Self.line(seq: 3).utf8)
    for index in line.indices.dropLast() {
      var changed = line
      changed[index] = UInt8.random(in: 0...255, using: &random)
      for event in decoder.events(of: changed + [0x0A]) { #expect(event.seq >= 0) }
    }
  }

  @Test("What the guest says cannot drive a terminal")
  func controls() throws {
    var decoder = EventDecoder(nonce: "n")
    let data = #"{"name":"a\u001b[2Jb","state":"started","line":"c\u0007\u202e","errors":["\n"]}"#
    let event = try #require(decoder.events(of: Self.line(event: "stage", data: data).utf8).first)
    guard case .stage(let stage) = event.kind else {
      Issue.record("\(event)")
      return
    }
    #expect(stage.name == "a\\u{1b}[2Jb" && stage.line == "c\\u{7}\\u{202e}" && stage.errors == ["\\u{a}"])
  }
}
