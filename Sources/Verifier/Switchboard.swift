import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The pipes and sockets of one verification: what comes in on any of them is handed on as it comes, and what is to go
/// out goes when there is room. One thread, no callbacks: whoever waits, waits here.
struct Switchboard: ~Copyable {
  /// What a connection is for.
  enum Line: Hashable, Sendable {
    /// The guest's serial console.
    case console
    /// QEMU's standard error.
    case complaints
    /// QEMU's own control channel (QMP).
    case control
    /// The probe in the guest.
    case probe
    /// The requests of the guest for its seed.
    case requests
    /// QEMU's start and end.
    case machine
    /// The leash's start and end.
    case leash
    /// The user's terminal.
    case keyboard
    /// What the user types, on its way to the serial console.
    case typed
    /// An answer to the guest, on its way.
    case answer

    /// Whether anything comes in on it.
    fileprivate var isRead: Bool {
      switch self {
      case .answer, .typed: false
      default: true
      }
    }
  }

  private struct Connection {
    var line: Line
    var file: FileDescriptor
    /// Whether it only waits for somebody to connect.
    var isListening = false
    /// What is still to go out.
    var outgoing: ArraySlice<UInt8> = []
  }

  private var connections: [Connection] = []
  /// Pipes that nobody reads yet.
  private var waiting: [(path: String, bytes: [UInt8])] = []

  deinit {
    for connection in connections { try? connection.file.close() }
  }

  /// Takes over a descriptor that is to be read.
  mutating func add(_ file: FileDescriptor, as line: Line) {
    // The terminal's other programs would find it non-blocking too.
    if line != .keyboard { Self.setNonBlocking(file) }
    connections.append(Connection(line: line, file: file))
  }

  /// Makes a pipe whose reading end is taken over, and gives the other.
  mutating func pipe(_ line: Line) throws(Errno) -> FileDescriptor {
    let (reading, writing) = try Self.makePipe()
    add(reading, as: line)
    return writing
  }

  /// A pipe whose ends no program inherits.
  static func makePipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
    var ends: [CInt] = [-1, -1]
    guard Self.pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
  }

  private static func pipe(_ ends: inout [CInt]) -> CInt {
    #if canImport(Darwin)
      Darwin.pipe(&ends)
    #elseif canImport(Musl)
      Musl.pipe(&ends)
    #else
      Glibc.pipe(&ends)
    #endif
  }

  /// Waits at a new socket for the one who connects to it.
  mutating func listen(at path: String, as line: Line) throws(Errno) {
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    let socket = socket(AF_UNIX, kind, 0)
    guard socket >= 0 else { throw Errno(rawValue: errno) }
    let file = FileDescriptor(rawValue: socket)
    _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // The name and its terminating zero must fit.
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    let fits = withUnsafeMutableBytes(of: &address.sun_path) { target in
      guard path.utf8.count < capacity else { return false }
      target.copyBytes(from: path.utf8)
      return true
    }
    guard fits else {
      try? file.close()
      throw .fileNameTooLong
    }
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard status == 0, chmod(path, 0o600) == 0, Self.listen(socket) == 0 else {
      let error = Errno(rawValue: errno)
      try? file.close()
      throw error
    }
    Self.setNonBlocking(file)
    connections.append(Connection(line: line, file: file, isListening: true))
  }

  private static func listen(_ socket: CInt) -> CInt {
    #if canImport(Darwin)
      Darwin.listen(socket, 1)
    #elseif canImport(Musl)
      Musl.listen(socket, 1)
    #else
      Glibc.listen(socket, 1)
    #endif
  }

  /// Sends bytes, now or when there is room; nothing where the line is not connected.
  mutating func send(_ bytes: some Sequence<UInt8>, on line: Line) {
    guard let index = connections.firstIndex(where: { $0.line == line && !$0.isListening }) else { return }
    connections[index].outgoing += bytes
    flush(index)
  }

  /// Whether somebody is connected.
  func isConnected(_ line: Line) -> Bool {
    connections.contains { $0.line == line && !$0.isListening }
  }

  /// Closes what a line still has.
  mutating func close(_ line: Line) {
    for connection in connections where connection.line == line { try? connection.file.close() }
    connections.removeAll { $0.line == line }
  }

  /// Sends bytes to whoever opens a named pipe for reading, and closes it then.
  mutating func answer(_ bytes: [UInt8], at path: String) {
    waiting.append((path, bytes))
    openWaiting()
  }

  /// Waits until something comes in, at most so many milliseconds; empty bytes are the end of a line.
  mutating func next(milliseconds: CInt) -> [(line: Line, bytes: [UInt8])] {
    openWaiting()
    var polled = connections.map { connection in
      let isIdle = connection.outgoing.isEmpty
      let reads = connection.line.isRead
      return pollfd(
        fd: connection.file.rawValue, events: Int16(reads ? POLLIN : 0) | Int16(isIdle ? 0 : POLLOUT),
        revents: 0)
    }
    guard poll(&polled, nfds_t(polled.count), waiting.isEmpty ? milliseconds : min(milliseconds, 20)) > 0
    else {
      return []
    }
    var arrived: [(line: Line, bytes: [UInt8])] = []
    var ended: [Int] = []
    for index in polled.indices where polled[index].revents != 0 {
      if connections[index].isListening {
        accept(index)
      } else {
        if Int32(polled[index].revents) & POLLOUT != 0 { flush(index) }
        if !connections[index].line.isRead {
          let isBroken = Int32(polled[index].revents) & (POLLERR | POLLHUP) != 0
          let isDone = connections[index].line != .typed && connections[index].outgoing.isEmpty
          if isBroken || isDone { ended.append(index) }
        } else if Int32(polled[index].revents) & (POLLIN | POLLHUP | POLLERR) != 0 {
          guard let bytes = read(connections[index].file) else { continue }
          arrived.append((connections[index].line, bytes))
          if bytes.isEmpty { ended.append(index) }
        }
      }
    }
    for index in ended.reversed() {
      try? connections[index].file.close()
      connections.remove(at: index)
    }
    return arrived
  }

  /// What is there to be read; nil where nothing is after all.
  private func read(_ file: FileDescriptor) -> [UInt8]? {
    do {
      return try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
    } catch let error as Errno where error == .wouldBlock || error == .interrupted {
      return nil
    } catch {
      return []
    }
  }

  private mutating func accept(_ index: Int) {
    #if canImport(Darwin)
      let socket = Darwin.accept(connections[index].file.rawValue, nil, nil)
    #elseif canImport(Musl)
      let socket = Musl.accept(connections[index].file.rawValue, nil, nil)
    #else
      let socket = Glibc.accept(connections[index].file.rawValue, nil, nil)
    #endif
    guard socket >= 0 else { return }
    _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    let file = FileDescriptor(rawValue: socket)
    Self.setNonBlocking(file)
    // Nobody else is expected there.
    try? connections[index].file.close()
    connections[index] = Connection(line: connections[index].line, file: file)
  }

  /// Opens the named pipes that somebody reads by now.
  private mutating func openWaiting() {
    waiting.removeAll { path, bytes in
      do {
        let file = try FileDescriptor.open(FilePath(path), .writeOnly, options: [.nonBlocking, .closeOnExec])
        unlink(path)
        connections.append(Connection(line: .answer, file: file, outgoing: bytes[...]))
        return true
      } catch let error as Errno where error == .noSuchAddressOrDevice || error == .interrupted {
        return false
      } catch {
        return true
      }
    }
  }

  /// Writes as much as goes; what nobody takes any more is dropped.
  private mutating func flush(_ index: Int) {
    while !connections[index].outgoing.isEmpty {
      do {
        let count = try connections[index].outgoing.withUnsafeBytes { bytes in
          try connections[index].file.write(bytes)
        }
        connections[index].outgoing.removeFirst(count)
      } catch let error as Errno where error == .wouldBlock {
        return
      } catch let error as Errno where error == .interrupted {
        continue
      } catch {
        connections[index].outgoing = []
      }
    }
  }

  private static func setNonBlocking(_ file: FileDescriptor) {
    let flags = fcntl(file.rawValue, F_GETFL)
    _ = fcntl(file.rawValue, F_SETFL, flags | O_NONBLOCK)
  }
}
