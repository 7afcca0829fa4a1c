#!/bin/bash
# Brings this node up, stage by stage, from the files that cloud-init has written. This part is the stages; firewall.sh
# and vault.sh have those that are long, and engine.sh, the last, runs them. Lines that are only a comment are left out
# of the payload.
#
# Each stage is a child of its own under `timeout`: there `set -e` is in full force, no variable needs to be local, and
# the whole process group ends with the deadline. It may be interrupted at any instant, by its deadline or by a power
# cut, and is then run again from its beginning. What cannot heal it says with `die`; every other failure is tried
# again. The last line of a stage's log is what it waits for or why it failed; it goes to the console.
set -euo pipefail

lib=/var/lib/k3seed run=/run/k3seed etc=/etc/rancher/k3s
# On a file system in memory that is never swapped: secrets get from here to the API server.
seed=$run/seed
# kubectl keeps its caches in memory, and reads nobody's settings.
export LC_ALL=C HOME=$run

# Stage, deadline in seconds, and `first` where only the first server has the stage. The exit code of a failed
# stage is 10 plus its place. K3SEED_DEADLINE_<stage> replaces a deadline; no rendered bootstrap.env sets one.
stages=(
  preflight:120 firewall:60 download:1500 secrets:300 install:120 ready:1200
  seed:180:first gitops:1200:first scrub:30 complete:60
)
# What is on the disk when they are done, so that they are not done again after a power cut.
kept=' download install seed gitops '

# Of the two that Ubuntu has since 25.10 the one that ends a whole process group.
timeout=$(type -P gnutimeout) || timeout=timeout

say() { printf 'k3seed: %s\n' "${*//[^[:print:]]/ }"; }
die() { echo "$*" && exit 3; }
later() { echo "$*" && exit 1; }
is_done() { [ -e "$lib/done/$1" ]; }

stage_preflight() {
  # The last variable is there only if the whole file is.
  [ -v K3S_INSTALL_URLS ] || die 'bootstrap.env is missing or cut off; render again'
  type curl ip systemctl >/dev/null
  artefact
  # Before 2026 no release that this installs existed: certificates would not be valid yet.
  (($(date +%s) > 1767225600)) || later "the clock says $(date -u +%F); check NTP"
  check_network
}

# Sets the release file and its hash for this machine.
artefact() {
  case $(uname -m) in
    x86_64) arch=amd64 file=k3s want=$K3S_SHA256_AMD64 images=${K3S_SHA256_IMAGES_AMD64-} ;;
    aarch64) arch=arm64 file=k3s-arm64 want=$K3S_SHA256_ARM64 images=${K3S_SHA256_IMAGES_ARM64-} ;;
    *) die "$(uname -m) is neither x86_64 nor aarch64; use another machine" ;;
  esac
}

stage_download() {
  artefact
  # shellcheck disable=SC2086 # The lists are split at their spaces.
  fetch /usr/local/bin/k3s "$want" "$file" $K3S_BINARY_URLS
  # shellcheck disable=SC2086
  fetch $lib/install.sh "$K3S_SHA256_INSTALL" '' $K3S_INSTALL_URLS
  [ -n "$images" ] || return 0
  file=k3s-airgap-images-$arch.tar.zst folder=/var/lib/rancher/k3s/agent/images
  mkdir -p $folder
  # shellcheck disable=SC2086
  fetch $folder/$file "$images" $file $K3S_BINARY_URLS
}

# fetch TARGET SHA256 FILE URL...: FILE, if any, is in the folder URL. Nothing gets the name of the target, or
# leave to run, before its hash is right.
fetch() {
  target=$1 part=$1.part want=$2 file=$3 causes='' wrong=0
  shift 3
  if echo "$want  $target" | sha256sum -c --status; then chmod 755 "$target"; return; fi
  for url; do
    url=${url%/}${file:+/$file}
    echo "fetching $url"
    # -Y: fewer than 4096 bytes a second for 30 s is a failure, so that a drip ends.
    if got=$(curl -fsSL --connect-timeout 15 -m 600 -Y 4096 -o "$part" "$url" 2>&1); then
      got=$(sha256sum <"$part")
      if [ "${got%% *}" = "$want" ]; then
        chmod 755 "$part"
        sync "$part"
        mv -f "$part" "$target"
        return
      fi
      got="sha256 ${got:0:12} is not ${want:0:12}" wrong=$((wrong + 1))
    fi
    rm -f "$part"
    causes+="$url: ${got##*$'\n'}; "
  done
  # A file that every mirror has wrong again and again is not one that was damaged on its way.
  ((wrong < $# || attempt < 3)) || die "${causes}check the version and its hashes"
  case $causes in
    # First what is nobody else's fault: a node in a closed network resolves no public name, and need not.
    *'(23)'*) causes+='check the free disk space' ;;
    *certificate*) causes+="check the clock, $(date -u +%F), and the CA" ;;
    *'resolve host'*) causes+='check DNS' ;;
    *) causes+='check the network and the version' ;;
  esac
  later "$causes"
}

# The secrets have been used, and are not needed any more.
is_used() { is_done install && { [ "$K3SEED_SEED" != yes ] || is_done seed; }; }

# Are the literal secrets there? K3s keeps its tokens itself.
arrived() {
  for name in $K3SEED_SECRETS; do
    from=$lib/secrets/$name own=${name#k3s_}
    [[ -s $from || -s $etc/${own/_/-} ]] ||
      die "secret $name did not arrive; put it into $from, or render again"
  done
}

stage_secrets() {
  ! is_used || return 0
  mkdir -p $seed
  # Where this is not allowed, /run itself is in memory.
  mountpoint -q $seed || mount -t ramfs -o mode=700 k3seed $seed || chmod 700 $seed
  install -dm 700 $seed/secrets
  arrived
  for name in $K3SEED_SECRETS; do
    from=$lib/secrets/$name
    [ ! -s "$from" ] || install -m 600 "$from" $seed/secrets/
  done
  [ -z "$K3SEED_VAULT" ] || fetch_references $seed/secrets
}

stage_install() {
  mkdir -p $etc
  [ ! -e /etc/sysctl.d/90-kubelet.conf ] || sysctl -qp /etc/sysctl.d/90-kubelet.conf
  for name in token agent-token; do
    from=$seed/secrets/k3s_${name/-/_} to=$etc/$name
    [ -e "$from" ] || continue
    install -m 600 "$from" $to.part
    sync $to.part
    mv $to.part $to
  done
  # install.sh copies every exported K3S_* into the environment of K3s.
  export -n "${!K3S@}"
  export INSTALL_K3S_SKIP_{DOWNLOAD,START,SELINUX_RPM}=true INSTALL_K3S_EXEC=$mode
  # The rules are there before K3s in every boot, whoever loads others, and come back when the image's are loaded anew.
  drop_in $unit "ExecStartPre=$0 firewall"
  drop_in nftables "ExecStartPost=-$0 firewall"$'\n'"ExecReload=-$0 firewall"
  plugin=/usr/share/netfilter-persistent/plugins.d/90-k3seed
  if [ -d ${plugin%/*} ]; then
    # shellcheck disable=SC2016 # The plugin's own argument.
    printf '#!/bin/sh\n[ "$1" != start ] || %s firewall || :\n' "$0" >$plugin
    chmod 755 $plugin
  fi
  sh $lib/install.sh
}

# drop_in UNIT LINES: more lines for a service.
drop_in() {
  mkdir -p "/etc/systemd/system/$1.service.d"
  printf '[Service]\n%s\n' "$2" >"/etc/systemd/system/$1.service.d/k3seed.conf"
}

# --foreground: kubectl stays in the process group that ends with the stage.
kube() { timeout --foreground 60 k3s kubectl --kubeconfig=$config "$@"; }

# condition TYPE OBJECT: is the object's condition True? Where not, says what the object says of it.
condition() {
  found=$(kube get "$2" -o "jsonpath={range .status.conditions[?(@.type=='$1')]}{.status} {.message}{end}")
  [[ $found == True* ]] || { echo "${found#* }" && return 1; }
}

# await WHAT COMMAND...: runs the command until it succeeds; the stage's deadline ends the wait.
await() {
  what=$1
  shift
  echo "waiting for $what"
  until said=$("$@" 2>&1); do
    # Behind the last line of a conflict is only where to read on.
    said=${said%%$'\nPlease review'*} said=${said##*$'\n'}
    alive
    echo "waiting for $what${said:+: ${said:0:300}}"
    sleep 3
  done
}

# Fails early when K3s cannot come up: systemd restarts it for ever. An agent that is refused asks for ever instead, and
# has no kubeconfig until then: what K3s says is the reason, not that. Its words are shown without its tokens.
alive() {
  failing=
  if systemctl is-failed -q $unit || (($(systemctl show -p NRestarts --value $unit) > 4)); then failing=yes; fi
  [[ -z $failing && -e $config ]] && return
  words=$(journalctl -qn 99 -o cat "_SYSTEMD_UNIT=$unit.service" | grep -e 'level=[ef]' -e ' not ready: ' | tail -n 1) || :
  for file in "$etc"/*token; do [ ! -e "$file" ] || words=${words//"$(<"$file")"/***}; done
  [ -z "$failing" ] || die "$unit keeps failing: ${words:0:200}; see journalctl -u $unit"
  said=${words:-$said}
}

# -k: the question is only whether somebody is there; K3s checks the server by the token.
pong() { curl -fsSkm 10 "$K3SEED_JOIN_URL/ping"; }

stage_ready() {
  [ -z "$K3SEED_JOIN_URL" ] || await "the server at $K3SEED_JOIN_URL" pong
  # Restarts of long ago do not count.
  systemctl reset-failed $unit
  systemctl start --no-block $unit
  [ $mode = agent ] || await 'the API server' kube get --raw /readyz
  node=${K3SEED_NODE_NAME:-$(uname -n)}
  await "node ${node,,} to be Ready" condition Ready "node/${node,,}"
  # The controller manager makes these, up to a minute after the node is Ready.
  [ $mode = agent ] || await 'the controllers' kube get -n default sa/default cm/kube-root-ca.crt
}

# On a new cluster another owner of these fields is a finding; `again` is told to take them back.
apply() { kube apply --server-side --field-manager=k3seed ${force:+--force-conflicts} -f "$1"; }

sow() { kube kustomize $seed | apply -; }

stage_seed() {
  # kustomize reads nothing outside its folder.
  cp -r $lib/kustomization.yaml $lib/manifests $seed
  await 'Namespaces and Secrets to be accepted' sow
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
  # Used, and gone before the longest wait.
  forget
  await 'the HelmChart CRD' condition Established crd/helmcharts.helm.cattle.io
  await 'the HelmChart to be accepted' apply $lib/manifests/argocd.yaml
  await 'Argo CD' argocd_installed
  await 'argocd-root to be accepted' plant $lib/manifests/argocd-root.yaml
}

forget() {
  rm -rf $lib/secrets
  ! mountpoint -q $seed || umount $seed
  rm -rf $seed
}

# Also what cloud-init keeps of user-data with secrets in it. It makes these files again in every boot, and needs them
# until its last service runs, so that ends with this stage.
stage_scrub() {
  is_used || return 0
  forget
  [ -n "$K3SEED_SECRETS" ] || return 0
  drop_in cloud-final "ExecStartPost=-$0 scrub"
  if [ "$(systemctl show -p ActiveState --value cloud-final)" = inactive ]; then systemctl daemon-reload; return; fi
  rm -f /var/lib/cloud/instance/{user-data.txt*,cloud-config.txt,obj.pkl} \
    /run/cloud-init/{instance-data-sensitive,combined-cloud-config}.json
}

stage_complete() {
  echo "$K3S_VERSION" >$lib/complete.part
  sync $lib/complete.part
  mv $lib/complete.part $lib/complete
  sync -f $lib
}
