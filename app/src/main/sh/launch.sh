# What kvm and kvm-img share: find a JDK, build where the sources are newer than the application, start it.
# Needs $here, the root of the sources. Progress goes to stderr; stdout belongs to the command.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$@"; exit 1; }

# Whether $1 is the home of a JDK 25 or later: its "release" file says so without starting it.
is_jdk() {
    local line
    [[ -x $1/bin/java && -x $1/bin/javac && -r $1/release ]] || return 1
    while IFS= read -r line; do
        [[ $line =~ ^JAVA_VERSION=\"([0-9]+) ]] && { ((BASH_REMATCH[1] >= 25)); return; }
    done < "$1/release"
    return 1
}

find_jdk() {
    local home
    if [[ -n ${JAVA_HOME:-} ]] && is_jdk "$JAVA_HOME"; then jdk=$JAVA_HOME; return; fi
    # The one that the last build was for.
    if [[ -r $here/app/target/kvm/made ]] && read -r jdk home < "$here/app/target/kvm/made" && is_jdk "$jdk"; then return; fi
    for home in java javac; do
        on_path "$home"
        if is_jdk "$jdk"; then return; fi
    done
    for home in /usr/lib/jvm/* ~/.sdkman/candidates/java/* ~/.jdks/* /opt/* /usr/local/*; do
        if is_jdk "$home"; then jdk=$home; return; fi
    done
    die "needs a JDK 25 or later (set JAVA_HOME, or: apt install openjdk-25-jdk-headless, or https://adoptium.net)"
}

# Sets jdk to the home of the JDK that a tool on PATH belongs to. Each process that need not be started saves a millisecond.
on_path() {
    local folder folders
    IFS=: read -r -a folders <<< "$PATH"
    for folder in "${folders[@]}"; do
        if [[ -x $folder/$1 && ! -d $folder/$1 ]]; then
            jdk=$folder/$1
            [[ ! -L $jdk ]] || jdk=$(readlink -f "$jdk")
            jdk=${jdk%/bin/*}
            return
        fi
    done
    jdk=
}

# Where the application is built: in the clone, or in the cache where the clone can't be written.
choose_workshop() {
    workshop=$here
    if [[ ! -w $here ]] && ! is_fresh "$here"; then
        workshop=${XDG_CACHE_HOME:-$HOME/.cache}/jkvm/build${here//\//-}
    fi
    app=$workshop/app/target/kvm
}

# Whether the application under $1 is there, newer than every source, and made for this JDK and place.
is_fresh() {
    is_made "$1" && [[ -z $(newer_sources "$1/app/target/kvm/made") ]]
}

# The same, but for the sources.
is_made() {
    local made=$1/app/target/kvm/made line
    [[ -r $made ]] && IFS= read -r line < "$made" && [[ $line == "$jdk $1" ]]
}

# Only to be called as $(newer_sources FILE): the shell that does it becomes find.
newer_sources() {
    sources -newer "$1" -print -quit
}

# Becomes find, over everything that the application is built from, with the words given.
sources() {
    exec find "$here"/pom.xml "$here"/*/pom.xml "$here"/*/*/pom.xml "$here"/*/src/main "$here"/*/*/src/main "$@" 2> /dev/null
}

# Flags for commands that end soon: their time is the host's, so loops are compiled early and simply, and what is called often
# only when it is called very often: starting alone calls hundreds of methods hundreds of times.
# The cache is mapped where it was made for: it need not be relocated. Chosen by measurement (docs/benchmarks.md).
extra=()
brief=(-XX:+UnlockDiagnosticVMOptions -XX:-AOTReplayTraining -XX:ArchiveRelocationMode=0 -XX:TieredStopAtLevel=1
    -XX:Tier3BackEdgeThreshold=2000 -XX:Tier3InvocationThreshold=2000 -XX:Tier3MinInvocationThreshold=1000
    -XX:Tier3CompileThreshold=5000)
# For those that end before compiled code is worth its making.
briefest=("${brief[@]:0:3}" -Xint)

# JVM flags, chosen by measurement: guest RAM is outside the heap, so the heap is small and its collector the simplest, which
# stops the guest less often where there is more room for what is new.
jvm_flags() {
    flags=(-XX:+UseSerialGC -Xms64m -Xmx1g -XX:TieredStopAtLevel=4 -XX:-UsePerfData
        --enable-native-access=org.jkvm.linux,org.jkvm.x64,com.github.luben.zstd_jni -p "$app/lib")
}

build() {
    (
        mkdir -p "$workshop/app/target"
        exec 9> "$workshop/app/target/.lock"
        flock 9
        is_fresh "$workshop" && exit
        type -P mvn > /dev/null || die "needs Maven for its first start, which builds it (apt install maven)"
        say "building with $jdk (first start, or sources changed)"
        [[ $workshop == "$here" ]] || copy_sources
        rm -rf "$app"
        package
        train
        printf '%s %s\n' "$jdk" "$workshop" > "$app/made"
        say "built"
    ) || exit 1
}

copy_sources() {
    (cd "$here" && tar -c --exclude=target --exclude=.git .) | tar -x -C "$workshop"
}

package() {
    local log=$workshop/app/target/build.log line
    JAVA_HOME=$jdk mvn -B -ntp -f "$workshop/pom.xml" -pl app -am -Dmaven.test.skip=true package 2>&1 | tee "$log" |
        while IFS= read -r line; do
            [[ $line =~ Building\ (.*)\ ([^ ]+)\ +(\[.*/.*\]) ]] && say "  ${BASH_REMATCH[3]} ${BASH_REMATCH[1]}"
        done || true
    [[ -d $app/lib ]] || { grep -F ERROR "$log" | head -n 12 >&2; die "the build failed: see $log"; }
}

# Ahead-of-time caches (JEP 483, 514, 515): classes loaded and linked, and profiles of a training run. Each command has its
# own: the JVM loads everything that is in it. kvm-img-look is for those of kvm-img that end soon.
train() {
    local command
    say "  making the ahead-of-time caches"
    jvm_flags
    for command in kvm kvm-img kvm-img-look; do
        "$jdk/bin/java" -XX:AOTCacheOutput="$app/$command.aot" "${flags[@]}" -m org.jkvm.app/org.jkvm.app.Training $command \
            < /dev/null > "$workshop/app/target/training-$command.log" 2>&1 || say "  no ahead-of-time cache: $command will start slower"
    done
}

# Starts class $1 with the words behind it, with the flags in $extra and the cache named $cache.
launch() {
    local main=$1
    shift
    find_jdk
    choose_workshop
    is_fresh "$workshop" || build
    jvm_flags
    exec "$jdk/bin/java" -XX:AOTCache="$app/$cache.aot" -Xlog:disable -Xlog:all=error:stderr "${flags[@]}" "${extra[@]}" \
        -m "org.jkvm.app/$main" "$@"
}
