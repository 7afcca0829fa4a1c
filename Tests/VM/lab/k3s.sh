#!/bin/bash
# A STAND-IN FOR K3S, for tests: one file, as the real one is, a script with an archive behind it. The archive holds a
# real kubectl, kube-apiserver and etcd, and the folder stand_in, which starts them, or joins others. There is no kubelet, no
# container, no controller of Kubernetes.
set -euo pipefail

version=@version@
archive=@archive@
data=/var/lib/rancher/k3s/data

fatal() {
  printf 'time="%(%FT%TZ)T" level=fatal msg="%s"\n' -1 "$*" >&2
  exit 1
}

# The archive starts at line $1 of this file. Many may run at once; only a whole folder gets its name.
extract() {
  mkdir -p $data
  exec 9>$data/.lock
  flock 9
  if [ ! -e $data/$archive ]; then
    rm -rf $data/.part
    mkdir -p $data/.part/bin
    tail -n "+$1" "$0" | tar -xz -C $data/.part/bin
    # Or after a power cut the folder could be there, and its files empty.
    sync -f $data/.part
    mv $data/.part $data/$archive
    ln -sfn $data/$archive $data/current
  fi
  exec 9>&-
}

main() {
  line=$1
  shift
  # Links called kubectl, as install.sh makes them, are that command.
  [ "${0##*/}" != kubectl ] || set -- kubectl "$@"
  case ${1:-} in
    kubectl)
      shift
      [ -e $data/$archive ] || extract "$line"
      : "${KUBECONFIG:=/etc/rancher/k3s/k3s.yaml}"
      export KUBECONFIG
      exec $data/$archive/bin/kubectl "$@"
      ;;
    server | agent)
      mode=$1
      shift
      [ $# = 0 ] || fatal "the stand-in knows no flags; give $* in config.yaml"
      [ -e $data/$archive ] || extract "$line"
      cd $data/$archive/bin
      exec python3 -I stand_in "$version" "$mode"
      ;;
    token)
      [ "${2:-}" = rotate ] || fatal "the stand-in for K3s has no command 'token ${2:-}'"
      cd $data/current/bin
      shift 2
      exec python3 -I stand_in "$version" token "$@"
      ;;
    -v | --version)
      echo "k3s version $version (stand-in)"
      echo 'go version none: a stand-in for tests'
      ;;
    *) fatal "the stand-in for K3s has no command '${1:-}'" ;;
  esac
}

main $((LINENO + 2)) "$@"
exit
