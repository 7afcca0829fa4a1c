import Foundation
public import Testing

/// The pictures of pages that README and the documentation show.
///
/// They are not compared with anything: fonts differ from machine to machine. `make pictures` takes them anew.
public enum Picture {
  /// Where they are.
  private static let folder = "Sources/K3Seed/K3Seed.docc/Resources"
  /// As wide as a page without the space at its sides, in pixels.
  private static let width = 1200
  /// The most that one may take in bytes: whoever opens README loads it.
  private static let limit = 250_000

  /// Expects a picture to be there, small enough, and shown with words for those who do not see it; with
  /// `K3SEED_RECORD=pictures` takes it, and still fails, so that a recording never passes for a test.
  ///
  /// - Parameters:
  ///   - page: what it is a picture of.
  ///   - name: its name without `.png`.
  ///   - height: how much of the page it shows, in pixels.
  public static func hold(
    _ page: [UInt8], _ name: String, height: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let path = "\(folder)/\(name).png"
    let file = Tool.root.appendingPathComponent(path)
    if ProcessInfo.processInfo.environment["K3SEED_RECORD"] == "pictures" {
      // What is folded leaves room for more of the page.
      let fold = "for (const one of document.querySelectorAll('details')) one.open = false"
      let job = Browser.Job(width: width, height: height, tree: false, steps: [.evaluate(fold)])
      let sight = try await Browser.look(at: page, named: "picture-\(name)", [job])[0]
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try sight.picture.write(to: file)
      Issue.record("\(path) has been taken anew: look at it", sourceLocation: sourceLocation)
    }
    let picture = try Data(contentsOf: file)
    // Signature, length and name of the first chunk; then width and height (PNG, 5.2 and 11.2.1).
    #expect(
      picture.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), sourceLocation: sourceLocation)
    let numbers = [16, 20].map { offset in
      picture.dropFirst(offset).prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }
    #expect(numbers == [width, height], "\(path)", sourceLocation: sourceLocation)
    #expect(picture.count <= limit, "\(path)", sourceLocation: sourceLocation)
    // README shows a picture by its path, a page of the catalogue by its name.
    let catalogue = Tool.root.appendingPathComponent("Sources/K3Seed/K3Seed.docc")
    let pages = try FileManager.default.contentsOfDirectory(atPath: catalogue.path).filter {
      $0.hasSuffix(".md")
    }
    let texts = try
      ([Tool.root.appendingPathComponent("README.md")] + pages.map(catalogue.appendingPathComponent))
      .map { try String(contentsOf: $0, encoding: .utf8) }
    let shown = try Regex("!\\[([^\\]]+)\\]\\((?:\(path)|\(name))\\)", as: (Substring, Substring).self)
    let words = try #require(
      texts.lazy.compactMap { $0.firstMatch(of: shown) }.first, "nothing shows \(path)",
      sourceLocation: sourceLocation
    ).output.1
    #expect(words.split(separator: " ").count > 8, "\(words)", sourceLocation: sourceLocation)
  }
}
