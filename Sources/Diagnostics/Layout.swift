extension String {
  /// The text with spaces before it, `width` characters wide at least.
  package func padded(left width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }

  /// The text with spaces after it, `width` characters wide at least.
  package func padded(right width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}

extension Int {
  /// The number with a comma after every third digit from the right.
  package var grouped: String {
    let digits = Array(String(self))
    return digits.enumerated().map { index, digit in
      index > 0 && (digits.count - index).isMultiple(of: 3) ? ",\(digit)" : "\(digit)"
    }.joined()
  }

  /// The number with what it counts: `1 file`, `2 files`.
  package func counted(_ noun: String) -> String {
    "\(grouped) \(noun)\(self == 1 ? "" : noun.hasSuffix("s") ? "es" : "s")"
  }
}
