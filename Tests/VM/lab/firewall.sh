#!/bin/bash
# Looks at the packet filter from a neighbour and from a pod, in a guest that the VM tests boot with rules: each
# is a network namespace, of which the pod's address is in the pods' network. There is no cloud: the neighbour also is
# the metadata service. A line on standard output for what does not hold, and how many do; 0 only if all do.
set -u
held=0 count=0

# holds SENTENCE COMMAND...
holds() {
  count=$((count + 1))
  if "${@:2}" >/dev/null 2>&1; then held=$((held + 1)); else echo "firewall: it does not hold that $1"; fi
}

# reach NAMESPACE ADDRESS PORT: connects; says why not.
reach() { ip netns exec "$1" timeout 5 bash -c ": <>/dev/tcp/$2/$3"; }
stranger() { [[ $(reach "$@" 2>&1) = *'No route to host'* ]]; }
refused() { SECONDS=0; ! reach "$@" && ((SECONDS < 3)); }
answers() { timeout 10 curl -fsS "http://$1/"; }
before_reject() { nft list chain inet filter "$1" | grep -A 1 "jump k3seed_$1" | grep -q reject; }
last() { iptables -S "$1" | tail -n 2 | tr '\n' '|' | grep -x -e "-A $1 .*-j K3SEED-$1|-A $1 -j REJECT.*"; }

# link NAMESPACE OUTER OUR-ADDRESS THEIR-ADDRESS
link() {
  ip netns add "$1"
  ip link add "$2" type veth peer name eth0 netns "$1"
  ip address add "$3" dev "$2"
  ip link set "$2" up
  ip -n "$1" address add "$4" dev eth0
  ip -n "$1" link set lo up
  ip -n "$1" link set eth0 up
  ip -n "$1" route add default via "${3%/*}"
}

link lab-cloud lab0 10.77.0.1/24 10.77.0.2/24
link lab-pod lab1 10.42.77.1/24 10.42.77.2/24
for address in 169.254.169.254 169.254.0.2; do
  ip -n lab-cloud address add $address/32 dev eth0
  ip route add $address/32 via 10.77.0.2
done
# The stand-in for K3s serves others at the node's own address alone.
node=$(ip -4 route get 192.0.2.1 | sed -n 's/.* src \([^ ]*\).*/\1/p')
# K3s does.
sysctl -qw net.ipv4.ip_forward=1
for port in 53 80 3260; do ip netns exec lab-cloud python3 -m http.server $port >/dev/null 2>&1 & done
for _ in {1..60}; do
  ! { answers 169.254.169.254 && reach lab-pod "$node" 6443; } >/dev/null 2>&1 || break
  sleep 1
done

if type iptables >/dev/null 2>&1; then
  holds 'our chain is the last before the REJECT of INPUT' last INPUT
  holds 'our chain is the last before the REJECT of FORWARD' last FORWARD
  holds 'InstanceServices is whole' diff <(grep -c '^-A InstanceServices' /etc/iptables/rules.v4) \
    <(iptables -S | grep -c '^-A InstanceServices')
else
  holds 'our chain is the last before the reject of input' before_reject input
  holds 'our chain is the last before the reject of forward' before_reject forward
fi
holds 'the API server is open to the neighbour' reach lab-cloud "$node" 6443
holds 'the kubelet is open to the neighbour' reach lab-cloud 10.77.0.1 10250
holds 'another port is shut to it' stranger lab-cloud 10.77.0.1 8080
holds 'the API server is open to the pod' reach lab-pod "$node" 6443
holds 'the pod reaches the neighbour' reach lab-pod 10.77.0.2 80
holds 'the pod reaches the DNS' reach lab-pod 169.254.169.254 53
holds 'the node reaches the metadata service' answers 169.254.169.254
if [ "${1-}" = open ]; then
  holds 'the pod reaches the metadata service' reach lab-pod 169.254.169.254 80
else
  holds 'the metadata service is shut to the pod, at once' refused lab-pod 169.254.169.254 80
fi
holds 'the boot volume is shut to the pod, at once' refused lab-pod 169.254.0.2 3260
echo "firewall: $held of $count hold"
((held == count))
