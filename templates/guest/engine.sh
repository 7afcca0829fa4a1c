# shellcheck shell=bash
# Runs the stages, records what became of them, and resumes after a power cut.
#
#   k3seed-bootstrap          the stages in order; those whose work is on the disk already are left out
#   k3seed-bootstrap again    all of them but the download once more: after a change of a secret
#   k3seed-bootstrap STAGE    one stage, without anything around it; K3s' unit does so with `firewall`
#   k3seed-status             what has become of it, for whoever logs in

# text TEXT: as a JSON string.
text() {
  set -- "${1//\\/\\\\}"
  printf '"%s"' "${1//\"/\\\"}"
}

# show STATE: what k3seed-status prints, and the same for programs. Both are whole at every instant.
show() {
  printf '{"schema":1,"role":"%s","state":"%s","stage":"%s","attempt":%d,"message":%s,"stages":[%s]}\n' \
    "$K3SEED_ROLE" "$1" "$stage" $attempt "$(text "$why")" "$records" >$run/status.json.part
  {
    printf %s "$table"
    [ "$1" = complete ] || printf '%s: %s, attempt %d%s\n' "$stage" "$1" $attempt "${why:+: $why}"
  } >$run/status.part
  chmod 644 $run/status{,.json}.part
  mv $run/status.json.part $run/status.json
  mv $run/status.part $run/status
}

# record STATE: of the present stage.
record() {
  printf -v records '%s{"stage":"%s","state":"%s","seconds":%d,"attempts":%d}' \
    "${records:+$records,}" "$stage" "$1" $seconds $attempt
  printf -v table '%s%s: %s (%d s, attempt %d)\n' "$table" "$stage" "$1" $seconds $attempt
}

# Sets $seconds to what has passed since $start, by the clock that nobody sets: NTP may move the other one by years.
elapsed() {
  IFS=. read -r seconds _ </proc/uptime
  seconds=$((seconds - start))
}

# Runs the present stage until it succeeds, cannot succeed, or its time is over.
attempts() {
  local status backoff=1 waited=0 log=$run/$stage.log
  : >"$log"
  for ((attempt = 1; ; attempt++)); do
    show running
    status=0
    # KILL reaches the whole process group at once, and cannot be ignored. bash's own word on it is left out.
    { attempt=$attempt $timeout -s KILL $((deadline - seconds)) "$0" "$stage" >>"$log" 2>&1 || status=$?; } 2>/dev/null
    elapsed
    ((status)) || break
    before=$why why=$(tail -n 1 "$log")
    why=${why//[^[:print:]]/ }
    ((status != 3)) || return 1
    # A try that the deadline interrupts seldom says why there had to be another one. (124: by uutils' timeout.)
    ((status != 137 && status != 124)) || why+=${before:+; before: $before}
    # The more nodes fail at once, the less they should come back at once.
    backoff=$((backoff < 32 ? backoff * 2 : 32))
    pause=$((backoff + RANDOM % backoff))
    waited=$((waited + pause))
    if ((seconds + pause >= deadline || waited >= deadline)); then
      why="not done within $deadline s; ${why:-it said nothing}"
      return 1
    fi
    show 'to be tried again'
    sleep $pause
    elapsed
  done
  why=
}

# shellcheck source=/dev/null
. /etc/k3seed/bootstrap.env 2>/dev/null || :
mode=agent unit=k3s-agent config=/var/lib/rancher/k3s/agent/kubelet.kubeconfig
: "${K3SEED_ROLE:=node}" "${K3SEED_SEED:=no}"
[ "$K3SEED_ROLE" != server ] || mode=server unit=k3s config=$etc/k3s.yaml

if [ "${0##*/}" = k3seed-status ]; then
  cat $run/status 2>/dev/null && exit
  before=$(cat $lib/complete 2>/dev/null) || { ((EUID)) && before='known to root'; } || before='not complete'
  echo "not run in this boot; K3s before: $before"
  exit
fi
((EUID == 0)) || { say 'preflight: FAILED: not root'; exit 10; }
case ${1-} in
  '') ;;
  again)
    # What is complete stays so unless it can be completed again. K3s may have been upgraded, and stays what it is.
    arrived
    export force=yes
    rm -f $lib/{complete,done/{install,seed,gitops}}
    ;;
  *)
    "stage_$1"
    exit
    ;;
esac

install -dm 755 $run
install -dm 700 $lib $lib/done
ln -sf "$0" /usr/local/bin/k3seed-status
stage=preflight attempt=1 why='' records='' table='' todo=''
for row in "${stages[@]}"; do
  IFS=: read -r name _ nodes <<<"$row"
  [[ -n $todo || $kept != *" $name "* || -n $nodes && $K3SEED_SEED != yes ]] || is_done "$name" || todo=$name
done
if [ -e $lib/started ]; then
  say "bootstrap of $K3SEED_ROLE resumes at ${todo:-complete}"
else
  say "bootstrap of $K3SEED_ROLE starts"
  # Until this file is there, cloud-init does its part again in every boot: a power cut may have taken what it wrote.
  sync
  : >$lib/started
  sync -f $lib
fi
code=10
for row in "${stages[@]}"; do
  IFS=: read -r stage deadline nodes <<<"$row"
  if [[ -z $nodes || $K3SEED_SEED = yes ]]; then
    override=K3SEED_DEADLINE_$stage
    deadline=${!override:-$deadline} attempt=0 start=0
    elapsed
    start=$seconds seconds=0
    if [[ $kept = *" $stage "* ]] && is_done "$stage"; then
      record kept
    elif attempts; then
      record ok
      if [[ $kept = *" $stage "* ]]; then
        # What the stage wrote comes before the word that it is there.
        sync
        : >"$lib/done/$stage"
        sync -f $lib
      fi
      say "$stage: ok ($seconds s)"
    else
      record failed
      show failed
      say "$stage: FAILED: $why ($run/$stage.log)"
      exit $code
    fi
  fi
  code=$((code + 1))
done
show complete
