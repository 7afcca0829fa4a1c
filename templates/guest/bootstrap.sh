#!/bin/bash
# Brings this node up, stage by stage, from the files that cloud-init has written. Lines that are only a
# comment are left out of the payload.
#
# Without an argument it runs the stages in order, each as a child of its own under `timeout`: there `set -e` is
# in full force, no variable needs to be local, and the whole process group ends with the deadline. With a
# stage's name it is that child. The last line of a stage's log is what it waits for or why it failed; it goes to
# the console.
set -euo pipefail

lib=/var/lib/k3seed run=/run/k3seed etc=/etc/rancher/k3s
# kubectl keeps its caches in memory, and reads nobody's settings.
export LC_ALL=C HOME=$run

# Stage, deadline in seconds, and `first` where only the first server has the stage. The exit code of a failed
# stage is 10 plus its place. K3SEED_DEADLINE_<stage> replaces a deadline; no rendered bootstrap.env sets one.
stages=(
  preflight:30 firewall:30 download:1500 secrets:300 install:120 ready:1200
  seed:180:first gitops:1200:first scrub:30 complete:30
)

say() { printf 'k3seed: %s\n' "${*//[^[:print:]]/ }"; }
die() { echo "$*" && exit 1; }

stage_preflight() {
  # The last variable is there only if the whole file is.
  [ -v K3S_INSTALL_URLS ] || die 'bootstrap.env is missing or cut off; render again'
  [ ! -e $lib/started ] || die 'an earlier run was interrupted, this version cannot resume; recreate the node'
  type curl ip systemctl >/dev/null
  artefact
  for name in $K3SEED_SECRETS; do
    [ -s $lib/secrets/"$name" ] || die "secret $name did not arrive; render again"
  done
  [ -n "$(ip -4 route show default && ip -6 route show default)" ] || die 'no default route; K3s needs one'
}

# Sets the release file and its hash for this machine.
artefact() {
  case $(uname -m) in
    x86_64) file=k3s want=$K3S_SHA256_AMD64 ;;
    aarch64) file=k3s-arm64 want=$K3S_SHA256_ARM64 ;;
    *) die "$(uname -m) is neither x86_64 nor aarch64; use another machine" ;;
  esac
}

stage_firewall() {
  [ "$K3SEED_NAT" != yes ] || die 'this version cannot set up NAT for ingress; make the node an agent'
  # The rules in force and those to come. No grep -q: it ends the pipe early.
  ! { iptables-save || :; cat /etc/iptables/rules.v4 || :; } | grep -e '^-A INPUT .*-j REJECT' ||
    die 'iptables INPUT has a REJECT, this version cannot open ports; use an image without it'
}

stage_download() {
  artefact
  # shellcheck disable=SC2086 # The lists are split at their spaces.
  fetch /usr/local/bin/k3s "$want" "$file" $K3S_BINARY_URLS
  # shellcheck disable=SC2086
  fetch $lib/install.sh "$K3S_SHA256_INSTALL" '' $K3S_INSTALL_URLS
}

# fetch TARGET SHA256 FILE URL...: FILE, if any, is in the folder URL. Nothing gets the name of the target, or
# leave to run, before its hash is right.
fetch() {
  target=$1 part=$1.part want=$2 file=$3
  shift 3
  if echo "$want  $target" | sha256sum -c --status; then chmod 755 "$target"; return; fi
  for pause in 2 4 8 16 30 30; do
    causes=
    for url; do
      url=${url%/}${file:+/$file}
      echo "fetching $url"
      # -Y: fewer than 4096 bytes a second for 30 s is a failure, so that a drip ends.
      if got=$(curl -fsSL --connect-timeout 15 -m 600 -Y 4096 -o "$part" "$url" 2>&1); then
        got=$(sha256sum <"$part")
        if [ "${got%% *}" = "$want" ]; then
          chmod 755 "$part"
          mv -f "$part" "$target"
          return
        fi
        got="sha256 ${got:0:12} is not ${want:0:12}"
      fi
      rm -f "$part"
      causes+="$url: ${got##*$'\n'}; "
    done
    sleep $pause
  done
  die "${causes}check the network and the version"
}

stage_secrets() {
  [ -z "$K3SEED_VAULT" ] || die 'this version cannot fetch secrets from OCI Vault; give literal values'
}

stage_install() {
  # From here on only a new instance undoes what was done.
  : >$lib/started
  sync -f $lib
  mkdir -p $etc
  for name in token agent-token; do
    from=$lib/secrets/k3s_${name/-/_}
    [ ! -e "$from" ] || { install -m 600 "$from" $etc/$name.part && mv $etc/$name.part $etc/$name; }
  done
  # install.sh copies every exported K3S_* into the environment of K3s.
  export -n "${!K3S@}"
  export INSTALL_K3S_SKIP_{DOWNLOAD,START,SELINUX_RPM}=true INSTALL_K3S_EXEC=$mode
  sh $lib/install.sh
}

# --foreground: kubectl stays in the process group that ends with the stage.
kube() { timeout --foreground 60 k3s kubectl --kubeconfig=$config "$@"; }

# condition TYPE OBJECT: is the object's condition True?
condition() { [ "$(kube get "$2" -o "jsonpath={.status.conditions[?(@.type=='$1')].status}")" = True ]; }

# await WHAT COMMAND...: runs the command until it succeeds; the stage's deadline ends the wait.
await() {
  what=$1
  shift
  echo "waiting for $what"
  until said=$("$@" 2>&1); do
    echo "waiting for $what: ${said##*$'\n'}"
    alive
    sleep 3
  done
}

# Fails early when K3s cannot come up: systemd restarts it for ever. Its words are shown without its tokens.
alive() {
  systemctl is-failed -q $unit || (($(systemctl show -p NRestarts --value $unit) > 4)) || return 0
  said=$(journalctl -qn 99 -o cat "_SYSTEMD_UNIT=$unit.service" | grep -e 'level=[ef]' | tail -n 1) || :
  for file in "$etc"/*token; do said=${said//"$(<"$file")"/***}; done
  die "$unit keeps failing: ${said:0:200}; see journalctl -u $unit"
}

# -k: the question is only whether somebody is there; K3s checks the server by the token.
pong() { curl -fsSkm 10 "$K3SEED_JOIN_URL/ping"; }

stage_ready() {
  [ -z "$K3SEED_JOIN_URL" ] || await "the server at $K3SEED_JOIN_URL" pong
  systemctl start --no-block $unit
  [ $mode = agent ] || await 'the API server' kube get --raw /readyz
  node=${K3SEED_NODE_NAME:-$(uname -n)}
  await "node ${node,,} to be Ready" condition Ready "node/${node,,}"
  # The controller manager makes these, up to a minute after the node is Ready.
  [ $mode = agent ] || await 'the controllers' kube get -n default sa/default cm/kube-root-ca.crt
}

apply() { kube apply --server-side --field-manager=k3seed -f "$1"; }

# No --force-conflicts: on a new cluster another owner of these fields is a finding.
sow() { kube kustomize $lib | apply -; }

stage_seed() {
  await 'Namespaces and Secrets to be accepted' sow
  rm -rf $lib/secrets
}

# The last words of the chart's install job say why there is no CRD yet.
argocd_installed() {
  condition Established crd/applications.argoproj.io && return
  kube logs -n kube-system job/helm-install-argocd --tail=1
  return 1
}

# Argo CD may have changed it since, so only an absent one is made.
plant() {
  found=$(kube get --ignore-not-found -o name -f "$1") && { [ -n "$found" ] || apply "$1"; }
}

stage_gitops() {
  await 'the HelmChart CRD' condition Established crd/helmcharts.helm.cattle.io
  await 'the HelmChart to be accepted' apply $lib/manifests/argocd.yaml
  await 'Argo CD' argocd_installed
  await 'argocd-root to be accepted' plant $lib/manifests/argocd-root.yaml
}

stage_scrub() { rm -rf $lib/secrets; }

stage_complete() {
  echo "$K3S_VERSION" >$lib/complete.part
  sync $lib/complete.part
  mv $lib/complete.part $lib/complete
  sync -f $lib
}

# shellcheck source=/dev/null
. /etc/k3seed/bootstrap.env 2>/dev/null || :
mode=agent unit=k3s-agent config=/var/lib/rancher/k3s/agent/kubelet.kubeconfig
[ "${K3SEED_ROLE:-}" != server ] || mode=server unit=k3s config=$etc/k3s.yaml

if [ $# != 0 ]; then
  "stage_$1"
  exit
fi

((EUID == 0)) || { say 'preflight: FAILED: not root'; exit 10; }
install -dm 700 $run
code=10
for row in "${stages[@]}"; do
  IFS=: read -r stage deadline nodes <<<"$row"
  if [ -z "$nodes" ] || [ "$K3SEED_SEED" = yes ]; then
    override=K3SEED_DEADLINE_$stage deadline=${!override:-$deadline} log=$run/$stage.log status=0 SECONDS=0
    # KILL reaches the whole process group at once, and cannot be ignored. bash's own word on it is left out.
    { timeout -s KILL "$deadline" "$0" "$stage" >"$log" 2>&1 || status=$?; } 2>/dev/null
    if ((status)); then
      why=$(tail -n 1 "$log")
      ((SECONDS < deadline)) || why="not done within $deadline s; $why"
      say "$stage: FAILED: ${why:-exit $status} ($log)"
      exit $code
    fi
    say "$stage: ok ($SECONDS s)"
  fi
  code=$((code + 1))
done
