# All that hitless does in the gateway's container, in any POSIX shell: `sh -c <this text> sh <function> …`.
# An application's name is a name as Compose takes it: nothing in it means anything to a shell or in a path.
root=
routes=$root/etc/hitless/routes
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

# Who has the lock: the process that wrote the holder's file, as long as it is there with the lock open. `left` is
# a lock whose hitless has ended, and which a Docker command that it began holds still.
held() { # application
    { read -r pid && read -r name; } 2>/dev/null < "$state/$1/holder" || return 1
    [ "$(readlink "/proc/$pid/fd/9" 2>/dev/null)" = "$state/$1/lock" ] || return 1
    how=held
    { read -r left; } 2>/dev/null < "$state/$1/left" && [ "$left" = "$pid" ] && how=left
    now=$(date +%s)
    echo "$how $((now - $(stat -c %Y "$state/$1/holder"))) $((now - $(stat -c %Y "$state/$1/journal"))) $name"
}

# When a process began, in the kernel's ticks since its boot: with its number the name of this one and no other.
began() { # process
    read -r line 2>/dev/null < "/proc/$1/stat" && set -- $line && echo "${22}"
}

# Whether the lock is still what its process said that it is: there, the same one, with the lock open.
holds() { # application, claim
    [ "$(readlink "/proc/${2%.*}/fd/9" 2>/dev/null)" = "$state/$1/lock" ] &&
        [ "$(began "${2%.*}")" = "${2#*.}" ] && return
    echo "the lock of $1 is held no more" >&2
    exit 76
}

# Do something that only the holder of the lock may. While it is done no other one gets the lock: a command that
# was suspended, and goes on when its lock has been taken away, changes nothing of what another one has made.
fenced() ( # application, claim, command
    [ ! -d "$state/$1" ] || { exec 7<"$state/$1" && flock 7; } || exit 1
    holds "$1" "$2" && shift 2 && "$@"
)

# Of each command's events those that say what became of it: its beginning, the last step that began, its end. What
# jobs and hooks have written stands between them, and may be any number of bytes.
turns() {
    awk '
        function flush() { if (step != "") print step; step = "" }
        /^[{]"time": "[^"]*", "event": "step_began"/ { step = $0 }
        /^[{]"time": "[^"]*", "event": "(began|ended)"/ { flush(); print }
        END { flush() }
    '
}

# All that is kept, as an archive; what is said of it goes to standard error.
look() { # application or -, lines of the journal
    {
        df -Pk "$state" | tail -n 1
        if [ -e "$state/$1/journal" ]; then
            echo "quiet $(($(date +%s) - $(stat -c %Y "$state/$1/journal")))"
            held "$1"
            echo journal
            # what was begun last may stand in the file before, which the same command has just put aside
            cat "$state/$1/journal.1" "$state/$1/journal" 2>/dev/null | turns | tail -n "$2"
        fi
    } >&2
    kept=$state/$1/releases
    set --
    # without what is on its way, which begins with a dot
    for file in "$routes"/* "$kept"/*; do
        [ ! -f "$file" ] || set -- "$@" "${file#"$root/"}"
    done
    [ $# -eq 0 ] || { cd "$root/" && tar cf - "$@"; }
}

# The lock is the kernel's, held by the process that writes the journal: it goes when that process ends, and
# that ends when its standard input does, which is when hitless ends, however that comes about, and the commands
# that it began (adapters/lifeline.py): that it has ended itself, a line says that is no event. Who comes then waits
# for them. A line that can't be written, on a full disk, is no reason to end.
lock() { # application, holder, wait or now
    umask 077
    mkdir -p "$state/$1" || exit 1
    exec 9>>"$state/$1/lock"
    if ! flock -n 9; then
        how=held
        held "$1" || echo "held 0 0 a command that has just begun"
        [ "$3$how" != nowheld ] || exit 75
        flock 9
    fi
    # what was begun for the one before is over then
    (exec 7<"$state/$1" && flock 7)
    journal=$state/$1/journal
    [ "$(stat -c %s "$journal" 2>/dev/null || echo 0)" -gt 1000000 ] && mv -f "$journal" "$journal.1"
    { printf '%s\n' "$$" "$2" > "$state/$1/holder"; echo >> "$journal"; } 2>/dev/null
    echo "locked $$.$(began $$)"
    while IFS= read -r line; do
        if [ "$line" = left ]; then echo $$ > "$state/$1/left"; else printf '%s\n' "$line" >> "$journal"; fi
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

# The rename is the one instant (measured). The length is checked, or an end of input that came early would put
# half of it in place. It is cat that writes: of a full disk BusyBox's head says no more than "I/O error".
put() { # application, claim, new file, place, bytes
    # one that was interrupted may be under way in another shell: it finds no file to put in place
    fenced "$1" "$2" rm -f "$3".* && head -c "$5" | cat > "$3.$$" && [ "$(wc -c < "$3.$$")" -eq "$5" ] &&
        fenced "$1" "$2" mv -f "$3.$$" "$4"
}

record() { # application, claim, release, bytes
    umask 077
    kept=$state/$1/releases
    mkdir -p "$kept" && put "$1" "$2" "$kept/.next" "$kept/$3.json" "$4"
}

forget() { # application, claim, releases
    for release in $3; do fenced "$1" "$2" rm -f "$state/$1/releases/$release.json" || return; done
}

# The new file is written in a folder below the one that Traefik watches: beside its place it would set off a
# reload of what is there already, and the throttle after that one would hold up ours by a tenth of a second
# (measured, docs/decisions/0011-delivery.md).
deliver() { # application, claim, bytes
    mkdir -p "$routes/.next" && put "$1" "$2" "$routes/.next/$1" "$routes/$1.yml" "$3"
}

withdraw() { # application, claim
    fenced "$1" "$2" rm -f "$routes/$1.yml"
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
