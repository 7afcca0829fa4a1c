import Diagnostics
import Inputs
public import Secrets

extension Architecture {
  /// That of this machine; nil where it is neither.
  public static var host: Architecture? {
    #if arch(x86_64)
      .x86_64
    #elseif arch(arm64)
      .aarch64
    #else
      nil
    #endif
  }
}

/// An image that k3seed knows how to get.
public struct CatalogueImage: Hashable, Sendable {
  /// Where a publisher has it.
  ///
  /// The checksums come from the same folder over TLS, at the same time. So they tell a damaged or exchanged file
  /// (Debian sends downloads on to mirrors of other people), and not a publisher who was broken into.
  public struct Download: Hashable, Sendable {
    /// The folder, without a slash at its end. It holds the newest release of the image.
    public var folder: String
    /// The disk's file, qcow2 whatever its name ends with.
    public var file: String
    /// The file with the checksums.
    public var checksums: String
    /// What they are.
    public var algorithm: RunningDigest.Algorithm
  }

  /// Its name: `debian-12`.
  public var name: String
  /// The architecture.
  public var architecture: Architecture
  /// Where its publisher has it.
  public var download: Download
  /// The suite of Debian that it can be built from; nil where it can only be downloaded.
  public var suite: String?
}

extension CatalogueImage {
  /// All of them, in the order of their names.
  public static let all = Architecture.allCases.flatMap { architecture in
    [
      debian(12, "bookworm", architecture), debian(13, "trixie", architecture),
      ubuntu("22.04", architecture), ubuntu("24.04", architecture),
    ]
  }

  /// The names, each once.
  public static let names = all.filter { $0.architecture == .x86_64 }.map(\.name)

  /// The image of a name.
  public static func named(_ name: String, _ architecture: Architecture) throws(ImageError) -> CatalogueImage
  {
    if let image = all.first(where: { $0.name == name && $0.architecture == architecture }) { return image }
    throw .request(
      "unknown-image", "\(name.shown) is not an image of the catalogue",
      help: name.suggestion(from: names, within: 3) + "the catalogue has \(names.joined(separator: ", "))")
  }

  /// Debian's image for clouds whose machines are virtual: its kernel has the drivers of those only. Described at
  /// <https://cloud.debian.org/images/cloud/>.
  private static func debian(_ version: Int, _ suite: String, _ architecture: Architecture) -> CatalogueImage
  {
    CatalogueImage(
      name: "debian-\(version)", architecture: architecture,
      download: Download(
        folder: "https://cloud.debian.org/images/cloud/\(suite)/latest",
        file: "debian-\(version)-genericcloud-\(architecture.debianName).qcow2", checksums: "SHA512SUMS",
        algorithm: .sha512),
      suite: suite)
  }

  /// Ubuntu's image for servers. Described at <https://documentation.ubuntu.com/public-images/>.
  private static func ubuntu(_ version: String, _ architecture: Architecture) -> CatalogueImage {
    CatalogueImage(
      name: "ubuntu-\(version)", architecture: architecture,
      download: Download(
        folder: "https://cloud-images.ubuntu.com/releases/\(version)/release",
        file: "ubuntu-\(version)-server-cloudimg-\(architecture.debianName).img", checksums: "SHA256SUMS",
        algorithm: .sha256),
      suite: nil)
  }
}
