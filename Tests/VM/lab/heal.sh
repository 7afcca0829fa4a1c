#!/bin/bash
# Heals a guest of one fault after the other, each as soon as k3seed-status says what is wrong, as a person would who looks
# there. What it said then is on the console.
#
#   lab-heal WORDS COMMAND [WORDS COMMAND]...
set -eu
while (($#)); do
  # Nothing tells when the status changes.
  until grep -qs -e "$1" /run/k3seed/status; do sleep 1; done
  k3seed-status | sed 's/^/status: /' >/dev/console
  bash -c "$2"
  echo "healed: $2" >/dev/console
  shift 2
done
