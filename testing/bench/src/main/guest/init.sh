#!/bin/sh
# The first process of the workload's guest.
/bin/busybox --install -s /bin
export PATH=/bin OPENSSL_CONF=/dev/null HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o size=75% tmpfs /tmp
. /load-modules
stty -echo
root= load= work=/tmp here=/workload
cp /workload/programs /tmp/programs 2> /dev/null
. /workload/agent.sh
poweroff -f
