import Secrets

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
/// of settings, which its name stands for.
struct Snapshot: Sendable {
  /// Its folder.
  let folder: String

  /// The saved memory and devices.
  var state: String { "\(folder)/state" }
  /// The disk on top of the image.
  var disk: String { "\(folder)/disk.qcow2" }
  /// Whether it is there.
  var exists: Bool { Files.status(state) != nil && Files.status(disk) != nil }

  /// The snapshot for a machine.
  ///
  /// - Parameter store: the folder of all snapshots.
  init(of machine: Machine, in store: String) {
    var machine = machine
    machine.scratch = ""
    machine.disk = .overlay("")
    let identity =
      [machine.program.location ?? "", machine.image.disk].map(Self.identity) + machine.arguments
    folder = "\(store)/\(SHA256.hex(Array(identity.joined(separator: "\0").utf8)).prefix(24))"
  }

  /// What changes when a file is replaced or written to.
  private static func identity(of path: String) -> String {
    let status = Files.status(path)
    return "\(path) \(status?.bytes ?? 0) \(status?.modified ?? 0)"
  }

  /// Where it is made; it gets its name when it is whole.
  var unfinished: Snapshot { Snapshot(folder: "\(folder).\(getpid())") }

  private init(folder: String) { self.folder = folder }

  /// Gives it its name. Where another process was faster, that one's is taken.
  func finish(as snapshot: Snapshot) {
    if (try? Files.rename(folder, to: snapshot.folder)) == nil { Files.remove(folder) }
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
