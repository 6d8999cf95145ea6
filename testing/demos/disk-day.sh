#!/usr/bin/env bash
# A virtual hard disk's day: made, filled, kept, broken, rolled back, cloned, packed, sent over the network, checked.
# Shows every command and what it says; ends with status 1 where a step does not do what it says. No guest is booted: bench
# does the writing that a guest would do.
#
#     testing/demos/disk-day.sh [FOLDER]
set -euo pipefail
root=$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../..
folder=$(mktemp -d "${1:-${TMPDIR:-/tmp}}/disk-day-XXXXXX")
server=
trap '[[ -z $server ]] || kill "$server" 2> /dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"

img() { printf '\n$ kvm-img %s\n' "$*"; "$root/kvm-img" "$@"; }
say() { printf '\n# %s\n' "$*"; }
differ() { if img compare "$@"; then echo "they should differ" >&2; exit 1; fi; }

say "A disk of 20 GiB takes next to nothing until something is in it."
img create -f qcow2 disk.qcow2 20G
ls -ls disk.qcow2

say "Something is in it."
img bench -w -c 256 -s 64k -S 1M --pattern 77 disk.qcow2
img snapshot -c works disk.qcow2
img snapshot -l disk.qcow2
img convert -O qcow2 -l works disk.qcow2 kept.qcow2

say "It is broken, and rolled back."
img bench -q -w -c 128 -s 64k -S 1M --pattern 13 disk.qcow2
differ disk.qcow2 kept.qcow2
img snapshot -a works disk.qcow2
img compare disk.qcow2 kept.qcow2

say "A linked clone keeps only what differs from it."
img create -f qcow2 -b disk.qcow2 -F qcow2 clone.qcow2
img bench -q -w -c 16 -s 64k -S 2M --pattern 99 clone.qcow2
img info clone.qcow2
img compare disk.qcow2 kept.qcow2
img rebase -p -b kept.qcow2 -F qcow2 clone.qcow2
img snapshot -d works disk.qcow2

say "Packed, it is small."
img convert -p -c -o compression_type=zstd -O qcow2 clone.qcow2 packed.qcow2
img compare clone.qcow2 packed.qcow2
ls -s disk.qcow2 kept.qcow2 clone.qcow2 packed.qcow2

say "Over the network."
printf '\n$ kvm-img nbd -r -k disk.sock packed.qcow2 &\n'
"$root/kvm-img" nbd -r -k disk.sock packed.qcow2 &
server=$!
for _ in {1..100}; do [[ -S disk.sock ]] && break; sleep 0.1; done
img convert -O qcow2 "nbd+unix:///?socket=disk.sock" received.qcow2
img compare clone.qcow2 received.qcow2

say "All of them are sound."
for image in disk kept clone packed received; do img check "$image.qcow2"; done
