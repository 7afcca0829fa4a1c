import Foundation
import TestSupport

/// A secret whose presence anywhere can be told: an unmistakable core among characters that every format escapes in
/// its own way.
struct Canary: Sendable {
  let value: String
  /// What must not be found.
  private let traces: [String]

  /// - Parameter awkward: whether characters stand around the core that need escapes.
  init(_ name: String, awkward: Bool = true) {
    // Letters of the name spread by a fixed stride, so that cores differ and hold no word.
    let seed = name.utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let letters = Array("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789")
    var state = seed
    let core = String(
      (0..<24).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return letters[Int(state >> 33) % letters.count]
      })
    self.init(value: awkward ? "%&\"\\ü/\(core)'$`{{<\(core)" : core, core: core)
  }

  /// A value that has a form of its own, and the part of it that is secret.
  init(value: String, core: String) {
    self.value = value
    var traces: [String] = [value]
    // Any eight characters of the core, so that a cut or broken one is found as well.
    let letters = Array(core)
    traces += (0...(letters.count - 8)).map { String(letters[$0..<$0 + 8]) }
    traces.append(String(json(value).dropFirst().dropLast()).replacing("\\/", with: "/"))
    traces.append(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")
    // base64 shows a text in one of three ways, by where its first byte falls.
    for text in [value, core] {
      for offset in 0..<3 {
        let bytes = Array(text.utf8.dropFirst(offset))
        let whole = Data(bytes.prefix(bytes.count / 3 * 3)).base64EncodedString()
        traces.append(whole)
        traces.append(
          whole.replacing("+", with: "-").replacing("/", with: "_"))
        // Its middle, in case its ends are part of something else.
        traces.append(String(whole.dropFirst(4).prefix(12)))
      }
    }
    self.traces = Set(traces.filter { $0.count >= 8 }).sorted()
  }

  /// The first trace of the secret in some output; nil where there is none.
  func trace(in output: [UInt8]) -> String? {
    // The C library's search: a few hundred outputs are searched for fifty traces each. It ends at a NUL.
    let text = output.map { CChar(bitPattern: max($0, 1)) } + [0]
    return traces.first { strstr(text, $0) != nil }
  }

  func trace(in outcome: Tool.Outcome) -> String? {
    trace(in: outcome.output) ?? trace(in: Array(outcome.errors.utf8))
  }
}
