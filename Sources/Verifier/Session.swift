import Diagnostics
import SystemPackage
import YAML

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One machine from its start to its end, with all that hangs on it: the leash, the seed, the control channel, the
/// probe's channel and the console.
///
/// It decides nothing: every sign goes to whoever drives it, and what comes back is done.
struct Session: ~Copyable {
  /// Something to do to the machine.
  enum Action: Hashable, Sendable {
    /// Send the probe a command: `facts`, `rerun`, `reboot`.
    case ask(String)
    /// Tell the probe the secrets that are not in the user-data.
    case tellSecrets
    /// Ask QEMU what the machine is doing.
    case askStatus
    /// Halt the machine, and save its state into a file.
    case save(String)
    /// Let a halted machine go on.
    case resume
    /// Cut the machine's power, and start it again.
    case cutPower(PowerCut.Means)
    /// End the machine.
    case end
  }

  /// What was seen from outside.
  struct Record: Sendable {
    /// The console.
    var console = Console()
    /// What QEMU wrote to its standard error.
    var complaints = ""
    /// Lines on the probe's channel that were not taken, and why.
    var refused: [Event.Refusal: Int] = [:]

    /// What came and is not in the report.
    var leftOut: [String] {
      var lines: [String] = []
      let (earlier, count) = (console.dropped, refused.values.reduce(0, +))
      if earlier > 0 {
        lines.append("\(earlier.counted("earlier line")) of the console \(earlier.were) left out")
      }
      if count > 0 {
        let reasons = refused.sorted { $0.key.rawValue < $1.key.rawValue }
          .map { "\($0.value.grouped) \($0.key.rawValue)" }
        lines.append(
          "\(count.counted("line")) on the probe's channel \(count.were) not taken: \(reasons.joined(separator: ", "))"
        )
      }
      return lines
    }
  }

  private let scratch: LockedFolder
  /// A folder elsewhere that goes with it, unless that has got another name by then.
  private let unfinished: LockedFolder?
  private var switchboard: Switchboard
  private var buffers: [Switchboard.Line: [UInt8]] = [:]
  private(set) var record = Record()
  /// QEMU's process number.
  private var process: Int32?
  /// Whether QEMU was killed, so that its end is no news.
  private var isKilled = false

  private init(scratch: LockedFolder, unfinished: LockedFolder?, switchboard: consuming Switchboard) {
    self.scratch = scratch
    self.unfinished = unfinished
    self.switchboard = switchboard
  }

  /// Makes the scratch folder, and what the machine connects to.
  ///
  /// - Parameters:
  ///   - folder: the folder for temporary files.
  ///   - unfinished: another folder that is not to outlive the machine, unless it gets another name before.
  static func make(below folder: String, removing unfinished: LockedFolder? = nil) throws -> Session {
    let scratch = try Scratch.make(below: folder)
    for script in EmbeddedFiles.all where script.name == "leash.sh" || script.name == "seed.sh" {
      try Files.write(Array(script.text.utf8), to: "\(scratch.path)/\(script.name)")
    }
    guard mkfifo("\(scratch.path)/ask", 0o600) == 0 else { throw Errno(rawValue: errno) }
    var switchboard = Switchboard()
    // Read and write, so that it does not end with the first request.
    switchboard.add(
      try FileDescriptor.open(
        FilePath("\(scratch.path)/ask"), .readWrite, options: [.nonBlocking, .closeOnExec]), as: .requests)
    try listen(for: &switchboard, in: scratch.path)
    return Session(scratch: scratch, unfinished: unfinished, switchboard: switchboard)
  }

  /// Waits for a QEMU at the sockets of the scratch folder.
  private static func listen(for switchboard: inout Switchboard, in folder: String) throws {
    for (name, line) in [("control", Switchboard.Line.control), ("probe", .probe)] {
      // One of an earlier QEMU.
      unlink("\(folder)/\(name)")
      try switchboard.listen(at: "\(folder)/\(name)", as: line)
    }
  }

  /// The folder of sockets and scripts that a machine of this session must name.
  var folder: String { scratch.path }

  /// Runs a machine to its end.
  ///
  /// - Parameters:
  ///   - seed: what the guest gets for its requests.
  ///   - probe: whose lines are taken from the guest.
  ///   - mask: takes the payload's secrets out of the console.
  ///   - keyboard: where the user types for the guest.
  ///   - drive: gets each sign and the seconds since the start, and says what to do.
  ///   - atEnd: is called when nothing more comes from the machine, and before anything is removed; it is told whether
  ///     QEMU has ended by itself, so that all is written.
  mutating func run(
    _ machine: Machine, seed: Seed, probe: Probe, mask: Mask, keyboard: FileDescriptor? = nil,
    echo: ([UInt8]) -> Void = { _ in }, drive: (Watch.Sign, Double) -> [Action],
    atEnd: (_ byItself: Bool) -> Void = { _ in }
  ) throws {
    let hold = try startLeash()
    let group = try awaitStart(of: .leash)
    let clock = ContinuousClock()
    let start = clock.now
    if let keyboard { switchboard.add(keyboard, as: .keyboard) }
    try startMachine(machine, group: group)
    var decoder = EventDecoder(nonce: probe.nonce)
    var console = Mask.Stream(mask)
    var isEnding = false
    var hasExited = false
    var hasFlooded = false
    var end: ContinuousClock.Instant?
    var signs: [Watch.Sign] = []
    while end.map({ clock.now < $0 }) ?? true {
      for (line, bytes) in switchboard.next(milliseconds: 250) {
        guard line == .console else {
          signs += read(line, bytes, seed: seed, decoder: &decoder)
          continue
        }
        let shown = bytes.isEmpty ? console.end() : console.take(bytes)
        echo(shown)
        signs += read(line, shown, seed: seed, decoder: &decoder)
      }
      if decoder.isFlooded, !hasFlooded {
        hasFlooded = true
        signs.append(.flooded)
      }
      if isKilled, !switchboard.isConnected(.machine), !switchboard.isConnected(.console) {
        decoder.restart()
        try restart(machine, group: group)
        signs.append(.powered)
      }
      let now = Double((clock.now - start) / .milliseconds(1)) / 1000
      let prompt = record.console.prompt
      if !prompt.isEmpty { signs.append(.prompt(prompt)) }
      signs.append(.tick)
      for sign in signs {
        if case .exited = sign { (end, hasExited) = (clock.now, true) }
        guard !isEnding else { continue }
        for action in drive(sign, now) {
          perform(action, probe)
          if action == .end {
            isEnding = true
            // QEMU writes back what it holds of a disk that is kept; whatever it does else is cut short.
            end = end ?? clock.now + .seconds(20)
          }
        }
      }
      signs = []
    }
    record.refused = decoder.refused
    atEnd(hasExited)
    try? hold.close()
    awaitEnd(of: .leash)
  }

  // MARK: - Starting and ending

  private mutating func startLeash() throws -> FileDescriptor {
    let (reading, writing) = try Switchboard.makePipe()
    let null = try FileDescriptor.open("/dev/null", .readWrite, options: .closeOnExec)
    Launcher.start(
      "/bin/sh", ["\(scratch.path)/leash.sh", scratch.path] + [unfinished?.path].compactMap(\.self), group: 0,
      input: reading, output: null,
      complaints: try null.duplicate(), news: try switchboard.pipe(.leash))
    return writing
  }

  private mutating func startMachine(_ machine: Machine, group: Int32) throws {
    let input: FileDescriptor
    if switchboard.isConnected(.keyboard) {
      let (reading, writing) = try Switchboard.makePipe()
      switchboard.add(writing, as: .typed)
      input = reading
    } else {
      input = try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec)
    }
    Launcher.start(
      machine.program.name, machine.arguments, group: group, input: input,
      output: try switchboard.pipe(.console),
      complaints: try switchboard.pipe(.complaints), news: try switchboard.pipe(.machine))
  }

  /// Starts the machine once more, on the disk as it was left and from its beginning.
  private mutating func restart(_ machine: Machine, group: Int32) throws {
    isKilled = false
    for line in [Switchboard.Line.complaints, .control, .probe, .typed] {
      switchboard.close(line)
      buffers[line] = nil
    }
    markCut()
    try Self.listen(for: &switchboard, in: scratch.path)
    var machine = machine
    machine.resumesFrom = nil
    try startMachine(machine, group: group)
  }

  /// Says on the console, whose last line never ended, what happened.
  private mutating func markCut() {
    _ = record.console.take("\n\(Console.mark("the power was cut here"))\n".utf8)
  }

  /// Waits for a program's start, and gives its process number.
  private mutating func awaitStart(of line: Switchboard.Line) throws -> Int32 {
    for _ in 0..<40 {
      for (from, bytes) in switchboard.next(milliseconds: 250) where from == line {
        for text in lines(from, bytes) {
          if text.hasPrefix("started "), let process = Int32(text.dropFirst(8)) { return process }
          throw Errno.noSuchProcess
        }
      }
    }
    throw Errno.timedOut
  }

  private mutating func awaitEnd(of line: Switchboard.Line) {
    for _ in 0..<40 {
      for (from, bytes) in switchboard.next(milliseconds: 250) where from == line {
        if bytes.isEmpty || lines(from, bytes).contains(where: { $0.hasPrefix("ended") }) { return }
      }
    }
  }

  // MARK: - What comes in and goes out

  private mutating func read(
    _ line: Switchboard.Line, _ bytes: [UInt8], seed: Seed, decoder: inout EventDecoder
  ) -> [Watch.Sign] {
    switch line {
    case .console:
      let lines = record.console.take(bytes)
      return lines.isEmpty ? [] : [.lines(lines)]
    case .complaints:
      record.complaints = String((record.complaints + Console.cleanText(bytes)).suffix(8_192))
      return []
    case .control:
      return rawLines(line, bytes).compactMap { text in
        guard let event = Control.Event(line: text) else { return nil }
        if case .greeting = event { switchboard.send(Control.command("qmp_capabilities"), on: .control) }
        guard case .reset(let isGuests) = event else { return .control(event) }
        decoder.restart()
        if isGuests { return .control(event) }
        markCut()
        return .powered
      }
    case .probe:
      return decoder.events(of: bytes).map(Watch.Sign.event)
    case .requests:
      return lines(line, bytes).compactMap { text in
        guard let request = Seed.Request(line: text) else { return nil }
        switchboard.answer(seed.answer(to: request.path), at: "\(scratch.path)/answer.\(request.process)")
        return .asked(path: request.path)
      }
    case .machine:
      return lines(line, bytes).compactMap { text in
        if text.hasPrefix("started ") {
          process = Int32(text.dropFirst(8))
          return nil
        }
        return isKilled ? nil : .exited(status: text, complaints: record.complaints)
      }
    case .keyboard:
      // Ctrl-], as telnet has it: the guest gets every other key.
      if bytes.contains(0x1D) { return [.quit] }
      switchboard.send(bytes, on: .typed)
      return []
    case .leash, .typed, .answer:
      return []
    }
  }

  private mutating func perform(_ action: Action, _ probe: Probe) {
    switch action {
    case .ask(let what): switchboard.send(probe.order(what), on: .probe)
    case .tellSecrets: switchboard.send(probe.secrets, on: .probe)
    case .askStatus: switchboard.send(Control.command("query-status"), on: .control)
    case .save(let path):
      switchboard.send(Control.command("stop"), on: .control)
      switchboard.send(
        Control.command("migrate-set-capabilities", ["capabilities": [Self.capability("events")]]),
        on: .control)
      // What a guest had in memory is for its owner alone.
      let target = "exec:umask 077; cat >\(path.shellQuoted)"
      switchboard.send(Control.command("migrate", ["uri": Node(.string(target))]), on: .control)
    case .cutPower(.reset): switchboard.send(Control.command("system_reset"), on: .control)
    case .cutPower(.kill):
      guard let process else { return }
      isKilled = true
      kill(process, SIGKILL)
    case .resume: switchboard.send(Control.command("cont"), on: .control)
    case .end: switchboard.send(Control.command("quit"), on: .control)
    }
  }

  private static func capability(_ name: String) -> Node {
    .mapping(["capability": Node(.string(name)), "state": true])
  }

  private mutating func lines(_ line: Switchboard.Line, _ bytes: [UInt8]) -> [String] {
    rawLines(line, bytes).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The lines that some bytes complete. A guest that sends one without end gets no more than so much memory.
  private mutating func rawLines(_ line: Switchboard.Line, _ bytes: [UInt8]) -> [[UInt8]] {
    var pending = buffers[line, default: []] + bytes
    var complete: [[UInt8]] = []
    if let end = bytes.lastIndex(of: UInt8(ascii: "\n")) {
      let rest = pending.count - (bytes.count - end - 1)
      complete = pending[..<rest].split(separator: UInt8(ascii: "\n")).map(Array.init)
      pending.removeFirst(rest)
    }
    if pending.count > 32 << 20 { pending = [] }
    buffers[line] = pending
    return complete
  }
}
