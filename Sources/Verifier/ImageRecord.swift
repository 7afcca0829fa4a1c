public import Secrets
import YAML

/// What `image.json` says of an image in the cache: what its files are, and what it was made of.
public struct ImageRecord: Hashable, Sendable {
  /// One file, and how to find out whether it is still the same.
  public struct File: Hashable, Sendable {
    /// Its name in the folder.
    public var name: String
    /// Its size in bytes.
    public var bytes: Int
    /// When it was written, in seconds since 1970. The digest need not be made again while this is the same.
    public var modified: Int
    /// Its digest.
    public var digest: String
  }

  /// Its name in the catalogue.
  public var name: String
  /// The architecture that it is for.
  public var architecture: Architecture
  /// Where it came from: an address, or `mmdebstrap bookworm`.
  public var origin: String
  /// When it was made or downloaded, in seconds since 1970.
  public var date: Int
  /// What the digests are.
  public var algorithm: RunningDigest.Algorithm
  /// The disk, in qcow2.
  public var disk: File
  /// The kernel, where QEMU starts it itself.
  public var kernel: File?
  /// The initial RAM disk that goes with the kernel; there is one where there is a kernel.
  public var initrd: File?
  /// Versions of the packages that matter here, by their names; empty where nobody looked into the disk.
  public var packages: [String: String]
}

extension ImageRecord {
  var files: [File] { [disk] + [kernel, initrd].compactMap { $0 } }

  /// As JSON, keys in a fixed order.
  var json: [UInt8] {
    var entries: [Node.Entry] = [
      Node.Entry("name", Node(.string(name))),
      Node.Entry("architecture", Node(.string(architecture.rawValue))),
      Node.Entry("origin", Node(.string(origin))), Node.Entry("date", Node(.number(String(date)))),
      Node.Entry("algorithm", Node(.string(algorithm.rawValue))), Node.Entry("disk", disk.node),
    ]
    if let kernel { entries.append(Node.Entry("kernel", kernel.node)) }
    if let initrd { entries.append(Node.Entry("initrd", initrd.node)) }
    let versions = packages.sorted { $0.key < $1.key }.map { Node.Entry($0.key, Node(.string($0.value))) }
    entries.append(Node.Entry("packages", Node(.mapping(versions))))
    return JSON.emit(Node(.mapping(entries))) + [UInt8(ascii: "\n")]
  }

  /// Nil where it is not what `json` writes.
  init?(json: [UInt8]) {
    guard let node = try? JSON.parse(json, source: "image.json"),
      let name = node["name"]?.string,
      let architecture = node["architecture"]?.string.flatMap(Architecture.init(rawValue:)),
      let origin = node["origin"]?.string, let date = node["date"]?.integer,
      let algorithm = node["algorithm"]?.string.flatMap(RunningDigest.Algorithm.init(rawValue:)),
      let disk = node["disk"].flatMap(File.init(node:)), let packages = node["packages"]?.mapping
    else { return nil }
    self.name = name
    self.architecture = architecture
    self.origin = origin
    self.date = date
    self.algorithm = algorithm
    self.disk = disk
    kernel = node["kernel"].flatMap(File.init(node:))
    initrd = node["initrd"].flatMap(File.init(node:))
    if (kernel == nil) != (initrd == nil) { return nil }
    self.packages = [:]
    for entry in packages { self.packages[entry.key] = entry.value.string }
  }
}

extension ImageRecord.File {
  fileprivate var node: Node {
    .mapping([
      "name": Node(.string(name)), "bytes": Node(.number(String(bytes))),
      "modified": Node(.number(String(modified))), "digest": Node(.string(digest)),
    ])
  }

  fileprivate init?(node: Node) {
    guard let name = node["name"]?.string, !name.contains("/"), let bytes = node["bytes"]?.integer,
      let modified = node["modified"]?.integer, let digest = node["digest"]?.string
    else { return nil }
    self.init(name: name, bytes: bytes, modified: modified, digest: digest)
  }
}
