import Diagnostics

extension Rule {
  /// A DNS label of RFC 1123, as Kubernetes uses it for names within a namespace.
  static let label = matching(
    "a name of lower-case letters, digits and \"-\" (at most 63, beginning and ending with a letter or digit)",
    pattern: #"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"#, isLabel)

  /// A DNS subdomain of RFC 1123: what Kubernetes takes as the name of a Node or Secret.
  static let subdomain = matching(
    "a Kubernetes name: lower-case letters, digits, \"-\" and \".\", at most 253, each part beginning and ending with a letter or digit",
    pattern: #"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"#, isSubdomain)

  /// The name of a node, which is also the value of its label `kubernetes.io/hostname`.
  static let nodeName = matching(
    "a node's name: lower-case letters, digits, \"-\" and \".\", at most 63, each part beginning and ending with a letter or digit",
    pattern: #"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$"#
  ) { text in isSubdomain(text) && text.utf8.count <= 63 }

  /// A key within a Secret or ConfigMap.
  static let secretKey = matching(
    "a key of a Secret: letters, digits, \"-\", \"_\" and \".\", at most 253",
    pattern: #"^[-._a-zA-Z0-9]{1,253}$"#
  ) { text in
    (1...253).contains(text.utf8.count)
      && text.utf8.allSatisfy { $0.isAlphanumeric || "-._".utf8.contains($0) }
      && text != "." && !text.hasPrefix("..")
  }

  /// A label's key. Keys of Kubernetes' own are refused as the kubelet refuses them (its list of allowed
  /// labels is in k8s.io/kubelet/pkg/apis/well_known_labels.go).
  static let labelKey = Rule(
    "a label key", pattern: #"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"#
  ) { text in
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard let name = parts.last, parts.count <= 2, isQualifiedName(name),
      parts.count == 1 || isSubdomain(parts[0])
    else {
      return Problem(
        "\(text.shown) is not a label key",
        help: "use [prefix/]name: letters, digits, \"-\", \"_\" and \".\", at most 63 in the name")
    }
    guard parts.count == 2, !kubeletLabels.contains(text) else { return nil }
    let domain = parts[0]
    func within(_ suffix: String) -> Bool { domain == suffix || domain.hasSuffix("." + suffix) }
    guard within("kubernetes.io") || within("k8s.io"),
      !within("kubelet.kubernetes.io"), !within("node.kubernetes.io")
    else { return nil }
    return Problem(
      "\(text.shown) is a label that the kubelet refuses to give its own Node",
      help: "use a key without kubernetes.io or k8s.io, such as role=\(name)")
  }

  static let labelValue = matching(
    "a label value: at most 63 letters, digits, \"-\", \"_\" and \".\", beginning and ending with a letter or digit",
    pattern: #"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$"#
  ) { text in text.isEmpty || isQualifiedName(text) }

  /// `key=value:Effect` or `key:Effect`.
  static let taint = Rule(
    "a taint such as key=value:NoSchedule",
    pattern: #"^[A-Za-z0-9./_-]+(=[A-Za-z0-9._-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)$"#
  ) { text in
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let pair = (parts.first ?? "").split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let key = pair[0].split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(parts[1]),
      let name = key.last, key.count <= 2, isQualifiedName(name), key.count == 1 || isSubdomain(key[0]),
      pair.count == 1 || pair[1].isEmpty || isQualifiedName(String(pair[1]))
    else {
      return Problem(
        "\(text.shown) is not a taint",
        help: "write key=value:Effect or key:Effect; effects are NoSchedule, PreferNoSchedule and NoExecute")
    }
    return nil
  }

  /// A K3s version. Channels and `-k3s1` are refused with what to write instead.
  package static let k3sVersion = Rule(
    "an exact K3s version", pattern: #"^v[0-9]+[.][0-9]+[.][0-9]+[+]k3s[0-9]+$"#
  ) {
    text in
    if isK3sVersion(text) { return nil }
    let withPlus = text.lastRange(of: "-k3s").map { text.replacingCharacters(in: $0, with: "+k3s") }
    let fixed = (text.hasPrefix("v") ? "" : "v") + (withPlus ?? text)
    if isK3sVersion(fixed) {
      return Problem(
        withPlus == nil
          ? "\(text.shown) lacks the leading \"v\""
          : "\(text.shown) is not a K3s version: releases are tagged with \"+k3s\", and \"-k3s\" is only how container images spell it",
        help: "write \(fixed)")
    }
    if ["stable", "latest", "testing"].contains(text) || text.wholeIsMinorChannel {
      return Problem(
        "\(text.shown) is a channel: what it installs changes from day to day, so nothing can be verified",
        help:
          "name a release such as v1.36.4+k3s1; \"k3seed lock --k3s CHANNEL\" locks the one that it leads to now"
      )
    }
    return Problem("\(text.shown) is not a K3s version", help: "write it like v1.36.4+k3s1")
  }

  /// The components that K3s can leave out (`--disable`, docs.k3s.io/installation/packaged-components).
  static let component = oneOf(
    "a packaged component of K3s",
    ["coredns", "servicelb", "traefik", "local-storage", "metrics-server", "runtimes"])

  /// The name of an AddOn: K3s takes the file's base name up to the first dot, and "_" is not allowed in it.
  static let manifestName = matching(
    "a manifest's name: lower-case letters, digits and \"-\", at most 63, without \".yaml\"",
    pattern: #"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"#, isLabel)

  static func isLabel(_ text: String) -> Bool {
    isSubdomain(text) && text.utf8.count <= 63 && !text.utf8.contains(UInt8(ascii: "."))
  }

  static func isSubdomain(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count) && !text.utf8.contains(where: \.isUpper)
      && text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
        label.first?.isAlphanumeric == true && label.last?.isAlphanumeric == true
          && label.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") }
      }
  }

  /// The name part of a qualified name, and a label's value.
  private static func isQualifiedName(_ text: String) -> Bool {
    (1...63).contains(text.utf8.count) && text.utf8.first?.isAlphanumeric == true
      && text.utf8.last?.isAlphanumeric == true
      && text.utf8.allSatisfy { $0.isAlphanumeric || "-._".utf8.contains($0) }
  }

  private static func isK3sVersion(_ text: String) -> Bool {
    guard text.hasPrefix("v"), let plus = text.firstPlace(of: "+k3s") else { return false }
    let numbers = text[..<plus.lowerBound].dropFirst().split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 3 && (numbers + [text[plus.upperBound...]]).allSatisfy(isNumber)
  }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(\.isDigit) && (text.utf8.count == 1 || text.first != "0")
  }

  private static let kubeletLabels: Set<String> = [
    "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
  ]
}

extension String {
  /// `v1.36`, which K3s serves as a channel.
  fileprivate var wholeIsMinorChannel: Bool {
    let parts = (hasPrefix("v") ? dropFirst() : self[...]).split(
      separator: ".", omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) }
  }

  fileprivate func lastRange(of text: String) -> Range<String.Index>? {
    var found: Range<String.Index>?
    var rest = self[...]
    while let range = rest.firstRange(of: text) {
      found = range
      rest = rest[range.upperBound...]
    }
    return found
  }

  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    self[..<range.lowerBound] + text + self[range.upperBound...]
  }
}
