# The workload: every program of it, by name and amount. Sourced by agent.sh, in the guest and on the host. Uses
#   $root   where Debian's programs are unpacked ("" in the guest)
#   $load   what starts one of them: nothing in the guest, their own dynamic linker on the host
#   $work   a folder for what they read and write
# prepare makes what a program reads, which is not timed; start does what is timed.

bin=$root/usr/bin
library=$(cd $root/ && echo usr/lib/python3.*)

# Text and machine code, $1 KiB of it, in $work/in.
input() {
    if [ ! -e $work/corpus ]; then
        (cd $root/; find $library -type f -name '*.py' | sort | xargs cat; cat usr/lib/x86_64-linux-gnu/libcrypto.so.*) > $work/corpus
    fi
    : > $work/in
    left=$1
    while [ $left -gt 0 ]; do
        head -c ${left}k $work/corpus | head -c 8192k >> $work/in
        left=$((left > 8192 ? left - 8192 : 0))
    done
}

# Random numbers, $1 thousand lines of them, by Park and Miller's minimal standard generator.
numbers() {
    $load $bin/mawk -v n=$1 'BEGIN { x = 1; for (i = 0; i < n * 1000; i++) { x = (x * 16807) % 2147483647; print x } }' > $work/in
}

prepare() {
    case $1 in
    sha256sum|gzip|xz|bzip2|aes|sha512) input $2 ;;
    gunzip) input $2; $load $bin/gzip -1 -c $work/in > $work/packed ;;
    unxz) input $2; $load $bin/xz -0 -c $work/in > $work/packed ;;
    bunzip2) input $2; $load $bin/bzip2 -c $work/in > $work/packed ;;
    sort) numbers $2 ;;
    untar) archive $2 > $work/packed ;;
    write) input $(($2 * 1024)) ;;
    esac
    : > $work/out
}

# A tree of some hundred files, packed $1 times.
archive() {
    for copy in $(seq $1); do
        $load $bin/tar -c -C $root/ --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=755 \
            --transform="s,^,$copy/," $library
    done
}

start() {
    case $1 in
    sha256sum) $load $bin/sha256sum < $work/in > $work/out ;;
    gzip) $load $bin/gzip -n < $work/in > $work/out ;;
    gunzip) $load $bin/gzip -d < $work/packed > $work/out ;;
    xz) $load $bin/xz -T1 < $work/in > $work/out ;;
    unxz) $load $bin/xz -d < $work/packed > $work/out ;;
    bzip2) $load $bin/bzip2 < $work/in > $work/out ;;
    bunzip2) $load $bin/bzip2 -d < $work/packed > $work/out ;;
    sort) $load $bin/sort < $work/in > $work/out ;;
    awk) $load $bin/mawk -v n=$2 "$awk_program" > $work/out ;;
    aes) $load $bin/openssl enc -aes-256-cbc -K 000102030405060708090a0b0c0d0e0f -iv 00 < $work/in > $work/out 2> /dev/null ;;
    sha512) $load $bin/openssl dgst -sha512 < $work/in > $work/out ;;
    speed-aes) speed -bytes 16384 -evp aes-256-cbc ;;
    speed-sha) speed -bytes 16384 -evp sha256 ;;
    speed-rsa) speed rsa2048 ;;
    python) PYTHONHOME=$root/usr $load $bin/python3 -B -S -c "$python_program" $2 > $work/out ;;
    tar) archive $2 > $work/out ;;
    untar) rm -rf $work/tree; mkdir $work/tree; $load $bin/tar -x -i -f $work/packed -C $work/tree ;;
    shell) count=0; while [ $count -lt $2 ]; do $load $bin/true && count=$((count + 1)); done; echo $count > $work/out ;;
    read) $load $bin/dd if=/dev/vda of=$work/out bs=1M count=$2 iflag=direct status=none ;;
    write) $load $bin/dd if=$work/in of=/dev/vda bs=64k seek=2048 oflag=direct conv=fsync status=none ;;
    *) $work/programs $1 $2 > $work/out ;;
    esac
}

# OpenSSL's own measurement, two seconds long: it prints a rate, from which come the seconds that a given amount takes.
speed() {
    $load $bin/openssl speed -mr -elapsed -seconds 2 "$@" 2> /dev/null | grep '^+F' > $work/out
}

# Of +F:NUMBER:NAME:BYTES_A_SECOND or +F2:NUMBER:BITS:SIGNATURES_A_SECOND:...: the seconds of $2 MiB, or of $2 signatures.
speed_seconds() {
    awk -F : -v n=$2 '/^.F2/ { printf "%.4f", n / $4 } /^.F:/ { printf "%.4f", n * 1048576 / $4 }' $work/out
}

awk_program='
BEGIN {
    x = 0.5
    for (i = 1; i <= n * 1000; i++) { x = 3.9 * x * (1 - x); s += sqrt(x) / i; t[i % 100] += x }
    for (i = 0; i < 100; i++) s += t[i] * i
    printf "%.6f\n", s
}'

python_program='
import sys
def primes(n):
    flags = bytearray([1]) * n
    for i in range(2, int(n ** 0.5) + 1):
        if flags[i]:
            flags[i * i::i] = bytes(len(range(i * i, n, i)))
    return sum(flags) - 2
def words(n):
    counts, x = {}, 1
    for _ in range(n):
        x = x * 16807 % 2147483647
        word = "w%d" % (x % 1000)
        counts[word] = counts.get(word, 0) + 1
    return max(sorted(counts), key=counts.get)
def harmonic(n):
    total = 0.0
    for i in range(1, n):
        total += 1.0 / (i * i) - total * 1e-7
    return total
for _ in range(int(sys.argv[1])):
    print(primes(100000), words(30000), repr(harmonic(50000)), 3 ** 5000 % 1000007)
'
