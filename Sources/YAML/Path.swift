/// Where a reader stands in a document: cheap to follow, made text only for a finding.
struct Path {
  private enum Step {
    case key(String)
    case item(Int)
  }

  private var steps: [Step] = []

  /// How many levels lie above this one.
  var depth: Int { steps.count }

  mutating func enter(_ key: String) { steps.append(.key(key)) }
  mutating func enter(_ item: Int) { steps.append(.item(item)) }
  mutating func leave() { steps.removeLast() }

  /// The JSON path: `$.nodes["worker-1"].taints[0]`.
  var text: String {
    steps.reduce("$") { text, step in
      switch step {
      case .key(let key): text.jsonPath(appending: key)
      case .item(let index): "\(text)[\(index)]"
      }
    }
  }
}
