import Foundation
import Secrets
import TestSupport
import Testing

@testable import Verifier

@Suite("Snapshots of machines")
struct SnapshotTests {
  @Test("What is finished stays as long as what it rests on is as it was, and was used within a month")
  func stays() async throws {
    try await withStore { store, machine in
      let snapshot = try make(of: machine, in: store)
      #expect(snapshot.exists && Files.names(in: snapshot.folder) == ["disk.qcow2", "grounds", "state"])
      #expect(try mode(store) == 0o700 && mode(snapshot.folder) == 0o700)
      Snapshot.sweep(store)
      #expect(snapshot.exists)
      // Another size of the machine is another snapshot, and no reason for this one to go.
      var larger = machine
      larger.memory = 4096
      let other = try make(of: larger, in: store)
      Snapshot.sweep(store)
      #expect(snapshot.exists && other.exists && snapshot.folder != other.folder)
      for (days, isKept) in [(29.0, true), (31, false)] {
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSinceNow: -days * 86_400)], ofItemAtPath: snapshot.state)
        Snapshot.sweep(store)
        #expect(snapshot.exists == isKept, "\(days)")
      }
      #expect(other.exists)
    }
  }

  @Test("Using it is what keeps it")
  func used() async throws {
    try await withStore { store, machine in
      let snapshot = try make(of: machine, in: store)
      let long = Date(timeIntervalSinceNow: -31 * 86_400)
      try FileManager.default.setAttributes([.modificationDate: long], ofItemAtPath: snapshot.state)
      snapshot.use()
      Snapshot.sweep(store)
      #expect(snapshot.exists)
    }
  }

  @Test("One whose image, kernel or initial RAM disk was replaced or removed goes", arguments: 0..<6)
  func replaced(index: Int) async throws {
    try await withStore { store, machine in
      let snapshot = try make(of: machine, in: store)
      guard case .kernel(let kernel, let initrd, _) = machine.image.boot else { return }
      let file = [machine.image.disk, kernel, initrd][index % 3]
      if index < 3 { try Files.write([1, 2, 3], to: file) } else { Files.remove(file) }
      Snapshot.sweep(store)
      #expect(!snapshot.exists && Files.names(in: store) == [])
      #expect(try Snapshot(of: machine, in: store).folder != snapshot.folder, "it is not gone on from either")
    }
  }

  @Test("Of what is unfinished, what somebody works on stays, and what a crash left goes")
  func unfinished() async throws {
    try await withStore { store, machine in
      let snapshot = try Snapshot(of: machine, in: store)
      let locked = try snapshot.begin()
      // One that is being made this moment has no lock yet.
      try Files.makeFolder("\(snapshot.folder).new000")
      // What a killed process left: nobody has its lock. And one of a process that knew no locks.
      for (name, file) in [("dead00", "lock"), ("4711", "disk.qcow2")] {
        try Files.makeFolder("\(snapshot.folder).\(name)")
        try Files.write([1], to: "\(snapshot.folder).\(name)/\(file)")
      }
      // One that does not say what it rests on, and what is none of ours.
      for folder in [snapshot.folder, "\(store)/mine", "\(store)/.hidden"] {
        try Files.makeFolder(folder)
        try Files.write([1], to: "\(folder)/state")
      }
      Snapshot.sweep(store)
      #expect(
        Set(Files.names(in: store).map { "\(store)/\($0)" }) == [
          locked.path, "\(snapshot.folder).new000", "\(store)/mine", "\(store)/.hidden",
        ])
      #expect(Files.names(in: locked.path) == ["grounds", "lock"])
    }
  }

  @Test("Of two that are made at once the first is kept, and nothing of the other")
  func race() async throws {
    try await withStore { store, machine in
      let snapshot = try Snapshot(of: machine, in: store)
      for text in ["first", "second"] {
        let unfinished = try snapshot.begin()
        let made = snapshot.made(in: unfinished)
        try Files.write(Array(text.utf8), to: made.state)
        try Files.write([], to: made.disk)
        snapshot.take(made)
      }
      #expect(try Files.read(snapshot.state) == Array("first".utf8))
      #expect(Files.names(in: store).count == 1)
    }
  }

  @Test("Two images of one relative path in two folders have two snapshots")
  func relative() async throws {
    try await withStore { store, machine in
      var relative = machine
      relative.image.disk = "./none.qcow2"
      let grounds = try make(of: relative, in: store).folder + "/grounds"
      let text = String(decoding: try Files.read(grounds), as: UTF8.self)
      #expect(text.contains("\0\(FileManager.default.currentDirectoryPath)/./none.qcow2 0 0\0"), "\(text)")
    }
  }

  @Test("Removing an image, or putting another in its place, takes its snapshots and leaves others'")
  func images() async throws {
    try await withStore { store, machine in
      let images = ImageStore(folder: "\(store)/../images")
      #expect(images.snapshots.hasSuffix("/images/../snapshots"))
      let item = try CatalogueImage.named("debian-12", .x86_64)
      let other = try make(of: machine, in: images.snapshots)
      for isRemoved in [false, true] {
        func put(_ size: Int) throws {
          try Files.makeFolder(images.unfinished(item))
          try Files.write([UInt8](repeating: 0, count: size), to: "\(images.unfinished(item))/disk.qcow2")
          _ = try images.finish(item, origin: "a test", algorithm: .sha256, disk: "disk.qcow2")
        }
        try put(1)
        var machine = machine
        machine.image = try images.image("debian-12", .x86_64)
        let snapshot = try make(of: machine, in: images.snapshots)
        if isRemoved { #expect(try await images.remove(item)) } else { try put(2) }
        #expect(!snapshot.exists && other.exists && Files.names(in: images.snapshots).count == 1)
      }
    }
  }

  // MARK: - Making them

  /// A folder for snapshots, and a machine whose image is there.
  private func withStore(_ body: (String, Machine) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      for name in ["disk", "kernel", "initrd"] { try Files.write([1], to: "\(folder.path)/\(name)") }
      let image = Image(
        name: "own", architecture: .x86_64, disk: "\(folder.path)/disk", format: .raw,
        boot: .kernel(path: "\(folder.path)/kernel", initrd: "\(folder.path)/initrd", root: "/dev/vda"))
      try Files.makeFolder("\(folder.path)/cache/images")
      try Files.makeFolder("\(folder.path)/cache/snapshots")
      try await body("\(folder.path)/cache/snapshots", MachineTests.machine(image))
    }
  }

  private func make(of machine: Machine, in store: String) throws -> Snapshot {
    let snapshot = try Snapshot(of: machine, in: store)
    let made = try {
      let unfinished = try snapshot.begin()
      let made = snapshot.made(in: unfinished)
      try Files.write([1], to: made.state)
      try Files.write([1], to: made.disk)
      snapshot.take(made)
      return snapshot
    }()
    #expect(made.exists)
    return made
  }

  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
  }
}
