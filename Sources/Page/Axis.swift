package import Diagnostics

/// An axis from 0 to a round number, in two to five steps.
package struct Axis {
  private let step: Double
  private let unit: String
  /// How many steps it has.
  package let count: Int

  /// - Parameters:
  ///   - horizon: what must find a place on it.
  ///   - unit: what is written after the last number.
  package init(to horizon: Double, unit: String) {
    var step = 0.1
    // 0.1, 0.2, 0.5, 1, 2, 5, 10 and so on.
    let factors = [2, 2.5, 2]
    var index = 0
    while horizon > 5 * step {
      step *= factors[index % 3]
      index += 1
    }
    self.step = step
    self.unit = unit
    count = max(1, Int((horizon / step).rounded(.up)))
  }

  /// A value's place, in percent of the axis.
  package func percent(_ value: Double) -> Double {
    let share = value / (step * Double(count))
    return share.isFinite ? Self.rounded(min(max(share, 0), 1) * 100) : share > 0 ? 100 : 0
  }

  /// What is written at the end of a step.
  package func label(_ index: Int) -> String {
    let value = (step * Double(index) * 10).rounded() / 10
    return Int(exactly: value)?.grouped ?? String(value)
  }

  /// The axis itself, to stand above bars of the same width.
  ///
  /// - Parameter title: what it is, for those who cannot see it.
  package func markup(_ title: String) -> Markup {
    """
    <svg class="axis" height="16" role="img" aria-label="\(title), from 0 to \(label(count))">\
    \(0...count, each: tick)</svg>
    """
  }

  /// A bar below the axis, in a row of 18 pixels.
  ///
  /// - Parameter isHatched: whether something is wrong with it, which must not be told by colour alone.
  package func bar(from start: Double, to end: Double, height: Int = 10, isHatched: Bool = false) -> Markup {
    let left = percent(start)
    let width = max(0, Self.rounded(percent(end) - left))
    let place: Markup =
      "x=\"\(left)%\" width=\"\(width)%\" y=\"\((18 - height) / 2)\" height=\"\(height)\""
    return """
      <svg class="bar" height="18" aria-hidden="true"><rect \(place)/>\
      \(isHatched ? "<rect class=\"over\" \(place)/>" : nil as Markup?)</svg>
      """
  }

  /// The style that draws the axis' steps behind a table's bars.
  package var grid: Markup { "--tick: \(100 / Double(count))%" }

  private func tick(_ index: Int) -> Markup {
    let anchor = index == 0 ? "start" : index == count ? "end" : "middle"
    let text = index == count ? "\(label(index)) \(unit)" : label(index)
    return """
      <text x="\(Self.rounded(100 * Double(index) / Double(count)))%" y="12" text-anchor="\(anchor)"\
      \(anchor == "middle" ? " class=\"between\"" : nil as Markup?)>\(text)</text>
      """
  }

  /// Places are written with three decimals: less than a pixel of any screen.
  private static func rounded(_ percent: Double) -> Double { (percent * 1000).rounded() / 1000 }
}
