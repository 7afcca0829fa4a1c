extension Trap {
  static let all =
    waves + helmCharts + sync + sources + readings + projects + argoCD + cluster + secrets + gateway

  private static let jetstack = "https://charts.jetstack.io"
  private static let argoHelm = "https://argoproj.github.io/argo-helm"
  private static let health =
    "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm, namespace: argocd}\ndata: {resource.customizations.health.argoproj.io_Application: 'hs = {} return hs'}\n"
  private static let certManager = chart(
    "cert-manager", "v1.21.2", from: jetstack, values: "{crds: {enabled: true}}")
  private static let issuer =
    "apiVersion: cert-manager.io/v1\nkind: ClusterIssuer\nmetadata: {name: letsencrypt}\nspec: {acme: {server: 'https://acme.example.net'}}\n"

  // MARK: Order

  static let waves: [Trap] = [
    Trap(
      code: "wave-order", name: "a Gateway before the issuer of its certificate",
      findings: [
        "site is in wave 1 and needs ClusterIssuer letsencrypt from issuers, which is in wave 2; put site into wave 3 or later, or issuers into an earlier one"
      ],
      files: [
        "apps.yaml": application("cert-manager", wave: "'0'", source: certManager, namespace: "cert-manager")
          + application("site", wave: "»'1'") + application("issuers", wave: "'2'") + health,
        "site/a.yaml":
          "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: site}\nspec: {secretName: site, issuerRef: {kind: ClusterIssuer, name: letsencrypt}}\n",
        "issuers/a.yaml": issuer,
      ], mended: ["'1'": "'3'"]),
    Trap(
      code: "crd-order", name: "a ClusterIssuer in an earlier wave than cert-manager",
      findings: [
        "issuers is in wave -1 and needs CRDs of cert-manager.io from cert-manager, which is in wave 0; put issuers into wave 1 or later, or cert-manager into an earlier one"
      ],
      files: [
        "apps.yaml": application("cert-manager", source: certManager, namespace: "cert-manager")
          + application("issuers", wave: "»'-1'") + health,
        "issuers/a.yaml": issuer,
      ], mended: ["'-1'": "'1'"]),
    Trap(
      code: "crd-order", name: "a ClusterIssuer at the same time as cert-manager, and not tried again",
      findings: [
        "issuers does not retry a sync that failed; set syncPolicy.retry with limit -1 and a backoff",
        "issuers needs the CRDs of cert-manager.io from cert-manager, which is in the same wave, and does not retry; put cert-manager into an earlier wave than issuers, or set syncPolicy.retry there",
      ],
      files: [
        "apps.yaml": application("cert-manager", source: certManager, namespace: "cert-manager")
          + application("issuers", retry: "retry: {limit: »0, refresh: true}"),
        "issuers/a.yaml": issuer.replacing("ClusterIssuer", with: "»ClusterIssuer"),
      ], mended: ["limit: 0": "limit: 5"]),
    Trap(
      code: "crd-order", name: "a custom resource before the folder with its CRD",
      findings: [
        "things is in wave 0 and needs CRDs of example.net from crds, which is in wave 1; put things into wave 2 or later, or crds into an earlier one"
      ],
      files: [
        "apps.yaml": application("things", wave: "»'0'") + application("crds", wave: "'1'") + health,
        "things/a.yaml": "apiVersion: example.net/v1\nkind: Thing\nmetadata: {name: a}\n",
        "crds/a.yaml":
          "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.net}\nspec: {group: example.net}\n",
      ], mended: ["wave: '1'": "wave: '-1'"]),
    Trap(
      code: "crd-missing", name: "a chart that brings its CRDs only when told to",
      findings: [
        "ClusterIssuer letsencrypt needs the CRDs of cert-manager.io, which the chart cert-manager is not told to bring; set crds.enabled to true in its values"
      ],
      files: [
        "apps.yaml": application(
          "cert-manager",
          source: chart("cert-manager", "v1.21.2", from: jetstack, values: "{crds: {enabled: false}}"),
          namespace: "cert-manager") + application("issuers"),
        "issuers/a.yaml": issuer.replacing("ClusterIssuer", with: "»ClusterIssuer"),
      ], mended: ["enabled: false": "enabled: true"]),
    Trap(
      code: "crd-missing", name: "nobody brings it",
      findings: [
        "nothing in this repository brings the CRDs of example.net, which Thing a needs; add an Application that brings them"
      ],
      files: [
        "apps.yaml": application("things"),
        "things/a.yaml": "apiVersion: example.net/v1\nkind: »Thing\nmetadata: {name: a}\n",
        "things/b.yaml": configMap,
      ],
      mended: [
        configMap:
          "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.net}\nspec: {group: example.net}\n"
      ]),
    Trap(
      code: "dependency-cycle", name: "two folders that take from each other",
      findings: [
        "these Applications need each other: a, b; move what one takes from the other into an Application of its own"
      ],
      files: [
        "apps.yaml": application(
          "cert-manager", source: certManager, namespace: "cert-manager",
          retry: "retry: {limit: -1, refresh: true}")
          + application("»a") + application("b"),
        "a/a.yaml":
          "\(issuer)---\napiVersion: v1\nkind: Service\nmetadata: {name: x, annotations: {cert-manager.io/cluster-issuer: other}}\n",
        "b/a.yaml":
          "\(issuer.replacing("letsencrypt", with: "other"))---\napiVersion: v1\nkind: Service\nmetadata: {name: y, annotations: {cert-manager.io/cluster-issuer: letsencrypt}}\n",
      ], mended: ["cluster-issuer: other": "cluster-issuer: letsencrypt"]),
    Trap(
      code: "wave-value", name: "a bare number",
      findings: ["a sync wave without quotes, while annotations are strings; put it in quotes"],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n    argocd.argoproj.io/sync-wave: »1\n",
      ], mended: ["wave: 1": "wave: '1'"]),
    Trap(
      code: "wave-value", name: "a word",
      findings: ["a sync wave that is no number; write a whole number in quotes"],
      files: ["apps.yaml": application("a", wave: "»first"), "a/a.yaml": configMap],
      mended: ["wave: first": "wave: '1'"]),
    Trap(
      code: "application-health", name: "waves, and an argocd-cm without it",
      findings: [
        "Argo CD is set up here without the health of Applications, so their sync waves do not wait; put resource.customizations.health.argoproj.io_Application into argocd-cm, as Argo CD's documentation has it under \"Resource Health\""
      ],
      files: [
        "apps.yaml": application("a", wave: "'0'") + application("b", wave: "'1'"),
        "a/a.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\n»data:\n  # resource.customizations.health.argoproj.io_Application: later\n  timeout.reconciliation: 60s\n",
        "b/a.yaml": map("b"),
      ],
      mended: [
        "  timeout.reconciliation: 60s\n":
          "  resource.customizations.health.argoproj.io_Application: |\n    hs = {}\n    return hs\n"
      ]),
    Trap(
      code: "application-health", name: "waves, and a chart without it",
      findings: [
        "Argo CD is set up here without the health of Applications, so their sync waves do not wait; put resource.customizations.health.argoproj.io_Application into argocd-cm, as Argo CD's documentation has it under \"Resource Health\""
      ],
      files: [
        "apps.yaml": application("a", wave: "'0'")
          + application(
            "argocd", wave: "'1'",
            source: chart(
              "argo-cd", "10.9.6", from: argoHelm, values: "{configs: {»cm: {timeout.reconciliation: 60s}}}"),
            namespace: "argocd"), "a/a.yaml": configMap,
      ],
      mended: [
        "timeout.reconciliation: 60s": "resource.customizations.health.argoproj.io_Application: 'return {}'"
      ]),
    Trap(
      code: "application-health", name: "waves, and nothing about Argo CD",
      findings: [
        "sync waves between Applications wait only where Argo CD looks at their health, and nothing here says so; put resource.customizations.health.argoproj.io_Application into argocd-cm, as Argo CD's documentation has it under \"Resource Health\""
      ],
      files: [
        "apps.yaml": application("a") + application("b", wave: "»'1'"), "a/a.yaml": configMap,
        "b/a.yaml": map("b"),
      ], mended: ["'1'": "'0'"]),
    Trap(
      code: "argocd-wave-bug", name: "an affected chart, and a child that does not retry",
      findings: [
        "b does not retry a sync that failed; set syncPolicy.retry with limit -1 and a backoff",
        "the Argo CD of the chart's version 10.9.6 lets waves of Applications go early (argo-cd#27917), and 1 Application of later waves would not retry: b; set syncPolicy.retry with limit -1 there",
      ],
      files: [
        "apps.yaml": application("b", wave: "'1'", retry: "retry: {limit: »0, refresh: true}")
          + application("argocd", source: chart("argo-cd", "»10.9.6", from: argoHelm), namespace: "argocd")
          + health,
        "b/a.yaml": map("b"),
      ], mended: ["limit: 0": "limit: -1"]),
    Trap(
      code: "argocd-wave-bug", name: "an affected release, and a child that does not retry",
      findings: [
        "b does not retry a sync that failed; set syncPolicy.retry with limit -1 and a backoff",
        "Argo CD v3.4.2 lets waves of Applications go early (argo-cd#27917), and 1 Application of later waves would not retry: b; set syncPolicy.retry with limit -1 there",
      ],
      files: [
        "apps.yaml": application("b", wave: "'1'", retry: "retry: {limit: »0, refresh: true}")
          + application("argocd")
          + health,
        "argocd/kustomization.yaml":
          "resources:\n- »https://raw.githubusercontent.com/argoproj/argo-cd/v3.4.2/manifests/install.yaml\n",
        "b/a.yaml": map("b"),
      ], mended: ["limit: 0": "limit: -1"]),
    Trap(
      code: "no-retry", name: "no retry at all",
      findings: ["a does not retry a sync that failed; set syncPolicy.retry with limit -1 and a backoff"],
      files: [
        "apps.yaml": application("a", retry: "managedNamespaceMetadata: {}").replacing(
          "  syncPolicy", with: "  »syncPolicy"),
        "a/a.yaml": configMap,
      ], mended: ["managedNamespaceMetadata: {}": "retry: {limit: 5, refresh: true}"]),
    Trap(
      code: "no-retry", name: "an ApplicationSet",
      findings: ["web does not retry a sync that failed; set syncPolicy.retry with limit -1 and a backoff"],
      files: [
        "set.yaml":
          """
        apiVersion: argoproj.io/v1alpha1
        kind: ApplicationSet
        metadata: {name: all, namespace: argocd}
        spec:
          generators: [{git: {repoURL: 'https://git.example.net/own.git', directories: [{path: apps/*}, {path: apps/old, exclude: true}]}}]
          template:
            metadata: {name: '{{.path.basename}}'}
            spec:
              source: {repoURL: 'https://git.example.net/own.git', path: '{{.path.path}}', targetRevision: HEAD}
              destination: {namespace: web}
              »syncPolicy:
                automated: {}
                syncOptions: [CreateNamespace=true]
        """,
        "apps/web/a.yaml": configMap, "apps/old/a.yaml": configMap,
      ], mended: ["      automated: {}\n": "      automated: {}\n        retry: {limit: 5, refresh: true}\n"]),
  ]

  // MARK: Sources

  static let sources: [Trap] = [
    Trap(
      code: "unreadable-yaml", name: "a tab in a manifest",
      findings: [
        "not YAML: found character that cannot start any token while scanning for the next token; indent with spaces, and put text that begins with @, % or ` in quotes"
      ],
      files: ["apps.yaml": application("a"), "a/a.yaml": "\(configMap)data:\n»\ta: b\n"],
      mended: ["\ta: b": "  a: b"]),
    Trap(
      code: "second-kustomization", name: "one of each spelling",
      findings: ["the folder has another kustomization besides; make one of them"],
      files: [
        "apps.yaml": application("a"), "a/a.yaml": configMap,
        "a/kustomization.yaml": "resources: [a.yaml]\n", "a/kustomization.yml": "»namePrefix: b-\n",
      ], mended: ["namePrefix: b-\n": ""]),
    Trap(
      code: "path-missing", name: "a folder",
      findings: [
        "a folder that is not in this repository: aplications/b; mend the path, which begins at the repository's root"
      ],
      files: [
        "apps.yaml": application("a") + application("b", source: own("»aplications/b")),
        "a/a.yaml": configMap,
        "b/a.yaml": map("b"),
      ], mended: ["aplications/b": "b"]),
    Trap(
      code: "path-missing", name: "a resource of a kustomization",
      findings: [
        "a resource that is not in this repository: deployment.yaml; mend the path, which begins at the folder of the file that names it"
      ],
      files: [
        "apps.yaml": application("a"), "a/kustomization.yaml": "resources:\n- ../b\n- »deployment.yaml\n",
        "a/deploy.yaml": configMap, "b/kustomization.yaml": "resources: []\n",
      ], mended: ["deployment.yaml": "deploy.yaml"]),
    Trap(
      code: "path-missing", name: "a file of values",
      findings: [
        "a file of values that is not in this repository: values-prod.yaml; mend the path, which begins at the folder of the file that names it"
      ],
      files: [
        "apps.yaml": application(
          "a",
          source:
            "{repoURL: 'https://git.example.net/own.git', path: a, targetRevision: HEAD, helm: {valueFiles: [values.yaml, »values-prod.yaml]}}"
        ), "a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "a/values.yaml": "a: b\n",
        "a/templates/x.yaml": "{{ .Values.a }}: [\n",
      ], mended: ["helm: {": "helm: {ignoreMissingValueFiles: true, "]),
    Trap(
      code: "path-missing", name: "a file of values in the repository that another source names",
      findings: [
        "a file of values that is not in this repository: $values/a/value.yaml; mend the path, which begins at the repository's root"
      ],
      files: [
        "apps.yaml": application("b")
          + application(
            "a",
            source:
              "{}\n  sources:\n  - {repoURL: 'https://charts.example.net', chart: x, targetRevision: 1.2.3, helm: {valueFiles: [»$values/a/value.yaml]}}\n  - {repoURL: 'https://git.example.net/own.git', targetRevision: HEAD, ref: values}"
          ), "a/values.yaml": "a: b\n", "b/b.yaml": map("b"),
      ], mended: ["a/value.yaml": "a/values.yaml"]),
    Trap(
      code: "placeholder-url", name: "an organisation, a user and a name to fill in",
      findings: [
        "https://github.com/<your-org>/apps is a URL that somebody was to fill in; give your repository's",
        "https://github.com/YOUR_GITHUB_USER/apps.git is a URL that somebody was to fill in; give your repository's",
        "https://git.example.net/your-name/apps is a URL that somebody was to fill in; give your repository's",
      ],
      files: [
        "apps.yaml": [
          "https://github.com/<your-org>/apps", "https://github.com/YOUR_GITHUB_USER/apps.git",
          "https://git.example.net/your-name/apps",
        ]
        .enumerated().map {
          application("a\($0)", source: "{repoURL: »'\($1)', path: x, targetRevision: main}")
        }.joined()
      ],
      mended: [
        "<your-org>/apps', path: x, targetRevision: main": "yours/your', path: x, targetRevision: v1",
        "YOUR_GITHUB_USER/apps.git', path: x, targetRevision: main":
          "yourbrand/yours', path: x, targetRevision: v1",
        "your-name/apps', path: x, targetRevision: main": "labour-users/name', path: x, targetRevision: v1",
      ]),
    Trap(
      code: "floating-revision", name: "another repository at HEAD",
      findings: [
        "https://github.com/other/thing.git is followed at HEAD, which moves; name a tag or a commit"
      ],
      files: [
        "apps.yaml": application("a")
          + application(
            "b", source: "{repoURL: 'https://github.com/other/thing.git', path: x, targetRevision: »HEAD}"),
        "a/a.yaml": configMap,
      ], mended: ["x, targetRevision: HEAD": "x, targetRevision: v1.2.3"]),
    Trap(
      code: "floating-revision", name: "a resource at a branch, and one at the latest release",
      findings: [
        "https://github.com/other/thing//deploy is followed at main, which moves; name a tag or a commit",
        "https://github.com/other/thing/releases/latest/download/install.yaml is followed at latest, which moves; name a tag or a commit",
        "https://raw.githubusercontent.com/other/thing/refs/heads/master/x.yaml is followed at master, which moves; name a tag or a commit",
        "https://github.com/other/thing is followed at no revision, which moves; name a tag or a commit",
      ],
      files: [
        "apps.yaml": application("a"),
        "a/kustomization.yaml": """
        resources:
        - »https://github.com/other/thing//deploy?ref=main
        - »https://github.com/other/thing/releases/latest/download/install.yaml
        - »https://raw.githubusercontent.com/other/thing/refs/heads/master/x.yaml
        - »https://github.com/other/thing

        """,
      ],
      mended: [
        "?ref=main": "?ref=0123456789abcdef0123456789abcdef01234567",
        "/releases/latest/download/": "/releases/download/v1.2.3/",
        "refs/heads/master": "refs/tags/v1", "other/thing\n": "other/thing?ref=v1.0\n",
      ]),
    Trap(
      code: "unpinned-chart", name: "a range, a star, and nothing",
      findings: [
        "the chart reloader has no exact version: 1.x; name one version, such as 1.2.3",
        "the chart metrics-server has no exact version: *; name one version, such as 1.2.3",
        "the chart grafana has no version; name one version, such as 1.2.3",
      ],
      files: [
        "apps.yaml": application("a", source: chart("reloader", "»1.x", from: "https://charts.example.net"))
          + application("b", source: chart("metrics-server", "»'*'", from: "https://charts.example.net"))
          + application("c", source: "{repoURL: 'https://charts.example.net', chart: »grafana}")
      ],
      mended: ["1.x": "1.2.3", "'*'": "v3.13.0", "chart: grafana": "chart: grafana, targetRevision: 9.0.0"]),
    Trap(
      code: "unpinned-chart", name: "a chart of a kustomization, and a dependency without a lock file",
      findings: [
        "the chart loki has no exact version: ^6.0.0; name one version, such as 1.2.3",
        "the chart grafana has no version; name one version, such as 1.2.3",
      ],
      files: [
        "apps.yaml": application("a") + application("b"),
        "a/Chart.yaml":
          "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies:\n- name: loki\n  repository: https://charts.example.net\n  version: »^6.0.0\n",
        "b/kustomization.yaml":
          "helmCharts:\n- name: »grafana\n  repo: https://charts.example.net\n",
        "b/cm.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {kustomize.buildOptions: --enable-helm}\n",
      ], mended: ["^6.0.0": "6.1.0", "name: grafana\n": "name: grafana\n  version: 9.0.0\n"]),
    Trap(
      code: "gitlab-url", name: "a source and a repository's Secret",
      findings: [
        "a repository at GitLab whose URL does not end in .git; end the URL in .git",
        "a repository at GitLab whose URL does not end in .git; end the URL in .git",
      ],
      files: [
        "apps.yaml": application("a")
          + application(
            "b", source: "{repoURL: »'https://gitlab.com/group/thing', path: x, targetRevision: v1.0.0}"),
        "a/a.yaml":
          "apiVersion: v1\nkind: Secret\nmetadata:\n  name: r\n  labels: {argocd.argoproj.io/secret-type: repository}\nstringData: {type: git, url: »'https://gitlab.example.net/group/thing'}\n",
      ], mended: ["group/thing'": "group/thing.git'"]),
    Trap(
      code: "no-create-namespace", name: "a namespace that nothing makes",
      findings: [
        "nothing here makes the namespace apps, into which a goes; add CreateNamespace=true to its syncPolicy.syncOptions"
      ],
      files: ["apps.yaml": application("a", namespace: "»apps", options: "[]"), "a/a.yaml": configMap],
      mended: ["syncOptions: []": "syncOptions: [CreateNamespace=true]"]),
    Trap(
      code: "no-create-namespace", name: "a namespace that a manifest makes",
      findings: [
        "nothing here makes the namespace apps, into which a goes; add CreateNamespace=true to its syncPolicy.syncOptions"
      ],
      files: [
        "apps.yaml": application("a", namespace: "»apps", options: "[]"),
        "a/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: apps}\n",
      ], mended: ["kind: ConfigMap": "kind: Namespace"]),
    Trap(
      code: "project-too-broad", name: "everything everywhere",
      findings: [
        "the AppProject all allows every repository into every namespace; list the repositories in sourceRepos and the namespaces in destinations"
      ],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml":
          "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: all}\nspec:\n  sourceRepos: [»'*']\n  destinations: [{server: '*', namespace: '*'}]\n",
      ], mended: ["sourceRepos: ['*']": "sourceRepos: ['https://git.example.net/own.git']"]),
  ]

  // MARK: Argo CD

  static let argoCD: [Trap] = [
    Trap(
      code: "chart-setting-ignored", name: "server.config in a block of values",
      findings: [
        "server.config is not read by the chart argo-cd from 6.0.0 on, and this is 10.9.6; use configs.cm",
        "configs.repositoryCredentials is not read by the chart argo-cd from 5.0.0 on, and this is 10.9.6; use configs.credentialTemplates",
      ],
      files: [
        "apps.yaml": application(
          "argocd",
          source: """

                repoURL: https://argoproj.github.io/argo-helm
                chart: argo-cd
                targetRevision: 10.9.6
                helm:
                  values: |
                    server:
                      replicas: 2

                      »config:
                        url: https://argocd.example.net
                    configs:
                      »repositoryCredentials: {}
            """, namespace: "argocd")
      ],
      mended: ["        config:": "        configuration:", "repositoryCredentials": "credentialTemplates"]),
    Trap(
      code: "chart-setting-ignored", name: "the same in a file of values, for a chart that reads it no more",
      findings: [
        "server.config is not read by the chart argo-cd from 6.0.0 on, and this is 6.0.0; use configs.cm"
      ],
      files: [
        "apps.yaml": application("argocd", namespace: "argocd"),
        "argocd/Chart.yaml":
          "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies:\n- {name: argo-cd, repository: 'https://argoproj.github.io/argo-helm', version: 6.0.0}\n",
        "argocd/values.yaml": "argo-cd:\n  server:\n    »config: {url: 'https://argocd.example.net'}\n",
      ], mended: ["version: 6.0.0": "version: 5.55.0"]),
    Trap(
      code: "enable-helm", name: "helmCharts, and an argocd-cm that says nothing of it",
      findings: [
        "helmCharts need kustomize to run with --enable-helm, and nothing here tells Argo CD so; set kustomize.buildOptions: --enable-helm in argocd-cm, or make the chart a source of the Application"
      ],
      files: [
        "apps.yaml": application("a"),
        "a/kustomization.yaml":
          "resources: [cm.yaml]\n»helmCharts:\n- {name: grafana, repo: 'https://charts.example.net', version: 9.0.0}\n",
        "a/cm.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata: {kustomize.buildOptions: --load-restrictor none}\n",
      ], mended: ["--load-restrictor none": "--enable-helm"]),
  ]
}
