public import Foundation
public import Testing

/// A headless Chromium, driven by browser.py.
public enum Browser {
  /// What is looked at, and how.
  public struct Job: Encodable {
    /// Something that is done in it.
    public enum Step: Encodable {
      /// JavaScript whose value is wanted.
      case evaluate(String)
      /// A text is typed.
      case type(String)
      /// A key is pressed: `Tab`.
      case press(String)

      /// As browser.py takes it.
      public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .evaluate(let code): try container.encode(["evaluate": code])
        case .type(let text): try container.encode(["type": text])
        case .press(let key): try container.encode(["press": key])
        }
      }
    }

    fileprivate var url = ""
    fileprivate let width: Int
    fileprivate let height: Int
    fileprivate let scheme: String
    fileprivate let media: String
    fileprivate let motion: String
    fileprivate let script: Bool
    fileprivate let tree: Bool
    fileprivate let audit: Bool
    fileprivate let steps: [Step]

    /// A look at a page; browser.py says what each means.
    public init(
      width: Int = 1440, height: Int = 6000, scheme: String = "light", media: String = "screen",
      motion: String = "no-preference", script: Bool = true, tree: Bool = true, audit: Bool = false,
      steps: [Step] = []
    ) {
      self.width = width
      self.height = height
      self.scheme = scheme
      self.media = media
      self.motion = motion
      self.script = script
      self.tree = tree
      self.audit = audit
      self.steps = steps
    }
  }

  /// What was seen; browser.py says what each is.
  public struct Sight: Decodable {
    /// What the page, or its policy, wrote to the browser's console.
    public var messages: [String]
    /// The addresses that it asked for.
    public var requests: [String]
    /// What the steps' JavaScript came to, as JSON.
    public var results: [String]
    /// What assistive technology is told: role and name.
    public var tree: [[String]]
    /// What the audit found.
    public var violations: [String]
    /// The beginning of the page as PNG.
    public var picture: Data

    /// The names of all that has a role.
    public func names(of role: String) -> [String] { tree.filter { $0[0] == role }.map { $0[1] } }
  }

  private struct Answer: Decodable {
    var version: String
    var sights: [Sight]
  }

  /// The first of the programs that are known to work.
  static let program = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"]
    .lazy.compactMap(Tool.find).first
  private static let axe = Tool.root.appendingPathComponent(".venv/axe.min.js").path

  /// Whether there is all that it takes; for `.enabled(if:)`.
  public static let isThere = program != nil && FileManager.default.fileExists(atPath: axe)
  /// What is said where there is not.
  public static let isMissing: Comment = "there is no Chromium, or no .venv/axe.min.js: make setup"

  /// Opens a page in each of the ways, and keeps it and the pictures with the test's results.
  ///
  /// - Parameter isSound: whether it is expected of the page that it asks for nothing, breaks no policy, writes nothing to
  ///   the browser's console and has nothing that an audit finds.
  public static func look(
    at page: [UInt8], named name: String, _ jobs: [Job], isSound: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [Sight] {
    try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("\(name).html")
      try Data(page).write(to: file)
      Attachment.record(page, named: "\(name).html")
      let jobs = jobs.map { job in
        var job = job
        job.url = file.absoluteString
        return job
      }
      let run = try await Tool.run(
        [
          Tool.root.appendingPathComponent(".venv/bin/python").path,
          Tool.root.appendingPathComponent("Tests/TestSupport/browser.py").path, try #require(program), axe,
        ], input: Array(JSONEncoder().encode(jobs)))
      try #require(run.status == 0, "\(run.errors)")
      let decoder = JSONDecoder()
      decoder.dataDecodingStrategy = .base64
      let answer = try decoder.decode(Answer.self, from: Data(run.output))
      for (job, sight) in zip(jobs, answer.sights) {
        let way = "\(job.width)-\(job.scheme)\(job.media == "print" ? "-print" : "")"
        Attachment.record(Array(sight.picture), named: "\(name)-\(way).png")
        guard isSound else { continue }
        #expect(sight.requests == [job.url], "\(answer.version)", sourceLocation: sourceLocation)
        #expect(sight.messages == [], "\(answer.version)", sourceLocation: sourceLocation)
        #expect(sight.violations == [], "\(answer.version), \(way)", sourceLocation: sourceLocation)
      }
      return answer.sights
    }
  }
}
