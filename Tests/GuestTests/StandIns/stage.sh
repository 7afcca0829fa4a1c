#!/bin/bash
# The stage that calls vault.sh, as the bootstrap's engine would run it, for the tests of vault.sh.
set -euo pipefail
export LC_ALL=C
die() { echo "$*" && exit 3; }
# shellcheck source=/dev/null
. /etc/k3seed/bootstrap.env
# shellcheck source=/dev/null
. /usr/local/lab/vault.sh
fetch_references /run/k3seed/seed
