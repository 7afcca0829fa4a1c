import Secrets

extension ImageStore {
  /// Downloads an image from its publisher, and checks it, unless the one that is here is the publisher's newest.
  ///
  /// What was downloaded before an interruption is kept and gone on with, as long as the publisher still has that file.
  ///
  /// - Parameters:
  ///   - item: what to download.
  ///   - base: another folder that has the same files; nil for the publisher's.
  ///   - showsProgress: whether standard error is a terminal, where a bar can be drawn.
  ///   - say: told what is being done, a line at a time.
  /// - Returns: what is here now.
  @discardableResult
  public func pull(
    _ item: CatalogueImage, from base: String? = nil, showsProgress: Bool, say: @Sendable (String) -> Void
  ) async throws -> ImageRecord {
    let download = item.download
    let folder = base ?? download.folder
    guard folder.hasPrefix("https://") || folder.hasPrefix("http://") else {
      throw ImageError.request(
        "image-pull", "\"\(folder)\" is no address of a folder", help: "begin it with https://")
    }
    try HostTool.curl.require()
    return try await locked(item) {
      let expected = try await checksum(of: download, in: folder)
      // A damaged one is as good as none.
      if let record = try? record(item), record.algorithm == download.algorithm,
        record.disk.digest == expected
      {
        return record
      }
      let unfinished = unfinished(item)
      try attempt { try Files.makeFolder(unfinished) }
      // The name says what the file is to become: what was begun of another release is of no use.
      let disk = "disk.qcow2"
      let partial = "\(expected.prefix(32)).part"
      for name in Files.names(in: unfinished) where name != partial { Files.remove("\(unfinished)/\(name)") }

      let path = "\(unfinished)/\(partial)"
      say("downloading \(item.name) for \(item.architecture.rawValue) from \(folder)")
      if folder.hasPrefix("http://") {
        say(
          "warning: http:// is neither secret nor checked: whoever is on the way can replace the image and its checksums; use https://"
        )
      }
      try await fetch("\(folder)/\(download.file)", to: path, showsProgress: showsProgress)
      let found = try attempt { try Files.digest(path, download.algorithm) }
      guard found == expected else {
        Files.remove(path)
        throw ImageError.image(
          "image-checksum", at: "\(folder)/\(download.file)",
          "has the \(download.algorithm.rawValue) \(found), where \(download.checksums) has \(expected); it was removed",
          help: "run the command again: what was downloaded in parts may come from two releases")
      }
      do throws(ImageError) {
        try Qcow2.expectWhole(path)
      } catch {
        Files.remove(path)
        throw error
      }
      try attempt { try Files.rename(path, to: "\(unfinished)/\(disk)") }
      return try finish(
        item, origin: "\(folder)/\(download.file)", algorithm: download.algorithm, disk: disk)
    }
  }

  /// The digest that the publisher's list has for the file.
  private func checksum(of download: CatalogueImage.Download, in folder: String) async throws -> String {
    let address = "\(folder)/\(download.checksums)"
    let outcome = try await HostTool.download(
      address, ["--silent", "--show-error"], bytes: 1 << 20, limit: .seconds(120))
    if outcome.isTooLarge {
      throw ImageError.image(
        "image-download", at: address, "has more than 1048576 bytes, which no list of checksums has",
        help: "look at what the address gives; a mirror has the files of the publisher")
    }
    guard outcome.status == 0 else { throw Self.failure(address, outcome) }
    let digits = download.algorithm == .sha256 ? 64 : 128
    let list = Checksums(outcome.output)
    if let digest = list.digest(of: download.file, digits: digits) { return digest }
    throw ImageError.image(
      "image-checksum", at: address, "has no \(download.algorithm.rawValue) of \(download.file)",
      help: "look at the folder: its publisher may have renamed the image")
  }

  /// Downloads a file, from where it was left off the last time.
  private func fetch(_ address: String, to path: String, showsProgress: Bool) async throws {
    let progress = showsProgress ? ["--progress-bar"] : ["--silent", "--show-error"]
    let options = progress + ["--output", path]
    var outcome = try await HostTool.download(
      address, options + (Files.status(path) == nil ? [] : ["--continue-at", "-"]), bytes: mostBytes,
      output: 1,
      limit: Self.timeLimit, showsErrors: showsProgress)
    // A server that cannot go on in the middle (33), or that finds nothing beyond the end (416, which is 22 in curl
    // before 7.85): from the start again.
    if outcome.status != 0, Files.status(path) != nil, [22, 33, 36].contains(outcome.status) {
      Files.remove(path)
      outcome = try await HostTool.download(
        address, options, bytes: mostBytes, output: 1, limit: Self.timeLimit, showsErrors: showsProgress)
    }
    if outcome.isTooLarge {
      Files.remove(path)
      throw ImageError.image(
        "image-download", at: address,
        "has more than \(mostBytes) bytes, which no image of the catalogue has",
        help: "look at what the address gives; a mirror has the files of the publisher")
    }
    guard outcome.status == 0 else { throw Self.failure(address, outcome) }
  }

  /// A gigabyte at 2 Mbit/s takes as long.
  private static let timeLimit = Duration.seconds(4800)

  private static func failure(_ address: String, _ outcome: HostTool.Outcome) -> ImageError {
    // curl's own words: "curl: (22) The requested URL returned error: 404".
    let why = outcome.errors.last ?? "curl ended with \(outcome.status)"
    return .host(
      "image-download", at: address, "cannot be downloaded: \(why)",
      help: "look at the network, and run the command again: it goes on where it stopped")
  }
}
