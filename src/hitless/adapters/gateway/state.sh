# All that hitless does in the gateway's container, in any POSIX shell: `sh -c <this text> sh <function> …`.
# An application's name is a name that Compose accepts: nothing in it means anything to a shell or in a path.
root=
routes=$root/etc/hitless/routes # each application's routing file, and a copy of it: on the disk, root writes it
served=$root/run/hitless        # what Traefik reads: in memory, each start copies the files that are whole
state=$root/var/lib/hitless
acme=$root/etc/hitless/acme   # account and certificates of a CA: Traefik writes it
programs=$root/opt/traefik # Traefik itself: a program for each image, shared by all gateways of the host

# Run what comes on standard input, line by line. A line is run only if it begins with the token, which no rest in
# the pipe can know, and only if it is whole: the last line of a killed hitless is not. The token ends what a line
# writes, and the exit code is beside it.
serve() { # token
    while IFS= read -r line; do
        case $line in "$1 "*) ;; *) exit 1 ;; esac
        (eval "${line#* }")
        printf '\n%s %s\n' "$1" "$?"
        printf '\n%s\n' "$1" >&2
    done
}

# Who has the lock: the process that wrote the holder's file, as long as it runs with the lock open. `left` is a lock
# whose hitless has ended, and which a Docker command that it began still holds.
held() { # application
    { read -r pid && read -r name; } 2>/dev/null < "$state/$1/holder" || return 1
    [ "$(readlink "/proc/$pid/fd/9" 2>/dev/null)" = "$state/$1/lock" ] || return 1
    how=held
    { read -r left; } 2>/dev/null < "$state/$1/left" && [ "$left" = "$pid" ] && how=left
    now=$(date +%s)
    echo "$how $((now - $(stat -c %Y "$state/$1/holder"))) $((now - $(stat -c %Y "$state/$1/journal"))) $name"
}

# When a process began, in the kernel's ticks since its boot: together with its number it names only this process.
began() { # process
    read -r line 2>/dev/null < "/proc/$1/stat" && set -- $line && echo "${22}"
}

# Whether the lock is still what its process said: its process runs, is the same one, and has the lock open.
holds() { # application, claim
    [ "$(readlink "/proc/${2%.*}/fd/9" 2>/dev/null)" = "$state/$1/lock" ] &&
        [ "$(began "${2%.*}")" = "${2#*.}" ] && return
    echo "the lock of $1 is no longer held" >&2
    exit 76
}

# Do something that only the holder of the lock may do. No other command gets the lock in that time: a command that
# was suspended, and continues after it has lost its lock, changes nothing that another one has made.
fenced() ( # application, claim, command
    [ ! -d "$state/$1" ] || { exec 7<"$state/$1" && flock 7; } || exit 1
    holds "$1" "$2" && shift 2 && "$@"
)

# The events that say how each command went: its beginning, the last step that began, its end. Between them is what
# jobs and hooks have written, which may be any number of bytes.
turns() {
    awk '
        function flush() { if (step != "") print step; step = "" }
        /^[{]"time": "[^"]*", "event": "step_began"/ { step = $0 }
        /^[{]"time": "[^"]*", "event": "(began|ended)"/ { flush(); print }
        END { flush() }
    '
}

# All that is kept, as an archive; what is said about it goes to standard error.
look() { # application or -, lines of the journal
    {
        df -Pk "$state" | tail -n 1
        for file in "$routes/.copy"/*; do
            name=${file##*/}
            [ ! -e "$file" ] || [ -e "$routes/$name.yml" ] || echo "gone $name.yml"
        done
        for file in $(places | sed 's|$|/aside/*|'); do [ ! -e "$file" ] || echo "aside ${file##*/}"; done
        if [ -e "$state/$1/journal" ]; then
            echo "quiet $(($(date +%s) - $(stat -c %Y "$state/$1/journal")))"
            held "$1"
            echo journal
            # what was begun last may be in the file before, which the same command has just put aside
            cat "$state/$1/journal.1" "$state/$1/journal" 2>/dev/null | turns | tail -n "$2"
        fi
    } >&2
    kept=$state/$1/releases
    set --
    # unfinished files, and the gateway's own, begin with a dot; of these, it is those with middlewares alone
    for file in "$routes"/* "$routes"/.config-*.yml "$kept"/*; do
        [ ! -f "$file" ] || set -- "$@" "${file#"$root/"}"
    done
    [ $# -eq 0 ] || { cd "$root/" && tar cf - "$@"; }
}

# The lock is the kernel's, held by the process that writes the journal. It goes when that process ends, and that
# ends with its standard input: when hitless has ended, in whatever way, and the commands that it began
# (adapters/gateway/lifeline.py). A line that is no event says that hitless itself has ended. The next command then
# waits for those commands. A line that can't be written, on a full disk, is no reason to end.
lock() { # application or .gateway, holder, wait or now
    umask 077
    mkdir -p "$state/$1" "$state/.gateway" || exit 1
    exec 9>>"$state/$1/lock"
    enter "$1" "$3"
    if ! is_free 9; then
        leave_gate
        how=held
        held "$1" || echo "held 0 0 $beginner"
        [ "$3$how" != nowheld ] || exit 75
        flock 9 || exit 71
        enter "$1" "$3"
    fi
    # now what was begun for the command before is over
    (exec 7<"$state/$1" && flock 7)
    journal=$state/$1/journal
    [ "$(stat -c %s "$journal" 2>/dev/null || echo 0)" -gt 1000000 ] && mv -f "$journal" "$journal.1"
    { printf '%s\n' "$$" "$2" > "$state/$1/holder"; echo >> "$journal"; } 2>/dev/null
    leave_gate
    echo "locked $$.$(began $$)"
    while IFS= read -r line; do
        case $line in
            left) echo $$ > "$state/$1/left" ;;
            # only a sign of life
            '') echo >> "$journal" ;;
            # nobody waits for the disk here
            *) printf '%s\n' "$line" >> "$journal" && sync "$journal" ;;
        esac
    done 2>/dev/null
}

# A command that restarts the gateway takes the lock of an application that does not exist: .gateway. All others hold
# that lock, together, while they take theirs: so nobody begins between the look at their locks and the container's end.
beginner="a command that has just begun"

enter() { # application or .gateway, wait or now
    [ "$1" != .gateway ] || return 0
    exec 5>>"$state/.gateway/lock"
    is_free 5 && return
    how=held
    held .gateway || echo "held 0 0 $beginner"
    [ "$2$how" != nowheld ] || exit 75
    flock -s 5 || exit 71
}

# Take a lock at once; 1 if another one has it. BusyBox's flock ends with 1 whatever is wrong, that of util-linux with
# 1 only for this (flock(1)); about everything else both write something.
is_free() { # file descriptor: 9 is for one, 5 for many
    said=$(if [ "$1" = 5 ]; then flock -s -n 5; else flock -n 9; fi 2>&1)
    code=$?
    [ "$code" -ne 0 ] || return 0
    [ "$code$said" != 1 ] || return 1
    echo "flock can't take the lock: ${said:-exit code $code}" >&2
    exit 71 # sysexits.h EX_OSERR
}

leave_gate() {
    exec 5>&-
}

# Who works on which application, without one of them: line by line.
busy() { # application or -
    for lock in "$state"/[a-z0-9]*/lock; do
        name=${lock%/lock}
        name=${name##*/}
        if [ ! -e "$lock" ] || [ "$name" = "$1" ]; then continue; fi
        (exec 9<"$lock" && is_free 9) && continue
        printf '%s ' "$name"
        held "$name" || echo "held 0 0 $beginner"
    done
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

# Wait until it is on the disk and survives a power cut: a file, or a folder with the names in it.
persist() { # file or folder
    sync "$1" 2>/dev/null || sync
}

# The rename is the one instant (measured). The length is checked, because an early end of input would put half of it
# in place. cat writes it: about a full disk BusyBox's head says only "I/O error". Without the two syncs a power cut
# leaves a file of that name that is empty or full of NULs.
put() { # application, claim, new file, place, bytes
    arrived "$1" "$2" "$3" "$5" && fenced "$1" "$2" mv -f "$3.$$" "$4" && persist "${4%/*}"
}

arrived() { # application, claim, new file, bytes
    # an interrupted one may still run in another shell: it finds no file to put in place
    fenced "$1" "$2" rm -f "$3".* && received "$3.$$" "$4"
}

received() { # file, bytes
    head -c "$2" | cat > "$1" && [ "$(wc -c < "$1")" -eq "$2" ] && persist "$1"
}

record() { # application, claim, release, bytes
    umask 077
    kept=$state/$1/releases
    mkdir -p "$kept" && put "$1" "$2" "$kept/.next" "$kept/$3.json" "$4"
}

forget() { # application, claim, releases
    for release in $3; do fenced "$1" "$2" rm -f "$state/$1/releases/$release.json" || return; done
}

# What containers wrote before they were removed: a file for each. The rest of a disk that is nearly full is for what
# hitless needs. Half a file is of no use, also not its place.
keep_log() { # application, claim, release.container, bytes
    umask 077
    logs=$state/$1/logs
    mkdir -p "$logs" && [ "$(df -Pk "$state" | awk 'END { print $4 }')" -gt 100000 ] &&
        put "$1" "$2" "$logs/.next" "$logs/$3" "$4" && fenced "$1" "$2" bound "$logs"
    code=$?
    [ "$code" -eq 0 ] || rm -f "$logs/.next.$$"
    return "$code"
}

# At most 16 MB for each application, the oldest first out, and nowhere anything of more than 30 days.
bound() { # folder
    find "$state"/[a-z0-9]*/logs -type f -mtime +29 -exec rm -f {} +
    ls -ltn "$1" | awk 'NF > 8 { all += $5; if (all > 16000000) print $NF }' |
        while read -r log; do rm -f "$1/$log"; done
}

kept_logs() { # application
    [ ! -d "$state/$1/logs" ] || ls "$state/$1/logs"
}

logs_of() { # application, release
    cd "$state/$1/logs" 2>/dev/null || return 0
    set -- "$2".*
    [ ! -e "$1" ] || tar cf - "$@"
}

# What `hitless doctor` asks, of all applications at once. It takes no lock: to try one would keep a command from it
# that begins just then.
overview() {
    date +%s.%N
    df -Pk "$state" | tail -n 1
    df -Pi "$state" | tail -n 1 | sed 's/^/inodes /'
    du -sk "$state" | sed 's/^/state /'
    # by the clock of a day: what was begun a moment ago is still at work
    find "$programs" -maxdepth 1 -name '.*.*' -type f -mmin +60 -exec stat -c 'copy %s %n' {} +
    old_logs -exec stat -c 'log %s' {} +
    for folder in "$state/.gateway" "$state"/[a-z0-9]*; do
        [ -d "$folder" ] || continue
        echo "of ${folder##*/}"
        held "${folder##*/}"
        for file in "$folder/releases"/[0-9]*.json; do
            [ ! -e "$file" ] || echo "kept ${file##*/}"
        done
        if [ -e "$folder/journal" ] && [ "$folder" != "$state/.gateway" ]; then
            echo "quiet $(($(date +%s) - $(stat -c %Y "$folder/journal")))"
            tail -c 2000000 "$folder/journal" | turns | tail -n 3
        fi
    done
}

# Those that are older than they are kept (`bound`).
old_logs() { # words for find
    for folder in "$state"/[a-z0-9]*/logs; do
        [ ! -d "$folder" ] || find "$folder" -type f -mtime +29 "$@"
    done
}

drop_old_logs() { # .gateway, claim
    fenced "$1" "$2" old_logs -exec rm -f {} +
}

# The applications of which something is written down here: of each a line.
applications() {
    for folder in "$state"/[a-z0-9]*; do [ ! -d "$folder" ] || echo "${folder##*/}"; done
}
