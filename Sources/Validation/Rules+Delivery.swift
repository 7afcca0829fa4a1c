import Diagnostics
import Inputs
import Plan
import UserData
import YAML

extension Validation {
  /// How user-data reaches the node.
  static let deliveryRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "mime-version",
      what:
        "`mime-version:` in the first 4,096 bytes of what is no MIME message, and characters beyond ASCII",
      why: "cloud-init takes the whole payload for MIME, and Python makes other bytes of such characters",
      fix: "move the text further down, write ASCII, or encode the file that holds it (`encoding: b64`)",
      find: { payload in
        guard payload.isTrapped, let part = payload.parts.first else { return [] }
        return part.bodyProblems.map { problem in
          Finding(
            problem.severity, part.location(problem.mark),
            "\"mime-version:\" stands in the first 4096 bytes, for which cloud-init takes the payload for MIME: \(problem.message)",
            help: "move \"mime-version:\" further down, or write ASCII")
        }
      }),
    DocumentedRule(
      "replaced-key", what: "a key that a later cloud-config of the same message replaces",
      why: "cloud-init merges parts by replacing: the earlier `runcmd` or `write_files` never happens",
      fix: "say it once, or give the later part `merge_how: 'list(append)+dict(recurse_list)+str()'`",
      find: { payload in
        let configs = payload.parts.filter { $0.type == "text/cloud-config" }
        guard configs.count > 1 else { return [] }
        // Parts of different launch indexes go to different instances; those without one go to all.
        var earlier: [String: [(index: String?, value: Node.Value)]] = [:]
        return configs.flatMap { part -> [Finding] in
          let isMerged =
            part.hasMergeType || part.root?["merge_how"] != nil || part.root?["merge_type"] != nil
          let index = part.launchIndex ?? part.root?["launch-index"]?.node.scalarText
          return (part.root?.entries ?? []).compactMap { entry in
            let value = entry.value.node.value
            let replaced = earlier[entry.key]?.last { $0.index == nil || index == nil || $0.index == index }
            earlier[entry.key, default: []].append((index, value))
            guard let replaced, !isMerged, !replaced.value.isSame(as: value),
              !["merge_how", "merge_type", "launch-index"].contains(entry.key)
            else { return nil }
            return Finding(
              .warning, part.location(key: entry.keyLocation, entry.value),
              "\(entry.key) replaces that of an earlier part, which never happens",
              help: "say it once, or give this part merge_how")
          }
        }
      }),
    DocumentedRule(
      "over-limit", what: "user-data that is larger than its platform takes, or nearly so",
      why: "the platform refuses to make the instance, at `terraform apply` and not before",
      fix: "compress it, or take something out; `k3seed preview` shows what takes how much",
      find: { payload in
        guard let platform = payload.platform else {
          let refusing = Platform.allCases.filter { payload.excess(on: $0) > 0 }.map(\.rawValue)
          guard !refusing.isEmpty else { return [] }
          return [
            Finding(
              .note, Location(source: payload.source),
              "\(payload.bytes.count) bytes are more than \(refusing.joined(separator: ", ")) take",
              help: "name the platform with --platform")
          ]
        }
        let counted = payload.counted(on: platform)
        let budget = platform.budget
        let numbers = "\(counted) of \(budget.limit) bytes (\(budget.arithmetic))"
        if counted > budget.limit {
          return [
            Finding(
              .error, Location(source: payload.source),
              "user-data is \(counted - budget.limit) bytes over the limit of \(platform.rawValue): \(numbers)",
              help: budget.carrier == .plainText
                ? "take something out; this platform takes no gzip" : "compress it, or take something out")
          ]
        }
        guard counted * 10 > budget.limit * 9 else { return [] }
        return [
          Finding(
            .warning, Location(source: payload.source),
            "user-data leaves less than a tenth of what \(platform.rawValue) takes: \(numbers)",
            help: "a longer value may be over the limit; compress it, or take something out")
        ]
      }),
    DocumentedRule(
      "platform-encoding", what: "an encoding that does not reach cloud-init on the platform",
      why: "the platform hands user-data over as a text, and cloud-init finds nothing that it knows",
      fix: "send it plain",
      find: { payload in
        guard let platform = payload.platform, platform.budget.carrier == .plainText,
          payload.content != payload.bytes
        else { return [] }
        return [
          Finding(
            .error, Location(source: payload.source),
            "\(platform.rawValue) hands user-data over as a plain text, so this encoding never reaches cloud-init",
            help: "send it plain")
        ]
      }),
  ]
}

extension Payload {
  /// The bytes that count against a platform's limit.
  fileprivate func counted(on platform: Platform) -> Int {
    let keys =
      parts.first { $0.isOwn }?.root?["ssh_authorized_keys"]?.items.compactMap { $0.node.string } ?? []
    return platform.budget.counted(payload(for: platform), other: platform.sharedBytes(sshKeys: keys))
  }

  fileprivate func excess(on platform: Platform) -> Int { counted(on: platform) - platform.budget.limit }

  /// The size that a platform counts: base64 is only how bytes travel where it takes any.
  private func payload(for platform: Platform) -> Int {
    guard platform.budget.carrier == .bytes, case .base64(let decoded) = layers.first else {
      return bytes.count
    }
    return decoded
  }
}

extension Node.Value {
  /// Whether another value says the same, wherever it stands.
  fileprivate func isSame(as other: Node.Value) -> Bool {
    switch (self, other) {
    case (.mapping(let one), .mapping(let two)):
      one.count == two.count
        && zip(one, two).allSatisfy { $0.key == $1.key && $0.value.value.isSame(as: $1.value.value) }
    case (.sequence(let one), .sequence(let two)):
      one.count == two.count && zip(one, two).allSatisfy { $0.value.isSame(as: $1.value) }
    default: self == other
    }
  }
}
