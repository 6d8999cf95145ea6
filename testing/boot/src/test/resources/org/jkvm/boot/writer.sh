#!/bin/sh
# The first process of a test's guest that writes without end, and says after which block the disk was flushed.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
. /load-modules
block=0
while dd if=/dev/urandom of=/dev/vda bs=64k count=16 seek=$((block * 16)) conv=fsync 2> /tmp/dd; do
    echo "flushed $block $(dd if=/dev/vda bs=64k count=16 skip=$((block * 16)) 2> /dev/null | md5sum | cut -c 1-32)"
    block=$((block + 1))
done
echo "failed $block $(head -n 1 /tmp/dd)"
poweroff -f
