import Foundation
import TestSupport
import Testing

/// A headless Chromium, driven by browser.py.
enum Browser {
  /// What is looked at, and how.
  struct Job: Encodable {
    enum Step: Encodable {
      case evaluate(String), type(String), press(String)

      func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .evaluate(let code): try container.encode(["evaluate": code])
        case .type(let text): try container.encode(["type": text])
        case .press(let key): try container.encode(["press": key])
        }
      }
    }

    var url = ""
    var width = 1440
    var scheme = "light"
    var media = "screen"
    var motion = "no-preference"
    var script = true
    var tree = true
    var audit = false
    var steps: [Step] = []
  }

  /// What was seen; browser.py says what each is.
  struct Sight: Decodable {
    var messages: [String]
    var requests: [String]
    var results: [String]
    var tree: [[String]]
    var violations: [String]
    var picture: Data

    /// The names of all that has a role.
    func names(of role: String) -> [String] { tree.filter { $0[0] == role }.map { $0[1] } }
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
  static let isThere = program != nil && FileManager.default.fileExists(atPath: axe)
  static let isMissing: Comment = "there is no Chromium, or no .venv/axe.min.js: make setup"

  /// Opens a page in each of the ways, and keeps it and the pictures with the test's results.
  ///
  /// - Parameter isSound: whether it is expected of the page that it asks for nothing, breaks no policy, writes nothing to
  ///   the browser's console and has nothing that an audit finds.
  static func look(
    at page: [UInt8], named name: String, _ jobs: [Job], isSound: Bool = true
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
          Tool.root.appendingPathComponent("Tests/VerifierTests/browser.py").path, try #require(program), axe,
        ], input: Array(JSONEncoder().encode(jobs)))
      try #require(run.status == 0, "\(run.errors)")
      let decoder = JSONDecoder()
      decoder.dataDecodingStrategy = .base64
      let answer = try decoder.decode(Answer.self, from: Data(run.output))
      for (job, sight) in zip(jobs, answer.sights) {
        let way = "\(job.width)-\(job.scheme)\(job.media == "print" ? "-print" : "")"
        Attachment.record(Array(sight.picture), named: "\(name)-\(way).png")
        guard isSound else { continue }
        #expect(sight.requests == [job.url], "\(answer.version)")
        #expect(sight.messages == [], "\(answer.version)")
        #expect(sight.violations == [], "\(answer.version), \(way)")
      }
      return answer.sights
    }
  }
}
