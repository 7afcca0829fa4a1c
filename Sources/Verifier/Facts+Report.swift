import Diagnostics
import YAML

extension Facts {
  /// What there is to look at where something failed, the nearest to the cause first.
  func evidence() -> [VerificationReport.Evidence] {
    var evidence: [VerificationReport.Evidence] = []
    func add(_ title: String, _ lines: [String]) {
      if !lines.isEmpty { evidence.append(VerificationReport.Evidence(title: title, lines: lines)) }
    }
    let bootstrap = self["bootstrap"]
    let stages = bootstrap?["stages"]?.sequence ?? []
    let failed = stages.first { $0["ok"]?.bool == false }?["name"]?.string
    if let last = failed ?? bootstrap?["logs"]?.mapping?.last?.key, bootstrap?["complete"]?.string == nil {
      add("log of the bootstrap's stage \(last.printable)", bootstrap?["logs"]?[last]?.texts ?? [])
    }
    for unit in self["systemd", "failed"]?.sequence ?? [] {
      let exit = unit["exit"]?.integer.map { ", exit \($0)" } ?? ""
      add(
        "failed unit \(unit["unit"]?.string?.printable ?? "?")",
        ["result \(unit["result"]?.string?.printable ?? "unknown")\(exit)"] + (unit["lines"]?.texts ?? []))
    }
    for unit in self["systemd", "restarting"]?.sequence ?? [] {
      add(
        "restarted service \(unit["unit"]?.string?.printable ?? "?")",
        ["\(unit["restarts"]?.integer ?? 0) restarts"] + (unit["lines"]?.texts ?? []))
    }
    add(
      "jobs that wait",
      (self["systemd", "jobs"]?.sequence ?? []).map { job in
        ["unit", "type", "state"].map { job[$0]?.string?.printable ?? "?" }.joined(separator: " ")
      })
    let cloudInit = self["cloud_init"]
    add("cloud-init's errors", cloudInit?["errors"]?.texts ?? [])
    add("cloud-init's warnings", cloudInit?["warnings"]?.texts ?? [])
    let hasStopped = cloudInit?["finished"]?.bool != true
    if hasStopped || !(cloudInit?["errors"]?.texts ?? []).isEmpty {
      add("last lines of cloud-init-output.log", Array((cloudInit?["output"]?.texts ?? []).suffix(20)))
    }
    if let running = self["running"], let command = running["command"]?.string {
      add(
        "running command",
        [
          "\(command.printable), process \(running["pid"]?.integer ?? 0) of \(running["unit"]?.string?.printable ?? "?")"
        ])
    }
    add("disk", diskLines)
    add("network", networkLines)
    add("memory and processes", processLines)
    add("what the guest could not say", self["missing"]?.texts ?? [])
    add("last lines of the journal", Array((self["journal", "lines"]?.texts ?? []).suffix(40)))
    return evidence
  }

  /// Where the time of the guest went.
  ///
  /// - Parameter offset: when the guest's monotonic clock was 0, in seconds since QEMU was started.
  func timeline(offset: Double) -> [VerificationReport.Span] {
    (self["timeline"]?.sequence ?? []).compactMap { span in
      guard let group = span["group"]?.string.flatMap(VerificationReport.Span.Group.init),
        let name = span["name"]?.string?.printable, let start = span["start"]?.double, start.isFinite,
        start >= 0
      else { return nil }
      let end = span["end"]?.double.flatMap { $0.isFinite && $0 >= start ? $0 : nil }
      return VerificationReport.Span(
        group: group, name: name, start: start + offset, end: end.map { $0 + offset },
        hasFailed: span["failed"]?.bool ?? false)
    }.sorted { $0.start < $1.start }
  }

  private var diskLines: [String] {
    (self["disk"]?.mapping ?? []).map { entry in
      let free = entry.value["free"]?.double ?? 0, bytes = entry.value["bytes"]?.double ?? 0
      let nodes = entry.value["inodes_free"]?.integer ?? 0
      return "\(entry.key.printable): \(free.mebibytes) of \(bytes.mebibytes) free, \(nodes) inodes free"
    }
  }

  private var networkLines: [String] {
    guard let network = self["network"], network.mapping != nil else { return [] }
    let links = (network["links"]?.sequence ?? []).map { link in
      let addresses = link["addresses"]?.texts ?? []
      return
        "\(link["name"]?.string?.printable ?? "?") is \(link["state"]?.string?.printable ?? "?"): \(addresses.isEmpty ? "no address" : addresses.joined(separator: ", "))"
    }
    let routes = network["default_routes"]?.texts ?? []
    let servers = network["name_servers"]?.texts ?? []
    return links
      + (routes.isEmpty ? ["no default route"] : routes)
      + [servers.isEmpty ? "no name server" : "name servers \(servers.joined(separator: ", "))"]
  }

  private var processLines: [String] {
    let memory = self["memory"]
    var lines: [String] = []
    if let total = memory?["MemTotal"]?.double, let available = memory?["MemAvailable"]?.double {
      lines.append("\(available.mebibytes) of \(total.mebibytes) memory available")
    }
    for process in (self["processes", "top"]?.sequence ?? []).prefix(6) {
      lines.append(
        "\(process["name"]?.string?.printable ?? "?") (\(process["pid"]?.integer ?? 0)): \(process["cpu"]?.double ?? 0) s of processor time, state \(process["state"]?.string?.printable ?? "?")"
      )
    }
    return lines
  }
}

extension Double {
  /// Bytes as whole MiB that are full: `512 MiB`; `?` where the guest names no number of bytes that there can be.
  var mebibytes: String {
    isFinite && magnitude < 1e18 ? "\(Int((self / 1_048_576).rounded(.down))) MiB" : "?"
  }
}
