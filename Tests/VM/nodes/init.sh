#!/bin/sh
# The first program of a node, in namespaces of its own: mounts what an init finds on a machine, and becomes it.
#
#   init.sh NAME ROOT KERNEL HIERARCHY...  KERNEL has files in place of some under /proc/sys; standard input is the console
#
# It waits for a line on descriptor 3, after which the node's interfaces are there.
set -eu
name=$1 root=$2 kernel=$3
shift 3
read -r _ <&3
exec 3<&-

console=$(readlink /proc/self/fd/0)
mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"

mount -t proc proc proc
# The network's settings are the node's own. All others are the host's: they can be read, and those that payloads set
# are files that nobody else sees.
mkdir -p .sys
mount --bind proc/sys/net .sys
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount --bind .sys proc/sys/net
umount .sys
for file in "$kernel"/*; do
  mount --bind "$file" "proc/sys/$(basename "$file" | tr . /)"
done

mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/mqueue dev/net
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
for device in null zero full random urandom tty kmsg net/tun fuse; do
  [ -e "/dev/$device" ] || continue
  : >"dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
: >dev/console
mount --bind "$console" dev/console
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp

# The namespace shows the node's own part of each hierarchy. Version 2 comes first, and is all of it where no other is given.
shift
if [ $# = 0 ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/unified
  mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
  for hierarchy; do
    folder=sys/fs/cgroup/${hierarchy#name=}
    mkdir "$folder"
    case $hierarchy in
      name=*) mount -t cgroup -o "none,$hierarchy" cgroup "$folder" ;;
      *) mount -t cgroup -o "$hierarchy" cgroup "$folder" ;;
    esac
  done
fi

hostname "$name"
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old /.sys
# Kubernetes wants mounts to reach its pods.
mount --make-rshared /
exec env -i container=k3seed-lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /sbin/init </dev/console >/dev/console 2>&1
