# Who is told what commands have done: a file for each receiver, with addresses and tokens, which are secrets.
receivers=$state/.receivers

keep_receiver() { # name, bytes
    umask 077
    mkdir -p "$receivers" && received "$receivers/.next.$$" "$2" && mv -f "$receivers/.next.$$" "$receivers/$1.json" &&
        persist "$receivers"
    code=$?
    [ "$code" -eq 0 ] || rm -f "$receivers/.next.$$"
    return "$code"
}

forget_receiver() { # name
    rm -f "$receivers/$1.json"
}

receivers() {
    cd "$receivers" 2>/dev/null || return 0
    set -- [a-z0-9]*.json
    [ ! -e "$1" ] || tar cf - "$@"
}

# Of what several commands may tell, the names of what nobody has claimed: mkdir says it to one alone. They are of a
# week at most.
claim() { # ids
    umask 077
    mkdir -p "$receivers/.told" || return
    find "$receivers/.told" -mindepth 1 -mtime +6 -exec rmdir {} + 2>/dev/null
    for id; do
        if mkdir "$receivers/.told/$id" 2>/dev/null; then echo "$id"; else [ -d "$receivers/.told/$id" ] || return 1; fi
    done
}
