import Foundation
import Gzip
import TestSupport
import Testing

@Suite("compressing") struct CompressTests {
  /// Inputs at every edge of the format, and hundreds between.
  static let inputs: [[UInt8]] = {
    var samples = Samples(seed: 1)
    var inputs: [[UInt8]] = [[], [0], [255], Array("abcabcabc".utf8)]
    // The longest copy is 258 bytes, the window 32,768, and the longest stored piece 65,535.
    for edge in [3, 258, 516, 32_768, 65_535] {
      for count in edge - 1...edge + 2 {
        inputs.append([UInt8](repeating: 7, count: count))
        inputs.append(samples.noise(count))
        inputs.append(samples.cloudConfig(count))
      }
    }
    // The same bytes again from just inside and just outside the window.
    let stretch = samples.noise(300)
    for distance in 32_766...32_770 {
      inputs.append(stretch + samples.noise(distance - stretch.count) + stretch)
    }
    inputs.append((0..<200_000).map { UInt8($0 % 2) })
    inputs.append(samples.noise(140_000))
    inputs.append(samples.skewed())
    // Parts so different that one code for all would be dear.
    inputs.append(samples.cloudConfig(20_000) + samples.noise(70_000) + samples.runs(9000, upTo: 9))
    for _ in 0..<60 {
      let count = samples.below(1 << samples.below(14))
      inputs.append(samples.noise(count))
      inputs.append(samples.noise(count, kinds: 1 + samples.below(5)))
      inputs.append(samples.runs(count, upTo: 1 + samples.below(600)))
      inputs.append(samples.echoes(count))
      inputs.append(samples.cloudConfig(count))
    }
    inputs.append(samples.echoes(150_000))
    return inputs
  }()
  static let outputs = inputs.map(Gzip.compress)

  @Test("Python's gzip gives every input back", .enabled(if: Reference.isThere, "python3 is not installed"))
  func python() async throws {
    let verdicts = try await Reference.verdicts(Array(zip(Self.inputs, Self.outputs)))
    #expect(verdicts.count == Self.inputs.count)
    for (index, verdict) in verdicts.enumerated() {
      #expect(verdict.agrees, "input \(index), of \(Self.inputs[index].count) bytes")
    }
  }

  @Test(
    "the gzip command accepts every output, and gives all of them back in order",
    .enabled(if: Tool.has("gzip"), "gzip is not installed"))
  func command() async throws {
    let all = Self.outputs.flatMap(\.self)
    let check = try await Tool.run(["gzip", "-t"], input: all)
    #expect(check.status == 0, "\(check.errors)")
    let back = try await Tool.run(["gzip", "-dc"], input: all)
    #expect(back.status == 0, "\(back.errors)")
    #expect(back.output == Self.inputs.flatMap(\.self))
  }

  @Test("decompressing gives every input back, at exactly its own length as the limit")
  func roundTrip() throws {
    for (index, input) in Self.inputs.enumerated() {
      #expect(try Gzip.decompress(Self.outputs[index], limit: input.count) == input, "input \(index)")
    }
  }

  @Test("what cannot be made smaller grows by 18 bytes, and 5 for each 65,535 begun")
  func growth() {
    var samples = Samples(seed: 2)
    for count in [1000, 65_535, 65_536, 140_000] {
      #expect(Gzip.compress(samples.noise(count)).count == count + 18 + 5 * ((count + 65_534) / 65_535))
    }
  }

  @Test("the header holds no name and no time", arguments: [[], Array("text".utf8)])
  func header(input: [UInt8]) {
    #expect(Gzip.compress(input).prefix(10) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255])
  }

  @Test(
    "cloud-configs and sources are within 3 % of zlib's best",
    .enabled(if: Reference.isThere, "python3 is not installed"))
  func ratio() async throws {
    var samples = Samples(seed: 3)
    let folder = Tool.root.appendingPathComponent("Sources/Gzip")
    let sources = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .sorted { $0.path < $1.path }
      .flatMap { [UInt8](try Data(contentsOf: $0)) }
    let inputs = [5, 8, 12, 20, 30, 40, 60].map { samples.cloudConfig($0 * 1000) } + [sources]
    let outputs = inputs.map(Gzip.compress)
    let verdicts = try await Reference.verdicts(Array(zip(inputs, outputs)))
    #expect(verdicts.count == inputs.count)
    for (index, verdict) in verdicts.enumerated() {
      #expect(
        outputs[index].count * 100 <= verdict.bestSize * 103,
        "\(inputs[index].count) bytes: \(outputs[index].count) against \(verdict.bestSize)")
    }
  }
}
