#!/bin/sh
# Makes the files of an image from a root file system. Usage: disk.sh TAR OUT WORK SIZE
#
# It runs as root or under fakeroot: owners and device files go into the new file system as they are in the archive.
set -eu
tar=$1 out=$2 work=$3 size=$4

tar --extract --preserve-permissions --numeric-owner --file "$tar" --directory "$work"
rm "$tar"

# One kernel was installed; its initial RAM disk has the same version.
for kernel in "$work"/boot/vmlinuz-*; do
  cp "$kernel" "$out/disk.vmlinuz"
  cp "$work/boot/initrd.img-${kernel##*/vmlinuz-}" "$out/disk.initrd"
done

# Discarding the blocks of a new file first is no use.
mke2fs -q -t ext4 -L cloudimg-rootfs -E nodiscard -d "$work" "$out/disk.raw" "$size"
# As qcow2 it has no holes to lose: it stays small wherever it is copied.
qemu-img convert -f raw -O qcow2 "$out/disk.raw" "$out/disk.qcow2"
rm "$out/disk.raw"

dpkg-query --admindir "$work/var/lib/dpkg" --show --showformat '${Package} ${Version}\n'
