#!/bin/bash
# A node on OCI, inside the sandbox: the emulator at the addresses and names that OCI has, a proxy, and then `engine`, or
# the SDK's test. /var/lab/ipv6 leaves it without IPv4.
#
# `engine` does what the bootstrap's does with the stage: a new process each time until one ends well or for good, or
# there were as many as /var/lab/tries says. /var/lab/runner, if any, is a program that runs the Vault's client.
set -euo pipefail
if [ -e /var/lab/ipv6 ]; then
  ip address del 127.0.0.1/8 dev lo
  declare -A at=([metadata]=fd00:c1::a9fe:a9fe [federation]=fd00::1 [secrets]=fd00::2)
else
  declare -A at=([metadata]=169.254.169.254 [federation]=10.0.0.1 [secrets]=10.0.0.2)
fi
for address in "${at[@]}"; do ip address add "$address" dev lo; done
while read -r service name; do echo "${at[$service]} $name"; done </var/lab/names >/etc/hosts
lab=/usr/local/lab python=/usr/local/lab/venv/bin/python
$python -IB $lab/oci_emulator.py /var/lab/plan.json /var/lab/oci --metadata "[${at[metadata]}]:80" \
  --federation "[${at[federation]}]:443" --secrets "[${at[secrets]}]:443" &
ready=(/var/lab/oci/listening.json)
if [ -e /var/lab/proxy ]; then
  ip address add 10.0.0.9 dev lo
  region=eu-frankfurt-1
  $python -IB $lab/proxy.py 10.0.0.9 3128 auth.$region.oraclecloud.com="${at[federation]}" \
    secrets.vaults.$region.oci.oraclecloud.com="${at[secrets]}" &
  ready+=(/var/lab/listening-proxy)
fi
for file in "${ready[@]}"; do
  until [ -e "$file" ]; do
    kill -0 %+
    sleep 0.02
  done
done
cp /var/lab/oci/ca.pem /etc/ssl/certs/ca-certificates.crt
status=0
if [ "$1" = engine ]; then
  touch /var/lab/start
  for ((try = 0; try < $(cat /var/lab/tries); try++)); do
    status=0
    # As the bootstrap's stage calls it.
    (
      # shellcheck source=/dev/null
      . /etc/k3seed/bootstrap.env
      export "${!K3SEED_@}"
      # shellcheck disable=SC2046 # Words, or none.
      exec env LC_ALL=C HOME=/run/k3seed $(cat /var/lab/environment) $(cat /var/lab/runner) \
        /usr/local/sbin/k3seed-vault /run/k3seed/seed
    ) >>/var/lab/log 2>&1 || status=$?
    [[ $status != 0 && $status != 3 ]] || break
  done
  # What was written outside of where it should be: nothing else here can be written to. What the log holds has tests of
  # its own.
  written=$(find /etc /var /run /tmp /dev/shm /usr/local/sbin -newer /var/lab/start -type f ! -path '/run/k3seed/seed/*' \
    ! -path '/var/lab/oci/*' ! -path /var/lab/log ! -path /var/lab/pauses ! -path /var/lab/strace ! -path /var/lab/proxied)
  echo "$written" >/var/lab/written
else
  PYTHONPATH=$lab/venv/oci REQUESTS_CA_BUNDLE=/var/lab/oci/ca.pem $python -B $lab/oci_sdk.py "${@:2}" || status=$?
fi
for job in $(jobs -p); do kill "$job"; done
exit $status
