# Certificates: the operator's own, and those that Traefik gets from a CA.

# What the operator's own are: the first line of each one's file, which has no key.
certificates() {
    for file in "$routes"/.tls-*.yml; do [ ! -f "$file" ] || head -n 1 "$file"; done
}

# Have the live instance order a certificate. After a refusal Traefik orders it again at each of its reloads, and any
# application's deployment is one. So the route that orders is there only while the command waits that wants it, and no
# longer than so many seconds. It is on no disk: a gateway that starts orders nothing.
order() { # application, claim, order, seconds, bytes, host names
    umask 027
    application=$1 claim=$2 order=$3 seconds=$4
    new=$served/next/.order-$order
    received "$new" "$5" || return
    shift 5
    fenced "$application" "$claim" order_with "$order" "$new" "$@" || { code=$?; rm -f "$new"; return "$code"; }
    (
        while [ "$seconds" -gt 0 ] && ordering "$order" && (holds "$application" "$claim"); do
            seconds=$((seconds - 1))
            sleep 1
        done
        no_order "$order"
    ) < /dev/null > /dev/null 2>&1 &
}

# It counts as a failure until it has not failed: its command may be killed.
order_with() { # order, file, host names
    alone
    read -r live < "$served/live" && place=$(at "$live")/routes || return
    order=$1 new=$2
    shift 2
    if ! grep -q " $order " "$state/.orders" 2>/dev/null; then
        for name; do echo "$(date +%s) $order $(ca) $name"; done >> "$state/.orders" || return
    fi
    mv -f "$new" "$place/.order-$order.yml"
}

ordering() { # order
    for place in $(places); do [ ! -e "$place/routes/.order-$1.yml" ] || return 0; done
    return 1
}

no_order() ( # order
    alone
    for place in $(places); do rm -f "$place/routes/.order-$1.yml"; done
)

# Take the route away; and the failure, where it is none. The supervising shell, which is Traefik's user, copies what has
# come.
end_order() { # application, claim, order, failed or not
    no_order "$3"
    [ "$4" = failed ] || fenced "$1" "$2" forget_order "$3"
    echo keep 1<> "$served/control"
}

forget_order() { # order
    alone
    now=$(date +%s)
    awk -v now="$now" -v order="$1" 'now - $1 < 3600 && $2 != order' "$state/.orders" > "$state/.orders.new" &&
        mv -f "$state/.orders.new" "$state/.orders"
}

# The failures of the last hour at this CA, a line each: how many seconds ago, and the host name.
failures() {
    read -r live < "$served/live"
    [ ! -e "$state/.orders" ] || awk -v now="$(date +%s)" -v ca="$(ca)" '
        now - $1 < 3600 && $3 == ca { print now - $1, $4 }
    ' "$state/.orders"
}

# The CA that the live instance asks, as its files are named.
ca() {
    own=$(storage "$live")
    own=${own##*/}
    echo "${own%.*.json}"
}

# The time here: that of whoever asks may be another.
now() {
    date +%s
}

# What Traefik keeps of a CA, account and certificates: a file for each instance, as /…/acme.example.0.json. Traefik
# writes it in place: a file that was cut off is worth nothing. The copy is for whoever may enter the folder, root and
# Traefik's group: root has no capability here to read what is Traefik's alone, and Traefik's user may change.

# Where an instance keeps it; nothing if it asks no CA.
storage() { # instance
    sed -n 's/^--certificatesresolvers.*\.storage=//p' "$(at "$1")/arguments"
}

# Give an instance what the newest whole file of the same CA has, or what was given for it (`bequeath`).
inherit() { # instance, given or nothing
    own=$(storage "$1")
    [ -n "$own" ] || return 0
    family=${own%.*.json}
    [ "${2-}" != given ] || { copied "$family.given.json" "$own" 600 && rm -f "$family.given.json" && return; }
    for file in $(ls -t "$family".[012].json "$family.copy.json" 2>/dev/null); do
        if [ ! -r "$file" ]; then
            continue # of another user: Traefik was root, or is it now
        elif ! has_end "$file"; then
            echo "hitless: ${file##*/} is damaged: another copy of these certificates is used" >&2
        elif [ "$file" = "$own" ]; then
            return
        else
            copied "$file" "$own" 600
            return
        fi
    done
    rm -f "$own"
}

# Take the file of an instance that has ended. That of a CA which the live one does not ask is kept.
disown() { # instance
    { read -r live < "$served/live"; } 2>/dev/null
    left=$(storage "$1") own=$(storage "$live")
    if [ -n "$left" ] && [ "${left%.*.json}" = "${own%.*.json}" ]; then
        rm -f "$left"
    elif [ -n "$left" ] && has_end "$left"; then
        copied "$left" "${left%.*.json}.copy.json" 644 && rm -f "$left"
    fi
}

# Have the instance that begins next take this, and not what the live one has. Traefik's user may write in the folder:
# nothing that is there is followed.
bequeath() { # .gateway, claim, file, bytes
    umask 027
    handed "$1" "$2" "$4" bequeath_with "$3"
}

bequeath_with() { # file, given one
    rm -f "$1.new" && (set -C && cat "$2" > "$1.new") && mv -f "$1.new" "$1"
}

# Keep a copy of what the live instance has.
keep() {
    { read -r live < "$served/live"; } 2>/dev/null && own=$(storage "$live") && [ -n "$own" ] &&
        copied "$own" "${own%.*.json}.copy.json" 644
}

has_end() { # file
    [ "$(tail -c 1 "$1" 2>/dev/null)" = "}" ]
}

# Traefik may write the file at the same time: half of it is no copy.
copied() { # file, copy, mode
    rm -f "$2.new" && cp "$1" "$2.new" 2>/dev/null && has_end "$2.new" && chmod "$3" "$2.new" && persist "$2.new" &&
        mv -f "$2.new" "$2"
}
