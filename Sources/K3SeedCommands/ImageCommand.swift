public import ArgumentParser
import Diagnostics
import SystemPackage
public import Verifier

struct ImageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image",
    abstract: "Keeps the images that user-data is booted with.",
    discussion: """
      Images lie below $K3SEED_CACHE, or where the system has the user's caches, and are never written to once they \
      are there. Exit codes beside the usual: 1 an image is not what its publisher or k3seed put there.
      """,
    subcommands: [List.self, Pull.self, Build.self, Path.self, Remove.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Lists the catalogue, and what of it is here.")

    func run() throws {
      let store = try ImageStore.ofUser()
      var rows: [[String]] = []
      for item in CatalogueImage.all {
        rows.append([item.name, item.architecture.rawValue] + Self.state(of: item, in: store))
      }
      try FileSystem.print(Array(Self.table(rows).utf8))
    }

    /// What there is to say of an image: whether it is here, how large it is, what it was made of.
    private static func state(of item: CatalogueImage, in store: ImageStore) -> [String] {
      do {
        guard let record = try store.record(item) else {
          return ["-", item.suite == nil ? "not here: pull" : "not here: pull or build"]
        }
        let versions = record.packages.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return ["\(record.disk.bytes >> 20) MiB", ([record.origin] + versions).joined(separator: ", ")]
      } catch {
        return ["damaged", error.diagnostic.message]
      }
    }

    private static func table(_ rows: [[String]]) -> String {
      let widths = rows.reduce(into: [0, 0, 0]) { widths, row in
        for column in widths.indices { widths[column] = max(widths[column], row[column].count) }
      }
      return rows.map { row in
        let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        return (cells + row.dropFirst(widths.count)).joined(separator: "  ") + "\n"
      }.joined()
    }
  }

  struct Pull: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "pull",
      abstract: "Downloads an image from its publisher, and checks it.",
      discussion: "An image that is here already is downloaded only where its publisher has a newer one.")

    @OptionGroup var name: ImageName

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Another folder with the image and its checksums: a mirror of the publisher.", valueName: "url"))
    var from: String?

    func run() throws {
      let (item, store, from) = (try name.item(), try ImageStore.ofUser(), from)
      let isTerminal = FileSystem.isTerminal(.standardError)
      let record = try waiting {
        try await store.pull(item, from: from, showsProgress: isTerminal) { FileSystem.say($0 + "\n") }
      }
      FileSystem.say("\(item.name) is here: \(record.disk.bytes >> 20) MiB\n")
    }
  }

  struct Build: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "build",
      abstract: "Makes an image of Debian from the distribution's packages.",
      discussion: """
        For this machine's own architecture, with mmdebstrap, e2fsprogs, qemu-utils and, for users other than root, \
        fakeroot and uidmap. It takes a minute or two, and about 2 GB of space meanwhile.
        """)

    @OptionGroup var name: ImageName

    @Option(
      name: .long,
      help: ArgumentHelp(
        "Where the packages come from, instead of mmdebstrap's own choice.", valueName: "url"))
    var mirror: String?

    func run() throws {
      let (item, store, mirror) = (try name.item(), try ImageStore.ofUser(), mirror)
      let record = try waiting {
        try await store.build(item, mirror: mirror) { FileSystem.say($0 + "\n") }
      }
      FileSystem.say("\(item.name) is here: \(record.disk.bytes >> 20) MiB\n")
    }
  }

  struct Path: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "path", abstract: "Prints the path of an image's disk.")

    @OptionGroup var name: ImageName

    func run() throws {
      let item = try name.item()
      let image = try ImageStore.ofUser().image(item.name, item.architecture)
      try FileSystem.print(Array("\(image.disk)\n".utf8))
    }
  }

  struct Remove: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "remove",
      abstract: "Removes an image, its snapshots, and what there is of an unfinished one.")

    @OptionGroup var name: ImageName

    func run() throws {
      let (item, store) = (try name.item(), try ImageStore.ofUser())
      let wasHere = try waiting { try await store.remove(item) }
      FileSystem.say(wasHere ? "\(item.name) is removed\n" : "\(item.name) was not here\n")
    }
  }
}

/// Which image of the catalogue is meant.
struct ImageName: ParsableArguments {
  @Argument(
    help: "The image: \(CatalogueImage.names.joined(separator: ", ")).",
    completion: .list(CatalogueImage.names))
  var name: String

  @Option(
    name: .long, help: "The guest's architecture: x86_64 or aarch64; this machine's own unless given.")
  var arch: Architecture?

  func item() throws(ImageError) -> CatalogueImage {
    try CatalogueImage.named(name, arch ?? Architecture.host ?? .x86_64)
  }
}

extension Architecture: ExpressibleByArgument {}

extension ImageStore {
  /// The images of whoever runs the program.
  static func ofUser() throws(ImageError) -> ImageStore {
    try ImageStore(environment: FileSystem.environment)
  }
}
