import Diagnostics
import Secrets
import YAML

extension Check {
  /// Rules about what the cluster itself is: its nodes and its zone.
  static let clusterRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "node-selector", what: "a `nodeSelector` that taints make unsatisfiable",
      why: "the pods stay pending, and so does the sync wave that waits for their health",
      fix: "add the tolerations of the nodes' taints beside the `nodeSelector`"
    ) { repository in
      repository.placements.compactMap { placement in
        let labels = placement.selector.entries.compactMap { key, value in
          value.text.map { (key: key, value: $0) }
        }
        guard !labels.contains(where: { $0.value.isFilledInLater }) else { return nil }
        let shown = labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
        guard let nodes = repository.bootstrap.nodes else {
          guard labels.contains(where: { controlPlane.contains($0.key) }),
            !placement.tolerates("node-role.kubernetes.io/control-plane:NoSchedule")
          else { return nil }
          return .warning(
            placement.selector,
            "\(placement.title) goes to servers alone (\(shown)), and does not tolerate the taint that many clusters give them",
            help: "add the toleration {key: node-role.kubernetes.io/control-plane, operator: Exists}")
        }
        let chosen = nodes.filter { node in labels.allSatisfy { node.mayHave($0.key, $0.value) } }
        guard !chosen.isEmpty else {
          return .warning(
            placement.selector,
            "\(placement.title) goes to nodes with \(shown), and no node of the inputs has that",
            help: "add the label to a node, or take out the nodeSelector")
        }
        let taints = chosen.map { node in node.taints.first { $0.repels && !placement.tolerates($0) } }
        guard let taint = taints.first ?? nil, taints.allSatisfy({ $0 != nil }) else { return nil }
        let names = chosen.map(\.name).filter { !$0.isEmpty }
        return .error(
          placement.selector,
          "\(placement.title) goes to nodes with \(shown)\(names.isEmpty ? "" : " (\(names.listed))"), and does not tolerate their taint \(taint)",
          help: "add a toleration of \(taint) beside the nodeSelector")
      }
    },
    DocumentedRule(
      "zone-id", what: "a zone's id that is written into the values of external-dns",
      why:
        "another cluster of the same repository, or the domain's next zone, gets no records, or those of somebody else are changed",
      fix:
        "put it in where the cluster is described: `gitops render` takes it from Terraform, an ApplicationSet from its generator"
    ) { repository in
      repository.zoneIDs.compactMap { place, id in
        if let known = repository.bootstrap.zoneID {
          guard known != id else { return nil }
          return .warning(
            place, "the zone's id is another than the cloudflare_zone_id of the inputs",
            help: "render the tree again")
        }
        guard !repository.wasRendered(place.file) else { return nil }
        return .warning(
          place, "the zone's id is written here, so that it holds for one zone only",
          help: "take it from where the cluster is described, or say with --input which zone it is")
      }
    },
  ]

  /// The labels of servers: that of K3s and kubeadm, and the one before it.
  fileprivate static let controlPlane: Set = [
    "node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master",
  ]
}

extension Bootstrap.Node {
  /// Whether it may have a label: it has, or nothing but the node itself knows (architecture, zone, …).
  fileprivate func mayHave(_ key: String, _ value: String) -> Bool {
    let isServer = labels["node-role.kubernetes.io/control-plane"] != nil
    if Check.controlPlane.contains(key) { return isServer && ["true", ""].contains(value) }
    if let own = labels[key] { return own == value }
    let domain = key.parts(between: "/")[0]
    return key.holds("/") && (domain.hasSuffix("kubernetes.io") || domain.hasSuffix("k8s.io"))
  }
}

extension String {
  /// Whether a taint keeps pods from starting.
  fileprivate var repels: Bool { hasSuffix(":NoSchedule") || hasSuffix(":NoExecute") }
}

extension Repository {
  /// A `nodeSelector`, with what is tolerated beside it.
  fileprivate struct Placement {
    /// Whose pods they are, as people call it.
    let title: String
    let selector: Place
    let tolerations: [Place]

    /// Whether a taint, as K3s takes it, is tolerated (Kubernetes' documentation, "Taints and Tolerations").
    func tolerates(_ taint: String) -> Bool {
      let parts = taint.parts(between: ":")
      let pair = parts[0].parts(between: "=")
      return tolerations.contains { toleration in
        let key = toleration["key"]?.text ?? ""
        let effect = toleration["effect"]?.text ?? ""
        guard effect.isEmpty || effect == parts[parts.count - 1] else { return false }
        guard toleration["operator"]?.text == "Exists" else {
          return key == pair[0] && (toleration["value"]?.text ?? "") == (pair.count > 1 ? pair[1] : "")
        }
        return key.isEmpty || key == pair[0]
      }
    }
  }

  /// Every `nodeSelector` of what Applications bring.
  fileprivate var placements: [Placement] {
    contents.flatMap { contents -> [Placement] in
      let objects = contents.objects.filter { $0.place.node.holdsSelector }.flatMap { object in
        object.place.selectors(under: []).map { _, selector, beside in
          Placement(title: object.title, selector: selector, tolerations: beside?.items ?? [])
        }
      }
      let charts = contents.charts.flatMap { chart in
        chart.values.filter(\.node.holdsSelector).flatMap { $0.selectors(under: []) }.map {
          keys, selector, beside in
          let tolerations =
            chart.value(keys + ["tolerations"]) ?? beside ?? chart.value("tolerations")
            ?? chart.value("global", "tolerations")
          return Placement(
            title: "the chart \(chart.name)", selector: selector, tolerations: tolerations?.items ?? [])
        }
      }
      return objects + charts
    }
  }

  /// The ids of zones that external-dns is held to.
  fileprivate var zoneIDs: [(place: Place, id: String)] {
    let flags = charts.filter { $0.name == "external-dns" }.flatMap { chart -> [Place] in
      let arguments = chart.value("extraArgs")
      return (arguments?.items ?? []) + [arguments?["zone-id-filter"]].compactMap(\.self)
        + (chart.value("zoneIdFilters")?.items ?? [])
    }
    let containers = objects.filter { ["Deployment", "StatefulSet"].contains($0.kind) }.flatMap {
      $0.place.at("spec", "template", "spec", "containers")?.items ?? []
    }
    let arguments = containers.flatMap { ($0["args"]?.items ?? []) + ($0["command"]?.items ?? []) }
      .filter { $0.text?.hasPrefix("--zone-id-filter=") == true }
    return (flags + arguments).flatMap { place -> [(place: Place, id: String)] in
      let items = place.items.isEmpty ? [place] : place.items
      return items.compactMap { item in
        guard let text = item.text else { return nil }
        let id =
          text.hasPrefix("--zone-id-filter=") ? String(text.dropFirst("--zone-id-filter=".count)) : text
        return id.isZoneID ? (item, id) : nil
      }
    }
  }

  /// Whether a file is as `gitops render` wrote it, from the inputs of the cluster.
  fileprivate func wasRendered(_ file: String) -> Bool {
    guard let bytes = files[file] else { return false }
    return ([""] + file.foldersAbove).contains { folder in
      guard let record = files[folder.file(TreeUpdate.recordPath)] else { return false }
      let inner = folder.isEmpty ? file : String(file.dropFirst(folder.count + 1))
      return record.lines.contains { $0 == "\(SHA256.hex(bytes))  \(inner)" }
    }
  }
}

extension String {
  /// Whether it is the id of a zone: at Cloudflare 32 hexadecimal digits, at Route 53 one that begins with Z.
  fileprivate var isZoneID: Bool {
    let isHexadecimal = utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x66) ~= $0 }
    let isUpper = utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x41...0x5A) ~= $0 }
    return utf8.count == 32 && isHexadecimal || hasPrefix("Z") && utf8.count > 9 && isUpper
  }
}

extension Node {
  /// Whether a `nodeSelector` stands somewhere in it.
  fileprivate var holdsSelector: Bool {
    (mapping ?? []).contains { $0.key == "nodeSelector" || $0.value.holdsSelector }
      || (sequence ?? []).contains(where: \.holdsSelector)
  }
}

extension Repository.Place {
  /// The `nodeSelector`s in it that select something, each with the keys above it and the tolerations beside it.
  fileprivate func selectors(
    under keys: [String]
  ) -> [(keys: [String], selector: Repository.Place, beside: Repository.Place?)] {
    guard node.holdsSelector else { return [] }
    let own = self["nodeSelector"].flatMap { selector in
      selector.entries.isEmpty ? nil : (keys: keys, selector: selector, beside: self["tolerations"])
    }
    return (own.map { [$0] } ?? [])
      + entries.filter { $0.key != "nodeSelector" }.flatMap { $0.value.selectors(under: keys + [$0.key]) }
      + items.flatMap { $0.selectors(under: keys) }
  }
}
