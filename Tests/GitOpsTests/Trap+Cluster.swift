import GitOps

extension Trap {
  // MARK: How files are read

  static let readings: [Trap] = [
    Trap(
      code: "duplicate-key", name: "in a plain folder, in an Application, and in values",
      findings: [
        "the key data is given twice; Argo CD takes the last, and not that in line 4; keep one of the two",
        "the key syncPolicy is given twice; Argo CD takes the last, and not that in line 10; keep one of the two",
        "the key a is given twice; Argo CD takes the last, and not that in line 31; keep one of the two",
      ],
      files: [
        "a/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n»data: {a: c}\n",
        "apps.yaml": application("a").replacing(
          "  syncPolicy:", with: "  syncPolicy: {automated: {}}\n  »syncPolicy:")
          + application(
            "b",
            source: """

                  repoURL: https://charts.example.net
                  chart: reloader
                  targetRevision: 1.2.3
                  helm:
                    values: |
                      # As they were.
                      b:
                        a: 1
                        »a: 2
              """),
      ],
      mended: [
        "data: {a: b}\n": "", "  syncPolicy: {automated: {}}\n": "", "          a: 1\n": "",
      ]),
    Trap(
      code: "duplicate-key", name: "in what kustomize builds",
      findings: [
        "the key data is given twice, first in line 4, which kustomize refuses; keep one of the two"
      ],
      files: [
        "apps.yaml": application("a"), "a/kustomization.yaml": "resources: [a.yaml]\n",
        "a/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n»data: {a: c}\n",
      ], mended: ["data: {a: b}\n": ""]),
    Trap(
      code: "path-missing", name: "values of a source that there is not",
      findings: [
        "a file of values is taken from $value, and no source has ref: value; add ref: value to the source, among several under spec.sources, whose repository holds it"
      ],
      files: [
        "apps.yaml": application("b")
          + application(
            "a",
            source:
              "{}\n  sources:\n  - {repoURL: 'https://charts.example.net', chart: reloader, targetRevision: 1.2.3, helm: {valueFiles: [»$value/a/values.yaml, $ARGOCD_APP_NAME/values.yaml]}}\n  - {repoURL: 'https://git.example.net/own.git', targetRevision: HEAD, ref: values}"
          ), "a/values.yaml": "a: b\n", "b/b.yaml": map("b"),
      ], mended: ["[$value/": "[$values/"]),
    Trap(
      code: "floating-revision", name: "the repository itself at a range",
      findings: [
        "this repository is followed at the range 1.*, of which the highest tag is taken; name a branch, a tag or a commit"
      ],
      files: [
        "apps.yaml": application(
          "a", source: "{repoURL: 'https://git.example.net/own.git', path: a, targetRevision: »1.*}"),
        "a/a.yaml": configMap,
      ], mended: ["1.*}": "main}"]),
    Trap(
      code: "enable-helm", name: "helmCharts, and the option where the chart does not read it",
      findings: [
        "helmCharts need kustomize to run with --enable-helm, and nothing here tells Argo CD so; set kustomize.buildOptions: --enable-helm in argocd-cm, or make the chart a source of the Application",
        "server.config is not read by the chart argo-cd from 6.0.0 on, and this is 7.3.11; use configs.cm",
      ],
      files: [
        "apps.yaml": application("a")
          + application(
            "argocd",
            source: chart(
              "argo-cd", "7.3.11", from: "https://argoproj.github.io/argo-helm",
              values: "{server: {»config: {kustomize.buildOptions: --enable-helm}}}"), namespace: "argocd"),
        "a/kustomization.yaml":
          "»helmCharts:\n- {name: grafana, repo: 'https://charts.example.net', version: 9.0.0}\n",
        ".github/workflows/a.yaml": "jobs: {a: {steps: [{run: kustomize build --enable-helm}]}}\n",
        "README.md": "Set `kustomize.buildOptions: --enable-helm`.\n",
      ], mended: ["server: {config": "configs: {cm"]),
  ]

  // MARK: What Applications may do

  /// Of what a project forbids, everything else is permitted.
  private static func project(_ repositories: String) -> String {
    """
    apiVersion: argoproj.io/v1alpha1
    kind: AppProject
    metadata: {name: team}
    spec:
      sourceRepos: [\(repositories)]
      destinations: [{server: 'https://kubernetes.default.svc', namespace: 'team-*'}]

    """
  }

  static let projects: [Trap] = [
    Trap(
      code: "project-scope", name: "a source and a namespace that are not in the project",
      findings: [
        "the AppProject team does not permit https://git.example.net/group/thing.git, which a takes; add it to sourceRepos of the project, or choose another project",
        "the AppProject team does not permit a to go into apps of in-cluster; add it to destinations of the project, or choose another project",
      ],
      files: [
        "apps.yaml": application(
          "a",
          source: "{repoURL: »'https://git.example.net/group/thing.git', path: x, targetRevision: v1.0.0}",
          namespace: "»apps"
        ).replacing("project: default", with: "project: team") + application("b"),
        "b/a.yaml": project("'https://git.example.net/*'"),
      ], mended: ["group/thing.git": "thing.git", "namespace: apps": "namespace: team-a"]),
    Trap(
      code: "project-scope", name: "a source that the project forbids, in another cluster",
      findings: [
        "the AppProject team does not permit https://git.example.net/secret.git, which a takes; add it to sourceRepos of the project, or choose another project",
        "the AppProject team does not permit a to go into team-a of https://other.example.net; add it to destinations of the project, or choose another project",
      ],
      files: [
        "apps.yaml": application(
          "a", source: "{repoURL: »'https://git.example.net/secret.git', path: x, targetRevision: v1.0.0}",
          namespace: "»team-a"
        ).replacing("project: default", with: "project: team").replacing(
          "https://kubernetes.default.svc", with: "https://other.example.net") + application("b"),
        "b/a.yaml": project("'!https://git.example.net/secret.git'"),
      ], mended: ["secret.git', path": "open.git', path", "other.example.net": "kubernetes.default.svc"]),
    Trap(
      code: "duplicate-application", name: "one name, and a root that brings both",
      findings: [
        "the Application a stands in apps/one.yaml too, line 4; give one of them another name"
      ],
      files: [
        "root.yaml": application("root", source: own("apps"), namespace: "argocd"),
        "apps/one.yaml": application("a"), "apps/two.yaml": application("»a", source: own("b")),
        "a/a.yaml": configMap, "b/a.yaml": map("b"),
      ],
      mended: [
        "name: a\n  namespace: argocd\nspec:\n  project: default\n  source: {repoURL: 'https://git.example.net/own.git', path: b":
          "name: b\n  namespace: argocd\nspec:\n  project: default\n  source: {repoURL: 'https://git.example.net/own.git', path: b"
      ]),
    Trap(
      code: "shared-object", name: "one ConfigMap, and two Applications",
      findings: ["ConfigMap settings comes from a (a/a.yaml) and from b; leave it in one of them"],
      files: [
        "apps.yaml": application("a") + application("b"), "a/a.yaml": configMap,
        "b/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: »settings, namespace: apps}\n",
      ], mended: ["settings, namespace": "others, namespace"]),
  ]

  // MARK: Nodes and the zone

  private static let nodes = [
    Bootstrap.Node(
      name: "server", labels: ["node-role.kubernetes.io/control-plane": "true"],
      taints: ["CriticalAddonsOnly=true:NoExecute"]),
    Bootstrap.Node(name: "door", labels: ["role": "ingress"], taints: []),
  ]

  private static func external(_ values: String) -> String {
    application(
      "external-secrets",
      source: chart("external-secrets", "2.8.0", from: "https://charts.external-secrets.io", values: values),
      namespace: "external-secrets")
  }

  static let cluster: [Trap] = [
    Trap(
      code: "node-selector", name: "servers with a taint that a chart's pods do not tolerate",
      findings: [
        "the chart external-secrets goes to nodes with node-role.kubernetes.io/control-plane=true (server), and does not tolerate their taint CriticalAddonsOnly=true:NoExecute; add a toleration of CriticalAddonsOnly=true:NoExecute beside the nodeSelector"
      ],
      files: [
        "apps.yaml": external(
          "{»nodeSelector: {node-role.kubernetes.io/control-plane: 'true'}, tolerations: [{key: CriticalAddonsOnly, operator: Equal, value: 'false'}]}"
        )
      ], mended: ["'false'": "'true'"], bootstrap: Bootstrap([], nodes: nodes)),
    Trap(
      code: "node-selector", name: "a label that no node has",
      findings: [
        "Deployment web goes to nodes with role=edge,kubernetes.io/arch=arm64, and no node of the inputs has that; add the label to a node, or take out the nodeSelector"
      ],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml":
          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      »nodeSelector: {role: edge, kubernetes.io/arch: arm64}\n",
      ], mended: ["role: edge": "role: ingress"], bootstrap: Bootstrap([], nodes: nodes)),
    Trap(
      code: "node-selector", name: "servers, of which nothing is known",
      findings: [
        "DaemonSet web goes to servers alone (node-role.kubernetes.io/control-plane=), and does not tolerate the taint that many clusters give them; add the toleration {key: node-role.kubernetes.io/control-plane, operator: Exists}"
      ],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml":
          "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      tolerations: [{key: other, operator: Exists}]\n      »nodeSelector: {node-role.kubernetes.io/control-plane: ''}\n",
      ], mended: ["key: other, ": ""]),
    Trap(
      code: "zone-id", name: "among the values of external-dns, and in a container's arguments",
      findings: [
        "the zone's id is written here, so that it holds for one zone only; take it from where the cluster is described, or say with --input which zone it is",
        "the zone's id is written here, so that it holds for one zone only; take it from where the cluster is described, or say with --input which zone it is",
      ],
      files: [
        "a/a.yaml":
          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: dns}\nspec:\n  template:\n    spec:\n      containers: [{name: dns, args: [--source=service, »--zone-id-filter=0123456789abcdef0123456789abcdef]}]\n",
        "apps.yaml": application("a")
          + application(
            "dns",
            source: chart(
              "external-dns", "1.21.1", from: "https://kubernetes-sigs.github.io/external-dns/",
              values: "{extraArgs: [»--zone-id-filter=0123456789abcdef0123456789abcdef]}")),
      ],
      mended: [
        "--source=service, --zone-id-filter=0123456789abcdef0123456789abcdef": "--zone-id-filter=$(ZONE)",
        "[--zone-id-filter=0123456789abcdef0123456789abcdef]": "[]",
      ]),
    Trap(
      code: "zone-id", name: "another zone than that of the inputs",
      findings: [
        "the zone's id is another than the cloudflare_zone_id of the inputs; render the tree again"
      ],
      files: [
        "apps.yaml": application(
          "dns",
          source: chart(
            "external-dns", "1.21.1", from: "https://kubernetes-sigs.github.io/external-dns/",
            values: "{extraArgs: {zone-id-filter: »0123456789abcdef0123456789abcdef}}"))
      ], mended: ["0123456789abcdef0123456789abcdef": "00000000feedfacecafebeef00000000"],
      bootstrap: Bootstrap([], zoneID: "00000000feedfacecafebeef00000000")),
    Trap(
      code: "committed-secret", name: "a placeholder that is applied, and one that is not",
      findings: [
        "the Secret a holds a placeholder, and is applied with it; let a store or the bootstrap make it: with its value it must not be in the repository"
      ],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: {password: »Q0hBTkdFTUU=}\n",
        "docs/secret.yaml":
          "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\nstringData: {token: REPLACE_WITH_YOUR_TOKEN}\n",
        "env.example": "SLACK_BOT_TOKEN=xoxb-your-slack-bot-token-here\n",
      ], mended: ["Q0hBTkdFTUU=": "''"]),
  ]
}
