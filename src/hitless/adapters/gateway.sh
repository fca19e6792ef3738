# All that hitless does in the gateway's container, in any POSIX shell: `sh -c <this text> sh <function> …`.
# An application's name is a name as Compose takes it: nothing in it means anything to a shell or in a path.
root=
routes=$root/etc/hitless/routes # each application's routing file, and a copy of it: on the disk, root writes it
served=$root/run/hitless        # what Traefik reads of it: in memory, made at each start of what is whole
state=$root/var/lib/hitless

# Run what comes on standard input, a line each. A line is run only if it begins with the token, which nothing
# knows that may be left over in the pipe, and only if it is whole: the last one of a killed hitless is not.
# The token ends what a line writes, and the exit code stands beside it.
serve() { # token
    while IFS= read -r line; do
        case $line in "$1 "*) ;; *) exit 1 ;; esac
        (eval "${line#* }")
        printf '\n%s %s\n' "$1" "$?"
        printf '\n%s\n' "$1" >&2
    done
}

# Who has the lock: the process that wrote the holder's file, as long as it is there with the lock open.
held() { # application
    { read -r pid && read -r name; } 2>/dev/null < "$state/$1/holder" || return 1
    [ "$(readlink "/proc/$pid/fd/9" 2>/dev/null)" = "$state/$1/lock" ] || return 1
    now=$(date +%s)
    echo "held $((now - $(stat -c %Y "$state/$1/holder"))) $((now - $(stat -c %Y "$state/$1/journal"))) $name"
}

# All that is kept, as an archive; what is said of it goes to standard error.
look() { # application or -, bytes of the journal
    {
        df -Pk "$state" | tail -n 1
        for file in "$routes/.copy"/*; do
            name=${file##*/}
            [ ! -e "$file" ] || [ -e "$routes/$name.yml" ] || echo "gone $name.yml"
        done
        for file in "$served/aside"/*; do [ ! -e "$file" ] || echo "aside ${file##*/}"; done
        if [ -e "$state/$1/journal" ]; then
            echo "quiet $(($(date +%s) - $(stat -c %Y "$state/$1/journal")))"
            held "$1"
            echo journal
            # what was begun last may stand in the file before, which the same command has just put aside
            cat "$state/$1/journal.1" "$state/$1/journal" 2>/dev/null | tail -c "$2"
        fi
    } >&2
    kept=$state/$1/releases
    set --
    # without what is on its way, and the gateway's own, which begin with a dot
    for file in "$routes"/* "$kept"/*; do
        [ ! -f "$file" ] || set -- "$@" "${file#"$root/"}"
    done
    [ $# -eq 0 ] || { cd "$root/" && tar cf - "$@"; }
}

# The copies of routing files that are damaged or gone, as an archive.
copies() { # files' names
    cd "$routes/.copy" 2>/dev/null || return 0
    for name; do
        shift
        [ ! -e "${name%.yml}" ] || set -- "$@" "${name%.yml}"
    done
    [ $# -eq 0 ] || tar cf - "$@"
}

# The lock is the kernel's, held by the process that writes the journal: it goes when that process ends, and
# that ends when its standard input does, which is when hitless ends, however that comes about. A line that
# can't be written, on a full disk, is no reason to end.
lock() { # application, holder, wait or now
    umask 077
    mkdir -p "$state/$1" || exit 1
    exec 9>>"$state/$1/lock"
    if ! flock -n 9; then
        held "$1" || echo "held 0 0 a command that has just begun"
        [ "$3" = wait ] || exit 75
        flock 9
    fi
    journal=$state/$1/journal
    [ "$(stat -c %s "$journal" 2>/dev/null || echo 0)" -gt 1000000 ] && mv -f "$journal" "$journal.1"
    { printf '%s\n' "$$" "$2" > "$state/$1/holder"; echo >> "$journal"; } 2>/dev/null
    echo locked
    while IFS= read -r line; do
        printf '%s\n' "$line" >> "$journal"
        # nobody waits for the disk here; an empty line is no more than a sign of life
        [ -z "$line" ] || sync "$journal"
    done 2>/dev/null
}

unlock() { # application
    held "$1" || return 0
    kill "$pid"
    for _ in 1 2 3 4 5 6 7 8 9 10; do held "$1" > /dev/null || return 0; sleep 0.2; done
    kill -9 "$pid"
}

journal() { # application
    cd "$state/$1" 2>/dev/null || return 0
    for file in journal.1 journal; do [ ! -e $file ] || cat $file; done
}

# Until it is on the disk and survives a power cut: a file, or a folder with the names in it.
persist() { # file or folder
    sync "$1" 2>/dev/null || sync
}

# The rename is the one instant (measured). The length is checked, or an end of input that came early would put
# half of it in place. It is cat that writes: of a full disk BusyBox's head says no more than "I/O error".
# Without the two syncs a power cut leaves a file of that name that is empty or full of NULs.
put() { # new file, place, bytes
    head -c "$3" | cat > "$1" && [ "$(wc -c < "$1")" -eq "$3" ] && persist "$1" && mv -f "$1" "$2" &&
        persist "${2%/*}"
}

record() { # application, release, bytes
    umask 077
    mkdir -p "$state/$1/releases" && put "$state/$1/releases/.next" "$state/$1/releases/$2.json" "$3"
}

forget() { # application, releases
    for release in $2; do rm -f "$state/$1/releases/$release.json"; done
}

# Alone with what is in memory: deliveries and the gateway's own start exclude each other.
alone() {
    [ ! -d "$served/routes" ] || { exec 7>>"$served/lock" && flock 7; }
}

# On the disk first, then in memory: what is in force survives whatever comes. A delivery that was interrupted may
# be under way in another shell: it finds no file to put in place.
deliver() { # application, bytes
    umask 027 # password hashes are in it: for root, and for the gateway's group
    alone
    mkdir -p "$routes/.next" "$routes/.copy" && rm -f "$routes/.next/$1".* &&
        put "$routes/.next/$1.$$" "$routes/$1.yml" "$2" && show "$1.yml" && copy "$1.yml" "$routes/.copy/$1"
}

# Where the disk loses one of the two, the other is there at the next start. It is not waited for: a power cut
# that takes it leaves the first. Its name must not end as one that Traefik reads: a gateway that an older hitless
# has made reads the disk.
copy() { # file's name, to
    cp "$routes/$1" "$routes/.next/copy.$$" && mv -f "$routes/.next/copy.$$" "$2"
}

# The new file is written in a folder beside the one that Traefik watches: within it, it would set off a reload of
# what is there already, and the throttle after that one would hold up ours by a tenth of a second (measured,
# docs/decisions/0011-delivery.md).
show() { # file's name
    [ -d "$served/routes" ] || return 0 # made by an older hitless: it watches the disk
    cp "$routes/$1" "$served/next/$1.$$" && mv -f "$served/next/$1.$$" "$served/routes/$1" && rm -f "$served/aside/$1"
}

# The copy goes first: a file that is gone while its copy is there was not taken away by us.
withdraw() { # application
    alone
    rm -f "$routes/.copy/$1" "$routes/$1.yml" && { [ ! -d "$routes" ] || persist "$routes"; }
    rm -f "$served/routes/$1.yml" "$served/aside/$1.yml"
}

# Whether a file is as hitless wrote it: the digest in its first line is that of all that comes after it.
whole() { # file
    [ -s "$1" ] || return 1
    [ "$(head -c 74 "$1")" != "# hitless $(tail -c +76 "$1" | sha256sum | cut -c -64)" ] || return 0
    # as older ones wrote it: of the lines from the second on, before they were made safe for Traefik's templates
    [ "$(head -c 37 "$1")" = "# hitless {\"digest\":\"$(
        sed -e 1d -e 's/{{"{{"}}/{{/g' "$1" | sha256sum | cut -c -16
    )" ]
}

# The gateway's own files begin with a dot, which no application's name does.

# What the gateway's container runs: Traefik, on what is whole. It is nobody's user: the disk is not its to write.
start() { # Traefik's arguments
    umask 0 # root has no capability here, and is to write beside Traefik's user
    mkdir -p "$served/routes" "$served/next" "$served/aside" "$served/held"
    : >> "$served/lock"
    umask 022
    alone
    for file in "$routes"/*.yml "$routes"/.[a-z]*.yml "$routes/.copy"/* "$routes/.copy"/.[a-z]*; do
        name=${file##*/}
        name=${name%.yml}.yml
        if [ ! -f "$file" ] || [ -e "$served/routes/$name" ]; then
            continue
        elif whole "$file"; then
            cp "$file" "$served/routes/$name"
        else
            echo "hitless: ${file#"$routes/"} is damaged, or was changed by hand: it is not served" >&2
        fi
    done
    exec 7>&-
    (guard &)
    [ ! -x /entrypoint.sh ] || exec /entrypoint.sh "$@"
    exec traefik "$@"
}

# Traefik takes all files or none. One that it refuses (an older version may) must not keep out all others: then
# they are given to it one by one, and that one is set aside.
guard() {
    # it reads its files at once; for so long they are left to it on a host that is busy
    within 300 api ping && ! within 50 routing || return 0
    alone
    mv "$served"/routes/*.yml "$served/held/"
    for file in "$served"/held/*.yml; do
        name=${file##*/}
        mv "$file" "$served/routes/"
        within 50 taken "$name" && continue
        mv "$served/routes/$name" "$served/aside/"
        echo "hitless: Traefik refuses $name: it is set aside, and not served" >&2
    done
}

# Whether Traefik has taken any file, and so all of them, or has none to take.
routing() {
    for file in "$served"/routes/*.yml; do
        if [ ! -e "$file" ] || taken "${file##*/}"; then return 0; fi
    done
    return 1
}

# Whether Traefik has taken an application's file.
taken() { # file's name
    api "api/http/routers/${1%.yml}.generation.marker@file"
}

api() { # path
    wget -q -O - "http://127.0.0.1:8080/$1" > /dev/null 2>&1
}

within() { # tenths of a second, command
    left=$1
    shift
    while ! "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

# Whether a file is there that can be served, or its copy.
has() { # file's name without its ending
    if whole "$routes/$1.yml" || whole "$routes/.copy/$1"; then echo yes; else echo no; fi
}

# Put back on the disk what is damaged or gone there, and whose copy is whole. Says what.
heal() {
    alone
    umask 027
    for file in "$routes/.copy"/* "$routes/.copy"/.[a-z]*; do
        name=${file##*/}
        [ -f "$file" ] && ! whole "$routes/$name.yml" && whole "$file" || continue
        cp "$file" "$routes/.next/$name.$$" && persist "$routes/.next/$name.$$" &&
            mv -f "$routes/.next/$name.$$" "$routes/$name.yml" && persist "$routes" && echo "$name.yml"
    done
}

# The kernel's tables of connections; a host may have no IPv6.
connections() {
    cat /proc/net/tcp
    cat /proc/net/tcp6 2>/dev/null || true
}

# One request, and the raw answer. A pipe that is open for writing, too, never ends: nc would half-close the
# connection at the end of its input, which servers may take for a client that has gone. BusyBox's nc has no
# limit of its own once it is connected.
probe() { # host, port, request with octal escapes, seconds, most bytes
    pipe=/dev/shm/hitless.$$
    rm -f "$pipe" && mkfifo "$pipe" && exec 8<>"$pipe" && rm "$pipe" || exit 1
    printf '%b' "$3" >&8
    {
        timeout "$4" nc "$1" "$2" <&8
        case $? in 124 | 143) echo "nc: no answer within $4 s" >&2 ;; esac
    } | head -c "$5"
}

# Whether a connection is accepted.
reach() { # host, port, seconds
    # not -z: a BusyBox may be built without it, and then no connection would ever count
    timeout "$3" nc "$1" "$2" -e true < /dev/null
}

"$@"
