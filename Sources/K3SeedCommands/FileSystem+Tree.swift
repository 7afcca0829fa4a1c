import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension FileSystem {
  /// Which files of a folder are read.
  struct Choice: Sendable {
    /// Whether a file or folder of that name is looked at.
    var takes: @Sendable (String) -> Bool
    /// How large a file may be.
    var limit: Limit
    /// Whether larger files are left out, and not an error.
    var leavesOut: Bool
    /// Whether a link to a folder is followed.
    var followsFolders: Bool
    /// Whether a link may lead anywhere within the git repository that the folder is in.
    var isRepository: Bool

    /// Everything but names that begin with a dot.
    static let visible = Choice(
      takes: { !$0.hasPrefix(".") }, limit: .settings, leavesOut: false, followsFolders: true,
      isRepository: false)

    /// The user-data of a cluster's nodes.
    static let userData = Choice(
      takes: { !$0.hasPrefix(".") }, limit: .userData, leavesOut: false, followsFolders: true,
      isRepository: false)

    /// What people wrote: not what git, Terraform and package managers keep, and no file that is too large to be a
    /// manifest. Links to folders may lead in a circle, and Argo CD does not follow them either.
    static let written = Choice(
      takes: { ![".build", ".git", ".terraform", ".venv", "node_modules"].contains($0) }, limit: .manifest,
      leavesOut: true, followsFolders: false, isRepository: true)
  }

  /// More is in no folder that k3seed reads: names, and bytes of all files together.
  private static let most = (names: 200_000, bytes: 256 << 20)

  /// Every regular file below a folder by its path within it.
  ///
  /// - Throws: also where a link leads out of the folder, or out of its repository: it would have files read that the
  ///   folder's author may not read (Argo CD refuses such repositories as well: "out-of-bounds symlinks").
  static func tree(_ folder: String, _ choice: Choice = .visible) throws(Report) -> [String: [UInt8]] {
    let root = root(of: folder, choice)
    var files: [String: [UInt8]] = [:]
    var wrong: [Diagnostic] = []
    var (names, bytes) = (0, 0)
    // Folders to look into, with those that they are in: one that is among the latter would never end.
    var pending: [(path: String, above: Set<FileIdentity>)] = [
      ("", FileIdentity(of: folder).map { [$0] } ?? [])
    ]
    while let (inner, above) = pending.popLast() {
      let path = inner.isEmpty ? folder : "\(folder)/\(inner)"
      for name in try self.names(in: path) where choice.takes(name) {
        let relative = inner.isEmpty ? name : "\(inner)/\(name)"
        let place = "\(folder)/\(relative)"
        let isLink = isLink(place)
        var status = stat()
        names += 1
        guard stat(place, &status) == 0 else { continue }
        let isFolder = status.st_mode & S_IFMT == S_IFDIR
        guard isFolder ? !isLink || choice.followsFolders : status.st_mode & S_IFMT == S_IFREG else {
          continue
        }
        let identity = FileIdentity(status)
        if isLink, leadsOut(place, of: root) {
          wrong.append(
            .error(
              "link-outside", at: Location(source: place),
              "is a link that leads out of the folder, and is not followed",
              help: "put the file itself there, or take the link out"))
        } else if isFolder, above.contains(identity) {
          wrong.append(
            .error(
              "link-circle", at: Location(source: place), "is a link that leads in a circle",
              help: "take it out"))
        } else if isFolder {
          pending.append((relative, above.union([identity])))
        } else if status.st_size <= choice.limit.bytes || !choice.leavesOut {
          bytes += Int(status.st_size)
          guard names <= most.names, bytes <= most.bytes else { throw tooLarge(folder) }
          files[relative] = try read(place, choice.limit)
        }
      }
      guard names <= most.names else { throw tooLarge(folder) }
    }
    try Report(wrong.sorted { ($0.location?.source ?? "") < ($1.location?.source ?? "") }).throwIfErrors()
    return files
  }

  private static func tooLarge(_ folder: String) -> Report {
    Report([
      .error(
        "file-size", at: Location(source: folder),
        "holds more than \(most.names.grouped) files and folders, or more than \(most.bytes >> 20) MiB in them",
        help: "name the folder that is meant; look for links to folders in it")
    ])
  }

  /// What no link may lead out of: the folder itself, or the repository that it is in.
  private static func root(of folder: String, _ choice: Choice) -> String {
    guard let resolved = resolved(folder) else { return folder }
    guard choice.isRepository else { return resolved }
    var place = resolved[...]
    while !place.isEmpty {
      if exists("\(place)/.git") { return String(place) }
      place = place[..<(place.lastIndex(of: "/") ?? place.startIndex)]
    }
    return resolved
  }

  /// Whether what a link leads to is not in a folder.
  private static func leadsOut(_ link: String, of root: String) -> Bool {
    guard let target = resolved(link) else { return true }
    return !target.hasPrefix(root.hasSuffix("/") ? root : root + "/")
  }

  /// A path without links in it; nil where it leads nowhere.
  private static func resolved(_ path: String) -> String? {
    guard let target = realpath(path, nil) else { return nil }
    defer { free(target) }
    return String(cString: target)
  }
}

/// Which file a path leads to, by whatever links.
private struct FileIdentity: Hashable {
  private let device: UInt64
  private let number: UInt64

  init(_ status: stat) {
    device = UInt64(truncatingIfNeeded: status.st_dev)
    number = UInt64(status.st_ino)
  }

  init?(of path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }
}
