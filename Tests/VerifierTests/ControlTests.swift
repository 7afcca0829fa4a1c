import Testing
import YAML

@testable import Verifier

@Suite("QEMU's control channel")
struct ControlTests {
  @Test(
    "What QEMU 7.2 says is understood",
    arguments: [
      (
        #"{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "x"}, "capabilities": []}}"#,
        Control.Event.greeting(version: "7.2.22")
      ),
      (
        #"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}"#,
        .shutdown(reason: "guest-shutdown")
      ),
      (#"{"event": "RESET", "data": {"guest": true, "reason": "guest-reset"}}"#, .reset(byGuest: true)),
      (
        #"{"event": "RESET", "data": {"guest": false, "reason": "host-qmp-system-reset"}}"#,
        .reset(byGuest: false)
      ),
      (#"{"event": "STOP"}"#, .stopped),
      (
        #"{"event": "BLOCK_IO_ERROR", "data": {"device": "", "nospace": true, "operation": "write", "action": "stop", "reason": "No space left on device"}}"#,
        .diskError(isFull: true)
      ),
      (#"{"event": "MIGRATION", "data": {"status": "completed"}}"#, .migration(status: "completed")),
      (#"{"return": {"status": "paused", "singlestep": false, "running": false}}"#, .status("paused")),
    ])
  func events(line: String, event: Control.Event) { #expect(Control.Event(line: Array(line.utf8)) == event) }

  @Test(
    "Everything else means nothing",
    arguments: [
      "", "{", "null", "[]", #"{"return": {}}"#, #"{"error": {"class": "GenericError", "desc": "x"}}"#,
      #"{"event": "NIC_RX_FILTER_CHANGED"}"#,
    ])
  func others(line: String) { #expect(Control.Event(line: Array(line.utf8)) == nil) }

  @Test("Commands are one line of JSON")
  func commands() {
    #expect(Control.command("quit") == Array("{\"execute\":\"quit\"}\n".utf8))
    #expect(
      Control.command("migrate", ["uri": "exec:cat >'a\"b'"])
        == Array(#"{"execute":"migrate","arguments":{"uri":"exec:cat >'a\"b'"}}"#.utf8) + [0x0A])
  }
}
