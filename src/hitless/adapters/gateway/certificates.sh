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
    for name; do echo "$(date +%s) $order $name"; done >> "$state/.orders" && mv -f "$new" "$place/.order-$order.yml"
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

# The failures of the last hour, a line each: how many seconds ago, and the host name.
failures() {
    [ ! -e "$state/.orders" ] || awk -v now="$(date +%s)" 'now - $1 < 3600 { print now - $1, $3 }' "$state/.orders"
}

# What Traefik keeps of a CA, account and certificates: a file for each instance, as /…/acme.example.0.json. Traefik
# writes it in place: a file that was cut off is worth nothing. The copy is readable for root, which has no capability
# here to read what is Traefik's alone.

# Where an instance keeps it; nothing if it asks no CA.
storage() { # instance
    sed -n 's/^--certificatesresolvers.*\.storage=//p' "$(at "$1")/arguments"
}

# Give an instance what the newest whole file of the same CA has.
inherit() { # instance
    own=$(storage "$1")
    [ -n "$own" ] || return 0
    family=${own%.*.json}
    for file in $(ls -t "$family".*.json 2>/dev/null); do
        if ! has_end "$file"; then
            echo "hitless: ${file##*/} is damaged: another copy of these certificates is used" >&2
        elif [ "$file" = "$own" ]; then
            return
        else
            copied "$file" "$own" 600 && rm -f "$family.given.json"
            return
        fi
    done
    rm -f "$own"
}

# Have the instance that begins next take this, and not what the live one has.
bequeath() { # file, bytes
    umask 027
    received "$1.new" "$2" && mv -f "$1.new" "$1"
}

# Keep a copy of what the live instance has.
keep() {
    { read -r live < "$served/live"; } 2>/dev/null && own=$(storage "$live") && [ -n "$own" ] && has_end "$own" &&
        copied "$own" "${own%.*.json}.copy.json" 640
}

has_end() { # file
    [ "$(tail -c 1 "$1" 2>/dev/null)" = "}" ]
}

copied() { # file, copy, mode
    cp "$1" "$2.new" && chmod "$3" "$2.new" && persist "$2.new" && mv -f "$2.new" "$2"
}
