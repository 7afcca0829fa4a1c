import Diagnostics
import Foundation
import Secrets
import TestSupport
import Testing

@testable import Verifier

@Suite("The cache of images")
struct ImageStoreTests {
  @Test(
    "The folder follows the environment",
    arguments: [
      (["K3SEED_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"], "/c/images"),
      (["K3SEED_CACHE": "relative", "HOME": "/h"], "relative/images"),
      (["XDG_CACHE_HOME": "/x", "HOME": "/h"], "/x/k3seed/images"),
    ])
  func folder(environment: [String: String], expected: String) throws {
    #expect(try ImageStore(environment: { environment[$0] }).folder == expected)
  }

  @Test("Without the variables it is where the system has caches; without a home there is none")
  func home() throws {
    #if os(macOS)
      let expected = "/h/Library/Caches/k3seed/images"
    #else
      let expected = "/h/.cache/k3seed/images"
    #endif
    for environment in [["HOME": "/h"], ["HOME": "/h", "XDG_CACHE_HOME": "relative"]] {
      #expect(try ImageStore(environment: { environment[$0] }).folder == expected)
    }
    let error = try #require(throws: ImageError.self) { try ImageStore(environment: { _ in nil }) }
    #expect(
      error.diagnostic.line
        == "error: there is no folder for images: HOME is not set; set K3SEED_CACHE [no-cache]")
    #expect(error.exitCode == 69)
  }

  @Test("An image that was put there is found with all that a machine needs")
  func found() async throws {
    try await withStore { store, item in
      let record = try put(item, in: store, kernel: true)
      #expect(try store.record(item) == record)
      let place = "\(store.folder)/debian-12-x86_64"
      #expect(
        try store.image("debian-12", .x86_64)
          == Image(
            name: "debian-12", architecture: .x86_64, disk: "\(place)/disk.qcow2", format: .qcow2,
            boot: .kernel(path: "\(place)/disk.vmlinuz", initrd: "\(place)/disk.initrd", root: "/dev/vda")))
      #expect(try mode(store.folder) == 0o700 && mode(place) == 0o700)
      #expect(Files.names(in: store.folder) == ["debian-12-x86_64"])
    }
  }

  @Test("Without a kernel of its own it starts from its boot loader")
  func firmware() async throws {
    try await withStore { store, item in
      try put(item, in: store, kernel: false)
      #expect(try store.image("debian-12", .x86_64).boot == .firmware)
    }
  }

  @Test("A later time alone is no damage, as the content is looked at then")
  func touched() async throws {
    try await withStore { store, item in
      try put(item, in: store, kernel: true)
      let disk = "\(store.place(item))/disk.qcow2"
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: disk)
      #expect(try store.record(item) != nil)
    }
  }

  @Test(
    "Damage is found and named",
    arguments: [
      ("disk.qcow2", Data?.none, "disk.qcow2 is missing"),
      ("disk.qcow2", Data("short".utf8), "disk.qcow2 has 5 bytes, where 4096 were put"),
      ("disk.initrd", Data("INITRD".utf8), "disk.initrd was changed after it was put there"),
      ("disk.vmlinuz", Data(), "disk.vmlinuz has 0 bytes, where 6 were put"),
      ("image.json", Data?.none, "its image.json is missing or is not one of debian-12"),
      ("image.json", Data("{\"name\":\"debi".utf8), "its image.json is missing or is not one of debian-12"),
      ("image.json", Data("{}".utf8), "its image.json is missing or is not one of debian-12"),
    ])
  func damage(file: String, content: Data?, message: String) async throws {
    try await withStore { store, item in
      try put(item, in: store, kernel: true)
      let url = URL(fileURLWithPath: "\(store.place(item))/\(file)")
      try FileManager.default.removeItem(at: url)
      if let content {
        try content.write(to: url)
        let later = Date(timeIntervalSinceNow: 60)
        try FileManager.default.setAttributes([.modificationDate: later], ofItemAtPath: url.path)
      }
      let error = try #require(throws: ImageError.self) { try store.image("debian-12", .x86_64) }
      #expect(
        error.diagnostic.line
          == "\(store.place(item)): error: \(message); run k3seed image remove debian-12, and get it again "
          + "[image-damaged]")
      #expect(error.exitCode == 1)
    }
  }

  @Test("One image's record is not taken for another's")
  func exchanged() async throws {
    try await withStore { store, item in
      try put(item, in: store, kernel: true)
      let other = try CatalogueImage.named("debian-13", .x86_64)
      try FileManager.default.moveItem(atPath: store.place(item), toPath: store.place(other))
      #expect(throws: ImageError.self) { try store.record(other) }
    }
  }

  @Test(
    "What is not here is said with how to get it",
    arguments: [
      ("debian-12", "run k3seed image pull debian-12%, or k3seed image build debian-12%"),
      ("ubuntu-24.04", "run k3seed image pull ubuntu-24.04%"),
    ])
  func absent(name: String, help: String) async throws {
    try await withStore { store, _ in
      for architecture in Architecture.allCases {
        let error = try #require(throws: ImageError.self) { try store.image(name, architecture) }
        let flag = architecture == Architecture.host ? "" : " --arch \(architecture.rawValue)"
        #expect(error.diagnostic.message == "\(name) for \(architecture.rawValue) is not on this machine")
        #expect(error.diagnostic.help == help.replacing("%", with: flag))
        #expect(error.exitCode == 2)
      }
    }
  }

  @Test("A name that is not in the catalogue is refused, with the one that may be meant")
  func unknown() throws {
    let error = try #require(throws: ImageError.self) { try CatalogueImage.named("debain-12", .x86_64) }
    #expect(
      error.diagnostic.line
        == "error: \"debain-12\" is not an image of the catalogue; did you mean \"debian-12\"? the catalogue has "
        + "debian-12, debian-13, ubuntu-22.04, ubuntu-24.04 [unknown-image]")
  }

  @Test("Removing takes the image and what is unfinished, and says whether there was anything")
  func removing() async throws {
    try await withStore { store, item in
      #expect(try await store.remove(item) == false)
      try put(item, in: store, kernel: true)
      try Files.makeFolder("\(store.unfinished(item))/root/deep")
      try Files.write([1], to: "\(store.unfinished(item))/root/deep/file")
      // What a link leads to is not ours.
      let elsewhere = "\(store.folder)-elsewhere"
      try Files.makeFolder(elsewhere)
      try Files.write([1], to: "\(elsewhere)/file")
      try FileManager.default.createSymbolicLink(
        atPath: "\(store.unfinished(item))/link", withDestinationPath: elsewhere)
      #expect(try await store.remove(item))
      #expect(Files.names(in: store.folder) == [".debian-12-x86_64.lock"])
      #expect(Files.names(in: elsewhere) == ["file"])
    }
  }

  @Test("Two who work on the same image wait for each other")
  func locking() async throws {
    try await withStore { store, item in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            try await store.locked(item) {
              let mark = "\(store.folder)/mark"
              #expect(Files.status(mark) == nil)
              try Files.write([], to: mark)
              // Long enough that another holder, if the lock let one in, would find the mark.
              try await Task.sleep(for: .milliseconds(50))
              Files.remove(mark)
            }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test("Who is cancelled while waiting goes without the lock")
  func cancelled() async throws {
    try await withStore { store, item in
      try await store.locked(item) {
        let second = Task { try await store.locked(item) { Issue.record("two hold the lock") } }
        // Time to begin its wait, which nothing outside can see.
        try await Task.sleep(for: .milliseconds(50))
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
      }
    }
  }

  @Test("A folder that cannot be made is the host's fault")
  func noFolder() async throws {
    try await withTemporaryDirectory { folder in
      let file = folder.appendingPathComponent("file")
      try Data().write(to: file)
      let store = ImageStore(folder: "\(file.path)/images")
      let item = try CatalogueImage.named("debian-12", .x86_64)
      let error = try await #require(throws: ImageError.self) { try await store.remove(item) }
      #expect(
        error.diagnostic.line
          == "\(file.path)/images: error: the cache cannot be used: Not a directory; or set K3SEED_CACHE to another "
          + "folder [cache]")
      #expect(error.exitCode == 69)
    }
  }

  /// A store of the test's own, and an image to put there.
  private func withStore(_ body: (ImageStore, CatalogueImage) async throws -> Void) async throws {
    try await withTemporaryDirectory { folder in
      try await body(
        ImageStore(folder: "\(folder.path)/cache/images"), CatalogueImage.named("debian-12", .x86_64))
    }
  }

  @discardableResult
  private func put(_ item: CatalogueImage, in store: ImageStore, kernel: Bool) throws -> ImageRecord {
    let folder = store.unfinished(item)
    try Files.makeFolder(folder)
    try Files.write([UInt8](repeating: 7, count: 4096), to: "\(folder)/disk.qcow2")
    guard kernel else {
      return try store.finish(item, origin: "a test", algorithm: .sha512, disk: "disk.qcow2")
    }
    try Files.write(Array("kernel".utf8), to: "\(folder)/disk.vmlinuz")
    try Files.write(Array("initrd".utf8), to: "\(folder)/disk.initrd")
    return try store.finish(
      item, origin: "a test", algorithm: .sha256, disk: "disk.qcow2", kernel: "disk.vmlinuz",
      initrd: "disk.initrd",
      packages: ["cloud-init": "22.4.2-1+deb12u4", "systemd": "252"])
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }
}
