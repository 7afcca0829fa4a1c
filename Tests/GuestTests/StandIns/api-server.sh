#!/bin/bash
# A stand-in for a running K3s, for the tests of the bootstrap: a real etcd and a real kube-apiserver, which decide
# what is accepted. There is no kubelet and no controller, so their objects are made here: the Node, the
# ServiceAccount and the ConfigMap, the CRD that K3s brings, and, once the HelmChart is there, the CRD that its
# chart would bring, and the job that K3s' controller for Helm would have run (helm-controller: pkg/controllers/chart).
set -euo pipefail
lab=/usr/local/lab/api work=$(mktemp -d) config=/etc/rancher/k3s/k3s.yaml
cd "$work"
echo '127.0.0.1 localhost' >/etc/hosts
openssl genrsa -out sa.key 2048
openssl rsa -in sa.key -pubout -out sa.pub
echo 'lab-token,admin,admin,system:masters' >tokens
$lab/etcd --data-dir etcd --unsafe-no-fsync=true &
$lab/kube-apiserver --etcd-servers http://127.0.0.1:2379 --cert-dir certs \
  --bind-address 127.0.0.1 --secure-port 6443 \
  --service-cluster-ip-range 10.43.0.0/16 --token-auth-file tokens --authorization-mode RBAC \
  --disable-admission-plugins ServiceAccount --service-account-issuer https://kubernetes.default.svc \
  --service-account-key-file sa.pub --service-account-signing-key-file sa.key --advertise-address 10.0.2.10 &
kube() { /usr/local/lab/kubectl --kubeconfig=$config "$@"; }
kube config set-cluster k3s --server=https://127.0.0.1:6443 --insecure-skip-tls-verify
kube config set-credentials admin --token=lab-token
kube config set-context default --cluster=k3s --user=admin
kube config use-context default
until kube get --raw /readyz; do /bin/sleep 0.5; done
echo '{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}' | kube create --validate=false -f -
kube proxy --port=8001 &
/bin/sleep 1
curl -fsS -X PATCH -H 'Content-Type: application/merge-patch+json' \
  http://127.0.0.1:8001/api/v1/nodes/node-1/status \
  -d '{"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}}'
until kube get namespace default; do /bin/sleep 0.5; done
kube create serviceaccount default -n default
kube create configmap kube-root-ca.crt -n default
kube create --validate=false -f /usr/local/lab/crds/helmcharts.helm.cattle.io.json
until [ -n "$(kube get helmcharts -A -o name)" ]; do /bin/sleep 0.5; done
kube create --validate=false -f /usr/local/lab/crds/applications.argoproj.io.json
kube create job helm-install-argocd -n kube-system --image=none
curl -fsS -X PATCH -H 'Content-Type: application/merge-patch+json' \
  http://127.0.0.1:8001/apis/batch/v1/namespaces/kube-system/jobs/helm-install-argocd/status \
  -d '{"status": {"conditions": [{"type": "Complete", "status": "True"}]}}'
wait
