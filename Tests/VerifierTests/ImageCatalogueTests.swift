import Foundation
import Secrets
import TestSupport
import Testing

@testable import Verifier

@Suite("The catalogue of images")
struct ImageCatalogueTests {
  @Test("Every name is there for both architectures")
  func names() {
    #expect(CatalogueImage.names == ["debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04"])
    for architecture in Architecture.allCases {
      #expect(
        CatalogueImage.all.filter { $0.architecture == architecture }.map(\.name) == CatalogueImage.names)
    }
  }

  @Test("Every download is secured, and names its architecture as its publisher does")
  func downloads() {
    for item in CatalogueImage.all {
      let download = item.download
      #expect(download.folder.hasPrefix("https://") && !download.folder.hasSuffix("/"))
      #expect(download.file.contains("-\(item.architecture.debianName)."))
      #expect(download.checksums.lowercased() == "\(download.algorithm.rawValue)sums")
    }
    #expect(Set(CatalogueImage.all.map(\.download.file)).count == 8)
  }

  @Test("The digests are those of sha256sum and sha512sum, however the bytes come")
  func digests() async throws {
    try await withTemporaryDirectory { folder in
      // More than is read at once, and not a multiple of it.
      var random = SplitMix(seed: 3)
      let bytes = (0..<(2 << 20) + 17).map { _ in UInt8.random(in: .min ... .max, using: &random) }
      let contents: [(String, [UInt8])] = [("empty", []), ("short", Array("abc".utf8)), ("long", bytes)]
      for (name, content) in contents {
        let path = folder.appendingPathComponent(name).path
        try Data(content).write(to: URL(fileURLWithPath: path))
        for algorithm in RunningDigest.Algorithm.allCases {
          let outcome = try await Tool.run(["\(algorithm.rawValue)sum", path])
          let expected = try #require(outcome.text.split(separator: " ").first)
          #expect(try Files.digest(path, algorithm) == expected)
        }
      }
    }
  }

  @Test("mmdebstrap is asked for one archive of the suite, with cloud-init and a kernel for the architecture")
  func arguments() throws {
    let arguments = ImageStore.arguments(
      "bookworm", .aarch64, archive: "/a/root.tar", mirror: "http://m.example/debian")
    #expect(arguments.suffix(3) == ["bookworm", "/a/root.tar", "http://m.example/debian"])
    #expect(arguments.contains("--architectures=arm64"))
    let packages = try #require(arguments.first { $0.hasPrefix("--include=") }).dropFirst(10).split(
      separator: ",")
    #expect(packages.contains("linux-image-cloud-arm64") && packages.contains("cloud-init"))
    #expect(
      ImageStore.arguments("trixie", .x86_64, archive: "/a", mirror: nil).suffix(2) == ["trixie", "/a"])
  }
}
