import Foundation
import FuzzReaders
import TestSupport
import Testing

@Suite("Inputs of the fuzzer") struct ReplayTests {
  /// The seeds of a reader, and what it once failed on.
  static let inputs: [(reader: Reader, name: String)] = Reader.allCases.flatMap { reader in
    let folder = Tool.root.appendingPathComponent("Tests/Fuzzing/Corpus/\(reader.rawValue)")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { (reader, $0) }
  }

  @Test("every one is read to its end, and what readers promise holds", arguments: inputs.indices)
  func replay(index: Int) throws {
    let (reader, name) = Self.inputs[index]
    let file = Tool.root.appendingPathComponent("Tests/Fuzzing/Corpus/\(reader.rawValue)/\(name)")
    reader.read(Array(try Data(contentsOf: file)))
  }

  @Test("every reader has seeds")
  func seeds() {
    #expect(Set(Self.inputs.map(\.reader)) == Set(Reader.allCases))
  }
}
