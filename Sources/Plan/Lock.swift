public import Diagnostics
package import Inputs

/// What k3seed installs: exact versions, and the digests of their files as far as they are known.
///
/// `k3seed lock` writes one as a `k3seed.lock`, and ``Pins/lock`` is the one that is compiled in.
public struct Lock: Sendable {
  /// The release of K3s.
  public var k3s: K3sRelease
  /// The release of the Gateway API whose standard CRDs are installed.
  public var gatewayAPI: GitTag
  /// Where the version of K3s stands: a line of a file, or a default.
  public var origin: Location
  /// The charts, in the order of ``Chart``.
  private let charts: [HelmChart]

  /// A lock of these.
  ///
  /// - Parameter chart: gives the repository, the version and the digest of each chart.
  public init(
    k3s: K3sRelease, gatewayAPI: GitTag, origin: Location = .fallback("k3s_version"),
    chart: (Chart) -> (repository: String, version: String, sha256: String?)
  ) {
    self.k3s = k3s
    self.gatewayAPI = gatewayAPI
    self.origin = origin
    charts = Chart.allCases.map {
      let (repository, version, sha256) = chart($0)
      return HelmChart(name: $0.name, version: version, repository: repository, sha256: sha256)
    }
  }

  /// The version of a chart that is installed.
  public subscript(chart: Chart) -> HelmChart { charts[chart.rawValue] }
}

/// A Helm chart that k3seed installs.
public enum Chart: Int, CaseIterable, Sendable {
  /// Argo CD.
  case argoCD
  /// cert-manager.
  case certManager
  /// external-dns.
  case externalDNS
  /// External Secrets.
  case externalSecrets
  /// Envoy Gateway.
  case envoyGateway
  /// Envoy Gateway's CRDs.
  case envoyGatewayCRDs

  /// Its name in its repository.
  public var name: String {
    switch self {
    case .argoCD: "argo-cd"
    case .certManager: "cert-manager"
    case .externalDNS: "external-dns"
    case .externalSecrets: "external-secrets"
    case .envoyGateway: "gateway-helm"
    case .envoyGatewayCRDs: "gateway-crds-helm"
    }
  }
}

/// One version of a Helm chart.
public struct HelmChart: Hashable, Sendable {
  /// Its name.
  public var name: String
  /// Its exact version.
  public var version: String
  /// The repository it comes from: a URL, or a registry without a scheme.
  public var repository: String
  /// SHA-256 of its archive, or in a registry of its manifest, in lower-case hexadecimal; nil where nobody has
  /// attested it. Neither Argo CD nor K3s' HelmChart can be told one, so it is there for people, and for
  /// `k3seed lock --check`.
  public var sha256: String?

  /// Whether it comes from an OCI registry, and not from a repository with an `index.yaml`.
  public var isInRegistry: Bool { !repository.holds("://") }
}

/// A tag of a git repository.
public struct GitTag: Hashable, Sendable {
  /// The repository's URL.
  public var repository: String
  /// The tag.
  public var version: String
  /// The commit that it leads to, in lower-case hexadecimal; nil where nobody has attested it.
  public var commit: String?
}

/// One release of K3s, as exactly as a payload names it.
public struct K3sRelease: Hashable, Sendable {
  /// The tag, such as `v1.36.4+k3s1`.
  public var version: String
  /// SHA-256 of the binary `k3s`, in lower-case hexadecimal.
  public var amd64: String
  /// SHA-256 of the binary `k3s-arm64`.
  public var arm64: String
  /// SHA-256 of `install.sh` at the tag.
  public var installScript: String
  /// SHA-256 of `k3s-airgap-images-amd64.tar.zst`, where it is known.
  public var airgapAMD64: String?
  /// SHA-256 of `k3s-airgap-images-arm64.tar.zst`, where it is known.
  public var airgapARM64: String?

  /// A release of which these are known.
  package init(
    version: String, amd64: String = "", arm64: String = "", installScript: String = "",
    airgapAMD64: String? = nil, airgapARM64: String? = nil
  ) {
    self.version = version
    self.amd64 = amd64
    self.arm64 = arm64
    self.installScript = installScript
    self.airgapAMD64 = airgapAMD64
    self.airgapARM64 = airgapARM64
  }

  /// What is wrong with a text as a version of K3s or as the name of one of its channels.
  package static func problem(withVersionOrChannel text: String) -> Rule.Problem? {
    guard let problem = Rule.k3sVersion.problem(with: text) else { return nil }
    let isName =
      (1...40).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x30...0x39) ~= $0 || (0x61...0x7A) ~= $0 || ".-".utf8.contains($0) }
    return isName && !text.holds("k3s") ? nil : problem
  }

  /// The folder of the official release that holds the binaries. A `+` in a URL's path is written `%2B`.
  public var officialBinaries: String { "https://github.com/k3s-io/k3s/releases/download/\(encodedVersion)" }

  /// The official install script at the tag.
  public var officialInstallScript: String {
    "https://raw.githubusercontent.com/k3s-io/k3s/\(encodedVersion)/install.sh"
  }

  /// The version as a part of a URL's path.
  public var encodedVersion: String { version.parts(between: "+").joined(by: "%2B") }
}
