#!/bin/sh
# The first process of a test's guest that moves between engines: computes checksums, watches its clock and writes to its disk
# all the while, and says on the console what time it is when asked "time". "stop" ends it, with what it found.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
. /load-modules

checksums() {
    until [ -e /stop ]; do seq 1 20000 | sha256sum >> /tmp/sums; done
}

# A time of day as a number of microseconds.
micros() {
    time=$EPOCHREALTIME
    micros=${time%.*}${time#*.}
}

watch_clock() {
    reads=0 back=0 longest=0
    micros; last=$micros
    until [ -e /stop ]; do
        usleep 2000
        micros
        past=$((micros - last)) last=$micros reads=$((reads + 1))
        [ $past -ge 0 ] || back=$((back + 1))
        [ $past -le $longest ] || longest=$past
    done
    echo "reads $reads back $back longest $longest" > /tmp/clock
}

use_disk() {
    written=0 wrong=0
    until [ -e /stop ]; do
        dd if=/dev/urandom of=/tmp/block bs=64k count=4 2> /dev/null
        dd if=/tmp/block of=/dev/vda bs=64k seek=$((written % 100 * 4)) conv=fsync 2> /dev/null
        echo 3 > /proc/sys/vm/drop_caches
        dd if=/dev/vda bs=64k count=4 skip=$((written % 100 * 4)) 2> /dev/null | cmp -s - /tmp/block || wrong=$((wrong + 1))
        written=$((written + 1))
    done
    echo "written $written wrong $wrong" > /tmp/disk
}

renice -n -20 $$ > /dev/null
checksums & use_disk & watch_clock &
renice -n 39 $(jobs -p) > /dev/null
echo "guest ready"
while read word; do
    case $word in
        time) echo "time $EPOCHREALTIME" ;;
        stop) break ;;
    esac
done
touch /stop
wait
echo "==== checksums"; sort /tmp/sums | uniq -c
echo "==== clock"; cat /tmp/clock
echo "==== disk"; cat /tmp/disk
echo "==== clocksource"; cat /sys/devices/system/clocksource/clocksource0/current_clocksource
echo "==== interrupts"; cat /proc/interrupts
echo "==== trouble"
dmesg | grep -E 'BUG|WARNING|lockup|unchecked MSR|Call Trace|rcu.*stall|clocksource.*unstable|Oops|panic|nobody cared|lost|timed out|blocked for'
echo "==== end"
poweroff -f
