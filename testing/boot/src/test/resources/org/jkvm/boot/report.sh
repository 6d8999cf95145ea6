#!/bin/sh
# The first process of a test's guest: says what it finds, uses the disk, powers off. Sections begin with "==== name".
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
. /load-modules
section() { echo "==== $1"; }
section cpuinfo
cat /proc/cpuinfo
section clocksource
cat /sys/devices/system/clocksource/clocksource0/current_clocksource
section pci
for device in /sys/bus/pci/devices/*; do
    echo "$(basename $device) $(cat $device/vendor):$(cat $device/device) $(cat $device/class)"
done
section pnp
for device in /sys/bus/pnp/devices/*; do head -n 1 $device/id; done
section disk
if [ -e /dev/vda ]; then
    mke2fs /dev/vda > /dev/null && mount -t ext4 /dev/vda /mnt
    seq 1 20000 > /mnt/numbers
    umount /mnt && mount -t ext4 /dev/vda /mnt
    sha256sum /mnt/numbers
    umount /mnt
fi
section sleep
from=$(cut -d. -f1 /proc/uptime)
sleep 2
echo $(($(cut -d. -f1 /proc/uptime) - from))
section trouble
dmesg | grep -E 'BUG|WARNING|lockup|unchecked MSR|Call Trace|rcu.*stall|clocksource.*unstable|Oops|panic|irq .*nobody cared'
section end
poweroff -f
