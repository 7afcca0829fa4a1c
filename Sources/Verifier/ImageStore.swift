import Secrets
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The images on this machine.
///
/// Each is a folder with `image.json` and the files that it names. A folder gets its name when everything in it is
/// there and was checked; whoever makes one holds the lock of its name meanwhile.
public struct ImageStore: Sendable {
  /// The folder of all of them.
  public let folder: String
  /// The folder of the snapshots that warm starts go on from.
  public var snapshots: String { "\(folder)/../snapshots" }

  /// So many bytes a disk may have that is downloaded. Those of the catalogue have about 600 MB.
  var mostBytes = 4 << 30

  /// The images below a folder.
  public init(folder: String) { self.folder = folder }

  /// The images of the user: below `$K3SEED_CACHE`, else in a folder of k3seed where the system has caches
  /// (`$XDG_CACHE_HOME` or `~/.cache`; on macOS `~/Library/Caches`).
  ///
  /// - Parameter environment: gives a variable's value; nil where it is not set, or empty.
  public init(environment: (String) -> String?) throws(ImageError) {
    if let cache = environment("K3SEED_CACHE") {
      folder = "\(cache)/images"
      return
    }
    // The specification has relative paths ignored.
    if let cache = environment("XDG_CACHE_HOME"), cache.hasPrefix("/") {
      folder = "\(cache)/k3seed/images"
      return
    }
    guard let home = environment("HOME") else {
      throw .host("no-cache", "there is no folder for images: HOME is not set", help: "set K3SEED_CACHE")
    }
    #if os(macOS)
      folder = "\(home)/Library/Caches/k3seed/images"
    #else
      folder = "\(home)/.cache/k3seed/images"
    #endif
  }

  /// An image that is here, ready to be started.
  ///
  /// - Throws: that it is not here, and how to get it; or that its files are not those that were put there.
  public func image(_ name: String, _ architecture: Architecture) throws(ImageError) -> Image {
    let item = try CatalogueImage.named(name, architecture)
    guard let record = try record(item) else {
      let flag = architecture == Architecture.host ? "" : " --arch \(architecture.rawValue)"
      let ways = ["pull"] + (item.suite == nil ? [] : ["build"])
      let commands = ways.map { "k3seed image \($0) \(name)\(flag)" }
      throw .request(
        "image-missing", "\(name) for \(architecture.rawValue) is not on this machine",
        help: "run \(commands.joined(separator: ", or "))")
    }
    let place = place(item)
    try Qcow2.expectWhole("\(place)/\(record.disk.name)")
    var boot = Image.Boot.firmware
    if let kernel = record.kernel, let initrd = record.initrd {
      boot = .kernel(path: "\(place)/\(kernel.name)", initrd: "\(place)/\(initrd.name)", root: "/dev/vda")
    }
    return Image(
      name: name, architecture: architecture, disk: "\(place)/\(record.disk.name)", format: .qcow2, boot: boot
    )
  }

  /// What is known of an image; nil where it is not here.
  ///
  /// - Throws: that its files are not those that were put there.
  public func record(_ item: CatalogueImage) throws(ImageError) -> ImageRecord? {
    let place = place(item)
    guard Files.status(place) != nil else { return nil }
    func damaged(_ what: String) -> ImageError {
      .image(
        "image-damaged", at: place, what,
        help: "run k3seed image remove \(item.name), and get it again")
    }
    guard let json = try? Files.read("\(place)/image.json"), let record = ImageRecord(json: json),
      record.name == item.name, record.architecture == item.architecture
    else {
      throw damaged("its image.json is missing or is not one of \(item.name)")
    }
    for file in record.files {
      let path = "\(place)/\(file.name)"
      guard let status = Files.status(path) else { throw damaged("\(file.name) is missing") }
      guard status.bytes == file.bytes else {
        throw damaged("\(file.name) has \(status.bytes) bytes, where \(file.bytes) were put")
      }
      if status.modified == file.modified { continue }
      guard let digest = try? Files.digest(path, record.algorithm) else {
        throw damaged("\(file.name) cannot be read")
      }
      guard digest == file.digest else { throw damaged("\(file.name) was changed after it was put there") }
    }
    return record
  }

  /// Removes an image with its snapshots, and what there is of an unfinished download; says whether there was any.
  public func remove(_ item: CatalogueImage) async throws -> Bool {
    try await locked(item) {
      let traces = [place(item), unfinished(item)].filter { Files.status($0) != nil }
      for trace in traces { Files.remove(trace) }
      Snapshot.sweep(snapshots)
      return !traces.isEmpty
    }
  }

  // MARK: - For those who put images here

  /// Does something that nobody else is doing for the same image; waits for who is.
  func locked<Value>(_ item: CatalogueImage, _ body: () async throws -> Value) async throws -> Value {
    try attempt { try Files.makeFolder(folder) }
    let path = "\(folder)/.\(item.folderName).lock"
    while true {
      if let lock = try attempt({ try Files.lock(path) }) {
        defer { try? lock.close() }
        return try await body()
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }

  /// Puts what lies in the unfinished folder in its place, with a record of it.
  func finish(
    _ item: CatalogueImage, origin: String, algorithm: RunningDigest.Algorithm, disk: String,
    kernel: String? = nil, initrd: String? = nil, packages: [String: String] = [:]
  ) throws -> ImageRecord {
    let unfinished = unfinished(item)
    func file(_ name: String) throws -> ImageRecord.File {
      let path = "\(unfinished)/\(name)"
      guard let status = Files.status(path) else { throw Errno.noSuchFileOrDirectory }
      return ImageRecord.File(
        name: name, bytes: status.bytes, modified: status.modified, digest: try Files.digest(path, algorithm))
    }
    return try attempt {
      let record = ImageRecord(
        name: item.name, architecture: item.architecture, origin: origin, date: time(nil),
        algorithm: algorithm,
        disk: try file(disk), kernel: try kernel.map(file), initrd: try initrd.map(file), packages: packages)
      try Files.write(record.json, to: "\(unfinished)/image.json")
      Files.remove(place(item))
      try Files.rename(unfinished, to: place(item))
      // Those of the one that it replaces.
      Snapshot.sweep(snapshots)
      return record
    }
  }

  /// Where an image is.
  func place(_ item: CatalogueImage) -> String { "\(folder)/\(item.folderName)" }

  /// Where it is made.
  func unfinished(_ item: CatalogueImage) -> String { "\(folder)/.\(item.folderName).unfinished" }

  /// Names the folder where the system refuses something in it.
  func attempt<Value>(_ body: () throws -> Value) throws(ImageError) -> Value {
    do {
      return try body()
    } catch let error as ImageError {
      throw error
    } catch {
      throw .host(
        "cache", at: folder, "the cache cannot be used: \(error)",
        help: "or set K3SEED_CACHE to another folder")
    }
  }
}

extension CatalogueImage {
  var folderName: String { "\(name)-\(architecture.rawValue)" }
}
