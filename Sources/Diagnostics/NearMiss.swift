extension String {
  /// The one of `candidates` that is nearest to this name, where it is at most `limit` typing errors away.
  ///
  /// A typing error is a letter added, left out, exchanged, or swapped with its neighbour (the optimal string
  /// alignment distance). The first of several equally near candidates is taken.
  public func nearest(in candidates: [String], within limit: Int) -> String? {
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = typingErrors(to: candidate, limit: limit)
      if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  /// How a help text begins where a name is near to one of `candidates`: `did you mean "server"? `; empty where
  /// none is near.
  public func suggestion(from candidates: [String], within limit: Int) -> String {
    nearest(in: candidates, within: limit).map { "did you mean \"\($0)\"? " } ?? ""
  }

  private func typingErrors(to other: String, limit: Int) -> Int {
    guard abs(utf8.count - other.utf8.count) <= limit else { return .max }
    let a = Array(utf8)
    let b = Array(other.utf8)
    var older: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var cost = Swift.min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = Swift.min(cost, older[j - 1] + 1) }
        row.append(cost)
      }
      // What follows is never less than the least of a row.
      if row.allSatisfy({ $0 > limit }) { return .max }
      older = previous
      previous = row
    }
    return previous[b.count]
  }
}
