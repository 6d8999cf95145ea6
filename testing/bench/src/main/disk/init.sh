#!/bin/sh
# The first process of a guest that measures its disk: a line "io NAME BYTES-A-SECOND" for each way to use it.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
. /load-modules
measure() { echo "io $1 $(/workload/disk-io /dev/vda $2 $3 $4 $5 SECONDS)"; }
dd if=/dev/zero of=/dev/vda bs=1M count=256 oflag=direct 2> /dev/null
for depth in 1 32; do
    measure "sequential-write-$depth" write seq 131072 $depth
    measure "sequential-read-$depth" read seq 131072 $depth
    measure "random-write-$depth" write random 4096 $depth
    measure "random-read-$depth" read random 4096 $depth
done
echo "io end"
poweroff -f
