package import Diagnostics

extension Lock {
  /// One line of a lock: what stands under a key of one of its entries.
  package struct Fact: Hashable, Sendable {
    /// The entry: `k3s`, `charts.argo-cd`, `gateway_api`.
    package var entry: String
    /// The key within.
    package var key: String
    /// What stands there.
    package var value: String

    /// The name of the fact in the whole lock: `charts.argo-cd.version`.
    package var path: String { "\(entry).\(key)" }
  }

  /// Everything that the lock says, in the order of its file. What is not known is left out.
  package var facts: [Fact] {
    var facts: [Fact] = []
    func add(_ entry: String, _ values: KeyValuePairs<String, String?>) {
      for (key, value) in values {
        if let value { facts.append(Fact(entry: entry, key: key, value: value)) }
      }
    }
    add(
      "k3s",
      [
        "version": k3s.version, "amd64": k3s.amd64, "arm64": k3s.arm64, "install_script": k3s.installScript,
        "airgap_amd64": k3s.airgapAMD64, "airgap_arm64": k3s.airgapARM64,
      ])
    for chart in Chart.allCases {
      let pin = self[chart]
      add(chart.entry, ["repository": pin.repository, "version": pin.version, "sha256": pin.sha256])
    }
    add(
      "gateway_api",
      [
        "repository": gatewayAPI.repository, "version": gatewayAPI.version, "commit": gatewayAPI.commit,
      ])
    return facts
  }

  /// The lock that some facts make, by their paths. What is needed must be among them.
  package init(_ facts: [String: String], origin: Location) {
    func needed(_ path: String) -> String { facts[path] ?? "" }
    self.init(
      k3s: K3sRelease(
        version: needed("k3s.version"), amd64: needed("k3s.amd64"), arm64: needed("k3s.arm64"),
        installScript: needed("k3s.install_script"), airgapAMD64: facts["k3s.airgap_amd64"],
        airgapARM64: facts["k3s.airgap_arm64"]),
      gatewayAPI: GitTag(
        repository: needed("gateway_api.repository"), version: needed("gateway_api.version"),
        commit: facts["gateway_api.commit"]),
      origin: origin
    ) { chart in
      (
        needed("\(chart.entry).repository"), needed("\(chart.entry).version"), facts["\(chart.entry).sha256"]
      )
    }
  }
}

extension Chart {
  /// Its entry in a lock.
  package var entry: String { "charts.\(name)" }
}
