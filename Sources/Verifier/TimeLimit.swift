/// That a piece of work was not done in its time.
package struct TimeUp: Error {}

/// Does a piece of work within a time; cancels it where that is not enough.
///
/// - Throws: `TimeUp` where the time is up, or what the work throws.
package func within<Value: Sendable>(
  _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value.self) { group in
    group.addTask(operation: work)
    group.addTask {
      // The limit itself; work that is done before cancels it.
      try await Task.sleep(for: limit)
      throw TimeUp()
    }
    defer { group.cancelAll() }
    guard let value = try await group.next() else { throw CancellationError() }
    return value
  }
}
