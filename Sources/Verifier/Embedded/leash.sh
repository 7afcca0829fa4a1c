#!/bin/sh
# Ends whatever a verification left behind, however the verification ended. Its standard input is a pipe that only
# k3seed can write to, so that its end is k3seed's own, even by SIGKILL. QEMU runs in this script's process group.
#
#   leash.sh SCRATCH [FOLDER]...
set -u
while read -r _; do :; done
# A request of the guest is answered by a script in a session of its own, whose number is the last part of a name.
for answer in "$1"/answer.*; do
  [ -p "$answer" ] && kill -KILL "-${answer##*.}" "${answer##*.}"
done 2>/dev/null
rm -rf -- "$@"
# The whole group, this script with it.
kill -KILL 0
