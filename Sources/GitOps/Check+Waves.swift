import Diagnostics
import YAML

extension Check {
  /// Rules about the order in which Applications come up.
  static let waveRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "wave-order", what: "an Application in an earlier sync wave than one it needs",
      why:
        "waves are waited for one after the other: it fails until the later one is there, which waits for it",
      fix: "put it into a later wave than what it needs"
    ) { repository in
      repository.contradictions.filter { $0.edge.group == nil }.map(\.finding)
    },
    DocumentedRule(
      "crd-order", what: "a custom resource that comes before, or at the same time as, its CRD",
      why: "the API server refuses what it has no CRD for, and the sync of the whole Application fails",
      fix: "put the CRD's Application into an earlier wave, and give the other one `syncPolicy.retry`"
    ) { repository in
      repository.contradictions.filter { $0.edge.group != nil }.map(\.finding)
        + repository.orderedEdges.compactMap { edge, from, to in
          guard let group = edge.group, (from.retries ?? 0) == 0 else { return nil }
          if repository.contents[edge.to].isDeferred(group) {
            return .warning(
              edge.place,
              "\(from.name) needs the CRDs of \(group), which K3s' Helm job installs some time after \(to.name) is healthy, and does not retry",
              help: "set syncPolicy.retry in \(from.name)")
          }
          guard from.wave == to.wave else { return nil }
          return .warning(
            edge.place,
            "\(from.name) needs the CRDs of \(group) from \(to.name), which is in the same wave, and does not retry",
            help: "put \(to.name) into an earlier wave than \(from.name), or set syncPolicy.retry there")
        }
    },
    DocumentedRule(
      "crd-missing", what: "a custom resource whose CRD nothing brings",
      why: "the API server refuses what it has no CRD for, and the sync of the whole Application fails",
      fix: "add what brings the CRD, or switch it on where a chart brings it only when told to"
    ) { repository in
      let isOpaque = repository.contents.contains(where: \.isOpaque)
      let loose = Set(repository.looseCharts.flatMap(\.provides))
      var silent: [String: Repository.ChartUse] = [:]
      for chart in repository.charts {
        for group in chart.known?.provides ?? [] where silent[group] == nil { silent[group] = chart }
      }
      return repository.groupNeeds.compactMap { need in
        guard repository.providers[need.group] == nil, !loose.contains(need.group) else { return nil }
        if let silent = silent[need.group], let known = silent.known {
          let remedy =
            known.switches.first.map { "set \($0.joined(separator: ".")) to true in its values" }
            ?? "let its CRDs be installed"
          return .missing(
            need.place,
            "\(need.title) needs the CRDs of \(need.group), which the chart \(silent.name) is not told to bring",
            help: remedy, in: repository)
        }
        guard !isOpaque, !Repository.groupsOfTraefik.contains(need.group) else { return nil }
        return .warning(
          need.place,
          "nothing in this repository brings the CRDs of \(need.group), which \(need.title) needs",
          help: "add an Application that brings them")
      }
    },
    DocumentedRule(
      "dependency-cycle", what: "Applications that need each other",
      why: "none of them can be healthy first",
      fix: "move what one takes from the other into an Application of its own"
    ) { repository in
      let graph = repository.graph
      let circle = graph.circles
      let names = Set(circle.map { String($0.prefix { $0 != " " }) })
      guard
        let first = repository.applications.first(where: { names.contains($0.name) })
      else { return [] }
      return [
        .error(
          first.title, "these Applications need each other: \(circle.joined(separator: ", "))",
          help: "move what one takes from the other into an Application of its own")
      ]
    },
    DocumentedRule(
      "wave-value", what: "a sync wave that is no whole number in quotes",
      why: "annotations are strings: a bare number is refused, and another text counts as wave 0",
      fix: "write the number in quotes"
    ) { repository in
      let places =
        repository.objects.compactMap { $0.annotation("argocd.argoproj.io/sync-wave") }
        + repository.applications.compactMap(\.waveAnnotation)
      return places.compactMap { place in
        guard place.node.string.flatMap({ Int($0) }) == nil, place.node.string?.contains("{{") != true else {
          return nil
        }
        let isBare = place.node.string == nil
        return .error(
          place,
          isBare
            ? "a sync wave without quotes, while annotations are strings" : "a sync wave that is no number",
          help: isBare ? "put it in quotes" : "write a whole number in quotes")
      }
    },
    DocumentedRule(
      "application-health",
      what: "sync waves between Applications while Argo CD does not look at their health",
      why:
        "since Argo CD 1.8 an Application has no health of its own, so a wave is over as soon as it is applied",
      fix:
        "put `resource.customizations.health.argoproj.io_Application` into `argocd-cm` (`configs.cm` of the chart)"
    ) { repository in
      guard let first = repository.wavedApplications.first,
        !repository.holds("resource.customizations.health.argoproj.io_Application")
      else { return [] }
      let help =
        "put resource.customizations.health.argoproj.io_Application into argocd-cm, as Argo CD's documentation has it under \"Resource Health\""
      if let place = repository.argoCDSettings {
        return [
          .error(
            place,
            "Argo CD is set up here without the health of Applications, so their sync waves do not wait",
            help: help)
        ]
      }
      return [
        .warning(
          first.waveAnnotation ?? first.title,
          "sync waves between Applications wait only where Argo CD looks at their health, and nothing here says so",
          help: help)
      ]
    },
    DocumentedRule(
      "argocd-wave-bug", what: "an Argo CD that lets waves go early, and Applications that do not retry",
      why:
        "from 3.4.0 on a child with a missing object counts as healthy (argo-cd#27917, which no release is known to mend), so the next wave starts, fails, and is given up",
      fix: "set `syncPolicy.retry` in every Application of a later wave"
    ) { repository in
      let affected = repository.laterApplications.filter { ($0.retries ?? 0) == 0 }
      guard !affected.isEmpty else { return [] }
      return repository.earlyWaveVersions.map { place, version in
        .warning(
          place,
          "\(version) lets waves of Applications go early (argo-cd#27917), and \(affected.count.counted("Application")) of later waves would not retry: \(affected.map(\.name).joined(separator: ", "))",
          help: "set syncPolicy.retry with limit -1 there")
      }
    },
    DocumentedRule(
      "no-retry", what: "an Application that syncs by itself and has no retry",
      why:
        "a sync that fails because something is not there yet is given up after a few attempts, and the same commit is not tried again",
      fix: "set `syncPolicy.retry` with a limit (-1 has none) and a backoff"
    ) { repository in
      repository.applications.filter { $0.isAutomated && ($0.retries ?? 0) == 0 }.map { application in
        let place = application.policy?.at("retry", "limit") ?? application.policy ?? application.title
        return .warning(
          place, "\(application.name) does not retry a sync that failed",
          help: "set syncPolicy.retry with limit -1 and a backoff")
      }
    },
  ]
}

extension Repository {
  /// The edges between Applications that one sync applies, so that waves order them.
  fileprivate var orderedEdges: [(edge: Edge, from: Application, to: Application)] {
    edges.compactMap { edge in
      let (from, to) = (applications[edge.from], applications[edge.to])
      guard from.scope == to.scope, !from.isGenerated, !to.isGenerated else { return nil }
      return (edge, from, to)
    }
  }

  /// The edges that lead into a later wave.
  fileprivate var contradictions: [(edge: Edge, finding: Finding)] {
    orderedEdges.filter { $0.from.wave < $0.to.wave }.map { edge, from, to in
      (
        edge,
        .error(
          from.waveAnnotation ?? from.title,
          "\(from.name) is in wave \(from.wave) and needs \(edge.reason) from \(to.name), which is in wave \(to.wave)",
          help: "put \(from.name) into wave \(to.wave + 1) or later, or \(to.name) into an earlier one")
      )
    }
  }

  /// The Applications that one sync applies in several waves, all such syncs one after the other.
  private var wavedScopes: [[Application]] {
    let scopes = Dictionary(grouping: applications.filter { !$0.isGenerated }, by: \.scope)
    return scopes.sorted { $0.key < $1.key }.map(\.value).filter { Set($0.map(\.wave)).count > 1 }
  }

  /// The Applications with sync waves, where there are several waves.
  fileprivate var wavedApplications: [Application] {
    wavedScopes.joined().filter { $0.waveAnnotation != nil }
  }

  /// The Applications that wait for an earlier wave.
  fileprivate var laterApplications: [Application] {
    wavedScopes.flatMap { scope in
      let first = scope.map(\.wave).min() ?? 0
      return scope.filter { $0.wave > first }
    }
  }

  /// Whether a line of some YAML file, other than a comment, holds a text.
  func holds(_ text: StaticString) -> Bool {
    files.contains { file, bytes in
      guard file.isYAML else { return false }
      let whole = String(decoding: bytes, as: UTF8.self)
      return whole.holds(text)
        && bytes.lines.contains { line in
          let line = String(line)
          return line.holds(text) && !line.isComment
        }
    }
  }

  /// Where the repository sets Argo CD up; nil where it does not.
  var argoCDSettings: Place? {
    if let chart = charts.first(where: { $0.name == "argo-cd" }) {
      return chart.value("configs", "cm") ?? chart.value("configs") ?? chart.place
    }
    if let map = objects.first(where: { $0.kind == "ConfigMap" && $0.name == "argocd-cm" }) {
      return map.place["data"] ?? map.place.at("metadata", "name") ?? map.place
    }
    return contents.flatMap(\.remotes).first { $0.provides == ["argoproj.io"] }?.place
  }

  /// The Argo CDs that the repository sets up and that have argo-cd#27917, with where their version is said.
  ///
  /// The fault came with argo-cd#25962 into 3.4.0. Of the chart, 9.5.4 has Argo CD 3.3 and 9.7.0 has 3.4.4; what is
  /// between is not said to be either.
  fileprivate var earlyWaveVersions: [(place: Place, version: String)] {
    let fromCharts = charts.filter { $0.name == "argo-cd" }.compactMap { chart -> (Place, String)? in
      if let tag = chart.value("global", "image", "tag"), let text = tag.text {
        return Version(text).map { $0 >= Version(3, 4, 0) } == true ? (tag, "Argo CD \(text)") : nil
      }
      guard let place = chart.version, let version = chart.exactVersion, version >= Version(9, 7, 0) else {
        return nil
      }
      return (place, "the Argo CD of the chart's version \(place.text ?? "")")
    }
    let fromRemotes = contents.flatMap(\.remotes).compactMap { remote -> (Place, String)? in
      guard remote.provides == ["argoproj.io"], let revision = remote.revision,
        Version(revision).map({ $0 >= Version(3, 4, 0) }) == true
      else { return nil }
      return (remote.place, "Argo CD \(revision)")
    }
    return fromCharts + fromRemotes
  }
}
