import Dispatch
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Runs asynchronous work to its end from a command that is not asynchronous itself.
///
/// A program that ends before it has read its input is not this one's end: SIGPIPE is ignored meanwhile. Programs that
/// are run get it back as it was.
///
/// The root command stays synchronous, so that rendering pays nothing for what it does not use.
///
/// An interrupt (Ctrl-C), a request to terminate and a terminal that closes cancel the work, which then tidies up
/// after itself. Afterwards the program ends by that signal, so that a shell that waits for it knows.
///
/// - Throws: what the work throws.
func waiting<Value: Sendable>(for work: @escaping @Sendable () async throws -> Value) throws -> Value {
  let pipes = signal(SIGPIPE, SIG_IGN)
  defer { signal(SIGPIPE, pipes) }
  let outcome = Outcome<Value>()
  let done = DispatchSemaphore(value: 0)
  // Before the work begins: what it starts could bring the signal about.
  let watches = [SIGINT, SIGTERM, SIGHUP].compactMap { number in Watch(number) { outcome.stop(by: number) } }
  let task = Task {
    do {
      outcome.value.withLock { [value = try await work()] in $0 = .success(value) }
    } catch {
      outcome.value.withLock { $0 = .failure(error) }
    }
    done.signal()
  }
  outcome.whenStopped { task.cancel() }
  done.wait()
  for watch in watches { watch.end() }
  if let number = outcome.signal {
    kill(getpid(), number)
    _exit(128 + number)
  }
  guard let result = outcome.value.withLock({ $0 }) else { throw CancellationError() }
  return try result.get()
}

/// What came of the work, and what cut it short.
private final class Outcome<Value: Sendable>: Sendable {
  let value = Mutex<Result<Value, any Error>?>(nil)
  private let stop = Mutex<(signal: Int32?, action: (@Sendable () -> Void)?)>((nil, nil))

  /// The first signal.
  var signal: Int32? { stop.withLock { $0.signal } }

  /// A signal came.
  func stop(by number: Int32) {
    let action = stop.withLock { stop in
      stop.signal = stop.signal ?? number
      return stop.action
    }
    action?()
  }

  /// What a signal does from now on, and at once where one came already.
  func whenStopped(_ action: @escaping @Sendable () -> Void) {
    let isStopped = stop.withLock { stop in
      stop.action = action
      return stop.signal != nil
    }
    if isStopped { action() }
  }
}

/// Does something else on a signal than to end the program.
private struct Watch {
  private let number: Int32
  private let source: any DispatchSourceSignal

  /// Nil where the program was started with the signal ignored, as by `nohup`: then it stays so.
  init?(_ number: Int32, body: @escaping @Sendable () -> Void) {
    let previous = signal(number, SIG_IGN)
    if unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) { return nil }
    self.number = number
    source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler(handler: body)
    source.resume()
  }

  func end() {
    source.cancel()
    signal(number, SIG_DFL)
  }
}
