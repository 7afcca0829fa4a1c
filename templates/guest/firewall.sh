# shellcheck shell=bash
# What the node's packet filter lets through. Images bring filters that turn everything away (OCI's Ubuntu by iptables,
# others by nft), so what K3s needs is accepted before that. Nothing is flushed, and live rules are never saved: the
# stage runs again at every boot, before K3s, and puts back what is missing. All of it is called k3seed.

# Chain, whose it is, and the rule, in iptables' words; @list stands for each network of a list. The ports are those of
# K3s' table of requirements, and only what the role needs; K3s also asks for its own networks to reach the node.
firewall=(
  'INPUT server -p tcp --dport 6443 -j ACCEPT'
  'INPUT server -s @nodes -p tcp --dport 2379:2380 -j ACCEPT'
  'INPUT node -s @nodes -p tcp --dport 10250 -j ACCEPT'
  'INPUT node -s @nodes -p udp --dport 8472 -j ACCEPT'
  'INPUT node -s @cluster -j ACCEPT'
  'INPUT ingress -p tcp --dport 80 -j ACCEPT'
  'INPUT ingress -p tcp --dport 443 -j ACCEPT'
  'INPUT ingress -p udp --dport 443 -j ACCEPT'
  'FORWARD node -s @pods -j ACCEPT'
  'FORWARD node -d @pods -j ACCEPT'
  'FORWARD nat -s @private -o @out -j ACCEPT'
  'FORWARD nat -d @private -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
  # Port 53 stays open: OCI's DNS has the metadata service's address, and CoreDNS is a pod. iptables can only REJECT
  # where K3s' network policies accept before it, so it leads to a port of the node where nobody listens.
  'PREROUTING node -s @pods -d @closed -p tcp ! --dport 53 -j REDIRECT --to-ports 1'
  'PREROUTING node -s @pods -d @closed -p udp ! --dport 53 -j REDIRECT --to-ports 1'
  'POSTROUTING nat -d @private -j RETURN'
  'POSTROUTING nat -s @private -o @out -j MASQUERADE'
)

# shellcheck disable=SC2034 # Lists are read by the name in a row.
stage_firewall() {
  if ! is_done install && { grep -qs ^ENABLED=yes /etc/ufw/ufw.conf || systemctl is-active -q firewalld; }; then
    die 'ufw or firewalld would undo these rules; disable it, as K3s advises'
  fi
  is="node $K3SEED_ROLE" nodes=$K3SEED_NODE_CIDRS pods=${K3SEED_CLUSTER_CIDR//,/ }
  cluster="$pods ${K3SEED_SERVICE_CIDR//,/ }"
  # All that is link-local, as OCI's boot volume is there, too, and the image guards it from processes only, not from
  # what is forwarded; it is never opened.
  closed='169.254.0.0/16 fd00:c1::a9fe:a9fe'
  [ "$K3SEED_POD_METADATA" != yes ] || closed=169.254.0.0/21
  if [ "$K3SEED_NAT" = yes ]; then
    out=$(ip -4 route show default | sed -nE '1s/.* dev ([^ ]+).*/\1/p')
    [ -n "$out" ] || later 'NAT needs an IPv4 default route; give the node a gateway'
    is+=' nat' private=$(expand 4 @nodes)
    # Nor are the private nodes told of the gateway, where there is no NAT.
    sysctl -qw net/ipv4/{ip_forward=1,conf/{all,"$out"}/send_redirects=0}
  fi

  if type nft; then
    nft_rules | nft -f -
  else
    type iptables || die 'neither nft nor iptables is here; add the package nftables to the image'
    iptables_rules nat 1 PREROUTING POSTROUTING
  fi
  iptables_rules filter '' INPUT FORWARD
}

# expand FAMILIES RULE: the rule for each network of IPv4 (4), of IPv6 (6) or of both (46).
expand() {
  [[ $2 = *@* ]] || { echo "$2"; return; }
  local list=${2#*@} net family
  list=${list%% *}
  for net in ${!list}; do
    [[ $net = *:* ]] && family=6 || family=4
    [[ $1 != *$family* ]] || expand "$1" "${2/@$list/$net}"
  done
}

# rules CHAIN FAMILIES: what this node has there.
rules() {
  for row in "${firewall[@]}"; do
    read -r chain whose rule <<<"$row"
    [[ $chain != "$1" || " $is " != *" $whose "* ]] || expand "$2" "$rule"
  done
}

# iptables_rules TABLE PLACE CHAIN...: a chain of our own, filled anew, and the jump to it: before the first rule that
# turns strangers away, or else at PLACE, where the first place is for chains whose policy does; and where it is if it
# comes first. iptables is the one that the image loads its rules by, whether it is iptables-nft or iptables-legacy.
iptables_rules() {
  for tool in iptables ip6tables; do
    type $tool || continue
    family=4
    if [ $tool = ip6tables ]; then
      family=6
      [ -e /proc/net/if_inet6 ] || continue
    fi
    live=$($tool -w -t "$1" -S)
    text=$(for chain in "${@:3}"; do
      at=$(awk -v chain="$chain" -v at="$2" '
        $2 == chain && /^-P.*DROP/ { at = 1 }
        $2 != chain || !/^-A/ { next }
        { n++ }
        / -j K3SEED-/ { at = "there"; exit }
        / -j (REJECT|DROP)/ && !/ -s |INVALID/ { at = n; exit }
        END { print at }' <<<"$live")
      own=$(rules "$chain" $family)
      [[ $at && $at$own != "$2" ]] || continue
      echo ":K3SEED-$chain -"
      [ "$at" = there ] || echo "-I $chain $at -m comment --comment k3seed -j K3SEED-$chain"
      sed -n "s/..*/-A K3SEED-$chain & -m comment --comment k3seed/p" <<<"$own"
    done)
    [ -z "$text" ] || printf '*%s\n%s\nCOMMIT\n' "$1" "$text" | $tool-restore -w --noflush
  done
}

# nft_words CHAIN FAMILIES PREFIX: the rules in nft's words.
nft_words() {
  rules "$1" "$2" | sed -E 's/-([sd]) ([^ ]*:)/ip6 \1addr \2/g; s/-([sd]) /ip \1addr /g; s/-o ([^ ]+)/oifname "\1"/
    s/-p (...) --dport/\1 dport/; s/([0-9]):([0-9]+) -j/\1-\2 -j/; s/-m conntrack --ctstate/ct state/
    s/-p (...) !.*/\1 dport != 53 reject/; s/tcp.*reject/& with tcp reset/; s/-j //; s/ [A-Z,]{2,}/\L&/g
    s/.*/add rule '"$3"' & comment k3seed/'
}

# A table of our own, so that nobody's accept comes before it: after a Service has become its address, before the
# route. Then nft's chains that turn strangers away, unless they are those of iptables.
nft_rules() {
  own='inet k3seed'
  printf "%s table $own\n" add delete add
  echo "add chain $own pre { type filter hook prerouting priority -90; }"
  echo "add chain $own post { type nat hook postrouting priority 110; }"
  for family in 4 6; do nft_words PREROUTING $family "$own pre"; done
  nft_words POSTROUTING 4 "$own post"

  nft -a list ruleset | awk -v "iptables=$(type -t iptables)" '
    $1 == "table" { table = $2 " " $3; skip = !/ (ip6?|inet) / || iptables && / ip6? filter / }
    $1 == "chain" { rule = "insert rule " table " " $2; hook = at = "" }
    / filter hook (input|forward) / && !skip { hook = $4; at = /policy drop/ ? rule : ""; next }
    $1 == "}" && hook && at { print table, hook, at; hook = "" }
    at ~ /there|handle/ { next }
    /jump k3seed_/ { at = "there" }
    /[ \t](reject|drop)( |$)/ && !/saddr|invalid/ { at = rule " handle " $NF }' |
    while read -r family table hook at; do
      own="$family $table k3seed_$hook"
      printf "%s chain $own\n" add flush
      family=${family/inet/46} family=${family/ip6/6}
      nft_words "${hook^^}" "${family/ip/4}" "$own"
      [ "$at" = there ] || echo "$at jump k3seed_$hook comment k3seed"
    done
}

# What K3s would fail of much later. Without DNS only names fail, which a download says itself.
check_network() {
  if [ -z "$(ip -4 route show default)" ]; then
    [ -n "$(ip -6 route show default)" ] || later 'no default route; K3s needs one: give the node a gateway'
    [[ $K3SEED_CLUSTER_CIDR$K3SEED_SERVICE_CIDR != *.* ]] ||
      die 'only IPv6 has a default route; give IPv6 cluster_cidr and service_cidr, or an IPv4 gateway'
  fi
  [ -z "${http_proxy-}${HTTP_PROXY-}${https_proxy-}${HTTPS_PROXY-}" ] || [ -n "${no_proxy-}${NO_PROXY-}" ] ||
    die 'a proxy but no NO_PROXY; it must hold the node networks and 169.254.169.254'
}
