# Does what it reads: "NAME AMOUNT" runs a program of the workload, and prints around it what the harness waits for. Runs in
# busybox's shell, in the guest (its standard input and output are the console) and on the host.
#   START NAME / STOP NAME          around what is timed
#   BENCH NAME SECONDS CHECK-SUM    the seconds by this system's monotonic clock

uptime() { cut -d ' ' -f 1 /proc/uptime; }

# What a program's result is known by: the size of what it wrote, and the check-sum of its last MiB.
checksum() {
    case $1 in
    untar) (cd $work/tree; find . -type f | sort | xargs md5sum | md5sum | cut -c 1-16) ;;
    write) dd if=/dev/vda bs=64k skip=2048 count=16 2> /dev/null | md5sum | cut -c 1-16 ;;
    speed-*) echo - ;;
    *) echo $(wc -c < $work/out)-$(tail -c 1048576 $work/out | md5sum | cut -c 1-16) ;;
    esac
}

seconds() {
    case $1 in
    speed-*) speed_seconds $1 $2 ;;
    *) awk "BEGIN { print $to - $from }" ;;
    esac
}

export LC_ALL=C
rm -f $work/corpus
. $here/programs.sh
echo READY
while read -r name amount; do
    prepare $name $amount
    echo START $name
    from=$(uptime)
    start $name $amount
    status=$?
    to=$(uptime)
    echo STOP $name
    [ $status = 0 ] || echo "status $status" > $work/out
    echo BENCH $name $(seconds $name $amount) $(checksum $name)
done
