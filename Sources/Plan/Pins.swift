import Diagnostics

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

  /// The folder of the official release that holds the binaries. A `+` in a URL's path is written `%2B`.
  public var officialBinaries: String { "https://github.com/k3s-io/k3s/releases/download/\(encodedVersion)" }

  /// The official install script at the tag.
  public var officialInstallScript: String {
    "https://raw.githubusercontent.com/k3s-io/k3s/\(encodedVersion)/install.sh"
  }

  /// The version as a part of a URL's path.
  public var encodedVersion: String { version.parts(between: "+").joined(by: "%2B") }
}

/// The versions that k3seed installs unless it is told otherwise.
public enum Pins {
  /// k3seed's own version, which payloads name.
  public static let k3seed = "0.1.0"

  /// K3s. The binaries' hashes are those of the release's `sha256sum-<arch>.txt`, and were found alike in
  /// several independent projects; that of the script likewise.
  public static let k3s = K3sRelease(
    version: "v1.36.4+k3s1",
    amd64: "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f",
    arm64: "c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb",
    installScript: "46177d4c99440b4c0311b67233823a8e8a2fc09693f6c89af1a7161e152fbfad")

  /// The Helm chart of Argo CD (app version v3.5.3).
  public static let argoCDChart = HelmChart(
    name: "argo-cd", version: "10.9.6", repository: "https://argoproj.github.io/argo-helm")

  /// The Helm chart of cert-manager. A tag of its repository, used by several projects in October 2026.
  public static let certManagerChart = HelmChart(
    name: "cert-manager", version: "v1.21.2", repository: "https://charts.jetstack.io")

  /// The Helm chart of external-dns (app version v0.21.0), a tag of its repository.
  public static let externalDNSChart = HelmChart(
    name: "external-dns", version: "1.21.1", repository: "https://kubernetes-sigs.github.io/external-dns/")

  /// The Helm chart of External Secrets, a tag of its repository.
  public static let externalSecretsChart = HelmChart(
    name: "external-secrets", version: "2.8.0", repository: "https://charts.external-secrets.io")

  /// The Helm chart of Envoy Gateway, as its documentation, "Install with Argo CD" of v1.9, names it: an OCI
  /// registry, without the scheme.
  public static let envoyGatewayChart = HelmChart(
    name: "gateway-helm", version: "v1.9.0", repository: "docker.io/envoyproxy")

  /// The Helm chart of Envoy Gateway's CRDs, of the same release.
  public static let envoyGatewayCRDChart = HelmChart(
    name: "gateway-crds-helm", version: "v1.9.0", repository: "docker.io/envoyproxy")

  /// The release of the Gateway API whose standard CRDs are installed: a tag of kubernetes-sigs/gateway-api.
  public static let gatewayAPI = "v1.6.1"
}

/// One version of a Helm chart.
public struct HelmChart: Hashable, Sendable {
  /// Its name.
  public var name: String
  /// Its exact version.
  public var version: String
  /// The repository it comes from: a URL, or a registry without a scheme.
  public var repository: String
}
