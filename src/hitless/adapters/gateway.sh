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
    # without what is on its way, which begins with a dot
    for file in "$routes"/* "$kept"/*; do
        [ ! -f "$file" ] || set -- "$@" "${file#"$root/"}"
    done
    [ $# -eq 0 ] || { cd "$root/" && tar cf - "$@"; }
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
    while IFS= read -r line; do printf '%s\n' "$line" >> "$journal"; done 2>/dev/null
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
put() { # new file, place, bytes
    head -c "$3" | cat > "$1" && [ "$(wc -c < "$1")" -eq "$3" ] && mv -f "$1" "$2"
}

record() { # application, release, bytes
    umask 077
    mkdir -p "$state/$1/releases" && put "$state/$1/releases/.next" "$state/$1/releases/$2.json" "$3"
}

forget() { # application, releases
    for release in $2; do rm -f "$state/$1/releases/$release.json"; done
}

# The new file is written in a folder below the one that Traefik watches: beside its place it would set off a
# reload of what is there already, and the throttle after that one would hold up ours by a tenth of a second
# (measured, docs/decisions/0011-delivery.md).
deliver() { # application, bytes
    # a delivery that was interrupted may be under way in another shell: it finds no file to put in place
    mkdir -p "$routes/.next" && rm -f "$routes/.next/$1".* && put "$routes/.next/$1.$$" "$routes/$1.yml" "$2"
}

withdraw() { # application
    rm -f "$routes/$1.yml"
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
