#!/bin/bash
# Brings this node up, stage by stage, from the files that cloud-init has written.
#
# This part holds the settings and the stages. firewall.sh holds the stage that opens and closes ports; engine.sh, the
# last part, runs the stages. The parts are one script in the node, /usr/local/sbin/k3seed-bootstrap, without the lines
# that are only a comment.
#
# When a stage has succeeded, this is true:
#
#   preflight  bootstrap.env is whole; the machine, its clock and its default route are fit for K3s
#   firewall   K3s' ports are open to those who need them, and pods are kept from the metadata service
#   download   k3s and install.sh are here with the pinned hashes; no other file was ever executed
#   secrets    every secret is in memory, under $seed, those from OCI Vault too
#   install    K3s' service, configuration and tokens are on the disk; a first server knows whether it founds or joins
#   ready      K3s runs, its Node is Ready, and on a server the controllers work
#   seed       the Namespaces and Secrets are in the cluster
#   gitops     no secret is left here but K3s' tokens; Argo CD is installed, K3s' Helm controller leaves it alone from now
#              on, and argocd-root is in the cluster
#   scrub      the copies that cloud-init keeps of secrets in user-data are gone
#   complete   the next boot finds that there is nothing left to do
#
# A stage is a process of its own under `timeout`. It may end at any instant, by its deadline or by a power cut, and is
# then run again from its beginning. The last line of its output says what it waits for or why it failed.
#
# To try a stage by hand: `k3seed-bootstrap STAGE` in a node. To test: Tests/GuestTests runs this script in a sandbox,
# `make test-nodes` in containers with systemd and cloud-init, `make test-vm` in virtual machines.
set -euo pipefail

readonly stages=(preflight firewall download secrets install ready seed gitops scrub complete)
# Seconds until a stage counts as failed. K3SEED_DEADLINE_<stage> in the environment replaces one. OCI takes up to ten
# minutes until dynamic groups and policies count, so secrets waits longer than that.
declare -rA deadlines=(
  [preflight]=120 [firewall]=60 [download]=1500 [secrets]=900 [install]=120
  [ready]=1200 [seed]=180 [gitops]=1200 [scrub]=30 [complete]=60
)
# Only the first server has these.
readonly first_server_stages='seed gitops'
# What these did is on the disk, so they are left out after a power cut.
readonly kept_stages='download install seed gitops'

# The exit status of a stage: whether it is worth another try.
readonly temporary=1 permanent=3

readonly lib=/var/lib/k3seed run=/run/k3seed etc=/etc/rancher/k3s
readonly k3s_data=/var/lib/rancher/k3s
# In memory that is never swapped: secrets get from here to K3s and to the API server.
readonly seed=$run/seed
# kubectl keeps its caches in memory, and reads nobody's settings.
export LC_ALL=C HOME=$run

say() { printf 'k3seed: %s\n' "${*//[^[:print:]]/ }"; }

# die MESSAGE: ends a stage that waiting cannot help. The message says what a person has to do.
die() {
  echo "$*"
  exit $permanent
}

# later MESSAGE: ends a stage that is worth another try.
later() {
  echo "$*"
  exit $temporary
}

# contains LIST WORD: is the word in the list?
contains() { [[ " $1 " == *" $2 "* ]]; }

# announce MESSAGE: what the console shows of a stage that goes well, once. The engine connects file descriptor 3.
announce() {
  echo "$*"
  if grep -qsxF "$*" $run/announced; then return; fi
  echo "$*" >>$run/announced
  say "$*" >&3
}

is_done() { [ -e "$lib/done/$1" ]; }
is_first_server() { [ "$K3SEED_SEED" = yes ]; }

# shellcheck source=/dev/null
. /etc/k3seed/bootstrap.env 2>/dev/null || :

# K3s' service, and the kubeconfig with which this node asks the API server.
if [ "${K3SEED_ROLE-}" = server ]; then
  readonly mode=server unit=k3s kubeconfig=$etc/k3s.yaml
else
  readonly mode=agent unit=k3s-agent kubeconfig=$k3s_data/agent/kubelet.kubeconfig
fi

# kube ARGUMENTS: kubectl, for a minute at most. --foreground keeps it in the process group that ends with the stage.
kube() { timeout --foreground 60 k3s kubectl --kubeconfig="$kubeconfig" "$@"; }

# condition TYPE OBJECT...: is this condition of the object True? Otherwise prints what the object says of it.
condition() {
  local found
  found=$(kube get "${@:2}" -o "jsonpath={range .status.conditions[?(@.type=='$1')]}{.status} {.message}{end}")
  [[ $found == True* ]] && return
  echo "${found#* }"
  return $temporary
}

# await WHAT COMMAND...: runs the command until it succeeds. The stage's deadline ends the wait.
await() {
  local what=$1 answer
  shift
  echo "waiting for $what"
  until answer=$("$@" 2>&1); do
    # The last line of a conflict only says where to read on.
    answer=${answer%%$'\nPlease review'*}
    answer=$(explain "${answer##*$'\n'}") || die "$answer"
    echo "waiting for $what${answer:+: ${answer:0:600}}"
    sleep 3
  done
}

# write_file TARGET MODE: standard input becomes the file, whole or not at all, and is on the disk afterwards.
write_file() {
  local part=$1.part
  (umask 077 && cat >"$part")
  chmod "$2" "$part"
  sync "$part"
  mv -f "$part" "$1"
}

# drop_in UNIT LINES: adds the lines to a service.
drop_in() {
  mkdir -p "/etc/systemd/system/$1.service.d"
  printf '[Service]\n%s\n' "$2" >"/etc/systemd/system/$1.service.d/k3seed.conf"
}

#### preflight

stage_preflight() {
  # It is the last variable of the file.
  [ -v K3S_INSTALL_URLS ] || die '/etc/k3seed/bootstrap.env is missing or cut off; render again'
  type curl ip systemctl >/dev/null
  architecture >/dev/null || die "$(uname -m) is neither x86_64 nor aarch64; use another machine"
  # No release that this installs is older than 2026. Before that, certificates would not be valid yet.
  (($(date +%s) > 1767225600)) || later "the clock says $(date -u +%F); check NTP"
  check_network
  [ -z "${K3SEED_PRIVATE_IP-}" ] || [ -n "$(interface_of "$K3SEED_PRIVATE_IP")" ] ||
    later "no network interface has this node's private_ip $K3SEED_PRIVATE_IP; attach its network, or correct private_ip"
}

# K3s' word for this machine's architecture.
architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) return 1 ;;
  esac
}

# interface_of ADDRESS: the name of the network interface that has the address.
interface_of() { ip -o address show to "$1" | awk '{ print $2; exit }'; }

#### download

# stage_download ATTEMPT
stage_download() {
  local arch file=k3s want=$K3S_SHA256_AMD64 images=${K3S_SHA256_IMAGES_AMD64-}
  arch=$(architecture)
  if [ "$arch" = arm64 ]; then file=k3s-arm64 want=$K3S_SHA256_ARM64 images=${K3S_SHA256_IMAGES_ARM64-}; fi
  local binary_urls install_urls
  read -ra binary_urls <<<"$K3S_BINARY_URLS"
  binary_urls=("${binary_urls[@]%/}")
  read -ra install_urls <<<"$K3S_INSTALL_URLS"
  fetch "$1" /usr/local/bin/k3s "$want" "${binary_urls[@]/%//$file}"
  fetch "$1" $lib/install.sh "$K3S_SHA256_INSTALL" "${install_urls[@]}"
  if [ -n "$images" ]; then
    file=k3s-airgap-images-$arch.tar.zst
    mkdir -p $k3s_data/agent/images
    fetch "$1" "$k3s_data/agent/images/$file" "$images" "${binary_urls[@]/%//$file}"
  fi
}

# fetch ATTEMPT TARGET SHA256 URL...: no file gets the target's name, or may be executed, before its hash is right.
fetch() {
  local attempt=$1 target=$2 want=$3 part=$2.part causes='' wrong=0 got url
  shift 3
  if echo "$want  $target" | sha256sum -c --status; then
    chmod 755 "$target"
    return
  fi
  for url; do
    echo "fetching $url"
    # --speed-limit: fewer than 4096 bytes a second for 30 s is a failure, so a server that drips ends, too.
    if got=$(curl -fsSL --connect-timeout 15 --max-time 600 --speed-limit 4096 -o "$part" "$url" 2>&1); then
      got=$(sha256sum <"$part")
      if [ "${got%% *}" = "$want" ]; then
        chmod 755 "$part"
        sync "$part"
        mv -f "$part" "$target"
        return
      fi
      got="sha256 ${got:0:12} is not ${want:0:12}"
      wrong=$((wrong + 1))
    fi
    rm -f "$part"
    causes+="$url: ${got##*$'\n'}; "
  done
  # Damage on the way does not hit every mirror again and again.
  if ((wrong == $# && attempt >= 3)); then die "${causes}check the version and its hashes"; fi
  later "$causes$(download_advice "$causes")"
}

# download_advice CAUSES: what to check. A node in a closed network resolves no public name, and need not, so what only
# this node can be blamed for comes first.
download_advice() {
  case $1 in
    *'(23)'*) echo 'check the free disk space' ;;
    *certificate*) echo "check the clock, $(date -u +%F), and the CA" ;;
    *'resolve host'*) echo 'check DNS' ;;
    *) echo 'check the network and the version' ;;
  esac
}

#### secrets

# Have all secrets been used? K3s keeps its tokens itself.
secrets_are_used() { is_done install && { ! is_first_server || is_done seed; }; }

# secret_arrived NAME: is the literal secret here, or K3s' own copy of its token?
secret_arrived() {
  [ -s "$lib/secrets/$1" ] && return
  case $1 in
    k3s_token) [ -s $etc/token ] ;;
    k3s_agent_token) [ -s $etc/agent-token ] ;;
    *) return 1 ;;
  esac
}

check_literal_secrets() {
  local name
  for name in $K3SEED_SECRETS; do
    secret_arrived "$name" || die "secret $name did not arrive; put it into $lib/secrets/$name, or render again"
  done
}

stage_secrets() {
  if secrets_are_used && [ -z "${K3SEED_AGAIN-}" ]; then return; fi
  mkdir -p $seed
  # Where ramfs is not allowed, /run itself is in memory.
  mountpoint -q $seed || mount -t ramfs -o mode=700 k3seed $seed || chmod 700 $seed
  install -dm 700 $seed/secrets
  check_literal_secrets
  local name
  for name in $K3SEED_SECRETS; do
    [ ! -s "$lib/secrets/$name" ] || install -m 600 "$lib/secrets/$name" $seed/secrets/
  done
  # It takes its settings from the environment.
  [ -z "$K3SEED_VAULT" ] || (export "${!K3SEED_@}" && exec /usr/local/sbin/k3seed-vault $seed/secrets)
}

# forget_secrets: removes those that were copied here, from the disk and from memory.
forget_secrets() {
  rm -rf $lib/secrets
  forget_memory
}

forget_memory() {
  ! mountpoint -q $seed || umount $seed
  rm -rf $seed
}

#### install

stage_install() {
  mkdir -p $etc/config.yaml.d
  if [ "${K3SEED_HARDENED-}" = yes ]; then
    sysctl -qp /etc/sysctl.d/90-kubelet.conf
    # For the audit log. K3s' CIS hardening guide makes this folder, as the API server does not everywhere.
    [ $mode = agent ] || install -dm 700 $k3s_data/server $k3s_data/server/logs
  fi
  write_token k3s_token token
  write_token k3s_agent_token agent-token
  choose_interface
  choose_cluster
  keep_firewall
  run_installer
  # K3s has its own copies now.
  rm -f $lib/secrets/k3s_token $lib/secrets/k3s_agent_token
}

# Has this server a datastore? It is encrypted with the token of its first start (K3s: pkg/cluster/storage.go). The folder
# of etcd alone says nothing: it is there before a server has joined (K3s: pkg/etcd/etcd.go, IsInitialized).
has_datastore() { [ -e $k3s_data/server/db/state.db ] || [ -e $k3s_data/server/db/etcd/member/wal ]; }

# write_token SECRET FILE: K3s reads its tokens from these files at every start.
write_token() {
  local from=$seed/secrets/$1 to=$etc/$2 value
  [ -s "$from" ] || return 0
  value=$(<"$from")
  if has_datastore && { [ ! -s "$to" ] || [ "$(short_form "$(<"$to")")" != "$(short_form "$value")" ]; }; then
    die "$(token_advice "$1")"
  fi
  value=$(with_ca_hash "$1" "$value")
  if [ -s "$to" ] && [ "$value" = "$(<"$to")" ]; then return; fi
  printf %s "$value" | write_file "$to" 600
  # An agent that runs has read the old one.
  [ ! -e $lib/installed ] || systemctl try-restart --no-block $unit
}

# short_form TOKEN: the part that counts of K10<hash>::<user>:<part>.
short_form() {
  if [[ $1 == K10*::*:* ]]; then
    local rest=${1#*::}
    echo "${rest#*:}"
  else
    echo "$1"
  fi
}

# with_ca_hash SECRET TOKEN: with the hash of the cluster's CA, where it is known, K3s makes sure of the server before it
# sends the token. With the short form it trusts whatever host answers (K3s: pkg/clientaccess/token.go).
with_ca_hash() {
  local user=node
  [ "$1" != k3s_token ] || user=server
  if [ -z "${K3SEED_CA_SHA256-}" ] || [[ $2 == K10* ]]; then
    echo "$2"
  else
    printf 'K10%s::%s:%s\n' "$K3SEED_CA_SHA256" $user "$2"
  fi
}

# token_advice SECRET: why a server refuses another token, and the way that works.
token_advice() {
  if [ "$1" = k3s_token ]; then
    echo "k3s_token is not the one that this cluster's datastore is encrypted with, and K3s would not start again with it;" \
      "give the old one, or change it by 'k3s token rotate' and then in $etc/token on every server"
  else
    echo "k3s_agent_token is not the one with which this server admits agents; give the old one, or write the new one to" \
      "$etc/agent-token on every server, restart k3s there, then run 'k3seed-bootstrap again' on the agents"
  fi
}

# choose_interface: flannel takes the interface of the default route, whatever node-ip says. Where private_ip is on another
# one, traffic between pods would leave by the public network, or not at all.
choose_interface() {
  local interface
  [ -n "${K3SEED_PRIVATE_IP-}" ] || return 0
  interface=$(interface_of "$K3SEED_PRIVATE_IP")
  [ -n "$interface" ] || later "no network interface has this node's private_ip $K3SEED_PRIVATE_IP"
  echo "flannel-iface: $interface" | write_file $etc/config.yaml.d/flannel.yaml 600
}

# choose_cluster: a first server founds a cluster only where none lives. Its user-data is the same when its machine is
# replaced, and an empty cluster beside the living one would be worse than no server.
choose_cluster() {
  is_first_server || return 0
  if has_datastore; then return; fi
  # A server that restarts is away for some seconds.
  if join_peer || { [ -n "$K3SEED_PEERS" ] && sleep 5 && join_peer; }; then return; fi
  [ "${K3SEED_CLUSTER_EXISTS-}" != yes ] ||
    later "cluster_state is existing, but no server answers at $K3SEED_PEERS; check them and the network"
  announce "founds a new cluster${K3SEED_PEERS:+: no server answers at $K3SEED_PEERS}"
}

# join_peer: has K3s join the first server of the cluster that answers. -k, as only the answer matters here.
join_peer() {
  local peer
  for peer in $K3SEED_PEERS; do
    [ "$(curl -fsSk --max-time 5 "$peer/ping" 2>&1)" = pong ] || continue
    echo "server: $peer" | write_file $etc/config.yaml.d/join.yaml 600
    announce "joins the cluster that lives at $peer"
    return
  done
  return 1
}

# keep_firewall: the rules are loaded before K3s at every start, whoever loads others, and again after the image's own.
# The `-` lets K3s start where they cannot be loaded.
keep_firewall() {
  drop_in $unit "ExecStartPre=-$0 firewall"
  drop_in nftables "ExecStartPost=-$0 firewall"$'\n'"ExecReload=-$0 firewall"
  local plugin=/usr/share/netfilter-persistent/plugins.d/90-k3seed
  [ -d "${plugin%/*}" ] || return 0
  # shellcheck disable=SC2016 # $1 is the plugin's own argument.
  printf '#!/bin/sh\n[ "$1" != start ] || %s firewall || :\n' "$0" >$plugin
  chmod 755 $plugin
}

# run_installer: once, as it would replace what somebody has written to K3s' environment file since.
run_installer() {
  if [ -e $lib/installed ] && [ -e "/etc/systemd/system/$unit.service" ]; then
    systemctl daemon-reload
    return
  fi
  # install.sh copies every exported K3S_* into K3s' environment.
  export -n "${!K3S@}"
  INSTALL_K3S_SKIP_DOWNLOAD=true INSTALL_K3S_SKIP_START=true INSTALL_K3S_SKIP_SELINUX_RPM=true INSTALL_K3S_EXEC=$mode \
    sh $lib/install.sh
  sync
  echo "$K3S_VERSION" | write_file $lib/installed 644
}

#### ready

# K3s is started first, and from then on tries by itself for as long as it takes. The deadline decides only what
# cloud-init is told.
stage_ready() {
  # The server that it was to join may have gone before it had joined.
  if [ -e $etc/config.yaml.d/join.yaml ] && ! has_datastore; then join_peer || :; fi
  # Restarts of long ago do not count.
  systemctl reset-failed $unit
  systemctl start --no-block $unit
  [ $mode = agent ] || await 'the API server' kube get --raw /readyz
  await "node $(node_name) to be Ready" condition Ready "node/$(node_name)"
  # The controller manager makes these, up to a minute after the node is Ready.
  [ $mode = agent ] || await 'the controllers' kube get -n default sa/default cm/kube-root-ca.crt
}

# K3s' name for this node.
node_name() {
  local name=${K3SEED_NODE_NAME:-$(uname -n)}
  echo "${name,,}"
}

# explain ANSWER: what kubectl has answered, or K3s' own words where it cannot come up. Fails where waiting cannot help.
explain() {
  local words='' restarts
  restarts=$(systemctl show -p NRestarts --value $unit)
  if [ ! -e "$kubeconfig" ] || ((restarts > 0)) || systemctl is-failed -q $unit; then words=$(last_words); fi
  case $words in
    *'encrypted with different token'*)
      echo "$words; $(token_advice k3s_token)"
      return $permanent
      ;;
    *'Node password rejected'* | *'duplicate node name found'*)
      words+="; where this machine replaces another one of its name, run on a server: k3s kubectl delete node $(node_name);"
      words+=" k3s kubectl delete secret -n kube-system --ignore-not-found $(node_name).node-password.k3s"
      ;;
    *) ;;
  esac
  words=${words:-$1}
  ((restarts == 0)) || words+=" ($unit has restarted $restarts times, see journalctl -u $unit)"
  echo "$words"
}

# last_words: K3s' last error of this boot, without its tokens. What the server says to an agent that it refuses has the
# level of information.
last_words() {
  local words file
  words=$(journalctl --boot --quiet --lines=99 --output=cat "_SYSTEMD_UNIT=$unit.service" |
    grep -e 'level=[ef]' -e ' not ready: ' | tail -n 1) || :
  for file in "$etc"/*token; do [ ! -s "$file" ] || words=${words//"$(short_form "$(<"$file")")"/***}; done
  echo "${words:0:300}"
}

#### seed

# apply FILE: a new cluster has no other owner of these fields, so a conflict is a finding; `again` takes them back.
apply() { kube apply --server-side --field-manager=k3seed ${K3SEED_AGAIN:+--force-conflicts} -f "$1"; }

apply_seed() { kube kustomize $seed | apply -; }

stage_seed() {
  # kustomize reads nothing outside its folder.
  cp -r $lib/kustomization.yaml $lib/manifests $seed
  await 'Namespaces and Secrets to be accepted' apply_seed
}

#### gitops

stage_gitops() {
  # Used, and gone before the longest wait.
  forget_secrets
  await 'the HelmChart CRD' condition Established crd/helmcharts.helm.cattle.io
  if ! argocd_is_handed_over; then
    await 'the HelmChart to be accepted' apply $lib/manifests/argocd.yaml
    await 'Argo CD' argocd_is_installed
    await 'the HelmChart to be handed over' hand_over_argocd
  fi
  await 'argocd-root to be accepted' make_root_application
}

# Argo CD belongs to the followed tree once this script has handed it over, or where somebody has taken the HelmChart away.
argocd_is_handed_over() {
  local chart
  condition Established crd/applications.argoproj.io >/dev/null 2>&1 || return
  chart=$(kube get -n kube-system helmchart/argocd --ignore-not-found \
    -o 'jsonpath={.metadata.name} {.metadata.annotations.helmcharts\.helm\.cattle\.io/unmanaged}') || return
  [[ -z $chart || $chart == *' true' ]]
}

# The last words of the chart's job say why it is not there yet. While the job runs, nothing may be handed over: the
# controller would delete it.
argocd_is_installed() {
  condition Complete -n kube-system job/helm-install-argocd &&
    condition Established crd/applications.argoproj.io && return
  kube logs -n kube-system job/helm-install-argocd --tail=1
  return $temporary
}

# Otherwise each upgrade of K3s that brings another image for this job would install the bootstrap's version again, and,
# where that fails, uninstall Argo CD (klipper-helm's entry script, failure policy "reinstall"). While a first installation
# may have to be repeated, that policy is the right one; with "abort" an interrupted one would never be.
hand_over_argocd() {
  kube patch -n kube-system helmchart/argocd --type merge --field-manager k3seed --patch \
    '{"metadata": {"annotations": {"helmcharts.helm.cattle.io/unmanaged": "true"}}, "spec": {"failurePolicy": "abort"}}'
}

# Argo CD may have changed it since, so it is made only where it is not there.
make_root_application() {
  local found
  found=$(kube get --ignore-not-found -o name -f $lib/manifests/argocd-root.yaml) || return
  [ -n "$found" ] || apply $lib/manifests/argocd-root.yaml
}

#### scrub and complete

stage_scrub() {
  if ! secrets_are_used; then return; fi
  forget_secrets
  scrub_cloud_init
}

# scrub_cloud_init: removes what cloud-init keeps of user-data with secrets in it. It makes these files again in every boot,
# and needs them until its last service runs, so they go when that ends.
scrub_cloud_init() {
  [ -n "$K3SEED_SECRETS" ] || return 0
  drop_in cloud-final "ExecStartPost=-$0 scrub_cloud_init"
  if [ "$(systemctl show -p ActiveState --value cloud-final)" = inactive ]; then
    systemctl daemon-reload
    return
  fi
  rm -f /var/lib/cloud/instance/{user-data.txt*,cloud-config.txt,obj.pkl} \
    /run/cloud-init/{instance-data-sensitive,combined-cloud-config}.json
}

stage_complete() {
  echo "$K3S_VERSION" | write_file $lib/complete 644
  sync -f $lib
}
