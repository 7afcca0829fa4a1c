import Diagnostics
import Inputs
import UserData
import YAML

extension Validation {
  /// What makes cloud-init ignore a part, or read another than was meant.
  static let structureRules: [DocumentedRule<Payload>] = [
    DocumentedRule(
      "user-data-type",
      what: "a part that cloud-init has no use for, or a script that the kernel cannot start",
      why: "cloud-init ignores such a part, and says so only in its log",
      fix: "begin it with `#cloud-config` or `#!/bin/sh`, with nothing before it",
      find: { payload in payload.parts.compactMap { $0.wrongType(in: payload) } }),
    DocumentedRule(
      "user-data-mime",
      what:
        "a multipart message without a boundary, without its end, or with another boundary than its header names",
      why: "cloud-init reads other parts than were meant, or none",
      fix: "make it with a tool such as `cloud-init devel make-mime` or Terraform's `cloudinit_config`",
      find: { payload in
        payload.messageProblems.map {
          Finding($0.severity, payload.location($0.mark), $0.message, help: $0.help)
        }
      }),
    DocumentedRule(
      "user-data-part",
      what: "a part that reaches cloud-init's module otherwise than it stands, or not at all",
      why: "one letter or header makes cloud-init read nothing of the part",
      fix: "encode the part in base64, or correct its header or the archive that it stands in",
      find: { payload in
        if payload.isTrapped { return [] }
        return payload.parts.flatMap { part in
          part.bodyProblems.map {
            Finding($0.severity, part.location($0.mark), $0.message, help: $0.help)
          }
        }
      }),
    DocumentedRule(
      "cloud-config-shape", what: "a cloud-config that is no mapping",
      why: "cloud-init takes it for empty", fix: "write keys with values, such as `packages:`",
      find: { payload in
        payload.parts.compactMap { part in
          guard let root = part.root, root.node.mapping == nil, root.node.value != .null,
            !part.bodyProblems.contains(where: { $0.severity == .error })
          else { return nil }
          return Finding(
            .error, part.location(root), "a cloud-config is a mapping of keys, found \(root.node.kind)",
            help: "write keys with values, such as packages:")
        }
      }),
    DocumentedRule(
      "unknown-key", what: "a top-level key that no module of cloud-init reads",
      why: "cloud-init passes over it, so what stands below it never happens",
      fix: "correct the name; a key of your own belongs into a file that `write_files` writes",
      find: { payload in
        payload.parts.flatMap { part in
          (part.root?.entries ?? []).compactMap { entry in
            guard !TopLevel.has(entry.key), !TemplateText.isUnknown(entry.key) else { return nil }
            let place = part.location(key: entry.keyLocation, entry.value)
            if let help = TopLevel.ofImage[entry.key] {
              return Finding(
                .warning, place,
                "user-data cannot set \(entry.key), which cloud-init needs before it has user-data",
                help: help)
            }
            let near = entry.key.lowercased().nearMiss(in: TopLevel.names)
            return Finding(
              near == nil ? .warning : .error, place,
              "no module of cloud-init reads the key \"\(entry.key.printable)\"",
              help: near.map { "did you mean \"\($0)\"?" } ?? "take it out, or correct its name")
          }
        }
      }),
    DocumentedRule(
      "tab-indentation", what: "a tab at the start of a line of YAML, or between its words",
      why: "the reader that cloud-init uses takes none there: it reads nothing of the whole cloud-config",
      fix: "use spaces",
      find: { payload in
        payload.parts.filter { $0.type == "text/cloud-config" && !$0.isTemplate }.flatMap { part in
          if part.root != nil {
            // The first of them is where it stops.
            return YAML.separatingTabs(in: part.content).prefix(1).map { mark in
              Finding(
                .error, part.location(mark),
                "a tab stands here, for which cloud-init reads nothing of this cloud-config",
                help: "use spaces, and none at the end of a line")
            }
          }
          return part.text.lines.enumerated().compactMap { index, line -> Finding? in
            let indentation = line.prefix { $0 == " " || $0 == "\t" }
            guard let tab = indentation.firstIndex(of: "\t") else { return nil }
            let column = indentation[..<tab].count + 1
            return Finding(
              .error, part.location(Mark(line: index + 1, column: column)),
              "a tab stands in the indentation, for which cloud-init reads nothing of this cloud-config",
              help: "indent with spaces")
          }
        }
      }),
    DocumentedRule(
      "control-character", what: "a control character, or bytes that are no UTF-8, in a cloud-config",
      why:
        "one of them makes cloud-init take the whole cloud-config for empty; C1 controls (U+0080 and on) count",
      fix: "take it out, or write it as an escape in double quotes",
      find: { payload in
        payload.parts.filter { $0.type == "text/cloud-config" }.flatMap { part in
          let isText = String(validating: part.content, as: UTF8.self) != nil
          return part.text.lines.enumerated().compactMap { index, line -> Finding? in
            let scalars = Array(line.unicodeScalars)
            guard
              let place = scalars.firstIndex(where: { $0.isControl || !isText && $0.value == 0xFFFD })
            else { return nil }
            let what =
              scalars[place].value == 0xFFFD
              ? "bytes that are no UTF-8" : "the control character U+\(scalars[place].hexadecimal)"
            return Finding(
              .error, part.location(Mark(line: index + 1, column: place + 1)),
              "\(what) stands here, for which cloud-init reads nothing of this cloud-config",
              help: "take it out, or write it as an escape in double quotes")
          }
        }
      }),
  ]

  /// What keeps user-data from being opened at all; found while it is.
  static let openingRules = [
    Report.Rule(
      "user-data-empty", what: "an empty file", why: "the node boots and does nothing", fix: "render it again"
    ),
    Report.Rule(
      "user-data-gzip", what: "a gzip layer that cannot be unpacked",
      why: "cloud-init cannot read it either", fix: "compress it again; look for a cut-off upload"),
  ]
}

extension Unicode.Scalar {
  /// A character that YAML does not allow as it is (YAML 1.1, 5.1): a C0 or C1 control but for tab and line ends, or
  /// one of the two that are no characters.
  fileprivate var isControl: Bool {
    switch value {
    case 0x09, 0x0A, 0x0D, 0x85: false
    case 0..<0x20, 0x7F..<0xA0, 0xFFFE, 0xFFFF: true
    default: false
    }
  }

  fileprivate var hexadecimal: String {
    let digits = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
