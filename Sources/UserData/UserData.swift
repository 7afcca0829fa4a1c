public import Diagnostics
import Gzip
public import Plan
import Secrets
public import Templates
import YAML

/// How user-data is handed over.
public enum Encoding: String, CaseIterable, Sendable {
  /// Plain where it fits, gzip where only that fits.
  case auto
  /// The cloud-config itself.
  case plain
  /// gzip, which cloud-init recognises by its first bytes.
  case gzip
  /// base64 of the cloud-config.
  case base64
  /// base64 of gzip.
  case gzipBase64 = "gzip+base64"
}

/// The user-data of one node: the bytes, and the tree that they were made of.
public struct UserData: Sendable {
  /// The node.
  public let node: ClusterNode
  /// Where it is delivered.
  public let platform: Platform
  /// The expanded template: every field with its origin.
  public let document: Field
  /// The cloud-config as text.
  public let plain: [UInt8]
  /// What cloud-init gets: the cloud-config, or gzip of it.
  public private(set) var payload: [UInt8]
  /// What is handed over: the payload, or base64 of it.
  public private(set) var delivered: [UInt8]
  /// Bytes that share the platform's limit.
  public let sharedBytes: Int

  init(node: ClusterNode, platform: Platform, document: Field, plain: [UInt8], sharedBytes: Int) {
    self.node = node
    self.platform = platform
    self.document = document
    self.plain = plain
    self.sharedBytes = sharedBytes
    payload = plain
    delivered = plain
  }

  mutating func encode(_ encoding: Encoding) {
    payload = encoding == .gzip || encoding == .gzipBase64 ? Gzip.compress(plain) : plain
    delivered = encoding == .base64 || encoding == .gzipBase64 ? Base64.encode(payload) : payload
  }

  /// The largest payload that the platform takes beside what shares its limit, in bytes.
  public var budgetBytes: Int { platform.budget.largest(beside: sharedBytes) }

  /// The bytes that count against the platform's limit, in its own arithmetic.
  ///
  /// Where user-data is a text, its base64 counts as it is sent; elsewhere base64 is only how the
  /// payload travels.
  public var countedBytes: Int { platform.budget.counted(countedPayload, other: sharedBytes) }

  /// The bytes of user-data itself that its platform counts.
  var countedPayload: Int { platform.budget.carrier == .bytes ? payload.count : delivered.count }

  /// The bytes that another platform would count of the same payload, in the encoding that arrives there.
  func bytes(for platform: Platform) -> Int {
    switch platform.budget.carrier {
    case .bytes: payload.count
    case .decodedText: isCompressed ? (payload.count + 2) / 3 * 4 : payload.count
    case .plainText: plain.count
    }
  }

  /// Whether the payload is gzip.
  public var isCompressed: Bool { Gzip.isGzip(payload) }
}

/// Makes user-data of a plan. It keeps the templates it has read, so that many nodes cost one reading.
public struct Renderer {
  private var expander: Expander

  /// A renderer with some templates.
  public init(_ templates: TemplateSet = TemplateSet()) {
    expander = Expander(templates)
  }

  /// The user-data of one node.
  ///
  /// - Throws: a report of template errors, or of a payload that the platform does not take.
  public mutating func render(
    _ plan: ClusterPlan, node: ClusterNode, encoding: Encoding
  ) throws(Report) -> UserData {
    let platform = plan.platform.value
    if let problem = Self.problem(with: encoding, on: platform) { throw Report([problem]) }
    let template = "cloud-init/\(node.role.value.rawValue).yaml"
    let document = try expander.expand(template, with: Context(plan, node))
    let plain = Array("#cloud-config\n".utf8) + YAML.emit(document.node(.revealed))
    try Self.checkMIME(plain)
    var userData = UserData(
      node: node, platform: platform, document: document, plain: plain,
      sharedBytes: platform.sharedBytes(sshKeys: plan.sshKeys.map(\.value)))
    userData.encode(encoding)
    if encoding == .auto, userData.countedBytes > platform.budget.limit {
      switch platform.budget.carrier {
      case .bytes: userData.encode(.gzip)
      case .decodedText: userData.encode(.gzipBase64)
      case .plainText: break
      }
    }
    if userData.countedBytes > platform.budget.limit { throw Report([userData.overLimit]) }
    return userData
  }

  /// Why a platform cannot take an encoding; nil where it can.
  private static func problem(with encoding: Encoding, on platform: Platform) -> Diagnostic? {
    let refused: [Encoding] =
      switch platform.budget.carrier {
      case .bytes: []
      case .decodedText: [.gzip]
      case .plainText: [.gzip, .base64, .gzipBase64]
      }
    guard refused.contains(encoding) else { return nil }
    return .error(
      "platform-encoding", at: nil,
      "\(platform.rawValue) hands user-data over as a text (\(platform.budget.arithmetic)), so \(encoding.rawValue) never reaches cloud-init",
      help: "use the encoding auto or plain")
  }

  /// cloud-init takes anything for MIME that says `mime-version:` in its first 4,096 bytes
  /// (`cloudinit/user_data.py`), even a cloud-config.
  private static func checkMIME(_ plain: [UInt8]) throws(Report) {
    let words = Array("mime-version:".utf8)
    let head = plain.prefix(4096)
    let isMIME = head.indices.contains { end in
      // Only a colon is worth a look at what stands before it; setting a bit makes letters lower case.
      head[end] == words[words.count - 1] && end >= words.count - 1
        && zip(head[(end + 1 - words.count)...end], words).allSatisfy { $0 == $1 || $0 | 0x20 == $1 }
    }
    guard isMIME else { return }
    throw Report([
      .error(
        "mime-version", at: nil,
        "\"mime-version:\" stands in the first 4096 bytes, for which cloud-init takes the whole payload for MIME",
        help: "look for the input or template that holds it")
    ])
  }
}

extension UserData {
  /// The parts of the cloud-config and the bytes that each takes, the largest first.
  public var parts: [(name: String, bytes: Int)] {
    guard case .mapping(let entries) = document.content else { return [] }
    let parts = entries.flatMap { key, value -> [(name: String, bytes: Int)] in
      guard key == "write_files" else {
        return [(key, YAML.emit(Node(.mapping([Node.Entry(key, value.node(.revealed))]))).count)]
      }
      return value.items.map { file in
        (file["path"]?.text ?? key, YAML.emit(Node(.sequence([file.node(.revealed)]))).count)
      }
    }
    return parts.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
  }

  fileprivate var overLimit: Diagnostic {
    let budget = platform.budget
    let largest = parts.prefix(3).map { "\($0.name) \($0.bytes)" }.joined(separator: ", ")
    let shared = sharedBytes > 0 ? ", of which \(sharedBytes) are other metadata" : ""
    let help =
      !isCompressed && budget.carrier != .plainText
      ? "use the encoding auto, which compresses where it must, or take something out"
      : "take something out" + (budget.carrier == .plainText ? "; this platform takes no gzip" : "")
    return .error(
      "over-limit", at: nil,
      "user-data of \(node.title) is \(countedBytes - budget.limit) bytes over the limit of \(platform.rawValue): \(countedBytes) of \(budget.limit) (\(budget.arithmetic))\(shared); the largest parts, in bytes of plain text, are \(largest)",
      help: help)
  }
}
