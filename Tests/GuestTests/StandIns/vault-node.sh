#!/bin/bash
# A node on OCI, inside the sandbox: the emulator at the addresses and names that OCI has, and then `engine`, or the
# SDK's test. /var/lab/ipv6 leaves it without IPv4.
#
# `engine` does what the bootstrap's does with the stage: a new process each time until one ends well or by `die`, or
# there were as many as /var/lab/tries says. The programs that vault.sh may call are there by a stand-in that keeps what
# of them anybody can see; see seen.sh.
set -euo pipefail
if [ -e /var/lab/ipv6 ]; then
  ip address del 127.0.0.1/8 dev lo
  declare -A at=([metadata]=fd00:c1::a9fe:a9fe [federation]=fd00::1 [secrets]=fd00::2)
else
  declare -A at=([metadata]=169.254.169.254 [federation]=10.0.0.1 [secrets]=10.0.0.2)
fi
for address in "${at[@]}"; do ip address add "$address" dev lo; done
while read -r service name; do echo "${at[$service]} $name"; done </var/lab/names >/etc/hosts
python=/usr/local/lab/venv/bin/python
$python -IB /usr/local/lab/oci_emulator.py /var/lab/plan.json /var/lab/oci --metadata "[${at[metadata]}]:80" \
  --federation "[${at[federation]}]:443" --secrets "[${at[secrets]}]:443" &
emulator=$!
until [ -e /var/lab/oci/listening.json ]; do
  kill -0 $emulator
  sleep 0.02
done
cp /var/lab/oci/ca.pem /etc/ssl/certs/ca-certificates.crt
status=0
if [ "$1" = engine ]; then
  mkdir -p /usr/local/lab/path /run/k3seed/seed
  for name in base64 curl date ip mv openssl rm sleep; do ln -s ../seen.sh /usr/local/lab/path/$name; done
  touch /var/lab/start
  for ((try = 0; try < $(cat /var/lab/tries); try++)); do
    status=0
    # shellcheck disable=SC2046 # Words, or none.
    env -i PATH=/usr/local/lab/path HOME=/run/k3seed $(cat /var/lab/environment) \
      $(cat /var/lab/trace) /bin/bash /usr/local/lab/stage.sh >>/var/lab/log 2>&1 || status=$?
    [[ $status != 0 && $status != 3 ]] || break
  done
  # What was written outside of where it should be: nothing else here can be written to. What the log and seen hold has
  # tests of its own.
  written=$(find /etc /var /run /tmp /dev/shm /usr/local/lab/path -newer /var/lab/start -type f ! -path '/run/k3seed/seed/*' \
    ! -path '/var/lab/oci/*' ! -path /var/lab/log ! -path /var/lab/seen ! -path /var/lab/sleeps \
    ! -path /var/lab/strace)
  echo "$written" >/var/lab/written
else
  PYTHONPATH=/usr/local/lab/venv/oci REQUESTS_CA_BUNDLE=/var/lab/oci/ca.pem $python -B /usr/local/lab/oci_sdk.py "${@:2}" ||
    status=$?
fi
kill $emulator
exit $status
