import GitOps

extension Trap {
  private static let certManager = application(
    "cert-manager",
    source: chart(
      "cert-manager", "v1.21.2", from: "https://charts.jetstack.io", values: "{crds: {enabled: true}}"),
    namespace: "cert-manager")
  private static let externalSecrets = application(
    "external-secrets",
    source: chart("external-secrets", "2.8.0", from: "https://charts.external-secrets.io"),
    namespace: "external-secrets")
  private static let gatewayCRDs = application(
    "crds",
    source:
      "{repoURL: 'https://github.com/kubernetes-sigs/gateway-api', path: config/crd/standard, targetRevision: v1.6.1}"
  )
  private static let store =
    "apiVersion: external-secrets.io/v1\nkind: ClusterSecretStore\nmetadata: {name: vault}\n---\n"
  private static let revoke = "revoke it, and take it from a store or from the bootstrap"

  private static func issuer(_ reference: String) -> String {
    """
    apiVersion: cert-manager.io/v1
    kind: ClusterIssuer
    metadata: {name: letsencrypt}
    spec:
      acme:
        solvers: [{dns01: {cloudflare: {apiTokenSecretRef: \(reference)}}}]

    """
  }

  private static func externalDNS(_ variable: String) -> String {
    application(
      "external-dns",
      source: chart(
        "external-dns", "1.21.1", from: "https://kubernetes-sigs.github.io/external-dns/",
        values: "{env: [{name: CF_API_TOKEN, \(variable)}]}"), namespace: "external-dns")
  }

  private static func external(_ spec: String, name: String = "a") -> String {
    "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: \(name), namespace: argocd}\nspec:\n\(spec)"
  }

  private static func external(
    _ code: String, _ name: String, _ findings: [String], _ text: String,
    _ mended: KeyValuePairs<String, String>
  ) -> Trap {
    Trap(
      code: code, name: name, findings: findings,
      files: ["apps.yaml": externalSecrets + application("a"), "a/a.yaml": store + text], mended: mended)
  }

  // MARK: Secrets

  static let secrets: [Trap] = [
    Trap(
      code: "secret-not-created", name: "the name that cert-manager's documentation has",
      findings: [
        "ClusterIssuer letsencrypt takes the Secret cloudflare-api-token-secret in cert-manager, which nothing makes; use cloudflare-api-token, which the bootstrap makes there, or say with --secret that it is there"
      ],
      files: [
        "apps.yaml": certManager + application("a"),
        "a/a.yaml": issuer("{name: »cloudflare-api-token-secret, key: api-token}"),
      ], mended: ["cloudflare-api-token-secret": "cloudflare-api-token"]),
    Trap(
      code: "secret-not-created", name: "another key",
      findings: [
        "ClusterIssuer letsencrypt takes the key token of the Secret cloudflare-api-token in cert-manager, which has api-token; use one of its keys, or give the bootstrap this one (cloudflare_secret_key)"
      ],
      files: [
        "apps.yaml": certManager + application("a"),
        "a/a.yaml": issuer("{name: cloudflare-api-token, key: »token}"),
      ], mended: ["key: token": "key: api-token"]),
    Trap(
      code: "secret-not-created", name: "another namespace",
      findings: [
        "Issuer letsencrypt takes the Secret cloudflare-api-token in apps, and it is made in cert-manager only; make it in apps as well, or use one that is there"
      ],
      files: [
        "apps.yaml": certManager + application("a"),
        "a/a.yaml": issuer("{name: »cloudflare-api-token, key: api-token}").replacing(
          "ClusterIssuer", with: "Issuer"),
      ], mended: ["kind: Issuer": "kind: ClusterIssuer"]),
    Trap(
      code: "secret-not-created", name: "the name and key that external-dns's documentation has",
      findings: [
        "the chart external-dns takes the Secret cloudflare-api-key in external-dns, which nothing makes; use cloudflare-api-token, which the bootstrap makes there, or say with --secret that it is there"
      ],
      files: [
        "apps.yaml": externalDNS("valueFrom: {secretKeyRef: {name: »cloudflare-api-key, key: apiKey}}")
      ],
      mended: ["name: cloudflare-api-key, key: apiKey": "name: cloudflare-api-token, key: api-token"]),
    Trap(
      code: "secret-not-created",
      name: "a Deployment of external-dns, and an ExternalSecret with another key",
      findings: [
        "Deployment external-dns takes the key token of the Secret dns in apps, which has api-token; use one of its keys, or give the bootstrap this one (cloudflare_secret_key)"
      ],
      files: [
        "apps.yaml": externalSecrets + application("a"),
        "a/a.yaml": """
        \(store)apiVersion: external-secrets.io/v1
        kind: ExternalSecret
        metadata: {name: dns}
        spec:
          secretStoreRef: {kind: ClusterSecretStore, name: vault}
          data: [{secretKey: api-token, remoteRef: {key: cloudflare}}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: external-dns}
        spec:
          template:
            spec:
              containers:
              - name: external-dns
                env:
                - {name: CF_API_TOKEN, valueFrom: {secretKeyRef: {name: dns, key: »token}}}

        """,
      ], mended: ["key: token": "key: api-token"]),
    external(
      "externalsecret-store", "no store at all",
      [
        "the ExternalSecret a names no store; name a SecretStore or ClusterSecretStore in spec.secretStoreRef"
      ],
      external("  data: [{secretKey: b, remoteRef: {key: b}}]\n").replacing("spec:", with: "»spec:"),
      ["spec:\n  data": "spec:\n  secretStoreRef: {kind: ClusterSecretStore, name: vault}\n  data"]),
    external(
      "externalsecret-store", "a store of the other kind",
      [
        "the ExternalSecret a takes from the SecretStore vault, and this repository has ClusterSecretStore vault; name one that is there, with its kind"
      ],
      external("  secretStoreRef: {name: »vault}\n  data: [{secretKey: b, remoteRef: {key: b}}]\n"),
      ["{name: vault}\n  data": "{name: vault, kind: ClusterSecretStore}\n  data"]),
    external(
      "externalsecret-data", "nothing that is fetched",
      ["the ExternalSecret a fetches nothing; list what it fetches under spec.data or spec.dataFrom"],
      external("  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n").replacing(
        "spec:", with: "»spec:"),
      ["ClusterSecretStore}\n": "ClusterSecretStore}\n  dataFrom: [{extract: {key: b}}]\n"]),
    external(
      "externalsecret-data", "a template with another key",
      [
        "the template of the ExternalSecret a uses token, which it does not fetch; add token to spec.data, or use one of pat, user",
        "the template of the ExternalSecret a uses us-er, which it does not fetch; add us-er to spec.data, or use one of pat, user",
      ],
      external(
        """
          secretStoreRef: {name: vault, kind: ClusterSecretStore}
          target:
            template:
              data:
                a: »'{{ .user }}:{{ .token | b64enc }} {{ "plain .text" }}'
                b: »'{{ index . "us-er" }}'
          data: [{secretKey: user, remoteRef: {key: b}}, {secretKey: pat, remoteRef: {key: b}}]

        """), [".token": ".pat", "us-er": "user"]),
    external(
      "externalsecret-template", "a repository without its label",
      [
        "the ExternalSecret a makes a repository's Secret without the label that Argo CD looks for; add argocd.argoproj.io/secret-type: repository to spec.target.template.metadata.labels"
      ],
      external(
        """
          secretStoreRef: {name: vault, kind: ClusterSecretStore}
          target:
            »template:
              metadata: {labels: {app: argocd}}
              data: {type: git, url: 'https://git.example.net/own.git', password: '{{ .pat }}'}
          data: [{secretKey: pat, remoteRef: {key: b}}]

        """), ["app: argocd": "argocd.argoproj.io/secret-type: repository"]),
    external(
      "externalsecret-template", "registry credentials without their type",
      [
        "the ExternalSecret a makes registry credentials without their type; set spec.target.template.type to kubernetes.io/dockerconfigjson"
      ],
      external(
        "  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  »target: {name: registry}\n  data: [{secretKey: .dockerconfigjson, remoteRef: {key: b}}]\n"
      ), ["{name: registry}": "{name: registry, template: {type: kubernetes.io/dockerconfigjson}}"]),
    external(
      "externalsecret-policy", "argocd-secret, owned",
      [
        "the ExternalSecret a replaces all of argocd-secret, in which Argo CD keeps its own keys; set spec.target.creationPolicy to Merge"
      ],
      external(
        "  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  target: {name: »argocd-secret}\n  data: [{secretKey: admin.password, remoteRef: {key: b}}]\n"
      ), ["argocd-secret}": "argocd-secret, creationPolicy: Merge}"]),
    external(
      "externalsecret-policy", "policies that exclude each other",
      ["deletionPolicy Delete does not go with creationPolicy Merge; use deletionPolicy Retain"],
      external(
        "  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  target: {name: x, creationPolicy: Merge, deletionPolicy: »Delete}\n  data: [{secretKey: b, remoteRef: {key: b}}]\n"
      ), ["Delete}": "Retain}"]),
    external(
      "externalsecret-target", "two that own one Secret",
      [
        "ExternalSecret a and ExternalSecret b both make the Secret b in argocd; give one of them another name, or set creationPolicy Merge"
      ],
      external(
        "  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  data: [{secretKey: b, remoteRef: {key: b}}]\n---\n",
        name: "b")
        + external(
          "  secretStoreRef: {name: vault, kind: ClusterSecretStore}\n  target: {name: b}\n  data: [{secretKey: b, remoteRef: {key: b}}]\n",
          name: "»a"), ["target: {name: b}": "target: {name: c}"]),
    Trap(
      code: "committed-secret", name: "a Secret",
      findings: ["the Secret a is in the repository with its values; \(revoke)"],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml":
          "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {type: Z2l0, password: »aHVudGVyMg==}\n",
      ], mended: ["aHVudGVyMg==": "'ENC[AES256_GCM,data:x]'"]),
    Trap(
      code: "committed-secret", name: "a private key and a token, in any file",
      findings: [
        "a token of GitHub is in the repository; \(revoke)",
        "a token of Cloudflare is in the repository; \(revoke)",
        "a private key is in the repository; \(revoke)",
      ],
      files: [
        "apps.yaml": application("a"), "a/a.yaml": configMap,
        "notes.md":
          "push with »ghp_\(String("0123456789abcdefghij0123456789abcdefghij".prefix(36))) and »cfut_0123456789abcdefghij0123456789abcdefghij\n",
        "z.pem":
          "»-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz\n",
      ],
      mended: [
        "ghp_0": "ghx_0", "cfut_0": "cfut_EXAMPLE-0",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz": "…",
      ]),
    Trap(
      code: "committed-secret", name: "Cloudflare's token among the values of external-dns",
      findings: ["Cloudflare's token is in the repository as a value of external-dns; \(revoke)"],
      files: ["apps.yaml": externalDNS("value: »hunter2")], mended: ["value: hunter2": "value: ''"]),
  ]

  // MARK: Gateway API

  private static let gatewayObject = """
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: edge, namespace: edge}
    spec:
      gatewayClassName: envoy
      listeners:
      - {name: http, port: 80, protocol: HTTP}
      - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: site}]}}
    ---

    """

  private static func route(_ name: String, _ spec: String) -> String {
    "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: \(name), namespace: apps}\nspec:\n\(spec)---\n"
  }

  private static let redirect = route(
    "redirect",
    "  parentRefs: [{name: edge, namespace: edge, sectionName: http}]\n  hostnames: ['*.example.net']\n  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]\n"
  )

  private static func gateway(
    _ code: String, _ name: String, _ findings: [String], _ text: String,
    _ mended: KeyValuePairs<String, String>
  ) -> Trap {
    Trap(
      code: code, name: name, findings: findings,
      files: ["apps.yaml": gatewayCRDs + application("a"), "a/a.yaml": gatewayObject + text], mended: mended)
  }

  private static let grant =
    "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: a, namespace: docs}\nspec:\n  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: apps}]\n  to: [{group: '', kind: Service}]\n"

  static let gateway: [Trap] = [
    gateway(
      "reference-grant", "a backend in another namespace",
      [
        "HTTPRoute docs in apps takes the Service site in docs, and no ReferenceGrant there allows it; add a ReferenceGrant in docs, from HTTPRoute in apps to Service"
      ],
      redirect
        + route(
          "docs",
          "  parentRefs: [{name: edge, namespace: edge, sectionName: https}]\n  hostnames: [docs.example.net]\n  rules: [{backendRefs: [{name: site, namespace: »docs, port: 80}]}]\n"
        ) + grant.replacing("namespace: docs", with: "namespace: elsewhere"),
      ["namespace: elsewhere": "namespace: docs"]),
    gateway(
      "reference-grant", "a certificate in another namespace, and a grant for another kind",
      [
        "Gateway other in edge takes the Secret site in docs, and no ReferenceGrant there allows it; add a ReferenceGrant in docs, from Gateway in edge to Secret"
      ],
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: other, namespace: edge}\nspec: {listeners: [{name: https, protocol: HTTPS, tls: {certificateRefs: [{name: site, namespace: »docs}]}}]}\n---\n"
        + grant.replacing("kind: HTTPRoute, namespace: apps", with: "kind: Gateway, namespace: edge"),
      ["kind: Service": "kind: Secret, name: site"]),
    gateway(
      "no-redirect", "a route at every listener",
      [
        "HTTPRoute docs is served without TLS, by the listener http of the Gateway edge; name the HTTPS listener in sectionName, and add a route with a redirect at http"
      ],
      redirect
        + route(
          "docs",
          "  parentRefs: [{name: »edge, namespace: edge}]\n  hostnames: [docs.example.net]\n  rules: [{backendRefs: [{name: site, port: 80}]}]\n"
        ),
      ["namespace: edge}]\n  hostnames: [docs": "namespace: edge, sectionName: https}]\n  hostnames: [docs"]),
    gateway(
      "no-redirect", "a host that nothing redirects",
      [
        "nothing redirects http:// of docs.example.com to HTTPS, which HTTPRoute docs serves; add an HTTPRoute at the listener http of edge with the filter RequestRedirect and scheme https"
      ],
      redirect
        + route(
          "docs",
          "  parentRefs: [{name: edge, namespace: edge, sectionName: https}]\n  hostnames: [docs.example.net, »docs.example.com]\n  rules: [{backendRefs: [{name: site, port: 80}]}]\n"
        ), ["docs.example.com": "more.example.net"]),
  ]
}
