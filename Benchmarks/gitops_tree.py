#!/usr/bin/env python3
"""Writes an App-of-Apps repository of any size, for measuring `k3seed gitops check`.

    Benchmarks/gitops_tree.py FOLDER [APPLICATIONS]

Each of the Applications (1,000 unless said otherwise) has a folder with a Deployment, a Service, an HTTPRoute, a Certificate
and an ExternalSecret; every tenth takes a chart with values. Waves, declared dependencies, an AppProject for each team and
one shared Gateway are there, so that every rule has something to look at. The same arguments give the same bytes.
"""

import pathlib
import sys

URL = "https://git.example.net/platform/clusters.git"

APPLICATION = """\
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {name}
  namespace: argocd
  annotations:
    argocd.argoproj.io/sync-wave: '{wave}'
{after}spec:
  project: team-{team}
  sources:
{sources}  destination: {{server: 'https://kubernetes.default.svc', namespace: team-{team}}}
  syncPolicy:
    automated: {{prune: true, selfHeal: true}}
    retry: {{limit: -1, refresh: true}}
    syncOptions: [CreateNamespace=true, ServerSideApply=true]
"""

CHART = """\
  - repoURL: https://charts.example.net
    chart: thing
    targetRevision: 1.2.3
    helm:
      valueFiles: [$values/apps/{name}/values.yaml]
      values: |
        replicas: 2
        image:
          tag: v{number}
  - {{repoURL: {url}, targetRevision: HEAD, ref: values}}
"""

MANIFESTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      nodeSelector: {{kubernetes.io/os: linux}}
      containers: [{{name: web, image: 'registry.example.net/{name}:v{number}'}}]
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{name: public, namespace: gateway, sectionName: https}}]
  hostnames: [{name}.example.net]
  rules: [{{backendRefs: [{{name: {name}, port: 80}}]}}]
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {{name: {name}}}
spec: {{secretName: {name}-tls, dnsNames: [{name}.example.net], issuerRef: {{kind: ClusterIssuer, name: main}}}}
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {{name: {name}}}
spec:
  secretStoreRef: {{kind: ClusterSecretStore, name: vault}}
  data: [{{secretKey: token, remoteRef: {{key: {name}}}}}]
"""

BASE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: gateway}
spec:
  gatewayClassName: envoy
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: main}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: redirect, namespace: gateway}
spec:
  parentRefs: [{name: public, sectionName: http}]
  hostnames: ['*.example.net']
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
---
apiVersion: cert-manager.io/v1
kind: ClusterIssuer
metadata: {name: main}
spec: {acme: {server: 'https://acme.example.net'}}
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: {name: vault}
spec: {provider: {vault: {server: 'https://vault.example.net'}}}
"""

PROJECT = """\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {{name: team-{team}, namespace: argocd}}
spec:
  sourceRepos: ['{url}', 'https://charts.example.net']
  destinations: [{{server: 'https://kubernetes.default.svc', namespace: team-{team}}}]
---
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def main(folder, count=1000):
    root, count = pathlib.Path(folder), int(count)
    applications = [
        APPLICATION.format(
            name="base", wave=-1, after="", team=0,
            sources=f"  - {{repoURL: {URL}, targetRevision: HEAD, path: base}}\n")
    ]
    for number in range(count):
        name, team = f"app-{number:05}", number % 50
        after = f"    after.k3seed/app-{number - 1:05}: the one before\n" if number % 7 else ""
        sources = f"  - {{repoURL: {URL}, targetRevision: HEAD, path: apps/{name}}}\n"
        if number % 10 == 0:
            sources += CHART.format(name=name, number=number, url=URL)
            write(root / "apps" / name / "values.yaml", f"nameOverride: {name}\n")
            write(root / "apps" / name / "kustomization.yaml", "resources: [all.yaml]\n")
        applications.append(APPLICATION.format(
            name=name, wave=number % 7, after=after, team=team, sources=sources))
        write(root / "apps" / name / "all.yaml", MANIFESTS.format(name=name, number=number))
    write(root / "applications.yaml", "---\n".join(applications))
    write(root / "base" / "all.yaml", BASE)
    write(root / "projects.yaml", "".join(PROJECT.format(team=team, url=URL) for team in range(50)))


if __name__ == "__main__":
    main(*sys.argv[1:])
