import Diagnostics
import GitOps
import Host
import SystemPackage

/// The folder of a GitOps tree: files are read and changed in it, and never behind a link.
struct TreeFolder {
  /// The folder's path.
  let path: String
  /// As far as the user's mask lets them.
  private static let forAll = FilePermissions(rawValue: 0o777)

  /// The files of some paths, as far as they are there.
  ///
  /// - Throws: a finding for each that is no file of the user's own, or lies behind a link.
  func contents(of paths: some Sequence<String>) throws(Report) -> [String: [UInt8]] {
    guard FileSystem.exists(path) else { return [:] }
    var opened = OpenFolders(root: try FileSystem.attempt { () throws(FileRefusal) in try .open(path) })
    var contents: [String: [UInt8]] = [:]
    var refusals: Set<FileRefusal> = []
    for place in paths {
      do throws(FileRefusal) {
        guard let (folder, name) = try opened.find(place) else { continue }
        try folder.requireReplaceable(name)
        contents[place] = try folder.read(name, limit: FileSystem.Limit.manifest.bytes)
      } catch {
        refusals.insert(error)
      }
    }
    try Report(refusals.sorted { $0.path < $1.path }.map(FileSystem.finding)).throwIfErrors()
    return contents
  }

  /// Changes files: all of them, or none.
  ///
  /// Everything is written beside its place before anything is put there; should that fail half-way, what was there
  /// before is put back.
  ///
  /// - Parameters:
  ///   - writes: the files to write, by their path within.
  ///   - removals: the paths of files to remove.
  ///   - before: what is there now.
  func change(
    writing writes: [(path: String, bytes: [UInt8])], removing removals: [String],
    knowing before: [String: [UInt8]]
  ) throws(Report) {
    do throws(FileRefusal) {
      var opened = OpenFolders(root: try .open(path, missing: Self.forAll), missing: Self.forAll)
      var staged: [(path: String, file: StagedFile)] = []
      for (path, bytes) in writes {
        guard let (folder, name) = try opened.find(path) else { continue }
        staged.append((path, try folder.stage(bytes, for: name, .all)))
      }
      var changed: [String] = []
      do throws(FileRefusal) {
        for (path, file) in staged {
          try file.commit()
          changed.append(path)
        }
        for path in removals {
          guard let (folder, name) = try opened.find(path) else { continue }
          try folder.remove(name)
          changed.append(path)
        }
      } catch {
        for path in changed {
          guard let (folder, name) = try? opened.find(path) else { continue }
          if let bytes = before[path] {
            try? folder.write(bytes, to: name, for: .all)
          } else {
            try? folder.remove(name)
          }
        }
        throw error
      }
      for path in removals { opened.removeEmptyFolders(above: path) }
    } catch {
      throw Report([FileSystem.finding(error)])
    }
  }
}

/// The folders below one, each opened once.
private struct OpenFolders {
  let root: Folder
  /// The permissions that missing folders are made with; nil makes none.
  var missing: FilePermissions?
  private var folders: [String: Folder] = [:]

  init(root: Folder, missing: FilePermissions? = nil) {
    self.root = root
    self.missing = missing
  }

  /// The folder that a path leads to, and the name in it; nil where a folder is missing and none is to be made.
  mutating func find(_ path: String) throws(FileRefusal) -> (Folder, name: String)? {
    var folder = root
    var names = path.parts(between: "/")
    guard let last = names.popLast() else { return nil }
    var inner = ""
    for name in names {
      inner += "\(name)/"
      if let known = folders[inner] {
        folder = known
        continue
      }
      do throws(FileRefusal) {
        folder = try folder.folder(name, missing: missing)
      } catch {
        if error.reason == .system(.noSuchFileOrDirectory) { return nil }
        throw error
      }
      folders[inner] = folder
    }
    return (folder, last)
  }

  /// Removes the folders above a removed file that hold nothing more. From here on none is made again.
  mutating func removeEmptyFolders(above path: String) {
    missing = nil
    for folder in path.foldersAbove.reversed() {
      folders = folders.filter { !$0.key.hasPrefix("\(folder)/") }
      guard let (parent, name) = try? find(folder), parent.removeEmptyFolder(name) else { return }
    }
  }
}
