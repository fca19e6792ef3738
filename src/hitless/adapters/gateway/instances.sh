# Traefik: its programs, its instances, and what is asked from where they are.

# Which Traefik a program is; nothing where it is not there. A gateway that needs it is written down first, so that
# no other one takes it away. A copy gets the name when all of it is on the disk: it may have been cut short.
program() { # name, gateway, copy or nothing
    mkdir -p "$programs/.used" && echo "$1" >> "$programs/.used/$2" || return
    [ -z "$3" ] || { chmod 755 "$programs/$3" && persist "$programs/$3" && mv -f "$programs/$3" "$programs/$1"; } || return
    [ ! -x "$programs/$1" ] || "$programs/$1" version
}

# Keep the programs that a gateway needs, and those of other gateways; with none, it needs none any more.
keep_programs() { # gateway, names
    used=$programs/.used/$1
    shift
    mkdir -p "$programs/.used" && printf '%s\n' "$@" > "$used" || return
    [ $# -gt 0 ] || rm -f "$used"
    for file in "$programs"/*; do
        [ ! -f "$file" ] || cat "$programs/.used"/* 2>/dev/null | grep -qxF "${file##*/}" || rm -f "$file"
    done
}

# Copies that were cut short, of commands that were killed more than an hour ago.
drop_copies() {
    find "$programs" -maxdepth 1 -name '.*.*' -type f -mmin +60 -exec rm -f {} +
}

# The gateway's own files begin with a dot, which no application's name does.

# What the gateway's container runs: Traefik, on what is whole, and more of it beside it. It is nobody's user: the disk
# is not its to write.
start() { # program, Traefik's arguments
    umask 0 # root has no capability here, and must write beside Traefik's user
    # on a Swarm the memory is a volume, which an engine that was killed may have kept
    rm -rf "$served"/* 2>/dev/null
    mkdir -p "$served/routes" "$served/next" "$served/aside" "$served/held" "$served/1" "$served/2"
    rm -f "$served/control" && mkfifo "$served/control"
    : >> "$served/lock"
    echo 0 > "$served/live"
    umask 022
    alone
    for file in "$routes"/*.yml "$routes"/.[a-z]*.yml "$routes/.copy"/* "$routes/.copy"/.[a-z]*; do
        name=${file##*/}
        name=${name%.yml}.yml
        # a trial's command has ended with the gateway
        if [ ! -f "$file" ] || [ -e "$served/routes/$name" ] || [ "$name" = .trial.yml ]; then
            continue
        elif whole "$file"; then
            cp "$file" "$served/routes/$name"
        else
            echo "hitless: ${file#"$routes/"} is damaged, or was changed by hand: it is not served" >&2
        fi
    done
    exec 6>&-
    (guard &)
    # what was changed since the container was made is written down
    if settled && [ -x "$programs/$(sed -n 3p "$routes/.settled")" ]; then
        sed 1,2d "$routes/.settled" > "$served/arguments"
        sed -n 2p "$routes/.settled" > "$served/settings"
    else
        printf '%s\n' "$@" > "$served/arguments"
    fi
    rm -f "$acme"/*.given.json # for an instance that did not begin
    # without room for a copy they stay
    inherit 0 && own=$(storage 0) && [ -n "$own" ] && rm -f "${own%.*.json}".[12].json
    supervise
}

# Run the instances until the live one ends. The first one is 0, those that replaced it are 1 and 2 by turns.
#
# Docker's first process passes on a signal to all of them (TINI_KILL_PROCESS_GROUP). They end by themselves then.
supervise() {
    trap : TERM INT
    exec 3<>"$served/control"
    (instance 0 3>&-) &
    while :; do
        read -r word number code <&3 || continue
        case $word in
            begin)
                keep
                inherit "$number" "$code"
                (instance "$number" 3>&-) &
                ;;
            keep) keep ;;
            end) kill -s "$code" "$(cat "$(at "$number")/pid")" ;;
            ended)
                { read -r live < "$served/live"; } 2>/dev/null
                [ "$number" != "$live" ] || exit "$code"
                place=$(at "$number")
                disown "$number"
                rm -rf "$place/routes" "$place/aside" "$place/pid"
                ;;
        esac
    done
}

# Run one instance, and tell of its end.
instance() { # instance
    trap : TERM INT
    place=$(at "$1")
    set -- "$1"
    while IFS= read -r word; do set -- "$@" "$word"; done < "$place/arguments"
    number=$1
    program=$programs/$2
    shift 2
    # credentials for a provider of DNS, in a file of their own: arguments can be seen
    case ${1-} in
        env:*)
            while IFS= read -r word; do export "$word"; done < "$routes/${1#env:}"
            shift
            ;;
    esac
    # where routing files lead a raw connection from inside (routing_file.py)
    HITLESS_WEB=$(port_of web "$place") HITLESS_TRAEFIK=$(port_of traefik "$place") "$program" "$@" &
    pid=$!
    echo "$pid" > "$place/pid"
    while wait "$pid"; code=$?; kill -0 "$pid" 2>/dev/null; do :; done # a signal ends the waiting
    echo "ended $number $code" > "$served/control"
}

port_of() { # entry point, place of an instance
    sed -n "s/^--entrypoints\.$1\.address=.*://p" "$2/arguments"
}

# Where an instance has what it reads.
at() { # instance
    if [ "$1" = 0 ]; then echo "$served"; else echo "$served/$1"; fi
}

# Those that there are, a line each, and which is the live one.
instances() {
    live=0
    [ ! -e "$served/live" ] || read -r live < "$served/live"
    echo "live $live"
    for number in 0 1 2; do [ ! -d "$(at "$number")/routes" ] || echo "$number"; done
}

# The settings of the live one; nothing where they are those that the container was made with.
live_settings() {
    live=0
    [ ! -e "$served/live" ] || read -r live < "$served/live"
    cat "$(at "$live")/settings" 2>/dev/null || true
}

# Only who holds the gateway's lock changes instances: a command that was suspended may have lost it since.

# Receive a file, and only then keep others out: whoever sends it may be suspended.
handed() ( # .gateway, claim, bytes, command that takes the file as its last word
    given=$served/next/given.$$
    lock=$1 claim=$2 bytes=$3
    shift 3
    received "$given" "$bytes" && fenced "$lock" "$claim" "$@" "$given"
    code=$?
    rm -f "$given"
    exit "$code"
)

# Start one beside the live one, with the routes that this one has. On standard input come its settings, in one line,
# its program, and its arguments, a line each.
begin_instance() { # .gateway, claim, instance, given or live, bytes
    umask 0
    handed "$1" "$2" "$5" begin_with "$3" "$4"
}

begin_with() { # instance, whose certificates of the CA it has, file
    instance=$1 whose=$2
    set -- "$1" "$3"
    read -r live < "$served/live" && place=$(at "$1") || return
    [ ! -e "$place/routes" ] || { echo "instance $1 is there" >&2; return 1; }
    sed -n 1p "$2" > "$place/settings" && sed 1d "$2" > "$place/arguments" && alone || return
    rm -rf "$place/begun" "$place/aside" # of one that was cut short
    if ! cp -r "$(at "$live")/aside" "$place/aside" || ! cp -r "$(at "$live")/routes" "$place/begun"; then
        rm -rf "$place/begun" "$place/aside" # there is no room: leave it to what is live
        return 1
    fi
    rm -f "$place/begun"/.order-*.yml # of a command that has ended
    mv "$place/begun" "$place/routes" && echo "begin $instance $whose" > "$served/control"
}

end_instance() { # .gateway, claim, instance, signal
    fenced "$1" "$2" tell "end $3 $4"
}

tell() { # line for the shell that looks after them
    echo "$1" > "$served/control"
}

# Give every new connection to one instance, in one instant: nft takes all of this or nothing. A connection that is
# open stays where it is: the rule is for the first packet of each. UDP has no connections: the rules are for each
# packet, but for none that answers one of ours: its port may be that of an entry point, by chance.
#
# QUIC is UDP with connections, so its rule is for the first packet of each, too: the first byte of those that open one
# has the highest bit (RFC 9000, 17.2), and the kernel keeps the others where they are. Which connections are in use is
# seen by their packets: a client that sends none for 20 s waits for no answer (Chrome asks for a sign of life after 15).
#
# What comes after the instance: pairs of TCP ports `80 : 61001`, with commas, those of UDP, those back, those of QUIC,
# and all ports of QUIC.
switch() { # .gateway, claim, instance, …
    fenced "$1" "$2" redirect "$3" "$4" "$5" "$6" "$7" "$8"
}

redirect() { # instance, …
    {
        echo "add table inet hitless; delete table inet hitless"
        [ -z "$2" ] || redirection "tcp flags & (syn | ack) == syn redirect to tcp dport map { $2 }"
        [ -z "$3" ] || packets packets "prerouting priority mangle" "ct direction original udp dport set udp dport map { $3 }"
        [ -z "$4" ] || packets answers "postrouting priority 400" "udp sport set udp sport map { $4 }"
        [ -z "$5" ] || redirection "meta l4proto udp @th,64,1 1 redirect to udp dport map { $5 }"
        [ -z "$6" ] || {
            echo "table inet hitless { set quic { typeof udp dport . ct id; flags dynamic,timeout; timeout 20s; }; }"
            packets used "input priority 0" "udp dport { $6 } update @quic { udp dport . ct id }"
        }
    } | nft -f - && echo "$1" 1<> "$served/live" # without an instant in which it is empty, or has no room
}

redirection() { # rule
    echo "table inet hitless { chain instance { type nat hook prerouting priority dstnat; $1; }; }"
}

packets() { # chain, hook, change
    echo "table inet hitless { chain $1 { type filter hook $2; $3; }; }"
}

# Requests that wait dial ports of the gateway's own address, where nobody listens. From now on these ports lead to
# servers, for every new connection: nft takes all of this or nothing. Without any, nobody is there again, and the
# kernel is asked whether it will take such a rule.
answer() { # application, claim, address, for each port: port, host of the server, its port
    application=$1 claim=$2
    shift 2
    fenced "$application" "$claim" lead "waiting-$application" "$@"
}

lead() { # table, address, for each port: port, host of the server, its port
    table=$1 address=$2 ports=
    shift 2
    [ $# -gt 0 ] || leading "$table" "$(let_in "$address" 65001 "$address" 1)" | nft --check -f - || return
    while [ $# -gt 0 ]; do
        at=$(getent ahostsv4 "$2" | sed -n '1s/ .*//p')
        # one that does not run has no address: its requests wait on, and get 503 in the end
        [ -z "$at" ] || ports="$ports$(let_in "$address" "$1" "$at" "$3")"
        shift 3
    done
    {
        echo "add table ip $table; delete table ip $table"
        [ -z "$ports" ] || leading "$table" "$ports"
    } | nft -f -
}

leading() { # table, rules
    echo "table ip $1 { chain answer { type nat hook output priority -100; $2 }; }"
}

# One after the other: all at once would be more than a small listen backlog takes (Python's http.server has 5), and a
# request with a body would get a reset. Who is not let in yet is refused, as before, and tries again.
let_in() { # address, port, server, its port
    echo "ip daddr $1 tcp dport $2 limit rate 250/second burst 5 packets dnat to $3:$4;"
}

# Keep the page for requests that have waited too long where `httpd` has it: in memory, all of it or the one before.
page() { # application, claim, bytes
    umask 022
    mkdir -p "$served/next/pages" && handed "$1" "$2" "$3" in_place "$served/next/pages/$1.html"
}

in_place() { # file, new one
    mv -f "$2" "$1"
}

# Refuse packets of UDP to these servers: a session that sends one ends at once, with that packet, and its client's next
# one opens another session. The refusal ends by itself: the addresses may soon be those of other containers.
refuse() { # application, claim, addresses
    application=$1 claim=$2
    shift 2
    fenced "$application" "$claim" refuse_packets "refused-$application" "$@"
}

refuse_packets() { # table, addresses
    table=$1
    shift
    {
        echo "add table inet $table; delete table inet $table"
        echo "table inet $table { set of_4 { type ipv4_addr; flags timeout; }; set of_6 { type ipv6_addr; flags timeout; }; }"
        for address in "$@"; do
            case $address in *:*) of=of_6 ;; *) of=of_4 ;; esac
            echo "add element inet $table $of { $address timeout 2s }"
        done
        echo "table inet $table { chain refused { type filter hook output priority 0;"
        echo "ip daddr @of_4 meta l4proto udp reject; ip6 daddr @of_6 meta l4proto udp reject; }; }"
    } | nft -f -
}

# How many QUIC connections are in use at a port.
quic() { # port
    nft list set inet hitless quic | grep -o "[{ ]$1 \. " | wc -l
}

# Let no packet of QUIC reach an instance that leaves.
refuse_quic() { # .gateway, claim, port
    fenced "$1" "$2" nft add rule inet hitless used udp dport "$3" reject
}

# Whether the host's kernel lets us.
can_switch() {
    redirection "tcp dport 1 redirect to :2" | nft --check -f -
}

# Give one instance another version of a routing file: it leaves, and is to end its connections. No delivery changes it
# meanwhile, and the others keep theirs.
give() { # .gateway, claim, instance, file's name without its ending, bytes
    umask 022
    handed "$1" "$2" "$5" replace "$(at "$3")/routes/$4.yml"
}

replace() { # file, if it is there, new one
    [ ! -e "$1" ] || mv -f "$2" "$1"
}

# What the container runs at its next start: its own name, the settings, the program, and the arguments.
settle() { # .gateway, claim, bytes
    umask 027
    handed "$1" "$2" "$3" settle_with
}

settle_with() { # file
    new=$routes/.next/.settled
    mkdir -p "$routes/.next" && cat /proc/sys/kernel/hostname "$1" > "$new" && persist "$new" &&
        mv -f "$new" "$routes/.settled" && persist "$routes"
}

# Whether it is of this container: another one has been made with settings of its own.
settled() {
    [ -e "$routes/.settled" ] && [ "$(sed -n 1p "$routes/.settled")" = "$(cat /proc/sys/kernel/hostname)" ]
}

# The kernel's tables of connections, and of sockets of UDP; a host may have no IPv6.
connections() {
    cat /proc/net/tcp /proc/net/udp
    cat /proc/net/tcp6 /proc/net/udp6 2>/dev/null || true
}

# Have Traefik open a session at a UDP port. The packet is empty: Traefik connects to a server, and sends it nothing.
# Before it come the table of sockets, and the addresses of these hosts, a line each.
knock() { # port, hosts
    port=$1
    shift
    cat /proc/net/udp
    cat /proc/net/udp6 2>/dev/null || true
    for host in "$@"; do echo "$host $(getent ahosts "$host" | sed 's/ .*//' | sort -u | tr '\n' ' ')"; done
    perl -MSocket -e 'socket S, PF_INET, SOCK_DGRAM, 0 and defined send S, "", 0,
        pack_sockaddr_in shift, INADDR_LOOPBACK or die $!' "$port"
}

# How many bytes the processes have here, and the files that are in memory alone; nothing where the kernel does not
# tell. Its own total has files in it that it gives back first.
memory() {
    group=$root/sys/fs/cgroup # version 2 of them, or else 1
    summed "anon|shmem" "$group/memory.stat" || summed "total_rss|total_shmem" "$group/memory/memory.stat" || true
}

summed() { # names, file
    awk "/^($1) / { sum += \$2 } END { if (sum) printf \"%.0f\", sum; else exit 1 }" "$2" 2>/dev/null
}

# One request, and the raw answer. A pipe that is also open for writing never ends: nc would half-close the connection
# at the end of its input, and servers may think that the client has gone. BusyBox's nc has no limit of its own once it
# is connected.
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
