#!/bin/bash
# A stand-in network around a real kernel's packet filter, for the tests of the firewall: run it as root of namespaces
# of its own (unshare -rmn). This namespace is the node, 10.0.0.2; around it are
#
#   cloud      the gateway, 10.0.0.1, another node; the metadata services of all platforms at once, a stranger on the
#              internet, 198.51.100.7, and the boot volume's 169.254.0.2
#   pod        10.42.0.5 and fd42::5, behind the node
#   private    10.0.9.5 and fd09::5, a node without a way out but by this one
#
# The first argument is firewall.sh, the second a folder of rules as k3seed renders them, the third the commands of the
# test, which may use what is defined here. What is real: iptables, nft, the kernel's filter, routing and connections.
# What is not: systemctl, for which only `$active` is active, the bootstrap's record, in which only `$finished` is done,
# and kube-proxy, for which `service` makes the rule that matters.
set -euo pipefail
PATH=/usr/sbin:/usr/bin:/sbin:/bin
firewall=$1 rules=$2 test=$3 talk=${0%/*}/talk.py
export LC_ALL=C

# use NAME: the node's rules, those of the folder's file NAME.
use() {
  mkdir -p /etc/k3seed
  cp "$rules/$1" /etc/k3seed/firewall.rules
  export K3SEED_NAT=no
  [[ $1 != ingress* ]] || K3SEED_NAT=yes
}

# A node whose programs are all but these; NAME=OTHER puts another one in a name's place.
without() {
  mkdir /run/bin
  ln -s /usr/sbin/* /usr/bin/* /run/bin 2>/dev/null || :
  for name; do
    rm -f "/run/bin/${name%%=*}"
    [[ $name != *=* ]] || ln -s "/usr/sbin/${name#*=}" "/run/bin/${name%%=*}"
  done
  PATH=/run/bin
}

# The stage, or another function, as the engine runs it: a process of its own, whose last line says why it failed.
stage() {
  (
    export active finished
    # shellcheck disable=SC2016
    timeout 30 bash -euo pipefail -c '
      die() { echo "$*" && exit 3; }
      later() { echo "$*" && exit 1; }
      is_done() { [ "${finished:-}" = "$1" ]; }
      systemctl() { [ "${active:-}" = "${*: -1}" ]; }
      . "$0"
      "${1:-stage_firewall}"' "$firewall" "$@" >/run/stage.log 2>&1
  ) || echo "failed: $(tail -n 1 /run/stage.log)"
}

# call WHO [tcp|udp] ADDRESS PORT [FROM]
call() {
  echo -n "$1 "
  if [ "$1" = node ]; then
    python3 -I "$talk" call "${@:2}"
  else
    ip netns exec "$1" python3 -I "$talk" call "${@:2}"
  fi
}

# service ADDRESS PORT TARGET PORT: what kube-proxy does of a Service that leads to a target (pkg/proxy/iptables/
# proxier.go, writeServiceToEndpointRules and the DNAT of its endpoints), before whatever is there, and with the iptables
# that K3s brings.
service() {
  local tool=/usr/sbin/iptables-nft target=$3
  [[ $1 != *:* ]] || tool=/usr/sbin/ip6tables-nft target=[$3]
  $tool -w -t nat -I PREROUTING -d "$1" -p tcp --dport "$2" -j DNAT --to-destination "$target:$4"
}

# What the filter holds, without counters, comments and iptables' own remarks.
rules() {
  for tool in iptables iptables-legacy ip6tables; do { "$tool-save" 2>/dev/null || :; } | sed '/^#/d; s/ \[.*\]$//'; done
  { nft list ruleset 2>/dev/null || :; } | sed 's/counter packets .* bytes [0-9]*/counter/'
}

# link NAMESPACE OUTER INNER ADDRESS...: a namespace, and the cable from the node to it.
link() {
  ip netns add "$1"
  ip netns exec "$1" sysctl -qw net.ipv6.conf.default.accept_dad=0
  ip link add "$2" type veth peer name "$3" netns "$1"
  ip link set "$2" up
  ip -n "$1" link set "$3" up
  ip -n "$1" link set lo up
  for address in "${@:4}"; do ip -n "$1" address add dev "$3" "$address"; done
}

mount -t tmpfs tmpfs /run
cp -a /etc /run 2>/dev/null || :
mount --bind /run/etc /etc
ip link set lo up
# Or IPv6 would try out every address for a second or two.
sysctl -qw net.ipv6.conf.default.accept_dad=0
link cloud eth0 inner 10.0.0.1/24 169.254.169.254/32 169.254.0.2/32 198.51.100.7/32 fd00:c1::a9fe:a9fe/64 \
  168.63.129.16/32 fd00:ec2::254/128 fd20:ce::254/128 fd00:a9fe:a9fe::1/128
link pod cni0 eth0 10.42.0.5/24 fd42::5/64
link private eth1 eth0 10.0.9.5/24 fd09::5/64
ip address add 10.0.0.2/24 dev eth0
ip address add fd00:c1::2/64 dev eth0
ip address add 10.42.0.1/24 dev cni0
ip address add fd42::1/64 dev cni0
ip address add 10.0.9.1/24 dev eth1
ip address add fd09::1/64 dev eth1
ip route add default via 10.0.0.1
for address in fd00:ec2::254 fd20:ce::254 fd00:a9fe:a9fe::1; do ip route add $address via fd00:c1::a9fe:a9fe; done
ip -n cloud route add 10.42.0.0/16 via 10.0.0.2
ip -n cloud route add 10.0.9.0/24 via 10.0.0.2
ip -n cloud -6 route add fd42::/56 via fd00:c1::2
ip -n cloud -6 route add fd09::/64 via fd00:c1::2
ip -n pod route add default via 10.42.0.1
ip -n pod -6 route add default via fd42::1
ip -n private route add default via 10.0.9.1
ip -n private -6 route add default via fd09::1
# The kernel would soon answer only one refused call a second.
sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
ip netns exec cloud python3 -I "$talk" listen 53 80 3260
ip netns exec pod python3 -I "$talk" listen 8080
python3 -I "$talk" listen 22 80 443 2379 6443 8080 8472 10250
active=
export K3SEED_IPV4=yes
use "${role:-server}"
eval "$test"
