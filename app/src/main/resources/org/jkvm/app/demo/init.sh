#!/bin/sh
# The first process of the guest that "kvm demo" boots.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
. /load-modules
mkdir /disk
# A disk is formatted only when its first 64 KiB are all zeroes, as a new one's are.
if ! mount -t ext4 /dev/vda /disk 2> /dev/null; then
    if [ -z "$(head -c 65536 /dev/vda | tr -d '\0')" ]; then
        echo "demo: formatting the new disk /dev/vda"
        mke2fs /dev/vda > /dev/null && mount -t ext4 /dev/vda /disk
    else
        echo "demo: /dev/vda holds something that is no file system known here; it is left alone"
    fi
fi
mkdir -p /etc/acpi/PWRF
echo '#!/bin/sh
exec /bin/leave' > /etc/acpi/PWRF/00000080
echo '#!/bin/sh
cd /
sync
mount -o remount,ro /disk
poweroff -f' > /bin/leave
chmod +x /etc/acpi/PWRF/00000080 /bin/leave
acpid 2> /dev/null
echo "export PS1='demo:\w# '
alias poweroff=leave
alias halt=leave
cd /disk" > /etc/profile
export HOME=/root ENV=/etc/profile PATH=/bin
echo "
This is $(uname -sr) in a virtual machine; its virtual hard disk is mounted on /disk.
Leave with: poweroff   (or end the machine with Ctrl-A x)
Come back with: kvm demo   (what is on /disk will still be there)
"
setsid cttyhack sh
leave
