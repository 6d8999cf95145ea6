# Lets a JVM that stays do what kvm-img has done sooner than a JVM starts: docs/adr/0028-a-kvm-img-that-stays.md.
# It is started by the second such command within a minute and ends when none came for a minute. JKVM_RESIDENT=0 does without.
# Needs launch.sh, and what it found: $jdk, $workshop, $app.

# What names and dates are written by: a resident with others would answer otherwise.
locale=${LC_ALL-}/${LC_CTYPE-}/${LANG-}/${TZ-}

# Prints the resident's answer to the words, and exits with its status. Returns where the command has to be done here.
ask_resident() {
    local cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}} address port proof key file socket
    [[ ${JKVM_RESIDENT:-1} != 0 && $cache == /* && -z ${JAVA_TOOL_OPTIONS-}${JDK_JAVA_OPTIONS-} ]] || return 0
    address=$cache/jkvm/kvm-img${workshop//\//-}
    if [[ -O $address && $address -nt $app/made ]] && is_made "$workshop" && read -r port proof key < "$address" &&
        [[ $port =~ ^[0-9]+$ ]]; then
        [[ -n $key ]] || { start_resident "$port"; return; }
        if { exec {socket}<> "/dev/tcp/127.0.0.1/$port"; } 2> /dev/null; then
            exec {file}< "$address"
            converse "$@" && return
            exec {file}<&- {socket}<&-
        fi
    fi
    note_time
}

# What Call and Answer say, from the launcher's side. Fails where it is not a resident, or one that has other things to do.
# Numbers are of bytes: in the locale C.
converse() {
    local LC_ALL=C line status out err said=
    tell "$key"
    IFS= read -r -t 1 -u "$socket" line && [[ $line == "$proof" ]] || return
    tell $$ "$file" "$locale" $# "$@"
    read -r -u "$socket" status out err || { exec {file}<&- {socket}<&-; return 0; }
    ((out == 0)) || IFS= read -r -N "$out" -u "$socket" said
    printf %s "$said" 2> /dev/null || die "cannot write the answer to standard output"
    ((err == 0)) || { IFS= read -r -N "$err" -u "$socket" said && printf %s "$said" >&2; }
    exit "$status"
}

# Sends words, where somebody listens.
tell() {
    trap '' PIPE
    printf '%s\0' "$@" >&"$socket" || true
    trap - PIPE
} 2> /dev/null

# For the next command, that there was one, or that a resident starts in the $1 seconds to come. Its address takes this one's place.
note_time() {
    local now
    printf -v now '%(%s)T' -1
    mkdir -p "${address%/*}" && printf '%s\n' $((now + ${1:-0})) > "$address" || true
} 2> /dev/null

# Starts one where the last command was at second $1, less than a minute ago; this command need not wait for it.
start_resident() {
    local now
    printf -v now '%(%s)T' -1
    ((now >= $1)) || return 0
    note_time
    ((now - $1 < 60)) || return 0
    note_time 10
    jvm_flags
    (sleep 0.1 && sources) < /dev/null 2> /dev/null | become_resident > /dev/null 2>&1 &
}

# Nothing of the caller's is kept: no folder, no open file, which a lock may be on, no terminal.
become_resident() {
    local file
    cd /
    for file in "/proc/$BASHPID/fd/"*; do
        file=${file##*/}
        ((file < 3)) || exec {file}<&-
    done
    exec setsid "$jdk/bin/java" -XX:AOTCache="$app/kvm-img-look.aot" -Xlog:disable "${flags[@]}" -Xms32m -Xmx256m \
        -XX:TieredStopAtLevel=1 -XX:+ExitOnOutOfMemoryError \
        -m org.jkvm.app/org.jkvm.app.img.resident.Resident "$address" "$app/made" "$locale"
}
