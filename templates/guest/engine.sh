# shellcheck shell=bash
# Runs the stages in order, records what becomes of them, and resumes after a failure, a reboot or a power cut.
#
#   k3seed-bootstrap          the stages in order; those whose work is on the disk already are left out
#   k3seed-bootstrap again    all of them but the download once more: after a change of a secret
#   k3seed-bootstrap STAGE    one stage, or another function, without anything around it
#   k3seed-status             what has become of it, for whoever logs in
#
# Exit status: 0 when all is complete; 10 and the stage's place in the list where a stage was not done within its deadline,
# and systemd starts the bootstrap again a minute later, for as long as it takes; 30 and its place where waiting cannot
# help, which the unit's RestartPreventExitStatus ends.
#
# To test: Tests/GuestTests/BootstrapTests.swift.

# What k3seed-status shows of the stages so far: as JSON, and as lines.
records='' table=''
# The stage that runs: its name, the attempt, the seconds since its start, and the last words of the last failure.
stage=preflight attempt=0 seconds=0 why=''

# json_string TEXT
json_string() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}

# write_status STATE: what k3seed-status prints, and the same for programs. Both files are whole at every instant.
write_status() {
  printf '{"schema":1,"role":"%s","state":"%s","stage":"%s","attempt":%d,"message":%s,"stages":[%s]}\n' \
    "$K3SEED_ROLE" "$1" "$stage" "$attempt" "$(json_string "$why")" "$records" | publish status.json
  {
    printf %s "$table"
    [ "$1" = complete ] || printf '%s: %s, attempt %d%s\n' "$stage" "$1" "$attempt" "${why:+: $why}"
  } | publish status
}

# publish NAME: standard input becomes this file for everybody.
publish() {
  cat >"$run/$1.part"
  chmod 644 "$run/$1.part"
  mv "$run/$1.part" "$run/$1"
}

# record STATE: of the stage that ran.
record() {
  records+="${records:+,}{\"stage\":\"$stage\",\"state\":\"$1\",\"seconds\":$seconds,\"attempts\":$attempt}"
  table+="$stage: $1 ($seconds s, attempt $attempt)"$'\n'
}

# Seconds since the boot, by the clock that nobody sets: NTP may move the other one by years.
uptime_seconds() {
  local seconds
  IFS=. read -r seconds _ </proc/uptime
  echo "$seconds"
}

# The `timeout` that ends a whole process group, of the two that Ubuntu has since 25.10.
group_timeout=$(type -P gnutimeout) || group_timeout=timeout

# try_stage DEADLINE: runs the stage until it succeeds, until waiting cannot help, or until the time is over; that is its
# exit status. Sets $why to the last words of a failure.
try_stage() {
  local deadline=$1 log=$run/$stage.log start status before pause backoff=1 paused=0
  start=$(uptime_seconds)
  seconds=0
  # Logs are root's alone.
  (umask 077 && : >"$log")
  for ((attempt = 1; ; attempt++)); do
    write_status running
    status=0
    # KILL reaches the whole process group at once, and cannot be ignored. bash's own word on it is left out.
    {
      $group_timeout -s KILL $((deadline - seconds)) "$0" "$stage" "$attempt" 3>&1 >>"$log" 2>&1 9>&- || status=$?
    } 2>/dev/null
    seconds=$(($(uptime_seconds) - start))
    before=$why
    why=$(tail -n 1 "$log")
    why=${why//[^[:print:]]/ }
    case $status in
      0)
        why=''
        return
        ;;
      "$permanent") return "$permanent" ;;
      # The deadline interrupted this attempt (124: by uutils' timeout), which seldom says why there had to be another one.
      124 | 137) why+=${before:+; before: $before} ;;
      *) ;;
    esac
    # The more nodes fail at once, the less they should come back at once.
    backoff=$((backoff < 32 ? backoff * 2 : 32))
    pause=$((backoff + RANDOM % backoff))
    paused=$((paused + pause))
    if ((seconds + pause >= deadline || paused >= deadline)); then
      why="not done within $deadline s; ${why:-it said nothing}"
      return "$temporary"
    fi
    write_status 'to be tried again'
    sleep $pause
    seconds=$(($(uptime_seconds) - start))
  done
}

# stages_of_node: those that this node has, in order.
stages_of_node() {
  local name
  for name in "${stages[@]}"; do
    contains "$first_server_stages" "$name" && ! is_first_server || echo "$name"
  done
}

# is_kept STAGE: is its work on the disk, and to be left as it is?
is_kept() {
  contains "$kept_stages" "$1" && is_done "$1" && [[ -z ${K3SEED_AGAIN-} || $1 == download ]]
}

# mark_done STAGE: what the stage wrote gets to the disk before the word that it is there.
mark_done() {
  sync
  : >"$lib/done/$1"
  sync -f $lib
}

# exit_status STAGE BASE
exit_status() {
  local place
  for place in "${!stages[@]}"; do
    [ "${stages[place]}" != "$1" ] || echo $(($2 + place))
  done
}

# give_up STATUS: ends the run after a stage that has failed, with no more secrets left behind than the next run needs.
give_up() {
  local base=10 left
  record failed
  write_status failed
  say "$stage: FAILED: $why ($run/$stage.log)"
  forget_memory
  scrub_cloud_init
  left=$(find $lib/secrets -type f -printf '%f ' 2>/dev/null) || :
  [ -z "$left" ] || say "kept in $lib/secrets for the next try: $left"
  if [ "$1" = "$permanent" ]; then
    base=30
    say 'waiting cannot help; when it is fixed, run: systemctl restart k3seed-bootstrap'
  elif [ -n "${K3SEED_UNIT-}" ]; then
    say 'tries again in a minute, for as long as it takes'
  fi
  exit "$(exit_status "$stage" $base)"
}

run_stages() {
  local names name status deadline override
  install -dm 755 $run
  install -dm 700 $lib $lib/done
  exec 9>$run/lock
  flock -n 9 || {
    say 'another bootstrap is running; see k3seed-status'
    exit $temporary
  }
  ln -sf "$0" /usr/local/bin/k3seed-status
  mapfile -t names < <(stages_of_node)
  if [ -n "${K3SEED_AGAIN-}" ]; then
    say "bootstrap of $K3SEED_ROLE runs again"
  elif [ -e $lib/started ]; then
    say "bootstrap of $K3SEED_ROLE resumes at $(first_to_do "${names[@]}")"
  else
    say "bootstrap of $K3SEED_ROLE starts"
    # Until this file is there, cloud-init does its part again in every boot: a power cut may have taken what it wrote.
    sync
    : >$lib/started
    sync -f $lib
  fi
  for name in "${names[@]}"; do
    stage=$name attempt=0 seconds=0
    if is_kept "$stage"; then
      record kept
      continue
    fi
    override=K3SEED_DEADLINE_$stage
    deadline=${!override:-${deadlines[$stage]}}
    status=0
    try_stage "$deadline" || status=$?
    ((status == 0)) || give_up $status
    record ok
    if contains "$kept_stages" "$stage"; then mark_done "$stage"; fi
    # From here on this run replaces what was complete. Before, a failure leaves the node as it was.
    if [ -n "${K3SEED_AGAIN-}" ] && [ "$stage" = install ]; then rm -f $lib/{complete,done/seed,done/gitops}; fi
    say "$stage: ok ($seconds s)"
  done
  write_status complete
}

# first_to_do STAGE...: the first whose work is not on the disk, of those that are kept.
first_to_do() {
  local name
  for name; do
    if contains "$kept_stages" "$name" && ! is_done "$name"; then
      echo "$name"
      return
    fi
  done
  echo complete
}

show_status() {
  local last version
  if last=$(tail -n 1 $run/status 2>/dev/null); then
    cat $run/status
    # What the stage that runs has said last, for root, who may read its log.
    [[ $last != *': running, '* ]] || tail -n 1 "$run/${last%%:*}.log" 2>/dev/null || :
  else
    if [ -r $lib ]; then
      version=$(cat $lib/complete 2>/dev/null) || version='not complete'
    else
      version='known to root'
    fi
    echo "not run in this boot; K3s before: $version"
  fi
  if [ -e $lib/complete ] && is_first_server; then argocd_pods; fi
}

# argocd_pods: whether Argo CD runs. That the bootstrap is complete says only that it is installed.
argocd_pods() {
  local pods
  [ -r "$kubeconfig" ] || return 0
  pods=$(kube get pods -n argocd --request-timeout=10s -o 'jsonpath={range .items[*]}{.metadata.name} {.status.phase}{range .status.containerStatuses[*]} ready={.ready} {.state.waiting.reason}{end}{"\n"}{end}' 2>&1) || {
    echo "Argo CD: its pods cannot be listed: ${pods##*$'\n'}"
    return
  }
  awk '
    !NF { next }
    { all++ }
    / (Pending|Failed|Unknown)| ready=false/ { others = others "  " $0 "\n"; next }
    { ready++ }
    END { printf "Argo CD: %d of %d pods ready\n%s", ready, all, others }' <<<"$pods"
}

: "${K3SEED_ROLE:=node}" "${K3SEED_SEED:=no}" "${K3SEED_SECRETS:=}"
if [ "${0##*/}" = k3seed-status ]; then
  show_status
  exit
fi
((EUID == 0)) || {
  say 'preflight: FAILED: not root'
  exit 30
}
case ${1-} in
  '') run_stages ;;
  again)
    export K3SEED_AGAIN=yes
    run_stages
    ;;
  *)
    # By hand or from a service there is no console beside the output.
    { : >&3; } 2>/dev/null || exec 3>&1
    if [[ $(type -t "stage_$1") = function ]]; then "stage_$1" "${2:-1}"; else "$1"; fi
    ;;
esac
