#!/bin/sh
# The first process of a test's guest that reads its disk without end, past its own cache, until that fails.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
. /load-modules
block=0
while echo 3 > /proc/sys/vm/drop_caches && dd if=/dev/vda of=/dev/null bs=64k count=16 skip=$((block % 256 * 16)) 2> /tmp/dd; do
    echo "read $block"
    block=$((block + 1))
    sleep 0.2
done
echo "failed $block $(head -n 1 /tmp/dd)"
if dd if=/dev/zero of=/dev/vda bs=64k count=1 conv=fsync 2> /tmp/dd; then echo "write done"; else echo "write failed"; fi
poweroff -f
