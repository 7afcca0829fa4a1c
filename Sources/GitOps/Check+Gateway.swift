import Diagnostics

extension Check {
  /// Rules about Gateway API.
  static let gatewayRules: [DocumentedRule<Repository>] = [
    DocumentedRule(
      "reference-grant", what: "a reference into another namespace that no ReferenceGrant allows",
      why: "the Gateway API refuses it: the listener has no certificate, or the route answers with 500",
      fix: "add a ReferenceGrant in the namespace of what is referred to"
    ) { repository in
      let grants = Dictionary(
        grouping: repository.objects("ReferenceGrant", of: Repository.gatewayGroup), by: \.namespace)
      return repository.crossings.compactMap { crossing in
        let there = (grants[crossing.namespace] ?? []) + (grants[nil] ?? [])
        guard !there.contains(where: { $0.allows(crossing) }) else { return nil }
        return .missing(
          crossing.place,
          "\(crossing.from.title) in \(crossing.fromNamespace) takes the \(crossing.kind) \(crossing.name) in \(crossing.namespace), and no ReferenceGrant there allows it",
          help:
            "add a ReferenceGrant in \(crossing.namespace), from \(crossing.from.kind) in \(crossing.fromNamespace) to \(crossing.kind)",
          in: repository)
      }
    },
    DocumentedRule(
      "no-redirect", what: "a route that is served without TLS, or whose hosts are not redirected to HTTPS",
      why: "people who type the name without https:// get the site in clear text, or nothing",
      fix:
        "attach the route to the HTTPS listener (`sectionName`), and add one at the HTTP listener that redirects to the scheme https"
    ) { repository in
      let attachments = repository.attachments
      var redirects: [String: Redirects] = [:]
      for attachment in attachments where attachment.route.isRedirect && attachment.isPlain {
        redirects[attachment.gateway.place.key, default: Redirects()].add(attachment.route)
      }
      return attachments.flatMap { attachment -> [Finding] in
        let route = attachment.route
        guard !route.isRedirect, !attachment.plain.isEmpty else { return [] }
        if attachment.isPlain {
          let listener = attachment.plain.first ?? ""
          return [
            .warning(
              attachment.place,
              "\(route.title) is served without TLS, by the listener \(listener) of the Gateway \(attachment.gateway.name)",
              help: "name the HTTPS listener in sectionName, and add a route with a redirect at \(listener)")
          ]
        }
        let there = redirects[attachment.gateway.place.key]
        let hosts = route.hostnames
        let open = hosts.filter { there?.covers($0.text ?? "") != true }
        guard let first = open.first ?? (hosts.isEmpty && there == nil ? attachment.place : nil) else {
          return []
        }
        let what = open.isEmpty ? "its hosts" : open.compactMap(\.text).joined(separator: ", ")
        return [
          .warning(
            first, "nothing redirects http:// of \(what) to HTTPS, which \(route.title) serves",
            help:
              "add an HTTPRoute at the listener \(attachment.plain[0]) of \(attachment.gateway.name) with the filter RequestRedirect and scheme https"
          )
        ]
      }
    },
  ]
}

/// The hosts that a Gateway's redirects answer for.
private struct Redirects {
  private var isForAll = false
  private var hosts: Set<String> = []
  /// What names end in that a wildcard fits, with the dot.
  private var endings: Set<String> = []

  mutating func add(_ route: Repository.Object) {
    let names = route.hostnames.compactMap(\.text)
    isForAll = isForAll || names.isEmpty
    hosts.formUnion(names)
    endings.formUnion(names.filter { $0.hasPrefix("*.") }.map { String($0.dropFirst()) })
  }

  func covers(_ host: String) -> Bool {
    if isForAll || hosts.contains(host) { return true }
    let labels = host.parts(between: ".")
    return labels.indices.dropFirst().contains {
      endings.contains(".\(labels[$0...].joined(separator: "."))")
    }
  }
}

extension Repository {
  fileprivate static let gatewayGroup = "gateway.networking.k8s.io"

  /// A reference of Gateway API into another namespace.
  fileprivate struct Crossing {
    let from: Object
    let fromNamespace: String
    let kind: String
    let name: String
    let namespace: String
    let place: Place
  }

  /// The references that need a ReferenceGrant: certificates of Gateways, backends of routes.
  fileprivate var crossings: [Crossing] {
    objects.filter { $0.group == Self.gatewayGroup }.flatMap { object -> [Crossing] in
      guard let own = object.namespace else { return [] }
      let certificates = (object.place.at("spec", "listeners")?.items ?? []).flatMap {
        $0.at("tls", "certificateRefs")?.items ?? []
      }
      let backends = (object.place.at("spec", "rules")?.items ?? []).flatMap {
        $0["backendRefs"]?.items ?? []
      }
      return (certificates.map { ($0, "Secret") } + backends.map { ($0, "Service") }).compactMap {
        place, kind in
        guard let namespace = place["namespace"], let text = namespace.text, text != own, !text.contains("{{")
        else {
          return nil
        }
        return Crossing(
          from: object, fromNamespace: own, kind: place["kind"]?.text ?? kind,
          name: place["name"]?.text ?? "",
          namespace: text, place: namespace)
      }
    }
  }

  /// A route at a Gateway of the repository.
  fileprivate struct Attachment {
    let route: Object
    let gateway: Object
    /// Where the route names the Gateway's listener, or the Gateway.
    let place: Place
    /// The names of the Gateway's listeners without TLS.
    let plain: [String]
    /// Whether the route is attached to one of them.
    let isPlain: Bool
  }

  fileprivate var attachments: [Attachment] {
    let gateways = Dictionary(grouping: objects("Gateway", of: Self.gatewayGroup), by: \.name)
    return objects("HTTPRoute", of: Self.gatewayGroup).flatMap { route -> [Attachment] in
      (route.place.at("spec", "parentRefs")?.items ?? []).compactMap { parent in
        let namespace = parent["namespace"]?.text ?? route.namespace
        guard let name = parent["name"]?.text,
          let gateway = gateways[name]?.first(where: {
            ($0.namespace == nil || namespace == nil || $0.namespace == namespace)
          })
        else { return nil }
        let listeners = gateway.place.at("spec", "listeners")?.items ?? []
        let plain = listeners.filter { $0["protocol"]?.text == "HTTP" }
        let attached = plain.filter { listener in
          parent["sectionName"].map { $0.text == listener["name"]?.text } ?? true
            && parent["port"].map { $0.text == listener["port"]?.text } ?? true
        }
        return Attachment(
          route: route, gateway: gateway, place: parent["sectionName"] ?? parent["name"] ?? parent,
          plain: plain.compactMap { $0["name"]?.text }, isPlain: !attached.isEmpty)
      }
    }
  }
}

extension Repository.Object {
  /// Whether a ReferenceGrant allows a reference (Gateway API, "ReferenceGrant").
  fileprivate func allows(_ crossing: Repository.Crossing) -> Bool {
    guard namespace == nil || namespace == crossing.namespace else { return false }
    let from = place.at("spec", "from")?.items ?? []
    let to = place.at("spec", "to")?.items ?? []
    return from.contains {
      $0["kind"]?.text == crossing.from.kind && $0["namespace"]?.text == crossing.fromNamespace
        && $0["group"]?.text == crossing.from.group
    }
      && to.contains {
        $0["kind"]?.text == crossing.kind && ($0["name"] == nil || $0["name"]?.text == crossing.name)
      }
  }

  /// Whether a route sends everything to HTTPS.
  fileprivate var isRedirect: Bool {
    (place.at("spec", "rules")?.items ?? []).flatMap { $0["filters"]?.items ?? [] }.contains {
      $0["type"]?.text == "RequestRedirect" && $0.at("requestRedirect", "scheme")?.text == "https"
    }
  }

  /// The hosts of a route.
  fileprivate var hostnames: [Repository.Place] { place.at("spec", "hostnames")?.items ?? [] }
}
