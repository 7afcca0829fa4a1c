import Secrets
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A machine that was halted just before it read its seed: what it had in memory, and what it had written.
///
/// It is as good for one user-data as for another, and holds no secret. A snapshot fits one image, one QEMU and one set
/// of settings, which its name stands for. It is made under another name, in a folder that is locked meanwhile.
struct Snapshot: Sendable {
  /// Its folder.
  let folder: String
  /// The files that it rests on, and how they are.
  private let grounds: [String]

  /// The saved memory and devices.
  var state: String { "\(folder)/state" }
  /// The disk on top of the image.
  var disk: String { "\(folder)/disk.qcow2" }
  /// Whether it is there.
  var exists: Bool { Files.status(state) != nil && Files.status(disk) != nil }

  /// The snapshot for a machine.
  ///
  /// - Parameter store: the folder of all snapshots.
  init(of machine: Machine, in store: String) throws(Errno) {
    var files = [machine.program.location ?? "", machine.image.disk]
    if case .kernel(let kernel, let initrd, _) = machine.image.boot { files += [kernel, initrd] }
    var grounds: [String] = []
    for file in files { grounds.append(Self.identity(of: file.isEmpty ? "" : try Files.absolute(file))) }
    self.grounds = grounds
    var machine = machine
    machine.scratch = ""
    machine.disk = .overlay("")
    let identity = (grounds + machine.arguments).joined(separator: "\0")
    folder = "\(store)/\(SHA256.hex(Array(identity.utf8)).prefix(Self.digits))"
  }

  private init(folder: String, grounds: [String]) {
    self.folder = folder
    self.grounds = grounds
  }

  /// What changes when a file is replaced or written to.
  private static func identity(of path: String) -> String {
    let status = Files.status(path)
    return "\(path) \(status?.bytes ?? 0) \(status?.modified ?? 0)"
  }

  /// A new folder to make it in, for as long as somebody keeps it.
  func begin() throws(Errno) -> LockedFolder {
    if let slash = folder.lastIndex(of: "/") { try Files.makeFolder(String(folder[..<slash])) }
    let unfinished = try LockedFolder("\(folder).")
    try Files.write(Array(grounds.joined(separator: "\0").utf8), to: "\(unfinished.path)/\(Self.groundsName)")
    return unfinished
  }

  /// The same in a folder where it is made.
  func made(in unfinished: LockedFolder) -> Snapshot { Snapshot(folder: unfinished.path, grounds: grounds) }

  /// Gives what was made its name. Where another process was faster, that one's stays.
  func take(_ made: Snapshot) {
    guard (try? Files.rename(made.folder, to: folder)) != nil else { return }
    Files.remove("\(folder)/lock")
  }

  /// Notes that it is used now.
  func use() { utimes(state, nil) }

  /// So many hexadecimal digits are its name.
  private static let digits = 24
  private static let groundsName = "grounds"
  /// So many seconds after it was last used a snapshot costs more than it saves: 30 days.
  private static let shelfLife = 30 * 86_400

  /// Removes what is of no use to anybody in a folder of snapshots: what was never finished and nobody works on, what
  /// rests on an image or a QEMU that is not as it was, and what was not used for long.
  static func sweep(_ store: String) {
    for name in Files.names(in: store) {
      let path = "\(store)/\(name)"
      // What is called otherwise is not ours.
      guard name.prefix(while: \.isHexDigit).count == digits else { continue }
      switch name.dropFirst(digits).first {
      case nil: if !isUseful(path) { Files.remove(path) }
      case ".": LockedFolder.sweep(path)
      default: continue
      }
    }
  }

  private static func isUseful(_ folder: String) -> Bool {
    guard let grounds = try? Files.read("\(folder)/\(groundsName)"),
      let used = Files.status("\(folder)/state")?.modified, used > time(nil) - shelfLife
    else { return false }
    return String(decoding: grounds, as: UTF8.self).split(separator: "\0").allSatisfy { ground in
      // A path, its size and its time.
      let words = ground.split(separator: " ", omittingEmptySubsequences: false)
      return identity(of: words.dropLast(2).joined(separator: " ")) == ground
    }
  }
}

/// Takes a machine to where its snapshot is made: it asks for its seed, is told to ask again, and is halted while it
/// waits.
struct Freeze: Sendable {
  /// Whatever can go wrong on the way is what can go wrong with any boot.
  private(set) var watch: Watch
  private let state: String
  private var asked: Double?
  private var isSaving = false
  /// Whether the state is saved.
  private(set) var isDone = false

  init(watch: Watch, state: String) {
    self.watch = watch
    self.state = state
  }

  mutating func take(_ sign: Watch.Sign, at now: Double) -> [Session.Action] {
    if case .asked = sign { asked = asked ?? now }
    if isSaving {
      guard case .control(.migration(let status)) = sign else {
        if case .exited = sign { return watch.take(sign, at: now) }
        return []
      }
      if status == "completed" {
        isDone = true
        return [.end]
      }
      return status == "failed" || status == "cancelled" ? [.end] : []
    }
    // The answer is on its way; the guest waits a second before it asks again.
    if let asked, now > asked + 0.3 {
      isSaving = true
      return [.save(state)]
    }
    return watch.take(sign, at: now)
  }
}
