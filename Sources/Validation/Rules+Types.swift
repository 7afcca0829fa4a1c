import Diagnostics
import UserData
import YAML

/// What a part begins with, and what cloud-init makes of it.
extension Part {
  /// Types that cloud-init takes out of a template (`stages.py`, the sub-handlers of the handler for Jinja).
  private static let rendered: Set = ["text/cloud-config", "text/x-shellscript", "text/cloud-boothook"]

  /// Types of parts that are for another program: nodeadm of Amazon's EKS (its documentation, "NodeConfig").
  private static let othersRead: Set = ["application/node.eks.aws"]

  /// A type for which there is no handler, or a script that the kernel does not start.
  func wrongType(in payload: Payload) -> Finding? {
    if let template { return wrongOutput(of: template) }
    if type == "unknown" {
      return bodyProblems.contains { $0.severity == .error } ? nil : wrongStart(in: payload)
    }
    guard Inspection.Body.handled.contains(type) else {
      // A handler of somebody's own may take it, or another program that reads user-data.
      if payload.parts.contains(where: { $0.type == "text/part-handler" }) || Self.othersRead.contains(type) {
        return nil
      }
      if bodyProblems.contains(where: { $0.severity == .error }) { return nil }
      // A type of text, a slip of one that cloud-init has, or what it would read, is meant for it.
      let isMeant =
        type.hasPrefix("text/") || type.nearest(in: Inspection.Body.handled.sorted(), within: 2) != nil
        || Inspection.type(of: content) != "unknown"
      return Finding(
        isMeant ? .error : .warning, start,
        "cloud-init has no handler for the type \(type.printable), so it ignores the part",
        help: isMeant
          ? "declare text/cloud-config or text/x-shellscript, or text/plain where the first line says what it is"
          : "leave it where another program of the image reads it; otherwise declare text/cloud-config or text/x-shellscript"
      )
    }
    if type == "text/cloud-boothook" { return wrongBoothook }
    return type.hasPrefix("text/x-shellscript") ? wrongScript : nil
  }

  private var start: Location { location(Mark(line: 1, column: 1)) }

  /// The first line that holds anything.
  private var firstLine: (index: Int, text: Substring)? {
    text.lines.enumerated().first { !$0.element.allSatisfy(\.isWhitespace) }.map { ($0.offset, $0.element) }
  }

  private var wrongScript: Finding? {
    guard let (index, line) = firstLine, !text.lines[0].hasPrefix("#!") else { return nil }
    let body = line.drop(while: \.isWhitespace)
    guard body.hasPrefix("#!") else {
      return Finding(
        .error, start, "the script does not begin with #!, so the kernel does not start it",
        help: "begin it with #!/bin/sh")
    }
    return Finding(
      .error, location(Mark(line: index + 1, column: line.count - body.count + 1)),
      "#! is not at the very beginning, so the kernel does not take this for a script",
      help: "take out the lines and spaces before it")
  }

  /// cloud-init takes `#cloud-boothook` off, and white space behind it, and has the kernel run the rest
  /// (`handlers/boot_hook.py`).
  private var wrongBoothook: Finding? {
    let prefix = "#cloud-boothook"
    guard let (index, line) = firstLine else { return nil }
    var mark = Mark(line: index + 1, column: 1)
    var rest = line
    if line.hasPrefix(prefix), index == 0 {
      rest = line.dropFirst(prefix.count).drop(while: \.isWhitespace)
      mark.column = line.count - rest.count + 1
      if rest.isEmpty {
        let below = text.lines.enumerated().dropFirst(index + 1).first {
          !$0.element.allSatisfy(\.isWhitespace)
        }
        guard let below else { return nil }
        rest = below.element.drop(while: \.isWhitespace)
        mark = Mark(line: below.offset + 1, column: below.element.count - rest.count + 1)
      }
    }
    if rest.hasPrefix("#!") || TemplateText.isUnknown(String(rest)) { return nil }
    return Finding(
      .error, location(mark),
      "cloud-init runs what follows #cloud-boothook without a shell, and it does not begin with #!",
      help: "write #!/bin/sh into the line below #cloud-boothook")
  }

  private func wrongOutput(of template: JinjaTemplate) -> Finding? {
    // A header that is wrong has a finding of its own.
    if Self.rendered.contains(type)
      || template.problems.contains(where: { $0.mark == Mark(line: 1, column: 1) })
    {
      return nil
    }
    let lines = template.output.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    guard let index = lines.indices.dropFirst().first(where: { !lines[$0].allSatisfy(\.isWhitespace) }) else {
      return nil
    }
    // What a value begins with is not known.
    guard
      type != "unknown"
        || lines[index].drop(while: \.isWhitespace).unicodeScalars.first != JinjaTemplate.unknown
    else { return nil }
    return Finding(
      .error, location(Mark(line: index + 1, column: 1)),
      type == "unknown"
        ? "the first line that comes out of the template is none that cloud-init knows, so it ignores the part"
        : "cloud-init takes no \(type.printable) out of a template, and ignores the part",
      help: "put #cloud-config, or #!, into the line below ## template: jinja")
  }

  private func wrongStart(in payload: Payload) -> Finding {
    if content.starts(with: [0xEF, 0xBB, 0xBF]) {
      return Finding(
        .error, start, "a byte order mark stands before the first line, so cloud-init ignores the part",
        help: "save it as UTF-8 without a byte order mark")
    }
    if let other = OtherFile(text.lines) {
      return Finding(.error, start, "\(other.what), which cloud-init ignores as user-data", help: other.help)
    }
    let words = "the first line is none that cloud-init knows, so it ignores the part"
    let lines = text.lines
    let lowercased = lines.prefix(1000).map { $0.lowercased() }
    // Headers that are not at the very beginning are none.
    if let line = lowercased.firstIndex(where: { $0.hasPrefix("content-type: multipart/") }) {
      if line == 0 || lowercased[0].hasPrefix("mime-version:") {
        return Finding(.error, start, words, help: "add the header MIME-Version: 1.0")
      }
      let isBlank = lines[..<line].allSatisfy { $0.allSatisfy(\.isWhitespace) }
      return Finding(
        .error, start,
        "the headers of a MIME message are not at the very beginning, so cloud-init ignores all of it",
        help: isBlank
          ? "take out the empty line before the headers"
          : "take out what stands before the headers in line \(line + 1)")
    }
    for header in ["#cloud-config", "## template: jinja"] {
      if let line = lowercased.firstIndex(where: { $0.hasPrefix(header) }), line > 0 {
        return Finding(
          .error, start, words, help: "take out what stands before \(header) in line \(line + 1)")
      }
    }
    let first = firstLine?.text ?? ""
    let letters = String(first.lowercased().filter { $0.isLetter })
    let isNear =
      first.hasPrefix("#") && !letters.isEmpty
      && letters.nearest(in: ["cloudconfig"], within: 2) != nil
    return Finding(
      .error, start, words, help: isNear ? "write it as #cloud-config" : "begin it with #cloud-config or #!")
  }
}

/// A file that is made for something else than cloud-init's user-data.
private struct OtherFile {
  let what: String
  let help: String

  init?(_ lines: [Substring]) {
    let first = lines.first { !$0.allSatisfy(\.isWhitespace) }?.lowercased() ?? ""
    if first.hasPrefix("#ps1") || first.hasPrefix("rem cmd") || first.hasPrefix("<powershell")
      || first.hasPrefix("<script>") || first.hasPrefix("<persist>")
    {
      what = "this is for Windows (cloudbase-init, or EC2Launch)"
      help = "give it to a Windows instance, or begin it with #cloud-config or #!/bin/sh for Linux"
      return
    }
    let text = lines.joined(separator: "\n")
    func read(_ text: String) -> Node? {
      try? YAML.parse(Array(text.utf8), source: "", ambiguity: .accepted).first
    }
    // It may be a template that nothing has rendered, and whose tags begin as JSON does.
    let plain = read(text)
    guard let root = plain ?? read(TemplateText.masked(text).text) else { return nil }
    let keys = Set((root.mapping ?? []).map(\.key))
    if keys.contains("ignition") {
      what = "this is Ignition, for Fedora CoreOS or Flatcar"
      help = "give it to an image that runs Ignition, or write a #cloud-config"
    } else if keys.contains("variant"), keys.contains("version"), root["variant"]?.string != nil {
      what = "this is Butane, from which Ignition is made for Fedora CoreOS or Flatcar"
      help = "transpile it with butane, and give the result to an image that runs Ignition"
    } else if keys.contains("instance-id") || keys.contains("local-hostname")
      || keys.contains("local_hostname")
    {
      what = "this is meta-data"
      help = "put it into the file meta-data beside user-data, where the datasource has one"
    } else if root["network"]?.mapping != nil && keys.count == 1
      || keys.contains("version")
        && ["ethernets", "config", "bonds", "vlans", "bridges", "wifis"].contains(where: keys.contains)
    {
      what = "this is a network-config"
      help = "put it into the file network-config beside user-data, or give it to the datasource"
    } else if plain?.mapping != nil, lines.first(where: { !$0.isEmpty })?.hasPrefix("{") == true {
      what = "this is JSON without #cloud-config"
      help = "write #cloud-config into a line before it: JSON is YAML"
    } else {
      return nil
    }
  }
}
