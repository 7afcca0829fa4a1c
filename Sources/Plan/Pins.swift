/// What is compiled into k3seed.
public enum Pins {
  /// k3seed's own version, which payloads name.
  public static let k3seed = "0.2.0"

  /// What k3seed installs unless a `k3seed.lock` or an input says otherwise: the compiled form of the `k3seed.lock`
  /// that lies beside this file, so that nothing is read where there is no other. A test holds the two together.
  ///
  /// The hashes of K3s' binaries are those of the release's `sha256sum-<arch>.txt`, and were found alike in several
  /// independent projects; that of its script likewise. The versions of charts are tags of their repositories (Argo
  /// CD's chart has its v3.5.3, that of external-dns its v0.21.0). Digests that nobody could attest are left out.
  public static let lock = Lock(
    k3s: K3sRelease(
      version: "v1.36.4+k3s1",
      amd64: "835873f37245fc615f547a2fe2af9402a347875f13fa64a1f136de644955ea3f",
      arm64: "c920706346d5ad4e5cd3c7bf1bb09ce71ebe07fec829e513e40f1caf98aed8bb",
      installScript: "46177d4c99440b4c0311b67233823a8e8a2fc09693f6c89af1a7161e152fbfad"),
    gatewayAPI: GitTag(repository: "https://github.com/kubernetes-sigs/gateway-api.git", version: "v1.6.1")
  ) { chart in
    switch chart {
    case .argoCD: ("https://argoproj.github.io/argo-helm", "10.9.6", nil)
    case .certManager: ("https://charts.jetstack.io", "v1.21.2", nil)
    case .externalDNS: ("https://kubernetes-sigs.github.io/external-dns/", "1.21.1", nil)
    case .externalSecrets: ("https://charts.external-secrets.io", "2.8.0", nil)
    // As its documentation, "Install with Argo CD" of v1.9, names it: an OCI registry, without the scheme.
    case .envoyGateway, .envoyGatewayCRDs: ("docker.io/envoyproxy", "v1.9.0", nil)
    }
  }
}
