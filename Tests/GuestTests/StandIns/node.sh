#!/bin/bash
# The stand-in node, inside the sandbox: a network of its own with a default route unless /var/lab/no-route says
# otherwise, the faulty server, without the program that /var/lab/missing names, then the real bootstrap;
# afterwards, what /var/lab/afterwards does, and which processes are left behind.
set -euo pipefail
ip address add 10.0.2.10/32 dev lo
[ -e /var/lab/no-route ] || ip route add default dev lo
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=k3s \
  -config <(printf '[req]\ndistinguished_name=d\n[d]\n') -keyout /var/lab/key -out /var/lab/cert 2>/dev/null
python3 -I /usr/local/lab/server.py &
for _ in {1..250}; do
  [ ! -e /var/lab/listening ] || break
  /bin/sleep 0.02
done
if [ -e /var/lab/missing ]; then
  mkdir /usr/local/lab/bin
  ln -sf /usr/sbin/* /usr/bin/* /usr/local/lab/bin
  rm "/usr/local/lab/bin/$(cat /var/lab/missing)"
  PATH=/usr/local/sbin:/usr/local/lab/bin
fi
if [ -e /var/lab/cut ]; then
  # A power cut: everything ends at once, and what is in memory is gone.
  setsid "$@" &
  until [ -e "/run/k3seed/$(cat /var/lab/cut).log" ]; do /bin/sleep 0.01; done
  {
    while pkill -9 -s $!; do /bin/sleep 0.01; done
    wait $! || :
  } 2>/dev/null
  ! mountpoint -q /run/k3seed/seed || umount /run/k3seed/seed
  rm -rf /run/k3seed
fi
status=0
"$@" || status=$?
[ ! -e /var/lab/afterwards ] || bash /var/lab/afterwards
for process in /proc/[0-9]*; do
  [ "${process#/proc/}" = $$ ] || tr '\0' ' ' <"$process/cmdline" || :
  echo
done >/var/lab/left 2>/dev/null
kill %1
exit $status
