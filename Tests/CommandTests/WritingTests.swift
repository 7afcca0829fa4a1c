import Foundation
import TestSupport
import Testing

/// What somebody else may have laid where a command writes: who wrote the repository that is checked out, or a neighbour
/// in a folder for all.
enum Trap: String, CaseIterable, Sendable {
  case link = "a link in place of the file"
  case danglingLink = "a link to what is not there"
  case pipe = "another user's pipe"
  case file = "another user's file"
  case folder = "a folder in place of the file"
  case folderLink = "a link in place of the folder"
  case foreignFolder = "another user's folder"
  case openFolder = "a folder that everybody may write to"
  case stagedLink = "a link by the name that unfinished files had once"
  case hardLink = "a second name of another file"

  /// Only the superuser can give files away.
  var isPossible: Bool { geteuid() == 0 || ![.pipe, .file, .foreignFolder].contains(self) }

  /// Whether the command is refused: in a folder of others only secrets are.
  func isRefused(_ writer: Writer) -> Bool {
    switch self {
    case .link, .danglingLink, .pipe, .file, .folder, .folderLink: true
    case .foreignFolder, .openFolder: writer.isSecret
    case .stagedLink, .hardLink: false
    }
  }

  /// Lays it: the command is to write `name` in `place`, which is there; `victim` is what must stay as it is.
  func lay(_ name: String, in place: URL, victim: URL) throws {
    let (file, files) = (place[name], FileManager.default)
    switch self {
    case .link: try files.createSymbolicLink(at: file, withDestinationURL: victim)
    case .danglingLink:
      try files.createSymbolicLink(at: file, withDestinationURL: victim.appendingPathExtension("new"))
    case .pipe:
      try #require(mkfifo(file.path, 0o666) == 0)
      try #require(chown(file.path, 65_534, 65_534) == 0)
    case .file:
      _ = try file.holding("theirs")
      try #require(chown(file.path, 65_534, 65_534) == 0)
    case .folder: try files.createDirectory(at: file, withIntermediateDirectories: false)
    case .folderLink:
      let other = place.deletingLastPathComponent()["other"]
      try files.moveItem(at: place, to: other)
      try files.createSymbolicLink(at: place, withDestinationURL: other)
    case .foreignFolder: try #require(chown(place.path, 65_534, 65_534) == 0)
    case .openFolder: try #require(chmod(place.path, 0o777) == 0)
    case .stagedLink:
      try files.createSymbolicLink(at: place["\(name).k3seed-new"], withDestinationURL: victim)
    case .hardLink: try files.linkItem(at: victim, to: file)
    }
  }
}

/// A command that writes a file: which, and how it is called in the folder above it.
struct Writer: Sendable, CustomStringConvertible {
  var description: String
  /// The folder, which is there before; and the file in it.
  var folder: String
  var file: String
  /// Whether the file may hold secrets, or is kept to its owner.
  var isSecret: Bool
  var arguments: [String]
  var input = json(project)

  static let all = [
    Writer(
      description: "render -o", folder: "out", file: "user-data", isSecret: true,
      arguments: ["render", "-o", "out/user-data"]),
    Writer(
      description: "render --all", folder: "out", file: "server.yaml", isSecret: true,
      arguments: ["render", "--all", "-o", "out"]),
    Writer(
      description: "preview --html", folder: "out", file: "page.html", isSecret: false,
      arguments: ["preview", "--html", "out/page.html"]),
    Writer(
      description: "gitops render", folder: "argocd", file: "kustomization.yaml", isSecret: false,
      arguments: ["gitops", "render", "--out", "argocd", "--force"] + TreeCase.all[0].arguments, input: ""),
    Writer(
      description: "gitops graph", folder: "out", file: "graph.svg", isSecret: true,
      arguments: [
        "gitops", "graph", TreeCase.all[0].folder["argocd"].path, "--format", "svg", "-o", "out/graph.svg",
      ], input: ""),
    Writer(
      description: "verify --report", folder: "out", file: "report.json", isSecret: true,
      arguments: [
        "verify", "user-data", "--image", "/nowhere/image.qcow2", "--report", "json=out/report.json",
      ]),
    Writer(
      description: "verify --keep", folder: "kept", file: "console.log", isSecret: true,
      arguments: ["verify", "user-data", "--image", "/nowhere/image.qcow2", "--keep", "kept"]),
  ]

  /// Whether it goes on to what these tests do not have: an image to boot.
  var needsImage: Bool { arguments.first == "verify" }
}

@Suite("What commands write stays where it belongs") struct WritingTests {
  /// Every file and link below a folder, with what it holds.
  private static func contents(_ folder: URL) throws -> [String: String] {
    var contents: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: folder.path) {
      let place = folder[path].path
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: place) {
        contents[path] = "-> \(target)"
      } else {
        var status = stat()
        let isFile = lstat(place, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        contents[path] = isFile ? (folder[path].bytes.map { String(decoding: $0, as: UTF8.self) }) : "no file"
      }
    }
    return contents
  }

  /// Lays a trap and runs the command in it.
  private func run(
    _ trap: Trap, _ writer: Writer, _ command: (URL) async throws -> Tool.Outcome
  ) async throws {
    try await withTemporaryDirectory { base in
      let work = base["work"]
      let place = work[writer.folder]
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      _ = try work["user-data"].holding("#cloud-config\n{}\n")
      let victim = try base["victim"].holding("precious\n")
      try trap.lay(writer.file, in: place, victim: victim)
      let before = try Self.contents(base)
      let outcome = try await command(work)
      #expect(victim.bytes == Array("precious\n".utf8) && base["victim.new"].bytes == nil)
      let after = try Self.contents(base)
      if trap.isRefused(writer) {
        #expect(outcome.status == 2 && outcome.errors.contains("[file-place]"), "\(outcome.errors)")
        #expect(after == before)
      } else if writer.needsImage {
        #expect(!outcome.errors.contains("[file-place]"), "\(outcome.errors)")
      } else {
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(place[writer.file].bytes?.isEmpty == false)
        // Nothing is left beside, and what was there is.
        let name = "work/\(writer.folder)/\(writer.file)"
        for (path, content) in before where path != name { #expect(after[path] == content, "\(path)") }
        #expect(!after.keys.contains { $0.contains(".k3seed-") && !$0.hasSuffix(".k3seed-new") })
      }
    }
  }

  @Test(
    "Nothing is written through or into what others have laid", arguments: Trap.allCases.filter(\.isPossible),
    Writer.all)
  func traps(trap: Trap, writer: Writer) async throws {
    try await run(trap, writer) { work in
      try await Tool.k3seed(writer.arguments, input: writer.input, directory: work.path)
    }
  }

  @Test(
    "The lock is no exception",
    .enabled(if: Publishers.isHere, "openssl, curl, python3, git or sha256sum is not installed"),
    // What lies there under a second name is no lock, and refused as such.
    arguments: Trap.allCases.filter { $0.isPossible && $0 != .hardLink })
  func lock(trap: Trap) async throws {
    let writer = Writer(
      description: "lock", folder: "out", file: "k3seed.lock", isSecret: false, arguments: [])
    try await Publishers.run { publishers in
      try await run(trap, writer) { work in
        try await Tool.k3seed(
          ["lock", "--k3s", Publishers.version, "--lock", "out/k3seed.lock"],
          environment: publishers.environment, directory: work.path)
      }
    }
  }

  @Test("A link is followed neither by an absolute path, where it is below the current folder")
  func absolute() async throws {
    try await withTemporaryDirectory { base in
      try FileManager.default.createDirectory(at: base["real"], withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(at: base["link"], withDestinationURL: base["real"])
      // What getcwd says, which the program compares with.
      let path = base["link"].path
      let inside = try await Tool.shell(
        #"cd "$1" && "$k3seed" render -o "$(pwd -P)/link/x""#, [base.path], input: Array(json(project).utf8))
      #expect(inside.status == 2 && inside.errors.contains("\nlink: error: is a link, "), "\(inside.errors)")
      #expect(base["real"].names == [])
      // Elsewhere the user's own link is the user's business.
      let outside = try await Tool.k3seed(
        ["render", "-o", "\(path)/x"], input: json(project), directory: "/usr")
      #expect(outside.status == 0, "\(outside.errors)")
      #expect(base["real"].names == ["x"] && base["real"]["x"].mode == "0600")
    }
  }

  @Test("All nodes are written, or none")
  func allOrNone() async throws {
    try await withTemporaryDirectory { folder in
      let out = folder["out"]
      try FileManager.default.createDirectory(at: out["w.yaml"], withIntermediateDirectories: true)
      let outcome = try await Tool.k3seed(
        ["render", "--all", "-o", "out"], input: json(adding("nodes", threeNodesDocument)),
        directory: folder.path)
      #expect(
        outcome.status == 2
          && outcome.errors.hasSuffix("out/w.yaml: error: is a folder; name a file in it [file-place]\n"))
      #expect(out.names == ["w.yaml"])
    }
  }
}
