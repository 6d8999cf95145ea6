#!/bin/sh
# The first process of testing/demos/guest-day.sh's guest. What it does with the disk is a word on the kernel's command line.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
. /load-modules > /dev/null 2>&1
say() { echo "guest: $*"; }
disk=/mnt

# A file system with a "system" on it: a script that finds out whether all that belongs to it is there.
install() {
    mke2fs -F -i 65536 /dev/vda > /dev/null && mount -t ext2 /dev/vda $disk
    mkdir $disk/bin $disk/etc $disk/data
    cp /bin/busybox $disk/bin/busybox
    cat > $disk/etc/boot << 'END'
cd $disk && md5sum -c -s etc/sums && echo "guest: $(ls data | wc -l) files, $(du -sm . | cut -f 1) MiB, every sum right"
END
    fill 1 96
    umount $disk
    say "installed on $(cat /sys/block/vda/size) sectors"
}

fill() {
    for i in $(seq $1 $2); do
        dd if=/dev/urandom of=$disk/data/noise$i bs=64k count=4 2> /dev/null
        yes "line $i of a log that says the same again and again" | head -c 4194304 > $disk/data/log$i
    done
    (cd $disk && md5sum bin/busybox data/* > etc/sums)
    sync
}

start() {
    if mount -t ext2 /dev/vda $disk && [ -f $disk/etc/boot ]; then
        . $disk/etc/boot || say "DAMAGED: files are not what they were"
    else
        say "DAMAGED: there is no system on this disk"
    fi
}

mount -t sysfs sys /sys
case " $(cat /proc/cmdline) " in
    *" day=install "*) install ;;
    *" day=look "*) start ;;
    *" day=break "*) start
        rm -rf $disk/etc && dd if=/dev/zero of=$disk/data/noise7 bs=64k count=4 2> /dev/null && sync
        say "rm -rf /etc: done" ;;
    *" day=work "*) start
        for i in 1 2 3 4 5 6 7 8; do
            dd if=/dev/urandom of=$disk/data/work$i bs=64k count=4 2> /dev/null
            say "wrote file $i"
            sync
            sleep 1
        done
        (cd $disk && md5sum bin/busybox data/* > etc/sums)
        cd / && umount $disk && say "work done" ;;
esac
cd /
sync
umount $disk 2> /dev/null
poweroff -f
