#!/bin/sh
# The first process of a test's guest whose disks are changed under it: says what it sees of that, then writes without end.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
. /load-modules
echo "guest ready"
until [ -e /dev/vdb ]; do sleep 1; done
echo "vdb came $(cat /sys/block/vdb/size) $(dd if=/dev/vdb bs=64k count=16 2> /dev/null | md5sum | cut -c 1-32)"
dd if=/dev/urandom of=/dev/vdb bs=64k count=16 seek=16 conv=fsync 2> /dev/null
echo "vdb wrote $(dd if=/dev/vdb bs=64k count=16 skip=16 2> /dev/null | md5sum | cut -c 1-32)"
while [ -e /dev/vdb ]; do sleep 1; done
echo "vdb went"
until [ "$(cat /sys/block/vda/size)" = 1048576 ]; do sleep 1; done
echo "vda grew"
block=0
while dd if=/dev/urandom of=/dev/vda bs=64k count=16 seek=$((block % 200 * 16)) conv=fsync 2> /tmp/dd; do
    echo "flushed $((block % 200)) $(dd if=/dev/vda bs=64k count=16 skip=$((block % 200 * 16)) 2> /dev/null | md5sum | cut -c 1-32)"
    block=$((block + 1))
done
echo "failed $block $(head -n 1 /tmp/dd)"
poweroff -f
