public import Diagnostics
import Secrets

/// What must be done to a folder so that it holds a tree.
///
/// What k3seed wrote last is known by a file of checksums beside the tree, in the form that `sha256sum -c` reads. A file
/// that is as it was written is k3seed's to change; any other is somebody's work.
public struct TreeUpdate: Sendable {
  /// What is done where somebody's work is in the way.
  public enum Policy: Sendable {
    /// Nothing is written at all.
    case refuse
    /// It stays as it is, and the others are written.
    case keep
    /// It is overwritten.
    case overwrite
  }

  /// The file of checksums.
  public static let recordPath = ".k3seed.sha256"

  /// The files to write, in the order of their paths, the record last.
  public let writes: [Tree.File]
  /// The files that k3seed wrote and that the tree no longer has, in the order of their paths.
  public let removals: [String]
  /// How many files are as they must be.
  public let unchanged: Int
  /// What was found on the way: somebody's work that is kept or overwritten.
  public let report: Report

  /// The paths whose content must be known: those of the tree, and those of the record.
  ///
  /// - Throws: a report where the record is not as k3seed writes it.
  public static func paths(of tree: Tree, record: [UInt8]?, folder: String) throws(Report) -> [String] {
    let recorded = try hashes(of: record, folder: folder)
    return Set(tree.files.map(\.path)).union(recorded.keys).sorted()
  }

  /// Compares a tree with what lies in its folder.
  ///
  /// - Parameters:
  ///   - tree: what must be there.
  ///   - existing: what is there, by path.
  ///   - record: the file of checksums; nil where there is none.
  ///   - folder: what findings call the folder.
  ///   - policy: what is done with somebody's work.
  /// - Throws: a report that names every file that is somebody's work, where it must not be touched.
  public init(
    _ tree: Tree, existing: [String: [UInt8]], record: [UInt8]?, folder: String, policy: Policy = .refuse
  ) throws(Report) {
    let recorded = try Self.hashes(of: record, folder: folder)
    var report = Report()
    var writes: [Tree.File] = []
    var removals: [String] = []
    var hashes: [(path: String, hash: String)] = []
    var unchanged = 0
    /// Whether a file is somebody's work, and so to be left alone.
    func isKept(_ path: String, _ found: [UInt8], wanted: [UInt8]?) -> Bool {
      guard SHA256.hex(found) != recorded[path] else { return false }
      let who = recorded[path] == nil ? "was not written by k3seed" : "was changed since k3seed wrote it"
      let what =
        wanted.map { ": \(Self.difference($0, found))" } ?? ", and the tree has no such file any more"
      let help =
        switch policy {
        case .refuse: "leave it with --keep, or overwrite it with --force"
        case .keep: "it is kept"
        case .overwrite: wanted == nil ? "it is removed" : "it is overwritten"
        }
      report.add(
        Diagnostic(
          policy == .refuse ? .error : .note, "edited", at: Location(source: "\(folder)/\(path)"), who + what,
          help: help))
      return policy != .overwrite
    }
    for file in tree.files {
      let hash = SHA256.hex(file.bytes)
      let found = existing[file.path]
      if found == file.bytes {
        unchanged += 1
      } else if let found, isKept(file.path, found, wanted: file.bytes) {
        if let old = recorded[file.path] { hashes.append((file.path, old)) }
        continue
      } else {
        writes.append(file)
      }
      hashes.append((file.path, hash))
    }
    let paths = Set(tree.files.map(\.path))
    for (path, hash) in recorded.sorted(by: { $0.key < $1.key }) where !paths.contains(path) {
      guard let found = existing[path] else { continue }
      if isKept(path, found, wanted: nil) {
        hashes.append((path, hash))
      } else {
        removals.append(path)
      }
    }
    try report.throwIfErrors()
    let lines = hashes.sorted { $0.path < $1.path }.map { "\($0.hash)  \($0.path)\n" }
    let bytes = Array(lines.joined().utf8)
    if bytes != record { writes.append(Tree.File(path: Self.recordPath, bytes: bytes)) }
    self.writes = writes
    self.removals = removals
    self.unchanged = unchanged
    self.report = report
  }

  /// The hash of every recorded path.
  private static func hashes(of record: [UInt8]?, folder: String) throws(Report) -> [String: String] {
    var hashes: [String: String] = [:]
    let lines = String(decoding: record ?? [], as: UTF8.self).parts(between: "\n")
    for (index, line) in lines.enumerated() where !line.isEmpty {
      let hash = String(line.prefix(64))
      let path = String(line.dropFirst(66))
      // A path that leads out of the folder would let a repository have any file removed.
      guard hash.utf8.count == 64, hash.utf8.allSatisfy({ (0x30...0x39) ~= $0 || (0x61...0x66) ~= $0 }),
        line.dropFirst(64).hasPrefix("  "), !path.isEmpty,
        path.parts(between: "/").allSatisfy({ !["", ".", ".."].contains($0) })
      else {
        throw Report([
          .error(
            "tree-record", at: Location(source: "\(folder)/\(recordPath)", line: index + 1, column: 1),
            "is not a checksum and a path below this folder, as k3seed writes them",
            help: "restore the file from git; without it, every file counts as not written by k3seed")
        ])
      }
      hashes[path] = hash
    }
    return hashes
  }

  /// Where two texts differ: the lines of the found one between what both begin and end with.
  private static func difference(_ wanted: [UInt8], _ found: [UInt8]) -> String {
    let feed = UInt8(ascii: "\n")
    let wanted = wanted.split(separator: feed, omittingEmptySubsequences: false)
    let found = found.split(separator: feed, omittingEmptySubsequences: false)
    let head = zip(wanted, found).prefix { $0 == $1 }.count
    let most = min(wanted.count, found.count) - head
    let tail = zip(wanted.reversed(), found.reversed()).prefix(most).prefix { $0 == $1 }.count
    let last = found.count - tail
    if last <= head {
      let missing = wanted.count - tail - head
      return "\(missing) \(missing == 1 ? "line is" : "lines are") missing before line \(head + 1)"
    }
    return last == head + 1 ? "line \(last) differs" : "lines \(head + 1) to \(last) differ"
  }
}
