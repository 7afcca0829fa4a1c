# shellcheck shell=bash
# Loads the packet filter's rules, and checks the network that K3s needs.
#
# Images bring filters that turn everything away (OCI's Ubuntu by iptables, others by nft), so what K3s needs is accepted
# before that. Nothing is flushed, and live rules are never saved: the stage runs again at every boot, before K3s, and
# puts back what is missing. All of it is called k3seed. What the rules are was decided when they were rendered;
# /etc/k3seed/firewall.rules has them in three sections:
#
#   nft-table    a table of our own: what is closed to pods, and NAT
#   nft-accepts  chains for the tables of others that turn strangers away
#   iptables     for iptables-restore and ip6tables-restore; mangle and nat are for images without nft
#
# To test it: `swift test --filter FirewallTests` loads them into a real kernel, between stand-ins for a cloud and a pod.
# On a node, `k3seed-bootstrap firewall` may be run at any time; `nft list ruleset` and `iptables -S` show the result.

# Done when pods cannot reach the metadata service and the role's ports are open.
stage_firewall() {
  local rules=/etc/k3seed/firewall.rules nft out='' tool
  [ -s $rules ] || die "$rules is missing, so no rule was changed; render again" >&2
  if ! is_done install && other_firewall; then
    die 'ufw or firewalld would undo these rules; disable it, as K3s advises'
  fi
  if [ "${K3SEED_NAT-}" = yes ]; then
    out=$(default_interface)
    [ -n "$out" ] || later 'NAT needs an IPv4 default route; give the node a gateway'
    # The nodes behind this one are not told of the gateway, where there is no NAT.
    sysctl -qw net/ipv4/{ip_forward=1,conf/{all,"$out"}/send_redirects=0}
  fi

  nft=$(command -v nft) || nft=''
  if [ -n "$nft" ]; then
    nft_script $rules "$out" | nft -f -
  else
    command -v iptables || die 'neither nft nor iptables is here; add the package nftables to the image'
  fi
  # Of iptables' two variants it is the one by which the image loads its rules.
  for tool in iptables ip6tables; do
    command -v $tool || continue
    [ $tool = iptables ] || [ -e /proc/net/if_inet6 ] || continue
    load_iptables $tool $rules "$out" filter INPUT FORWARD
    [ -z "$nft" ] || continue
    load_iptables $tool $rules "$out" mangle INPUT FORWARD
    load_iptables $tool $rules "$out" nat PREROUTING ${out:+POSTROUTING}
  done
}

# Whether rules are managed by a program that replaces those of others.
other_firewall() { grep -qs ^ENABLED=yes /etc/ufw/ufw.conf || systemctl is-active -q firewalld; }

# Prints the interface of IPv4's default route.
default_interface() { ip -4 route show default | sed -nE '1s/.* dev ([^ ]+).*/\1/p'; }

# load_iptables TOOL FILE OUT TABLE CHAIN...: fills the chains K3SEED-CHAIN of a table anew, and jumps to each where it
# belongs. A table in which none belongs anywhere is left alone.
load_iptables() {
  local tool=$1 file=$2 out=$3 table=$4 chain place live jumps='' is_needed=''
  shift 4
  live=$($tool -w -t "$table" -S)
  for chain; do
    if [ "$table" = filter ]; then
      place=$(place_before_refusal "$chain" <<<"$live")
    else
      place=$(place_at_front "$chain" <<<"$live")
    fi
    [ -n "$place" ] || continue
    is_needed=yes
    [ "$place" = there ] || jumps+="-I $chain $place -m comment --comment k3seed -j K3SEED-$chain"$'\n'
  done
  [ -n "$is_needed" ] || return 0
  { section iptables "$file" | sed "s/@out/$out/"; printf '*%s\n%sCOMMIT\n' "$table" "$jumps"; } |
    "$tool-restore" -w --noflush -T "$table"
}

# place_before_refusal CHAIN: of `iptables -S`, the place of the first rule in CHAIN that turns strangers away; the first
# place where only the policy does; `there` where the jump is; nothing where nobody is turned away. A rule for some
# sources or for broken packets is not about strangers.
place_before_refusal() {
  awk -v chain="$1" '
    $2 != chain { next }
    $1 == "-P" { if ($3 == "DROP") place = 1; next }
    { rule++ }
    / -j K3SEED-/ { place = "there"; exit }
    / -s / || /INVALID/ { next }
    / -j (REJECT|DROP)/ { place = rule; exit }
    END { print place }'
}

# place_at_front CHAIN: of `iptables -S`, the first place, or `there` where the jump is.
place_at_front() {
  if grep -q "^-A $1 .*-j K3SEED-$1\$"; then echo there; else echo 1; fi
}

# section NAME FILE: what the file has under the line "### NAME".
section() { awk -v name="$1" '$1 == "###" { is_wanted = $2 == name; next } is_wanted' "$2"; }

# nft_script FILE OUT: what nft is to do, in one transaction.
nft_script() {
  local file=$1 out=$2 family table chain hook place before=''
  [ -z "$out" ] || echo "define out = \"$out\""
  section nft-table "$file"
  nft -a list ruleset | refusing_chains "$(command -v iptables)" |
    while read -r family table chain hook place; do
      if [ "$family $table" != "$before" ]; then
        before="$family $table"
        printf "%s chain $before %s\n" add k3seed_input add k3seed_forward flush k3seed_input flush k3seed_forward
        echo "table $before {"
        section nft-accepts "$file" | of_family "$family"
        echo '}'
      fi
      case $place in
        there) ;;
        front) echo "insert rule $before $chain jump k3seed_$hook comment \"k3seed\"" ;;
        *) echo "insert rule $before $chain handle $place jump k3seed_$hook comment \"k3seed\"" ;;
      esac
    done
}

# of_family FAMILY: rules without those that a table of this family cannot hold.
of_family() {
  case $1 in
    ip) grep -v '^ *ip6 ' ;;
    ip6) grep -v '^ *ip ' ;;
    *) cat ;;
  esac
}

# refusing_chains IPTABLES: of `nft -a list ruleset`, the chains that turn strangers away: family, table, chain, hook,
# and where the jump belongs: before the rule with a handle, at the `front` where only the policy does, or `there` where
# it is. Where there is iptables, its tables are left to it.
refusing_chains() {
  awk -v iptables="$1" '
    $1 == "table" {
      family = $2; table = $3
      is_foreign = family ~ /^(ip|ip6|inet)$/ && table != "k3seed"
      if (iptables && family != "inet" && table ~ /^(filter|mangle|raw|security)$/) is_foreign = 0
    }
    $1 == "chain" { chain = $2; hook = place = "" }
    $1 == "}" && hook && place { print family, table, chain, hook, place; hook = "" }
    $1 == "type" && $2 == "filter" && is_foreign && ($4 == "input" || $4 == "forward") {
      hook = $4
      if (/policy drop/) place = "front"
      next
    }
    !hook || (place && place != "front") { next }
    /jump k3seed_/ { place = "there"; next }
    /saddr/ || /invalid/ { next }
    /[ \t](reject|drop)( |$)/ { place = $NF }'
}

# What K3s would fail of much later. Without DNS only names fail, which a download says itself.
check_network() {
  if [ -z "$(ip -4 route show default)" ]; then
    [ -n "$(ip -6 route show default)" ] || later 'no default route; K3s needs one: give the node a gateway'
    [ "$K3SEED_IPV4" != yes ] ||
      die 'only IPv6 has a default route; give IPv6 cluster_cidr and service_cidr, or an IPv4 gateway'
  fi
  [ -z "${http_proxy-}${HTTP_PROXY-}${https_proxy-}${HTTPS_PROXY-}" ] || [ -n "${no_proxy-}${NO_PROXY-}" ] ||
    die 'a proxy but no NO_PROXY; it must hold the node networks and 169.254.169.254'
}
