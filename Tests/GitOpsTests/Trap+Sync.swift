import GitOps

extension Trap {
  private static let deployment =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: »2\n"

  private static func selfHealing(_ name: String, options: String, more: String = "") -> String {
    application(name, options: options).replacing("automated: {}", with: "automated: {selfHeal: true}")
      .replacing("  syncPolicy:", with: "\(more)  syncPolicy:")
  }

  // MARK: K3s' HelmCharts

  private static func helmChart(_ values: String) -> String {
    """
    apiVersion: helm.cattle.io/v1
    kind: HelmChart
    metadata: {name: cert-manager, namespace: kube-system}
    spec:
      chart: cert-manager
      repo: https://charts.jetstack.io
      version: v1.21.2
      targetNamespace: cert-manager
      valuesContent: |-
        \(values)

    """
  }

  private static let issuer =
    "apiVersion: cert-manager.io/v1\nkind: »ClusterIssuer\nmetadata: {name: letsencrypt}\nspec: {acme: {server: 'https://acme.example.net'}}\n"

  static let helmCharts: [Trap] = [
    Trap(
      code: "crd-order", name: "CRDs of a HelmChart, in a later wave and not tried again",
      findings: [
        "issuers does not retry a sync that failed; set syncPolicy.retry with limit -1 and a backoff",
        "issuers needs the CRDs of cert-manager.io, which K3s' Helm job installs some time after charts is healthy, and does not retry; set syncPolicy.retry in issuers",
      ],
      files: [
        "apps.yaml": application("charts")
          + application("issuers", retry: "retry: {limit: »0, refresh: true}"),
        "charts/a.yaml": helmChart("crds: {enabled: true}"), "issuers/a.yaml": issuer,
      ], mended: ["limit: 0": "limit: 5"]),
    Trap(
      code: "crd-missing", name: "a HelmChart that is not told to bring its CRDs",
      findings: [
        "ClusterIssuer letsencrypt needs the CRDs of cert-manager.io, which the chart cert-manager is not told to bring; set crds.enabled to true in its values"
      ],
      files: [
        "apps.yaml": application("charts") + application("issuers"),
        "charts/a.yaml": helmChart("crds: {enabled: false}"), "issuers/a.yaml": issuer,
      ], mended: ["enabled: false": "enabled: true"]),
    Trap(
      code: "crd-missing", name: "a HelmChart that no Application brings",
      findings: [
        "ClusterIssuer letsencrypt needs the CRDs of cert-manager.io, which the chart cert-manager is not told to bring; set crds.enabled to true in its values"
      ],
      files: [
        "apps.yaml": application("issuers"),
        "bootstrap/a.yaml": helmChart("crds: {enabled: false}"), "issuers/a.yaml": issuer,
      ], mended: ["enabled: false": "enabled: true"]),
  ]

  // MARK: How Applications are synced

  static let sync: [Trap] = [
    Trap(
      code: "sync-option", name: "misspelled, with another value, unknown, and at the wrong place",
      findings: [
        "an unknown sync option: prune=false, which Argo CD ignores at an object; did you mean \"Prune\"? the options are Prune, Delete, ServerSideApply, Replace, Force, PruneLast, Validate, SkipDryRunOnMissingResource",
        "the sync option CreateNamespace=true, which Argo CD ignores at an object; take it out: it has a meaning elsewhere only",
        "an unknown sync option: respectIgnoreDifferences=true, which Argo CD ignores in an Application; did you mean \"RespectIgnoreDifferences\"? the options are CreateNamespace, ServerSideApply, RespectIgnoreDifferences, ApplyOutOfSyncOnly, PruneLast, Replace, Validate, SkipDryRunOnMissingResource, FailOnSharedResource, ClientSideApplyMigration, PrunePropagationPolicy, Prune, Delete",
        "the sync option PrunePropagationPolicy with another value: PrunePropagationPolicy=Foreground, which Argo CD ignores in an Application; use PrunePropagationPolicy=foreground, PrunePropagationPolicy=background or PrunePropagationPolicy=orphan",
        "the sync option Force=true, which Argo CD ignores in an Application; take it out: it has a meaning elsewhere only",
      ],
      files: [
        "apps.yaml": application(
          "a",
          options:
            "[CreateNamespace=true, »respectIgnoreDifferences=true, »PrunePropagationPolicy=Foreground, »Force=true]"
        ),
        "a/a.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations: {argocd.argoproj.io/sync-options: »'prune=false, ServerSideApply=true'}\n",
        "a/b.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n  annotations: {argocd.argoproj.io/sync-options: »CreateNamespace=true}\n",
      ],
      mended: [
        "respectIgnoreDifferences": "RespectIgnoreDifferences", "Foreground": "foreground",
        ", Force=true]": "]",
        "prune=false": "Prune=false", "options: CreateNamespace=true}": "options: Prune=confirm}",
      ]),
    Trap(
      code: "resource-hook", name: "a hook and a policy in another case",
      findings: [
        "Postsync is no hook, so that Argo CD never applies Job a; did you mean \"PostSync\"? use PreSync, Sync, PostSync, SyncFail, Skip, PreDelete or PostDelete",
        "HookSuceeded is no policy, and says nothing about when to delete Job a; did you mean \"HookSucceeded\"? use HookSucceeded, HookFailed or BeforeHookCreation",
      ],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml": """
        apiVersion: batch/v1
        kind: Job
        metadata:
          name: a
          annotations:
            argocd.argoproj.io/hook: »PreSync, Postsync
            argocd.argoproj.io/hook-delete-policy: »HookSuceeded

        """,
      ], mended: ["Postsync": "PostSync", "Suceeded": "Succeeded"]),
    Trap(
      code: "retry-refresh", name: "without limit",
      findings: [
        "a retries forever with the commit that its sync began with, and never picks up a newer one; set syncPolicy.retry.refresh to true"
      ],
      files: ["apps.yaml": application("a", retry: "retry: {limit: »-1}"), "a/a.yaml": configMap],
      mended: ["limit: -1": "limit: -1, refresh: true"]),
    Trap(
      code: "retry-refresh", name: "five times",
      findings: [
        "a retries 5 times with the commit that a sync began with, and sees no later one before; set syncPolicy.retry.refresh to true"
      ],
      files: ["apps.yaml": application("a", retry: "retry: {limit: »5}"), "a/a.yaml": configMap],
      mended: ["limit: 5": "limit: 5, refresh: true"]),
    Trap(
      code: "retry-refresh", name: "with an Argo CD that has no such field, nothing is asked for",
      findings: [
        "a retries forever with the commit that its sync began with, and never picks up a newer one; set syncPolicy.retry.refresh to true"
      ],
      files: [
        "apps.yaml": application("a", retry: "retry: {limit: »-1}")
          + application(
            "argocd", source: chart("argo-cd", "9.1.0", from: "https://argoproj.github.io/argo-helm"),
            namespace: "argocd"),
        "a/a.yaml": configMap,
      ], mended: ["9.1.0": "9.0.6"]),
    Trap(
      code: "ignored-field", name: "a dotted pointer, a jq path with slashes, and a group with its version",
      findings: [
        "the group apps/v1 has a version, so that it fits nothing; leave out the version",
        "spec.replicas is not a JSON pointer, so it matches nothing; begin it with a slash, and put slashes between its parts",
        "/spec/template is not a jq path, so Argo CD cannot compare the Application; begin it with a dot; a path with slashes belongs under jsonPointers",
      ],
      files: [
        "apps.yaml": application("a").replacing(
          "  syncPolicy:",
          with:
            "  ignoreDifferences:\n  - {group: »apps/v1, kind: Deployment, jsonPointers: [»spec.replicas, /metadata/labels], jqPathExpressions: [»/spec/template, .spec.x]}\n  syncPolicy:"
        ), "a/a.yaml": configMap,
      ], mended: ["apps/v1": "apps", "spec.replicas": "/spec/replicas", "[/spec/template": "[.spec.template"]),
    Trap(
      code: "selfheal-replicas", name: "an autoscaler",
      findings: [
        "Deployment web has its replicas here, HorizontalPodAutoscaler web changes them, and selfHeal of a sets them back; leave replicas out, or ignore /spec/replicas with the sync option RespectIgnoreDifferences=true"
      ],
      files: [
        "apps.yaml": selfHealing("a", options: "[CreateNamespace=true]"), "a/a.yaml": deployment,
        "a/b.yaml":
          "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n",
      ], mended: ["  replicas: 2\n": "  paused: false\n"]),
    Trap(
      code: "selfheal-replicas", name: "an autoscaler, and an ignored field that syncs do not respect",
      findings: [
        "Deployment web has its replicas here, ScaledObject web changes them, and each sync of a sets them back; add the sync option RespectIgnoreDifferences=true: ignoreDifferences alone is for comparisons"
      ],
      files: [
        "apps.yaml": selfHealing(
          "a", options: "[CreateNamespace=true]",
          more: "  ignoreDifferences: [{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}]\n")
          + application(
            "keda", source: chart("keda", "2.17.0", from: "https://kedacore.github.io/charts")),
        "a/a.yaml": deployment,
        "a/b.yaml":
          "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec: {scaleTargetRef: {name: web}}\n",
      ],
      mended: [
        "[CreateNamespace=true]\n    retry":
          "[CreateNamespace=true, RespectIgnoreDifferences=true]\n    retry"
      ]),
    Trap(
      code: "written-back", name: "a bundle that cert-manager puts in",
      findings: [
        "ValidatingWebhookConfiguration web has a value here that cert-manager's CA injector writes over; leave it out, or ignore it in the ignoreDifferences of a"
      ],
      files: [
        "apps.yaml": application("a"),
        "a/a.yaml": """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata:
          name: web
          annotations: {cert-manager.io/inject-ca-from: apps/web}
        webhooks:
        - name: web.example.net
          clientConfig: {caBundle: »bm9uZQ==, service: {name: web, namespace: apps}}

        """,
      ], mended: ["caBundle: bm9uZQ==, ": ""]),
    Trap(
      code: "written-back", name: "an aggregated role with rules of its own",
      findings: [
        "ClusterRole web has a value here that Kubernetes, which aggregates them, writes over; leave it out, or ignore it in the ignoreDifferences of a"
      ],
      files: [
        "apps.yaml": application("a").replacing(
          "  syncPolicy:",
          with:
            "  ignoreDifferences: [{group: apps, kind: ClusterRole, jsonPointers: [/rules]}]\n  syncPolicy:"),
        "a/a.yaml":
          "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: web}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {web: 'true'}}]}\n»rules:\n- {apiGroups: [''], resources: [pods], verbs: [get]}\n",
      ], mended: ["group: apps, kind: ClusterRole": "group: rbac.authorization.k8s.io, kind: ClusterRole"]),
    Trap(
      code: "validation-off", name: "for an Application, and for an object",
      findings: [
        "Validate=false lets wrong manifests through; leave it out unless a CRD needs it",
        "Validate=false lets wrong manifests through; leave it out unless a CRD needs it",
      ],
      files: [
        "apps.yaml": application("a", options: "[CreateNamespace=true, »Validate=false]"),
        "a/a.yaml":
          "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations: {argocd.argoproj.io/sync-options: »Validate=false}\n",
      ], mended: ["Validate=false": "Validate=true"]),
  ]
}
