# The routing files: on the disk, and in memory where Traefik reads them.

# On the disk first, then in memory: what is in force survives any failure. It waits for the input before it keeps
# others out, because the sender may be suspended.
deliver() { # application, claim, bytes
    place "$1" "$2" "$1" "$3"
}

place() { # lock, claim, file's name, bytes
    umask 027 # password hashes are in it: for root, and for the gateway's group
    mkdir -p "$routes/.next" "$routes/.copy" && arrived "$1" "$2" "$routes/.next/$3" "$4" &&
        alone && fenced "$1" "$2" set_in_force "$3"
}

# The same for one of the gateway's own files, which have no lock.
provide() { # name, bytes
    umask 027
    mkdir -p "$routes/.next" "$routes/.copy" && received "$routes/.next/$1.$$" "$2" && alone && set_in_force "$1"
}

# One of the gateway's own files, "" if it does not exist or is not whole.
own() { # name
    if whole "$routes/$1.yml"; then cat "$routes/$1.yml"; fi
}

retract() { # name
    alone && taken_away "$1"
}

# Everything that needs room is written before the first rename: a delivery that fails has changed nothing.
#
# The second copy: if the disk loses one of the two, the other is there at the next start. Nothing waits for it: a
# power cut that removes it leaves the first. Traefik must not read its name: a gateway that an older hitless has made
# reads the disk. No application's name begins like that of an unfinished file.
#
# What Traefik reads is first written in a folder beside the one that it watches. Within that, it would cause a reload
# of what is there already, and the throttle after that reload would delay ours by a tenth of a second (measured,
# docs/decisions/0011-delivery.md). A gateway that an older hitless has made has no such folder: it watches the disk.
set_in_force() { # file's name without its ending
    on_the_disk "$1" && in_memory "$1"
}

on_the_disk() { # file's name without its ending
    new=$routes/.next/$1.$$
    copy=$routes/.next/_copy.$1
    shown=$served/next/$1.staged # and the same for each instance
    number=0
    for place in $(places); do number=$((number + 1)); done
    cp "$new" "$copy" || number=-1
    while [ "$number" -gt 0 ] && number=$((number - 1)); do cp "$new" "$shown.$number" || number=-1; done
    if [ "$number" -lt 0 ]; then
        rm -f "$new" "$copy" "$shown".*
        return 1
    fi
    mv -f "$new" "$routes/$1.yml" && persist "$routes"
}

in_memory() { # file's name without its ending
    number=0
    for place in $(places); do
        mv -f "$served/next/$1.staged.$number" "$place/routes/$1.yml" && rm -f "$place/aside/$1.yml" || return
        number=$((number + 1))
    done
    mv -f "$routes/.next/_copy.$1" "$routes/.copy/$1"
}

# The same in two lines, for several gateways: the second one is the instant, when the first has ended in all of them.
stage() { # application, claim, bytes
    umask 027
    mkdir -p "$routes/.next" "$routes/.copy" && arrived "$1" "$2" "$routes/.next/$1" "$3" &&
        alone && fenced "$1" "$2" on_the_disk "$1"
}

show() { # application, claim
    alone && fenced "$1" "$2" in_memory "$1"
}

# Where another gateway could not be given the file: have on the disk again what is in force.
unstage() { # application, claim
    umask 027
    alone && fenced "$1" "$2" as_in_memory "$1"
}

as_in_memory() { # file's name without its ending
    rm -f "$served/next/$1.staged".*
    [ -e "$served/routes/$1.yml" ] || { taken_away "$1"; return; }
    cp "$served/routes/$1.yml" "$routes/.next/$1.$$" && mv -f "$routes/.next/$1.$$" "$routes/$1.yml" && persist "$routes"
}

withdraw() { # application, claim
    displace "$1" "$2" "$1"
}

displace() { # lock, claim, file's name
    alone && fenced "$1" "$2" taken_away "$3"
}

# The copy goes first: a file that is gone while its copy exists was not removed by us.
taken_away() { # application
    rm -f "$routes/.copy/$1" && { [ ! -d "$routes/.copy" ] || persist "$routes/.copy"; }
    rm -f "$routes/$1.yml" && { [ ! -d "$routes" ] || persist "$routes"; }
    for place in $(places); do rm -f "$place/routes/$1.yml" "$place/aside/$1.yml"; done
}

# Alone with what is in memory: deliveries and the gateway's own start exclude each other.
alone() {
    [ ! -d "$served/next" ] || { exec 6>>"$served/lock" && flock 6; }
}

# The places of those that there are. A gateway that an older hitless has made has the first one, or none.
places() {
    for place in "$served" "$served/1" "$served/2"; do [ ! -d "$place/routes" ] || echo "$place"; done
}

# Whether a file is as hitless wrote it: its first line has the digest of all that comes after it.
whole() { # file
    [ -s "$1" ] || return 1
    [ "$(head -c 74 "$1")" != "# hitless $(tail -c +76 "$1" | sha256sum | cut -c -64)" ] || return 0
    # the form of older ones: of the lines from the second on, before they were made safe for Traefik's templates
    [ "$(head -c 37 "$1")" = "# hitless {\"digest\":\"$(
        sed -e 1d -e 's/{{"{{"}}/{{/g' "$1" | sha256sum | cut -c -16
    )" ]
}

# Whether a file that can be served, or its copy, exists.
has() { # file's name without its ending
    if whole "$routes/$1.yml" || whole "$routes/.copy/$1"; then echo yes; else echo no; fi
}

# Restore on the disk what is damaged or gone there, if its copy is whole. Says what.
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

# The copies of routing files that are damaged or gone, as an archive.
copies() { # files' names
    cd "$routes/.copy" 2>/dev/null || return 0
    for name; do
        shift
        [ ! -e "${name%.yml}" ] || set -- "$@" "${name%.yml}"
    done
    [ $# -eq 0 ] || tar cf - "$@"
}

# Traefik takes all files or none. One that it refuses (an older version may) must not keep out all others. Then it
# gets them one by one, and that one is set aside.
guard() {
    # it reads its files at once; on a busy host it gets this much time
    within 300 api ping && ! within 50 routing || return 0
    alone
    for file in "$served"/routes/.config-*.yml "$served"/routes/*.yml; do
        [ ! -e "$file" ] || mv "$file" "$served/held/"
    done
    # first what routes refer to
    for file in "$served"/held/.config-*.yml "$served"/held/*.yml; do
        [ -e "$file" ] || continue
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

# Whether Traefik has taken the file of an application, or of the operator's own middlewares.
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
