/// What the guest finds at the address of its seed: cloud-init's NoCloud files, and the files of a mirror.
///
/// The names are those of cloud-init's documentation of NoCloud (`reference/datasources/nocloud`).
struct Seed: Sendable {
  /// The user-data, byte for byte.
  var userData: [UInt8]
  /// The identity of the instance: another one for every verification, so that nothing counts as done before.
  var instance: String
  /// Makes the vendor-data, in which the probe travels, at the time when the guest asks for it.
  var vendorData: @Sendable () -> [UInt8]
  /// A folder whose files the guest finds below `/mirror/`; nil for none.
  var mirror: String?
  /// Whether the guest is to ask again later, as when a snapshot is made before the seed is read.
  var isHeldBack = false

  /// A request of the guest, as the script `seed.sh` passes it on: `812 GET /user-data`.
  struct Request: Hashable, Sendable {
    /// The script that waits for the answer.
    var process: Int
    /// The path within the seed.
    var path: String

    init?(line: some StringProtocol) {
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
      guard words.count == 3, let process = Int(words[0]), process > 0, words[1] == "GET",
        words[2].hasPrefix("/")
      else { return nil }
      self.process = process
      path = String(words[2])
    }
  }

  /// The whole HTTP answer to a request.
  func answer(to path: String) -> [UInt8] {
    if isHeldBack { return Self.message("503 Service Unavailable", []) }
    return content(of: path).map { Self.message("200 OK", $0) } ?? Self.message("404 Not Found", [])
  }

  private func content(of path: String) -> [UInt8]? {
    switch path {
    case "/meta-data": Array("instance-id: \(instance)\n".utf8)
    case "/user-data": userData
    case "/vendor-data": vendorData()
    default: mirrored(path)
    }
  }

  /// A file of the mirror. A path that leaves the folder is none, nor is one that a link in it leads out by.
  private func mirrored(_ path: String) -> [UInt8]? {
    guard let mirror, path.hasPrefix("/mirror/"), let name = Self.unescaped(path.dropFirst(8)),
      name.split(separator: "/", omittingEmptySubsequences: false)
        .allSatisfy({ !["", ".", ".."].contains($0) }),
      let root = Files.real(mirror), let path = Files.real("\(mirror)/\(name)"), path.hasPrefix("\(root)/"),
      let status = Files.status(path), status.isRegular
    else { return nil }
    return try? Files.read(path, atMost: status.bytes)
  }

  /// A text without percent-escapes (RFC 3986, section 2.1); nil where one is broken.
  private static func unescaped(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func message(_ status: String, _ body: [UInt8]) -> [UInt8] {
    let head = "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    return Array(head.utf8) + body
  }
}
