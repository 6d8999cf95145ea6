#!/usr/bin/env bash
# What -accel chooses and says on a host as it is, on one without /dev/kvm, on one where it is something else, and on one where it
# may not be opened. The hosts are mount namespaces of their own; what needs root to set up is left out without. Nothing is booted.
#
#     testing/demos/accel.sh KERNEL
set -euo pipefail
root=$(readlink -f -- "$(dirname -- "${BASH_SOURCE[0]}")/../..")
kernel=$(readlink -f -- "${1:?which kernel? any file that -kernel takes}")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$root/kvm" -version

# Shows a command and what it says on one line of its standard error output.
cat > "$folder/show" <<EOF
printf '\n\$ kvm -accel %s\n' "\$1"
echo quit | "$root/kvm" -accel "\$1" -S -nodefaults -display none -monitor stdio -kernel "$kernel" > "$folder/out" 2> "$folder/err" &&
    status=0 || status=\$?
cat "$folder/err"
echo "(status \$status)"
[ "\$(wc -l < "$folder/err")" -le 1 ] || { echo "more than one line"; exit 1; }
EOF
chmod 755 "$folder"; chmod 666 "$folder/show"; touch "$folder/out" "$folder/err"; chmod 666 "$folder"/*

printf '\n# As it is.\n'
for name in auto kvm kvm:soft; do bash "$folder/show" "$name"; done

printf '\n# No /dev/kvm.\n'
unshare -rm bash -euc 'mkdir "$0/dev"; for name in null zero random urandom tty; do
        touch "$0/dev/$name"; mount --bind "/dev/$name" "$0/dev/$name"; done
    mount --rbind "$0/dev" /dev; for name in auto kvm kvm:soft; do bash "$0/show" "$name"; done' "$folder"

printf '\n# /dev/kvm is a file.\n'
unshare -rm bash -euc 'touch "$0/file"; mount --bind "$0/file" /dev/kvm; for name in auto kvm; do bash "$0/show" "$name"; done' "$folder"

if [[ $(id -u) == 0 ]]; then
    printf '\n# /dev/kvm may be opened by a group only.\n'
    unshare -m bash -euc 'mount -t tmpfs none /mnt; cp -a /dev/kvm /mnt; chgrp games /mnt/kvm; chmod 660 /mnt/kvm
        mount --bind /mnt/kvm /dev/kvm
        for name in auto kvm; do setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$0" bash "$0/show" "$name"; done' "$folder"
fi
