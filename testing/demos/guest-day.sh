#!/usr/bin/env bash
# A user's day with a virtual hard disk and a guest that boots from it, each command shown with what it says: a disk of
# 20 GiB made, a Linux guest installs and fills it, a snapshot, the guest breaks itself, is rolled back, a linked clone runs
# beside the original, the disk is packed into a small image, sent over NBD and checked. Ends with status 1 where a step
# does not do what it says. Needs Debian's package client at its first start, for a kernel; takes a minute or two.
#
#     testing/demos/guest-day.sh [FOLDER]
set -euo pipefail
root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../.." && pwd)
source "$root/app/src/main/sh/launch.sh"
here=$root
find_jdk
choose_workshop
is_fresh "$workshop" || build
folder=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/guest-day-XXXXXX")
jobs=()
trap 'for job in "${jobs[@]}"; do kill "$job" 2> /dev/null || true; done; rm -rf "$folder"' EXIT
kernel=$("$jdk/bin/java" -XX:+UseSerialGC --enable-native-access=ALL-UNNAMED -cp "$app/lib/*" \
    "$root/testing/demos/MakeGuest.java" "$root/testing/demos/guest-day-init.sh" "$folder/initrd")
cd "$folder"

say() { printf '\n# %s\n' "$*"; }
img() { printf '\n$ kvm-img%s\n' "$(printf ' %q' "$@")"; "$root/kvm-img" "$@"; }

# Boots from disk $1 (of format qcow2 unless it says otherwise) to do $2, with more options behind.
boot() {
    local disk=$1 task=$2
    shift 2
    printf '\n$ kvm -drive file=%s,if=virtio,discard=unmap,detect-zeroes=unmap ... -append "... day=%s"%s\n' "$disk" "$task" "${*:+ $*}"
    "$root/kvm" -nodefaults -display none -no-reboot -serial stdio -m 256 -kernel "$kernel" -initrd initrd \
        -append "console=ttyS0 quiet day=$task" -drive "file=$disk,if=virtio,discard=unmap,detect-zeroes=unmap" \
        "$@" < /dev/null > "console-$task" 2>&1 || { cat "console-$task"; return 1; }
    tr -d '\r' < "console-$task" | grep -E '^(guest|kvm): ' || { cat "console-$task"; return 1; }
}
expect() { grep -q "$1" "console-$2" || { echo "expected: $1" >&2; exit 1; }; }
monitor() {
    printf '(kvm) %s\n' "$*"
    python3 - "$*" << 'END'
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect("monitor")
    text = b""
    def answer():
        global text
        while b"(kvm) " not in text.split(b"\n")[-1]:
            more = s.recv(4096)
            if not more:
                break
            text += more
        got, text = text, b""
        return got.decode()
    answer()
    s.sendall(sys.argv[1].encode() + b"\n")
    text = b"\n"
    while text.count(b"\n") < 2:
        text += s.recv(4096)
    for line in answer().replace("\r", "").split("\n")[2:-1]:
        print(line)
END
}

say "A disk of 20 GiB takes next to nothing until something is in it."
img create -f qcow2 disk.qcow2 20G
ls -ls disk.qcow2

say "A guest makes a file system on it and fills it."
boot disk.qcow2,format=qcow2 install
img snapshot -c works disk.qcow2
img info disk.qcow2

say "The guest breaks itself."
boot disk.qcow2,format=qcow2 break
boot disk.qcow2,format=qcow2 look
expect DAMAGED look

say "Rolled back."
img snapshot -a works disk.qcow2
boot disk.qcow2,format=qcow2 look
expect "every sum right" look

say "While it runs its disk is made to stand still, and a linked clone of that runs beside it."
boot disk.qcow2,format=qcow2 work -monitor unix:monitor,server=on,wait=off > original &
original=$!
jobs+=("$original")
until grep -q "wrote file 1" console-work 2> /dev/null; do sleep 0.2; done
monitor snapshot_blkdev virtio0 today.qcow2 qcow2
img create -f qcow2 -b disk.qcow2 -F qcow2 clone.qcow2
boot clone.qcow2,format=qcow2 look
wait "$original"
cat original
expect "work done" work
boot today.qcow2,format=qcow2 look
expect "every sum right" look
img info today.qcow2
img info clone.qcow2

say "What the day brought goes into the original; the clone gets what it stands on, and stands alone."
img rebase -p -b "" clone.qcow2
img commit today.qcow2
img snapshot -d works disk.qcow2

say "Packed, it is small."
img convert -p -c -o compression_type=zstd -O qcow2 disk.qcow2 packed.qcow2
img compare disk.qcow2 packed.qcow2
ls -s disk.qcow2 clone.qcow2 packed.qcow2

say "Over the network: copied, and booted from there, with writes kept aside."
printf '\n$ kvm-img nbd -r -k disk.sock -t packed.qcow2 &\n'
"$root/kvm-img" nbd -r -k disk.sock -t -e 4 packed.qcow2 &
jobs+=("$!")
until [[ -S disk.sock ]]; do sleep 0.1; done
img convert -O qcow2 "nbd+unix:///?socket=disk.sock" received.qcow2
boot "nbd+unix:///?socket=disk.sock,format=raw,snapshot=on" look
expect "every sum right" look
img compare -U packed.qcow2 received.qcow2

say "All of them are sound."
for image in disk clone received; do img check "$image.qcow2"; done
